"""Published receptive fields of branches, aligned and not, and of phases, through whole networks and their reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atrous.geometry import IndexSet
from atrous.graph.builder import Builder, Value
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.layers import Pad
from atrous.graph.network import Network
from atrous.report import Status, inspect
from atrous.report.coverage import reach
from tests.report.test_published import Row, printed, same


def test_distills_unaligned_branches() -> None:
    """Araujo et al. 2019: a kernel of 5, padded 2 and 1, stride 2, beside two of 3; the second feature sees 6, the third 5."""
    b = Builder("distill", sample={"T": 8})
    x = b.input("x", ("N", 1, "T"))
    left = b.conv(x, 1, 5, stride=2, padding=((2, 1),), name="left")
    network = b.build(b.plus(left, b.conv(b.conv(x, 1, 3), 1, 3, name="right"), name="sum"))
    report = inspect(network, (1, 1, 8))
    assert (report.fields[0].aligned, str(report.fields[0])) == (False, "drifts")
    assert [(branch.value, str(branch.fields[0])) for branch in report.rows[-1].branches] == [("left", "5"), ("right", "5")]
    facts = infer_facts(network, input_facts(network, (1, 1, 8)))
    one = IndexSet(((0, 1),))
    (*each,) = (reach(network, facts, {"sum": [one, one, IndexSet(((o, o + 1),))]}).value[0].read for o in range(4))
    assert [read.extent for read in each] == [5, 6, 5, 5]


def alignment(b: Builder, x: Value, padding: str) -> Value:
    """1x1 of stride 4 beside 3x3 of stride 2 and 1x1 of stride 2: the branches of google-research/receptive_field's tests."""
    left = b.conv(x, 1, 1, stride=4, padding=padding)
    first = b.conv(x, 1, 3, stride=2, padding="same") if padding == "same" else b.conv(front(b, x), 1, 3, stride=2)
    return b.relu(b.plus(left, b.conv(first, 1, 1, stride=2, padding=padding)))


def front(b: Builder, x: Value) -> Value:
    """One row and one column of padding at the low ends, by a layer of its own."""
    values = np.array([0, 0, 1, 1, 0, 0, 0, 0], np.int64)
    return b.add(Pad(), x, b.constant(f"{x.name}.frame", values), name=None, kind="pad")


def googles(number: int) -> Network:
    """google-research/receptive_field's test networks 1, 4, 5, 8 and 9."""
    size = 32 if number in (1, 8) else 33  # the branches of those without SAME agree on even sizes only
    b = Builder(f"net{number}", sample={"H": size, "W": size})
    x = b.input("x", ("N", 1, "H", "W"))
    if number == 1:
        return b.build(alignment(b, x, "valid"))
    if number == 4:
        right = b.conv(b.conv(x, 1, 3, stride=2, padding="same"), 1, 1, stride=2)
        return b.build(b.relu(b.plus(b.conv(x, 1, 1, stride=4), right)))
    if number == 5:
        return b.build(b.relu(b.conv(b.conv(x, 1, (3, 5), stride=2), 1, (3, 1), stride=2)))
    padding = "valid" if number == 8 else "same"
    x = alignment(b, x, padding)
    wide = b.conv(front(b, x), 1, 3, stride=2) if number == 8 else b.conv(x, 1, 3, stride=2, padding="same")
    return b.build(b.relu(b.plus(b.conv(x, 1, 1, stride=2, padding=padding), wide)))


@pytest.mark.parametrize(
    ("number", "size", "published"), [(1, 8, (3, 4, 1)), (4, 9, (3, 4, 1)), (8, 16, (11, 8, 5)), (9, 17, (11, 8, 5))]
)
def test_googles_aligned_networks(number: int, size: int, published: Row) -> None:
    """google-research/receptive_field's tests: (receptive field, stride, padding) of aligned branches at these sizes."""
    fields = inspect(googles(number), (1, 1, size, size)).fields
    assert [(printed(field), field.aligned) for field in fields] == [(published, True)] * 2


