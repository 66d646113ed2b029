// Row 3: a convolution along one axis, with the lecture's own numbers.
import { shown } from "../convolution.js";
import { edits, int, step } from "../fields.js";
import { layerOf } from "../layer.js";
import { valuesOf } from "../values.js";

const x = edits({ key: "x", label: "signal", start: ([, at]) => (at % 9) + 1 });
const w = edits({ key: "w", label: "kernel", start: ([, , tap]) => [3, 2, 1, -1, 0, 2, -2, 1][tap] });

export const scene = {
  row: 3,
  id: "signal",
  title: "One axis: slide, multiply, add",
  text: [
    "A kernel u of width w slides over a signal x of length W. In each place where it fits, what lies on top of each other is multiplied, and all products are added: (x ⊗ u)ᵢ = Σⱼ xᵢ₋₁₊ⱼ · uⱼ.",
    "The kernel fits in W − w + 1 places, and so many outputs there are. It is not flipped: strictly speaking this is a cross-correlation.",
  ],
  fields: [int({ key: "size", label: "signal length W", min: 1, max: 20, value: 4 }), int({ key: "kernel", label: "kernel width w", min: 1, max: 8, value: 2 }), x, w, step(1)],
  draw(state, view) {
    const layer = layerOf({ size: [state.size], kernel: [state.kernel], x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    return shown(scene, layer, state, view);
  },
};
