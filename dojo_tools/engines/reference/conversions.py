"""Conversions between values and number formats, as generated code calls them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dojo_tools.formats import BIAS_MAX, Denormals, decode, encode, format_named, summary

Words = NDArray[np.uint32]
Codes = NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True)
class Conversions:
    """The operators on formats, for a machine with one rule for denormals.

    Formats whose bias is fixed look at no bias; others at its low bits, which are all that a bias
    register has. Flags are those of the lanes that count, together.
    """

    denormals: Denormals

    def widen(self, name: str, codes: Codes, bias: int) -> NDArray[np.float32]:
        """Return the values of codes."""
        return decode(codes, name, _bias(name, bias), self.denormals)

    def widen_flags(self, name: str, active: NDArray[np.bool_], codes: Codes, bias: int) -> int:
        """Return the flags of reading the active codes."""
        checked = _bias(name, bias)
        _, flags = decode(codes, name, checked, self.denormals, return_flags=True)
        return int(summary(flags[active]))

    def narrow(
        self, name: str, values: NDArray[np.float32], bias: int, words: Words | None = None
    ) -> Codes:
        """Return the codes of values, rounded to nearest or by random words."""
        codes, _ = self._narrow(name, values, bias, words)
        return codes

    def narrow_flags(
        self,
        name: str,
        active: NDArray[np.bool_],
        values: NDArray[np.float32],
        bias: int,
        words: Words | None = None,
    ) -> int:
        """Return the flags of rounding the active values."""
        _, flags = self._narrow(name, values, bias, words)
        return int(summary(flags[active]))

    def _narrow(
        self, name: str, values: NDArray[np.float32], bias: int, words: Words | None
    ) -> tuple[Codes, NDArray[np.uint8]]:
        return encode(
            values,
            name,
            _bias(name, bias),
            "nearest" if words is None else "stochastic",
            random_bits=words,
            denormals=self.denormals,
            return_flags=True,
        )


def _bias(name: str, bias: int) -> int | None:
    return bias & BIAS_MAX if format_named(name).fixed_bias is None else None
