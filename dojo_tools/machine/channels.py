"""The proof that packets can't wait for each other in a circle, made for each map of dead nodes.

A packet holds one virtual channel while it waits for the next. If the graph of these pairs has no
cycle, some packet can always move (Dally and Seitz). The graph here has an edge for every state
that the rule of `topology.py` can bring to a node, whether or not a source and a destination exist
that do: a row message may end in any column; a column message may leave a block in any column of
it. A multicast goes as one tree only among live nodes, where each of its branches takes the edges
of plain XY, which are among these.

Channels are numbered (class * 4 + port) * nodes + node.
"""

from typing import Any

import numpy as np

from dojo_tools.machine.blocks import Block
from dojo_tools.machine.topology import Channel, MessageClass, Port, Topology

Numbers = np.ndarray[Any, np.dtype[np.int64]]
"""Numbers of nodes or channels, one dimension."""

_ROW_PORTS = {MessageClass.WE: Port.EAST, MessageClass.EW: Port.WEST}
_COLUMN_PORTS = {MessageClass.NS: Port.SOUTH, MessageClass.SN: Port.NORTH}
_OPPOSITE = {Port.WEST: Port.EAST, Port.EAST: Port.WEST}


def check_acyclic(topology: Topology) -> None:
    """Prove that no packets wait for each other in a circle on this mesh.

    Without dead nodes all routes are XY, and a test has proved those. Raise `AssertionError`: a
    circle would be a mistake of the rule, not of the map.
    """
    if topology.blocks:
        cycle = find_cycle(topology)
        if cycle:
            raise AssertionError(f"channels wait for each other in a circle: {cycle}")


