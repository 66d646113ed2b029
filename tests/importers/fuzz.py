"""Mutated models: whatever is done to a model, only our own errors come out, soon, and in little memory.

``python -m tests.importers.fuzz SEED FIRST LAST`` tries mutants number ``FIRST`` to ``LAST - 1`` of a seed, one by one. It
prints each number before it tries the mutant, so that the last one is to blame when the process ends early. A mutant that
loads is inferred too and, if that is little work, run, on arrays whose neighbouring pages cannot be touched.
"""

from __future__ import annotations

import faulthandler
import resource
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from traceback import format_exc
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto

from atrous.errors import AtrousError, CompileError
from atrous.graph import networks
from atrous.graph.fact import Fact
from atrous.graph.facts import infer_facts, input_facts
from atrous.graph.network import Network
from atrous.importers import load, to_onnx
from tests.guarded import guarded
from tests.importers import conformance

#: Seconds and bytes that one mutant may take.
SECONDS, BYTES = 5, 2**30
#: Sizes of open dimensions, and the most multiply-adds, elements and inputs of a mutant that is run.
SIZE, WORK = 16, 10_000_000
#: Numbers that programs stumble over.
ODD = (0, 1, -1, 2, 3, 7, 255, 2**31 - 1, -(2**31), 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
#: Whole networks are larger than cases of one operator; one mutant in so many is of a network.
NETWORKS = 4


@cache
def corpus() -> tuple[list[bytes], list[bytes]]:
    """What is mutated: the cases of operators that atrous has, and whole networks."""
    cases = [model.SerializeToString() for _, why, model in conformance.verdicts().values() if why is None]
    light = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))
    small = [to_onnx(networks.by_name(name)).SerializeToString() for name in ("lenet", "dncnn", "context_module")]
    return [data for data in cases if len(data) < 2**20], [*small, *(path.read_bytes() for path in light)]


def mutant(seed: int, number: int) -> bytes:
    """One mutated model."""
    random = Random(f"{seed}/{number}")
    cases, whole = corpus()
    data = random.choice(whole if random.randrange(NETWORKS) == 0 else cases)
    if random.randrange(4) == 0:
        return _damaged(random, data)
    model = ModelProto()
    model.ParseFromString(data)
    for _ in range(random.choice((1, 1, 2, 5))):
        random.choice(MUTATIONS)(random, model)
    data = model.SerializeToString()
    return _damaged(random, data) if random.randrange(8) == 0 else data


def _damaged(random: Random, data: bytes) -> bytes:
    """Bytes changed, cut off, repeated or put elsewhere."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 2, 8))):
        place, other = random.randrange(len(changed) + 1), random.randrange(len(changed) + 1)
        length = random.choice((1, 2, 8, 100))
        match random.randrange(5):
            case 0 if changed:
                changed[place % len(changed)] ^= 1 << random.randrange(8)
            case 1:
                changed[place : place + length] = random.randbytes(length)
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[other : other + length]
            case 4 if random.randrange(4) == 0:
                del changed[place:]
    return bytes(changed)


def _some(random: Random, items: Any) -> Any:
    return random.choice(items) if len(items) else None


def _attribute(random: Random, model: ModelProto) -> None:
    """An attribute's number, its type, or its being there."""
    node = _some(random, model.graph.node)
    attribute = _some(random, node.attribute) if node is not None else None
    if attribute is None:
        return
    match random.randrange(5):
        case 0:
            attribute.i = random.choice(ODD)
        case 1 if attribute.ints:
            attribute.ints[random.randrange(len(attribute.ints))] = random.choice(ODD)
        case 2:
            attribute.ints.append(random.choice(ODD))
        case 3:
            attribute.type = random.choice(list(AttributeProto.AttributeType.values()))
        case 4:
            node.attribute.remove(attribute)


def _float(random: Random, model: ModelProto) -> None:
    node = _some(random, model.graph.node)
    for attribute in node.attribute if node is not None else ():
        if attribute.type == AttributeProto.FLOAT:
            attribute.f = random.choice((0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e-45, 3e38))


def _operator(random: Random, model: ModelProto) -> None:
    node = _some(random, model.graph.node)
    if node is not None:
        node.op_type = random.choice(sorted(conformance.RULES))


def _operands(random: Random, model: ModelProto) -> None:
    """Values exchanged, left out, added, made twice or read before they are made."""
    node, other = _some(random, model.graph.node), _some(random, model.graph.node)
    if node is None or other is None:
        return
    names = [*node.input, *node.output, *other.input, *other.output, "", "nothing"]
    match random.randrange(4):
        case 0 if node.input:
            node.input[random.randrange(len(node.input))] = random.choice(names)
        case 1:
            node.input.append(random.choice(names))
        case 2 if node.input:
            node.input.pop()
        case 3 if node.output:
            node.output[random.randrange(len(node.output))] = random.choice(names)


