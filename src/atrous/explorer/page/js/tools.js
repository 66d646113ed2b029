// The tools at the top: lecture mode, light or dark, a link to share, the keys, print.
import { copy } from "./code_box.js";
import { h } from "./dom.js";
import { openHelp } from "./help.js";

const THEMES = ["auto", "light", "dark"];

/** Go from the system's colours to light, to dark, and back. */
function nextTheme(event) {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length];
  if (next === "auto") delete root.dataset.theme;
  else root.dataset.theme = next;
  event.currentTarget.textContent = `Colours: ${next}`;
}

async function share(button, link) {
  await copy(link);
  button.textContent = "Link copied";
  setTimeout(() => (button.textContent = "Copy link"), 1800);
}

/** The descriptions of the buttons. `link()` is the address that holds the state. */
export const tools = ({ lecture, link }) => [
  h("button", { type: "button", id: "tool-lecture", "aria-pressed": "false", onclick: lecture.toggle }, "Lecture mode"),
  h("button", { type: "button", id: "tool-link", onclick: (event) => share(event.currentTarget, link()) }, "Copy link"),
  h("button", { type: "button", id: "tool-theme", onclick: nextTheme }, "Colours: auto"),
  h("button", { type: "button", id: "tool-print", onclick: () => print() }, "Print"),
  h("button", { type: "button", id: "tool-help", "aria-label": "Keys", title: "Keys", onclick: openHelp }, "?"),
];
