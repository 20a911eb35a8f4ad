"""The number formats of the D1 as a table: widths, bias, what is published and what is chosen.

"The paper" is Tesla, "Tesla Dojo Technology: A Guide to Tesla's Configurable Floating Point Formats
& Arithmetic", 2021. It gives the widths, the values of normal numbers, the formula 2^-bias * 0.m of
CFloat8 denormals, what happens to infinities, NaNs and too large results, and the four flags. What
it leaves open is decided in `CHOICES`; `docs/number-formats.md` explains both.
"""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from typing import Literal, SupportsIndex, TypeAlias

from dojo_tools.bits import mask
from dojo_tools.diagnostics import did_you_mean, fail
from dojo_tools.excerpt import printable

Rounding: TypeAlias = Literal["nearest", "stochastic"]
Denormals: TypeAlias = Literal["printed", "gradual"]

BIAS_WIDTH = 6  # published: an unsigned number
BIAS_MAX = mask(BIAS_WIDTH)


class Flag(IntFlag):
    """The four flags of the paper; the bits are those of the control register `flags`."""

    NONE = 0
    INVALID = 1
    DENORMAL = 2
    OVERFLOW = 4
    UNDERFLOW = 8


@dataclass(frozen=True, slots=True)
class Format:
    """One format: the fields of its codes from the top bit are sign, exponent, mantissa."""

    name: str
    sign_width: int
    exponent_width: int
    mantissa_width: int
    fixed_bias: int | None
    """None where the bias is a setting, 0 to `BIAS_MAX`, that the codes don't hold."""

    source: str
    """Where the facts of the row come from."""

    saturates: bool = False
    """No codes for infinity and NaN: the largest exponent is an ordinary one, results clamp."""

    has_printed_denormals: bool = False
    """Denormals are 2^-bias * 0.m unless the gradual rule, 2^(1 - bias) * 0.m, is asked for."""

    flushes_denormals: bool = False
    """Denormal codes read as zero and are never a result."""

    sets_flags: bool = True
    """A CFloat format: conversions from and to it set flags."""

    @property
    def width(self) -> int:
        """The width of a code."""
        return self.sign_width + self.exponent_width + self.mantissa_width

    @property
    def dtype(self) -> str:
        """The numpy type of the unsigned integers that hold codes."""
        return f"u{self.width // 8}"

    @property
    def exponent_max(self) -> int:
        """The exponent field of the largest finite number."""
        return mask(self.exponent_width) - (0 if self.saturates else 1)

    @property
    def code_max(self) -> int:
        """The code of the largest finite number; one more is infinity where there is one."""
        return (self.exponent_max << self.mantissa_width) | mask(self.mantissa_width)

    @property
    def nan_code(self) -> int:
        """The canonical NaN, or where there is none the code that a NaN becomes."""
        return self.code_max if self.saturates else self.code_max + 1 + self._mantissa_top

    @property
    def _mantissa_top(self) -> int:
        return 1 << (self.mantissa_width - 1)

    @property
    def bias_text(self) -> str:
        """The biases that fit."""
        return f"0..{BIAS_MAX}" if self.fixed_bias is None else str(self.fixed_bias)

    def finite_max(self, bias: int) -> float:
        """Return the largest finite number."""
        return (2 - 2.0**-self.mantissa_width) * 2.0 ** (self.exponent_max - bias)

    def normal_min(self, bias: int) -> float:
        """Return the least positive normal number."""
        return 2.0 ** (1 - bias)

    def denormal_min(self, bias: int, denormals: Denormals) -> float:
        """Return the least positive denormal number, which is the distance between denormals."""
        printed = self.has_printed_denormals and denormals == "printed"
        return 2.0 ** ((0 if printed else 1) - bias - self.mantissa_width)


def _saturating(name: str, exponent_width: int, mantissa_width: int, source: str) -> Format:
    return Format(
        *(name, 1, exponent_width, mantissa_width, None, source),
        saturates=True,
        has_printed_denormals=True,
    )


_WHITE_PAPER = "published: white paper, d1-facts 6.1; inferred: the order of the fields"

