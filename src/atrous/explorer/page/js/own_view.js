// How the section of one's own network and image looks: a plain function of its state. `actions` are those of own.js.
import { h } from "./dom.js";
import { count } from "./format.js";

export const view = (state, actions) => [
  h("header", { class: "scene-head", key: "head" }, h("p", { class: "row-number", "aria-hidden": "true" }, "+"), h("h2", { id: "own-title" }, "Your own network and image")),
  h(
    "div",
    { class: "scene-text", key: "text" },
    h("p", {}, "Look into a network that you have: its layers in numbers, what each of them makes of an image, and the pixels that a single unit sees. The files go to the program that gave you this page, on this machine, and nowhere else."),
  ),
  h(
    "div",
    {
      ...{ class: `own-choose ${state.over ? "over" : ""}`, key: "choose" },
      ondragover: (event) => (event.preventDefault(), actions.over(true)),
      ondragleave: (event) => event.currentTarget.contains(event.relatedTarget) || actions.over(false),
      ondrop: (event) => (event.preventDefault(), actions.dropped([...event.dataTransfer.files])),
    },
    state.choices === null ? null : [networks(state, actions), images(state, actions), scaling(state, actions)],
  ),
  status(state),
  state.table === null ? null : [...told(state), ...layersOf(state, actions), ...mapsOf(state, actions), ...unitOf(state, actions)],
];

const picker = (id, label, accept, chosen) =>
  h(
    "label",
    { class: "picker", for: id, key: id },
    h("span", {}, label),
    h("input", { type: "file", id, accept, onchange: (event) => event.target.files.length && chosen(event.target.files[0]) }),
  );

/** No network: the browser would take an empty value for its own choice. */
const NONE = "-";

const networks = ({ choices, network }, actions) =>
  h(
    "fieldset",
    { key: "network" },
    h("legend", {}, "Network"),
    picker("own-model", "An ONNX file", ".onnx", actions.model),
    h(
      "label",
      { for: "own-built-in", key: "built-in" },
      h("span", {}, "or one that comes with atrous"),
      h(
        "select",
        { id: "own-built-in", onchange: (event) => event.target.value !== NONE && actions.network(event.target.value), value: choices.networks.includes(network?.name) ? network.name : NONE },
        h("option", { key: NONE, value: NONE }, "choose"),
        choices.networks.map((name) => h("option", { key: name, value: name }, name)),
      ),
    ),
    network === null ? null : h("p", { key: "chosen", class: "chosen-file", id: "own-network" }, network.network),
  );

const images = ({ image }, actions) =>
  h(
    "fieldset",
    { key: "image" },
    h("legend", {}, "Image"),
    picker("own-image", "PNG, JPEG or TIFF", ".png,.jpg,.jpeg,.tif,.tiff", actions.image),
    h("p", { class: "buttons", key: "buttons" }, "or ", h("button", { type: "button", id: "own-sample", onclick: actions.sample }, "the photograph of atrous")),
    image === null ? null : h("p", { key: "chosen", class: "chosen-file" }, `${image.name}, ${image.size[1]} × ${image.size[0]} pixels`),
    h("p", { class: "note", key: "note" }, "Files can be dropped here, too."),
  );

const scaling = ({ choices, scaling: now, side, table }, actions) =>
  h(
    "fieldset",
    { key: "scaling" },
    h("legend", {}, "How the image is given"),
    h(
      "label",
      { for: "own-scaling", key: "scaling" },
      h("span", {}, "pixel values"),
      h("select", { id: "own-scaling", value: now, onchange: (event) => actions.set({ scaling: event.target.value }) }, choices.scalings.map(([name, words]) => h("option", { key: name, value: name }, words))),
    ),
    h(
      "label",
      { for: "own-side", key: "side" },
      h("span", {}, "longer side at most, in pixels"),
      h("input", { type: "number", id: "own-side", min: 16, max: 1024, step: 1, value: side, onchange: (event) => actions.set({ side: Math.min(1024, Math.max(16, Math.round(Number(event.target.value)) || 512)) }) }),
    ),
    table === null ? h("p", { key: "demo", class: "buttons" }, h("button", { type: "button", id: "own-demo", onclick: actions.demo }, "Show me: the denoiser on the photograph")) : null,
  );

const status = ({ busy, error }) =>
  h(
    "div",
    { key: "status", class: "own-status" },
    h("p", { key: "busy", role: "status", id: "own-busy" }, busy === null ? "" : [h("progress", { key: "bar", "aria-label": "progress", max: 1, ...(busy.share === null ? {} : { value: busy.share }) }), h("span", { key: "text" }, busy.text)]),
    error === null ? null : h("div", { key: "error", class: "refusal", role: "alert", id: "own-error" }, h("p", {}, error)),
  );

