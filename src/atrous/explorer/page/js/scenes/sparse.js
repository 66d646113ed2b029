// Row 12: a dilated kernel is a larger filter with few numbers that are not zero.
import { alongOne, grids, legendOf, look, saidOf, troubleOf } from "../convolution.js";
import { codeOf } from "../code.js";
import { edits, int, step } from "../fields.js";
import { extent, extentFormula, outputFormula, sizeLoss, sparsified } from "../geometry.js";
import { layerOf, outputAt } from "../layer.js";
import { signalValue, valuesOf } from "../values.js";
import { cellSize } from "../drawing.js";

const x = edits({ key: "x", label: "signal", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: ([, , tap]) => [1, 2, 3, -1, -2, 1][tap] });

export const scene = {
  row: 12,
  id: "sparse",
  title: "Few numbers, wide reach: a sparse filter",
  text: [
    "A 1-d kernel of size k with dilation d is a filter of size 1 + (k − 1) · d with only k coefficients that are not zero. For k = 3 and d = 4 that is 9, and the maps before and after differ in size by 8.",
    "Above, the dilated kernel; below, the dense filter with its zeros written in. Both give the same output.",
  ],
  fields: [
    int({ key: "kernel", label: "kernel k", min: 1, max: 6, value: 3 }),
    int({ key: "dilation", label: "dilation d", min: 1, max: 6, value: 4 }),
    int({ key: "size", label: "signal length W", min: 1, max: 24, value: 16 }),
    ...[x, w, step(3)],
  ],
  draw(state, view) {
    const given = { size: [state.size], x: valuesOf(x, state.x) };
    const weights = valuesOf(w, state.w);
    const layer = layerOf({ ...given, kernel: [state.kernel], dilation: [state.dilation], w: weights });
    const trouble = troubleOf(layer, scene, state);
    if (trouble) return { trouble, figure: null };
    const window = layer.windows[0];
    const taps = sparsified(window);
    const zero = ([, , at]) => taps[at] === null;
    const filled = (index) => (zero(index) ? 0 : weights([0, 0, taps[index[2]]]));
    const dense = { ...layerOf({ ...given, kernel: [extent(window)], w: filled }), zero, fixed: true };
    const looked = look(layer, state, view);
    // a weight that is pointed at belongs to its own kernel only
    const below = { ...looked, weight: null };
    const side = cellSize(view, state.size, 38);
    const equal = looked.outputs.filter((output) => outputAt(layer, output).value === outputAt(dense, output).value).length;
    return {
      figure: alongOne(scene.title, view, [
        { layer, made: grids(layer, state, view, { looked, side, names: { x: `signal x, with a kernel of ${state.kernel} and dilation ${state.dilation}` } }) },
        { layer: dense, made: grids(dense, state, view, { looked: below, side, copy: "b", names: { x: `the same signal, with a dense filter of ${extent(window)}` } }) },
      ]),
      said: saidOf(layer, view.pointed?.startsWith("wb:") ? below : looked),
      facts: [
        ["size of the filter", extentFormula(window)],
        ["coefficients that are not zero by design", `${window.kernel} of ${extent(window)}`],
        ["output size", outputFormula(window, state.size)],
        ["maps differ in size by", `${sizeLoss(window, state.size)}`],
        ["equal outputs", `${equal} of ${looked.outputs.length}`],
      ],
      steps: looked.outputs.length,
      stepText: `output ${looked.step + 1} of ${looked.outputs.length}`,
      legend: [...legendOf(layer, looked), "zero"],
      code: codeOf(layer),
    };
  },
};
