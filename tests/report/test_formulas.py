"""Costs as formulas in open sizes: what they say for known sizes is what a report of these sizes says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atrous.graph import layers as L
from atrous.graph.builder import Builder
from atrous.graph.layer_list import read_layers
from atrous.graph.networks import NETWORKS, lenet, resnet18, unet
from atrous.report import Figure, Report, inspect
from atrous.report.formulas import NAMES
from atrous.report.polynomial import Polynomial, fitted

#: Sizes that are no trial sizes, but that strides divide as these.
SIZES = {
    "lenet": (3, 1, 32, 32),
    "resnet18": (2, 3, 224, 96),
    "resnet50": (1, 3, 256, 224),
    "mobilenet_v2": (1, 3, 224, 224),
    "unet": (1, 1, 572, 188),
    "unet3d": (1, 3, 132, 148, 116),
    "context_module": (1, 21, 64, 100),
    "dncnn": (4, 1, 40, 50),
    "wavenet": (1, 256, 4000),
}


def at(report: Report, shape: tuple[int, ...]) -> dict[str, int]:
    (_, _, open_shape) = report.inputs[0]
    return {dim: size for dim, size in zip(open_shape, shape, strict=True) if isinstance(dim, str)}


def agree(formulas: object, costs: object, sizes: Mapping[str, int]) -> None:
    for name in NAMES:
        formula, figure = getattr(formulas, name), getattr(costs, name)
        assert formula.status == figure.status, name
        if formula.known is not None:
            assert formula.known(sizes) == figure.known, name


@pytest.mark.parametrize("name", SIZES)
def test_formulas_at_sizes_that_are_known(name: str) -> None:
    network = NETWORKS[name]()
    form, known = inspect(network, symbolic=True), inspect(network, SIZES[name])
    sizes = at(form, SIZES[name])
    agree(form.formulas, known.costs, sizes)
    for row, other in zip(form.rows, known.rows, strict=True):
        agree(row.formulas, other.costs, sizes)


def test_published_counts_as_formulas() -> None:
    """A 3x3 from 64 to 64 channels has 9*64*64 multiply-adds for each place; ResNet-18's sum at 224 is torchvision's."""
    (row,) = inspect(read_layers("conv 3 64 p1 nobias", (1, 64, 9, 9)), symbolic=True).rows
    assert str(row.formulas.macs.value) == f"{9 * 64 * 64 * 9 * 9}·N"
    b = Builder("plain")
    network = b.build(b.conv(b.input("x", ("N", 64, "H", "W")), 64, 3, padding=1))
    (layer,) = inspect(network, symbolic=True).rows
    assert str(layer.formulas.macs.value) == f"{9 * 64 * 64}·N·H·W"
    assert str(layer.formulas.real_macs.value) == "4096·N·(3·H-2)·(3·W-2)"
    assert str(layer.formulas.activation_bytes.value) == "256·N·H·W"
    assert str(layer.formulas.fully_connected.value) == "4096·H²·W² + 64·H·W"
    resnet = inspect(resnet18(), symbolic=True).formulas.macs.value
    assert str(resnet) == "36144·N·H·W + 512000·N"
    assert resnet({"N": 1, "H": 224, "W": 224}) == 1_814_073_344


def test_attention_is_quadratic() -> None:
    b = Builder("attention")
    x, y = b.input("x", ("N", "T", 8)), b.input("y", ("N", 8, "T"))
    report = inspect(b.build(b.add(L.MatMul(), x, y, name="scores", kind="scores")), symbolic=True)
    assert str(report.formulas.macs.value) == "8·N·T²"


def test_every_form_shows_the_formulas() -> None:
    report = inspect(resnet18(), symbolic=True)
    assert "2352·N·H·W" in report.text(140)
    assert "MACs             36144·N·H·W + 512000·N" in str(report)
    assert "activations      656·N·H·W + 6048·N B" in str(report)
    assert "36144·N·H·W" in report.to_html()
    assert r"2352$\cdot$N$\cdot$H$\cdot$W" in report.to_latex()
    data = json.loads(json.dumps(report.to_dict()))
    assert data["formulas"]["macs"] == {"status": "complete", "value": "36144·N·H·W + 512000·N"}
    assert data["layers"][0]["formulas"]["real_macs"]["value"] == "48·N·(7·H-12)·(7·W-12)"
    assert inspect(lenet(), (1, 1, 32, 32)).to_dict()["formulas"] is None
    assert inspect(lenet(), (1, 1, 32, 32)).formulas is None


def test_sizes_that_only_fit_with_a_remainder() -> None:
    """U-Net's 572 is 12 more than a multiple of 16: expressions are exact for such sizes, and say so."""
    report = inspect(unet(width=2), symbolic=True)
    assert report.outputs[0][2] == ("N", 2, "H-184", "W-184")
    assert "exact for multiples of 6720 plus 12" in str(report)


def test_what_has_no_formula_says_why() -> None:
    b = Builder("merged", sample={"H": 8, "W": 8})
    x = b.input("x", ("N", 1, "H", "W"))
    merged = b.add(L.Reshape(), x, b.constant("to", np.array([0, 1, -1], np.int64)), name="merged", kind="merged")
    report = inspect(b.build(b.conv(merged, 1, 3, name="conv")), symbolic=True)
    rows = {row.name: row.formulas for row in report.rows}
    assert rows["conv"].macs == Figure.unavailable("a size depends on several open sizes")
    assert report.formulas.macs.status == "unavailable"


COEFFICIENTS = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 2)), st.integers(-50, 50), min_size=1, max_size=5)


@given(COEFFICIENTS, st.integers(1, 40), st.integers(1, 9))
def test_polynomials_are_found_again(terms: dict[tuple[int, int], int], start: int, step: int) -> None:
    powers = {p: tuple((n, k) for n, k in zip("HW", p, strict=True) if k) for p in terms}
    wanted = Polynomial.of({powers[p]: Fraction(factor) for p, factor in terms.items()})
    found = fitted(lambda sizes: int(wanted(sizes)), {"H": start, "W": start + 1}, {"H": step, "W": step + 2})
    assert found == wanted


def test_what_is_no_polynomial_is_none() -> None:
    assert fitted(lambda sizes: 2 ** sizes["H"], {"H": 1}, {"H": 1}) is None
    assert fitted(lambda sizes: max(0, sizes["H"] - 5), {"H": 1}, {"H": 1}) is None
    assert str(Polynomial()) == "0"
    assert str(Polynomial() + 7) == "7"
    assert str(Polynomial.of({(("H", 1),): Fraction(-1, 2), (): Fraction(3)})) == "-(H-6)/2"
    assert str(Polynomial.of({(("H", 1), ("W", 1)): Fraction(1), (("H", 1),): Fraction(2), (): Fraction(1)})) == "H·W + 2·H + 1"
    assert not Polynomial() + 0
