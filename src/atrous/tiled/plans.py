"""``atrous.plan``: one name for two questions: how a problem is computed, and how a network runs over an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from atrous.errors import ArgumentError
from atrous.graph.network import Network
from atrous.problem import Problem
from atrous.tiled.bound import Program
from atrous.tiled.plan import TilePlan
from atrous.tiled.run import plan as plan_run

if TYPE_CHECKING:
    from atrous.engine.explain import Explanation


@overload
def plan(what: Network | Program, source: object, out: object = None, **options: Any) -> TilePlan: ...
@overload
def plan(what: Problem | str) -> Explanation: ...
@overload
def plan(what: Sequence[int], source: Sequence[int], **options: Any) -> Explanation: ...
def plan(what: Any, source: Any = None, out: Any = None, **options: Any) -> TilePlan | Explanation:
    """What atrous would do: for a network on an input, the tiles and their memory; for one convolution, its kernels.

    ``plan(network, source, out=None, memory=..., tile=..., threads=...)`` is the ``TilePlan`` that ``atrous.run`` with the
    same arguments follows. ``plan(problem)``, with a ``Problem`` or its one-line text, and ``plan(x_shape, w_shape,
    stride=..., padding=..., ...)``, with shapes as of the arrays of ``atrous.conv``, explain which kernels compute a
    convolution here: what was considered, what is predicted of it, and what was measured by ``atrous.tune``. All take the
    ``accuracy`` of ``atrous.compile``.

    >>> found = plan("conv:f32:c64:i56x56:k64:w3x3:p1")
    >>> found.problem == plan((1, 64, 56, 56), (64, 64, 3, 3), padding=1).problem
    True
    """
    from atrous.engine.explain import explain  # the engine is loaded when it is needed

    if isinstance(what, Problem | str):
        accuracy = options.pop("accuracy", "default")
        _refuse_more(source, out, options)
        return explain(what, accuracy=accuracy)
    if isinstance(what, Sequence):
        accuracy = options.pop("accuracy", "default")
        return explain(Problem.of(what, source, **options), accuracy=accuracy)
    return plan_run(what, source, out, **options)


def _refuse_more(source: Any, out: Any, options: dict[str, Any]) -> None:
    """Refuse what a problem, which says everything itself, is not asked with."""
    given = [name for name, value in (("source", source), ("out", out)) if value is not None] + list(options)
    if given:
        raise ArgumentError(f"{given[0]}: got one with a problem, which says everything itself; leave it out")
