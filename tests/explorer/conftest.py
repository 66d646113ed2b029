"""One browser for all tests of the explorer: Chromium through Playwright, where both are there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A running Chromium; tests that need it are skipped, saying what is missing, where there is none.

    Chromium of the system if it is there, otherwise the one that ``playwright install chromium`` fetched.
    """
    api = pytest.importorskip("playwright.sync_api", reason="the browser tests need Playwright: pip install 'atrous[dev]'")
    system = next(filter(None, map(shutil.which, NAMES)), None)
    with api.sync_playwright() as playwright:
        # Chromium's sandbox does not run as root, as in containers; no page but our own is opened
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            opened = playwright.chromium.launch(executable_path=system, args=options)
        except api.Error as error:
            pytest.skip(
                "the browser tests need Chromium: install your system's package, or run 'playwright install chromium' "
                f"({str(error).splitlines()[0]})"
            )
        yield opened
        opened.close()
