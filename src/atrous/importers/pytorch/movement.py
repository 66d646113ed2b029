"""PyTorch's operators on shapes and places."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from atrous.errors import UnsupportedError
from atrous.geometry import ceil_div
from atrous.graph import layers as L
from atrous.importers.pytorch.call import Call, Rule
from atrous.importers.pytorch.types import TYPES

#: PyTorch's names of the ways to pad.
MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
#: Beyond any size: how PyTorch says "to the end".
END = 2**63 - 1


def reshape(call: Call) -> str:
    name = "size" if call.has("size") else "shape"
    return call.result(L.Reshape(), call.value("self"), call.vector(call[name], "shape"))


def flatten(call: Call) -> str:
    """The axes from one to another become one; the others keep their sizes."""
    rank = call.rank("self")
    first, last = call["start_dim"] % max(1, rank), call["end_dim"] % max(1, rank)
    after = [call.size("self", axis) for axis in range(last + 1, rank)]
    return call.result(L.Reshape(), call.value("self"), call.indices([*(0,) * first, -1, *after], "shape"))


def unflatten(call: Call) -> str:
    sizes, axis = call.sizes("self"), call["dim"]
    axis %= len(sizes)
    return call.result(
        L.Reshape(), call.value("self"), call.indices((*sizes[:axis], *call["sizes"], *sizes[axis + 1 :]), "shape")
    )


def permute(call: Call) -> str:
    rank = call.rank("self")
    return call.result(L.Transpose(tuple(axis % rank for axis in call["dims"])), call.value("self"))


def transpose(call: Call) -> str:
    rank = call.rank("self")
    order = list(range(rank))
    one, other = call["dim0"] % rank, call["dim1"] % rank
    order[one], order[other] = order[other], order[one]
    return call.result(L.Transpose(tuple(order)), call.value("self"))


def turn(call: Call) -> str:
    """``t``: a matrix with its axes exchanged."""
    return call.result(L.Transpose(tuple(reversed(range(call.rank("self"))))), call.value("self"))


def squeeze(call: Call) -> str:
    """PyTorch leaves axes alone whose size is not 1."""
    x, wanted = call.value("self"), call.arguments.get("dim")
    sizes = call.builder.fact(x, "operand").sizes
    axes = range(len(sizes)) if wanted is None else wanted if isinstance(wanted, list | tuple) else (wanted,)
    return call.result(L.Squeeze(tuple(axis % len(sizes) for axis in axes if sizes[axis] == 1)), x)


def unsqueeze(call: Call) -> str:
    return call.result(L.Unsqueeze((call["dim"],)), call.value("self"))


def concat(call: Call) -> str:
    return call.result(L.Concat(call["dim"]), *(call.as_value(tensor) for tensor in call["tensors"]))


def stack(call: Call) -> str:
    axis = call["dim"]
    parts = [call.emit(L.Unsqueeze((axis,)), call.as_value(tensor)) for tensor in call["tensors"]]
    return call.result(L.Concat(axis), *parts)


def slice_(call: Call) -> str:
    start, end = (default if call[name] is None else call[name] for name, default in (("start", 0), ("end", END)))
    step, axis = call.indices([call["step"]], "step"), call.indices([call["dim"]], "axis")
    return call.result(L.Slice(), call.value("self"), call.vector([start], "start"), call.vector([end], "end"), axis, step)


def select(call: Call) -> str:
    """One place of an axis, which goes."""
    axis, place = call["dim"], call["index"]
    bounds = [call.indices([number], "bound") for number in (place, END if place == -1 else place + 1, axis)]
    return call.result(L.Squeeze((axis,)), call.emit(L.Slice(), call.value("self"), *bounds))


def _parts(call: Call, bounds: list[int], axis: int) -> tuple[str, ...]:
    place = call.indices([axis], "axis")
    cuts = [call.indices([bound], "bound") for bound in bounds]
    return tuple(call.emit(L.Slice(), call.value("self"), start, end, place) for start, end in pairwise(cuts))


def split(call: Call) -> tuple[str, ...]:
    """Parts of one size, the last one smaller, or of given sizes."""
    axis = call["dim"]
    size = call.size("self", axis)
    wanted = call["split_size"] if call.has("split_size") else call["split_sizes"]
    if isinstance(wanted, int):
        return _parts(call, [*range(0, size, wanted), size], axis)
    return _parts(call, [0, *np.cumsum(wanted).tolist()], axis)


def chunk(call: Call) -> tuple[str, ...]:
    axis = call["dim"]
    size = call.size("self", axis)
    return _parts(call, [*range(0, size, ceil_div(size, call["chunks"])), size], axis)


def unbind(call: Call) -> tuple[str, ...]:
    axis = call["dim"]
    size = call.size("self", axis)
    return tuple(call.emit(L.Squeeze((axis,)), part) for part in _parts(call, list(range(size + 1)), axis))


def expand(call: Call) -> str:
    """A size of -1 keeps the operand's, as does a 1 in ours."""
    sizes = [1 if size == -1 else size for size in call["size"]]
    return call.result(L.Expand(), call.value("self"), call.vector(sizes, "shape"))


