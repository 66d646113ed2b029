"""Indices that are computed while a network runs: as NumPy takes them, and never a byte outside of what they point into."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atrous.engine.program import Program
from atrous.errors import NetworkError
from atrous.geometry import Box
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import deciding
from atrous.graph.network import Network, Node

RNG = np.random.default_rng(11)


def gathering(x: Array, indices: Array, axis: int, table: bool = False) -> Program:
    """A program of one layer; ``table`` makes ``x`` a constant."""
    inputs = {"x": Fact(x.dtype.name, x.shape)} | {"i": Fact(indices.dtype.name, indices.shape)}
    if table:
        del inputs["x"]
    network = Network("one", inputs, ("y",), (Node("pick", L.Gather(axis), ("x", "i"), "y"),), {"x": x} if table else {})
    return Program(network)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Array, int]:
    """Any type and shape of both, and indices from both ends."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    axis = draw(st.integers(-len(sizes), len(sizes) - 1))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(0, 100, sizes).astype(draw(st.sampled_from(["float32", "float64", "int64", "uint8", "bool"])))
    shape = draw(st.lists(st.integers(1, 20), max_size=2))
    return x, rng.integers(-sizes[axis], sizes[axis], shape).astype(draw(st.sampled_from(["int32", "int64"]))), axis


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(1, 2), st.booleans(), st.data())
def test_computed_indices_take_what_numpy_takes_and_any_box_of_it(
    case: tuple[Array, Array, int], threads: int, table: bool, data: st.DataObject
) -> None:
    x, indices, axis = case
    program, wanted = gathering(x, indices, axis, table), np.take(x, indices, axis)
    arrays = [indices] if table else [x, indices]
    for _ in range(2):  # the second call is the short way
        result = program(*arrays)
        assert (result.dtype, result.shape, result.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())
    bound = program.bind({name: array.shape for name, array in zip(program.network.inputs, arrays, strict=True)})
    lo = tuple(data.draw(st.integers(0, n - 1)) for n in wanted.shape)
    box = Box(lo, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(lo, wanted.shape, strict=True)))
    boxes = bound.demand({"y": box})
    part = np.empty(boxes["y"].shape, x.dtype)
    each = zip(program.network.inputs, arrays, strict=True)
    bound.run(boxes, {name: array[boxes[name].slices()] for name, array in each if name in boxes}, {"y": part}, threads)
    assert part.tobytes() == np.ascontiguousarray(wanted[boxes["y"].slices()]).tobytes()


def test_classes_found_by_a_network_are_looked_up_in_its_table() -> None:
    """Places of extremes turned, and so no neighbours in memory, as indices; a chain of activations after it."""
    x, palette = RNG.standard_normal((2, 7, 9, 11)).astype(np.float32), RNG.standard_normal((7, 3)).astype(np.float32)
    nodes = (
        Node("class", L.ArgMax(1, False), ("x",), "c"),
        Node("turn", L.Transpose((0, 2, 1)), ("c",), "t"),
        Node("colour", L.Gather(0), ("p", "t"), "g"),
        Node("first", L.Transpose((0, 3, 2, 1)), ("g",), "f"),
        Node("limit", L.Relu(), ("f",), "y"),
    )
    run = Network("colours", {"x": Fact("float32", ("N", 7, "H", "W"))}, ("y",), nodes, {"p": palette}).compile()
    for image in (x, x[:1, :, :4, :5]):
        wanted = np.maximum(palette[image.argmax(1)].transpose(0, 3, 1, 2), 0)
        np.testing.assert_array_equal(run(image), wanted)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shape", [(), (3,), (4, 19), (70_000,)])
