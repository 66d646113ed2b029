"""How numbers and sizes are written in figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def sizes(values: Iterable[object]) -> str:
    """Sizes as the field writes them.

    >>> sizes((3, 224, 224))
    '3×224×224'
    """
    return "×".join(map(str, values))


def each(values: Sequence[object]) -> str:
    """One value where all axes agree, otherwise one for each.

    >>> each((2, 2)), each((2, 1))
    ('2', '(2, 1)')
    """
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"


def number(value: float) -> str:
    """A number short enough for a cell: whole ones in full, others with three digits.

    >>> number(7.0), number(-2.0), number(0.33333)
    ('7', '−2', '0.333')
    """
    text = str(int(value)) if float(value).is_integer() and abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")


def product(left: float, right: float) -> str:
    """One term of a sum, negative factors in brackets.

    >>> product(3, -2)
    '3·(−2)'
    """
    return "·".join(map(bracketed, (left, right)))


def bracketed(value: float) -> str:
    """A number inside a sum or a product: in brackets if it is negative.

    >>> bracketed(-2.0)
    '(−2)'
    """
    return f"({number(value)})" if value < 0 else number(value)


def bytes_text(count: int) -> str:
    """Bytes in the largest decimal unit that leaves at least one.

    >>> bytes_text(154_618_822_656), bytes_text(324)
    ('154.6 GB', '324 B')
    """
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def shortened(name: str, most: int = 18) -> str:
    """A name of at most so many letters, the middle left out.

    >>> shortened("features.denseblock4.conv16", 12)
    'featu…conv16'
    """
    return name if len(name) <= most else f"{name[: (most - 1) // 2]}…{name[len(name) - most // 2 :]}"
