"""ONNX's own test cases (``onnx.backend.test``): which of them concern atrous, and the table of them in the documentation.

A case is run unless one of the reasons below speaks against it. They are read off the case's model, but for a few cases that
are named. ``make format`` writes the table; the cases themselves run in ``test_conformance.py``.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto, TensorProto
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

from atrous.importers.conversion import RULES
from atrous.importers.tensors import TYPES

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"

#: What speaks against a case, in the order in which it is asked.
OPERATOR = "an operator that no convolutional network needed yet"
ELEMENTS = (
    "elements that are no numbers of NumPy's: strings, complex numbers, floats and integers of 8 bits and less with own formats"
)
FORM = "inputs or outputs that are no tensors: sequences, optionals, sparse tensors"
TRAINING = "dropping out at random, which is training: atrous runs inference only"
REASONS = (OPERATOR, ELEMENTS, FORM, TRAINING)

#: What atrous reads.
READ = frozenset({*RULES, "If"})
#: The kinds of cases.
KINDS = {
    "node": "operators",
    "simple": "small graphs",
    "pytorch-operator": "operators, from PyTorch",
    "pytorch-converted": "layers, from PyTorch",
    "real": "whole networks",
}

_TRAINING = re.compile("^test_training_dropout(?!_zero_ratio)")
_DOMAINS = ("", "ai.onnx")


def models() -> Iterator[tuple[str, str, ModelProto]]:
    """Kind, name and model of every official case."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some cases overflow while they are made
        for kind in KINDS:
            for case in load_model_tests(kind=kind):
                yield kind, case.name, case.model or onnx.load(_file(case))


def _file(case: TestCase) -> Path:
    """Where the model of a case lies that is not made in Python: whole networks come with the package, without weights."""
    if case.model_dir is not None:
        return Path(case.model_dir) / "model.onnx"
    return Path(onnx.__file__).parents[1] / case.url


def reason(name: str, model: ModelProto) -> str | None:
    """Why a case is not run; ``None`` if it is."""
    if operators(model) - READ:
        return OPERATOR
    kinds = list(_types(model))
    if not all(kind.HasField("tensor_type") for kind in kinds) or model.graph.sparse_initializer:
        return FORM
    codes = {kind.tensor_type.elem_type for kind in kinds} | set(_made(model.graph.node))
    if not codes <= {*TYPES, TensorProto.UNDEFINED}:
        return ELEMENTS
    return TRAINING if _TRAINING.search(name) else None


def operators(model: ModelProto) -> set[str]:
    """The operators of a model, those of its local functions instead of the functions' names."""
    functions = {(function.domain, function.name) for function in model.functions}
    nodes = [*_nodes(model.graph.node), *(node for function in model.functions for node in _nodes(function.node))]
    return {
        node.op_type if node.domain in _DOMAINS else f"{node.domain}.{node.op_type}"
        for node in nodes
        if (node.domain, node.op_type) not in functions
    }


def _nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes, and those of the graphs inside them."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g.node)


def _types(model: ModelProto) -> Iterator[onnx.TypeProto]:
    yield from (value.type for value in (*model.graph.input, *model.graph.output))


def _made(nodes: Iterable[NodeProto]) -> Iterator[int]:
    """The element types that casts and constants make."""
    for node in _nodes(nodes):
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                yield attribute.i
            if attribute.HasField("t"):
                yield attribute.t.data_type


@cache
def verdicts() -> dict[str, tuple[str, str | None, ModelProto]]:
    """Kind, reason and model of every case, by name."""
    return {name: (kind, reason(name, model), model) for kind, name, model in models()}


def table() -> str:
    """The page: how many cases there are, how many run, and why the others do not."""
    kinds: dict[str, Counter[str | None]] = {}
    for kind, why, _ in verdicts().values():
        kinds.setdefault(kind, Counter())[why] += 1
    total = sum(kinds.values(), Counter())
    left = Counter(name for _, why, model in verdicts().values() if why == OPERATOR for name in operators(model) - READ)
    lines = [
        "# Conformance",
        "",
        f"The official test cases of ONNX {onnx.__version__} (`onnx.backend.test`: single operators, operators and layers that",
        "PyTorch wrote, whole networks) run unchanged on `atrous.onnx_backend`: `tests/importers/test_conformance.py` runs",
        "every case that is not excluded, and all of them pass.",
        "",
        "| cases | all | run, and pass | " + " | ".join(f"excluded ({i})" for i in range(1, len(REASONS) + 1)) + " |",
        "| --- | --- | --- |" + " --- |" * len(REASONS),
    ]
    for category, counts in [*((text, kinds[kind]) for kind, text in KINDS.items()), ("all", total)]:
        cells = [counts.total(), counts[None], *(counts[why] for why in REASONS)]
        lines.append(f"| {category} | " + " | ".join(str(cell) for cell in cells) + " |")
    lines += ["", "Reasons:", ""]
    lines += [f"{number}. {why}" for number, why in enumerate(REASONS, 1)]
    lines += [
        "",
        "Operators that atrous reads (opset 7 to the newest):",
        "",
        ", ".join(f"`{name}`" for name in sorted(READ)) + ".",
    ]
    named = ", ".join(f"`{name}` {count}" for name, count in sorted(left.items()))
    lines += ["", "Operators of the excluded cases, with their numbers of cases:", "", f"{named}."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is up to date."""
    new = table()
    if "--check" in sys.argv[1:] and PAGE.read_text(encoding="utf-8") != new:
        print(f"{PAGE.name} is not up to date: run make format", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
