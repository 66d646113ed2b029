// The kinds of fields that a scene's state is made of. A field is
//   {key, label, value, clamp(any) -> a legal value, print(value) -> text, parse(text) -> any, control(value, set, id) -> element}
// where `value` is what it starts with. What comes from a share link goes through `parse` and `clamp`, whatever it is; `print`
// writes it. `control` may give null: the field is changed in the picture or by the player.
import { h } from "./dom.js";

const whole = (value, least, most, otherwise) => {
  const number = Math.round(Number(value));
  return Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : otherwise;
};

/** Text of a link, short enough to be looked at. */
const parts = (text, sign) => String(text).slice(0, 4000).split(sign);

/** A slider with a number field beside it. `name` is what they are called together. */
function numberControl(id, name, value, least, most, set) {
  const changed = (event) => {
    const text = event.target.value.trim();
    if (text !== "" && Number.isFinite(Number(text))) set(Number(text));
  };
  const kept = (event) => (event.target.value = String(whole(event.target.value, least, most, value)));
  return h(
    "span",
    { class: "number" },
    h("input", { type: "range", id: `${id}-slider`, min: least, max: most, value, oninput: changed, "aria-label": `${name}, slider` }),
    h("input", {
      ...{ type: "number", id, min: least, max: most, step: 1, value, inputmode: "numeric", "aria-label": name },
      ...{ oninput: changed, onblur: kept },
    }),
  );
}

const row = (label, ...controls) => h("div", { class: "control", role: "group", "aria-label": label }, h("span", { class: "label", "aria-hidden": "true" }, label), ...controls);

/** A whole number between `min` and `max`. */
export function int({ key, label, min, max, value }) {
  return {
    ...{ key, label, value, min, max },
    clamp: (given) => whole(given, min, max, value),
    print: String,
    parse: (text) => text,
    control: (now, set, id) => row(label, numberControl(id, label, now, min, max, set)),
  };
}

/** A whole number for each axis; `axes` are their names, the state holds an array. */
export function ints({ key, label, min, max, value, axes }) {
  const most = (axis) => (Array.isArray(max) ? max[axis] : max);
  const clamp = (given) => axes.map((_, axis) => whole([given].flat()[axis], min, most(axis), value[axis]));
  const control = (now, set, id) =>
    row(
      label,
      axes.map((name, axis) => {
        const put = (each) => set(now.map((old, at) => (at === axis ? each : old)));
        const named = axes.length > 1 ? h("span", { class: "axis", "aria-hidden": "true" }, name) : null;
        const title = axes.length > 1 ? `${label}, ${name}` : label;
        return h("span", { class: "each", key: name }, named, numberControl(`${id}-${axis}`, title, now[axis], min, most(axis), put));
      }),
    );
  return { key, label, value, clamp, print: (now) => now.join(","), parse: (text) => parts(text, ","), control };
}

/** Padding before and after for each axis: the state holds [[before, after], ...]. The slider moves both ends. */
export function pads({ key, label, max, value, axes }) {
  const pair = (given, axis) => {
    const ends = [given].flat();
    const before = whole(ends[0], 0, max, value[axis][0]);
    return [before, whole(ends.length > 1 ? ends[1] : before, 0, max, value[axis][1])];
  };
  const clamp = (given) => axes.map((_, axis) => pair(Array.isArray(given) ? given[axis] : given, axis));
  const print = (now) => now.map(([before, after]) => (before === after ? `${before}` : `${before}+${after}`)).join(",");
  const control = (now, set, id) => row(label, axes.map((name, axis) => padControl({ id, label, name, axis, axes, now, max, set })));
  return { key, label, value, clamp, print, parse: (text) => parts(text, ",").map((each) => each.split("+")), control };
}

/** A slider for both ends of one axis and a number field for each. */
function padControl({ id, label, name, axis, axes, now, max, set }) {
  const put = (ends) => set(now.map((old, at) => (at === axis ? ends : old)));
  const [before, after] = now[axis];
  const title = axes.length > 1 ? `${label}, ${name}` : label;
  const field = (end, value, ends) =>
    h("input", {
      ...{ type: "number", id: `${id}-${axis}-${end}`, min: 0, max, step: 1, value, inputmode: "numeric", "aria-label": `${title}, ${end}` },
      ...{ title: end, oninput: (event) => event.target.value !== "" && put(ends(Number(event.target.value))) },
      ...{ onblur: (event) => (event.target.value = String(value)) },
    });
  return h(
    "span",
    { class: "each", key: name },
    axes.length > 1 ? h("span", { class: "axis", "aria-hidden": "true" }, name) : null,
    h(
      "span",
      { class: "number" },
      h("input", {
        ...{ type: "range", id: `${id}-${axis}-slider`, min: 0, max, value: Math.max(before, after), "aria-label": `${title}, both ends, slider` },
        oninput: (event) => put([Number(event.target.value), Number(event.target.value)]),
      }),
      field("before", before, (end) => [end, after]),
      field("after", after, (end) => [before, end]),
    ),
  );
}

/** One of a few values: `options` are [value, text]. */
export function choice({ key, label, options, value }) {
  const known = (given) => options.some(([each]) => each === given);
  const control = (now, set, id) =>
    row(
      label,
      h(
        "span",
        { class: "choices" },
        options.map(([each, text]) =>
          h(
            "label",
            { key: each },
            h("input", { type: "radio", name: id, id: `${id}-${each}`, checked: each === now, onchange: () => set(each) }),
            h("span", {}, text),
          ),
        ),
      ),
    );
  return { key, label, value, options, clamp: (given) => (known(given) ? given : value), print: String, parse: (text) => text, control };
}

/** Yes or no. */
export function toggle({ key, label, value }) {
  const control = (now, set, id) =>
    h(
      "div",
      { class: "control" },
      h("label", { class: "toggle" }, h("input", { type: "checkbox", id, checked: now, onchange: (event) => set(event.target.checked) }), h("span", {}, label)),
    );
  return { key, label, value, clamp: (given) => Boolean(given), print: (now) => (now ? "1" : "0"), parse: (text) => text === "1", control };
}

/** Which step of the player is shown; the player is its control. */
export function step(value = 0) {
  return { key: "step", label: "step", value, clamp: (given) => whole(given, 0, 100000, 0), print: String, parse: (text) => text, control: () => null };
}

/** Numbers that a person typed over those of `start`: the state holds {index: number}, an index is "0.1.2". Only these are
 * kept, so that a signal may grow and shrink without forgetting them. */
export function edits({ key, label, start, limit = 999 }) {
  const clamp = (given) => {
    const entries = Object.entries(given ?? {}).filter(([index, number]) => /^\d{1,3}(\.\d{1,3}){0,4}$/.test(index) && number !== "" && Number.isFinite(Number(number)));
    return Object.fromEntries(entries.slice(0, 400).map(([index, number]) => [index, tidy(Number(number), limit)]));
  };
  return {
    ...{ key, label, start, clamp, value: {} },
    print: (now) => Object.entries(now).map(([index, number]) => `${index}:${number}`).join(","),
    parse: (text) => Object.fromEntries(parts(text, ",").map((each) => each.split(":").slice(0, 2)).filter((pair) => pair.length === 2)),
    control: () => null,
  };
}

/** A number with at most three decimals, within the limit. */
const tidy = (number, limit) => Math.round(Math.min(limit, Math.max(-limit, number)) * 1000) / 1000 + 0;
