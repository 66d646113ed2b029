"""``atrous demo``: what it says is there, and true. It runs as a process of its own, as its budget is for a whole process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import atrous


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from atrous.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "demo", "--out", str(folder), *arguments]
    kernels = folder.with_name("kernels")
    environment = {**os.environ, "PYTHONPATH": str(Path(atrous.__file__).parents[1]), "ATROUS_CACHE": str(kernels)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_demo(tmp_path: Path) -> None:
    done = demo(tmp_path / "out", "--side", "900", "--memory", "300MB")
    assert (done.returncode, done.stderr) == (0, "")
    said = dict(re.findall(r"^([A-Za-z ]+): +(.*)$", done.stdout, re.MULTILINE))
    assert {"photograph", "at its size", "enlarged to", "network", "it sees", "work", "time", "pictures"} < set(said)
    assert said["same bits"].startswith("yes, with ")
    assert "of a budget of 300.0 MB" in done.stdout
    assert float(said["peak memory"].split()[0]) <= 300
    gains = [float(re.findall(r"\+(\d+\.\d+) dB", said[line])[0]) for line in ("at its size", "PSNR")]
    assert min(gains) >= 7
    assert np.asarray(Image.open(tmp_path / "out" / "before_after.png")).shape == (600, 700 + 8 + 700)
    assert np.asarray(Image.open(tmp_path / "out" / "before_after_original.png")).shape == (400, 600 + 8 + 600)


def test_a_budget_that_is_too_small(tmp_path: Path) -> None:
    done = demo(tmp_path / "out", "--side", "600", "--memory", "20MB")
    assert done.returncode == 2
    assert "The smallest budget that works is" in done.stderr
    assert not (tmp_path / "out").exists()