def _nodes(random: Random, model: ModelProto) -> None:
    """A node gone, twice, or at another place."""
    nodes = model.graph.node
    if not nodes:
        return
    place = random.randrange(len(nodes))
    node = onnx.NodeProto()
    node.CopyFrom(nodes[place])
    if random.randrange(2):
        del nodes[place]
    if random.randrange(2):
        nodes.insert(random.randrange(len(nodes) + 1), node)


def _tensor(random: Random, model: ModelProto) -> None:
    """Dimensions, type, bytes or place of the data of an initializer."""
    tensor = _some(random, model.graph.initializer)
    if tensor is None:
        return
    match random.randrange(5):
        case 0 if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(ODD)
        case 1:
            tensor.dims.append(random.choice(ODD))
        case 2:
            tensor.data_type = random.randrange(-1, 40)
        case 3:
            tensor.raw_data = tensor.raw_data[: random.randrange(len(tensor.raw_data) + 1)]
        case 4:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=random.choice(("/etc/passwd", "../x", "x", "")))


def _signal(random: Random, model: ModelProto) -> None:
    """Type or shape of an input or output."""
    value = _some(random, [*model.graph.input, *model.graph.output])
    if value is None:
        return
    tensor = value.type.tensor_type
    match random.randrange(4):
        case 0:
            tensor.elem_type = random.randrange(-1, 40)
        case 1 if tensor.shape.dim:
            tensor.shape.dim[random.randrange(len(tensor.shape.dim))].dim_value = random.choice(ODD)
        case 2:
            tensor.shape.dim.add().dim_value = random.choice(ODD)
        case 3:
            value.name = random.choice(("", "x", *(name for node in model.graph.node for name in node.output)))


def _version(random: Random, model: ModelProto) -> None:
    for entry in model.opset_import:
        entry.version = random.choice((*ODD, *range(1, 30)))


Mutation = Callable[[Random, ModelProto], None]
MUTATIONS: tuple[Mutation, ...] = (_attribute, _attribute, _float, _operator, _operands, _nodes, _tensor, _signal, _version)


def attempt(data: bytes) -> str:
    """What becomes of a model: the name of our error, or how far it came. Any other exception is a bug."""
    try:
        network = load(data)
        shapes = {name: _sizes(fact) for name, fact in network.inputs.items()}
        facts = infer_facts(network, input_facts(network, shapes))
        if _work(network, facts) > WORK:
            return "loaded"
        program = network.compile(threads=1)
        for at_end in (False, True):
            arrays = [guarded(np.ones(facts[name].sizes, facts[name].dtype), at_end) for name in network.inputs]
            out = tuple(guarded(np.zeros(facts[name].sizes, facts[name].dtype), at_end) for name in network.outputs)
            program(*arrays, out=out if len(out) > 1 else out[0])
    except CompileError:  # a bug of ours, as it says itself
        raise
    except AtrousError as error:
        return type(error).__name__
    return "run"


def _sizes(fact: Fact) -> tuple[int, ...]:
    return tuple(SIZE if isinstance(dim, str) else dim for dim in fact.shape)


def _work(network: Network, facts: dict[str, Fact]) -> int:
    """Multiply-adds, elements and inputs of windows."""
    total = sum(fact.count for fact in facts.values())
    for node in network.nodes:
        operands = [facts[name] for name in node.inputs if name in facts]
        if len(operands) < len(node.inputs) or node.output not in facts:
            return WORK + 1
        taps = np.prod([float(tap) for tap in getattr(node.layer, "kernel", ())])
        total += node.layer.macs(facts[node.output], *operands) + int(min(taps * facts[node.output].count, 2.0**62))
    return total


def _limit_memory() -> None:
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + BYTES, held + BYTES))


def main() -> None:
    """Try mutants; the last line counts what became of them."""
    warnings.simplefilter("ignore")
    seed, first, last = map(int, sys.argv[1:4])
    faulthandler.enable()
    attempt(corpus()[1][0])
    _limit_memory()
    outcomes: dict[str, int] = {}
    for number in range(first, last):
        print(number, flush=True)
        data = mutant(seed, number)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            outcome = attempt(data)
        except Exception:  # whatever it is: a bug
            outcome = "bug"
            print(f"mutant {number}:\n{format_exc()}", file=sys.stderr, flush=True)
        faulthandler.cancel_dump_traceback_later()
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(outcomes)
    sys.exit("bug" in outcomes)


if __name__ == "__main__":
    main()
