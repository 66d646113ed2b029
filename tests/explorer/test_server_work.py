"""What the page is told of a network and an image: the numbers of inspect, the maps of the engine, the fields of geometry."""

from __future__ import annotations

import base64
import os
import sys
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import onnx
import pytest
from onnx import helper
from PIL import Image

import atrous
from atrous.explorer import workbench
from atrous.explorer.fitting import SCALINGS, Settings, fit
from atrous.explorer.picture import Picture, read_picture, sample
from atrous.figures.colours import coloured, two_ended
from atrous.geometry import ReceptiveField, Window
from atrous.graph.evaluate import evaluate
from atrous.importers import load
from atrous.tiled.preview import averaged, fitted
from tests.importers.models import model, node

from .asking import Asker, Data, running, small_model


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with running() as asker:
        yield asker


def png(array: np.ndarray, form: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(array).save(file, format=form)
    return file.getvalue()


def pixels(address: str) -> np.ndarray:
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))))


def photograph(rows: int, columns: int, channels: int = 3) -> np.ndarray:
    draw = np.random.default_rng(3)
    shape = (rows, columns, channels) if channels > 1 else (rows, columns)
    return draw.integers(0, 256, shape, np.uint8)


def test_the_table_has_the_numbers_of_inspect(asker: Asker) -> None:
    for name in ("lenet", "mobilenet_v2", "context_module", "wavenet"):
        asker.ask("network", name=name).result()
        table = asker.ask("table").result()
        report = atrous.inspect(atrous.networks.by_name(name))
        assert [row["name"] for row in table["layers"]] == [row.name for row in report.rows]
        assert [int(row["parameters"]) for row in table["layers"]] == [row.parameters for row in report.rows]
        assert [int(row["macs"]) for row in table["layers"]] == [row.macs for row in report.rows]
        assert [row["output"] for row in table["layers"]] == ["×".join(map(str, row.output)) for row in report.rows]
        assert [row["field"] for row in table["layers"]] == ["×".join(map(str, row.fields)) or "-" for row in report.rows]
        assert dict(table["totals"])["MACs"] == f"{report.macs:,}"


def test_open_sizes_stay_open_where_those_that_are_assumed_do_not_fit(asker: Asker) -> None:
    with running() as other:
        other.ask("network", name="unet").result()
        table = other.ask("table").result()
    assert table["told"][0].startswith("Without an image, open sizes stay open: shapes: none was given and N = 1, H = 224")
    assert (table["layers"][0]["parameters"], table["layers"][0]["macs"]) == ("640", None)


def test_an_uploaded_network_on_an_uploaded_image(asker: Asker) -> None:
    taken = asker.send("model", small_model(), quote("my net.onnx")).result()
    assert (taken["name"], taken["takes_image"]) == ("my net.onnx", True)
    image = photograph(40, 61)
    shown = asker.send("image", png(image), "cup.png").result()
    assert (shown["name"], shown["size"], shown["told"]) == ("cup.png", [40, 61], [])
    table = asker.ask("table").result()
    report = load(small_model()).inspect((1, 3, 40, 61))
    assert [row["macs"] for row in table["layers"]] == [str(row.macs) for row in report.rows]
    assert table["told"] == ["Its pixels are given as 0 to 1."]
    np.testing.assert_array_equal(pixels(table["image"]["picture"]), image)

    maps = asker.ask("maps", layer="second").result()
    net = load(small_model())
    x = np.moveaxis(image / np.float64(255), 2, 0)[None].astype(np.float32)
    expected = evaluate(net, {"image": x})["c2"][0]
    assert (maps["kind"], maps["count"], maps["size"]) == ("maps", 2, list(expected.shape[1:]))
    for each, values in zip(maps["maps"], expected, strict=True):
        assert each["min"] == pytest.approx(values.min(), rel=1e-4)
        assert each["max"] == pytest.approx(values.max(), rel=1e-4)
        assert pixels(each["picture"]).shape == (*values.shape, 3)


