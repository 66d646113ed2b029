"""Tiling with the engine itself: the same bits for all tiles and threads, and the memory that was planned."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atrous import engine
from atrous.graph.evaluate import evaluate
from atrous.tiled import run
from tests.tiled import networks


@pytest.mark.parametrize("name", [*networks.LOCAL, "gated", "grouped"])
def test_the_same_bits_for_every_tile_and_thread(name: str) -> None:
    network = {**networks.LOCAL, "gated": networks.gated, "grouped": networks.grouped}[name]()
    x = networks.odd((1, 1, 83, 97))
    program = engine.compile_network(network)
    whole = program(x)
    expected = evaluate(network, {"x": x})[network.outputs[0]]
    assert np.abs(whole - expected).max() <= 1e-5 * np.abs(expected).max()
    for tile, threads in [(None, 1), (None, 2), ((40, 200), 1), ((17, 31), 2), ((200, 19), 1), (64, 2)]:
        assert np.array_equal(run(program, x, tile=tile, threads=threads), whole), (tile, threads)


@pytest.mark.parametrize("axes", [1, 3])
def test_one_and_three_spatial_axes(axes: int) -> None:
    network = networks.plain(2, axes)
    x = networks.odd((2, 2, *(37, 18, 25)[:axes]))
    program = engine.compile_network(network)
    assert np.array_equal(run(program, x, tile=11), program(x))


def test_files_of_every_kind_give_the_same_bits(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "x.png")
    program = engine.compile_network(networks.casting("uint8", "float32"))
    expected = image.astype(np.float32)
    for out in ("y.npy", "y.tif"):
        path = run(program, tmp_path / "x.png", tmp_path / out, tile=32)
        assert np.array_equal(run(engine.compile_network(networks.casting("float32", "uint8")), path), image)
    assert np.array_equal(run(program, tmp_path / "x.png"), expected)
    assert np.array_equal(run(program, np.moveaxis(image, -1, 0)), np.moveaxis(expected, -1, 0))


def test_a_program_may_run_again_within_the_same_budget() -> None:
    program = engine.compile_network(networks.plain(8))
    x = networks.odd((1, 8, 500, 500))
    first = run(program, x, tile=250)
    peaks: list[int] = []
    for _ in range(3):
        assert np.array_equal(run(program, x, tile=250, planned=lambda made: peaks.append(made.peak)), first)
    assert max(peaks) - min(peaks) < 4_000_000


MEASURED = """
import sys
from atrous.graph.layers import Cast, Relu
from atrous.tiled import run
from atrous.tiled.memory import peak_resident
from tests.tiled import networks

source, out, memory = sys.argv[1:4]
picture = source.endswith((".png", ".jpg"))
s = networks.Sketch("wide", dtype="uint8" if picture else "float32")
s.dtype = "float32"
value = s.add(Relu(), s.conv(s.add(Cast("float32"), "x"), 1, 16))
for dilation in (2, 4, 2):
    value = s.add(Relu(), s.conv(value, 16, 16, dilation=dilation))
network = s.done(s.add(Cast("uint8" if picture else "float32"), s.conv(value, 16, 1)))
run(network, source, out, memory=memory, planned=lambda plan: print(plan.peak, plan.count), overwrite=True)
print(peak_resident())
"""


@pytest.mark.parametrize(
    ("source", "out"), [(".npy", ".npy"), (".tif", ".tif"), ("z.tif", ".npy"), (".png", ".png"), (".jpg", ".tif")]
)
def test_the_memory_of_the_whole_process_stays_within_the_budget(tmp_path: Path, source: str, out: str) -> None:
    """Measured by the system in a process of its own (VmHWM)."""
    import tifffile

    image = networks.odd((1600, 1500))
    path = tmp_path / f"x{source}"
    if source in (".png", ".jpg"):
        Image.fromarray((image * 60 + 128).astype(np.uint8)).save(path)
    elif source == ".npy":
        np.save(path, image)
    else:
        tiles = {"tile": (256, 256), "compression": "zlib"} if source == "z.tif" else {}
        tifffile.imwrite(path, image, **tiles)
    least = measured(MEASURED, path, tmp_path / f"y{out}", "1MB")
    smallest = re.search(r"smallest budget that works is memory='(\d+)MB'", least)
    assert smallest is not None, least
    budget = int(smallest[1]) + 40  # whole, the arena alone would be over 300 MB
    lines = measured(MEASURED, path, tmp_path / f"y{out}", f"{budget}MB").split()
    planned, count, peak = map(int, lines)
    assert count > 1
    assert planned <= budget * 10**6
    assert peak <= budget * 10**6
    assert planned - peak < 30 * 10**6, "a plan that asks for much more than it takes wastes the budget"


MAPPED = """
import sys
import numpy as np
from atrous.tiled import run
from atrous.tiled.memory import peak_resident
from tests.tiled import networks

x, y = (np.load(path, mmap_mode=mode) for path, mode in zip(sys.argv[1:3], ("r", "r+")))
run(networks.plain(), x, y, memory=sys.argv[3], planned=lambda plan: print(plan.peak, plan.count))
print(peak_resident())
"""


def test_memory_maps_larger_than_the_budget(tmp_path: Path) -> None:
    for name in "xy":
        np.lib.format.open_memmap(tmp_path / name, "w+", np.float32, (6000, 6000)).flush()
    smallest = re.search(r"memory='(\d+)MB'", measured(MAPPED, tmp_path / "x", tmp_path / "y", "1MB"))
    assert smallest is not None
    budget = int(smallest[1]) + 20
    planned, count, peak = map(int, measured(MAPPED, tmp_path / "x", tmp_path / "y", f"{budget}MB").split())
    assert count > 1
    assert planned <= budget * 10**6
    assert peak <= budget * 10**6 < 288 * 10**6, "the two maps alone have 288 MB"


def measured(script: str, source: Path, out: Path, memory: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, source, out, memory]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.stdout if done.returncode == 0 else done.stderr
