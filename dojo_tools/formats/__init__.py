"""The number formats of the D1, exact to the bit: numpy arrays to codes and back."""

from dojo_tools.formats.decoding import decode
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
    "FORMATS",
    "Denormals",
    "Flag",
    "Format",
    "Rounding",
    "decode",
    "encode",
    "format_named",
    "philox4x32",
    "random_lanes",
    "summary",
]
