"""Run the commands that draw the figures of the documentation, and write ``gallery.md`` around them: ``make format`` runs it.

Figures have the same bytes on every machine. With ``--check`` nothing is written, and a figure or page that is not up to date
is an error.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
import tempfile
from pathlib import Path

from atrous.cli import main
from atrous.figures.lecture import ROWS

DOCS = Path(__file__).parent

#: What each figure shows, the command that draws it, and the name of its file.
LECTURE = [
    (f"{row.number}. {row.says[0].upper()}{row.says[1:]}", f"lecture:{row.number}", f"lecture-{row.number}") for row in ROWS
]
MORE = [
    ("Transposed convolution: each input spreads the kernel", "transposed 3x3 -s 2 -p 1 --output-padding 1 -n", "transposed"),
    ("The same as an ordinary convolution", "transposed-as-conv 3x3 -s 2 -p 1 --output-padding 1 -n", "transposed-as-conv"),
    ("Max pooling", "maxpool 4x6", "maxpool"),
    ("Average pooling that does not count padding", "avgpool 5x5 -k 3 -s 2 -p 1", "avgpool"),
    (
        "A receptive field, looked for layer by layer",
        "receptive-field 'conv 3 8, conv 3 8 d2, maxpool 2, transposed 4 8 s2 p1' -i 1x1x24",
        "receptive-field",
    ),
    ("Gridding", "receptive-map 'conv 3x3 8 d2, conv 3x3 8 d2, conv 3x3 8 d2' -i 1x1x20x20", "receptive-map"),
    ("What a stack never reads", "coverage 'conv 3x3 8 s2, maxpool 3 s3' -i 1x1x13x16", "coverage"),
    ("ResNet-18, where its maps shrink", "volumes resnet18 -i 1x3x224x224", "resnet18"),
    ("A layer with one axis, three channels and two kernels", "conv 8 -s 2 -c 3 -f 2 -n", "rows"),
    ("Three axes", "conv 3x4x5 -k 2 -n --style colour-safe", "three-axes"),
    ("Every number of a layer with two channels and two kernels", "conv 4x5 -c 2 -f 2 -p 1,0 --numbers", "channels"),
    ("Groups do not see each other's channels", "conv 4x4 -c 4 -f 4 -g 2", "groups"),
    ("Inputs that a stride never reads, in the dark style", "conv 10 --stride 3 --kernel 2 --numbers --style dark", "dark"),
]

#: What a network computes differs in its last bits from CPU to CPU, and so do the bytes of these pictures.
COMPUTED = [
    (
        "Activation maps of a real network on a real image, and what one unit sees",
        "maps src/atrous/demo_network/denoiser.onnx src/atrous/demo_network/coffee.png conv3 --side 240 --unit 9,40,60",
        "maps",
    ),
]


def write_into(docs: Path) -> None:
    """The figures and the page, in a folder."""
    (docs / "figures").mkdir(exist_ok=True)
    text = ["# Gallery", "", "Each figure was drawn by the command above it: `docs/gallery.py` ran them all.", ""]
    for words, command, name in LECTURE + MORE + COMPUTED:
        file = f"figures/{name}.svg"
        with (
            contextlib.chdir(DOCS.parent),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            code = main(["draw", *shlex.split(command), "-o", str(docs / file), "--overwrite"])
        if code:
            sys.exit(f"docs: atrous draw {command} failed")
        text += [f"## {words}", "", f"    atrous draw {command}", "", f"![{words}]({file})", ""]
    (docs / "gallery.md").write_text("\n".join(text), encoding="utf-8")


def stale(docs: Path) -> list[str]:
    """Which files differ from what they would be."""
    with tempfile.TemporaryDirectory() as folder:
        write_into(Path(folder))
        made = {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
    there = {path.relative_to(docs) for path in (docs / "figures").glob("*")}
    computed = {Path(f"figures/{name}.svg") for *_, name in COMPUTED}
    made = {name: content for name, content in made.items() if name not in computed or name not in there}
    wrong = {name for name, content in made.items() if not (docs / name).is_file() or (docs / name).read_bytes() != content}
    return sorted(map(str, wrong | (there - made.keys() - computed)))


if __name__ == "__main__":
    if "--check" not in sys.argv:
        write_into(DOCS)
    elif found := stale(DOCS):
        sys.exit(f"docs: not up to date: {', '.join(found)}; run 'make format'")
