"""Wisdom: lines that say where they hold, kept privately, never taken from another machine."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from atrous.engine.cache import ObjectCache
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.plan import Plan
from atrous.engine.wisdom import FILE, Entry, Machine, Wisdom, export_wisdom, import_wisdom
from atrous.errors import ArgumentError, FileError
from atrous.problem import Problem
from tests.engine.running import program_of, same_bits
from tests.strategies import operands

TARGET = default_compiler().target
HERE = Machine.of(TARGET)
PROBLEM = Problem.parse("conv:f32:c32:i20x20:k64:w3x3:p1")
REQUEST = requests(PROBLEM)[0]
ENTRY = Entry(HERE, str(REQUEST), Plan.parse("direct p4v2 i1"), 12.5e-6)


def kept(folder: Path) -> Wisdom:
    return Wisdom(ObjectCache(folder))


def test_an_entry_is_its_line() -> None:
    line = f"{HERE} conv:f32:c32:i20x20:k64:w3x3:p1 rows>rows = direct p4v2 i1 @ 12.5us"
    assert str(ENTRY) == line
    assert Entry.parse(line) == ENTRY


def test_what_is_learnt_is_there_in_the_next_process(tmp_path: Path) -> None:
    kept(tmp_path / "kernels").learn([ENTRY])
    again = kept(tmp_path / "kernels")
    assert again.find(REQUEST, TARGET) == ENTRY
    assert again.find(REQUEST, replace(TARGET, cores=TARGET.cores + 1)) is None
    file = tmp_path / "kernels" / FILE
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.read_text() == f"{ENTRY}\n"


def test_two_who_learn_keep_both(tmp_path: Path) -> None:
    other = replace(ENTRY, problem="conv:f32:c1:i9:k1:w3 rows>rows")
    first, second = kept(tmp_path), kept(tmp_path)
    os.chmod(tmp_path, 0o700)
    assert not first.entries
    second.learn([other])
    first.learn([ENTRY])
    assert set(kept(tmp_path).entries.values()) == {ENTRY, other}


def test_planning_reads_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chmod(tmp_path, 0o700)
    kept(tmp_path).learn([ENTRY])
    reads = []
    monkeypatch.setattr(ObjectCache, "read", lambda self, name: reads.append(name) or f"{ENTRY}\n".encode())
    wisdom = kept(tmp_path)
    assert not reads
    for _ in range(3):
        assert wisdom.find(REQUEST, TARGET) == ENTRY
    assert reads == [FILE]


def test_a_program_follows_wisdom_with_the_same_bits(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    x, w, _ = operands(PROBLEM)
    plain = program_of(PROBLEM, w, None, wisdom=Wisdom(), accuracy="strict")
    wisdom = kept(tmp_path)
    wisdom.learn([ENTRY, replace(ENTRY, problem=str(REQUEST).replace("rows>rows", "any>rows"))])
    taught = program_of(PROBLEM, w, None, wisdom=wisdom, accuracy="strict")
    assert same_bits(plain(x), taught(x))
    assert ENTRY.plan in taught.planner.chosen.values()
    assert ENTRY.plan not in plain.planner.chosen.values()


def test_damaged_lines_are_told_once_and_the_others_used(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    (tmp_path / FILE).write_bytes(f"{ENTRY}\n\xff\x00 rubbish = \n# a remark\n\n".encode("latin-1"))
    wisdom = kept(tmp_path)
    with pytest.warns(RuntimeWarning, match=r"^wisdom: 1 lines of .*wisdom.txt cannot be read and are not used.*line 2.*tune"):
        assert wisdom.find(REQUEST, TARGET) == ENTRY
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wisdom.learn([ENTRY])
        assert kept(tmp_path).find(REQUEST, TARGET) == ENTRY


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_wisdom_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    (tmp_path / "elsewhere").write_text(f"{ENTRY}\n")
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    assert not kept(tmp_path).entries


def test_without_a_folder_wisdom_lives_in_the_process() -> None:
    wisdom = Wisdom(ObjectCache(None))
    wisdom.learn([ENTRY])
    assert wisdom.find(REQUEST, TARGET) == ENTRY
    assert wisdom.forget() == 1
    assert wisdom.find(REQUEST, TARGET) is None


def test_export_and_import_go_round(tmp_path: Path) -> None:
    wisdom, other = Wisdom(), Wisdom()
    wisdom.learn([ENTRY])
    assert export_wisdom(tmp_path / "w.txt", wisdom) == 1
    assert import_wisdom(tmp_path / "w.txt", TARGET, other).taken == 1
    assert other.entries == wisdom.entries
    with pytest.raises(FileError, match="the file exists; give --overwrite"):
        export_wisdom(tmp_path / "w.txt", wisdom)


@pytest.mark.parametrize(
    ("machine", "seen"),
    [
        (replace(HERE, cpu="pentium-12345678"), f"CPU pentium-12345678 (here {HERE.cpu})"),
        (replace(HERE, llvm="3.1", atrous="0.0.9"), f"LLVM 3.1 (here {HERE.llvm}), atrous 0.0.9 (here {HERE.atrous})"),
        (replace(HERE, cores=77), f"cores 77 (here {HERE.cores})"),
    ],
)
def test_lines_of_other_machines_are_refused_with_what_was_seen(tmp_path: Path, machine: Machine, seen: str) -> None:
    file, wisdom = tmp_path / "w.txt", Wisdom()
    file.write_text(f"{replace(ENTRY, machine=machine)}\n")
    with pytest.raises(FileError) as raised:
        import_wisdom(file, TARGET, wisdom)
    expected = f"line 1: {REQUEST} was measured elsewhere: {seen}; run atrous tune on this machine instead"
    assert str(raised.value) == f"{file}: 1 lines, all refused; {expected}"
    assert not wisdom.entries
    file.write_text(f"{replace(ENTRY, machine=machine)}\n{ENTRY}\nrubbish\n")
    found = import_wisdom(file, TARGET, wisdom)
    assert (found.taken, len(found.refused)) == (1, 2)
    assert found.refused[1].startswith("line 3: got 'rubbish': wisdom: a line reads CPU llvmX")


def test_files_without_wisdom_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read: No such file"):
        import_wisdom(tmp_path / "missing", TARGET, Wisdom())
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(FileError, match="empty: no line of wisdom; run atrous tune"):
        import_wisdom(tmp_path / "empty", TARGET, Wisdom())


@pytest.mark.parametrize(
    "line", ["", "x", f"{HERE} conv rows>rows = fast @ 1us", f"{HERE} conv rows>rows = direct p1v1 @ soon"]
)
def test_lines_that_are_none_are_refused(line: str) -> None:
    with pytest.raises(ArgumentError):
        Entry.parse(line)
