"""How deep the random tests dig, where the tests keep compiled kernels, and one browser for all of them.

``pytest --hypothesis-profile deep`` digs twenty times deeper than the default.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from atrous.engine.cache import ObjectCache

#: Random layers fill a cache without end: it is emptied beyond this many bytes.
LARGEST_CACHE = 200 * 2**20
#: What a system calls Chromium.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Time limits for one example say more about a busy machine than about the code.
settings.register_profile("quick", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("quick"), max_examples=2000)
settings.load_profile("quick")


def pytest_configure(config: pytest.Config) -> None:
    """Kernels of the tests lie beside pytest's own cache unless ``ATROUS_CACHE`` says where, never in the user's folder."""
    if "ATROUS_CACHE" in os.environ:
        return
    assert config.cache is not None
    store = ObjectCache(Path(config.cache.mkdir("kernels")) / "objects")
    os.environ["ATROUS_CACHE"] = str(store.folder)
    if store.info().bytes > LARGEST_CACHE:
        store.clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A running Chromium; tests that need it are skipped, saying what is missing, where there is none.

    Chromium of the system if it is there, otherwise the one that ``playwright install chromium`` fetched.
    """
    api = pytest.importorskip("playwright.sync_api", reason="the browser tests need Playwright: pip install 'atrous[dev]'")
    system = next(filter(None, map(shutil.which, BROWSERS)), None)
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
