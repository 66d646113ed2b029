// The scenes in the order of the lecture. A new scene is one module and one row here.
import { scene as explosion } from "./scenes/explosion.js";
import { scene as signal } from "./scenes/signal.js";
import { scene as stack } from "./scenes/stack.js";
import { scene as classifier } from "./scenes/classifier.js";
import { scene as linear } from "./scenes/linear.js";
import { scene as context } from "./scenes/context.js";

export const scenes = [explosion, signal, stack, classifier, linear, context];