def test_an_index_outside_is_an_error_that_names_the_node(dtype: str, shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal((4, 6, 2)).astype(np.float32)
    indices = RNG.integers(-6, 6, shape).astype(dtype)
    program, limits = gathering(x, indices, 1), np.iinfo(dtype)
    for turn, wrong in enumerate((6, -7, limits.max, limits.min)):
        bad = indices.copy()
        bad.reshape(-1)[int(RNG.integers(bad.size))] = wrong
        said = rf"node 'pick' \(Gather\): index {wrong} lies outside axis 1 of float32\[4,6,2\]; it must be in -6\.\.5"
        with pytest.raises(NetworkError, match=said):
            program(x, bad)
        if turn % 2:  # from here on by the short way; the alarm of the last run does not stay
            np.testing.assert_array_equal(program(x, indices), np.take(x, indices, 1))
    with pytest.raises(NetworkError, match=r"reach outside axis 1"):
        L.Gather(1).evaluate(x, bad)


def test_each_of_several_nodes_is_named() -> None:
    nodes = (Node("{one}", L.Gather(0), ("x", "i"), "a"), Node("two", L.Gather(0), ("a", "j"), "y"))
    inputs = {"x": Fact("float32", (5,)), "i": Fact("int64", (9,)), "j": Fact("int64", (3,))}
    run, x = Network("two", inputs, ("y",), nodes).compile(), np.arange(5, dtype=np.float32)
    i, j = np.arange(9) % 5, np.array([8, -9, 0])
    np.testing.assert_array_equal(run(x, i, j), x[i][j])
    for first, second, name in ((i + 1, j, "{one}"), (i, j + 1, "two")):
        with pytest.raises(NetworkError, match=re.escape(f"node '{name}' (Gather): index ")):
            run(x, first, second)


def test_indices_must_be_integers_and_have_something_to_take() -> None:
    with pytest.raises(NetworkError, match="must hold integers of type int64"):
        L.Gather(0).infer(Fact("float32", (3,)), Fact("float32", (2,)))
    with pytest.raises(NetworkError, match="there is nothing for the indices"):
        L.Gather(0).infer(Fact("float32", (0, 2)), Fact("int64", (2,)))
    assert L.Gather(0).infer(Fact("float32", (0, 2)), Fact("int64", (0,))).shape == (0, 2)


def test_indices_decide_only_where_a_shape_follows_from_them() -> None:
    inputs = {"x": Fact("float32", ("N", 4, "W")), "i": Fact("int64", (1,))}
    taken = Node("take", L.Gather(0), ("x", "i"), "t")
    assert deciding(Network("data", inputs, ("t",), (taken,))) == set()
    nodes = (
        Node("shape", L.Shape(), ("x",), "s"),
        Node("size", L.Gather(0), ("s", "i"), "n"),
        Node("sizes", L.Concat(0), ("n", "rest"), "c"),
        Node("flat", L.Reshape(), ("x", "c"), "y"),
    )
    assert deciding(Network("shape", inputs, ("y",), nodes, {"rest": np.array([-1])})) == {"i"}
    del inputs["i"]
    constants = {"rest": np.array([-1]), "i": np.array([-2], np.int32)}
    known = Network("shape", inputs, ("y",), nodes, constants)
    assert known.compile()(np.zeros((3, 4, 5), np.float32)).shape == (4, 15)


SCRIPT = """
import numpy as np
from atrous.errors import NetworkError
from tests.engine.test_gather import RNG, gathering
from tests.guarded import guarded

for sizes, shape, axis in (((5,), (), 0), ((7, 3), (33,), 0), ((2, 3, 9), (2, 17), -1), ((3, 70), (9,), 1)):
    for dtype in ("int32", "int64"):
        x, limits = RNG.standard_normal(sizes).astype(np.float32), np.iinfo(dtype)
        indices = RNG.integers(-sizes[axis], sizes[axis], shape).astype(dtype)
        program, wanted = gathering(x, indices, axis), np.take(x, indices, axis)
        for at_end in (False, True):
            out = guarded(np.zeros(wanted.shape, np.float32), at_end)
            held = guarded(x, at_end)
            for _ in range(2):
                program(held, guarded(indices, at_end), out=out)
                assert out.tobytes() == wanted.tobytes()
            for wrong in (sizes[axis], -sizes[axis] - 1, limits.max, limits.min, 10**9, -(10**9)):
                try:
                    program(held, guarded(np.full(shape, wrong, dtype), at_end), out=out)
                except NetworkError as error:
                    assert str(wrong) in str(error)
                else:
                    raise AssertionError(wrong)
                assert np.isin(out, x).all(), "clamped, so that only elements of x were read"
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_no_index_makes_a_kernel_touch_a_byte_outside() -> None:
    """In a process of its own, since a byte too far ends it."""
    command = [sys.executable, "-X", "faulthandler", "-c", SCRIPT]
    result = subprocess.run(command, capture_output=True, timeout=300, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr
