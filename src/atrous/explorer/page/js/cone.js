// The cone of a unit: a stack along one axis, drawn level above level with the input at the bottom, each unit above the middle of
// what it sees, and lines from the unit that is looked at down to every input that it reads.
import { h } from "./dom.js";
import { layerInputs, cone as coneOf, middle } from "./stack_geometry.js";

const ROW = 46;
const LARGEST = 20;
const MARGIN = 128;

/** How much of the input is drawn: all of it where it is short, otherwise what the unit sees and some around. */
function shownInputs(seen, size, room) {
  const most = Math.max(24, Math.floor(room / 3.2));
  const places = [...seen.inside, ...seen.beyond];
  const low = Math.min(0, ...seen.beyond, size <= most ? 0 : Infinity);
  const high = Math.max(...seen.beyond, size <= most ? size - 1 : -Infinity, size - 1);
  if (high - low + 1 <= most) return { low, high };
  const [first, last] = places.length ? [Math.min(...places), Math.max(...places)] : [0, most - 1];
  const spare = Math.max(2, Math.floor((most - (last - first + 1)) / 2));
  return { low: Math.max(low, first - spare), high: Math.min(high, last + spare) };
}

/** The block of a cone for drawing().
 *
 * layers, sizes   as of stack_geometry.js
 * level, unit     what is looked at
 * name            what its units are called in `data-key`: "name:level.unit"
 * names           what each level is called
 * never           the inputs that nothing sees, as a set
 * high            the height of a level
 */
export function coneBlock({ layers, sizes, level, unit, name, names, never = new Set(), view, high: tall = ROW }) {
  const levels = coneOf(layers, sizes, level, unit);
  const beside = view.width >= 560;
  const left = beside ? MARGIN : 0;
  const width = view.width - 12 - left;
  const { low, high } = shownInputs(levels[0], sizes[0], width);
  const scale = width / (high - low + 1);
  const row = tall + (beside ? 0 : 14);
  const top = (at) => (sizes.length - 1 - at) * row + (beside ? 0 : 14);
  const lines = sizes.map((_, at) => middle(layers.slice(0, at)));
  const centre = (at, each) => left + (lines[at][0] * each + lines[at][1] - low + 0.5) * scale;
  const side = (at) => Math.max(2, Math.min(LARGEST, lines[at][0] * scale * 0.86));
  const draw = (x, y) => [
    h("path", { key: "beams", class: "beams", d: beams(layers, levels, centre, (at) => top(at) + tall / 2, x, y), "aria-hidden": "true" }),
    names.slice(0, sizes.length).map((_, at) => h("text", { key: `name ${at}`, class: "note halo", x, y: y + top(at) + (beside ? tall / 2 + 4 : 0), "aria-hidden": "true" }, names[at])),
    h(
      "g",
      { key: "grid", role: "grid", "aria-label": "Units of every layer, the input at the bottom", "data-grid": name },
      [...sizes.keys()].reverse().map((at, line) => {
        const units = drawnUnits({ at, sizes, levels, centre, from: left - 1, to: left + width + 1, level, unit });
        return h("g", { key: at, role: "row" }, units.map((each) => cell({ each, at, line, name, names, sizes, levels, level, unit, never, view, place: { x: x + centre(at, each), y: y + top(at) + tall / 2, side: side(at) } })));
      }),
    ),
  ];
  return { name, w: left + width, h: sizes.length * row, draw };
}

/** The units of a level whose place is in view, those on padding that are read included. */
function drawnUnits({ at, sizes, levels, centre, from, to }) {
  const inside = Array.from({ length: sizes[at] }, (_, each) => each);
  const padding = levels[at]?.beyond ?? [];
  return [...inside, ...padding].filter((each) => centre(at, each) >= from && centre(at, each) <= to).sort((a, b) => a - b);
}

function cell({ each, at, line, name, names, sizes, levels, level, unit, never, view, place }) {
  const key = `${name}:${at}.${each}`;
  const on = each >= 0 && each < sizes[at];
  const looked = at === level && each === unit;
  const read = levels[at]?.inside.includes(each);
  const kind = looked ? "current" : !on ? "readpad" : read ? "read" : at === 0 ? (never.has(each) ? "unread" : "signal") : "output";
  const tabbed = (view.tabbable(name) ?? `${name}:${level}.${unit}`) === key;
  const { x, y, side } = place;
  const said = `${names[at]}, ${on ? `unit ${each}` : `padding ${each}`}${looked ? ", looked at" : read ? ", seen" : never.has(each) && at === 0 ? ", never seen" : ""}`;
  return h(
    "g",
    { key, class: `cell unit ${kind}`, role: "gridcell", tabindex: tabbed ? 0 : -1, "aria-label": said, "data-key": on ? key : null, "data-line": line, "data-column": each, transform: `translate(${x} ${y})` },
    h("rect", { class: "touch", x: -Math.max(side, 4) / 2, y: -16, width: Math.max(side, 4), height: 32 }),
    h("rect", { x: -side / 2, y: -Math.max(side, 7) / 2, width: side, height: Math.max(side, 7), rx: Math.min(3, side / 4) }),
  );
}

/** Lines from each unit of the cone to the places that it reads. */
function beams(layers, levels, centre, middleOf, x, y) {
  const parts = [];
  levels.forEach(({ inside }, at) => {
    if (at === 0) return;
    for (const each of inside)
      for (const read of layerInputs(layers[at - 1], each))
        parts.push(`M${(x + centre(at, each)).toFixed(1)} ${y + middleOf(at)}L${(x + centre(at - 1, read)).toFixed(1)} ${y + middleOf(at - 1)}`);
  });
  return parts.join("");
}

/** What is looked at: the unit of a `data-key`, or the middle one of the last level. */
export function lookedAt(pointed, name, sizes) {
  const found = pointed?.startsWith(`${name}:`) ? pointed.slice(name.length + 1).split(".").map(Number) : null;
  if (found && found[0] < sizes.length && found[1] >= 0 && found[1] < sizes[found[0]]) return { level: found[0], unit: found[1] };
  return { level: sizes.length - 1, unit: Math.floor((sizes.at(-1) - 1) / 2) };
}

/** What a unit sees, in words. */
export function coneWords(layers, sizes, { level, unit }, names) {
  if (level === 0) return `Input ${unit} is what it is: it sees itself.`;
  const { inside, beyond } = coneOf(layers, sizes, level, unit)[0];
  const all = [...inside, ...beyond];
  const where = `Unit ${unit} of ${names[level]}`;
  if (all.length === 0) return `${where} sees no input at all: what it reads is padding.`;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low + 1;
  const holes = span - all.length ? ` ${span - all.length} of the ${span} in between are holes.` : "";
  const padded = beyond.length ? ` ${beyond.length} of them ${beyond.length === 1 ? "is" : "are"} padding.` : "";
  return `${where} sees ${all.length === 1 ? `input ${low}` : `${all.length} inputs, from ${low} to ${high}`}.${holes}${padded}`;
}
