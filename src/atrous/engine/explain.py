"""Plans explained: what was considered for a problem, why one was chosen, and what is predicted and known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import at_once, requests
from atrous.engine.plan import TABLE, Plan, Request
from atrous.engine.planner import Candidate, check_accuracy, family, predicted, ranked
from atrous.engine.wisdom import Entry, Wisdom, default_wisdom
from atrous.problem import Problem
from atrous.target import Target

#: What is said of depthwise transposed convolutions.
AT_ONCE = "; one kernel computes all phases at once where the result lies in rows, else phase by phase:"
#: Candidates that are shown.
SHOWN = 8
#: The columns of the table of candidates.
COLUMNS = ("", "plan", "cycles", "of peak", "bound by", "from L2", "from L3", "from memory", "layouts", "measured")


@dataclass(frozen=True)
class Choice:
    """One convolution: the whole problem, or some equal phases of a transposed one."""

    request: Request
    count: int
    candidates: Sequence[Candidate]
    chosen: Candidate
    known: Entry | None

    @property
    def why(self) -> str:
        """Why this plan and no other."""
        first, best = self.candidates[0], self.chosen.prediction
        if self.known is not None and self.known.plan == self.chosen.plan:
            predicted = (
                "which the model predicts too" if first.plan == self.chosen.plan else f"the model would take {first.plan}"
            )
            return f"measured to be the fastest, {_time(self.known.seconds)}; {predicted}"
        others = [each for each in self.candidates if each.plan.codelet is not self.chosen.plan.codelet]
        text = f"predicted to be the fastest, {best.share:.0%} of the peak, bound by {best.bound}"
        if self.chosen.plan.codelet.GRID > 1:
            text = f"{best.share:.0%} of the peak of plain sums, by fewer multiplications, bound by {best.bound}"
        if others:
            text += f"; {others[0].plan} would take {others[0].prediction.cycles / best.cycles:.2f} times as long"
        return text

    def rows(self) -> list[tuple[str, ...]]:
        """The table of candidates, as texts in the order of ``COLUMNS``."""
        shown = list(self.candidates[:SHOWN])
        if all(each.plan != self.chosen.plan for each in shown):
            shown = [self.chosen, *shown[:-1]]
        return [self._row(each) for each in shown]

    def _row(self, each: Candidate) -> tuple[str, ...]:
        seen, mine = each.prediction, each.plan == self.chosen.plan
        known = self.known is not None and self.known.plan == each.plan
        return (
            "→" if mine else "",
            str(each.plan),
            _count(seen.cycles),
            f"{seen.share:.0%}",
            seen.bound,
            *map(_bytes, (seen.traffic.l2, seen.traffic.l3, seen.traffic.memory)),
            _count(seen.layouts),
            _time(self.known.seconds) if known and self.known is not None else "",
        )


@dataclass(frozen=True)
class Explanation:
    """The plan of a problem, with reasons. Prints as a table in a terminal and in a notebook.

    >>> found = explain("conv:f32:c64:i56x56:k64:w3x3:p1")
    >>> found.plans == [found.choices[0].chosen.plan]
    True
    """

    problem: Problem
    target: Target
    choices: Sequence[Choice]
    at_once: bool = False  # whether arrays in rows are computed without plans

    @property
    def plans(self) -> list[Plan]:
        """The plan of the problem; of a transposed one, those of its distinct phases."""
        return [choice.chosen.plan for choice in self.choices]

    @property
    def cycles(self) -> float:
        """Predicted cycles of the whole."""
        return sum(choice.count * choice.chosen.prediction.cycles for choice in self.choices)

    def header(self) -> str:
        """The problem and the machine in one line."""
        cost, target = self.problem.cost, self.target
        peak = target.lanes(self.problem.dtype) * target.rates.fmas
        return (
            f"{self.problem}: {_count(cost.macs)} multiply-adds ({_count(cost.real_macs)} on the signal) on "
            f"{target.cores} cores {target.name}, peak {peak:g} a cycle each{AT_ONCE if self.at_once else ''}"
        )

    def title(self, choice: Choice) -> str:
        """Plan and reason of one part."""
        if len(self.choices) == 1 and choice.count == 1:
            return f"{choice.chosen.plan}: {choice.why}"
        phases = "1 phase" if choice.count == 1 else f"{choice.count} phases"
        return f"{phases} {choice.request}: {choice.chosen.plan}, {choice.why}"

    def __str__(self) -> str:
        lines = [self.header()]
        for choice in self.choices:
            rows = [COLUMNS, *choice.rows()]
            widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
            lines += ["", self.title(choice)]
            for row in rows:
                cells = (
                    text.ljust(width) if column in (0, 1, 4) else text.rjust(width)
                    for column, (text, width) in enumerate(zip(row, widths, strict=True))
                )
                lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<plan of {self.problem}: {', '.join(map(str, self.plans))}>"

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self.header())}</p>"]
        for choice in self.choices:
            head = "".join(f"<th>{escape(text)}</th>" for text in COLUMNS)
            body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in choice.rows())
            parts.append(f"<p>{escape(self.title(choice))}</p><table><tr>{head}</tr>{body}</table>")
        return "".join(parts)


def explain(problem: Problem | str, *, wisdom: Wisdom | None = None, accuracy: str = "default") -> Explanation:
    """What the planner does with a problem (or its one-line text) on this machine; nothing is compiled or measured.

    ``accuracy`` is that of ``atrous.compile``.
    """
    asked = Problem.parse(problem) if isinstance(problem, str) else problem
    target = default_compiler().target
    known = default_wisdom() if wisdom is None else wisdom
    alike: dict[tuple[object, ...], list[Request]] = {}
    for request in requests(asked):  # phases that differ in their padding alone are one to the reader
        entry = known.find(request, target)
        signal = replace(request.signal, pads=())
        alike.setdefault((request.c, signal, None if entry is None else entry.plan), []).append(request)
    return Explanation(
        asked, target, [_choice(same, target, known, check_accuracy(accuracy)) for same in alike.values()], at_once(asked)
    )


def _choice(same: Sequence[Request], target: Target, wisdom: Wisdom, accuracy: str) -> Choice:
    request = same[0]
    c, signal = request.c, request.signal
    table = family(c, signal, target, accuracy)
    candidates = ranked(c, signal, target, table)
    others = [] if table is TABLE else ranked(c, signal, target)
    entry = wisdom.find(request, target)
    known = entry is not None and entry.plan.codelet in table
    learnt = predicted(entry.plan, request, target) if known and entry is not None else None
    return Choice(request, len(same), [*candidates, *others], learnt or candidates[0], entry if learnt else None)


def _count(number: float) -> str:
    """A large number, short."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def _bytes(number: float) -> str:
    return "-" if number < 1 else f"{_count(number)}B" if number >= 1e3 else f"{number:.0f} B"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
