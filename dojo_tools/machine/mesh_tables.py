"""The arrays of the mesh's procedures as a machine and its topology make them."""

from fractions import Fraction
from typing import NamedTuple

from dojo_tools.description import MachineDef
from dojo_tools.description.procedures import Procedures
from dojo_tools.engines.mesh import AGENT_BITS, MeshArrays
from dojo_tools.machine.topology import Port, Topology
from dojo_tools.objects import Rectangle

QUEUE_ROOM = 1 << 19
"""Events that may wait in a die; each takes 32 bytes where it has been."""

TRANSFERS_ROOM = 1 << 15
"""Transfers of a die that may be under way."""

BARRIERS = 16

ASKED = 16
"""Numbers from what an agent asks for to the next one, unless an engine has them elsewhere."""

GIVE_WAY = 1 << 20
"""Instructions after which a thread that asks for nothing lets others go on."""

_DIP_LINKS = 3


class LinkKind(NamedTuple):
    """Links that are alike: a packet takes `cost` of the `units` that a cycle has."""

    units: int
    cost: int
    latency_cycles: int


def packed(rectangle: Rectangle) -> int:
    """Return a rectangle as requests and procedures write it."""
    x, y, width, height = rectangle
    return x | y << 12 | width << 24 | height << 36


def unpacked(number: int) -> Rectangle:
    """Return the rectangle of a packed one."""
    return Rectangle(*(number >> shift & 0xFFF for shift in (0, 12, 24, 36)))


