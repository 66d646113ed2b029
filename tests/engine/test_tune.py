"""Tuning measures within its time, keeps the fastest, and changes no bit."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

import atrous
from atrous.engine.compiler import default_compiler
from atrous.engine.explain import COLUMNS, explain
from atrous.engine.lowering.requests import requests
from atrous.engine.plan import Plan, Request
from atrous.engine.planner import ranked
from atrous.engine.program import Program
from atrous.engine.tune import search, tune
from atrous.engine.wisdom import Entry, Machine, Wisdom
from atrous.errors import ArgumentError
from atrous.graph.networks import lenet
from atrous.problem import Problem

TARGET = default_compiler().target
PROBLEM = "conv:f32:c8:i12x12:k16:w3x3:p1"


class Clock:
    """A clock that only measurements move."""

    def __init__(self, each: float) -> None:
        self.now, self.each = 0.0, each

    def __call__(self) -> float:
        return self.now

    def measuring(self, request: Request) -> Callable[[Plan], float]:
        def measure(plan: Plan) -> float:
            self.now += self.each
            return 1.0 / plan.register.pixels

        return measure


def few(count: int = 5) -> dict[Request, list[Plan]]:
    texts = [f"conv:f32:c8:i{size}x{size}:k64:w3x3" for size in (10, 20, 30)]
    asked = [requests(Problem.parse(text))[0] for text in texts]
    return {request: [each.plan for each in ranked(request.c, request.signal, TARGET)[:count]] for request in asked}


def test_the_fastest_of_what_was_measured_is_found() -> None:
    clock, told = Clock(0.01), []
    trials = search(few(), clock.measuring, 100.0, lambda done, total: told.append((done, total)), clock)
    assert len(trials) == 3
    for trial, plans in zip(trials, few().values(), strict=True):
        assert trial.predicted == plans[0]
        assert set(trial.seconds) == set(plans)
        assert trial.best.register.pixels == max(plan.register.pixels for plan in plans)
        assert trial.gain >= 1
    assert told[-1] == (15, 15)


@pytest.mark.parametrize("limit", [0.0, 0.5, 1.0, 3.5, 8.0, 20.0])
def test_the_time_limit_is_kept(limit: float) -> None:
    clock = Clock(1.0)
    trials = search(few(), clock.measuring, limit, clock=clock)
    assert clock.now <= limit + 1.0  # the first measurement is begun before it is known how long one takes
    assert all(len(trial.seconds) > 1 for trial in trials)
    assert len(trials) == (3 if limit >= 7 else min(3, int(limit) // 2))


def test_tuning_a_problem_keeps_what_it_found() -> None:
    wisdom = Wisdom()
    found = tune(PROBLEM, seconds=20, wisdom=wisdom)
    (trial,) = found.trials
    entry = wisdom.find(trial.request, TARGET)
    assert entry is not None
    assert (entry.plan, found.left) == (trial.best, 0)
    assert str(found).startswith("1 convolution tuned in ")
    assert f"{PROBLEM} rows>rows: {entry.plan}, " in str(found)
    assert explain(PROBLEM, wisdom=wisdom).plans == [entry.plan]


def test_a_tuned_network_gives_the_same_bits() -> None:
    wisdom, network = Wisdom(), lenet()
    (shape,) = (fact.shape for fact in network.inputs.values())
    sizes = tuple(n if isinstance(n, int) else 2 for n in shape)
    x = np.random.default_rng(3).standard_normal(sizes).astype(np.float32)
    plain = Program(network, wisdom=Wisdom())(x)
    found = tune(network, x, seconds=10, wisdom=wisdom)
    assert len(found.trials) == len(wisdom.entries) >= 2
    assert Program(network, wisdom=wisdom)(x).tobytes() == plain.tobytes()
    assert {str(trial.request) for trial in tune(network, sizes, seconds=10, wisdom=Wisdom()).trials} >= {
        str(trial.request) for trial in found.trials if "any" not in str(trial.request)
    }


def test_a_short_limit_is_kept_on_the_clock() -> None:
    tune(PROBLEM, seconds=5, wisdom=Wisdom())  # kernels are in the cache
    begin = time.monotonic()
    found = tune(PROBLEM, seconds=0.2, wisdom=Wisdom())
    assert time.monotonic() - begin < 2.0
    assert found.left + len(found.trials) == 1


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((PROBLEM,), {"seconds": 0}, "seconds: got 0; it must be a number above 0"),
        ((PROBLEM, (1, 8, 12, 12)), {}, "x: a problem says its sizes itself; leave x out"),
        ((7,), {}, "what: got int; tune a Network, a Problem or the text of a problem"),
        ((lenet(), 7), {}, "x: got int; give an array, a shape such as (1, 3, 224, 224), or names with shapes"),
    ],
)
def test_what_cannot_be_tuned_is_refused(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        tune(*arguments, **options)
    assert str(raised.value) == message


# -- explanations ---------------------------------------------------------------------------------------------------------


def test_an_explanation_shows_what_was_considered_and_why() -> None:
    found = atrous.plan("conv:f32:c64:i56x56:k64:w3x3:p1")
    lines = str(found).splitlines()
    assert lines[0].startswith("conv:f32:c64:i56x56:k64:w3x3:p1: 116 M multiply-adds (113 M on the signal) on ")
    assert lines[2].startswith(f"{found.plans[0]}: ")
    assert lines[3].split() == " ".join(COLUMNS).split()
    marked = [line for line in lines[4:] if line.startswith("→")]
    assert len(marked) == 1
    assert str(found.plans[0]) in marked[0]
    assert len(lines) > 6
    assert repr(found) == f"<plan of conv:f32:c64:i56x56:k64:w3x3:p1: {found.plans[0]}>"
    page = found._repr_html_()
    assert page.count("<tr>") == len(lines) - 3
    assert page.count("<th>") == len(COLUMNS)


def test_an_explanation_says_what_was_measured() -> None:
    request, wisdom = requests(Problem.parse(PROBLEM))[0], Wisdom()
    slow = ranked(request.c, request.signal, TARGET)[-1].plan
    wisdom.learn([Entry(Machine.of(TARGET), str(request), slow, 1.5e-3)])
    text = str(explain(PROBLEM, wisdom=wisdom))
    assert f"{slow}: measured to be the fastest, 1.50 ms; the model would take " in text
    assert next(line for line in text.splitlines() if line.startswith("→")).endswith("1.50 ms")


def test_equal_phases_of_a_transposed_convolution_are_told_once() -> None:
    found = atrous.plan("convt:f32:c16:i8x8:k8:w4x4:s2:p1")
    assert [choice.count for choice in found.choices] == [4]
    assert "4 phases conv:f32:c16:i8x8:k8:w2x2:p1+0/2 rows>channels: " in str(found)
    assert found.cycles == 4 * found.choices[0].chosen.prediction.cycles


def test_plan_takes_problems_shapes_and_networks() -> None:
    expected = Problem.parse("conv:f32:c3:i9:k8:w3:s2:p1")
    assert atrous.plan(expected).problem == atrous.plan((1, 3, 9), (8, 3, 3), stride=2, padding=1).problem == expected
    assert atrous.plan(atrous.networks.dncnn(), np.zeros((40, 50), np.float32)).count == 1
    with pytest.raises(ArgumentError, match=r"^memory: got one with a problem, which says everything itself; leave it out$"):
        atrous.plan(PROBLEM, memory="1GB")
