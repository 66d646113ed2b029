"""``graph.maths.Maths`` on LLVM values: a layer's formula becomes vector code.

The same formula runs on vectors and, for tails and strided operands, on scalars or masked vectors: every element goes
through the same operations in the same order, so its bits do not depend on where in a loop it falls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from atrous.engine.emit import ELEMENT, F64, Emitter, Value, suffix
from atrous.engine.functions import Functions


def is_float(kind: ir.Type) -> bool:
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    return isinstance(element, (ir.FloatType, ir.DoubleType))


def retype(kind: ir.Type, element: ir.Type) -> ir.Type:
    """The same shape (scalar or lanes) with another element type."""
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def constant(kind: ir.Type, number: float) -> ir.Constant:
    """A scalar, or a vector of the same number in every lane; rounded to the element type here, once."""
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    if is_float(kind):
        number = float(number)
        one = ir.Constant(element, number)
    else:
        one = ir.Constant(element, int(number))
    return ir.Constant(kind, [one] * kind.count) if isinstance(kind, ir.VectorType) else one


class Num:
    """An operand of a formula: an LLVM value with Python's operators."""

    __slots__ = ("e", "signed", "value")

    def __init__(self, e: Emitter, value: Value, signed: bool = True) -> None:
        self.e, self.value, self.signed = e, value, signed

    @property
    def kind(self) -> ir.Type:
        return self.value.type

    def lift(self, other: Any) -> Num:
        """A Python number as a constant of this operand's type; operands stay themselves."""
        return other if isinstance(other, Num) else Num(self.e, constant(self.kind, other), self.signed)

    def _binary(self, other: Any, floating: str, integer: str, swap: bool = False) -> Num:
        a, b = (self.lift(other), self) if swap else (self, self.lift(other))
        operation = getattr(self.e.b, floating if is_float(self.kind) else integer)
        return Num(self.e, operation(a.value, b.value), self.signed)

    def __add__(self, other: Any) -> Num:
        return self._binary(other, "fadd", "add")

    def __radd__(self, other: Any) -> Num:
        return self._binary(other, "fadd", "add", swap=True)

    def __sub__(self, other: Any) -> Num:
        return self._binary(other, "fsub", "sub")

    def __rsub__(self, other: Any) -> Num:
        return self._binary(other, "fsub", "sub", swap=True)

    def __mul__(self, other: Any) -> Num:
        return self._binary(other, "fmul", "mul")

    def __rmul__(self, other: Any) -> Num:
        return self._binary(other, "fmul", "mul", swap=True)

    def __truediv__(self, other: Any) -> Num:
        if is_float(self.kind):
            return self._binary(other, "fdiv", "")
        return self._quotient(self.lift(other))

    def __rtruediv__(self, other: Any) -> Num:
        return self.lift(other) / self

    def _quotient(self, divisor: Num) -> Num:
        """Of integers, as NumPy has it: by 0 it is 0, the least number by -1 is itself. The CPU would end the process."""
        b, zero, one = self.e.b, constant(self.kind, 0), constant(self.kind, 1)
        by_zero = b.icmp_unsigned("==", divisor.value, zero)
        safe = b.select(by_zero, one, divisor.value)
        if not self.signed:
            return Num(self.e, b.select(by_zero, zero, b.udiv(self.value, safe)), False)
        negated = b.icmp_unsigned("==", divisor.value, constant(self.kind, -1))
        quotient = b.sdiv(self.value, b.select(negated, one, safe))
        return Num(self.e, b.select(by_zero, zero, b.select(negated, b.neg(self.value), quotient)), True)

    def __neg__(self) -> Num:
        return Num(self.e, self.e.b.fneg(self.value) if is_float(self.kind) else self.e.b.neg(self.value), self.signed)


