"""Values to codes, one block at a time: the arithmetic of a conversion with a single rounding.

A value is scaled by 2^bias, so that the least normal number is 2 whatever the bias. From there up
the bits of a float64 are the wanted code, exponent and mantissa alike, with more mantissa below:
adding half a unit, or random bits, and shifting rounds it, and a carry runs into the exponent as it
should. Below 2 the numbers lie at equal distances, and multiplying by a power of two makes codes of
them, except in the gap that the printed rule leaves between the largest denormal and 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dojo_tools.formats.philox import WORD_WIDTH
from dojo_tools.formats.table import Denormals, Flag, Format

Float = NDArray[np.float32] | NDArray[np.float64]
Words = NDArray[np.uint32]

_FRACTION_WIDTH = 52  # of float64
_EXPONENT_BIAS = 1023
_NORMAL_MIN = 2.0
_ONE = np.uint64(1)
_INVALID, _DENORMAL, _OVERFLOW, _UNDERFLOW = (np.uint8(flag) for flag in Flag)
_SIGN_SHIFT = np.uint64(63)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A conversion to one format with one bias and one rule of denormals."""

    row: Format
    bias: int
    denormals: Denormals

    @property
    def has_gap(self) -> bool:
        """Whether denormals end well below the least normal number."""
        return self.row.has_printed_denormals and self.denormals == "printed"


def narrow(
    values: Float, narrowing: Narrowing, words: Words | None, flags: NDArray[np.uint8] | None
) -> NDArray[np.unsignedinteger]:
    """Return the codes of a row of values; add the flags of each to `flags`.

    `words` are the random bits of stochastic rounding, None means nearest even.
    """
    row = narrowing.row
    wide = values.astype(np.float64)
    negative = wide.view(np.uint64) >> _SIGN_SHIFT
    scaled = np.abs(wide) * 2.0**narrowing.bias
    # What is beyond every number, NaNs included, need not be told apart yet.
    np.fmin(scaled, 2.0 ** (row.exponent_max + 1), out=scaled)
    codes = _round_normal(scaled.view(np.uint64), row.mantissa_width, words)
    inexact = _place_tiny(scaled, codes, narrowing, words)
    if flags is not None:
        flags[inexact] |= _UNDERFLOW
        flags[codes > row.code_max] |= _OVERFLOW
    np.minimum(codes, np.uint64(row.code_max + (0 if row.saturates else 1)), out=codes)
    if row.sign_width:
        codes |= negative << np.uint64(row.width - 1)
    _place_special(values, codes, row, flags)
    return codes.astype(row.dtype)


def _round_normal(
    bits: NDArray[np.uint64], mantissa_width: int, words: Words | None
) -> NDArray[np.uint64]:
    """Return the rounded codes of scaled values from 2 up; what it makes of others is void."""
    cut_width = _FRACTION_WIDTH - mantissa_width
    cut = np.uint64(cut_width)
    fixed = bits - np.uint64(_EXPONENT_BIAS << _FRACTION_WIDTH)
    if words is None:
        odd = (fixed >> cut) & _ONE
        fixed += np.uint64((1 << (cut_width - 1)) - 1)
        fixed += odd
    elif cut_width >= WORD_WIDTH:
        fixed += words.astype(np.uint64) << np.uint64(cut_width - WORD_WIDTH)
    else:
        fixed += words >> np.uint32(WORD_WIDTH - cut_width)
    fixed >>= cut
    return fixed


def _place_tiny(
    scaled: NDArray[np.float64],
    codes: NDArray[np.uint64],
    narrowing: Narrowing,
    words: Words | None,
) -> NDArray[np.intp]:
    """Write the codes of values below the least normal number; return where they are inexact."""
    places = np.flatnonzero(scaled < _NORMAL_MIN)
    if not places.size:
        return places
    tiny = scaled[places]
    row = narrowing.row
    if row.flushes_denormals:
        codes[places] = 0
        return places[tiny != 0]
    # In units of the least denormal.
    tiny *= 2.0 ** (row.mantissa_width - (0 if narrowing.has_gap else 1))
    tiny_words = None if words is None else words[places]
    lower = np.floor(tiny)
    up = _rounds_up(tiny - lower, lower, 1, tiny_words)
    if narrowing.has_gap:
        denormal_max = (1 << row.mantissa_width) - 1
        gaps = np.flatnonzero(tiny > denormal_max)
        distance = tiny[gaps] - denormal_max
        lower[gaps] = denormal_max
        gap_words = None if tiny_words is None else tiny_words[gaps]
        up[gaps] = _rounds_up(distance, lower[gaps], denormal_max + 2, gap_words)
    codes[places] = (lower + up).astype(np.uint64)
    return places[tiny != lower]


def _rounds_up(
    distance: NDArray[np.float64], lower: NDArray[np.float64], gap: int, words: Words | None
) -> NDArray[np.bool_]:
    """Return whether values this far above the code `lower` become the next code, `gap` above."""
    if words is None:
        twice = distance * 2
        return (twice > gap) | ((twice == gap) & (lower % 2 == 1))
    # Exact: the floor of a quotient by an integer is that of the floor.
    fraction = (distance * 2.0**WORD_WIDTH).astype(np.uint64) // np.uint64(gap)
    return fraction + words >= np.uint64(1 << WORD_WIDTH)


def _place_special(
    values: Float, codes: NDArray[np.uint64], row: Format, flags: NDArray[np.uint8] | None
) -> None:
    """Write the codes of NaNs and of what UHP can't hold; put the flags of operands right."""
    nan = np.isnan(values)
    has_nan = bool(nan.any())
    if has_nan:
        codes[nan] = row.nan_code
    negative = None if row.sign_width else values < 0
    if negative is not None:
        codes[negative] = 0
    if flags is None:
        return
    if not row.saturates:
        flags[np.isinf(values)] &= ~_OVERFLOW
    if negative is not None:
        flags[negative] = _INVALID
    if has_nan:
        flags[nan] = _INVALID
    limit = np.finfo(values.dtype).smallest_normal
    flags[(np.abs(values) < limit) & (values != 0)] |= _DENORMAL
