"""Integer arithmetic that generated code calls where numpy and Python differ from the machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.bits import mask

Array = NDArray[Any]


def div_scalar(a: int, b: int, width: int, signed: bool) -> int:
    """Return a / b toward zero; x / 0 is -1 (all ones), the least number / -1 is itself."""
    if b == 0:
        return -1 if signed else mask(width)
    quotient = abs(a) // abs(b)
    if (a < 0) != (b < 0):
        return -quotient
    return a if signed and quotient > mask(width - 1) else quotient


def rem_scalar(a: int, b: int, width: int, signed: bool) -> int:
    """Return the remainder with the sign of a; x % 0 is x, the least number % -1 is 0."""
    if b == 0:
        return a
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def _each(function: Any, a: Array, b: Array, *rest: Any) -> Array:
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    return np.array([function(x, y, *rest) for x, y in pairs], a.dtype)


def div_vector(a: Array, b: Array, width: int, signed: bool) -> Array:
    """Return the quotient of each lane, as `div_scalar`."""
    return _each(div_scalar, a, b, width, signed)


def rem_vector(a: Array, b: Array, width: int, signed: bool) -> Array:
    """Return the remainder of each lane, as `rem_scalar`."""
    return _each(rem_scalar, a, b, width, signed)


def divide_float(a: Any, b: Any) -> Any:
    """Return the float32 quotient."""
    return np.divide(a, b, dtype=np.float32)


def mulhi_vector(a: Array, b: Array, width: int) -> Array:
    """Return the high half of the product of each lane."""
    return _each(_high_product, a, b, width)


def _high_product(a: int, b: int, width: int) -> int:
    return a * b >> width


def clz_scalar(value: int, width: int) -> int:
    """Return the count of leading zero bits of the low `width` bits."""
    return width - (value & mask(width)).bit_length()


def ctz_scalar(value: int, width: int) -> int:
    """Return the count of trailing zero bits of the low `width` bits; `width` for zero."""
    return ((value & -value).bit_length() - 1) if value & mask(width) else width


def popcount_scalar(value: int, width: int) -> int:
    """Return the count of set bits of the low `width` bits."""
    return (value & mask(width)).bit_count()


def clz_vector(values: Array, width: int) -> Array:
    """Return the count of leading zero bits of each lane."""
    return np.array([clz_scalar(value, width) for value in values.tolist()], values.dtype)


def ctz_vector(values: Array, width: int) -> Array:
    """Return the count of trailing zero bits of each lane."""
    return np.array([ctz_scalar(value, width) for value in values.tolist()], values.dtype)


def popcount_vector(values: Array, width: int) -> Array:
    """Return the count of set bits of each lane."""
    return np.array([popcount_scalar(value, width) for value in values.tolist()], values.dtype)


def replace(values: Array, index: int, value: Any) -> Array:
    """Return the vector with one lane, counted modulo the lanes, replaced."""
    replaced = values.copy()
    replaced[index % len(values)] = value
    return replaced


def permute(values: Array, indices: Array) -> Array:
    """Return for each index the lane it numbers; 0 where there is no such lane."""
    inside = indices < len(values)
    chosen = values[np.where(inside, indices, 0).astype(np.intp)]
    return np.where(inside, chosen, values.dtype.type(0))


def compress(values: Array, chosen: NDArray[np.bool_]) -> Array:
    """Return the chosen lanes, moved to the lowest lanes, then zeros."""
    kept = values[chosen]
    packed = np.zeros_like(values)
    packed[: len(kept)] = kept
    return packed


def expand(values: Array, chosen: NDArray[np.bool_]) -> Array:
    """Return the lowest lanes, moved in order to the chosen lanes; zeros in the others."""
    spread = np.zeros_like(values)
    spread[chosen] = values[: np.count_nonzero(chosen)]
    return spread


def pack_mask(lanes: NDArray[np.bool_]) -> int:
    """Return truth values as bits, lane 0 the least significant."""
    return int.from_bytes(np.packbits(lanes, bitorder="little").tobytes(), "little")


def unpack_mask(bits: int, lanes: int) -> NDArray[np.bool_]:
    """Return the low `lanes` bits as truth values."""
    octets = np.frombuffer(bits.to_bytes(8, "little"), np.uint8)
    return np.unpackbits(octets, bitorder="little")[:lanes].astype(np.bool_)
