// "Copy as Python / PyTorch / Keras": the code of what is shown, to read and to copy.
import { h } from "./dom.js";

const NAMES = { python: "Python (atrous)", pytorch: "PyTorch", keras: "Keras" };

/** Put text on the clipboard; where a browser does not let a page from a file, by way of a selection. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** `code` holds a text for each of NAMES. */
export const codeBox = (id, code) =>
  h(
    "details",
    {},
    h("summary", {}, "Copy as Python, PyTorch or Keras"),
    Object.entries(NAMES).map(([key, name]) =>
      h(
        "div",
        { key, class: "listing" },
        h("p", {}, name, h("button", { type: "button", class: "quiet", "aria-label": `Copy as ${name}`, onclick: (event) => copied(event.currentTarget, code[key]) }, "Copy")),
        h("pre", { id: `${id}-${key}`, tabindex: 0, role: "group", "aria-label": `${name} code` }, h("code", {}, code[key])),
      ),
    ),
  );

async function copied(button, text) {
  await copy(text);
  button.dataset.done = "yes";
  setTimeout(() => delete button.dataset.done, 1500);
}
