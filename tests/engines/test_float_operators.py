"""The float operators of the reference engine on millions of cases, against integer arithmetic.

The operators' rows are evaluated as they stand, on long vectors. What they should give is computed
with integers of 64 bits: significands are aligned, what does not fit is kept as a sticky bit, and
one rounding follows. It shares no code with the engine and uses no float arithmetic; a sample of it
is held against Berkeley SoftFloat.

A case is one operator on one set of operands. Of the sixty million of `make test` every fourth is
float32 arithmetic, every fourth bf16, the others are conversions.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import softfloatpy
from numpy.typing import NDArray
from softfloatpy import Float32

from dojo_tools import floats
from dojo_tools.description.semantics import Expression
from dojo_tools.description.types import BOOL, F32, Kind, Type
from dojo_tools.engines.reference import arithmetic
from dojo_tools.engines.reference.operators import OPERATORS

Codes = NDArray[np.uint32]
Integers = NDArray[np.int64]
Array = NDArray[Any]

LANES = 1 << 15
BF16 = Type(Kind.BRAIN_FLOAT, 16)
PRECISION = {F32: 24, BF16: 8}
SIGN = np.uint32(1 << 31)
INFINITY = np.uint32(0x7F800000)
NAN = np.uint32(0x7FC00000)
SPECIALS = np.array(
    [0, 1, 0x10000, 0x7FFFFF, 0x800000, 0x3F800000, 0x4F000000, 0x5F800000, 0x7F7F0000, 0x7F7FFFFF]
    + [0x7F800000, 0x7FC00000, 0x7F800001],
    np.uint32,
)
INTEGER_TYPES = [Type(k, w) for k in (Kind.SIGNED, Kind.UNSIGNED) for w in (8, 16, 32, 64)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hold the context that the reference engine holds."""
    with floats.quiet():
        yield


# Cases.


def operands(random: np.random.Generator) -> tuple[Codes, Codes, Codes]:
    """Return codes for a * b + c: an eighth special, the others of kinds that are hard to round."""
    a, b, c = (random.integers(0, 1 << 32, LANES, np.uint32) for _ in range(3))
    kind = random.integers(0, 8, LANES)
    # 0, 1: any bits. 2 to 5: exponents alike, in 4 with few bits, so that results are midpoints.
    alike = (kind >= 2) & (kind <= 5)
    middle = random.integers(60, 190, LANES)
    a, b, c = (
        np.where(alike, with_exponent(code, exponent + random.integers(-30, 31, LANES)), code)
        for code, exponent in ((a, middle), (b, 254 - middle), (c, 127))
    )
    cut = np.uint32(0xFFFFFFFF) << random.integers(8, 24, LANES).astype(np.uint32)
    a, b, c = (np.where(kind == 4, code & cut, code) for code in (a, b, c))
    # 5: c nearly cancels the product. 6: results are subnormal. 7: some are special.
    product = a.view(np.float32) * b.view(np.float32)
    near = (product.view(np.uint32) ^ SIGN) + random.integers(-2, 3, LANES).astype(np.uint32)
    c = np.where(kind == 5, near, c)
    a = np.where(kind == 6, with_exponent(a, random.integers(0, 80, LANES)), a)
    b = np.where(kind == 6, with_exponent(b, random.integers(40, 90, LANES)), b)
    c = np.where(kind == 6, with_exponent(c, random.integers(0, 3, LANES)), c)
    special = random.integers(1, 8, LANES)
    a, b, c = (
        np.where((kind == 7) & (special >> bit & 1 == 1), some_special(random), code)
        for bit, code in enumerate((a, b, c))
    )
    return a, b, c


def with_exponent(codes: Codes, exponents: Array) -> Codes:
    """Return codes with other exponent fields, held within those of finite numbers."""
    fields = np.clip(exponents, 0, 254).astype(np.uint32)
    return codes & ~INFINITY | fields << np.uint32(23)


def some_special(random: np.random.Generator) -> Codes:
    return random.choice(SPECIALS, LANES) | random.integers(0, 2, LANES, np.uint32) << np.uint32(31)


# The oracle: magnitudes are integers times a power of two.


def parts(codes: Codes) -> tuple[Integers, Integers]:
    """Return significands of 24 bits, 0 for a zero, and exponents; infinities look like numbers."""
    field = (codes >> 23 & 0xFF).astype(np.int64)
    fraction = (codes & 0x7FFFFF).astype(np.int64)
    significand = np.where(field == 0, fraction, fraction | 1 << 23)
    shift = np.where(significand == 0, 0, 24 - bit_length(significand))
    shift = shift.astype(np.int64)
    return significand << shift, np.maximum(field, 1) - 150 - shift


