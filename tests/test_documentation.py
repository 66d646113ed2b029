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
from atrous.graph.passes import PASSES

ROOT = Path(__file__).parents[1]
MODULES = sorted(each.name for each in pkgutil.walk_packages(atrous.__path__, "atrous."))
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PASSES_PAGE = (ROOT / "docs" / "passes.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"```console\n\$ atrous (.*?)\n(.*?)```", README + PASSES_PAGE, re.DOTALL)


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
def test_the_sessions_of_the_pages_are_real(
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


def test_the_page_of_passes_has_them_all_in_order() -> None:
    rows = re.findall(r"^\| (.*?) \|", PASSES_PAGE, re.MULTILINE)
    assert rows == ["pass", "---", *(name for name, _ in PASSES)]


def test_the_operator_that_is_shown_stands_where_it_is_said() -> None:
    (shown,) = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    _, *parts = re.split(r"^\+\+\+ (.*)\n", shown, flags=re.MULTILINE)
    assert len(parts) == 2 * 8
    for file, lines in zip(parts[::2], parts[1::2], strict=True):
        text = (ROOT / file).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines.splitlines() if line[1:] not in text] == []
        assert "mish" in lines.lower()


def test_public_names_are_there() -> None:
    assert [name for name in atrous.__all__ if not hasattr(atrous, name)] == []


def test_importing_atrous_loads_nothing_heavy() -> None:
    program = "import sys, atrous; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(atrous.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    heavy = {"numpy", "llvmlite", "onnx", "torch", "PIL", "tifffile", "zarr", "typer", "rich", "dask"}
    assert heavy & set(done.stdout.split()) == set()