def make_arrays(procedures: Procedures, machine: MachineDef, topology: Topology) -> MeshArrays:
    """Return the arrays of a machine, with everything in them that does not depend on an image."""
    nodes, dips = len(topology.live), len(machine.dips)
    dies = machine.grid.die_columns * machine.grid.die_rows
    arrays = MeshArrays(procedures, _counts(procedures, machine, nodes, dips, dies))
    _fill_sizes(procedures, arrays, machine)
    places = range(nodes)
    width = topology.width
    arrays.fill("column_of", [node % width for node in places])
    arrays.fill("row_of", [node // width for node in places])
    die_of = [topology.die_of(node) for node in places]
    arrays.fill("die_of", die_of + [_die_of_dip(topology, dip) for dip in range(dips)])
    die_width, die_height = machine.grid.die_width, machine.grid.die_height
    seats = [node // width % die_height * die_width + node % width % die_width for node in places]
    seats += [die_width * die_height + dip for dip in range(dips)]
    shift = _seat_shift(procedures, machine)
    arrays.fill("seat", [seat >> shift for seat in seats])
    arrays.fill("step", (-1, 1, -width, width))
    arrays.fill("usable", topology.live)
    for name in ("blocked", "row_turns", "column_side", "unusable_sum"):
        arrays.fill(name, getattr(topology, name))
    if dips:
        arrays.fill("dip_entry", topology.dip_gates)
        ports = [Port.WEST if place.side == "west" else Port.EAST for place in machine.dips]
        arrays.fill("dip_port", [int(port) for port in ports])
    _fill_links(arrays, machine, topology, die_of)
    return arrays


def _die_of_dip(topology: Topology, dip: int) -> int:
    gates = topology.dip_gates[dip * topology.height : (dip + 1) * topology.height]
    return topology.die_of(max(gates[0], 0))


def _counts(
    procedures: Procedures, machine: MachineDef, nodes: int, dips: int, dies: int
) -> dict[str, int]:
    """Return how many elements each array has."""
    agents = nodes << AGENT_BITS
    links = nodes * len(Port) + dips * _DIP_LINKS
    semaphores = nodes * machine.semaphores.count
    corners = (machine.grid.width + 1) * (machine.grid.height + 1)
    barriers = nodes * BARRIERS
    times, seats = dies * procedures.constant("NEAR_TIMES"), _seats(procedures, machine)
    spans = dies * procedures.constant("SPANS")
    sizes = {
        "machine": 64,
        "queue": dies * QUEUE_ROOM * procedures.constant("ENTRY"),
        "step": len(Port),
        "shared": 3,
        "kind_units": 8,
        "kind_cost": 8,
        "kind_latency": 8,
        "die_of": nodes + dips,
        "sequence": nodes + dips,
        "bytes_sent": nodes + dips,
        "unusable_sum": corners,
        "dip_entry": dips * machine.grid.height,
        "dip_port": dips,
        "dip_written_start": dips,
        "dip_written_end": dips,
        "stream": nodes * machine.streams,
        "sent_first": 2 * dies * _to_lines(dies),
        "asked": agents * ASKED,
        "known_count": 1,
        "last_cycle": 1,
        "seat": nodes + dips,
        "near_words": times,
        "near_bits": times * _seat_words(procedures, seats),
        "later_first": spans,
        "later_bits": spans >> procedures.constant("SEAT_BITS"),
        "known": 4 * procedures.constant("KNOWN_ROOM"),
    }
    sent = 2 * dies * procedures.constant("OUTBOX_ROOM") if dies > 1 else 0
    events = dies * procedures.constant("NEAR_ROOM")
    for count, names in (
        (times * seats, "near_first"),
        (sent, "sent_time sent_order sent_what sent_extra sent_next"),
        (events, "event_time event_order event_what event_extra event_place event_next"),
        (links, "link_kind link_free link_packets link_waited"),
        (semaphores, "semaphore first_waiting last_waiting poster posts takes"),
        (barriers, "gathered gathering at_barrier"),
        (agents, "doing clock waits_for needs next_waiting stopping gives_way"),
        (agents, "waited_semaphore waited_barrier waited_list ended stopped_for exit_value"),
        (agents, "started_pc started_argument started_stack barriers_passed"),
    ):
        sizes |= dict.fromkeys(names.split(), count)
    apart = {array.name for array in procedures.arrays if array.is_apart}
    for array in procedures.arrays:
        if array.name in apart or array.beside in apart:
            sizes.setdefault(array.name, dies)
        is_of_transfers = array.name.startswith("t_")
        sizes.setdefault(array.name, dies * TRANSFERS_ROOM if is_of_transfers else nodes)
    return sizes


def _seat_shift(procedures: Procedures, machine: MachineDef) -> int:
    """Return how many bits of a place among the nodes of a die and all DIP cards its seat lacks."""
    places = machine.grid.die_width * machine.grid.die_height + len(machine.dips)
    return ((places - 1) // procedures.constant("SEATS_MAX")).bit_length()


def _seats(procedures: Procedures, machine: MachineDef) -> int:
    """Return how many seats there are for the nodes of a die and all DIP cards."""
    places = machine.grid.die_width * machine.grid.die_height + len(machine.dips)
    return _to_lines((places - 1 >> _seat_shift(procedures, machine)) + 1)


def _to_lines(count: int) -> int:
    """Return the next multiple of what a cache line holds, so that parts share none."""
    return -(-count // 8) * 8


def _seat_words(procedures: Procedures, seats: int) -> int:
    return (seats >> procedures.constant("SEAT_BITS")) + 1


def _fill_sizes(procedures: Procedures, arrays: MeshArrays, machine: MachineDef) -> None:
    grid = machine.grid
    seats = _seats(procedures, machine)
    sizes = {
        "M_SEATS": seats,
        "M_ASKED": ASKED,
        "M_GIVE_WAY": GIVE_WAY,
        "M_DIES": _to_lines(grid.die_columns * grid.die_rows),
        "M_SEAT_WORDS": _seat_words(procedures, seats),
        "M_WIDTH": grid.width,
        "M_HEIGHT": grid.height,
        "M_NODES": grid.width * grid.height,
        "M_DIPS": len(machine.dips),
        "M_SRAM": machine.sram_bytes,
        "M_RESERVED": machine.reserved_bytes,
        "M_WINDOW": machine.network.die_latency_cycles,
        "M_SEMAPHORES": machine.semaphores.count,
        "M_SEMAPHORE_MAX": (1 << machine.semaphores.bits) - 1,
        "M_STREAMS": machine.streams,
        "M_QUEUE": QUEUE_ROOM,
        "M_TRANSFERS": TRANSFERS_ROOM,
        "M_DIP_BYTES": machine.dip.size,
        "M_BARRIERS": BARRIERS,
        "M_PACKET_BITS": machine.network.packet_bytes.bit_length() - 1,
    }
    for name, value in sizes.items():
        arrays["machine"][procedures.constant(name)] = value


def _fill_links(
    arrays: MeshArrays, machine: MachineDef, topology: Topology, die_of: list[int]
) -> None:
    network, dip = machine.network, machine.dip
    kinds = [
        _kind(machine, network.link_bytes, network.hop_cycles),
        _kind(machine, network.east_west_bytes, network.die_latency_cycles),
        _kind(machine, network.north_south_bytes, network.die_latency_cycles),
        _kind(machine, dip.link_bytes, dip.link_latency_cycles),
        _kind(machine, dip.memory_bytes, dip.memory_latency_cycles),
        LinkKind(1, 1, network.hop_cycles),
    ]
    units, costs, latencies = zip(*kinds, strict=True)
    arrays.fill("kind_units", units)
    arrays.fill("kind_cost", costs)
    arrays.fill("kind_latency", latencies)
    link_kind = arrays["link_kind"]
    nodes, width, height = len(die_of), topology.width, topology.height
    for node in range(nodes):
        link_kind[node * len(Port) + Port.LOCAL] = 5
    if len(set(die_of)) > 1:
        for node, die in enumerate(die_of):
            x, y = node % width, node // width
            first = node * len(Port)
            if x + 1 < width and die_of[node + 1] != die:
                link_kind[first + Port.EAST] = link_kind[first + len(Port) + Port.WEST] = 1
            if y + 1 < height and die_of[node + width] != die:
                link_kind[first + Port.SOUTH] = 2
                link_kind[first + width * len(Port) + Port.NORTH] = 2
    for card in range(len(machine.dips)):
        first = nodes * len(Port) + card * _DIP_LINKS
        link_kind[first], link_kind[first + 1], link_kind[first + 2] = 3, 3, 4


def _kind(machine: MachineDef, rate: Fraction, latency_cycles: int) -> LinkKind:
    cycles = Fraction(machine.network.packet_bytes) / rate
    return LinkKind(cycles.denominator, cycles.numerator, latency_cycles)
