"""External data that is missing, outside of the model's folder, sparse, or named over and over: refused before it is read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper

from atrous.errors import FileError
from atrous.importers import load
from atrous.importers.external import MOST_SPARSE
from tests.importers.models import model, node


def external(location: str, tmp_path: Path, offset: int = 0, length: int = 16) -> Path:
    proto = model([node("Mul", "x", "w")], constants={"w": np.ones((4, 1, 1), np.float32)})
    external_data_helper.set_external_data(proto.graph.initializer[0], location, offset, length)
    proto.graph.initializer[0].ClearField("raw_data")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    (folder / "weights.bin").write_bytes(np.arange(4, dtype="<f4").tobytes())
    (tmp_path / "outside.bin").write_bytes(b"\0" * 16)
    return folder / "model.onnx"


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    network = load(external("weights.bin", tmp_path))
    assert network.constants["w"].reshape(-1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("location", ["../outside.bin", "/etc/passwd", "", "a/../../outside.bin"])
def test_external_data_outside_the_folder_is_refused(location: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="lies outside the model's folder; it must lie inside"):
        load(external(location, tmp_path))


def test_external_data_behind_a_link_is_refused(tmp_path: Path) -> None:
    path = external("link.bin", tmp_path)
    (path.parent / "link.bin").symlink_to(tmp_path / "outside.bin")
    with pytest.raises(FileError, match="lies outside the model's folder"):
        load(path)


@pytest.mark.parametrize(("offset", "length"), [(4, 16), (-1, 16), (0, 12), (0, 1 << 50)])
def test_external_data_is_measured_first(offset: int, length: int, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"in 'weights.bin' of 16 bytes.*need 16: the file is damaged"):
        load(external("weights.bin", tmp_path, offset, length))


@pytest.mark.parametrize("count", [1 << 38, 1 << 27])
def test_external_data_that_claims_more_than_it_stores_is_refused(count: int, tmp_path: Path) -> None:
    """A sparse file has any size and takes no room on a disk; its zeros would fill the memory."""
    path = external("weights.bin", tmp_path, length=4 * count)
    proto = onnx.load(path, load_external_data=False)
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend([count, 1, 1])
    path.write_bytes(proto.SerializeToString())
    (path.parent / "weights.bin").write_bytes(b"")
    try:
        os.truncate(path.parent / "weights.bin", 4 * count)
    except OSError as error:
        pytest.skip(f"no file of {4 * count} bytes can be made here: {error.strerror}")
    start = monotonic()
    said = rf"tensor 'w' takes {4 * count} bytes of 'weights.bin', .*which stores \d+ only: .* files must not be sparse"
    with pytest.raises(FileError, match=said):
        load(path)
    assert monotonic() - start < 5


def ranges(folder: Path, parts: Sequence[tuple[str, int, int, int]], stored: Mapping[str, int]) -> Path:
    """A model of tensors, each ``(file, type, offset, elements)``, and files of so many bytes; more than a page is a hole."""
    nodes = [node("Mul", "x" if i == 0 else f"y{i - 1}", f"w{i}", outputs=[f"y{i}"]) for i in range(len(parts))]
    proto = model(nodes, shape=("N", "W"), outputs=(f"y{len(parts) - 1}",))
    for i, (file, code, offset, count) in enumerate(parts):
        tensor = onnx.TensorProto(name=f"w{i}", data_type=code, dims=[count])
        length = count * (2 if code == TensorProto.FLOAT16 else 4)
        external_data_helper.set_external_data(_with_data(tensor), file, offset, length)
        tensor.ClearField("raw_data")
        proto.graph.initializer.append(tensor)
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    for file, size in stored.items():
        (folder / file).write_bytes(np.arange(1024, dtype="<f4").tobytes()[:size])
        os.truncate(folder / file, size)
    return folder / "model.onnx"


def _with_data(tensor: onnx.TensorProto) -> onnx.TensorProto:
    tensor.raw_data = b""  # without which the helper refuses to make it external
    return tensor


def test_tensors_that_name_one_range_share_it(tmp_path: Path) -> None:
    """A file of a quarter of the limit, named eight times over: read once, however the tensors are shaped."""
    count = MOST_SPARSE // 16
    path = ranges(tmp_path, [("w.bin", TensorProto.FLOAT, 0, count)] * 8, {"w.bin": 4 * count})
    constants = list(load(path).constants.values())
    assert len(constants) == 8
    assert all(np.shares_memory(constants[0], other) for other in constants[1:])
    path = ranges(tmp_path, [("w.bin", TensorProto.FLOAT16, 64, 100)] * 2, {"w.bin": 264})
    with pytest.warns(UserWarning, match="2 tensors of 16-bit floats are widened"):
        first, second = load(path).constants.values()
    assert np.shares_memory(first, second)
    assert first.dtype == np.float32


def test_ranges_that_overlap_do_not_multiply_memory(tmp_path: Path) -> None:
    """Each a little further on than the one before: together forty times what the limit allows."""
    count = MOST_SPARSE // 4
    parts = [("w.bin", TensorProto.FLOAT, 64 * i, count) for i in range(40)]
    path = ranges(tmp_path, parts, {"w.bin": MOST_SPARSE + 64 * 40})
    with pytest.raises(FileError, match=r"tensor 'w1' takes \d+ bytes .*nor ranges overlap"):
        load(path)
    few = ranges(tmp_path, [("w.bin", TensorProto.FLOAT, 4 * i, 20) for i in range(40)], {"w.bin": 4096})
    constants = load(few).constants
    assert constants["w39"].tolist() == list(range(39, 59))


def test_many_sparse_files_do_not_add_up(tmp_path: Path) -> None:
    """Each within the limit alone, by names of its own; and one file by two names is one file."""
    count = MOST_SPARSE // 8
    names = [f"w{i}.bin" for i in range(4)]
    path = ranges(tmp_path, [(name, TensorProto.FLOAT, 0, count) for name in names], dict.fromkeys(names, 4 * count))
    with pytest.raises(FileError, match=r"tensor 'w2' takes \d+ bytes of 'w2.bin', .* files must not be sparse"):
        load(path)
    path = ranges(tmp_path, [(f"l{i}.bin", TensorProto.FLOAT, 0, 7) for i in range(3)], {"l0.bin": 28})
    for name in ("l1.bin", "l2.bin"):
        os.link(tmp_path / "l0.bin", tmp_path / name)
    constants = load(path).constants
    assert np.shares_memory(constants["w0"], constants["w2"])


def test_sums_are_limited_by_what_files_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in full: all of them is read, with overlaps as much again, and no more."""
    monkeypatch.setattr("atrous.importers.external.MOST_SPARSE", 0)
    monkeypatch.setattr("atrous.importers.external.stored_bytes", lambda state: state.st_size)  # disks count in blocks
    stored = {"a.bin": 4096, "b.bin": 4096}
    whole = [(name, TensorProto.FLOAT, 1024 * i, 256) for name in stored for i in range(4)]
    assert len(load(ranges(tmp_path, whole, stored)).constants) == 8
    twice = [(name, TensorProto.FLOAT, 512 * i, 256) for name in stored for i in range(7)]
    assert len(load(ranges(tmp_path, twice, stored)).constants) == 14
    often = [("a.bin", TensorProto.FLOAT, 256 * i, 256) for i in range(13)]
    with pytest.raises(FileError, match="at most 2 times that"):
        load(ranges(tmp_path, often, stored))


def test_external_data_behind_a_linked_folder_or_in_no_plain_file_is_refused(tmp_path: Path) -> None:
    path = external("link/outside.bin", tmp_path)
    (path.parent / "link").symlink_to(tmp_path)
    with pytest.raises(FileError, match="lies outside the model's folder"):
        load(path)
    (path.parent / "link").unlink()
    (path.parent / "link").mkdir()
    os.mkfifo(path.parent / "link" / "outside.bin")  # reading it would wait for ever
    with pytest.raises(FileError, match="is missing; put it beside the model"):
        load(path)


def test_external_data_that_is_missing_or_has_no_folder(tmp_path: Path) -> None:
    path = external("gone.bin", tmp_path)
    with pytest.raises(FileError, match=r"'gone.bin' is missing; put it beside the model"):
        load(path)
    with pytest.raises(FileError, match="load the model by its path"):
        load(path.read_bytes())
