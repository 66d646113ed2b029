"""One layer run forwards and its gradient run backwards, in NumPy: what the estimate of effective receptive fields needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from itertools import product

import numpy as np

from atrous.errors import UnsupportedError
from atrous.geometry import TransposedWindow, Window
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, Pointwise
from atrous.reference.taps import last, strided, taps
from atrous.report.dual import slope

#: The gradient by each operand; ``None`` for operands that are not differentiated.
Gradients = tuple[Array | None, ...]
Windows = Sequence[Window | TransposedWindow]
#: The layers that only move elements, or join or repeat them.
MOVING = (
    L.Transpose,
    L.Concat,
    L.Slice,
    L.Pad,
    L.Expand,
    L.Tile,
    L.DepthToSpace,
    L.SpaceToDepth,
    L.Gather,
    L.MaxUnpool,
    L.Reshaping,
)


def forward(layer: Layer, operands: Sequence[Array]) -> Array:
    """The output; convolutions through matrix products, as the oracle is too slow for whole networks."""
    if isinstance(layer, L.Conv | L.ConvTranspose):
        return _convolve(layer, *operands)
    return layer.evaluate(*operands)


@singledispatch
def backward(layer: Layer, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    """The gradient by each operand, from that by the output; raises ``UnsupportedError`` for layers it has no rule for."""
    raise UnsupportedError(f"there is no derivative of {type(layer).__name__} here")


def _matrix(layer: L.Conv | L.ConvTranspose, w: Array, tap: tuple[int, ...]) -> Array:
    """The weights of one tap as matrices ``(groups, outputs, inputs)``."""
    at: Array = w[last(tap)]
    split = at.reshape(layer.groups, at.shape[0] // layer.groups, at.shape[1])
    return split if isinstance(layer, L.Conv) else split.transpose(0, 2, 1)


def _meetings(windows: Windows, sizes: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
    """For every tap: the outputs and the inputs that meet through it."""
    if all(isinstance(window, Window) for window in windows):
        yield from taps([w for w in windows if isinstance(w, Window)], sizes)
        return
    each = [window for window in windows if isinstance(window, TransposedWindow)]
    for tap in product(*(range(window.kernel) for window in each)):
        ranges = [window.inputs_of_tap(t, n) for window, t, n in zip(each, tap, sizes, strict=True)]
        if all(ranges):
            starts = [r.start * w.stride - w.pad_lo + t * w.dilation for r, w, t in zip(ranges, each, tap, strict=True)]
            outputs = tuple(strided(a, len(r), w.stride) for a, r, w in zip(starts, ranges, each, strict=True))
            yield tap, outputs, tuple(slice(r.start, r.stop) for r in ranges)


def _grouped(x: Array, groups: int) -> Array:
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:])


def _multiplied(matrix: Array, x: Array) -> Array:
    """``(G, K, C)`` times ``(N, G, C, *space)``."""
    flat: Array = matrix @ x.reshape(*x.shape[:3], -1)
    return flat.reshape(*flat.shape[:3], *x.shape[3:])


def _convolve(layer: L.Conv | L.ConvTranspose, x: Array, w: Array, *bias: Array) -> Array:
    windows: Windows = layer.windows(x.shape[2:])
    outputs = w.shape[0] if isinstance(layer, L.Conv) else w.shape[1] * layer.groups
    space = tuple(window.output_size(n) for window, n in zip(windows, x.shape[2:], strict=True))
    y, grouped = np.zeros((x.shape[0], layer.groups, outputs // layer.groups, *space), x.dtype), _grouped(x, layer.groups)
    for tap, to, of in _meetings(windows, x.shape[2:]):
        y[last(to)] += _multiplied(_matrix(layer, w, tap), grouped[last(of)])
    y = y.reshape(x.shape[0], outputs, *space)
    return y + bias[0].reshape(-1, *(1,) * len(space)) if bias else y


@backward.register(L.Conv)
@backward.register(L.ConvTranspose)
def _(layer: L.Conv | L.ConvTranspose, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    x, w, *bias = operands
    back, grouped = np.zeros_like(_grouped(x, layer.groups)), _grouped(gradient, layer.groups)
    for tap, of, to in _meetings(layer.windows(x.shape[2:]), x.shape[2:]):
        back[last(to)] += _multiplied(_matrix(layer, w, tap).transpose(0, 2, 1), grouped[last(of)])
    return (back.reshape(x.shape), None, *(None for _ in bias))


@backward.register(Pointwise)
def _(layer: Pointwise, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    return tuple(
        _summed(gradient * slope(layer, list(operands), i), x.shape) if np.issubdtype(x.dtype, np.floating) else None
        for i, x in enumerate(operands)
    )


def _summed(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Back to the shape before broadcasting."""
    lead = gradient.ndim - len(shape)
    gradient = gradient.sum(axis=tuple(range(lead)))
    wide = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return np.asarray(gradient.sum(axis=wide, keepdims=True))