def test_the_field_of_a_unit_is_that_of_geometry_inside_the_image(asker: Asker) -> None:
    asker.send("model", small_model()).result()
    asker.send("image", png(photograph(40, 61))).result()
    along = ReceptiveField.through([Window(3, stride=2, pad_lo=1, pad_hi=1), Window(3, dilation=2)])
    for row, column in ((0, 0), (7, 11), (15, 26)):
        unit = asker.ask("unit", layer="second", channel=1, row=row, column=column).result()
        for place, size, field in zip((row, column), (40, 61), unit["field"], strict=True):
            inside = along.inputs(place).clip(0, size)
            assert [tuple(run) for run in field["runs"]] == list(inside.runs)
            assert (field["read"], field["holes"]) == (len(inside), len(inside.holes))


def test_a_unit_is_said_in_words(asker: Asker) -> None:
    asker.send("model", small_model()).result()
    asker.send("image", png(photograph(40, 61))).result()
    where, reads, *beyond = asker.ask("unit", layer="second", channel=1, row=0, column=5).result()["words"]
    assert where.startswith("Unit (row 0, column 5) of map 1 of second has the value ")
    assert reads == (
        "It reads rows 0 to 9 and columns 9 to 19 of the image: 10 × 11 pixels, of which 72 are read "
        "(holes: 2 rows and 2 columns)."
    )
    assert beyond == ["Away from the borders its receptive field is 11 × 11."]
    first = asker.ask("unit", layer="first", channel=0, row=3, column=4).result()
    assert first["words"][1] == "It reads rows 5 to 7 and columns 7 to 9 of the image: 3 × 3 pixels, every one of them."
    assert len(first["words"]) == 2


def test_the_field_counts_what_changes_the_unit(asker: Asker) -> None:
    """By perturbation: exactly the pixels of the field change the unit, at a corner too."""
    net = load(small_model())
    asker.send("model", small_model()).result()
    image = photograph(16, 17)
    asker.send("image", png(image)).result()
    unit = asker.ask("unit", layer="second", channel=0, row=0, column=2).result()
    rows, columns = ({i for lo, hi in field["runs"] for i in range(lo, hi)} for field in unit["field"])
    weights = {name: np.abs(array) for name, array in net.constants.items()}
    net = atrous.Network(net.name, net.inputs, net.outputs, net.nodes, weights)
    changing = {
        (row, column)
        for row in range(16)
        for column in range(17)
        if evaluate(net, {"image": one(row, column)})["c2"][0, 0, 0, 2]
        != evaluate(net, {"image": one(None, 0)})["c2"][0, 0, 0, 2]
    }
    assert changing == {(row, column) for row in rows for column in columns}


def one(row: int | None, column: int) -> np.ndarray:
    x = np.zeros((1, 3, 16, 17), np.float32)
    if row is not None:
        x[:, :, row, column] = 1
    return x


def test_large_maps_are_drawn_small_and_many_are_shown_in_parts(asker: Asker) -> None:
    asker.ask("network", name="resnet18").result()
    asker.ask("sample").result()
    maps = asker.ask("maps", layer="stem.conv", side=400).result()
    assert (maps["count"], len(maps["maps"]), maps["size"]) == (64, 64, [134, 200])
    assert maps["maps"][0]["drawn"] == [64, 96]
    last = [row["name"] for row in asker.ask("table", side=256).result()["layers"] if row["operator"] == "Conv"][-1]
    later = asker.ask("maps", layer=last, first=64, side=256).result()
    assert (later["count"], later["first"], later["maps"][0]["channel"]) == (512, 64, 64)
    assert later["maps"][0]["drawn"] == later["size"]


def test_a_vector_shows_its_largest_numbers(asker: Asker) -> None:
    asker.ask("network", name="lenet").result()
    asker.ask("sample").result()
    scores = asker.ask("maps", layer="logits").result()
    assert (scores["kind"], scores["count"], len(scores["largest"])) == ("vector", 10, 10)
    assert [value for _, value in scores["largest"]] == sorted((value for _, value in scores["largest"]), reverse=True)
    assert asker.ask("unit", layer="logits").error == "logits: makes a vector of 10 numbers; only maps have units to point at"


