"""The number formats of the D1, exact to the bit: numpy arrays to codes and back.

A name is imported when it is first used: the description needs the table only, and no numpy.
"""

from typing import TYPE_CHECKING

from dojo_tools.late_names import late_names

if TYPE_CHECKING:
    from dojo_tools.formats.decoding import decode, summary
    from dojo_tools.formats.elements import (
        ELEMENT_NAMES,
        Element,
        element_named,
        find_element,
        make_element,
        needs_bias,
    )
    from dojo_tools.formats.encoding import encode
    from dojo_tools.formats.ideas import IDEAS, Idea
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
    )
    from dojo_tools.formats.texts import element_texts, value_text

_PLACES = {
    "decode": "decoding",
    "summary": "decoding",
    "ELEMENT_NAMES": "elements",
    "Element": "elements",
    "element_named": "elements",
    "find_element": "elements",
    "make_element": "elements",
    "needs_bias": "elements",
    "encode": "encoding",
    "IDEAS": "ideas",
    "Idea": "ideas",
    "philox4x32": "philox",
    "random_lanes": "philox",
    "BIAS_MAX": "table",
    "CHOICES": "table",
    "FORMATS": "table",
    "Denormals": "table",
    "Flag": "table",
    "Format": "table",
    "Rounding": "table",
    "format_named": "table",
    "element_texts": "texts",
    "value_text": "texts",
}

__all__ = [
    "BIAS_MAX",
    "CHOICES",
    "ELEMENT_NAMES",
    "FORMATS",
    "IDEAS",
    "Denormals",
    "Element",
    "Flag",
    "Format",
    "Idea",
    "Rounding",
    "decode",
    "element_named",
    "element_texts",
    "encode",
    "find_element",
    "format_named",
    "make_element",
    "needs_bias",
    "philox4x32",
    "random_lanes",
    "summary",
    "value_text",
]

__getattr__ = late_names(__name__, _PLACES)
