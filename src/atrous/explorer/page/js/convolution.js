// The picture of a convolution that is shared by most scenes: input, kernel and output as grids of cells, what the current output
// reads, where an input goes, and the sum written out.
import { cells, frame } from "./cells.js";
import { codeOf } from "./code.js";
import { h } from "./dom.js";
import { cellSize, drawing, sign, stacked } from "./drawing.js";
import { count, shape, value } from "./format.js";
import { centre, extentFormula, inputs, onSignal, outputFormula, paddedAt, paddedRange, paddedSize } from "./geometry.js";
import { costOf, fits, goesTo, misfit, neverRead, outputAt, outputsOf, reads, unreadCount } from "./layer.js";
import { AXES, inputName, outputName, placeName, pointedAt, symbol } from "./naming.js";
import { stepOf } from "./scene.js";
import { sum } from "./sum.js";

/** What the edges of a drawing and a sign in front of a block take of its width, in pixels. */
const BESIDE_SIGN = 62;

const same = (a, b) => a.length === b.length && a.every((each, at) => each === b[at]);

/** What is looked at: the output of the current step, or the one that is pointed at; or an input or a weight. */
export function look(layer, state, view) {
  const outputs = outputsOf(layer);
  const step = stepOf(state, outputs.length);
  const pointed = pointedAt(view.pointed);
  const inside = pointed?.array === "y" && outputs.some((output) => same(output, pointed.index));
  const input = pointed?.array === "x" && pointed.index.length === layer.size.length + 1 ? pointed.index : null;
  const weight = pointed?.array === "w" && pointed.index.length === layer.size.length + 2 ? pointed.index : null;
  const current = inside ? pointed.index : outputs[step];
  // a weight is looked at where its own kernel stands: the same place of that kernel's map
  const shown = weight ? [weight[0], ...current.slice(1)] : current;
  return { outputs, step, current: shown, input, weight };
}

/** The grids of a layer. `names` may rename what stands above them; `side` is the size of cells; `copy` tells a second layer's
 * cells from those of the first. */
export function grids(layer, state, view, { looked = look(layer, state, view), side, names = {}, copy = "" } = {}) {
  const axes = layer.size.length;
  const cell = side ?? sideFor(layer, view);
  const skipped = neverRead(layer);
  const place = looked.current.slice(1);
  // nothing is read while a picture is set up
  const now = looked.input || looked.still ? [] : reads(layer, place);
  const reading = new Set((looked.weight ? now.filter(({ tap }) => same(tap, looked.weight.slice(2))) : now).map(({ at }) => at.join(".")));
  const going = new Set(looked.input ? goesTo(layer, looked.input.slice(1)).map((found) => found.place.join(".")) : []);
  const ranges = layer.windows.map((window, axis) => paddedRange(window, layer.size[axis]));
  const input = cells({
    ...{ name: `x${copy}`, label: `Input, ${shape([layer.channels, ...layer.size])}`, view, side: cell },
    title: names.x ?? `input x, ${sized(layer.channels, layer.size)}`,
    ...{ from: [0, ...ranges.map(([low]) => low)], to: [layer.channels, ...ranges.map(([, high]) => high)] },
    planeTitle: (plane) => planeName(plane, layer.channels, axes),
    cell: (index) => inputCell(layer, index, { skipped, reading, looked }),
  });
  const slid = axes === 1 ? inputs(layer.windows[0], place[0]).map((at) => paddedAt(layer.windows[0], at)) : [];
  const kernel = cells({
    ...{ name: `w${copy}`, width: view.width - BESIDE_SIGN, label: `Kernel, ${shape([layer.channels, ...layer.windows.map((window) => window.kernel)])}`, view, side: cell },
    title: axes === 1 ? null : (names.w ?? `${layer.filters > 1 ? `${layer.filters} kernels` : "kernel"} u, ${sized(layer.channels, layer.windows.map((window) => window.kernel))}`),
    ...{ from: Array(axes + 2).fill(0), to: [layer.filters, layer.channels, ...layer.windows.map((window) => window.kernel)] },
    ...(axes === 1 ? { columnAt: (tap) => slid[tap] } : {}),
    ...{ planeTitle: (plane) => kernelName(plane, layer, axes), across: layer.filters > 1 && layer.channels > 1 ? layer.channels : null },
    cell: (index) => kernelCell(layer, index),
  });
  const output = cells({
    ...{ name: `y${copy}`, width: view.width - BESIDE_SIGN, label: `Output, ${shape([layer.filters, ...layer.outputs])}`, view, side: cell },
    title: names.y ?? `output y, ${sized(layer.filters, layer.outputs)}`,
    ...{ from: Array(axes + 1).fill(0), to: [layer.filters, ...layer.outputs] },
    ...(axes === 1 ? { columnAt: (at) => paddedAt(layer.windows[0], centre(layer.windows[0], at)) } : {}),
    planeTitle: (plane) => planeName(plane, layer.filters, axes, "map"),
    cell: (index) => outputCell(layer, index, { looked, going }),
  });
  return { input, kernel, output, looked, side: cell, copy };
}

