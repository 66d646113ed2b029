// The code of a convolution: for atrous, PyTorch and Keras, with the very numbers of the picture. What a library cannot express by
// its own arguments is written out: uneven padding, and in Keras strides and dilation at once.
import { indices } from "./cells.js";
import { sparsified } from "./geometry.js";

/** A nested list as Python writes it, from its values in order. */
function nested(sizes, values) {
  if (sizes.length === 1) return `[${values.join(", ")}]`;
  const each = values.length / sizes[0];
  const rows = Array.from({ length: sizes[0] }, (_, at) => nested(sizes.slice(1), values.slice(at * each, (at + 1) * each)));
  const long = rows.join(", ").length > 70;
  return long ? `[${rows.join(",\n  ").replace(/\n/g, "\n")}]` : `[${rows.join(", ")}]`;
}

const array = (shape, at) => nested(shape, indices(shape.map(() => 0), shape).map(at));
const tuple = (numbers) => `(${numbers.join(", ")}${numbers.length === 1 ? "," : ""})`;
const one = (numbers) => (numbers.every((each) => each === numbers[0]) ? `${numbers[0]}` : tuple(numbers));
const given = (pairs) => pairs.filter(([, numbers]) => numbers.some((each) => each !== 1)).map(([name, numbers]) => `, ${name}=${one(numbers)}`).join("");

/** {python, pytorch, keras} of a layer. */
export function codeOf(layer) {
  const numbers = {
    ...{ axes: layer.size.length, strides: layer.windows.map((w) => w.stride), dilations: layer.windows.map((w) => w.dilation) },
    ...{ pads: layer.windows.map((w) => [w.before, w.after]), kernel: layer.windows.map((w) => w.kernel) },
    x: array([1, layer.channels, ...layer.size], ([, ...index]) => layer.x(index)),
    w: array([layer.filters, layer.channels, ...layer.windows.map((w) => w.kernel)], (index) => layer.w(index)),
  };
  return { python: python(numbers), pytorch: pytorch(numbers), keras: keras(layer, numbers) };
}

const even = (pads) => pads.every(([before, after]) => before === after);
const padded = (pads) => pads.some(([before, after]) => before || after);
const pairs = (pads) => `(${pads.map((ends) => tuple(ends)).join(", ")}${pads.length === 1 ? "," : ""})`;

function python({ x, w, strides, dilations, pads }) {
  const padding = padded(pads) ? `, padding=${even(pads) ? one(pads.map(([before]) => before)) : pairs(pads)}` : "";
  return [
    ...["import numpy as np", "", "import atrous", ""],
    ...[`x = np.array(${x}, dtype="float32")`, `w = np.array(${w}, dtype="float32")`],
    ...[`y = atrous.conv(x, w${given([["stride", strides]])}${padding}${given([["dilation", dilations]])})`, "print(y)"],
  ].join("\n");
}

function pytorch({ axes, x, w, strides, dilations, pads }) {
  const uneven = padded(pads) && !even(pads);
  const padding = padded(pads) && !uneven ? `, padding=${one(pads.map(([before]) => before))}` : "";
  // PyTorch's pad counts from the last axis
  const frame = uneven ? [`x = F.pad(x, ${tuple([...pads].reverse().flat())})`] : [];
  return [
    ...["import torch", "import torch.nn.functional as F", ""],
    ...[`x = torch.tensor(${x}, dtype=torch.float32)`, `w = torch.tensor(${w}, dtype=torch.float32)`, ...frame],
    ...[`y = F.conv${axes}d(x, w${given([["stride", strides]])}${padding}${given([["dilation", dilations]])})`, "print(y)"],
  ].join("\n");
}

/** Keras pads as TensorFlow does, "valid" or "same" only, so that all padding is a layer of its own; channels come last; and it
 * refuses strides with dilation, so that the kernel is then written with its zeros. */
function keras(layer, { axes, strides, dilations, pads }) {
  const both = strides.some((each) => each > 1) && dilations.some((each) => each > 1);
  const taps = layer.windows.map((window) => (both ? sparsified(window) : Array.from({ length: window.kernel }, (_, at) => at)));
  const kernel = taps.map((list) => list.length);
  const weight = (index) => {
    const tap = taps.map((list, axis) => list[index[axis]]);
    return tap.includes(null) ? 0 : layer.w([index.at(-1), index.at(-2), ...tap]);
  };
  const x = array([1, ...layer.size, layer.channels], ([, ...index]) => layer.x([index.at(-1), ...index.slice(0, -1)]));
  const w = array([...kernel, layer.channels, layer.filters], weight);
  const arguments_ = given([["strides", strides], ...(both ? [] : [["dilation_rate", dilations]])]);
  const padding = axes === 1 ? tuple(pads[0]) : pairs(pads);
  return [
    ...["import keras", "import numpy as np", ""],
    ...[`x = np.array(${x}, dtype="float32")`, ...(both ? ["# Keras takes strides or dilation, not both: the kernel is written with its zeros"] : []), `w = np.array(${w}, dtype="float32")`],
    ...(padded(pads) ? [`x = keras.layers.ZeroPadding${axes}D(${padding}, data_format="channels_last")(x)`] : []),
    `layer = keras.layers.Conv${axes}D(${layer.filters}, ${tuple(kernel)}${arguments_}, padding="valid", use_bias=False, data_format="channels_last")`,
    ...["layer.build(x.shape)", "layer.set_weights([w])", "y = layer(x)", "print(y)"],
  ].join("\n");
}
