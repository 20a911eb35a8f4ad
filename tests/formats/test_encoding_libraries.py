"""Nearest rounding with the gradual rule against gfloat, and against ml_dtypes and numpy.

gfloat knows CFloat8 with any bias. The others know formats whose ordinary numbers are those of
CFloat8 or SHP with one bias; they differ in what overflows and in the largest codes.
"""

from typing import Any

import gfloat
import ml_dtypes
import numpy as np
import pytest
from gfloat.types import Domain
from numpy.typing import NDArray

from dojo_tools.formats import BIAS_MAX, decode, encode


def gfloat_format(mantissa_width: int, bias: int) -> gfloat.FormatInfo:
    return gfloat.FormatInfo(
        "cfloat8",
        k=8,
        precision=mantissa_width + 1,
        bias=bias,
        is_signed=True,
        domain=Domain.Finite,
        has_nz=True,
        num_high_nans=0,
        has_subnormals=True,
        is_twos_complement=False,
    )


def encode_with_gfloat(
    format: gfloat.FormatInfo, values: NDArray[np.float64]
) -> NDArray[np.integer[Any]]:
    # Untyped on purpose: gfloat annotates arrays without the type of their elements.
    library: Any = gfloat
    return library.encode_ndarray(format, library.round_ndarray(format, values, sat=True))


def numbers_and_midpoints(name: str, bias: int) -> NDArray[np.float64]:
    """Return all numbers, all midpoints, and the float64 numbers beside the midpoints."""
    numbers = np.unique(decode(np.arange(256), name, bias, "gradual").astype(np.float64))
    middles = (numbers[1:] + numbers[:-1]) / 2
    return np.concatenate(
        [numbers, middles, np.nextafter(middles, -np.inf), np.nextafter(middles, np.inf)]
    )


def assert_like_gfloat(name: str, mantissa_width: int, bias: int, values: NDArray[Any]) -> None:
    format = gfloat_format(mantissa_width, bias)
    expected = encode_with_gfloat(format, values.astype(np.float64))
    np.testing.assert_array_equal(encode(values, name, bias, denormals="gradual"), expected)


CFLOAT8 = pytest.mark.parametrize("name, width", [("cfloat8_1_4_3", 3), ("cfloat8_1_5_2", 2)])


@CFLOAT8
def test_every_midpoint_and_bias_against_gfloat(name: str, width: int) -> None:
    for bias in range(BIAS_MAX + 1):
        assert_like_gfloat(name, width, bias, numbers_and_midpoints(name, bias))


@CFLOAT8
def test_every_finite_bf16_value_and_bias_against_gfloat(name: str, width: int) -> None:
    values = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    values = values[np.isfinite(values)]
    for bias in range(BIAS_MAX + 1):
        assert_like_gfloat(name, width, bias, values)


@pytest.mark.parametrize(
    "name, bias, other, code_max",
    [
        ("cfloat8_1_4_3", 7, ml_dtypes.float8_e4m3, 0x77),
        ("cfloat8_1_4_3", 7, ml_dtypes.float8_e4m3fn, 0x7E),
        ("cfloat8_1_4_3", 8, ml_dtypes.float8_e4m3fnuz, 0x7F),
        ("cfloat8_1_4_3", 11, ml_dtypes.float8_e4m3b11fnuz, 0x7F),
        ("cfloat8_1_5_2", 15, ml_dtypes.float8_e5m2, 0x7B),
        ("cfloat8_1_5_2", 16, ml_dtypes.float8_e5m2fnuz, 0x7F),
        ("shp", 15, np.float16, 0x7BFF),
    ],
)
def test_formats_that_coincide(name: str, bias: int, other: type[Any], code_max: int) -> None:
    code_type = np.uint16 if name == "shp" else np.uint8
    codes = np.arange(code_max + 1, dtype=code_type)
    numbers = codes.view(other).astype(np.float32)
    np.testing.assert_array_equal(decode(codes, name, bias, "gradual"), numbers)

    random = np.random.default_rng(7)
    middles = (numbers[1:] + numbers[:-1]) / 2
    values = np.concatenate(
        [
            *(numbers, middles),
            *(np.nextafter(middles, np.float32(end)) for end in (0, np.inf)),
            random.uniform(0, numbers[-1], 100_000).astype(np.float32),
            np.exp2(random.uniform(-24, np.log2(numbers[-1]), 100_000)).astype(np.float32),
        ]
    )
    values = values[values <= numbers[-1]]
    expected = values.astype(other).view(code_type)
    actual = encode(values, name, bias, denormals="gradual")
    np.testing.assert_array_equal(actual, expected)
    # Some of the other formats have no negative zero.
    top = 1 << (8 * actual.itemsize - 1)
    np.testing.assert_array_equal(encode(-values, name, bias, denormals="gradual"), actual + top)
