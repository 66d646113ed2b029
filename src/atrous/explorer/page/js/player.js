// Step, play and scrub: the same for every scene that has steps.
import { h } from "./dom.js";

const SIGNS = {
  first: "M4 4h2v12H4zM11.5 4v12L6.2 10zM17 4v12l-5.3-6z",
  back: "M16.5 4v12L8 10zM4.5 4h2.3v12H4.5z",
  play: "M5.5 3.5v13L16.5 10z",
  pause: "M5 4h3.6v12H5zM11.4 4H15v12h-3.6z",
  on: "M3.5 4v12l8.5-6zM13.2 4h2.3v12h-2.3z",
};

/** The player's row of controls. `put(step)` shows a step, `toggle()` starts and stops playing. */
export function player({ id, at, count, text, playing, put, toggle }) {
  const button = (name, sign, props) => h("button", { type: "button", class: "round", "aria-label": name, title: name, ...props }, h("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, h("path", { d: SIGNS[sign] })));
  return h(
    "div",
    { class: "player", role: "group", "aria-label": "Steps" },
    button("First step", "first", { onclick: () => put(0), disabled: at === 0 }),
    button("Step back", "back", { onclick: () => put(at - 1), disabled: at === 0, id: `${id}-back` }),
    button(playing ? "Pause" : "Play", playing ? "pause" : "play", { onclick: toggle, id: `${id}-play`, class: "round main" }),
    button("Step on", "on", { onclick: () => put(at + 1), disabled: at >= count - 1, id: `${id}-on` }),
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
