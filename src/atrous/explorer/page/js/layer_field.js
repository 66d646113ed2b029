// The field of a scene that holds a stack of layers, each with its own numbers, to be added, removed and put in another order. The
// state is a frozen array of {kind, kernel, stride, dilation, padding, filters}; in a link it reads c3.1.2.2.16,p2.2.0,t2.2.0.8.
import { h } from "./dom.js";
import { poolPadding } from "./geometry.js";

/** The kinds of layers: their letter in a link, their name, the numbers that they have, and one to begin with. */
export const KINDS = {
  conv: { letter: "c", name: "convolution", numbers: ["kernel", "stride", "dilation", "padding", "filters"], fresh: { kernel: 3, stride: 1, dilation: 1, padding: 1, filters: 16 } },
  pool: { letter: "p", name: "max pooling", numbers: ["kernel", "stride", "padding"], fresh: { kernel: 2, stride: 2, padding: 0 } },
  transposed: { letter: "t", name: "transposed convolution", numbers: ["kernel", "stride", "padding", "filters"], fresh: { kernel: 2, stride: 2, padding: 0, filters: 16 } },
};

const LIMITS = { kernel: [1, 11], stride: [1, 4], dilation: [1, 32], padding: [0, 64], filters: [1, 1024] };
const WORDS = { kernel: "kernel", stride: "stride", dilation: "dilation", padding: "padding", filters: "maps" };
const MOST = 12;

const bounded = (name, given, otherwise) => {
  const number = Math.round(Number(given));
  const [least, most] = LIMITS[name];
  return Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : otherwise;
};

/** A layer of a kind with some numbers of its own, each within its limits. Half a pool lies on the signal at least. */
export function layerOf(kind, given = {}) {
  const { numbers, fresh } = KINDS[kind];
  const layer = { kind, stride: 1, dilation: 1, padding: 0, filters: 0 };
  for (const name of numbers) layer[name] = bounded(name, given[name] ?? fresh[name], fresh[name]);
  if (kind === "pool") layer.padding = Math.min(layer.padding, poolPadding(layer.kernel));
  return Object.freeze(layer);
}

/** The same as stack_geometry.js takes it. */
export const windowOfLayer = ({ kind, kernel, stride, dilation, padding, filters }) => ({
  ...{ kind, kernel, stride, dilation, before: padding, after: padding, filters, transposed: kind === "transposed" },
});

const written = (layer) => KINDS[layer.kind].letter + KINDS[layer.kind].numbers.map((name) => layer[name]).join(".");

function readLayer(text) {
  const kind = Object.keys(KINDS).find((each) => KINDS[each].letter === text[0]);
  if (!kind) return null;
  const parts = text.slice(1).split(".");
  return layerOf(kind, Object.fromEntries(KINDS[kind].numbers.map((name, at) => [name, parts[at]])));
}

/** `presets` are [name, layers] to start from. */
export function layers({ key, label, value, presets }) {
  const clamp = (given) => {
    const known = (Array.isArray(given) ? given : value).filter((each) => each && each.kind in KINDS).slice(0, MOST);
    return Object.freeze(known.length ? known.map((each) => layerOf(each.kind, each)) : value);
  };
  return {
    ...{ key, label, value: clamp(value), clamp },
    print: (now) => now.map(written).join(","),
    parse: (text) => String(text).slice(0, 2000).split(",").map(readLayer).filter((each) => each !== null),
    control: (now, set, id) => control({ label, now, set, id, presets }),
  };
}

function control({ label, now, set, id, presets }) {
  const swap = (at, other) => set(now.map((layer, place) => (place === at ? now[other] : place === other ? now[at] : layer)));
  const put = (at, change) => set(now.map((layer, place) => (place === at ? layerOf(layer.kind, { ...layer, ...change }) : layer)));
  return h(
    "div",
    { class: "control builder", role: "group", "aria-label": label },
    h("span", { class: "label", "aria-hidden": "true" }, label),
    h("p", { class: "presets" }, "Start from: ", presets.map(([name, stack]) => h("button", { type: "button", class: "quiet", key: name, onclick: () => set(stack) }, name))),
    h("ol", { class: "layers" }, now.map((layer, at) => one({ layer, at, count: now.length, id, swap, put, remove: () => set(now.filter((_, place) => place !== at)) }))),
    h(
      "p",
      { class: "adding" },
      Object.entries(KINDS).map(([kind, { name }]) =>
        h("button", { type: "button", key: kind, id: `${id}-add-${kind}`, disabled: now.length >= MOST, onclick: () => set([...now, layerOf(kind)]) }, `+ ${name}`),
      ),
    ),
  );
}

