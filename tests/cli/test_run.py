"""``atrous run`` and ``atrous plan`` on files; what they refuse; nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import atrous as package
from atrous.cli import pixels, run
from atrous.graph.evaluate import evaluate
from atrous.graph.network import Network
from atrous.graph.networks import dncnn
from atrous.graph.processing import After, Before, wrap

SMALL = dncnn(depth=3, width=4)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A gray picture of noise, 30 rows of 40 pixels."""
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every NET is a network of three thin layers, so that compiling it takes a moment."""
    from atrous.cli import plan

    monkeypatch.setattr(run, "read_network", lambda name: SMALL)
    monkeypatch.setattr(plan, "read_network", lambda name: SMALL)


def expected(photo: Path, network: Network) -> np.ndarray:
    (result,) = evaluate(network, {"noisy": np.asarray(Image.open(photo))[None, None]}).values()
    return result[0, 0]


def test_a_picture_in_a_picture_out(atrous, photo: Path) -> None:
    out = photo.with_name("out.png")
    outcome = atrous("run", "net", photo, "-o", out, "--scale", 255)
    assert (outcome.code, outcome.err) == (0, "")
    assert "dncnn: noisy 1×1×30×40 to clean 1×1×30×40" in outcome.out
    assert f"{out}: done in " in outcome.out
    assert "peak memory" in outcome.out
    result = np.asarray(Image.open(out))
    oracle = expected(photo, wrap(SMALL, Before("uint8", 1, scale=255), After(scale=255, dtype="uint8")))
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - oracle.astype(int)).max() <= 1


def test_tiles_and_threads_change_no_bit(atrous, photo: Path) -> None:
    results = []
    for number, more in enumerate(([], ["--tile", "7x9"], ["--tile", "30x3", "--threads", 1])):
        out = photo.with_name(f"{number}.npy")
        assert atrous("run", "net", photo, "-o", out, "--scale", 255, *more).code == 0
        results.append(np.load(out).tobytes())
    assert len(set(results)) == 1
    assert np.load(photo.with_name("0.npy")).dtype == np.float32


def test_an_output_that_exists_is_refused(atrous, photo: Path) -> None:
    out = photo.with_name("out.npy")
    out.write_bytes(b"precious")
    outcome = atrous("run", "net", photo, "-o", out, "--scale", 255)
    assert outcome.code == 2
    assert "exists" in outcome.err
    assert "--overwrite" in outcome.err
    assert out.read_bytes() == b"precious"
    assert atrous("run", "net", photo, "-o", out, "--scale", 255, "--overwrite").code == 0
    assert np.load(out).shape == (30, 40)


def test_a_plan_writes_nothing(atrous, photo: Path) -> None:
    outcome = atrous("plan", "net", photo, "--scale", 255, "--tile", "10x20", "--memory", "2GB")
    assert outcome.code == 0
    assert "6 tiles of 1×1×10×20" in outcome.out
    assert "of a budget of 2,000.0 MB" in outcome.out
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "its elements are uint8; the network's input 'noisy' is float32"),
        (("--scale", "0"), "scale: got 0"),
        (("--mean", "a"), "--mean: got 'a'; it must be numbers such as 0.5 or 0.485,0.456,0.406"),
        (("--std", "1,2"), "std: got 2 numbers"),
        (("--bgr",), "bgr: the network takes 1 channels"),
        (("--output-type", "colour"), "--output-type: got 'colour'; it must be a type such as uint8 or float32"),
        (("--scale", "255", "--clip", "1", "0"), "clip: got 1 to 0"),
        (("--scale", "255", "--tile", "0x5"), "tile"),
        (("--scale", "255", "--memory", "lots"), "memory: got 'lots'"),
        (("--scale", "255", "--memory", "1MB"), "The smallest budget that works is"),
        (("--threads", "0"), "--threads"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_written(atrous, photo: Path, arguments: tuple[str, ...], message: str) -> None:
    outcome = atrous("run", "net", photo, "-o", photo.with_name("out.png"), *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


def test_missing_input(atrous, tmp_path: Path) -> None:
    outcome = atrous("run", "net", tmp_path / "no.png", "-o", tmp_path / "out.png", "--scale", 255)
    assert outcome.code == 2
    assert "no.png: cannot read the input: No such file or directory" in outcome.err


def test_colours_become_gray(atrous, tmp_path: Path) -> None:
    colours = tmp_path / "colours.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 11, 3), dtype=np.uint8)).save(colours)
    refused = atrous("run", "net", colours, "-o", tmp_path / "out.png", "--scale", 255)
    assert refused.code == 2
    assert "--gray" in refused.err
    assert atrous("run", "net", colours, "-o", tmp_path / "out.png", "--scale", 255, "--gray").code == 0
    assert np.asarray(Image.open(tmp_path / "out.png")).shape == (9, 11)


def test_an_image_keeps_its_type_only_under_scale(tmp_path: Path) -> None:
    assert pixels.processed(SMALL, tmp_path / "not read", None, pixels.Pixels()) is SMALL


def test_ctrl_c_leaves_nothing_half_written(photo: Path) -> None:
    source = Path(package.__file__).parents[1]
    program = "import sys; from atrous.cli import main; sys.exit(main())"
    out = photo.with_name("out.png")
    Image.fromarray(np.zeros((1500, 1500), np.uint8)).save(photo)
    command = [
        sys.executable,
        "-c",
        program,
        "run",
        "dncnn",
        photo,
        "-o",
        out,
        "--scale",
        "255",
        "--tile",
        "64",
        "--threads",
        "1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(source), "ATROUS_CACHE": ""}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("dncnn: ")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
        assert process.stderr.read() == "atrous: interrupted; nothing half-written is left\n"
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]
