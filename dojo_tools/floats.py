"""Exact float32 and bf16 arithmetic over numpy arrays.

What IEEE 754 leaves to a host, and numpy does not offer, is built here from operations that are
exact everywhere: the fused multiply-add, the second format, and every conversion with one rounding.
All rounding is to nearest even; subnormals are kept; nothing depends on the host's own fused
multiply-add or on its NaN rules.

A float32 value is a `np.float32`, a bf16 value is a `np.float32` that holds a bf16 number. NaN
payloads have no meaning inside arithmetic: a NaN becomes canonical (`NAN_F32`, `NAN_BF16`) where
its bits are seen, in `bits_f32` and `bits_bf16`. Arrays of any shape broadcast; numpy scalars work.

float32 add, subtract, multiply, divide and square root are numpy's own. For bf16 they are
`round_bf16(a + b)` and so on: the rounding to float32 before it does no harm, for 24 bits are at
least 2 * 8 + 2 (Figueroa, "When is double rounding innocuous?"), and this stays true of bf16's
subnormal numbers, since float32 keeps 16 more bits there too. It is not true of three operands:
hence `fma_bf16`.

Infinities and NaNs are results here, not mistakes. A caller holds one `with quiet():` around all
its calls, so that numpy says nothing about them and no call pays for it.
"""

import functools
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dojo_tools.float_codes import NAN_F32

Float32Array: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]
IntegerArray: TypeAlias = NDArray[np.integer[Any]]

# Constants without dimension, but arrays: numpy takes these twice as fast as Python's numbers.
_NAN = np.array(NAN_F32, np.uint32).view(np.float32)
_HALF_WIDTH = np.array(16, np.uint32)
_HIGH_HALF = np.array(0xFFFF0000, np.uint32)
_LOW_HALF = np.array(0xFFFF, np.uint32)
_ZERO = np.array(0, np.float32)
_ONE = np.array(1, np.uint32)
_BF16_MIDPOINT = np.array(0x8000, np.uint32)
_BELOW_BF16_MIDPOINT = np.array(0x7FFF, np.uint32)
_AFTER_F32_MIDPOINT = np.array((1 << 28) - 1, np.int64)


def quiet() -> np.errstate:
    """Return the context in which the functions on arrays are called: no numpy warnings."""
    return np.errstate(all="ignore")


# Bits.


def bits_f32(values: Float32Array) -> NDArray[np.uint32]:
    """Return the codes of float32 values, NaNs canonical."""
    return canonical_f32(values).view(np.uint32)


def from_bits_f32(codes: NDArray[np.uint32]) -> Float32Array:
    """Return the float32 values of codes: a view, payloads kept."""
    return codes.view(np.float32)


def canonical_f32(values: Float32Array) -> Float32Array:
    """Return the values with every NaN the canonical one."""
    return np.where(np.isnan(values), _NAN, values)


def bits_bf16(values: Float32Array) -> NDArray[np.uint16]:
    """Return the codes of float32 values that are bf16 numbers, NaNs canonical."""
    return (bits_f32(values) >> _HALF_WIDTH).astype(np.uint16)


def from_bits_bf16(codes: NDArray[np.uint16]) -> Float32Array:
    """Return the float32 values of bf16 codes, payloads kept."""
    return (codes.astype(np.uint32) << _HALF_WIDTH).view(np.float32)


# Arithmetic.


def round_bf16(values: Float32Array) -> Float32Array:
    """Return float32 values rounded to bf16; from half past the largest number, infinity.

    In the codes a bf16 number is one whose low half is zero, and the order of codes is the order of
    magnitudes: so add just under a half, or a half if the number below is odd, and cut.
    """
    codes = canonical_f32(values).view(np.uint32)
    odd = (codes >> _HALF_WIDTH) & _ONE
    return ((codes + (_BELOW_BF16_MIDPOINT + odd)) & _HIGH_HALF).view(np.float32)


def fma_f32(a: Float32Array, b: Float32Array, c: Float32Array) -> Float32Array:
    """Return a * b + c of float32 values, rounded once to float32."""
    product: Float64Array = np.multiply(a, b, dtype=np.float64)
    return _sum_f32(product, c.astype(np.float64))


def fma_bf16(a: Float32Array, b: Float32Array, c: Float32Array) -> Float32Array:
    """Return a * b + c of bf16 values, rounded once to bf16."""
    product: Float64Array = np.multiply(a, b, dtype=np.float64)
    return _sum_bf16(product, c.astype(np.float64))


