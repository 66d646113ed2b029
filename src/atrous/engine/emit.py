"""A thin typed layer over llvmlite: a kernel's code reads like its loop nest.

Loops are context managers that carry SSA values, so no memory slots and no optimisation passes are needed: what is written
is what runs. Addresses are ``getelementptr`` only (LLVM 22 miscompiles integer-to-pointer round trips, and virtual origins
lie outside of their buffers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from llvmlite import ir

from atrous.target import Target

I1, I8, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))
PTR = ir.PointerType()
F32, F64 = ir.FloatType(), ir.DoubleType()
VOID = ir.VoidType()
#: LLVM's type of each element type that kernels load and store.
ELEMENT: dict[str, ir.Type] = {
    "float32": F32,
    "float64": F64,
    "bool": I8,
    **{f"{sign}int{bits}": ir.IntType(bits) for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
BYTES = {name: 8 if kind is F64 else 4 if kind is F32 else kind.width // 8 for name, kind in ELEMENT.items()}
#: An LLVM value; llvmlite has no types that a checker could follow.
Value: TypeAlias = Any
Count: TypeAlias = Any


def suffix(kind: Any) -> str:
    """The mangled name of a type in an intrinsic's name."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{suffix(kind.element)}"
    if kind is F32 or isinstance(kind, ir.FloatType):
        return "f32"
    if isinstance(kind, ir.DoubleType):
        return "f64"
    if isinstance(kind, ir.PointerType):
        return "p0"
    return f"i{kind.width}"


class Loop:
    """The inside of a loop: its counter, the carried values of this turn, and where their next values are put."""

    def __init__(self, index: Value, values: list[Value]) -> None:
        self.index = index
        self.values = values
        self.next = list(values)
        #: The carried values after the loop.
        self.results: list[Value] = []


