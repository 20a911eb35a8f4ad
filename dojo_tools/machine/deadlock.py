"""Who waits for whom when nothing happens any more."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dojo_tools.bits import mask
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE

if TYPE_CHECKING:
    from dojo_tools.machine.mesh import Mesh


@dataclass(frozen=True, slots=True)
class Waiter:
    """An agent that waits: for what, since when, and what it would need.

    `what` is "semaphore", "barrier" or "list". `wanted` and `held` are what a semaphore should and
    does hold; `poster` is the agent that posted it last. `missing` are the nodes that have not come
    to a barrier.
    """

    agent: int
    what: str
    number: int
    pc: int
    cycle: int
    wanted: int = 0
    held: int = 0
    poster: int | None = None
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Deadlock:
    """All agents that wait, by number."""

    waiters: tuple[Waiter, ...]


def find_deadlock(mesh: "Mesh") -> Deadlock | None:
    """Return who waits, or None if nobody does."""
    constant, doing = mesh.procedures.constant, mesh.arrays["doing"]
    kinds = {
        constant("WAITING"): _at_semaphore,
        constant("AT_BARRIER"): _at_barrier,
        constant("AT_LIST"): _at_list,
    }
    waiters = [
        kinds[doing[agent]](mesh, agent)
        for node in sorted(mesh.program_of)
        for agent in range(node << AGENT_BITS, (node << AGENT_BITS) + LIST_ENGINE + 1)
        if doing[agent] in kinds
    ]
    return Deadlock(tuple(waiters)) if waiters else None


def _pc(mesh: "Mesh", agent: int) -> int:
    return 0 if agent & mask(AGENT_BITS) == LIST_ENGINE else mesh.engine.thread(agent).pc - 4


def _at_semaphore(mesh: "Mesh", agent: int) -> Waiter:
    arrays = mesh.arrays
    number = arrays["waits_for"][agent]
    place = (agent >> AGENT_BITS) * mesh.machine.semaphores.count + number
    poster = arrays["poster"][place] - 1
    return Waiter(
        agent,
        "semaphore",
        number,
        _pc(mesh, agent),
        arrays["clock"][agent] - 1,
        arrays["needs"][agent],
        arrays["semaphore"][place],
        None if poster < 0 else poster,
    )


def _at_barrier(mesh: "Mesh", agent: int) -> Waiter:
    arrays = mesh.arrays
    number = arrays["waits_for"][agent]
    place = agent << mesh.procedures.constant("ASKED_BITS")
    asked = arrays["asked"][place + 2]
    rectangle = mesh.rectangle_of(agent >> AGENT_BITS, asked)
    barriers = arrays["machine"][mesh.procedures.constant("M_BARRIERS")]
    missing = tuple(
        node
        for node in mesh.topology.live_nodes(rectangle)
        if not arrays["at_barrier"][node * barriers + number]
    )
    cycle = arrays["clock"][agent] - 1
    return Waiter(agent, "barrier", number, _pc(mesh, agent), cycle, missing=missing)


def _at_list(mesh: "Mesh", agent: int) -> Waiter:
    node = agent >> AGENT_BITS
    is_waiting = mesh.arrays["doing"][node << AGENT_BITS | LIST_ENGINE] != mesh.procedures.constant(
        "STOPPED"
    )
    left = mesh.arrays["list_left"][node] + is_waiting
    cycle = mesh.arrays["clock"][agent] - 1
    return Waiter(agent, "list", 0, _pc(mesh, agent), cycle, held=left)
