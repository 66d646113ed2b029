"""PyTorch modules as networks give PyTorch's results."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import atrous
from atrous.errors import ArgumentError, UnsupportedError
from atrous.graph.layers import BatchNorm, Conv
from atrous.importers import to_onnx

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning:torch")
OPEN = torch.export.Dim.AUTO


class PoolAndBack(nn.Module):
    """Pools and unpools to the size that there was: as SegNet does (arXiv:1511.00561)."""

    def __init__(self, axes: int, **form: int) -> None:
        super().__init__()
        self.pool = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[axes - 1](return_indices=True, **form)
        self.back = (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d)[axes - 1](**form)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, indices = self.pool(x)
        return self.back(2 * y, indices, output_size=x.shape), indices


class Written(nn.Module):
    """A module that is a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *arguments: torch.Tensor) -> Any:
        return self.function(*arguments)


def signal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def agree(module: nn.Module, *arguments: torch.Tensor, **options: Any) -> None:
    """Our result is PyTorch's, within rounding, and of the same types and shapes."""
    module.eval()
    with torch.no_grad():
        expected = module(*(argument.clone() for argument in arguments))
    results = atrous.from_torch(module, arguments, **options).compile(threads=1)(*(a.numpy() for a in arguments))
    pairs = zip(results, expected, strict=True) if isinstance(expected, tuple) else [(results, expected)]
    for result, wanted in pairs:
        assert (result.dtype, result.shape) == (wanted.numpy().dtype, tuple(wanted.shape))
        np.testing.assert_allclose(result, wanted.numpy(), rtol=1e-4, atol=1e-5 * max(1.0, float(wanted.abs().max())))


X1, X2, X3 = signal(2, 4, 23), signal(2, 4, 13, 10), signal(1, 4, 6, 7, 8)

MODULES: list[tuple[nn.Module, torch.Tensor]] = [
    (nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2), X1),
    (nn.Conv1d(4, 6, 4, padding="same", dilation=3), X1),
    (nn.Conv2d(4, 6, (3, 2), padding="valid", groups=2, bias=False), X2),
    (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), X2),
    (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), X2),
    (nn.Conv3d(4, 2, 3, stride=(1, 2, 1), padding=(0, 1, 2)), X3),
    (nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1), X1),
    (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), X2),
    (nn.ConvTranspose3d(4, 2, 2, stride=2, bias=False), X3),
    (nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3)), X2),
    (nn.MaxPool1d(3, 2, 1), X1),
    (nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), X2),
    (nn.MaxPool2d(2, dilation=2, stride=1), X2),
    (nn.MaxPool3d(2), X3),
    (PoolAndBack(1, kernel_size=2), X1),
    (PoolAndBack(2, kernel_size=3, stride=2, padding=1), X2),
    (PoolAndBack(3, kernel_size=2), X3),
    (nn.AvgPool1d(3, 2, 1), X1),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False, ceil_mode=True), X2),
    (nn.AvgPool3d(2), X3),
    (nn.AdaptiveAvgPool1d(1), X1),
    (nn.AdaptiveAvgPool2d((13, 5)), X2),
    (nn.AdaptiveAvgPool2d((4, 3)), X2),
    (nn.AdaptiveMaxPool2d((4, 3)), X2),
    (nn.AdaptiveAvgPool3d(1), X3),
    (nn.BatchNorm1d(4), X1),
    (nn.BatchNorm2d(4, affine=False), X2),
    (nn.LayerNorm(10), X2),
    (nn.LayerNorm((13, 10), elementwise_affine=False), X2),
    (nn.LayerNorm(10, bias=False), X2),
    (nn.RMSNorm(10), X2),
    (nn.GroupNorm(2, 4), X2),
    (nn.GroupNorm(4, 4, affine=False), X3),
    (nn.InstanceNorm2d(4, affine=True), X2),
    (nn.InstanceNorm1d(4), X1),
    (nn.LogSoftmax(1), X2),
    (nn.Linear(10, 7), X2),
    (nn.Sequential(nn.Flatten(), nn.Linear(520, 3, bias=False)), X2),
    (nn.Softmax(1), X2),
    (nn.PReLU(), X2),
    (nn.PReLU(4), X2),
    (nn.Upsample(scale_factor=2), X1),
    (nn.Upsample(scale_factor=1.5, mode="nearest-exact"), X2),
    (nn.Upsample(scale_factor=2.5, mode="bilinear"), X2),
    (nn.Upsample(size=(20, 9), mode="bilinear", align_corners=True), X2),
    (nn.Upsample(size=(20, 9), mode="bicubic"), X2),
    (nn.Upsample(scale_factor=2, mode="trilinear"), X3),
    (nn.PixelShuffle(2), X2),
    (nn.PixelUnshuffle(2), signal(1, 3, 4, 6)),
    (nn.ChannelShuffle(2), X2),
    (nn.ReflectionPad2d((1, 2, 3, 0)), X2),
    (nn.ReplicationPad1d((2, 1)), X1),
    (nn.ZeroPad2d((1, -2, 0, 3)), X2),
    (nn.ConstantPad1d(2, 1.5), X1),
    (nn.Unflatten(1, (2, 2)), X2),
    (nn.Dropout(), X2),
    (nn.Dropout2d(), X2),
    (nn.GLU(1), X2),
]


