"""Tolerances, NaNs and infinities, what is counted, what is shown."""

import numpy as np
import pytest

import dojo_tools.runs.compare as compare_module
from dojo_tools.diagnostics import InputError
from dojo_tools.runs.compare import compare, expected_integers, measure_accuracy
from dojo_tools.runs.model import Tolerance

INF, NAN = float("inf"), float("nan")
ULP = 2.0**-23


def matches(found: float, expected: float, element: str = "f32", **limits: float) -> bool:
    tolerance = Tolerance(**limits)  # pyright: ignore[reportArgumentType] -- ulp is an integer
    left, right = np.array([found], np.float32), np.array([expected])
    return compare(left, right, element, tolerance).passed


@pytest.mark.parametrize(
    "found, expected, limits, holds",
    [
        (1.0, 1.0, {}, True),
        (0.0, -0.0, {}, True),
        (1.0, 1 + 2.0**-30, {}, True),  # nothing nearer exists
        (1.0, 1 + ULP, {}, False),
        (1.0, 1 + ULP, {"ulp": 1}, True),
        (1.0, 1 + 2 * ULP, {"ulp": 1}, False),
        (-1.4e-45, 1.4e-45, {"ulp": 1}, False),
        (-1.4e-45, 1.4e-45, {"ulp": 2}, True),
        (1.5, 1.0, {"absolute": 0.5}, True),
        (1.5, 1.0, {"absolute": 0.49}, False),
        (110.0, 100.0, {"relative": 0.1}, True),
        (110.0, 100.0, {"relative": 0.05, "absolute": 5.0}, True),
        (-110.0, 100.0, {"relative": 0.1}, False),
        (NAN, NAN, {}, True),
        (NAN, 1.0, {"absolute": INF, "relative": 1.0, "ulp": 1000}, False),
        (1.0, NAN, {"absolute": 1e9, "ulp": 1000}, False),
        (INF, INF, {}, True),
        (INF, -INF, {"relative": 1.0}, False),
        (1.0, INF, {"relative": 1.0}, False),
        (3.4028235e38, INF, {"ulp": 1}, False),
        (INF, 1e39, {}, True),  # 1e39 rounds to infinity
    ],
)
def test_tolerances(found: float, expected: float, limits: dict[str, float], holds: bool) -> None:
    assert matches(found, expected, "f32", **limits) is holds


def test_ulps_are_those_of_the_element_type() -> None:
    assert matches(1.0, 1 + 2.0**-7, "bf16", ulp=1)
    assert not matches(1.0, 1 + 2.0**-7, "f32", ulp=1)


def test_integers_compare_exactly() -> None:
    found = np.array([(1 << 53) + 1, -1], np.int64)
    assert not compare(found, np.array([1 << 53, -1]), "i64", Tolerance()).passed
    assert compare(found, np.array([1 << 53, -1]), "i64", Tolerance(absolute=1)).passed
    assert compare(found, found, "i64", Tolerance()).passed


def test_an_expression_for_integers() -> None:
    assert expected_integers(np.array([3.0, 255.0]), "u8", None).dtype == np.uint8
    kept = expected_integers(np.array([3.5, -1.0]), "u8", None)
    result = compare(np.array([3, 255], np.uint8), kept, "u8", Tolerance())
    assert result.matched == 0
    with pytest.raises(InputError, match="up to 2\\^53"):
        expected_integers(np.array([2.0**53]), "i64", None)


def test_rows_of_a_matrix_and_elements_of_the_rest_are_counted() -> None:
    found = np.zeros((3, 4), np.float32)
    expected = np.zeros((3, 4))
    expected[1, 2], expected[1, 3], expected[2, 0] = 0.5, NAN, -8
    result = compare(found, expected, "f32", Tolerance())
    assert str(result) == "1 of 3 rows match"
    assert result.differing_elements == 3
    assert [d.index for d in result.differences] == [(1, 2), (1, 3), (2, 0)]
    assert str(result.differences[2]) == "[2, 0] found 0.0, expected -8, difference 8"
    assert result.largest is not None
    assert result.largest.index == (1, 3)
    flat = compare(found.reshape(-1), expected.reshape(-1), "f32", Tolerance())
    assert str(flat) == "9 of 12 elements match"


def test_the_first_differences_are_shown_and_the_rest_counted() -> None:
    result = compare(np.arange(9, dtype=np.int32), np.full(9, -1), "i32", Tolerance())
    assert len(result.differences) == 5
    assert result.differing_elements == 9


def test_accuracy() -> None:
    found = np.array([[1, 2, 0], [5, 1, 1], [0, 0, NAN]], np.float32)
    result = measure_accuracy(found, np.array([1, 0, 2]), 0.9)
    assert not result.passed
    assert str(result) == "accuracy 0.6667 (2 of 3), less than 0.9"
    assert measure_accuracy(found, np.array([1, 0, 2]), None).passed


def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    expected = generator.standard_normal((7, 9)).T
    found = expected.astype(np.float32)
    found[4, 3] += 1
    found[8, 6] = np.nan
    whole = compare(found, expected, "f32", Tolerance(relative=1e-6))
    monkeypatch.setattr(compare_module, "PIECE", 5)
    pieces = compare(found, expected, "f32", Tolerance(relative=1e-6))
    assert repr(pieces) == repr(whole)  # a NaN is not equal to itself
    assert (whole.matched, whole.total, whole.differing_elements) == (7, 9, 2)
