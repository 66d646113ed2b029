// One scene on the page: its section, its state, what is pointed at, its player; everything is drawn anew on each change, and
// dom.js changes only what differs.
import { h, patch } from "./dom.js";
import { openEditor, walk } from "./grid.js";
import { legend } from "./legend.js";
import { Clock, player } from "./player.js";
import { changed, defaults, stepOf } from "./scene.js";
import { codeBox } from "./code_box.js";

export class Stage {
  #pointer = null;
  #focus = null;
  #tabbed = new Map();
  #clock = new Clock(() => this.#tick());
  #count = 0;
  #width = 0;
  #looks = false;
  #drawing = false;
  #stale = false;

  /** `told` is called whenever the state has changed. */
  constructor(scene, told) {
    this.scene = scene;
    this.told = told;
    this.state = defaults(scene);
    this.section = document.createElement("section");
    this.section.id = scene.id;
    this.section.className = "scene";
    this.section.tabIndex = -1;
    this.section.setAttribute("aria-labelledby", `${scene.id}-title`);
    this.#build();
  }

  #build() {
    const { id, row, title, text } = this.scene;
    patch(
      this.section,
      h("header", { class: "scene-head" }, h("p", { class: "row-number" }, h("span", { class: "hidden" }, "Scene "), row), h("h2", { id: `${id}-title` }, title)),
      h("div", { class: "scene-text" }, text.map((each, at) => h("p", { key: at }, each))),
      h("div", { class: "stage" }),
    );
    this.stage = this.section.querySelector(".stage");
    // empty, but as wide as it will be: the first drawing needs its width
    patch(this.stage, h("div", { class: "picture", key: "picture" }, h("div", { class: "figure", key: "figure" })), h("div", { class: "side", key: "side" }));
    const events = { pointerover: this.#over, pointerleave: this.#out, focusin: this.#focused, focusout: this.#blurred, keydown: this.#key, pointerdown: this.#down, click: this.#click };
    for (const [name, handler] of Object.entries(events)) this.stage.addEventListener(name, handler);
  }

  /** Take the width of the figure; whether it is a new one. A scene that is not shown keeps its last one. */
  measure() {
    const width = this.#figure().clientWidth || this.#width || 600;
    const news = width !== this.#width;
    this.#width = width;
    return news;
  }

  /** Draw, and again whenever the figure's width changes. */
  watch() {
    new ResizeObserver(() => this.measure() && this.draw()).observe(this.section);
    this.draw();
  }

  /** Take over a whole state, as from a share link. */
  show(state) {
    if (this.scene.fields.every(({ key, print }) => print(state[key]) === print(this.state[key]))) return;
    this.state = state;
    this.#clock.stop();
    this.draw();
  }

  set = (change) => {
    this.state = changed(this.scene, this.state, change);
    this.draw();
    this.told();
  };

