"""The shipped denoiser: its file, its claims on the held-out photographs, and how it is trained and exported."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import atrous
from atrous import demo_network

HELD_OUT = ("camera", "coffee", "motorcycle")
ROOM = files(demo_network)
RESULTS = json.loads((ROOM / "results.json").read_text())


@pytest.fixture
def photographs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``training/photographs.py``; the folder of scripts is no package."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "training"))
    return import_module("photographs")


def by_onnx_runtime(model: Any, noisy: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"noisy": noisy[None, None]})[0][0, 0]


def test_file_is_small_valid_and_symbolic() -> None:
    assert demo_network.path().stat().st_size < 300_000
    model = onnx.load(demo_network.path())
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    for ends, name in ((model.graph.input, "noisy"), (model.graph.output, "denoised")):
        (end,) = ends
        dims = [dim.dim_param or dim.dim_value for dim in end.type.tensor_type.shape.dim]
        assert (end.name, end.type.tensor_type.elem_type, dims) == (
            name,
            onnx.TensorProto.FLOAT,
            ["batch", 1, "height", "width"],
        )


def test_nothing_is_both_learnt_from_and_held_out(photographs: ModuleType) -> None:
    assert set(photographs.HELD_OUT) == set(HELD_OUT) == set(RESULTS["psnr_db"])
    assert not set(photographs.TRAINING) & set(HELD_OUT)
    trained = [load() for load, _ in photographs.TRAINING.values()]
    for load in photographs.HELD_OUT.values():
        assert not any(np.array_equal(load(), photo) for photo in trained)


@pytest.mark.parametrize("name", HELD_OUT)
def test_held_out_photographs_gain_what_the_card_says(photographs: ModuleType, name: str) -> None:
    clean = photographs.gray(photographs.HELD_OUT[name]())
    noisy = demo_network.add_noise(clean, demo_network.SIGMA, RESULTS["noise_seed"])
    denoised = by_onnx_runtime(demo_network.path(), noisy)
    before, after = demo_network.psnr(noisy, clean), demo_network.psnr(denoised, clean)
    assert after - before >= 7
    told = RESULTS["psnr_db"][name]
    assert (before, after) == (pytest.approx(told["noisy"], abs=0.01), pytest.approx(told["denoised"], abs=0.01))
    row = next(
        line for line in (ROOM / "DATA_CARD.md").read_text().splitlines() if line.startswith(f"| {name} | {len(clean)}×")
    )
    assert row.endswith(f"| {told['noisy']:.2f} | {told['denoised']:.2f} | **{told['gain']:.2f}** |")


def test_atrous_gives_the_result_of_onnx_runtime() -> None:
    noisy = demo_network.add_noise(demo_network.held_out_photograph(), demo_network.SIGMA, seed=3)
    expected = by_onnx_runtime(demo_network.path(), noisy)
    got = np.asarray(atrous.run(atrous.load(demo_network.path()), noisy[None, None]))[0, 0]
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_export_is_the_network_that_was_trained(photographs: ModuleType) -> None:
    torch = pytest.importorskip("torch")
    script = import_module("train_denoiser")
    torch.manual_seed(0)
    net = script.denoiser(channels=4)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        noisy = torch.rand(1, 1, 37, 41)
        expected = (noisy - net(noisy))[0, 0].numpy()
    got = by_onnx_runtime(script.to_onnx(net).SerializeToString(), noisy[0, 0].numpy())
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_one_seed_gives_one_set_of_crops(photographs: ModuleType) -> None:
    crops = photographs.Crops.of_training_photographs(64)
    first, second = (crops.batch(8, np.random.default_rng(7)) for _ in range(2))
    assert (first.shape, first.dtype) == ((8, 1, 64, 64), np.float32)
    np.testing.assert_array_equal(first, second)
