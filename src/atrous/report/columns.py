"""The columns that a table of layers can have, and which of them fit a width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from atrous.errors import ArgumentError
from atrous.report.coverage import AxisCoverage
from atrous.report.figure import Figure, Status
from atrous.report.polynomial import Polynomial
from atrous.report.receptive import Field
from atrous.report.report import Row

#: What stands for a value that is not known, and behind one that is known in part.
UNKNOWN, IN_PART = "?", "~"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the name it is asked for by, its heading, what it means, and a row's text in it."""

    name: str
    heading: str
    meaning: str
    cell: Callable[[Row], str]
    text: bool = False


def sizes(shape: Sequence[object]) -> str:
    """``1×3×224×224``."""
    return "×".join(map(str, shape)) or "scalar"


def byte_text(count: int) -> str:
    """A number of bytes in the largest decimal unit that leaves at least 1: ``102.2 MB``."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB", "EB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if unit != "B" else f"{count} B"


def field_text(fields: Sequence[Field]) -> str:
    """``35×35``; a star marks branches that are not aligned."""
    return sizes(fields) if fields else "-"


def once(parts: Sequence[str]) -> str:
    """Equal parts once, unlike ones as ``a×b``."""
    return parts[0] if len(set(parts)) == 1 else sizes(parts)


def figure_text(
    figure: Figure[int], write: Callable[[int], str] = lambda value: f"{value:,}", formula: Figure[Polynomial] | None = None
) -> str:
    """The value as text, empty for nought, marked where it is not complete; a formula in its place where sizes are open."""
    if figure.known is None:
        return UNKNOWN if formula is None or formula.known is None else str(formula.known) if formula.known else ""
    mark = IN_PART if figure.status is Status.PARTIAL else ""
    return (write(figure.known) if figure.known else "") + mark


def _over_fields(row: Row, text: Callable[[Field], str]) -> str:
    fields = row.fields
    return "-" if not fields or all(field.whole for field in fields) else once([text(field) for field in fields])


def _jump(field: Field) -> str:
    return "-" if field.whole or field.jump is None else str(field.jump)


def _start(field: Field) -> str:
    starts: list[Fraction] = sorted(set(field.starts))
    return ("-" if not starts else str(starts[0])) if len(starts) < 2 else f"{starts[0]}..{starts[-1]}"


def _halo(field: Field) -> str:
    return "-" if field.halo is None else "{}{:+}".format(*field.halo)


def _holes(field: Field) -> str:
    return "-" if field.whole or field.holes is None else str(field.holes)


def causes(axis: AxisCoverage) -> str:
    """``1 floor``: how many inputs of an axis are never read, with the causes."""
    left = axis.unread
    each = (("stride", left.stride), ("floor", left.floor), ("gridding", left.gridding), ("cropped", left.cropped))
    return "+".join(f"{count} {cause}" for cause, count in each if count) or "0"


def _unread(row: Row) -> str:
    if row.coverage.known is None:
        return UNKNOWN
    return once([causes(axis) for axis in row.coverage.known]) if any(a.unread.total for a in row.coverage.known) else ""


def _overlap(row: Row) -> str:
    uneven = [axis.overlap for axis in row.coverage.known or () if axis.overlap is not None and axis.uneven]
    return once([f"{low}..{high}" for low, high in uneven]) if uneven else ""


def _formula(row: Row, name: str) -> Figure[Polynomial] | None:
    found: Figure[Polynomial] | None = getattr(row.formulas, name) if row.formulas else None
    return found


def _count(row: Row, name: str) -> str:
    return figure_text(getattr(row.costs, name), formula=_formula(row, name))


def _memory(row: Row) -> str:
    text = figure_text(row.costs.activation_bytes, byte_text, _formula(row, "activation_bytes"))
    return text if row.costs.activation_bytes.known is not None or text in ("", UNKNOWN) else f"{text} B"


def _intensity(row: Row) -> str:
    known = row.costs.intensity.known
    return "-" if known is None else f"{known:.1f}"


def _deviation(row: Row) -> str:
    spots = row.effective.known
    return "-" if spots is None else once([f"{spot.deviation:.1f}" for spot in spots])


def _notes(row: Row) -> str:
    return " ".join(word for word, said in (("non-linear", not row.linear), ("global", not row.local)) if said)


def _linear(row: Row) -> str:
    known = row.costs.fully_connected.known
    return "-" if known is None else f"{known:.2e}"


#: In the order in which they stand in a table.
COLUMNS = (
    Column("layer", "layer", "the layer's name", lambda row: row.name, text=True),
    Column("operator", "operator", "what it computes", lambda row: row.operator, text=True),
    Column("output", "output", "the size of its output", lambda row: sizes(row.output), text=True),
    Column("parameters", "parameters", "trained numbers", lambda row: figure_text(row.costs.parameters)),
    Column("weights", "weights", "memory of its trained numbers", lambda row: figure_text(row.costs.weight_bytes, byte_text)),
    Column("memory", "memory", "memory of its output", _memory),
    Column("macs", "MACs", "multiply-adds, every tap counted", lambda row: _count(row, "macs")),
    Column("real", "real MACs", "multiply-adds on the signal, not on padding", lambda row: _count(row, "real_macs")),
    Column("intensity", "FLOP/B", "FLOP for each byte read or written", _intensity),
    Column("linear", "as linear", "parameters of a fully connected layer between the same maps", _linear),
    Column("field", "field", "receptive field; * where branches are not aligned", lambda row: field_text(row.fields)),
    Column("jump", "jump", "inputs per output", lambda row: _over_fields(row, _jump)),
    Column("start", "start", "first input of output 0: minus the effective padding", lambda row: _over_fields(row, _start)),
    Column("halo", "halo", "inputs needed before+behind an output's own", lambda row: _over_fields(row, _halo)),
    Column("holes", "holes", "inputs inside the field that are not read", lambda row: _over_fields(row, _holes)),
    Column("deviation", "σ", "standard deviation of the effective receptive field, in inputs", _deviation),
    Column("unread", "never read", "inputs of the layer that no output reads", _unread),
    Column("overlap", "taps", "fewest..most taps for an output, where uneven", _overlap),
    Column("notes", "", "what is not linear, and what is not local", _notes, text=True),
)
BY_NAME = {column.name: column for column in COLUMNS}
#: Always wanted, and what is added while there is room, the most telling first.
BASE = ("layer", "operator", "output", "parameters", "macs", "field", "jump", "notes")
MORE = ("unread", "overlap", "holes", "deviation", "memory", "halo", "real", "start", "intensity", "linear", "weights")
#: What gives way first where even the base is too wide.
DROPPED = ("notes", "jump", "operator")
#: The narrowest that a layer's name is cut to.
NARROWEST = 12


def named(names: Sequence[str]) -> tuple[Column, ...]:
    """Columns by name, in the given order; raises ``ArgumentError`` for one that is not there.

    >>> [column.heading for column in named(["layer", "macs"])]
    ['layer', 'MACs']
    """
    if unknown := [name for name in names if name not in BY_NAME]:
        raise ArgumentError(f"columns: got {', '.join(unknown)}; there are {', '.join(BY_NAME)}, or all")
    return tuple(BY_NAME[name] for name in names)


def fitting(rows: Sequence[Row], width: int) -> tuple[Column, ...]:
    """The columns that fit a width: the base, less what gives way, more while names need not be cut for it."""
    widths = {c.name: max(len(c.heading), *(len(c.cell(row)) for row in rows)) if rows else len(c.heading) for c in COLUMNS}
    chosen = list(BASE)
    least = widths | {"layer": min(NARROWEST, widths["layer"])}
    for name in DROPPED:
        if _together(chosen, least) > width:
            chosen.remove(name)
    for name in MORE:
        telling = any(BY_NAME[name].cell(row) not in ("", "-", "0", UNKNOWN) for row in rows)
        if telling and _together([*chosen, name], widths) <= width:
            chosen.append(name)
    return tuple(column for column in COLUMNS if column.name in chosen)


def _together(names: Sequence[str], widths: dict[str, int]) -> int:
    return sum(widths[name] for name in names) + 2 * (len(names) - 1)
