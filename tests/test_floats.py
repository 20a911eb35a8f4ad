"""Directed and exhaustive cases of the float arithmetic; the answers here are written by hand."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools import float_codes, floats
from dojo_tools.floats import Float32Array

pytestmark = pytest.mark.filterwarnings("error")

INFINITY = 0x7F800000
NAN = float_codes.NAN_F32
NEGATIVE = 0x80000000
ALL_BF16 = np.arange(0x10000, dtype=np.uint32).astype(np.uint16)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hold the context that the reference engine holds."""
    with floats.quiet():
        yield


def f32(*codes: int) -> Float32Array:
    return floats.from_bits_f32(np.array(codes, np.uint32))


def bf16(*codes: int) -> Float32Array:
    return floats.from_bits_bf16(np.array(codes, np.uint16))


def numbers(*values: float) -> Float32Array:
    return np.array(values, np.float32)


def hexadecimal(codes: NDArray[Any]) -> list[str]:
    return [f"{code:#x}" for code in codes.ravel().tolist()]


# Bits.


def test_bits_are_seen_with_canonical_nans_and_read_with_their_payloads() -> None:
    values = f32(0x7F800001, 0xFFC12345, 0xFF800000, NEGATIVE)
    assert hexadecimal(values.view(np.uint32))[:2] == ["0x7f800001", "0xffc12345"]
    assert hexadecimal(floats.bits_f32(values)) == [
        "0x7fc00000",
        "0x7fc00000",
        "0xff800000",
        "0x80000000",
    ]
    assert hexadecimal(floats.bits_bf16(values)) == ["0x7fc0", "0x7fc0", "0xff80", "0x8000"]


def test_every_bf16_code_comes_back() -> None:
    values = floats.from_bits_bf16(ALL_BF16)
    nan = np.isnan(values)
    assert np.count_nonzero(nan) == 2 * 127
    expected = np.where(nan, np.uint16(float_codes.NAN_BF16), ALL_BF16)
    np.testing.assert_array_equal(floats.bits_bf16(values), expected)
    np.testing.assert_array_equal(floats.bits_bf16(floats.round_bf16(values)), expected)


@pytest.mark.parametrize("shape", [(), (1,), (0,), (16,), (3, 4, 5)])
def test_every_shape_works(shape: tuple[int, ...]) -> None:
    values = np.full(shape, 1.5, np.float32)
    integers = np.full(shape, 3, np.int8)
    for result in (
        floats.canonical_f32(values),
        floats.round_bf16(values),
        floats.from_bits_f32(floats.bits_f32(values)),
        floats.from_bits_bf16(floats.bits_bf16(values)),
        floats.fma_f32(values, values, values),
        floats.fma_bf16(values, values, values),
        floats.minimum_number(values, values),
        floats.maximum_number(values, values),
        floats.round_even(values),
        floats.from_integer_f32(integers),
        floats.from_integer_bf16(integers),
    ):
        assert result.shape == shape
        assert result.dtype == np.float32
    assert floats.to_integer(values, np.int16).shape == shape
    assert floats.to_integer(values, np.int16).dtype == np.int16


def test_numpy_scalars_work_and_reach_the_slow_paths() -> None:
    a, b, c = f32(0x3F800800, 0x3F800800, 0x17800000)  # three scalars
    assert floats.bits_f32(floats.fma_f32(a, b, c)) == 0x3F801001
    a, b, c = bf16(0x4040, 0x42AE, 0x3080)
    assert floats.bits_bf16(floats.fma_bf16(a, b, c)) == 0x4383
    assert floats.bits_bf16(floats.round_bf16(f32(0xFFFFFFFF)[0])) == float_codes.NAN_BF16
    assert floats.to_integer(a, np.uint8) == 3


def test_arguments_broadcast() -> None:
    column = numbers(1, 2, 3).reshape(3, 1)
    result = floats.fma_f32(column, numbers(10, 20), np.array(1, np.float32))
    assert result.tolist() == [[11, 21], [21, 41], [31, 61]]


