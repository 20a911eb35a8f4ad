"""A deadlock as a graph for Graphviz (DOT): a box for each agent that waits, the circle in red.

Barriers, and semaphores that nobody who waits has posted or could, are ellipses; nodes that have
not come to a barrier and have nobody who waits are dashed boxes.
"""

from collections.abc import Iterator, Sequence

from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.machine.deadlock import Deadlock, Waiter
from dojo_tools.machine.mesh_names import agent_name, node_name, resource_name, span_at
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.node_doing import nodes_by_doing
from dojo_tools.machine.node_lists import nodes_text
from dojo_tools.objects import SymbolKind

EMPTY_GRAPH = "digraph deadlock {\n}\n"
"""The graph of a run at whose end nobody waits."""

_KINDS = {"semaphore": SymbolKind.SEMAPHORE, "barrier": SymbolKind.BARRIER}
_RED = ", color=red"


def deadlock_dot(mesh: MeshState, found: Deadlock) -> str:
    """Return a deadlock as a graph."""
    steps = set(zip(found.cycle, found.cycle[1:] + found.cycle[:1], strict=True))
    at_barrier = [waiter for waiter in found.waiters if waiter.what == "barrier"]
    gathered = {waiter.agent for waiter in at_barrier}
    edges = [edge for edge in found.edges if edge.waiter not in gathered]
    led_on = {edge.waiter for edge in edges} | gathered
    lines = ["digraph deadlock {", "  node [shape=box, fontname=monospace];"]
    for waiter in found.waiters:
        lines.append(_agent(mesh, waiter, waiter.agent in found.cycle))
        if waiter.agent not in led_on and waiter.what == "semaphore":
            lines += _semaphore(mesh, waiter)
    for edge in edges:
        is_red = (edge.waiter, edge.holder) in steps
        lines.append(_edge(f"a{edge.waiter}", f"a{edge.holder}", edge.why, is_red))
    agents = [waiter.agent for waiter in found.waiters]
    lines += _barriers(mesh, at_barrier, agents, steps)
    return "\n".join([*lines, "}", ""])


def _agent(mesh: MeshState, waiter: Waiter, is_red: bool) -> str:
    """Return an agent that waits: for what, and where in the source."""
    span = span_at(mesh, waiter.agent, waiter.pc)
    rows = [agent_name(mesh, waiter.agent), _what(mesh, waiter)]
    rows += [] if span is None else [str(span)]
    return _vertex(f"a{waiter.agent}", rows, _RED if is_red else "")


def _what(mesh: MeshState, waiter: Waiter) -> str:
    if waiter.what not in _KINDS:
        return waiter.what
    node = waiter.agent >> AGENT_BITS
    return f"{waiter.what} {resource_name(mesh, node, waiter.number, _KINDS[waiter.what])}"


def _semaphore(mesh: MeshState, waiter: Waiter) -> Iterator[str]:
    """Yield a semaphore that nobody who waits has posted or could, and the edge to it."""
    node = waiter.agent >> AGENT_BITS
    name = f"s{node}_{waiter.number}"
    place = f"{_what(mesh, waiter)} of {node_name(mesh, node)}"
    rows = [place, f"holds {waiter.held}", "nobody is left to post it"]
    yield _vertex(name, rows, ", shape=ellipse")
    yield _edge(f"a{waiter.agent}", name, f"wants {waiter.wanted}")


def _barriers(
    mesh: MeshState,
    waiters: Sequence[Waiter],
    agents: Sequence[int],
    steps: set[tuple[int, int]],
) -> Iterator[str]:
    """Yield each barrier, who waits at it, and the nodes that have not come."""
    groups = {(waiter.number, waiter.rectangle): list[Waiter]() for waiter in waiters}
    for waiter in waiters:
        groups[waiter.number, waiter.rectangle].append(waiter)
    for index, group in enumerate(groups.values()):
        name = f"b{index}"
        yield _vertex(name, _barrier_rows(mesh, group[0]), ", shape=ellipse")
        for waiter in group:
            is_red = any(first == waiter.agent for first, _ in steps)
            yield _edge(f"a{waiter.agent}", name, "waits at", is_red)
        yield from _missing(mesh, name, group, agents, steps)


def _barrier_rows(mesh: MeshState, waiter: Waiter) -> list[str]:
    assert waiter.rectangle is not None
    x, y = waiter.rectangle.x - mesh.partition.x, waiter.rectangle.y - mesh.partition.y
    count = len(mesh.topology.live_nodes(waiter.rectangle))
    size = f"{waiter.rectangle.width} x {waiter.rectangle.height}"
    come = f"{count - len(waiter.missing)} of {count} have come"
    return [_what(mesh, waiter), f"{size} nodes at ({x}, {y})", come]


def _missing(
    mesh: MeshState,
    barrier: str,
    group: Sequence[Waiter],
    agents: Sequence[int],
    steps: set[tuple[int, int]],
) -> Iterator[str]:
    """Yield edges to those who wait on the nodes that have not come, and boxes for the others."""
    missing = set(group[0].missing)
    held_up = [agent for agent in agents if agent >> AGENT_BITS in missing]
    for agent in held_up:
        is_red = any((waiter.agent, agent) in steps for waiter in group)
        yield _edge(barrier, f"a{agent}", "has not come", is_red)
    others = sorted(missing - {agent >> AGENT_BITS for agent in held_up})
    for index, (doing, nodes) in enumerate(nodes_by_doing(mesh, others).items()):
        name = f"{barrier}_{index}"
        places = nodes_text(mesh.place_of(node) for node in nodes)
        yield _vertex(name, [places, doing.text(len(nodes))], ", style=dashed")
        yield _edge(barrier, name, "has not come" if len(nodes) == 1 else "have not come")


def _vertex(name: str, rows: Sequence[str], attributes: str) -> str:
    return f"  {name} [label={_quoted(*rows)}{attributes}];"


def _edge(start: str, end: str, label: str, is_red: bool = False) -> str:
    return f"  {start} -> {end} [label={_quoted(label)}{_RED if is_red else ''}];"


def _quoted(*rows: str) -> str:
    escaped = (row.replace("\\", "\\\\").replace('"', '\\"') for row in rows)
    return '"{}"'.format("\\n".join(escaped))
