// Row 5: a layer combines D convolutions, each with a kernel of its own.
import { convolutionDrawing, factsOf, shown } from "../convolution.js";
import { edits, int, ints, step } from "../fields.js";
import { count } from "../format.js";
import { costOf, layerOf } from "../layer.js";
import { AXES } from "../naming.js";
import { overview } from "../overview.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernels", start: kernelValue });

const facts = (layer) => {
  const kernel = layer.windows.map((window) => window.kernel);
  return [
    ["weights: D · C · h · w", `${[layer.filters, layer.channels, ...kernel].join(" · ")} = ${count(costOf(layer).parameters)}`],
    ["with D biases", count(costOf(layer, true).parameters)],
    ...factsOf(layer).filter(([name]) => name !== "parameters"),
  ];
};

export const scene = {
  row: 5,
  id: "kernels",
  title: "A layer has D kernels, and makes D maps",
  text: [
    "A standard layer combines D such convolutions. Each has a kernel of its own, reads the same input, and makes one map: the output is D × (H − h + 1) × (W − w + 1).",
    "The layer has D · C · h · w weights, and D biases if it has any. That does not depend on H and W: make the input larger and look.",
  ],
  fields: [
    int({ key: "filters", label: "kernels D", min: 1, max: 4, value: 2 }),
    int({ key: "channels", label: "channels C", min: 1, max: 3, value: 2 }),
    ints({ key: "size", label: "input", min: 1, max: 9, value: [4, 4], axes: AXES[2] }),
    ints({ key: "kernel", label: "kernel", min: 1, max: 4, value: [2, 2], axes: AXES[2] }),
    ...[x, w, step(12)],
  ],
  draw(state, view) {
    const { filters, channels, size, kernel } = state;
    const layer = layerOf({ size, kernel, channels, filters, x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    return shown(scene, layer, state, view, { facts, picture: (made) => convolutionDrawing(scene.title, layer, view, made, overview(layer, made.looked, view)) });
  },
};
