// Row 3: one axis.
import { cells, frame } from "../cells.js";
import { drawing, sign } from "../drawing.js";
import { edits, int, step } from "../fields.js";
import { inputs, outputFormula, outputSize, windowOf } from "../geometry.js";
import { stepOf } from "../scene.js";
import { sum } from "../sum.js";

export const scene = {
  row: 3,
  id: "signal",
  title: "One axis: slide, multiply, add",
  text: ["A kernel u of width w slides over a signal x of length W."],
  fields: [
    int({ key: "size", label: "signal length W", min: 1, max: 16, value: 4 }),
    int({ key: "kernel", label: "kernel width w", min: 1, max: 8, value: 2 }),
    edits({ key: "x", label: "signal", start: ([, at]) => at + 1 }),
    step(0),
  ],
  draw(state, view) {
    const window = windowOf({ kernel: state.kernel });
    const outputs = outputSize(window, state.size);
    const at = stepOf(state, outputs);
    const x = (i) => state.x[`0.${i}`] ?? i + 1;
    const one = cells({
      ...{ name: "x", label: "signal", title: "signal x", from: [0, 0], to: [1, state.size], side: 40, view },
      cell: ([, i]) => ({ kind: inputs(window, at).includes(i) ? "read" : "signal", text: x(i), value: x(i), label: `x ${i + 1} is ${x(i)}`, edit: "x" }),
    });
    const terms = inputs(window, at).map((i, tap) => ({ x: x(i), w: 3 - tap, group: null }));
    return {
      figure: drawing("A convolution", view, [one, sign("⊗")], (find) => [frame(find("x"), [0, inputs(window, at)[0]], [0, inputs(window, at).at(-1)])]),
      said: sum(`y${at + 1}`, terms, terms.reduce((all, t) => all + t.x * t.w, 0)),
      facts: [["outputs", outputFormula(window, state.size)]],
      steps: outputs,
      stepText: `output ${at + 1} of ${outputs}`,
    };
  },
};
