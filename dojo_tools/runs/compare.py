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
from dojo_tools.machine import ELEMENTS
from dojo_tools.runs.convert import is_float, round_to_element
from dojo_tools.runs.model import Tolerance
from dojo_tools.runs.tensor_files import value_text

DIFFERENCES_MAX = 5
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
    `differences` are the first that do not match.
    """

    unit: str
    matched: int
    total: int
    largest: Difference | None
    differences: tuple[Difference, ...]
    differing_elements: int

    @property
    def passed(self) -> bool:
        """Whether everything matches."""
        return self.matched == self.total

    def __str__(self) -> str:
        return f"{self.matched} of {self.total} {self.unit} match"


def compare(
    found: NDArray[Any], expected: NDArray[Any], element: str, tolerance: Tolerance
) -> Comparison:
    """Compare values of an element type with integers or float64 of the same shape."""
    with floats.quiet():
        equal, errors = _match(found, expected, element, tolerance)
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
    )


def _match(
    found: NDArray[Any], expected: NDArray[Any], element: str, tolerance: Tolerance
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which elements match, and |found - expected| of all; it is NaN where it has none."""
    wide_found = found.astype(np.float64)
    wide_expected = expected.astype(np.float64)
    errors = np.abs(wide_found - wide_expected)
    finite = np.isfinite(errors)
    near = errors <= tolerance.absolute + tolerance.relative * np.abs(wide_expected)
    if is_float(element):
        rounded = round_to_element(wide_expected, element)
        equal = (found == rounded) | (np.isnan(found) & np.isnan(wide_expected))
        distance = _places(found, element) - _places(rounded, element)
        near |= (np.abs(distance) <= tolerance.ulp) & np.isfinite(rounded)
        errors = np.where(equal & ~finite, 0.0, errors)
    else:
        equal = found == expected
        has_tolerance = tolerance.absolute > 0 or tolerance.relative > 0
        near &= has_tolerance
    return equal | (near & finite), errors


def _places(values: NDArray[Any], element: str) -> NDArray[np.int64]:
    """Return the place of each number among those of its type; both zeros have place 0."""
    width = 16 if element == "bf16" else 32
    codes = floats.bits_bf16(values) if element == "bf16" else floats.bits_f32(values)
    wide = codes.astype(np.int64)
    sign = 1 << (width - 1)
    return np.where(wide >= sign, sign - wide, wide)


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
    limits = np.iinfo(ELEMENTS[element])
    fits = (np.rint(values) == values) & (values >= limits.min) & (values <= limits.max)
    return values.astype(ELEMENTS[element]) if fits.all() else values


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
