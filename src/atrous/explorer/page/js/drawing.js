// A drawing: blocks set like words into lines of the figure's width, in pixels, so that text is as legible on a phone as on a
// projector. A block is {w, h, draw(x, y) -> descriptions}; `name` lets an overlay find where it went.
import { h } from "./dom.js";

const GAP = 26;
const EDGE = 6;

/** Blocks in lines: one that `breaks` begins a line, a `glued` one stays with the next one. */
function linesOf(blocks, width, gap) {
  const lines = [[]];
  let used = 0;
  const groups = [];
  for (const block of blocks) {
    if (groups.at(-1)?.at(-1).glued) groups.at(-1).push(block);
    else groups.push([block]);
  }
  for (const group of groups) {
    const wide = group.reduce((all, block) => all + block.w + gap, -gap);
    if (lines.at(-1).length && (group[0].breaks || used + gap + wide > width)) {
      lines.push([]);
      used = 0;
    }
    used += (lines.at(-1).length ? gap : 0) + wide;
    lines.at(-1).push(...group);
  }
  return lines;
}

/** Blocks in lines that are at most `width` wide: {w, h, placed: [{block, x, y}]}. A line's blocks are centred on each other. */
export function flow(blocks, width, gap = GAP) {
  const lines = linesOf(blocks, width, gap);
  const placed = [];
  let y = 0;
  let widest = 0;
  for (const line of lines) {
    const tall = Math.max(...line.map((block) => block.h));
    let x = 0;
    for (const block of line) {
      placed.push({ block, x, y: y + (tall - block.h) / 2 });
      x += block.w + gap;
    }
    widest = Math.max(widest, x - gap);
    y += tall + gap;
  }
  return { w: widest, h: y - gap, placed };
}

/** The drawing of blocks. `label` is its name for screen readers; `overlay(find)` may draw on top, `find(name)` gives {x, y, block}.
 * A drawing that is wider than the figure scrolls in it. */
export function drawing(label, view, blocks, overlay = () => []) {
  const laid = flow(blocks, view.width - 2 * EDGE);
  const width = Math.ceil(Math.max(laid.w, 1) + 2 * EDGE);
  const height = Math.ceil(laid.h + 2 * EDGE);
  const shift = (place) => ({ block: place.block, x: place.x + EDGE, y: place.y + EDGE });
  const placed = laid.placed.map(shift);
  const find = (name) => placed.find(({ block }) => block.name === name) ?? null;
  return h(
    "svg",
    { class: "drawing", role: "group", "aria-label": label, width, height, viewBox: `0 0 ${width} ${height}` },
    placed.map(({ block, x, y }, at) => h("g", { key: block.name ?? `block ${at}` }, block.draw(x, y))),
    h("g", { key: "overlay", class: "overlay", "aria-hidden": "true" }, overlay(find)),
  );
}

/** A sign between blocks, such as "⊗" or "="; it stays with the block behind it. */
export const sign = (text, size = 30) => ({
  glued: true,
  w: size * 0.7,
  h: size,
  draw: (x, y) => h("text", { class: "sign", x: x + size * 0.35, y: y + size / 2, "font-size": size, "aria-hidden": "true" }, text),
});

/** Lines of text. */
export const words = (lines, { size = 14, kind = "note", w = null } = {}) => ({
  w: w ?? Math.max(...lines.map((line) => line.length)) * size * 0.55,
  h: lines.length * size * 1.4,
  draw: (x, y) => lines.map((line, at) => h("text", { class: kind, x, y: y + size * (1.4 * at + 1.05), "font-size": size }, line)),
});

/** Blocks under each other as one block. */
export function stacked(name, blocks, gap = 12) {
  const tops = [];
  let y = 0;
  for (const block of blocks) {
    tops.push(y);
    y += block.h + gap;
  }
  return {
    name,
    w: Math.max(...blocks.map((block) => block.w)),
    h: y - gap,
    draw: (x, top) => blocks.map((block, at) => h("g", { key: block.name ?? at }, block.draw(x, top + tops[at]))),
    inside: (inner) => ({ x: 0, y: tops[blocks.findIndex((block) => block.name === inner)] }),
  };
}

/** The size of a cell with which `columns` fit the figure: never below what a finger hits, nor beyond `most`. */
export function cellSize(view, columns, most = 40) {
  const large = view.width > 1000 ? most * 1.25 : most;
  return Math.max(25, Math.min(large, Math.floor((view.width - 2 * EDGE) / columns)));
}
