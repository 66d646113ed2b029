// The keys, in a dialog that "?" opens.
import { h, patch } from "./dom.js";

const KEYS = [
  ["Tab", "go to the next control or picture"],
  ["← ↑ → ↓", "in a picture: walk its cells; what they read lights up"],
  ["0 … 9, Enter", "on a cell of the input or the kernel: type a new number"],
  ["l", "begin or end the lecture mode: one scene at a time"],
  ["→, Page down", "lecture mode: next scene (← and Page up: the one before)"],
  ["Space", "lecture mode: play and pause"],
  ["[ and ]", "lecture mode: one step back, one step on"],
  ["Home, End", "lecture mode: first and last scene"],
  ["Esc", "leave the lecture mode"],
  ["?", "this list"],
];

export function openHelp() {
  const host = document.getElementById("dialogs");
  const close = () => host.querySelector("dialog").close();
  patch(
    host,
    h(
      "dialog",
      { class: "help", "aria-labelledby": "help-title" },
      h("h2", { id: "help-title" }, "Keys"),
      h("dl", {}, KEYS.map(([key, text]) => h("div", { key }, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)))),
      h("button", { type: "button", onclick: close }, "Close"),
    ),
  );
  const dialog = host.querySelector("dialog");
  const before = document.activeElement;
  dialog.onclose = () => before?.focus?.({ preventScroll: true });
  if (!dialog.open) dialog.showModal();
}