@pytest.mark.parametrize(("module", "x"), MODULES, ids=[str(module).split("\n")[0][:60] for module, _ in MODULES])
def test_modules(module: nn.Module, x: torch.Tensor) -> None:
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean, part.running_var = signal(4), signal(4).abs() + 0.1  # type: ignore[assignment]
    agree(module, x)


ACTIVATIONS = [
    *(nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.Sigmoid(), nn.Hardsigmoid()),
    *(nn.Hardswish(), nn.Hardtanh(-0.3, 0.4), nn.SiLU(), nn.Tanh(), nn.Softplus(), nn.Softplus(2.0), nn.Softsign()),
    *(nn.GELU(), nn.GELU("tanh"), nn.Mish()),
]  # fmt: skip


@pytest.mark.parametrize("module", ACTIVATIONS, ids=str)
def test_activations(module: nn.Module) -> None:
    agree(module, X2)


FUNCTIONS: dict[str, Callable[[torch.Tensor], Any]] = {
    "elementary": lambda x: (
        x.exp() + x.abs().log() + x.abs().sqrt() + x.erf() + (x.abs() + 1).rsqrt() + x.square() + x.reciprocal()
    ),
    "rounding": lambda x: x.floor() + x.ceil() + x.round() + x.sign() - (-x),
    "sums": lambda x: torch.add(x, x * 2, alpha=0.5) - torch.sub(3, x, alpha=2) + torch.rsub(x, 1),
    "quotients": lambda x: x / 3 + 1 / (x.abs() + 1) + torch.div(x, 0.3, rounding_mode="floor"),
    "powers": lambda x: x.abs() ** 1.5 + x**2,
    "bounds": lambda x: x.clamp(min=-0.5) + x.clamp(max=0.1) + x.clamp(-1, 1) + torch.maximum(x, x * 2) + x.clamp(min=x * 0.3),
    "choice": lambda x: torch.where((x > 0) & ~(x > 1) | (x <= -1), x, x * 0.1),
    "types": lambda x: (x > 0).float() + x.double().to(torch.float32),
    "integers": lambda x: (x * 9).to(torch.int32),
    "a place and a step in place": lambda x: _written(x),
    "in place": lambda x: F.relu(x, inplace=True) + x,
    "a slice in place": lambda x: _added_to_a_slice(x),
    "parts": lambda x: torch.cat([*x.split(3, 2)[:2], x.chunk(4, 2)[3], x.narrow(2, 1, 2)], 2),
    "sizes of parts": lambda x: x.split([1, 2, 1], 1)[1],
    "several results": lambda x: (x.unbind(1)[2], x[:, 1:, ::2], x[..., -1]),
    "stacked": lambda x: torch.stack([x, x + 1], 2),
    "axes": lambda x: x.permute(0, 2, 3, 1).transpose(1, -1).unsqueeze(2).squeeze(2).squeeze(),
    "shapes": lambda x: x.reshape(2, -1, 5).view(2, 2, -1).flatten(1),
    "a flat middle": lambda x: x.flatten(1, 2),
    "copies": lambda x: x.repeat(2, 1, 1, 3) + x[:1, :1, :1, :1].expand(4, 4, 13, 30),
    "reductions": lambda x: (x.mean((2, 3)), x.sum(1, keepdim=True), x.amax((2, 3)), x.amin(-1), x.mean()),
    "places": lambda x: (x.argmax(1), x.argmin(-1, keepdim=True), x.argmax()),
    "norms": lambda x: F.normalize(x, dim=1) + x.norm(p=1, dim=1, keepdim=True),
    "products": lambda x: (
        x @ x.transpose(2, 3) + torch.bmm(x.flatten(0, 1), x.flatten(0, 1).transpose(1, 2)).view(2, 4, 13, 13)
    ),
    "new tensors": lambda x: x + torch.ones_like(x) + torch.zeros(2, 1, 1, 10),
    "the same twice": lambda x: (x.relu(), x, x),
    "gated": lambda x: torch.tanh(x[:, :2]) * torch.sigmoid(x[:, 2:]),
}


def _written(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 0] = 1.5
    y[:, :, 1::3] = x[:, :, 1::3].clone()
    return y


