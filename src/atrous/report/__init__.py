"""Reports: what a network is, in numbers that all come from its layers and from ``geometry``."""

from atrous.report.compare import Comparison
from atrous.report.effective import EffectiveField
from atrous.report.figure import Figure, Status
from atrous.report.gradient import effective_receptive_field
from atrous.report.inspect import inspect
from atrous.report.receptive import Field, receptive_field
from atrous.report.report import Report, Row

__all__ = [
    "Comparison",
    "EffectiveField",
    "Field",
    "Figure",
    "Report",
    "Row",
    "Status",
    "effective_receptive_field",
    "inspect",
    "receptive_field",
]