class VectorMaths:
    """The functions of ``Maths`` as LLVM instructions and intrinsics.

    Targets without fused multiply-adds call the C library for powers of float64, lane by lane.
    """

    def __init__(self, emitter: Emitter) -> None:
        self.e = emitter

    def _intrinsic(self, name: str, *operands: Num) -> Num:
        kind = operands[0].kind
        function = self.e.intrinsic(f"llvm.{name}.{suffix(kind)}", kind, [kind] * len(operands))
        return Num(self.e, self.e.b.call(function, [operand.value for operand in operands]))

    def _library(self, name: str, *operands: Num) -> Num:
        """A function of the C library, lane by lane."""
        kind = operands[0].kind
        element = kind.element if isinstance(kind, ir.VectorType) else kind
        full = name if isinstance(element, ir.DoubleType) else name + "f"
        function = self.e.intrinsic(full, element, [element] * len(operands))
        if not isinstance(kind, ir.VectorType):
            return Num(self.e, self.e.b.call(function, [operand.value for operand in operands]))
        result: Value = ir.Constant(kind, ir.Undefined)
        for lane in range(kind.count):
            place = ir.Constant(ir.IntType(32), lane)
            parts = [self.e.b.extract_element(operand.value, place) for operand in operands]
            result = self.e.b.insert_element(result, self.e.b.call(function, parts), place)
        return Num(self.e, result)

    def exp(self, x: Num) -> Num:
        return Num(self.e, Functions(self.e, x.kind).exp(x.value))

    def log(self, x: Num) -> Num:
        return Num(self.e, Functions(self.e, x.kind).log(x.value))

    def tanh(self, x: Num) -> Num:
        return Num(self.e, Functions(self.e, x.kind).tanh(x.value))

    def erf(self, x: Num) -> Num:
        return Num(self.e, Functions(self.e, x.kind).erf(x.value))

    def pow(self, x: Num, y: Num | float) -> Num:
        y = x.lift(y)
        if suffix(x.kind).endswith("f32") or self.e.target.fma:
            return Num(self.e, Functions(self.e, x.kind).pow(x.value, y.value))
        return self._library("pow", x, y)

    def sqrt(self, x: Num) -> Num:
        return self._intrinsic("sqrt", x)

    def floor(self, x: Num) -> Num:
        return self._intrinsic("floor", x)

    def ceil(self, x: Num) -> Num:
        return self._intrinsic("ceil", x)

    def round(self, x: Num) -> Num:
        return self._intrinsic("rint", x)

    def abs(self, x: Num) -> Num:
        if is_float(x.kind):
            return self._intrinsic("fabs", x)
        return self.where(self.less(x, x.lift(0)), -x, x)

    def maximum(self, x: Num | float, y: Num | float) -> Num:
        return self._extreme(x, y, ">", "max")

    def minimum(self, x: Num | float, y: Num | float) -> Num:
        return self._extreme(x, y, "<", "min")

    def _extreme(self, x: Num | float, y: Num | float, relation: str, integer: str) -> Num:
        """NaN wins. ``select(a > b, a, b)`` is one instruction; it gives b where either is NaN, so numbers stand first."""
        if not isinstance(y, Num):
            x, y = y, x
        first, last = self._both(x, y)
        if not is_float(last.kind):
            return self._intrinsic(("s" if last.signed else "u") + integer, first, last)
        b = self.e.b
        extreme = b.select(b.fcmp_ordered(relation, first.value, last.value), first.value, last.value)
        if isinstance(x, Num):
            extreme = b.select(b.fcmp_unordered("uno", first.value, first.value), first.value, extreme)
        return Num(self.e, extreme)

    def _both(self, x: Num | float, y: Num | float) -> tuple[Num, Num]:
        if isinstance(x, Num):
            return x, x.lift(y)
        assert isinstance(y, Num)
        return y.lift(x), y

    def less(self, x: Num | float, y: Num | float) -> Num:
        x, y = self._both(x, y)
        compare: Callable[..., Value]
        if is_float(x.kind):
            return Num(self.e, self.e.b.fcmp_ordered("<", x.value, y.value))
        compare = self.e.b.icmp_signed if x.signed else self.e.b.icmp_unsigned
        return Num(self.e, compare("<", x.value, y.value))

    def equal(self, x: Num | float, y: Num | float) -> Num:
        x, y = self._both(x, y)
        if is_float(x.kind):
            return Num(self.e, self.e.b.fcmp_ordered("==", x.value, y.value))
        return Num(self.e, self.e.b.icmp_unsigned("==", x.value, y.value))

    def where(self, condition: Num, x: Num | float, y: Num | float) -> Num:
        x, y = self._both(x, y)
        return Num(self.e, self.e.b.select(self._truth(condition), x.value, y.value), x.signed)

    def _truth(self, condition: Num) -> Value:
        """A condition as one bit: booleans in memory are bytes."""
        element = condition.kind.element if isinstance(condition.kind, ir.VectorType) else condition.kind
        if element.width == 1:
            return condition.value
        return self.e.b.icmp_unsigned("!=", condition.value, constant(condition.kind, 0))

    def cast(self, x: Num, dtype: str) -> Num:
        source, target = x.kind, retype(x.kind, ELEMENT[dtype])
        signed = not dtype.startswith("uint") and dtype != "bool"
        b = self.e.b
        if dtype == "bool":
            zero = constant(source, 0)
            truth = b.fcmp_unordered("!=", x.value, zero) if is_float(source) else b.icmp_unsigned("!=", x.value, zero)
            return Num(self.e, b.zext(truth, target), False)
        if is_float(source) and is_float(target):
            if source == target:
                return x
            widen = isinstance(retype(source, F64), type(target)) and suffix(target).endswith("f64")
            return Num(self.e, b.fpext(x.value, target) if widen else b.fptrunc(x.value, target))
        if is_float(source):
            name = f"llvm.fpto{'s' if signed else 'u'}i.sat.{suffix(target)}.{suffix(source)}"
            return Num(self.e, b.call(self.e.intrinsic(name, target, [source]), [x.value]), signed)
        if is_float(target):
            return Num(self.e, (b.sitofp if x.signed else b.uitofp)(x.value, target))
        return Num(self.e, self._resize(x, target), signed)

    def _resize(self, x: Num, target: ir.Type) -> Value:
        have, want = (kind.element if isinstance(kind, ir.VectorType) else kind for kind in (x.kind, target))
        if have.width == want.width:
            return x.value
        if have.width > want.width:
            return self.e.b.trunc(x.value, target)
        return (self.e.b.sext if x.signed else self.e.b.zext)(x.value, target)


def operand(emitter: Emitter, value: Value, dtype: str) -> Num:
    """A loaded value as an operand of a formula."""
    return Num(emitter, value, signed=not dtype.startswith("uint") and dtype != "bool")
