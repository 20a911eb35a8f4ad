"""Many nodes as short text: blocks such as `(0..19, 1..17)` instead of each for itself."""

from collections.abc import Iterable, Sequence

from dojo_tools.diagnostics import Agent

Place = tuple[int, int]
"""Column and row of a node."""

BLOCKS_MAX = 12
"""So many blocks are shown of nodes that lie anywhere."""

STEPS_MIN = 3
"""So many numbers with the same distance, if it is not 1, are one range."""


def nodes_text(places: Iterable[Place]) -> str:
    """Return nodes as messages name them: `node (1, 0)`, or how many and which."""
    places = list(dict.fromkeys(places))
    if len(places) == 1:
        return "node ({}, {})".format(*places[0])
    return f"{len(places)} nodes: {places_text(places)}"


def agents_text(agents: Sequence[Agent]) -> str:
    """Return threads as messages begin that are about them; several are the same one of nodes."""
    if len(agents) == 1:
        return str(agents[0])
    return f"{nodes_text((x, y) for x, y, _ in agents)}: {agents[0].part} of each"


def places_text(places: Iterable[Place]) -> str:
    """Return places as blocks of columns and rows, from the north, at most `BLOCKS_MAX`."""
    columns: dict[int, list[int]] = {}
    for x, y in sorted(places):
        columns.setdefault(y, []).append(x)
    rows: dict[range, list[int]] = {}
    for y, found in sorted(columns.items()):
        for across in _ranges(found):
            rows.setdefault(across, []).append(y)
    blocks = [(across, down) for across, found in rows.items() for down in _ranges(found)]
    blocks.sort(key=lambda block: (block[1][0], block[0][0]))
    texts = [f"({_text(across)}, {_text(down)})" for across, down in blocks[:BLOCKS_MAX]]
    left = sum(len(across) * len(down) for across, down in blocks[BLOCKS_MAX:])
    return ", ".join(texts) + (f" and {left} more" if left else "")


def numbers_text(numbers: Sequence[int]) -> str:
    """Return ascending numbers as ranges, at most `BLOCKS_MAX`."""
    ranges = _ranges(numbers)
    left = sum(map(len, ranges[BLOCKS_MAX:]))
    return ", ".join(map(_text, ranges[:BLOCKS_MAX])) + (f" and {left} more" if left else "")


def _ranges(numbers: Sequence[int]) -> list[range]:
    """Return ascending numbers as ranges, each as long as it can be."""
    ranges: list[range] = []
    first = 0
    while first < len(numbers):
        last, step = first, 1
        if first + 1 < len(numbers):
            step = numbers[first + 1] - numbers[first]
            while last + 1 < len(numbers) and numbers[last + 1] - numbers[last] == step:
                last += 1
        if step > 1 and last - first + 1 < STEPS_MIN:
            last, step = first, 1
        ranges.append(range(numbers[first], numbers[last] + 1, step))
        first = last + 1
    return ranges


def _text(numbers: range) -> str:
    if len(numbers) == 1:
        return str(numbers[0])
    step = "" if numbers.step == 1 else f" by {numbers.step}"
    return f"{numbers[0]}..{numbers[-1]}{step}"
