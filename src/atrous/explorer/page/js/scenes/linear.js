// Row 15: what is linear in a network and what is not, to be tried on small numbers.
import { cells, range } from "../cells.js";
import { h } from "../dom.js";
import { cellSize, drawing, sign, stacked } from "../drawing.js";
import { choice, edits, int } from "../fields.js";
import { value } from "../format.js";
import { inputs, outputSize, windowOf } from "../geometry.js";
import { sum } from "../sum.js";

const LENGTH = 6;
const START = { a: [1, -2, 3, 0, 2, -1], b: [2, 1, -4, 1, 0, 3], u: [1, -2, 1] };

const relu = (number) => Math.max(0, number);

/** What each layer does with the numbers under its window; `weighs` whether it has a kernel to type over. */
const LAYERS = {
  conv: { name: "convolution", window: windowOf({ kernel: 3 }), weighs: true, after: (number) => number },
  avgpool: { name: "average pooling", window: windowOf({ kernel: 2, stride: 2 }), of: (read) => read.reduce((all, each) => all + each, 0) / read.length },
  relu: { name: "ReLU", window: windowOf({}), of: ([number]) => relu(number) },
  both: { name: "convolution, then ReLU", window: windowOf({ kernel: 3 }), weighs: true, after: relu },
  maxpool: { name: "max pooling", window: windowOf({ kernel: 2, stride: 2 }), of: (read) => Math.max(...read) },
};

/** The layers of convolutional networks: name, whether an output combines several inputs, whether it is linear. */
export const KNOWN = [
  ["Convolution, dilated or strided too", true, true],
  ["Transposed convolution", true, true],
  ["Fully connected layer", true, true],
  ["Average pooling, global too", true, true],
  ["Addition of branches, concatenation", true, true],
  ["Batch normalisation, once trained", false, true],
  ["Padding with zeros, cropping, flattening", false, true],
  ["Upsampling by interpolation", true, true],
  ["ReLU, tanh, sigmoid and other activations", false, false],
  ["Max pooling", true, false],
  ["Softmax", true, false],
];

const places = range(0, LENGTH);

function applied(layer, x, u, bias) {
  const { window, weighs, after, of } = layer;
  return range(0, outputSize(window, x.length)).map((output) => {
    const read = inputs(window, output).map((at) => x[at]);
    return weighs ? after(read.reduce((all, each, tap) => all + each * u[tap], bias)) : of(read);
  });
}

const plus = (left, right) => left.map((each, at) => each + right[at]);
const same = (left, right) => Math.abs(left - right) < 1e-9;

export const scene = {
  row: 15,
  id: "linear",
  title: "Only the activations are not linear",
  text: [
    "A layer f is linear when it does not matter whether signals are added before it or behind it: f(a) + f(b) = f(a + b). A convolution is, and so is all that a network uses to combine several activations into one. What is not linear is the activation function, which changes each number by itself.",
    "Type other numbers into a, b or the kernel u, and choose another layer. Max pooling is the exception to the rule: it combines several activations, and is not linear.",
  ],
  fields: [
    choice({ key: "layer", label: "layer f", options: Object.entries(LAYERS).map(([key, { name }]) => [key, name]), value: "conv" }),
    int({ key: "bias", label: "bias of the convolution", min: -5, max: 5, value: 0 }),
    edits({ key: "a", label: "a", start: ([, at]) => START.a[at] }),
    edits({ key: "b", label: "b", start: ([, at]) => START.b[at] }),
    edits({ key: "u", label: "kernel u", start: ([, at]) => START.u[at] }),
  ],
  draw(state, view) {
    const layer = LAYERS[state.layer];
    const held = (key) => START[key].map((each, at) => state[key][`0.${at}`] ?? each);
    const [a, b, u] = [held("a"), held("b"), held("u")];
    const bias = layer.weighs ? state.bias : 0;
    const f = (x) => applied(layer, x, u, bias);
    const made = { fa: f(a), fb: f(b), sum: plus(f(a), f(b)), fab: f(plus(a, b)) };
    const odd = range(0, made.sum.length).filter((at) => !same(made.sum[at], made.fab[at]));
    return {
      figure: [picture({ a, b, u, made, odd, layer, view }), table()],
      said: saidOf({ a, b, u, made, odd, layer, bias, pointed: view.pointed }),
      facts: [
        ["f(a) + f(b)", made.sum.map(value).join(", ")],
        ["f(a + b)", made.fab.map(value).join(", ")],
        ["the same", odd.length ? `no, ${odd.length} of ${made.sum.length} differ` : "yes"],
      ],
    };
  },
};

const ROWS = { fa: ["f(a)", "a"], fb: ["f(b)", "b"], sum: ["f(a) + f(b)", null], fab: ["f(a + b)", "a + b"] };

