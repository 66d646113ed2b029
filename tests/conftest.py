"""How deep the random tests dig, and where the tests keep compiled kernels.

``pytest --hypothesis-profile deep`` digs twenty times deeper than the default.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from atrous.engine.cache import ObjectCache

#: Random layers fill a cache without end: it is emptied beyond this many bytes.
LARGEST_CACHE = 200 * 2**20

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
