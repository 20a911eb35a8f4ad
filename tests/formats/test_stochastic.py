"""Stochastic rounding: the choice by exact fractions, the mean, and the bits of a seed."""

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.formats import FORMATS, Denormals, decode, encode, random_lanes

CASES = [
    ("cfloat8_1_4_3", 7, "printed"),
    ("cfloat8_1_4_3", 40, "gradual"),
    ("cfloat8_1_5_2", 15, "printed"),
    ("cfloat8_1_5_2", 63, "gradual"),
    ("shp", 15, "printed"),
    ("shp", 0, "gradual"),
    ("uhp", None, "printed"),
    ("bf16", None, "printed"),
]
EACH_CASE = pytest.mark.parametrize("name, bias, denormals", CASES)


def positive_numbers(name: str, bias: int | None, denormals: Denormals) -> list[float]:
    """Return the numbers that a result may be, in order; a code is the place of its number."""
    codes = np.arange(FORMATS[name].code_max + 1)
    return [float(value) for value in decode(codes, name, bias, denormals)]


def in_range(numbers: list[float], count: int, seed: int) -> NDArray[np.float64]:
    """Return random values between numbers, those below the normal ones as often as the rest."""
    random = np.random.default_rng(seed)
    places = random.integers(0, len(numbers) - 1, count)
    places[::2] = random.integers(0, min(1 << 11, len(numbers) // 8), places[::2].size)
    line = np.array(numbers)
    return line[places] + random.random(count) * (line[places + 1] - line[places])


@EACH_CASE
def test_the_choice_is_that_of_exact_fractions(
    name: str, bias: int | None, denormals: Denormals
) -> None:
    """Up where the 32-bit word and the fraction of the way, cut to 32 bits, together reach 1."""
    numbers = positive_numbers(name, bias, denormals)
    values = in_range(numbers, 3_000, 1)
    if name == "uhp":
        values = values[values >= 2.0**-30]
    line = np.array(numbers)
    places = [int(index) - 1 for index in np.searchsorted(line, values, "right")]
    words = np.random.default_rng(2).integers(0, 1 << 32, values.size, np.uint32)
    expected: list[int] = []
    for place, value, index in zip(places, values.tolist(), range(values.size), strict=True):
        way = Fraction(value) - Fraction(numbers[place])
        if place + 1 < len(numbers):
            way /= Fraction(numbers[place + 1]) - Fraction(numbers[place])
        needed = 2**32 - math.floor(way * 2**32)
        # Every third word is the first that goes up, every third the last that does not.
        word = [int(words[index]), needed, needed - 1][index % 3]
        words[index] = min(word, 2**32 - 1)
        expected.append(place + (int(words[index]) >= needed))
    codes = encode(
        values, name, bias, "stochastic", random_bits=words, denormals=denormals
    ).tolist()
    assert codes == expected
    assert len({code - place for code, place in zip(codes, places, strict=True)}) == 2


@EACH_CASE
def test_numbers_of_the_format_never_move(
    name: str, bias: int | None, denormals: Denormals
) -> None:
    codes = np.arange(FORMATS[name].code_max + 1)
    if name == "uhp":
        codes = codes[0x400:]
    values = decode(codes, name, bias, denormals)
    for word in (0, 0xFFFFFFFF):
        result = encode(values, name, bias, "stochastic", random_bits=word, denormals=denormals)
        np.testing.assert_array_equal(result, codes)


@pytest.mark.parametrize("draws", [10_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize(
    "name, bias", [("cfloat8_1_4_3", 7), ("cfloat8_1_5_2", 15), ("shp", 15), ("uhp", None)]
)
def test_the_mean_is_the_value(name: str, bias: int | None, draws: int) -> None:
    """250 values each: within 4 standard errors; the seeds are fixed, so this never flickers."""
    numbers = positive_numbers(name, bias, "printed")
    values = in_range(numbers, 500, 3)
    values = values[values >= 2.0**-30][:250] if name == "uhp" else values[:250]
    line = np.array(numbers)
    places = [int(index) - 1 for index in np.searchsorted(line, values, "right")]
    worst = 0.0
    for seed, (value, place) in enumerate(zip(values, places, strict=True)):
        codes = encode(np.full(draws, value), name, bias, "stochastic", seed=seed)
        above = int(np.count_nonzero(codes == place + 1))
        assert above + int(np.count_nonzero(codes == place)) == draws
        below_it, above_it = numbers[place], numbers[place + 1]
        chance = (value - below_it) / (above_it - below_it)
        error = math.sqrt(chance * (1 - chance) / draws)
        # A single draw of a rare event is no outlier.
        worst = max(worst, (abs(above / draws - chance) - 1 / draws) / error)
    assert worst <= 4


def test_a_seed_gives_the_same_bits_every_time() -> None:
    values = np.random.default_rng(1).standard_normal((7, 9_001)).astype(np.float32)
    first = encode(values, "cfloat8_1_4_3", 7, "stochastic", seed=1)
    again = encode(values, "cfloat8_1_4_3", 7, "stochastic", seed=1)
    other = encode(values, "cfloat8_1_4_3", 7, "stochastic", seed=2)
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_a_seed_means_the_lanes_of_one_draw() -> None:
    values = np.random.default_rng(1).standard_normal((7, 9_001)).astype(np.float32)
    words = random_lanes(99, values.size).reshape(values.shape)
    np.testing.assert_array_equal(
        encode(values, "cfloat8_1_5_2", 15, "stochastic", seed=99),
        encode(values, "cfloat8_1_5_2", 15, "stochastic", random_bits=words),
    )


def test_nearest_rounding_looks_at_no_bits() -> None:
    values = np.linspace(-1, 1, 1000)
    plain = encode(values, "cfloat8_1_4_3", 7)
    np.testing.assert_array_equal(encode(values, "cfloat8_1_4_3", 7, seed=5), plain)


def test_a_value_beyond_the_largest_may_round_back_without_overflow() -> None:
    values = np.full(2, 480.0 + 8.0)
    words = np.array([0, 0xFFFFFFFF], np.uint32)
    codes, flags = encode(
        values, "cfloat8_1_4_3", 7, "stochastic", random_bits=words, return_flags=True
    )
    assert codes.tolist() == [0x7F, 0x7F]
    assert flags.tolist() == [0, 4]


def test_what_lies_beyond_32_bits_below_is_not_seen() -> None:
    values = np.array([1 + 2.0**-3 * 2.0**-32, 1 + 2.0**-3 * 2.0**-33])
    codes = encode(values, "cfloat8_1_4_3", 7, "stochastic", random_bits=0xFFFFFFFF)
    assert codes.tolist() == [0x39, 0x38]
