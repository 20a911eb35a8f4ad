"""Who waits for whom when nothing happens any more, as a graph, and a circle in it.

What an agent waits for is known exactly; who could let it go on is not, since any thread may come
to post. Three kinds of edges are certain: a thread waits for the list engine of its node, at a
barrier for the nodes that have not come, and a semaphore was posted before by somebody who now
waits too. Where nobody that waits has posted it, edges go to those whose code, from where they
wait, or list may post it.
"""

import bisect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dojo_tools.bits import extract, mask
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.mesh_names import LIST_ENTRY_BYTES
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.program_code import Posts, find_posts_from, semaphores_of
from dojo_tools.objects import Rectangle

COULD_MAX = 16
"""So many of those who could let an agent go on are kept: the nearest by number."""

CYCLE_STARTS_MAX = 256
_ENTRIES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Waiter:
    """An agent that waits: for what, since when, and what it would need.

    `what` is "semaphore", "barrier" or "list". `wanted` and `held` are what a semaphore should and
    does hold, or how many entries a list has left; `poster` is the agent that posted it last.
    `missing` are the nodes of its `rectangle` that have not come to a barrier. `could` are agents
    that could let this one go on, but wait themselves, `could_count` of them in all.
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
    rectangle: Rectangle | None = None
    could: tuple[int, ...] = ()
    could_count: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """An agent that waits for another that waits: `why` is that in words."""

    waiter: int
    holder: int
    why: str


@dataclass(frozen=True, slots=True)
class Deadlock:
    """All agents that wait, by number, for whom they do, and a shortest circle of them.

    `cycle` begins with its smallest agent, each waits for the next, the last for the first; it is
    empty where agents wait for what nobody can do any more.
    """

    waiters: tuple[Waiter, ...]
    edges: tuple[Edge, ...] = ()
    cycle: tuple[int, ...] = ()


def find_deadlock(mesh: MeshState) -> Deadlock | None:
    """Return who waits and for whom, or None if nobody does."""
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
    if not waiters:
        return None
    posters = _Posters(mesh, [waiter.agent for waiter in waiters])
    waiters = [_with_holders(mesh, waiter, posters) for waiter in waiters]
    edges = [edge for waiter in waiters for edge in _edges(waiter, posters)]
    certain = [edge for edge in edges if edge.why != _COULD]
    return Deadlock(tuple(waiters), tuple(edges), find_cycle(certain) or find_cycle(edges))


# ---- edges

_COULD = "could post"
_POSTED = "posted last"
_NOT_THERE = "has not come to the barrier"
_RUNS = "carries out the list"


def _with_holders(mesh: MeshState, waiter: Waiter, posters: "_Posters") -> Waiter:
    if waiter.what != "semaphore":
        return waiter
    could, count = posters.of(waiter.agent, waiter.number)
    return replace(waiter, could=could, could_count=count)


def _edges(waiter: Waiter, posters: "_Posters") -> Iterator[Edge]:
    agent = waiter.agent
    if waiter.what == "list":
        engine = agent >> AGENT_BITS << AGENT_BITS | LIST_ENGINE
        if engine in posters.waiting:
            yield Edge(agent, engine, _RUNS)
    elif waiter.what == "barrier":
        for node in waiter.missing[:COULD_MAX]:
            for holder in posters.on_node(node):
                yield Edge(agent, holder, _NOT_THERE)
    elif waiter.poster in posters.waiting and waiter.poster != agent:
        yield Edge(agent, waiter.poster or 0, _POSTED)
    else:
        for holder in waiter.could:
            yield Edge(agent, holder, _COULD)


class _Posters:
    """Of the agents that wait, those that could post a semaphore."""

    def __init__(self, mesh: MeshState, agents: Sequence[int]) -> None:
        self._mesh = mesh
        self._agents = agents
        self.waiting = frozenset(agents)
        self._posts: dict[tuple[int, int], Posts] = {}
        self._lists: dict[int, Posts] = {}
        self._anywhere: dict[int, list[int]] = {}

    def on_node(self, node: int) -> list[int]:
        """Return the agents of a node that wait."""
        first = bisect.bisect_left(self._agents, node << AGENT_BITS)
        last = bisect.bisect_left(self._agents, (node + 1) << AGENT_BITS)
        return list(self._agents[first:last])

    def of(self, waiter: int, number: int) -> tuple[tuple[int, ...], int]:
        """Return who could post a semaphore of a waiter's node, the nearest, and how many."""
        near = [
            agent
            for agent in self.on_node(waiter >> AGENT_BITS)
            if agent != waiter and number in self._posts_of(agent).here
        ]
        if number not in self._anywhere:
            self._anywhere[number] = [
                agent for agent in self._agents if number in self._posts_of(agent).anywhere
            ]
        others = self._anywhere[number]
        place = bisect.bisect_left(others, waiter)
        around = others[max(place - COULD_MAX // 2, 0) : place + COULD_MAX // 2 + 1]
        found = dict.fromkeys([*near, *(agent for agent in around if agent != waiter)])
        is_among = place < len(others) and others[place] == waiter
        count = len(set(near) - set(others)) + len(others) - is_among
        return tuple(found), count

    def _posts_of(self, agent: int) -> Posts:
        node = agent >> AGENT_BITS
        if agent & mask(AGENT_BITS) == LIST_ENGINE:
            if node not in self._lists:
                self._lists[node] = _list_posts(self._mesh, node)
            return self._lists[node]
        place = self._mesh.program_of[node], self._mesh.engine.thread(agent).pc
        if place not in self._posts:
            self._posts[place] = find_posts_from(self._mesh.image, self._mesh.description, *place)
        return self._posts[place]


def _list_posts(mesh: MeshState, node: int) -> Posts:
    """Return what the entries that a list has left would post."""
    at, left = mesh.arrays["list_at"][node], mesh.arrays["list_left"][node]
    here: set[int] = set()
    anywhere: set[int] = set()
    for index in range(min(left, _ENTRIES_MAX)):
        entry = mesh.engine.read_memory(node, at + index * LIST_ENTRY_BYTES, LIST_ENTRY_BYTES)
        words = [int.from_bytes(entry[i : i + 8], "little") for i in range(0, LIST_ENTRY_BYTES, 8)]
        match extract(words[0], 63, 56):
            case 0:
                anywhere |= semaphores_of(words[7])
            case 2:
                here.add(words[1])
            case 3:
                anywhere.add(words[2])
            case _:
                pass
    return Posts(frozenset(here), frozenset(anywhere))


# ---- circles


def find_cycle(edges: Iterable[Edge]) -> tuple[int, ...]:
    """Return a shortest circle, smallest agent first; of equal ones that of the smallest agent."""
    after: dict[int, list[int]] = {}
    for edge in edges:
        after.setdefault(edge.waiter, []).append(edge.holder)
    best: tuple[int, ...] = ()
    for start in sorted(after)[:CYCLE_STARTS_MAX]:
        found = _circle_from(start, after)
        if found and (not best or len(found) < len(best)):
            best = found
    first = best.index(min(best)) if best else 0
    return best[first:] + best[:first]


def _circle_from(start: int, after: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    """Return a shortest way from an agent back to itself; empty if there is none."""
    came_from = {start: start}
    queue = deque([start])
    while queue:
        agent = queue.popleft()
        for holder in after.get(agent, ()):
            if holder == start:
                path = [agent]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if holder not in came_from:
                came_from[holder] = agent
                queue.append(holder)
    return ()


# ---- who waits


def _pc(mesh: MeshState, agent: int) -> int:
    return 0 if agent & mask(AGENT_BITS) == LIST_ENGINE else mesh.engine.thread(agent).pc - 4


def _at_semaphore(mesh: MeshState, agent: int) -> Waiter:
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


def _at_barrier(mesh: MeshState, agent: int) -> Waiter:
    arrays = mesh.arrays
    number = arrays["waits_for"][agent]
    rectangle = mesh.rectangle_of(agent >> AGENT_BITS, arrays.asked(agent)[2])
    barriers = arrays["machine"][mesh.procedures.constant("M_BARRIERS")]
    missing = tuple(
        node
        for node in mesh.topology.live_nodes(rectangle)
        if not arrays["at_barrier"][node * barriers + number]
    )
    cycle = arrays["clock"][agent] - 1
    pc = _pc(mesh, agent)
    return Waiter(agent, "barrier", number, pc, cycle, missing=missing, rectangle=rectangle)


def _at_list(mesh: MeshState, agent: int) -> Waiter:
    # Nothing happens any more, so the engine waits itself: its entry is one of those left.
    left = mesh.arrays["list_left"][agent >> AGENT_BITS] + 1
    cycle = mesh.arrays["clock"][agent] - 1
    return Waiter(agent, "list", 0, _pc(mesh, agent), cycle, held=left)
