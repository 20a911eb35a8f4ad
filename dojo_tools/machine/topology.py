"""Which way a packet goes: the mesh with its dead nodes, as tables of one integer a node.

Routing is XY, first along the row, then along the column. Where the next node can't be used, a
packet follows the edge of the block of dead nodes, by what its own node knows. The published ways
to do this without a table of routes at each node are turn rules (Glass and Ni) and fault rings
(Boppana and Chalasani). Taken are fault rings, with a virtual channel for each of four classes of
messages: they leave XY as it is where nothing is dead, and can be proved free of deadlock.

Dead nodes grow to blocks whose rings are live (`blocks.py`); that packets can't wait for each other
in a circle is proved for each map (`channels.py`).

The rule is `Topology.step`. Node ids are y * width + x.

    class  WE, EW   on its way to the column of its destination, eastwards or westwards
           NS, SN   in that column or round a block in it, southwards or northwards
    leg    of WE, EW: 0 none, 1 north, 2 south beside a block
           of NS, SN: 0 none, 1 sideways before a block, 2 along its side, 3 back to the column

`blocked[node]` has bit p set if nothing can be sent through port p. `row_turns[node]` says where a
row message may turn that finds its next node blocked: bits 0 and 1, north and south, going east;
bits 2 and 3 going west. `column_side[node]` is the port of leg 1: bits [1:0] going south, [3:2]
going north. Both are 0 where no message is ever blocked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from dojo_tools.bits import extract
from dojo_tools.description import GridDef, MachineDef
from dojo_tools.diagnostics import fail
from dojo_tools.machine.blocks import Block, find_blocks
from dojo_tools.objects import Rectangle


class Port(IntEnum):
    """The ports of a router; the first four lead to the neighbours."""

    WEST = 0
    EAST = 1
    NORTH = 2
    SOUTH = 3
    LOCAL = 4


class MessageClass(IntEnum):
    """The classes of messages, each with a virtual channel of its own."""

    WE = 0
    EW = 1
    NS = 2
    SN = 3


class Step(NamedTuple):
    """What a router does with a packet: where it goes, and its class and leg from there on."""

    port: Port
    message_class: MessageClass
    leg: int


class Channel(NamedTuple):
    """A virtual channel: the link that leaves a node through a port, for one class."""

    node: int
    port: Port
    message_class: MessageClass


@dataclass(frozen=True, slots=True)
class Topology:
    """A mesh as routers see it. Tables have an entry a node, by its id, unless they say otherwise.

    `live` is 1 for nodes that are neither dead nor cut off. `cut_off` has (x, y). `unusable_sum`
    has (width + 1) * (height + 1) entries: at y * (width + 1) + x the count of nodes that are not
    live west of x and north of y. `dip_gates` has at card * height + y the node at which packets to
    and from a card enter and leave the mesh whose other end is in row y: the live node of the
    card's edge nearest to that row, the northern of two, or -1 where the card is cut off.
    """

    width: int
    height: int
    die_width: int
    die_height: int
    hop_cycles: int
    die_latency_cycles: int
    blocks: tuple[Block, ...]
    live: tuple[int, ...]
    cut_off: tuple[tuple[int, int], ...]
    blocked: tuple[int, ...]
    row_turns: tuple[int, ...]
    column_side: tuple[int, ...]
    unusable_sum: tuple[int, ...]
    dip_gates: tuple[int, ...]

    @staticmethod
    def of(machine: MachineDef) -> "Topology":
        """Return the topology of a machine. Raise `InputError` if no node of it can be used."""
        grid = machine.grid
        blocks = find_blocks(grid)
        block_of = np.full((grid.height, grid.width), -1, np.int32)
        for number, block in enumerate(blocks):
            block_of[block.north : block.south + 1, block.west : block.east + 1] = number
        live = block_of < 0
        if not live.any():
            raise fail(
                f"machine `{machine.name}` has no node left that can be used",
                hint="dead nodes grow to rectangles that neither touch nor meet at a corner",
            )
        cut_off = ~live
        for x, y in grid.dead:
            cut_off[y, x] = False
        unusable_sum = np.zeros((grid.height + 1, grid.width + 1), np.int64)
        unusable_sum[1:, 1:] = (~live).cumsum(0).cumsum(1)
        blocked, row_turns, column_side = _routing_tables(grid, blocks, block_of)
        return Topology(
            grid.width,
            grid.height,
            grid.die_width,
            grid.die_height,
            machine.network.hop_cycles,
            machine.network.die_latency_cycles,
            blocks,
            _flat(live),
            tuple((int(x), int(y)) for y, x in np.argwhere(cut_off)),
            blocked,
            row_turns,
            column_side,
            _flat(unusable_sum),
            _dip_gates(machine, live),
        )

    def die_of(self, node: int) -> int:
        """Return the number of the die that a node belongs to, row by row from the north-west."""
        y, x = divmod(node, self.width)
        return y // self.die_height * (self.width // self.die_width) + x // self.die_width

    def neighbour(self, node: int, port: Port) -> int:
        """Return the node that a port leads to. The node must have one there."""
        return node + (-1, 1, -self.width, self.width, 0)[port]

    def start(self, source: int, destination: int) -> MessageClass:
        """Return the class of a message where it starts, with leg 0."""
        (y, x), (to_y, to_x) = divmod(source, self.width), divmod(destination, self.width)
        if x != to_x:
            return MessageClass.WE if x < to_x else MessageClass.EW
        return MessageClass.NS if y < to_y else MessageClass.SN

    def step(self, node: int, message_class: MessageClass, leg: int, destination: int) -> Step:
        """Return what a live node does with a packet to another or to itself: the rule."""
        if node == destination:
            return Step(Port.LOCAL, message_class, 0)
        (y, x), (to_y, to_x) = divmod(node, self.width), divmod(destination, self.width)
        blocked = self.blocked[node]
        across = Port.EAST if x < to_x else Port.WEST
        if message_class <= MessageClass.EW:
            if x != to_x:
                if not extract(blocked, across, across):
                    return Step(across, message_class, 0)
                leg = leg or self._turn(node, message_class, to_y <= y)
                return Step(Port.NORTH if leg == 1 else Port.SOUTH, message_class, leg)
            message_class, leg = (MessageClass.NS if y < to_y else MessageClass.SN), 0
        southwards = message_class == MessageClass.NS
        ahead = Port.SOUTH if southwards else Port.NORTH
        if leg == 2:
            if extract(blocked, across, across):
                return Step(ahead, message_class, 2)
            leg = 3
        if leg == 3 and x != to_x:
            return Step(across, message_class, 3)
        if not extract(blocked, ahead, ahead):
            return Step(ahead, message_class, 2 if leg == 1 else 0)
        sides = self.column_side[node]
        side = extract(sides, 1, 0) if southwards else extract(sides, 3, 2)
        return Step(Port(side), message_class, 1)

    def _turn(self, node: int, message_class: MessageClass, northwards: bool) -> int:
        """Return the leg of a row message that a block stops: 1 north, 2 south."""
        turns = self.row_turns[node]
        allowed = extract(turns, 1, 0) if message_class == MessageClass.WE else extract(turns, 3, 2)
        return (1 if northwards else 2) if allowed == 3 else allowed

    def route(self, source: int, destination: int) -> list[Channel]:
        """Return the channels from one live node to another; the last is the local port."""
        found: list[Channel] = []
        node, message_class, leg = source, self.start(source, destination), 0
        while not found or found[-1].port != Port.LOCAL:
            port, message_class, leg = self.step(node, message_class, leg, destination)
            found.append(Channel(node, port, message_class))
            node = self.neighbour(node, port)
            assert len(found) <= 16 * len(self.live), "a packet goes round in a circle"
        return found

    def distance(self, source: int, destination: int) -> int:
        """Return how many links a packet takes from one live node to another."""
        return len(self.route(source, destination)) - 1

    def link_cycles(self, node: int, port: Port) -> int:
        """Return the latency of the link that leaves a node through a port to its neighbour."""
        other = self.neighbour(node, port)
        crosses = self.die_of(node) != self.die_of(other)
        return self.die_latency_cycles if crosses else self.hop_cycles

    def path_cycles(self, sources: Iterable[int], destination: int) -> dict[int, int]:
        """Return the latency of all links on the way to a live node, by live source."""
        cycles: dict[tuple[int, MessageClass, int], int] = {}
        found: dict[int, int] = {}
        for source in sources:
            state = source, self.start(source, destination), 0
            path: list[tuple[tuple[int, MessageClass, int], int]] = []
            while state not in cycles:
                node, message_class, leg = state
                port, message_class, leg = self.step(node, message_class, leg, destination)
                if port == Port.LOCAL:
                    cycles[state] = 0
                    break
                path.append((state, self.link_cycles(node, port)))
                state = self.neighbour(node, port), message_class, leg
                assert len(path) <= 16 * len(self.live), "a packet goes round in a circle"
            total = cycles[state]
            for state, latency in reversed(path):
                total += latency
                cycles[state] = total
            found[source] = total
        return found

    def unusable_in(self, rectangle: Rectangle) -> int:
        """Return how many nodes of a rectangle within the mesh are not live."""
        x, y, width, height = rectangle
        pitch = self.width + 1
        north, south = y * pitch + x, (y + height) * pitch + x
        table = self.unusable_sum
        return table[south + width] - table[south] - table[north + width] + table[north]

    def multicast_is_plain(self, source: int, rectangle: Rectangle) -> bool:
        """Say whether a multicast goes as one tree: all nodes that it can touch are live.

        They are those of the source's row from the source to the rectangle's farthest columns, and
        those of the rectangle's columns from that row to its farthest rows. The packet goes along
        the row and leaves a copy for each column of the rectangle, which goes along the column.
        Where a node of these can't be used, the source sends a packet of its own to each live node
        of the rectangle, row by row.
        """
        y, x = divmod(source, self.width)
        west, north, width, height = rectangle
        left, right = min(x, west), max(x + 1, west + width)
        top, bottom = min(y, north), max(y + 1, north + height)
        row = Rectangle(left, y, right - left, 1)
        columns = Rectangle(west, top, width, bottom - top)
        return not self.unusable_in(row) and not self.unusable_in(columns)

    def live_nodes(self, rectangle: Rectangle) -> list[int]:
        """Return the live nodes of a rectangle within the mesh, row by row."""
        x, y, width, height = rectangle
        rows = (
            range(row * self.width + x, row * self.width + x + width)
            for row in range(y, y + height)
        )
        return [node for row in rows for node in row if self.live[node]]

    def centre(self, rectangle: Rectangle) -> int:
        """Return the live node nearest to the middle of a rectangle that has one.

        Nearest by columns plus rows; of several the most northern, of these the most western.
        """
        x, y, width, height = rectangle
        middle_x, middle_y = 2 * x + width - 1, 2 * y + height - 1

        def away(node: int) -> int:
            row, column = divmod(node, self.width)
            return abs(2 * column - middle_x) + abs(2 * row - middle_y)

        return min(self.live_nodes(rectangle), key=away)

    def barrier_cycles(self, rectangle: Rectangle) -> int:
        """Return twice the latency of the longest path from a live node to the centre node.

        The rectangle must have a live node and lie within the mesh.
        """
        centre = self.centre(rectangle)
        nodes = self.live_nodes(rectangle)
        if not self.unusable_in(rectangle):
            # Paths stay inside and are XY; columns and rows add up, so the corners are farthest.
            nodes = [nodes[0], nodes[rectangle.width - 1], nodes[-rectangle.width], nodes[-1]]
        return 2 * max(self.path_cycles(nodes, centre).values())


def _routing_tables(
    grid: GridDef, blocks: tuple[Block, ...], block_of: "np.ndarray[Any, Any]"
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return `blocked`, `row_turns` and `column_side`; `block_of` is -1 at live nodes."""
    off_mesh = -2
    around = np.pad(block_of, 1, constant_values=off_mesh)
    west, east = around[1:-1, :-2], around[1:-1, 2:]
    north, south = around[:-2, 1:-1], around[2:, 1:-1]
    blocked = sum(
        (side != -1) * (1 << port) for port, side in enumerate((west, east, north, south))
    )
    # By number of a block, with a last entry, found as -1 and -2, for what is none.
    turns = [2 * (b.south < grid.height - 1) + (b.north > 0) for b in blocks] + [0, 0]
    sides = [int(b.west == 0) for b in blocks] + [0, 0]
    crossed = [b.west > 0 or b.east < grid.width - 1 for b in blocks] + [False, False]
    port = np.array(sides) * np.array(crossed)
    row_turns = np.array(turns)[east] + 4 * np.array(turns)[west]
    column_side = port[south] + 4 * port[north]
    live = block_of == -1
    return _flat(np.asarray(blocked)), _flat(row_turns * live), _flat(column_side * live)


def _dip_gates(machine: MachineDef, live: "np.ndarray[Any, Any]") -> tuple[int, ...]:
    width, height = machine.grid.width, machine.grid.height
    gates: list[int] = []
    for place in machine.dips:
        column = 0 if place.side == "west" else width - 1
        rows = [y for y in range(place.y, place.y + place.height) if live[y, column]]
        for y in range(height):
            nearest = min(rows, key=lambda row: abs(row - y), default=None)
            gates.append(-1 if nearest is None else nearest * width + column)
    return tuple(gates)


def _flat(table: "np.ndarray[Any, Any]") -> tuple[int, ...]:
    return tuple(table.astype(np.int64).ravel().tolist())