function told({ network, table }) {
  const all = [...(network?.told ?? []), ...table.told];
  return [h("ul", { key: "told", class: "own-told", id: "own-told" }, all.map((text, at) => h("li", { key: at }, text)))];
}

const HEADS = ["layer", "operator", "output", "parameters", "multiply-adds", "receptive field", "jump", ""];

/** The layers as a table; a layer's name shows its maps. */
function layersOf({ table, layer }, actions) {
  const number = (text) => (text === null ? "?" : text === "0" ? "" : count(text));
  const name = (row) => (table.image ? h("button", { type: "button", class: "link", "aria-pressed": String(row.name === layer), onclick: () => actions.layer(row.name) }, row.name) : row.name);
  const notes = (row) => [row.linear ? "" : "not linear", row.local ? "" : "global"].filter(Boolean).join(", ");
  return [
    h("h3", { key: "layers-title" }, "Layers"),
    table.image ? h("p", { key: "layers-hint", class: "note" }, "Choose a layer to see its activation maps.") : h("p", { key: "layers-hint", class: "note" }, "Choose an image to see activation maps."),
    h(
      "div",
      { key: "layers", class: "scroll own-layers", tabindex: 0, role: "region", "aria-label": "Layers of the network" },
      h(
        "table",
        { id: "own-layers" },
        h("thead", {}, h("tr", {}, HEADS.map((head, at) => h("th", { key: at, scope: "col" }, head || h("span", { class: "hidden" }, "remarks"))))),
        h(
          "tbody",
          {},
          table.layers.map((row, at) =>
            h(
              "tr",
              { key: at, class: row.name === layer ? "chosen" : null },
              h("th", { scope: "row" }, name(row)),
              [row.operator, row.output, number(row.parameters), number(row.macs), row.field, row.jump || "–", notes(row)].map((text, place) => h("td", { key: place, class: place < 2 || place === 6 ? "text" : null }, text)),
            ),
          ),
        ),
      ),
    ),
    h("details", { key: "totals", class: "own-totals" }, h("summary", {}, "The whole network"), h("dl", { class: "facts" }, table.totals.map(([title, text]) => h("div", { key: title }, h("dt", {}, title), h("dd", {}, text)))), table.notes.map((note, at) => h("p", { key: `note ${at}`, class: "note" }, note))),
  ];
}

const short = (number) => (number === null ? "–" : String(Number(number.toPrecision(3))).replace("-", "−"));

const range = ({ min, max, odd }) => `${short(min)} to ${short(max)}${odd ? `, ${count(odd)} not finite` : ""}`;

/** The maps of the chosen layer, each a button, or the largest numbers of a vector. */
function mapsOf({ table, layer, maps, unit }, actions) {
  if (!table.image || maps === null) return [];
  const title = h("h3", { key: "maps-title" }, `Activation maps of ${layer}`);
  if (maps.kind === "vector") return [h("h3", { key: "maps-title" }, `Output of ${layer}`), vector(maps)];
  const last = Math.min(maps.count, maps.first + maps.maps.length);
  const step = maps.maps.length;
  const turn =
    maps.count > step || maps.first > 0
      ? h(
          "p",
          { class: "buttons", key: "turn" },
          h("button", { type: "button", disabled: maps.first === 0, onclick: () => actions.maps(Math.max(0, maps.first - 64)) }, "Earlier maps"),
          h("button", { type: "button", disabled: last >= maps.count, onclick: () => actions.maps(last) }, "Later maps"),
        )
      : null;
  return [
    title,
    h("p", { key: "maps-hint", class: "note" }, `${count(maps.count)} maps of ${maps.size[1]} × ${maps.size[0]}; shown are ${maps.first} to ${last - 1}. Gray maps go from 0 (black) to their largest value; blue is below zero, orange above.`),
    turn,
    h(
      "ul",
      { key: "maps", class: "own-maps", id: "own-maps" },
      maps.maps.map((map) =>
        h(
          "li",
          { key: map.channel },
          h(
            "button",
            { type: "button", "aria-pressed": String(unit?.place[0] === map.channel), "aria-label": `map ${map.channel}, ${range(map)}`, onclick: () => actions.unit(map.channel, unit?.place[1] ?? Math.floor(maps.size[0] / 2), unit?.place[2] ?? Math.floor(maps.size[1] / 2)) },
            h("img", { src: map.picture, alt: "", width: map.drawn[1], height: map.drawn[0] }),
            h("span", {}, h("b", {}, map.channel), ` ${range(map)}`),
          ),
        ),
      ),
    ),
  ];
}

