// Walking through the lecture: which scene is in view, and the lecture mode, in which one scene fills the window and the keyboard
// alone, or a presenter's remote control, goes through all of them.
import { openHelp } from "./help.js";

/** Where a key belongs to what has the focus. */
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;
const pressing = (target) => target.closest?.("button, summary, a, [role=gridcell]") !== null;

export class Lecture {
  /** `moved` is called when another scene comes into view, `remember` when the state of the page has changed. */
  constructor(stages, { moved, remember }) {
    this.stages = stages;
    this.moved = moved;
    this.remember = remember;
    this.at = null;
    this.on = false;
  }

  get stage() {
    return this.stages.find((stage) => stage.scene.id === this.at) ?? this.stages[0];
  }

  /** Show a scene. */
  go(id, { focus = true } = {}) {
    this.at = id;
    for (const stage of this.stages) stage.section.classList.toggle("here", stage.scene.id === id);
    const section = this.stage.section;
    if (focus) section.focus({ preventScroll: true });
    section.scrollIntoView({ block: "start", behavior: "instant" });
    if (this.stage.measure()) this.stage.draw();
    this.moved();
  }

  move(by) {
    const next = this.stages.indexOf(this.stage) + by;
    const stage = this.stages[Math.min(this.stages.length - 1, Math.max(0, next))];
    this.go(stage.scene.id);
    this.remember();
  }

  /** Begin or end the lecture mode. */
  toggle = () => {
    this.on = !this.on;
    document.documentElement.classList.toggle("lecture-mode", this.on);
    document.getElementById("tool-lecture").setAttribute("aria-pressed", String(this.on));
    this.go(this.stage.scene.id);
  };

  listen() {
    addEventListener("keydown", (event) => this.#key(event));
    const seen = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "-30% 0px -60% 0px" });
    for (const stage of this.stages) seen.observe(stage.section);
  }

  #seen(entries) {
    const entry = entries.find((each) => each.isIntersecting);
    if (!entry || this.on || entry.target.id === this.at) return;
    this.at = entry.target.id;
    this.moved();
  }

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (typing(event.target) && !["PageDown", "PageUp", "Escape"].includes(event.key)) return;
    const action = this.#action(event.key, pressing(event.target));
    if (!action) return;
    event.preventDefault();
    action();
  }

  #action(key, pressed) {
    const always = { "?": openHelp, l: this.toggle };
    if (!this.on) return always[key];
    const walking = {
      ...{ PageDown: () => this.move(1), PageUp: () => this.move(-1), Escape: this.toggle },
      ...{ "[": () => this.stage.step(-1), "]": () => this.stage.step(1) },
      ...(pressed ? {} : { " ": this.stage.toggle, ArrowRight: () => this.move(1), ArrowDown: () => this.move(1), ArrowLeft: () => this.move(-1), ArrowUp: () => this.move(-1) }),
      ...(pressed ? {} : { Home: () => this.move(-this.stages.length), End: () => this.move(this.stages.length) }),
    };
    return walking[key] ?? always[key];
  }
}
