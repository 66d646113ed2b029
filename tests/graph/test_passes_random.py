"""Random small networks through all passes: the result is what it was, sizes open or known, evaluated or compiled."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous.geometry import Explicit, Same
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.network import Network
from atrous.graph.passes import optimise, specialise
from tests.graph.sketch import Sketch, floats, ints

SHAPE = (2, 4, 9, 10)
NONE, AROUND = Explicit(((0, 0), (0, 0))), Explicit(((1, 1), (1, 1)))
#: Weights that several layers may have, and numbers for each channel.
KERNELS = [0.3 * floats(4, 4, 3, 3) for _ in range(2)]
NUMBERS = [(np.sign(each) * (0.5 + abs(each) % 1)).astype(np.float32) for each in (floats(4, 1, 1), floats(1), floats(4, 1, 1))]


def grow(s: Sketch, draw: st.DrawFn, x: str) -> str:
    """One more layer on a value of four channels; sizes stay, so that any two values fit."""
    kind = draw(st.sampled_from(["conv", "framed", "pool", "map", "norm", "curve", "turned", "shifted"]))
    match kind:
        case "conv":
            padding = draw(st.sampled_from([AROUND, Same()]))
            return s(L.Conv((3, 3), (1, 1), (1, 1), padding), x, draw(st.sampled_from(KERNELS)))
        case "framed":
            layer = draw(
                st.sampled_from(
                    [
                        (L.Conv((3, 3), (1, 1), (1, 1), NONE), draw(st.sampled_from(KERNELS))),
                        (L.AveragePool((3, 3), (1, 1), (1, 1), NONE),),
                        (L.MaxPool((3, 3), (1, 1), (1, 1), NONE),),
                    ]
                )
            )
            frame = s(L.Pad(), x, ints(0, 0, 1, 1, 0, 0, 1, 1))
            return s(layer[0], frame, *layer[1:])
        case "pool":
            return s(L.MaxPool((3, 3), (1, 1), (1, 1), AROUND), x)
        case "map":
            layer = draw(st.sampled_from([L.Mul(), L.Add(), L.Sub(), L.Div()]))
            return s(layer, x, draw(st.sampled_from(NUMBERS)))
        case "norm":
            return s.norm(x, 4)
        case "curve":
            return s(draw(st.sampled_from([L.Relu(), L.Neg(), L.Identity(), L.Tanh()])), x)
        case "turned":
            turned = s(L.Transpose((0, 2, 3, 1)), x)
            between = draw(st.sampled_from([(L.Mul(), floats(4)), (L.Tanh(),), (L.Softmax(-1, -1),)]))
            return s(L.Transpose((0, 3, 1, 2)), s(between[0], turned, *between[1:]))
    point = L.Conv((1, 1), (1, 1), (1, 1), NONE)
    return s(point, s(L.Add(), x, draw(st.sampled_from(NUMBERS))), 0.5 * floats(4, 4, 1, 1))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    s = Sketch("N", 4, "H", "W")
    values = ["x"]
    for _ in range(draw(st.integers(2, 9))):
        x = values[-draw(st.integers(1, min(3, len(values))))]
        if draw(st.integers(0, 4)) == 0:
            values.append(s(L.Add(), x, draw(st.sampled_from(values))))
        else:
            values.append(grow(s, draw, x))
    others = draw(st.lists(st.sampled_from(values[1:]), max_size=2, unique=True))
    return s.network(*dict.fromkeys([values[-1], *others]))


def agree(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=2e-5 * max(1.0, float(np.abs(array).max())))


@settings(max_examples=60, deadline=None)
@given(networks())
def test_all_passes_on_any_network(network: Network) -> None:
    x = {"x": floats(*SHAPE)}
    wanted = evaluate(network, x)
    agree(evaluate(optimise(network), x), wanted)
    agree(evaluate(optimise(specialise(network, SHAPE)), x), wanted)


@settings(max_examples=12, deadline=None)
@given(networks())
def test_any_network_compiled(network: Network) -> None:
    x = floats(*SHAPE)
    results = atrous.compile(network, threads=1)(x)
    arrays = results if isinstance(results, tuple) else (results,)
    agree(dict(zip(network.outputs, arrays, strict=True)), evaluate(network, {"x": x}))