def bit_length(values: Integers) -> Integers:
    """Return the count of bits of integers that are not negative."""
    lengths = np.zeros_like(values)
    rest = values
    for step in (32, 16, 8, 4, 2, 1):
        large = rest >> step != 0
        lengths = np.where(large, lengths + step, lengths)
        rest = np.where(large, rest >> step, rest)
    return lengths + (rest != 0)


def shifted(values: Integers, left: Integers) -> Integers:
    """Return values shifted left, or right with the last bit set if a bit is lost."""
    right = np.clip(-left, 0, 63)
    kept = values >> right
    return np.where(left >= 0, values << np.clip(left, 0, 63), kept | (kept << right != values))


def rounded(magnitude: Integers, exponent: Integers, precision: int) -> Codes:
    """Return float32 codes of magnitude * 2**exponent, rounded once to nearest even."""
    top = np.maximum(exponent + bit_length(magnitude) - 1, -126)
    drop = top - (precision - 1) - exponent
    # Three bits below the kept ones, the last of them sticky, decide the rounding.
    value = shifted(magnitude, 3 - drop)
    kept, rest = value >> 3, value & 7
    kept += (rest > 4) | ((rest == 4) & (kept & 1 == 1))
    codes = ((top + 126) << (precision - 1)) + kept
    codes = np.minimum(codes << (24 - precision), int(INFINITY))
    return np.where(magnitude == 0, 0, codes).astype(np.uint32)


def is_nan(codes: Codes) -> NDArray[np.bool_]:
    return (codes & ~SIGN) > INFINITY


def is_infinite(codes: Codes) -> NDArray[np.bool_]:
    return (codes & ~SIGN) == INFINITY


def product_sum(a: Codes, b: Codes | None, c: Codes | None, precision: int) -> Codes:
    """Return codes of a * b + c, rounded once; without b of a + c, without c of a * b."""
    product_sign = a & SIGN if b is None else (a ^ b) & SIGN
    p, p_exponent = parts(a)
    if b is not None:
        factor, factor_exponent = parts(b)
        p, p_exponent = p * factor, p_exponent + factor_exponent
    else:
        p, p_exponent = p << 23, p_exponent - 23
    invalid = is_nan(a)
    infinite = is_infinite(a)
    if b is not None:
        zero = ((a & ~SIGN) == 0) | ((b & ~SIGN) == 0)
        invalid = invalid | is_nan(b) | ((is_infinite(a) | is_infinite(b)) & zero)
        infinite = infinite | is_infinite(b)
    if c is None:
        codes = rounded(p, p_exponent, precision) | product_sign
        codes = np.where(infinite, product_sign | INFINITY, codes)
        return np.where(invalid, NAN, codes)
    c_sign = c & SIGN
    invalid = invalid | is_nan(c) | (infinite & is_infinite(c) & (product_sign != c_sign))
    magnitude, sign, exponent = aligned_sum(p, p_exponent, product_sign, c)
    codes = rounded(magnitude, exponent, precision) | sign
    codes = np.where(is_infinite(c), c, codes)
    codes = np.where(infinite, product_sign | INFINITY, codes)
    return np.where(invalid, NAN, codes)


def aligned_sum(
    p: Integers, p_exponent: Integers, p_sign: Codes, c: Codes
) -> tuple[Integers, Codes, Integers]:
    """Return magnitude, sign and exponent of a product of 46 to 48 bits plus c.

    Where c lies above, it is moved up by at most 38 bits, and the product down beyond; where it
    lies below, the product is moved up by 14 bits. Bits are lost only of what is so far below the
    other that the sum keeps at least 59 bits, so that a sticky bit tells all.
    """
    significand, c_exponent = parts(c)
    c_exponent = np.where(significand == 0, p_exponent, c_exponent)
    p_exponent = np.where(p == 0, c_exponent, p_exponent)
    distance = c_exponent - p_exponent
    above = distance >= 0
    p_shift = np.where(above, -np.maximum(distance - 38, 0), 14)
    c_shift = np.where(above, np.minimum(distance, 38), 14 + distance)
    left = shifted(p, p_shift)
    right = shifted(significand, c_shift)
    total = np.where(p_sign != 0, -left, left) + np.where(c & SIGN != 0, -right, right)
    sign = np.where(total == 0, p_sign & c, np.where(total < 0, SIGN, 0)) & SIGN
    return np.abs(total), sign.astype(np.uint32), p_exponent - p_shift


