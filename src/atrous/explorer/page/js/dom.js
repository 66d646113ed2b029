// Descriptions of elements, and a page made to agree with them: a drawing is a plain function of its state, while elements
// that stay keep their focus, their pointer and their transitions.
//
// Everything that a person typed goes through text nodes or attributes' values: nothing is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();

/** The description of an element. `props`: attributes; "on..." handlers; `key` to find it again among its siblings;
 * `style` an object of custom properties; `value`, `checked` and `open` are the element's own. Children may be nested arrays,
 * descriptions, text and numbers; null and false are left out. */
export function h(tag, props = {}, ...children) {
  const { key = null, ...rest } = props;
  return { tag, key, props: rest, children: flat(children) };
}

const flat = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/** Make the children of an element agree with descriptions. */
export function patch(host, ...descriptions) {
  const wanted = flat(descriptions);
  const keyed = new Map();
  const free = [];
  for (const node of [...host.childNodes]) {
    // an element that was not made here, such as a field over a cell, is left alone
    if (node.nodeType === Node.ELEMENT_NODE && !shown.has(node)) continue;
    const key = shown.get(node)?.key ?? null;
    if (key === null) free.push(node);
    else keyed.set(key, node);
  }
  const nodes = wanted.map((description) => matching(description, keyed, free) ?? created(description, host));
  // What is no longer wanted goes first, so that what stays need not move: a moved element loses its focus.
  for (const node of [...keyed.values(), ...free]) node.remove();
  nodes.forEach((node, at) => {
    if (host.childNodes[at] !== node) host.insertBefore(node, host.childNodes[at] ?? null);
    update(node, wanted[at]);
  });
}

/** The element of a description that is there already, taken out of those that are left. */
function matching(description, keyed, free) {
  if (typeof description === "object" && description.key !== null) {
    const node = keyed.get(description.key);
    keyed.delete(description.key);
    return node?.localName === description.tag ? node : null;
  }
  const fits = (node) => (typeof description === "object" ? node.localName === description.tag : node.nodeType === Node.TEXT_NODE);
  const at = free.findIndex(fits);
  return at < 0 ? null : free.splice(at, 1)[0];
}

function created(description, host) {
  if (typeof description !== "object") return document.createTextNode("");
  const inSvg = description.tag === "svg" || host.namespaceURI === SVG;
  return inSvg ? document.createElementNS(SVG, description.tag) : document.createElement(description.tag);
}

function update(node, description) {
  if (typeof description !== "object") {
    const text = String(description);
    if (node.data !== text) node.data = text;
    return;
  }
  const before = shown.get(node)?.props ?? {};
  for (const name of Object.keys(before)) if (!(name in description.props)) assign(node, name, null, before[name]);
  for (const [name, value] of Object.entries(description.props)) assign(node, name, value, before[name]);
  shown.set(node, description);
  patch(node, description.children);
}

const OWN = new Set(["value", "checked", "open"]);

function assign(node, name, value, before) {
  if (name.startsWith("on")) node[name] = value;
  else if (name === "style") styled(node, value ?? {}, before ?? {});
  else if (OWN.has(name)) own(node, name, value);
  else if (value === before) return;
  else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : String(value));
}

/** A property that a person changes too: it is set when it differs, but never while somebody types into it. */
function own(node, name, value) {
  const typed = name === "value" && node === document.activeElement && node.type !== "range";
  const wanted = name === "value" ? String(value ?? "") : Boolean(value);
  if (!typed && node[name] !== wanted) node[name] = wanted;
}

function styled(node, value, before) {
  for (const name of Object.keys(before)) if (!(name in value)) node.style.removeProperty(name);
  for (const [name, each] of Object.entries(value)) if (before[name] !== each) node.style.setProperty(name, each);
}
