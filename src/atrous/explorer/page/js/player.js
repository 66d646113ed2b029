// Step, play and scrub: the same for every scene that has steps.
import { h } from "./dom.js";

/** The player's row of controls. `put(step)` shows a step, `toggle()` starts and stops playing. */
export function player({ id, at, count, text, playing, put, toggle }) {
  const button = (name, sign, props) => h("button", { type: "button", class: "round", "aria-label": name, title: name, ...props }, h("span", { "aria-hidden": "true" }, sign));
  return h(
    "div",
    { class: "player", role: "group", "aria-label": "Steps" },
    button("First step", "⏮", { onclick: () => put(0), disabled: at === 0 }),
    button("Step back", "◀", { onclick: () => put(at - 1), disabled: at === 0, id: `${id}-back` }),
    button(playing ? "Pause" : "Play", playing ? "⏸" : "▶", { onclick: toggle, id: `${id}-play`, class: "round main" }),
    button("Step on", "▶▏", { onclick: () => put(at + 1), disabled: at >= count - 1, id: `${id}-on` }),
    h("input", {
      ...{ type: "range", class: "scrub", id: `${id}-scrub`, min: 0, max: Math.max(0, count - 1), value: at, "aria-label": "Step" },
      ...{ "aria-valuetext": text, oninput: (event) => put(Number(event.target.value)) },
    }),
    h("span", { class: "step-text" }, text),
  );
}

/** A clock that calls `tick` again and again until it answers false. Who wants less motion gets slower steps. */
export class Clock {
  #timer = null;

  constructor(tick) {
    this.tick = tick;
  }

  get running() {
    return this.#timer !== null;
  }

  start() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#timer = setInterval(() => this.tick() || this.stop(), calm ? 2000 : 700);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
