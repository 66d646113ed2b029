"""Writes the schedule of a network: node after node, band after band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from atrous.engine.bands import Band
from atrous.engine.lowering import Tape, Task, lower, slices, wanted_layouts
from atrous.engine.schedule import LINE, Schedule
from atrous.engine.view import Buffer, Home, Layout, View, channels_last, row_major
from atrous.geometry import Box, pull_back
from atrous.graph.fact import Fact
from atrous.graph.network import Network, Node

Views = dict[str, View]


@dataclass(eq=False)
class Writer:
    """Writes launches that compute a network's outputs into a schedule.

    ``given`` are the views of the inputs and constants, ``outputs`` the places of the results.
    """

    network: Network
    facts: Mapping[str, Fact]
    tape: Tape
    given: Views
    outputs: Views
    layouts: Mapping[str, Layout | None]
    grids: Mapping[str, Sequence[tuple[int, int]]]
    kept: Views = field(default_factory=dict)  # what a band leaves to the next one

    def write(self, bands: Sequence[Band]) -> None:
        """The launches of these bands, one after another."""
        for number, band in enumerate(bands):
            self._write(band, bands[number + 1] if number + 1 < len(bands) else None)

    def _write(self, band: Band, after: Band | None) -> None:
        views, left = dict(self.given), dict(self.kept)
        wanted = {name: place.crop(band.fresh[name]) for name, place in self.outputs.items()}
        joined = self._joined(band)
        targets = wanted | {name: place.crop(band.fresh[name]) for name, place in joined.items()}
        places = slices(self.network, self.facts, band.fresh, self.layouts, targets, self.tape)
        for node in self.network.nodes:
            name = node.output
            if name not in band.held or band.held[name].empty:
                continue
            if band.fresh[name].empty and not band.held[name].empty:
                views[name] = self.kept[name]
            else:
                made = lower(node.layer, self.tape, self._task(node, band.fresh[name], views, places.get(name)))
                views[name] = self._join(made, joined[name], self.kept[name]) if name in joined else made
            self._keep(name, views[name], band, after, left)
        for name, place in wanted.items():
            if not place.box.empty and views[name].buffer is not place.buffer:
                self.tape.copy(views[name].crop(place.box), place)
        self.kept = left

    def _joined(self, band: Band) -> Views:
        """New arrays for the values of which a band computes a part and has the rest."""
        found = {}
        for name, box in band.held.items():
            if name in self.kept and not band.fresh[name].empty and band.fresh[name] != box:
                whole = self.outputs.get(name)
                rows = not self.kept[name].channels_last()
                found[name] = whole.crop(box) if whole else self.tape.schedule.array(box, self.facts[name].dtype, rows)
        return found

    def _join(self, made: View, whole: View, kept: View) -> View:
        """What was kept and what was made, side by side in ``whole``."""
        if made.buffer is not whole.buffer:
            self.tape.copy(made, whole.crop(made.box))
        if kept.buffer is not whole.buffer:
            rest = kept.box.intersect(whole.box)
            self.tape.copy(kept.crop(rest), whole.crop(rest))
        return whole

    def _keep(self, name: str, view: View, band: Band, after: Band | None, left: Views) -> None:
        """Put aside what the band ``after`` reads of a value: a view of all of it if nothing is added, else a copy."""
        left.pop(name, None)
        if after is None or name not in after.held:
            return
        box = after.kept(name, band)
        if box is not None and name not in self.outputs:
            rest = self.tape.schedule.array(box, view.dtype, rows=not view.channels_last())
            left[name] = self.tape.copy(view.crop(box), rest)
        elif box is not None or after.fresh[name].empty:
            left[name] = view

    def _task(self, node: Node, box: Box, views: Views, target: View | None) -> Task:
        return Task(
            node.name,
            node.layer,
            self._operands(node, box, views),
            [self.facts[name] for name in node.inputs],
            [name if name in self.network.constants else None for name in node.inputs],
            self.facts[node.output],
            box,
            target=target,
            layout=self.layouts.get(node.output),
        )

    def _operands(self, node: Node, box: Box, views: Views) -> list[View]:
        """The operands' views, cropped to what the node's box reads."""
        facts = [self.facts[name] for name in node.inputs]
        if node.output in self.grids:
            box = box.aligned(self.grids[node.output], self.facts[node.output].sizes)
        found = []
        for name, fact, pulls in zip(node.inputs, facts, node.layer.reads(*facts), strict=True):
            if name in views:
                found.append(views[name].crop(pull_back(box, pulls).clip(fact.sizes)))
            else:
                found.append(_absent(fact))
        return found


def written(
    network: Network,
    facts: Mapping[str, Fact],
    boxes: Mapping[str, Box],
    bands: Sequence[Band],
    tape: Tape,
    grids: Mapping[str, Sequence[tuple[int, int]]],
) -> Schedule:
    """The complete schedule of the bands that make these boxes of inputs and outputs; ``tape`` writes into it."""
    schedule = tape.schedule
    given = {name: _external(Home.INPUT, name, facts[name], boxes[name]) for name in network.inputs if name in boxes}
    given |= {name: schedule.constant(array) for name, array in network.constants.items() if name in boxes and array.size}
    outputs = {name: _external(Home.OUTPUT, name, facts[name], boxes[name]) for name in network.outputs}
    Writer(network, facts, tape, given, outputs, wanted_layouts(network, facts, tape), grids).write(bands)
    schedule.place()
    return schedule


_NO_MEMORY = np.zeros(LINE, np.uint8)


def _absent(fact: Fact) -> View:
    """The view of an operand of which a box reads nothing, because only padding meets it."""
    shape = (*fact.sizes[:2], *(0 for _ in fact.sizes[2:]))
    strides = channels_last(shape, fact.dtype) if len(shape) > 2 else row_major(shape)
    return View(Buffer(Home.CONSTANT, 0, array=_NO_MEMORY), fact.dtype, Box.full(shape), strides)


def _external(home: Home, name: str, fact: Fact, box: Box) -> View:
    """A caller's array over a box, in C order."""
    return View(Buffer(home, 0, name), fact.dtype, box, row_major(box.shape))
