"""Second opinions: the same problem by the definitions (``reference``) and by PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from atrous import reference
from atrous.problem import Problem

torch.set_num_threads(1)  # problems are small; two cores would spend their time on waiting for each other

Array = np.ndarray[Any, np.dtype[Any]]

_CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_CONV_TRANSPOSE = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def by_definition(problem: Problem, x: Array, w: Array, bias: Array | None) -> Array:
    """The problem's result in float64, from the definition."""
    if problem.transposed:
        return reference.conv_transpose(x, w, bias, problem.transposed_windows, problem.groups)
    return reference.conv(x, w, bias, problem.windows, problem.groups)


def by_torch(problem: Problem, x: Array, w: Array, bias: Array | None) -> Array:
    """The problem's result in float64 by PyTorch, uneven padding as a pad (or a crop) of its own."""
    tx, tw = torch.from_numpy(x.astype(np.float64)), torch.from_numpy(w.astype(np.float64))
    tb = None if bias is None else torch.from_numpy(bias.astype(np.float64))
    ends = [end for pair in reversed(problem.pads) for end in pair]
    if not problem.transposed:
        padded = functional.pad(tx, ends)
        y = _CONV[problem.axes](padded, tw, tb, problem.strides, 0, problem.dilations, problem.groups)
        return y.numpy()
    y = _CONV_TRANSPOSE[problem.axes](tx, tw, None, problem.strides, 0, 0, problem.groups, problem.dilations)
    extra = [end for pair in zip((0,) * problem.axes, reversed(problem.output_padding), strict=True) for end in pair]
    cut = functional.pad(y, [more - pad for more, pad in zip(extra, ends, strict=True)])
    return (cut if tb is None else cut + tb.reshape(-1, *(1,) * problem.axes)).numpy()
