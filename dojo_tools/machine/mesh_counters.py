"""What a run of many nodes went to: cycles of every thread, use of links and semaphores.

A thread counts what its instructions take, the procedures what it waits between two of them and
how long it was stopped before it was started again. The three make up all cycles of the run: what
is missing at the end of a thread that has ended, or that the end of the run cut short, is `after`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.engines.timing import Cause
from dojo_tools.machine.mesh_names import agent_json, resource_names
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.topology import Port
from dojo_tools.objects import SymbolKind

WAITS = ("semaphore", "barrier", "list")
STOPPED = "stopped"
CAUSES = (*(cause.value for cause in Cause), *WAITS, STOPPED)
"""What a cycle of a thread goes to, in the words of reports."""

_DIP_LINKS = ("to the card", "from the card", "memory")


@dataclass(frozen=True, slots=True)
class ThreadCycles:
    """What the cycles of a run were for a thread, by `CAUSES`: they sum to those of the run.

    `before` are those before the thread began and between its ends and new starts, `after` those
    behind its end; `stopped` among `by_cause` is both.
    """

    agent: int
    retired: int
    by_cause: dict[str, int]
    before: int
    after: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_cause.values())


@dataclass(frozen=True, slots=True)
class LinkUse:
    """A link that has carried packets; `waited_cycles` are those that packets waited for it.

    `node` is where it begins and `name` the port, or for a DIP card its number and its part.
    """

    node: int | None
    name: str
    packets: int
    waited_cycles: int
    crosses_dies: bool


@dataclass(frozen=True, slots=True)
class SemaphoreUse:
    """A semaphore that was posted or taken from, or holds something."""

    node: int
    number: int
    posts: int
    takes: int
    value: int


@dataclass(frozen=True, slots=True)
class NodeUse:
    """What passed between a node's SRAM and its router."""

    node: int
    packets_in: int
    packets_out: int
    bytes_out: int
    transfers: int
    list_entries: int


def accounted_cycles(mesh: MeshState, agent: int) -> int:
    """Return up to which cycle the counters of a thread say what it did."""
    counted = sum(mesh.engine.thread(agent).causes.values()) + sum(_waits(mesh, agent))
    return counted + mesh.arrays["stopped_for"][agent]


def run_cycles(mesh: MeshState) -> int:
    """Return the cycles of a run so far: those of the thread that has come farthest."""
    ended = mesh.arrays["ended"]
    return max(
        (max(ended[agent], accounted_cycles(mesh, agent)) for agent in mesh.agents()), default=0
    )


def thread_cycles(mesh: MeshState) -> list[ThreadCycles]:
    """Return what the cycles of the run were for each thread."""
    total = run_cycles(mesh)
    return [_thread_cycles(mesh, agent, total) for agent in mesh.agents()]


def _thread_cycles(mesh: MeshState, agent: int, total: int) -> ThreadCycles:
    thread = mesh.engine.thread(agent)
    waits = _waits(mesh, agent)
    pending = _pending_wait(mesh, agent)
    if pending is not None:
        waits[pending] += total - accounted_cycles(mesh, agent)
    before = mesh.arrays["stopped_for"][agent]
    by_cause = {cause.value: count for cause, count in thread.causes.items()}
    by_cause |= dict(zip(WAITS, waits, strict=True))
    after = total - before - sum(by_cause.values())
    by_cause[STOPPED] = before + after
    return ThreadCycles(agent, thread.retired, by_cause, before, after)


def _waits(mesh: MeshState, agent: int) -> list[int]:
    names = ("waited_semaphore", "waited_barrier", "waited_list")
    return [mesh.arrays[name][agent] for name in names]


def _pending_wait(mesh: MeshState, agent: int) -> int | None:
    """Return which of `WAITS` a thread is in, if it waits now."""
    constant, doing = mesh.procedures.constant, mesh.arrays["doing"][agent]
    kinds = [constant(name) for name in ("WAITING", "AT_BARRIER", "AT_LIST")]
    return kinds.index(doing) if doing in kinds else None


def link_uses(mesh: MeshState) -> list[LinkUse]:
    """Return all links that have carried packets, by number."""
    packets, waited = mesh.arrays["link_packets"], mesh.arrays["link_waited"]
    return [
        _link_use(mesh, int(link), packets[link], waited[link])
        for link in np.flatnonzero(_array(mesh, "link_packets"))
    ]


