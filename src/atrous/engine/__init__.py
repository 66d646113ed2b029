"""The engine: kernels generated for one network and one CPU, and the programs made of them."""

from atrous.engine.program import Bound, Program, compile_network
from atrous.engine.runtime import set_num_threads

__all__ = ["Bound", "Program", "compile_network", "set_num_threads"]
