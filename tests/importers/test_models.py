"""Whole models of others: the folder of trained networks beside the project, and the light ones of the onnx package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from atrous.graph.evaluate import evaluate
from atrous.graph.facts import infer_facts
from atrous.graph.network import Network
from atrous.graph.passes import op_counts, optimise, specialise
from atrous.importers import load, to_onnx

#: The folder ``shared/models`` beside the project's own folder, or above it.
ABOVE = [folder / "shared" / "models" for folder in Path(__file__).resolve().parents[3:]]
TRAINED = next((folder for folder in ABOVE if folder.is_dir()), ABOVE[0])
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1
OPTIONS.log_severity_level = 3

#: Parameters and MACs at the size of the row, counted by hand or published (VGG-19, ResNet-50 and AlexNet as in Caffe).
MODELS = [
    ("dncnn_s25.onnx", (2, 1, 21, 18), 556_032),
    ("subpixel_x3.onnx", (1, 1, 17, 12), 59_657),
    ("crepe_tiny.onnx", (2, 1024), 486_552),
    ("mnist.onnx", (1, 1, 28, 28), 5_994),
    ("ultraface_rfb320.onnx", (1, 3, 240, 320), 276_292),
]
LIGHT_PARAMETERS = {
    "bvlc_alexnet": 60_965_224,
    "densenet121": 8_062_504,
    "inception_v1": 6_998_552,
    "inception_v2": 11_214_888,
    "resnet50": 25_557_032,
    "shufflenet": 1_393_320,
    "squeezenet": 1_235_496,
    "vgg19": 143_667_240,
    "zfnet512": 87_250_536,
}


def trained(name: str) -> Path:
    path = TRAINED / name
    if not path.exists():
        pytest.skip(f"{path} is not there: the trained networks are not part of the project")
    return path


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    assert got.shape == wanted.shape
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize(("name", "shape", "parameters"), MODELS)
def test_a_trained_network_gives_what_onnx_runtime_gives(name: str, shape: tuple[int, ...], parameters: int) -> None:
    path = trained(name)
    network = load(path)
    assert network.parameters == parameters
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    fed = {next(iter(network.inputs)): x}
    wanted = onnxruntime.InferenceSession(str(path), OPTIONS).run(list(network.outputs), fed)
    exported = to_onnx(network)
    onnx.checker.check_model(exported, full_check=True)
    again = load(exported.SerializeToString())
    for each in (network, optimise(network), optimise(specialise(network, shape)), again):
        for got, y in zip(evaluate(each, fed).values(), wanted, strict=True):
            assert error(got, y) < 1e-5
    for model in (exported, to_onnx(optimise(specialise(network, shape)))):
        outputs = onnxruntime.InferenceSession(model.SerializeToString(), OPTIONS).run(None, fed)
        assert all(error(got, y) < 1e-5 for got, y in zip(outputs, wanted, strict=True))


@pytest.mark.parametrize("name", LIGHT_PARAMETERS)
def test_light_networks_are_read_specialised_and_counted(name: str) -> None:
    network = load(LIGHT / f"light_{name}.onnx")
    assert network.parameters == LIGHT_PARAMETERS[name]
    ready = optimise(specialise(network))
    facts = infer_facts(ready, ready.inputs)
    with open(LIGHT / f"light_{name}_output_0.pb", "rb") as file:
        wanted = onnx.TensorProto.FromString(file.read())
    assert facts[ready.outputs[0]].sizes == tuple(wanted.dims)
    gone = {"BatchNorm", "Shape", "Gather", "Identity", "Unsqueeze", "ConstantOfShape", "MatMul"}
    assert not gone & set(op_counts(ready))


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet"])
def test_light_networks_give_their_expected_output(name: str) -> None:
    network = load(LIGHT / f"light_{name}.onnx")
    with open(LIGHT / f"light_{name}_output_0.pb", "rb") as file:
        wanted = numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))
    # the input that the package's own runner feeds them
    count = int(np.prod(network.inputs[next(iter(network.inputs))].sizes))
    shape = network.inputs[next(iter(network.inputs))].sizes
    x = (np.arange(count).reshape(shape) / count).astype(np.float32)
    for each in (network, optimise(network)):
        assert error(next(iter(evaluate(each, {next(iter(network.inputs)): x}).values())), wanted) < 1e-5


def test_symbolic_sizes_stay_symbolic() -> None:
    network = load(trained("dncnn_s25.onnx"))
    assert network.inputs["noisy"].shape == ("batch", 1, "height", "width")
    value = to_onnx(network).graph.input[0]
    assert [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] == ["batch", 1, "height", "width"]


def test_shape_arithmetic_of_ultraface_folds() -> None:
    network: Network = load(trained("ultraface_rfb320.onnx"))
    counts = op_counts(optimise(specialise(network)))
    assert counts["Conv"] == 52
    assert not {"Shape", "Gather", "BatchNorm", "Unsqueeze"} & set(counts)
