// Stacks of convolutions, pools and transposed convolutions along one axis: the rest of geometry.js, held against atrous.geometry
// in the same way. A layer is a window (geometry.js); one with `transposed` is its twin, inputs and outputs exchanged. Maps have
// the same window and the same size on both of their axes.
import { bytes, convolutionCost, extent, inputs, outputSize, product, transposedInputs, transposedSize } from "./geometry.js";

/** How many outputs a layer makes of `size` inputs; 0 or less: none. */
export const layerSize = (layer, size) => (layer.transposed ? transposedSize(layer, size) : outputSize(layer, size));

/** The inputs that an output of a layer reads, those beyond the signal included; ascending. */
export const layerInputs = (layer, output) => (layer.transposed ? transposedInputs(layer, output) : inputs(layer, output));

/** The sizes of a signal and of what each layer makes of it. A size below 1 ends the list: nothing is left. */
export function sizesOf(layers, size) {
  const sizes = [size];
  for (const layer of layers) {
    sizes.push(layerSize(layer, sizes.at(-1)));
    if (sizes.at(-1) < 1) break;
  }
  return sizes;
}

const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));

/** After so many outputs the pattern of what they see repeats: 1 but for what lies behind transposed layers. */
export function period(layers) {
  return layers.reduce((now, layer) => {
    const [outputs, read] = layer.transposed ? [layer.stride, 1] : [1, layer.stride];
    return outputs * (now / divisor(now, read));
  }, 1);
}

/** The inputs that one output of a stack sees, the first layer nearest to the input; padding counts as input. */
export function seenInputs(layers, output) {
  let seen = new Set([output]);
  for (const layer of [...layers].reverse()) seen = new Set([...seen].flatMap((at) => layerInputs(layer, at)));
  return [...seen].sort((a, b) => a - b);
}

/** The receptive field of a stack: its `size`, holes included, and how many `holes` it has, the most over the phases where they
 * differ; the `jump` as a fraction [inputs, outputs]; the `start` of output 0's (below 0: in the padding); the `period`. */
export function fieldOf(layers) {
  const repeated = period(layers);
  const spans = Array.from({ length: repeated }, (_, output) => {
    const seen = seenInputs(layers, output);
    const size = seen.length ? seen.at(-1) - seen[0] + 1 : 0;
    return { size, holes: size - seen.length, start: seen[0] ?? 0 };
  });
  const jump = layers.reduce(([up, down], { transposed, stride }) => (transposed ? [up, down * stride] : [up * stride, down]), [1, 1]);
  const common = divisor(...jump);
  const most = (name) => Math.max(...spans.map((span) => span[name]));
  return { size: most("size"), holes: most("holes"), start: spans[0].start, jump: jump.map((each) => each / common), period: repeated };
}

/** What one unit sees, level by level from its own down to the input: for each level the places on the signal (`inside`) and those
 * on padding (`beyond`), ascending. What lies on an inner padding leads nowhere. `sizes` as of `sizesOf`; level 0 is the input. */
export function cone(layers, sizes, level, unit) {
  const levels = Array(level + 1);
  levels[level] = { inside: [unit], beyond: [] };
  for (let at = level; at > 0; at -= 1) {
    const read = [...new Set(levels[at].inside.flatMap((each) => layerInputs(layers[at - 1], each)))].sort((a, b) => a - b);
    const on = (place) => place >= 0 && place < sizes[at - 1];
    levels[at - 1] = { inside: read.filter(on), beyond: read.filter((place) => !on(place)) };
  }
  return levels;
}

/** The inputs that influence no output of the whole stack. */
export function unseen(layers, sizes) {
  let seen = new Set(Array.from({ length: Math.max(0, sizes.at(-1)) }, (_, at) => at));
  for (let at = sizes.length - 2; at >= 0; at -= 1) {
    const read = [...seen].flatMap((each) => layerInputs(layers[at], each));
    seen = new Set(read.filter((place) => place >= 0 && place < sizes[at]));
  }
  return Array.from({ length: sizes[0] }, (_, at) => at).filter((at) => !seen.has(at));
}

/** Where the middle of what output `o` of a stack sees lies among the inputs: slope·o + offset, as [slope, offset]; for drawing. */
export function middle(layers) {
  return layers.reduce(
    ([slope, offset], layer) => {
      const half = (extent(layer) - 1) / 2 - layer.before;
      const [own, shift] = layer.transposed ? [1 / layer.stride, -half / layer.stride] : [layer.stride, half];
      return [slope * own, slope * shift + offset];
    },
    [1, 0],
  );
}

/** What a layer costs on square maps of `size`, as BigInts: `parameters` with one bias for each filter, and multiply-adds (`macs`),
 * every tap counted. A pool has neither. */
export function layerCost(layer, channels, size) {
  if (layer.kind === "pool") return { parameters: 0n, macs: 0n };
  const { filters } = layer;
  if (!layer.transposed) return convolutionCost({ channels, filters, windows: [layer, layer], sizes: [size, size], bias: true });
  const pairs = BigInt(channels) * BigInt(filters);
  const taps = product([layer.kernel, layer.kernel]);
  return { parameters: pairs * taps + BigInt(filters), macs: pairs * taps * product([size, size]) };
}

/** Everything about each level of a stack: level 0 is the input. `totals` run from the input to the level. */
export function stackRows(layers, channels, size) {
  const sizes = sizesOf(layers, size);
  const rows = [{ level: 0, size, channels, field: fieldOf([]), dense: fieldOf([]), parameters: 0n, macs: 0n, total: 0n, memory: bytes(product([channels, size, size])) }];
  layers.slice(0, sizes.length - 1).forEach((layer, at) => {
    const before = rows.at(-1);
    const maps = layer.kind === "pool" ? before.channels : layer.filters;
    const cost = layerCost(layer, before.channels, before.size);
    const below = layers.slice(0, at + 1);
    rows.push({
      ...{ level: at + 1, layer, size: sizes[at + 1], channels: maps, ...cost, total: before.total + cost.parameters },
      ...{ field: fieldOf(below), dense: fieldOf(below.map((each) => ({ ...each, dilation: 1 }))) },
      memory: bytes(product([maps, Math.max(0, sizes[at + 1]), Math.max(0, sizes[at + 1])])),
    });
  });
  return rows;
}

/** Why a layer makes nothing of `size` inputs, and changes of it that help: {reason, fixes: [{name, value}]}; null if it does. */
export function misfit(layer, size) {
  if (layerSize(layer, size) >= 1) return null;
  const span = extent(layer);
  if (layer.transposed) {
    const most = Math.floor(((size - 1) * layer.stride + span - 1) / 2);
    return { reason: `its ${size} inputs reach ${(size - 1) * layer.stride + span} outputs, and the padding cuts all of them off`, fixes: [{ name: "padding", value: most }] };
  }
  const room = layer.before + size + layer.after;
  const dilation = layer.kernel > 1 ? Math.floor((room - 1) / (layer.kernel - 1)) : 1;
  const fixes = [];
  if (dilation >= 1 && dilation < layer.dilation) fixes.push({ name: "dilation", value: dilation });
  fixes.push({ name: "kernel", value: Math.floor((room - 1) / layer.dilation) + 1 }, { name: "padding", value: Math.ceil((span - size) / 2) });
  return { reason: `its kernel spans ${span}, but only ${room} inputs are left${layer.before ? " with the padding" : ""}`, fixes: fixes.filter(({ value }) => value >= 1) };
}
