"""A result appears complete or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from atrous.errors import FileError
from atrous.graph.fact import Array
from atrous.tiled import run
from atrous.tiled.raw import RawArray
from tests.tiled import networks
from tests.tiled.oracle_bound import OracleBound, OracleProgram

SUFFIXES = [".npy", ".tif", ".png", ".jpg"]


def convert(x: Array, out: Path, **options: object) -> object:
    return run(OracleProgram(networks.casting("uint8", "uint8")), x, out, tile=8, **options)  # type: ignore[arg-type]


@pytest.fixture
def image() -> Array:
    return np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_existing_file_stays_unless_overwriting_is_allowed(tmp_path: Path, image: Array, suffix: str) -> None:
    out = tmp_path / f"y{suffix}"
    out.write_bytes(b"precious")
    with pytest.raises(
        FileError, match=rf"out: .*y{suffix} exists; choose another name, or allow it with overwrite=True \(--overwrite\)"
    ):
        convert(image, out)
    assert out.read_bytes() == b"precious"
    convert(image, out, overwrite=True)
    assert out.read_bytes() != b"precious"
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError("a bug")])
def test_a_run_that_stops_midway_leaves_nothing(
    tmp_path: Path, image: Array, suffix: str, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = OracleBound.run

    def failing(self: OracleBound, *arguments: object) -> None:
        if len(self.tiles) == 3:
            assert len(list(tmp_path.iterdir())) == 1, "the temporary file is there while it runs"
            raise failure
        computed(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(OracleBound, "run", failing)
    with pytest.raises(type(failure)):
        convert(image, tmp_path / f"y{suffix}")
    assert not list(tmp_path.iterdir())


def full_disk(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["posix_fallocate", "pwritev"])
@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, image: Array, call: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, call, full_disk)
    with pytest.raises(
        FileError, match=rf"no space left on the device for .*y{suffix} \(the file needs 0.0 MB\); free some space"
    ):
        convert(image, tmp_path / f"y{suffix}")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_while_an_image_is_encoded(tmp_path: Path, image: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.Image.Image.save", full_disk)
    with pytest.raises(FileError, match=r"no space left on the device for .*y.png; free some space"):
        convert(image, tmp_path / "y.png")
    assert not list(tmp_path.iterdir())


def test_a_file_system_that_cannot_reserve_space_is_written_all_the_same(
    tmp_path: Path, image: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not here")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    convert(image, tmp_path / "y.npy")
    assert np.array_equal(np.load(tmp_path / "y.npy"), image)


def test_folders_that_are_missing_or_in_the_way(tmp_path: Path, image: Array) -> None:
    with pytest.raises(FileError, match=r"the folder .*/none of y.npy does not exist; create it first"):
        convert(image, tmp_path / "none" / "y.npy")
    (tmp_path / "d.npy").mkdir()
    with pytest.raises(FileError, match=r"d.npy is a folder; give the path of a file in it"):
        convert(image, tmp_path / "d.npy", overwrite=True)


def test_a_link_stays_a_link(tmp_path: Path, image: Array) -> None:
    (tmp_path / "real.npy").write_bytes(b"old")
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    convert(image, tmp_path / "link.npy", overwrite=True)
    assert (tmp_path / "link.npy").is_symlink()
    assert np.array_equal(np.load(tmp_path / "real.npy"), image)


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path, image: Array) -> None:
    convert(image, tmp_path / "y.npy")
    (tmp_path / "plain").touch()
    assert (tmp_path / "y.npy").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_input_and_output_may_be_the_same_file(tmp_path: Path, image: Array) -> None:
    np.save(tmp_path / "x.npy", image)
    convert(tmp_path / "x.npy", tmp_path / "x.npy", overwrite=True)  # type: ignore[arg-type]
    assert np.array_equal(np.load(tmp_path / "x.npy"), image)


def test_a_file_that_shrinks_while_it_is_read_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(100))
    handle = os.open(tmp_path / "raw", os.O_RDONLY)
    raw = RawArray(handle, tmp_path / "raw", 0, (200,), np.dtype(np.uint8))
    from atrous.geometry import Box

    with pytest.raises(FileError, match="the file ends before its array"):
        raw.read(Box((0,), (200,)), np.zeros(200, np.uint8))
    os.close(handle)