def _added_to_a_slice(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[:, 1:3] += 1
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    agree(Written(FUNCTIONS[name]), X2)


def test_several_inputs_and_shared_weights() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self.conv(x) - self.conv(y)

    module = Twins()
    agree(module, X2, X2 + 1)
    assert atrous.from_torch(module, (X2, X2)).parameters == 4 * 4 * 9 + 4


def test_open_sizes() -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 6, 3, stride=2, padding=1)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            y = self.conv(x)
            up = F.interpolate(y, size=x.shape[2:], mode="bilinear")
            return y.view(y.size(0), 6, -1), up + x.mean(1, keepdim=True)

    module = Encoder().eval()
    network = atrous.from_torch(module, X2, dynamic_shapes=({0: OPEN, 2: OPEN, 3: OPEN},))
    program = network.compile(threads=1)
    for shape in ((1, 4, 8, 9), (3, 4, 20, 16)):
        x = signal(*shape)
        for result, wanted in zip(program(x.numpy()), module(x), strict=True):
            np.testing.assert_allclose(result, wanted.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_layers_are_named_after_their_modules() -> None:
    module = nn.Sequential(nn.Sequential(nn.Conv2d(4, 8, 3, bias=False), nn.BatchNorm2d(8)), nn.ReLU())
    nodes = atrous.from_torch(module, X2).nodes
    assert [(node.name, type(node.layer)) for node in nodes][:2] == [("0.0", Conv), ("0.1", BatchNorm)]


def test_the_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Dropout().eval())
    weight = module[0].weight
    network = atrous.from_torch(module, X2)
    assert [part.training for part in module.modules()] == [True, True, False]
    before = network.constants["p_0_weight"].copy()
    with torch.no_grad():
        weight.zero_()
    np.testing.assert_array_equal(network.constants["p_0_weight"], before)


def test_sixteen_bit_weights_are_widened() -> None:
    module = nn.Conv2d(4, 4, 1).to(torch.bfloat16)
    with pytest.warns(UserWarning, match="2 tensors of 16-bit floats are widened to float32"):
        network = atrous.from_torch(module, X2.to(torch.bfloat16))
    assert {array.dtype for array in network.constants.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("form", "x"), [({"kernel_size": 2}, X2), ({"kernel_size": 2, "stride": 3}, signal(1, 2, 9, 9))])
def test_unpooling_to_a_size_is_written(form: dict[str, int], x: torch.Tensor) -> None:
    """ONNX says the size by the kernel; places count in the result, for ONNX Runtime too."""
    network = atrous.from_torch(PoolAndBack(2, **form), x)
    model = to_onnx(network).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    for ours, theirs in zip(
        network.compile()(x.numpy()), onnxruntime.InferenceSession(model, options).run(None, {"x": x.numpy()}), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    opened = atrous.from_torch(PoolAndBack(2, **form), torch.cat([x, x]), dynamic_shapes=({0: OPEN},))
    np.testing.assert_array_equal(opened.compile()(x.numpy())[0], network.compile()(x.numpy())[0])
    with pytest.raises(UnsupportedError, match="which ONNX cannot say for open sizes; specialise the network"):
        to_onnx(opened)


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"module: got int; give a torch\.nn\.Module"):
        atrous.from_torch(3, X2)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="example: give a tensor, or a tuple of tensors"):
        atrous.from_torch(nn.ReLU(), [3])
    with pytest.raises(UnsupportedError, match=r"PyTorch operators that atrous does not have: cumsum \(in 0\)"):
        atrous.from_torch(nn.Sequential(Written(lambda x: x.cumsum(1)), nn.ReLU()), X2)
    with pytest.raises(UnsupportedError, match=r"Written: torch\.export cannot export it: "):
        atrous.from_torch(Written(lambda x: x if x.sum() > 0 else -x), X2)
    with pytest.raises(UnsupportedError, match="divisor_override is not supported; scale the result instead"):
        atrous.from_torch(nn.AvgPool2d(2, divisor_override=3), X2)
    with pytest.raises(UnsupportedError, match="output 1 of it is read; atrous makes the first output only"):
        atrous.from_torch(nn.AdaptiveMaxPool2d(3, return_indices=True), X2)
    with pytest.raises(UnsupportedError, match="signals with a batch axis only; give one image as a batch of 1"):
        atrous.from_torch(nn.MaxPool2d(2, return_indices=True), X2[0])
    with pytest.raises(UnsupportedError, match="has an open size; export the module with a fixed one"):
        atrous.from_torch(nn.AdaptiveAvgPool2d(3), X2, dynamic_shapes=({2: OPEN},))
    with pytest.raises(UnsupportedError, match=r"input .arguments_0. is torch\.complex64"):
        atrous.from_torch(Written(lambda x: x.real), X2.to(torch.complex64))


def test_a_missing_pytorch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
        return real(name, *rest)

    for name in [name for name in sys.modules if name.startswith("atrous.importers.pytorch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with warnings.catch_warnings(), pytest.raises(UnsupportedError, match=r"pip install 'atrous\[torch\]'"):
        getattr(atrous.importers, "from_torch")  # noqa: B009
