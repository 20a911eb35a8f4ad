"""Encoding, exhaustively, against a search on the line of all numbers of the format.

The oracle knows only the paper's formulas: it lists the magnitudes of all codes, finds the two
neighbours of a value by binary search and chooses between them. It shares nothing with the code
under test, which works on the bits of the value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.formats import BIAS_MAX, Denormals, Flag, Rounding, encode, summary

# Signalling NaNs are among the values, and the oracle's search casts what it makes of a NaN.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in cast")

RULES: list[Denormals] = ["printed", "gradual"]
WIDTHS = {"cfloat8_1_4_3": (4, 3), "cfloat8_1_5_2": (5, 2), "shp": (5, 10)}

Codes = NDArray[np.integer]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """The magnitudes of all codes in order, and the one that would follow the last."""

    magnitudes: Values
    sign: int
    least_normal: float

    def floor(self, values: Values) -> tuple[Codes, Values, Values]:
        """Return the code at or below each magnitude, the distance from it, and the gap there."""
        values = np.minimum(values, self.magnitudes[-1])
        lower = np.searchsorted(self.magnitudes, values, "right") - 1
        lower = np.minimum(lower, len(self.magnitudes) - 2)
        gap = self.magnitudes[lower + 1] - self.magnitudes[lower]
        return lower, values - self.magnitudes[lower], gap

    def nearest(self, values: Values) -> Codes:
        """Return the unclamped code nearest to each magnitude, of two the even one."""
        lower, distance, gap = self.floor(values)
        rest = gap - distance
        return lower + ((distance > rest) | ((distance == rest) & (lower % 2 == 1)))

    def stochastic(self, values: Values, words: NDArray[np.uint32]) -> Codes:
        """Return the unclamped code that the random words choose.

        The upper neighbour, where the fraction of the way to it, cut to 32 bits, and the word
        together reach 1.
        """
        lower, distance, gap = self.floor(values)
        least = self.magnitudes[1]
        # A gap is a whole number times a power of two: a whole number of the least, and an odd one
        # only in the printed rule's gap, where integers divide exactly.
        odd = gap / least % 2 == 1
        fraction = distance / np.where(odd, least, gap) * 2.0**32
        cut = np.floor(fraction).astype(np.int64)
        cut = np.where(odd, cut // np.maximum(gap / least, 1).astype(np.int64), cut)
        return lower + (cut + words >= 2**32)

    def result(self, values: Values, unclamped: Codes) -> tuple[Codes, NDArray[np.uint8]]:
        """Return the codes and flags of values, whose magnitudes were rounded to `unclamped`."""
        code_max = len(self.magnitudes) - 2
        codes = np.minimum(unclamped, code_max)
        magnitude = np.abs(values)
        tiny = magnitude < self.least_normal
        flags = np.where(unclamped > code_max, Flag.OVERFLOW, 0)
        flags |= np.where(tiny & (self.magnitudes[codes] != magnitude), Flag.UNDERFLOW, 0)
        flags |= np.where((magnitude > 0) & (magnitude < 2.0**-126), Flag.DENORMAL, 0)
        codes = np.where(np.signbit(values), codes + self.sign, codes)
        nan = np.isnan(values)
        codes[nan], flags[nan] = code_max, Flag.INVALID
        return codes, flags.astype(np.uint8)


def line_of(name: str, bias: int, denormals: Denormals) -> Line:
    """Return all magnitudes of a format, by the formulas."""
    exponent_width, mantissa_width = WIDTHS[name]
    mantissa: Values = np.arange(1 << mantissa_width) / (1 << mantissa_width)
    scale = 2.0**-bias * (1 if denormals == "printed" else 2)
    exponents: Codes = np.arange(1, 1 << exponent_width)[:, None]
    normal: Values = np.ldexp(1 + mantissa, exponents - bias).ravel()
    beyond = [2.0 ** (2**exponent_width - bias)]
    magnitudes = np.concatenate([mantissa * scale, normal, beyond])
    return Line(magnitudes, len(magnitudes) - 1, float(normal[0]))


BF16 = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("denormals", RULES)
@pytest.mark.parametrize("name", WIDTHS)
def test_every_bf16_value_and_bias_to_nearest(name: str, denormals: Denormals) -> None:
    for bias in range(BIAS_MAX + 1):
        line = line_of(name, bias, denormals)
        wide = BF16.astype(np.float64)
        expected, expected_flags = line.result(wide, line.nearest(np.abs(wide)))
        codes, flags = encode(BF16, name, bias, denormals=denormals, return_flags=True)
        np.testing.assert_array_equal(codes, expected)
        np.testing.assert_array_equal(flags, expected_flags)


@pytest.mark.parametrize("denormals", RULES)
@pytest.mark.parametrize("name", WIDTHS)
def test_every_bf16_value_and_bias_with_known_random_bits(name: str, denormals: Denormals) -> None:
    random = np.random.default_rng(1)
    for bias in range(BIAS_MAX + 1):
        words = random.integers(0, 1 << 32, BF16.size, np.uint32)
        line = line_of(name, bias, denormals)
        wide = BF16.astype(np.float64)
        chosen = line.stochastic(np.abs(wide), words)
        expected, expected_flags = line.result(wide, chosen)
        codes, flags = encode(
            BF16,
            name,
            bias,
            "stochastic",
            random_bits=words,
            denormals=denormals,
            return_flags=True,
        )
        np.testing.assert_array_equal(codes, expected)
        np.testing.assert_array_equal(flags, expected_flags)


def hard_values(line: Line, count: int, seed: int) -> Iterator[Values]:
    """Yield float64 values: all numbers, all midpoints, both beside each, and random ones."""
    middles = (line.magnitudes[1:] + line.magnitudes[:-1]) / 2
    for points in (line.magnitudes, middles):
        for direction in (-np.inf, np.inf):
            yield np.nextafter(points, direction)
            yield np.nextafter(points.astype(np.float32), np.float32(direction)).astype(np.float64)
        yield points
    random = np.random.default_rng(seed)
    least, most = np.log2(line.magnitudes[1]) - 3, np.log2(line.magnitudes[-1]) + 1
    yield 2.0 ** random.uniform(least, most, count)
    # The whole of the range below the normal numbers, gap included, as evenly.
    yield random.uniform(0, 1.1 * line.least_normal, count)
    yield np.array([0.0, 5e-324, 2.0**-149, 2.0**-1022, 1e308, np.inf, np.nan])


def assert_encoded(
    name: str, bias: int, denormals: Denormals, count: int, dtype: type[np.floating]
) -> None:
    """Compare hard and random values of both signs and in both roundings."""
    line = line_of(name, bias, denormals)
    random = np.random.default_rng(bias)
    with np.errstate(over="ignore"):
        values = np.concatenate(list(hard_values(line, count, bias))).astype(dtype)
    values = np.concatenate([values, -values])
    wide = values.astype(np.float64)
    words = random.integers(0, 1 << 32, values.size, np.uint32)
    words[::7] = 0
    words[::11] = 0xFFFFFFFF
    magnitude = np.abs(wide)
    for unclamped, rounding in (
        (line.nearest(magnitude), "nearest"),
        (line.stochastic(magnitude, words), "stochastic"),
    ):
        expected, expected_flags = line.result(wide, unclamped)
        if dtype == np.float64:
            denormal = (magnitude > 0) & (magnitude < np.finfo(np.float64).smallest_normal)
            expected_flags &= ~np.uint8(Flag.DENORMAL)
            expected_flags |= denormal * np.uint8(Flag.DENORMAL)
        codes, flags = encode(
            values,
            name,
            bias,
            "nearest" if rounding == "nearest" else "stochastic",
            random_bits=words,
            denormals=denormals,
            return_flags=True,
        )
        np.testing.assert_array_equal(codes, expected)
        np.testing.assert_array_equal(flags, expected_flags)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("denormals", RULES)
@pytest.mark.parametrize("name", WIDTHS)
def test_numbers_midpoints_and_their_neighbours(
    name: str, denormals: Denormals, dtype: type[np.floating]
) -> None:
    for bias in (0, 1, 7, 15, 31, 62, 63):
        assert_encoded(name, bias, denormals, 5_000, dtype)


@pytest.mark.soak
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("denormals", RULES)
@pytest.mark.parametrize("name", WIDTHS)
def test_random_values_at_every_bias(
    name: str, denormals: Denormals, dtype: type[np.floating]
) -> None:
    for bias in range(BIAS_MAX + 1):
        assert_encoded(name, bias, denormals, 100_000, dtype)


@pytest.mark.parametrize("name", ["cfloat8_1_4_3", "cfloat8_1_5_2"])
@pytest.mark.parametrize("denormals", RULES)
def test_ten_million_random_float32(name: str, denormals: Denormals) -> None:
    """Two and a half million in each case, sorted for the sake of the oracle's search."""
    random = np.random.default_rng(5)
    codes = random.integers(0x3B000000, 0x46000000, 2_500_000, np.uint32)
    values = np.sort(codes).view(np.float32)
    line = line_of(name, 15, denormals)
    wide = values.astype(np.float64)
    expected, expected_flags = line.result(wide, line.nearest(wide))
    actual, flags = encode(values, name, 15, denormals=denormals, return_flags=True)
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(flags, expected_flags)


