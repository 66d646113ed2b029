"""Inspection: the numbers, the table, the data."""

from __future__ import annotations

import json

import pytest

from atrous.errors import ArgumentError, NetworkError
from atrous.graph.builder import Builder
from atrous.graph.network import Network
from atrous.graph.networks import context_module, lenet, resnet18, unet
from atrous.report import inspect, receptive_field


def test_the_table_in_full() -> None:
    expected = """\
lenet: image float32 1×1×32×32
  assumed, as no size was given: N = 1

layer    operator     output      parameters     MACs    field  jump
────────────────────────────────────────────────────────────────────────────────
c1       Conv         1×6×28×28          156  117,600      5×5     1
tanh     Tanh         1×6×28×28                            5×5     1  non-linear
s2       AveragePool  1×6×14×14                            6×6     2
c3       Conv         1×16×10×10       2,416  240,000    14×14     2
tanh_2   Tanh         1×16×10×10                         14×14     2  non-linear
s4       AveragePool  1×16×5×5                           16×16     4
flatten  Flatten      1×400                            all×all     -  global
c5       Linear       1×120           48,120   48,000  all×all     -
tanh_3   Tanh         1×120                            all×all     -  non-linear
f6       Linear       1×84            10,164   10,080  all×all     -
tanh_4   Tanh         1×84                             all×all     -  non-linear
logits   Linear       1×10               850      840  all×all     -

output           logits float32 1×10
parameters       61,706 (246.8 kB)
MACs             416,520
receptive field  all×all
non-linear       4 of 12 layers
MACs are multiply-adds of convolutions and linear layers, every tap counted, also those on padding; 1 MAC = 2 FLOP."""
    assert str(inspect(lenet())) == expected


def test_an_open_batch_is_one_whatever_its_name() -> None:
    b = Builder("named")
    network = b.build(b.relu(b.input("x", ("batch", 1, "length"))))
    assert inspect(network).inputs == (("x", "float32", (1, 1, 224)),)
    assert inspect(network).assumed == ("batch = 1", "length = 224")


def test_the_table_keeps_to_the_width() -> None:
    report = inspect(resnet18(), (1, 3, 224, 224))
    table = report.text(90).split("\n\n")[1].splitlines()
    assert max(map(len, table)) <= 90
    assert any(line.startswith("…") for line in table)


def test_the_data_are_the_numbers() -> None:
    data = json.loads(json.dumps(inspect(resnet18(), (2, 3, 224, 224)).to_dict()))
    assert data["macs"] == 2 * 1_814_073_344
    assert data["inputs"] == [{"name": "image", "dtype": "float32", "shape": [2, 3, 224, 224]}]
    stem = data["layers"][0]
    assert (stem["operator"], stem["output"], stem["parameters"]) == ("Conv", [2, 64, 112, 112], 9408)
    assert stem["receptive_field"] == [{"size": 7, "jump": "2", "whole": False, "aligned": True}] * 2
    assert sum(layer["macs"] for layer in data["layers"]) == data["macs"]


def test_what_is_linear_and_what_is_not() -> None:
    rows = inspect(context_module(3)).rows
    assert {row.operator for row in rows if not row.linear} == {"Relu"}
    assert all(row.local for row in rows)


def test_repr_says_it_shortly() -> None:
    assert repr(inspect(lenet())) == "<Report lenet: 12 layers, 61,706 parameters, 416,520 MACs>"


def branches(left: int, right: int) -> Network:
    """A sum of two convolutions, one that looks back and one that looks ahead."""
    b = Builder("branches", sample={"T": 9})
    x = b.input("x", ("N", 1, "T"))
    first = b.conv(x, 1, left, padding=((left - 1, 0),))
    second = b.conv(x, 1, right, padding=((0, right - 1),))
    return b.build(b.plus(first, second, name="sum"))


def test_unaligned_branches_are_reported_not_refused() -> None:
    report = inspect(branches(3, 3), (1, 1, 9))
    assert (report.fields[0].size, report.fields[0].aligned) == (5, False)
    assert "the branches that meet here are not aligned" in str(report)


def test_receptive_field_of_each_output() -> None:
    assert [str(field) for field in receptive_field(branches(2, 4), (1, 1, 9))["sum"]] == ["5*"]


def test_sizes_that_are_assumed_but_do_not_fit() -> None:
    with pytest.raises(
        ArgumentError, match=r"shapes: none was given and N = 1, H = 224, W = 224 does not fit; give the input's"
    ):
        inspect(unet(width=2))


def test_sizes_that_are_given_but_do_not_fit() -> None:
    b = Builder("tiny")
    network = b.build(b.conv(b.input("x", ("N", 1, "T")), 1, 3, name="stem.conv"))
    with pytest.raises(NetworkError, match=r"node 'stem.conv' \(Conv\)"):
        inspect(network, (1, 1, 2))
