"""A deadlock as text, as values for JSON, and as a graph for Graphviz (DOT)."""

from collections.abc import Iterator
from typing import Any

from dojo_tools.bits import mask
from dojo_tools.diagnostics import Diagnostic, Event, ExitCode, Note, Severity
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.deadlock import Deadlock, Waiter
from dojo_tools.machine.mesh_names import (
    agent_json,
    agent_name,
    agent_of,
    node_name,
    resource_name,
    resource_names,
    span_at,
    view_of,
)
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.objects import SymbolKind

_KINDS = {"semaphore": SymbolKind.SEMAPHORE, "barrier": SymbolKind.BARRIER}
SHOWN_MAX = 12
NODES_SHOWN_MAX = 6


def deadlock_diagnostic(mesh: MeshState, found: Deadlock, cycles: int) -> Diagnostic:
    """Return who waits for whom, the agents of the circle first."""
    count = len(found.waiters)
    waits = "1 thread or list waits" if count == 1 else f"{count} threads and lists wait"
    first = ordered_waiters(found)[0]
    who = agent_of(mesh, first.agent)
    return Diagnostic(
        Severity.ERROR,
        f"{waits}, and nothing happens any more (cycle {cycles})",
        span_at(mesh, first.agent, first.pc),
        _hint(found),
        tuple(blocked_notes(mesh, found)),
        "deadlock",
        Event(
            "deadlock",
            (who,),
            cycles,
            None if who.thread is None else first.pc,
            ExitCode.DEADLOCK,
            {"deadlock": deadlock_json(mesh, found)},
        ),
    )


def blocked_notes(mesh: MeshState, found: Deadlock) -> Iterator[Note]:
    """Yield a note for each agent that waits, at most `SHOWN_MAX`, and one for the circle."""
    waiters = ordered_waiters(found)
    if found.cycle:
        names = [agent_name(mesh, agent) for agent in found.cycle[:SHOWN_MAX]]
        names += ["..."] if len(found.cycle) > SHOWN_MAX else [names[0]]
        agents = tuple(agent_of(mesh, agent) for agent in found.cycle)
        text = f"a circle of {len(found.cycle)}: {' waits for '.join(names)}"
        yield Note(text, agents=agents)
    for waiter in waiters[:SHOWN_MAX]:
        span = span_at(mesh, waiter.agent, waiter.pc)
        yield Note(waiter_text(mesh, waiter), span, (agent_of(mesh, waiter.agent),))
    if len(waiters) > SHOWN_MAX:
        yield Note(f"and {len(waiters) - SHOWN_MAX} more")


def ordered_waiters(found: Deadlock) -> list[Waiter]:
    """Return those of the circle in its order, then all others by number."""
    by_agent = {waiter.agent: waiter for waiter in found.waiters}
    others = [waiter for waiter in found.waiters if waiter.agent not in found.cycle]
    return [by_agent[agent] for agent in found.cycle] + others


def waiter_text(mesh: MeshState, waiter: Waiter) -> str:
    """Return who waits for what since when, and who could change it."""
    node = waiter.agent >> AGENT_BITS
    head = f"{agent_name(mesh, waiter.agent)} waits since cycle {waiter.cycle} for "
    match waiter.what:
        case "semaphore":
            name = resource_name(mesh, node, waiter.number, SymbolKind.SEMAPHORE)
            return (
                f"{head}semaphore {name}: wants {waiter.wanted}, it holds {waiter.held}; "
                f"{_posters_text(mesh, waiter)}"
            )
        case "barrier":
            return (
                f"{head}barrier {resource_name(mesh, node, waiter.number, SymbolKind.BARRIER)}: "
                f"{_missing_text(mesh, waiter)}"
            )
        case _:
            entries = "entry" if waiter.held == 1 else "entries"
            return f"{head}its list engine, which has {waiter.held} {entries} left"


def _posters_text(mesh: MeshState, waiter: Waiter) -> str:
    if waiter.poster is None:
        text = "never posted"
    elif waiter.poster == waiter.agent:
        text = "last posted by itself"
    else:
        text = f"last posted by {agent_name(mesh, waiter.poster)}"
    if not waiter.could_count:
        return f"{text}, and nobody that waits could post it"
    names = [agent_name(mesh, agent) for agent in waiter.could[:2]]
    more = waiter.could_count - len(names)
    tail = f" and {more} more" if more else ""
    verb = "waits" if waiter.could_count == 1 else "wait"
    return f"{text}; {', '.join(names)}{tail} could post it, but {verb} too"


def _missing_text(mesh: MeshState, waiter: Waiter) -> str:
    nodes = waiter.missing
    if not nodes:
        return "all nodes have come"
    names = ", ".join(_state_of(mesh, node) for node in nodes[:NODES_SHOWN_MAX])
    more = len(nodes) - NODES_SHOWN_MAX
    return f"{names}{f' and {more} more' if more > 0 else ''} not there"


def _state_of(mesh: MeshState, node: int) -> str:
    """Return a node and why it will not come to a barrier."""
    name = node_name(mesh, node)
    if node not in mesh.program_of:
        return f"{name}, which runs no program,"
    doing = mesh.arrays["doing"]
    first = node << AGENT_BITS
    if not any(doing[first : first + LIST_ENGINE]):
        return f"{name}, which has halted,"
    return name


def _hint(found: Deadlock) -> str | None:
    if found.cycle:
        return None
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
        "wanted": waiter.wanted,
        "held": waiter.held,
        "posted_last_by": None if poster is None else agent_json(mesh, poster),
        "could_post": [agent_json(mesh, agent) for agent in waiter.could],
        "could_post_count": waiter.could_count,
        "missing": [list(mesh.place_of(missing)) for missing in waiter.missing],
    }


def deadlock_dot(mesh: MeshState, found: Deadlock) -> str:
    """Return a deadlock as a graph in DOT, the circle in red."""
    lines = ["digraph deadlock {", "  node [shape=box, fontname=monospace];"]
    in_circle = set(found.cycle)
    steps = set(zip(found.cycle, found.cycle[1:] + found.cycle[:1], strict=True))
    for waiter in found.waiters:
        what = waiter.what
        if what in _KINDS:
            node = waiter.agent >> AGENT_BITS
            what += f" {resource_name(mesh, node, waiter.number, _KINDS[what])}"
        span = span_at(mesh, waiter.agent, waiter.pc)
        place = "" if span is None else f"\n{span}"
        label = _quoted(f"{agent_name(mesh, waiter.agent)}\n{what}{place}")
        colour = ", color=red" if waiter.agent in in_circle else ""
        lines.append(f"  a{waiter.agent} [label={label}{colour}];")
    for edge in found.edges:
        colour = ", color=red" if (edge.waiter, edge.holder) in steps else ""
        lines.append(f"  a{edge.waiter} -> a{edge.holder} [label={_quoted(edge.why)}{colour}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
