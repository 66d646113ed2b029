"""Figures that are complete, partial or unavailable; legal sizes; open sizes; memory."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.graph.builder import Builder
from atrous.graph.layer_list import read_layers
from atrous.graph.layers import Pad
from atrous.graph.networks import lenet, resnet18, unet
from atrous.report import Figure, Status, inspect
from atrous.report.figure import total


def test_a_figure_without_a_value_says_why() -> None:
    with pytest.raises(ArgumentError, match="this figure is unavailable: needs H"):
        Figure[int].unavailable("needs H").value  # noqa: B018


def test_totals_name_what_they_leave_out() -> None:
    parts = [("a", Figure.complete(1)), ("b", Figure[int].unavailable("no size")), ("c", Figure[int].unavailable("no size"))]
    assert total(parts, 0) == Figure.partial(1, "without b, c: no size")
    assert total(parts[1:], 0) == Figure.unavailable("no size")
    assert total(parts[:1], 0) == Figure.complete(1)
    assert (
        total([(str(i), Figure[int].unavailable("no")) for i in range(5)] + parts[:1], 0).reason
        == "without 0, 1, 2 and 2 more: no"
    )


def test_what_is_not_counted_is_said() -> None:
    costs = inspect(lenet()).costs
    assert costs.macs.status is Status.COMPLETE
    assert costs.flops.status is Status.PARTIAL
    assert costs.flops.reason.startswith("without tanh, s2, tanh_2 and 4 more: only multiply-adds are counted")


def test_open_sizes_stay_open() -> None:
    report = inspect(resnet18(), symbolic=True)
    assert report.inputs[0][2] == ("N", 3, "H", "W")
    shapes = {row.name: row.output for row in report.rows}
    assert shapes["stem.conv"] == ("N", 64, "H/2", "W/2")
    assert shapes["layer4.1.relu_2"] == ("N", 512, "H/32", "W/32")
    assert report.outputs[0][2] == ("N", 1000)
    assert report.parameters == 11_689_512
    assert report.rows[0].fields[0].size == 7
    assert report.costs.macs == Figure.unavailable("needs the open sizes N, H, W")
    assert repr(report) == "<Report resnet18: 68 layers, 11,689,512 parameters, MACs unknown>"
    with pytest.raises(ArgumentError, match="unavailable: needs the open sizes N, H, W"):
        report.macs  # noqa: B018


def test_open_sizes_as_expressions() -> None:
    rows = inspect(read_layers("conv 3 1, transposed 2 1 s2, maxpool 2 s3"), symbolic=True).rows
    assert [row.output[2] for row in rows] == ["H-2", "2H-4", "2H/3-1"]


def test_sizes_that_fit_no_trial_are_said_to() -> None:
    b = Builder("five", sample={"T": 5})
    fixed = b.constant("five", np.zeros((1, 1, 5), np.float32))
    report = inspect(b.build(b.conv(b.plus(b.input("x", ("N", 1, "T")), fixed), 1, 1)), symbolic=True)
    last = report.rows[-1]
    assert last.output == ("?",)
    assert last.costs.macs.reason == "no size was found that fits; needs the open sizes N, T"
    assert last.formulas is not None
    assert last.formulas.macs == Figure.unavailable("no size was found that fits")
    assert report.formulas is not None
    assert report.formulas.macs.reason == "no size was found that fits"


def test_symbolic_and_sizes_exclude_each_other() -> None:
    with pytest.raises(ArgumentError, match="symbolic: sizes were given too; give shapes, or leave them open"):
        inspect(lenet(), (1, 1, 32, 32), symbolic=True)


def test_legal_sizes_of_a_stack() -> None:
    rows, columns = inspect(read_layers("conv 3 4 s2, maxpool 2"), (1, 3, 224, 225)).legal
    assert (rows.value.legal, rows.value.below, rows.value.above, rows.value.step) == (False, 221, 225, 4)
    assert rows.value.dropping == ("conv", "max_pool")
    assert (columns.value.legal, columns.value.below, columns.value.above) == (True, 221, 229)


def test_legal_sizes_of_unet() -> None:
    """Ronneberger et al. 2015: 572 is one; every 16 another, as four poolings must come out even."""
    for figure in inspect(unet(width=2), (1, 1, 572, 572)).legal:
        assert (figure.value.legal, figure.value.below, figure.value.above, figure.value.step) == (True, 556, 588, 16)


def test_legal_sizes_that_come_in_runs() -> None:
    """A padded stride drops padding before it drops inputs: of ResNet-18 the shortcuts alone drop inputs at 224."""
    report = inspect(resnet18(), (1, 3, 224, 224))
    rows = report.legal[0].value
    assert (rows.above, rows.step, rows.dropping[0], len(rows.dropping)) == (225, None, "layer2.0.downsample.conv", 3)
    assert "224 leaves inputs over at layer2.0.downsample.conv and 2 more; nearest" in str(report).replace("\n" + 17 * " ", " ")


def test_a_network_of_one_size_says_so() -> None:
    figure = inspect(lenet()).legal[0]
    assert figure.status is Status.PARTIAL
    assert figure.reason == "no other size from 1 to 96 is accepted and leaves nothing over"
    assert "axis 2, axis 3: 32 leaves nothing over" in str(inspect(lenet()))


def test_legal_sizes_agree_with_coverage() -> None:
    """Brute force: a size is legal when no layer of a network of that size leaves inputs behind its last window."""
    text = "conv 3 1 s2 p1, conv 2 1 d2, maxpool 3 s2"
    legal = []
    for size in range(20, 60):
        rows = inspect(read_layers(text, (1, 1, size)), (1, 1, size)).rows
        if not any(axis.unread.floor for row in rows for axis in row.coverage.value):
            legal.append(size)
    found = inspect(read_layers(text, (1, 1, 40)), (1, 1, 40)).legal[0].value
    assert found.below == max(size for size in legal if size < 40)
    assert found.above == min(size for size in legal if size > 40)
    assert found.legal == (40 in legal)


def test_peak_memory_of_a_chain_and_of_branches() -> None:
    b = Builder("peak")
    x = b.input("x", ("N", 1, "T"))
    first = b.relu(x)
    network = b.build(b.plus(b.relu(b.relu(first)), first))
    # x and first; then first and one step of the chain; then first, the step and its successor: three values of 400 bytes.
    assert inspect(network, (1, 1, 100)).peak_bytes == Figure.complete(1200)
    assert inspect(read_layers("relu, relu, relu", (1, 1, 100)), (1, 1, 100)).peak_bytes.value == 800


def test_arithmetic_intensity_counts_every_operand_once() -> None:
    (row,) = inspect(read_layers("conv 1 8 nobias", (1, 4, 10, 10)), (1, 4, 10, 10)).rows
    moved = 4 * (400 + 32 + 800)
    assert row.costs.moved_bytes.value == moved
    assert row.costs.intensity.value == pytest.approx(2 * 3200 / moved)


def test_uneven_overlap_is_shown() -> None:
    report = inspect(read_layers("transposed 3 1 s2, transposed 4 1 s2", (1, 1, 10)), (1, 1, 10))
    first, second = (row.coverage.value[0] for row in report.rows)
    assert (first.overlap, first.uneven, second.overlap, second.uneven) == ((1, 2), True, (2, 2), False)
    assert "1..2" in report.text(200)


def test_several_inputs_are_a_partial_field() -> None:
    b = Builder("two", sample={"T": 9})
    network = b.build(b.plus(b.input("x", ("N", 1, "T")), b.input("y", ("N", 1, "T")), name="sum"))
    report = inspect(network, {"x": (1, 1, 9), "y": (1, 1, 9)})
    assert report.receptive.status is Status.PARTIAL
    assert report.receptive.reason == "on x only; it also depends on y"
    # y keeps its size, so that x alone can take no other one.
    assert "x axis 2, y axis 2: 9 leaves nothing over (no other size from 1 to 73" in str(report)


def test_what_reads_padding_alone_on_one_axis_reads_nothing() -> None:
    """Row 0 of the second convolution lies on padding: the column that only it reads is read by nothing."""
    b = Builder("corner", sample={"H": 4, "W": 4})
    x = b.input("x", ("N", 1, "H", "W"))
    network = b.build(b.conv(x, 1, 1, stride=(9, 1), padding=((1, 0), (0, 0))))
    assert [list(axis.read) for axis in inspect(network, (1, 1, 4, 4)).reach.value] == [[], []]


def test_a_border_that_repeats_the_signal_is_known_by_its_hull() -> None:
    b = Builder("mirrored", sample={"T": 8})
    x = b.input("x", ("N", 1, "T"))
    pads = b.constant("pads", np.array([0, 0, 2, 0, 0, 2], np.int64))
    report = inspect(b.build(b.add(Pad("reflect"), x, pads, name="frame", kind="pad")), (1, 1, 8))
    assert report.reach == Figure.partial(report.reach.value, "of what frame reads only the hull is known")
