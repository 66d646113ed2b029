"""Networks from and to ONNX, and weights from safetensors."""

from atrous.importers.reading import load
from atrous.importers.safetensors import read_safetensors
from atrous.importers.weights import load_weights
from atrous.importers.writing import save, to_onnx

__all__ = ["load", "load_weights", "read_safetensors", "save", "to_onnx"]
