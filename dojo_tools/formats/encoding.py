"""Values to codes: what callers may pass, checked, and the conversion in blocks of cache size."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dojo_tools import floats
from dojo_tools.bits import mask
from dojo_tools.diagnostics import fail
from dojo_tools.excerpt import printable
from dojo_tools.formats.narrowing import Float, Narrowing, Words, narrow
from dojo_tools.formats.philox import SEED_WIDTH, WORD_WIDTH, random_lanes
from dojo_tools.formats.table import (
    Denormals,
    Rounding,
    bias_of,
    check_choice,
    checked_integer,
    format_named,
)

Codes = NDArray[np.unsignedinteger]

BLOCK_SIZE = 1 << 14  # elements; a multiple of the lanes of a Philox block
INTEGER_MAX = 1 << 53  # up to here every integer is a float64 number


@overload
def encode(
    values: ArrayLike,
    format: str,
    bias: int | None = None,
    rounding: Rounding = "nearest",
    seed: int | None = None,
    random_bits: ArrayLike | None = None,
    denormals: Denormals = "printed",
    return_flags: Literal[False] = False,
) -> Codes: ...


@overload
def encode(
    values: ArrayLike,
    format: str,
    bias: int | None = None,
    rounding: Rounding = "nearest",
    seed: int | None = None,
    random_bits: ArrayLike | None = None,
    denormals: Denormals = "printed",
    *,
    return_flags: Literal[True],
) -> tuple[Codes, NDArray[np.uint8]]: ...


def encode(
    values: ArrayLike,
    format: str,
    bias: int | None = None,
    rounding: Rounding = "nearest",
    seed: int | None = None,
    random_bits: ArrayLike | None = None,
    denormals: Denormals = "printed",
    return_flags: bool = False,
) -> Codes | tuple[Codes, NDArray[np.uint8]]:
    """Return the codes of values, rounded once, as unsigned integers in the shape of `values`.

    Values are floats of up to 64 bits, or integers up to 2^53. `bias` is needed for cfloat8_1_4_3,
    cfloat8_1_5_2 and shp, 0 to 63. Stochastic rounding takes its bits from `seed`, the array in
    C order being one draw of the node (0, 0)'s thread 0, or from `random_bits`, 32-bit integers
    that broadcast to the shape of `values`; nearest rounding looks at neither. With `return_flags`
    also return the flags of each element. Raises `InputError` for what doesn't fit.
    """
    row = format_named(format)
    check_choice("rounding", rounding, get_args(Rounding))
    check_choice("denormal rule", denormals, get_args(Denormals))
    narrowing = Narrowing(row, bias_of(row, bias), denormals)
    array = _checked_values(values)
    flat = array.reshape(-1)
    words = None
    if rounding == "stochastic":
        words = _random_words(array.shape, seed, random_bits)
    codes = np.empty(flat.shape, row.dtype)
    flags = np.zeros(flat.shape, np.uint8) if return_flags else None
    block_flags = flags if row.sets_flags else None
    with floats.quiet():
        for start in range(0, flat.size, BLOCK_SIZE):
            block = slice(start, start + BLOCK_SIZE)
            codes[block] = narrow(
                _as_float(flat[block]),
                narrowing,
                None if words is None else next(words),
                None if block_flags is None else block_flags[block],
            )
    shaped = codes.reshape(array.shape)
    return shaped if flags is None else (shaped, flags.reshape(array.shape))


def _checked_values(values: ArrayLike) -> NDArray[Any]:
    """Return values as an array of a type that float64 holds exactly, or raise `InputError`."""
    try:
        array: NDArray[Any] = np.asarray(values)
    except ValueError as error:
        raise fail(f"values do not form an array: {error}") from None
    if array.dtype.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        if max(-low, high) > INTEGER_MAX:
            found = low if -low > high else high
            raise fail(f"integer {found} does not fit: -2^53..2^53")
    elif array.dtype.kind == "b" or not np.can_cast(array.dtype, np.float64):
        raise fail(
            f"values of type {printable(str(array.dtype))} can't be converted: floats of up to "
            "64 bits and integers fit"
        )
    return array


def _as_float(block: NDArray[Any]) -> Float:
    """Return a block as float32 or float64, whichever holds it exactly."""
    if np.can_cast(block.dtype, np.float32):
        return block.astype(np.float32, copy=False)
    return block.astype(np.float64, copy=False)


def _random_words(
    shape: tuple[int, ...], seed: int | None, random_bits: ArrayLike | None
) -> Iterator[Words]:
    """Return an iterator over the random words of each block, or raise `InputError`."""
    if seed is None and random_bits is None:
        raise fail("stochastic rounding needs a source of bits: `seed` or `random_bits`")
    if random_bits is not None:
        if seed is not None:
            raise fail("stochastic rounding takes its bits from `seed` or `random_bits`, not both")
        return _given_words(shape, random_bits)
    assert seed is not None
    key = checked_integer("seed", seed, SEED_WIDTH)
    size = int(np.prod(shape))
    return (
        random_lanes(key, min(BLOCK_SIZE, size - start), first=start)
        for start in range(0, size, BLOCK_SIZE)
    )


def _given_words(shape: tuple[int, ...], random_bits: ArrayLike) -> Iterator[Words]:
    array: NDArray[Any] = np.asarray(random_bits)
    if array.dtype.kind not in "iu":
        raise fail(f"random bits are integers, 0..2^{WORD_WIDTH} - 1; found {array.dtype}")
    for found in (int(array.min()), int(array.max())) if array.size else ():
        if not 0 <= found <= mask(WORD_WIDTH):
            raise fail(f"random bits {found} do not fit: 0..2^{WORD_WIDTH} - 1")
    try:
        flat = np.broadcast_to(array, shape).reshape(-1)
    except ValueError:
        raise fail(
            f"random bits of shape {array.shape} do not fit values of shape {shape}"
        ) from None
    return (
        flat[start : start + BLOCK_SIZE].astype(np.uint32)
        for start in range(0, flat.size, BLOCK_SIZE)
    )
