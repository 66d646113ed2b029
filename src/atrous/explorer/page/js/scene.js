// What a scene is. A scene is one module under scenes/ that exports `scene`, and one row of the list in scenes.js.
//
//   export const scene = {
//     row: 10,                        which row of the lecture it shows; scenes stand in this order
//     id: "unread",                   lower-case letters, for the page's anchors and the share link
//     title: "Strides may skip inputs",
//     text: ["One sentence.", "…"],   paragraphs that a student understands at first sight
//     fields: [int({...}), ...],      what its state is made of, see fields.js; sliders and share link follow from it
//     draw(state, view) { return { figure, ... }; },
//   };
//
// `draw` is a plain function. It gets
//   state   one value for each field by its key, already within its limits (a frozen object)
//   view    {width: of the figure in pixels, pointed: the data-key of the cell that the pointer, a finger or the focus is on, or
//           null, set(change): change fields by their keys, tabbable(name, key): see cells.js}
// and returns an object with
//   figure  descriptions of elements (h of dom.js), usually one drawing() of drawing.js; anything with `data-key` can be pointed
//           at, with `data-edit="field"` and `data-index="0.1.2"` its number can be typed over (a field of kind `edits`)
//   said    what is pointed at or computed now, as a sum() of sum.js or a text; also read out by screen readers
//   facts   [[name, text], ...], the numbers under the picture (may be left out)
//   steps   how many steps there are to play, and `stepText`, what the current one is; the state then has a `step` field
//   trouble null, or {reason: text, fixes: [{label: text, change: {field: value}}, ...]} where settings give no output
//   code    null, or {python, pytorch, keras}: texts to copy (code.js writes those of a convolution)
//   legend  names of the kinds of cells in the picture (see legend.js), may be left out
//
// Numbers about sizes come from geometry.js only. Text and numbers reach the page through dom.js, never as HTML.

/** The state of a scene before anybody touched it. */
export const defaults = (scene) => Object.freeze(Object.fromEntries(scene.fields.map((field) => [field.key, field.value])));

/** A state in which some fields have new values, each brought within its limits. Keys that are no field are left out. */
export function changed(scene, state, change) {
  const next = scene.fields
    .filter((field) => field.key in change)
    .map((field) => [field.key, field.clamp(change[field.key])]);
  return Object.freeze({ ...state, ...Object.fromEntries(next) });
}

/** A state that holds for any scene: what fields ask of each other (a step that exists, numbers of cells that exist) is left to
 * `draw`, as it depends on the others. */
export const stepOf = (state, count) => Math.min(state.step, Math.max(0, count - 1));
