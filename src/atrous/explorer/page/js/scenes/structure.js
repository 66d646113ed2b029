// Row 6: the structure of the signal is kept, and neighbours stay neighbours.
import { shown } from "../convolution.js";
import { choice, edits, int, step } from "../fields.js";
import { plural } from "../format.js";
import { goesTo, layerOf } from "../layer.js";
import { placeName, pointedAt } from "../naming.js";
import { indices } from "../cells.js";
import { h } from "../dom.js";
import { kernelValue, signalValue, valuesOf } from "../values.js";

const x = edits({ key: "x", label: "input", start: signalValue });
const w = edits({ key: "w", label: "kernel", start: kernelValue });

export const scene = {
  row: 6,
  id: "structure",
  title: "Neighbours stay neighbours",
  text: [
    "A convolution keeps the structure of its signal: a 1-d signal stays 1-d, a 2-d signal stays 2-d.",
    "Neighbouring inputs influence neighbouring outputs. Play, or point at an input: the outputs that depend on it lie together, and when the input moves by one place, so do they.",
  ],
  fields: [
    choice({ key: "axes", label: "signal", options: [["1", "1-d"], ["2", "2-d"]], value: "2" }),
    int({ key: "size", label: "size of each axis", min: 1, max: 10, value: 6 }),
    int({ key: "kernel", label: "kernel", min: 1, max: 5, value: 3 }),
    ...[x, w, step(15)],
  ],
  draw(state, view) {
    const axes = Number(state.axes);
    const size = Array(axes).fill(state.size);
    const layer = layerOf({ size, kernel: size.map(() => state.kernel), x: valuesOf(x, state.x), w: valuesOf(w, state.w) });
    const places = indices(size.map(() => 0), size);
    const at = Math.min(state.step, places.length - 1);
    const pointed = view.pointed ?? `x:0.${places[at].join(".")}`;
    const drawn = shown(scene, layer, { ...state, step: Infinity }, { ...view, pointed });
    if (drawn.trouble) return drawn;
    const found = pointedAt(pointed);
    const next = found.array === "x" && found.copy === "" ? neighbour(layer, found.index.slice(1)) : null;
    return { ...drawn, said: h("div", {}, drawn.said, next), steps: places.length, stepText: `input ${at + 1} of ${places.length}`, legend: ["signal", "kernel", "output", "reached"] };
  },
};

/** What is said of the next input along the last axis: how many outputs it shares with this one. */
function neighbour(layer, place) {
  const next = [...place.slice(0, -1), place.at(-1) + 1];
  if (next.at(-1) >= layer.size.at(-1)) return null;
  const mine = new Set(goesTo(layer, place).map((each) => each.place.join()));
  const shared = goesTo(layer, next).filter((each) => mine.has(each.place.join())).length;
  return h("p", {}, `Its neighbour at ${placeName(next)} influences ${shared === 0 ? "none of them" : `${plural(shared, "output")} of these`} as well.`);
}
