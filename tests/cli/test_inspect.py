"""``atrous inspect`` and ``atrous cache``."""

from __future__ import annotations

import json
from pathlib import Path


def test_the_table(atrous) -> None:
    outcome = atrous("inspect", "context_module", "--input", "1x21x64x64")
    assert outcome.code == 0
    assert "conv7  Conv      1×21×64×64       3,990  " in outcome.out
    assert "16,257,024" in outcome.out
    assert "67×67     1" in outcome.out


def test_sizes_by_name(atrous) -> None:
    assert "image float32 2×1×32×32" in atrous("inspect", "lenet", "--input", "image=2x1x32x32").out


def test_json_to_standard_output(atrous) -> None:
    data = json.loads(atrous("inspect", "lenet", "--json", "-").out)
    assert (data["costs"]["parameters"]["value"], data["costs"]["macs"]["value"]) == (61_706, 416_520)


def test_json_to_a_file_that_must_not_exist(atrous, tmp_path: Path) -> None:
    file = tmp_path / "lenet.json"
    assert atrous("inspect", "lenet", "--json", file).code == 0
    assert json.loads(file.read_text())["network"] == "lenet"
    again = atrous("inspect", "lenet", "--json", file)
    assert again.code == 2
    assert "lenet.json: the file exists; give --overwrite (overwrite=True) to replace it, or another name" in again.err
    assert atrous("inspect", "lenet", "--json", file, "--overwrite").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["lenet.json"]


def test_json_into_a_folder_that_is_not_there(atrous, tmp_path: Path) -> None:
    outcome = atrous("inspect", "lenet", "--json", tmp_path / "no" / "lenet.json")
    assert outcome.code == 2
    assert "cannot be written: No such file or directory" in outcome.err


def test_cache_info_and_clear(atrous, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "one.atrous").write_bytes(b"12345")
    monkeypatch.setenv("ATROUS_CACHE", str(tmp_path))
    assert atrous("cache").out == f"{tmp_path}: 1 kernels, 5 bytes\n"
    assert atrous("cache", "clear").out == f"{tmp_path}: deleted 1 kernels, 5 bytes\n"
    assert atrous("cache", "info").out == f"{tmp_path}: 0 kernels, 0 bytes\n"
    monkeypatch.setenv("ATROUS_CACHE", "")
    assert atrous("cache").out == "no kernels are kept: ATROUS_CACHE is empty\n"


def test_layers_typed_on_the_command_line(atrous) -> None:
    outcome = atrous("inspect", "conv 3x3 64 s2, relu, maxpool 2", "-i", "1x3x224x224")
    assert outcome.code == 0
    assert "max_pool  MaxPool   1×64×55×55" in outcome.out
    wrong = atrous("inspect", "conv 3x3 64, rleu")
    assert wrong.code == 2
    assert "atrous: layers: layer 2 'rleu': there is no such layer; a layer is one of conv," in wrong.err


def test_what_cannot_be_inspected_says_what_could(atrous, tmp_path: Path) -> None:
    """No output, groups that do not divide, strides of nought, sizes that do not fit, files that are no models."""
    near = "the nearest that work: kernel 6, padding 2 at both ends, an input of 9"
    assert near in atrous("inspect", "conv 7 4, conv 9 4", "-i", "1x3x12x12").err
    assert (
        "the nearest that work: kernel 2, dilation 5, padding 3 at both ends, an input of 17"
        in atrous("inspect", "conv 3 4 d8", "-i", "1x3x12x12").err
    )
    assert (
        "the nearest that work: padding 1 at both ends, an input of 6"
        in atrous("inspect", "transposed 2 4 p3", "-i", "1x3x2x2").err
    )
    assert "stride: got 0; it must be at least 1" in atrous("inspect", "conv 3 4 s0").err
    assert (
        "groups 4 must divide the 6 input and 9 output channels; the nearest is 3"
        in atrous("inspect", "conv 1 6, conv 3 9 g4").err
    )
    assert "the nearest that fits is 1x1x220x220" in atrous("inspect", "unet").err
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"garbage")
    wrong = atrous("inspect", file)
    assert (wrong.code, "broken.onnx: is damaged, cut short, or not an ONNX model (7 bytes)" in wrong.err) == (2, True)


def test_columns_and_wide(atrous) -> None:
    assert atrous("inspect", "lenet", "--columns", "layer,halo").out.splitlines()[3].split() == ["layer", "halo"]
    assert "as linear" in atrous("inspect", "lenet", "--wide").out.splitlines()[3]
    assert "columns: got colour; there are layer, operator," in atrous("inspect", "lenet", "--columns", "colour").err


def test_two_networks(atrous) -> None:
    outcome = atrous("inspect", "resnet18", "--compare", "resnet50")
    assert outcome.code == 0
    assert "2.25×" in outcome.out
    assert "a comparison has no LaTeX form" in atrous("inspect", "lenet", "-c", "lenet", "--latex", "-").err
    assert "a comparison has columns of its own" in atrous("inspect", "lenet", "-c", "lenet", "--wide").err
    assert json.loads(atrous("inspect", "lenet", "-c", "lenet", "--json", "-").out)["ratios"]["MACs"] == 1


def test_open_sizes(atrous) -> None:
    assert "N×64×H/2×W/2" in atrous("inspect", "resnet18", "--symbolic").out
    assert "symbolic: sizes were given too" in atrous("inspect", "lenet", "--symbolic", "-i", "1x1x32x32").err


def test_pages_and_tables_to_files(atrous, tmp_path: Path) -> None:
    assert atrous("inspect", "lenet", "--html", tmp_path / "lenet.html", "--latex", tmp_path / "lenet.tex").code == 0
    assert (tmp_path / "lenet.html").read_text().startswith("<!DOCTYPE html>")
    assert "\\begin{tabular}" in (tmp_path / "lenet.tex").read_text()
    assert atrous("inspect", "lenet", "--latex", "-").out.startswith("% lenet, by atrous inspect")


def test_the_effective_receptive_field(atrous) -> None:
    outcome = atrous("inspect", "dncnn", "-i", "1x1x40x40", "--effective", "2", "--json", "-")
    found = json.loads(outcome.out)["estimated_effective_field"]["value"]
    assert (outcome.code, found["samples"], [axis["receptive_field"] for axis in found["axes"]]) == (0, 2, [35, 35])
    assert "effective: an estimate needs known sizes" in atrous("inspect", "lenet", "--symbolic", "--effective", "1").err