const sized = (planes, sizes) => (planes > 1 ? shape([planes, ...sizes]) : sizes.length > 1 ? shape(sizes) : `${sizes[0]}`);

/** The size of cells with which all grids stand in one line; else with which the input's planes do; else the widest plane. */
export function sideFor(layer, view) {
  const most = Math.max(38, Math.min(56, Math.floor(view.width / 24)));
  const columns = paddedSize(layer.windows.at(-1), layer.size.at(-1));
  if (layer.size.length === 1) return cellSize(view, columns, most);
  const frames = layer.size.length === 3 ? paddedSize(layer.windows[0], layer.size[0]) : 1;
  const planes = Array(layer.channels).fill(Array(frames).fill(columns)).flat();
  const kernels = Array(layer.channels).fill(layer.windows.at(-1).kernel);
  const maps = Array(layer.filters).fill(layer.outputs.at(-1));
  const side = (grids, signs) => Math.floor((view.width - 12 - signs - 16 * grids.length) / grids.reduce((all, each) => all + each, 0));
  const line = side([...planes, ...kernels, ...maps], 130);
  if (line >= 30) return Math.min(most, line);
  const all = side(planes, 0);
  return all >= 28 ? Math.min(40, all) : cellSize(view, columns, 36);
}

/** What stands above a plane: its channel or map where there are several, its time on a third axis. */
function planeName([channel, ...outer], count, axes, word = "channel") {
  const time = axes === 3 ? `t = ${outer[0] + 1}` : null;
  const own = count > 1 && axes > 1 ? `${word} ${channel + 1}` : null;
  return [own, time].filter((text) => text !== null).join(", ") || null;
}

/** Kernels stand below each other, their channels side by side: only the first plane of one of several is named after it. */
function kernelName([filter, ...rest], layer, axes) {
  if (layer.filters === 1 || axes === 1) return planeName(rest, layer.channels, axes);
  return rest.every((at) => at === 0) ? `kernel ${filter + 1}` : "";
}

function inputCell(layer, index, { skipped, reading, looked }) {
  const place = index.slice(1);
  const read = reading.has(place.join(".")) && (!looked.weight || looked.weight[1] === index[0]);
  const here = looked.input && same(looked.input, index);
  if (!onSignal(place, layer.size)) {
    return { kind: read || here ? "readpad" : "padding", text: "0", label: `padding at ${placeName(place)}: 0${read ? ", read now" : ""}` };
  }
  const number = layer.x(index);
  const never = skipped(place);
  const kind = here ? "read chosen" : never ? "unread" : read ? "read" : "signal";
  const told = never ? ", never read" : read ? ", read now" : "";
  return { kind, text: value(number), value: number, edit: "x", crossed: never, label: `${inputName(layer, index)} is ${value(number)}${told}` };
}

