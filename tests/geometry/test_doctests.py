"""The examples in the documentation of the lower floors run, whatever pytest is configured to collect."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import atrous.geometry
import atrous.reference

ROOMS = (atrous.geometry, atrous.reference)
MODULES = [f"{room.__name__}.{module.name}" for room in ROOMS for module in pkgutil.iter_modules(room.__path__)]


@pytest.mark.parametrize("name", [*MODULES, "atrous.problem", "atrous.target"])
def test_examples_in_the_documentation_run(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
