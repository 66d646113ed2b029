// The scenes in the order of the lecture. A new scene is one module and one row here.
import { scene as explosion } from "./scenes/explosion.js";
import { scene as shift } from "./scenes/shift.js";
import { scene as signal } from "./scenes/signal.js";
import { scene as channels } from "./scenes/channels.js";
import { scene as kernels } from "./scenes/kernels.js";
import { scene as structure } from "./scenes/structure.js";
import { scene as film } from "./scenes/film.js";
import { scene as words } from "./scenes/words.js";
import { scene as padding } from "./scenes/padding.js";
import { scene as unread } from "./scenes/unread.js";
import { scene as dilation } from "./scenes/dilation.js";
import { scene as sparse } from "./scenes/sparse.js";
import { scene as stack } from "./scenes/stack.js";
import { scene as classifier } from "./scenes/classifier.js";
import { scene as linear } from "./scenes/linear.js";
import { scene as context } from "./scenes/context.js";

export const scenes = [
  explosion, shift, signal, channels, kernels, structure, film, words, padding, unread, dilation, sparse,
  stack, classifier, linear, context,
];
