"""What a caller gets wrong is told with what fits; what may be passed is accepted."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from dojo_tools.diagnostics import InputError
from dojo_tools.formats import decode, encode


def unchecked(value: object) -> Any:
    """Return what the type checker would not let pass."""
    return value


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: decode([0], "cfloat8_143", 7), "did you mean `cfloat8_1_4_3`?"),
        (lambda: decode([0], "float\x1b", 7), "`float\\u{1b}` is not a number format; there are"),
        (lambda: decode([0], "shp"), "shp needs a bias, 0..63: its codes don't hold it"),
        (lambda: decode([0], "shp", 64), "bias 64 does not fit: 0..63"),
        (lambda: decode([0], "shp", -1), "bias -1 does not fit: 0..63"),
        (lambda: encode([0.0], "shp", unchecked(7.5)), "bias 7.5 is not an integer"),
        (lambda: encode([0.0], "uhp", 15), "bias 15 does not fit: that of uhp is always 31"),
        (lambda: decode([0], "shp", 1, unchecked("gradul")), "did you mean `gradual`?"),
        (lambda: encode([0.0], "uhp", rounding=unchecked("neerest")), "did you mean `nearest`?"),
        (lambda: decode([0, 256], "cfloat8_1_4_3", 7), "code 256 does not fit cfloat8_1_4_3"),
        (lambda: decode([-1], "uhp"), "code -1 does not fit uhp: 0..65535"),
        (lambda: decode([1.0], "uhp"), "codes of uhp are integers, 0..65535; found float64"),
        (lambda: decode([[1], [1, 2]], "uhp"), "codes of uhp do not form an array"),
        (lambda: encode([[1.0], [1.0, 2.0]], "uhp"), "values do not form an array"),
        (lambda: encode(["x"], "uhp"), "values of type <U1 can't be converted"),
        (lambda: encode([1j], "uhp"), "values of type complex128 can't be converted"),
        (lambda: encode([True], "uhp"), "values of type bool can't be converted"),
        (lambda: encode([1 << 80], "uhp"), "values of type object can't be converted"),
        (lambda: encode([1, -(1 << 60)], "uhp"), f"integer {-(1 << 60)} does not fit: -2^53..2^53"),
        (lambda: encode([1.0], "uhp", rounding="stochastic"), "needs a source of bits"),
        (
            lambda: encode([1.0], "uhp", rounding="stochastic", seed=1, random_bits=[1]),
            "`seed` or `random_bits`, not both",
        ),
        (lambda: encode([1.0], "uhp", rounding="stochastic", seed=1 << 64), "0..2^64 - 1"),
        (
            lambda: encode([1.0], "uhp", rounding="stochastic", seed=unchecked("1")),
            "not an integer",
        ),
        (
            lambda: encode([1.0], "uhp", rounding="stochastic", random_bits=[1 << 32]),
            "random bits 4294967296 do not fit: 0..2^32 - 1",
        ),
        (
            lambda: encode([1.0], "uhp", rounding="stochastic", random_bits=[0.5]),
            "random bits are integers, 0..2^32 - 1; found float64",
        ),
        (
            lambda: encode([1.0, 2.0], "uhp", rounding="stochastic", random_bits=[1, 2, 3]),
            "random bits of shape (3,) do not fit values of shape (2,)",
        ),
    ],
)
def test_a_mistake_says_what_fits(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        [1, -2, 480],
        np.array([1, -2, 480], np.int16),
        np.array([1, -2, 480], np.float16),
        np.array([1, -2, 480], ">f4"),
        np.array([1, -2, 480], ml_dtypes.bfloat16),
        np.array([1, 0, -2, 0, 480, 0], np.float64)[::2],
        np.array([[1, -2, 480]] * 2, np.float32).T[:, 0],
    ],
)
def test_any_real_type_and_layout_is_taken(values: Any) -> None:
    codes = encode(values, "cfloat8_1_4_3", 7)
    assert codes.tolist() == [0x38, 0xC0, 0x7F]
    assert codes.dtype == np.uint8


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_the_shape_is_kept(shape: tuple[int, ...], rounding: Any) -> None:
    codes, flags = encode(np.ones(shape), "shp", 15, rounding, seed=1, return_flags=True)
    assert (codes.shape, codes.dtype) == (shape, np.uint16)
    assert (flags.shape, flags.dtype) == (shape, np.uint8)
    assert np.all(codes == 0x3C00)
