"""Reading PyTorch modules: ``torch.export`` gives a graph of ATen operators, and each becomes layers by its rule."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from atrous.errors import ArgumentError, NetworkError, UnsupportedError
from atrous.graph import layers as L
from atrous.graph.fact import Array, Fact
from atrous.graph.network import Network
from atrous.importers.builder import Builder
from atrous.importers.pytorch import dense, movement, pointwise, windows
from atrous.importers.pytorch.call import Call, Made, Rule
from atrous.importers.pytorch.types import TYPES

#: One rule for each of ATen's operators, by name.
RULES: Mapping[str, Rule] = {**windows.RULES, **pointwise.RULES, **movement.RULES, **dense.RULES}
#: Checks that PyTorch leaves in the graph; the sizes are checked here anyway.
CHECKS = frozenset({"_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range_for_size"})
#: Arithmetic on open sizes.
SIZES = {operator.add: L.Add(), operator.sub: L.Sub(), operator.mul: L.Mul(), operator.floordiv: L.Div()}


def from_torch(module: torch.nn.Module, example: Any, *, dynamic_shapes: Any = None) -> Network:
    """The network of a PyTorch module: as ``torch.export`` sees it on an example, in evaluation mode.

    ``example`` is a tensor, or a tuple of them: the module's arguments. Sizes are those of the example unless
    ``dynamic_shapes`` opens them, as ``torch.export.export`` takes it, such as ``({0: torch.export.Dim.AUTO},)`` for an open
    batch. The module is left as it was; weights are copied, 16-bit floats widened to float32 with a warning.

        net = atrous.from_torch(torchvision_like_module, torch.zeros(1, 3, 224, 224))

    Raises ``ArgumentError`` for what is no module, and ``UnsupportedError`` listing all operators that atrous does not have, or
    saying why PyTorch cannot export the module (control flow that depends on data, for instance).
    """
    if not isinstance(module, torch.nn.Module):
        raise ArgumentError(f"module: got {type(module).__name__}; give a torch.nn.Module")
    arguments = tuple(example) if isinstance(example, tuple | list) else (example,)
    if not all(isinstance(argument, torch.Tensor) for argument in arguments):
        raise ArgumentError("example: give a tensor, or a tuple of tensors, as the module's arguments")
    label = type(module).__name__
    with _evaluating(module), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's own
        program = _exported(module, arguments, dynamic_shapes, label)
    return _network(program, label)


def _exported(module: torch.nn.Module, arguments: tuple[Any, ...], dynamic_shapes: Any, label: str) -> ExportedProgram:
    try:
        # With an empty table nothing is decomposed; what a module does in place becomes a value of its own.
        program: ExportedProgram = torch.export.export(module, arguments, dynamic_shapes=dynamic_shapes)
        functional: ExportedProgram = program.run_decompositions({})
        return functional
    except Exception as error:  # PyTorch raises errors of many classes here
        first = str(error).strip().split("\n")[0]
        raise UnsupportedError(f"{label}: torch.export cannot export it: {type(error).__name__}: {first}") from error


@contextmanager
def _evaluating(module: torch.nn.Module) -> Any:
    """The module and all its parts in evaluation mode, for a while."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _network(program: ExportedProgram, label: str) -> Network:
    inputs, held = _placeholders(program, label)
    _refuse_unknown(program.graph, label)
    builder = Builder(inputs)
    for name, array in held.items():
        builder.constant(array, name, exact=True)
    nodes = [node for node in program.graph.nodes if node.op == "call_function" and _kind(node) not in CHECKS]
    builder.reserve([node.name for node in nodes])
    values: dict[fx.Node, Made] = {node: node.name for node in program.graph.nodes if node.op == "placeholder"}
    problems: list[str] = []
    for node in nodes:
        try:
            values[node] = _made(node, values, builder)
        except UnsupportedError as error:
            problems.append(f"{_place(node)} ({_kind(node)}): {error}")
        except KeyError:  # it reads what could not be made
            continue
        except NetworkError as error:
            raise NetworkError(f"{label}: {_place(node)} ({_kind(node)}): {error}") from None
    if problems:
        raise UnsupportedError(f"{label}: " + "; ".join(problems))
    return builder.network(label, _outputs(program, values, label))


