"""The float arithmetic against oracles that share nothing with it, on random bit patterns.

float32: Berkeley SoftFloat. bf16, which it can't calculate with: exact integers in units of
2**-400, rounded by a search among all bf16 numbers; and ml_dtypes for the rounding alone.
"""

import bisect
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import softfloatpy
from numpy.typing import NDArray
from softfloatpy import Float32

from dojo_tools import float_codes, floats
from dojo_tools.floats import Float32Array

pytestmark = pytest.mark.filterwarnings("error")

Codes = NDArray[np.uint32]

SEEDS = [1, 2]
COUNT = 8_000  # of each kind of case and seed
SIGN = 0x80000000
SIGNS = np.array([0, SIGN], np.uint32)
BF16_BITS = np.uint32(0xFFFF0000)
NAN = 0x7FC00000
SPECIALS = [0, 1, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, NAN, 0x7F800001]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hold the context that the reference engine holds."""
    with floats.quiet():
        yield


# Cases.


def patterns(random: np.random.Generator, low: int = 0, high: int = 255) -> Codes:
    """Return random float32 codes of both signs whose exponent fields are in [low, high]."""
    magnitude = random.integers(low << 23, (high + 1) << 23, COUNT)
    return magnitude.astype(np.uint32) | random.choice(SIGNS, COUNT)


def f32_operands(seed: int) -> tuple[Codes, Codes, Codes]:
    """Return codes for a * b + c, of every kind that is hard to round."""
    random = np.random.default_rng(seed)
    kinds: list[tuple[Codes, Codes, Codes]] = []

    def add(a: Codes, b: Codes, c: Codes) -> None:
        kinds.append((a, b, c))

    def numbers(values: NDArray[Any]) -> Codes:
        return values.astype(np.float32).view(np.uint32) | random.choice(SIGNS, COUNT)

    def power(low: int, high: int) -> NDArray[np.float64]:
        return np.ldexp(1.0, random.integers(low, high + 1, COUNT))

    def odd(bits: int) -> NDArray[np.float64]:
        return (random.integers(1 << (bits - 2), 1 << (bits - 1), COUNT) * 2 + 1).astype(np.float64)

    add(patterns(random), patterns(random), patterns(random))
    # Exponents alike, so that all three operands count.
    add(patterns(random, 117, 137), patterns(random, 117, 137), patterns(random, 95, 150))
    # Results among the subnormals, and about the end of the range.
    add(patterns(random, 40, 75), patterns(random, 40, 75), patterns(random, 0, 3))
    add(patterns(random, 185, 195), patterns(random, 185, 195), patterns(random, 250, 254))
    # A product of 25 bits is a midpoint or nearly one; c is far below.
    add(numbers(odd(12) * power(-40, 40)), numbers(odd(13) * power(-8, 8)), patterns(random, 0, 60))
    # The same by c, and a product just beside half a unit of it.
    unit = power(-24, 20)
    epsilon = power(-23, -20)
    half = 0.5 * power(-1, 1)
    c = odd(24) * unit
    add(numbers((1 + epsilon) * unit), numbers((1 - epsilon) * half), numbers(c))
    # The same among the subnormals: c is any of them and the product about half the least.
    c = random.integers(0, 1 << 23, COUNT) * 2.0**-149
    half = 2.0**-75 * power(-1, 1)
    add(numbers(2.0**-75 * (1 + epsilon)), numbers((1 - epsilon) * half), numbers(c))
    # Midpoints at the end of the range.
    c = np.full(COUNT, 2.0**128 - 2.0**104)
    add(
        numbers(2.0**51 * (1 + epsilon)), numbers(2.0**51 * (1 - epsilon) * power(0, 2)), numbers(c)
    )
    # Cancellation: c is the product rounded, a few units aside.
    a, b = patterns(random, 90, 160), patterns(random, 90, 160)
    product = (a.view(np.float32) * b.view(np.float32)).view(np.uint32) ^ SIGN
    add(a, b, (product + random.integers(-3, 4, COUNT)).astype(np.uint32))
    # Zeros, infinities, NaNs and the ends of the ranges, in all combinations and beside others.
    special = np.array(SPECIALS + [code | SIGN for code in SPECIALS], np.uint32)
    grid = np.meshgrid(special, special, special)
    add(*(codes.ravel() for codes in grid))
    add(random.choice(special, COUNT), patterns(random), patterns(random))
    add(patterns(random), patterns(random, 120, 135), random.choice(special, COUNT))
    a, b, c = (np.concatenate(column) for column in zip(*kinds, strict=True))
    return a, b, c


def bf16_operands(seed: int) -> tuple[Codes, Codes, Codes]:
    """Return float32 codes of bf16 numbers for a * b + c, of every kind that is hard to round."""
    random = np.random.default_rng(seed)
    a, b, c = (codes & BF16_BITS for codes in f32_operands(seed))
    # A product of 9 bits is a midpoint; c is far below.
    pairs = [(m, n) for m in range(3, 256, 2) for n in range(3, 256, 2) if 256 < m * n < 512]
    m, n = np.array(pairs)[random.integers(0, len(pairs), COUNT)].T
    scale = np.ldexp(1.0, random.integers(-60, 60, COUNT))
    tiny = patterns(random, 0, 100) & BF16_BITS
    # A sum of c and a product just beside half a unit of c.
    unit = np.ldexp(1.0, random.integers(-20, 20, COUNT))
    epsilon = np.ldexp(1.0, random.integers(-7, -4, COUNT))
    odd = random.integers(128, 256, COUNT) | 1

    def codes(values: NDArray[Any]) -> Codes:
        return values.astype(np.float32).view(np.uint32) | random.choice(SIGNS, COUNT)

    a = np.concatenate([a, codes(m * scale), codes((1 + epsilon) * unit)])
    b = np.concatenate([b, codes(n * 1.0), codes((1 - epsilon) * 0.5)])
    c = np.concatenate([c, tiny, codes(odd * unit)])
    return a, b, c


def assert_same(actual: Float32Array, expected: list[int], *operands: Codes) -> None:
    """Compare float32 values with codes; show the first operands for which they differ."""
    codes = floats.bits_f32(actual)
    wrong = np.flatnonzero(codes != np.array(expected, np.uint32))
    if wrong.size:
        first = wrong[0]
        shown = ", ".join(f"{int(operand[first]):#010x}" for operand in operands)
        pytest.fail(
            f"{wrong.size} of {codes.size} differ, first ({shown}): "
            f"{int(codes[first]):#010x} instead of {expected[first]:#010x}"
        )


# float32 against SoftFloat.


def soft(operation: Callable[..., Float32], *operands: Codes) -> list[int]:
    """Return the codes of an operation of SoftFloat, NaNs canonical."""
    columns: list[list[Float32]] = []
    for operand in operands:
        encoded = operand.astype(">u4").tobytes()
        columns.append([Float32.from_bytes(encoded[i : i + 4]) for i in range(0, len(encoded), 4)])
    encoded = b"".join(operation(*row).to_bytes() for row in zip(*columns, strict=True))
    codes = np.frombuffer(encoded, ">u4").astype(np.uint32)
    return np.where((codes & ~np.uint32(SIGN)) > 0x7F800000, NAN, codes).tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_fma_f32(seed: int) -> None:
    operands = f32_operands(seed)
    a, b, c = (codes.view(np.float32) for codes in operands)
    assert_same(floats.fma_f32(a, b, c), soft(softfloatpy.f32_mul_add, *operands), *operands)


def test_the_cases_reach_what_float64_alone_gets_wrong() -> None:
    a, b, c = (codes.view(np.float32) for codes in f32_operands(1))
    naive = (a.astype(np.float64) * b + c).astype(np.float32)
    exact = floats.fma_f32(a, b, c)
    wrong = floats.bits_f32(naive) != floats.bits_f32(exact)
    subnormal = np.abs(exact) < np.finfo(np.float32).smallest_normal
    at_the_end = np.abs(exact) == np.finfo(np.float32).max
    assert np.count_nonzero(wrong) > 1000
    assert np.count_nonzero(wrong & subnormal) > 100
    assert np.count_nonzero(wrong & at_the_end) > 100


@pytest.mark.parametrize(
    "name, operation",
    [
        ("add", np.add),
        ("sub", np.subtract),
        ("mul", np.multiply),
        ("div", np.divide),
        ("sqrt", np.sqrt),
    ],
)
def test_numpy_itself_rounds_float32_once(name: str, operation: np.ufunc) -> None:
    operands = f32_operands(4)[: operation.nin]
    expected = soft(getattr(softfloatpy, f"f32_{name}"), *operands)
    assert_same(operation(*(codes.view(np.float32) for codes in operands)), expected, *operands)


# bf16 against exact integers.

UNIT = 400  # values are integers in units of 2**-UNIT


def scaled(code: int) -> int:
    """Return the magnitude of a finite float32 code in units of 2**-UNIT."""
    exponent, fraction = code >> 23 & 0xFF, code & 0x7FFFFF
    significand = fraction if exponent == 0 else fraction + 0x800000
    return significand << (max(exponent, 1) - 150 + UNIT)


# All that are not negative, and the power of two that infinity stands for.
BF16_NUMBERS = [scaled(code << 16) for code in range(0x7F81)]


def nearest_bf16(magnitude: int) -> int:
    """Return the float32 code of the nearest bf16 number, of two equally near the even one."""
    index = bisect.bisect_right(BF16_NUMBERS, magnitude) - 1
    if index < 0x7F80:
        middle = BF16_NUMBERS[index] + BF16_NUMBERS[index + 1]
        index += 2 * magnitude > middle or (2 * magnitude == middle and index % 2 == 1)
    return index << 16


def signed(code: int) -> int:
    magnitude = scaled(code & ~SIGN)
    return -magnitude if code & SIGN else magnitude


def round_signed(value: int, sign_of_zero: int) -> int:
    return nearest_bf16(abs(value)) | (SIGN if value < 0 else sign_of_zero if value == 0 else 0)


def exact_add(a: int, b: int) -> int:
    return round_signed(signed(a) + signed(b), a & b & SIGN)


def exact_sub(a: int, b: int) -> int:
    return exact_add(a, b ^ SIGN)


def exact_mul(a: int, b: int) -> int:
    return nearest_bf16(scaled(a & ~SIGN) * scaled(b & ~SIGN) >> UNIT) | (a ^ b) & SIGN


# A quotient or root that is cut off gets its last bit set, and so stands beyond a midpoint it hit.


def exact_div(a: int, b: int) -> int:
    quotient, rest = divmod(scaled(a & ~SIGN) << UNIT, scaled(b & ~SIGN))
    return nearest_bf16(quotient | (rest != 0)) | (a ^ b) & SIGN


def exact_sqrt(a: int) -> int:
    square = scaled(a & ~SIGN) << UNIT
    root = math.isqrt(square)
    return nearest_bf16(root | (root * root != square)) | a & SIGN


def exact_fma(a: int, b: int, c: int) -> int:
    product = signed(a) * signed(b) >> UNIT
    return round_signed(product + signed(c), (a ^ b) & c & SIGN)


def finite_rows(*operands: Codes) -> tuple[Codes, ...]:
    finite = np.logical_and.reduce([(codes & 0x7F800000) != 0x7F800000 for codes in operands])
    return tuple(codes[finite] for codes in operands)


@pytest.mark.parametrize("seed", SEEDS)
def test_fma_bf16(seed: int) -> None:
    operands = finite_rows(*bf16_operands(seed))
    expected = [exact_fma(*row) for row in zip(*(o.tolist() for o in operands), strict=True)]
    a, b, c = (codes.view(np.float32) for codes in operands)
    assert_same(floats.fma_bf16(a, b, c), expected, *operands)


def test_fma_bf16_of_infinities_and_nans_is_as_of_float32() -> None:
    operands = bf16_operands(5)
    special = np.logical_or.reduce([(codes & 0x7F800000) == 0x7F800000 for codes in operands])
    operands = tuple(codes[special] for codes in operands)
    a, b, c = (codes.view(np.float32) for codes in operands)
    assert_same(floats.fma_bf16(a, b, c), soft(softfloatpy.f32_mul_add, *operands), *operands)


def test_the_cases_reach_what_float32_in_between_gets_wrong() -> None:
    a, b, c = (codes.view(np.float32) for codes in bf16_operands(1))
    naive = floats.round_bf16(floats.fma_f32(a, b, c))
    wrong = floats.bits_bf16(naive) != floats.bits_bf16(floats.fma_bf16(a, b, c))
    assert np.count_nonzero(wrong) > 1000


def assert_rounds_through_float32(
    operation: np.ufunc, exact: Callable[..., int], *operands: Codes
) -> None:
    expected = [exact(*row) for row in zip(*(o.tolist() for o in operands), strict=True)]
    result = operation(*(codes.view(np.float32) for codes in operands))
    assert_same(floats.round_bf16(result), expected, *operands)


@pytest.mark.parametrize("operation, exact", [(np.add, exact_add), (np.subtract, exact_sub)])
def test_bf16_may_add_through_float32(operation: np.ufunc, exact: Callable[..., int]) -> None:
    _, b, c = bf16_operands(6)
    assert_rounds_through_float32(operation, exact, *finite_rows(b, c))


@pytest.mark.parametrize("exponent", [*range(-137, -124), 0])
def test_bf16_may_multiply_and_divide_through_float32(exponent: int) -> None:
    """All pairs of significands, for every exponent of a subnormal result and a normal one."""
    significands = (np.arange(128, 256) / 128).astype(np.float32)
    a = np.repeat(np.ldexp(significands, exponent + 60), 128).view(np.uint32)
    small = np.tile(np.ldexp(significands, -60), 128).view(np.uint32)
    large = np.tile(np.ldexp(significands, 60), 128).view(np.uint32)
    assert_rounds_through_float32(np.multiply, exact_mul, a, small)
    assert_rounds_through_float32(np.divide, exact_div, a, large)


def test_bf16_may_take_the_root_of_any_number_through_float32() -> None:
    codes = np.arange(0x7F80, dtype=np.uint32) << np.uint32(16)
    assert_rounds_through_float32(np.sqrt, exact_sqrt, codes)


def test_round_bf16_is_that_of_ml_dtypes() -> None:
    high = np.arange(0x10000, dtype=np.uint32)[:, None] << np.uint32(16)
    low = np.array([0, 1, 2, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF], np.uint32)
    codes = (high | low).ravel()
    values = codes.view(np.float32)
    expected = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    expected_codes = np.where(np.isnan(expected), NAN, expected.view(np.uint32))
    assert_same(floats.round_bf16(values), expected_codes.tolist(), codes)


# Integers.

INTEGER_TYPES = [
    getattr(np, f"{sign}int{width}") for sign in ("", "u") for width in (8, 16, 32, 64)
]


def integers(dtype: type[np.integer[Any]], seed: int) -> NDArray[np.integer[Any]]:
    """Return integers of every length, many of them about midpoints of both formats."""
    random = np.random.default_rng(seed)
    limits = np.iinfo(dtype)
    cases = [int(limits.min), int(limits.max), 0]
    for bits in range(1, limits.bits + 1):
        for keep in (9, 25, 54, bits):
            for _ in range(8):
                cut = max(0, bits - keep)
                middle = (int(random.integers(1 << 63)) & ((1 << bits) - 1)) >> cut << cut
                cases += [middle + offset for offset in (-1, 0, 1)]
    cases += [-case for case in cases]
    return np.array([case for case in cases if limits.min <= case <= limits.max], dtype)


@pytest.mark.parametrize("dtype", INTEGER_TYPES)
@pytest.mark.parametrize("seed", SEEDS)
def test_from_integer(dtype: type[np.integer[Any]], seed: int) -> None:
    values = integers(dtype, seed)
    listed: list[int] = values.tolist()
    operand = np.arange(len(listed), dtype=np.uint32)
    if dtype is np.uint64:
        soft_values = [softfloatpy.ui64_to_f32(softfloatpy.UInt64.from_int(v)) for v in listed]
    else:
        soft_values = [softfloatpy.i64_to_f32(softfloatpy.Int64.from_int(v)) for v in listed]
    expected = [int.from_bytes(value.to_bytes(), "big") for value in soft_values]
    assert_same(floats.from_integer_f32(values), expected, operand)
    expected = [round_signed(v << UNIT, 0) for v in listed]
    assert_same(floats.from_integer_bf16(values), expected, operand)


@pytest.mark.parametrize("dtype", INTEGER_TYPES)
def test_to_integer(dtype: type[np.integer[Any]]) -> None:
    limits = np.iinfo(dtype)
    random = np.random.default_rng(7)
    edges = np.array([limits.min, 0, limits.max], np.float64).astype(np.float32).view(np.uint32)
    near = (edges[:, None] + np.arange(-4, 5)).astype(np.uint32).ravel()
    codes = np.concatenate([near, near ^ SIGN, patterns(random), patterns(random, 120, 200)])
    values = codes.view(np.float32)
    expected: list[int] = []
    for value in values.tolist():
        if math.isnan(value):
            expected.append(0)
        elif math.isinf(value):
            expected.append(limits.max if value > 0 else limits.min)
        else:
            expected.append(min(max(int(value), limits.min), limits.max))
    assert floats.to_integer(values, dtype).tolist() == expected


# Codes.


def assert_nearest(code: int, exact: Fraction, fraction_bits: int) -> None:
    """Check that no code beside this one is nearer to a positive number, or as near and even."""

    def value(neighbour: int) -> Fraction:
        return Fraction(scaled(neighbour << (23 - fraction_bits)), 1 << UNIT)

    error = abs(value(code) - exact)
    for neighbour in (max(code - 1, 0), code + 1):
        other = abs(value(neighbour) - exact)
        assert error < other or neighbour == code or (error == other and code % 2 == 0), exact


@pytest.mark.parametrize("seed", SEEDS)
def test_codes_of_texts_and_floats_are_nearest(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(1000):
        digits = str(random.integers(1, 10**18))[: random.integers(1, 19)]
        text = f"{digits[:1]}.{digits[1:]}e{random.integers(-46, 38)}"
        # A float64 beside a midpoint of float32 or bf16.
        midpoint = (random.integers(0, 0x7F7F).item() << 16) + 0x8000
        value = float(Fraction(scaled(midpoint), 1 << UNIT)) * (
            1 + random.integers(-2, 3).item() * 2**-52
        )
        for code, bits in (
            (float_codes.f32_code_of_text(text), 23),
            (float_codes.bf16_code_of_text(text), 7),
        ):
            assert code is not None
            assert_nearest(code, Fraction(text), bits)
        assert_nearest(float_codes.f32_code(value), Fraction(value), 23)
        assert_nearest(float_codes.bf16_code(value), Fraction(value), 7)
        assert float_codes.bf16_code_of_text(value.hex()) == float_codes.bf16_code(value)
        assert float_codes.f32_code_of_text(repr(value)) == float_codes.f32_code(value)
