"""Whole networks through the engine: against ONNX Runtime, the expected outputs of others, and what a right answer is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import atrous
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network, Node
from atrous.graph.networks import NETWORKS
from atrous.importers import to_onnx

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
SHARED = Path(__file__).parents[3] / "shared/models"
ours = pytest.mark.skipif(not SHARED.is_dir(), reason="the trained networks of others lie beside the project, not in it")

#: Sizes for the symbolic axes of the built-in networks, batch first.
SIZES = {
    "resnet18": (1, 96, 96),
    "resnet34": (1, 64, 96),
    "resnet50": (2, 64, 96),
    "resnet101": (1, 64, 64),
    "squeezenet1_0": (1, 70, 96),
    "squeezenet1_1": (1, 70, 96),
    "densenet121": (1, 64, 96),
    "convnext_tiny": (1, 64, 96),
    "unet_padded": (1, 64, 80),
    "deeplabv3_head": (1, 17, 20),
    "front_end": (1, 380, 388),
    "tcn": (2, 784),
    "hifigan": (1, 20),
    "mobilenet_v2": (1, 64, 96),
    "unet": (1, 188, 204),
    "unet3d": (1, 92, 92, 92),
    "context_module": (2, 33, 40),
    "context_module_large": (1, 20, 33),
    "dncnn": (2, 37, 50),
    "wavenet": (1, 3100),
}


def peer(model: bytes | Path, x: Array) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(model) if isinstance(model, Path) else model, options)
    return list(session.run(None, {session.get_inputs()[0].name: x}))


def results(network: Network, x: Array) -> list[Array]:
    made = network.compile()(x)
    return list(made) if isinstance(made, tuple) else [made]


def close(ours: Array, theirs: Array) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_built_in_networks_give_onnx_runtimes_result(name: str) -> None:
    network = NETWORKS[name]()
    fact = next(iter(network.inputs.values()))
    sizes = iter(SIZES.get(name, (1,)))
    shape = [dim if isinstance(dim, int) else next(sizes) for dim in fact.shape]
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    (made,) = results(network, x)
    (expected,) = peer(to_onnx(network).SerializeToString(), x)
    close(made, expected)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_light_networks_give_their_expected_outputs(path: Path) -> None:
    network = atrous.load(path)
    shape = next(iter(network.inputs.values())).sizes
    count = int(np.prod(shape))
    x = (np.arange(count).reshape(shape) / count).astype(np.float32)  # what the suite of onnx feeds them
    (made,) = results(network, x)
    expected = numpy_helper.to_array(onnx.load_tensor(os.fspath(path.with_name(path.stem + "_output_0.pb"))))
    close(made, expected)


@ours
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mnist", (1, 1, 28, 28)),
        ("subpixel_x3", (2, 1, 67, 91)),
        ("crepe_tiny", (3, 1024)),
        ("ultraface_rfb320", (1, 3, 240, 320)),
        ("dncnn_s25", (1, 1, 75, 101)),
    ],
)
def test_trained_networks_give_onnx_runtimes_result(name: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(5).standard_normal(shape).astype(np.float32)
    made = results(atrous.load(SHARED / f"{name}.onnx"), x)
    expected = peer(SHARED / f"{name}.onnx", x)
    assert len(made) == len(expected)
    for mine, theirs in zip(made, expected, strict=True):
        close(mine, theirs)


@ours
def test_float64_follows_the_same_network_in_double_precision() -> None:
    from atrous.graph.passes.precision import cast_network

    network = atrous.load(SHARED / "subpixel_x3.onnx")
    x = np.random.default_rng(1).random((1, 1, 20, 30), dtype=np.float32)
    (single,) = results(network, x)
    (double,) = results(cast_network(network, "float64"), x.astype(np.float64))
    assert double.dtype == np.float64
    close(single, double)


@ours
def test_the_pitch_of_a_440_hz_sine() -> None:
    """Bins are 20 cents apart, from 1997.3794 cents above 10 Hz; the nearest to 440 Hz is 441.5 Hz."""
    t = np.arange(1024) / 16000
    frame = np.sin(2 * np.pi * 440 * t)
    frame = ((frame - frame.mean()) / frame.std()).astype(np.float32)[None]
    (pitch,) = results(atrous.load(SHARED / "crepe_tiny.onnx"), frame)
    hertz = 10 * 2 ** ((1997.3794084376191 + 20 * int(pitch.argmax())) / 1200)
    assert round(hertz, 1) == 441.5


@ours
def test_a_face_is_found_where_it_is() -> None:
    from PIL import Image
    from skimage import data

    portrait = Image.fromarray(data.astronaut()).resize((320, 240))
    x = ((np.asarray(portrait, np.float32) - 127) / 128).transpose(2, 0, 1)[None]
    scores, boxes = results(atrous.load(SHARED / "ultraface_rfb320.onnx"), np.ascontiguousarray(x))
    best = int(scores[0, :, 1].argmax())
    assert scores[0, best, 1] > 0.9
    left, top, right, bottom = boxes[0, best] * (512, 512, 512, 512)
    assert left < 225 < right  # the astronaut's nose, in the pixels of the photograph
    assert top < 110 < bottom


@ours
def test_noise_of_a_photograph_goes_down_by_8_to_15_db() -> None:
    from skimage import data

    clean = data.camera().astype(np.float32)[None, None, 128:384, 128:384] / 255
    noisy = clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape).astype(np.float32)
    (denoised,) = results(atrous.load(SHARED / "dncnn_s25.onnx"), noisy)
    gain = 10 * np.log10(((noisy - clean) ** 2).mean() / ((denoised - clean) ** 2).mean())
    assert 8 < gain < 15


@ours
def test_digits_are_read() -> None:
    from PIL import Image, ImageDraw, ImageFont

    network = atrous.load(SHARED / "mnist.onnx").compile()
    right = 0
    for digit in range(10):
        page = Image.new("L", (28, 28))
        ImageDraw.Draw(page).text((14, 14), str(digit), fill=255, font=ImageFont.load_default(22), anchor="mm")
        right += int(network(np.asarray(page, np.float32)[None, None]).argmax()) == digit
    assert right >= 8


@ours
def test_super_resolution_triples_a_photograph_and_keeps_it() -> None:
    from skimage import data
    from skimage.transform import resize

    clean = data.camera()[:480, :480].astype(np.float32) / 255
    small = resize(clean, (160, 160), anti_aliasing=True).astype(np.float32)
    (large,) = results(atrous.load(SHARED / "subpixel_x3.onnx"), small[None, None])
    assert large.shape == (1, 1, 480, 480)
    assert 10 * np.log10(1 / ((large[0, 0] - clean) ** 2).mean()) > 24


def test_an_output_may_be_an_input_a_constant_or_empty() -> None:
    """What no kernel computes must still come out, in the first call and in the short way of later ones."""
    x, held = np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.arange(4, dtype=np.float32)
    bounds = {"two": np.array([2]), "axis": np.array([2])}
    nodes = (Node("relu", L.Relu(), ("x",), "r"), Node("nothing", L.Slice(), ("x", "two", "two", "axis"), "empty"))
    facts = {"x": Fact("float32", (1, 2, "T"))}
    network = Network("passed on", facts, ("x", "held", "r", "empty"), nodes, {"held": held, **bounds})
    program = network.compile(threads=1)
    for _ in range(3):
        for result, expected in zip(program(x), (x, held, x, x[:, :, 2:2]), strict=True):
            np.testing.assert_array_equal(result, expected)
    only = Network("input alone", facts, ("x",), ()).compile(threads=1)
    for out in (None, np.zeros_like(x)):
        np.testing.assert_array_equal(only(x, out=out), x)
