// A layer seen from afar: the input with its channels as one volume, the part of it that makes the current output, and the maps.
import { sign } from "./drawing.js";
import { extent, inputs, paddedAt, paddedSize } from "./geometry.js";
import { unitFor, volume, volumeTitle } from "./volume.js";

/** Blocks for a layer of two axes (the depth is its channels) or three with one channel (the depth is time). */
export function overview(layer, looked, view) {
  const film = layer.size.length === 3;
  const [windows, depthWindow] = film ? [layer.windows.slice(1), layer.windows[0]] : [layer.windows, null];
  const sizes = film ? layer.size.slice(1) : layer.size;
  const padded = windows.map((window, axis) => paddedSize(window, sizes[axis]));
  const depth = film ? paddedSize(depthWindow, layer.size[0]) : layer.channels;
  const outDepth = film ? layer.outputs[0] : layer.filters;
  const place = looked.current.slice(film ? 2 : 1);
  const starts = windows.map((window, axis) => paddedAt(window, inputs(window, place[axis])[0]));
  const first = film ? paddedAt(depthWindow, inputs(depthWindow, looked.current[1])[0]) : 0;
  const thick = film ? extent(depthWindow) : layer.channels;
  const spans = windows.map(extent);
  const outputs = film ? layer.outputs.slice(1) : layer.outputs;
  const whole = [depth, ...padded];
  const unit = unitFor(view, [whole, [thick, ...spans], [outDepth, ...outputs]]);
  const part = looked.input ? null : { at: [first, ...starts], size: [thick, ...spans], kind: "solid-read" };
  const current = { at: [film ? looked.current[1] : looked.current[0], ...place], size: [1, 1, 1], kind: "solid-current" };
  const name = (word, size) => volumeTitle(word, size);
  return [
    volume({ name: "volume x", title: name(film ? "T × H × W" : "C × H × W", whole), size: whole, unit, kind: "solid-signal", part }),
    sign("→", 24),
    volume({ name: "volume y", title: name(film ? "output" : layer.filters > 1 ? "D maps" : "one map", [outDepth, ...outputs]), size: [outDepth, ...outputs], unit, kind: "solid-output", part: looked.input ? null : current }),
  ];
}
