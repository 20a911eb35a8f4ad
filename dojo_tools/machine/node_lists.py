"""Many nodes as short text: blocks such as `(0..19, 1..17)` instead of each for itself."""

from collections.abc import Iterable, Sequence

from dojo_tools.diagnostics import Agent
from dojo_tools.ranges import range_text, ranges_of

Place = tuple[int, int]
"""Column and row of a node."""

BLOCKS_MAX = 12
"""So many blocks are shown of nodes that lie anywhere."""


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
        for across in ranges_of(found):
            rows.setdefault(across, []).append(y)
    blocks = [(across, down) for across, found in rows.items() for down in ranges_of(found)]
    blocks.sort(key=lambda block: (block[1][0], block[0][0]))
    texts = [f"({range_text(across)}, {range_text(down)})" for across, down in blocks[:BLOCKS_MAX]]
    left = sum(len(across) * len(down) for across, down in blocks[BLOCKS_MAX:])
    return ", ".join(texts) + (f" and {left} more" if left else "")