# The product of two float32 numbers is exact in float64: 24 + 24 bits of 53, and exponents in
# range. What remains is to round the sum of two float64 numbers once. Rounding it to float64 and
# then again goes wrong only where the first rounding lands on a midpoint, halfway between two
# numbers of the format, and thereby forgets on which side of it the sum was: rounding keeps order,
# so a sum beyond a midpoint cannot come out before it. Midpoints are rare and easily recognised,
# and there the rounding error of the sum, which is itself a float64 number, tells the side.


def _sum_f32(x: Float64Array, y: Float64Array) -> Float32Array:
    """Return x + y, rounded once to float32."""
    total = x + y
    result = total.astype(np.float32)
    # A midpoint has 25 significant bits or, among subnormals, fewer: the last 28 of 53 are zero.
    tail = total.view(np.int64) & _AFTER_F32_MIDPOINT
    if np.count_nonzero(tail) < tail.size:
        midpoint = (tail == 0) & (total != result)
        if np.count_nonzero(midpoint):
            nudged = _nudge(total, _rounding_error(x, y, total))
            result = np.where(midpoint, nudged.astype(np.float32), result)
    return result


def _sum_bf16(x: Float64Array, y: Float64Array) -> Float32Array:
    """Return x + y, rounded once to bf16."""
    total = x + y
    result = total.astype(np.float32)
    midpoint = (result.view(np.uint32) & _LOW_HALF) == _BF16_MIDPOINT
    if np.count_nonzero(midpoint):
        # The difference is exact and, unless zero, outweighs the error: their sum has its sign.
        error = (total - result) + _rounding_error(x, y, total)
        result = np.where(midpoint, _nudge(result, error), result)
    return round_bf16(result)


def _rounding_error(x: Float64Array, y: Float64Array, total: Float64Array) -> Float64Array:
    """Return (x + y) - total, exactly, where `total` is x + y rounded: Knuth's TwoSum."""
    y_part = total - x
    x_part = total - y_part
    return (x - x_part) + (y - y_part)


def _nudge(values: NDArray[Any], error: Float64Array) -> NDArray[Any]:
    """Return each value, or its neighbour in the direction of a non-zero error."""
    direction = np.where(error > 0, np.inf, -np.inf).astype(values.dtype)
    return np.where(error == 0, values, np.nextafter(values, direction))


def minimum_number(a: Float32Array, b: Float32Array) -> Float32Array:
    """Return IEEE 754-2019 minimumNumber: -0 is less than +0, NaN only where both are NaN."""
    take_a = (a < b) | np.isnan(b) | ((a == b) & np.signbit(a))
    return np.where(take_a, a, b)


def maximum_number(a: Float32Array, b: Float32Array) -> Float32Array:
    """Return IEEE 754-2019 maximumNumber: -0 is less than +0, NaN only where both are NaN."""
    take_a = (a > b) | np.isnan(b) | ((a == b) & np.signbit(b))
    return np.where(take_a, a, b)


# Conversions.


def round_even(values: Float32Array) -> Float32Array:
    """Return the nearest integral values, ties to even; the sign of a zero is kept."""
    return np.rint(values)


def to_integer(values: Float32Array, dtype: DTypeLike) -> IntegerArray:
    """Return the values as integers of `dtype`: truncated, saturated, NaN to 0."""
    least, greatest, low, beyond = _integer_limits(np.dtype(dtype))
    too_low = values < low
    fits = (values >= low) & (values < beyond)
    integers = np.where(fits, values, _ZERO).astype(least.dtype)
    integers = np.where(too_low, least, integers)
    return np.where(values >= beyond, greatest, integers)


@functools.cache
def _integer_limits(
    dtype: np.dtype[Any],
) -> tuple[IntegerArray, IntegerArray, Float32Array, Float32Array]:
    """Return the least and the greatest integer, and as float32 the least and the first too great.

    The least is 0 or a power of two and the greatest is one less than a power of two, so these two
    are float32 numbers; the greatest need not be one.
    """
    limits = np.iinfo(dtype)
    integers = np.array(limits.min, dtype), np.array(limits.max, dtype)
    return *integers, np.array(limits.min, np.float32), np.array(limits.max + 1, np.float32)


def from_integer_f32(values: IntegerArray) -> Float32Array:
    """Return integers of any width as float32, rounded once: the host's own conversion."""
    return values.astype(np.float32)


def from_integer_bf16(values: IntegerArray) -> Float32Array:
    """Return integers of any width as bf16, rounded once."""
    wide = values if values.dtype == np.uint64 else values.astype(np.int64)
    high = (wide >> 32).astype(np.float64) * 2.0**32
    low = (wide & 0xFFFFFFFF).astype(np.float64)
    return _sum_bf16(high, low)