# Rounding to bf16.


@pytest.mark.parametrize(
    ("code", "rounded"),
    [
        (0x3F808000, 0x3F80),  # a tie goes to even: down
        (0x3F818000, 0x3F82),  # and up
        (0x3F808001, 0x3F81),
        (0x3F817FFF, 0x3F81),
        (0x3FFF8000, 0x4000),  # the carry reaches the exponent
        (0x7F7F7FFF, 0x7F7F),  # the greatest that is not infinite
        (0x7F7F8000, 0x7F80),  # half past the largest number
        (0xFF7FFFFF, 0xFF80),
        (0x00008000, 0x0000),  # half the least subnormal
        (0x00008001, 0x0001),
        (0x80018000, 0x8002),
        (0x007F8000, 0x0080),  # from subnormal to normal
        (0x80000000, 0x8000),
        (0x7F800000, 0x7F80),
        (0x7F800001, 0x7FC0),  # a payload that only the low half holds
        (0xFFFFFFFF, 0x7FC0),
    ],
)
def test_round_bf16(code: int, rounded: int) -> None:
    assert hexadecimal(floats.bits_bf16(floats.round_bf16(f32(code)))) == [hex(rounded)]


# Fused multiply-add. Where a note says so, float64 (float32 for bf16) in between would be wrong.

FMA_F32 = [
    # (1 + 2**-12)**2 is a tie of float32; what is added only says to which side it falls.
    (0x3F800800, 0x3F800800, 0x00000000, 0x3F801000),
    (0x3F800800, 0x3F800800, 0x17800000, 0x3F801001),  # float64 is wrong
    (0x3F800800, 0x3F800800, 0x00000001, 0x3F801001),  # float64 is wrong
    (0x3F800800, 0x3F800800, 0x80000001, 0x3F801000),
    (0xBF800800, 0x3F800800, 0x97800000, 0xBF801001),  # float64 is wrong
    (0x3F800800, 0x3F801800, 0x00000000, 0x3F802002),
    (0x3F800800, 0x3F801800, 0x97800000, 0x3F802001),  # float64 is wrong
    (0x3F800800, 0xBF801800, 0x17800000, 0xBF802001),  # float64 is wrong
    # 1 + 2**-23 and half its unit, a little less: 2**-24 * (1 + 2**-23) * (1 - 2**-23).
    (0x33800000, 0x3F800000, 0x3F800001, 0x3F800002),
    (0x33800001, 0x3F7FFFFE, 0x3F800001, 0x3F800001),  # float64 is wrong
    # The same among subnormals, where the tie stands elsewhere in the float64.
    (0x1A000000, 0x1A000000, 0x00400001, 0x00400002),
    (0x1A000001, 0x19FFFFFE, 0x00400001, 0x00400001),  # float64 is wrong
    (0x1A000001, 0x1A000001, 0x00400000, 0x00400001),
    # Half the least subnormal, exactly, a little less and a little more.
    (0x1A000000, 0x1A000000, 0x00000000, 0x00000000),
    (0x1A000001, 0x19FFFFFE, 0x00000000, 0x00000000),
    (0x1A000001, 0x1A000000, 0x00000000, 0x00000001),
    (0x9A000000, 0x1A000000, 0x00000000, 0x80000000),
    (0x0D800000, 0x8D800000, 0x00000000, 0x80000000),  # -2**-200 is not the zero of cancellation
    # From the largest subnormal to the smallest normal.
    (0x1A000000, 0x1A000000, 0x007FFFFF, 0x00800000),
    (0x1A000001, 0x19FFFFFE, 0x007FFFFF, 0x007FFFFF),  # float64 is wrong
    # Half past the largest number, exactly and a little less.
    (0x59000000, 0x59800000, 0x7F7FFFFF, INFINITY),
    (0x59000001, 0x597FFFFE, 0x7F7FFFFF, 0x7F7FFFFF),  # float64 is wrong
    (0x59000001, 0xD97FFFFE, 0xFF7FFFFF, 0xFF7FFFFF),  # float64 is wrong
    (0x7F000000, 0x40000000, 0x00000000, INFINITY),
    (0x7F000000, 0x40000000, 0xFF7FFFFF, 0x73800000),  # a product past the range, and back
    # Zeros: a sum of unlike zeros, and a cancelled one, is +0.
    (0x00000000, 0x3F800000, NEGATIVE, 0x00000000),
    (0x00000000, 0xBF800000, NEGATIVE, NEGATIVE),
    (NEGATIVE, 0x3F800000, 0x00000000, 0x00000000),
    (0x3F800000, 0x3F800000, 0xBF800000, 0x00000000),
    (0xBF800000, 0x3F800000, 0x3F800000, 0x00000000),
    # Infinities and NaNs.
    (INFINITY, 0x00000000, 0x3F800000, NAN),
    (NEGATIVE, INFINITY, NAN, NAN),
    (INFINITY, 0x3F800000, INFINITY | NEGATIVE, NAN),
    (INFINITY, 0xBF800000, 0x3F800000, INFINITY | NEGATIVE),
    (INFINITY, INFINITY, INFINITY, INFINITY),
    (0x7F7FFFFF, 0x7F7FFFFF, INFINITY | NEGATIVE, INFINITY | NEGATIVE),
    (0x7F800001, 0x3F800000, 0x3F800000, NAN),
    (0x3F800000, 0x3F800000, 0xFFFFFFFF, NAN),
]