# UHP and the wide formats.


def uhp_line() -> Line:
    mantissa = np.arange(1024) / 1024
    normal = np.ldexp(1 + mantissa, np.arange(1, 63)[:, None] - 31).ravel()
    return Line(np.concatenate([normal, [2.0**32]]), 0, 2.0**-30)


def assert_uhp(values: NDArray[np.floating], rounding: Rounding) -> None:
    """Compare the codes and flags of values that are not negative and are finite."""
    line = uhp_line()
    wide = values.astype(np.float64)
    words = np.random.default_rng(2).integers(0, 1 << 32, values.size, np.uint32)
    normal = np.maximum(wide, 2.0**-30)
    is_nearest = rounding == "nearest"
    upper = line.nearest(normal) if is_nearest else uhp_stochastic(line, normal, words)
    codes_of_line = upper + 1024
    if is_nearest:
        # The line starts at an even code, as its first index is.
        assert codes_of_line.min() == 1024
    expected = np.where(wide < 2.0**-30, 0, np.minimum(codes_of_line, 0xFC00))
    expected_flags = np.where(codes_of_line >= 0xFC00, Flag.OVERFLOW, 0)
    expected_flags |= np.where((wide < 2.0**-30) & (wide > 0), Flag.UNDERFLOW, 0)
    limit = np.finfo(values.dtype).smallest_normal
    expected_flags |= np.where((wide > 0) & (wide < limit), Flag.DENORMAL, 0)
    codes, flags = encode(values, "uhp", None, rounding, random_bits=words, return_flags=True)
    np.testing.assert_array_equal(codes, expected)
    np.testing.assert_array_equal(flags, expected_flags)


