// The numbers that signals and kernels start with: small whole ones, the same for everybody, and those that a person typed.

/** A signal's number at [channel, ...place]: 0 to 9, spread so that neighbours differ. */
export const signalValue = ([channel, ...place]) => (place.reduce((all, at, axis) => all + at * [3, 7, 5][axis] + at * at * (axis + 1), channel * 4) + 1) % 10;

/** A kernel's number at [kernel, channel, ...tap]: -2 to 2. */
export const kernelValue = ([filter, channel, ...tap]) => ((tap.reduce((all, at, axis) => all + at * [2, 3, 1][axis], filter * 3 + channel) + 1) % 5) - 1;

/** Numbers of a field of kind `edits`: what was typed, otherwise what it starts with. */
export const valuesOf = (field, typed) => (index) => typed[index.join(".")] ?? field.start(index);
