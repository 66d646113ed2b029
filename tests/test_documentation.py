"""Documentation that cannot drift: examples run, the architecture page lists what exists, public names are there."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import atrous
from atrous.cli import main

ROOT = Path(__file__).parents[1]
MODULES = sorted(each.name for each in pkgutil.walk_packages(atrous.__path__, "atrous."))
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SESSIONS = re.findall(r"```console\n\$ atrous (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.strip().splitlines()[-1][:40])
def test_the_code_of_the_readme_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def test_the_code_of_the_tutorial_prints_what_it_says() -> None:
    text = re.sub(r"^```.*$", "", (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    session = doctest.DocTestParser().get_doctest(text, {}, "tutorial.md", "docs/tutorial.md", 0)
    assert len(session.examples) > 40
    assert doctest.DocTestRunner().run(session).failed == 0


@pytest.mark.parametrize(("command", "output"), SESSIONS, ids=lambda text: text[:30])
def test_the_sessions_of_the_readme_are_real(
    command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(command.split()) == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("script", ["modules.py", "networks.py", "gallery.py"])
def test_what_the_docs_take_from_the_code_is_up_to_date(script: str) -> None:
    done = subprocess.run([sys.executable, ROOT / "docs" / script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_room_is_on_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {name.split(".")[1] for name in MODULES}
    assert {room for room in rooms if f"<!-- modules {room} -->" not in page} == set()


def test_public_names_are_there() -> None:
    assert [name for name in atrous.__all__ if not hasattr(atrous, name)] == []


def test_importing_atrous_loads_nothing_heavy() -> None:
    program = "import sys, atrous; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(atrous.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    heavy = {"numpy", "llvmlite", "onnx", "torch", "PIL", "tifffile", "zarr", "typer", "rich", "dask"}
    assert heavy & set(done.stdout.split()) == set()
