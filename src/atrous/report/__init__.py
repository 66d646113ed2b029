"""Reports: what a network is, in numbers that all come from its layers and from ``geometry``."""

from atrous.report.compare import Comparison
from atrous.report.figure import Figure, Status
from atrous.report.inspect import inspect
from atrous.report.receptive import Field, receptive_field
from atrous.report.report import Report, Row

__all__ = ["Comparison", "Field", "Figure", "Report", "Row", "Status", "inspect", "receptive_field"]
