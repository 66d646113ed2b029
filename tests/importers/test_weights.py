"""Weights from safetensors files: PyTorch's own results with them, damaged and hostile files, and what does not fit."""

from __future__ import annotations

import json
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import atrous
from atrous.errors import ArgumentError, FileError
from atrous.graph.builder import Builder
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array
from atrous.graph.network import Network
from atrous.graph.networks import NETWORKS, TORCH_NAMES, resnet18
from atrous.importers import read_safetensors

CODES = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64", "uint8": "U8", "bool": "BOOL"}


def packed(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def saved(path: Path, tensors: dict[str, Array]) -> Path:
    """The tensors as a safetensors file."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, array in tensors.items():
        offsets = [place, place := place + array.nbytes]
        header[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": offsets}
    path.write_bytes(packed(header, b"".join(array.tobytes() for array in tensors.values())))
    return path


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_tensors_come_back(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    kinds = {name: (random.standard_normal((3, 2)) * 9).astype(name) for name in CODES}
    read = read_safetensors(saved(tmp_path / "t.safetensors", {**kinds, "scalar": np.float32(3), "none": np.zeros((0, 4))}))
    for name, array in kinds.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == ("float32" if name == "float16" else name)
    assert (read["scalar"].shape, read["none"].shape) == ((), (0, 4))


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    numbers = torch.tensor([1.5, -3.25, 1e30, float("inf")], dtype=torch.bfloat16)
    path = tmp_path / "b.safetensors"
    path.write_bytes(packed({"x": entry("BF16", [4])}, numbers.view(torch.int16).numpy().tobytes()))
    np.testing.assert_array_equal(read_safetensors(path)["x"], numbers.float().numpy())


DAMAGED = [
    (b"", "holds 0 bytes; a safetensors file begins with 8"),
    (b"\x80\x02}q\x00." + b"\0" * 20, "names a header of .* bytes in a file of 26"),
    (packed(b"{}")[:9], "names a header of 2 bytes in a file of 9"),
    (struct.pack("<Q", 2**63) + b"{}", "names a header of 9223372036854775808 bytes"),
    (packed(b"hello"), "header that is not legal JSON"),
    (packed(b"\xff\xfe"), "header that is not legal JSON"),
    (packed(b"[" * 100_000), "header that is not legal JSON"),
    (packed([]), "no JSON object"),
    (packed(b'{"x": {}, "x": {}}'), "a name appears twice"),
    (packed({"a\nb": 3}), "has a tensor named .*; names must be printable"),
    (packed({"x": 3}), "tensor 'x' must have dtype, shape and data_offsets"),
    (packed({"x": entry("F7")}), "tensor 'x' has element type 'F7'; atrous reads F64, F32, F16, BF16"),
    (packed({"x": entry([])}), r"tensor 'x' has element type \[\]"),
    (packed({"x": entry(shape=[-2])}), r"tensor 'x' has shape \[-2\]; it must be a list of at most 32 sizes"),
    (packed({"x": entry(shape=[1] * 33)}), "tensor 'x' has shape"),
    (packed({"x": entry(shape=[True])}), r"tensor 'x' has shape \[True\]"),
    (packed({"x": entry(shape=[2.0])}), r"tensor 'x' has shape \[2.0\]"),
    (
        packed({"x": entry(shape=[1 << 40], offsets=[0, 8])}, b"\0" * 8),
        "tensor 'x' holds 8 bytes, type F32 .* need 4398046511104",
    ),
    (packed({"x": entry(shape=[1 << 47] * 32)}, b"\0" * 8), "tensor 'x' holds 8 bytes"),
    (packed({"x": entry(offsets=[8, 0])}, b"\0" * 8), "tensor 'x' holds -8 bytes"),
    (packed({"x": entry(offsets=[0])}), r"tensor 'x' has data_offsets \[0\]; they must be two numbers"),
    (packed({"x": entry(offsets=["0", 8])}), "tensor 'x' has data_offsets"),
    (packed({"x": entry()}, b"\0" * 7), "tensor 'x' lies at bytes 0 to 8; the data has 7 bytes"),
    (
        packed({"x": entry(), "y": entry(offsets=[4, 12])}, b"\0" * 12),
        "tensor 'y' lies at bytes 4 to 12; the tensor before it ends",
    ),
    (packed({"x": entry(), "y": entry()}, b"\0" * 8), "tensor 'y' lies at bytes 0 to 8; the tensor before it ends at 8"),
    (packed({"x": entry(offsets=[4, 12])}, b"\0" * 12), "tensor 'x' lies at bytes 4 to 12; the tensor before it ends at 0"),
    (packed({"x": entry()}, b"\0" * 9), "holds 9 bytes of data, its tensors end at 8"),
]


@pytest.mark.parametrize(("data", "message"), DAMAGED)
def test_damaged_files_are_refused_by_name(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(FileError, match=rf"bad\.safetensors: .*{message}"):
        read_safetensors(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(FileError, match="cannot be read: there is no file of this name"):
            read_safetensors(path)


WHOLE = packed({"x": entry(), "y": entry("I64", [1], [8, 16])}, bytes(16))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_mutated_files_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated.safetensors"
        path.write_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
        with suppress(FileError):
            read_safetensors(path)


def state(network: Network) -> dict[str, Array]:
    """A state_dict that fits the network, of random numbers."""
    random = np.random.default_rng(5)
    rename = TORCH_NAMES.get(network.name, str)
    held = {name: array for name, array in network.constants.items() if array.ndim and array.dtype == np.float32}
    return {rename(name): random.random(array.shape, dtype=np.float32) for name, array in held.items()}


class Basic(torch.nn.Module):
    """A residual block with torchvision's names."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        nn = torch.nn
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        plain = stride == 1 and inputs == width
        projection = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.downsample = None if plain else projection

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Residual(torch.nn.Module):
    """ResNet-18, written as torchvision has it."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        widths = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
        for number, (inputs, width, stride) in enumerate(widths, 1):
            setattr(self, f"layer{number}", nn.Sequential(Basic(inputs, width, stride), Basic(width, width, 1)))
        self.fc = nn.Linear(512, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.fc(x.mean((2, 3)))


def test_resnet18_of_pytorch_gives_its_result_here(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Residual()
    x = torch.randn(2, 3, 40, 33)
    module.train()(x)  # running statistics that are not 0 and 1
    path = saved(tmp_path / "r.safetensors", {name: tensor.numpy() for name, tensor in module.state_dict().items()})
    with torch.no_grad():
        expected = module.eval()(x).numpy()
    made = atrous.compile(atrous.load_weights(resnet18(), path))(x.numpy())
    assert np.abs(made - expected).max() <= 1e-5 * np.abs(expected).max()


#: Large ones whose names are those of a smaller one, or plain.
LARGE = ("vgg16", "alexnet", "c3d", "front_end", "unet3d", "resnet101", "unet", "unet_padded")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in NETWORKS])
def test_every_network_takes_weights_by_name(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]()
    tensors = state(network)
    loaded = atrous.load_weights(network, saved(tmp_path / "w.safetensors", tensors))
    rename = TORCH_NAMES.get(name, str)
    changed = [key for key, array in loaded.constants.items() if array is not network.constants[key]]
    assert {rename(key) for key in changed} == set(tensors)
    for key in changed:
        np.testing.assert_array_equal(loaded.constants[key], tensors[rename(key)])
    assert loaded.nodes == network.nodes


def small() -> Network:
    b = Builder("small")
    x = b.conv(b.input("x", ("N", 2, "H", "W")), 3, 1, name="first")
    return b.build(b.conv(x, 1, 3, name="second"))


def test_all_that_does_not_fit_is_listed_at_once(tmp_path: Path) -> None:
    tensors = {
        "first.weight": np.ones((3, 2), np.float32),  # as of a linear layer
        "first.bias": np.ones(4, np.float32),
        "second.weight": np.ones((1, 3, 3, 3), np.int64),
        "third.weight": np.ones(1, np.float32),
    }
    rule = (
        r"w\.safetensors: does not hold the weights of small: missing: second\.bias; unexpected: third\.weight; "
        r"of another shape: first\.bias \(4,\) for \(3,\); no floating numbers: second\.weight int64"
    )
    with pytest.raises(FileError, match=rule):
        atrous.load_weights(small(), saved(tmp_path / "w.safetensors", tensors))


def test_a_prefix_takes_a_part_and_widens_it(tmp_path: Path) -> None:
    tensors = {f"head.{name}": array.astype(np.float16) for name, array in state(small()).items()}
    tensors |= {"body.weight": np.ones(3, np.float32), "head.bn.num_batches_tracked": np.array(7)}
    tensors["head.first.weight"] = tensors["head.first.weight"].reshape(3, 2)
    network = atrous.load_weights(small(), saved(tmp_path / "w.safetensors", tensors), prefix="head.")
    first = network.constants["first.weight"]
    assert (first.shape, first.dtype) == ((3, 2, 1, 1), np.float32)
    np.testing.assert_array_equal(first.reshape(3, 2), tensors["head.first.weight"].astype(np.float32))
    (made,) = evaluate(network, {"x": np.ones((1, 2, 4, 4), np.float32)}).values()
    assert np.isfinite(made).all()


def test_only_networks_are_taken(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="network: got str; it must be a Network"):
        atrous.load_weights("resnet50", tmp_path / "w.safetensors")  # type: ignore[arg-type]
