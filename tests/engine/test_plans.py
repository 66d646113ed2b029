"""Plans as texts: what is printed replays with the same bits, and what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import given

import atrous
from atrous.engine.codelets.convolution import Register
from atrous.engine.compiler import default_compiler
from atrous.engine.lowering.requests import requests
from atrous.engine.model import Model
from atrous.engine.plan import FILTERS, TABLE, Plan, Request, Signal, name
from atrous.engine.planner import Planner, plan, plans, ranked, refusal
from atrous.engine.schedule import Schedule
from atrous.engine.view import Layout, pitch
from atrous.errors import ArgumentError
from atrous.geometry import Box
from atrous.graph.networks import lenet
from atrous.problem import Problem
from atrous.target import Caches, Target
from tests.engine.running import kernels, program_of, same_bits
from tests.strategies import operands, problems

TARGET = default_compiler().target
NAMES = ", ".join(map(name, (*TABLE, *FILTERS)))
PLAIN = Problem.parse("conv:f32:c64:i56x56:k64:w3x3:p1")


@given(problems())
def test_every_plan_is_a_text_that_says_it(problem: Problem) -> None:
    for request in requests(problem):
        for each in plans(*reversed_join(request), TARGET):
            assert Plan.parse(str(each)) == each
            assert refusal(each, request, TARGET) is None


def reversed_join(request: Request) -> tuple:
    c, signal = request.signal.joined(request.c)
    return c, signal


@given(problems())
def test_what_is_left_out_without_a_look_is_never_the_best(problem: Problem) -> None:
    for request in requests(problem):
        c, signal = request.c, request.signal
        for source in (None, *Layout):
            seen = replace(signal, source=source)
            best = ranked(c, seen, TARGET)[0]
            model = Model(c, seen, TARGET)
            assert plan(c, seen, TARGET) == best.plan
            assert model.least(best.plan.codelet, best.plan.register) <= best.prediction.cycles * (1 + 1e-12)
            assert Planner(TARGET, accuracy="strict").choose("a", Request(c, seen)) == best.plan


@given(problems())
def test_requests_are_named_by_the_problem_that_they_are(problem: Problem) -> None:
    for request in requests(problem):
        if not problem.transposed:
            assert request.problem == replace(problem, bias=False, pads=request.problem.pads)
        assert request.problem.output_space == request.signal.outputs
        assert requests(request.problem)[0].signal.outputs == request.signal.outputs


def test_a_request_names_problem_layouts_and_spacing() -> None:
    assert str(requests(PLAIN)[0]) == "conv:f32:c64:i56x56:k64:w3x3:p1 rows>rows"
    phase = requests(Problem.parse("convt:f32:c8:i9x9:k4:w4x4:s2:p1"))[0]
    assert str(phase) == "conv:f32:c8:i9x9:k4:w2x2:p1+0/2 rows>channels"


@pytest.mark.parametrize(
    "text", ["conv:f32:c33:i7x40:k70:w3x3:p1:b", "conv:f64:c12:i90:k36:w5:g3", "convt:f32:c5:i4x9:k40:w3x3:s2:b"]
)
def test_a_plan_replays_with_the_same_bits(text: str) -> None:
    problem = Problem.parse(text)
    x, w, bias = operands(problem)
    expected = program_of(problem, w, bias, accuracy="strict")(x)
    request = requests(problem)[0]
    for each in plans(*reversed_join(request), TARGET)[::7]:
        if all(refusal(each, other, TARGET) is None for other in requests(problem)):
            assert same_bits(program_of(problem, w, bias, plans={"layer": str(each)})(x), expected), each


def test_an_object_of_a_forced_plan_is_what_runs() -> None:
    x, w, _ = operands(Problem.parse("conv:f32:c8:i6x40:k64:w3x3:p1"))
    seen = kernels()
    program_of(Problem.parse("conv:f32:c8:i6x40:k64:w3x3:p1"), w, None, plans={"layer": "rows p48v3 i1"})(x)
    assert kernels() > seen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "plan: got 'fast'; a plan reads like 'direct p14v2 i1': algorithm, register tile, blocks"),
        ("direct p0v2", "plan: got 'direct p0v2'; a plan reads like 'direct p14v2 i1': algorithm, register tile, blocks"),
        ("winograd p4v2", "plan: got 'winograd p4v2'; there is no algorithm 'winograd', but " + NAMES),
    ],
)
def test_texts_that_are_no_plans_are_refused(text: str, message: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        Plan.parse(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grouped p7v1", "grouped does not apply to this convolution"),
        ("direct p13v9", "the register tiles of this algorithm are p"),
        ("direct p4v1 i3", "3 innermost blocks do not divide"),
    ],
)
def test_plans_that_cannot_compute_a_node_are_refused(text: str, message: str) -> None:
    x, w, _ = operands(PLAIN)
    with pytest.raises(
        ArgumentError, match=r"^plans: node 'layer' \(conv:f32:c64:i56x56:k64:w3x3:p1 any>\w+\) cannot"
    ) as raised:
        program_of(PLAIN, w, None, plans={"layer": text})(x)
    assert message in str(raised.value)


def test_plans_for_nodes_that_are_not_there_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^plans: got a plan for node 'conv9'; the prepared network has \w+"):
        atrous.compile(lenet(), plans={"conv9": "direct p7v1"})


def test_a_planner_keeps_its_kernel_for_other_sizes_but_not_the_order_of_blocks() -> None:
    planner = Planner(TARGET)
    request = requests(PLAIN)[0]
    first = planner.choose("a", request)
    large = Request(request.c, replace(request.signal, inputs=(560, 560), outputs=(560, 560)))
    second = planner.choose("a", large)
    assert (second.codelet, second.register) == (first.codelet, first.register)
    assert planner.chosen == {request: first, large: second}


def test_wisdom_goes_before_the_model_unless_it_cannot_be() -> None:
    request = requests(PLAIN)[0]
    good, bad = Plan.parse("direct p4v1 i2"), Plan(TABLE[1], Register(13, 9))
    assert Planner(TARGET, lambda asked: good, accuracy="strict").choose("a", request) == good
    assert Planner(TARGET, lambda asked: bad, accuracy="strict").choose("a", request) == plan(request.c, request.signal, TARGET)
    tiles = Planner(TARGET, lambda asked: good).choose("a", request)
    assert tiles.codelet.GRID > 1, "wisdom of one layout or batch never changes how results are rounded"


def test_the_choice_does_not_depend_on_the_threads_of_a_run() -> None:
    x, w, _ = operands(PLAIN)
    programs = [program_of(PLAIN, w, None, threads=threads) for threads in (1, 2)]
    assert same_bits(*(program(x) for program in programs))
    assert programs[0].planner.chosen == programs[1].planner.chosen


ZEN4 = Target("znver4", "x86_64", frozenset({"avx512f"}), cores=2)


@given(problems())
def test_predictions_are_above_the_peak(problem: Problem) -> None:
    for request in requests(problem):
        for each in ranked(request.c, request.signal, ZEN4):
            seen = each.prediction
            assert 0 <= seen.share <= 1
            assert seen.cycles > 0
            assert min(seen.traffic.l2 - seen.traffic.l3, seen.traffic.l3 - seen.traffic.memory, seen.traffic.memory) >= 0


def test_layouts_that_must_change_cost() -> None:
    request = requests(PLAIN)[0]
    chosen = Plan.parse("direct p14v2 i1")

    def cycles(source: Layout | None, wanted: Layout | None) -> float:
        signal = replace(request.signal, source=source, wanted=wanted)
        return Model(request.c, signal, ZEN4).predict(chosen).cycles

    inside = cycles(Layout.CHANNELS, Layout.CHANNELS)
    assert inside == cycles(None, None)
    assert inside < cycles(Layout.ROWS, Layout.CHANNELS) < cycles(Layout.ROWS, Layout.ROWS)


def test_layouts_of_large_depthwise_signals_cost_what_memory_does() -> None:
    """Beyond the last cache, an element costs several times as much."""

    target = replace(ZEN4, caches=Caches(2**15, 2**20, 2**25))

    def turning(text: str) -> float:
        problem = Problem.parse(text)
        request = requests(problem)[0]
        near, far = (replace(request.signal, source=each, wanted=each) for each in (Layout.CHANNELS, Layout.ROWS))
        chosen = plan(request.c, near, target)
        costs = [Model(request.c, signal, target).predict(chosen).layouts for signal in (near, far)]
        return (costs[1] - costs[0]) / (2 * problem.channels * prod(problem.space))

    small, large = (turning(f"conv:f32:c{c}:i56x56:k{c}:w3x3:p1:g{c}") for c in (64, 2048))
    assert small == 0.5
    assert large == 0.5 + 12 / target.rates.memory


def test_pixels_a_page_apart_drive_each_other_out_of_the_first_cache() -> None:
    request = requests(Problem.parse("conv:f32:c1024:i14x14:k256:w1x1"))[0]

    def share(apart: int) -> float:
        signal = replace(request.signal, source=None, wanted=None)
        return Model(replace(request.c, pitch=apart), signal, ZEN4).predict(Plan.parse("direct p28v1")).share

    assert share(1024) < 0.5 * share(1040)
    assert request.c.pitch == 1040, "so new arrays have a cache line more for each pixel"


def test_new_arrays_do_not_crowd_the_first_cache() -> None:
    assert pitch(512, (66, 66), "float32") == 528
    assert pitch(512, (66, 66), "float64") == 520
    assert pitch(512, (1, 1), "float32") == 512, "one pixel has no neighbours"
    assert pitch(256, (66, 66), "float32") == 256
    view = Schedule().array(Box.full((2, 512, 5, 7)), "float32", rows=False)
    assert view.strides == (5 * 7 * 528, 1, 7 * 528, 528)
    assert view.buffer.bytes == 4 * 2 * 5 * 7 * 528


def test_neighbouring_phases_that_read_alike_are_one_convolution() -> None:
    def outputs(text: str) -> list[int]:
        return [request.c.outputs for request in requests(Problem.parse(text))]

    assert outputs("convt:f32:c8:i20:k3:w16:s8:p4") == [12, 12]
    assert outputs("convt:f32:c8:i20:k3:w16:s8") == [24]
    assert outputs("convt:f32:c8:i20:k3:w7:s4") == [9, 3], "one tap less"
    assert outputs("convt:f32:c8:i9x20:k3:w2x2:s2") == [6, 6], "rows stay apart"
    assert outputs("convt:f32:c8:i20:k4:w16:s8:g2") == [2] * 8


def test_a_signal_is_exact_without_its_padding() -> None:
    signal = Signal(1, (10,), (5,))
    c = replace(requests(Problem.parse("conv:f32:c2:i10:k2:w3:s2:p1"))[0].c)
    assert [window.output_size(10) for window in signal.windows(c)] == [5]


def test_unknown_cpus_have_middling_rates() -> None:
    assert Target("some-new-cpu", "x86_64").rates.fmas == 2.0
    assert Target("znver4", "x86_64").rates.fmas == 1.0 < Target("znver5", "x86_64").rates.fmas
    assert np.isfinite(Target("apple-m1", "aarch64").rates.memory)
