"""Effective receptive fields: exact by structure, estimated with weights, and in every form of a report."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.graph import layers as L
from atrous.graph.builder import Builder
from atrous.graph.evaluate import evaluate
from atrous.graph.layer_list import read_layers
from atrous.graph.network import Network
from atrous.graph.networks import context_module, dncnn, lenet, resnet18, unet
from atrous.report import Comparison, Status, effective_receptive_field, inspect
from atrous.report.effective import axis_of, core


def stack(layers: int, kernel: int = 3) -> Network:
    return read_layers(", ".join([f"conv {kernel} 1"] * layers), (1, 1, 128, 128))


@pytest.mark.parametrize(("layers", "variance"), [(5, "10/3"), (10, "20/3"), (20, "40/3"), (40, "80/3")])
def test_published_variances_through_a_network(layers: int, variance: str) -> None:
    """Luo et al. 2016: n uniform kernels of 3 have variance n(k²-1)/12, on 2n+1 inputs."""
    report = inspect(stack(layers), (1, 1, 128, 128))
    assert [str(spot.variance) for spot in report.rows[-1].effective.value] == [variance] * 2
    field = report.effective.value
    assert [axis.deviation**2 for axis in field.axes] == pytest.approx([float(Fraction(variance))] * 2, rel=1e-14)
    assert [(axis.size, len(axis.shares), axis.first) for axis in field.axes] == [(2 * layers + 1, 2 * layers + 1, 0)] * 2
    assert [axis.centre for axis in field.axes] == [layers, layers]


def test_structure_is_the_gradient_of_means() -> None:
    """All kernels uniform in powers of two, branches of unlike kernels: perturbing the oracle shows the shares, exactly."""
    b = Builder("means", sample={"T": 40})
    x = b.input("x", ("N", 1, "T"), "float64")

    def mean(value, kernel, **settings):  # type: ignore[no-untyped-def]
        uniform = lambda shape, _: np.full(shape, 1 / kernel)  # noqa: E731
        return b.conv(value, 1, kernel, bias=False, weights=uniform, **settings)

    first = mean(x, 4, stride=2, padding=((1, 2),))
    both = b.plus(mean(first, 2, dilation=3, padding=((3, 0),)), mean(first, 4, padding=((0, 3),)))
    network = b.build(mean(both, 2))
    field = effective_receptive_field(network, (1, 1, 40))
    (axis,) = field.axes
    shown = np.stack([evaluate(network, {"x": one.reshape(1, 1, 40)})[network.outputs[0]].ravel() for one in np.eye(40)])
    output = 8
    gradient = shown[:, output] / shown[:, output].sum()
    first_input = axis.first + 2 * output
    assert gradient[first_input : first_input + len(axis.shares)].tolist() == list(axis.shares)
    assert gradient.sum() == sum(axis.shares) == 1
    np.testing.assert_array_equal(field.energy(), axis.shares)


def test_channels_count_where_branches_are_joined() -> None:
    b = Builder("joined", sample={"T": 9})
    x = b.input("x", ("N", 1, "T"))
    network = b.build(b.concat(b.conv(x, 3, 3, padding=1), b.conv(x, 1, 1)))
    (axis,) = effective_receptive_field(network, (1, 1, 9)).axes
    assert axis.shares == (0.25, 0.5, 0.25)
    assert inspect(network, (1, 1, 9)).rows[-1].effective.value[0].variance == Fraction(1, 2)


def test_a_classifier_is_measured_where_it_is_local() -> None:
    report = inspect(resnet18(), (1, 3, 224, 224))
    assert report.effective.status is Status.PARTIAL
    assert report.effective.value.value == "layer4.1.relu_2"
    assert report.effective.reason == (
        "of layer4.1.relu_2, the last layer with one; of logits: every output reads the whole axis"
    )
    assert report.rows[-1].effective.reason == "every output reads the whole axis"
    assert "~ effective field: of layer4.1.relu_2" in str(report).replace("\n", " ")


def test_branches_that_drift_have_none() -> None:
    b = Builder("drift", sample={"T": 9})
    x = b.input("x", ("N", 1, "T"))
    network = b.build(b.plus(b.conv(x, 1, 1, stride=2), b.conv(x, 1, 5)))
    assert inspect(network, (1, 1, 9)).rows[-1].effective.reason == "branches of unlike jumps drift apart"
    with pytest.raises(ArgumentError, match="this figure is unavailable: branches of unlike jumps drift apart"):
        effective_receptive_field(network, (1, 1, 9), value=network.outputs[0])
    with pytest.raises(ArgumentError, match="value: got 'y'; it must be a value that depends on an input, such as 'add'"):
        effective_receptive_field(network, (1, 1, 9), value="y")


def test_an_estimate_with_random_weights_is_near_the_structure() -> None:
    """He et al.'s weights of mean 0: the energies of all but few gradients agree with the uniform kernels'."""
    structure = effective_receptive_field(dncnn(), (1, 1, 48, 48)).axes[0].deviation
    told = []
    field = effective_receptive_field(dncnn(), (1, 1, 48, 48), samples=4, progress=lambda *at: told.append(at))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [axis.deviation for axis in field.axes] == pytest.approx([structure] * 2, rel=0.15)
    assert field.method.startswith("estimated: mean energy of the gradient of the centre output over 4 random inputs")
    assert field.energy().shape == (48, 48)
    assert field.energy().sum() == pytest.approx(1)
    again = effective_receptive_field(dncnn(), (1, 1, 48, 48), samples=4)
    np.testing.assert_array_equal(again.energy(), field.energy())


def test_an_estimate_of_uniform_weights_is_their_square() -> None:
    """Of a linear network the energy is that of its one kernel, whatever the input is."""
    b = Builder("linear", sample={"H": 12, "W": 12})
    x = b.input("x", ("N", 1, "H", "W"))
    taps = np.arange(1.0, 7.0).reshape(1, 1, 3, 2)
    network = b.build(b.conv(x, 1, (3, 2), weights=lambda shape, _: taps.astype(np.float32)))
    field = effective_receptive_field(network, (1, 1, 12, 12), samples=1)
    energy = taps[0, 0] ** 2 / (taps**2).sum()
    np.testing.assert_allclose(field.energy()[5:8, 5:7], energy, rtol=1e-6)
    assert [axis.size for axis in field.axes] == [3, 2]


def test_identity_weights_read_one_input() -> None:
    """Yu and Koltun's initialisation: the field of 67 is there, and all of the energy lies on one input."""
    field = effective_receptive_field(context_module(2), (1, 2, 80, 80), samples=1)
    assert [(axis.centre, axis.deviation, axis.core, axis.size) for axis in field.axes] == [(40, 0, (40, 41), 67)] * 2