def _made(node: fx.Node, values: Mapping[fx.Node, Made], builder: Builder) -> Made:
    if node.target is operator.getitem:
        source, place = node.args
        made = values[source]  # type: ignore[index]
        if isinstance(made, str) and place != 0:
            raise UnsupportedError(f"output {place} of it is read; atrous makes the first output only")
        return made if isinstance(made, str) else made[place]  # type: ignore[index]
    if node.target in SIZES:
        one, other = (values[a] if isinstance(a, fx.Node) else builder.constant(np.array([a]), "size") for a in node.args)
        return builder.add(SIZES[node.target], [str(one), str(other)], node.name, node.name)
    return RULES[_kind(node)](Call(node, _place(node), values, builder))


def _kind(node: fx.Node) -> str:
    """The name of an ATen operator without its overload."""
    packet = getattr(node.target, "overloadpacket", None)
    return str(getattr(packet, "__name__", getattr(node.target, "__name__", node.target)))


def _place(node: fx.Node) -> str:
    """Where a node comes from: the path of its module, or its own name."""
    stack: Mapping[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    paths = [path for path, _ in stack.values()]
    return paths[-1] if paths and paths[-1] else node.name


def _refuse_unknown(graph: fx.Graph, label: str) -> None:
    """All operators that have no rule, in one message."""
    unknown: dict[str, list[str]] = {}
    for node in graph.nodes:
        known = node.target is operator.getitem or node.target in SIZES or _kind(node) in {*RULES, *CHECKS}
        if node.op == "call_function" and not known:
            unknown.setdefault(_kind(node), []).append(_place(node))
    if unknown:
        listed = "; ".join(f"{kind} (in {', '.join(dict.fromkeys(places))})" for kind, places in sorted(unknown.items()))
        raise UnsupportedError(f"{label}: PyTorch operators that atrous does not have: {listed}")


def _placeholders(program: ExportedProgram, label: str) -> tuple[dict[str, Fact], dict[str, Array]]:
    """The inputs, and the parameters, buffers and constants of the module."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    inputs: dict[str, Fact] = {}
    held: dict[str, Array] = {}
    widened = 0
    for spec in program.graph_signature.input_specs:
        name = spec.arg.name
        if spec.kind is InputKind.USER_INPUT:
            inputs[name] = _fact(nodes[name].meta["val"], name, label)
            continue
        tensors = program.constants if spec.target in program.constants else program.state_dict
        tensor = tensors[str(spec.target)].detach()
        widened += tensor.dtype in (torch.float16, torch.bfloat16)
        held[name] = _array(tensor, str(spec.target), label)
    if widened:
        warnings.warn(f"{label}: {widened} tensors of 16-bit floats are widened to float32", stacklevel=4)
    return inputs, held


def _fact(value: Any, name: str, label: str) -> Fact:
    if not isinstance(value, torch.Tensor) or value.dtype not in TYPES:
        seen = value.dtype if isinstance(value, torch.Tensor) else type(value).__name__
        raise UnsupportedError(f"{label}: input {name!r} is {seen}; atrous takes tensors of {', '.join(map(str, TYPES))}")
    return Fact(TYPES[value.dtype], tuple(size if isinstance(size, int) else str(size) for size in value.shape))


def _array(tensor: torch.Tensor, name: str, label: str) -> Array:
    """A copy of a tensor, 16-bit floats widened."""
    if tensor.dtype not in TYPES:
        raise UnsupportedError(f"{label}: tensor {name!r} has type {tensor.dtype}; atrous has {', '.join(map(str, TYPES))}")
    wide = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
    return np.array(wide.cpu().contiguous().numpy())


def _outputs(program: ExportedProgram, values: Mapping[fx.Node, Made], label: str) -> list[str]:
    """The values that the module returns, in order."""
    (end,) = [node for node in program.graph.nodes if node.op == "output"]
    wanted = {spec.arg.name for spec in program.graph_signature.output_specs if spec.kind.name == "USER_OUTPUT"}
    returned: Sequence[Any] = end.args[0]
    found = [values[node] for node in returned if isinstance(node, fx.Node) and node.name in wanted]
    if not found or not all(isinstance(value, str) for value in found):
        raise UnsupportedError(f"{label}: returns no tensors; return a tensor or a tuple of tensors")
    return [str(value) for value in found]
