"""Random traffic: no packet is lost, doubled or misrouted, and all is quiet in the end."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dojo_tools.description import GridDef, MachineDef
from dojo_tools.diagnostics import InputError
from dojo_tools.machine.topology import Port
from dojo_tools.objects import Rectangle
from nodes import ENGINES, Nodes, at, machine

SEED = 20261127
TABLE, SLOTS = 0x1000, 0x40000
NOP = "nop\n"

Pattern = Callable[[random.Random, int, int], tuple[int, int]]


def uniform(rng: random.Random, _x: int, _y: int) -> tuple[int, int]:
    return rng.randrange(20), rng.randrange(18)


def transpose(_rng: random.Random, x: int, y: int) -> tuple[int, int]:
    return y, x


def bit_reverse(_rng: random.Random, x: int, y: int) -> tuple[int, int]:
    reverse = int(f"{16 * y + x:08b}"[::-1], 2)
    return reverse % 16, reverse // 16


def hot_spot(_rng: random.Random, _x: int, _y: int) -> tuple[int, int]:
    return 7, 9


# Pattern, columns and rows that send, cycles between two packets of a node, packets of each node:
# so many that a million travel, so seldom that queues at the busiest link stay short; at the hot
# spot they can't.
TRAFFIC: dict[str, tuple[Pattern, int, int, int, int]] = {
    "uniform": (uniform, 20, 18, 12, 1400),
    "transpose": (transpose, 16, 16, 20, 1000),
    "bit-reverse": (bit_reverse, 16, 16, 24, 1000),
    "hot spot": (hot_spot, 20, 18, 4, 90),
}
FEWER = {"reference": 100, "native": 1}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TRAFFIC)
def test_traffic(engine: str, name: str) -> None:
    """Each packet writes its own number to a place of its own, and only that."""
    pattern, width, height, period, packets = TRAFFIC[name]
    packets //= FEWER[engine]
    on = machine("d1")
    code = f"go: ld a0, [s0], 8\n push.x a0, s1\n addi s1, s1, 1\n {NOP * (period - 4)}"
    nodes = Nodes(f"{code} loop.next s2, go\n halti 0", engine, on)
    rng = random.Random(SEED)
    expected: dict[tuple[int, int], list[int]] = {}
    for y in range(height):
        for x in range(width):
            if not nodes.mesh.topology.live[nodes.mesh.node_at(x, y)]:
                continue
            first = (y * width + x) << 32
            targets: list[int] = []
            for _ in range(packets):
                target = pattern(rng, x, y)
                if target not in on.grid.dead:
                    slots = expected.setdefault(target, [])
                    slots.append(first + len(targets))
                    targets.append(at(*target, SLOTS + 8 * len(slots) - 8))
            if targets:
                nodes.write(x, y, TABLE, targets)
                nodes.begin(x, y, "go", s0=TABLE, s1=first, s2=len(targets))
    nodes.run()
    sent = sum(map(len, expected.values()))
    for target, numbers in expected.items():
        assert nodes.read(*target, SLOTS, len(numbers) + 1) == [*numbers, 0], target
    arrived = nodes.mesh.arrays["link_packets"][Port.LOCAL :: len(Port)]
    for node, count in enumerate(arrived[: len(nodes.mesh.topology.live)]):
        assert count == len(expected.get(nodes.mesh.place_of(node), [])), node
    assert sum(nodes.mesh.arrays["transfers_sent"]) == sent


def test_a_million_packets_travel() -> None:
    """The patterns together send as many as is wanted of the native engine."""
    senders = {"uniform": 354 * 354 / 360, "transpose": 252, "bit-reverse": 252, "hot spot": 354}
    assert sum(senders[name] * TRAFFIC[name][4] for name in TRAFFIC) >= 1_000_000


@pytest.mark.parametrize("engine", ENGINES)
def test_routes_are_those_of_the_topology(engine: str) -> None:
    """The text of the routers takes the ways that are proved free of deadlock."""
    rng = random.Random(SEED)
    compared = 0
    for _ in range(6):
        nodes = Nodes("", engine, holed(rng))
        topology = nodes.mesh.topology
        live = topology.live_nodes(Rectangle(0, 0, topology.width, topology.height))
        for _ in range(250):
            source, target = rng.choice(live), rng.choice(live)
            node, state = source, 0
            for channel in topology.route(source, target):
                way = nodes.mesh.engine.call("route", node, target, state)
                assert (node, way & 7) == (channel.node, channel.port), (source, target)
                state = way >> 3
                node = topology.neighbour(node, channel.port)
                compared += 1
    assert compared > 8_000


def holed(rng: random.Random) -> MachineDef:
    """Return a mesh with dead nodes, alone and in rectangles, that leaves enough of it."""
    while True:
        width, height = rng.choice(((8, 8), (12, 9), (5, 14)))
        dead: set[tuple[int, int]] = set()
        for _ in range(rng.randint(1, 4)):
            x, y = rng.randrange(width), rng.randrange(height)
            w, h = rng.choice(((1, 1), (1, 3), (3, 1), (2, 2)))
            dead |= {(i, j) for i in range(x, x + w) for j in range(y, y + h)}
        dead = {(x, y) for x, y in dead if x < width and y < height}
        found = replace(machine(), grid=GridDef(width, height, frozenset(dead)))
        try:
            Nodes("", "reference", found)
        except InputError:
            continue
        return found