EACH_ROUNDING = pytest.mark.parametrize("rounding", ["nearest", "stochastic"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EACH_ROUNDING
def test_uhp(dtype: type[np.floating], rounding: Rounding) -> None:
    values = np.concatenate(list(hard_values(uhp_line(), 100_000, 1))).astype(np.float64)
    assert_uhp(values[np.isfinite(values) & (values < 3e38)].astype(dtype), rounding)


@EACH_ROUNDING
def test_uhp_of_every_bf16_value(rounding: Rounding) -> None:
    assert_uhp(BF16[:0x7F80], rounding)
    below = BF16[0x8001:0xFF81]
    codes, flags = encode(below, "uhp", None, rounding, seed=1, return_flags=True)
    assert not codes.any()
    tiny = np.abs(below) < np.finfo(np.float32).smallest_normal
    np.testing.assert_array_equal(flags, np.where(tiny, Flag.INVALID | Flag.DENORMAL, Flag.INVALID))


def uhp_stochastic(line: Line, values: Values, words: NDArray[np.uint32]) -> Codes:
    lower, distance, gap = line.floor(values)
    return lower + (np.floor(distance / gap * 2.0**32).astype(np.int64) + words >= 2**32)


def test_what_uhp_makes_of_the_special_values() -> None:
    values = np.array([np.inf, -np.inf, np.nan, -np.nan, -1, -1e-40, -0.0, 0.0, 1e-40], np.float32)
    codes, flags = encode(values, "uhp", return_flags=True)
    assert codes.tolist() == [0xFC00, 0, 0xFE00, 0xFE00, 0, 0, 0, 0, 0]
    assert flags.tolist() == [0, 1, 1, 1, 1, 3, 0, 0, 10]
    assert summary(flags) == Flag.INVALID | Flag.DENORMAL | Flag.UNDERFLOW


@pytest.mark.parametrize("name", WIDTHS)
def test_what_the_saturating_formats_make_of_the_special_values(name: str) -> None:
    values = np.array([np.inf, -np.inf, np.nan, -np.nan, 0.0, -0.0, -1e-40], np.float32)
    codes, flags = encode(values, name, 15, return_flags=True)
    sign = 1 << sum(WIDTHS[name])
    largest = sign - 1
    assert codes.tolist() == [largest, largest + sign, largest, largest, 0, sign, sign]
    assert flags.tolist() == [4, 4, 1, 1, 0, 0, 10]


def test_bf16_is_what_ml_dtypes_makes_of_it() -> None:
    random = np.random.default_rng(3)
    codes = random.integers(0, 1 << 32, 2_000_000, np.uint32)
    codes[:1_000_000] &= 0xFFFF8000  # midpoints and numbers
    values = codes.view(np.float32)
    with np.errstate(all="ignore"):
        expected = values.astype(ml_dtypes.bfloat16).view(np.uint16)
    actual, flags = encode(values, "bf16", return_flags=True)
    np.testing.assert_array_equal(actual, np.where(np.isnan(values), 0x7FC0, expected))
    assert not flags.any()


def test_f32_is_what_the_host_makes_of_it() -> None:
    random = np.random.default_rng(4)
    codes = random.integers(0, 1 << 32, 500_000, np.uint32).view(np.float32)
    assert (
        encode(codes, "f32").tolist()
        == np.where(np.isnan(codes), 0x7FC00000, codes.view(np.uint32)).tolist()
    )
    numbers = np.abs(codes[np.isfinite(codes)].astype(np.float64))
    halves = numbers * (1 + 2.0**-24)
    for values in (halves, np.nextafter(halves, 0), np.nextafter(halves, np.inf), numbers / 2):
        with np.errstate(all="ignore"):
            expected = values.astype(np.float32).view(np.uint32)
        np.testing.assert_array_equal(encode(values, "f32"), expected)


@pytest.mark.parametrize("name, cut", [("bf16", 16), ("f32", 29)])
def test_stochastic_rounding_of_ieee_formats(name: str, cut: int) -> None:
    """Add the top bits of the words below the kept ones, in the bits of the source."""
    random = np.random.default_rng(6)
    words = random.integers(0, 1 << 32, 200_000, np.uint32)
    if name == "bf16":
        source = random.integers(0, 0x7F800000, 200_000, np.uint32)
        values: NDArray[np.floating] = source.view(np.float32)
        expected = (source + (words >> np.uint32(32 - cut))) >> np.uint32(cut)
    else:
        wide = random.integers((1023 - 126) << 52, (1023 + 127) << 52, 200_000, np.uint64)
        values = wide.view(np.float64)
        rounded = (wide + (words >> np.uint32(32 - cut))) >> np.uint64(cut)
        expected = rounded - np.uint64((1023 - 127) << 23)
    actual = encode(values, name, None, "stochastic", random_bits=words)
    np.testing.assert_array_equal(actual, expected)
