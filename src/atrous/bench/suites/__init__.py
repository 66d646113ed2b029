"""What is measured: text files with one named problem or network a line.

    # a comment
    rn50.stem conv:f32:c3:i224x224:k64:w7x7:s2:p3
    resnet50  net:resnet50:1x3x224x224
    mine      net:model.onnx

A problem is written as ``atrous.problem`` writes it. A network is a built-in one, one of ``atrous.bench.networks``, or an ONNX
file (relative paths begin at the suite's own folder), and the shape of its input, which may be left out where the network says
it; further inputs follow behind further colons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from atrous.bench.family import family_of
from atrous.errors import ArgumentError, FileError
from atrous.problem import Problem

#: The suites that come with the package.
SUITES = ("tour", "full", "networks")


@dataclass(frozen=True, slots=True)
class LayerCase:
    """A named convolution."""

    name: str
    problem: Problem

    @property
    def family(self) -> str:
        """Its family, from the problem alone."""
        return family_of(self.problem)

    def typed(self, dtype: str) -> LayerCase:
        """The same in another element type."""
        return replace(self, problem=replace(self.problem, dtype=dtype))

    def __str__(self) -> str:
        return f"{self.name} {self.problem}"


@dataclass(frozen=True, slots=True)
class NetworkCase:
    """A named network: where it comes from, and the shapes of its inputs (none: as the network says)."""

    name: str
    source: str
    shapes: tuple[tuple[int, ...], ...] = ()
    dtype: str = "float32"

    @property
    def family(self) -> str:
        """All networks are of one family."""
        return "network"

    def typed(self, dtype: str) -> NetworkCase:
        """The same in another element type."""
        return replace(self, dtype=dtype)

    def __str__(self) -> str:
        sizes = "".join(f":{'x'.join(map(str, shape))}" for shape in self.shapes)
        return f"{self.name} net:{self.source}{sizes}"


Case = LayerCase | NetworkCase


def read_suite(name: str) -> tuple[Case, ...]:
    """The cases of a suite that comes with the package, or of a file; an ONNX file is a suite of one network.

    Raises ``FileError`` for what is neither, ``ArgumentError`` for a bad line.
    """
    if name in SUITES:
        return parse_suite((resources.files(__package__) / f"{name}.txt").read_text(encoding="utf-8"), name)
    path = Path(name)
    if path.suffix == ".onnx":
        return (NetworkCase(path.stem, _file(path)),)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(SUITES)
        raise FileError(f"{name}: cannot be read ({error}); a suite is one of {known}, a text file, or an ONNX file") from None
    return parse_suite(text, name, path.parent)


def parse_suite(text: str, origin: str, folder: Path = Path()) -> tuple[Case, ...]:
    """The cases of a text.

    >>> print(*parse_suite("one conv:f32:c1:i9:k1:w3", "here"))
    one conv:f32:c1:i9:k1:w3
    """
    cases: dict[str, Case] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(" ")
        where = f"{origin}, line {number}"
        if not rest:
            raise ArgumentError(
                f"{where}: got {line!r}; a line is a name and a problem, such as rn50 conv:f32:c64:i56x56:k64:w3x3"
            )
        if name in cases:
            raise ArgumentError(f"{where}: the name {name!r} came before; names must differ")
        try:
            cases[name] = _case(name, rest.strip(), folder)
        except ArgumentError as error:
            raise ArgumentError(f"{where}: {error}") from None
    if not cases:
        raise ArgumentError(f"{origin}: no line holds a problem; a line is a name and a problem")
    return tuple(cases.values())


def _case(name: str, text: str, folder: Path) -> Case:
    if not text.startswith("net:"):
        return LayerCase(name, Problem.parse(text))
    source, *sizes = text.removeprefix("net:").split(":")
    if source.endswith(".onnx"):
        source = _file(folder / source)
    return NetworkCase(name, source, tuple(_shape(part) for part in sizes))


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split("x")
    if not all(part.isdigit() and int(part) for part in parts):
        raise ArgumentError(f"network: got {text!r}; behind its name comes the shape of its input, such as 1x3x224x224")
    return tuple(map(int, parts))


def _file(path: Path) -> str:
    if not path.is_file():
        raise FileError(f"{path}: there is no such file; it must be an ONNX model")
    return str(path.resolve())