const vector = ({ largest, count: all, min, max }) =>
  h(
    "div",
    { key: "vector", class: "scroll" },
    h("p", { class: "note" }, `${count(all)} numbers from ${short(min)} to ${short(max)}; the largest are`),
    h("table", { id: "own-vector" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "place"), h("th", { scope: "col" }, "value"))), h("tbody", {}, largest.map(([place, number]) => h("tr", { key: place }, h("th", { scope: "row" }, place), h("td", {}, short(number)))))),
  );

const place = (low, high, size) => Math.min(size - 1, Math.max(0, Math.floor(((low - high.start) / high.length) * size)));

/** The unit that is looked at: its map, large, and what it sees of the image. */
function unitOf({ table, unit }, actions) {
  if (unit === null || !table.image) return [];
  const [channel, row, column] = unit.place;
  const [rows, columns] = unit.size;
  const go = (to, across) => actions.unit(channel, Math.min(rows - 1, Math.max(0, to)), Math.min(columns - 1, Math.max(0, across)));
  const clicked = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    go(place(event.clientY, { start: box.top, length: box.height }, rows), place(event.clientX, { start: box.left, length: box.width }, columns));
  };
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const moved = (event) => {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    go(row + move[0], column + move[1]);
  };
  const number = (name, value, size, put) => h("label", { key: name, for: `own-${name}` }, h("span", {}, name), h("input", { type: "number", id: `own-${name}`, min: 0, max: size - 1, step: 1, value, onchange: (event) => event.target.value !== "" && put(Math.round(Number(event.target.value))) }));
  return [
    h("h3", { key: "unit-title" }, "What a unit sees"),
    h("div", { key: "words", class: "said", id: "own-words", "aria-live": "polite" }, unit.words.map((text, at) => h("p", { key: at }, text))),
    h("div", { key: "unit-numbers", class: "own-numbers" }, number("row", row, rows, (to) => go(to, column)), number("column", column, columns, (to) => go(row, to))),
    h(
      "div",
      { key: "unit", class: "own-unit" },
      h(
        "figure",
        {},
        h(
          "div",
          { class: "own-picture pointable", id: "own-map", tabindex: 0, role: "application", "aria-label": `map ${channel}: click a unit, or move with the arrow keys`, onclick: clicked, onkeydown: moved },
          h("img", { src: unit.map.picture, alt: `activation map ${channel}` }),
          over(columns, rows, mark("own-mark", row, column, columns)),
        ),
        h("figcaption", {}, `Map ${channel}, ${columns} × ${rows}: ${range(unit.map)}. Click a unit.`),
      ),
      h(
        "figure",
        {},
        h("div", { class: "own-picture", id: "own-shown" }, h("img", { src: table.image.picture, alt: "the image as the network sees it" }), over(table.image.size[1], table.image.size[0], field(unit.field, table.image.size))),
        h("figcaption", {}, `The image as the network sees it, ${table.image.size[1]} × ${table.image.size[0]}; framed: what the unit sees.`),
      ),
    ),
  ];
}

const over = (width, height, ...drawn) => h("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, drawn);

/** A unit of a map; never so small that it is not seen. */
function mark(kind, row, column, columns) {
  const side = Math.max(1, columns / 80);
  return h("rect", { class: kind, x: column + 0.5 - side / 2, y: row + 0.5 - side / 2, width: side, height: side, "vector-effect": "non-scaling-stroke" });
}

/** More pieces than these are drawn as their frame only. */
const PIECES = 6000;

function field([rows, columns], [height, width]) {
  const [top, bottom] = rows.span;
  const [left, right] = columns.span;
  if (bottom <= top || right <= left) return null;
  const holes = rows.holes + columns.holes > 0 && rows.runs.length * columns.runs.length <= PIECES;
  const pieces = holes ? rows.runs.flatMap(([from, to]) => columns.runs.map(([low, high]) => `M${low} ${from}H${high}V${to}H${low}z`)).join("") : `M${left} ${top}H${right}V${bottom}H${left}z`;
  return [
    h("path", { key: "dim", class: "own-dim", "fill-rule": "evenodd", d: `M0 0H${width}V${height}H0zM${left} ${top}H${right}V${bottom}H${left}z` }),
    holes ? h("path", { key: "read", class: "own-read", d: pieces }) : null,
    h("rect", { key: "hull", class: "own-hull", x: left, y: top, width: right - left, height: bottom - top, "vector-effect": "non-scaling-stroke", "data-rows": rows.runs.map((run) => run.join("-")).join(" "), "data-columns": columns.runs.map((run) => run.join("-")).join(" ") }),
  ];
}
