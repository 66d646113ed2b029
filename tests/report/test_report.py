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

layer    operator     output      parameters   memory     MACs  real MACs  FLOP/B    field  jump  halo    σ
───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
c1       Conv         1×6×28×28          156  18.8 kB  117,600    117,600    10.0      5×5     1   0+4  1.4
tanh     Tanh         1×6×28×28               18.8 kB                           -      5×5     1   0+4  1.4  non-linear
s2       AveragePool  1×6×14×14                4.7 kB                           -      6×6     2   0+4  1.5
c3       Conv         1×16×10×10       2,416   6.4 kB  240,000    240,000    23.1    14×14     2  0+12  3.2
tanh_2   Tanh         1×16×10×10               6.4 kB                           -    14×14     2  0+12  3.2  non-linear
s4       AveragePool  1×16×5×5                 1.6 kB                           -    16×16     4  0+12  3.4
flatten  Flatten      1×400                    1.6 kB                           -  all×all     -     -    -  global
c5       Linear       1×120           48,120    480 B   48,000     48,000     0.5  all×all     -     -    -
tanh_3   Tanh         1×120                     480 B                           -  all×all     -     -    -  non-linear
f6       Linear       1×84            10,164    336 B   10,080     10,080     0.5  all×all     -     -    -
tanh_4   Tanh         1×84                      336 B                           -  all×all     -     -    -  non-linear
logits   Linear       1×10               850     40 B      840        840     0.4  all×all     -     -    -

output           logits float32 1×10
parameters       61,706 (246.8 kB)
activations      60.0 kB
peak memory      37.6 kB
MACs             416,520
on the signal    416,520 (100.0 %)
FLOPs            833,040~
intensity        2.2 FLOP/B~
as linear        6.705e+06 parameters in place of its convolutions
receptive field  all×all
effective field  σ 3.4×3.4 (58 % within), 95 % in 13×13 of 16×16~
input read       all 32 × all 32
legal sizes      axis 2, axis 3: 32 leaves nothing over (no other size from 1 to 96 is accepted and leaves nothing over)
non-linear       4 of 12 layers
global           1 of 12 layers
MACs are multiply-adds of convolutions and linear layers, every tap counted, also those on padding; 1 MAC = 2 FLOP.
On the signal: of these, those whose tap lands on the signal (of transposed layers: on an output that exists), not on
padding.
Peak memory: layer by layer in the order of the network, each value kept until its last reader, nothing fused or in
place; weights come on top.
Effective field: the gradient of one output where every output is the mean of what it reads: exact, whatever the weights
are; σ is its standard deviation in inputs.
~ FLOPs: without tanh, s2, tanh_2 and 4 more: only multiply-adds are counted; comparisons, means and other arithmetic
are not.
~ effective field: of s4, the last layer with one; of logits: every output reads the whole axis."""
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
    assert data["costs"]["macs"] == {"status": "complete", "value": 2 * 1_814_073_344}
    assert data["inputs"] == [{"name": "image", "dtype": "float32", "shape": [2, 3, 224, 224]}]
    stem = data["layers"][0]
    assert (stem["operator"], stem["output"], stem["costs"]["parameters"]["value"]) == ("Conv", [2, 64, 112, 112], 9408)
    field = {"size": 7, "jump": "2", "whole": False, "aligned": True, "holes": 0, "halo": [3, 2], "starts": ["-3"]}
    assert stem["receptive_field"] == {"status": "complete", "value": [field | {"phases": [[[-3, 4]]]}] * 2}
    assert sum(layer["costs"]["macs"]["value"] for layer in data["layers"]) == data["costs"]["macs"]["value"]


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


def test_the_nearest_sizes_that_fit() -> None:
    """U-Net takes 12 more than multiples of 16: one axis changes where that is enough, else both."""
    with pytest.raises(NetworkError, match=r"node 'up3.concat' \(Concat\): .*; the nearest that fits is 1x1x572x572$"):
        inspect(unet(width=2), (1, 1, 570, 572))
    with pytest.raises(ArgumentError, match=r"; the nearest that fits is 1x1x220x220$"):
        inspect(unet(width=2))


def test_sizes_that_are_given_but_do_not_fit() -> None:
    b = Builder("tiny")
    network = b.build(b.conv(b.input("x", ("N", 1, "T")), 1, 3, name="stem.conv"))
    with pytest.raises(NetworkError, match=r"node 'stem.conv' \(Conv\)"):
        inspect(network, (1, 1, 2))
    with pytest.raises(
        NetworkError,
        match=r"the nearest that work: kernel 2, padding 1 at both ends, an input of 3; the nearest that fits is 1x1x3$",
    ):
        inspect(network, (1, 1, 2))