function kernelCell(layer, index) {
  const number = layer.w(index);
  const named = symbol("u", index.slice(2));
  const zero = layer.zero?.(index) ?? false;
  const of = `${layer.filters > 1 ? `kernel ${index[0] + 1}, ` : ""}${layer.channels > 1 ? `channel ${index[1] + 1}, ` : ""}`;
  if (zero) return { kind: "zero", text: "0", label: `${of}${named} is a zero between the taps` };
  return { kind: "kernel", text: value(number), value: number, edit: layer.fixed ? null : "w", label: `${of}${named} is ${value(number)}` };
}

function outputCell(layer, index, { looked, going }) {
  const order = looked.outputs.findIndex((output) => same(output, index));
  const current = !looked.input && same(index, looked.current);
  const reached = going.has(index.slice(1).join("."));
  if (!current && !reached && order > looked.step) return { kind: "pending", label: `${outputName(layer, index)}, still to come` };
  const number = outputAt(layer, index).value;
  const kind = current ? "current" : reached ? "output reached" : "output";
  return { kind, text: value(number), value: number, label: `${outputName(layer, index)} is ${value(number)}${reached ? ", reached" : ""}` };
}

/** The frames around what the kernel covers now, one for each plane that it reads. */
export function covered(layer, looked, found) {
  if (looked.input) return [];
  const spans = layer.windows.map((window, axis) => inputs(window, looked.current[axis + 1]));
  const inner = spans.slice(-2);
  const outer = layer.size.length === 3 ? spans[0] : [null];
  const planes = Array.from({ length: layer.channels }, (_, channel) => outer.map((time) => (time === null ? [channel] : [channel, time]))).flat();
  return planes.map((plane) => frame(found, [...plane, ...inner.map((span) => span[0])], [...plane, ...inner.map((span) => span.at(-1))]));
}

/** The drawing of a layer: on one axis the kernel slides under its input, on more they stand side by side. */
export function convolutionDrawing(label, layer, view, made, above = []) {
  const { input, kernel, output, looked } = made;
  if (layer.size.length > 1) {
    const blocks = [...above, { ...input, breaks: above.length > 0 }, sign("⊗"), kernel, sign("="), output];
    return drawing(label, view, blocks, (find) => covered(layer, looked, find("x")));
  }
  return alongOne(label, view, [{ layer, made }]);
}

/** The drawing of layers of one axis, each with its kernel sliding under its input, below each other. */
export function alongOne(label, view, layers) {
  const columns = layers.map(({ made: { input, kernel, output, copy } }) => stacked(`rows${copy}`, [input, kernel, output], 14));
  return drawing(label, view, columns.map((column, at) => ({ ...column, breaks: at > 0 })), (find) =>
    layers.map(({ layer, made }, at) => {
      const { x, y } = find(columns[at].name);
      return h("g", { key: at }, covered(layer, made.looked, { block: made.input, x, y: y + columns[at].inside(made.input.name).y }));
    }),
  );
}

/** What is said of what is looked at: an output's sum, where an input goes, what a weight multiplies. */
export function saidOf(layer, looked) {
  if (looked.input) return h("p", {}, goingText(layer, looked.input));
  const { terms, value: result } = outputAt(layer, looked.current);
  const name = outputName(layer, looked.current);
  if (looked.weight) {
    const [, channel, ...tap] = looked.weight;
    const term = terms.find((each) => each.group === channel && same(each.tap, tap));
    const what = term.padded ? "a zero of the padding" : `${inputName(layer, [channel, ...term.at])} = ${value(term.x)}`;
    return h("p", {}, `${symbol("u", tap)} = ${value(term.w)} multiplies ${what} in the sum of ${name}. It is the same weight everywhere.`);
  }
  return sum(name, layer.channels > 1 ? terms : terms.map((term) => ({ ...term, group: null })), result);
}