FMA_BF16 = [
    # 3 * 87 = 261 and 3 * 89 = 267 are ties of bf16, whose numbers here are the even ones.
    (0x4040, 0x42AE, 0x0000, 0x4382),
    (0x4040, 0x42AE, 0x3080, 0x4383),  # float32 is wrong
    (0x4040, 0x42AE, 0x0001, 0x4383),  # float32 and float64 are wrong
    (0x4040, 0x42AE, 0x8001, 0x4382),
    (0x4040, 0x42B2, 0x0000, 0x4386),
    (0x4040, 0x42B2, 0xB080, 0x4385),  # float32 is wrong
    (0x4040, 0xC2B2, 0x0001, 0xC385),  # float32 and float64 are wrong
    # 1 + 2**-7 and half its unit, a little less and more: the product is 16 bits, far below c.
    (0x3B80, 0x3F80, 0x3F81, 0x3F82),
    (0x3B81, 0x3F7E, 0x3F81, 0x3F81),
    # A small product beside a large c, which rounds to the tie 2**-8 only in float32.
    (0x4040, 0x2F80, 0x3F80, 0x3F80),
    # Subnormals: half the least, a little less and more; the step to the normal numbers.
    (0x1E00, 0x1E00, 0x0000, 0x0000),
    (0x1E01, 0x1DFE, 0x0000, 0x0000),
    (0x1E01, 0x1E00, 0x0000, 0x0001),
    (0x1E00, 0x1E00, 0x0001, 0x0002),
    (0x1E01, 0x1DFE, 0x0001, 0x0001),
    (0x1E00, 0x1E00, 0x007F, 0x0080),
    (0x9E00, 0x1E00, 0x0000, 0x8000),
    # Half past the largest number, exactly and a little less.
    (0x5D80, 0x5D00, 0x7F7F, 0x7F80),
    (0x5D81, 0x5CFE, 0x7F7F, 0x7F7F),
    (0x7F00, 0x4000, 0xFF7F, 0x7B80),
    # Zeros, infinities, NaNs.
    (0x0000, 0x3F80, 0x8000, 0x0000),
    (0x0000, 0xBF80, 0x8000, 0x8000),
    (0x3F80, 0x3F80, 0xBF80, 0x0000),
    (0x7F80, 0x0000, 0x3F80, float_codes.NAN_BF16),
    (0x7F80, 0x3F80, 0xFF80, float_codes.NAN_BF16),
    (0x7F80, 0xBF80, 0x3F80, 0xFF80),
    (0xFFFF, 0x3F80, 0x3F80, float_codes.NAN_BF16),
]


