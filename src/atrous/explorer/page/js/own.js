// One's own network and image: layers, activation maps, and what a unit of a map sees of the image. Only in the page that the
// local server gives out; all numbers and pictures here are the server's.
import { patch } from "./dom.js";
import { memory } from "./format.js";
import { ask } from "./own_ask.js";
import { view } from "./own_view.js";

const host = document.getElementById("own");

/** What is known and shown. `choices` is what the server offers; null stands for what is not there yet. */
let state = {
  ...{ choices: null, network: null, image: null, scaling: "unit", side: 512 },
  ...{ table: null, layer: null, maps: null, unit: null },
  ...{ busy: null, error: null, over: false },
};
let turn = 0;

function show(change) {
  state = { ...state, ...change };
  patch(host, view(state, actions));
}

/** Do some work: `steps` gets `asked(name, body)`, whose progress is shown; work that was begun later makes this one's end
 * unheard. Errors are the server's own text. */
async function work(steps) {
  turn += 1;
  const own = turn;
  const begin = performance.now();
  const told = ({ say, seconds, sent, of }) => {
    if (own !== turn) return;
    if (of !== undefined && sent < of) show({ busy: { text: `sending ${memory(sent)} of ${memory(of)}`, share: sent / of } });
    else show({ busy: { text: `${say ?? "working"}, ${(seconds ?? (performance.now() - begin) / 1000).toFixed(1)} s`, share: null } });
  };
  const asked = async (name, body) => {
    const result = await ask(name, body, told);
    if (own !== turn) throw new Superseded();
    return result;
  };
  show({ busy: { text: "working", share: null }, error: null });
  try {
    await steps(asked);
    if (own === turn) show({ busy: null });
  } catch (error) {
    if (own === turn) show({ busy: null, error: error.message });
  }
}

class Superseded extends Error {}

/** What a question is about. */
const settings = () => ({ network: state.network?.number, image: state.image?.number ?? null, scaling: state.scaling, side: state.side });

/** The table anew, and the maps of the layer that was looked at, if it still is there. */
async function refresh(asked) {
  if (state.network === null) return;
  show({ table: null, maps: null, unit: null });
  const table = await asked("table", settings());
  const layer = table.layers.some(({ name }) => name === state.layer) ? state.layer : null;
  show({ table, layer });
  if (table.image && layer) await mapsOf(asked, layer, 0);
}

async function mapsOf(asked, layer, first) {
  show({ layer, maps: null, unit: null });
  const maps = await asked("maps", { ...settings(), layer, first });
  show({ maps });
  if (maps.kind === "maps") await unitOf(asked, maps.first, Math.floor(maps.size[0] / 2), Math.floor(maps.size[1] / 2));
}

async function unitOf(asked, channel, row, column) {
  show({ unit: await asked("unit", { ...settings(), layer: state.layer, channel, row, column }) });
}

/** A file that is too large is not sent at all. */
function fits(file, limit, what) {
  if (file.size <= limit) return true;
  show({ error: `${what}: ${file.name} has ${memory(file.size)}; the page takes at most ${memory(limit)}: use the command line for larger ones` });
  return false;
}

const actions = {
  network: (name) =>
    work(async (asked) => {
      show({ network: null, table: null, maps: null, unit: null });
      show({ network: await asked("network", { name }) });
      await refresh(asked);
    }),
  model: (file) =>
    fits(file, state.choices.model_limit, "the ONNX file") &&
    work(async (asked) => {
      show({ network: null, table: null, maps: null, unit: null });
      show({ network: await asked("model", file) });
      await refresh(asked);
    }),
  sample: () =>
    work(async (asked) => {
      show({ image: await asked("sample", {}) });
      await refresh(asked);
    }),
  image: (file) =>
    fits(file, state.choices.image_limit, "the image") &&
    work(async (asked) => {
      show({ image: await asked("image", file) });
      await refresh(asked);
    }),
  demo: () =>
    work(async (asked) => {
      show({ network: null, table: null, layer: null });
      show({ network: await asked("network", { name: state.choices.networks[0] }) });
      show({ image: await asked("sample", {}) });
      await refresh(asked);
      if (state.table) await mapsOf(asked, state.table.layers[0].name, 0);
    }),
  dropped: (files) => {
    show({ over: false });
    for (const file of files) {
      if (/\.onnx$/i.test(file.name)) return actions.model(file);
    }
    return files.length ? actions.image(files[0]) : undefined;
  },
  over: (over) => over !== state.over && show({ over }),
  set: (change) => {
    show(change);
    if (state.table !== null || state.error !== null) work(refresh);
  },
  layer: (name) => work((asked) => mapsOf(asked, name, 0)),
  maps: (first) => work((asked) => mapsOf(asked, state.layer, first)),
  unit: (channel, row, column) => work((asked) => unitOf(asked, channel, row, column)),
};

show({});
ask("start", {}).then(
  (choices) => {
    show({ choices, side: choices.side });
    show({}); // a list's choice is set once its options are there
  },
  (error) => show({ error: error.message }),
);