def _link_use(mesh: MeshState, link: int, packets: int, waited: int) -> LinkUse:
    nodes = len(mesh.topology.live)
    if link >= nodes * len(Port):
        card, part = divmod(link - nodes * len(Port), len(_DIP_LINKS))
        return LinkUse(None, f"DIP {card} {_DIP_LINKS[part]}", packets, waited, False)
    node, number = divmod(link, len(Port))
    port = Port(number)
    topology = mesh.topology
    crosses = port is not Port.LOCAL and topology.die_of(node) != topology.die_of(
        topology.neighbour(node, port)
    )
    return LinkUse(node, port.name.lower(), packets, waited, crosses)


def busiest_link(mesh: MeshState) -> LinkUse | None:
    """Return the link between nodes, or of a DIP card, with most packets; of equal ones the first.

    The ports to the nodes' own SRAM don't count.
    """
    uses = [use for use in link_uses(mesh) if use.name != Port.LOCAL.name.lower()]
    return max(uses, key=lambda use: use.packets, default=None)


def semaphore_uses(mesh: MeshState) -> list[SemaphoreUse]:
    """Return the semaphores that were used or hold something, by node and number."""
    names = ("posts", "takes", "semaphore")
    columns = [_array(mesh, name) for name in names]
    used = np.flatnonzero(columns[0] | columns[1] | columns[2])
    count = mesh.machine.semaphores.count
    return [
        SemaphoreUse(*divmod(int(place), count), *(int(column[place]) for column in columns))
        for place in used
    ]


def node_uses(mesh: MeshState) -> list[NodeUse]:
    """Return what passed between SRAM and router, of nodes where anything did."""
    return [use for use in _all_node_uses(mesh) if any((use.packets_in, use.bytes_out))]


def _all_node_uses(mesh: MeshState) -> Iterator[NodeUse]:
    arrays, packet = mesh.arrays, mesh.machine.network.packet_bytes
    packets = arrays["link_packets"]
    for node in range(len(mesh.topology.live)):
        sent = arrays["bytes_sent"][node]
        yield NodeUse(
            node,
            packets[node * len(Port) + Port.LOCAL],
            -(-sent // packet),
            sent,
            arrays["transfers_sent"][node],
            arrays["entries_done"][node],
        )


def packets_through(mesh: MeshState) -> NDArray[np.int64]:
    """Return the packets that left each node through its router's ports, by row and column."""
    nodes = len(mesh.topology.live)
    packets = _array(mesh, "link_packets")[: nodes * len(Port)].reshape(nodes, len(Port))
    out = packets.sum(axis=1) - packets[:, Port.LOCAL]
    return out.reshape(mesh.topology.height, mesh.topology.width)


def counters_json(mesh: MeshState) -> dict[str, Any]:
    """Return all counters as values for JSON."""
    threads = thread_cycles(mesh)
    return {
        "cycles": run_cycles(mesh),
        "threads": [
            {
                **agent_json(mesh, use.agent),
                "retired": use.retired,
                "cycles_by_cause": use.by_cause,
                "stopped_before": use.before,
                "stopped_after": use.after,
                "barriers_passed": mesh.arrays["barriers_passed"][use.agent],
            }
            for use in threads
        ],
        "links": [
            {
                "node": None if use.node is None else list(mesh.place_of(use.node)),
                "port": use.name,
                "packets": use.packets,
                "waited_cycles": use.waited_cycles,
                "crosses_dies": use.crosses_dies,
            }
            for use in link_uses(mesh)
        ],
        "nodes": [
            {
                "node": list(mesh.place_of(use.node)),
                "packets_in": use.packets_in,
                "packets_out": use.packets_out,
                "bytes_out": use.bytes_out,
                "transfers": use.transfers,
                "list_entries": use.list_entries,
            }
            for use in node_uses(mesh)
        ],
        "semaphores": [
            {
                "node": list(mesh.place_of(use.node)),
                "semaphore": use.number,
                "names": resource_names(mesh, use.node, use.number, SymbolKind.SEMAPHORE),
                "posts": use.posts,
                "takes": use.takes,
                "value": use.value,
            }
            for use in semaphore_uses(mesh)
        ],
    }


def cycles_by_cause(mesh: MeshState) -> dict[str, int]:
    """Return what the cycles of all threads together went to, by `CAUSES`."""
    totals = dict.fromkeys(CAUSES, 0)
    for use in thread_cycles(mesh):
        for cause, count in use.by_cause.items():
            totals[cause] += count
    return totals


def _array(mesh: MeshState, name: str) -> NDArray[np.int64]:
    return np.asarray(mesh.arrays[name])
