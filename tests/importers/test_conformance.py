"""ONNX's own test runner, unchanged, on ``atrous.onnx_backend``: every case that is not excluded in ``conformance.py``."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from unittest import TestCase

import onnx
import pytest
from onnx.backend.test import BackendTest

from atrous.onnx_backend import AtrousBackend
from tests.importers import conformance


def official() -> dict[str, type[TestCase]]:
    """The runner's test cases, without those that it would skip."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some cases overflow while they are made
        found: dict[str, type[TestCase]] = BackendTest(AtrousBackend, __name__).test_cases
    wanted = {f"{name}_cpu" for name, (_, why, _) in conformance.verdicts().items() if why is None}
    for cases in found.values():
        for name in [name for name in vars(cases) if name.startswith("test_") and name not in wanted]:
            delattr(cases, name)
    return found


globals().update(official())
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*16-bit floats are widened.*"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:onnx"),
]


@pytest.fixture(autouse=True)
def _models_in_a_folder_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner writes inputs and outputs of the whole networks into a folder of models."""
    monkeypatch.setenv("ONNX_HOME", str(tmp_path))
    monkeypatch.delenv("ONNX_MODELS", raising=False)


def test_the_page_has_the_numbers_of_this_suite() -> None:
    page = conformance.PAGE.read_text(encoding="utf-8")
    version = re.search(r"test cases of ONNX (\S+) ", page)
    if version is None or version[1] != onnx.__version__:
        pytest.skip(f"the page is of another ONNX than {onnx.__version__}, which has other cases")
    assert page == conformance.table()