@pytest.mark.parametrize("a, b, c, expected", FMA_F32)
def test_fma_f32(a: int, b: int, c: int, expected: int) -> None:
    for left, right in ((a, b), (b, a)):
        result = floats.fma_f32(f32(left), f32(right), f32(c))
        assert hexadecimal(floats.bits_f32(result)) == [hex(expected)]


def test_fma_f32_of_many_lanes_rounds_each_as_if_alone() -> None:
    a, b, c, expected = np.array(FMA_F32, np.uint32).T.copy()
    result = floats.fma_f32(*(floats.from_bits_f32(codes) for codes in (a, b, c)))
    assert hexadecimal(floats.bits_f32(result)) == hexadecimal(expected)


@pytest.mark.parametrize("a, b, c, expected", FMA_BF16)
def test_fma_bf16(a: int, b: int, c: int, expected: int) -> None:
    for left, right in ((a, b), (b, a)):
        result = floats.fma_bf16(bf16(left), bf16(right), bf16(c))
        assert hexadecimal(floats.bits_bf16(result)) == [hex(expected)]


def test_fma_bf16_of_many_lanes_rounds_each_as_if_alone() -> None:
    a, b, c, expected = np.array(FMA_BF16, np.uint16).T.copy()
    result = floats.fma_bf16(*(floats.from_bits_bf16(codes) for codes in (a, b, c)))
    assert hexadecimal(floats.bits_bf16(result)) == hexadecimal(expected)


# Least and greatest.

EXTREMES = [
    # a, b, minimumNumber, maximumNumber
    (0x3F800000, 0x40000000, 0x3F800000, 0x40000000),
    (0xBF800000, 0x00000001, 0xBF800000, 0x00000001),
    (0x00000000, NEGATIVE, NEGATIVE, 0x00000000),
    (0x00000000, 0x00000000, 0x00000000, 0x00000000),
    (NEGATIVE, NEGATIVE, NEGATIVE, NEGATIVE),
    (NAN, 0x3F800000, 0x3F800000, 0x3F800000),
    (0x7F800001, NEGATIVE, NEGATIVE, NEGATIVE),  # a signalling NaN too
    (NAN, INFINITY, INFINITY, INFINITY),
    (NAN, 0xFFFFFFFF, NAN, NAN),
    (INFINITY, INFINITY | NEGATIVE, INFINITY | NEGATIVE, INFINITY),
    (INFINITY, 0x7F7FFFFF, 0x7F7FFFFF, INFINITY),
]


@pytest.mark.parametrize("a, b, least, greatest", EXTREMES)
def test_minimum_and_maximum_number(a: int, b: int, least: int, greatest: int) -> None:
    for left, right in ((a, b), (b, a)):
        minimum = floats.minimum_number(f32(left), f32(right))
        maximum = floats.maximum_number(f32(left), f32(right))
        assert hexadecimal(floats.bits_f32(minimum)) == [hex(least)]
        assert hexadecimal(floats.bits_f32(maximum)) == [hex(greatest)]


# Integers.


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (np.int8, 127.99, 127),
        (np.int8, 128.0, 127),
        (np.int8, -128.99, -128),
        (np.int8, -129.0, -128),
        (np.uint8, -0.99, 0),
        (np.uint8, -1.0, 0),
        (np.uint8, 255.99, 255),
        (np.uint8, 256.0, 255),
        (np.int16, 32768.0, 32767),
        (np.uint16, 65535.5, 65535),
        (np.int32, 2147483520.0, 2147483520),  # the float32 before 2**31
        (np.int32, 2.0**31, 2**31 - 1),
        (np.int32, -(2.0**31), -(2**31)),
        (np.int32, -2147483904.0, -(2**31)),  # the float32 after -2**31
        (np.uint32, 4294967040.0, 4294967040),
        (np.uint32, 2.0**32, 2**32 - 1),
        (np.int64, 9223371487098961920.0, 9223371487098961920),
        (np.int64, 2.0**63, 2**63 - 1),
        (np.int64, -(2.0**63), -(2**63)),
        (np.uint64, 2.0**63, 2**63),
        (np.uint64, 18446742974197923840.0, 18446742974197923840),
        (np.uint64, 2.0**64, 2**64 - 1),
        (np.uint64, float("inf"), 2**64 - 1),
        (np.int64, float("-inf"), -(2**63)),
        (np.uint32, float("-inf"), 0),
        (np.int32, float("nan"), 0),
        (np.uint64, float("nan"), 0),
        (np.int32, -1.99, -1),
        (np.int32, -0.0, 0),
    ],
)
def test_to_integer(dtype: type[np.integer[Any]], value: float, expected: int) -> None:
    result = floats.to_integer(numbers(value), dtype)
    assert result.dtype == dtype
    assert result.tolist() == [expected]


