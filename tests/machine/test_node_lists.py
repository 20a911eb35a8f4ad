"""Many nodes as short text."""

import pytest

from dojo_tools.diagnostics import Agent
from dojo_tools.machine.node_lists import BLOCKS_MAX, agents_text, nodes_text
from dojo_tools.ranges import RANGES_MAX, numbers_text

Places = list[tuple[int, int]]
DIE = [(x, y) for y in range(18) for x in range(20) if y or x < 14]


@pytest.mark.parametrize(
    "places, text",
    [
        ([(1, 0)], "node (1, 0)"),
        ([(0, 0), (1, 0)], "2 nodes: (0..1, 0)"),
        ([(3, 4), (3, 5)], "2 nodes: (3, 4..5)"),
        ([(2, 2), (0, 0)], "2 nodes: (0, 0), (2, 2)"),
        ([(x, y) for x in range(20) for y in range(1, 18)], "340 nodes: (0..19, 1..17)"),
        (DIE, "354 nodes: (0..13, 0), (0..19, 1..17)"),
        ([(x, y) for x in (0, 2, 4) for y in (1, 4, 7)], "9 nodes: (0..4 by 2, 1..7 by 3)"),
        ([(0, 0), (2, 0), (3, 0), (4, 0)], "4 nodes: (0, 0), (2..4, 0)"),
        ([(1, 1), (1, 1)], "node (1, 1)"),
    ],
)
def test_nodes_are_told_as_blocks(places: Places, text: str) -> None:
    assert nodes_text(places) == text
    assert nodes_text(reversed(places)) == text


def test_of_nodes_that_lie_anywhere_some_are_shown() -> None:
    places = [(x * x, x) for x in range(1, 30)]
    text = nodes_text(places)
    assert text.startswith("29 nodes: (1, 1), (4, 2), ")
    assert text.count("(") == BLOCKS_MAX
    assert text.endswith(f" and {29 - BLOCKS_MAX} more")


def test_threads_and_numbers() -> None:
    assert agents_text([Agent(1, 2, None)]) == "node (1, 2) list engine"
    assert agents_text([Agent(0, 0, 3), Agent(1, 0, 3)]) == "2 nodes: (0..1, 0): thread 3 of each"
    assert numbers_text([1, 2, 3, 7]) == "1..3, 7"
    squares = numbers_text([x * x for x in range(20)])
    assert squares == "0..1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144 and 7 more"
    assert squares.count(", ") == RANGES_MAX - 1
