"""The figures of a whole network as lines of text, and the notes below them: shared by the table, the page and comparisons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from atrous.report.columns import IN_PART, byte_text, field_text, once, sizes
from atrous.report.costs import CONVENTION, PEAK, REAL
from atrous.report.coverage import AxisReach
from atrous.report.effective import EXACT, NOT_ASKED, EffectiveField
from atrous.report.figure import Figure, Status
from atrous.report.legal import LegalSizes
from atrous.report.polynomial import Polynomial
from atrous.report.report import Report

T = TypeVar("T", int, float)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the whole network; ``number`` is there where it can be compared."""

    title: str
    text: str
    number: float | None = None


def totals(report: Report) -> tuple[Line, ...]:
    """The figures of the whole network in the order in which they are printed."""
    costs = report.costs
    arrows = ", ".join(f"{name} {dtype} {sizes(shape)}" for name, dtype, shape in report.outputs)
    open = report.formulas
    nonlinear = sum(not row.linear for row in report.rows)
    return (
        Line("output", arrows),
        Line("parameters", f"{report.parameters:,} ({byte_text(report.weight_bytes)})", report.parameters),
        _line("activations", costs.activation_bytes, byte_text, open.activation_bytes if open else None, " B"),
        _line("peak memory", report.peak_bytes, byte_text),
        _line("MACs", costs.macs, "{:,}".format, open.macs if open else None),
        Line("on the signal", _real(report), costs.real_macs.known),
        _line("FLOPs", costs.flops, "{:,}".format, open.flops if open else None),
        _line("intensity", costs.intensity, "{:.1f} FLOP/B".format),
        _line(
            "as linear",
            costs.fully_connected,
            lambda n: f"{n:.3e} parameters in place of its convolutions",
            open.fully_connected if open else None,
            " parameters",
        ),
        Line("receptive field", receptive_text(report)),
        Line("effective field", _effective_text(report), _widest(report)),
        Line("input read", _reach_text(report)),
        Line("legal sizes", _all_legal(report)),
        Line("non-linear", f"{nonlinear} of {len(report.rows)} layers", nonlinear),
        Line("global", f"{sum(not row.local for row in report.rows)} of {len(report.rows)} layers"),
    )


def _line(
    title: str, figure: Figure[T], write: Callable[[T], str], formula: Figure[Polynomial] | None = None, unit: str = ""
) -> Line:
    if figure.known is None and formula is not None and formula.known is not None:
        return Line(title, f"{formula.known}{unit}" + (IN_PART if formula.status is Status.PARTIAL else ""))
    if figure.known is None:
        return Line(title, f"unavailable: {figure.reason}")
    return Line(title, write(figure.known) + (IN_PART if figure.status is Status.PARTIAL else ""), figure.known)


def _real(report: Report) -> str:
    real, macs = report.costs.real_macs, report.costs.macs
    if report.formulas is not None and report.formulas.real_macs.known is not None:
        return str(report.formulas.real_macs.known) + (IN_PART if report.formulas.real_macs.status is Status.PARTIAL else "")
    if real.known is None or macs.known is None:
        return f"unavailable: {real.reason}"
    return f"{real.known:,}" + (f" ({100 * real.known / macs.known:.1f} %)" if macs.known else "")


def receptive_text(report: Report) -> str:
    """The receptive field of the first output in words."""
    if report.receptive.known is None:
        return f"unavailable: {report.receptive.reason}"
    fields = report.receptive.known
    said = [field_text(fields) + (IN_PART if report.receptive.status is Status.PARTIAL else "")]
    phased = [field for field in fields if len({(each.extent, len(each)) for each in field.sets}) > 1]
    if phased:
        extents = [each.extent for each in phased[0].sets]
        said.append(f"{min(extents)} to {max(extents)} over {len(extents)} phases")
    holes = [field.holes or 0 for field in fields]
    if any(holes):
        said.append(f"{sizes(holes)} of them holes")
    halos = [field.halo for field in fields]
    if all(halo is not None for halo in halos):
        said.append("halo " + sizes(["{}{:+}".format(*halo) for halo in halos if halo is not None]))
    return ", ".join(said)


def effective_text(field: EffectiveField) -> str:
    """Standard deviation, the core that holds 95 % of the energy, and the whole field beside it."""
    within = once([f"{100 * axis.within:.0f} %" for axis in field.axes])
    theory = sizes(["?" if axis.size is None else axis.size for axis in field.axes])
    held = sizes([hi - lo for lo, hi in (axis.core for axis in field.axes)])
    return f"σ {sizes([f'{axis.deviation:.1f}' for axis in field.axes])} ({within} within), 95 % in {held} of {theory}"