FORMATS = {
    row.name: row
    for row in [
        _saturating("cfloat8_1_4_3", 4, 3, _WHITE_PAPER),
        _saturating("cfloat8_1_5_2", 5, 2, _WHITE_PAPER),
        _saturating("shp", 5, 10, f"{_WHITE_PAPER}; chosen: denormals, by analogy with CFloat8"),
        Format("uhp", 0, 6, 10, 31, _WHITE_PAPER, flushes_denormals=True),
        Format("bf16", 1, 8, 7, 127, "published: the upper half of float32", sets_flags=False),
        Format("f32", 1, 8, 23, 127, "published: IEEE 754 binary32", sets_flags=False),
    ]
}

CHOICES = {
    "ties": "Nearest means the nearest representable number, of two equally near the even code.",
    "gap": "The same holds between the largest printed denormal and the least normal number.",
    "random": (
        "A stochastic conversion adds 32 random bits below the kept ones and cuts; what a value "
        "has beyond 32 bits below is not seen. Bits: Philox4x32-10, key = seed."
    ),
    "nan": "A NaN clamps to the largest positive number, whatever its own sign; no overflow.",
    "infinity": "An infinity that clamps keeps its sign and sets overflow.",
    "zero": "A zero keeps its sign, also one that is the result of underflow.",
    "negative": "In UHP a number below zero becomes 0 and sets invalid; -0 becomes 0 unflagged.",
    "overflow": "Overflow is judged after rounding, as if exponents had no end.",
    "underflow": "Underflow means below the least normal number before rounding, and inexact.",
    "uhp": "UHP flushes before rounding, so all below 2^-30 becomes zero, and sets underflow.",
    "operand": "Of an operand in float32 the numbers below 2^-126 are denormal.",
    "who": "Only operations with a CFloat operand or destination set flags.",
    "products": (
        "Matrix products flag denormal codes and, in UHP, NaN; the arithmetic is that of float32, "
        "which flags nothing."
    ),
    "shp": "SHP follows the CFloat8 formula of denormals, 2^-bias * 0.m.",
    "bias": "The bias comes from one of 16 bias registers, which the instruction names.",
}
"""What the paper leaves open (d1-facts, section 6.6): all `chosen`."""


def format_named(name: str) -> Format:
    """Return a format; `InputError` names the nearest one for an unknown name."""
    found = FORMATS.get(name)
    if found is None:
        raise fail(
            f"`{printable(name)}` is not a number format; there are {', '.join(FORMATS)}",
            hint=did_you_mean(name, FORMATS),
        )
    return found


def bias_of(row: Format, bias: int | None) -> int:
    """Return the bias to use; `InputError` where it is missing or does not fit."""
    if row.fixed_bias is not None:
        if bias not in (None, row.fixed_bias):
            raise fail(f"bias {bias} does not fit: that of {row.name} is always {row.fixed_bias}")
        return row.fixed_bias
    if bias is None:
        raise fail(
            f"{row.name} needs a bias, {row.bias_text}: its codes don't hold it",
            hint="write `bias=...`",
        )
    return checked_integer("bias", bias, BIAS_WIDTH)


def checked_integer(what: str, value: SupportsIndex, width: int) -> int:
    """Return an integer of `width` bits, unsigned; raise `InputError` for anything else."""
    try:
        integer = operator.index(value)
    except TypeError:
        raise fail(f"{what} {printable(repr(value))} is not an integer") from None
    if not 0 <= integer <= mask(width):
        limit = str(mask(width)) if width <= BIAS_WIDTH else f"2^{width} - 1"
        raise fail(f"{what} {integer} does not fit: 0..{limit}")
    return integer


def check_choice(what: str, value: str, choices: Iterable[str]) -> None:
    """Raise `InputError` unless the value is one of the choices."""
    choices = list(choices)
    if value not in choices:
        raise fail(
            f"{what} `{printable(str(value))}` is not known; there are {', '.join(choices)}",
            hint=did_you_mean(str(value), choices),
        )
