// The share link: the whole state of the page in the address behind #, so that it also works from a file and no server sees it.
//
//   #v=1&at=unread&unread.size=9&unread.stride=3
//
// Only what differs from the start is written. A link from anybody is read here: keys that are no field's are left out, values
// are brought within their limits by the fields, and text stays text.
import { changed, defaults } from "./scene.js";

const VERSION = "1";

/** More of a link than this is not looked at. */
const LONGEST = 20000;

/** The fragment for these states ({id: state}) with the scene `at` in view. */
export function written(scenes, states, at) {
  const pairs = [["v", VERSION]];
  if (at) pairs.push(["at", at]);
  for (const scene of scenes) {
    for (const field of scene.fields) {
      const text = field.print(states[scene.id][field.key]);
      if (text !== field.print(field.value)) pairs.push([`${scene.id}.${field.key}`, text]);
    }
  }
  return `#${pairs.map(([key, text]) => `${key}=${plain(text)}`).join("&")}`;
}

/** Signs that may stay in an address are left legible. */
const plain = (text) => encodeURIComponent(text).replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%2B/g, "+");

/** {at, states} of a fragment, or null for one that is empty, foreign, or of another version. */
export function read(scenes, fragment) {
  const pairs = fragment.replace(/^#/, "").slice(0, LONGEST).split("&").map(decoded);
  const given = new Map(pairs.filter((pair) => pair !== null));
  if (given.get("v") !== VERSION) return null;
  const states = Object.fromEntries(scenes.map((scene) => [scene.id, stateOf(scene, given)]));
  return { at: scenes.some((scene) => scene.id === given.get("at")) ? given.get("at") : null, states };
}

function stateOf(scene, given) {
  const known = scene.fields.filter((field) => given.has(`${scene.id}.${field.key}`));
  const change = Object.fromEntries(known.map((field) => [field.key, field.parse(given.get(`${scene.id}.${field.key}`))]));
  return changed(scene, defaults(scene), change);
}

/** [key, text] of one part, or null where its escapes are broken. */
function decoded(part) {
  const cut = part.indexOf("=");
  if (cut < 0) return null;
  try {
    return [part.slice(0, cut), decodeURIComponent(part.slice(cut + 1))];
  } catch {
    return null;
  }
}
