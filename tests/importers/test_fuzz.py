"""Mutants of models, each batch in a process of its own that may crash, hang or be out of memory without ending the tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: The mutants of a batch, and how many batches are the deep test.
BATCH, BATCHES = 500, 20


def survive(seed: int, first: int, last: int) -> None:
    """Try these mutants; on failure say which one, and what it did."""
    command = [sys.executable, "-m", "tests.importers.fuzz", str(seed), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    printed = done.stdout.strip().splitlines() or ["none"]
    assert done.returncode == 0, f"exit {done.returncode} after {printed[-1]}; {' '.join(command[1:4])}: {done.stderr[-3000:]}"
    assert printed[-1].startswith("{")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_mutated_models_raise_only_our_errors() -> None:
    survive(1, 0, 300)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
@pytest.mark.parametrize("batch", range(BATCHES))
def test_ten_thousand_mutated_models_raise_only_our_errors(batch: int) -> None:
    survive(0, batch * BATCH, (batch + 1) * BATCH)
