// Grids of cells: an array of any number of axes drawn as planes of rows and columns. The last axis runs along the rows, the one
// before down the columns; all others, channels among them, number the planes.
//
// One array is one stop of the Tab key; the arrow keys walk its cells (grid.js), each of which says what it is.
import { h } from "./dom.js";

const TITLE = 20;

/** All indices of an array, axis `a` running from `from[a]` to below `to[a]`; the last one fastest. */
export function indices(from, to) {
  return from.reduce((all, low, axis) => all.flatMap((index) => range(low, to[axis]).map((at) => [...index, at])), [[]]);
}

export const range = (low, high) => Array.from({ length: Math.max(0, high - low) }, (_, at) => low + at);

/** A block of cells.
 *
 * name    what cells are called in `data-key`: "name:0.2.1"
 * label   the array's name for screen readers, `title` the one above it (or null)
 * from, to   the indices along each axis, as of `indices`
 * side    the size of a cell in pixels
 * cell(index)  {kind, text, label, edit, mark}: kind is a class of figure.css; `edit` the field that its number belongs to; `mark`
 *              a small sign in its corner
 * planeTitle(index of plane)  what stands above a plane, or null
 * view    the scene's; `width` the most that may be used
 * across  how many planes stand beside each other; as many as fit unless it says otherwise
 * columnAt(column)  where a column stands, counted in cells from the left; side by side unless it says otherwise
 */
export function cells({ name, label, title = null, from, to, side, cell, planeTitle = () => null, view, width = view.width - 12, across: wanted = null, columnAt = (column) => column - from.at(-1) }) {
  const inner = Math.min(2, from.length - 1);
  const cut = from.length - inner;
  const planes = indices(from.slice(0, cut), to.slice(0, cut));
  const [rows, columns] = inner === 1 ? [[null], range(from.at(-1), to.at(-1))] : [range(from.at(-2), to.at(-2)), range(from.at(-1), to.at(-1))];
  const titled = planes.some((plane) => planeTitle(plane) !== null);
  const head = title === null ? 0 : TITLE;
  const box = { w: columns.length ? (columnAt(columns.at(-1)) + 1) * side : 0, h: rows.length * side + (titled ? TITLE : 0) };
  const titles = Math.max(0, ...planes.map((plane) => (planeTitle(plane) ?? "").length * 6.4));
  const gap = inner === 1 ? 6 : Math.max(14, titles + 8 - box.w);
  const fitting = Math.max(1, Math.min(planes.length, Math.floor((width + gap) / (box.w + gap))));
  const across = inner === 1 ? 1 : Math.min(fitting, wanted ?? fitting);
  const corner = (at) => ({ x: (at % across) * (box.w + gap), y: head + Math.floor(at / across) * (box.h + gap) + (titled ? TITLE : 0) });
  const down = Math.ceil(planes.length / across);
  const place = (index) => {
    const plane = planes.findIndex((each) => each.every((at, axis) => at === index[axis]));
    const { x, y } = corner(plane);
    const row = inner === 1 ? 0 : index.at(-2) - from.at(-2);
    return { x: x + columnAt(index.at(-1)) * side, y: y + row * side };
  };
  const block = { name, w: Math.max(across * (box.w + gap) - gap, title === null ? 0 : title.length * 7.2), h: head + down * (box.h + gap) - gap, side, place };
  block.draw = (left, top) => {
    const whole = planes.flatMap((plane) => rows.map((row) => (row === null ? plane : [...plane, row])));
    const first = [...whole[0] ?? [], columns[0]].join(".");
    const one = (index, line, column) => drawn({ name, index, at: place(index), left, top, side, spec: cell(index), line, column, view, first });
    return [
      title === null ? null : h("text", { key: "title", class: "title", x: left, y: top + 13, "aria-hidden": "true" }, title),
      planes.map((plane, at) => planeText(planeTitle(plane), corner(at), left, top, at)),
      h(
        "g",
        { key: "grid", role: "grid", "aria-label": label, "data-grid": name },
        whole.map((row, line) => h("g", { key: row.join("."), role: "row" }, columns.map((column, at) => one([...row, column], line, at)))),
      ),
    ];
  };
  return block;
}

const planeText = (text, { x, y }, left, top, at) =>
  text === null ? null : h("text", { key: `plane ${at}`, class: "plane", x: left + x, y: top + y - 6, "aria-hidden": "true" }, text);

/** One cell. */
function drawn({ name, index, at, left, top, side, spec, line, column, view, first }) {
  const key = `${name}:${index.join(".")}`;
  const text = spec.text ?? "";
  const size = Math.min(side * 0.44, (side * 1.5) / Math.max(2, String(text).length));
  const tab = (view.tabbable(name) ?? `${name}:${first}`) === key ? 0 : -1;
  return h(
    "g",
    {
      ...{ key, class: `cell ${spec.kind}`, role: "gridcell", tabindex: tab, "aria-label": spec.label, "data-key": key },
      ...{ "data-line": line, "data-column": column, "data-value": spec.value ?? null },
      ...(spec.edit ? { "data-edit": spec.edit, "data-index": index.join(".") } : {}),
      transform: `translate(${left + at.x} ${top + at.y})`,
    },
    h("rect", { x: 1, y: 1, width: side - 2, height: side - 2, rx: 3 }),
    spec.crossed ? h("path", { class: "cross", d: `M4 4L${side - 4} ${side - 4}M${side - 4} 4L4 ${side - 4}` }) : null,
    text === "" ? null : h("text", { class: "value", x: side / 2, y: side / 2, "font-size": size }, text),
    spec.mark ? h("text", { class: "mark", x: side - 4, y: 10 }, spec.mark) : null,
  );
}

/** A frame around the cells of one plane from index `low` to index `high`, both in it; for overlays. */
export function frame(found, low, high, kind = "frame") {
  if (found === null) return null;
  const { block, x, y } = found;
  const a = block.place(low);
  const b = block.place(high);
  const box = { x: x + a.x, y: y + a.y, width: b.x - a.x + block.side, height: b.y - a.y + block.side };
  return h("rect", { key: `${kind} ${low}`, class: kind, ...box, rx: 4 });
}
