// Row 1: a fully connected layer from an image to an image of the same size, beside the convolution that replaces it.
import { h } from "../dom.js";
import { drawing, stacked } from "../drawing.js";
import { int, ints } from "../fields.js";
import { count, memory, power } from "../format.js";
import { bytes, convolutionCost, fullyConnectedCost, inputs, keeping, outputSize, windowOf } from "../geometry.js";

/** Units in the small pictures of the two layers. */
const UNITS = 9;

/** 10³ */
const powerOfTen = (exponent) => power(10 ** exponent).split("·")[1];

/** A window of this kernel whose output is as large as its input. */
const sized = (kernel) => windowOf({ kernel, ...keeping(kernel) });

export const scene = {
  row: 1,
  id: "explosion",
  title: "Why not connect everything with everything?",
  text: [
    "An image could be read as one long list of numbers, and every number of the output could depend on every number of the input: a fully connected layer. But from a 256 × 256 RGB image to an image of the same size that takes (256 · 256 · 3)² weights: 154.6 GB of them.",
    "What is meaningful in one place is meaningful everywhere. So a convolution looks at a small neighbourhood, with the same few weights in every place: how many there are does not depend on the size of the image at all.",
  ],
  fields: [
    ints({ key: "size", label: "image", min: 1, max: 4096, value: [256, 256], axes: ["height", "width"] }),
    int({ key: "channels", label: "channels", min: 1, max: 512, value: 3 }),
    int({ key: "kernel", label: "kernel of the convolution", min: 1, max: 15, value: 3 }),
  ],
  draw({ size, channels, kernel }, view) {
    const shape = [channels, ...size];
    const full = fullyConnectedCost(shape, shape);
    const window = sized(kernel);
    const small = convolutionCost({ channels, filters: channels, windows: [window, window], sizes: size });
    const share = full.parameters / small.parameters;
    const figures = [
      ["parameters", full.parameters, small.parameters, count],
      ["memory in float32", bytes(full.parameters), bytes(small.parameters), memory],
      ["multiply-adds", full.macs, small.macs, count],
    ];
    return {
      figure: drawing("A fully connected layer beside a convolution", view, [wiring("full", "fully connected", null, view), wiring("conv", `convolution, kernel ${kernel}`, window, view), bars(figures, view)]),
      said: saidOf(view.pointed, window, share),
      facts: [
        ["fully connected: parameters", `(${size[0]} · ${size[1]} · ${channels})² = ${count(full.parameters)} ≈ ${power(full.parameters)}`],
        ["fully connected: memory", memory(bytes(full.parameters))],
        ["fully connected: multiply-adds", count(full.macs)],
        ["convolution: parameters", `${channels} · ${channels} · ${kernel} · ${kernel} = ${count(small.parameters)}`],
        ["convolution: memory", memory(bytes(small.parameters))],
        ["convolution: multiply-adds", count(small.macs)],
        ["the convolution has", share >= 1n ? `${count(share)} times fewer parameters` : "more parameters: the image is smaller than the kernel"],
      ],
      code: codeOf(size, channels, kernel),
    };
  },
};

/** One column of inputs, one of outputs, and a line for each weight; those of a pointed output stand out. */
function wiring(name, title, window, view) {
  const w = view.width > 560 ? Math.min(330, (view.width - 40) / 2) : Math.min(260, view.width - 12);
  const step = 30;
  const tall = UNITS * step;
  const reads = (output) => (window === null ? Array.from({ length: UNITS }, (_, at) => at) : inputs(window, output).filter((at) => at >= 0 && at < UNITS));
  const looked = view.pointed?.startsWith(`${name}:`) ? Number(view.pointed.split(":")[1]) : null;
  const outputs = window === null ? UNITS : outputSize(window, UNITS);
  const y = (at) => 44 + at * step + step / 2;
  const line = (output, input, tap) => h("line", { key: `${output}.${input}`, class: `wire ${window === null ? "" : `tap-${tap % 3}`} ${looked === output ? "lit" : looked === null ? "" : "dim"}`, x1: 26, y1: y(input), x2: w - 26, y2: y(output) });
  const unit = (side, at) => {
    const key = side === "out" ? `${name}:${at}` : null;
    const lit = looked !== null && (side === "out" ? at === looked : reads(looked).includes(at));
    return h(
      "g",
      {
        ...{ key: `${side} ${at}`, class: `cell node ${lit ? (side === "out" ? "current" : "read") : side === "out" ? "output" : "signal"}`, transform: `translate(${side === "out" ? w - 26 : 26} ${y(at)})` },
        ...(key ? { role: "gridcell", "data-key": key, "data-line": at, "data-column": 0, tabindex: (view.tabbable(name) ?? `${name}:0`) === key ? 0 : -1, "aria-label": `output ${at + 1}, made of ${reads(at).length} inputs` } : {}),
      },
      h("rect", { x: -10, y: -10, width: 20, height: 20, rx: 10 }),
    );
  };
  const ofOutput = (output) => reads(output).map((input) => line(output, input, window === null ? 0 : input - inputs(window, output)[0]));
  const all = Array.from({ length: UNITS }, (_, at) => at);
  return {
    name,
    w,
    h: tall + 48,
    draw: (left, top) =>
      h(
        "g",
        { transform: `translate(${left} ${top})` },
        h("text", { key: "title", class: "title", x: 0, y: 14 }, title),
        h("text", { key: "in", class: "note", x: 14, y: 36 }, "input"),
        h("text", { key: "out", class: "note end", x: w - 14, y: 36 }, "output"),
        h("g", { key: "wires" }, all.slice(0, outputs).map(ofOutput)),
        h("g", { key: "inputs" }, all.map((at) => unit("in", at))),
        h("g", { key: "outputs", role: "grid", "aria-label": `Outputs, ${title}`, "data-grid": name }, all.slice(0, outputs).map((at) => h("g", { key: at, role: "row" }, unit("out", at)))),
      ),
  };
}

