"""The number formats of the D1, exact to the bit: numpy arrays to codes and back."""

from dojo_tools.formats.decoding import decode
from dojo_tools.formats.elements import (
    ELEMENT_NAMES,
    Element,
    element_named,
    find_element,
    make_element,
    needs_bias,
)
from dojo_tools.formats.encoding import encode
from dojo_tools.formats.philox import philox4x32, random_lanes
from dojo_tools.formats.table import (
    BIAS_MAX,
    CHOICES,
    FORMATS,
    Denormals,
    Flag,
    Format,
    Rounding,
    format_named,
    summary,
)

__all__ = [
    "BIAS_MAX",
    "CHOICES",
    "ELEMENT_NAMES",
    "FORMATS",
    "Denormals",
    "Element",
    "Flag",
    "Format",
    "Rounding",
    "decode",
    "element_named",
    "encode",
    "find_element",
    "format_named",
    "make_element",
    "needs_bias",
    "philox4x32",
    "random_lanes",
    "summary",
]
