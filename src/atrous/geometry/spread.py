"""Effective receptive fields by structure: how what one output reads is spread over the inputs of one axis, exactly.

Every output is taken for the mean of what it reads: all kernels uniform, resizes with the magnitudes of their own weights. The
gradient of one output is then a distribution over the inputs, the convolution of the distributions of the layers. Luo, Li,
Urtasun and Zemel, "Understanding the effective receptive field in deep convolutional neural networks", arXiv 1701.04128: under
random weights of mean 0 the expected energy (square) of the gradient has the same form; of ``n`` kernels of size ``k`` its
variance is ``n(k²-1)/12``, so that the effective field grows as the square root of the depth, the theoretical one linearly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from atrous.geometry.maps import ExactMap
from atrous.geometry.resample import Resample

#: The taps of one output: (input, share); the shares sum to 1, but for outputs that read nothing.
Shares = tuple[tuple[int, Fraction], ...]


def shares(step: ExactMap, output: int) -> Shares:
    """Which inputs one output reads, and its share of each: equal ones, but for a resize, which has weights of its own.

    >>> from atrous.geometry import Window
    >>> shares(Window(2, dilation=3), 0)
    ((0, Fraction(1, 2)), (3, Fraction(1, 2)))
    """
    if isinstance(step, Resample):
        weighed = step.weighed(output)
        total = sum(abs(weight) for _, weight in weighed)
        return tuple((index, abs(weight) / total) for index, weight in weighed)
    read = step.inputs(output)
    return tuple((index, Fraction(1, len(read))) for index in read)


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution over the inputs of one axis: input ``first + i`` has ``weights[i] / scale``.

    Made backwards, from an output to the inputs: ``Spread.at(output)``, then ``before`` for each map, the last one first, and
    ``add`` where several layers read the same value.

    >>> from atrous.geometry import Window
    >>> spread = Spread.at(0).before(Window(3)).before(Window(3))
    >>> spread.weights, spread.variance
    ((1, 2, 3, 2, 1), Fraction(4, 3))
    """

    first: int
    weights: tuple[int, ...]
    scale: int = 1

    @classmethod
    def at(cls, output: int) -> Spread:
        """All of it at one place."""
        return cls(output, (1,))

    def before(self, step: ExactMap) -> Spread:
        """What this distribution over the outputs of a map is over its inputs; padding counts as input."""
        outputs, inputs = step.period
        phases = [shares(step, o) for o in range(outputs)]
        common = lcm(*(share.denominator for phase in phases for _, share in phase))
        whole = [[(i, share.numerator * (common // share.denominator)) for i, share in phase] for phase in phases]
        sums: dict[int, int] = {}
        for output, weight in enumerate(self.weights, self.first):
            turns, phase = divmod(output, outputs)
            for index, share in whole[phase] if weight else ():
                place = index + turns * inputs
                sums[place] = sums.get(place, 0) + weight * share
        first = min(sums, default=0)
        return Spread(first, tuple(sums.get(i, 0) for i in range(first, max(sums, default=-1) + 1)), self.scale * common)

    def times(self, factor: Fraction) -> Spread:
        """All weights times a factor."""
        return Spread(self.first, tuple(w * factor.numerator for w in self.weights), self.scale * factor.denominator)

    def add(self, other: Spread) -> Spread:
        """Both together, place by place."""
        if not (self.weights and other.weights):
            return self if self.weights else other
        scale = lcm(self.scale, other.scale)
        first = min(self.first, other.first)
        last = max(self.first + len(self.weights), other.first + len(other.weights))
        sums = [0] * (last - first)
        for each in (self, other):
            for place, weight in enumerate(each.weights, each.first - first):
                sums[place] += weight * (scale // each.scale)
        return Spread(first, tuple(sums), scale)

    @property
    def total(self) -> int:
        """The sum of the weights; 0 where nothing is read."""
        return sum(self.weights)

    @property
    def centre(self) -> Fraction:
        """The mean place, on the grid where input ``i`` is the point ``i``."""
        return Fraction(sum(place * weight for place, weight in enumerate(self.weights, self.first)), self.total)

    @property
    def variance(self) -> Fraction:
        """The variance of the place, in inputs squared."""
        square = sum(place * place * weight for place, weight in enumerate(self.weights, self.first))
        return Fraction(square, self.total) - self.centre**2

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """The share of each input from ``first`` on; they sum to 1."""
        total = self.total
        return tuple(Fraction(weight, total) for weight in self.weights)


@dataclass(frozen=True, slots=True)
class Moments:
    """Mass, mean and variance of the spreads of all outputs of an axis, composed forwards without the spreads themselves.

    ``phases`` holds for the outputs ``0 .. period-1`` the sums of weight, weight times place and weight times place squared;
    output ``o + period`` has those of ``o`` moved by ``shift`` inputs.

    >>> from atrous.geometry import Window
    >>> moments = Moments.of_input().behind(Window(3, stride=2)).behind(Window(3))
    >>> moments.centre, moments.variance
    (Fraction(3, 1), Fraction(10, 3))
    """

    shift: int
    phases: tuple[tuple[Fraction, Fraction, Fraction], ...]

    @classmethod
    def of_input(cls) -> Moments:
        """Output ``o`` is input ``o``."""
        return cls(1, ((Fraction(1), Fraction(0), Fraction(0)),))

    @property
    def jump(self) -> Fraction:
        """Inputs per output."""
        return Fraction(self.shift, len(self.phases))

    def at(self, output: int) -> tuple[Fraction, Fraction, Fraction]:
        """The three sums of one output."""
        turns, phase = divmod(output, len(self.phases))
        by = turns * self.shift
        mass, mean, square = self.phases[phase]
        return (mass, mean + by * mass, square + 2 * by * mean + by * by * mass)

    def behind(self, step: ExactMap) -> Moments:
        """The moments of the outputs of a map whose inputs have these."""
        outputs, inputs = step.period
        period = len(self.phases)
        turns = period // gcd(period, inputs)
        phases = (_mixed((share, self.at(i)) for i, share in shares(step, o)) for o in range(outputs * turns))
        return Moments(self.shift * inputs * turns // period, tuple(phases))

    @classmethod
    def join(cls, branches: Iterable[tuple[Fraction, Moments]]) -> Moments | None:
        """The weighted sum of branches; ``None`` where they have unlike jumps and drift apart."""
        each = tuple(branches)
        if len({moments.jump for _, moments in each}) != 1:
            return None
        if len({moments for _, moments in each}) == 1:
            return each[0][1].scaled(sum((weight for weight, _ in each), Fraction(0)))
        period = lcm(*(len(moments.phases) for _, moments in each))
        phases = (_mixed((weight, moments.at(o)) for weight, moments in each) for o in range(period))
        return cls(int(each[0][1].jump * period), tuple(phases))

    def scaled(self, factor: Fraction) -> Moments:
        """All masses times a factor."""
        if factor == 1:
            return self
        return Moments(self.shift, tuple((factor * a, factor * b, factor * c) for a, b, c in self.phases))

    @property
    def widest(self) -> int:
        """The output of the first period whose spread is the widest, of those that read anything."""
        if len(self.phases) == 1:
            return 0
        return max(range(len(self.phases)), key=lambda o: (self.phases[o][0] != 0, self._variance(o)))

    @property
    def empty(self) -> bool:
        """Whether no output reads anything."""
        return not self.phases[self.widest][0]

    @property
    def centre(self) -> Fraction:
        """The mean place of the widest output, less ``jump`` for each output before it: what output 0 would have."""
        mass, mean, _ = self.phases[self.widest]
        return (mean / mass if mass else Fraction(0)) - self.jump * self.widest

    @property
    def variance(self) -> Fraction:
        """The variance of the place, in inputs squared: the largest over the outputs where they differ."""
        return self._variance(self.widest)

    def _variance(self, phase: int) -> Fraction:
        mass, mean, square = self.phases[phase]
        return square / mass - (mean / mass) ** 2 if mass else Fraction(0)


def _mixed(parts: Iterable[tuple[Fraction, tuple[Fraction, Fraction, Fraction]]]) -> tuple[Fraction, Fraction, Fraction]:
    mass = mean = square = Fraction(0)
    for share, (a, b, c) in parts:
        mass, mean, square = mass + share * a, mean + share * b, square + share * c
    return (mass, mean, square)
