"""Routes on meshes with dead nodes: they arrive, and no packets wait for each other in a circle."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dojo_tools.description import GridDef, MachineDef, load_machine
from dojo_tools.diagnostics import InputError
from dojo_tools.machine import channels
from dojo_tools.machine.blocks import Block, find_blocks
from dojo_tools.machine.channels import check_acyclic, cycle_of, dependencies, find_cycle
from dojo_tools.machine.topology import Channel, MessageClass, Port, Topology
from dojo_tools.objects import Rectangle

NODE = load_machine("node")
SHIPPED = ("node", "small", "d1", "d1-scattered", "tile")
SIZES = ((1, 9), (9, 1), (2, 2), (3, 7), (5, 5), (8, 6), (12, 9), (20, 18))
MAPS = 1000
SEED = 20261127


def mesh(width: int, height: int, dead: frozenset[tuple[int, int]] = frozenset()) -> Topology:
    return Topology.of(replace(NODE, grid=GridDef(width, height, dead)))


def drawn(picture: str) -> Topology:
    """Return the mesh of a picture, in which # is a dead node."""
    rows = picture.split()
    dead = {(x, y) for y, row in enumerate(rows) for x, node in enumerate(row) if node == "#"}
    return mesh(len(rows[0]), len(rows), frozenset(dead))


