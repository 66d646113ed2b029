// Volumes: a map with its channels, or a film with its frames, as a box seen from the side, with the part that the kernel covers
// in it. The first axis goes into the depth.
import { h } from "./dom.js";
import { shape } from "./format.js";

/** The corners of a box as three visible faces. `at` and `size` are [depth, row, column]. */
function faces(at, size, unit, origin, kind) {
  const lean = unit * 0.55;
  const point = ([depth, row, column]) => [origin.x + column * unit + depth * lean, origin.y + row * unit - depth * lean];
  const corner = (d, r, c) => point([at[0] + d * size[0], at[1] + r * size[1], at[2] + c * size[2]]);
  const path = (corners) => `M${corners.map((each) => each.map((one) => one.toFixed(1)).join(" ")).join("L")}Z`;
  return [
    h("path", { key: `${kind} top`, class: `${kind} top`, d: path([corner(0, 0, 0), corner(0, 0, 1), corner(1, 0, 1), corner(1, 0, 0)]) }),
    h("path", { key: `${kind} side`, class: `${kind} side`, d: path([corner(0, 0, 1), corner(0, 1, 1), corner(1, 1, 1), corner(1, 0, 1)]) }),
    h("path", { key: `${kind} front`, class: `${kind} front`, d: path([corner(0, 0, 0), corner(0, 0, 1), corner(0, 1, 1), corner(0, 1, 0)]) }),
  ];
}

/** A block with a box of `size` [depth, rows, columns] and, if given, a part of it: {at, size, kind}. */
export function volume({ name, title, size, unit, kind, part = null }) {
  const lean = unit * 0.55;
  const tall = size[1] * unit + size[0] * lean;
  const wide = size[2] * unit + size[0] * lean;
  return {
    name,
    w: Math.max(wide, title.length * 6.6),
    h: tall + 24,
    draw: (x, y) => {
      const origin = { x, y: y + 22 + size[0] * lean };
      return [
        h("text", { key: "title", class: "plane", x, y: y + 12, "aria-hidden": "true" }, title),
        h("g", { key: "box", class: "volume" }, faces([0, 0, 0], size, unit, origin, kind), part ? faces(part.at, part.size, unit, origin, part.kind) : null),
      ];
    },
  };
}

/** The unit with which the boxes of a layer fit the figure. */
export const unitFor = (view, sizes) => {
  const wide = sizes.reduce((all, size) => all + size[2] + size[0] * 0.55, 0);
  return Math.max(4, Math.min(20, Math.floor((view.width - 140) / wide)));
};

export const volumeTitle = (name, sizes) => `${name}, ${shape(sizes)}`;