  step(by) {
    const at = stepOf(this.state, this.#count) + by;
    if (this.#count > 1 && at >= 0 && at < this.#count) this.set({ step: at });
  }

  toggle = () => {
    if (this.#count < 2) return;
    if (this.#clock.running) this.#clock.stop();
    else {
      if (stepOf(this.state, this.#count) >= this.#count - 1) this.set({ step: 0 });
      this.#clock.start();
    }
    this.draw();
  };

  #tick() {
    const at = stepOf(this.state, this.#count) + 1;
    if (at >= this.#count) {
      queueMicrotask(() => this.draw());
      return false;
    }
    this.set({ step: at });
    return true;
  }

  /** Draw the state as it is. An element that goes while it has the focus tells so in the midst of it: then it is drawn once more. */
  draw() {
    if (this.#drawing) {
      this.#stale = true;
      return;
    }
    this.#drawing = true;
    try {
      this.#draw();
    } finally {
      this.#drawing = false;
    }
    if (this.#stale) {
      this.#stale = false;
      this.draw();
    }
  }

  #draw() {
    const view = { width: this.#width, pointed: this.#pointer ?? this.#focus, set: this.set, tabbable: (name) => this.#tabbed.get(name) };
    const drawn = this.scene.draw(this.state, view);
    this.#count = drawn.steps ?? 0;
    patch(this.stage, this.#parts(drawn));
  }

  #figure() {
    return this.stage.querySelector(".figure");
  }

  #parts({ figure, said = "", facts = [], stepText = "", trouble = null, code = null, legend: kinds = [] }) {
    const { id, fields, title } = this.scene;
    const at = stepOf(this.state, this.#count);
    const put = (step) => this.set({ step });
    return [
      h(
        "div",
        { class: "picture", key: "picture" },
        h("div", { class: "figure", key: "figure" }, trouble === null ? figure : refusal(trouble, this.set)),
        trouble === null && kinds.length ? h("div", { key: "legend" }, legend(kinds)) : null,
        trouble === null && this.#count > 1
          ? h("div", { key: "player" }, player({ id, at, count: this.#count, text: stepText, playing: this.#clock.running, put, toggle: this.toggle }))
          : null,
        h("div", { class: "said", key: "said", "aria-live": "polite" }, trouble === null ? said : null),
      ),
      h(
        "div",
        { class: "side", key: "side" },
        h(
          "div",
          { class: "controls", role: "group", "aria-label": `Settings of “${title}”`, key: "controls" },
          fields.map((field) => keyed(field.control(this.state[field.key], (value) => this.set({ [field.key]: value }), `${id}-${field.key}`), field.key)),
          h("button", { type: "button", class: "quiet", key: "reset", onclick: () => this.set(defaults(this.scene)) }, "Reset"),
        ),
        facts.length ? h("dl", { class: "facts", key: "facts" }, facts.map(([name, text]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, text)))) : null,
      ),
      code === null || trouble !== null ? null : h("div", { class: "code", key: "code" }, codeBox(id, code)),
    ];
  }

  #over = (event) => {
    const key = event.target.closest?.("[data-key]")?.dataset.key ?? null;
    // a finger that is lifted leaves: what it touched stays lit by the focus instead
    if (event.pointerType !== "touch") this.#point(key);
  };

  #out = () => this.#point(null);

  #point(key) {
    if (key === this.#pointer) return;
    this.#pointer = key;
    this.draw();
  }

  #focused = (event) => {
    const cell = event.target.closest?.("[data-key]");
    if (!cell) return;
    this.#focus = cell.dataset.key;
    // what was done last counts: a resting pointer gives way to the keyboard
    this.#pointer = null;
    const grid = cell.closest("[data-grid]");
    if (grid) this.#tabbed.set(grid.dataset.grid, cell.dataset.key);
    this.draw();
  };

  #blurred = () => {
    if (this.#focus === null) return;
    this.#focus = null;
    this.draw();
  };

  #key = (event) => {
    const cell = event.target.closest?.(".cell");
    if (!cell) return;
    if (walk(cell, event)) event.preventDefault();
    else if (cell.dataset.edit && (/^[0-9.\-]$/.test(event.key) || event.key === "Enter" || event.key === "F2")) {
      event.preventDefault();
      this.#edit(cell, event.key.length === 1 ? event.key : null);
    }
  };

  #down = (event) => {
    const cell = event.target.closest?.(".cell");
    this.#looks = event.pointerType === "touch" && cell !== document.activeElement;
  };

  // the first tap of a finger looks at a cell, the second one edits it
  #click = (event) => {
    const cell = event.target.closest?.(".cell[data-edit]");
    if (cell && !this.#looks) this.#edit(cell, null);
  };

  #edit(cell, typed) {
    openEditor(this.#figure(), cell, typed, (number) => {
      const field = cell.dataset.edit;
      this.set({ [field]: { ...this.state[field], [cell.dataset.index]: number } });
    });
  }
}

const keyed = (description, key) => (description === null ? null : { ...description, key });

/** What stands in the place of a picture where settings give no output: the reason, and buttons that set what works. */
const refusal = ({ reason, fixes }, set) =>
  h(
    "div",
    { class: "refusal", role: "alert", key: "refusal" },
    h("p", {}, reason),
    h("p", {}, "The nearest settings that work:"),
    h("p", { class: "fixes" }, fixes.map(({ label, change }) => h("button", { type: "button", key: label, onclick: () => set(change) }, label))),
  );
