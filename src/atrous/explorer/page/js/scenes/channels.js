// Row 4: several dimensions. The kernel has as many channels as the input and never moves across them.
import { convolutionDrawing, shown } from "../convolution.js";
import { edits, int, ints, step } from "../fields.js";
import { layerOf } from "../layer.js";
import { AXES } from "../naming.js";
import { overview } from "../overview.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: kernelValue });

export const scene = {
  row: 4,
  id: "channels",
  title: "Two axes, and all channels at once",
  text: [
    "An image has C channels of H × W numbers, and its kernel has C channels of h × w. The kernel moves over rows and columns, never across channels: in each place it covers all of them, and one sum comes out.",
    "So a C × H × W input and a C × h × w kernel give one map of (H − h + 1) × (W − w + 1). We speak of a 2-d signal although it has C channels.",
  ],
  fields: [
    int({ key: "channels", label: "channels C", min: 1, max: 4, value: 3 }),
    ints({ key: "size", label: "input", min: 1, max: 9, value: [4, 5], axes: AXES[2] }),
    ints({ key: "kernel", label: "kernel", min: 1, max: 5, value: [2, 3], axes: AXES[2] }),
    ...[x, w, step(4)],
  ],
  draw(state, view) {
    const { channels, size, kernel } = state;
    const layer = layerOf({ size, kernel, channels, x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    return shown(scene, layer, state, view, { picture: (made) => convolutionDrawing(scene.title, layer, view, made, overview(layer, made.looked, view)) });
  },
};
