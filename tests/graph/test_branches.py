"""What is computed twice from the same values is computed once, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous.geometry import Same
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.network import Network
from atrous.graph.passes import op_counts, optimise, share_branches
from tests.graph.sketch import Sketch, floats


def same_bits(network: Network, shape: tuple[int, ...] = (2, 4, 7, 9)) -> Network:
    """The network with the pass, after seeing that its results are what they were."""
    after = share_branches(network)
    x = floats(*shape)
    found, wanted = evaluate(after, {"x": x}), evaluate(network, {"x": x})
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)
    return after


def test_branches_of_several_layers_are_shared() -> None:
    """Their weights are equal by name, or by their elements."""
    s = Sketch("N", 4, "H", "W")
    a = s(L.Relu(), s.conv("x", 4, 4))
    weights = [s.constants[name].copy() for name in s.nodes[0].inputs[1:]]
    b = s(L.Relu(), s(s.nodes[0].layer, "x", *weights))
    c = s(L.Relu(), s(s.nodes[0].layer, "x", *s.nodes[0].inputs[1:]))
    after = same_bits(s.network(s(L.Concat(1), a, b, c)))
    assert op_counts(after) == {"Concat": 1, "Conv": 1, "Relu": 1}
    assert after.nodes[-1].inputs == (a, a, a)
    assert len(after.constants) == 2


def test_what_differs_is_not_shared() -> None:
    """In an attribute, an element, its sign of zero, a type, the order of operands."""
    s = Sketch(2, 4, 3, 3)
    kernel, zero = floats(4, 4, 3, 3), np.zeros(1, np.float32)
    other = kernel.copy()
    other[3, 3, 2, 2] += 1
    layer = L.Conv((3, 3), (1, 1), (1, 1), Same())
    values = [s(layer, "x", kernel), s(layer, "x", other), s(L.LeakyRelu(0.1), "x"), s(L.LeakyRelu(0.2), "x")]
    values += [s(L.Sub(), values[0], values[1]), s(L.Sub(), values[1], values[0])]
    values += [s(L.Div(), "x", zero), s(L.Div(), "x", -zero), s(L.Cast("float64"), "x"), s(L.Cast("int32"), "x")]
    network = s.network(*values)
    with np.errstate(all="ignore"):
        assert same_bits(network, (2, 4, 3, 3)).nodes == network.nodes


def test_constants_that_fill_a_shape_with_few_numbers() -> None:
    """A constant repeated to any size is told by what it repeats."""
    s = Sketch(1, 2)
    huge = (2**40, 2)
    first, again, third = (np.broadcast_to(np.array(row, np.float32), huge) for row in ([1, 2], [1, 2], [1, 3]))
    y = s(L.Add(), *(s(L.ReduceMax((0,)), s(L.Add(), "x", constant)) for constant in (first, again)))
    network = s.network(s(L.Add(), y, s(L.ReduceMax((0,)), s(L.Add(), "x", third))))
    assert op_counts(share_branches(network)) == {"Add": 4, "ReduceMax": 2}


def test_outputs_keep_their_names() -> None:
    """The only output of a branch gives it its name; of several, the first computes and the others are made from it."""
    s = Sketch("N", 4, "H", "W")
    hidden, given, both, more = (s(L.Relu(), "x") for _ in range(4))
    end = s(L.Neg(), hidden)
    after = same_bits(s.network(given, end))
    assert [node.output for node in after.nodes] == [given, end]
    after = same_bits(s.network(more, given, both, end))
    assert op_counts(after) == {"Identity": 2, "Neg": 1, "Relu": 1}
    assert (after.nodes[0].output, after.nodes[0].name) == (more, s.nodes[0].name)
    s = Sketch("N", 4, "H", "W")
    after = same_bits(s.network(s(L.Relu(), "x"), s(L.Relu(), "x")))
    assert op_counts(after) == {"Identity": 1, "Relu": 1}
    np.testing.assert_array_equal(*atrous.compile(after)(floats(1, 4, 2, 2)))


def test_an_input_that_is_an_output_stays_one() -> None:
    s = Sketch("N", 4)
    y = s(L.Add(), s(L.Relu(), "x"), s(L.Relu(), "x"))
    assert len(same_bits(s.network("x", y), (2, 4)).nodes) == 2


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_small_network(data: st.DataObject) -> None:
    """Few layers and few constants on few values, so that many nodes are twins."""
    s = Sketch("N", 2)
    values = ["x"]
    constants = [np.float32(number).reshape(1) for number in (1, 1, 2)]
    for _ in range(data.draw(st.integers(1, 9), label="nodes")):
        layer = data.draw(st.sampled_from([L.Neg(), L.Abs(), L.Add(), L.Sub()]))
        count = 1 if isinstance(layer, L.Neg | L.Abs) else 2
        operands = [data.draw(st.sampled_from(values))]
        operands += [data.draw(st.sampled_from([*values, *constants])) for _ in range(count - 1)]
        values.append(s(layer, *operands))
    outputs = data.draw(st.lists(st.sampled_from(values), min_size=1, unique=True), label="outputs")
    after = same_bits(s.network(*outputs), (3, 2))
    plain = [node for node in after.nodes if not isinstance(node.layer, L.Identity)]
    made = [(node.layer, tuple(str(after.constants.get(name, name)) for name in node.inputs)) for node in plain]
    assert len(set(made)) == len(made)


def test_a_module_of_pytorch() -> None:
    """One layer called twice on the same maps, and norms that only then have one reader."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e .[torch])")
    nn = torch.nn

    class Module(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x):  # type: ignore[no-untyped-def]
            maps = self.conv(x)
            return torch.cat([torch.relu(self.norm(maps)), torch.tanh(self.norm(maps)), torch.relu(self.norm(self.conv(x)))], 1)

    module, x = Module().eval(), torch.rand(1, 3, 9, 8)
    network = atrous.from_torch(module, (x,))
    assert (op_counts(network)["Conv"], op_counts(network)["BatchNorm"]) == (2, 3)
    assert op_counts(optimise(network)) == {"Concat": 1, "Conv": 1, "Relu": 1, "Tanh": 1}
    with torch.no_grad():
        np.testing.assert_allclose(atrous.compile(network)(x.numpy()), module(x).numpy(), rtol=1e-4, atol=1e-5)
