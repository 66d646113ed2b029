"""``atrous demo``: what it says is there, and true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image


def test_the_demo(atrous, tmp_path: Path) -> None:
    outcome = atrous("demo", "--side", 900, "--memory", "400MB", "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    said = dict(re.findall(r"^([A-Za-z ]+): +(.*)$", outcome.out, re.MULTILINE))
    assert {"photograph", "at its size", "enlarged to", "network", "it sees", "work"} < set(said)
    assert said["same bits"].startswith("yes, with ")
    assert "of a budget of 400.0 MB" in outcome.out
    gains = [float(re.search(r"after: \+(\d+\.\d+) dB", said[line])[1]) for line in ("at its size", "PSNR")]
    assert min(gains) >= 7
    picture = np.asarray(Image.open(tmp_path / "out" / "before_after.png"))
    assert picture.shape == (600, 700 + 8 + 700)


def test_a_budget_that_is_too_small(atrous, tmp_path: Path) -> None:
    outcome = atrous("demo", "--side", 600, "--memory", "20MB", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "The smallest budget that works is" in outcome.err
    assert not (tmp_path / "out").exists()