def test_errors_are_the_engines_own(asker: Asker) -> None:
    assert asker.ask("network", name="lenet9").error.startswith("network: 'lenet9' is none of the built-in ones: lenet, ")
    assert asker.send("model", b"nonsense").error == "the model: is damaged, cut short, or not an ONNX model (8 bytes)"
    odd = model([node("Conv", "x", "w"), node("Wavelet", "y", outputs=("z",))], constants={"w": np.ones((1, 4, 3, 3))})
    reply = asker.send("model", odd.SerializeToString())
    assert (reply.status, reply.error.startswith("the model: opset 21 operators that atrous does not have: Wavelet")) == (
        422,
        True,
    )
    assert asker.ask("table").error == "network: none is chosen yet; choose a built-in one, or an ONNX file"
    assert asker.send("image", b"nonsense", "photo.gif").error.startswith("photo.gif: the first bytes b'nonsense' are of no")
    assert asker.send("image", png(photograph(30, 30))[:200], "cut.png").error.startswith("cut.png: a damaged or truncated")
    asker.ask("network", name="lenet").result()
    assert asker.ask("table", scaling="loud").error.startswith("scaling: got 'loud'; it must be one of unit, signed")
    assert asker.ask("table", side=5000).error == "side: got 5000; the longer side must have 16 to 1024 pixels"
    assert asker.ask("table", side="big").error == "side: got 'big'; it must be a whole number of pixels"
    assert asker.ask("network", name=7).error == "name: got '7'; it must be a text"


def test_units_and_maps_that_are_not_there(asker: Asker) -> None:
    asker.send("model", small_model()).result()
    asker.send("image", png(photograph(20, 20))).result()
    assert asker.ask("maps", layer="first", first=4).error == "first: got 4; first has the maps 0 to 3"
    assert asker.ask("unit", layer="first", channel=9).error == "channel: got 9; the maps of first have channels 0 to 3"
    assert asker.ask("unit", layer="first", row=-1).error == "row: got -1; the maps of first have rows 0 to 9"
    assert asker.ask("unit", layer="first", row=1.5).error == "row: got '1.5'; it must be a whole number"
    assert asker.ask("maps", layer="nowhere").error.startswith("names: 'nowhere' is no layer of small; it has first, relu")


def test_a_model_with_external_data_is_refused(asker: Asker, tmp_path: Path) -> None:
    for place in ("weights.bin", "../secret", "/etc/passwd"):
        proto = onnx.load_from_string(small_model(external=tmp_path / "weights.bin"))
        for entry in proto.graph.initializer[0].external_data:
            if entry.key == "location":
                entry.value = place
        error = asker.send("model", proto.SerializeToString()).error
        assert error == f"the model: refers to external data {place!r}; load the model by its path, or save it as one file"


def test_a_network_for_signals_is_told_why_it_takes_no_image(asker: Asker) -> None:
    taken = asker.ask("network", name="wavenet").result()
    asker.ask("sample").result()
    reason = (
        "wavenet: its input 'signal' is float32[N,256,T]: a 1-d signal; its numbers are in the table, but an image has two axes"
    )
    assert taken["takes_image"] is False
    assert asker.ask("table").result()["told"] == [reason]
    assert asker.ask("maps", layer="front").error == reason
    for name, why in (("unet3d", "an array of 5 axes"), ("context_module", "21 channels; an image has 1 (gray) or 3")):
        asker.ask("network", name=name).result()
        assert why in asker.ask("maps", layer="x").error


def test_an_image_of_fifty_megapixels_is_downscaled_and_said_so(asker: Asker) -> None:
    large = np.zeros((5774, 8660), np.uint8)
    large[:, 4330:] = 200
    taken = asker.send("image", png(large, "PNG"), "large.png").result()
    assert taken["size"] == [5774, 8660]
    assert taken["told"] == [
        "The image has 8660 × 5774 pixels (50.0 megapixels); it was downscaled to 1024 × 683 for this page."
    ]
    asker.ask("network", name="denoiser").result()
    table = asker.ask("table", side=512).result()
    assert table["told"] == [
        *taken["told"],
        "The network is given the image at 512 × 341 pixels.",
        "Its pixels are given as 0 to 1.",
    ]
    shown = pixels(table["image"]["picture"])
    assert shown.shape == (341, 512)
    assert (shown[:, :256] == 0).all()
    assert (shown[:, 256:] == 200).all()


