"""A network of ours as calls of PyTorch's functions, node by node: what a person would write with ``torch.nn.functional``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, singledispatch
from typing import Any

import atrous
from atrous.bench.arrays import normal
from atrous.bench.networks import shaped
from atrous.bench.peers.torch import convolution
from atrous.bench.tasks import NetworkTask
from atrous.errors import UnsupportedError
from atrous.geometry import TransposedWindow, Window
from atrous.graph import layers as L
from atrous.graph.fact import Fact
from atrous.graph.facts import moving
from atrous.graph.layer import Layer
from atrous.graph.passes.precision import cast_network
from atrous.problem import Problem

#: A node as a function of tensors.
Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One node: its function, the places of its operands, and the place of its result."""

    function: Function
    operands: tuple[str, ...]
    result: str
    #: Values that no later step reads.
    done: tuple[str, ...] = ()


def walk(task: NetworkTask, dtype: str, near: bool) -> tuple[Callable[..., tuple[Any, ...]], list[Any]]:
    """The function of the inputs, and the inputs; ``near`` puts maps and weights into channels-last."""
    import torch

    network = atrous.load(task.path)
    facts = shaped(network, tuple(shape for _, shape in task.shapes))
    inputs = [torch.from_numpy(normal(shape, "float32", task.seed + i)) for i, (_, shape) in enumerate(task.shapes)]
    if dtype != "float32":
        network = cast_network(network, dtype)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in network.constants.items()}
    live, steps = moving(network, facts), []
    for node in network.nodes:
        operands = [facts[name] for name in node.inputs]
        if node.output in live:
            steps.append(Step(function_of(node.layer, facts[node.output], *operands), node.inputs, node.output))
        else:
            made = facts[node.output].value
            tensors[node.output] = torch.from_numpy(made if made is not None else _evaluated(node.layer, node.inputs, tensors))
    steps = _forgetful(steps, network.outputs)
    inputs = [tensor.to(getattr(torch, dtype)) for tensor in inputs]
    if near:
        inputs, tensors = [_near(each) for each in inputs], {name: _near(each) for name, each in tensors.items()}
    return partial(_run, steps, tensors, tuple(network.inputs), network.outputs), inputs


def _evaluated(layer: Layer, inputs: Sequence[str], tensors: dict[str, Any]) -> Any:
    """A value that depends on constants alone."""
    return layer.evaluate(*(tensors[name].numpy() for name in inputs))


def _run(steps: Sequence[Step], tensors: dict[str, Any], names: tuple[str, ...], outputs: Sequence[str], *inputs: Any) -> Any:
    values = {**tensors, **dict(zip(names, inputs, strict=True))}
    for step in steps:
        values[step.result] = step.function(*[values[name] for name in step.operands])
        for name in step.done:
            del values[name]
    return tuple(values[name] for name in outputs)


def _forgetful(steps: Sequence[Step], outputs: Sequence[str]) -> list[Step]:
    """The steps with the last use of each value marked, so that memory is given back as Python's names do."""
    last = {name: i for i, step in enumerate(steps) for name in step.operands}
    made = {step.result for step in steps} - set(outputs)
    return [
        Step(
            step.function,
            step.operands,
            step.result,
            tuple(name for name in dict.fromkeys(step.operands) if name in made and last[name] == i),
        )
        for i, step in enumerate(steps)
    ]


def _near(tensor: Any) -> Any:
    """In channels-last, where PyTorch has it."""
    import torch

    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.to(memory_format=layouts[tensor.dim()]) if tensor.dim() in layouts else tensor


#: Layers that are a function of PyTorch as they stand, found in the module that is handed over.
PLAIN: dict[type[Layer], Callable[[Any], Function]] = {
    L.Add: lambda torch: torch.add,
    L.Sub: lambda torch: torch.sub,
    L.Mul: lambda torch: torch.mul,
    L.Div: lambda torch: torch.div,
    L.Maximum: lambda torch: torch.maximum,
    L.Minimum: lambda torch: torch.minimum,
    L.Relu: lambda torch: torch.relu,
    L.Sigmoid: lambda torch: torch.sigmoid,
    L.Tanh: lambda torch: torch.tanh,
    L.HardSwish: lambda torch: torch.nn.functional.hardswish,
    L.Softplus: lambda torch: torch.nn.functional.softplus,
    L.Exp: lambda torch: torch.exp,
    L.Sqrt: lambda torch: torch.sqrt,
    L.Identity: lambda torch: torch.nn.Identity(),
    L.Linear: lambda torch: torch.nn.functional.linear,
    L.MatMul: lambda torch: torch.matmul,
}


@singledispatch
def function_of(layer: Layer, result: Fact, *operands: Fact) -> Function:
    """The function of a layer on operands with these facts."""
    import torch

    if type(layer) not in PLAIN:
        raise UnsupportedError(f"the walk over PyTorch's functions has no {layer!r}")
    return PLAIN[type(layer)](torch)


@function_of.register
def _(layer: L.Conv, result: Fact, *operands: Fact) -> Function:
    return _convolution(layer, False, layer.windows(operands[0].sizes[2:]), (0,) * len(layer.kernel), result, *operands)


@function_of.register
def _(layer: L.ConvTranspose, result: Fact, *operands: Fact) -> Function:
    return _convolution(layer, True, layer.windows(operands[0].sizes[2:]), layer.output_padding, result, *operands)


