// A sum written out: y₂ = 2·3 + 3·2 = 12, with one line for each channel where there are several.
import { h } from "./dom.js";
import { value } from "./format.js";

/** A negative number stands in parentheses behind a sign. */
const factor = (number) => (number < 0 ? `(${value(number)})` : value(number));

/** `terms` are [{x, w, padded, group}] in order, `group` the line they belong to (a channel), or null for one line. */
export function sum(name, terms, result, groupName = (group) => `channel ${group + 1}`) {
  const groups = [...new Set(terms.map((term) => term.group))];
  const inside = (group) => terms.filter((term) => term.group === group);
  if (groups.length <= 1) return h("p", { class: "sum" }, h("b", {}, name), " = ", written(terms), " = ", h("b", { class: "result" }, value(result)));
  const partial = (group) => inside(group).reduce((all, { x, w }) => all + x * w, 0);
  return h(
    "div",
    { class: "sum" },
    groups.map((group) => h("p", { key: group }, h("i", {}, groupName(group)), ": ", written(inside(group)), " = ", value(partial(group)))),
    h("p", { key: "all" }, h("b", {}, name), " = ", groups.map((group) => factor(partial(group))).join(" + "), " = ", h("b", { class: "result" }, value(result))),
  );
}

const written = (terms) =>
  terms.map(({ x, w, padded }, at) => [
    at ? " + " : "",
    h("span", { key: at, class: padded ? "term padded" : "term" }, h("span", { class: "x" }, factor(x)), "·", h("span", { class: "w" }, factor(w))),
  ]);
