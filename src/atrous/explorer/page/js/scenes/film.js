// Row 7: three axes, where the first has a metric meaning, such as time.
import { convolutionDrawing, shown } from "../convolution.js";
import { edits, ints, step } from "../fields.js";
import { layerOf } from "../layer.js";
import { AXES } from "../naming.js";
import { overview } from "../overview.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "film", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: kernelValue });

export const scene = {
  row: 7,
  id: "film",
  title: "Three axes: when time is a place, too",
  text: [
    "In a grayscale video the frames follow each other in time: one frame later is as meaningful as one pixel further. So the kernel moves over time as well, and the convolution is 3-d.",
    "The input has one channel, C = 1, and T × H × W numbers. The kernel covers some frames, some rows and some columns, and moves along all three axes.",
  ],
  fields: [
    ints({ key: "size", label: "video", min: 1, max: [5, 6, 6], value: [4, 4, 4], axes: AXES[3] }),
    ints({ key: "kernel", label: "kernel", min: 1, max: 3, value: [2, 2, 2], axes: AXES[3] }),
    ...[x, w, step(13)],
  ],
  draw(state, view) {
    const layer = layerOf({ size: state.size, kernel: state.kernel, x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    return shown(scene, layer, state, view, { picture: (made) => convolutionDrawing(scene.title, layer, view, made, overview(layer, made.looked, view)) });
  },
};
