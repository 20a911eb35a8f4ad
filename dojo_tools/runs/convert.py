"""Numbers from outside as elements of a tensor: never another number without saying so.

Integers fit any element type that holds each of them exactly. Floats fit float elements only and
are rounded once, to nearest even, which is what storing a trained model in a smaller format means.
Nothing turns floats into integers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools import floats
from dojo_tools.diagnostics import Span, fail
from dojo_tools.machine import ELEMENTS

FLOAT_PRECISION = {"f32": 24, "bf16": 8}
"""The bits of the significand of each float element type."""


def is_float(element: str) -> bool:
    """Return whether an element type is a float format."""
    return element in FLOAT_PRECISION


def describe(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    """Return an array's type as messages name it: `uint8 (1797, 64)`."""
    return f"{dtype.name} {shape}"


def convert(values: NDArray[Any], element: str, origin: str, span: Span | None) -> NDArray[Any]:
    """Return values as an array of an element type; bf16 is held in float32.

    Raises `InputError`, naming `origin` and the first value that does not fit.
    """
    if values.dtype.kind not in "biuf":
        raise fail(f"{origin} holds {values.dtype.name}, not numbers", span)
    if values.dtype.kind == "f":
        if not is_float(element):
            raise fail(
                f"{origin} holds {values.dtype.name}, which does not become {element}: "
                "floats are not cut to integers",
                span,
                "store it as integers",
            )
        return round_to_element(values.astype(np.float64), element)
    integers = values.astype(np.uint8) if values.dtype.kind == "b" else values
    misfits = ~_holds_exactly(integers, element)
    if misfits.any():
        index = tuple(int(i) for i in np.argwhere(misfits)[0])
        place = f"{origin}{list(index) if index else ''}"
        limits = "" if is_float(element) else f" ({_range_text(element)})"
        hint = "store it as floats to have it rounded" if is_float(element) else None
        raise fail(
            f"{place} is {int(integers[index])}, which {element} does not hold exactly{limits}",
            span,
            hint,
        )
    if element == "bf16":
        return floats.from_integer_bf16(integers)
    return integers.astype(ELEMENTS[element])


def _holds_exactly(values: NDArray[Any], element: str) -> NDArray[np.bool_]:
    if not is_float(element):
        limits = np.iinfo(ELEMENTS[element])
        # Python's integers compare with every numpy integer type exactly.
        return (values >= int(limits.min)) & (values <= int(limits.max))
    if values.dtype.kind == "u":
        magnitudes = values.astype(np.uint64)
    else:
        wide = values.astype(np.int64)
        magnitudes = np.where(wide < 0, -wide.view(np.uint64), wide.view(np.uint64))
    least_bit = magnitudes & (~magnitudes + np.uint64(1))
    significand = magnitudes // np.maximum(least_bit, np.uint64(1))
    return significand < np.uint64(1 << FLOAT_PRECISION[element])


def _range_text(element: str) -> str:
    limits = np.iinfo(ELEMENTS[element])
    return f"{limits.min}..{limits.max}"


def round_to_element(values: NDArray[np.float64], element: str) -> NDArray[np.float32]:
    """Return float64 values rounded once to a float element type, as float32."""
    with floats.quiet():
        nearest = values.astype(np.float32)
        if element == "f32":
            return nearest
        # Rounding to nearest twice may err; rounding to odd first does not: a number that is not
        # exact is never one of bf16's, nor halfway between two of them.
        down = np.nextafter(nearest, np.float32(-np.inf))
        up = np.nextafter(nearest, np.float32(np.inf))
        other = np.where(values > nearest, up, down)
        is_even = nearest.view(np.uint32) % 2 == 0
        odd = np.where(is_even & (nearest != values), other, nearest)
        return floats.round_bf16(odd)
