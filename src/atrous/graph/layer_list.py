"""A chain of layers typed as one line: ``conv 3x3 64 s2 p1, relu, maxpool 2``.

Layers stand between commas. A kernel is ``3`` for all axes or one number each, ``3x5``; then come output channels where a layer
has them, and settings in any order: ``s2`` stride, ``p1`` padding (also ``same``, ``valid``; 0 unless given), ``d2`` dilation,
``g4`` groups, each ``s2x1`` for unlike axes, and ``nobias``. A pool's stride is its kernel unless given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import NoReturn

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.builder import Builder, Value
from atrous.graph.fact import Dim
from atrous.graph.network import Network

#: The spatial axes of an input that is not given, by their number.
AXES = {1: ("T",), 2: ("H", "W"), 3: ("D", "H", "W")}
#: What may follow a letter: one integer, or one for each axis.
SIZES = re.compile(r"\d+(x\d+)*")
#: What an open size stands for while layers are checked, large enough for every kernel that one types.
OPEN = 1024
WORDS = {"same", "valid", "nobias"}
LETTERS = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups"}


@dataclass(frozen=True, slots=True)
class Item:
    """One layer as typed: its place in the list from 1, its text, and what was read of it."""

    place: int
    text: str
    operator: str
    numbers: tuple[tuple[int, ...], ...]
    settings: dict[str, tuple[int, ...] | str | bool]

    def refuse(self, seen: str) -> NoReturn:
        """Raise an ``ArgumentError`` that says where, and what."""
        raise ArgumentError(f"layers: layer {self.place} {self.text!r}: {seen}")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one operator is typed, which settings it takes, and how it is built."""

    form: str
    numbers: int
    settings: frozenset[str]
    build: Callable[[Builder, Value, Item], Value]


def _sizes(item: Item, x: Value, sizes: tuple[int, ...]) -> tuple[int, ...]:
    if len(sizes) not in (1, x.axes):
        item.refuse(f"got {'x'.join(map(str, sizes))} for {x.axes} spatial axes; give one integer for all, or {x.axes} of them")
    return sizes * x.axes if len(sizes) == 1 else sizes


def _one(item: Item, sizes: tuple[int, ...], what: str) -> int:
    if len(sizes) != 1:
        item.refuse(f"{what} must be one integer, got {'x'.join(map(str, sizes))}")
    return sizes[0]


def _axes(item: Item, x: Value, name: str, default: int) -> tuple[int, ...]:
    value = item.settings.get(name, (default,))
    assert isinstance(value, tuple)
    return _sizes(item, x, value)


def _padding(item: Item, x: Value) -> str | tuple[int, ...]:
    value = item.settings.get("padding", (0,))
    return value if isinstance(value, str) else _axes(item, x, "padding", 0)


def _conv(b: Builder, x: Value, item: Item) -> Value:
    kernel, channels = item.numbers
    groups = item.settings.get("groups", (1,))
    assert isinstance(groups, tuple)
    count, filters = _one(item, groups, "groups"), _one(item, channels, "the number of output channels")
    if count < 1 or x.channels % count or filters % count:
        each = [n for n in range(1, gcd(x.channels, filters) + 1) if gcd(x.channels, filters) % n == 0]
        near = min(each, key=lambda n: abs(n - count))
        item.refuse(f"groups {count} must divide the {x.channels} input and {filters} output channels; the nearest is {near}")
    return b.conv(
        x,
        filters,
        _sizes(item, x, kernel),
        stride=_axes(item, x, "stride", 1),
        padding=_padding(item, x),
        dilation=_axes(item, x, "dilation", 1),
        groups=count,
        bias="nobias" not in item.settings,
    )


def _depthwise(b: Builder, x: Value, item: Item) -> Value:
    return b.conv(
        x,
        x.channels,
        _sizes(item, x, item.numbers[0]),
        stride=_axes(item, x, "stride", 1),
        padding=_padding(item, x),
        dilation=_axes(item, x, "dilation", 1),
        groups=x.channels,
        bias="nobias" not in item.settings,
    )


def _transposed(b: Builder, x: Value, item: Item) -> Value:
    kernel, channels = item.numbers
    return b.conv_transpose(
        x,
        _one(item, channels, "the number of output channels"),
        _sizes(item, x, kernel),
        stride=_axes(item, x, "stride", 1),
        padding=_padding(item, x),
        bias="nobias" not in item.settings,
    )


def _stride(item: Item, x: Value) -> tuple[int, ...] | None:
    return _axes(item, x, "stride", 1) if "stride" in item.settings else None


def _maxpool(b: Builder, x: Value, item: Item) -> Value:
    return b.max_pool(x, _sizes(item, x, item.numbers[0]), stride=_stride(item, x), padding=_padding(item, x))


def _avgpool(b: Builder, x: Value, item: Item) -> Value:
    return b.avg_pool(x, _sizes(item, x, item.numbers[0]), stride=_stride(item, x))


def _linear(b: Builder, x: Value, item: Item) -> Value:
    if x.fact.rank != 2:
        item.refuse("a linear layer reads a vector; put globalpool or flatten before it")
    return b.linear(x, _one(item, item.numbers[0], "the number of features"))


