"""Codes to values: a table of all codes, computed once from the definition of the format.

Every number of every format, at every bias, is a float32 number: the largest is below 2^128, and
the least, 2^-73 of SHP with the printed rule and bias 63, is a normal one. So nothing is rounded.
"""

import functools
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dojo_tools import float_codes, floats
from dojo_tools.bits import mask
from dojo_tools.diagnostics import fail
from dojo_tools.formats.table import (
    Denormals,
    Flag,
    Format,
    bias_of,
    check_choice,
    format_named,
)

TABLE_WIDTH_MAX = 16
TABLES_MAX = 64


@overload
def decode(
    codes: ArrayLike,
    format: str,
    bias: int | None = None,
    denormals: Denormals = "printed",
    return_flags: Literal[False] = False,
) -> NDArray[np.float32]: ...


@overload
def decode(
    codes: ArrayLike,
    format: str,
    bias: int | None = None,
    denormals: Denormals = "printed",
    *,
    return_flags: Literal[True],
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]: ...


def decode(
    codes: ArrayLike,
    format: str,
    bias: int | None = None,
    denormals: Denormals = "printed",
    return_flags: bool = False,
) -> NDArray[np.float32] | tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the float32 values of codes, exact, in the shape of `codes`.

    `bias` is needed for cfloat8_1_4_3, cfloat8_1_5_2 and shp, 0 to 63. `denormals` matters for
    these three alone. With `return_flags` also return the flags of each element: denormal operands
    and, in uhp, NaNs. Raises `InputError` for codes, names and biases that don't fit.
    """
    row = format_named(format)
    check_choice("denormal rule", denormals, get_args(Denormals))
    bias = bias_of(row, bias)
    checked = _checked_codes(codes, row)
    if row.width > TABLE_WIDTH_MAX:
        values = floats.from_bits_f32(checked.astype(np.uint32))
        flags = np.zeros(values.shape, np.uint8)
    else:
        value_table, flag_table = tables(row, bias, denormals)
        values = np.asarray(value_table[checked])
        flags = np.asarray(flag_table[checked]) if return_flags else flag_table
    return (values, flags) if return_flags else values


def _checked_codes(codes: ArrayLike, row: Format) -> NDArray[Any]:
    """Return codes as an array; `InputError` unless they are integers of the format's width."""
    try:
        array: NDArray[Any] = np.asarray(codes)
    except ValueError as error:
        raise fail(f"codes of {row.name} do not form an array: {error}") from None
    if array.size == 0:
        return array.astype(row.dtype)
    if array.dtype.kind not in "iu":
        raise fail(f"codes of {row.name} are integers, 0..{mask(row.width)}; found {array.dtype}")
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > mask(row.width):
        found = low if low < 0 else high
        raise fail(f"code {found} does not fit {row.name}: 0..{mask(row.width)}")
    return array


@functools.lru_cache(maxsize=TABLES_MAX)
def tables(
    row: Format, bias: int, denormals: Denormals
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the value and the flags of every code of a format of at most 16 bits."""
    codes = np.arange(1 << row.width)
    mantissa = codes & mask(row.mantissa_width)
    exponent = codes >> row.mantissa_width & mask(row.exponent_width)
    is_denormal = (exponent == 0) & (mantissa != 0)

    significand = mantissa + (exponent != 0) * (1 << row.mantissa_width)
    scale = exponent - bias - row.mantissa_width
    magnitude = np.ldexp(significand.astype(np.float64), scale)
    unit = 0.0 if row.flushes_denormals else row.denormal_min(bias, denormals)
    magnitude[is_denormal] = mantissa[is_denormal] * unit

    is_nan = np.zeros(codes.shape, np.bool_)
    if not row.saturates:
        is_special = exponent == mask(row.exponent_width)
        is_nan = is_special & (mantissa != 0)
        magnitude[is_special] = np.inf
    is_negative = codes >> (row.width - 1) & row.sign_width != 0
    values = np.where(is_negative, -magnitude, magnitude).astype(np.float32)
    values[is_nan] = np.uint32(float_codes.NAN_F32).view(np.float32)

    flags = is_denormal * np.uint8(Flag.DENORMAL) | is_nan * np.uint8(Flag.INVALID)
    flags = flags if row.sets_flags else np.zeros_like(flags)
    for table in (values, flags):
        table.flags.writeable = False
    return values, flags


def summary(flags: NDArray[np.uint8]) -> Flag:
    """Return the flags that any element sets, as sticky flags hold them."""
    return Flag(int(np.bitwise_or.reduce(flags, axis=None, initial=0)))