def _convolution(
    layer: L.Conv | L.ConvTranspose,
    transposed: bool,
    windows: Sequence[Window | TransposedWindow],
    extra: tuple[int, ...],
    result: Fact,
    *operands: Fact,
) -> Function:
    batch, channels, *space = operands[0].sizes
    problem = Problem(
        *(batch, channels, tuple(space), result.sizes[1], layer.kernel, layer.strides, layer.dilations),
        tuple((window.pad_lo, window.pad_hi) for window in windows),
        groups=layer.groups,
        bias=len(operands) > 2,
        transposed=transposed,
        output_padding=extra if transposed else (),
    )
    convolve = convolution(problem)
    return lambda x, w, bias=None: convolve(x, w, bias)


@function_of.register
def _(layer: L.BatchNorm, result: Fact, *operands: Fact) -> Function:
    from torch.nn import functional as F

    return lambda x, scale, bias, mean, var: F.batch_norm(x, mean, var, scale, bias, eps=layer.epsilon)


@function_of.register
def _(layer: L.Clip, result: Fact, *operands: Fact) -> Function:
    import torch

    return lambda x: torch.clamp(x, layer.low, layer.high)


@function_of.register
def _(layer: L.LeakyRelu, result: Fact, *operands: Fact) -> Function:
    from torch.nn import functional as F

    return lambda x: F.leaky_relu(x, layer.alpha)


@function_of.register
def _(layer: L.Concat, result: Fact, *operands: Fact) -> Function:
    import torch

    return lambda *maps: torch.cat(maps, layer.axis)


@function_of.register
def _(layer: L.Transpose, result: Fact, *operands: Fact) -> Function:
    order = layer.order(operands[0].rank)
    return lambda x: x.permute(order)


@function_of.register
def _(layer: L.Reshaping, result: Fact, *operands: Fact) -> Function:
    return lambda x, *shape: x.reshape(result.sizes)


@function_of.register
def _(layer: L.Slice, result: Fact, *operands: Fact) -> Function:
    taken = [slice(each.start, each.stop, each.step) for each in layer.ranges(*operands)]
    if any(each.step < 0 for each in taken):
        raise UnsupportedError("PyTorch slices no axis backwards")
    return lambda x, *ranges: x[tuple(taken)]


@function_of.register
def _(layer: L.Softmax, result: Fact, *operands: Fact) -> Function:
    import torch

    axes = layer.axes(operands[0].rank)
    if len(axes) == 1:
        return lambda x: torch.softmax(x, axes[0])
    return lambda x: torch.softmax(x.flatten(axes[0], axes[-1]), axes[0]).reshape(result.sizes)


@function_of.register
def _(layer: L.ReduceMean, result: Fact, *operands: Fact) -> Function:
    axes = layer.reduced(operands[0].rank)
    return lambda x: x.mean(axes, keepdim=layer.keepdims)


@function_of.register
def _(layer: L.DepthToSpace, result: Fact, *operands: Fact) -> Function:
    from torch.nn import functional as F

    if layer.mode != "CRD" or operands[0].rank != 4:
        raise UnsupportedError(f"PyTorch has no {layer!r} of {operands[0]!r}")
    return lambda x: F.pixel_shuffle(x, layer.block)


@function_of.register
def _(layer: L.LRN, result: Fact, *operands: Fact) -> Function:
    from torch.nn import functional as F

    return lambda x: F.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.bias)


def _pool(layer: L.MaxPool | L.AveragePool, x: Fact, result: Fact) -> tuple[tuple[int, ...] | None, list[int]]:
    """The padding of both ends if PyTorch pools so, and the frame that has to be put around the signal otherwise."""
    windows, sizes = layer.windows(x.sizes[2:]), list(zip(x.sizes[2:], result.sizes[2:], strict=True))
    used = [(out - 1) * window.stride + window.extent - n for window, (n, out) in zip(windows, sizes, strict=True)]
    low = tuple(window.pad_lo for window in windows)
    even = all(
        0 <= 2 * window.pad_lo <= window.kernel and (n + 2 * window.pad_lo - window.extent) // window.stride + 1 == out
        for window, (n, out) in zip(windows, sizes, strict=True)
    )
    frame = [side for lo, total in reversed(list(zip(low, used, strict=True))) for side in (lo, total - lo)]
    return (low if even else None), frame


@function_of.register
def _(layer: L.MaxPool, result: Fact, *operands: Fact) -> Function:
    from torch.nn import functional as F

    pool: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(layer.kernel) - 1]
    low, frame = _pool(layer, operands[0], result)
    if low is not None:
        return lambda x: pool(x, layer.kernel, layer.strides, low, layer.dilations)
    padded = partial(F.pad, pad=frame, value=float("-inf"))
    return lambda x: pool(padded(x), layer.kernel, layer.strides, 0, layer.dilations)


@function_of.register
def _(layer: L.AveragePool, result: Fact, *operands: Fact) -> Function:
    import torch
    from torch.nn import functional as F

    pool: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(layer.kernel) - 1]
    low, frame = _pool(layer, operands[0], result)
    if any(dilation != 1 for dilation in layer.dilations):
        raise UnsupportedError("PyTorch has no dilated average pool")
    if low is not None:
        return lambda x: pool(x, layer.kernel, layer.strides, low, count_include_pad=layer.count_include_pad)
    if layer.count_include_pad:
        raise UnsupportedError("PyTorch has no average pool that counts an uneven padding")
    counts = pool(F.pad(torch.ones(1, 1, *operands[0].sizes[2:]), frame), layer.kernel, layer.strides)
    return lambda x: pool(F.pad(x, frame), layer.kernel, layer.strides) / counts
