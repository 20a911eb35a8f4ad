"""The random generator against the published known answers and a scalar version of the paper's."""

import numpy as np
import pytest

from dojo_tools.formats import philox4x32, random_lanes

# "kat_vectors" of the Random123 distribution, the lines `philox4x32 10`: counter, key, result.
KNOWN_ANSWERS = """
00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8
ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd
243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1
"""


def scalar_philox(counter: list[int], key: list[int]) -> list[int]:
    """Return four words of one counter, in integers, round by round."""
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * counter[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * counter[2], 2**32)
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter


@pytest.mark.parametrize("line", KNOWN_ANSWERS.split("\n")[1:-1])
def test_known_answers(line: str) -> None:
    words = [int(word, 16) for word in line.split()]
    columns = [np.array([word], np.uint64) for word in words[:4]]
    result = philox4x32(columns, (words[4], words[5]))
    assert [int(word[0]) for word in result] == words[6:]
    assert scalar_philox(words[:4], words[4:6]) == words[6:]


def test_many_counters_at_once() -> None:
    random = np.random.default_rng(1)
    columns = [random.integers(0, 1 << 32, 200, np.uint64) for _ in range(4)]
    result = philox4x32(columns, (0x12345678, 0x9ABCDEF0))
    for index in range(200):
        counter = [int(column[index]) for column in columns]
        expected = scalar_philox(counter, [0x12345678, 0x9ABCDEF0])
        assert [int(word[index]) for word in result] == expected


def test_what_is_counted() -> None:
    seed, draws = 0xFEDCBA98_76543210, 0x11223344_55667788
    lanes = random_lanes(seed, 64, draws=draws, x=0xABC, y=0x123, thread=3)
    place = 3 << 24 | 0x123 << 12 | 0xABC
    expected = [
        word
        for block in range(16)
        for word in scalar_philox([0x55667788, 0x11223344, place, block], [0x76543210, 0xFEDCBA98])
    ]
    assert lanes.tolist() == expected
    assert lanes.dtype == np.uint32


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 63])
def test_fewer_lanes_are_the_first_ones(count: int) -> None:
    assert random_lanes(7, count).tolist() == random_lanes(7, 64)[:count].tolist()


def test_lanes_may_start_later() -> None:
    assert random_lanes(7, 9, first=40).tolist() == random_lanes(7, 64)[40:49].tolist()


@pytest.mark.parametrize(
    "change", [{"draws": 1}, {"draws": 1 << 32}, {"x": 1}, {"y": 1}, {"thread": 1}, {"first": 64}]
)
def test_every_part_of_the_counter_counts(change: dict[str, int]) -> None:
    assert not np.any(random_lanes(7, 64, **change) == random_lanes(7, 64))
