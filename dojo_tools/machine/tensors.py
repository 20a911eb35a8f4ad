"""Typed data in memory as numpy arrays: little-endian, row-major, lane 0 at the lowest address."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools import floats

ELEMENTS: dict[str, np.dtype[Any]] = {
    "i8": np.dtype("<i1"),
    "u8": np.dtype("<u1"),
    "i16": np.dtype("<i2"),
    "u16": np.dtype("<u2"),
    "i32": np.dtype("<i4"),
    "u32": np.dtype("<u4"),
    "i64": np.dtype("<i8"),
    "u64": np.dtype("<u8"),
    "f32": np.dtype("<f4"),
    "bf16": np.dtype("<u2"),
}
"""The numpy type that holds each element type in memory; bf16 is its 16-bit code."""


def encode_elements(values: NDArray[Any], element: str) -> bytes:
    """Return the bytes of values in an element type.

    Floats are rounded to nearest-even; integers must be in range, which the caller checks.
    """
    if element == "bf16":
        with floats.quiet():
            rounded = floats.round_bf16(np.asarray(values, np.float32))
            return floats.bits_bf16(rounded).astype("<u2").tobytes()
    with floats.quiet():
        return np.asarray(values).astype(ELEMENTS[element]).tobytes()


def decode_elements(contents: bytes, element: str) -> NDArray[Any]:
    """Return the values of bytes in an element type; bf16 as float32."""
    codes = np.frombuffer(contents, ELEMENTS[element])
    if element == "bf16":
        with floats.quiet():
            return floats.from_bits_bf16(codes.astype(np.uint16))
    return codes.copy()
