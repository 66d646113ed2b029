"""Networks from and to ONNX."""

from atrous.importers.reading import load
from atrous.importers.writing import save, to_onnx

__all__ = ["load", "save", "to_onnx"]
