"""The demo network: a small dilated denoiser trained by this project, and a photograph that it has never seen.

``path()`` is the ONNX file, to be given to ``atrous.load``. What the network is, how it was trained and what it reaches is
told by ``DATA_CARD.md`` beside it. ``held_out_photograph``, ``add_noise`` and ``psnr`` make and judge its input.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from atrous.demo_network.photograph import add_noise, held_out_photograph, psnr

__all__ = ["SIGMA", "add_noise", "held_out_photograph", "path", "psnr"]

SIGMA = 25 / 255
"""The standard deviation of the Gaussian noise that the network was trained for, on the 0 to 1 scale of its input."""


def path() -> Path:
    """Where the network lies: an ONNX file with input ``noisy`` and output ``denoised``, float32 (batch, 1, height, width).

    Example:
        >>> path().name
        'denoiser.onnx'
    """
    # atrous is installed as files, never run from inside an archive, so the resource is a real path
    return Path(str(files(__name__) / "denoiser.onnx"))
