"""The codes and texts of single float32 and bf16 numbers, for tools: exact, and without numpy."""

import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, ROUND_UP, Context, Decimal

from dojo_tools.bits import mask

NAN_F32 = 0x7FC00000
NAN_BF16 = 0x7FC0


def f32_code(value: float) -> int:
    """Return the float32 code of a number, rounded once; a NaN gives the canonical one."""
    return _code(value, _F32_FRACTION_BITS)


def bf16_code(value: float) -> int:
    """Return the bf16 code of a number, rounded once; a NaN gives the canonical one."""
    return _code(value, _BF16_FRACTION_BITS)


def f32_code_of_text(text: str) -> int | None:
    """Return the float32 code of a literal, rounded once from its exact value; None if it is none.

    Literals are decimal (`1`, `-2.5e-3`, `.5`), hexadecimal (`0x1.8p3`), `inf` and `nan`, with a
    sign or without, in either case.
    """
    return _code_of_text(text, _F32_FRACTION_BITS)


def bf16_code_of_text(text: str) -> int | None:
    """Return the bf16 code of a literal as `f32_code_of_text` does."""
    return _code_of_text(text, _BF16_FRACTION_BITS)


def odd_of_text(text: str) -> float | None:
    """Return the value of a literal as float64, rounded to odd; None if it is none.

    An odd significand stands for what was cut: rounding again, to a format of at most 50 bits and a
    smaller range, gives what rounding the exact value once would.
    """
    match = _LITERAL.fullmatch(text)
    if match is None:
        return None
    if match["nan"]:
        return math.nan
    magnitude = math.inf if match["inf"] else _odd(*_quotient(match))
    return -magnitude if match["sign"] == "-" else magnitude


def f32_text(code: int) -> str:
    """Return the shortest decimal that reads back as the code; `nan` for every NaN."""
    return _shortest(code, code, f32_code_of_text, _F32_DIGITS_MAX)


def bf16_text(code: int) -> str:
    """Return the shortest decimal that reads back as the code; `nan` for every NaN."""
    return _shortest(code, code << 16, bf16_code_of_text, _BF16_DIGITS_MAX)


def _shortest(
    code: int, word: int, code_of_text: Callable[[str], int | None], digits_max: int
) -> str:
    """Return the shortest decimal that has a code; `word` is the float32 number that it means."""
    value = struct.unpack("<f", word.to_bytes(4, "little"))[0]
    if not math.isfinite(value):
        return repr(value)
    exact = Decimal(value)
    # Above a power of two more decimals read back than below: the nearest may not, the next may.
    texts = (
        str(Context(digit_count, rounding).create_decimal(exact))
        for digit_count in range(1, digits_max + 1)
        for rounding in (ROUND_HALF_EVEN, ROUND_UP)
    )
    return repr(float(next(text for text in texts if code_of_text(text) == code)))


_F32_FRACTION_BITS = 23
_BF16_FRACTION_BITS = 7
_ODD_BITS = 53
_EXPONENT_MIN = -126
_F32_DIGITS_MAX = 9  # enough to tell all float32 numbers apart
_BF16_DIGITS_MAX = 4  # and all bf16 numbers


def _code(value: float, fraction_bits: int) -> int:
    negative = math.copysign(1.0, value) < 0
    if math.isnan(value):
        return _infinity(fraction_bits) | 1 << (fraction_bits - 1)
    if math.isinf(value):
        return _with_sign(negative, _infinity(fraction_bits), fraction_bits)
    numerator, denominator = abs(value).as_integer_ratio()
    return _with_sign(negative, _round(numerator, denominator, fraction_bits), fraction_bits)


def _odd(numerator: int, denominator: int) -> float:
    """Return a quotient that is not negative, rounded to odd; infinity where it is too large."""
    if numerator == 0:
        return 0.0
    shift = _ODD_BITS + 1 - numerator.bit_length() + denominator.bit_length()
    quotient, rest = divmod(numerator << max(shift, 0), denominator << max(-shift, 0))
    cut = quotient.bit_length() - _ODD_BITS
    kept = quotient >> cut | (rest != 0 or quotient & mask(cut) != 0)
    try:
        return math.ldexp(kept, cut - shift) or math.ulp(0.0)
    except OverflowError:
        return math.inf


