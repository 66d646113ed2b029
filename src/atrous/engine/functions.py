"""Elementary functions as vector code: ``exp``, ``log``, ``tanh``, ``erf`` and ``pow`` from multiply-adds and integer shifts.

Every function is written once for scalars and vectors of float32 and float64. It is straight-line code without tables or
branches, so an element's bits depend on its value alone: not on its lane, on the tail it falls into, or on the kernel around.
Errors are below 2 units in the last place of the result (3 for ``tanh`` and ``erf``). NaN, infinities and signed zeros come
out as C's functions have them; results too small for a normal number are 0, as denormals are flushed inside a run.

Reduction and reconstruction follow W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980. The
coefficients are minimax ones, from Remez' exchange algorithm in 60 digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

from llvmlite import ir

from atrous.engine.emit import F64, Emitter, Value, suffix

_LOG2_E = 1.4426950408889634


@dataclass(frozen=True, slots=True)
class _Format:
    """A floating-point format: how its bits are read, where functions leave its range, and coefficients that fill it."""

    bits: int
    mantissa: int
    #: ln 2 in two parts: products of the first with an exponent are exact.
    ln2: tuple[float, float]
    #: The arguments between which ``exp`` is a normal number.
    exp_low: float
    exp_high: float
    #: From here on ``tanh(x)`` and ``erf(x)`` round to 1.
    tanh_one: float
    erf_one: float
    #: (exp(r) - 1 - r) / r² for ``|r|`` up to ln(2)/2.
    exp: tuple[float, ...]
    #: (2**r - 1) / r for ``|r|`` up to 1/2.
    exp2: tuple[float, ...]
    #: (exp(2r) - 1 - 2r) / r² for ``|r|`` up to ln(2)/4.
    square: tuple[float, ...]

    @property
    def bias(self) -> int:
        return (1 << (self.bits - self.mantissa - 2)) - 1

    @property
    def shifter(self) -> float:
        """Added to a small number, it leaves the nearest integer in the lowest bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def least(self) -> float:
        """The least normal number."""
        return float(2.0 ** (1 - self.bias))


_SINGLE = _Format(
    bits=32, mantissa=23, ln2=(0.693359375, -2.12194440054690583e-4), exp_low=-87.33654475, exp_high=88.72283172607422,
    tanh_one=10.0, erf_one=3.95,
    exp=(0.50000000580973998, 0.16666545257746492, 0.041666291203894076, 0.008366373809093349, 0.0013945957487043039),
    exp2=(
        0.6931471880262288, 0.2402265076056813, 0.055503571142190754, 0.009618082557277734, 0.0013390863364672431,
        0.00015453162945167596,
    ),
    square=(2.0, 1.333326162047839, 0.666664874592806, 0.26762153838444874, 0.08912752716770043),
)  # fmt: skip
_DOUBLE = _Format(
    bits=64, mantissa=52, ln2=(0.693145751953125, 1.42860682030941723212e-6), exp_low=-708.3964185322641,
    exp_high=709.782712893384, tanh_one=20.0, erf_one=6.0,
    exp=(
        0.5, 0.16666666666666676, 0.041666666666666699, 0.0083333333333221532, 0.0013888888888867742,
        0.00019841269884944363, 2.4801587359187153e-5, 2.7557245292399447e-6, 2.7557243689199493e-7, 2.5108689205357519e-8,
        2.0924209873512004e-9,
    ),
    exp2=(
        0.6931471805599453, 0.24022650695910097, 0.0555041086648216, 0.009618129107606888, 0.0013333558146416936,
        0.0001540353044173605, 1.525273382983612e-5, 1.3215442587921687e-6, 1.0178062445845693e-7, 7.072585949269587e-9,
        4.4549605982008603e-10,
    ),
    square=(
        2.0000000000000004, 1.3333333333333335, 0.6666666666659866, 0.2666666666665621, 0.088888889070059,
        0.025396825424691898, 0.006349189458526385, 0.0014109321461918689, 0.0002828295770110363, 5.140556970516063e-5,
    ),
)  # fmt: skip
#: (log(1+f) - f + f²/2) / f³ for 1+f between the square roots of 1/2 and 2.
_LOG_SINGLE = (
    0.33333311935090842, -0.24999986411868209, 0.2000214597012991, -0.16669216893250446, 0.14220024703260511,
    -0.12385543653573477, 0.11865099362888441, -0.11780740839380934, 0.069211728798001798,
)  # fmt: skip
#: (log((1+s)/(1-s)) - 2s) / s³ as a polynomial in s², over the same range.
_LOG_DOUBLE = (
    0.66666666666666992, 0.39999999999609397, 0.28571428704564622, 0.22222202055267655, 0.18183399119358082,
    0.15317956557961682, 0.14759505905834929,
)  # fmt: skip
#: (log((1+s)/(1-s)) - 2s - 2s³/3) / s⁵ as a polynomial in s², over the same range.
_LOG_REST = (
    0.4, 0.28571428571429364, 0.22222222221656196, 0.18181818335322242, 0.15384594970057874, 0.13334804283783175,
    0.11706247320841309, 0.11723063787600672,
)  # fmt: skip
#: 2/3 in two parts.
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)

