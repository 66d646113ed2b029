"""What `atrous.figures` offers: one function for each kind of figure, with the arguments that the computation itself takes."""

from __future__ import annotations

from atrous.figures.convolution import convolution, numbers_of
from atrous.figures.figure import Figure
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