_WINDOW = frozenset({"stride", "padding", "dilation", "nobias"})
_NONE: frozenset[str] = frozenset()
#: Every operator that can be typed.
RULES = {
    "conv": Rule("conv KERNEL CHANNELS [s2] [p1] [d2] [g4] [same] [nobias]", 2, _WINDOW | {"groups"}, _conv),
    "depthwise": Rule("depthwise KERNEL [s2] [p1] [d2] [same] [nobias]", 1, _WINDOW, _depthwise),
    "transposed": Rule("transposed KERNEL CHANNELS [s2] [p1] [nobias]", 2, _WINDOW - {"dilation"}, _transposed),
    "maxpool": Rule("maxpool KERNEL [s2] [p1]", 1, frozenset({"stride", "padding"}), _maxpool),
    "avgpool": Rule("avgpool KERNEL [s2]", 1, frozenset({"stride"}), _avgpool),
    "globalpool": Rule("globalpool", 0, _NONE, lambda b, x, _: b.global_avg_pool(x)),
    "flatten": Rule("flatten", 0, _NONE, lambda b, x, _: b.flatten(x)),
    "linear": Rule("linear FEATURES", 1, _NONE, _linear),
    "batchnorm": Rule("batchnorm", 0, _NONE, lambda b, x, _: b.batch_norm(x)),
    "relu": Rule("relu", 0, _NONE, lambda b, x, _: b.relu(x)),
    "relu6": Rule("relu6", 0, _NONE, lambda b, x, _: b.relu6(x)),
    "tanh": Rule("tanh", 0, _NONE, lambda b, x, _: b.tanh(x)),
    "sigmoid": Rule("sigmoid", 0, _NONE, lambda b, x, _: b.sigmoid(x)),
    "softmax": Rule("softmax", 0, _NONE, lambda b, x, _: b.softmax(x)),
}
#: Those whose first number is a kernel.
WINDOWED = frozenset(name for name, rule in RULES.items() if "stride" in rule.settings)


def read_layers(text: str, shape: Sequence[int] | None = None) -> Network:
    """The chain of layers that a line describes, behind an input of ``shape`` ``(N, C, *space)``.

    Without a shape the input has 3 channels and open sizes, on as many axes as the first kernel names, 2 if it names one
    number. Raises ``ArgumentError`` naming the layer's place, what was typed and the rule.

    >>> read_layers("conv 3x3 64 s2 p1, relu, maxpool 2")
    Network 'layers': x float32[N,3,H,W] -> max_pool; 3 layers, 1,792 parameters
    """
    items = [_read(place, part.strip()) for place, part in enumerate(text.split(","), start=1)]
    b = Builder("layers", sample=dict.fromkeys(("D", "H", "W", "T"), OPEN))
    x = b.input("x", _open_shape(items) if shape is None else _given_shape(shape))
    for item in items:
        try:
            x = RULES[item.operator].build(b, x, item)
        except (ArgumentError, NetworkError) as error:
            if str(error).startswith("layers: "):
                raise
            item.refuse(str(error))
    return b.build(x)


def _given_shape(shape: Sequence[int]) -> tuple[Dim, ...]:
    """The sizes that are known are those of the network: a linear layer behind ``flatten`` needs them."""
    if len(shape) not in (3, 4, 5):
        raise ArgumentError(f"shape: got {tuple(shape)}; it must be batch, channels and 1 to 3 spatial sizes")
    return ("N", *shape[1:])


def _open_shape(items: Sequence[Item]) -> tuple[Dim, ...]:
    axes = max((len(size) for item in items if item.operator in WINDOWED for size in item.numbers[:1]), default=1)
    for item in items:
        if item.operator == "flatten":
            item.refuse("how many features it makes depends on the size of the input; give that size")
        if axes not in AXES:
            item.refuse(f"a kernel has {axes} axes; there may be 1, 2 or 3")
    return ("N", 3, *AXES[axes if axes > 1 else 2])


def _read(place: int, text: str) -> Item:
    words = text.lower().replace("×", "x").split()
    item = Item(place, text, words[0] if words else "", (), {})
    if item.operator not in RULES:
        item.refuse(f"there is no such layer; a layer is one of {', '.join(RULES)}")
    rule = RULES[item.operator]
    numbers: list[tuple[int, ...]] = []
    settings: dict[str, tuple[int, ...] | str | bool] = {}
    for word in words[1:]:
        if SIZES.fullmatch(word):
            numbers.append(tuple(map(int, word.split("x"))))
        else:
            name, value = _setting(item, word)
            if name not in rule.settings:
                item.refuse(f"{word!r} is no setting of it; the rule is: {rule.form}")
            settings[name] = value
    if len(numbers) != rule.numbers:
        item.refuse(f"got {len(numbers)} sizes, it takes {rule.numbers}; the rule is: {rule.form}")
    return Item(place, text, item.operator, tuple(numbers), settings)


def _setting(item: Item, word: str) -> tuple[str, tuple[int, ...] | str | bool]:
    if word in WORDS:
        return ("nobias", True) if word == "nobias" else ("padding", word)
    if word[0] in LETTERS and SIZES.fullmatch(word[1:]):
        return LETTERS[word[0]], tuple(map(int, word[1:].split("x")))
    return item.refuse(f"{word!r} was not understood; the rule is: {RULES[item.operator].form}")
