"""A compiled network that is none: each tile runs the whole network in NumPy, with garbage wherever the tile has no input.

Slow and merciless: if a box were too small, the garbage would reach the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from atrous.geometry import Box
from atrous.graph.demand import Demands
from atrous.graph.evaluate import evaluate
from atrous.graph.fact import Array, Fact
from atrous.graph.facts import infer_facts
from atrous.graph.network import Network

#: Finite, because interpolation as a matrix product multiplies what it does not read by zero.
GARBAGE = 1e9


@dataclass
class OracleBound:
    network: Network
    facts: Mapping[str, Fact]
    tiles: list[Box] = field(default_factory=list)  # what was computed, in order

    @cached_property
    def _demands(self) -> Demands:
        return Demands(self.network, self.facts)

    def demand(self, wanted: Mapping[str, Box], /) -> dict[str, Box]:
        return self._demands(wanted)

    def arena_bytes(self, boxes: Mapping[str, Box], /) -> int:
        """All values of a tile at once: more than a planned arena, and easy to check."""
        made = (boxes[node.output] for node in self.network.nodes if node.output in boxes)
        return sum(box.size for box in made) * 4

    def run(self, boxes: Mapping[str, Box], inputs: Mapping[str, Array], outputs: Mapping[str, Array], threads: int, /) -> None:
        full = {}
        for name in self.network.inputs:
            fact = self.facts[name]
            full[name] = np.full(fact.sizes, GARBAGE if fact.dtype.startswith("float") else 77, fact.dtype)
            if name in boxes:
                assert inputs[name].shape == boxes[name].shape
                full[name][boxes[name].slices()] = inputs[name]
        with np.errstate(invalid="ignore"):
            results = evaluate(self.network, full)
        for name, array in outputs.items():
            assert array.shape == boxes[name].shape
            array[...] = results[name][boxes[name].slices()]
            self.tiles.append(boxes[name])

    def release(self) -> None:
        pass


@dataclass
class OracleProgram:
    network: Network
    bound: OracleBound | None = None

    def bind(self, shapes: Mapping[str, tuple[int, ...]], /) -> OracleBound:
        inputs = {name: Fact(fact.dtype, tuple(shapes[name])) for name, fact in self.network.inputs.items()}
        self.bound = OracleBound(self.network, infer_facts(self.network, inputs))
        return self.bound
