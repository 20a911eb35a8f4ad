"""Conversions into elements: exact, or rounded once, or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_tools import float_codes, floats
from dojo_tools.diagnostics import InputError
from dojo_tools.runs.convert import convert, round_to_element


@pytest.mark.parametrize(
    "values, element",
    [
        (np.array([0, 255], np.uint8), "i16"),
        (np.array([-128, 127], np.int64), "i8"),
        (np.array([0, 1 << 63], np.uint64), "u64"),
        (np.array([-(1 << 63)], np.int64), "i64"),
        (np.array([True, False]), "u8"),
        (np.array([1 << 24, -(1 << 24), -(1 << 63), 0], np.int64), "f32"),
        (np.array([(1 << 64) - (1 << 40)], np.uint64), "f32"),
        (np.array([256, -255, 254 << 20], np.int32), "bf16"),
        (np.array([1, 2], ">i4"), "f32"),
    ],
)
def test_integers_that_fit_are_kept(values: np.ndarray, element: str) -> None:
    found = convert(values, element, "x.npy", None)
    assert [int(v) for v in found] == [int(v) for v in values]


@pytest.mark.parametrize(
    "values, element, message",
    [
        (np.array([[1, 2], [256, 300]], np.int16), "u8", r"x.npy\[1, 0\] is 256.*0\.\.255"),
        (np.array([-1], np.int8), "u64", r"x.npy\[0\] is -1"),
        (np.array([1 << 63], np.uint64), "i64", "is 9223372036854775808"),
        (np.array([1, (1 << 24) + 1], np.int64), "f32", r"x.npy\[1\] is 16777217"),
        (np.array([257], np.uint16), "bf16", r"is 257, which bf16 does not hold exactly"),
        (np.array([1.0]), "i32", "floats are not cut to integers"),
        (np.array([1j]), "f32", "holds complex128, not numbers"),
        (np.array(["a"]), "f32", "not numbers"),
    ],
)
def test_what_does_not_fit_is_named(values: np.ndarray, element: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        convert(values, element, "x.npy", None)


@given(st.floats(allow_nan=False))
def test_float64_is_rounded_to_bf16_once(value: float) -> None:
    found = convert(np.array([value]), "bf16", "x", None)
    assert int(floats.bits_bf16(found)[0]) == float_codes.bf16_code(value)


@given(st.integers(0, 0x7F7F), st.sampled_from([0.0, 2.0**-60, -(2.0**-60)]))
def test_near_a_midpoint_the_side_decides(code: int, nudge: float) -> None:
    low, high = (float(floats.from_bits_bf16(np.array(c, np.uint16))) for c in (code, code + 1))
    if not np.isfinite(high):
        return
    value = (low + high) / 2 * (1 + nudge * 2**10)
    found = round_to_element(np.array([value]), "bf16")
    assert int(floats.bits_bf16(found)[0]) == float_codes.bf16_code(value)


def test_float32_is_rounded_to_nearest_even() -> None:
    found = convert(np.array([1 + 2.0**-24, 1 + 3 * 2.0**-24, np.nan, 1e300]), "f32", "x", None)
    assert found.dtype == np.float32
    assert floats.bits_f32(found).tolist() == [0x3F800000, 0x3F800002, 0x7FC00000, 0x7F800000]
