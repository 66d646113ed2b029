"""The browser of the explorer's tests: Chromium through Playwright, its own or the system's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window; the tests are skipped with what is missing where it cannot be had."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install -e .[dev])")
    with playwright.sync_playwright() as started:
        own = Path(started.chromium.executable_path)
        system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not own.exists() and system is None:
            pytest.skip("there is no Chromium: playwright install chromium, or apt-get install chromium")
        chromium = started.chromium.launch(
            executable_path=None if own.exists() else system, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