def repeat(call: Call) -> str:
    """More repeats than axes make new axes in front."""
    x, repeats = call.value("self"), call["repeats"]
    missing = len(repeats) - call.rank("self")
    if missing:
        x = call.emit(L.Unsqueeze(tuple(range(missing))), x)
    return call.result(L.Tile(), x, call.indices(repeats, "repeats"))


def pad(call: Call) -> str:
    """PyTorch counts pads from the last axis backwards."""
    mode = call.arguments.get("mode") or "constant"
    pads, rank = call["pad"], call.rank("self")
    lows, highs = [0] * rank, [0] * rank
    for i, (low, high) in enumerate(zip(pads[::2], pads[1::2], strict=True), 1):
        lows[rank - i], highs[rank - i] = low, high
    layer = next(L.Pad(name) for name in L.MODES if name == MODES[mode])
    amount = call.indices([*lows, *highs], "pads")
    if mode != "constant":
        return call.result(layer, call.value("self"), amount)
    value = np.asarray(call.arguments.get("value") or 0, call.number_type())
    return call.result(layer, call.value("self"), amount, call.constant(value, "value"))


def _framed(mode: str) -> Rule:
    """``reflection_pad2d`` and its kin, whose name says the mode."""

    def rule(call: Call) -> str:
        call.arguments |= {"pad": call["padding"], "mode": mode}
        return pad(call)

    return rule


def pixel_shuffle(call: Call) -> str:
    return call.result(L.DepthToSpace(call["upscale_factor"], "CRD"), call.value("self"))


def pixel_unshuffle(call: Call) -> str:
    return call.result(L.SpaceToDepth(call["downscale_factor"], "CRD"), call.value("self"))


def channel_shuffle(call: Call) -> str:
    """Channels of all groups interleaved (ShuffleNet)."""
    x, groups = call.value("self"), call["groups"]
    n, c, *space = call.sizes("self")
    split_ = call.emit(L.Reshape(), x, call.indices((n, groups, c // groups, *space), "split"))
    turned = call.emit(L.Transpose((0, 2, 1, *range(3, 3 + len(space)))), split_)
    return call.result(L.Reshape(), turned, call.indices((n, c, *space), "joined"))


def size_of(call: Call) -> str:
    """An open size, as a vector of one integer."""
    axis = call["dim"]
    return call.result(L.Shape(axis, axis + 1 or None), call.value("self"))


def _laid(name: str) -> Rule:
    """``fill`` and ``copy``: the elements of one operand, repeated to the shape and cast to the type of ``self``."""

    def rule(call: Call) -> str:
        source, wanted = call.as_value(call[name]), TYPES[call.result_like.dtype]
        if call.builder.fact(source, "operand").dtype != wanted:
            source = call.emit(L.Cast(wanted), source)
        return call.result(L.Expand(), source, call.emit(L.Shape(), call.value("self")))

    return rule


def scatter(call: Call) -> str:
    """A part of an axis replaced: what PyTorch makes of an assignment to a slice."""
    axis, source = call["dim"], call.value("src")
    order = np.arange(call.size("self", axis))
    if call.has("index"):
        source, part = call.emit(L.Unsqueeze((axis,)), source), np.array([order[call["index"]]])
    else:
        part = order[call["start"] : call["end"] : call["step"]]
    order[part] = len(order) + np.arange(len(part))
    both = call.emit(L.Concat(axis), call.value("self"), source)
    return call.result(L.Gather(axis), both, call.indices(order.tolist(), "order"))


def _full(number: int) -> Rule:
    """A tensor of one number, of the shape that PyTorch saw."""

    def rule(call: Call) -> str:
        shape, dtype = tuple(call.result_like.shape), TYPES[call.result_like.dtype]
        if not all(isinstance(size, int) for size in shape):
            raise UnsupportedError(f"a new tensor of shape {shape} depends on open sizes; export the module with fixed ones")
        return call.constant(np.full(shape, number, dtype), "full")

    return rule


#: ATen's operators by name, whatever their overload.
RULES: dict[str, Rule] = {
    **{f"reflection_pad{axes}d": _framed("reflect") for axes in (1, 2, 3)},
    **{f"replication_pad{axes}d": _framed("replicate") for axes in (1, 2, 3)},
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), _full(0)),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), _full(1)),
    "_reshape_copy": reshape,
    "_unsafe_view": reshape,
    "cat": concat,
    "channel_shuffle": channel_shuffle,
    "copy": _laid("src"),
    "fill": _laid("value"),
    "select_scatter": scatter,
    "slice_scatter": scatter,
    "chunk": chunk,
    "constant_pad_nd": pad,
    "expand": expand,
    "flatten": flatten,
    "native_channel_shuffle": channel_shuffle,
    "pad": pad,
    "permute": permute,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "repeat": repeat,
    "reshape": reshape,
    "select": select,
    "slice": slice_,
    "split": split,
    "split_with_sizes": split,
    "squeeze": squeeze,
    "stack": stack,
    "sym_size": size_of,
    "t": turn,
    "transpose": transpose,
    "unbind": unbind,
    "unflatten": unflatten,
    "unsqueeze": unsqueeze,
    "view": reshape,
}
