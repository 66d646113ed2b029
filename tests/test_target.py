"""The CPU description."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from atrous.errors import ArgumentError
from atrous.target import Caches, Target, available_cores


@pytest.mark.parametrize(
    ("arch", "features", "bits", "registers", "fma"),
    [
        ("x86_64", {"sse2"}, 128, 16, False),
        ("x86_64", {"avx", "avx2", "fma"}, 256, 16, True),
        ("x86_64", {"avx", "avx2", "fma", "avx512f"}, 512, 32, True),
        ("aarch64", {"neon"}, 128, 32, True),
    ],
)
def test_vectors_follow_from_the_features(arch: str, features: set[str], bits: int, registers: int, fma: bool) -> None:
    target = Target("any", arch, frozenset(features))
    assert (target.vector_bits, target.vector_registers, target.fma) == (bits, registers, fma)
    assert (target.lanes("float32"), target.lanes("float64")) == (bits // 32, bits // 64)


def test_the_host_is_described_with_only_the_features_that_are_on() -> None:
    target = Target.from_host("some-cpu", {"avx": True, "avx512f": False})
    assert target.features == {"avx"}
    assert target.cores == available_cores() <= (os.cpu_count() or 1)
    assert target.caches.l1 >= 8 * 2**10
    assert Target.from_host("some-cpu", ["avx"]) == target


def describe(folder: Path, number: int, kind: str, level: str, size: str) -> None:
    index = folder / f"index{number}"
    index.mkdir()
    for name, text in (("type", kind), ("level", level), ("size", size)):
        (index / name).write_text(text + "\n")


def test_caches_are_read_from_the_kernels_description(tmp_path: Path) -> None:
    describe(tmp_path, 0, "Data", "1", "48K")
    describe(tmp_path, 1, "Instruction", "1", "64K")
    describe(tmp_path, 2, "Unified", "2", "2M")
    describe(tmp_path, 3, "Unified", "3", "1G")
    assert Caches.of_host(tmp_path) == Caches(48 * 2**10, 2 * 2**20, 2**30)


def test_caches_that_the_kernel_does_not_tell_have_their_defaults(tmp_path: Path) -> None:
    assert Caches.of_host(tmp_path / "missing") == Caches()
    describe(tmp_path, 0, "Data", "1", "lots")
    (tmp_path / "index1").mkdir()
    assert Caches.of_host(tmp_path) == Caches()


def test_vectors_of_other_types_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^dtype: got 'int8'; vectors hold float32 or float64$"):
        Target("any", "x86_64").lanes("int8")
