"""One fixture: the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from atrous.cli import main


class Outcome(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def atrous(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> Callable[..., Outcome]:
    """Run a command line with arguments as given, kernels kept in a folder of the test's own."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("ATROUS_CACHE", str(tmp_path_factory.getbasetemp() / "kernels"))

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(each) for each in arguments])
        return Outcome(code, *capsys.readouterr())

    return call