def random_maps(count: int, sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[Topology]:
    """Yield meshes with dead nodes, the same ones each time: single ones, rectangles, walls."""
    numbers = random.Random(SEED)
    made = 0
    while made < count:
        width, height = numbers.choice(sizes)
        dead: set[tuple[int, int]] = set()
        for _ in range(numbers.randint(0, 1 + width * height // numbers.choice((8, 20, 60)))):
            x, y = numbers.randrange(width), numbers.randrange(height)
            w, h = numbers.choice(((1, 1), (1, 1), (1, 1), (1, 3), (4, 1), (2, 2), (1, height)))
            dead |= {(i, j) for i in range(x, x + w) for j in range(y, y + h)}
        dead = {(x, y) for x, y in dead if x < width and y < height}
        try:
            yield mesh(width, height, frozenset(dead))
        except InputError:
            continue
        made += 1


def live_nodes(topology: Topology) -> list[int]:
    return topology.live_nodes(Rectangle(0, 0, topology.width, topology.height))


def number(topology: Topology, channel: Channel) -> int:
    return (channel.message_class * 4 + channel.port) * len(topology.live) + channel.node


def test_every_pair_of_live_nodes_is_joined_on_random_maps():
    numbers = random.Random(SEED)
    sizes: Counter[tuple[int, int]] = Counter()
    for topology in random_maps(MAPS):
        nodes = live_nodes(topology)
        sizes[topology.width, topology.height] += 1
        for destination in numbers.sample(nodes, min(len(nodes), 6)):
            cycles = topology.path_cycles(nodes, destination)
            assert cycles.keys() == set(nodes)
            assert min(cycles.values()) == cycles[destination] == 0
    assert set(sizes) == set(SIZES)


def test_routes_use_live_nodes_only_and_stay_on_the_mesh():
    for topology in random_maps(100):
        nodes = live_nodes(topology)
        for source in nodes[::7]:
            for destination in nodes[::5]:
                route = topology.route(source, destination)
                assert route[0].node == source
                assert (route[-1].node, route[-1].port) == (destination, Port.LOCAL)
                for channel, following in pairwise(route):
                    y, x = divmod(channel.node, topology.width)
                    step = ((-1, 0), (1, 0), (0, -1), (0, 1))[channel.port]
                    assert following.node == (y + step[1]) * topology.width + x + step[0]
                    assert 0 <= x + step[0] < topology.width
                    assert topology.live[following.node]
                assert topology.distance(source, destination) == len(route) - 1


def test_cut_off_nodes_are_named_on_random_maps():
    cut_off = 0
    for topology in random_maps(MAPS):
        named = {y * topology.width + x for x, y in topology.cut_off}
        assert not any(topology.live[node] for node in named)
        assert len(live_nodes(topology)) == sum(topology.live)
        cut_off += bool(named)
        for index, block in enumerate(topology.blocks):
            for other in topology.blocks[:index]:
                columns = max(block.west, other.west) - min(block.east, other.east)
                rows = max(block.north, other.north) - min(block.south, other.south)
                assert max(columns, rows) >= 2, (block, other)
    assert cut_off > MAPS // 10


def test_what_is_left_of_a_split_mesh_is_its_largest_part():
    for topology in random_maps(MAPS):
        reached = set(live_nodes(topology)[:1])
        frontier = list(reached)
        for node in frontier:
            for port in range(4):
                if not topology.blocked[node] >> port & 1:
                    following = topology.neighbour(node, Port(port))
                    if following not in reached:
                        reached.add(following)
                        frontier.append(following)
        assert len(reached) == sum(topology.live)


def test_no_packets_wait_in_a_circle_on_random_maps():
    for topology in random_maps(MAPS):
        assert find_cycle(topology) == ()


def test_all_routes_take_edges_of_the_graph_that_is_proved():
    """Every pair of nodes of small meshes: the graph of the proof misses nothing."""
    for topology in random_maps(150, ((3, 7), (5, 5), (8, 6), (9, 1))):
        held, wanted = dependencies(topology)
        edges = set(zip(held.tolist(), wanted.tolist(), strict=True))
        taken: set[tuple[int, int]] = set()
        for source in live_nodes(topology):
            for destination in live_nodes(topology):
                route = topology.route(source, destination)[:-1]
                numbers = [number(topology, channel) for channel in route]
                taken |= set(pairwise(numbers))
        assert taken <= edges
        count = 16 * len(topology.live)
        actual = np.array(sorted(taken) or [(0, 1)], np.int64)
        assert cycle_of(actual[:, 0], actual[:, 1], count) == []


@pytest.mark.parametrize("width, height", SIZES)
def test_plain_xy_is_free_of_circles(width: int, height: int):
    topology = mesh(width, height)
    assert topology.blocks == ()
    assert find_cycle(topology) == ()
    nodes = live_nodes(topology)
    for source, destination in zip(nodes, reversed(nodes), strict=True):
        ports = [channel.port for channel in topology.route(source, destination)]
        assert ports == sorted(ports), "first along the row, then along the column"


def test_a_circle_is_found():
    held, wanted = np.array([0, 5, 1, 2, 3]), np.array([1, 0, 2, 3, 1])
    assert sorted(cycle_of(held, wanted, 6)) == [1, 2, 3]
    assert cycle_of(held[:4], wanted[:4], 6) == []


def test_a_rule_that_turns_back_is_found_out(monkeypatch: pytest.MonkeyPatch):
    topology = drawn("...... ..##.. ...... .##... ......")
    check_acyclic(topology)
    held, wanted = dependencies(topology)
    turned = np.append(held, wanted[0]), np.append(wanted, held[0])

    def turning_back(_: Topology) -> tuple[channels.Numbers, channels.Numbers]:
        return turned

    monkeypatch.setattr(channels, "dependencies", turning_back)
    with pytest.raises(AssertionError, match=r"in a circle: .*WE"):
        check_acyclic(topology)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_machines_lose_no_live_node(name: str):
    machine = load_machine(name)
    topology = Topology.of(machine)
    assert topology.cut_off == ()
    assert sum(topology.live) == machine.grid.width * machine.grid.height - len(machine.grid.dead)
    assert -1 not in topology.dip_gates
    check_acyclic(topology)


@pytest.mark.parametrize("name", ["d1", "d1-scattered"])
def test_all_nodes_of_a_die_are_joined(name: str):
    topology = Topology.of(load_machine(name))
    nodes = live_nodes(topology)
    assert len(nodes) == 354
    for destination in nodes[::5]:
        assert len(topology.path_cycles(nodes, destination)) == 354


def test_a_block_is_the_rectangle_round_dead_nodes_that_touch():
    dead = frozenset({(2, 2), (3, 3), (4, 1), (9, 9)})
    assert find_blocks(GridDef(12, 12, dead)) == (Block(2, 1, 4, 3), Block(9, 9, 9, 9))
    topology = mesh(12, 12, dead)
    assert topology.cut_off == ((2, 1), (3, 1), (3, 2), (4, 2), (2, 3), (4, 3))


@pytest.mark.parametrize(
    "picture, lost",
    [
        ("..... ##### ..... .....", 5),
        ("..... ..... ##### .....", 5),
        ("..#.. ..#.. ..#..", 6),
        (".#... .#.#. .#.#. .#...", 4),
        ("..... ##### ..... ##### ..... .....", 10),
        (".#.#... .#.#... .#.#...", 6),
    ],
)
def test_a_wall_of_dead_nodes_cuts_off_the_smaller_part(picture: str, lost: int):
    topology = drawn(picture)
    assert len(topology.cut_off) == lost
    nodes = live_nodes(topology)
    assert all(len(topology.path_cycles(nodes, node)) == len(nodes) for node in nodes)
    assert find_cycle(topology) == ()


def test_a_machine_without_a_usable_node_is_refused():
    with pytest.raises(InputError, match="no node left that can be used"):
        drawn("#.. .#. ..#")


@pytest.mark.parametrize(
    "source, destination, way",
    [
        ((0, 2), (5, 2), "EENEEE S"),  # level with the destination: north
        ((0, 2), (5, 4), "EESEEE S"),
        ((5, 2), (0, 2), "NWWWWW S"),
        ((3, 0), (3, 4), "S WSSE S"),  # in the column: west
        ((3, 4), (3, 0), "N WNNE N"),
        ((2, 0), (3, 4), "E S WSSE S"),
    ],
)
def test_a_packet_follows_the_ring(source: tuple[int, int], destination: tuple[int, int], way: str):
    topology = drawn("...... ...... ...##. ...... ......")
    nodes = [y * 6 + x for x, y in (source, destination)]
    route = topology.route(nodes[0], nodes[1])
    assert "".join("WENS."[c.port] for c in route) == way.replace(" ", "") + "."


def test_a_block_at_an_edge_is_passed_on_the_other_side():
    topology = drawn("...... ##.... ...... ......")
    assert "".join("WENS."[c.port] for c in topology.route(0, 18)) == "EESSWWS."
    topology = drawn("..##.. ...... ......")
    assert "".join("WENS."[c.port] for c in topology.route(0, 5)) == "ESEEEEN."


def test_classes_are_those_of_the_way():
    topology = drawn("...... ...... ...##. ...... ......")
    route = topology.route(1, 4 * 6 + 3)
    assert [c.message_class for c in route[:3]] == [MessageClass.WE] * 2 + [MessageClass.NS]
    assert {c.message_class for c in route[2:]} == {MessageClass.NS}


def test_a_multicast_is_plain_where_its_tree_meets_live_nodes_only():
    for topology in random_maps(60, ((5, 5), (8, 6), (12, 9))):
        numbers = random.Random(SEED)
        for source in live_nodes(topology)[::3]:
            x, y = numbers.randrange(topology.width), numbers.randrange(topology.height)
            width = numbers.randint(1, topology.width - x)
            height = numbers.randint(1, topology.height - y)
            row, column = divmod(source, topology.width)
            touched = {(i, row) for i in range(min(x, column), max(x + width, column + 1))}
            touched |= {
                (i, j)
                for i in range(x, x + width)
                for j in range(min(y, row), max(y + height, row + 1))
            }
            plain = all(topology.live[j * topology.width + i] for i, j in touched)
            assert topology.multicast_is_plain(source, Rectangle(x, y, width, height)) == plain


def test_a_barrier_takes_twice_the_longest_path():
    assert mesh(1, 1).barrier_cycles(Rectangle(0, 0, 1, 1)) == 0
    assert mesh(4, 4).centre(Rectangle(0, 0, 4, 4)) == 5
    assert mesh(4, 4).barrier_cycles(Rectangle(0, 0, 4, 4)) == 2 * 4
    assert mesh(8, 8).barrier_cycles(Rectangle(2, 3, 5, 1)) == 2 * 2
    topology = drawn("..... ..... ..#.. ..... .....")
    assert topology.centre(Rectangle(0, 0, 5, 5)) == 7
    # From (0, 4) two hops to the column, then five round the dead node.
    assert topology.barrier_cycles(Rectangle(0, 0, 5, 5)) == 2 * 7


def test_a_barrier_counts_crossings_from_die_to_die():
    machine: MachineDef = replace(NODE, grid=GridDef(8, 4, frozenset(), 2, 1))
    topology = Topology.of(machine)
    assert [topology.die_of(node) for node in (0, 3, 4, 7, 8)] == [0, 0, 1, 1, 0]
    # The centre is (3, 1): from (7, 3) three hops, a crossing and two hops.
    assert topology.barrier_cycles(Rectangle(0, 0, 8, 4)) == 2 * (3 + 200 + 2)


def test_a_barrier_looks_at_corners_only_where_that_is_enough():
    for topology in random_maps(40, ((5, 5), (8, 6))):
        whole = Rectangle(0, 0, topology.width, topology.height)
        paths = topology.path_cycles(live_nodes(topology), topology.centre(whole))
        assert topology.barrier_cycles(whole) == 2 * max(paths.values())


def test_packets_meet_a_card_at_the_nearest_live_node_of_its_edge():
    topology = Topology.of(load_machine("d1"))
    west, east = topology.dip_gates[:18], topology.dip_gates[18:]
    assert west == tuple(y * 20 for y in range(18))
    assert east == (39, *(y * 20 + 19 for y in range(1, 18)))
    topology = Topology.of(load_machine("tile"))
    assert topology.dip_gates[90 + 0 :][:1] == (18 * 100,)
