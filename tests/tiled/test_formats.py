"""Every format: what is written is read back, any box of it, and damaged or foreign files are refused by name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from atrous.errors import ArgumentError, FileError
from atrous.geometry import Box
from atrous.graph.fact import Array
from atrous.tiled import plan, run
from atrous.tiled.formats import FORMATS, open_file
from atrous.tiled.formats.array import ArraySource, as_array
from tests.tiled import networks
from tests.tiled.oracle_bound import OracleProgram


def pixels(shape: tuple[int, ...], dtype: str) -> Array:
    random = np.random.default_rng(3)
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def assert_reads(path: Path, expected: Array, axes: str) -> None:
    """The whole, and boxes of it in an awkward order, into arrays of awkward strides."""
    with open_file(path) as source:
        assert (source.shape, source.dtype, source.axes) == (expected.shape, expected.dtype.newbyteorder("="), axes)
        sizes = expected.shape
        corners = [
            (tuple(0 for _ in sizes), sizes),
            (tuple(n // 3 for n in sizes), tuple(n // 3 + (n + 1) // 2 for n in sizes)),
        ]
        corners += [(tuple(max(0, n - 5) for n in sizes), sizes), (tuple(0 for _ in sizes), tuple(min(n, 2) for n in sizes))]
        for lo, hi in corners:
            box = Box(lo, hi)
            into = np.zeros(box.shape[::-1], source.dtype).T
            source.read(box, into)
            assert np.array_equal(into, expected[box.slices()])
            plainly = np.zeros(box.shape, source.dtype)
            source.read(box, plainly)
            assert np.array_equal(plainly, into)
            assert source.scratch(box.shape) >= 0


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "u1", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(7,), (5, 600), (2, 3, 33, 21)])
def test_npy_is_read_in_place(tmp_path: Path, dtype: str, order: str, shape: tuple[int, ...]) -> None:
    array = np.asarray(pixels(shape, np.dtype(dtype).newbyteorder("=").name), dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "x.npy", array)
    assert_reads(tmp_path / "x.npy", array, "")


@pytest.mark.parametrize(
    ("shape", "dtype", "suffix"),
    [
        ((31, 40), "uint8", ".png"),
        ((31, 40), "uint16", ".png"),
        ((31, 40, 2), "uint8", ".png"),
        ((31, 40, 3), "uint8", ".png"),
        ((31, 40, 4), "uint8", ".png"),
        ((31, 40), "uint8", ".tif"),
        ((31, 40, 3), "uint8", ".tiff"),
        ((31, 40, 4), "uint16", ".tif"),
        ((31, 40, 2), "float32", ".tif"),
        ((31, 40, 7), "float64", ".tif"),
        ((3, 31, 40), "float32", ".npy"),
        ((31, 40), "int64", ".npy"),
    ],
)
def test_round_trip_by_tiles(tmp_path: Path, shape: tuple[int, ...], dtype: str, suffix: str) -> None:
    array = pixels(shape, dtype)
    stored = np.moveaxis(array, -1, 0) if len(shape) == 3 and suffix != ".npy" else array
    path = run(OracleProgram(networks.casting(dtype, dtype)), stored, tmp_path / f"y{suffix}", tile=(9, 13))
    assert path == tmp_path / f"y{suffix}"
    assert_reads(path, array, "" if suffix == ".npy" else "YXC"[: len(shape)])
    again = run(OracleProgram(networks.casting(dtype, dtype)), path, tile=(9, 13))
    assert np.array_equal(again, array)
    assert [p.name for p in tmp_path.iterdir()] == [f"y{suffix}"]


def test_every_format_is_covered_here() -> None:
    assert {form.name for form in FORMATS} == {"NumPy", "PNG", "JPEG", "TIFF"}


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_read_and_written(tmp_path: Path, channels: int) -> None:
    ramp = np.add.outer(np.arange(64), 2 * np.arange(80)).astype(np.uint8)
    image = ramp if channels == 1 else np.stack([ramp, ramp // 2, 255 - ramp], axis=-1)
    Image.fromarray(image).save(tmp_path / "x.jpg", quality=95)
    decoded = np.asarray(Image.open(tmp_path / "x.jpg"))
    assert_reads(tmp_path / "x.jpg", decoded, "YXC"[: decoded.ndim])
    written = run(OracleProgram(networks.casting("uint8", "uint8")), tmp_path / "x.jpg", tmp_path / "y.jpeg", tile=16)
    assert np.abs(np.asarray(Image.open(written)).astype(int) - decoded).max() <= 12


def test_palettes_and_bilevel_images_are_turned_into_pixels(tmp_path: Path) -> None:
    image = Image.fromarray(pixels((20, 30, 3), "uint8"))
    palette = image.quantize(16)
    palette.save(tmp_path / "p.png")
    assert_reads(tmp_path / "p.png", np.asarray(palette.convert("RGB")), "YXC")
    palette.save(tmp_path / "t.png", transparency=3)
    assert_reads(tmp_path / "t.png", np.asarray(Image.open(tmp_path / "t.png").convert("RGBA")), "YXC")
    bilevel = image.convert("1")
    bilevel.save(tmp_path / "b.png")
    assert_reads(tmp_path / "b.png", np.asarray(bilevel.convert("L")), "YX")


TIFFS = {
    "strips": ({}, (50, 41), "YX"),
    "big endian": ({"byteorder": ">"}, (50, 41), "YX"),
    "bigtiff": ({"bigtiff": True}, (50, 41, 3), "YXC"),
    "deflate strips": ({"compression": "zlib", "rowsperstrip": 7}, (50, 41), "YX"),
    "deflate tiles": ({"compression": "zlib", "tile": (16, 32)}, (50, 41), "YX"),
    "plain tiles": ({"tile": (16, 16)}, (50, 41), "YX"),
    "predictor": ({"compression": "zlib", "predictor": 2, "tile": (16, 16), "photometric": "rgb"}, (50, 41, 3), "YXC"),
    "packed rgb tiles": ({"compression": "zlib", "tile": (16, 16), "photometric": "rgb"}, (50, 41, 3), "YXC"),
    "planar tiles": (
        {"compression": "zlib", "tile": (16, 16), "photometric": "rgb", "planarconfig": "separate"},
        (3, 50, 41),
        "CYX",
    ),
    "planar": ({"photometric": "rgb", "planarconfig": "separate"}, (3, 50, 41), "CYX"),
    "pages": ({"photometric": "minisblack"}, (6, 50, 41), "PYX"),
    "compressed pages": ({"photometric": "minisblack", "compression": "zlib"}, (6, 50, 41), "PYX"),
    "rgb pages": ({"photometric": "rgb", "compression": "zlib"}, (6, 50, 41, 3), "PYXC"),
    "channel pages": (
        {"photometric": "minisblack", "compression": "zlib", "metadata": {"axes": "ZCYX"}},
        (2, 5, 50, 41),
        "PCYX",
    ),
    "ome": (
        {"photometric": "minisblack", "compression": "zlib", "metadata": {"axes": "CZYX"}, "ome": True},
        (2, 5, 50, 41),
        "CPYX",
    ),
    "imagej": ({"imagej": True, "metadata": {"axes": "ZCYX"}}, (2, 5, 50, 41), "PCYX"),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_tiff(tmp_path: Path, kind: str) -> None:
    options, shape, axes = TIFFS[kind]
    array = pixels(shape, "uint8" if "rgb" in str(options) else "uint16")
    tifffile.imwrite(tmp_path / "x.tif", array, **options)
    assert_reads(tmp_path / "x.tif", array, axes)


def test_tiff_pages_are_a_batch_or_a_volume(tmp_path: Path) -> None:
    array = pixels((4, 30, 21), "float32")
    tifffile.imwrite(tmp_path / "x.tif", array, photometric="minisblack")
    for axes in (2, 3):
        written = run(
            OracleProgram(networks.casting("float32", "float32", 1, axes)), tmp_path / "x.tif", tmp_path / f"{axes}.tif", tile=8
        )
        assert np.array_equal(tifffile.imread(written), array)


def test_only_the_segments_of_a_box_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "x.tif", pixels((128, 128), "uint8"), tile=(16, 16), compression="zlib")
    with open_file(tmp_path / "x.tif") as source:
        decoded = []
        kept = type(source)._segment
        monkeypatch.setattr(type(source), "_segment", lambda self, *key: (decoded.append(key), kept(self, *key))[1])
        into = np.zeros((20, 20), np.uint8)
        source.read(Box((40, 40), (60, 60)), into)
        assert len(decoded) == 4


DAMAGED = {
    "cut.npy": lambda p: (np.save(p, np.zeros((99, 99))), p.write_bytes(p.read_bytes()[:5000])),
    "header.npy": lambda p: p.write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': 'evil'"),
    "pickled.npy": lambda p: np.save(p, np.array([{"a": 1}], dtype=object), allow_pickle=True),
    "head.png": lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 9),
    "head.jpg": lambda p: p.write_bytes(b"\xff\xd8\xff" + b"junk" * 9),
    "head.tif": lambda p: p.write_bytes(b"II*\0" + b"junk" * 9),
    "nothing.png": lambda p: p.write_bytes(b""),
    "words.txt": lambda p: p.write_text("hello"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_refused_by_name(tmp_path: Path, name: str) -> None:
    DAMAGED[name](tmp_path / name)
    with pytest.raises(FileError, match=f"{name}.*(not a usable .npy|damaged|of no format that atrous reads: NumPy)"):
        open_file(tmp_path / name).close()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".npy"])
def test_files_that_end_too_early_are_refused_and_nothing_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    array = pixels((200, 300), "uint8")
    if suffix == ".npy":
        np.save(path, array)
    elif suffix == ".tif":
        tifffile.imwrite(path, array, compression="zlib", rowsperstrip=10)
    else:
        Image.fromarray(array).save(path)
    whole = path.read_bytes()
    if suffix == ".tif":  # the directory stands at the front: lose the last strips
        whole = whole[:-5000]
    path.write_bytes(whole if suffix == ".tif" else whole[: len(whole) * 2 // 3])
    with pytest.raises(FileError, match=f"x{suffix}.*(truncated|mmap length)"):
        run(OracleProgram(networks.casting("uint8", "uint8")), path, tmp_path / "y.npy")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none.png: cannot read the input: No such file"):
        open_file(tmp_path / "none.png")


def test_a_colour_png_of_16_bits_is_refused_rather_than_cut_to_8(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    data = zlib.compress(b"\0" + bytes(12))
    (tmp_path / "deep.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    with pytest.raises(FileError, match="16 bits a colour, of which Pillow would keep 8; convert it to TIFF"):
        open_file(tmp_path / "deep.png")


def test_an_animation_and_a_cmyk_image_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels((9, 9, 3), "uint8")) for _ in range(2)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    Image.new("CMYK", (8, 8)).save(tmp_path / "c.jpg")
    for name, message in [("a.png", "it is an animation"), ("c.jpg", "Pillow's mode CMYK")]:
        with pytest.raises(FileError, match=message):
            open_file(tmp_path / name)


def test_a_huge_image_is_planned_without_being_decoded(tmp_path: Path) -> None:
    """Beyond Pillow's own limit, which would warn or refuse."""
    Image.new("1", (20_000, 10_000)).save(tmp_path / "huge.png")
    made = plan(OracleProgram(networks.casting("uint8", "uint8")), tmp_path / "huge.png", tmp_path / "y.npy", memory="4GB")
    assert made.output_shape == (1, 1, 10_000, 20_000)
    assert any("decoded" in line.what and line.size >= 200_000_000 for line in made.memory)


