"""Figures of one layer: the arguments that the computation itself takes, and the steps of that computation."""

from __future__ import annotations

from atrous.figures.figure import Figure
from atrous.figures.scenes.convolution import convolution, numbers_of
from atrous.figures.scenes.pooling import MAXIMUM, MEAN, MEAN_WITH_PADDING, pooling
from atrous.figures.scenes.transposed import spreading, stretching, transposed_numbers
from atrous.figures.settings import Each, Pads, as_layer
from atrous.figures.style import LIGHT, Style, as_style


def conv(
    size: Each,
    *,
    kernel: Each,
    stride: Each = 1,
    padding: Pads = 0,
    dilation: Each = 1,
    channels: int = 1,
    filters: int = 1,
    groups: int = 1,
    numbers: bool = False,
    x: object = None,
    w: object = None,
    style: Style | str = LIGHT,
) -> Figure:
    """A convolution, one step for each output: the kernel on its inputs, the sum, and the output as it fills.

    ``size`` has 1 to 3 spatial axes; the other arguments are those of ``atrous.conv``. With ``numbers``, every element
    carries its number: small integers, or those of ``x`` (C, *size) and ``w`` (filters, C/groups, *kernel); axes of size
    one may be left out. Settings without output are refused with the nearest that work.

    >>> figure = conv((3, 5), kernel=3, padding=(2, 1), stride=2)
    >>> len(figure), figure.svg()[:4]
    (9, '<svg')
    >>> conv(4, kernel=2, x=(1, 2, 3, 4), w=(3, 2)).scenes[0].caption
    ('step 1 of 3: output 0', '1·3 + 2·2 = 7')
    """
    layer = as_layer(
        size,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        channels=channels,
        filters=filters,
        groups=groups,
    )
    shown = numbers_of(layer, x, w) if numbers or x is not None or w is not None else None
    return Figure("conv", convolution(layer, shown), as_style(style))


def conv_transpose(
    size: Each,
    *,
    kernel: Each,
    stride: Each = 1,
    padding: Pads = 0,
    output_padding: Each = 0,
    dilation: Each = 1,
    numbers: bool = False,
    x: object = None,
    w: object = None,
    style: Style | str = LIGHT,
) -> Figure:
    """A transposed convolution of one channel, one step for each input: it spreads the kernel over the output, which adds up.

    ``x`` (*size), ``w`` (*kernel). What padding cuts off is shown crossed out.

    >>> conv_transpose(2, kernel=2, stride=2, x=(1, 2), w=(3, 4)).scenes[-1].caption
    ('step 2 of 2: input 1 adds the kernel times 2 to the output',)
    """
    layer = as_layer(
        size,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        output_padding=output_padding,
        transposed=True,
    )
    shown = transposed_numbers(layer, x, w) if numbers or x is not None or w is not None else None
    return Figure("conv-transpose", spreading(layer, shown), as_style(style))


def conv_transpose_as_conv(
    size: Each,
    *,
    kernel: Each,
    stride: Each = 1,
    padding: Pads = 0,
    output_padding: Each = 0,
    dilation: Each = 1,
    channels: int = 1,
    filters: int = 1,
    groups: int = 1,
    numbers: bool = False,
    x: object = None,
    w: object = None,
    style: Style | str = LIGHT,
) -> Figure:
    """The same layer as the ordinary convolution that it equals: one step for each output, which reads the stretched input.

    ``x`` (C, *size), ``w`` (C, filters/groups, *kernel) as ``atrous.conv_transpose`` takes it; the figure flips it.

    >>> len(conv_transpose_as_conv(2, kernel=2, stride=2))
    4
    """
    layer = as_layer(
        size,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        output_padding=output_padding,
        channels=channels,
        filters=filters,
        groups=groups,
        transposed=True,
    )
    shown = transposed_numbers(layer, x, w) if numbers or x is not None or w is not None else None
    return Figure("conv-transpose-as-conv", stretching(layer, shown), as_style(style))


def max_pool(
    size: Each,
    *,
    kernel: Each,
    stride: Each | None = None,
    padding: Pads = 0,
    dilation: Each = 1,
    ceil: bool = False,
    x: object = None,
    style: Style | str = LIGHT,
) -> Figure:
    """Max pooling of one channel, one step for each output; ``stride`` is the kernel's size unless given. ``x`` (*size).

    >>> max_pool(4, kernel=2, x=(1, 5, 2, 2)).scenes[1].caption[1]
    'the largest of 2, 2 = 2'
    """
    by = kernel if stride is None else stride
    layer = as_layer(size, kernel=kernel, stride=by, dilation=dilation, padding=padding, ceil=ceil)
    return Figure("max-pool", pooling(layer, MAXIMUM, x), as_style(style))


def avg_pool(
    size: Each,
    *,
    kernel: Each,
    stride: Each | None = None,
    padding: Pads = 0,
    ceil: bool = False,
    count_include_pad: bool = False,
    x: object = None,
    style: Style | str = LIGHT,
) -> Figure:
    """Average pooling of one channel, one step for each output; ``stride`` is the kernel's size unless given. ``x`` (*size).

    >>> avg_pool(4, kernel=2, x=(1, 5, 2, 2)).scenes[0].caption[1]
    'the mean of 1, 5 = 3'
    """
    by = kernel if stride is None else stride
    layer = as_layer(size, kernel=kernel, stride=by, padding=padding, ceil=ceil)
    kind = MEAN_WITH_PADDING if count_include_pad else MEAN
    return Figure("avg-pool", pooling(layer, kind, x), as_style(style))
