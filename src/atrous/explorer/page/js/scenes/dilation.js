// Row 11: dilation, step by step, beside the same kernel without it.
import { covered, factsOf, grids, legendOf, look, saidOf, troubleOf } from "../convolution.js";
import { codeOf } from "../code.js";
import { drawing } from "../drawing.js";
import { edits, ints, step } from "../fields.js";
import { layerOf } from "../layer.js";
import { AXES, pointedAt } from "../naming.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: kernelValue });

export const scene = {
  row: 11,
  id: "dilation",
  title: "Dilation spreads the kernel",
  text: [
    "The dilation expands the support of the filter: its taps move apart, and the values between them are left out. It is 1 for a standard convolution.",
    "With a greater one the operation is a convolution with a regularly sparsified filter: the algorithme à trous, the algorithm with holes. Here are both, step by step: dilation 1 above, yours below.",
  ],
  fields: [
    ints({ key: "dilation", label: "dilation", min: 1, max: 4, value: [2, 2], axes: AXES[2] }),
    ints({ key: "size", label: "input", min: 1, max: 11, value: [7, 7], axes: AXES[2] }),
    ints({ key: "kernel", label: "kernel", min: 1, max: 4, value: [3, 3], axes: AXES[2] }),
    ...[x, w, step(4)],
  ],
  draw(state, view) {
    const { size, kernel, dilation } = state;
    const given = { size, kernel, x: valuesOf(x, state.x), w: valuesOf(w, state.w) };
    const dense = layerOf(given);
    const layer = layerOf({ ...given, dilation });
    const trouble = troubleOf(layer, scene, state);
    if (trouble) return { trouble, figure: null };
    const looked = look(layer, state, view);
    const first = look(dense, state, view);
    // the same place in both, unless one is pointed at that only the larger map has
    const pointed = pointedAt(view.pointed);
    const own = pointed?.array === "y" && pointed.copy === "a";
    const above = own ? first : { ...first, current: looked.current, step: first.outputs.findIndex((output) => output.join() === looked.current.join()) };
    const side = Math.min(34, Math.max(25, Math.floor(view.width / (size[1] + 1))));
    const top = grids(dense, state, view, { looked: above, copy: "a", side, names: { x: "dilation 1: input x", y: "its output" } });
    const below = grids(layer, state, view, { looked, side, names: { x: `dilation ${[...new Set(dilation)].join(" and ")}: input x`, y: "its output" } });
    const blocks = [top.input, top.output, below.kernel, { ...below.input, breaks: true }, below.output];
    return {
      figure: drawing(scene.title, view, blocks, (find) => [covered(dense, above, find("xa")), covered(layer, looked, find("x"))].flat().map((frame, at) => frame && { ...frame, key: at })),
      said: own ? saidOf(dense, above) : saidOf(layer, looked),
      facts: factsOf(layer),
      steps: looked.outputs.length,
      stepText: `output ${looked.step + 1} of ${looked.outputs.length}`,
      legend: legendOf(layer, looked),
      code: codeOf(layer),
    };
  },
};
