"""``atrous draw``: files of every step, settings as people write them, and messages that say what would work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import atrous
from atrous import figures
from atrous.cli import main
from atrous.figures.lecture import ROWS, Row


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_figure_goes_where_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "conv", "3x5", "--kernel", "3", "--padding", "2,1", "--stride", "2", "-o", "fig.svg"]) == 0
    assert capsys.readouterr().out == "fig.svg\n"
    drawn = figures.conv((3, 5), kernel=3, padding=(2, 1), stride=2)
    drawn.save("same.svg")
    assert Path("fig.svg").read_bytes() == Path("same.svg").read_bytes()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"lecture:{row.number}")
def test_every_row_of_the_lecture_has_its_figure(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", f"lecture:{row.number}"]) == 0
    name = capsys.readouterr().out.strip()
    assert name == f"lecture-{row.number}.svg"
    assert Path(name).read_text(encoding="utf-8").startswith("<svg")


def test_one_file_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "conv", "4", "--kernel", "2", "--steps", "-o", "a.svg"]) == 0
    assert capsys.readouterr().out.split() == ["a-1.svg", "a-2.svg", "a-3.svg"]
    assert main(["draw", "conv", "4", "--kernel", "2", "--step", "2", "-o", "b.svg"]) == 0
    assert Path("b.svg").read_bytes() == Path("a-2.svg").read_bytes()


def test_a_style_by_name() -> None:
    main(["draw", "conv", "4", "--style", "dark", "-o", "a.svg"])
    main(["draw", "conv", "4", "-o", "b.svg"])
    assert Path("a.svg").read_bytes() != Path("b.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("conv 2x2 -k 5,3", "spatial axis 0: no output: the window spans 5 (kernel 5, dilation 1) but the padded input has 2"),
        ("conv 2x2 -k 5,3", "the nearest that work: input 5, or kernel 2, or padding 2"),
        ("conv 3 -p x", "--padding: got 'x'; it must be 1, or 2,1 for each axis, 1+2 for unlike ends, 'same' or 'valid'"),
        ("conv 3q", "SIZE: got '3q'; it must be sizes such as 1x3x224x224"),
        ("conv 5 --step 9", "step: got 9; there are steps 1 to 3 of 'conv'"),
        ("conv 5 --step 1 --steps", "--step: got it together with --steps; give one of them"),
        ("conv 5 --style pink", "style: got 'pink'; there are light, dark, colour-safe, print"),
        ("conv 5 -o a.bmp", "a.bmp: the suffix '.bmp' is of no format that figures are written in"),
        ("conv 9x9 -c 9 -f 9 -n", "numbers: got 9 channels and 9 kernels; at most 16 grids of numbers are legible"),
        ("conv 3x3x3 -k 2 -c 2 -n", "numbers: got 2 channels and 1 kernels on three axes"),
        ("conv 99", "a figure shows at most 40 cells on an axis, draw a part"),
        ("lecture:3 --step 4", "step: got 4; there are steps 1 to 3 of 'lecture-3'"),
        ("growth 13", "layers: got 13 of kernel 3; a stack has 1 to 12 layers of kernel 2 or more"),
        ("receptive-field resnet18 -i 1x3x64x64", "figures look along one path"),
        ("receptive-field context_module -i 1x21x64x64 --axis 2", "axis: got 2; the network has spatial axes 0 to 1"),
        ("coverage context_module -i 1x21x64x64", "give a smaller input"),
        ("conv 5 -c 3 -g 2", "channels: got 3 with groups=2; groups must divide them"),
    ],
)
def test_what_does_not_work_is_said_with_what_would(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", *arguments.split()]) == 2
    assert message in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        "transposed 3x3 --stride 2 --padding 1 --output-padding 1 --numbers",
        "transposed-as-conv 3 --stride 2 -c 2 -f 2 -g 2 --numbers",
        "maxpool 4x5 --ceil",
        "avgpool 5 -k 3 -s 2 -p 1 --count-padding",
        "receptive-field context_module_axis -i 1x1x24",
        "receptive-map context_module_axis -i 1x1x24",
        "coverage context_module_axis -i 1x1x24",
        "volumes lenet",
        "linearity lenet",
        "growth 3",
        "fully-connected 3x32x32",
    ],
)
def test_every_command_draws(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["conv 3 1, relu, conv 3 1 d2" if word == "context_module_axis" else word for word in arguments.split()]
    assert main(["draw", *words, "-o", "a.svg"]) == 0, capsys.readouterr().err
    assert Path("a.svg").read_text(encoding="utf-8").startswith("<svg")


def test_activation_maps_of_a_network_on_an_image(capsys: pytest.CaptureFixture[str]) -> None:
    atrous.save(atrous.networks.dncnn(), "net.onnx")
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30)).astype(np.uint8)).save("image.png")
    layer = atrous.networks.dncnn().nodes[2].name
    assert main(["draw", "maps", "net.onnx", "image.png", layer, "--unit", "3,0,29", "-o", "maps.svg"]) == 0
    told = capsys.readouterr()
    assert "Its pixels are given as 0 to 1." in told.err
    text = Path("maps.svg").read_text(encoding="utf-8")
    assert text.count("<image ") == 1 + 64
    assert f"unit (0, 29) of map 3 sees rows 0 to 2 and columns {29 - 2} to 29" in text
    assert main(["draw", "maps", "net.onnx", "image.png", layer, "--unit", "3,0,30", "-o", "b.svg"]) == 2
    assert f"--unit: got '3,0,30'; the maps of {layer!r} are 64×20×30, counted from 0" in capsys.readouterr().err


def test_maps_of_what_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    PIL.Image.fromarray(np.zeros((32, 32), np.uint8)).save("image.png")
    assert main(["draw", "maps", "lenet", "image.png", "f6"]) == 2
    assert "LAYER: 'f6' makes an array of 1×84; only maps (N, K, rows, columns) are pictures" in capsys.readouterr().err


def test_files_are_not_replaced_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("conv.svg").write_text("mine", encoding="utf-8")
    assert main(["draw", "conv", "5"]) == 2
    assert "conv.svg: the file exists; give --overwrite" in capsys.readouterr().err
    assert Path("conv.svg").read_text(encoding="utf-8") == "mine"
    assert main(["draw", "conv", "5", "--overwrite"]) == 0
    assert Path("conv.svg").read_text(encoding="utf-8").startswith("<svg")