def test_results_that_a_format_cannot_hold(tmp_path: Path) -> None:
    program = OracleProgram(networks.plain())
    x = networks.odd((9, 9))
    with pytest.raises(
        ArgumentError, match=r"y.png: the result is float32\[9, 9\]; a PNG holds uint8.*--clip 0 255 --output-type uint8"
    ):
        run(program, x, tmp_path / "y.png")
    with pytest.raises(
        ArgumentError, match=r"y.xyz: the suffix '.xyz' is of no format that atrous writes: NumPy \(.npy\), PNG"
    ):
        run(program, x, tmp_path / "y.xyz")
    with pytest.raises(ArgumentError, match=r"a JPEG holds uint8, gray or RGB"):
        run(OracleProgram(networks.casting("uint8", "uint8")), pixels((2, 9, 9), "uint8"), tmp_path / "y.jpg")
    with pytest.raises(ArgumentError, match=r"y.tif: the result is float32\[1, 2, 9\]; a TIFF holds images"):
        run(OracleProgram(networks.plain(2, 1)), networks.odd((1, 2, 9)), tmp_path / "y.tif")
    assert not list(tmp_path.iterdir())


def test_images_for_networks_that_take_none(tmp_path: Path) -> None:
    Image.fromarray(pixels((9, 9, 3), "uint8")).save(tmp_path / "x.png")
    with pytest.raises(ArgumentError, match=r"an image with axes YXC needs a network with input \(N, C, H, W\)"):
        run(OracleProgram(networks.casting("uint8", "uint8", 1, 1)), tmp_path / "x.png")
    with pytest.raises(ArgumentError, match=r"axis 1 must be 1 and is 3; turn the colours to gray with --gray"):
        run(OracleProgram(networks.casting("uint8", "uint8", 1)), tmp_path / "x.png")


