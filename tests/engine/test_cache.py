"""The object cache: it saves compiling, trusts nobody, and never costs a result."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import llvmlite
import numpy as np
import pytest

from atrous.engine import cache as cache_module
from atrous.engine import compiler as compiler_module
from atrous.engine.cache import ObjectCache
from atrous.engine.compiler import Compiler, host
from atrous.engine.program import Program
from atrous.problem import Problem
from tests.engine.running import program_of, same_bits
from tests.strategies import operands

PROBLEM = Problem.parse("conv:f32:c3:i6x9:k5:w3x3:p1:b")
X, W, BIAS = operands(PROBLEM)
KEY = "0123456789abcdef" * 4


class Counting(Compiler):
    """A compiler that counts the objects that LLVM really makes."""

    made = 0

    def _module(self, name: str, emit: Any) -> Any:
        self.made += 1
        return super()._module(name, emit)


def run(folder: Path | None) -> tuple[np.ndarray[Any, Any], int]:
    """The result by a fresh compiler on this cache, and how many kernels it compiled."""
    compiler = Counting(host(), ObjectCache(folder))
    program: Program = program_of(PROBLEM, W, BIAS, compiler=compiler, threads=2)
    return program(X), compiler.made


EXPECTED, NEEDED = run(None)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.atrous"))


def test_the_second_start_compiles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "kernels"
    first, made = run(folder)
    assert made == NEEDED == len(entries(folder)) > 1
    assert folder.stat().st_mode & 0o777 == 0o700
    second, made = run(folder)
    assert made == 0
    assert same_bits(first, EXPECTED)
    assert same_bits(second, EXPECTED)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:40],
        lambda data: b"",
        lambda data: data[:-7] + bytes([data[-7] ^ 1]) + data[-6:],
        lambda data: bytes(32) + data[32:],
        lambda data: data + b"more",
    ],
    ids=["truncated", "cut to a stub", "emptied", "a byte changed", "hash changed", "longer"],
)
def test_a_damaged_entry_is_rebuilt(tmp_path: Path, damage: Any) -> None:
    folder = tmp_path / "kernels"
    run(folder)
    for path in entries(folder):
        path.write_bytes(damage(path.read_bytes()))
    result, made = run(folder)
    assert made == NEEDED
    assert same_bits(result, EXPECTED)
    assert run(folder)[1] == 0


def test_an_entry_of_another_kernel_is_not_taken(tmp_path: Path) -> None:
    """A renamed entry has the right hash of its code, but belongs to another key."""
    folder = tmp_path / "kernels"
    run(folder)
    first, second, *_ = entries(folder)
    first.write_bytes(second.read_bytes())
    result, made = run(folder)
    assert made == 1
    assert same_bits(result, EXPECTED)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    run(folder)
    for path in entries(folder):
        path.rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    result, made = run(folder)
    assert made == NEEDED
    assert same_bits(result, EXPECTED)
    assert not any(path.is_symlink() for path in entries(folder)), "links are replaced by entries of our own"


def gives_up(folder: Path, reason: str) -> None:
    """One warning with this reason however many kernels there are, and the right result."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result, made = run(folder)
    assert [str(each.message) for each in seen] == [
        f"compiled kernels are not kept: cache folder {folder}: {reason}. Results are the same, the next start is slower; "
        "set ATROUS_CACHE to a folder of your own, or to nothing for no cache."
    ]
    assert seen[0].category is RuntimeWarning
    assert made == NEEDED
    assert same_bits(result, EXPECTED)


def test_a_folder_that_others_may_open_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    run(folder)
    folder.chmod(0o750)
    gives_up(folder, "others may open it (mode 750); make it 700")


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels"
    run(folder)
    monkeypatch.setattr(cache_module.os, "getuid", lambda: os.geteuid() + 1)
    gives_up(folder, "it belongs to another user")


def test_an_entry_of_another_user_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectCache(tmp_path / "kernels")
    store.put(KEY, b"code")
    assert store.get(KEY) == b"code"
    monkeypatch.setattr(cache_module.os, "getuid", lambda: os.geteuid() + 1)
    assert store.get(KEY) is None


def test_a_folder_that_is_a_link_or_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    gives_up(tmp_path / "link", "it is not a folder")
    (tmp_path / "file").write_text("")
    gives_up(tmp_path / "file", "File exists")
    gives_up(tmp_path / "file" / "below", "Not a directory")