function one({ layer, at, count, id, swap, put, remove }) {
  const { name, numbers } = KINDS[layer.kind];
  const title = `Layer ${at + 1}`;
  const button = (sign, text, props) => h("button", { type: "button", class: "small", "aria-label": `${title}: ${text}`, title: text, ...props }, h("span", { "aria-hidden": "true" }, sign));
  const number = (each) => {
    const [min, max] = LIMITS[each];
    const changed = (event) => event.target.value.trim() !== "" && put(at, { [each]: event.target.value });
    const kept = (event) => (event.target.value = String(layer[each]));
    return h(
      "label",
      { key: each },
      h("span", {}, WORDS[each]),
      h("input", { type: "number", id: `${id}-${at}-${each}`, min, max, step: 1, value: layer[each], inputmode: "numeric", "aria-label": `${title}, ${WORDS[each]}`, oninput: changed, onblur: kept }),
    );
  };
  return h(
    "li",
    { key: at },
    h(
      "div",
      { class: "layer-head" },
      h("b", {}, `${at + 1} `, layer.dilation > 1 ? "dilated " : "", name),
      h(
        "span",
        { class: "moves" },
        button("↑", "one place earlier", { disabled: at === 0, onclick: () => swap(at, at - 1) }),
        button("↓", "one place later", { disabled: at === count - 1, onclick: () => swap(at, at + 1) }),
        button("×", "remove", { disabled: count === 1, onclick: remove }),
      ),
    ),
    h("div", { class: "layer-numbers" }, numbers.map(number)),
  );
}

/** A short list of whole numbers, one for each layer. */
export function list({ key, label, item, min, max, most, value, presets = [] }) {
  const whole = (given) => Math.min(max, Math.max(min, Math.round(Number(given))));
  const clamp = (given) => {
    const known = [given].flat().filter((each) => each !== "" && Number.isFinite(Number(each))).slice(0, most).map(whole);
    return Object.freeze(known.length ? known : [...value]);
  };
  const place = (now, set, id, each, at) => {
    const put = (event) => event.target.value.trim() !== "" && set(now.map((old, other) => (other === at ? event.target.value : old)));
    const kept = (event) => (event.target.value = String(each));
    return h("label", { key: at }, h("span", {}, at + 1), h("input", { type: "number", id: `${id}-${at}`, min, max, step: 1, value: each, inputmode: "numeric", "aria-label": `${item} ${at + 1}`, oninput: put, onblur: kept }));
  };
  const control = (now, set, id) =>
    h(
      "div",
      { class: "control builder", role: "group", "aria-label": label },
      h("span", { class: "label", "aria-hidden": "true" }, label),
      presets.length ? h("p", { class: "presets" }, presets.map(([name, numbers]) => h("button", { type: "button", class: "quiet", key: name, onclick: () => set(numbers) }, name))) : null,
      h("div", { class: "layer-numbers" }, now.map((each, at) => place(now, set, id, each, at))),
      h(
        "p",
        { class: "adding" },
        h("button", { type: "button", class: "quiet", key: "more", id: `${id}-more`, disabled: now.length >= most, onclick: () => set([...now, now.at(-1)]) }, "+ one more"),
        h("button", { type: "button", class: "quiet", key: "less", id: `${id}-less`, disabled: now.length <= 1, onclick: () => set(now.slice(0, -1)) }, "− the last"),
      ),
    );
  return { key, label, value: Object.freeze([...value]), clamp, print: (now) => now.join(","), parse: (text) => String(text).slice(0, 400).split(","), control };
}
