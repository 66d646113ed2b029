// What cells and places are called, on the page and by screen readers. Places count from 1, as in the lecture.
import { lowered } from "./format.js";

/** The axes of signals with 1, 2 and 3 of them. */
export const AXES = { 1: ["length"], 2: ["height", "width"], 3: ["time", "height", "width"] };
const WORDS = { 1: ["place"], 2: ["row", "column"], 3: ["time", "row", "column"] };

/** x₃ on one axis, x(2, 3) on more. */
export const symbol = (letter, place) => (place.length === 1 ? `${letter}${lowered(place[0] + 1)}` : `${letter}(${place.map((at) => at + 1).join(", ")})`);

/** "row 2, column 3" */
export const placeName = (place) => place.map((at, axis) => `${WORDS[place.length][axis]} ${at + 1}`).join(", ");

/** The name of output [kernel, ...place] of a layer. */
export const outputName = (layer, [filter, ...place]) => (layer.filters > 1 ? `map ${filter + 1}, ${symbol("y", place)}` : symbol("y", place));

/** The name of an input [channel, ...place]. */
export const inputName = (layer, [channel, ...place]) => (layer.channels > 1 ? `channel ${channel + 1}, ${symbol("x", place)}` : symbol("x", place));

/** What is pointed at: {array: "x", copy: "", index: [0, 2, 1]} of a cell's key, or null. Where a scene shows a layer twice, the
 * cells of its copy are called "xb", "wb" and "yb". */
export function pointedAt(key) {
  const found = /^([xwy])(\w*):(-?\d+(?:\.-?\d+)*)$/.exec(key ?? "");
  return found ? { array: found[1], copy: found[2], index: found[3].split(".").map(Number) } : null;
}