def order(codes: Codes) -> Integers:
    """Return numbers that are in the order of the values, -0 before +0."""
    magnitude = (codes & ~SIGN).astype(np.int64)
    return np.where(codes & SIGN != 0, -magnitude - 1, magnitude)


def expected_extreme(a: Codes, b: Codes, greatest: bool) -> Codes:
    a_first = (order(a) > order(b)) if greatest else (order(a) < order(b))
    chosen = np.where((a_first | is_nan(b)) & ~is_nan(a), a, b)
    return np.where(is_nan(a) & is_nan(b), NAN, chosen)


def expected_comparison(operator: str, a: Codes, b: Codes) -> NDArray[np.bool_]:
    zeros = ((a | b) & ~SIGN) == 0
    ordered = ~(is_nan(a) | is_nan(b))
    equal = ordered & ((a == b) | zeros)
    less = ordered & (order(a) < order(b)) & ~zeros
    return {"eq": equal, "ne": ~equal, "lt": less, "le": less | equal}[operator]


def expected_integer(codes: Codes, type_: Type) -> Array:
    """Return values cut to integers and held within a type, NaN as 0."""
    significand, exponent = parts(codes)
    magnitude = shifted_out(significand, exponent).astype(np.uint64)
    negative = codes & SIGN != 0
    most = np.uint64((1 << (type_.width - type_.is_signed)) - 1)
    least = np.uint64(1 << (type_.width - 1) if type_.is_signed else 0)
    huge = (exponent > 40) & (significand != 0)
    magnitude = np.where(huge, np.uint64(0xFFFFFFFFFFFFFFFF), magnitude)
    limited = np.minimum(magnitude, np.where(negative, least, most))
    limited = np.where(is_nan(codes), np.uint64(0), limited)
    dtype = np.dtype(f"{'i' if type_.is_signed else 'u'}{type_.width // 8}")
    return np.where(negative, np.uint64(0) - limited, limited).astype(dtype)


def shifted_out(significand: Integers, exponent: Integers) -> NDArray[np.uint64]:
    """Return integer parts; those of 2**64 and more are wrong."""
    unsigned = significand.astype(np.uint64)
    up = np.clip(exponent, 0, 40).astype(np.uint64)
    down = np.clip(-exponent, 0, 63).astype(np.uint64)
    return (unsigned << up) >> down


def expected_from_integer(values: Array, precision: int) -> Codes:
    """Return codes of integers of any width, rounded once."""
    negative = values < 0
    wide = values.astype(np.uint64)
    magnitude = np.where(negative, np.uint64(0) - wide, wide)
    half = (magnitude >> np.uint64(2)) | (magnitude & np.uint64(3) != 0)
    cut = magnitude >> np.uint64(62) != 0
    small = np.where(cut, half, magnitude).astype(np.int64)
    codes = rounded(small, np.where(cut, 2, 0).astype(np.int64), precision)
    return codes | np.where(negative, SIGN, 0).astype(np.uint32)


# The engine.

_NAMES = {"np": np, **vars(floats), **vars(arithmetic)}


def evaluate(operator: str, result: Type, argument: Type, *arguments: Array) -> Array:
    """Return what an operator's row computes of vectors that have as many lanes as there are."""
    lanes = len(arguments[0])
    names = ["a", "b", "c"][: len(arguments)]
    nodes = tuple(Expression("local", argument.with_lanes(lanes), detail=name) for name in names)
    text = OPERATORS[operator](Expression(operator, result.with_lanes(lanes), nodes), names)
    return eval(text, _NAMES, dict(zip(names, arguments, strict=True)))


def values_of(codes: Codes, type_: Type) -> tuple[Codes, Array]:
    """Return codes cut to the numbers of a type, and the values that the engine holds."""
    codes = codes & np.uint32(0xFFFF0000) if type_ == BF16 else codes
    codes = np.where(is_nan(codes), NAN, codes)
    return codes, codes.view(np.float32)