function goingText(layer, index) {
  const [, ...place] = index;
  if (!onSignal(place, layer.size)) return "Padding: a zero outside of the input.";
  const found = goesTo(layer, place);
  const name = `${inputName(layer, index)} = ${value(layer.x(index))}`;
  if (!found.length) return `${name} is never read: no output depends on it.`;
  const weights = found.map((each) => `${symbol("y", each.place)}${layer.filters > 1 ? "" : ` (times ${value(layer.w([0, index[0], ...each.tap]))})`}`);
  const maps = layer.filters > 1 ? ` of each of the ${layer.filters} maps` : "";
  const listed = weights.length > 6 ? `${weights.slice(0, 5).join(", ")} and ${weights.length - 5} more` : weights.join(", ");
  return `${name} goes to ${found.length} output${found.length === 1 ? "" : "s"}${maps}: ${listed}.`;
}

/** What stands in the place of the picture where there is no output, or null. `fieldOf` names the field of each argument. */
export function troubleOf(layer, scene, state) {
  if (fits(layer)) return null;
  const names = AXES[layer.size.length];
  const { reason, fixes } = misfit(layer, names);
  const found = fixes.map(({ argument, values }) => fix(scene, state, argument, values, names)).filter((each) => each !== null);
  return { reason, fixes: found };
}

/** A button's label and change for one remedy; null where the scene has no such field or its limits forbid the value. */
function fix(scene, state, argument, values, names) {
  const key = argument === "padding" ? "pads" : argument;
  const field = scene.fields.find((each) => each.key === key);
  if (!field) return null;
  const old = state[key];
  const wanted = Array.isArray(old) ? old.map((now, axis) => (values.has(axis) ? (key === "pads" ? [values.get(axis), values.get(axis)] : values.get(axis)) : now)) : values.get(0);
  if (field.print(field.clamp(wanted)) !== field.print(wanted)) return null;
  const shown = [...values].map(([axis, number]) => (names.length > 1 ? `${names[axis]} ${number}` : `${number}`)).join(", ");
  return { label: `${field.label}: ${shown}`, change: { [key]: wanted } };
}

/** The legend of what a layer's picture holds now. */
export function legendOf(layer, looked) {
  const padded = layer.windows.some((window) => window.before || window.after);
  const left = neverRead(layer);
  const spare = layer.windows.some((window, axis) => Array.from({ length: layer.size[axis] }, (_, at) => at).some((at) => left(layer.size.map((_, other) => (other === axis ? at : 0)))));
  return ["signal", ...(padded ? ["padding"] : []), "read", ...(spare ? ["unread"] : []), "kernel", "output", "current", ...(looked.step < looked.outputs.length - 1 ? ["pending"] : [])];
}

/** The numbers beside a layer's picture. */
export function factsOf(layer) {
  const names = AXES[layer.size.length];
  const label = (word, axis) => (names.length > 1 ? `${word}, ${names[axis]}` : word);
  const dilated = layer.windows.flatMap((window, axis) => (window.dilation > 1 ? [[label("the kernel spans", axis), extentFormula(window)]] : []));
  const cost = costOf(layer);
  const left = unreadCount(layer);
  return [
    ...dilated,
    ...layer.windows.map((window, axis) => [label("output size", axis), outputFormula(window, layer.size[axis])]),
    ["output", sized(layer.filters, layer.outputs)],
    ["parameters", count(cost.parameters)],
    ["multiply-adds", count(cost.macs)],
    ...(cost.macs === cost.realMacs ? [] : [["of them not on padding", count(cost.realMacs)]]),
    ["inputs never read", left ? `${left} of ${layer.size.reduce((all, each) => all * each, 1)}` : "none"],
  ];
}

/** All that a scene of one convolution shows. `picture(made)` may draw more than the grids: it gives the figure. */
export function shown(scene, layer, state, view, { picture = null, facts = factsOf, options = {} } = {}) {
  const trouble = troubleOf(layer, scene, state);
  if (trouble) return { trouble, figure: null };
  const looked = look(layer, state, view);
  const made = grids(layer, state, view, { looked, ...options });
  return {
    figure: picture ? picture(made) : convolutionDrawing(scene.title, layer, view, made),
    said: saidOf(layer, looked),
    facts: facts(layer),
    steps: looked.outputs.length,
    stepText: `output ${looked.step + 1} of ${looked.outputs.length}`,
    legend: legendOf(layer, looked),
    code: codeOf(layer),
  };
}
