"""Networks from and to ONNX."""

from atrous.importers import writing_norms  # noqa: F401  (it registers its layers)
from atrous.importers.reading import load
from atrous.importers.writing import save, to_onnx

__all__ = ["load", "save", "to_onnx"]