class Count:
    """Compares, and counts the cases."""

    def __init__(self) -> None:
        self.cases = 0

    def same(self, what: str, found: Array, expected: Array, *codes: Codes) -> None:
        self.cases += len(found)
        if found.dtype == np.float32:
            found = floats.bits_f32(found)
        wrong = np.flatnonzero(found != expected)
        assert found.dtype == expected.dtype
        if wrong.size:
            first = wrong[0]
            shown = ", ".join(f"{int(code[first]):#010x}" for code in codes)
            pytest.fail(f"{what}({shown}) is {found[first]:#x} instead of {expected[first]:#x}")


def check_arithmetic(count: Count, type_: Type, *codes: Codes) -> None:
    """Check every arithmetic operator of a float type."""
    (a, x), (b, y), (c, z) = (values_of(code, type_) for code in codes)
    precision = PRECISION[type_]
    checks: list[tuple[str, tuple[Array, ...], Codes]] = [
        ("add", (x, z), product_sum(a, None, c, precision)),
        ("sub", (x, z), product_sum(a, None, c ^ SIGN, precision)),
        ("mul", (x, y), product_sum(a, b, None, precision)),
        ("fma", (x, y, z), product_sum(a, b, c, precision)),
        ("min", (x, z), expected_extreme(a, c, greatest=False)),
        ("max", (x, z), expected_extreme(a, c, greatest=True)),
    ]
    for operator, values, expected in checks:
        found = evaluate(operator, type_, type_, *values)
        count.same(f"{type_} {operator}", found, expected, a, b, c)
    # A third of the pairs are alike, as most equal numbers are.
    d = np.where(b % 3 == 0, a, c)
    for operator in ("eq", "ne", "lt", "le"):
        found = evaluate(operator, BOOL, type_, x, d.view(np.float32))
        count.same(f"{type_} {operator}", found, expected_comparison(operator, a, d), a, d)


def check_conversions(count: Count, codes: Codes, bits: Codes) -> None:
    """Check float to integer, integer to float and float32 to bf16."""
    near = with_exponent(codes, 118 + bits % 72)  # most of all float32 numbers become 0 or a limit
    codes, values = values_of(np.where(bits % 4 == 0, codes, near), F32)
    significand, exponent = parts(codes)
    narrow = rounded(significand, exponent, 8) | (codes & SIGN)
    narrow = np.where(is_infinite(codes), codes, np.where(is_nan(codes), NAN, narrow))
    count.same("bf16", evaluate("convert", BF16, F32, values), narrow, codes)
    wide = (codes.astype(np.uint64) << np.uint64(32) | bits) >> (bits % 64).astype(np.uint64)
    for type_ in INTEGER_TYPES:
        found = evaluate("convert", type_, F32, values)
        count.same(f"{type_}", found, expected_integer(codes, type_), codes)
        integers = wide.astype(found.dtype)
        for target, precision in PRECISION.items():
            found = evaluate("convert", target, type_, integers)
            expected = expected_from_integer(integers, precision)
            count.same(f"{target} of {type_}", found, expected, codes)


@pytest.mark.parametrize("cases", [60_000_000, pytest.param(2_000_000_000, marks=pytest.mark.soak)])
def test_operators_on_floats(cases: int) -> None:
    count, seed = Count(), 0
    while count.cases < cases:
        codes = operands(np.random.default_rng(seed))
        check_arithmetic(count, F32, *codes)
        check_arithmetic(count, BF16, *codes)
        check_conversions(count, codes[0], codes[1])
        seed += 1


def soft(operation: Callable[..., Float32], *codes: Codes) -> Codes:
    """Return the codes of an operation of SoftFloat, NaNs canonical."""
    columns = [
        [Float32.from_bytes(int(row).to_bytes(4, "big")) for row in code.tolist()] for code in codes
    ]
    encoded = b"".join(operation(*row).to_bytes() for row in zip(*columns, strict=True))
    found = np.frombuffer(encoded, ">u4").astype(np.uint32)
    return np.where(is_nan(found), NAN, found)


@pytest.mark.parametrize("seed", range(3))
def test_the_integers_say_what_softfloat_says(seed: int) -> None:
    a, b, c = operands(np.random.default_rng(1000 + seed))
    found = {
        "f32_add": (product_sum(a, None, c, 24), (a, c)),
        "f32_sub": (product_sum(a, None, c ^ SIGN, 24), (a, c)),
        "f32_mul": (product_sum(a, b, None, 24), (a, b)),
        "f32_mul_add": (product_sum(a, b, c, 24), (a, b, c)),
    }
    for name, (codes, columns) in found.items():
        np.testing.assert_array_equal(codes, soft(getattr(softfloatpy, name), *columns))
