"""``atrous demo``: the main job on a photograph, from the noisy file to a judged result."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from atrous import demo_network, tiled
from atrous.cli.progress import progress
from atrous.demo_network.judge import same_bits, write_panels
from atrous.graph.network import Network
from atrous.importers import load
from atrous.report import inspect
from atrous.report.table import byte_text, sizes
from atrous.tiled.memory import megabytes, peak_resident

#: The middle of what the picture of the enlarged photograph shows: the spoon.
DETAIL = (0.72, 0.62)

Side = Annotated[int, typer.Option("--side", metavar="PIXELS", min=600, help="Longer side of the photograph.")]
Memory = Annotated[str, typer.Option("--memory", metavar="SIZE", help="Budget for the whole process.")]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="Threads; by default one per core.")]
Folder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the picture goes.")]


def demo(side: Side = 4000, memory: Memory = "300MB", threads: Threads = None, out: Folder = Path("out")) -> None:
    """Denoise a large photograph in a fixed memory budget, twice with unlike tiles, and compare the bits."""
    net = load(demo_network.path())
    _own_size(net, memory, threads, out)
    with tempfile.TemporaryDirectory(prefix="atrous-demo-") as folder:
        _large(net, Path(folder), side, memory, threads, out)


def _own_size(net: Network, memory: str, threads: int | None, out: Path) -> None:
    """The photograph as it was taken: the fair figure, for an enlarged photograph is smoother and easier to denoise."""
    clean = demo_network.held_out_photograph()
    noisy = demo_network.add_noise(clean, demo_network.SIGMA, seed=0)
    denoised = np.asarray(tiled.run(net, noisy, memory=memory, threads=threads))
    before, after = demo_network.psnr(noisy, clean), demo_network.psnr(denoised, clean)
    _say("photograph", f"coffee of scikit-image, not used in training, with noise of σ = {demo_network.SIGMA * 255:.0f}/255")
    _say("at its size", f"{sizes(clean.shape)}: PSNR {before:.2f} dB before, {after:.2f} dB after: {after - before:+.2f} dB")
    write_panels(out / "before_after_original.png", noisy, denoised)


def _large(net: Network, folder: Path, side: int, memory: str, threads: int | None, out: Path) -> None:
    noisy, first, second = (folder / f"{name}.npy" for name in ("noisy", "first", "second"))
    clean = demo_network.held_out_photograph(side)
    np.save(noisy, demo_network.add_noise(clean, demo_network.SIGMA, seed=1))
    _say("enlarged to", f"{sizes(clean.shape)} pixels, noise added after that, in a file that is read tile by tile")
    _describe(net, clean.shape)

    plans: list[tiled.TilePlan] = []
    begin = time.monotonic()
    _run(net, noisy, first, memory, threads, None, plans)
    _say("time", f"{time.monotonic() - begin:.1f} s, compiling included")
    _run(net, noisy, second, memory, threads, _other_tile(plans[0]), plans)
    _say("peak memory", f"{megabytes(peak_resident())} of the whole process")

    # Looked at only now: mapped files that have been read count as memory of the process.
    source, result, again = (np.load(path, mmap_mode="r") for path in (noisy, first, second))
    before, after = demo_network.psnr(source, clean), demo_network.psnr(result, clean)
    _say("PSNR", f"{before:.2f} dB before, {after:.2f} dB after: {after - before:+.2f} dB (more, as enlarging smooths)")
    alike = same_bits(result, again)
    _say("same bits", f"{'yes' if alike else 'NO'}, with {plans[1].count} tiles of {sizes(plans[1].tile)} instead")
    picture = out / "before_after.png"
    write_panels(picture, source, result, centre=DETAIL)
    _say("pictures", f"{picture} and {out / 'before_after_original.png'}")
    if not alike:
        raise typer.Exit(1)


def _describe(net: Network, shape: tuple[int, ...]) -> None:
    report = inspect(net, (1, 1, *shape))
    _say(
        "network", f"{net.name}: {len(report.rows)} layers, {report.parameters:,} parameters ({byte_text(report.weight_bytes)})"
    )
    _say("it sees", f"a receptive field of {sizes(report.fields)} pixels")
    _say("work", f"{report.macs:,} multiply-adds")


def _run(
    net: Network,
    source: Path,
    out: Path,
    memory: str,
    threads: int | None,
    tile: tuple[int, ...] | None,
    plans: list[tiled.TilePlan],
) -> None:
    """One run; its plan is kept, and the first one is printed."""

    def planned(plan: tiled.TilePlan) -> None:
        if not plans:
            typer.echo(f"\n{plan}\n")
        plans.append(plan)

    with progress("denoising") as report:
        tiled.run(net, source, out, memory=memory, tile=tile, threads=threads, progress=report, planned=planned)


def _other_tile(plan: tiled.TilePlan) -> tuple[int, ...]:
    """A tile that is unlike the plan's in every spatial size, and no larger."""
    return tuple(max(16, size * 2 // 3 - 5) for size in plan.tile[2:])


def _say(what: str, text: str) -> None:
    typer.echo(f"{what + ':':<14}{text}")