#: log2(erfc(x)) / x up to 3.95.
_ERF_SINGLE = (
    -1.6279070351220857, -0.9184476242391404, -0.14827707817337837, 0.02763207641338165, 0.00023131610135970567,
    -0.0024049256341339546, 0.0009129433876560251, -0.00016970732511736056, 1.3352505848468092e-5,
)  # fmt: skip
#: erf(x) / x as a polynomial in x², up to 1.
_ERF_SMALL_DOUBLE = (
    1.1283791670955126, -0.37612638903183752, 0.1128379167095512, -0.026866170645129733, 0.0052239776254220836,
    -0.00085483270218530964, 0.00012055332899355376, -1.4925647465092022e-5, 1.6462043408136621e-6,
    -1.6364614436695254e-7, 1.4792145981946639e-8, -1.2163043771167363e-9, 8.7037978521177971e-11,
    -4.2229107495304726e-12,
)  # fmt: skip
#: log2(erfc(x)) as a polynomial in x - 3.5, from 1 to 6.
_ERF_LARGE_DOUBLE = (
    -20.359943454935117, -10.48276584273981, -1.394729837839211, -0.007539031194133007, 0.0012604643753181036,
    -0.00021250581216091695, 3.5181975848308404e-5, -5.6115415483897325e-6, 8.449868362716431e-7,
    -1.1608310832811198e-7, 1.4010124562164255e-8, -1.1422178089416875e-9, -2.442949136736094e-10,
    -1.2779756238975038e-10, -6.309933625090621e-11, 2.2823036823827245e-11, 2.5163881408597872e-11,
    1.2066527429973184e-11, 3.142360344242865e-12, 4.744889719625571e-13, 3.244235562510668e-14,
)  # fmt: skip


