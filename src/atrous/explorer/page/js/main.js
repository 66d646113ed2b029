// The page: all scenes on their stages, the contents, the tools at the top, and the state in the address.
import { h, patch } from "./dom.js";
import { Lecture } from "./lecture.js";
import { scenes } from "./scenes.js";
import { read, written } from "./share.js";
import { Stage } from "./stage.js";
import { tools } from "./tools.js";

const stages = new Map(scenes.map((scene) => [scene.id, new Stage(scene, remember)]));
const lecture = new Lecture([...stages.values()], { moved: contents, remember });
let timer = null;

function link() {
  const states = Object.fromEntries(scenes.map((scene) => [scene.id, stages.get(scene.id).state]));
  return written(scenes, states, lecture.at);
}

/** Put the state into the address, a moment after the last change: browsers refuse to do it very often. */
function remember() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    try {
      history.replaceState(null, "", link());
    } catch {
      // a browser that forbids this to files still has the button for a link
    }
  }, 250);
}

/** Take over the state of the address. */
function restore() {
  clearTimeout(timer);
  const given = read(scenes, location.hash);
  if (given !== null) for (const [id, state] of Object.entries(given.states)) stages.get(id).show(state);
  const at = given?.at ?? (stages.has(location.hash.slice(1)) ? location.hash.slice(1) : null);
  if (at) lecture.go(at, { focus: false });
}

function contents() {
  const go = (id) => (event) => {
    event.preventDefault();
    lecture.go(id);
    remember();
  };
  const row = ({ id, row: number, title }) =>
    h("li", { key: id }, h("a", { href: `#${id}`, onclick: go(id), "aria-current": lecture.at === id ? "true" : null }, h("span", { class: "at" }, number), h("span", {}, title)));
  const own = document.getElementById("own");
  const last = own ? h("li", { key: "own" }, h("a", { href: "#own" }, h("span", { class: "at" }, "+"), h("span", {}, "Your own network"))) : null;
  patch(
    document.getElementById("contents"),
    h("details", { key: "all" }, h("summary", {}, "Contents"), h("ol", {}, scenes.map(row), last)),
  );
}

patch(document.getElementById("tools"), tools({ lecture, link: () => location.href.split("#")[0] + link() }));
document.getElementById("scenes").append(...[...stages.values()].map((stage) => stage.section));
contents();
// beside the lecture the contents begin open, above it closed; from then on they are as somebody left them
document.querySelector("#contents details").open = matchMedia("(min-width: 75rem)").matches;
// all widths first, then all drawings: the browser lays the page out once
for (const stage of stages.values()) stage.measure();
for (const stage of stages.values()) stage.watch();
restore();
addEventListener("hashchange", restore);
lecture.listen();
