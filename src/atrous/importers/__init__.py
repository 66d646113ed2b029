"""Networks from and to ONNX."""

from atrous.importers.reading import load

__all__ = ["load"]
