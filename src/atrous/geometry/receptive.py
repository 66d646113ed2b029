"""Receptive fields: which inputs influence one output, exactly, through any stack and branching of maps (one axis at a time).

Every map repeats its pattern along the axis, so does any composition of them: ``period`` outputs further, the same inputs are
read ``shift`` further. One set of inputs for each output of a period therefore says everything, holes and phases included.
Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019, is the case of dense
windows and one path: size, jump (effective stride) and start (minus the effective padding).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from atrous.errors import ArgumentError
from atrous.geometry.indices import IndexSet
from atrous.geometry.maps import ExactMap

Line = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The inputs of the outputs ``0 .. period-1``; output ``o + period`` reads those of ``o`` moved by ``shift``."""

    shift: int
    fields: tuple[IndexSet, ...]

    @property
    def period(self) -> int:
        return len(self.fields)

    @property
    def jump(self) -> Fraction:
        """Inputs per output: the effective stride."""
        return Fraction(self.shift, self.period)

    def inputs(self, output: int) -> IndexSet:
        turns, phase = divmod(output, self.period)
        return self.fields[phase].shift(turns * self.shift)

    def _block(self, output: int, turns: int) -> IndexSet:
        """The inputs of outputs ``output .. output + turns*period - 1``, by doubling."""
        if turns == 1:
            return IndexSet.union(*(self.inputs(output + i).runs for i in range(self.period)))
        half = self._block(output, turns // 2)
        both = IndexSet.union(half.runs, half.shift(turns // 2 * self.shift).runs)
        if turns % 2 == 0:
            return both
        return IndexSet.union(both.runs, self._block(output + (turns - 1) * self.period, 1).runs)

    def reads(self, lo: int, hi: int) -> IndexSet:
        """The inputs of the outputs ``[lo, hi)``."""
        turns = max(0, hi - lo) // self.period
        block = self._block(lo, turns) if turns else IndexSet()
        rest = range(lo + turns * self.period, hi)
        return IndexSet.union(block.runs, *(self.inputs(o).runs for o in rest))

    def behind(self, step: ExactMap) -> Pattern:
        """The pattern of the outputs of ``step``, whose inputs have this pattern."""
        outputs, inputs = step.period
        turns = self.period // gcd(self.period, inputs)
        runs = (step.inputs(o).runs for o in range(outputs * turns))
        fields = tuple(IndexSet.union(*(self.reads(lo, hi).runs for lo, hi in each)) for each in runs)
        return Pattern(self.shift * inputs * turns // self.period, fields)

    def merge(self, other: Pattern) -> Pattern:
        """What this pattern or another one of the same jump reads."""
        period = lcm(self.period, other.period)
        fields = (IndexSet.union(self.inputs(o).runs, other.inputs(o).runs) for o in range(period))
        return Pattern(self.shift * period // self.period, tuple(fields))


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The receptive fields of all outputs along one axis, in inputs; padding counts as input, as the signal's size is unknown.

    Build it forwards: ``ReceptiveField.of_input()`` for the input itself, ``behind`` for each map, ``join`` where branches
    meet. Branches of unlike jumps drift apart; then ``jump`` and ``size`` are ``None`` and ``inputs(o)`` still is exact.

    >>> from atrous.geometry import Window
    >>> field = ReceptiveField.through([Window(3, dilation=d) for d in (1, 2, 9)])
    >>> field.size, field.jump, len(field.inputs(0)), list(field.inputs(0).holes)
    (25, Fraction(1, 1), 21, [7, 8, 16, 17])
    """

    patterns: tuple[Pattern, ...]
    #: The line of centres of each path from the input; more than one means that branches are not aligned. Of many, two stand
    #: for all: what keeps these two apart or joins them does so for the question whether all agree.
    centres: frozenset[Line]

    @classmethod
    def of_input(cls) -> ReceptiveField:
        """Input ``o`` is influenced by input ``o``."""
        return cls((Pattern(1, (IndexSet(((0, 1),)),)),), frozenset({(Fraction(1), Fraction(0))}))

    @classmethod
    def through(cls, maps: Iterable[ExactMap]) -> ReceptiveField:
        """The receptive field behind maps one after the other, the first nearest to the input."""
        field = cls.of_input()
        for step in maps:
            field = field.behind(step)
        return field

    def behind(self, step: ExactMap) -> ReceptiveField:
        """The receptive field of the outputs of a map that reads values with this receptive field."""
        slope, offset = step.centre
        centres = frozenset((a * slope, a * offset + b) for a, b in self.centres)
        return ReceptiveField(_merged(pattern.behind(step) for pattern in self.patterns), centres)

    @classmethod
    def join(cls, branches: Iterable[ReceptiveField]) -> ReceptiveField:
        """The receptive field of a value that reads the same position of several branches (addition, concatenation).

        >>> from atrous.geometry import Window
        >>> left, right = ReceptiveField.through([Window(5)]), ReceptiveField.through([Window(3)])
        >>> joined = ReceptiveField.join([left, right])
        >>> joined.size, joined.aligned
        (5, False)
        """
        all_branches = tuple(branches)
        if not all_branches:
            raise ArgumentError("branches: got none; a join needs at least one receptive field")
        patterns = _merged(pattern for branch in all_branches for pattern in branch.patterns)
        centres = sorted(frozenset[Line]().union(*(branch.centres for branch in all_branches)))
        return cls(patterns, frozenset((centres[0], centres[-1])))

    def inputs(self, output: int) -> IndexSet:
        """The exact inputs of one output."""
        return IndexSet.union(*(pattern.inputs(output).runs for pattern in self.patterns))

    def span(self, output: int) -> tuple[int, int]:
        """The interval of inputs from the first to behind the last that influence an output."""
        return self.inputs(output).span

    @property
    def aligned(self) -> bool:
        """Whether the centres of all paths coincide at every output."""
        return len(self.centres) == 1

    @property
    def jump(self) -> Fraction | None:
        """Inputs per output (the effective stride); ``None`` when branches have unlike ones."""
        return self.patterns[0].jump if len(self.patterns) == 1 else None

    @property
    def period(self) -> int:
        """After so many outputs the pattern repeats: 1 but for what lies behind transposed windows and resizes."""
        return lcm(*(pattern.period for pattern in self.patterns))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The extent of the receptive field of each output of one period."""
        return tuple(self.inputs(o).extent for o in range(self.period))

    @property
    def size(self) -> int | None:
        """The largest extent over all outputs; ``None`` when branches drift apart and there is no largest."""
        return max(self.sizes) if len(self.patterns) == 1 else None

    @property
    def starts(self) -> tuple[Fraction, ...]:
        """For each output ``o`` of one period, first input minus ``jump*o``; equal numbers where phases do not differ.

        With one phase this is minus the effective padding. Empty when branches drift apart.
        """
        jump = self.jump
        return () if jump is None else tuple(self.span(o)[0] - jump * o for o in range(self.period))

    def centre(self, output: int) -> Fraction:
        """The middle of an output's receptive field, on the grid where input ``i`` is the point ``i``."""
        lo, hi = self.span(output)
        return Fraction(lo + hi - 1, 2)


def _merged(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """One pattern for each jump, in order of the jumps."""
    by_jump: dict[Fraction, Pattern] = {}
    for pattern in patterns:
        known = by_jump.get(pattern.jump)
        by_jump[pattern.jump] = pattern if known is None else known.merge(pattern)
    return tuple(by_jump[jump] for jump in sorted(by_jump))
