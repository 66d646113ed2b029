"""One bad call for each message: it names the argument, what was seen, the rule, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import atrous
from atrous.engine import compile_network, set_num_threads
from atrous.engine.arrays import as_array
from atrous.errors import ArgumentError
from atrous.graph.layers.arithmetic import Add
from tests.engine.running import same_bits

RNG = np.random.default_rng(0)
X = RNG.standard_normal((1, 4, 6, 7)).astype("float32")
W = RNG.standard_normal((6, 4, 3, 3)).astype("float32")
WT = RNG.standard_normal((4, 6, 3, 3)).astype("float32")
BIAS = np.zeros(6, "float32")


def conv(x: Any = X, w: Any = W, bias: Any = None, **arguments: Any) -> Any:
    return atrous.conv(x, w, bias, **arguments)


def transpose(x: Any = X, w: Any = WT, bias: Any = None, **arguments: Any) -> Any:
    return atrous.conv_transpose(x, w, bias, **arguments)


def refused(message: str, call: Callable[..., Any], *operands: Any, **arguments: Any) -> None:
    """The call raises exactly this."""
    with pytest.raises(ArgumentError, match=re.escape(message) + "$"):
        call(*operands, **arguments)


HUGE = 2**70
OVERFLOW = "integer overflow of sizes; at most 2**62 is possible, use smaller sizes"


@pytest.mark.parametrize("call", [conv, transpose])
@pytest.mark.parametrize("name", ["stride", "dilation"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "got 0; it must be at least 1"),
        (-1, "got -1; it must be at least 1"),
        ((1, 0), "got 0; it must be at least 1"),
        (1.5, "got 1.5; it must be an integer"),
        (True, "got True; it must be an integer"),
        (None, "got None; it must be an integer"),
        ("a", "got 'a'; it must be an integer, or one for each of the 2 spatial axes"),
        ((1, 2, 3), "got (1, 2, 3) for 2 spatial axes; give one integer for all, or 2 of them"),
        (HUGE, f"got {HUGE}: {OVERFLOW}"),
    ],
)
def test_stride_and_dilation(call: Callable[..., Any], name: str, value: Any, message: str) -> None:
    refused(f"{name}: {message}", call, **{name: value})


@pytest.mark.parametrize("call", [conv, transpose])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "got -1; it must be at least 0"),
        (1.0, "got 1.0; it must be an integer"),
        (None, "got None; it must be an integer"),
        ("sme", 'got \'sme\'; it must be an integer, one per axis, (low, high) pairs, "valid" or "same"'),
        ((1, 2, 3), "got 3 entries for 2 spatial axes; give one integer, or 2 integers or (low, high) pairs"),
        (((1, 2, 3), 1), "got (1, 2, 3) for one axis; it must be an integer or a (low, high) pair"),
        (HUGE, f"got {HUGE}: {OVERFLOW}"),
    ],
)
def test_padding(call: Callable[..., Any], value: Any, message: str) -> None:
    refused(f"padding: {message}", call, padding=value)


def test_padding_of_one_axis() -> None:
    message = "padding: got 2 entries for 1 spatial axes; give one integer, or 1 integers or (low, high) pairs"
    refused(f"{message}; for one axis write ((low, high),)", atrous.conv, X[..., 0], W[..., 0], padding=(1, 2))


@pytest.mark.parametrize(
    ("call", "value", "message"),
    [
        (conv, 0, "got 0; it must be at least 1"),
        (transpose, -1, "got -1; it must be at least 1"),
        (conv, 1.0, "got 1.0; it must be an integer"),
        (transpose, "2", "got '2'; it must be an integer"),
        (conv, 4, "got 4; it must divide the 6 output channels of w, (6, 4, 3, 3)"),
        (transpose, 3, "got 3; it must divide the 4 input channels of w, (4, 6, 3, 3)"),
    ],
)
def test_groups(call: Callable[..., Any], value: Any, message: str) -> None:
    refused(f"groups: {message}", call, groups=value)


def test_channels() -> None:
    taken = "; w of shape (6, 4, 3, 3) with its groups takes"
    refused(f"x: got shape (1, 3, 6, 7) with 3 channels{taken} 4", conv, X[:, :3])
    refused(f"x: got shape (1, 4, 6, 7) with 4 channels{taken} 12", conv, groups=3)
    refused("x: got shape (1, 3, 6, 7) with 3 channels; w of shape (4, 6, 3, 3) with its groups takes 4", transpose, X[:, :3])
    refused(f"x: got shape (1, 2, 6, 7) with 2 channels{taken} 4", atrous.Conv(W), X[:, :2])


def test_kernel_larger_than_the_padded_input() -> None:
    remedy = "take a smaller kernel or dilation, more padding, or a larger input"
    one = "spatial axis 0: no output: the window spans 3 (kernel 3, dilation 1) but the padded input has 2"
    refused(
        f"x with shape (1, 4, 2, 7): node 'conv' (Conv): {one} (2 and padding 0 before, 0 after); {remedy}; "
        "the nearest that work: kernel 2, padding 1 at both ends, an input of 3",
        conv,
        X[:, :, :2],
    )
    two = "spatial axis 1: no output: the window spans 11 (kernel 3, dilation 5) but the padded input has 10"
    message = f"x with shape (1, 4, 6, 7): node 'conv' (Conv): {two} (7 and padding 1 before, 2 after); {remedy}"
    message += "; the nearest that work: kernel 2, dilation 4, padding 2 at both ends, an input of 8"
    refused(message, conv, dilation=(1, 5), padding=(0, (1, 2)))
    cut = "spatial axis 0: no output: 6 inputs reach 8 outputs and the padding cuts 40 of them off"
    message = f"x with shape (1, 4, 6, 7): node 'conv' (ConvTranspose): {cut}; give less padding or a larger input"
    message += "; the nearest that work: padding 3 at both ends, an input of 39"
    refused(message, transpose, padding=20)
    pool = "spatial axis 0: no output: the window spans 8 (kernel 8, dilation 1) but the padded input has 6"
    for name, call in (("MaxPool", atrous.max_pool), ("AveragePool", atrous.avg_pool)):
        message = f"x with shape (1, 4, 6, 7): node 'pool' ({name}): {pool} (6 and padding 0 before, 0 after); {remedy}"
        message += "; the nearest that work: kernel 6, padding 1 at both ends, an input of 8"
        refused(message, call, X, 8)


def test_output_padding() -> None:
    refused("output_padding: got -1; it must be at least 0", transpose, output_padding=-1)
    refused("output_padding: got 2.5; it must be an integer", transpose, output_padding=2.5)
    message = "output_padding: got 2 with stride 2 and dilation 1; it must be below one of them"
    refused(message, transpose, stride=2, output_padding=(1, 2))


def test_types_that_do_not_agree() -> None:
    refused("x: got float64, expected float32; convert it with .astype('float32')", conv, X.astype("float64"))
    refused("bias: got float64, expected float32; convert it with .astype('float32')", conv, bias=BIAS.astype("float64"))
    refused("x: got int32; convert it with .astype('float32') or .astype('float64')", conv, X.astype("int32"))
    refused("w: got float16; convert it with .astype('float32') or .astype('float64')", conv, w=W.astype("float16"))
    refused("x: got uint8; convert it with .astype('float32') or .astype('float64')", atrous.max_pool, X.astype("uint8"), 2)


def test_what_is_no_array_of_numbers() -> None:
    numbers = "it must hold numbers (float32 or float64)"
    refused(f"x: got an array of object; {numbers}", conv, X.astype(object))
    refused(f"x: got an array of complex64; {numbers}", conv, X.astype("complex64"))
    refused(f"x: got NoneType; {numbers}", conv, None)
    refused(f"w: got str; {numbers}", conv, w="weights")
    with pytest.raises(ArgumentError, match=r"x: this list cannot be read as an array of float32 or float64: .*inhomogeneous"):
        conv([[1.0, 2.0], [3.0]])
    with pytest.raises(ArgumentError, match=r"x: this Tensor cannot be read as an array of float32 or float64: .*detach"):
        conv(torch.from_numpy(X).requires_grad_())
    with pytest.raises(ArgumentError, match=r"x: this Tensor cannot be read as an array of float32 or float64: .*dtype"):
        conv(torch.from_numpy(X).bfloat16())
    masked = np.ma.masked_array(X, X > 0)
    refused("x: got a masked array, whose mask would be lost; fill it with .filled(number)", conv, masked)


def test_shapes() -> None:
    refused("x: got a 0-d array; a signal has axes (N, C, *space)", conv, np.float32(1))
    refused("x: got a 0-d array; a signal has axes (N, C, *space)", conv, 1.0)
    rule = "a signal is (N, C, *space) with 1, 2 or 3 spatial axes"
    refused(f"x: got shape (6, 7); {rule}", conv, X[0, 0])
    refused(f"x: got shape (1, 1, 1, 4, 6, 7); {rule}", atrous.max_pool, X[None, None], 2)
    refused("x: got shape (4, 6, 7); for w of shape (6, 4, 3, 3) it must have 4 axes, (N, C, *space)", conv, X[0])
    refused("w: got shape (3, 3); weights are (K, C/groups, *kernel) with 1, 2 or 3 kernel axes", conv, w=W[0, 0])
    refused("w: got shape (3,); weights are (C, K/groups, *kernel) with 1, 2 or 3 kernel axes", transpose, w=WT[0, 0, 0])
    for shape in ((0, 4, 6, 7), (1, 4, 6, 0)):
        empty = np.empty(shape, "float32")
        refused(f"x: got shape {shape} with no elements; every size must be at least 1", conv, empty)
    refused("w: got shape (0, 4, 3, 3) with no elements; every size must be at least 1", conv, w=W[:0])


def test_bias() -> None:
    refused("bias: got shape (5,); it must be (6,), a number for each output channel", conv, bias=BIAS[:5])
    refused("bias: got shape (1, 6); it must have 1 axis", conv, bias=BIAS[None])
    refused("bias: got shape (); it must have 1 axis", transpose, bias=np.float32(1))
    refused("bias: got shape (5,); it must be (6,), a number for each output channel", atrous.Conv, W, BIAS[:5])


def test_activation() -> None:
    names = "relu, sigmoid, tanh, leaky_relu, hard_swish, swish, gelu, elu, softplus"
    for value in ("rel", 5, []):
        refused(f"activation: got {value!r}; it must be one of {names}, or a pointwise layer", conv, activation=value)
    with pytest.raises(ArgumentError, match=r"node 'activation' \(Add\): got 1 operands; this layer takes 2"):
        conv(activation=Add())


@pytest.mark.parametrize("call", [atrous.max_pool, atrous.avg_pool])
def test_pools(call: Callable[..., Any]) -> None:
    refused("kernel: got 0; it must be at least 1", call, X, 0)
    refused("kernel: got -1; it must be at least 1", call, X, -1)
    refused("kernel: got 1.5; it must be an integer", call, X, 1.5)
    refused("kernel: got (1, 2, 3) for 2 spatial axes; give one integer for all, or 2 of them", call, X, (1, 2, 3))
    refused("stride: got 0; it must be at least 1", call, X, 2, stride=0)
    refused("dilation: got -2; it must be at least 1", call, X, 2, dilation=-2)
    refused("padding: got -1; it must be at least 0", call, X, 2, padding=-1)


def test_sizes_that_overflow() -> None:
    message = "x with shape (1, 4, 6, 7): node 'conv' (Conv): extent: got 9223372036854775809: " + OVERFLOW
    refused(message, conv, dilation=2**62)
    message = "x with shape (1, 4, 6, 7): node 'conv' (ConvTranspose): spatial axis 0: outputs: got 23058430092136939523: "
    refused(message + OVERFLOW, transpose, stride=2**62)
    message = "result: bytes of shape (1, 6, 2199023255556, 2199023255557): got 116056878683479389794992608: "
    refused(message + OVERFLOW, conv, padding=2**40)
    assert conv(stride=2**62).shape == (1, 6, 1, 1)
    assert transpose(X[..., :1, :1], w=WT[..., :2, :1], stride=2**40).shape == (1, 6, 2, 1)
    far = 2**61  # a tap so far away that only padding makes room for it
    assert np.array_equal(conv(w=W[..., :2, :2], dilation=far, padding=((far, 0), (far, 0))), conv(w=W[..., 1:2, 1:2]))


def test_out() -> None:
    shape = (1, 6, 4, 5)
    refused("out: got float32[1,6,1,1]; the result is float32[1,6,4,5]", conv, out=np.empty((1, 6, 1, 1), "float32"))
    refused("out: got float64[1,6,4,5]; the result is float32[1,6,4,5]", conv, out=np.empty(shape))
    refused("out: got >f4[1,6,4,5]; the result is float32[1,6,4,5]", conv, out=np.empty(shape, ">f4"))
    refused("out: got list; it must be a NumPy array, float32[1,6,4,5]", conv, out=[1.0])
    frozen = np.empty(shape, "float32")
    frozen.flags.writeable = False
    refused("out: the array is read-only; give one that can be written", conv, out=frozen)


def test_threads() -> None:
    rule = "it must be an integer from 1 to 1024 (leave it out for one a core)"
    for value in (0, -1, 1.5, True, "2", 2000):
        refused(f"threads: got {value!r}; {rule}", atrous.Conv, W, threads=value)
        refused(f"threads: got {value!r}; {rule}", set_num_threads, value)
        refused(f"threads: got {value!r}; {rule}", compile_network, atrous.networks.lenet(), threads=value)


def test_programs() -> None:
    refused("network: got str; read a model with atrous.load, or build a Network", compile_network, "model.onnx")
    run = compile_network(atrous.networks.dncnn())
    image = X[:, :1]
    refused("inputs: got 0 arrays; the network takes 1: noisy", run)
    refused("inputs: got 2 arrays; the network takes 1: noisy", run, image, image)
    refused("noisy: got float64, expected float32; convert it with .astype('float32')", run, image.astype("float64"))
    refused("noisy: got shape (1, 1, 0, 7) with no elements; every size must be at least 1", run, image[:, :, :0])
    start = "shapes: input 'noisy' is float32[N,1,H,W], got"
    refused(f"{start} (1, 4, 6, 7); fixed sizes must agree and be at least 1", run, X)
    refused(f"{start} (1, 6, 7); it needs 4 sizes", run, image[0])
    refused("out: got tuple; it must be a NumPy array, float32[1,1,6,7]", run, image, out=(np.empty_like(image),))


# -- what works ---------------------------------------------------------------------------------------------------------

PLAIN = conv(bias=BIAS)


def frozen(array: Any) -> Any:
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: a[..., ::-1].copy()[..., ::-1],
        frozen,
        memoryview,
        torch.from_numpy,
        lambda a: np.ma.masked_array(a),
    ],
    ids=["big-endian", "Fortran order", "every second", "backwards", "read-only", "buffer", "DLPack", "unmasked"],
)
def test_any_array_of_the_same_numbers_works(change: Callable[[Any], Any]) -> None:
    result = conv(change(X), change(W), change(BIAS))
    assert type(result) is np.ndarray
    assert same_bits(result, PLAIN)


def test_lists_take_the_type_of_the_array_beside_them() -> None:
    assert same_bits(conv(X.tolist(), W, BIAS.tolist()), PLAIN)
    assert same_bits(conv(X, W.tolist(), BIAS), PLAIN)
    assert conv(X.tolist(), W.tolist()).dtype == np.float64
    assert conv([[[[1, 2], [3, 4]]]], [[[[1]]]]).tolist() == [[[[1, 2], [3, 4]]]]
    assert atrous.max_pool([[[1, 5, 2, 4]]], 2).tolist() == [[[5, 4]]]


def test_dlpack_and_arrays_are_not_copied() -> None:
    tensor = torch.from_numpy(X.copy())
    assert as_array("x", tensor).ctypes.data == tensor.data_ptr()
    assert as_array("x", X) is X


def test_out_may_have_any_strides_or_be_the_input_itself() -> None:
    image, kernel = X[:, :1].copy(), W[:1, :1]
    expected = atrous.conv(image, kernel, padding=1)
    for out in (
        np.empty_like(expected),
        np.asfortranarray(np.empty_like(expected)),
        np.empty((1, 1, 12, 14), "float32")[:, :, ::2, ::-2],
        image,
    ):
        assert atrous.conv(image, kernel, padding=1, out=out) is out
        assert np.array_equal(out, expected)
    overlapping = np.concatenate([X[:, :1], X[:, :1]], axis=2)
    first, second = overlapping[:, :, :6], overlapping[:, :, 3:9]
    expected = atrous.conv(first, kernel, padding=1)
    atrous.conv(first, kernel, padding=1, out=second)
    assert np.array_equal(second, expected)
