// Every formula of the explorer about sizes, what is read, and costs. It is the algebra of atrous.geometry, in the same words,
// and the tests hold each function against vectors that atrous.geometry computes. Stacks of windows are in stack_geometry.js; no
// other module calculates with sizes, kernels, strides, dilations or paddings.
//
// A window is {kernel, stride, dilation, before, after}: one axis of a convolution. Output o reads the inputs
// o*stride - before + t*dilation for the taps t = 0 .. kernel-1; inputs below 0 or beyond the signal are padding.

/** A window from some of its numbers; the others are those of a plain convolution. */
export const windowOf = (given) => ({ kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, ...given });

/** The support of the dilated kernel: a filter of this size with `kernel` non-zeros. */
export const extent = (w) => 1 + (w.kernel - 1) * w.dilation;

/** The signal with its padding. */
export const paddedSize = (w, size) => w.before + size + w.after;

/** The padded signal as [first, behind the last] of its places. */
export const paddedRange = (w, size) => [-w.before, size + w.after];

/** A place counted from the beginning of the padding. */
export const paddedAt = (w, place) => place + w.before;

/** The padding with which a kernel of stride 1 keeps the size of its signal. */
export const keeping = (kernel) => ({ before: Math.floor((kernel - 1) / 2), after: Math.ceil((kernel - 1) / 2) });

/** The most padding of a pooling window: half of it lies on the signal at least. */
export const poolPadding = (kernel) => Math.floor(kernel / 2);

/** How many outputs a signal of `size` inputs gives; 0 or less: the window does not fit. */
export const outputSize = (w, size) => Math.floor((paddedSize(w, size) - extent(w)) / w.stride) + 1;

/** By how much the output is smaller than its input. */
export const sizeLoss = (w, size) => size - outputSize(w, size);

/** `outputSize` as it is calculated, with its numbers. */
export function outputFormula(w, size) {
  const padding = w.before || w.after ? ` + ${w.before} + ${w.after}` : "";
  const room = `${size}${padding} − ${extent(w)}`;
  const outputs = outputSize(w, size);
  return w.stride === 1 ? `${room} + 1 = ${outputs}` : `⌊(${room}) / ${w.stride}⌋ + 1 = ${outputs}`;
}

/** `extent` as it is calculated, with its numbers. */
export const extentFormula = (w) => `1 + (${w.kernel} − 1) · ${w.dilation} = ${extent(w)}`;

/** The input that each tap of an output reads, those on padding included; ascending. */
export const inputs = (w, output) =>
  Array.from({ length: w.kernel }, (_, tap) => output * w.stride - w.before + tap * w.dilation);

/** The same inside a signal of `size`. */
export const landing = (w, output, size) => inputs(w, output).filter((at) => at >= 0 && at < size);

/** The middle of what an output reads, on the line where input i is the point i. */
export const centre = (w, output) => output * w.stride - w.before + (extent(w) - 1) / 2;

/** Whether an index lies in a signal of these sizes, not on its padding. */
export const onSignal = (index, sizes) => index.every((at, axis) => at >= 0 && at < sizes[axis]);

/** Where an input goes: the outputs that read it, each with the tap that does; ascending. Padding may be asked about too. */
export function reached(w, input, size) {
  const outputs = Math.max(0, outputSize(w, size));
  const found = [];
  for (let tap = w.kernel - 1; tap >= 0; tap -= 1) {
    const place = input + w.before - tap * w.dilation;
    const output = Math.floor(place / w.stride);
    if (place % w.stride === 0 && output >= 0 && output < outputs) found.push({ output, tap });
  }
  return found;
}

/** How often each of `size` inputs is read. */
export const visits = (w, size) => Array.from({ length: size }, (_, at) => reached(w, at, size).length);

/** The inputs that are never read. */
export const unreadInputs = (w, size) => visits(w, size).flatMap((count, at) => (count ? [] : [at]));

/** How many inputs are never read, by cause: between windows that step further than they span; behind the last window, where
 * the rest of the division is dropped; under a window but between its dilated taps. Paddings are not negative here. */
export function unread(w, size) {
  const outputs = outputSize(w, size);
  const end = outputs >= 1 ? (outputs - 1) * w.stride - w.before + extent(w) : 0;
  const floor = size - Math.min(size, Math.max(0, end));
  const dense = unreadInputs({ ...w, kernel: extent(w), dilation: 1 }, size).length;
  const total = unreadInputs(w, size).length;
  return { stride: dense - floor, floor, gridding: total - dense, total };
}

