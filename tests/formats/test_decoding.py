"""Every code of every format at every bias, against the paper's formulas and against gfloat."""

from fractions import Fraction
from typing import Any

import gfloat
import numpy as np
import pytest
from gfloat.types import Domain
from numpy.typing import NDArray

from dojo_tools.formats import BIAS_MAX, FORMATS, Denormals, Flag, decode, summary

BIASES = range(BIAS_MAX + 1)
CFLOAT8 = {"cfloat8_1_4_3": (4, 3), "cfloat8_1_5_2": (5, 2)}


def of_the_paper(code: int, exponent_width: int, mantissa_width: int, bias: int) -> Fraction:
    """Return the value that the paper's formulas give, the sign being the bit above."""
    mantissa = Fraction(code % 2**mantissa_width, 2**mantissa_width)
    exponent = code // 2**mantissa_width % 2**exponent_width
    sign = -1 if code // 2 ** (mantissa_width + exponent_width) else 1
    if exponent == 0:
        return sign * Fraction(2) ** -bias * mantissa
    return sign * Fraction(2) ** (exponent - bias) * (1 + mantissa)


def exactly(values: NDArray[np.float32]) -> list[Fraction]:
    return [Fraction(value) for value in values.tolist()]


@pytest.mark.parametrize("name", CFLOAT8)
def test_every_code_and_bias_is_what_the_paper_says(name: str) -> None:
    codes = np.arange(256, dtype=np.uint8)
    for bias in BIASES:
        expected = [of_the_paper(code, *CFLOAT8[name], bias) for code in range(256)]
        assert exactly(decode(codes, name, bias)) == expected


@pytest.mark.parametrize("name", CFLOAT8)
def test_every_code_and_bias_is_what_gfloat_says_of_the_gradual_rule(name: str) -> None:
    exponent_width, mantissa_width = CFLOAT8[name]
    codes = np.arange(256, dtype=np.uint8)
    for bias in BIASES:
        format = gfloat.FormatInfo(
            name,
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
        assert format.expBits == exponent_width
        expected = [gfloat.decode_float(format, code).fval for code in range(256)]
        assert decode(codes, name, bias, "gradual").tolist() == expected


def test_shp() -> None:
    codes = np.arange(1 << 16, dtype=np.uint16)
    half = decode(codes, "shp", 15)
    assert exactly(half) == [of_the_paper(code, 5, 10, 15) for code in range(1 << 16)]
    for bias in BIASES:
        scaled = np.ldexp(half.astype(np.float64), 15 - bias)
        np.testing.assert_array_equal(decode(codes, "shp", bias), scaled)


def test_shp_with_the_gradual_rule_is_half_precision_without_infinities() -> None:
    codes = np.arange(0x7C00, dtype=np.uint16)
    expected = codes.view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(decode(codes, "shp", 15, "gradual"), expected)


def test_uhp() -> None:
    values, flags = decode(np.arange(1 << 16, dtype=np.uint16), "uhp", return_flags=True)
    expected = [of_the_paper(code, 6, 10, 31) for code in range(0xFC00)]
    expected[:0x400] = [Fraction(0)] * 0x400
    assert exactly(values[:0xFC00]) == expected
    assert np.isposinf(values[0xFC00])
    assert set(values[0xFC01:].view(np.uint32).tolist()) == {0x7FC00000}
    wanted = np.zeros(1 << 16, np.uint8)
    wanted[1:0x400] = Flag.DENORMAL
    wanted[0xFC01:] = Flag.INVALID
    np.testing.assert_array_equal(flags, wanted)


def test_bf16_and_f32_are_float32_bits() -> None:
    codes = np.arange(1 << 16, dtype=np.uint32)
    wide = (codes << 16).view(np.float32)
    values, flags = decode(codes, "bf16", return_flags=True)
    np.testing.assert_array_equal(values, wide)
    assert not flags.any()
    np.testing.assert_array_equal(np.signbit(values[:0x7F81]), np.signbit(wide[:0x7F81]))
    some = np.array([0, 1, 0x80000000, 0x3F800000, 0x7F800000], np.uint32)
    values, flags = decode(some, "f32", return_flags=True)
    np.testing.assert_array_equal(values.view(np.uint32), some)
    assert not flags.any()


def test_the_gap_that_the_printed_rule_leaves() -> None:
    values = decode(np.array([0x07, 0x08], np.uint8), "cfloat8_1_4_3", 7)
    assert values.tolist() == [0.875 * 2**-7, 2 * 2**-7]


@pytest.mark.parametrize(
    "name, bias, code, value",
    [
        ("cfloat8_1_4_3", 7, 0x01, 2.0**-10),
        ("cfloat8_1_4_3", 7, 0x07, 0.0068359375),
        ("cfloat8_1_4_3", 7, 0x08, 2.0**-6),
        ("cfloat8_1_4_3", 7, 0x38, 1.0),
        ("cfloat8_1_4_3", 7, 0x40, 2.0),
        ("cfloat8_1_4_3", 7, 0x7F, 480.0),
        ("cfloat8_1_4_3", 7, 0xFF, -480.0),
        ("cfloat8_1_5_2", 15, 0x01, 2.0**-17),
        ("cfloat8_1_5_2", 15, 0x03, 0.75 * 2**-15),
        ("cfloat8_1_5_2", 15, 0x04, 2.0**-14),
        ("cfloat8_1_5_2", 15, 0x3C, 1.0),
        ("cfloat8_1_5_2", 15, 0x7F, 114_688.0),
        ("uhp", None, 0x7C00, 1.0),
        ("uhp", None, 0xFBFF, 4_292_870_144.0),
        ("uhp", 31, 0x0400, 2.0**-30),
    ],
)
def test_worked_examples(name: str, bias: int | None, code: int, value: float) -> None:
    assert decode(code, name, bias) == value


@pytest.mark.parametrize("name", ["cfloat8_1_4_3", "cfloat8_1_5_2", "shp"])
@pytest.mark.parametrize("denormals", ["printed", "gradual"])
def test_the_table_states_the_extremes(name: str, denormals: Denormals) -> None:
    row = FORMATS[name]
    normal_min = 1 << row.mantissa_width
    for bias in (0, 7, 15, 63):
        values = decode(np.array([1, normal_min, row.code_max]), name, bias, denormals)
        assert values.tolist() == [
            row.denormal_min(bias, denormals),
            row.normal_min(bias),
            row.finite_max(bias),
        ]


def test_denormal_operands_set_the_flag() -> None:
    codes = np.array([0x00, 0x01, 0x07, 0x08, 0x80, 0x87], np.uint8)
    values, flags = decode(codes, "cfloat8_1_4_3", 7, return_flags=True)
    assert flags.tolist() == [0, 2, 2, 0, 0, 2]
    assert summary(flags) == Flag.DENORMAL
    assert np.signbit(values[4])


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_shapes_are_kept(shape: tuple[int, ...]) -> None:
    codes: NDArray[Any] = np.ones(shape, np.uint8)
    values, flags = decode(codes, "cfloat8_1_4_3", 7, return_flags=True)
    assert (values.shape, values.dtype) == (shape, np.float32)
    assert (flags.shape, flags.dtype) == (shape, np.uint8)
