// The scenes in the order of the lecture. A new scene is one module and one row here.
import { scene as signal } from "./scenes/signal.js";

export const scenes = [signal];
