"""PyTorch modules as networks, through ``torch.export``: nothing is traced by hand, nothing is pickled."""

from atrous.importers.pytorch.reading import from_torch

__all__ = ["from_torch"]
