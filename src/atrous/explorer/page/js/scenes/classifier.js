// Row 14: maps that shrink, layer by layer, to a single decision.
import { h } from "../dom.js";
import { drawing, words } from "../drawing.js";
import { choice, int, step } from "../fields.js";
import { count } from "../format.js";
import { windowOf } from "../geometry.js";
import { layerTable } from "../layer_table.js";
import { stepOf } from "../scene.js";
import { stackCode } from "../stack_code.js";
import { cone, layerSize, stackRows } from "../stack_geometry.js";

const MODES = [
  ["stride", "stride"],
  ["dilation", "growing dilation"],
  ["plain", "neither"],
];

/** More layers than these are not drawn. */
const MOST = 16;

/** The layers that bring maps of `size` down to one place: kernel after kernel, the last one as large as what is left. */
export function shrinking({ size, kernel, mode, factor, filters, classes }) {
  const layers = [];
  let left = size;
  let dilation = 1;
  while (left > 1 && layers.length < MOST - 1) {
    const layer = windowOf({ kernel, stride: mode === "stride" ? factor : 1, dilation, kind: "conv", filters });
    if (layerSize(layer, left) < 1) break;
    layers.push({ ...layer, transposed: false, padding: 0 });
    left = layerSize(layer, left);
    if (mode === "dilation") dilation *= factor;
  }
  const last = { ...windowOf({ kernel: left }), kind: "conv", filters: classes, transposed: false, padding: 0 };
  return [...layers, last];
}

export const scene = {
  row: 14,
  id: "classifier",
  title: "From a picture to one decision",
  text: [
    "A stride or a dilation above 1 shrinks the activation maps. Layer after layer they become smaller, until a single place is left that has seen the whole picture: its numbers are the scores of the classes, and the largest is the decision.",
    "Without either, 3 × 3 kernels take off only two rows and two columns a layer. Step through the layers: the frame in the picture is what the marked unit of the map sees.",
  ],
  fields: [
    int({ key: "size", label: "picture, height and width", min: 2, max: 128, value: 32 }),
    int({ key: "kernel", label: "kernel", min: 2, max: 7, value: 3 }),
    choice({ key: "mode", label: "shrink by", options: MODES, value: "stride" }),
    int({ key: "factor", label: "stride, or dilation times", min: 2, max: 4, value: 2 }),
    int({ key: "filters", label: "maps of each layer", min: 1, max: 64, value: 8 }),
    int({ key: "classes", label: "classes", min: 2, max: 20, value: 10 }),
    step(MOST),
  ],
  draw(state, view) {
    const layers = shrinking(state);
    const rows = stackRows(layers, 3, state.size);
    const sizes = rows.map((row) => row.size);
    const pointed = /^map:\d+$/.test(view.pointed ?? "") ? Number(view.pointed.slice(4)) : null;
    const at = pointed !== null && pointed < rows.length ? pointed : stepOf(state, rows.length);
    const middle = Math.floor((sizes[at] - 1) / 2);
    const seen = cone(layers, sizes, at, middle)[0].inside;
    const names = ["picture", ...layers.map((layer, place) => `${place + 1} conv ${layer.kernel} × ${layer.kernel}${layer.stride > 1 ? `, stride ${layer.stride}` : ""}${layer.dilation > 1 ? `, dilation ${layer.dilation}` : ""}`)];
    const [low, high] = [seen[0], seen.at(-1)];
    const extent = high - low + 1;
    const whole = extent === state.size ? "the whole picture" : `${extent} × ${extent} pixels of the picture`;
    return {
      figure: [
        drawing("The maps of each layer", view, maps({ rows, layers, at, middle, seen: [low, high], view })),
        layerTable(rows, names, { caption: "The classifier, layer by layer", dense: false, brief: true, chosen: at }),
      ],
      said: h("p", {}, at === 0 ? `The picture has ${state.size} × ${state.size} pixels of 3 channels.` : at === rows.length - 1 ? `One place is left. It sees ${whole}; its ${state.classes} numbers are the scores.` : `The maps of layer ${at} have ${sizes[at]} × ${sizes[at]} units; the marked one sees ${whole}.`),
      facts: [
        ["layers", String(layers.length)],
        ["maps shrink as", sizes.join(" → ")],
        ["the decision sees", `${rows.at(-1).field.size} × ${rows.at(-1).field.size}`],
        ["parameters", count(rows.at(-1).total)],
        ["multiply-adds", count(rows.reduce((all, row) => all + row.macs, 0n))],
      ],
      steps: rows.length,
      stepText: at === 0 ? "the picture" : `layer ${at} of ${layers.length}`,
      code: stackCode(layers, 3, state.size),
    };
  },
};

