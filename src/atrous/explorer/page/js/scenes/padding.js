// Row 9: padding and stride, drawn as the lecture draws them: the input, its frame, the steps, the kernel, and then each position.
import { anchors } from "../anchors.js";
import { cells } from "../cells.js";
import { convolutionDrawing, grids, shown } from "../convolution.js";
import { h } from "../dom.js";
import { drawing } from "../drawing.js";
import { edits, int, ints, pads, step } from "../fields.js";
import { shape } from "../format.js";
import { layerOf, outputsOf } from "../layer.js";
import { AXES } from "../naming.js";
import { stepOf } from "../scene.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: kernelValue });

/** What is put on stage before the kernel begins to move; each adds to the ones before. */
const BEGIN = [
  ["the input", ({ channels, size }) => `First there is the input, ${shape([channels, ...size])}: C channels of ${shape(size)} numbers.`],
  ["its padding", ({ pads: ends }) => `The padding is the size of a zeroed frame around the input: ${written(ends, AXES[2])}.`],
  ["the stride", ({ stride }) => `The stride is the step of the kernel: ${stride[0]} down and ${stride[1]} across. The dots are where its first corner will stand.`],
  ["the kernel", ({ channels, kernel }) => `The kernel has ${shape([channels, ...kernel])} weights: all channels, ${shape(kernel)} places.`],
];

const written = (ends, names) => ends.map(([before, after], axis) => `${names[axis]} ${before === after ? `${before} on both ends` : `${before} before and ${after} after`}`).join(", ");

export const scene = {
  row: 9,
  id: "padding",
  title: "Padding and stride, in nine steps",
  text: [
    "The padding is the size of a zeroed frame around the input. The stride is the step of the kernel.",
    "The lecture's example, from the start: an input of C × 3 × 5, a padding of (2, 1), a stride of (2, 2), a kernel of C × 3 × 3. It fits in 3 × 3 positions, and in nine steps the output fills.",
  ],
  fields: [
    int({ key: "channels", label: "channels C", min: 1, max: 3, value: 2 }),
    ints({ key: "size", label: "input", min: 1, max: 9, value: [3, 5], axes: AXES[2] }),
    pads({ key: "pads", label: "padding", max: 4, value: [[2, 2], [1, 1]], axes: AXES[2] }),
    ints({ key: "stride", label: "stride", min: 1, max: 4, value: [2, 2], axes: AXES[2] }),
    ints({ key: "kernel", label: "kernel", min: 1, max: 5, value: [3, 3], axes: AXES[2] }),
    ...[x, w, step(8)],
  ],
  draw(state, view) {
    const { channels, size, kernel, stride, pads: ends } = state;
    const layer = layerOf({ size, kernel, stride, pads: ends, channels, x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    const count = BEGIN.length + outputsOf(layer).length;
    const at = stepOf(state, count);
    const moving = { ...state, step: Math.max(0, at - BEGIN.length) };
    const drawn = shown(scene, layer, moving, view, { picture: (made) => picture(layer, made, at, state, view) });
    if (drawn.trouble) return drawn;
    const begin = BEGIN[at];
    return {
      ...drawn,
      said: begin && !view.pointed ? h("p", {}, begin[1](state)) : drawn.said,
      steps: count,
      stepText: begin ? `step ${at + 1} of ${count}: ${begin[0]}` : `step ${at + 1} of ${count}: position ${at - BEGIN.length + 1}`,
      legend: at < 1 ? ["signal"] : at < BEGIN.length ? ["signal", "padding"] : drawn.legend,
    };
  },
};

/** The stage after `at` steps; while it is set up, what comes later is not there yet. */
function picture(layer, made, at, state, view) {
  if (at >= BEGIN.length) return convolutionDrawing(scene.title, layer, view, made);
  const { input, kernel } = grids(layer, state, view, { looked: { ...made.looked, still: true }, side: made.side });
  const still = cells({
    ...{ name: "x", label: `Input, ${shape([layer.channels, ...layer.size])}`, title: `input x, ${shape([layer.channels, ...layer.size])}`, view, side: made.side },
    ...{ from: [0, 0, 0], to: [layer.channels, ...layer.size], planeTitle: ([channel]) => (layer.channels > 1 ? `channel ${channel + 1}` : null) },
    cell: (index) => ({ kind: "signal", text: layer.x(index), value: layer.x(index), edit: "x", label: `x(${index[1] + 1}, ${index[2] + 1}) is ${layer.x(index)}` }),
  });
  const blocks = at === 0 ? [still] : at < 3 ? [input] : [input, kernel];
  return drawing(scene.title, view, blocks, (find) => (at >= 2 ? anchors(layer, find("x")) : []));
}
