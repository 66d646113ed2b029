"""Every pass leaves the result as it was, within rounding, and does what its name says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.geometry import Explicit
from atrous.graph import layers as L
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import trial_facts
from atrous.graph.layer import Fused
from atrous.graph.layers.check import MOST_ELEMENTS
from atrous.graph.network import Network, Node
from atrous.graph.passes import (
    PASSES,
    cast_network,
    fold_affine,
    fold_constants,
    fuse_epilogues,
    lower_batch_norm,
    lower_compounds,
    matmul_to_linear,
    meet_transposes,
    op_counts,
    optimise,
    remove_dead,
    remove_identities,
    specialise,
)
from tests.graph.sketch import Sketch, floats, ints


def normed_convolutions() -> Network:
    """Convolutions of both directions and a linear layer, each followed by what folds into it."""
    s = Sketch("N", 3, 8, 8)
    y = s.norm(s.conv("x", 3, 4, bias=False), 4)
    y = s(L.Relu(), s(L.Add(), s(L.Mul(), y, floats(4, 1, 1)), floats(1, 4, 1, 1)))
    up = L.ConvTranspose((2, 2), (2, 2), (1, 1), Explicit(((0, 0), (0, 0))), (0, 0), groups=2)
    y = s.norm(s(up, y, floats(4, 3, 2, 2), floats(6)), 6)
    y = s(L.Sub(), np.float32(1).reshape(()), s(L.Div(), y, np.float32(2).reshape(1)))
    y = s(L.ReduceMean((2, 3), False), s(L.Neg(), s.conv(y, 6, 4)))
    y = s(L.Add(), s(L.Mul(), floats(1, 5), s(L.Linear(), y, floats(5, 4))), floats(5))
    return s.network(y)


def lone_norms() -> Network:
    """Batch norms after a branch, after an activation, and followed by a scale."""
    s = Sketch("N", 3, 6, 6)
    c = s.conv("x", 3, 3)
    y = s(L.Mul(), s.norm(s(L.Relu(), c), 3), floats(3, 1, 1))
    return s.network(s(L.Add(), s.norm(y, 3), c))


def residual() -> Network:
    """A residual block with a shortcut, a subtraction of the running value, a pool and a chain of activations."""
    s = Sketch("N", 4, 8, 8)
    y = s(L.Relu(), s.conv("x", 4, 4))
    y = s(L.Relu(), s(L.Add(), "x", s.conv(y, 4, 4)))
    y = s(L.Sub(), "x", s(L.Clip(-1, 1), s.conv(y, 4, 4)))
    y = s(L.MaxPool((2, 2), (2, 2), (1, 1), Explicit(((0, 0), (0, 0)))), y)
    y = s(L.PRelu(), y, floats(4, 1, 1))
    y = s(L.Mul(), y, s(L.Sigmoid(), y))
    return s.network(s(L.Concat(1), y, s(L.Add(), s(L.Tanh(), s(L.Exp(), s(L.Neg(), y))), floats(4, 4))))


def shape_arithmetic() -> Network:
    """The way exporters write a flatten, and a constant computed from constants."""
    s = Sketch("N", 2, "H", "W")
    batch = s(L.Unsqueeze((0,)), s(L.Gather(0), s(L.Shape(), "x"), np.array(0, np.int64)))
    y = s(L.Reshape(), "x", s(L.Concat(0), batch, ints(-1)))
    return s.network(s(L.Mul(), y, s(L.Add(), floats(1), floats(1))))


def idle() -> Network:
    """Layers that change nothing, one of them making the output."""
    s = Sketch(2, 3, 4, 5)
    y = s(L.Relu(), s(L.Identity(), "x"))
    y = s(L.Cast("float32"), s(L.Reshape(), y, ints(2, 3, 4, 5)))
    y = s(L.Pad(), s(L.Transpose((0, 1, 2, 3)), y), ints(*[0] * 8))
    y = s(L.Slice(), y, ints(0), ints(9), ints(2))
    y = s(L.Pad(), y, ints(0, 0, 1, 0, 0, 0, -1, 0))
    return s.network(s(L.Identity(), s(L.Concat(1), s(L.Expand(), y, ints(4, 1)))))


def products() -> Network:
    s = Sketch(2, 3, 4)
    y = s(L.MatMul(), "x", floats(4, 5))
    return s.network(s(L.MatMul(), s(L.Transpose((0, 2, 1)), y), s(L.Add(), y, floats(5))))


def dead_branches() -> Network:
    s = Sketch("N", 3, 6, 6)
    y = s.conv("x", 3, 4)
    s(L.Relu(), s.conv(y, 4, 2))
    return s.network(y)


def own_statistics() -> Network:
    """Every layer that consists of others, sizes left open."""
    s = Sketch("N", 6, "H", "W")
    y = s(L.GroupNorm(3), "x", floats(6), floats(6))
    y = s(L.GroupNorm(), s(L.Relu(), y), floats(6), floats(6))
    y = s(L.Standardise((1,), 1e-3), y, floats(6, 1, 1), floats(6, 1, 1))
    y = s(L.Standardise((0, 2, 3), 1e-3, centred=False), y)
    y = s(L.BatchNorm(1e-3), y, floats(6), s(L.ReduceSum((0, 2, 3), False), y), floats(6), np.abs(floats(6)))
    return s.network(s(L.Add(), s(L.LogSoftmax(1, 1), y), s(L.LpNorm(1, 2), s(L.LpNorm(2, 1), y))))


def channels_last() -> Network:
    """A block of ConvNeXt, its activation written out as exporters do; and transposes that have to stay."""
    s = Sketch("N", 6, "H", "W")
    y = s(L.Transpose((0, 2, 3, 1)), s.conv("x", 6, 6))
    y = s(L.Linear(), s(L.Standardise((3,)), y, floats(6), floats(6)), floats(10, 6), floats(10))
    y = s(L.Mul(), s(L.Mul(), y, np.float32(0.5).reshape(())), s(L.Add(), s(L.Erf(), y), np.ones(1, np.float32)))
    y = s(L.Mul(), s(L.Linear(), y, floats(6, 10)), floats(6))
    y = s(L.Add(), s(L.Transpose((0, 3, 1, 2)), y), "x")
    turned = s(L.Transpose((0, 1, 3, 2)), s(L.Relu(), y))
    return s.network(s(L.Concat(2), s(L.Neg(), turned), s(L.Add(), turned, floats(6, 1, 1))))


NETWORKS = [
    channels_last,
    own_statistics,
    normed_convolutions,
    lone_norms,
    residual,
    shape_arithmetic,
    idle,
    products,
    dead_branches,
]


def result(network: Network, x: Array) -> Array:
    return evaluate(network, {"x": x})[network.outputs[0]]


def an_input(network: Network) -> Array:
    return floats(*(dim if isinstance(dim, int) else 2 if dim == "N" else 5 for dim in network.inputs["x"].shape))


@pytest.mark.parametrize("sketch", NETWORKS)
@pytest.mark.parametrize("named", PASSES, ids=lambda named: named[0])
def test_a_pass_leaves_the_result_unchanged(
    sketch: Callable[[], Network], named: tuple[str, Callable[[Network], Network]]
) -> None:
    network = sketch()
    x = an_input(network)
    wanted = result(network, x)
    for before in (network, specialise(network, x.shape)):
        after = named[1](before)
        np.testing.assert_allclose(result(after, x), wanted, rtol=1e-4, atol=1e-5, err_msg=f"{op_counts(after)}")
        assert (after.inputs, after.outputs) == (before.inputs, before.outputs)


@pytest.mark.parametrize("sketch", NETWORKS)
def test_all_passes_in_order_leave_the_result_unchanged(sketch: Callable[[], Network]) -> None:
    network = sketch()
    x = an_input(network)
    seen: list[str] = []
    after = optimise(network, lambda name, before, now: seen.append(name))
    np.testing.assert_allclose(result(after, x), result(network, x), rtol=1e-4, atol=1e-5)
    assert seen == [name for name, _ in PASSES]
    wide = optimise(cast_network(network, "float64"))
    np.testing.assert_allclose(result(wide, x.astype(np.float64)), result(network, x), rtol=1e-4, atol=1e-5)
    assert result(wide, x.astype(np.float64)).dtype == np.float64


BEFORE_AND_AFTER = [
    (
        fold_affine,
        normed_convolutions,
        {"Conv": 2, "ConvTranspose": 1, "Linear": 1, "ReduceMean": 1, "Relu": 1},
    ),
    (lower_batch_norm, lone_norms, {"Add": 2, "Conv": 1, "Mul": 1, "Relu": 1}),
    (
        fuse_epilogues,
        residual,
        {
            "Conv": 3,
            "+Relu": 2,
            "+Add": 1,
            "+Clip": 1,
            "+Sub": 1,
            "MaxPool": 1,
            "+PRelu": 1,
            "Sigmoid": 1,
            "+Mul": 1,
            "Neg": 1,
            "+Exp": 1,
            "+Tanh": 1,
            "Add": 1,
            "Concat": 1,
        },
    ),
    (fold_constants, shape_arithmetic, {"Concat": 1, "Gather": 1, "Mul": 1, "Reshape": 1, "Shape": 1, "Unsqueeze": 1}),
    (lambda net: specialise(net, (2, 2, 3, 3)), shape_arithmetic, {"Mul": 1, "Reshape": 1}),
    (remove_identities, idle, {"Pad": 1, "Relu": 1}),
    (matmul_to_linear, products, {"Add": 1, "Linear": 1, "MatMul": 1, "Transpose": 1}),
    (remove_dead, dead_branches, {"Conv": 1}),
    (
        meet_transposes,
        channels_last,
        {"Add": 3, "Concat": 1, "Conv": 3, "Erf": 1, "Mul": 3, "Neg": 1, "Relu": 1, "Standardise": 1, "Transpose": 1},
    ),
    (
        lower_compounds,
        own_statistics,
        {
            "Add": 10,
            "Div": 7,
            "Equal": 2,
            "Exp": 1,
            "Expand": 2,
            "Log": 1,
            "Mul": 4,
            "ReduceL1": 1,
            "ReduceL2": 1,
            "ReduceMax": 1,
            "ReduceMean": 5,
            "ReduceMeanSquare": 4,
            "ReduceSum": 2,
            "Relu": 1,
            "Reshape": 4,
            "Shape": 4,
            "Sqrt": 5,
            "Sub": 6,
            "Unsqueeze": 8,
            "Where": 2,
        },
    ),
]


@pytest.mark.parametrize(("rewrite", "sketch", "counts"), BEFORE_AND_AFTER)
def test_what_a_pass_leaves(
    rewrite: Callable[[Network], Network], sketch: Callable[[], Network], counts: dict[str, int]
) -> None:
    assert op_counts(rewrite(sketch())) == counts


def test_fused_steps_know_where_the_running_value_stands() -> None:
    fused = [node.layer for node in fuse_epilogues(residual()).nodes if isinstance(node.layer, Fused)]
    subtraction = next(step for layer in fused for step in layer.steps if isinstance(step.layer, L.Sub))
    assert (subtraction.extra, subtraction.position) == (1, 1)


def test_a_sum_of_many_runs_along_with_them() -> None:
    """Each of a row of branches adds itself to the sum so far: no branch waits in memory for the end."""
    s = Sketch("N", 3, 6, 6)
    total = s.conv("x", 3, 4)
    for _ in range(3):
        gated = s(L.Mul(), s(L.Tanh(), s.conv("x", 3, 4)), s(L.Sigmoid(), s.conv("x", 3, 4)))
        total = s(L.Add(), total, s.conv(gated, 4, 4))
    fused = fuse_epilogues(s.network(total))
    sums = [node for node in fused.nodes if isinstance(node.layer, Fused) and isinstance(node.layer.steps[0].layer, L.Add)]
    assert [len(node.layer.steps) for node in sums if isinstance(node.layer, Fused)] == [1, 1, 1]
    assert len(fused.nodes) == 10, "a convolution each, and nothing else"


def test_values_that_others_read_are_not_fused_away() -> None:
    s = Sketch("N", 3, 6, 6)
    c = s.conv("x", 3, 4)
    branch = s.network(s(L.Relu(), c), s(L.Tanh(), c))
    assert op_counts(fuse_epilogues(branch)) == op_counts(branch)
    given_out = Network("out", branch.inputs, (c, "n1"), branch.nodes[:2], branch.constants)
    assert op_counts(fuse_epilogues(given_out)) == op_counts(given_out)
    s = Sketch("N", 3, 6, 6)
    c = s.conv("x", 3, 4)
    squared = s.network(s(L.Mul(), c, c))
    assert op_counts(fuse_epilogues(squared)) == op_counts(squared)


def test_an_operand_of_another_shape_is_not_fused() -> None:
    s = Sketch("N", 3, 6, 6)
    wide = s.network(s(L.Add(), s.conv("x", 3, 4), floats(6, 1)))
    assert op_counts(fuse_epilogues(wide)) == {"Add": 1, "Conv": 1}


def test_two_inputs_of_unknown_sizes_are_not_taken_for_equal() -> None:
    inputs = {"a": Fact("float32", ("N", 3)), "b": Fact("float32", ("M", 3))}
    nodes = (Node("relu", L.Relu(), ("a",), "r"), Node("sum", L.Add(), ("r", "b"), "y"))
    network = Network("two", inputs, ("y",), nodes)
    assert op_counts(fuse_epilogues(network)) == {"Add": 1, "Relu": 1}


def through(name: str, rank: int = 4) -> Network:
    """A convolution and its batch norm after a layer that needs a shape, every size but the channels open."""
    s = Sketch("N", 3, *("D", "H", "W")[-(rank - 2) :])
    if name == "Expand":
        y = s(L.Expand(), s(L.ReduceMean(tuple(range(2, rank))), "x"), s(L.Shape(), "x"))
    elif name == "Pad":
        low = (0, 0, *(1,) * (rank - 2))
        y = s(L.Pad(), "x", ints(*low, *low))
    elif name == "Reshape":
        y = s(L.Reshape(), s(L.Reshape(), "x", ints(0, -1)), s(L.Shape(), "x"))
    else:
        y = s(L.Tile(), "x", ints(1, 1, *[2] * (rank - 2)))
    ones = (1,) * (rank - 2)
    y = s(L.Conv(ones, ones, ones, Explicit(((0, 0),) * (rank - 2))), y, floats(4, 3, *ones))
    return s.network(s(L.Relu(), s.norm(y, 4)))


NEED_SHAPES = ("Expand", "Pad", "Reshape", "Tile")
SOME_SIZES: dict[int, list[tuple[int, ...]]] = {
    3: [(1, 3, 5), (2, 3, 17)],
    4: [(1, 3, 5, 7), (2, 3, 17, 4), (3, 3, 1, 33)],
    5: [(1, 3, 2, 5, 7), (2, 3, 4, 3, 9)],
}


@pytest.mark.parametrize("rank", SOME_SIZES)
@pytest.mark.parametrize("name", NEED_SHAPES)
def test_open_sizes_hide_no_batch_norm(name: str, rank: int) -> None:
    """Batch and all of space open: facts of every value, the norm folded, and results as with sizes that are fixed."""
    network = through(name, rank)
    assert set(trial_facts(network)) == {*network.inputs, *network.constants, *(node.output for node in network.nodes)}
    assert "BatchNorm" not in op_counts(fold_affine(network))
    assert op_counts(optimise(network))["+Relu"] == 1
    run = network.compile(threads=2)
    for sizes in SOME_SIZES[rank]:
        x = floats(*sizes)
        got = run(x)
        assert got.tobytes() == specialise(network, sizes).compile(threads=1)(x).tobytes()
        np.testing.assert_allclose(got, result(network, x), rtol=1e-5, atol=1e-5)


def test_trial_sizes_are_values_that_can_be_and_no_size_is_twice_another() -> None:
    """Four open axes and many channels: a small unit; what a trial says agrees only by accident is not taken for equal."""
    four = Network("four", {"x": Fact("float32", ("N", 512, "D", "H", "W"))}, ("x",), ())
    assert trial_facts(four)["x"].count <= MOST_ELEMENTS
    s = Sketch("N", 3, "H", "W")
    doubled = s(L.Tile(), "x", ints(1, 1, 2, 1))
    s.inputs["y"] = Fact("float32", ("N", 3, "V", "W"))
    network = s.network(s(L.Add(), s(L.Relu(), doubled), "y"))
    assert op_counts(fuse_epilogues(network)) == {"Add": 1, "Relu": 1, "Tile": 1}


def test_a_norm_that_no_trial_size_fits_is_written_out_when_sizes_are_known() -> None:
    """49 pixels, and no other number: no multiple of anything."""
    s = Sketch("N", 3, "H", "W")
    y = s(L.Reshape(), "x", ints(-1, 3, 7, 7))
    y = s(L.Concat(0), y, floats(1, 3, 7, 7))
    y = s(L.Add(), y, s(L.Slice(), "x", ints(0), ints(1), ints(0)))
    network = s.network(s.norm(s(L.GroupNorm(), s(L.Relu(), y), floats(3), floats(3)), 3))
    assert op_counts(optimise(network))["BatchNorm"] == 1
    run = network.compile(threads=1)
    for batch in (1, 3):
        x = floats(batch, 3, 7, 7)
        np.testing.assert_allclose(run(x), result(network, x), rtol=1e-4, atol=1e-5)


def test_parts_are_named_after_their_node() -> None:
    s = Sketch("N", 4, "H", "W")
    network = s.network(s(L.GroupNorm(), "x", floats(4), floats(4)))
    names = [node.name.removeprefix("GroupNorm_n0") for node in lower_compounds(network).nodes]
    assert names == [
        "/mean",
        "/centred",
        "/variance",
        "/damped",
        "/deviation",
        "/standardised",
        "/scale",
        "/scaled",
        "/bias",
        "",
    ]


def test_a_large_constant_is_not_unfolded() -> None:
    s = Sketch(1)
    big = s(L.ConstantOfShape(0.5), ints(1 << 20, 1 << 20))
    network = s.network(s(L.Add(), s(L.ReduceSum((), False), big), "x"))
    assert "ReduceSum" in op_counts(network)
    assert "ConstantOfShape" in op_counts(fold_constants(network))


def test_the_type_of_a_cast_network_is_checked() -> None:
    with pytest.raises(ArgumentError, match="got 'int8'; it must be one of float32, float64"):
        cast_network(dead_branches(), "int8")
