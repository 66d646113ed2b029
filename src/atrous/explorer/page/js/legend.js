// What the kinds of cells mean, in words beside a sample of each. No meaning rests on colour alone: padding is dashed, what is
// never read is crossed out, the current output is bold.
import { h } from "./dom.js";

export const KINDS = {
  signal: "input",
  padding: "padding (zeros)",
  read: "read for the current output",
  unread: "never read",
  kernel: "kernel",
  zero: "a zero between the taps",
  output: "output",
  pending: "output still to come",
  current: "current output",
  reached: "output that depends on the chosen input",
};

const CROSSED = new Set(["unread"]);

/** The legend of these kinds. */
export const legend = (kinds) =>
  h(
    "ul",
    { class: "legend", "aria-label": "What the cells mean" },
    kinds.map((kind) =>
      h(
        "li",
        { key: kind },
        h(
          "svg",
          { width: 18, height: 18, "aria-hidden": "true" },
          h("g", { class: `cell ${kind === "reached" ? "output reached" : kind}` }, h("rect", { x: 1, y: 1, width: 16, height: 16, rx: 3 }), CROSSED.has(kind) ? h("path", { class: "cross", d: "M4 4L14 14M14 4L4 14" }) : null),
        ),
        KINDS[kind],
      ),
    ),
  );
