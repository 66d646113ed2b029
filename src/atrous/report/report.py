"""What an inspection found: a frozen value that prints as a table and converts to plain data, a page or LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atrous.graph.fact import Dim
from atrous.report.costs import Costs
from atrous.report.coverage import AxisCoverage, AxisReach
from atrous.report.effective import EffectiveField, Spot
from atrous.report.figure import Figure
from atrous.report.formulas import Formulas
from atrous.report.legal import LegalSizes
from atrous.report.receptive import Field

#: A value at the border of a network: its name, type and shape.
Signal = tuple[str, str, tuple[Dim, ...]]


@dataclass(frozen=True, slots=True)
class Branch:
    """One operand of a layer where branches meet: the value's name and the receptive field on this way."""

    value: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of a report; ``receptive``, ``effective`` and ``coverage`` have an entry for each spatial axis.

    ``formulas`` are the costs in terms of open sizes, ``None`` where all sizes are known.
    """

    name: str
    operator: str
    output: tuple[Dim, ...]
    dtype: str
    costs: Costs
    formulas: Formulas | None
    receptive: Figure[tuple[Field, ...]]
    effective: Figure[tuple[Spot, ...]]
    branches: tuple[Branch, ...]
    coverage: Figure[tuple[AxisCoverage, ...]]
    linear: bool
    local: bool

    @property
    def parameters(self) -> int:
        """Trained numbers that no earlier layer holds."""
        return self.costs.parameters.value

    @property
    def macs(self) -> int:
        """Multiply-adds, every tap counted; raises ``ArgumentError`` where open sizes are needed for it."""
        return self.costs.macs.value

    @property
    def bytes(self) -> int:
        """Memory of the output; raises ``ArgumentError`` where open sizes are needed for it."""
        return self.costs.activation_bytes.value

    @property
    def fields(self) -> tuple[Field, ...]:
        """The receptive field on each spatial axis of the input; empty where it is not known."""
        return self.receptive.known or ()


@dataclass(frozen=True, slots=True)
class Report:
    """What ``inspect`` found of a network.

    ``str`` is the table, ``to_dict`` the data, ``to_html`` a page, ``to_latex`` a table for papers.
    ``formulas`` are the costs in terms of open sizes, ``None`` where all are known.
    ``peak_bytes`` is the most memory of activations alive at once. ``receptive`` is the first output's, ``effective`` how its
    energy is spread by structure, ``estimated`` with the network's own weights where that was asked for. ``reach`` says which
    input positions influence an output at all, ``legal`` which sizes leave no input over.
    """

    network: str
    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]
    rows: tuple[Row, ...]
    costs: Costs
    formulas: Formulas | None
    peak_bytes: Figure[int]
    receptive: Figure[tuple[Field, ...]]
    effective: Figure[EffectiveField]
    estimated: Figure[EffectiveField]
    reach: Figure[tuple[AxisReach, ...]]
    legal: tuple[Figure[LegalSizes], ...]
    #: The input axes that ``legal`` speaks of, as (input, axis).
    axes: tuple[tuple[str, int], ...]
    assumed: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    #: Which sizes the expressions in the symbols are exact for.
    exact_for: str = ""

    @property
    def parameters(self) -> int:
        """Trained numbers, shared ones once."""
        return self.costs.parameters.value

    @property
    def weight_bytes(self) -> int:
        """Memory of all constants."""
        return self.costs.weight_bytes.value

    @property
    def macs(self) -> int:
        """Multiply-adds of all layers, every tap counted; raises ``ArgumentError`` where open sizes are needed for it."""
        return self.costs.macs.value

    @property
    def fields(self) -> tuple[Field, ...]:
        """The receptive field of the first output on each spatial axis of the input; empty where it is not known."""
        return self.receptive.known or ()

    def __repr__(self) -> str:
        macs = "MACs unknown" if self.costs.macs.known is None else f"{self.macs:,} MACs"
        return f"<Report {self.network}: {len(self.rows)} layers, {self.parameters:,} parameters, {macs}>"

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int = 120, columns: Sequence[str] | None = None) -> str:
        """The report as a table of at most ``width`` columns of text; ``columns`` names what to show instead of what fits."""
        from atrous.report.table import render

        return render(self, width, columns)

    def to_dict(self) -> dict[str, Any]:
        """The report as numbers, strings, lists and dictionaries, ready for ``json.dump``; ``report.schema`` describes it."""
        from atrous.report.data import report_data

        return report_data(self)

    def to_html(self, pictures: Sequence[tuple[str, str]] = ()) -> str:
        """The report as one self-contained HTML page, which asks nothing of any other address.

        ``pictures`` are shown on it: a title and the text of an SVG picture each, put in as it is. Raises ``ArgumentError``
        for one that is not SVG.
        """
        from atrous.report.html import page

        return page(self, pictures)

    def to_latex(self, columns: Sequence[str] | None = None) -> str:
        """The report as a LaTeX table in the style of the booktabs package, which it needs."""
        from atrous.report.latex import table

        return table(self, columns)

    def _repr_html_(self) -> str:
        """How Jupyter shows a report."""
        from atrous.report.html import fragment

        return fragment(self)