def test_round_even() -> None:
    values = numbers(0.5, 1.5, 2.5, -0.5, -1.5, -0.25, 8388607.5, 1e30)
    result = floats.round_even(values)
    expected = ["0.0", "2.0", "2.0", "-0.0", "-2.0", "-0.0"]
    assert [str(value) for value in result.tolist()[:6]] == expected
    assert result.tolist()[6:] == [8388608.0, float(np.float32(1e30))]


@pytest.mark.parametrize(
    ("integer", "dtype", "f32_code", "bf16_code"),
    [
        (0, np.int8, 0x00000000, 0x0000),
        (-128, np.int8, 0xC3000000, 0xC300),
        (255, np.uint8, 0x437F0000, 0x437F),
        (257, np.int16, 0x43808000, 0x4380),  # a tie of bf16, to even
        (259, np.int16, 0x43818000, 0x4382),
        (2**24 + 1, np.int32, 0x4B800000, 0x4B80),  # a tie of float32
        (2**24 + 3, np.uint32, 0x4B800002, 0x4B80),
        (2**31 - 1, np.int32, 0x4F000000, 0x4F00),
        # 257 * 2**k + 1 is a tie of bf16 once it went through float32 or float64.
        (257 * 2**20 + 1, np.int32, 0x4D808000, 0x4D81),
        (257 * 2**54 + 1, np.int64, 0x5E808000, 0x5E81),
        (-257 * 2**54 - 1, np.int64, 0xDE808000, 0xDE81),
        (259 * 2**54 - 1, np.int64, 0x5E818000, 0x5E81),
        (259 * 2**55 - 1, np.uint64, 0x5F018000, 0x5F01),
        # The same for float32, by way of float64.
        ((2**24 + 1) * 2**38 + 1, np.int64, 0x5E800001, 0x5E80),
        ((2**24 + 3) * 2**39 - 1, np.uint64, 0x5F000001, 0x5F00),
        (-(2**63), np.int64, 0xDF000000, 0xDF00),
        (2**63 - 1, np.int64, 0x5F000000, 0x5F00),
        (2**64 - 1, np.uint64, 0x5F800000, 0x5F80),
    ],
)
def test_from_integer(
    integer: int, dtype: type[np.integer[Any]], f32_code: int, bf16_code: int
) -> None:
    values = np.array([integer], dtype)
    assert hexadecimal(floats.bits_f32(floats.from_integer_f32(values))) == [hex(f32_code)]
    assert hexadecimal(floats.bits_bf16(floats.from_integer_bf16(values))) == [hex(bf16_code)]


# Codes and texts.


