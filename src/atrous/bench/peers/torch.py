"""PyTorch on the CPU: eager on both layouts, and ``torch.compile`` with frozen weights; and in float64 as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from atrous.bench.arrays import Operands
from atrous.bench.tasks import LayerTask, NetworkTask, Ready
from atrous.errors import UnsupportedError
from atrous.problem import Problem


def eager(task: LayerTask) -> Ready:
    """PyTorch's default: eager, channels first."""
    _start(task.threads)
    return _ready(*_convolution(task.problem, task.operands()))


def eager_channels_last(task: LayerTask) -> Ready:
    """Eager, with signal and weights in channels-last already."""
    torch = _start(task.threads)
    problem = task.problem
    if problem.axes == 1:
        raise UnsupportedError("PyTorch has no channels-last layout for one spatial axis")
    layout = torch.channels_last if problem.axes == 2 else torch.channels_last_3d
    function, (x, w, bias) = _convolution(problem, task.operands())
    return _ready(function, (x.to(memory_format=layout), w.to(memory_format=layout), bias))


def compiled(task: LayerTask) -> Ready:
    """``torch.compile`` with its weights frozen, so that it may pack them beforehand."""
    torch = _start(task.threads)
    import torch._inductor.config as settings

    settings.freezing = True
    settings.compile_threads = 1  # no helper processes: they would run on after a time limit
    torch._dynamo.reset()
    function, (x, w, bias) = _convolution(task.problem, task.operands())
    module = torch.nn.Module()
    module.w = torch.nn.Parameter(w, requires_grad=False)
    module.bias = None if bias is None else torch.nn.Parameter(bias, requires_grad=False)
    module.forward = lambda x: function(x, module.w, module.bias)
    return _ready(torch.compile(module.eval()), (x,))


def exact(task: LayerTask) -> Ready:
    """The layer in float64, on the numbers that the others get."""
    _start(task.threads)
    function, operands = _convolution(task.problem, task.operands())
    double = tuple(None if each is None else each.double() for each in operands)
    result = function(*double).numpy()
    return Ready(lambda: result, lambda: (result,))


def network(task: NetworkTask) -> Ready:
    """The network as a walk over PyTorch's functions, channels first."""
    return _network(task, task.dtype, near=False)


def network_channels_last(task: NetworkTask) -> Ready:
    """The same walk with maps and weights in channels-last; the input is given so."""
    return _network(task, task.dtype, near=True)


def exact_network(task: NetworkTask) -> Ready:
    """The same walk in float64."""
    return _network(task, "float64", near=False)


def _network(task: NetworkTask, dtype: str, near: bool) -> Ready:
    torch = _start(task.threads)
    from atrous.bench.peers.torch_walk import walk

    function, inputs = walk(task, dtype, near)
    last: list[Any] = []

    def call() -> None:
        with torch.inference_mode():
            last[:] = [function(*inputs)]

    return Ready(call, lambda: tuple(each.contiguous().numpy() for each in last[0]))


def _start(threads: int) -> Any:
    import torch

    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    torch.set_grad_enabled(False)
    return torch


def _ready(function: Callable[..., Any], operands: tuple[Any, ...]) -> Ready:
    import torch

    last: list[Any] = []

    def call() -> None:
        with torch.inference_mode():
            last[:] = [function(*operands)]

    return Ready(call, lambda: (last[0].contiguous().numpy(),))


def _convolution(problem: Problem, given: Operands) -> tuple[Callable[..., Any], tuple[Any, Any, Any]]:
    """The function of (x, w, bias), and those as tensors."""
    import torch

    bias = None if given.bias is None else torch.from_numpy(given.bias)
    tensors = (torch.from_numpy(given.x), torch.from_numpy(given.w), bias)
    return convolution(problem), tensors


def convolution(problem: Problem) -> Callable[..., Any]:
    """The function of (x, w, bias) that computes a problem."""
    return (_transposed if problem.transposed else _ordinary)(problem)


def _ordinary(problem: Problem) -> Callable[..., Any]:
    from torch.nn import functional as F

    conv: Any = (F.conv1d, F.conv2d, F.conv3d)[problem.axes - 1]
    options = {"stride": problem.strides, "dilation": problem.dilations, "groups": problem.groups}
    if all(lo == hi >= 0 for lo, hi in problem.pads):
        pads = tuple(lo for lo, _ in problem.pads)
        return lambda x, w, bias: conv(x, w, bias, padding=pads, **options)
    frame = [side for pair in reversed(problem.pads) for side in pair]
    return lambda x, w, bias: conv(F.pad(x, frame), w, bias, **options)


def _transposed(problem: Problem) -> Callable[..., Any]:
    """PyTorch crops both ends alike: what is uneven is cropped behind."""
    from torch.nn import functional as F

    conv: Any = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[problem.axes - 1]
    options = {
        "stride": problem.strides,
        "padding": tuple(min(pair) for pair in problem.pads),
        "output_padding": problem.output_padding,
        "dilation": problem.dilations,
        "groups": problem.groups,
    }
    if any(min(pair) < 0 for pair in problem.pads):
        raise UnsupportedError("PyTorch's transposed convolutions have no padding below zero")
    crops = tuple(slice(lo - min(lo, hi), None if lo >= hi else lo - hi) for lo, hi in problem.pads)
    if all(lo == hi for lo, hi in problem.pads):
        return lambda x, w, bias: conv(x, w, bias, **options)
    return lambda x, w, bias: conv(x, w, bias, **options)[(..., *crops)]