def test_an_image_that_no_machine_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20000, 20000)).save(path)
    with pytest.raises(atrous.AtrousError) as raised:
        read_picture(path, "bomb.png")
    assert str(raised.value) == (
        "bomb.png: has 20000 × 20000 pixels (400.0 megapixels); the page takes at most 200 megapixels: "
        "atrous run takes any size"
    )


def test_images_of_other_kinds(tmp_path: Path) -> None:
    import tifffile

    ramp = np.linspace(0, 65535, 60).astype(np.uint16).reshape(6, 10)
    cases = {
        "alpha.png": (photograph(6, 10, 4), "Its transparency is left out.", (6, 10, 3)),
        "gray.tif": (ramp, "Its 16 bits are kept as 8.", (6, 10)),
        "float.tif": (ramp / np.float32(65535), "Its values are float32: 0 is taken as black, 1 as white.", (6, 10)),
    }
    for name, (array, told, shape) in cases.items():
        path = tmp_path / name
        path.write_bytes(png(array)) if name.endswith(".png") else tifffile.imwrite(path, array)
        picture = read_picture(path, name)
        assert (picture.told, picture.pixels.shape, picture.pixels.dtype) == ((told,), shape, np.uint8)
    np.testing.assert_array_equal(picture.pixels, np.rint(ramp / 257))
    np.save(tmp_path / "array.npy", ramp)
    with pytest.raises(atrous.AtrousError, match=r"array\.npy: holds an array of 6 × 10; give one image"):
        read_picture(tmp_path / "array.npy", "array.npy")


def test_a_fixed_size_is_cropped_and_resized_to(asker: Asker) -> None:
    net = load(small_model(1, (32, 48)))
    fitted_image = fit(net, Picture("p", photograph(100, 100), (100, 100)), Settings())
    assert fitted_image.array.shape == (1, 1, 32, 48)
    assert fitted_image.told == (
        "The network reads one channel: the image is given as its brightness.",
        "The network reads 48 × 32 pixels only: the image is resized to that, cropped to its middle 100 × 67 first.",
        "Its pixels are given as 0 to 1.",
    )


