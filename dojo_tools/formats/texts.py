"""Values of element types as text, for dumps, listings and files."""

from typing import Any

import numpy as np

from dojo_tools import float_codes
from dojo_tools.formats.elements import Element, element_named
from dojo_tools.formats.table import Denormals


def value_text(value: Any, element: str) -> str:
    """Return an element as the shortest text that reads back as the same number."""
    if element == "bf16":
        return float_codes.bf16_text(float_codes.bf16_code(float(value)))
    if element_named(element).format is not None:
        return float_codes.f32_text(float_codes.f32_code(float(value)))
    return str(int(value))


def element_texts(contents: bytes, element: Element, denormals: Denormals = "printed") -> list[str]:
    """Return the values of bytes, a whole number of elements, lowest address first."""
    codes = np.frombuffer(contents, element.dtype)
    if element.format is None or element.name == "f32":
        values = codes
    else:
        values = element.decode(codes.astype(element.format.dtype), denormals)
    return [value_text(value, str(element)) for value in values]