/** How many of all taps land on the signal, not on padding. */
export const realTaps = (w, size) => visits(w, size).reduce((sum, count) => sum + count, 0);

/** How many taps all outputs have together. */
export const allTaps = (w, size) => Math.max(0, outputSize(w, size)) * w.kernel;

/** How many outputs the transposed twin of a window gives: inputs and outputs exchanged. */
export const transposedSize = (w, size) => (size - 1) * w.stride + extent(w) - w.before - w.after;

/** The inputs that reach an output of the transposed twin, those beyond the signal included; ascending. */
export function transposedInputs(w, output) {
  const places = Array.from({ length: w.kernel }, (_, tap) => output + w.before - tap * w.dilation);
  return [...new Set(places.filter((at) => at % w.stride === 0).map((at) => at / w.stride))].sort((a, b) => a - b);
}

/** The product of whole numbers, exactly: a BigInt. */
export const product = (numbers) => numbers.reduce((all, each) => all * BigInt(each), 1n);

/** What a convolution costs, as BigInts: `parameters`; multiply-adds (`macs`), all taps counted; and those of taps on the
 * signal, not on padding (`realMacs`). One window and one size for each axis. */
export function convolutionCost({ channels, filters, windows, sizes, groups = 1, bias = false }) {
  const pairs = (BigInt(filters) * BigInt(channels)) / BigInt(groups);
  const weights = pairs * product(windows.map((w) => w.kernel));
  return {
    parameters: weights + (bias ? BigInt(filters) : 0n),
    macs: pairs * product(windows.map((w, axis) => allTaps(w, sizes[axis]))),
    realMacs: pairs * product(windows.map((w, axis) => realTaps(w, sizes[axis]))),
  };
}

/** What a linear layer from a map of one shape to a map of another costs, every input influencing every output; BigInts. */
export function fullyConnectedCost(inputShape, outputShape, bias = false) {
  const weights = product([...inputShape, ...outputShape]);
  return { parameters: weights + (bias ? product(outputShape) : 0n), macs: weights };
}

/** Bytes of so many numbers of `itemsize` bytes; 4 is float32. */
export const bytes = (count, itemsize = 4) => BigInt(count) * BigInt(itemsize);

/** Where a window gives no output: for each number that can help alone, the value nearest to the given one that works.
 * `padding` is that of both ends. Empty where there is an output. */
export function nearest(w, size) {
  if (outputSize(w, size) >= 1) return [];
  const lacking = extent(w) - paddedSize(w, size);
  const found = [{ argument: "size", value: size + lacking }];
  const room = paddedSize(w, size) - 1;
  const dilation = w.kernel > 1 ? Math.floor(room / (w.kernel - 1)) : 0;
  if (w.dilation > 1 && dilation >= 1) found.push({ argument: "dilation", value: dilation });
  const kernel = Math.floor(room / w.dilation) + 1;
  if (kernel >= 1) found.push({ argument: "kernel", value: kernel });
  found.push({ argument: "padding", value: Math.ceil((extent(w) - size) / 2) });
  return found;
}

/** Why a window gives no output, in words. */
export function lacking(w, size) {
  const dilated = w.dilation > 1 ? ` (kernel ${w.kernel}, dilation ${w.dilation})` : "";
  const padded = w.before || w.after ? ` with its padding` : "";
  return `The kernel spans ${extent(w)}${dilated}, but the input has only ${paddedSize(w, size)}${padded}: it fits nowhere, so there is no output.`;
}

/** The nearest shifts of a signal by which the output of a stride shifts too: its multiples around `shift`. */
export const alignedShifts = (stride, shift) => {
  const below = Math.floor(shift / stride) * stride;
  return below === shift ? [shift] : [below, below + stride];
};

/** By how many places the outputs shift when the signal shifts by `shift`; null: by no whole number. */
export const outputShift = (stride, shift) => (shift % stride === 0 ? shift / stride : null);

/** What the output of the signal shifted by `shift` is compared with at `output`: the old output as many places before, or null
 * where that is none, or no whole number of places. */
export function outputBefore(w, size, shift, output) {
  const moved = outputShift(w.stride, shift);
  const old = moved === null ? -1 : output - moved;
  return old >= 0 && old < outputSize(w, size) ? old : null;
}

/** A kernel's taps with the zeros between them that dilation leaves out: the dense filter of size `extent`. For each place the
 * tap that stands there, or null. */
export const sparsified = (w) => Array.from({ length: extent(w) }, (_, at) => (at % w.dilation === 0 ? at / w.dilation : null));