def _effective_text(report: Report) -> str:
    """By structure, and with the weights where that was asked for."""
    if report.effective.known is None:
        return f"unavailable: {report.effective.reason}"
    mark = IN_PART if report.effective.status is Status.PARTIAL else ""
    said = effective_text(report.effective.known) + mark
    if report.estimated.known is not None:
        count = report.estimated.known.samples
        inputs = "input" if count == 1 else "inputs"
        return f"{said}; with its weights, estimated from {count} {inputs}: {effective_text(report.estimated.known)}{mark}"
    if report.estimated.reason != NOT_ASKED:
        said += f"; with its weights unavailable: {report.estimated.reason}"
    return said


def _widest(report: Report) -> float | None:
    field = report.estimated.known or report.effective.known
    return None if field is None else max(axis.deviation for axis in field.axes)


def reach_text(axis: AxisReach) -> str:
    """How much of one input axis influences an output, and where the first gap is."""
    left = axis.unread
    if not left.runs:
        return f"all {axis.size}"
    lo, hi = left.runs[0]
    more = f" and {len(left.runs) - 1} more gaps" if len(left.runs) > 1 else ""
    return f"{len(axis.read)} of {axis.size} (not {lo}{f'..{hi - 1}' if hi > lo + 1 else ''}{more})"


def _reach_text(report: Report) -> str:
    if report.reach.known is None:
        return f"unavailable: {report.reach.reason}"
    mark = IN_PART if report.reach.status is Status.PARTIAL else ""
    several = len(report.inputs) > 1
    return " × ".join(f"{axis.source} " * several + reach_text(axis) for axis in report.reach.known) + mark


def legal_text(sizes: LegalSizes) -> str:
    """Whether a size leaves nothing over, and the nearest that do."""
    first = sizes.dropping[:1]
    more = f" and {len(sizes.dropping) - 1} more" if len(sizes.dropping) > 1 else ""
    here = f"{sizes.size} leaves inputs over at {first[0]}{more}" if first else f"{sizes.size} leaves nothing over"
    if sizes.below is None and sizes.above is None:
        return here
    if sizes.step == 1 and sizes.legal:
        return f"{here}; so does every size near it"
    runs = [run for run in sizes.sizes.runs if sizes.below in range(*run) or sizes.above in range(*run)]
    near = ", ".join(str(lo) if hi == lo + 1 else f"{lo} to {hi - 1}" for lo, hi in runs)
    step = f", every {sizes.step}" if sizes.step and sizes.step > 1 else ""
    return f"{here}; nearest that leave nothing over: {near}{step}"


def _all_legal(report: Report) -> str:
    """One sentence for each input axis, axes of the same sentence together."""
    if report.symbols:
        return f"unavailable: needs the open sizes {', '.join(report.symbols)}"
    said: dict[str, list[str]] = {}
    for figure, (name, axis) in zip(report.legal, report.axes, strict=True):
        said.setdefault(_legal_text(figure), []).append(f"{name} axis {axis}" if len(report.inputs) > 1 else f"axis {axis}")
    return "; ".join(f"{', '.join(axes)}: {text}" for text, axes in said.items())


def _legal_text(figure: Figure[LegalSizes]) -> str:
    if figure.known is None:
        return f"unavailable: {figure.reason}"
    return legal_text(figure.known) + (f" ({figure.reason})" if figure.status is Status.PARTIAL else "")


def notes(report: Report) -> tuple[str, ...]:
    """The conventions of the counts, and why figures are marked."""
    told = [f"MACs are {CONVENTION}.", f"On the signal: {REAL}.", f"Peak memory: {PEAK}; weights come on top."]
    if any(not field.aligned for row in report.rows for field in row.fields):
        told.append("* the branches that meet here are not aligned: the field is the hull of all of them.")
    if report.symbols:
        told.append(f"Expressions in the open sizes are exact for {report.exact_for}.")
        told.append(f"? needs the open sizes {', '.join(report.symbols)}: give them with the input's shape.")
    if report.effective.known is not None:
        told.append(f"Effective field: {EXACT}; σ is its standard deviation in inputs.")
    if report.estimated.known is not None:
        told.append(f"With its weights: {report.estimated.known.method}.")
    partial = (
        ("FLOPs", report.costs.flops),
        ("receptive field", report.receptive),
        ("effective field", report.effective),
        ("input read", report.reach),
    )
    told += [f"{IN_PART} {name}: {figure.reason}." for name, figure in partial if figure.status is Status.PARTIAL]
    return tuple(told)