@pytest.mark.parametrize("name", SCALINGS)
def test_scalings_are_those_of_pytorch(name: str) -> None:
    image = photograph(9, 11)
    got = fit(load(small_model()), Picture("p", image, (9, 11)), Settings(name)).array
    unit = np.moveaxis(image / 255, 2, 0)[None]
    mean, deviation = (np.array(v).reshape(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = {"unit": unit, "signed": 2 * unit - 1, "bytes": 255 * unit, "imagenet": (unit - mean) / deviation}[name]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
    assert got.dtype == np.float32


def test_a_gray_image_stands_in_all_channels() -> None:
    image = fit(load(small_model()), sample(), Settings(side=64))
    assert image.shown.shape == (43, 64, 3)
    assert image.told[0] == "The network reads three channels: the gray image stands in each of them."


def test_an_image_is_cropped_to_a_size_that_the_network_accepts(asker: Asker) -> None:
    asker.ask("network", name="unet").result()
    asker.ask("sample").result()
    table = asker.ask("table", side=300).result()
    assert table["told"][1].startswith("The network does not take 300 × 200 pixels: the image is cropped to ")
    height, width = table["image"]["size"]
    assert 200 - 64 < height <= 200
    assert 300 - 64 < width <= 300
    assert table["layers"][-1]["output"].startswith("1×")


def test_too_much_memory_is_refused(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbench, "MOST_BYTES", 10_000)
    asker.send("model", small_model()).result()
    asker.send("image", png(photograph(40, 61))).result()
    error = asker.ask("maps", layer="second").error
    assert error.startswith("image: its activations take ")
    assert error.endswith("the page computes at most 10.0 kB; choose a smaller longer side")


def test_areas_are_averaged_exactly() -> None:
    array = np.random.default_rng(1).random((12, 7, 3))
    np.testing.assert_allclose(averaged(array, 0, 4), array.reshape(4, 3, 7, 3).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(averaged(array, 1, 5).sum(axis=1) * 7 / 5, array.sum(axis=1), rtol=1e-12)
    assert fitted(photograph(5, 9), 10, 4).shape == (10, 4, 3)


def test_the_two_ended_map_is_even_to_the_eye() -> None:
    linear = two_ended() / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    lightness = 116 * np.cbrt(y) - 16
    steps = np.diff(lightness)
    assert (steps[:127] > 0).all()
    assert (steps[127:] < 0).all()
    np.testing.assert_allclose(lightness, lightness[::-1], atol=2.5)
    ideal = 97 - 62 * np.abs(np.arange(-127, 128)) / 127
    np.testing.assert_allclose(lightness, ideal, atol=2.5)


def test_colours_stand_for_signs() -> None:
    assert coloured(np.array([[-1.0, 0.0, 0.5]])).tolist()[0][0] == two_ended()[0].tolist()
    assert coloured(np.array([[0.0, 0.0]])).tolist() == [[0, 0]]
    assert coloured(np.array([[np.nan, 1.0]])).tolist() == [[0, 255]]


def test_a_thumbnail_has_the_scale_of_its_map() -> None:
    values = np.ones((64, 64))
    values[0, 0] = -1.0  # a mean over 8 by 8 hides it
    assert coloured(np.ones((8, 8)), values)[0, 0].tolist() == two_ended()[-1].tolist()


def test_16_bit_weights_are_told(asker: Asker) -> None:
    half = np.ones((2, 3, 3, 3), np.float16)
    inputs = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT16, [1, 3, "H", "W"])]
    outputs = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT16, None)]
    graph = helper.make_graph([node("Conv", "x", "w")], "half", inputs, outputs, [onnx.numpy_helper.from_array(half, "w")])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    taken: Data = asker.send("model", proto.SerializeToString()).result()
    assert taken["told"] == ["the model: 1 tensors of 16-bit floats are widened to float32"]


def test_two_pages_do_not_get_each_others_numbers(asker: Asker) -> None:
    asker.ask("network", name="lenet").result()
    asker.ask("sample").result()
    first, other = dict(asker.chosen), Asker(asker.server)
    other.ask("network", name="dncnn").result()
    assert asker.ask("table").error == "network: another page has taken another one in the meantime; choose this page's again"
    asker.ask("network", name="lenet").result()
    other.ask("sample").result()
    assert asker.chosen["image"] == first["image"]
    assert asker.ask("maps", layer="c1").error == (
        "image: another page has taken another one in the meantime; choose this page's again"
    )
    assert asker.ask("table", image=None).result()["image"] is None


#: What the audit hook below notes while it listens; hooks cannot be removed.
WRITTEN: list[str] = []
LISTENING = threading.Event()


def note(event: str, given: tuple[Any, ...]) -> None:
    """Every file that Python opens for writing, makes, moves or removes."""
    if not LISTENING.is_set():
        return
    if event == "open" and isinstance(given[0], str) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        WRITTEN.append(given[0])
    elif event in ("os.mkdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.rmdir"):
        WRITTEN.extend(str(each) for each in given[:2] if isinstance(each, str | os.PathLike))


def test_a_whole_session_writes_nothing_outside_the_private_folder() -> None:
    sys.addaudithook(note)
    with running() as asker:
        LISTENING.set()
        try:
            asker.send("model", small_model()).result()
            asker.send("image", png(photograph(40, 61), "JPEG")).result()
            asker.ask("table").result()
            asker.ask("maps", layer="second").result()
            asker.ask("unit", layer="second", row=2, column=3).result()
            asker.send("model", b"nonsense")
        finally:
            LISTENING.clear()
        folder = str(asker.server.folder)
    assert any(path.startswith(f"{folder}/upload-") for path in WRITTEN)
    assert [path for path in WRITTEN if not path.startswith(f"{folder}/")] == []


def test_nothing_is_left_in_the_folder(asker: Asker) -> None:
    asker.send("model", b"nonsense")
    asker.send("image", b"nonsense")
    assert os.listdir(asker.server.folder) == []
