"""From a scene to a drawing: bands below each other, parts beside each other, lines between cells, words around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from atrous.figures.drawing import Anchor, Drawing, Label, Layer, Mark, Path, text_width
from atrous.figures.scene import Beam, Grid, Link, Picture, Scene, Spot
from atrous.figures.shapes import Placed, part_marks, part_size
from atrous.figures.style import Ink

MARGIN, TITLE, CAPTION, LEGEND = 28.0, 20.0, 16.0, 13.0
#: Between parts of a band, between bands, and the room above a part for its label.
GAP, BAND_GAP, HEAD = 52.0, 26.0, 30.0
#: The same where names stand to the left of their rows, so that lines between rows do not cross them.
BESIDE, NAME = 12.0, 14.0
#: The side of a cell: as large as looks good, smaller where a page would become wider, or a grid taller, than this.
CELL, WIDEST, TALLEST = 42.0, 1080.0, 640.0
LINE = 1.5


def draw_scene(scene: Scene) -> Drawing:
    """Where everything stands; the size depends on what the steps of a figure share, so that frames fit on each other."""
    unit = _unit(scene)
    placed, width, bottom = _place(scene, unit, MARGIN + TITLE * LINE + 8)
    room = max(text_width(scene.title, TITLE, bold=True), *(text_width(text, CAPTION) for text in scene.caption), 0.0)
    width = max(width, room, 460.0)
    shift = (width - max((spot.right for spot in placed.values()), default=0.0) + MARGIN) / 2
    placed = {key: spot.moved(max(0.0, shift)) for key, spot in placed.items()}
    marks = [Label(MARGIN, MARGIN + TITLE / 2, scene.title, TITLE, Ink.TEXT, Anchor.START, bold=True)]
    marks_of: list[Mark] = [*marks, *_parts(scene, placed, MARGIN + max(0.0, shift)), *_lines(scene, placed)]
    for i, text in enumerate(scene.caption):
        y = bottom + CAPTION * (LINE * i + 0.5)
        marks_of.append(Label(MARGIN, y, text, CAPTION, Ink.TEXT, Anchor.START))
    bottom += CAPTION * LINE * len(scene.caption) + 10
    legend, bottom = _legend(scene, width, bottom)
    marks_of += legend
    return Drawing.of(round(width + 2 * MARGIN), round(bottom + MARGIN - 8), marks_of, scene.title, ". ".join(scene.caption))


def _unit(scene: Scene) -> float:
    """The side of a cell."""
    if scene.aligned:
        lo, hi = _span(scene)
        return min(CELL, WIDEST / (hi - lo))
    widest = max((sum(part.columns for part in band if isinstance(part, Grid)) for band in scene.bands), default=0)
    tallest = max((grid.rows for grid in scene.grids()), default=1)
    return min(CELL, (WIDEST - GAP * 3) / max(1, widest), TALLEST / tallest)


def _span(scene: Scene) -> tuple[float, float]:
    """From the left edge of the leftmost cell to the right edge of the rightmost, over the steps' common axis."""
    ends = [(float(grid.offset), float(grid.offset + grid.pitch * (grid.columns - 1))) for grid in scene.grids()]
    return min(lo for lo, _ in ends) - 0.5, max(hi for _, hi in ends) + 0.5


Places = dict[tuple[int, int], Placed]


def _place(scene: Scene, unit: float, top: float) -> tuple[Places, float, float]:
    """Where each part stands, how wide all are together, and where the room below begins."""
    placed: Places = {}
    width, lo = 0.0, _span(scene)[0] if scene.aligned else 0.0
    names = max(text_width(grid.label, NAME) for grid in scene.grids()) + 18 if scene.aligned else 0.0
    for b, band in enumerate(scene.bands):
        sizes = [part_size(part, unit) for part in band]
        height = max(size.height for size in sizes)
        rise = max(size.rise for size in sizes)
        x, head = MARGIN + names, BESIDE if scene.aligned else HEAD
        for p, (part, size) in enumerate(zip(band, sizes, strict=True)):
            if scene.aligned and isinstance(part, Grid):
                x = MARGIN + names + (float(part.offset) - 0.5 - lo) * unit
            y = top + head + rise + (height - size.height) / 2
            placed[b, p] = Placed(part, x, y, unit, size)
            x += size.width + GAP
        width = max(width, x - GAP - MARGIN)
        top += head + rise + height + BAND_GAP
    return placed, width, top


def _parts(scene: Scene, placed: Places, start: float) -> Iterator[Mark]:
    """What draws the parts and names them; names to the left of rows begin at ``start``."""
    targets = {(s.band, s.part) for beam in scene.beams for s in (beam.source, beam.target)}
    for key, spot in placed.items():
        over = bool(targets) and key not in targets
        yield from part_marks(spot, Layer.OVER if over else Layer.GROUND, Layer.OVER_CELLS if over else Layer.CELLS)
        if isinstance(spot.part, Grid | Picture) and spot.part.label:
            yield _name(spot, spot.part.label, start if scene.aligned else None)


def _name(spot: Placed, label: str, start: float | None) -> Label:
    """Above the part, or to the left of its row where the names begin."""
    if start is None:
        return Label(spot.x, spot.y - spot.size.rise - 13, label, NAME, Ink.TEXT, Anchor.START, rim=True)
    return Label(start, spot.y + spot.size.height / 2, label, NAME, Ink.TEXT, Anchor.START)


def _lines(scene: Scene, placed: Places) -> Iterator[Mark]:
    for link in scene.links:
        yield _link(link, placed)
    for beam in scene.beams:
        yield from _beam(beam, placed)


def _box(spot: Spot, placed: Places) -> tuple[float, float, float, float]:
    return placed[spot.band, spot.part].cell(spot.row, spot.column)


def _link(link: Link, placed: Places) -> Path:
    """From the side of one cell that faces the other."""
    (x, y, w, h), (u, v, k, m) = _box(link.source, placed), _box(link.target, placed)
    down = y < v
    points = ((x + w / 2, y + h if down else y), (u + k / 2, v if down else v + m))
    return Path(points, Ink.STRONG if link.strong else Ink.LINK, Layer.LINKS)


def _beam(beam: Beam, placed: Places) -> Iterator[Path]:
    (x, y, _, _), (a, b, w, h) = _box(beam.source, placed), _box(beam.source_corner, placed)
    (u, v, _, _), (c, d, k, m) = _box(beam.target, placed), _box(beam.target_corner, placed)
    right, bottom, right2, bottom2 = a + w, b + h, c + k, d + m
    if u > right:
        pairs = (((right, y), (u, v)), ((right, bottom), (u, bottom2)))
    else:
        pairs = (((x, bottom), (u, v)), ((right, bottom), (right2, v)))
    for pair in pairs:
        yield Path(pair, Ink.BEAM, Layer.BEAMS)


def _legend(scene: Scene, width: float, top: float) -> tuple[Sequence[Mark], float]:
    """One sample cell for each state, with what it means; new lines where the width ends."""
    marks: list[Mark] = []
    x, y, side = MARGIN, top + 8, 15.0
    for state in scene.legend:
        room = side + 7 + text_width(state.value, LEGEND) + 18
        if x + room > MARGIN + width and x > MARGIN:
            x, y = MARGIN, y + side + 9
        sample = Placed.sample(state, x, y, side)
        marks += part_marks(sample, Layer.GROUND, Layer.CELLS)
        marks.append(Label(x + side + 7, y + side / 2, state.value, LEGEND, Ink.FAINT, Anchor.START))
        x += room
    return marks, y + side if scene.legend else top
