"""Networks from and to ONNX, and from PyTorch; weights from safetensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atrous.errors import UnsupportedError
from atrous.importers import writing_norms, writing_pools  # noqa: F401  (it registers its layers)
from atrous.importers.reading import load
from atrous.importers.safetensors import read_safetensors
from atrous.importers.weights import load_weights
from atrous.importers.writing import save, to_onnx

if TYPE_CHECKING:
    from atrous.importers.pytorch import from_torch

__all__ = ["from_torch", "load", "load_weights", "read_safetensors", "save", "to_onnx"]


def __getattr__(name: str) -> Any:
    """PyTorch takes a second to load and need not be there: it is asked for when it is used."""
    if name != "from_torch":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from atrous.importers.pytorch import from_torch
    except ModuleNotFoundError as error:
        raise UnsupportedError(f"from_torch needs PyTorch ({error}); pip install 'atrous[torch]'") from None
    return from_torch