class Wrapped:
    def __init__(self, array: Array) -> None:
        self._array = array

    def __array__(self, dtype: object = None, copy: bool | None = None) -> Array:
        return self._array


def test_arrays_of_others_are_taken_without_a_copy() -> None:
    torch = pytest.importorskip("torch")
    array = networks.odd((4, 5))
    for other in (Wrapped(array), memoryview(array), torch.from_numpy(array), array):
        assert np.shares_memory(as_array("input", other), array)


def test_arrays_without_numbers_are_refused() -> None:
    for value, message in [
        (np.array([object()]), "input: an array of object has no numbers"),
        (np.float32(3), r"input: got a single number \(0-d array\)"),
        (np.zeros((3, 0, 4)), r"input: got shape \(3, 0, 4\), which has no elements"),
        ([[1.0], [2.0, 3.0]], "input: a list gives no array"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            as_array("input", value)


def strange_arrays() -> dict[str, Array]:
    x = networks.odd((40, 50))
    shifted = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(x.shape)
    shifted[...] = x
    readonly = x.copy()
    readonly.flags.writeable = False
    return {
        "big endian": x.astype(">f4"),
        "fortran": np.asfortranarray(x),
        "backwards": x[::-1, ::-1].copy()[::-1, ::-1],
        "every other": np.repeat(x, 2, axis=1)[:, ::2],
        "read-only": readonly,
        "unaligned": shifted,
    }


@pytest.mark.parametrize("kind", strange_arrays())
def test_strange_arrays_give_the_usual_result(kind: str) -> None:
    x = strange_arrays()[kind]
    program = OracleProgram(networks.plain())
    assert np.array_equal(run(program, x, tile=17), run(program, networks.odd((40, 50))))


def test_memory_maps_are_sources_and_sinks(tmp_path: Path) -> None:
    x = networks.odd((40, 50))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.zeros_like(x))
    mapped, out = np.load(tmp_path / "x.npy", mmap_mode="r"), np.load(tmp_path / "y.npy", mmap_mode="r+")
    program = OracleProgram(networks.plain())
    expected = run(program, x)
    assert np.array_equal(run(program, mapped, out, tile=17), expected)
    del out
    assert np.array_equal(np.load(tmp_path / "y.npy"), expected)


def test_changes_in_a_private_memory_map_are_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((40, 50), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    mapped[...] = networks.odd((40, 50))
    source = ArraySource(mapped)
    source.release()
    assert source.held == mapped.nbytes
    assert np.array_equal(
        run(OracleProgram(networks.plain()), mapped, tile=17), run(OracleProgram(networks.plain()), networks.odd((40, 50)))
    )