/** The maps as squares that shrink, a sign of the layer between them. */
function maps({ rows, layers, at, middle, seen, view }) {
  const largest = Math.min(190, view.width - 30);
  const scale = largest / rows[0].size;
  const blocks = [];
  rows.forEach((row, level) => {
    if (level > 0) blocks.push(words([`${layers[level - 1].kernel} × ${layers[level - 1].kernel}`, settings(layers[level - 1])], { size: 12.5, w: 84 }));
    blocks.push(level === rows.length - 1 ? scores(row, level, at, view) : square({ row, level, at, scale, middle, seen, view }));
  });
  return blocks;
}

const settings = ({ stride, dilation }) => (stride > 1 ? `stride ${stride} →` : dilation > 1 ? `dilation ${dilation} →` : "→");

const pointable = (level, at, view, label) => ({
  ...{ role: "img", "data-key": `map:${level}`, tabindex: 0, "aria-label": label, class: `map ${level === at ? "here" : ""}` },
});

/** Maps behind each other, the first one with its grid; the marked unit, or in the picture the frame of what it sees. */
function square({ row, level, at, scale, middle, seen, view }) {
  const side = Math.max(7, row.size * scale);
  const cell = side / row.size;
  const behind = level === 0 ? 2 : Math.min(3, row.channels - 1);
  const lines = cell >= 3 ? Array.from({ length: row.size - 1 }, (_, place) => `M${((place + 1) * cell).toFixed(1)} 0v${side}M0 ${((place + 1) * cell).toFixed(1)}h${side}`).join("") : "";
  const label = level === 0 ? `picture, ${row.size} × ${row.size}` : `layer ${level}, ${row.channels} maps of ${row.size} × ${row.size}`;
  const draw = (x, y) =>
    h(
      "g",
      { ...pointable(level, at, view, label), transform: `translate(${x} ${y + 18})` },
      h("text", { key: "size", class: "note", x: 0, y: -5, "aria-hidden": "true" }, `${row.channels} × ${row.size}²`),
      Array.from({ length: behind }, (_, place) => h("rect", { key: `behind ${place}`, class: "sheet", x: (behind - place) * 4, y: (behind - place) * 4, width: side, height: side })),
      h("rect", { key: "sheet", class: level === 0 ? "sheet front picture-sheet" : "sheet front", x: 0, y: 0, width: side, height: side }),
      lines ? h("path", { key: "lines", class: "sheet-lines", d: lines }) : null,
      level === 0 && at > 0 ? h("rect", { key: "seen", class: "seen", x: seen[0] * cell, y: seen[0] * cell, width: (seen[1] - seen[0] + 1) * cell, height: (seen[1] - seen[0] + 1) * cell }) : null,
      level === at && level > 0 ? h("rect", { key: "unit", class: "unit-mark", x: middle * cell, y: middle * cell, width: Math.max(cell, 3), height: Math.max(cell, 3) }) : null,
    );
  return { name: `map ${level}`, w: Math.max(side + behind * 4, 46), h: side + 18 + behind * 4, draw };
}

/** The single place that is left, one cell for each class. */
function scores(row, level, at, view) {
  const cell = 14;
  const across = Math.min(row.channels, 10);
  const label = `the decision: one place with ${row.channels} scores`;
  const draw = (x, y) =>
    h(
      "g",
      { ...pointable(level, at, view, label), transform: `translate(${x} ${y + 18})` },
      h("text", { key: "size", class: "note", x: 0, y: -5, "aria-hidden": "true" }, `${row.channels} scores, 1 × 1`),
      Array.from({ length: row.channels }, (_, place) => h("rect", { key: place, class: "sheet front score", x: (place % across) * cell, y: Math.floor(place / across) * cell, width: cell - 2, height: cell - 2, rx: 3 })),
    );
  return { name: "scores", w: Math.max(across * cell, 100), h: 18 + Math.ceil(row.channels / across) * cell, draw };
}
