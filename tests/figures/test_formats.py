"""What all formats have in common: one row each, the same bytes from the same figure, nothing half-written."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from atrous.errors import ArgumentError, FileError
from atrous.figures.formats import FORMATS, format_of
from tests.figures.examples import nine_steps, one_row

#: What each file starts with.
STARTS = {
    ".svg": b"<svg ",
    ".gif": b"GIF8",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".pdf": b"%PDF-1.",
    ".tex": b"\\documentclass",
    ".html": b"<!DOCTYPE html>",
}
SUFFIXES = [form.suffix for form in FORMATS]


def test_every_format_has_its_rows() -> None:
    assert list(STARTS) == SUFFIXES


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_step_and_several(suffix: str, tmp_path: Path) -> None:
    figure = replace(one_row(), scale=1)
    for shown in (figure, figure.step(2)):
        files = shown.save(tmp_path / f"{len(shown)}{suffix}")
        assert all(path.read_bytes().startswith(STARTS[suffix]) for path in files)
        assert len(files) == (len(shown) if suffix == ".png" else 1)
        with pytest.raises(FileError, match=r"the file exists; give --overwrite \(overwrite=True\)"):
            shown.save(tmp_path / f"{len(shown)}{suffix}")


def test_the_suffix_may_be_written_large(tmp_path: Path) -> None:
    assert one_row().step(1).save(tmp_path / "A.PNG") == (tmp_path / "A.PNG",)


def test_unknown_suffixes_name_all_formats() -> None:
    with pytest.raises(ArgumentError) as told:
        format_of(Path("a.jpeg"))
    assert str(told.value) == (
        "path: a.jpeg: the suffix '.jpeg' is of no format that figures are written in: .svg (SVG), .gif (GIF), .png (PNG), "
        ".pdf (PDF), .tex (TikZ), .html (HTML)"
    )


def test_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from tests.figures.examples import nine_steps\n"
        "for suffix in sys.argv[2:]:\n"
        "    nine_steps().save(pathlib.Path(sys.argv[1]) / f'a{suffix}')\n"
    )
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        path = os.pathsep.join(filter(None, sys.path))
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join((os.getcwd(), path))}
        subprocess.run([sys.executable, "-c", script, str(folder), *SUFFIXES], env=environment, check=True)
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())})
    assert found[0] == found[1]
    assert len(found[0]) == len(SUFFIXES) + 8


def test_png_refuses_before_it_writes(tmp_path: Path) -> None:
    (tmp_path / "a-7.png").write_bytes(b"mine")
    with pytest.raises(FileError, match=r"a-7\.png: the file exists"):
        replace(nine_steps(), scale=0.25).save(tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a-7.png"]
