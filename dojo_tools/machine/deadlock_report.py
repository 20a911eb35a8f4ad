"""A deadlock as a diagnostic, and as values for JSON."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from dojo_tools.bits import mask
from dojo_tools.diagnostics import Agent, Diagnostic, Event, ExitCode, Note, Severity
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.deadlock import Deadlock, Waiter
from dojo_tools.machine.mesh_names import (
    agent_json,
    agent_name,
    agent_of,
    resource_name,
    resource_names,
    span_at,
    view_of,
)
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.node_doing import nodes_by_doing
from dojo_tools.machine.node_lists import agents_text, nodes_text
from dojo_tools.machine.program_code import post_addresses
from dojo_tools.objects import Rectangle, SymbolKind

_KINDS = {"semaphore": SymbolKind.SEMAPHORE, "barrier": SymbolKind.BARRIER}
SHOWN_MAX = 12
SEMAPHORES_SHOWN_MAX = 4
POSTS_SHOWN_MAX = 3
ALIKE_MIN = 3
"""So many who wait alike are told together; of fewer each is worth a note."""

_NEVER, _ITSELF, _OTHER_NODE = -1, -2, -3
"""Who posted a semaphore last, besides the threads of its node by number."""


def deadlock_diagnostic(mesh: MeshState, found: Deadlock, cycles: int) -> Diagnostic:
    """Return who waits for whom, the agents of the circle first."""
    waiters = ordered_waiters(found)
    first = waiters[0]
    agents = tuple(agent_of(mesh, waiter.agent) for waiter in waiters)
    return Diagnostic(
        Severity.ERROR,
        f"{_count_text(found)}, and nothing happens any more (cycle {cycles})",
        span_at(mesh, first.agent, first.pc),
        _hint(found),
        tuple(blocked_notes(mesh, found)),
        "deadlock",
        Event(
            "deadlock",
            agents,
            cycles,
            None if agents[0].thread is None else first.pc,
            ExitCode.DEADLOCK,
            {"deadlock": deadlock_json(mesh, found)},
        ),
    )


def _count_text(found: Deadlock) -> str:
    """Return how many threads and list engines wait."""
    lists = sum(waiter.agent & mask(AGENT_BITS) == LIST_ENGINE for waiter in found.waiters)
    counts = {"thread": len(found.waiters) - lists, "list engine": lists}
    parts = [f"{n} {noun}{'s' if n > 1 else ''}" for noun, n in counts.items() if n]
    return f"{' and '.join(parts)} {'wait' if len(found.waiters) > 1 else 'waits'}"


def blocked_notes(mesh: MeshState, found: Deadlock) -> Iterator[Note]:
    """Yield a note for the circle, and one for each group of agents that wait alike.

    Those of the circle come first; of the groups there are at most `SHOWN_MAX`.
    """
    if found.cycle:
        circle = tuple(agent_of(mesh, agent) for agent in found.cycle)
        yield Note(f"a circle of {len(circle)}: {_circle_text(circle)}", agents=circle)
    groups = _groups(mesh, found)
    for group in groups[:SHOWN_MAX]:
        agents = tuple(agent_of(mesh, waiter.agent) for waiter in group)
        span = span_at(mesh, group[0].agent, group[0].pc)
        yield Note(waiters_text(mesh, group), span, agents)
    left = sum(map(len, groups[SHOWN_MAX:]))
    if left:
        yield Note(f"and {left} more")
    yield from _post_notes(mesh, found)


def _post_notes(mesh: MeshState, found: Deadlock) -> Iterator[Note]:
    """Yield where the code posts each semaphore that is waited for, or that it does so nowhere.

    Posts of transfer lists, and of semaphores by a number in a register, are not seen.
    """
    codes = [post_addresses(mesh.image, mesh.description, view.number) for view in mesh.views]
    places = {
        (mesh.program_of[waiter.agent >> AGENT_BITS], waiter.number): waiter.agent >> AGENT_BITS
        for waiter in ordered_waiters(found)
        if waiter.what == "semaphore"
    }
    for (_, number), node in list(places.items())[:SEMAPHORES_SHOWN_MAX]:
        name = resource_name(mesh, node, number, SymbolKind.SEMAPHORE)
        posts = [
            view.span_at(address)
            for view, code in zip(mesh.views, codes, strict=True)
            for address in code.get(number, ())
        ]
        if not posts:
            yield Note(f"no instruction posts semaphore {name}: only a list could")
        for span in posts[:POSTS_SHOWN_MAX]:
            yield Note(f"semaphore {name} is posted here", span)
        if len(posts) > POSTS_SHOWN_MAX:
            yield Note(f"and at {len(posts) - POSTS_SHOWN_MAX} more instructions")


def _circle_text(circle: Sequence[Agent]) -> str:
    """Return who waits for whom, of a long circle only the places."""
    if len(circle) <= SHOWN_MAX:
        return " waits for ".join(map(str, [*circle, circle[0]]))
    parts = {agent.part for agent in circle}
    if len(parts) > 1:
        names = ", ".join(map(str, circle))
    else:
        names = f"{circle[0].part} of {', '.join(f'({x}, {y})' for x, y, _ in circle)}"
    return f"each waits for the next, and the last for the first: {names}"


def ordered_waiters(found: Deadlock) -> list[Waiter]:
    """Return those of the circle in its order, then by number those who wait for nobody that waits.

    All others come last: they wait for those.
    """
    by_agent = {waiter.agent: waiter for waiter in found.waiters}
    others = [waiter for waiter in found.waiters if waiter.agent not in found.cycle]
    led_on = {edge.waiter for edge in found.edges}
    others.sort(key=lambda waiter: waiter.agent in led_on)
    return [by_agent[agent] for agent in found.cycle] + others


def _groups(mesh: MeshState, found: Deadlock) -> list[list[Waiter]]:
    """Return those who wait, alike ones together if there are at least `ALIKE_MIN`."""
    groups: dict[Hashable, list[Waiter]] = {}
    for waiter in ordered_waiters(found):
        groups.setdefault(_likeness(mesh, waiter), []).append(waiter)
    return [
        part
        for group in groups.values()
        for part in ([group] if len(group) >= ALIKE_MIN else [[waiter] for waiter in group])
    ]


def _likeness(mesh: MeshState, waiter: Waiter) -> Hashable:
    """Return what is the same of agents that one note is enough for."""
    return (
        mesh.program_of[waiter.agent >> AGENT_BITS],
        waiter.agent & mask(AGENT_BITS),
        *(waiter.what, waiter.number, waiter.pc, waiter.wanted, waiter.held),
        *(waiter.missing, waiter.rectangle, _poster_kind(waiter), waiter.could_count > 0),
    )


def _poster_kind(waiter: Waiter) -> int:
    if waiter.poster is None:
        return _NEVER
    if waiter.poster == waiter.agent:
        return _ITSELF
    is_near = waiter.poster >> AGENT_BITS == waiter.agent >> AGENT_BITS
    return waiter.poster & mask(AGENT_BITS) if is_near else _OTHER_NODE


def waiters_text(mesh: MeshState, group: Sequence[Waiter]) -> str:
    """Return who waits for what since when, and who could change it, of agents that do alike."""
    first = group[0]
    node = first.agent >> AGENT_BITS
    who = agents_text([agent_of(mesh, waiter.agent) for waiter in group])
    cycles = sorted({waiter.cycle for waiter in group})
    since = f"cycle {cycles[0]}" + (f"..{cycles[-1]}" if len(cycles) > 1 else "")
    head = f"{who} waits since {since} for"
    match first.what:
        case "semaphore":
            name = resource_name(mesh, node, first.number, SymbolKind.SEMAPHORE)
            return (
                f"{head} semaphore {name}: wants {first.wanted}, it holds {first.held}; "
                f"{_poster_text(mesh, group)}{_could_text(mesh, group)}"
            )
        case "barrier":
            name = resource_name(mesh, node, first.number, SymbolKind.BARRIER)
            return f"{head} barrier {name}: {_missing_text(mesh, first)}"
        case _:
            entries = "entry" if first.held == 1 else "entries"
            return f"{head} its list engine, which has {first.held} {entries} left"


def _poster_text(mesh: MeshState, group: Sequence[Waiter]) -> str:
    """Return who posted a semaphore last."""
    posted = [(w.agent >> AGENT_BITS, w.poster) for w in group if w.poster is not None]
    if not posted:
        return "never posted"
    if group[0].poster == group[0].agent:
        return "last posted by itself"
    return last_posted_text(mesh, posted)


def last_posted_text(mesh: MeshState, posted: Sequence[tuple[int, int]]) -> str:
    """Return who posted a semaphore last, of one or more nodes, each with its poster."""
    posters = list(dict.fromkeys(agent_of(mesh, poster) for _, poster in posted))
    if len(posters) == 1:
        return f"last posted by {posters[0]}"
    parts = {poster.part for poster in posters}
    if len(parts) == 1 and all(node == poster >> AGENT_BITS for node, poster in posted):
        return f"last posted by {parts.pop()} there"
    return f"last posted by {nodes_text((x, y) for x, y, _ in posters)}"


def _could_text(mesh: MeshState, group: Sequence[Waiter]) -> str:
    """Return who waits too and could post a semaphore."""
    counts = {waiter.could_count for waiter in group}
    if counts == {0}:
        return ", and nobody that waits could post it"
    if len(group) > 1:
        others = f"{min(counts)}" + (f"..{max(counts)}" if len(counts) > 1 else "")
        return f"; {others} of those that wait could post it"
    (count,) = counts
    names = [agent_name(mesh, agent) for agent in group[0].could[:2]]
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return f"; {', '.join(names)}{more} could post it, but {'waits' if count == 1 else 'wait'} too"


def _missing_text(mesh: MeshState, waiter: Waiter) -> str:
    """Return which nodes have not come to a barrier, and what they do instead."""
    if not waiter.missing:
        return "all nodes have come"
    parts: list[str] = []
    for doing, nodes in nodes_by_doing(mesh, waiter.missing).items():
        name = nodes_text(mesh.place_of(node) for node in nodes)
        parts.append(f"{name}, {doing.clause(len(nodes))},")
    return f"{' and '.join(parts)} not there"


def _hint(found: Deadlock) -> str | None:
    if found.cycle:
        return None
    if ordered_waiters(found)[0].what == "barrier":
        return (
            "a barrier waits for one thread of each live node of its rectangle: let all of them "
            "come as often, or name a smaller rectangle"
        )
    return "nobody is left that could let them go on: is a post or a thread missing?"


def deadlock_json(mesh: MeshState, found: Deadlock) -> dict[str, Any]:
    """Return a deadlock as values for JSON."""
    return {
        "cycle": [agent_json(mesh, agent) for agent in found.cycle],
        "waiters": [_waiter_json(mesh, waiter) for waiter in found.waiters],
        "edges": [
            {
                "from": agent_json(mesh, edge.waiter),
                "to": agent_json(mesh, edge.holder),
                "why": edge.why,
            }
            for edge in found.edges
        ],
    }


def _waiter_json(mesh: MeshState, waiter: Waiter) -> dict[str, Any]:
    node = waiter.agent >> AGENT_BITS
    is_list = waiter.agent & mask(AGENT_BITS) == LIST_ENGINE
    line = None if is_list else view_of(mesh, node).line_at(waiter.pc)
    is_named = waiter.what != "list"
    poster = waiter.poster
    return {
        **agent_json(mesh, waiter.agent),
        "waits_for": waiter.what,
        "number": waiter.number if is_named else None,
        "names": resource_names(mesh, node, waiter.number, _KINDS[waiter.what]) if is_named else [],
        "pc": None if is_list else waiter.pc,
        "file": None if line is None else line.file,
        "line": None if line is None else line.line,
        "column": None if line is None else line.column,
        "since_cycle": waiter.cycle,
        "wanted": waiter.wanted if waiter.what == "semaphore" else None,
        "held": None if waiter.what == "barrier" else waiter.held,
        "posted_last_by": None if poster is None else agent_json(mesh, poster),
        "could_post": [agent_json(mesh, agent) for agent in waiter.could],
        "could_post_count": waiter.could_count,
        "rectangle": _rectangle_json(mesh, waiter.rectangle),
        "missing": [list(mesh.place_of(missing)) for missing in waiter.missing],
        "missing_doing": [
            {"doing": doing.text(), "nodes": [list(mesh.place_of(node)) for node in nodes]}
            for doing, nodes in nodes_by_doing(mesh, waiter.missing).items()
        ],
    }


def _rectangle_json(mesh: MeshState, rectangle: Rectangle | None) -> dict[str, Any] | None:
    """Return a rectangle of the mesh as one of the partition."""
    if rectangle is None:
        return None
    at = [rectangle.x - mesh.partition.x, rectangle.y - mesh.partition.y]
    return {"at": at, "size": [rectangle.width, rectangle.height]}