/** Bars of two numbers each, a tick for every factor of 1000. */
function bars(figures, view) {
  const w = Math.min(view.width - 12, 640);
  const most = Math.max(...figures.flatMap(([, full, small]) => [full, small]).map((number) => Number(number)), 10);
  const length = (number) => Math.max(3, (Math.log10(Math.max(1, Number(number))) / Math.log10(most)) * (w - 4));
  const decades = Array.from({ length: Math.floor(Math.log10(most) / 3) + 1 }, (_, at) => at * 3);
  const one = ([title, full, small, write]) => ({
    name: title,
    w,
    h: 92,
    draw: (x, y) =>
      h(
        "g",
        { transform: `translate(${x} ${y})` },
        h("text", { class: "title", x: 0, y: 14 }, title),
        decades.map((power) => h("line", { key: power, class: "decade", x1: (power / Math.log10(most)) * (w - 4), x2: (power / Math.log10(most)) * (w - 4), y1: 20, y2: 88 })),
        [["full", full, "fully connected"], ["conv", small, "convolution"]].map(([kind, number, name], at) => [
          h("rect", { key: `${kind} bar`, class: `cost ${kind}`, x: 0, y: 24 + at * 33, width: length(number), height: 28, rx: 4 }),
          h("text", { key: `${kind} text`, class: "cost-text", x: 8, y: 24 + at * 33 + 19 }, `${name}: ${write(number)}`),
        ]),
      ),
  });
  const tick = (power) => h("text", { key: power, class: power ? "note middle" : "note", x: (power / Math.log10(most)) * (w - 4), y: 12 }, power ? powerOfTen(power) : "1");
  const note = { name: "scale", w, h: 40, draw: (x, y) => h("g", { transform: `translate(${x} ${y})` }, decades.map(tick), h("text", { key: "note", class: "note", x: 0, y: 32 }, "From line to line: a thousand times more.")) };
  return { ...stacked("bars", [...figures.map(one), note], 10), breaks: true };
}

function saidOf(pointed, window, share) {
  const [name, at] = pointed?.split(":") ?? [];
  const output = Number(at);
  if (name === "full") return h("p", {}, `Output ${output + 1} has ${UNITS} weights of its own, one for each of the ${UNITS} inputs; all outputs together have ${UNITS * UNITS}.`);
  if (name === "conv") {
    const read = inputs(window, output).filter((each) => each >= 0 && each < UNITS);
    return h("p", {}, `Output ${output + 1} reads ${read.length} neighbour${read.length === 1 ? "" : "s"}. Lines of one colour have the same weight: there are ${window.kernel} weights, whatever the size.`);
  }
  return h("p", {}, share >= 1n ? `The convolution needs ${count(share)} times fewer parameters. Point at an output to see what it is made of.` : "Point at an output to see what it is made of.");
}

function codeOf([height, width], channels, kernel) {
  const { before, after } = keeping(kernel);
  const pad = before === after ? before : '"same"';
  return {
    python: [
      "from atrous.geometry import Same, convolution_cost, fully_connected_cost",
      "",
      `shape = (${channels}, ${height}, ${width})`,
      "full = fully_connected_cost(shape, shape)",
      `print(f"{full.parameters:,} parameters, {full.bytes() / 1e9:.1f} GB")`,
      `same = Same().windows((${kernel}, ${kernel}), (1, 1), (1, 1), shape[1:])`,
      `print(convolution_cost(${channels}, ${channels}, same, shape[1:]))`,
    ].join("\n"),
    pytorch: ["from torch import nn", "", `conv = nn.Conv2d(${channels}, ${channels}, ${kernel}, padding=${pad}, bias=False)`, "print(sum(p.numel() for p in conv.parameters()))"].join("\n"),
    keras: ["import keras", "from keras import layers", "", `conv = keras.Sequential([keras.Input((${height}, ${width}, ${channels})), layers.Conv2D(${channels}, ${kernel}, padding="same", use_bias=False)])`, "print(conv.count_params())"].join("\n"),
  };
}