def _register_moving() -> None:
    for kind in MOVING:
        backward.register(kind)(_moved)


def _moved(layer: Layer, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    """Elements that only move are numbered and moved: the numbers say where each element of the gradient goes."""
    count, numbers, places = 1, [], []
    for i, x in enumerate(operands):
        signal = np.issubdtype(x.dtype, np.floating) and (i == 0 or isinstance(layer, L.Concat))
        places.append((count, count + x.size) if signal else None)
        settings = np.zeros(x.shape, np.int64) if np.issubdtype(x.dtype, np.floating) else x
        numbers.append(np.arange(count, count + x.size).reshape(x.shape) if signal else settings)
        count += x.size if signal else 0
    came = layer.evaluate(*numbers)
    back = np.bincount(came.ravel(), gradient.ravel(), count).astype(gradient.dtype)
    each = zip(places, operands, strict=True)
    return tuple(None if place is None else back[place[0] : place[1]].reshape(x.shape) for place, x in each)


_register_moving()


@backward.register
def _(layer: L.MaxPool, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    """The first tap that holds the maximum takes the gradient."""
    (x,) = operands
    back, waiting = np.zeros_like(x), np.ones(output.shape, bool)
    for _, to, of in taps(layer.windows(x.shape[2:]), x.shape[2:]):
        won = waiting[last(to)] & (x[last(of)] == output[last(to)])
        back[last(of)] += np.where(won, gradient[last(to)], 0)
        waiting[last(to)] &= ~won
    return (back,)


@backward.register
def _(layer: L.AveragePool, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    (x,) = operands
    windows = layer.windows(x.shape[2:])
    real = np.zeros(output.shape[2:], x.dtype)
    for _, to, _ in taps(windows, x.shape[2:]):
        real[to] += 1
    mean = layer.evaluate(np.ones((1, 1, *x.shape[2:]), x.dtype))[0, 0]  # real taps by all that count
    share = gradient * np.divide(mean, real, out=np.zeros_like(real), where=real > 0)
    back = np.zeros_like(x)
    for _, to, of in taps(windows, x.shape[2:]):
        back[last(of)] += share[last(to)]
    return (back,)


@backward.register
def _(layer: L.BatchNorm, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    x, scale, _, _, variance = operands
    factor = (scale / np.sqrt(variance + layer.epsilon)).astype(x.dtype)
    return (gradient * factor.reshape(-1, *(1,) * (x.ndim - 2)), None, None, None, None)


@backward.register
def _(layer: L.Resize, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    back = gradient
    for axis, resample in enumerate(layer.resamples(*(Fact.of(array) for array in operands))):
        if resample is not None:
            weights = np.zeros((resample.size, resample.outputs), gradient.dtype)
            for o in range(resample.outputs):
                for i, weight in resample.taps(o):
                    weights[i, o] += float(weight)
            back = np.moveaxis(np.tensordot(weights, back, (1, axis)), 0, axis)
    return (back, None)


@backward.register
def _(layer: L.Linear, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    return (gradient @ operands[1], *(None for _ in operands[1:]))


@backward.register
def _(layer: L.MatMul, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    x, y = (array if array.ndim > 1 else array[None, :] if i == 0 else array[:, None] for i, array in enumerate(operands))
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    wide = gradient.reshape(*batch, x.shape[-2], y.shape[-1])
    ours, theirs = wide @ y.swapaxes(-1, -2), x.swapaxes(-1, -2) @ wide
    return (_summed(ours, x.shape).reshape(operands[0].shape), _summed(theirs, y.shape).reshape(operands[1].shape))


@backward.register
def _(layer: L.Softmax, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    axes = layer.axes(output.ndim)
    return (output * (gradient - (gradient * output).sum(axis=axes, keepdims=True)),)


@backward.register(L.ReduceSum)
@backward.register(L.ReduceMean)
def _(layer: L.ReduceSum | L.ReduceMean, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    (x,) = operands
    wide = np.broadcast_to(gradient.reshape(_kept(layer, x)), x.shape)
    return (wide / (x.size // output.size) if isinstance(layer, L.ReduceMean) else wide,)


@backward.register(L.ReduceMax)
@backward.register(L.ReduceMin)
def _(layer: L.ReduceMax | L.ReduceMin, operands: Sequence[Array], output: Array, gradient: Array) -> Gradients:
    (x,) = operands
    shape = _kept(layer, x)
    return (np.where(x == output.reshape(shape), gradient.reshape(shape), 0).astype(x.dtype),)


def _kept(layer: L.Reduce, x: Array) -> tuple[int, ...]:
    """The shape of the result with its reduced axes kept."""
    axes = layer.reduced(x.ndim)
    return tuple(1 if i in axes else size for i, size in enumerate(x.shape))