@pytest.mark.parametrize(
    ("value", "f32_code", "bf16_code"),
    [
        (0.0, 0x00000000, 0x0000),
        (-0.0, 0x80000000, 0x8000),
        (1.0, 0x3F800000, 0x3F80),
        (-2.5, 0xC0200000, 0xC020),
        (float("inf"), 0x7F800000, 0x7F80),
        (float("-inf"), 0xFF800000, 0xFF80),
        (float("nan"), 0x7FC00000, 0x7FC0),
        (1e300, 0x7F800000, 0x7F80),
        (-1e300, 0xFF800000, 0xFF80),
        (2.0**128 - 2.0**103, 0x7F800000, 0x7F80),  # half past the largest float32
        (2.0**128 - 2.0**103 - 2.0**75, 0x7F7FFFFF, 0x7F80),
        (2.0**128 - 2.0**119, 0x7F7F8000, 0x7F80),  # half past the largest bf16
        (2.0**128 - 2.0**119 - 2.0**75, 0x7F7F8000, 0x7F7F),
        (2.0**-150, 0x00000000, 0x0000),
        (2.0**-150 * 1.0000001, 0x00000001, 0x0000),
        (3 * 2.0**-150, 0x00000002, 0x0000),
        (2.0**-134, 0x00008000, 0x0000),
        (2.0**-134 * 1.0000001, 0x00008000, 0x0001),
        (5e-324, 0x00000000, 0x0000),
        (-5e-324, 0x80000000, 0x8000),
        (1 + 2.0**-8 + 2.0**-40, 0x3F808000, 0x3F81),  # rounded twice it were 0x3F80
        (1 + 3 * 2.0**-8 - 2.0**-40, 0x3F818000, 0x3F81),
    ],
)
def test_code_of_a_float(value: float, f32_code: int, bf16_code: int) -> None:
    assert hex(float_codes.f32_code(value)) == hex(f32_code)
    assert hex(float_codes.bf16_code(value)) == hex(bf16_code)


LITERALS = [
    ("0", 0x00000000, 0x0000),
    ("-0.0", 0x80000000, 0x8000),
    ("1.5", 0x3FC00000, 0x3FC0),
    ("+1.", 0x3F800000, 0x3F80),
    (".5", 0x3F000000, 0x3F00),
    ("-2e-3", 0xBB03126F, 0xBB03),
    ("2E+3", 0x44FA0000, 0x44FA),
    ("0x1.8p3", 0x41400000, 0x4140),
    ("-0X.8P-1", 0xBE800000, 0xBE80),
    ("0x10", 0x41800000, 0x4180),
    ("0x1p-149", 0x00000001, 0x0000),
    ("0x1p-150", 0x00000000, 0x0000),
    ("0x1.00000000000000000000000001p-150", 0x00000001, 0x0000),
    ("inf", 0x7F800000, 0x7F80),
    ("-INF", 0xFF800000, 0xFF80),
    ("nan", 0x7FC00000, 0x7FC0),
    ("-NaN", 0x7FC00000, 0x7FC0),
    # Half past the largest numbers, and the integers before.
    ("340282356779733661637539395458142568448", 0x7F800000, 0x7F80),
    ("340282356779733661637539395458142568447", 0x7F7FFFFF, 0x7F80),
    ("339617752923046005526922703901628039168", 0x7F7F8000, 0x7F80),
    ("339617752923046005526922703901628039167", 0x7F7F8000, 0x7F7F),
    # A tie, and the same with a digit too far for float64.
    ("1.000000059604644775390625", 0x3F800000, 0x3F80),
    ("1.0000000596046447753906250000000000001", 0x3F800001, 0x3F80),
    ("1.0000000596046447753906249999999999999", 0x3F800000, 0x3F80),
    ("1.00390625", 0x3F808000, 0x3F80),
    ("1.0039062500000000000000000001", 0x3F808000, 0x3F81),
    # Long and absurd texts.
    ("1.000000059604644775390625" + "0" * 9000 + "1", 0x3F800001, 0x3F80),
    ("1.000000059604644775390625" + "0" * 9000, 0x3F800000, 0x3F80),
    ("0." + "0" * 9000 + "1e9001", 0x3F800000, 0x3F80),
    ("1" + "0" * 9000 + "e-9000", 0x3F800000, 0x3F80),
    ("0x1" + "0" * 9000 + "p-36000", 0x3F800000, 0x3F80),
    ("0x0." + "0" * 9000 + "1p36004", 0x3F800000, 0x3F80),
    ("1e999999999", 0x7F800000, 0x7F80),
    ("-1e-999999999", 0x80000000, 0x8000),
    ("0e999999999", 0x00000000, 0x0000),
    ("1e" + "9" * 9000, 0x7F800000, 0x7F80),
    ("1e-" + "9" * 9000, 0x00000000, 0x0000),
    ("1e" + "0" * 9000 + "1", 0x41200000, 0x4120),
    ("-0x1p99999999999", 0xFF800000, 0xFF80),
    ("0x1p-99999999999", 0x00000000, 0x0000),
]


