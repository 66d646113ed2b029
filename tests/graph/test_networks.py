"""The built-in networks against published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.graph.builder import Builder
from atrous.graph.evaluate import evaluate
from atrous.graph.networks import NETWORKS, by_name, context_module, context_module_large, dncnn, lenet, tcn, unet, wavenet
from atrous.report import inspect
from tests.graph.published import PUBLISHED


def test_every_network_has_its_numbers() -> None:
    assert set(PUBLISHED) == set(NETWORKS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_multiply_adds(name: str) -> None:
    published = PUBLISHED[name]
    report = inspect(by_name(name), published.shape)
    seen = (report.parameters, report.macs, report.outputs[0][2])
    assert seen == (published.parameters, published.macs, published.output)
    assert report.parameters == sum(row.parameters for row in report.rows)


def test_lecture_row_16_receptive_fields_of_the_context_module() -> None:
    rows = inspect(context_module(channels=2), (1, 2, 64, 64)).rows
    fields = [tuple(field.size for field in row.fields) for row in rows if row.operator == "Conv"]
    assert fields == [(n, n) for n in (3, 5, 9, 17, 33, 65, 67, 67)]
    assert sum(weights.size for name, weights in context_module(10).constants.items() if name.endswith("weight")) == 64 * 10**2


def test_the_context_module_starts_as_the_identity() -> None:
    maps = np.random.default_rng(1).random((1, 5, 20, 20), dtype=np.float32)
    (output,) = evaluate(context_module(5), {"maps": maps}).values()
    np.testing.assert_array_equal(output, maps)


def test_the_large_context_module_starts_near_the_identity() -> None:
    maps = np.random.default_rng(1).random((1, 2, 12, 12), dtype=np.float32) + np.float32(1)
    (output,) = evaluate(context_module_large(2), {"maps": maps}).values()
    assert np.abs(output - maps).max() < 0.2
    weights = context_module_large(2).constants["conv1.weight"]
    assert weights.shape == (4, 2, 3, 3)
    # Equation 5: maps 0 and 1 of four continue map 0 of two, each with the weight C / c = 1/2.
    np.testing.assert_array_equal(weights[:, :, 1, 1] == np.float32(0.5), [[1, 0], [1, 0], [0, 1], [0, 1]])


@pytest.mark.parametrize(("blocks", "depth", "field"), [(1, 10, 1024), (1, 4, 16), (3, 10, 3070)])
def test_published_receptive_fields_of_wavenet(blocks: int, depth: int, field: int) -> None:
    network = wavenet(blocks=blocks, depth=depth, width=2, skip=2, levels=4)
    assert inspect(network, (1, 4, 5000)).fields[0].size == field


@pytest.mark.parametrize("name", [name for name, row in PUBLISHED.items() if row.told.endswith("GMAC")])
def test_multiply_adds_round_to_torchvisions(name: str) -> None:
    told = PUBLISHED[name].told.split()[-2]
    assert PUBLISHED[name].macs / 1e9 == pytest.approx(float(told), abs=0.000501)


def test_the_tcn_sees_as_far_as_its_paper_says() -> None:
    """1 + 2 (k - 1) (2^n - 1), for its two convolutions a block."""
    network = tcn(width=2, depth=4, kernel=3)
    assert inspect(network, (1, 1, 200)).fields[0].size == 1 + 2 * 2 * 15
    signal = np.random.default_rng(0).random((1, 1, 90), dtype=np.float32)
    later = signal.copy()
    later[..., 60:] = 0
    (full,) = evaluate(network, {"signal": signal}).values()
    (cut,) = evaluate(network, {"signal": later}).values()
    np.testing.assert_array_equal(full[..., :60], cut[..., :60])


def test_layer_norm_is_its_definition() -> None:
    b = Builder("ln")
    x = np.random.default_rng(0).standard_normal((2, 5, 3, 4), dtype=np.float32)
    (made,) = evaluate(b.build(b.layer_norm(b.input("x", (2, 5, 3, 4)))), {"x": x}).values()
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(made, expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("name", "last", "size", "jump"),
    [("vgg16", "pool5", 212, 32), ("resnet18", "layer4.1.relu_2", 435, 32), ("resnet50", "layer4.2.relu_3", 427, 32)],
)
def test_published_receptive_fields_of_classifiers(name: str, last: str, size: int, jump: int) -> None:
    (row,) = [row for row in inspect(by_name(name)).rows if row.name == last]
    assert [(field.size, field.jump) for field in row.fields] == [(size, jump)] * 2


def test_alexnet_receptive_fields() -> None:
    convolutions = [row for row in inspect(by_name("alexnet")).rows if row.operator == "Conv"]
    assert [(row.fields[0].size, row.fields[0].jump) for row in convolutions] == [
        (11, 4),
        (51, 8),
        (99, 16),
        (131, 16),
        (163, 16),
    ]


def test_dncnn_has_the_field_of_its_depth() -> None:
    assert [field.size for field in inspect(dncnn(), (1, 1, 40, 50)).fields] == [35, 35]


@pytest.mark.parametrize("size", [188, 204])
def test_legal_sizes_of_unet(size: int) -> None:
    assert inspect(unet(width=2), (1, 1, size, size)).outputs[0][2] == (1, 2, size - 184, size - 184)


def test_illegal_size_of_unet_names_the_node() -> None:
    with pytest.raises(ValueError, match=r"node 'up\d.concat'.*do not join"):
        inspect(unet(width=2), (1, 1, 200, 200))


def test_wavenet_is_causal() -> None:
    network = wavenet(blocks=1, depth=3, width=4, skip=4, levels=4)
    signal = np.random.default_rng(0).random((1, 4, 20), dtype=np.float32)
    later = signal.copy()
    later[..., 12:] = 0
    (full,) = evaluate(network, {"signal": signal}).values()
    (cut,) = evaluate(network, {"signal": later}).values()
    np.testing.assert_array_equal(full[..., :12], cut[..., :12])
    np.testing.assert_allclose(full.sum(axis=1), 1, rtol=1e-6)


def test_weights_follow_the_seed_and_the_rule() -> None:
    once, again, other = lenet(), lenet(), lenet(seed=1)
    np.testing.assert_array_equal(once.constants["c3.weight"], again.constants["c3.weight"])
    assert not np.array_equal(once.constants["c3.weight"], other.constants["c3.weight"])
    weights = by_name("resnet18").constants["layer4.0.2.conv.weight"]
    assert weights.dtype == np.float32
    assert weights.var() == pytest.approx(2 / (512 * 9), rel=0.01)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match=r"network: 'resnet' is none of the built-in ones: lenet, alexnet, .*wavenet"):
        by_name("resnet")
