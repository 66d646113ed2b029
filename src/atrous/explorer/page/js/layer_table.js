// A stack as a table, a row for each layer: sizes, the receptive field and the parameters so far as bars side by side, costs.
import { h } from "./dom.js";
import { count } from "./format.js";

/** A number and a bar: `share` of the column's width, and `mark`, a tick at another share. */
const bar = (share, text, kind, mark = null) =>
  h(
    "td",
    { class: `bar ${kind}`, style: { "--share": String(share), ...(mark === null ? {} : { "--mark": String(mark) }) } },
    h(
      "span",
      { class: "pair" },
      h("span", { class: "number-text" }, text),
      h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill" }), mark === null ? null : h("span", { class: "tick" })),
    ),
  );

const jumpText = ([inputs, outputs]) => (outputs === 1 ? String(inputs) : `${inputs}/${outputs}`);

/** `rows` as of stackRows, `names` what each level is called; `dense` shows the field that the same stack has without
 * dilation, `brief` leaves out the columns of jump, start and holes. */
export function layerTable(rows, names, { caption, dense = true, brief = false, chosen = null }) {
  const widest = Math.max(...rows.map(({ field }) => field.size));
  const heaviest = rows.at(-1).total;
  const share = (part, whole) => (whole === 0n || whole === 0 ? 0 : Number(part) / Number(whole));
  const heads = ["", "receptive field", "parameters so far", "maps × size²", ...(brief ? [] : ["jump", "start", "holes"]), "multiply-adds"];
  return h(
    "div",
    { class: "scroll", key: "table", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { class: "stack-table" },
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, heads.map((head, at) => h("th", { key: at, scope: "col" }, head || h("span", { class: "hidden" }, "layer"))))),
      h(
        "tbody",
        {},
        rows.map((row) => {
          const { level, size, channels, field, total, macs } = row;
          const without = dense && row.dense.size !== field.size ? share(row.dense.size, widest) : null;
          return h(
            "tr",
            { key: level, class: level === chosen ? "chosen" : null, "data-level": level },
            h("th", { scope: "row" }, names[level]),
            bar(share(field.size, widest), `${field.size}`, "first", without),
            bar(share(total, heaviest), count(total), "second"),
            h("td", {}, `${channels} × ${size}²`),
            brief ? null : [h("td", {}, jumpText(field.jump)), h("td", {}, field.period > 1 ? "–" : count(field.start)), h("td", {}, field.holes ? String(field.holes) : "–")],
            h("td", {}, macs ? count(macs) : "–"),
          );
        }),
      ),
    ),
  );
}
