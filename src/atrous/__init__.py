"""atrous: convolutional networks on the CPU; run fast, scaled exactly to inputs of any size, seen in every number.

Public names load when they are first used, so that ``import atrous`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atrous import figures
    from atrous.engine import Program, set_num_threads
    from atrous.engine import compile_network as compile
    from atrous.engine.activations import activations
    from atrous.engine.calls import Conv, avg_pool, conv, conv_transpose, max_pool
    from atrous.engine.tune import tune
    from atrous.errors import AtrousError
    from atrous.figures import Figure, draw
    from atrous.graph import networks
    from atrous.graph.network import Network
    from atrous.importers import from_torch, load, load_weights, save
    from atrous.report.gradient import effective_receptive_field
    from atrous.report.inspect import inspect
    from atrous.report.receptive import receptive_field
    from atrous.report.report import Report
    from atrous.tiled.plan import TilePlan
    from atrous.tiled.plans import plan
    from atrous.tiled.run import run

__version__ = "0.1.0"

#: Where each public name lives: the module, and its name there if it is another one.
_PUBLIC: dict[str, tuple[str, str | None]] = {
    "AtrousError": ("atrous.errors", "AtrousError"),
    "Conv": ("atrous.engine.calls", "Conv"),
    "Figure": ("atrous.figures", "Figure"),
    "Network": ("atrous.graph.network", "Network"),
    "Program": ("atrous.engine", "Program"),
    "Report": ("atrous.report", "Report"),
    "TilePlan": ("atrous.tiled", "TilePlan"),
    "activations": ("atrous.engine.activations", "activations"),
    "avg_pool": ("atrous.engine.calls", "avg_pool"),
    "compile": ("atrous.engine", "compile_network"),
    "conv": ("atrous.engine.calls", "conv"),
    "conv_transpose": ("atrous.engine.calls", "conv_transpose"),
    "draw": ("atrous.figures", "draw"),
    "effective_receptive_field": ("atrous.report", "effective_receptive_field"),
    "figures": ("atrous.figures", None),
    "from_torch": ("atrous.importers", "from_torch"),
    "inspect": ("atrous.report", "inspect"),
    "load": ("atrous.importers", "load"),
    "load_weights": ("atrous.importers", "load_weights"),
    "max_pool": ("atrous.engine.calls", "max_pool"),
    "networks": ("atrous.graph.networks", None),
    "plan": ("atrous.tiled.plans", "plan"),
    "receptive_field": ("atrous.report", "receptive_field"),
    "run": ("atrous.tiled.run", "run"),
    "save": ("atrous.importers", "save"),
    "set_num_threads": ("atrous.engine", "set_num_threads"),
    "tune": ("atrous.engine.tune", "tune"),
}

__all__ = [
    "AtrousError",
    "Conv",
    "Figure",
    "Network",
    "Program",
    "Report",
    "TilePlan",
    "activations",
    "avg_pool",
    "compile",
    "conv",
    "conv_transpose",
    "draw",
    "effective_receptive_field",
    "figures",
    "from_torch",
    "inspect",
    "load",
    "load_weights",
    "max_pool",
    "networks",
    "plan",
    "receptive_field",
    "run",
    "save",
    "set_num_threads",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'atrous' has no attribute {name!r}")
    room, item = _PUBLIC[name]
    module = import_module(room)
    found = module if item is None else getattr(module, item)
    globals()[name] = found  # asked for once
    return found


def __dir__() -> list[str]:
    return sorted((*__all__, "__version__"))