@pytest.mark.parametrize(("number", "published"), [(1, (3, 4, 1)), (8, (11, 8, 5))])
def test_googles_networks_of_any_size(number: int, published: Row) -> None:
    """Padding by a layer does not depend on the size: aligned at all of them, the padding known."""
    report = inspect(googles(number), symbolic=True)
    assert [(printed(field), field.aligned) for field in report.fields] == [(published, True)] * 2
    assert report.receptive.status is Status.COMPLETE


def test_googles_network_4_is_not_aligned_at_8() -> None:
    """SAME pads an even size at the high end alone."""
    fields = inspect(googles(4), (1, 1, 8, 8)).fields
    assert [(field.size, field.jump, field.aligned) for field in fields] == [(3, 4, False)] * 2


@pytest.mark.parametrize(("number", "size", "jump"), [(4, 3, 4), (9, 11, 8)])
def test_googles_networks_of_unknown_padding(number: int, size: int, jump: int) -> None:
    """With SAME and no size the field and the stride are known, the padding is not."""
    report = inspect(googles(number), symbolic=True)
    assert [(field.size, field.jump, field.starts, field.halo) for field in report.fields] == [(size, jump, (), None)] * 2
    assert report.receptive.status is Status.PARTIAL
    expected = "where it lies, and whether branches are aligned, depends on the open sizes N, H, W"
    assert (report.receptive.reason, report.effective.reason) == (expected, expected)
    left = next(row for row in report.rows if row.fields[0].size == 1)  # a kernel of 1 needs no padding at any size
    assert left.receptive.status is Status.COMPLETE


def test_googles_network_5_is_not_square() -> None:
    """5 along x and 7 along y, stride 4, no padding; y are the rows."""
    rows, columns = inspect(googles(5), symbolic=True).fields
    assert (printed(rows), printed(columns)) == ((7, 4, 0), (5, 4, 0))


def vnet() -> Network:
    """V-Net along one axis: kernels of 5, down and up by 2, each level added again on the way up."""
    b = Builder("vnet", sample={"T": 64})
    x = b.input("x", ("N", 1, "T"))
    skips = [same(b, x, 5, name="L1")]
    for level, convs in enumerate((2, 3, 3, 3), start=2):
        skips.append(same(b, b.conv(skips[-1], 1, 2, stride=2), *(5,) * convs, name=f"L{level}"))
    x = skips.pop()
    for level, convs in ((4, 3), (3, 3), (2, 2), (1, 1)):
        x = same(b, b.plus(b.conv_transpose(x, 1, 2, stride=2), skips.pop()), *(5,) * convs, name=f"R{level}")
    return b.build(x)


def test_vnet() -> None:
    """Milletari et al. 2016: the encoder as published; of the decoder, whose phases differ, the exact extents of each phase."""
    rows = {row.name: row.fields[0] for row in inspect(vnet(), (1, 1, 640)).rows if row.fields}
    extents = {name: [each.extent for each in rows[name].sets] for name in rows if name[0] in "LR"}
    assert [extents[f"L{level}"] for level in range(1, 6)] == [[5], [22], [72], [172], [372]]
    assert {name: sorted(set(extents[name])) for name in ("R4", "R3", "R2")} == {"R4": [468], "R3": [516], "R2": [532]}
    assert sorted(extents["R1"]) == [532] * 12 + [548] * 4
    assert rows["R1"].size == 548


def test_vnet_by_perturbation() -> None:
    """The extents of R1 are those of a change that comes through: every output of the middle, all weights 1."""
    network = vnet()
    ones = {name: np.full(w.shape, float(w.ndim > 1)) for name, w in network.constants.items()}
    network = replace(network, constants=ones, inputs={"x": Fact("float64", (1120, 1, 1120))})
    (table,) = evaluate(network, {"x": np.eye(1120)[:, None, :]}).values()
    (field,) = inspect(network).fields
    for output in range(556, 572):
        seen = np.flatnonzero(table[:, 0, output])
        assert seen.tolist() == list(field.sets[output % 16].shift(output // 16 * 16))
