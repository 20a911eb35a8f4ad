"""Numbers from outside as elements of a tensor: never another number without saying so.

Integers fit any element type that holds each of them exactly. Floats fit float elements only and
are rounded once, to nearest even, which is what storing a trained model in a smaller format means.
Nothing turns floats into integers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import Span, fail
from dojo_tools.formats import Denormals, Element, element_named


def is_float(element: str) -> bool:
    """Return whether an element type is a float format."""
    return element_named(element).format is not None


def describe(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    """Return an array's type as messages name it: `uint8 (1797, 64)`."""
    return f"{dtype.name} {shape}"


def convert(
    values: NDArray[Any],
    element: str,
    origin: str,
    span: Span | None,
    denormals: Denormals = "printed",
) -> NDArray[Any]:
    """Return values as an array of an element type; floats are held in float32.

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
        return round_to_element(values.astype(np.float64), element, denormals)
    integers = values.astype(np.uint8) if values.dtype.kind == "b" else values
    misfits = ~_holds_exactly(integers, element_named(element), denormals)
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
    if is_float(element):
        return round_to_element(integers.astype(np.float64), element, denormals)
    return integers.astype(element_named(element).dtype)


def _holds_exactly(
    values: NDArray[Any], element: Element, denormals: Denormals
) -> NDArray[np.bool_]:
    if element.format is None:
        limits = np.iinfo(element.dtype)
        # Python's integers compare with every numpy integer type exactly.
        return (values >= int(limits.min)) & (values <= int(limits.max))
    if element.format.sets_flags:
        wide = values.astype(np.float64)
        return element.decode(element.encode(wide, denormals), denormals) == wide
    if values.dtype.kind == "u":
        magnitudes = values.astype(np.uint64)
    else:
        wide = values.astype(np.int64)
        magnitudes = np.where(wide < 0, -wide.view(np.uint64), wide.view(np.uint64))
    least_bit = magnitudes & (~magnitudes + np.uint64(1))
    significand = magnitudes // np.maximum(least_bit, np.uint64(1))
    return significand < np.uint64(1 << (element.format.mantissa_width + 1))


def _range_text(element: str) -> str:
    limits = np.iinfo(element_named(element).dtype)
    return f"{limits.min}..{limits.max}"


def round_to_element(
    values: NDArray[np.float64], element: str, denormals: Denormals = "printed"
) -> NDArray[np.float32]:
    """Return float64 values rounded once to a float element type, as float32."""
    type_ = element_named(element)
    return type_.decode(type_.encode(values, denormals), denormals)
