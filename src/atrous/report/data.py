"""A report as plain data: numbers, strings, lists and dictionaries. ``schema`` describes the same shape."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

from atrous.geometry import IndexSet
from atrous.report.costs import CONVENTION, MOVED, PEAK, REAL, Costs
from atrous.report.coverage import AxisCoverage, AxisReach
from atrous.report.effective import EffectiveAxis, EffectiveField, Spot
from atrous.report.figure import Figure
from atrous.report.formulas import NAMES, Formulas
from atrous.report.legal import LegalSizes
from atrous.report.receptive import Field
from atrous.report.report import Branch, Report, Row, Signal

T = TypeVar("T")
#: Raised with every change of the shape of the data that a reader can notice.
VERSION = 1


def report_data(report: Report) -> dict[str, Any]:
    """The whole report. Fractions are strings such as ``"1/2"``; intervals ``[lo, hi]`` are half open."""
    return {
        "version": VERSION,
        "network": report.network,
        "conventions": {"macs": CONVENTION, "real_macs": REAL, "moved_bytes": MOVED, "peak_bytes": PEAK},
        "assumed": list(report.assumed),
        "symbols": list(report.symbols),
        "exact_for": report.exact_for,
        "inputs": [_signal(signal) for signal in report.inputs],
        "outputs": [_signal(signal) for signal in report.outputs],
        "costs": _costs(report.costs),
        "formulas": _formulas(report.formulas),
        "peak_bytes": figure_data(report.peak_bytes, int),
        "receptive_field": _receptive(report.receptive),
        "effective_field": figure_data(report.effective, _effective),
        "estimated_effective_field": figure_data(report.estimated, _effective),
        "reach": figure_data(report.reach, lambda axes: [_reach(axis) for axis in axes]),
        "legal_sizes": [figure_data(each, _legal) for each in report.legal],
        "layers": [_row(row) for row in report.rows],
    }


def figure_data(figure: Figure[T], write: Callable[[T], Any]) -> dict[str, Any]:
    """``status``, and ``value`` and ``reason`` where there is one."""
    data: dict[str, Any] = {"status": figure.status.value}
    if figure.known is not None:
        data["value"] = write(figure.known)
    if figure.reason:
        data["reason"] = figure.reason
    return data


def _signal(signal: Signal) -> dict[str, Any]:
    name, dtype, shape = signal
    return {"name": name, "dtype": dtype, "shape": list(shape)}


def _costs(costs: Costs) -> dict[str, Any]:
    return {
        "parameters": figure_data(costs.parameters, int),
        "weight_bytes": figure_data(costs.weight_bytes, int),
        "activation_bytes": figure_data(costs.activation_bytes, int),
        "moved_bytes": figure_data(costs.moved_bytes, int),
        "macs": figure_data(costs.macs, int),
        "real_macs": figure_data(costs.real_macs, int),
        "flops": figure_data(costs.flops, int),
        "intensity": figure_data(costs.intensity, float),
        "fully_connected_parameters": figure_data(costs.fully_connected, int),
    }


def _formulas(formulas: Formulas | None) -> dict[str, Any] | None:
    if formulas is None:
        return None
    named = {name: "fully_connected_parameters" if name == "fully_connected" else name for name in NAMES}
    return {called: figure_data(getattr(formulas, name), str) for name, called in named.items()}


def _receptive(figure: Figure[tuple[Field, ...]]) -> dict[str, Any]:
    return figure_data(figure, lambda fields: [_field(field) for field in fields])


def _field(field: Field) -> dict[str, Any]:
    return {
        "size": field.size,
        "jump": _fraction(field.jump),
        "whole": field.whole,
        "aligned": field.aligned,
        "holes": field.holes,
        "halo": None if field.halo is None else list(field.halo),
        "starts": [str(start) for start in field.starts],
        "phases": [] if field.whole else [_runs(each) for each in field.sets],
    }


def _fraction(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _runs(indices: IndexSet) -> list[list[int]]:
    return [list(run) for run in indices.runs]


def _branch(branch: Branch) -> dict[str, Any]:
    return {"value": branch.value, "receptive_field": [_field(field) for field in branch.fields]}


def _coverage(axis: AxisCoverage) -> dict[str, Any]:
    left = axis.unread
    return {
        "axis": axis.axis,
        "size": axis.size,
        "unread": {"stride": left.stride, "floor": left.floor, "gridding": left.gridding, "cropped": left.cropped},
        "visits": [list(pair) for pair in axis.visits],
        "overlap": None if axis.overlap is None else list(axis.overlap),
    }


def _spot(spot: Spot) -> dict[str, Any]:
    return {"centre": float(spot.centre), "deviation": spot.deviation, "variance": str(spot.variance)}


def _effective(field: EffectiveField) -> dict[str, Any]:
    return {
        "value": field.value,
        "input": field.source,
        "method": field.method,
        "samples": field.samples,
        "axes": [_effective_axis(axis) for axis in field.axes],
    }


def _effective_axis(axis: EffectiveAxis) -> dict[str, Any]:
    return {
        "axis": axis.axis,
        "centre": axis.centre,
        "deviation": axis.deviation,
        "within_deviation": axis.within,
        "core": list(axis.core),
        "receptive_field": axis.size,
        "first": axis.first,
        "shares": list(axis.shares),
    }


def _reach(axis: AxisReach) -> dict[str, Any]:
    return {
        "input": axis.source,
        "axis": axis.axis,
        "size": axis.size,
        "read": len(axis.read),
        "unread": _runs(axis.unread),
    }


def _legal(sizes: LegalSizes) -> dict[str, Any]:
    return {
        "input": sizes.source,
        "axis": sizes.axis,
        "size": sizes.size,
        "legal": sizes.legal,
        "dropping": list(sizes.dropping),
        "sizes": _runs(sizes.sizes),
        "below": sizes.below,
        "above": sizes.above,
        "step": sizes.step,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "operator": row.operator,
        "output": list(row.output),
        "dtype": row.dtype,
        "costs": _costs(row.costs),
        "formulas": _formulas(row.formulas),
        "receptive_field": _receptive(row.receptive),
        "effective_field": figure_data(row.effective, lambda spots: [_spot(spot) for spot in spots]),
        "branches": [_branch(branch) for branch in row.branches],
        "coverage": figure_data(row.coverage, lambda axes: [_coverage(axis) for axis in axes]),
        "linear": row.linear,
        "local": row.local,
    }
