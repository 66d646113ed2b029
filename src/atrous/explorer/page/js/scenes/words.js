// Row 8: three words of the field, each shown on the same small layer.
import { frame } from "../cells.js";
import { covered, shown } from "../convolution.js";
import { h } from "../dom.js";
import { drawing, sign } from "../drawing.js";
import { choice, edits, int, step } from "../fields.js";
import { count, shape } from "../format.js";
import { extent, inputs } from "../geometry.js";
import { costOf, layerOf, outputAt } from "../layer.js";
import { outputName } from "../naming.js";
import { look } from "../convolution.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernels", start: kernelValue });

/** What is said of each word about the output that is looked at. */
const MEANINGS = {
  map: (layer, [filter]) => `An activation map is one channel of the output. This layer has ${layer.filters}; the framed one is number ${filter + 1}, made by kernel ${filter + 1} alone.`,
  field: (layer, output) => {
    const spans = layer.windows.map((window, axis) => inputs(window, output[axis + 1]));
    const text = spans.map((span, axis) => `${["rows", "columns"][axis]} ${span[0] + 1} to ${span.at(-1) + 1}`).join(" and ");
    return `The receptive field of an output is the area of the input that influences it. That of ${outputName(layer, output)} is ${text}: ${shape(layer.windows.map(extent))}.`;
  },
  full: (layer) => `In a fully connected layer every input influences every output. A kernel as large as the input makes one: each of the ${layer.filters} outputs reads all inputs, with ${count(costOf(layer).parameters)} weights in all.`,
};

export const scene = {
  row: 8,
  id: "words",
  title: "Three words",
  text: [
    "An activation map is one output channel. The receptive field of an output is the input area that influences it. A layer is fully connected when every input influences every output.",
    "Choose a word, then point at the outputs.",
  ],
  fields: [
    choice({ key: "word", label: "word", options: [["map", "activation map"], ["field", "receptive field"], ["full", "fully connected"]], value: "field" }),
    int({ key: "filters", label: "kernels D", min: 1, max: 4, value: 2 }),
    int({ key: "size", label: "input, each axis", min: 1, max: 8, value: 5 }),
    int({ key: "kernel", label: "kernel, each axis", min: 1, max: 5, value: 3 }),
    ...[x, w, step(4)],
  ],
  draw(state, view) {
    const side = state.word === "full" ? state.size : state.kernel;
    const layer = layerOf({ size: [state.size, state.size], kernel: [side, side], filters: state.filters, x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    const drawn = shown(scene, layer, state, view, { picture: (made) => picture(layer, made, state.word, view) });
    if (drawn.trouble) return drawn;
    const looked = look(layer, state, view);
    const meaning = looked.input ? drawn.said : h("div", {}, h("p", {}, MEANINGS[state.word](layer, looked.current)), state.word === "full" ? h("p", {}, `${outputName(layer, looked.current)} = ${outputAt(layer, looked.current).value}`) : drawn.said);
    return { ...drawn, said: meaning };
  },
};

function picture(layer, { input, kernel, output, looked }, word, view) {
  const last = layer.outputs.map((count) => count - 1);
  const whole = (filter, found) => frame(found, [filter, 0, 0], [filter, ...last]);
  const blocks = word === "map" ? [input, sign("⊗"), kernel, sign("="), output] : [input, sign("→"), output, ...(word === "full" ? [{ ...kernel, breaks: true }] : [kernel])];
  return drawing(scene.title, view, blocks, (find) => (word === "map" && !looked.input ? [whole(looked.current[0], find("y"))] : covered(layer, looked, find("x"))));
}