def find_cycle(topology: Topology) -> tuple[Channel, ...]:
    """Return channels that wait for each other in a circle, none if there is no such circle."""
    nodes = len(topology.live)
    held, wanted = dependencies(topology)
    return tuple(
        Channel(number % nodes, Port(number // nodes % 4), MessageClass(number // nodes // 4))
        for number in cycle_of(held, wanted, 16 * nodes)
    )


def dependencies(topology: Topology) -> tuple[Numbers, Numbers]:
    """Return the edges of the graph: the channels held, and for each the one waited for."""
    return _Graph(topology).edges()


def cycle_of(held: Numbers, wanted: Numbers, count: int) -> list[int]:
    """Return a cycle of a graph of `count` vertices, each waiting for the next; [] for none."""
    order = np.argsort(held, kind="stable")
    targets = wanted[order]
    degrees = np.bincount(held, minlength=count)
    starts = np.concatenate(([0], np.cumsum(degrees)[:-1]))
    waiting = np.bincount(wanted, minlength=count)
    frontier = np.flatnonzero(waiting == 0)
    left = count
    while frontier.size:
        left -= frontier.size
        lengths = degrees[frontier]
        ends = np.cumsum(lengths)
        if not ends[-1]:
            break
        edges: Numbers = np.arange(int(ends[-1])) + np.repeat(
            starts[frontier] - (ends - lengths), lengths
        )
        reached = targets[edges]
        np.subtract.at(waiting, reached, 1)
        frontier = np.unique(reached[waiting[reached] == 0])
    if not left:
        return []
    return _walk_back(held, wanted, waiting > 0)


def _walk_back(held: Numbers, wanted: Numbers, remaining: Any) -> list[int]:
    """Return a cycle among vertices of which each is waited for by another of them."""
    inside = remaining[held] & remaining[wanted]
    before = dict(zip(wanted[inside].tolist(), held[inside].tolist(), strict=True))
    path: list[int] = []
    places: dict[int, int] = {}
    vertex = next(iter(before))
    while vertex not in places:
        places[vertex] = len(path)
        path.append(vertex)
        vertex = before[vertex]
    return path[places[vertex] :][::-1]


def _numbers(table: tuple[int, ...]) -> Numbers:
    return np.array(table, np.int64)


class _Graph:
    """The edges of a topology's dependency graph, while they are collected."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._count = len(topology.live)
        self._away = (-1, 1, -topology.width, topology.width)
        self._nodes = np.arange(self._count)
        blocked = _numbers(topology.blocked)
        live = _numbers(topology.live) == 1
        self._open = [live & (blocked // 2**port % 2 == 0) for port in range(4)]
        self._turns = _numbers(topology.row_turns)
        self._sides = _numbers(topology.column_side)
        self._held: list[Numbers] = []
        self._wanted: list[Numbers] = []
        # Nodes at which a column message of a class may find a block in its way.
        self._stopped = {c: np.zeros(self._count, np.bool_) for c in _COLUMN_PORTS}
        for block in topology.blocks:
            for message_class in _COLUMN_PORTS:
                if self._may_go_round(block, message_class):
                    row = self._row_before(block, message_class) * topology.width
                    self._stopped[message_class][row + block.west : row + block.east + 1] = True

    def edges(self) -> tuple[Numbers, Numbers]:
        """Return the edges, held and wanted."""
        for message_class, port in _ROW_PORTS.items():
            self._add_row(message_class, port)
        for message_class, port in _COLUMN_PORTS.items():
            self._add_column(message_class, port)
            for block in self._topology.blocks:
                if self._may_go_round(block, message_class):
                    self._add_way_round(block, message_class, port)
        return np.concatenate(self._held), np.concatenate(self._wanted)

    def _add_row(self, message_class: MessageClass, port: Port) -> None:
        """Add a row message's way along its row, along blocks, and into a column."""
        shift = 1 if message_class == MessageClass.WE else 4
        ahead = self._open[port]
        turning = {
            Port.NORTH: self._turns // shift % 2 == 1,
            Port.SOUTH: self._turns // (2 * shift) % 2 == 1,
        }
        held = self._nodes[ahead]
        node = held + self._away[port]
        self._add(message_class, port, held, message_class, port, node, ahead[node])
        for turn, may_turn in turning.items():
            self._add(message_class, port, held, message_class, turn, node, may_turn[node])
        for column_class in _COLUMN_PORTS:
            self._enter_column(message_class, port, held, node, column_class)
        for turn, may_turn in turning.items():
            held = self._nodes[may_turn]
            node = held + self._away[turn]
            self._add(message_class, turn, held, message_class, port, node, ahead[node])
            self._add(message_class, turn, held, message_class, turn, node, may_turn[node])

    def _add_column(self, message_class: MessageClass, port: Port) -> None:
        """Add a column message's way along its column."""
        held = self._nodes[self._open[port]]
        self._enter_column(message_class, port, held, held + self._away[port], message_class)

    def _add_way_round(self, block: Block, message_class: MessageClass, port: Port) -> None:
        """Add a column message's way round a block: before it, beside it, and back behind it."""
        width = self._topology.width
        before = self._row_before(block, message_class)
        side = self._side(before * width + block.west, message_class)
        back = _OPPOSITE[side]
        along = np.arange(block.west, block.east + 1)
        step, column = (1, block.east + 1) if side == Port.EAST else (-1, block.west - 1)
        # Leg 1: sideways as long as the block is ahead, then past its corner.
        held = before * width + along
        last = along + step == column
        self._add(message_class, side, held, message_class, side, held + step, ~last)
        self._add(message_class, side, held, message_class, port, held + step, last)
        # Leg 2, whose other edges are those of the column, to leg 3 behind the block.
        behind = block.south + 1 if message_class == MessageClass.NS else block.north - 1
        corner = np.array([behind * width + column])
        held = corner - self._away[port]
        self._add(message_class, port, held, message_class, back, corner, np.array([True]))
        # Leg 3: on, or in any column of the block into this column.
        node = behind * width + along
        held = node + step
        far = block.west if side == Port.EAST else block.east
        self._add(message_class, back, held, message_class, back, node, along != far)
        self._enter_column(message_class, back, held, node, message_class)

    def _enter_column(
        self,
        held_class: MessageClass,
        held_port: Port,
        held: Numbers,
        node: Numbers,
        message_class: MessageClass,
    ) -> None:
        """Add that a packet goes on in its column from a node, or sideways where it is stopped."""
        port = _COLUMN_PORTS[message_class]
        self._add(held_class, held_port, held, message_class, port, node, self._open[port][node])
        stopped = self._stopped[message_class][node]
        sides = self._sides // (1 if message_class == MessageClass.NS else 4) % 4
        for side in (Port.WEST, Port.EAST):
            chosen = stopped & (sides[node] == side)
            self._add(held_class, held_port, held, message_class, side, node, chosen)

    def _add(
        self,
        held_class: MessageClass,
        held_port: Port,
        held: Numbers,
        message_class: MessageClass,
        port: Port,
        node: Numbers,
        chosen: Any,
    ) -> None:
        """Add edges from a port of nodes `held` to one of nodes `node`, where they are chosen."""
        self._held.append((held_class * 4 + held_port) * self._count + held[chosen])
        self._wanted.append((message_class * 4 + port) * self._count + node[chosen])

    def _row_before(self, block: Block, message_class: MessageClass) -> int:
        return block.north - 1 if message_class == MessageClass.NS else block.south + 1

    def _may_go_round(self, block: Block, message_class: MessageClass) -> bool:
        """Say whether a block can be in the way of a column message: there are nodes behind it.

        A block from the west to the east edge has a cut-off part behind it, where nothing goes.
        """
        topology = self._topology
        spans = block.west == 0 and block.east == topology.width - 1
        return not spans and block.north > 0 and block.south < topology.height - 1

    def _side(self, node: int, message_class: MessageClass) -> Port:
        sides = self._topology.column_side[node]
        return Port(sides % 4 if message_class == MessageClass.NS else sides // 4 % 4)
