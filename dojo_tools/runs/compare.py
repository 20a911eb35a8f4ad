"""Found against expected, element by element: how many match, which do not, and by how much.

NaN matches NaN only, an infinity only itself. A float also matches when it is the expected number
rounded to the element type: nothing nearer exists.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools import floats
from dojo_tools.diagnostics import Span, fail
from dojo_tools.formats import Denormals, element_named, value_text
from dojo_tools.machine import count_beyond
from dojo_tools.runs.convert import is_float, round_to_element
from dojo_tools.runs.model import Tolerance

DIFFERENCES_MAX = 5
PIECE = 1 << 20
"""Elements that are compared at a time: a comparison takes a dozen arrays of so many."""
EXACT_INTEGER_LIMIT = 1 << 53
"""Below this float64 holds every integer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One element that does not match; `error` is |found - expected|."""

    index: tuple[int, ...]
    found: str
    expected: str
    error: float

    def __str__(self) -> str:
        return (
            f"{list(self.index)} found {self.found}, expected {self.expected}, "
            f"difference {self.error:.3g}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a check, counted in rows for a matrix and in elements otherwise.

    `largest` is the element with the largest error, matching or not, None where all are equal;
    `differences` are the first that do not match. `saturated` counts the expected numbers that are
    beyond a CFloat type: they match what they become in it.
    """

    unit: str
    matched: int
    total: int
    largest: Difference | None
    differences: tuple[Difference, ...]
    differing_elements: int
    saturated: int = 0

    @property
    def passed(self) -> bool:
        """Whether everything matches."""
        return self.matched == self.total

    def __str__(self) -> str:
        return f"{self.matched} of {self.total} {self.unit} match"


def compare(
    found: NDArray[Any],
    expected: NDArray[Any],
    element: str,
    tolerance: Tolerance,
    denormals: Denormals = "printed",
) -> Comparison:
    """Compare values of an element type with integers or float64 of the same shape."""
    equal, errors = _match_in_pieces(found, expected, element, tolerance, denormals)
    rows_match = equal.all(axis=1) if equal.ndim == 2 else equal.reshape(-1)
    wrong = np.argwhere(~equal)
    ranked = np.where(np.isnan(errors), np.inf, errors)
    largest = None
    if ranked.size and ranked.max() > 0:
        index = tuple(int(i) for i in np.unravel_index(ranked.argmax(), ranked.shape))
        largest = _difference(index, found, expected, errors, element)
    return Comparison(
        "rows" if equal.ndim == 2 else "elements",
        int(np.count_nonzero(rows_match)),
        int(rows_match.size),
        largest,
        tuple(
            _difference(tuple(int(i) for i in index), found, expected, errors, element)
            for index in wrong[:DIFFERENCES_MAX]
        ),
        len(wrong),
        count_beyond(expected, element) if expected.dtype.kind == "f" else 0,
    )


def _match_in_pieces(
    found: NDArray[Any],
    expected: NDArray[Any],
    element: str,
    tolerance: Tolerance,
    denormals: Denormals,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return what `_match` does; what it needs in between is that of one piece."""
    equal = np.empty(found.size, np.bool_)
    errors = np.empty(found.size, np.float64)
    for start in range(0, found.size, PIECE):
        piece = slice(start, start + PIECE)
        with floats.quiet():
            equal[piece], errors[piece] = _match(
                found.flat[piece], expected.flat[piece], element, tolerance, denormals
            )
    return equal.reshape(found.shape), errors.reshape(found.shape)


def _match(
    found: NDArray[Any],
    expected: NDArray[Any],
    element: str,
    tolerance: Tolerance,
    denormals: Denormals,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which elements match, and |found - expected| of all; it is NaN where it has none."""
    wide_found = found.astype(np.float64)
    wide_expected = expected.astype(np.float64)
    errors = np.abs(wide_found - wide_expected)
    finite = np.isfinite(errors)
    near = errors <= tolerance.absolute + tolerance.relative * np.abs(wide_expected)
    if is_float(element):
        rounded = round_to_element(wide_expected, element, denormals)
        is_number = ~np.isnan(wide_expected)
        equal = np.where(is_number, found == rounded, np.isnan(found))
        distance = _places(found, element, denormals) - _places(rounded, element, denormals)
        near |= (np.abs(distance) <= tolerance.ulp) & np.isfinite(rounded) & is_number
        errors = np.where(equal & ~finite, 0.0, errors)
    else:
        equal = found == expected
        has_tolerance = tolerance.absolute > 0 or tolerance.relative > 0
        near &= has_tolerance
    return equal | (near & finite), errors


def _places(values: NDArray[Any], element: str, denormals: Denormals) -> NDArray[np.int64]:
    """Return the place of each number among those of its type; both zeros have place 0."""
    type_ = element_named(element)
    assert type_.format is not None
    codes = type_.encode(values, denormals).astype(np.int64)
    sign = type_.format.sign_width << (type_.width - 1)
    return np.where(codes & sign != 0, sign - codes, codes)


def _difference(
    index: tuple[int, ...],
    found: NDArray[Any],
    expected: NDArray[Any],
    errors: NDArray[np.float64],
    element: str,
) -> Difference:
    wanted = expected[index]
    text = str(int(wanted)) if expected.dtype.kind in "iu" else f"{float(wanted):.9g}"
    return Difference(index, value_text(found[index], element), text, float(errors[index]))


def expected_integers(values: NDArray[np.float64], element: str, span: Span | None) -> NDArray[Any]:
    """Return what an expression expects of integers: in their type if all of them fit it.

    Raises `InputError` where float64 may have lost digits.
    """
    if values.size and np.abs(values).max() >= EXACT_INTEGER_LIMIT:
        raise fail(
            "the expression goes up to 2^53, where float64 does not hold every integer",
            span,
            "check against a file",
        )
    limits = np.iinfo(element_named(element).dtype)
    fits = (np.rint(values) == values) & (values >= limits.min) & (values <= limits.max)
    return values.astype(element_named(element).dtype) if fits.all() else values


@dataclass(frozen=True, slots=True)
class AccuracyResult:
    """How many rows have their greatest number where the label says."""

    correct: int
    total: int
    at_least: float | None

    @property
    def value(self) -> float:
        """The share that is right."""
        return self.correct / self.total

    @property
    def passed(self) -> bool:
        """Whether the share is at least the one asked for."""
        return self.at_least is None or self.value >= self.at_least

    def __str__(self) -> str:
        text = f"accuracy {self.value:.4f} ({self.correct} of {self.total})"
        return text if self.passed else f"{text}, less than {self.at_least}"


def measure_accuracy(
    found: NDArray[Any], labels: NDArray[Any], at_least: float | None
) -> AccuracyResult:
    """Compare the index of the greatest of each row with its label; a row with a NaN is wrong."""
    chosen = np.argmax(found, axis=-1)
    right = (chosen == labels) & ~np.isnan(found).any(axis=-1)
    return AccuracyResult(int(np.count_nonzero(right)), int(right.size), at_least)
