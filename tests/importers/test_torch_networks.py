"""The built-in networks written in PyTorch: ``from_torch`` and ``load_weights`` give PyTorch's results on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import atrous
from atrous.graph.fact import Array
from atrous.graph.networks import NETWORKS
from tests.importers.test_weights import saved
from tests.importers.torch_networks.cases import CASES, example, plain, trained

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning:torch")

#: Whose built-in form takes seconds to draw.
HEAVY = ("alexnet", "vgg16", "c3d", "front_end", "resnet101", "unet", "unet_padded", "unet3d")
#: Whose many different layers take long to compile; thin forms have as many.
MANY = ("resnet34", "resnet50", "resnet101", "squeezenet1_0", "densenet121", "convnext_tiny", "mobilenet_v2", "hifigan")
THINNED = [name for name, case in CASES.items() if case.thin]


def marked(names: Iterable[str], slow: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.slow] if name in slow else []) for name in names]


def agree(made: Array, expected: torch.Tensor) -> None:
    """Within 1e-5 of the largest output; and outputs differ, so that a result that lost its input would not pass."""
    wanted = expected.numpy()
    assert (made.dtype, made.shape) == (wanted.dtype, wanted.shape)
    assert wanted.std() > 0
    assert np.abs(made - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_every_built_in_network_is_here() -> None:
    assert list(CASES) == list(NETWORKS)


@pytest.mark.parametrize("name", marked(CASES, HEAVY))
def test_parameters_are_those_of_the_built_in_network(name: str) -> None:
    with torch.device("meta"):
        module = plain(CASES[name].make())
    assert sum(parameter.numel() for parameter in module.parameters()) == NETWORKS[name]().parameters


def run(name: str, thin: bool) -> None:
    case = CASES[name]
    module, x = trained(case, thin), example(case, thin)
    with torch.no_grad():
        expected = module(x)
        assert (module(x * 0.5) - expected).abs().max() > 1e-3 * expected.abs().max()  # the input matters
    agree(atrous.from_torch(module, x).compile(threads=2)(x.numpy()), expected)


@pytest.mark.parametrize("name", marked(CASES, MANY))
def test_from_torch_gives_the_result_of_pytorch(name: str) -> None:
    run(name, thin=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", THINNED)
def test_from_torch_gives_the_result_of_pytorch_at_full_width(name: str) -> None:
    run(name, thin=False)


@pytest.mark.parametrize("name", marked(CASES, (*MANY, *(name for name, case in CASES.items() if not case.shared))))
def test_weights_of_the_module_give_its_result_in_the_built_in_network(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    thin = case.shared
    module, x = plain(trained(case, thin)), example(case, thin)
    path = saved(tmp_path / "w.safetensors", {key: tensor.numpy() for key, tensor in module.state_dict().items()})
    network = atrous.load_weights(NETWORKS[name](**case.thin if thin else {}), path)
    with torch.no_grad():
        expected = module(x)
    agree(network.compile(threads=2)(x.numpy()), expected)


def test_the_code_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page.split("## From PyTorch")[1], re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, "networks.md", "exec"), names)
    with torch.no_grad():
        agree(names["result"], names["module"].eval()(names["image"]))
    shape = names["of_any_size"].compile()(np.zeros((3, 3, 20, 24), np.float32)).shape
    assert shape == (3, 8, 20, 24)
    assert Path("module.onnx").is_file()
