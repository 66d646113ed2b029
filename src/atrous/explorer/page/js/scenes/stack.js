// Row 13, and the stack builder: layers on top of each other, what a unit of any of them sees, and what they cost.
import { coneBlock, coneWords, lookedAt } from "../cone.js";
import { h } from "../dom.js";
import { drawing } from "../drawing.js";
import { int } from "../fields.js";
import { count } from "../format.js";
import { poolPadding } from "../geometry.js";
import { KINDS, layerOf, layers, windowOfLayer } from "../layer_field.js";
import { layerTable } from "../layer_table.js";
import { stackCode } from "../stack_code.js";
import { misfit, sizesOf, stackRows, unseen } from "../stack_geometry.js";

const convolutions = (dilations) => dilations.map((dilation) => layerOf("conv", { dilation, padding: dilation, filters: 16 }));

const DILATED = convolutions([1, 2, 4, 8]);
const PRESETS = [
  ["dilated", DILATED],
  ["not dilated", convolutions([1, 1, 1, 1])],
  ["strided", [16, 32, 64].map((filters) => layerOf("conv", { stride: 2, filters }))],
  ["pooled", [16, 32].flatMap((filters) => [layerOf("conv", { filters }), layerOf("pool")])],
  ["hourglass", [layerOf("conv", {}), layerOf("pool"), layerOf("conv", { filters: 32 }), layerOf("transposed"), layerOf("conv", {})]],
  ["gridding", convolutions([2, 2, 2])],
];

/** Longer maps than these are not drawn. */
const LONGEST = 512;

const kindName = ({ kind, dilation }) => (kind === "transposed" ? "transposed" : kind === "pool" ? "pool" : dilation > 1 ? "dilated" : "conv");

/** What a level is called, short enough for the margin of a picture. */
const short = ({ kind, kernel, stride, dilation }, at) => {
  const more = [dilation > 1 ? `d${dilation}` : "", stride > 1 ? `s${stride}` : ""].filter(Boolean).join(" ");
  return `${at + 1} ${kind === "conv" ? "conv" : kind === "pool" ? "pool" : "transp."} ${kernel}${more ? `, ${more}` : ""}`;
};

/** Where a layer makes nothing, or more than can be drawn. */
function troubleOf(state, windows, sizes) {
  const at = sizes.length - 2;
  const long = sizes.findIndex((size) => size > LONGEST);
  const bigger = (name, value) => ({ label: `${name} ${value} of layer ${at + 1}`, change: { stack: state.stack.map((layer, place) => (place === at ? { ...layer, [name]: value } : layer)) } });
  const without = (place) => ({ label: `without layer ${place + 1}`, change: { stack: state.stack.filter((_, each) => each !== place) } });
  if (sizes.at(-1) < 1) {
    const { reason, fixes } = misfit(windows[at], sizes.at(-2));
    const layer = KINDS[state.stack[at].kind];
    const known = fixes.filter(({ name }) => layer.numbers.includes(name)).filter(({ name, value }) => name !== "padding" || state.stack[at].kind !== "pool" || value <= poolPadding(state.stack[at].kernel));
    return { reason: `Layer ${at + 1} (${layer.name}) makes no output: ${reason}.`, fixes: [...known.map(({ name, value }) => bigger(name, value)), ...(state.stack.length > 1 ? [without(at)] : [])] };
  }
  if (long > 0) return { reason: `Layer ${long} makes maps of ${count(sizes[long])} × ${count(sizes[long])}; up to ${LONGEST} can be drawn here.`, fixes: [without(long - 1), { label: "an input of 16", change: { size: 16 } }] };
  return null;
}

export const scene = {
  row: 13,
  id: "stack",
  title: "Layers on layers: the receptive field grows",
  text: [
    "Stack layers, and a unit sees more of the input with each of them: its receptive field grows. Every layer also adds parameters. Dilation lets the field grow faster, and adds none.",
    "Build your own stack. Point at any unit: lines lead down to every input that it sees. The bars set receptive field and parameters side by side; the tick in a bar is the field that the same layers have without dilation.",
  ],
  fields: [
    int({ key: "size", label: "input height and width", min: 1, max: 256, value: 40 }),
    int({ key: "channels", label: "input channels", min: 1, max: 512, value: 3 }),
    layers({ key: "stack", label: "layers", value: DILATED, presets: PRESETS }),
  ],
  draw(state, view) {
    const windows = state.stack.map(windowOfLayer);
    const sizes = sizesOf(windows, state.size);
    const trouble = troubleOf(state, windows, sizes);
    if (trouble) return { figure: null, trouble };
    const names = ["input", ...state.stack.map(short)];
    const rows = stackRows(windows, state.channels, state.size);
    const last = rows.at(-1);
    const never = new Set(unseen(windows, sizes));
    const looked = lookedAt(view.pointed, "unit", sizes);
    const cone = coneBlock({ layers: windows, sizes, ...looked, name: "unit", names, never, view });
    const full = ["input", ...state.stack.map((layer, at) => `${at + 1} ${kindName(layer)} ${layer.kernel} × ${layer.kernel}`)];
    return {
      figure: [drawing("The stack along one axis, the input at the bottom", view, [cone]), layerTable(rows, full, { caption: "The stack, layer by layer", chosen: looked.level })],
      said: h("p", {}, coneWords(windows, sizes, looked, names)),
      facts: factsOf(rows, never, state),
      legend: ["current", "read", "signal", ...(never.size ? ["unread"] : [])],
      code: stackCode(state.stack, state.channels, state.size),
      last,
    };
  },
};

function factsOf(rows, never, { size }) {
  const { field, total, size: outputs, channels } = rows.at(-1);
  const macs = rows.reduce((all, row) => all + row.macs, 0n);
  const dense = rows.at(-1).dense.size;
  return [
    ["receptive field", `${field.size} × ${field.size}${field.holes ? `, ${field.holes} of each ${field.size} are holes` : ""}`],
    ["without dilation it would be", `${dense} × ${dense}, with the same parameters`],
    ["from unit to unit it moves by", field.jump[1] === 1 ? String(field.jump[0]) : `${field.jump[0]}/${field.jump[1]}`],
    ["output", `${channels} × ${outputs} × ${outputs}`],
    ["parameters, one bias a map", count(total)],
    ["multiply-adds, all taps counted", count(macs)],
    ["inputs of a row never seen", never.size ? `${never.size} of ${size}` : `none of ${size}`],
  ];
}
