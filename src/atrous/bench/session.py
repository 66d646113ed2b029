"""A run of the benchmark: its processes, its exact results, and a row for each case."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from atrous.bench.machine import CopyTask, PeakTask, bytes_of, copy_sizes, level_of
from atrous.bench.messages import Failure, Prepare, Release, Save
from atrous.bench.networks import shaped, write_model
from atrous.bench.oracle import ORACLE
from atrous.bench.peers.peer import Peer
from atrous.bench.race import Measured, Outcome, Settings, race
from atrous.bench.rows import RESTLESS, Row
from atrous.bench.runner import Runner
from atrous.bench.suites import Case, LayerCase, NetworkCase
from atrous.bench.tasks import LayerTask, NetworkTask, Task
from atrous.geometry.sizes import ITEMSIZE
from atrous.graph.fact import Fact
from atrous.graph.network import Network
from atrous.problem import Problem
from atrous.target import Caches, available_cores

SEED = 4
#: Exact results may take so many times as long as a peer may.
PATIENCE = 15
MACHINE = Peer("machine", "what the machine can do at most", "atrous", None)


@dataclass(slots=True)
class Session:
    """The processes of one run."""

    runners: Sequence[Runner]
    machine: Runner
    oracle: Runner
    folder: Path
    threads: int
    settings: Settings
    caches: Caches = field(default_factory=Caches.of_host)
    #: Bytes a second of a copy in each level.
    bandwidth: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def measure_bandwidth(self) -> None:
        """Copies as large as each level, each in three rounds."""
        for level, size in copy_sizes(self.caches, self.threads).items():
            found = race([self.machine], CopyTask(size, self.threads), Settings(3, 0.05))["machine"]
            if isinstance(found, Measured):
                self.bandwidth[level] = found.work / found.times.median

    def measure(self, case: Case, tick: Callable[[], None] = lambda: None) -> Row:
        """The row of one case."""
        if isinstance(case, LayerCase):
            return self._layer(case, tick)
        return self._network(case, tick)

    def _layer(self, case: LayerCase, tick: Callable[[], None]) -> Row:
        problem = case.problem
        task = LayerTask(str(problem), SEED, self.threads)
        runners = [runner for runner in self.runners if runner.peer.layer]
        outcomes, top = self._race(case.name, runners, task, problem.dtype, tick)
        moved = _moved(problem)
        level = level_of(moved, self.caches, self.threads)
        flop, real = 2 * problem.macs, 2 * problem.macs_on_real_taps
        bandwidth = self.bandwidth.get(level)
        made = Row(case.name, case.family, str(problem), flop, real, moved, outcomes)
        return replace(_under(made, top), bandwidth=bandwidth, level=level, dtype=problem.dtype)

    def _network(self, case: NetworkCase, tick: Callable[[], None]) -> Row:
        """A network's row: every peer in a new process, so that its peak memory is its own."""
        model = self.folder / f"{case.name}.onnx"
        network = write_model(case.source, model, case.dtype)
        facts = shaped(network, case.shapes)
        shapes = tuple((name, facts[name].sizes) for name in network.inputs)
        task = NetworkTask(str(model), shapes, SEED, self.threads, case.dtype)
        runners = [runner for runner in self.runners if runner.peer.network]
        for runner in runners:
            runner.end()
        outcomes, top = self._race(case.name, runners, task, case.dtype, tick)
        for runner in runners:
            runner.end()
        model.unlink()
        flop, real = 2 * network.macs(dict(shapes)), 2 * _real_macs(network, facts)
        ends = [facts[name] for name in (*network.inputs, *network.outputs)]
        moved = sum(bytes_of(fact.sizes, fact.dtype) for fact in ends) + network.parameters * ITEMSIZE[case.dtype]
        made = Row(case.name, case.family, str(case).partition(" ")[2], flop, real, moved, outcomes)
        return replace(_under(made, top), dtype=case.dtype)

    def _race(
        self, name: str, runners: Sequence[Runner], task: Task, dtype: str, tick: Callable[[], None]
    ) -> tuple[dict[str, Outcome], Outcome]:
        exact = self._exact(name, task)
        tick()
        outcomes = race(runners, task, self.settings, exact, {self.machine: PeakTask(dtype, self.threads)}, tick)
        top = outcomes.pop(MACHINE.name)
        for path in self.folder.glob("exact.*"):
            path.unlink()
        return outcomes, top

    def _exact(self, name: str, task: Task) -> Path | None:
        """Where the exact results lie; ``None``, and a note, if there are none."""
        path, limit = self.folder / "exact", PATIENCE * self.settings.limit
        for message in (Prepare(task), Save(str(path)), Release()):
            reply = self.oracle.ask(message, limit)
            if isinstance(reply, Failure):
                self.notes.append(f"{name}: no exact result to compare with: {reply.reason}")
                return None
        return path


def _under(row: Row, top: Outcome) -> Row:
    """A row with the peak that was measured in its rounds."""
    if not isinstance(top, Measured):
        return row
    return replace(row, peak=top.work / top.times.median, restless=top.times.upper > RESTLESS * top.times.lower)


def _real_macs(network: Network, facts: Mapping[str, Fact]) -> int:
    """Multiply-adds of a network whose tap lands on real elements."""
    return sum(
        node.layer.real_macs(facts[node.output], *(facts[name] for name in node.inputs))
        for node in network.nodes
        if node.output in facts
    )


def _moved(problem: Problem) -> int:
    """Bytes of input, weights and output."""
    return sum(bytes_of(shape, problem.dtype) for shape in (problem.input_shape, problem.weight_shape, problem.output_shape))


@contextmanager
def session(peers: Sequence[Peer], threads: int | None, settings: Settings) -> Iterator[Session]:
    """A session whose processes end with it."""
    count = threads or available_cores()
    with ExitStack() as stack:
        runners = [stack.enter_context(Runner(peer, count)) for peer in peers]
        machine = stack.enter_context(Runner(MACHINE, count))
        oracle = stack.enter_context(Runner(ORACLE, available_cores()))
        folder = Path(tempfile.mkdtemp(prefix="atrous-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Session(runners, machine, oracle, folder, count, settings)


__all__ = ["Session", "Settings", "session"]