def _infinity(fraction_bits: int) -> int:
    return 0xFF << fraction_bits


def _with_sign(negative: bool, magnitude: int, fraction_bits: int) -> int:
    return negative << (fraction_bits + 8) | magnitude


def _round(numerator: int, denominator: int, fraction_bits: int) -> int:
    """Return the code of a quotient that is not negative, rounded once to nearest even."""
    if numerator == 0:
        return 0
    exponent = numerator.bit_length() - denominator.bit_length()
    if numerator << max(-exponent, 0) < denominator << max(exponent, 0):
        exponent -= 1  # now 2**exponent <= quotient < 2**(exponent + 1)
    exponent = max(exponent, _EXPONENT_MIN)
    shift = fraction_bits - exponent
    divisor = denominator << max(-shift, 0)
    significand, rest = divmod(numerator << max(shift, 0), divisor)
    if rest * 2 + significand % 2 > divisor:
        significand += 1
    # The hidden bit of a normal number, and a carry out of the rounding, count in the exponent.
    code = ((exponent - _EXPONENT_MIN) << fraction_bits) + significand
    return min(code, _infinity(fraction_bits))


_LITERAL = re.compile(
    r"""(?P<sign>[+-]?)
    (?: (?P<nan>nan) | (?P<inf>inf)
    | 0x (?=\.?[0-9a-f]) (?P<hex_whole>[0-9a-f]*) (?:\.(?P<hex_fraction>[0-9a-f]*))?
      (?:p(?P<hex_exponent>[+-]?[0-9]+))?
    | (?=\.?[0-9]) (?P<whole>[0-9]*) (?:\.(?P<fraction>[0-9]*))?
      (?:e(?P<exponent>[+-]?[0-9]+))?
    )""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def _code_of_text(text: str, fraction_bits: int) -> int | None:
    match = _LITERAL.fullmatch(text)
    if match is None:
        return None
    if match["nan"]:
        return _code(math.nan, fraction_bits)
    negative = match["sign"] == "-"
    if match["inf"]:
        return _code(-math.inf if negative else math.inf, fraction_bits)
    return _with_sign(negative, _round(*_quotient(match), fraction_bits), fraction_bits)


def _quotient(match: re.Match[str]) -> tuple[int, int]:
    """Return the magnitude of a literal that is a number as a quotient, as `_ratio` does."""
    if match["hex_whole"] is not None:
        groups = match.group("hex_whole", "hex_fraction", "hex_exponent")
        return _ratio(*groups, base=16, radix=2, digit_scale=4)
    groups = match.group("whole", "fraction", "exponent")
    return _ratio(*groups, base=10, radix=10, digit_scale=1)


def _ratio(
    whole: str, fraction: str | None, exponent: str | None, base: int, radix: int, digit_scale: int
) -> tuple[int, int]:
    """Return whole.fraction * radix**exponent as a quotient, or one that rounds to the same code.

    The other one is for absurd texts, whose exact value may be out of reach. A digit counts as
    much as `digit_scale` in the exponent.
    """
    digits = (whole + (fraction or "")).lstrip("0")
    scale = _exponent_value(exponent or "0") - digit_scale * len(fraction or "")
    # No midpoint of the formats has 200 digits; after those it only matters if any is not zero.
    kept, cut = digits[:200], digits[200:]
    kept += "1" if cut.strip("0") else "0"
    scale += digit_scale * (len(cut) - 1)
    # The 201 digits times radix**-1600 still round to zero, and radix**1600 to infinity.
    scale = max(-1600, min(scale, 1600))
    return int(kept, base) * radix ** max(scale, 0), radix ** max(-scale, 0)


def _exponent_value(text: str) -> int:
    """Return the number, of whose digits nine are enough to be out of every range."""
    magnitude = int(text.lstrip("+-").lstrip("0")[:9] or "0")
    return -magnitude if text.startswith("-") else magnitude
