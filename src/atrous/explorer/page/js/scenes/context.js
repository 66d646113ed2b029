// Row 16: the context module of Yu and Koltun, 2015 (arXiv 1511.07122), and what happens with other dilations.
import { h } from "../dom.js";
import { coneBlock } from "../cone.js";
import { drawing } from "../drawing.js";
import { int, step } from "../fields.js";
import { count } from "../format.js";
import { list } from "../layer_field.js";
import { convolutionCost, product, windowOf } from "../geometry.js";
import { stepOf } from "../scene.js";
import { fieldOf, seenInputs, sizesOf, unseen } from "../stack_geometry.js";

const MODULE = [1, 1, 2, 4, 8, 16, 1];

const windowsOf = (dilations) => [...dilations.map((dilation) => windowOf({ kernel: 3, dilation })), windowOf({})];

/** Neighbouring places of an ascending list as [first, length]. */
function runs(places) {
  const found = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last && last[0] + last[1] === place) last[1] += 1;
    else found.push([place, 1]);
  }
  return found;
}

/** The pixels that one output sees, as a square; those in between that it does not see stay gray. */
function square(seen, widest, view) {
  const side = Math.min(view.width - 12, 420);
  const cell = side / widest;
  const across = seen.at(-1) - seen[0] + 1;
  const edge = ((widest - across) / 2) * cell;
  const strips = runs(seen.map((place) => place - seen[0]));
  const gap = cell > 5 ? 0.6 : 0;
  const d = strips.flatMap(([row, tall]) => strips.map(([column, wide]) => box(edge + column * cell + gap, edge + row * cell + gap, wide * cell - 2 * gap, tall * cell - 2 * gap))).join("");
  const fine = gap ? grid(edge, across, cell) : "";
  return {
    name: "field",
    w: side,
    h: side,
    draw: (x, y) => [
      h("rect", { key: "whole", class: "field-all", x, y, width: side, height: side }),
      h("pattern", { key: "hatch", id: "hatch-holes", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, h("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 })),
      h("rect", { key: "hull", class: "field-holes", x: x + edge, y: y + edge, width: across * cell, height: across * cell }),
      h("rect", { key: "lines", fill: "url(#hatch-holes)", x: x + edge, y: y + edge, width: across * cell, height: across * cell }),
      h("path", { key: "read", class: "field-read", d, transform: `translate(${x} ${y})` }),
      fine ? h("path", { key: "grid", class: "field-grid", d: fine, transform: `translate(${x} ${y})` }) : null,
      h("rect", { key: "middle", class: "field-middle", x: x + side / 2 - Math.max(cell, 4) / 2, y: y + side / 2 - Math.max(cell, 4) / 2, width: Math.max(cell, 4), height: Math.max(cell, 4) }),
    ],
  };
}

const box = (x, y, w, tall) => `M${x.toFixed(2)} ${y.toFixed(2)}h${w.toFixed(2)}v${tall.toFixed(2)}h${(-w).toFixed(2)}z`;

const grid = (edge, across, cell) =>
  Array.from({ length: across + 1 }, (_, at) => `M${edge} ${edge + at * cell}h${across * cell}M${edge + at * cell} ${edge}v${across * cell}`).join("");

/** The same along one axis: the cone of one output of the last of these layers, on an input as long as what it sees. */
function along(windows, size, view) {
  const sizes = sizesOf(windows, size);
  const names = ["input", ...windows.map(({ kernel, dilation }, at) => `${at + 1} conv ${kernel}${dilation > 1 ? `, d${dilation}` : ""}`)];
  const block = coneBlock({ layers: windows, sizes, level: windows.length, unit: 0, name: "unit", names, never: new Set(unseen(windows, sizes)), view, high: 34 });
  return { ...block, name: "cone" };
}

/** The layers as a ladder of numbers: what each one makes of the receptive field. */
const ladder = (dilations, fields, at) =>
  h(
    "div",
    { class: "scroll", key: "ladder", tabindex: 0, role: "region", "aria-label": "The module, layer by layer" },
    h(
      "table",
      { class: "ladder" },
      h("tbody", {}, [
        ["layer", fields.map((_, place) => place + 1)],
        ["kernel", fields.map((_, place) => (place < dilations.length ? "3 × 3" : "1 × 1"))],
        ["dilation", fields.map((_, place) => dilations[place] ?? 1)],
        ["receptive field", fields.map(({ size }) => `${size} × ${size}`)],
        ["pixels seen", fields.map(({ size, holes }) => count((size - holes) ** 2))],
      ].map(([head, texts]) => h("tr", { key: head }, h("th", { scope: "row" }, head), texts.map((text, place) => h("td", { key: place, class: place === at ? "chosen" : null }, text))))),
    ),
  );

export const scene = {
  row: 16,
  id: "context",
  title: "Dilated layers gather context",
  text: [
    "Yu and Koltun’s context module keeps the size of its maps and still lets every output see 67 × 67 pixels: seven layers of 3 × 3 kernels with growing dilation, then one of 1 × 1. As each dilation is at most the field before it, no pixel in the field is missed.",
    "Choose other dilations and look for holes: 1, 2, 9 misses pixels, and 2, 2, 2 sees only every other row and column. That is called gridding.",
  ],
  fields: [
    list({ key: "dilations", label: "dilations of the 3 × 3 layers", item: "dilation of layer", min: 1, max: 32, most: 8, value: MODULE, presets: [["1,1,2,4,8,16,1", MODULE], ["1,2,9", [1, 2, 9]], ["2,2,2", [2, 2, 2]]] }),
    int({ key: "channels", label: "channels C", min: 1, max: 256, value: 21 }),
    step(7),
  ],
  draw(state, view) {
    const windows = windowsOf(state.dilations);
    const fields = windows.map((_, at) => fieldOf(windows.slice(0, at + 1)));
    const at = stepOf(state, windows.length);
    const seen = seenInputs(windows.slice(0, at + 1), 0);
    const { size, holes } = fields[at];
    const read = (size - holes) ** 2;
    const weights = windows.reduce((all, each) => all + convolutionCost({ channels: state.channels, filters: state.channels, windows: [each, each], sizes: [1, 1] }).parameters, 0n);
    const taps = windows.reduce((all, { kernel }) => all + product([kernel, kernel]), 0n);
    const told = holes ? `${count(read)} of the ${count(size ** 2)} pixels are seen; ${count(size ** 2 - read)} are holes.` : `All ${count(size ** 2)} pixels are seen: there are no holes.`;
    return {
      figure: [
        drawing(`What one output of layer ${at + 1} sees`, view, [square(seen, fields.at(-1).size, view), { ...along(windows.slice(0, at + 1), fields[at].size, view), breaks: true }]),
        ladder(state.dilations, fields, at),
      ],
      said: h("p", {}, `One output of layer ${at + 1} sees a square of ${size} × ${size} pixels. ${told}`),
      facts: [
        ["receptive fields", fields.map((field) => field.size).join(", ")],
        ["seen at the end", `${count((fields.at(-1).size - fields.at(-1).holes) ** 2)} of ${count(fields.at(-1).size ** 2)} pixels`],
        ["holes", fields.at(-1).holes ? `${count(fields.at(-1).size ** 2 - (fields.at(-1).size - fields.at(-1).holes) ** 2)} pixels` : "none"],
        ["weights", `${taps} · C² = ${count(weights)}`],
        ["one dense layer with this field", `${count(fields.at(-1).size ** 2)} · C² = ${count(convolutionCost({ channels: state.channels, filters: state.channels, windows: Array(2).fill(windowOf({ kernel: fields.at(-1).size })), sizes: [1, 1] }).parameters)}`],
      ],
      legend: ["read", "unread", "current"],
      steps: windows.length,
      stepText: `layer ${at + 1} of ${windows.length}`,
      code: codeOf(state.dilations, state.channels),
    };
  },
};

function codeOf(dilations, channels) {
  const layers = dilations.map((d) => ({ d, p: d }));
  const typed = [...layers.map(({ d }) => `conv 3 ${channels} d${d} p${d}, relu`), `conv 1 ${channels}`].join(", ");
  const torch = layers.map(({ d }) => `    nn.Conv2d(${channels}, ${channels}, 3, padding=${d}, dilation=${d}), nn.ReLU(),`);
  const keras = layers.map(({ d }) => `    layers.Conv2D(${channels}, 3, padding="same", dilation_rate=${d}, activation="relu"),`);
  return {
    python: ["import atrous", "from atrous.graph.layer_list import read_layers", "", `net = read_layers("${typed}", (1, ${channels}, 64, 64))`, `print(net.inspect((1, ${channels}, 64, 64)))`].join("\n"),
    pytorch: ["import torch", "from torch import nn", "", "net = nn.Sequential(", ...torch, `    nn.Conv2d(${channels}, ${channels}, 1),`, ")", `print(net(torch.randn(1, ${channels}, 64, 64)).shape)`].join("\n"),
    keras: ["import keras", "from keras import layers", "", "net = keras.Sequential([", `    keras.Input((64, 64, ${channels})),`, ...keras, `    layers.Conv2D(${channels}, 1),`, "])", "net.summary()"].join("\n"),
  };
}
