// One convolution in numbers: 1, 2 or 3 axes, any channels and kernels, on one code path. Positions come from geometry.js, values
// are multiplied and added here, straight from the definition; the kernel is not flipped.
import { indices } from "./cells.js";
import { convolutionCost, inputs, nearest, lacking, onSignal, outputSize, reached, unreadInputs, windowOf } from "./geometry.js";

/** A layer. `x(index)` gives the input at [channel, ...place], `w(index)` the weight at [kernel, channel, ...tap]. */
export function layerOf({ size, kernel, stride, dilation, pads, channels = 1, filters = 1, x, w }) {
  const windows = size.map((_, axis) =>
    windowOf({ kernel: kernel[axis], stride: stride?.[axis] ?? 1, dilation: dilation?.[axis] ?? 1, before: pads?.[axis][0] ?? 0, after: pads?.[axis][1] ?? 0 }),
  );
  const outputs = windows.map((window, axis) => outputSize(window, size[axis]));
  return { size, windows, outputs, channels, filters, x, w };
}

export const fits = (layer) => layer.outputs.every((count) => count >= 1);

/** The outputs of a layer in the order in which they are computed: map by map, row by row. */
export const outputsOf = (layer) => indices(layer.outputs.map(() => 0).concat(0), [layer.filters, ...layer.outputs]);

/** The product of lists: one item of each, the last list's fastest. */
const each = (lists) => lists.reduce((all, list) => all.flatMap((found) => list.map((item) => [...found, item])), [[]]);

/** The places that an output at `place` reads, each with its tap: [{at, tap, padded}]. */
export function reads(layer, place) {
  const axes = layer.windows.map((window, axis) => inputs(window, place[axis]).map((at, tap) => ({ at, tap })));
  return each(axes).map((found) => {
    const at = found.map((one) => one.at);
    return { at, tap: found.map((one) => one.tap), padded: !onSignal(at, layer.size) };
  });
}

/** The sum of an output [kernel, ...place]: {value, terms: [{x, w, padded, group: channel, at, tap}]}. */
export function outputAt(layer, [filter, ...place]) {
  const found = reads(layer, place);
  const terms = Array.from({ length: layer.channels }, (_, channel) =>
    found.map(({ at, tap, padded }) => ({
      ...{ at, tap, padded, group: channel },
      x: padded ? 0 : layer.x([channel, ...at]),
      w: layer.w([filter, channel, ...tap]),
    })),
  ).flat();
  return { terms, value: terms.reduce((sum, { x, w }) => sum + x * w, 0) };
}

/** The places of the outputs that read the input at `place`, each with the tap that does. */
export function goesTo(layer, place) {
  const axes = layer.windows.map((window, axis) => reached(window, place[axis], layer.size[axis]));
  return each(axes).map((found) => ({ place: found.map((one) => one.output), tap: found.map((one) => one.tap) }));
}

/** Whether an input is read by no output: it is not as soon as one axis leaves it out. */
export function neverRead(layer) {
  const left = layer.windows.map((window, axis) => new Set(unreadInputs(window, layer.size[axis])));
  return (place) => place.some((at, axis) => left[axis].has(at));
}

/** How many places of the input no output reads; each has all channels. */
export const unreadCount = (layer) => indices(layer.size.map(() => 0), layer.size).filter(neverRead(layer)).length;

export const costOf = (layer, bias = false) =>
  convolutionCost({ channels: layer.channels, filters: layer.filters, windows: layer.windows, sizes: layer.size, bias });

/** Why a layer has no output and what would give it one: `argument` and the value for each axis; null if it has. */
export function misfit(layer, axisNames) {
  const bad = layer.windows.map((window, axis) => axis).filter((axis) => layer.outputs[axis] < 1);
  if (!bad.length) return null;
  const reason = bad.map((axis) => (axisNames.length > 1 ? `${axisNames[axis]}: ` : "") + lacking(layer.windows[axis], layer.size[axis]));
  // one change for all axes that lack an output: an argument helps if it can on each of them
  const options = bad.map((axis) => new Map(nearest(layer.windows[axis], layer.size[axis]).map(({ argument, value }) => [argument, value])));
  const shared = [...options[0].keys()].filter((argument) => options.every((found) => found.has(argument)));
  return { reason: reason.join(" "), fixes: shared.map((argument) => ({ argument, values: new Map(bad.map((axis, at) => [axis, options[at].get(argument)])) })) };
}