class Functions:
    """The functions on values of one LLVM type."""

    def __init__(self, e: Emitter, kind: ir.Type) -> None:
        self.e, self.b, self.kind = e, e.b, kind
        element = kind.element if isinstance(kind, ir.VectorType) else kind
        self.format = _DOUBLE if isinstance(element, ir.DoubleType) else _SINGLE
        whole = ir.IntType(self.format.bits)
        self.whole = ir.VectorType(whole, kind.count) if isinstance(kind, ir.VectorType) else whole

    # -- notation -------------------------------------------------------------------------------------------------
    def number(self, value: float, kind: ir.Type | None = None) -> ir.Constant:
        kind = kind or self.kind
        if isinstance(kind, ir.VectorType):
            return ir.Constant(kind, [ir.Constant(kind.element, value)] * kind.count)
        return ir.Constant(kind, value)

    def whole_number(self, value: int) -> ir.Constant:
        return self.number(value, self.whole)

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """By Horner's rule; the lowest coefficient comes first."""
        total = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = self.e.fma(total, x, self.number(coefficient))
        return total

    def where(self, relation: str, a: Value, b: Value, then: Value, other: Value) -> Value:
        """``then`` where ``a relation b`` holds, ``other`` where it does not and for NaN."""
        return self.b.select(self.b.fcmp_ordered(relation, a, b), then, other)

    def _call(self, name: str, *operands: Value) -> Value:
        function = self.e.intrinsic(f"llvm.{name}.{suffix(self.kind)}", self.kind, [self.kind] * len(operands))
        return self.b.call(function, operands)

    # -- exponentials ---------------------------------------------------------------------------------------------
    def _reduced(self, x: Value) -> tuple[Value, Value]:
        """``x = n * ln 2 + r``: the bits of a float whose lowest ones are n, and ``exp(r) - 1``."""
        e, b, form = self.e, self.b, self.format
        shifted = e.fma(x, self.number(_LOG2_E), self.number(form.shifter))
        n = b.fsub(shifted, self.number(form.shifter))
        r = e.fma(n, self.number(-form.ln2[0]), x)
        r = e.fma(n, self.number(-form.ln2[1]), r)
        rest = e.fma(b.fmul(r, r), self.polynomial(r, form.exp), r)
        return b.bitcast(shifted, self.whole), rest

    def _power_of_two(self, bits: Value) -> Value:
        """``2**n`` for the n in the lowest bits, where it is a normal number."""
        moved = self.b.shl(bits, self.whole_number(self.format.mantissa))
        return self.b.bitcast(self.b.add(moved, self.whole_number(self.format.bias << self.format.mantissa)), self.kind)

    def exp(self, x: Value) -> Value:
        b, form = self.b, self.format
        bits, rest = self._reduced(x)
        whole = b.bitcast(b.fadd(rest, self.number(1.0)), self.whole)
        moved = b.shl(bits, self.whole_number(form.mantissa))
        result = b.bitcast(b.add(whole, moved), self.kind)  # into the exponent: 2**n itself may be out of range
        result = self.where("<", x, self.number(form.exp_low), self.number(0.0), result)
        return self.where("<=", x, self.number(form.exp_high), result, b.fadd(x, self.number(inf)))

    def _halved(self, power: Value) -> tuple[Value, Value]:
        """``2**power = scale * (1 + rest)``: the scale, a power of two, and the rest; 2**power is a normal number."""
        b, form = self.b, self.format
        shifted = b.fadd(power, self.number(form.shifter))
        r = b.fsub(power, b.fsub(shifted, self.number(form.shifter)))  # exact
        return self._power_of_two(b.bitcast(shifted, self.whole)), b.fmul(r, self.polynomial(r, form.exp2))

    def tanh(self, x: Value) -> Value:
        """From ``exp(2|x|) - 1``, which loses nothing near 0. What ln 2 leaves of its format shows at no size that matters."""
        e, b, form = self.e, self.b, self.format
        size = self._call("fabs", x)
        size = self.where(">", size, self.number(form.tanh_one), self.number(form.tanh_one), size)
        shifted = e.fma(size, self.number(2 * _LOG2_E), self.number(form.shifter))
        r = e.fma(b.fsub(shifted, self.number(form.shifter)), self.number(-0.5 / _LOG2_E), size)
        rest = e.fma(b.fmul(r, r), self.polynomial(r, form.square), b.fadd(r, r))
        scale = self._power_of_two(b.bitcast(shifted, self.whole))
        less_one = e.fma(scale, rest, b.fsub(scale, self.number(1.0)))
        return self._call("copysign", b.fdiv(less_one, b.fadd(less_one, self.number(2.0))), x)

    def erf(self, x: Value) -> Value:
        """``1 - 2**p(|x|)``, so written that it loses nothing near 0; in float64 by a polynomial of its own up to 1."""
        form = self.format
        size = self._call("fabs", x)
        capped = self.where(">", size, self.number(form.erf_one), self.number(form.erf_one), size)
        result = self._erf_double(capped) if form is _DOUBLE else self._one_less(self._erf_power(capped))
        return self._call("copysign", result, x)

    def _erf_power(self, size: Value) -> Value:
        return self.b.fmul(size, self.polynomial(size, _ERF_SINGLE))

    def _erf_double(self, size: Value) -> Value:
        small = self.b.fmul(size, self.polynomial(self.b.fmul(size, size), _ERF_SMALL_DOUBLE))
        large = self._one_less(self.polynomial(self.b.fsub(size, self.number(3.5)), _ERF_LARGE_DOUBLE))
        return self.where("<", size, self.number(1.0), small, large)

    def _one_less(self, power: Value) -> Value:
        """``1 - 2**power``."""
        scale, rest = self._halved(power)
        return self.e.fma(self.b.fneg(scale), rest, self.b.fsub(self.number(1.0), scale))

    # -- logarithm ------------------------------------------------------------------------------------------------
    def log(self, x: Value) -> Value:
        b, form = self.b, self.format
        exponent, f = self._parted(x)
        result = self._log_double(exponent, f) if form is _DOUBLE else self._log_single(exponent, f)
        below = self.where("<", x, self.number(0.0), self.number(nan), self.number(-inf))
        result = self.where("<", x, self.number(form.least), below, result)
        return self.where("<", x, self.number(inf), result, b.fadd(x, x))

    def _parted(self, x: Value) -> tuple[Value, Value]:
        """``x = 2**exponent * (1 + f)``, with ``1 + f`` between the square roots of 1/2 and 2."""
        b, form = self.b, self.format
        mantissa = (1 << form.mantissa) - 1
        one = form.bias << form.mantissa
        root = _root_of_half(form)
        bits = b.add(b.bitcast(x, self.whole), self.whole_number(one - root))
        raised = b.lshr(bits, self.whole_number(form.mantissa))
        # An integer below 2**mantissa in the lowest bits of 2**mantissa is that integer added.
        holder = b.bitcast(b.or_(raised, self.whole_number((form.bias + form.mantissa) << form.mantissa)), self.kind)
        exponent = b.fsub(holder, self.number(2.0**form.mantissa + form.bias))
        part = b.add(b.and_(bits, self.whole_number(mantissa)), self.whole_number(root))
        return exponent, b.fsub(b.bitcast(part, self.kind), self.number(1.0))

    def _log_single(self, exponent: Value, f: Value) -> Value:
        e, b, (high, low) = self.e, self.b, self.format.ln2
        square = b.fmul(f, f)
        small = b.fmul(b.fmul(square, f), self.polynomial(f, _LOG_SINGLE))
        small = e.fma(exponent, self.number(low), small)
        small = e.fma(square, self.number(-0.5), small)
        return e.fma(exponent, self.number(high), b.fadd(f, small))

    def _log_double(self, exponent: Value, f: Value) -> Value:
        """With ``s = f / (2 + f)``, ``log(1+f) = f - f²/2 + s * (f²/2 + R(s²))``, as in Sun's fdlibm."""
        e, b, (high, low) = self.e, self.b, self.format.ln2
        s = b.fdiv(f, b.fadd(f, self.number(2.0)))
        square = b.fmul(s, s)
        rest = b.fmul(square, self.polynomial(square, _LOG_DOUBLE))
        half = b.fmul(b.fmul(f, self.number(0.5)), f)
        small = e.fma(s, b.fadd(half, rest), b.fmul(exponent, self.number(low)))
        return e.fma(exponent, self.number(high), b.fsub(f, b.fsub(half, small)))

    # -- powers ---------------------------------------------------------------------------------------------------
    def pow(self, x: Value, y: Value) -> Value:
        """``exp(y * log|x|)``, then the signs; the product is exact enough to lose nothing that the format would show.

        float64 needs a target with fused multiply-adds, which say what a product's rounding left.
        """
        b = self.b
        size = self._call("fabs", x)
        result = self._pow_double(size, y) if self.format is _DOUBLE else self._pow_single(size, y)
        one, zero = self.number(1.0), self.number(0.0)
        result = self.where("==", size, one, one, result)
        half = b.fmul(y, self.number(0.5))
        integer = b.fcmp_ordered("==", self._call("floor", y), y)
        even = b.fcmp_ordered("==", self._call("floor", half), half)
        odd = b.and_(integer, b.not_(even))
        result = b.select(odd, self._call("copysign", result, x), result)
        negative = b.and_(b.fcmp_ordered("<", x, zero), b.fcmp_ordered(">", x, self.number(-inf)))
        result = b.select(b.and_(negative, b.not_(integer)), self.number(nan), result)
        result = b.select(b.fcmp_ordered("==", x, one), one, result)
        return self.where("==", y, zero, one, result)

    def _pow_single(self, size: Value, y: Value) -> Value:
        """In float64."""
        b = self.b
        wide = Functions(self.e, ir.VectorType(F64, self.kind.count) if isinstance(self.kind, ir.VectorType) else F64)
        product = b.fmul(b.fpext(y, wide.kind), wide.log(b.fpext(size, wide.kind)))
        return b.fptrunc(wide.exp(product), self.kind)

    def _pow_double(self, size: Value, y: Value) -> Value:
        """With the logarithm and the product as sums of two numbers; the ends of the range come from the plain ones."""
        e, b, form = self.e, self.b, self.format
        high, low = self._log_in_two(size)
        plain = b.fmul(y, self.log(size))
        product = b.fmul(y, high)
        left = e.fma(y, low, e.fma(y, high, b.fneg(product)))
        # In two steps, as neither 2**n nor the result need be normal.
        n, m = self._exp_in_two(product, left)
        half = b.lshr(n, self.whole_number(1))
        result = b.fmul(b.fmul(m, self._power_of_two(half)), self._power_of_two(b.sub(n, half)))
        result = self.where("<", plain, self.number(form.exp_low - 1), self.number(0.0), result)
        return self.where("<=", plain, self.number(form.exp_high + 1e-3), result, b.fadd(plain, self.number(inf)))

    def _log_in_two(self, x: Value) -> tuple[Value, Value]:
        """The logarithm of a positive normal number as a sum: ``2s + 2s³/3 + ...``, of which s and s³ are sums themselves."""
        e, b, (ln2_high, ln2_low) = self.e, self.b, self.format.ln2
        exponent, f = self._parted(x)
        below = b.fadd(f, self.number(2.0))
        below_low = b.fsub(f, b.fsub(below, self.number(2.0)))
        s = b.fdiv(f, below)
        s_low = b.fdiv(e.fma(b.fneg(s), below_low, e.fma(b.fneg(s), below, f)), below)
        square, square_low = self._product((s, s_low), (s, s_low))
        cube, cube_low = self._product((s, s_low), (square, square_low))
        third, third_low = self._product((cube, cube_low), tuple(self.number(part) for part in _TWO_THIRDS))
        rest = b.fmul(b.fmul(cube, square), self.polynomial(square, _LOG_REST))
        total, left = self._sum(b.fmul(exponent, self.number(ln2_high)), b.fadd(s, s))
        total, more = self._sum(total, third)
        small = b.fadd(b.fadd(left, more), e.fma(exponent, self.number(ln2_low), b.fadd(s_low, s_low)))
        return self._sum(total, b.fadd(small, b.fadd(third_low, rest)))

    def _exp_in_two(self, x: Value, low: Value) -> tuple[Value, Value]:
        """``exp(x + low) = 2**n * m``: the bits of a float whose lowest ones are n, and m, about 1."""
        e, b, form = self.e, self.b, self.format
        shifted = e.fma(x, self.number(_LOG2_E), self.number(form.shifter))
        n = b.fsub(shifted, self.number(form.shifter))
        r = e.fma(n, self.number(-form.ln2[1]), e.fma(n, self.number(-form.ln2[0]), x))
        r, left = self._sum(r, low)
        whole, more = self._sum(self.number(1.0), r)
        more = b.fadd(more, e.fma(b.fmul(r, r), self.polynomial(r, form.exp), left))
        return b.bitcast(shifted, self.whole), b.fadd(whole, more)

    def _sum(self, a: Value, b: Value) -> tuple[Value, Value]:
        """A sum and what its rounding left; ``a`` is the larger, or 0 (T. J. Dekker, Numerische Mathematik 18, 1971)."""
        total = self.b.fadd(a, b)
        return total, self.b.fsub(b, self.b.fsub(total, a))

    def _product(self, x: Sequence[Value], y: Sequence[Value]) -> tuple[Value, Value]:
        """The product of two sums as one."""
        e, (a, a_low), (b, b_low) = self.e, x, y
        total = self.b.fmul(a, b)
        return total, e.fma(a_low, b, e.fma(a, b_low, e.fma(a, b, self.b.fneg(total))))


def _root_of_half(form: _Format) -> int:
    """The bits of the square root of 1/2, rounded down to the exponent and some leading digits."""
    digits = 0x3504F3 if form is _SINGLE else 0x6A09E667F3BCC
    return ((form.bias - 1) << form.mantissa) + digits
