// Cells by keyboard: the arrow keys walk a grid of cells, Home and End go to the ends of a row; a number is typed over in place.

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Move the focus from a cell as a key says; whether it was such a key. */
export function walk(cell, event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  const grid = cell.closest("[data-grid]");
  if (!grid) return false;
  const line = Number(cell.dataset.line);
  const column = Number(cell.dataset.column);
  const at = (row, place) => grid.querySelector(`[data-line="${row}"][data-column="${place}"]`);
  const ends = { Home: 0, End: cell.parentNode.children.length - 1 };
  if (event.key in ends) at(line, ends[event.key])?.focus();
  else if (event.key in MOVES) at(line + MOVES[event.key][0], column + MOVES[event.key][1])?.focus();
  else return false;
  return true;
}

/** Put a field over a cell; Enter and leaving it keep the number, Escape forgets it. `typed` is what was typed already. */
export function openEditor(figure, cell, typed, keep) {
  figure.querySelector(".editor")?.remove();
  const box = cell.getBoundingClientRect();
  const around = figure.getBoundingClientRect();
  const field = document.createElement("input");
  field.className = "editor";
  field.inputMode = "decimal";
  field.setAttribute("aria-label", `New value: ${cell.getAttribute("aria-label")}`);
  field.value = typed ?? cell.dataset.value ?? "";
  const sizes = { left: box.left - around.left + figure.scrollLeft, top: box.top - around.top + figure.scrollTop, width: Math.max(44, box.width), height: box.height };
  for (const [name, size] of Object.entries(sizes)) field.style.setProperty(name, `${size}px`);
  let open = true;
  const close = (kept, back) => {
    if (!open) return;
    open = false;
    const number = Number(field.value.trim().replace("−", "-").replace(",", "."));
    const good = field.value.trim() !== "" && Number.isFinite(number);
    field.remove();
    if (back) cell.focus();
    if (kept && good) keep(number);
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") close(true, true);
    else if (event.key === "Escape") close(false, true);
  });
  field.addEventListener("blur", () => close(true, false));
  figure.append(field);
  field.focus();
  if (typed === null) field.select();
}
