"""``atrous passes``: what a network is prepared to before it is compiled."""

from __future__ import annotations

import shutil
import textwrap
from typing import Annotated

import typer

from atrous.cli.network import NetworkName, read_network, read_shapes
from atrous.graph.network import Network
from atrous.graph.passes import op_counts, specialise
from atrous.report.passes import Change, changes, kinds, operator

Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", "-i", metavar="SIZES", help="Size of the input, as 1x3x224x224, or NAME=SIZES for each of several."
    ),
]
Nodes = Annotated[bool, typer.Option("--nodes", help="List all nodes before and after.")]


def passes(network: NetworkName, input: Input = None, nodes: Nodes = False) -> None:
    """Print what each pass makes of NET before it is compiled: how many nodes there are, and which are gone, made or changed.

    With --input the network is prepared for that size: shape arithmetic is folded too.
    """
    shapes = read_shapes(input or ())
    net = read_network(network, shapes)
    before = net if shapes is None else specialise(net, shapes)
    found = changes(before)
    after = found[-1].after if found else before
    width = shutil.get_terminal_size((120, 24)).columns
    lines = [f"{net.name}: {len(before.nodes)} nodes"]
    lines += [part for change in found for part in _wrapped(_line(change), width)]
    lines.append(f"together: {len(before.nodes)} → {len(after.nodes)} nodes")
    for when, each in (("before", before), ("after", after)):
        counts = ", ".join(f"{count} {kind}" for kind, count in op_counts(each).items())
        lines += _wrapped(f"  {when}: {counts}; {len(each.constants)} constants", width)
    if nodes:
        lines += [*_listed("before", before), *_listed("after", after)]
    typer.echo("\n".join(lines))


def _line(change: Change) -> str:
    """One pass on one line, which may be long."""
    what = {"gone": change.gone, "made": change.made, "changed": change.changed}
    told = "; ".join(f"{word} {kinds(nodes)}" for word, nodes in what.items() if nodes)
    return f"{change.name}: {len(change.before.nodes)} → {len(change.after.nodes)} nodes; {told}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 40), subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _listed(title: str, network: Network) -> list[str]:
    """Every node on a line of its own: its name, what it computes, from what, and the value that it makes."""
    rows = [(node.name, operator(node), f"{', '.join(node.inputs)} → {node.output}") for node in network.nodes]
    names, operators = (max((len(row[place]) for row in rows), default=0) for place in (0, 1))
    return ["", f"{title}:", *(f"  {name:<{names}}  {kind:<{operators}}  {values}" for name, kind, values in rows)]