def test_a_folder_that_takes_nothing_costs_only_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels"

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    gives_up(folder, "Permission denied")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, the disk that is always full")
def test_a_full_disk_costs_only_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kernels"

    def full(*_: Any, **__: Any) -> tuple[int, str]:
        aside = folder / "x.part"
        aside.touch()
        return os.open("/dev/full", os.O_WRONLY), str(aside)

    monkeypatch.setattr(tempfile, "mkstemp", full)
    gives_up(folder, "No space left on device")
    assert not list(folder.iterdir()), "nothing half-written stays"


def test_the_environment_names_the_folder_or_switches_the_cache_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATROUS_CACHE", str(tmp_path / "mine"))
    assert ObjectCache.default().folder == tmp_path / "mine"
    monkeypatch.setenv("ATROUS_CACHE", "")
    nothing = ObjectCache.default()
    nothing.put(KEY, b"code")
    assert (nothing.folder, nothing.get(KEY), nothing.info().entries) == (None, None, 0)
    monkeypatch.delenv("ATROUS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ObjectCache.default().folder == tmp_path / "atrous" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert ObjectCache.default().folder == tmp_path / "home" / ".cache" / "atrous" / "kernels"


def test_info_and_clear(tmp_path: Path) -> None:
    store = ObjectCache(tmp_path / "kernels")
    assert (store.info().entries, store.info().bytes) == (0, 0)
    store.put(KEY, b"code")
    store.put(KEY[::-1], b"more code")
    (tmp_path / "kernels" / "notes.txt").write_text("not ours to delete")
    (tmp_path / "kernels" / "left.part").write_bytes(b"by a process that was killed")
    before = store.info()
    assert (before.folder, before.entries, before.bytes) == (str(tmp_path / "kernels"), 3, 2 * 32 + 4 + 9 + 28)
    assert store.clear() == before
    assert store.info().entries == 0
    assert (tmp_path / "kernels" / "notes.txt").exists()


class Recording(ObjectCache):
    """A cache that keeps nothing but the keys."""

    def __init__(self) -> None:
        super().__init__(None)
        self.keys: list[str] = []

    def get(self, key: str) -> bytes | None:
        self.keys.append(key)
        return None


def keys(**changes: Any) -> list[str]:
    """The keys of all kernels of a run, for the host or a target that differs from it."""
    store = Recording()
    program_of(PROBLEM, W, BIAS, compiler=Compiler(replace(host(), **changes), store))(X)
    return store.keys


def test_a_key_spells_all_that_decides_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    original = keys()
    assert len(set(original)) == len(original)
    assert keys() == original
    found = [original, keys(features=host().features - {"gfni", "rdseed"} - {min(host().features)})]
    with monkeypatch.context() as patch:
        patch.setattr(llvmlite, "__version__", "0.0.0")
        found.append(keys())
    with monkeypatch.context() as patch:
        patch.setattr(compiler_module, "source_hash", lambda: "other source")
        found.append(keys())
    with monkeypatch.context() as patch:
        patch.setattr(compiler_module, "triple", lambda target: str(compiler_module.llvm.get_process_triple()) + "-other")
        compiler = Compiler(host(), Recording())
        found.append([compiler_module.identity(compiler.target)])
    assert found[-1][0] != compiler_module.identity(host())
    assert not set(found[0]) & set(found[1]) | set(found[0]) & set(found[2]) | set(found[0]) & set(found[3])


def test_the_source_hash_covers_what_decides_kernels() -> None:
    root = Path(compiler_module.__file__).parents[1]
    digest = hashlib.sha256()
    for room in ("", "engine", "engine/codelets", "geometry", "graph", "graph/layers"):
        for path in sorted((root / room).glob("*.py")):
            digest.update(path.read_bytes())
    assert compiler_module.source_hash() == digest.hexdigest()


SCRIPT = """
import sys, numpy as np, atrous
rng = np.random.default_rng(0)
x, w = rng.standard_normal((1, 5, 9, 33)).astype("float32"), rng.standard_normal((7, 5, 3, 3)).astype("float32")
sys.stdout.write(atrous.conv(x, w, padding=1).tobytes().hex())
"""


def test_processes_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    environment = {**os.environ, "ATROUS_CACHE": str(folder)}
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    results = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert results[0]
    assert len(set(results)) == 1
    assert entries(folder) == sorted(folder.iterdir()), "nothing half-written stays"
    times = {path: path.stat().st_mtime_ns for path in entries(folder)}
    again = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=120, check=True).stdout
    assert again == results[0]
    assert {path: path.stat().st_mtime_ns for path in entries(folder)} == times, "the next process compiles nothing"