class Emitter:
    """One LLVM function under construction, for one target."""

    def __init__(self, module: ir.Module, name: str, target: Target, arguments: Sequence[ir.Type]) -> None:
        self.module = module
        self.target = target
        self.function = ir.Function(module, ir.FunctionType(VOID, arguments), name)
        self.function.attributes.add("nounwind")
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))

    # -- integers -------------------------------------------------------------------------------------------------
    def i64(self, value: Count) -> Value:
        return ir.Constant(I64, value) if isinstance(value, int) else value

    def add(self, a: Count, b: Count) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return self.i64(a + b)
        if isinstance(b, int) and b == 0:
            return self.i64(a)
        if isinstance(a, int) and a == 0:
            return self.i64(b)
        return self.b.add(self.i64(a), self.i64(b))

    def sub(self, a: Count, b: Count) -> Value:
        return self.add(a, -b) if isinstance(b, int) else self.b.sub(self.i64(a), b)

    def mul(self, a: Count, b: Count) -> Value:
        if isinstance(a, int) and isinstance(b, int):
            return self.i64(a * b)
        if isinstance(b, int) and b == 1:
            return self.i64(a)
        if isinstance(a, int) and a == 1:
            return self.i64(b)
        return self.b.mul(self.i64(a), self.i64(b))

    def less(self, a: Count, b: Count) -> Value:
        return self.b.icmp_signed("<", self.i64(a), self.i64(b))

    def min(self, a: Count, b: Count) -> Value:
        a, b = self.i64(a), self.i64(b)
        return self.b.select(self.b.icmp_signed("<", a, b), a, b)

    def max(self, a: Count, b: Count) -> Value:
        a, b = self.i64(a), self.i64(b)
        return self.b.select(self.b.icmp_signed(">", a, b), a, b)

    def ceil_div(self, a: Value, b: int) -> Value:
        """``ceil(a / b)`` where ``a`` is not negative: what tap bounds need."""
        return a if b == 1 else self.b.udiv(self.add(a, b - 1), self.i64(b))

    def split(self, index: Value, sizes: Sequence[Count]) -> list[Value]:
        """The coordinates of a flat index in an array of these sizes, last axis fastest; the first axis takes the rest."""
        places: list[Value] = []
        for size in reversed(sizes[1:]):
            quotient = self.b.udiv(index, self.i64(size))
            places.append(self.b.sub(index, self.mul(quotient, size)))
            index = quotient
        return [index, *reversed(places)]

    # -- control --------------------------------------------------------------------------------------------------
    @contextmanager
    def loop(
        self, lo: Count, hi: Count, step: Count = 1, carry: Sequence[Value] = (), nonempty: bool = False
    ) -> Iterator[Loop]:
        """``for index in range(lo, hi, step)``; ``nonempty`` promises a first turn and saves the test before it."""
        b, before = self.b, self.b.block
        body, after = (self.function.append_basic_block(part) for part in ("loop", "done"))
        if nonempty:
            b.branch(body)
        else:
            b.cbranch(self.less(lo, hi), body, after)
        b.position_at_end(body)
        index = b.phi(I64)
        index.add_incoming(self.i64(lo), before)
        phis = []
        for value in carry:
            phi = b.phi(value.type)
            phi.add_incoming(value, before)
            phis.append(phi)
        turn = Loop(index, list(phis))
        yield turn
        last = b.block
        following = b.add(index, self.i64(step))
        index.add_incoming(following, last)
        for phi, value in zip(phis, turn.next, strict=True):
            phi.add_incoming(value, last)
        b.cbranch(self.less(following, hi), body, after)
        b.position_at_end(after)
        for value, start in zip(turn.next, carry, strict=True):
            result = b.phi(value.type)
            result.add_incoming(value, last)
            if not nonempty:
                result.add_incoming(start, before)
            turn.results.append(result)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Run the block only where the condition holds."""
        with self.b.if_then(condition):
            yield

    @contextmanager
    def unless_empty(self, condition: Value, carry: Sequence[Value]) -> Iterator[Loop]:
        """A loop of one turn where the condition holds, else of none; its index is no value."""
        b, before = self.b, self.b.block
        body, after = (self.function.append_basic_block(part) for part in ("turn", "done"))
        b.cbranch(condition, body, after)
        b.position_at_end(body)
        turn = Loop(None, list(carry))
        yield turn
        last = b.block
        b.branch(after)
        b.position_at_end(after)
        for value, start in zip(turn.next, carry, strict=True):
            result = b.phi(value.type)
            result.add_incoming(value, last)
            result.add_incoming(start, before)
            turn.results.append(result)

    @contextmanager
    def choose(self, condition: Value) -> Iterator[tuple[Any, Any]]:
        """Two blocks, of which the condition runs the first or the second."""
        with self.b.if_else(condition) as blocks:
            yield blocks

    def end(self) -> None:
        self.b.ret_void()

    # -- memory ---------------------------------------------------------------------------------------------------
    def at(self, pointer: Value, offset: Count, element: ir.Type) -> Value:
        """The address ``offset`` elements on."""
        if isinstance(offset, int) and offset == 0:
            return pointer
        return self.b.gep(pointer, [self.i64(offset)], source_etype=element)

    def scratch(self, count: int, element: ir.Type) -> Value:
        """Room for ``count`` elements on the stack, on a cache line."""
        made = self.b.alloca(element, size=count)
        made.align = 64
        made.type = PTR  # llvmlite would hold it to its element type
        return made

    def load(self, pointer: Value, kind: ir.Type, align: int | None = None) -> Value:
        value = self.b.load(pointer, typ=kind)
        value.align = align or byte_size(kind)
        return value

    def store(self, value: Value, pointer: Value, align: int | None = None) -> None:
        self.b.store(value, pointer).align = align or byte_size(value.type)

    def load_masked(self, pointer: Value, kind: ir.VectorType, mask: Value) -> Value:
        """The lanes under the mask, zeros elsewhere; masked-off lanes are not touched."""
        name = f"llvm.masked.load.{suffix(kind)}.p0"
        function = self.intrinsic(name, kind, [PTR, I32, mask.type, kind])
        return self.b.call(function, [pointer, ir.Constant(I32, byte_size(kind)), mask, ir.Constant(kind, None)])

    def store_masked(self, value: Value, pointer: Value, mask: Value) -> None:
        function = self.intrinsic(f"llvm.masked.store.{suffix(value.type)}.p0", VOID, [value.type, PTR, I32, mask.type])
        self.b.call(function, [value, pointer, ir.Constant(I32, byte_size(value.type)), mask])

    # -- vectors --------------------------------------------------------------------------------------------------
    def splat(self, scalar: Value, lanes: int) -> Value:
        kind = ir.VectorType(scalar.type, lanes)
        one = self.b.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(I32, 0))
        return self.b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(I32, lanes), None))

    def first_lanes(self, count: Count, lanes: int) -> Value:
        """The mask of the first ``count`` lanes (none for a count below 1)."""
        index = ir.Constant(ir.VectorType(I64, lanes), list(range(lanes)))
        if isinstance(count, int):
            return ir.Constant(ir.VectorType(I1, lanes), [int(i < count) for i in range(lanes)])
        return self.b.icmp_signed("<", index, self.splat(count, lanes))

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """``a*b + c``, rounded once where the target can, else twice; the same for all elements of a layer either way."""
        if not self.target.fma:
            return self.b.fadd(self.b.fmul(a, b), c)
        return self.b.call(self.intrinsic(f"llvm.fma.{suffix(c.type)}", c.type, [c.type] * 3), [a, b, c])

    def intrinsic(self, name: str, result: ir.Type, arguments: Sequence[ir.Type]) -> ir.Function:
        """A declared function of this name, LLVM's or the C library's."""
        found = self.module.globals.get(name)
        return found or ir.Function(self.module, ir.FunctionType(result, arguments), name)


def byte_size(kind: Any) -> int:
    """Alignment that every element type and array here has: that of one element."""
    if isinstance(kind, ir.VectorType):
        return byte_size(kind.element)
    if isinstance(kind, ir.PointerType):
        return 8
    if isinstance(kind, ir.DoubleType):
        return 8
    if isinstance(kind, ir.FloatType):
        return 4
    return max(1, int(kind.width) // 8)


class Arguments:
    """A kernel's arguments: 64-bit words behind one pointer, read in the order in which the caller lists them.

    The kernel's emitter and its caller walk the same list of names, so a word is never mistaken for another.
    """

    def __init__(self, emitter: Emitter, pointer: Value, names: Sequence[str]) -> None:
        self._emitter, self._pointer = emitter, pointer
        self._place = {name: index for index, name in enumerate(names)}

    def place(self, name: str) -> Value:
        """The address of a word."""
        return self._emitter.at(self._pointer, self._place[name], I64)

    def pointer(self, name: str) -> Value:
        return self._emitter.load(self.place(name), PTR)

    def number(self, name: str) -> Value:
        return self._emitter.load(self.place(name), I64)

    def numbers(self, names: Sequence[str]) -> list[Value]:
        return [self.number(name) for name in names]
