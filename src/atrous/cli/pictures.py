"""The pictures on the page of ``atrous inspect --html``: what the report's numbers look like."""

from __future__ import annotations

from collections.abc import Iterator

from atrous.errors import ArgumentError
from atrous.figures import Figure, coverage, energy_map, field_growth, linearity, receptive_field, receptive_map, volumes
from atrous.figures.scene import Scene
from atrous.graph.network import Network
from atrous.report import Report
from atrous.report.effective import EffectiveField

#: A title and the text of an SVG document.
Picture = tuple[str, str]


def pictures(network: Network, report: Report, name: str = "") -> list[Picture]:
    """The pictures of one network; one that does not apply to it says why in its place. Open sizes have none.

    ``name`` stands before the titles where several networks are on one page.
    """
    if report.symbols:
        return []
    before = f"{name}: " if name else ""
    return [(f"{before}{title}", figure.step(len(figure)).svg()) for title, figure in _figures(network, report)]


def _figures(network: Network, report: Report) -> Iterator[tuple[str, Figure]]:
    shapes = {name: tuple(int(size) for size in shape) for name, _, shape in report.inputs}
    if any(row.output[1:] != report.inputs[0][2][1:] for row in report.rows):
        yield "Activation maps, where their size changes", volumes(network, shapes)
    yield "What is linear and what is not", linearity(network, shapes)
    fields = [(row.name, [field.size for field in row.fields]) for row in report.rows if row.local and row.fields]
    known = [(layer, [size for size in sizes if size is not None]) for layer, sizes in fields if None not in sizes]
    if known:
        yield "The receptive field, layer by layer", field_growth([sizes for _, sizes in known])
    for title, effective in (("by structure", report.effective), ("estimated", report.estimated)):
        if effective.known is not None and len(effective.known.axes) == 2:
            yield f"Effective receptive field, {title}", _energy(effective.known)
    for title, draw in (
        ("The receptive field of one output, along the first axis", receptive_field),
        ("What one output reads, and over how many paths", receptive_map),
        ("What all outputs together read", coverage),
    ):
        try:
            yield title, draw(network, shapes)
        except ArgumentError as error:  # it branches, or its cells would be too small: the table has the numbers
            yield title, Figure("not-drawn", (Scene("Not drawn; the table has the numbers", (), (str(error),)),))


def _energy(field: EffectiveField) -> Figure:
    rows, columns = (axis.first for axis in field.axes)
    return energy_map(field.energy(), (rows, columns), field.value)
