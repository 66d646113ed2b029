"""From LLVM functions to callable addresses: the host's description, the JIT, and the object cache in front of it.

One kernel is one module and one object. Kernels are found by a key that spells everything that decides their code, so a
kernel is generated once in a process and compiled once on a machine. LLVM runs no optimisation pipeline over kernels: they
are written the way they should run, and passes would only hoist loads and spill accumulators.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import cache
from importlib import resources

import llvmlite
from llvmlite import binding as llvm
from llvmlite import ir

from atrous.engine.cache import ObjectCache
from atrous.engine.emit import I64, PTR, Emitter
from atrous.engine.forking import renew_in_child
from atrous.errors import CompileError
from atrous.target import Target

#: What emits a kernel's body: it is handed an ``Emitter`` whose function takes (arguments, first unit, last unit).
Emit = Callable[[Emitter], None]
KERNEL_SIGNATURE = (PTR, I64, I64)


@cache
def host() -> Target:
    """The CPU that this process runs on, as LLVM names it."""
    _initialise()
    return Target.from_host(llvm.get_host_cpu_name(), llvm.get_host_cpu_features())


@cache
def _initialise() -> None:
    """Once in a process. LLVM's machine scheduler is off: it lengthens live ranges until accumulators are spilled.

    (7x7, 3 to 64 channels, 224x224: 5.0 ms with it, 2.1 ms in the order in which kernels are written, on one Zen 4 core.)
    The switch is LLVM's, for all code that this process generates through llvmlite.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.set_option("", "-enable-misched=false")


def triple(target: Target) -> str:
    """LLVM's name of the platform."""
    native = str(llvm.get_process_triple())
    return native if native.startswith(target.arch) else f"{target.arch}-unknown-linux-gnu"


def feature_string(target: Target) -> str:
    """The features for LLVM; code that is written for 512-bit vectors keeps them.

    A CPU's name implies features that a virtual machine may hide, so what the target lacks is switched off by name, before
    what it has: switching one off takes along those that build on it.
    """
    off = sorted(_known_features(target.arch) - target.features - _ALWAYS)
    wide = ["-prefer-256-bit"] if target.arch == "x86_64" else []
    return ",".join([*(f"-{name}" for name in off), *(f"+{name}" for name in sorted(target.features)), *wide])


#: What every 64-bit x86 and ARM has; LLVM's code for them needs it.
_ALWAYS = frozenset({"64bit", "cmov", "cx8", "fxsr", "mmx", "sse", "sse2", "x87", "neon", "fp-armv8"})


@cache
def _known_features(arch: str) -> frozenset[str]:
    """The features that LLVM can tell of a CPU of this architecture; empty for another one than the host's."""
    return frozenset(llvm.get_host_cpu_features()) if str(llvm.get_process_triple()).startswith(arch) else frozenset()


def identity(target: Target) -> str:
    """What of a target decides the code."""
    return f"{triple(target)} {target.name} {feature_string(target)}"


#: Where the source lies that decides a kernel's code: its emitters, the layers' formulas, sizes, and what a target is.
_ROOMS = ("atrous", "atrous.engine", "atrous.engine.codelets", "atrous.geometry", "atrous.graph", "atrous.graph.layers")


@cache
def source_hash() -> str:
    """A hash of the engine's own source: code made by another version of it is never taken from the cache."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for entry in sorted(resources.files(room).iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                digest.update(entry.read_bytes())
    return digest.hexdigest()


class Compiler:
    """Kernels by key, for one target."""

    def __init__(self, target: Target, store: ObjectCache | None = None) -> None:
        self.target = target
        self.store = store if store is not None else ObjectCache.default()
        self.renew()
        renew_in_child(self)
        self._addresses: dict[str, int] = {}
        self._alive: list[object] = []  # dropping a tracker frees its code
        self._machine: llvm.TargetMachine | None = None
        self._jit: llvm.LLJIT | None = None

    def renew(self) -> None:
        self._lock = threading.Lock()

    def kernel(self, key: str, emit: Emit) -> int:
        """The address of the kernel that ``key`` spells, made by ``emit`` if neither the process nor the disk has it."""
        with self._lock:
            address = self._addresses.get(key)
            if address is None:
                address = self._addresses[key] = self._load(key, emit)
            return address

    def assembly(self, emit: Emit) -> str:
        """The assembly of a kernel, to read."""
        parsed = self._parse("kernel", self._module("kernel", emit))
        return str(self.machine.emit_assembly(parsed))

    @property
    def machine(self) -> llvm.TargetMachine:
        if self._machine is None:
            _initialise()
            if triple(self.target) != str(llvm.get_process_triple()):
                llvm.initialize_all_targets()
                llvm.initialize_all_asmprinters()
            target = llvm.Target.from_triple(triple(self.target))
            # The small code model: constants lie beside the code, and JITLink reaches the C library through stubs.
            self._machine = target.create_target_machine(
                cpu=self.target.name, features=feature_string(self.target), opt=3, codemodel="small", reloc="pic"
            )
        return self._machine

    def _load(self, key: str, emit: Emit) -> int:
        digest = hashlib.sha256(
            "\n".join((key, identity(self.target), source_hash(), llvmlite.__version__)).encode()
        ).hexdigest()
        name = f"k{digest[:24]}"
        code = self.store.get(digest)
        if code is None:
            code = bytes(self.machine.emit_object(self._parse(key, self._module(name, emit))))
            self.store.put(digest, code)
        if self._jit is None:
            self._jit = llvm.create_lljit_compiler(self.machine, use_jit_link=True)
        library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(name)
        tracker = library.link(self._jit, name)
        self._alive.append(tracker)
        return int(tracker[name])

    def _module(self, name: str, emit: Emit) -> ir.Module:
        module = ir.Module(name)
        module.triple = triple(self.target)
        emitter = Emitter(module, name, self.target, KERNEL_SIGNATURE)
        emit(emitter)
        return module

    def _parse(self, key: str, module: ir.Module) -> llvm.ModuleRef:
        try:
            parsed = llvm.parse_assembly(str(module))
            parsed.verify()
        except RuntimeError as error:
            raise CompileError(f"LLVM refused the code of {key}; please report this line: {error}") from error
        return parsed


@cache
def default_compiler() -> Compiler:
    """The process's compiler for the host."""
    return Compiler(host())