function picture({ a, b, u, made, odd, layer, view }) {
  const side = cellSize(view, LENGTH, 38);
  const read = readPlaces(layer, view.pointed);
  const lit = (name) => (read && (read.row === name || (read.row === "sum" && name !== "ab")) ? read.places : []);
  const given = (name, title, numbers, edit) =>
    cells({
      ...{ name, label: title, title, from: [0, 0], to: [1, numbers.length], side, view },
      cell: ([, at]) => ({ kind: lit(name === "ab" ? "ab" : name).includes(at) ? "read" : "signal", text: value(numbers[at]), value: numbers[at], label: `${title} ${at + 1} is ${value(numbers[at])}`, ...(edit ? { edit: name } : {}) }),
    });
  const kernel = cells({
    ...{ name: "u", label: "kernel u", title: "kernel u", from: [0, 0], to: [1, u.length], side, view },
    cell: ([, at]) => ({ kind: "kernel", text: value(u[at]), value: u[at], edit: "u", label: `u ${at + 1} is ${value(u[at])}` }),
  });
  const result = (name) =>
    cells({
      ...{ name, label: ROWS[name][0], title: ROWS[name][0], from: [0, 0], to: [1, made[name].length], side, view },
      cell: ([, at]) => {
        const differs = (name === "sum" || name === "fab") && odd.includes(at);
        const here = view.pointed === `${name}:0.${at}`;
        return { kind: here ? "current" : differs ? "odd" : "output", text: value(made[name][at]), mark: differs ? "≠" : null, label: `${ROWS[name][0]} ${at + 1} is ${value(made[name][at])}${differs ? ", not the same" : ""}` };
      },
    });
  const before = stacked("before", [given("a", "a", a, true), given("b", "b", b, true), given("ab", "a + b", plus(a, b), false)], 16);
  const behind = stacked("behind", [result("fa"), result("fb"), result("sum"), result("fab")], 16);
  return drawing("Adding before the layer and behind it", view, [before, ...(layer.weighs ? [kernel] : []), sign("→"), behind]);
}

/** The array and the place of a `data-key`. */
const pointedAt = (pointed) => {
  const [name, index] = pointed?.split(":") ?? [];
  return [name, Number(index?.split(".")[1])];
};

/** Which of a, b and a + b, and which of their places, the pointed output is made of. */
function readPlaces(layer, pointed) {
  const [name, at] = pointedAt(pointed);
  if (!(name in ROWS)) return null;
  return { row: { fa: "a", fb: "b", fab: "ab", sum: "sum" }[name], places: inputs(layer.window, at) };
}

function saidOf({ a, b, u, made, odd, layer, bias, pointed }) {
  const [name, at] = pointedAt(pointed);
  if (layer.weighs && ["fa", "fb", "fab"].includes(name) && at < made.fa.length) {
    const x = { fa: a, fb: b, fab: plus(a, b) }[name];
    const terms = inputs(layer.window, at).map((each, tap) => ({ x: x[each], w: u[tap], group: null }));
    const linear = terms.reduce((all, term) => all + term.x * term.w, 0);
    const more = [bias ? `, with the bias ${value(linear + bias)}` : "", layer.after(linear + bias) === linear + bias ? "" : `, after ReLU ${value(layer.after(linear + bias))}`];
    return [h("div", { key: "sum" }, sum(ROWS[name][0], terms, linear)), more.join("") ? h("p", { key: "more" }, more.join("").slice(2), ".") : null];
  }
  if (odd.length === 0) return h("p", {}, h("b", {}, "f(a) + f(b) = f(a + b)"), layer.weighs || layer === LAYERS.avgpool ? " here, and for any numbers: the layer is linear." : " for these numbers, by chance: type others.");
  if (layer === LAYERS.conv) return h("p", {}, h("b", {}, "They differ by the bias"), `, which f(a) + f(b) counts twice. With a bias a layer is affine; it is called linear all the same.`);
  return h("p", {}, h("b", {}, "f(a) + f(b) ≠ f(a + b)"), ` at ${odd.length} of ${made.sum.length} places: ${layer.name === "convolution, then ReLU" ? "with the activation behind it, the layer is not linear any more" : `${layer.name} is not linear`}.`);
}

const table = () =>
  h(
    "div",
    { class: "scroll", key: "kinds", tabindex: 0, role: "region", "aria-label": "Which layers are linear" },
    h(
      "table",
      { class: "kinds" },
      h("thead", {}, h("tr", {}, ["layer", "combines several inputs", "linear"].map((head) => h("th", { key: head, scope: "col" }, head)))),
      h("tbody", {}, KNOWN.map(([name, combines, linear]) => h("tr", { key: name, class: linear ? null : "not" }, h("th", { scope: "row" }, name), h("td", {}, combines ? "yes" : "no"), h("td", {}, linear ? "yes" : "no")))),
    ),
  );