@pytest.mark.parametrize(
    ("text", "f32_code", "bf16_code"), LITERALS, ids=[literal[0][:40] for literal in LITERALS]
)
def test_code_of_a_literal(text: str, f32_code: int, bf16_code: int) -> None:
    result = float_codes.f32_code_of_text(text), float_codes.bf16_code_of_text(text)
    assert result == (f32_code, bf16_code)


@pytest.mark.parametrize(
    "text",
    [
        *("", "+", ".", "-.", "e5", "1e", "1e+", "0x", "0x.", "0xp1", "0x1p", "0b1", "1p3", "1f"),
        *("1_000", " 1", "1 ", "1\n", "--1", "1.5.2", "infinity", "nan1", "\u0661"),
    ],
)
def test_other_texts_have_no_code(text: str) -> None:
    assert float_codes.f32_code_of_text(text) is None
    assert float_codes.bf16_code_of_text(text) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x3F800000, "1.0"),
        (0xBDCCCCCD, "-0.1"),
        (0x80000000, "-0.0"),
        (0x00000001, "1e-45"),
        (0x7F7FFFFF, "3.4028235e+38"),
        (0x4B800000, "16777216.0"),
        (0x7F800000, "inf"),
        (0xFF800000, "-inf"),
        (0x7F800001, "nan"),
        (0xFFC00000, "nan"),
    ],
)
def test_text_of_f32(code: int, text: str) -> None:
    with np.errstate(all="raise"):
        assert float_codes.f32_text(code) == text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x3F80, "1.0"),
        (0xBDCD, "-0.1"),
        (0x8000, "-0.0"),
        (0x0001, "9e-41"),
        (0x0400, "1.51e-36"),  # not 1.505e-36, though 1.50e-36 is nearer,
        (0x7F7F, "3.39e+38"),
        (0x4380, "256.0"),
        (0x7F80, "inf"),
        (0xFF80, "-inf"),
        (0x7F81, "nan"),
        (0xFFC0, "nan"),
    ],
)
def test_text_of_bf16(code: int, text: str) -> None:
    with np.errstate(all="raise"):
        assert float_codes.bf16_text(code) == text


def test_every_bf16_number_reads_back_from_its_text() -> None:
    for code in range(0x7F80):
        text = float_codes.bf16_text(code)
        assert float_codes.bf16_code_of_text(text) == code
        assert float_codes.bf16_code_of_text(f"-{text}") == code | 0x8000


def test_texts_of_bf16_could_not_be_shorter() -> None:
    for code in range(0, 0x7F80, 4):  # all powers of two, about which the spacing is uneven
        text = float_codes.bf16_text(code)
        assert float_codes.bf16_text(code | 0x8000) == f"-{text}"
        digit_count = len(Decimal(text).normalize().as_tuple().digits)
        for rounding in (ROUND_FLOOR, ROUND_CEILING) if digit_count > 1 else ():
            shorter = Context(digit_count - 1, rounding).plus(Decimal(float(bf16(code)[0])))
            assert float_codes.bf16_code_of_text(str(shorter)) != code, (text, shorter)


def test_f32_numbers_read_back_from_their_texts() -> None:
    codes = np.random.default_rng(1).integers(0, INFINITY, 10_000).tolist()
    powers_of_two = [exponent << 23 for exponent in range(255)] + [1 << bit for bit in range(23)]
    for code in codes + powers_of_two:
        text = float_codes.f32_text(code)
        assert float_codes.f32_code_of_text(text) == code
        assert float_codes.f32_text(code | NEGATIVE) == f"-{text}"
