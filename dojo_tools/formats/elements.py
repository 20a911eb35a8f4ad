"""Element types of arrays in memory: integers and formats, some of the latter with a bias.

An element type is written alike in sources, run files, objects and Python: `i32`, `uhp`,
`cfloat8_1_4_3(7)`.
"""

import functools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import InputError, did_you_mean, fail
from dojo_tools.excerpt import printable
from dojo_tools.formats.decoding import decode
from dojo_tools.formats.encoding import encode
from dojo_tools.formats.table import BIAS_MAX, FORMATS, Denormals, Flag, Format, bias_of

_INTEGERS = {f"{sign}{width}": width for width in (8, 16, 32, 64) for sign in "iu"}
ELEMENT_NAMES = (*_INTEGERS, "f32", "bf16", *(f for f in FORMATS if f not in ("f32", "bf16")))

_WRITTEN = re.compile(r"([A-Za-z]\w*)(?:\(([0-9]{1,9})\))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Element:
    """An element type; `bias` is None for all but the formats whose codes don't hold it."""

    name: str
    bias: int | None = None

    def __str__(self) -> str:
        return self.name if self.bias is None else f"{self.name}({self.bias})"

    @property
    def format(self) -> Format | None:
        """The format of a float element, None for an integer."""
        return FORMATS.get(self.name)

    @property
    def is_signed_integer(self) -> bool:
        """Whether it is an integer with a sign."""
        return self.name in _INTEGERS and self.name.startswith("i")

    @property
    def width(self) -> int:
        """The bits of an element."""
        return _width(self.name)

    @property
    def size(self) -> int:
        """The bytes of an element, which is its alignment too."""
        return self.width // 8

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type in memory, little-endian: the codes of all formats but f32."""
        kind = "f" if self.name == "f32" else "i" if self.is_signed_integer else "u"
        return np.dtype(f"<{kind}{self.size}")

    def encode(
        self, values: NDArray[Any], denormals: Denormals = "printed"
    ) -> NDArray[np.unsignedinteger]:
        """Return the codes of values, rounded once to nearest even; only for a float element."""
        return encode(values, self.name, self.bias, denormals=denormals)

    def decode(
        self, codes: NDArray[np.unsignedinteger], denormals: Denormals = "printed"
    ) -> NDArray[np.float32]:
        """Return the values of codes, exact; only for a float element."""
        return decode(codes, self.name, self.bias, denormals)

    def is_beyond(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which values a CFloat element has to replace: too large, NaN, below zero in uhp.

        They become its largest number, and in uhp infinity or zero; a NaN of uhp stays one. In
        other elements nothing is beyond: they have infinity and NaN, and integers are checked.
        """
        if self.format is None or not self.format.sets_flags:
            return np.zeros(np.shape(values), np.bool_)
        _, flags = encode(values, self.name, self.bias, return_flags=True)
        beyond = flags & (Flag.OVERFLOW | Flag.INVALID) != 0
        return beyond if self.format.saturates else beyond & ~np.isnan(values)


def _width(name: str) -> int:
    return _INTEGERS[name] if name in _INTEGERS else FORMATS[name].width


def needs_bias(name: str) -> bool:
    """Whether an element type of this name is written with a bias."""
    return name in FORMATS and FORMATS[name].fixed_bias is None


def make_element(name: str, bias: int | None = None) -> Element:
    """Return an element type; raise `InputError` for unknown names and wrong biases."""
    if name not in ELEMENT_NAMES:
        hint = did_you_mean(name, ELEMENT_NAMES) or f"there are {' '.join(ELEMENT_NAMES)}"
        raise fail(f"unknown element type `{printable(name)}`", hint=hint)
    if needs_bias(name):
        if bias is None:
            hint = f"write it behind, 0..{BIAS_MAX}: {name}(7)"
            raise fail(f"element type `{name}` needs a bias", hint=hint)
        return Element(name, bias_of(FORMATS[name], bias))
    if bias is not None:
        raise fail(f"element type `{name}` takes no bias", hint=f"write `{name}`")
    return Element(name)


@functools.lru_cache(maxsize=256)
def element_named(text: str) -> Element:
    """Return the element type that is written `i32` or `shp(15)`; raise `InputError` for others."""
    match = _WRITTEN.fullmatch(text)
    name, bias = match.groups() if match else (text, None)
    return make_element(name, None if bias is None else int(bias))


def find_element(text: str) -> Element | None:
    """Return the element type that is written so, or None."""
    try:
        return element_named(text)
    except InputError:
        return None
