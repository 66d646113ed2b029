"""Tiled = whole, bit for bit, for every network, tile and source; and what goes wrong is said before anything is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atrous.errors import ArgumentError, MemoryBudgetError
from atrous.graph.evaluate import evaluate
from atrous.graph.network import Network
from atrous.tiled import plan, run
from tests.tiled import networks
from tests.tiled.oracle_bound import OracleProgram


def whole(network: Network, x: np.ndarray) -> np.ndarray:
    (name,) = network.inputs
    return evaluate(network, {name: x})[network.outputs[0]]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(networks.LOCAL)), st.integers(4, 15).map(lambda n: 2 * n + 1), st.integers(5, 18), st.data())
def test_any_tile_gives_the_bits_of_the_whole(name: str, height: int, width: int, data: st.DataObject) -> None:
    network = networks.LOCAL[name]()
    x = networks.odd((1, 1, height, 2 * width + 1))
    expected = whole(network, x)
    tile = [data.draw(st.integers(1 + n // 4, n + 3)) for n in expected.shape[2:]]
    assert np.array_equal(run(OracleProgram(network), x, tile=tile), expected)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_every_number_of_spatial_axes(axes: int) -> None:
    network = networks.plain(2, axes)
    x = networks.odd((2, 2, *(13, 11, 9)[:axes]))
    program = OracleProgram(network)
    assert np.array_equal(run(program, x, tile=5), whole(network, x))
    assert len(program.bound.tiles) > 4


def test_double_precision() -> None:
    network = networks.plain(1, 2, "float64")
    x = networks.odd((1, 1, 20, 20), dtype="float64")
    assert np.array_equal(run(OracleProgram(network), x, tile=7), whole(network, x))


def test_nan_and_infinity_pass_through() -> None:
    network = networks.plain()
    x = networks.odd((1, 1, 20, 20))
    x[0, 0, 3, 3], x[0, 0, 15, 2] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        assert np.array_equal(run(OracleProgram(network), x, tile=6), whole(network, x), equal_nan=True)


@pytest.mark.parametrize(("given", "expected"), [((9, 12), (9, 12)), ((1, 9, 12), (1, 9, 12)), ((3, 1, 9, 12), (3, 1, 9, 12))])
def test_missing_axes_are_added_and_dropped_again(given: tuple[int, ...], expected: tuple[int, ...]) -> None:
    network = networks.plain()
    x = networks.odd(given)
    result = run(OracleProgram(network), x, tile=5)
    assert result.shape == expected
    full = x.reshape((1,) * (4 - len(given)) + given)
    assert np.array_equal(result, whole(network, full).reshape(expected))


def test_an_array_of_ours_is_used_and_returned() -> None:
    network = networks.plain()
    x, out = networks.odd((1, 1, 12, 14)), np.zeros((1, 1, 12, 28), np.float32)[..., ::2]
    result = run(OracleProgram(network), x, out, tile=5)
    assert result is out
    assert np.array_equal(out, whole(network, x))


def test_progress_counts_the_tiles() -> None:
    seen: list[tuple[int, int]] = []
    run(
        OracleProgram(networks.plain()), networks.odd((12, 12)), tile=6, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i, 4) for i in range(5)]


def test_the_plan_is_shown_before_the_first_tile() -> None:
    program, shown = OracleProgram(networks.plain()), []
    run(program, networks.odd((12, 12)), tile=6, planned=lambda made: shown.append((made.count, len(program.bound.tiles))))
    assert shown == [(4, 0)]


def test_a_batch_is_cut_before_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = networks.plain(), networks.odd((8, 1, 64, 64))
    monkeypatch.setattr("atrous.tiled.prepare.resident", lambda: 0)
    program = OracleProgram(network)
    made = plan(program, x, memory="8.6MB")
    assert made.tile[2:] == (64, 64)
    assert 1 <= made.tile[0] < 8
    assert made.overhead == 0


def test_a_network_with_a_global_layer_runs_whole_where_that_fits() -> None:
    network, x = networks.gated(), networks.odd((1, 1, 15, 17))
    program = OracleProgram(network)
    assert np.array_equal(run(program, x), whole(network, x))
    assert len(program.bound.tiles) == 1


def test_a_network_with_a_global_layer_is_refused_by_the_nodes_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atrous.tiled.prepare.resident", lambda: 0)
    with pytest.raises(MemoryBudgetError, match=r"nodes read the whole signal: 'reducemean1' \(ReduceMean\)"):
        run(OracleProgram(networks.gated()), networks.odd((1, 1, 400, 400)), memory="9MB")
    with pytest.raises(MemoryBudgetError, match=r"nodes read the whole signal: 'groupnorm1' \(GroupNorm\)"):
        run(OracleProgram(networks.grouped()), networks.odd((1, 1, 400, 400)), memory="9MB")


def test_the_smallest_budget_that_is_named_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atrous.tiled.prepare.resident", lambda: 50_000_000)
    network, x = networks.unet(), networks.odd((1, 1, 801, 801))
    with pytest.raises(
        MemoryBudgetError, match=r"1.0 MB is too small for unet on input.*smallest budget that works is"
    ) as caught:
        plan(OracleProgram(network), x, memory="1MB")
    smallest = str(caught.value).split("memory='")[1].split("'")[0]
    made = plan(OracleProgram(network), x, memory=smallest)
    assert made.peak <= made.budget
    assert made.count > 1


def test_a_tile_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MemoryBudgetError, match=r"with this tile, which needs .*MB.*or a smaller tile"):
        plan(OracleProgram(networks.plain()), networks.odd((1, 1, 100, 100)), memory="1MB", tile=90)


def test_shapes_and_types_that_do_not_fit() -> None:
    program = OracleProgram(networks.plain(3))
    with pytest.raises(ArgumentError, match=r"channels come before the spatial axes: pass numpy.moveaxis\(x, -1, -3\)"):
        run(program, networks.odd((20, 21, 3)))
    with pytest.raises(
        ArgumentError, match=r"got 5 axes \(1, 1, 3, 20, 20\); the network's input is float32\[N,3,H,W\] with 4 axes"
    ):
        run(program, networks.odd((1, 1, 3, 20, 20)))
    with pytest.raises(
        ArgumentError, match=r"elements are uint8; .* 'x' is float32\[N,3,H,W\].*x.astype\('float32'\).*--scale 255"
    ):
        run(program, np.zeros((3, 9, 9), np.uint8))


def test_tiles_that_make_no_sense() -> None:
    for tile, message in [
        (0, "tile: got 0; it must be at least 1"),
        ((4, 4, 4), r"tile: got \(4, 4, 4\) for 2 spatial axes"),
        (2.5, "tile: got 2.5"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            plan(OracleProgram(networks.plain()), networks.odd((9, 9)), tile=tile)  # type: ignore[arg-type]


def test_outputs_that_cannot_take_the_result() -> None:
    program, x = OracleProgram(networks.plain()), networks.odd((9, 9))
    readonly = np.zeros((9, 9), np.float32)
    readonly.flags.writeable = False
    for out, message in [
        (np.zeros((9, 8), np.float32), r"out: got float32\[9, 8\]; the result is float32\[9, 9\]"),
        (np.zeros((9, 9)), r"out: got float64\[9, 9\]; the result is float32"),
        (readonly, "out: the array is read-only"),
        (x, "out: the array shares memory with the input"),
        ([1, 2], "out: got a list; it must be a NumPy array or the path of a file"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            run(program, x, out)


def test_networks_with_several_outputs_are_named() -> None:
    network = networks.plain()
    several = Network("two", network.inputs, ("v0", "v2"), network.nodes, network.constants)
    with pytest.raises(
        ArgumentError, match=r"two has inputs \['x'\] and outputs \['v0', 'v2'\]; run and plan take one of each"
    ):
        run(several, networks.odd((9, 9)))
