"""Which nodes can't be used: dead nodes, grown to rectangles.

Rectangles are merged while two touch, at a side or a corner, so that the ring of nodes round a
block is free of other blocks. A live node inside a block, or beyond a block that reaches from one
edge of the mesh to the opposite one, is *cut off*: it can't be used. Of the parts of a mesh that is
split so, the one with most nodes is kept.
"""

from typing import NamedTuple

from dojo_tools.description import GridDef


class Block(NamedTuple):
    """A rectangle of nodes that can't be used; both corners belong to it."""

    west: int
    north: int
    east: int
    south: int


def find_blocks(grid: GridDef) -> tuple[Block, ...]:
    """Return the rectangles of nodes that can't be used, no two within a step of each other."""
    nodes = set(grid.dead)
    while True:
        blocks = _bounding_blocks(nodes)
        filled = {node for block in blocks for node in _nodes_of(block)}
        if len(filled) == len(nodes):
            return _keep_largest_part(grid, blocks)
        nodes = filled


def unusable_nodes(grid: GridDef) -> frozenset[tuple[int, int]]:
    """Return the (x, y) of nodes that can't be used: dead ones and those that are cut off."""
    return frozenset(node for block in find_blocks(grid) for node in _nodes_of(block))


def _bounding_blocks(nodes: set[tuple[int, int]]) -> list[Block]:
    """Return the bounding rectangle of each group of nodes that touch, also at corners."""
    left = set(nodes)
    blocks: list[Block] = []
    for node in sorted(nodes, key=lambda node: (node[1], node[0])):
        if node not in left:
            continue
        left.remove(node)
        group = [node]
        for x, y in group:
            around = {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= around
            group += around
        columns, rows = zip(*group, strict=True)
        blocks.append(Block(min(columns), min(rows), max(columns), max(rows)))
    return blocks


def _nodes_of(block: Block) -> list[tuple[int, int]]:
    return [
        (x, y)
        for y in range(block.north, block.south + 1)
        for x in range(block.west, block.east + 1)
    ]


def _keep_largest_part(grid: GridDef, blocks: list[Block]) -> tuple[Block, ...]:
    """Fill all parts of a split mesh but the one with most nodes, of equal ones the first.

    Only a block from one edge to the opposite one splits the mesh, since there is a way round any
    other; if there are several such blocks, all lie the same way, or they would have merged.
    """
    east, south = grid.width - 1, grid.height - 1
    upright = [block for block in blocks if (block.north, block.south) == (0, south)]
    level = [block for block in blocks if (block.west, block.east) == (0, east)]
    if upright:
        walls = [-1, *sorted(x for b in upright for x in (b.west, b.east)), east + 1]
        strips = [
            Block(w + 1, 0, e - 1, south) for w, e in zip(walls[::2], walls[1::2], strict=True)
        ]
    elif level:
        walls = [-1, *sorted(y for b in level for y in (b.north, b.south)), south + 1]
        strips = [
            Block(0, n + 1, east, s - 1) for n, s in zip(walls[::2], walls[1::2], strict=True)
        ]
    else:
        return tuple(blocks)
    kept = max(strips, key=lambda strip: _count_live(strip, blocks))
    if upright:
        rest = [Block(0, 0, kept.west - 1, south), Block(kept.east + 1, 0, east, south)]
    else:
        rest = [Block(0, 0, east, kept.north - 1), Block(0, kept.south + 1, east, south)]
    filled = [b for b in rest if b.west <= b.east and b.north <= b.south]
    return tuple(filled + [block for block in blocks if _is_within(block, kept)])


def _count_live(strip: Block, blocks: list[Block]) -> int:
    dead = sum(len(_nodes_of(block)) for block in blocks if _is_within(block, strip))
    return (strip.east - strip.west + 1) * (strip.south - strip.north + 1) - dead


def _is_within(block: Block, other: Block) -> bool:
    return (
        other.west <= block.west
        and block.east <= other.east
        and other.north <= block.north
        and block.south <= other.south
    )
