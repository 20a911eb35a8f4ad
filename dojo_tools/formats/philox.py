"""Random bits for stochastic rounding: Philox4x32-10, a generator without state.

Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011: ten rounds turn
a counter of four 32-bit words into four random ones, under a key of two. The bits of a lane thus
depend on nothing but where and when it draws: never on the engine, the host, the number of
workers or the order of events. The paper on the formats only asks for the same bits for the same
seed; that it is Philox, and what is counted, is `chosen`:

    key      word 0  seed [31:0]                  word 1  seed [63:32]
    counter  word 0  draws [31:0]                 word 1  draws [63:32]
             word 2  thread [25:24] y [23:12] x [11:0]
             word 3  lane // 4

and lane i takes word i % 4 of the result. `draws` counts the drawing instructions that the thread
has executed since its seed was written; x and y are relative to the partition.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dojo_tools.bits import extract, insert

WORD_WIDTH = 32
SEED_WIDTH = 64
LANES_PER_BLOCK = 4
LANES_MAX = LANES_PER_BLOCK << WORD_WIDTH

Words = NDArray[np.uint64]
"""32-bit words in 64-bit elements: a product of two of them then fits."""

_ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_HIGH = np.uint64(WORD_WIDTH)
_LOW = np.uint64((1 << WORD_WIDTH) - 1)


def random_lanes(
    seed: int,
    count: int,
    *,
    draws: int = 0,
    x: int = 0,
    y: int = 0,
    thread: int = 0,
    first: int = 0,
) -> NDArray[np.uint32]:
    """Return the random words of lanes `first` to `first + count - 1` of one draw.

    `first` is a multiple of 4; lanes are below `LANES_MAX`. A machine's vector has at most 64, an
    array of a host any number.
    """
    assert first % LANES_PER_BLOCK == 0
    place = insert(insert(insert(0, 11, 0, x), 23, 12, y), 25, 24, thread)
    head = [extract(draws, 31, 0), extract(draws, 63, 32), place]
    start = first // LANES_PER_BLOCK
    blocks = np.arange(start, start + -(-count // LANES_PER_BLOCK), dtype=np.uint64)
    counter = [*(np.full(blocks.size, word, np.uint64) for word in head), blocks]
    key = extract(seed, 31, 0), extract(seed, 63, 32)
    words = philox4x32(counter, key)
    lanes = np.empty((blocks.size, LANES_PER_BLOCK), np.uint32)
    for index, word in enumerate(words):
        lanes[:, index] = word
    return lanes.reshape(-1)[:count]


def philox4x32(counter: Sequence[Words], key: tuple[int, int]) -> list[Words]:
    """Return the four words of each counter after ten rounds; counters are four equal arrays."""
    word0, word1, word2, word3 = counter
    for step in range(_ROUNDS):
        key0, key1 = (
            np.uint64(extract(word + step * by, 31, 0))
            for word, by in zip(key, _KEY_STEPS, strict=True)
        )
        product0 = word0 * _MULTIPLIERS[0]
        product1 = word2 * _MULTIPLIERS[1]
        word0 = (product1 >> _HIGH) ^ word1 ^ key0
        word2 = (product0 >> _HIGH) ^ word3 ^ key1
        word1 = product1 & _LOW
        word3 = product0 & _LOW
    return [word0, word1, word2, word3]
