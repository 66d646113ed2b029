"""Convolution and its transpose, over any number of spatial axes.

The lecture's convolution: the kernel is not flipped. V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep
learning", arXiv:1603.07285, gives the arithmetic; here it stands in ``geometry``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, final

from atrous import reference
from atrous.errors import NetworkError
from atrous.geometry import SAME, Pull, TransposedWindow, Whole, Window
from atrous.geometry.blocks import Blocks
from atrous.geometry.cost import Cost, convolution_cost
from atrous.geometry.padding import Padding
from atrous.graph.fact import Array, Fact
from atrous.graph.layer import Layer, whole
from atrous.graph.layers import check

Ints = tuple[int, ...]


def channel_map(groups: int, inputs: int, outputs: int) -> Whole | Blocks:
    """How output channels read input channels: all of them, or those of their own group."""
    return Whole(inputs) if groups == 1 else Blocks(inputs // groups, outputs // groups)


def _check_operands(layer: Conv | ConvTranspose, operands: Sequence[Fact]) -> None:
    """Ranks and types, the same for both directions."""
    check.arity(operands, 2, 3)
    check.same_dtype(*operands)
    x, w = operands[:2]
    check.rank(x, "input", 2 + len(layer.kernel))
    check.rank(w, "kernel", x.rank)
    if w.sizes[2:] != layer.kernel:
        raise NetworkError(f"kernel sizes are {w.sizes[2:]} in the weights and {layer.kernel} in the layer; they must agree")


def _cost(layer: Conv | ConvTranspose, output: Fact, x: Fact) -> Cost:
    """What the layer costs on a signal, both directions counted by ``geometry``."""
    space = x.sizes[2:]
    windows = layer.windows(space)
    return convolution_cost(x.sizes[1], output.sizes[1], windows, space, layer.groups, batch=x.sizes[0])


def _check_channels(x: Fact, groups: int, wanted: int, outputs: int, operands: Sequence[Fact]) -> None:
    channels = x.sizes[1]
    if channels % groups or outputs % groups:
        raise NetworkError(
            f"groups={groups} does not divide the {channels} input and {outputs} output channels; it must divide both"
        )
    if channels != wanted:
        raise NetworkError(f"input {x!r} has {channels} channels; weights {operands[1]!r} with groups={groups} need {wanted}")
    if len(operands) == 3:
        check.shape(operands[2], "bias", (outputs,))


@lru_cache(maxsize=4096)
def _windows(padding: Padding, kernel: Ints, strides: Ints, dilations: Ints, sizes: Ints) -> tuple[Window, ...]:
    """The windows, made once: a network's preparation asks for them again and again."""
    return padding.windows(kernel, strides, dilations, sizes)


@final
@dataclass(frozen=True, slots=True)
class Conv(Layer):
    """Convolution ``(x, w[, bias])``: x ``(N, C, *space)``, w ``(K, C/groups, *kernel)``, bias ``(K,)`` to ``(N, K, *out)``.

    >>> from atrous.geometry import Explicit
    >>> layer = Conv((3, 3), (1, 1), (1, 1), Explicit(((1, 1), (1, 1))))
    >>> layer.infer(Fact("float32", (1, 3, 8, 8)), Fact("float32", (16, 3, 3, 3)))
    float32[1,16,8,8]
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Padding
    groups: int = 1

    linear: ClassVar[bool] = True
    trained: ClassVar[tuple[int, ...]] = (1, 2)
    fixed: ClassVar[tuple[int, ...]] = (1, 2)

    def affine(self, *moving: int) -> bool:
        return not {0, 1} <= set(moving)

    def windows(self, sizes: Sequence[int]) -> tuple[Window, ...]:
        """One window for each spatial axis of a signal with these spatial sizes."""
        return _windows(self.padding, self.kernel, self.strides, self.dilations, tuple(sizes))

    def infer(self, *operands: Fact) -> Fact:
        _check_operands(self, operands)
        x, w = operands[:2]
        outputs = w.sizes[0]
        _check_channels(x, self.groups, w.sizes[1] * self.groups, outputs, operands)
        space = check.output_sizes(self.windows(x.sizes[2:]), x.sizes[2:])
        return Fact(x.dtype, (x.sizes[0], outputs, *space))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x, w, *bias = operands
        space = (Pull(2 + i, window) for i, window in enumerate(self.windows(x.sizes[2:])))
        signal = (Pull(0, SAME), Pull(1, channel_map(self.groups, x.sizes[1], w.sizes[0])), *space)
        return (signal, (Pull(1, SAME), *whole(w)[1:]), *((Pull(1, SAME),) for _ in bias))

    def evaluate(self, *operands: Array) -> Array:
        x, w, *bias = operands
        result = reference.conv(x, w, bias[0] if bias else None, self.windows(x.shape[2:]), self.groups)
        return result.astype(x.dtype)

    def macs(self, output: Fact, *operands: Fact) -> int:
        return _cost(self, output, operands[0]).macs

    def real_macs(self, output: Fact, *operands: Fact) -> int:
        return _cost(self, output, operands[0]).real_macs


@final
@dataclass(frozen=True, slots=True)
class ConvTranspose(Layer):
    """The adjoint of ``Conv``, ``(x, w[, bias])``: x ``(N, C, *space)``, w ``(C, K/groups, *kernel)`` to ``(N, K, *out)``.

    ``output_padding`` extends the output at its high ends, 0 for each axis unless given; ``padding`` crops it.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: Padding
    output_padding: tuple[int, ...]
    groups: int = 1

    linear: ClassVar[bool] = True
    trained: ClassVar[tuple[int, ...]] = (1, 2)
    fixed: ClassVar[tuple[int, ...]] = (1, 2)

    def affine(self, *moving: int) -> bool:
        return not {0, 1} <= set(moving)

    def windows(self, sizes: Sequence[int]) -> tuple[TransposedWindow, ...]:
        """One transposed window for each spatial axis of a signal with these spatial sizes."""
        return self.padding.transposed(self.kernel, self.strides, self.dilations, sizes, self.output_padding)

    def infer(self, *operands: Fact) -> Fact:
        _check_operands(self, operands)
        x, w = operands[:2]
        outputs = w.sizes[1] * self.groups
        _check_channels(x, self.groups, w.sizes[0], outputs, operands)
        space = check.output_sizes(self.windows(x.sizes[2:]), x.sizes[2:])
        return Fact(x.dtype, (x.sizes[0], outputs, *space))

    def reads(self, *operands: Fact) -> tuple[tuple[Pull, ...], ...]:
        x, w, *bias = operands
        space = (Pull(2 + i, window) for i, window in enumerate(self.windows(x.sizes[2:])))
        signal = (Pull(0, SAME), Pull(1, channel_map(self.groups, x.sizes[1], w.sizes[1] * self.groups)), *space)
        return (signal, whole(w), *((Pull(1, SAME),) for _ in bias))

    def evaluate(self, *operands: Array) -> Array:
        x, w, *bias = operands
        result = reference.conv_transpose(x, w, bias[0] if bias else None, self.windows(x.shape[2:]), self.groups)
        return result.astype(x.dtype)

    def macs(self, output: Fact, *operands: Fact) -> int:
        """Every input element times every weight that it meets, the products that padding crops included."""
        return _cost(self, output, operands[0]).macs

    def real_macs(self, output: Fact, *operands: Fact) -> int:
        return _cost(self, output, operands[0]).real_macs
