// Where the first corner of the kernel will stand: one dot for each position.
import { indices } from "./cells.js";
import { h } from "./dom.js";
import { inputs } from "./geometry.js";

/** Dots on the grid of the input of a layer with two axes, on each of its channels. */
export function anchors(layer, { block, x, y }) {
  const places = indices([0, 0, 0], [layer.channels, ...layer.outputs]);
  return places.map(([channel, ...place]) => {
    const at = block.place([channel, ...layer.windows.map((window, axis) => inputs(window, place[axis])[0])]);
    return h("circle", { key: [channel, ...place].join("."), class: "anchor", cx: x + at.x + 7, cy: y + at.y + 7, r: 4 });
  });
}
