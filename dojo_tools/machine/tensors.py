"""Typed data in memory as numpy arrays: little-endian, row-major, lane 0 at the lowest address."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools import floats
from dojo_tools.formats import Denormals, element_named


def encode_elements(values: NDArray[Any], element: str, denormals: Denormals = "printed") -> bytes:
    """Return the bytes of values in an element type.

    Floats are rounded to nearest-even; integers must be in range, which the caller checks.
    """
    type_ = element_named(element)
    if type_.format is None or element == "f32":
        with floats.quiet():
            return np.asarray(values).astype(type_.dtype).tobytes()
    return type_.encode(np.asarray(values), denormals).astype(type_.dtype).tobytes()


def decode_elements(
    contents: bytes, element: str, denormals: Denormals = "printed"
) -> NDArray[Any]:
    """Return the values of bytes in an element type; floats of all formats as float32."""
    type_ = element_named(element)
    codes = np.frombuffer(contents, type_.dtype)
    if type_.format is None or element == "f32":
        return codes.copy()
    return type_.decode(codes.astype(type_.format.dtype), denormals)


def size_of(shape: Sequence[int], element: str) -> int:
    """Return the bytes of an array of an element type."""
    return math.prod(shape) * element_named(element).size


def count_beyond(values: NDArray[Any], element: str) -> int:
    """Return how many values a CFloat element type does not reach; 0 for other types."""
    return int(np.count_nonzero(element_named(element).is_beyond(np.asarray(values))))
