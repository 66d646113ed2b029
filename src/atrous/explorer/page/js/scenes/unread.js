// Row 10: a stride above 1 may leave values of the input unread.
import { factsOf, shown } from "../convolution.js";
import { edits, ints, step } from "../fields.js";
import { unread } from "../geometry.js";
import { layerOf } from "../layer.js";
import { AXES } from "../naming.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: kernelValue });

const causes = (layer) =>
  layer.windows.flatMap((window, axis) => {
    const { stride, floor } = unread(window, layer.size[axis]);
    const lines = AXES[2][axis] === "height" ? "rows" : "columns";
    const told = [stride ? `${stride} between the windows` : null, floor ? `${floor} behind the last window` : null].filter((text) => text !== null);
    return [[`${lines} never read`, told.join(", ") || "none"]];
  });

export const scene = {
  row: 10,
  id: "unread",
  title: "A stride may skip values",
  text: [
    "The stride is the step of the kernel. With a stride above 1 the kernel may not cover the input completely, and some of its values are ignored: nothing in the output depends on them.",
    "They are crossed out here. Some lie between two windows, where the stride is larger than the kernel; others behind the last window, where there is no room for a further step.",
  ],
  fields: [
    ints({ key: "size", label: "input", min: 1, max: 12, value: [6, 8], axes: AXES[2] }),
    ints({ key: "kernel", label: "kernel", min: 1, max: 5, value: [2, 2], axes: AXES[2] }),
    ints({ key: "stride", label: "stride", min: 1, max: 5, value: [2, 3], axes: AXES[2] }),
    ...[x, w, step(4)],
  ],
  draw(state, view) {
    const { size, kernel, stride } = state;
    const layer = layerOf({ size, kernel, stride, x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    const facts = () => [...factsOf(layer).slice(-1), ...causes(layer), ...factsOf(layer).slice(0, -1)];
    return shown(scene, layer, state, view, { facts });
  },
};
