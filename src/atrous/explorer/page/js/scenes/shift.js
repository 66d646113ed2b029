// Row 2: when the signal shifts, the output shifts.
import { cells } from "../cells.js";
import { codeOf } from "../code.js";
import { saidOf, troubleOf } from "../convolution.js";
import { h } from "../dom.js";
import { cellSize, drawing, stacked } from "../drawing.js";
import { edits, int, step } from "../fields.js";
import { plural, value } from "../format.js";
import { alignedShifts, centre, inputs, outputBefore, outputFormula, outputShift } from "../geometry.js";
import { layerOf, outputAt } from "../layer.js";
import { pointedAt, symbol } from "../naming.js";
import { valuesOf } from "../values.js";

const x = edits({ key: "x", label: "signal", start: ([, at]) => [0, 1, 4, 2, 6, 3][at] ?? 0 });
const w = edits({ key: "w", label: "kernel", start: ([, , tap]) => [1, -1, 2, 1, -2][tap] });

/** The shifts to play through: 0 and so many more. */
const SHIFTS = 9;

export const scene = {
  row: 2,
  id: "shift",
  title: "Shift the input, and the output shifts",
  text: [
    "Large signals are invariant under translation: what is meaningful in one place is meaningful everywhere. So a convolution applies the same linear map locally, everywhere.",
    "Therefore, when the signal shifts, the output shifts with it. With a stride of s that holds for shifts that are multiples of s: a shift of s inputs is a shift of one output.",
  ],
  fields: [
    int({ key: "size", label: "signal length", min: 1, max: 20, value: 14 }),
    int({ key: "kernel", label: "kernel", min: 1, max: 5, value: 3 }),
    int({ key: "stride", label: "stride s", min: 1, max: 4, value: 1 }),
    ...[x, w, step(3)],
  ],
  draw(state, view) {
    const shift = Math.min(state.step, SHIFTS - 1);
    const typed = valuesOf(x, state.x);
    const given = { size: [state.size], kernel: [state.kernel], stride: [state.stride], w: valuesOf(w, state.w) };
    const layer = layerOf({ ...given, x: typed });
    const trouble = troubleOf(layer, scene, state);
    if (trouble) return { trouble, figure: null };
    const moved = layerOf({ ...given, x: ([, at]) => (at < shift ? 0 : typed([0, at - shift])) });
    const window = layer.windows[0];
    const compared = Array.from({ length: layer.outputs[0] }, (_, at) => outputBefore(window, state.size, shift, at));
    const equal = compared.filter((old, at) => old !== null && outputAt(layer, [0, old]).value === outputAt(moved, [0, at]).value).length;
    const known = compared.filter((old) => old !== null).length;
    return {
      figure: picture({ layer, moved, compared, shift, view }),
      said: said({ layer, moved, compared, shift, view, state, set: view.set }),
      facts: [
        ["output size", outputFormula(window, state.size)],
        ["the outputs shift by", outputShift(state.stride, shift) === null ? `no whole number of places: ${shift} is no multiple of ${state.stride}` : plural(outputShift(state.stride, shift), "place")],
        ["outputs that are the old ones, shifted", `${equal} of ${known}`],
      ],
      steps: SHIFTS,
      stepText: `shifted by ${shift}`,
      legend: ["signal", "read", "kernel", "output", "current"],
      code: codeOf(moved),
    };
  },
};

/** What is pointed at: an output of the signal before or after the shift, and its counterpart. */
function pair(layer, compared, view) {
  const pointed = pointedAt(view.pointed);
  if (pointed?.array !== "y") return null;
  const at = pointed.index.at(-1);
  if (pointed.copy === "b") return { after: at, before: compared[at] ?? null };
  const after = compared.indexOf(at);
  return { before: at, after: after < 0 ? null : after };
}

function picture({ layer, moved, compared, shift, view }) {
  const window = layer.windows[0];
  const side = cellSize(view, layer.size[0], 38);
  const both = pair(layer, compared, view);
  const row = (name, title, of, current, edit) => {
    const reading = current === null || current === undefined ? [] : inputs(window, current);
    return cells({
      ...{ name, label: title, title, view, side, from: [0, 0], to: [1, of.size[0]] },
      cell: ([, at]) => ({ kind: reading.includes(at) ? "read" : "signal", text: value(of.x([0, at])), value: of.x([0, at]), edit, label: `${symbol("x", [at])} is ${value(of.x([0, at]))}` }),
    });
  };
  const map = (name, title, of, current, mark) =>
    cells({
      ...{ name, label: title, title, view, side, from: [0, 0], to: [1, of.outputs[0]], columnAt: (at) => centre(window, at) },
      cell: ([, at]) => {
        const number = outputAt(of, [0, at]).value;
        const sign = mark(at, number);
        const kind = at === current ? "current" : sign === "" && name === "yb" ? "edge" : "output";
        return { kind, text: value(number), value: number, mark: sign, label: `${symbol("y", [at])} is ${value(number)}${sign === "=" ? ", as before the shift" : ""}` };
      },
    });
  const mark = (at, number) => (compared[at] === null ? "" : outputAt(layer, [0, compared[at]]).value === number ? "=" : "≠");
  const kernel = cells({
    ...{ name: "w", label: "Kernel", title: "kernel u", view, side, from: [0, 0, 0], to: [1, 1, window.kernel] },
    cell: (index) => ({ kind: "kernel", text: value(layer.w(index)), value: layer.w(index), edit: "w", label: `${symbol("u", index.slice(2))} is ${value(layer.w(index))}` }),
  });
  const first = stacked("before", [row("x", "signal x", layer, both?.before, "x"), map("y", "its output", layer, both?.before, () => "")]);
  const second = stacked("after", [row("xb", `the signal shifted by ${shift}`, moved, both?.after, null), map("yb", "its output", moved, both?.after, mark)]);
  return drawing(scene.title, view, [kernel, { ...first, breaks: true }, { ...second, breaks: true }]);
}

function said({ layer, moved, compared, shift, view, state }) {
  const both = pair(layer, compared, view);
  const copy = pointedAt(view.pointed)?.copy;
  if (both) {
    const [of, at] = copy === "b" ? [moved, both.after] : [layer, both.before];
    return saidOf(of, { current: [0, at], input: null, weight: null });
  }
  if (outputShift(state.stride, shift) !== null) return h("p", {}, `Each output marked = is the old output, ${plural(outputShift(state.stride, shift), "place")} further. The dashed ones have nothing to be compared with: their old place lies outside.`);
  const near = alignedShifts(state.stride, shift).map((each) => h("button", { type: "button", key: each, onclick: () => view.set({ step: each }) }, `shift by ${each}`));
  return h("div", {}, h("p", {}, `The output does not shift by a whole number of places: ${shift} is no multiple of the stride ${state.stride}.`), h("p", { class: "fixes" }, near));
}