def test_what_has_no_derivative_says_so() -> None:
    b = Builder("lrn", sample={"T": 9})
    x = b.input("x", ("N", 4, "T"))
    network = b.build(b.add(L.LRN(3), x, name="lrn", kind="lrn"))
    report = inspect(network, (1, 4, 9), effective=1)
    assert report.estimated.reason == "there is no derivative of LRN here"
    assert "with its weights unavailable: there is no derivative of LRN" in str(report).replace("\n" + 17 * " ", " ")


def test_a_gradient_that_vanishes_says_so() -> None:
    network = read_layers("conv 3 1, relu", (1, 1, 9))
    zero = Network(
        network.name, network.inputs, network.outputs, network.nodes, {n: 0 * w for n, w in network.constants.items()}
    )
    assert (
        inspect(zero, (1, 1, 9), effective=1).estimated.reason == "the gradient of relu vanishes or overflows on random inputs"
    )


def test_wrong_wishes() -> None:
    with pytest.raises(ArgumentError, match="effective: an estimate needs known sizes; give shapes, or leave out symbolic"):
        inspect(dncnn(), symbolic=True, effective=1)
    with pytest.raises(ArgumentError, match="samples: got -1; an estimate needs at least 1"):
        effective_receptive_field(dncnn(), (1, 1, 48, 48), samples=-1)
    assert inspect(lenet()).estimated.reason.startswith("not asked for: it runs the network; ask with effective")


def test_every_form_shows_it() -> None:
    report = inspect(dncnn(), (1, 1, 48, 48), effective=2)
    line = next(line for line in str(report).splitlines() if line.startswith("effective field"))
    assert line.startswith(
        "effective field  σ 2.4×2.4 (77 % within), 95 % in 12×12 of 35×35; with its weights, estimated from 2"
    )
    assert "estimated from 2 inputs" in report.to_html()
    assert "% effective field: σ 2.4×2.4" in report.to_latex()
    data = report.to_dict()
    assert data["effective_field"]["value"]["samples"] == 0
    assert data["estimated_effective_field"]["value"]["samples"] == 2
    assert data["estimated_effective_field"]["value"]["axes"][0]["receptive_field"] == 35
    assert data["layers"][0]["effective_field"]["value"][0] == {"centre": 0.0, "deviation": (2 / 3) ** 0.5, "variance": "2/3"}
    assert "σ" in report.text(columns=["layer", "deviation"])
    both = Comparison(inspect(stack(5), (1, 1, 128, 128)), inspect(stack(20), (1, 1, 128, 128)))
    assert both.ratios()["effective field"] == pytest.approx(2)
    assert "effective field" in str(both)


def test_phases_and_open_sizes() -> None:
    report = inspect(unet(width=2), (1, 1, 188, 188))
    assert report.effective.status is Status.COMPLETE
    assert report.effective.value.axes[0].size == 204
    assert inspect(resnet18(), symbolic=True).rows[0].effective.value[0].variance == 4


def test_branches_with_gaps_are_told_apart_on_one_axis_only() -> None:
    """Of a transposed kernel of 1 and stride 2, every other output reads nothing: on two axes, three of four."""
    one = read_layers("transposed 1 1 s2", (1, 1, 8))
    assert inspect(one, (1, 1, 8)).rows[-1].effective.status is Status.COMPLETE

    def joined(axes: int) -> Network:
        b = Builder("gaps", sample={"H": 8, "W": 8})
        x = b.input("x", ("N", 1, *"HW"[:axes]))
        up = b.conv_transpose(x, 1, 1, stride=2, name="up")
        return b.build(b.plus(up, b.relu(up), name="sum"))

    assert inspect(joined(1), (1, 1, 8)).rows[-1].effective.status is Status.COMPLETE
    reason = inspect(joined(2), (1, 1, 8, 8)).rows[-1].effective.reason
    assert reason.startswith("branches meet of which some outputs read nothing")


def test_figures_of_one_axis() -> None:
    axis = axis_of(2, 10, [0.0, 0.25, 0.5, 0.25], None)
    assert (axis.centre, axis.deviation, axis.within, axis.core) == (12, 0.5**0.5, 0.5, (11, 14))
    assert core([1.0]) == (0, 1)
    assert core([0.05, 0.95]) == (1, 2)
