"""What a run on many nodes came to, for JSON and as the lines that say how it ended."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from dojo_tools.diagnostics import Agent, Diagnostic, Event, Severity
from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.machine.deadlock_report import deadlock_json, last_posted_text
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd, MeshLine
from dojo_tools.machine.mesh_counters import counters_json, semaphore_uses
from dojo_tools.machine.mesh_names import agent_json, agent_name, agent_of, resource_name
from dojo_tools.machine.node_lists import nodes_text
from dojo_tools.machine.program_view import STACK_POINTER
from dojo_tools.machine.stack_depth import DeepStack, Stacks, deep_stack, stacks_of
from dojo_tools.objects import SymbolKind

LEFT_OVER_MAX = 5


def mesh_json(mesh: Mesh, end: MeshEnd, lines: Sequence[MeshLine]) -> dict[str, Any]:
    """Return what only a run on many nodes has, as values for JSON."""
    return {
        "machine": mesh.machine.name,
        "partition": {
            "at": [mesh.partition.x, mesh.partition.y],
            "size": [mesh.partition.width, mesh.partition.height],
        },
        "nodes": len(mesh.program_of),
        "end": end.reason.value,
        "exit_codes": [
            {**agent_json(mesh, agent), "code": code} for agent, code in sorted(end.codes.items())
        ],
        "faulted": None if end.fault is None else agent_json(mesh, end.fault.agent),
        "limited": None if end.limited is None else agent_json(mesh, end.limited),
        "deadlock": None if end.deadlock is None else deadlock_json(mesh, end.deadlock),
        "printed": [
            {
                "cycle": line.cycle,
                "node": list(mesh.place_of(line.node)),
                "thread": line.thread,
                "text": line.text,
            }
            for line in lines
        ],
        "counters": counters_json(mesh),
    }


def left_over_warnings(mesh: Mesh, end: MeshEnd) -> Iterator[Diagnostic]:
    """Yield warnings for semaphores that hold posts that nobody has waited for."""
    if end.reason is not EndReason.DONE:
        return
    semaphores = mesh.machine.semaphores.count
    groups: dict[tuple[int, int, int, bool], list[tuple[int, int]]] = {}
    for use in semaphore_uses(mesh):
        if use.value:
            poster = mesh.arrays["poster"][use.node * semaphores + use.number] - 1
            likeness = (mesh.program_of[use.node], use.number, use.value, poster < 0)
            groups.setdefault(likeness, []).append((use.node, poster))
    for (_, number, value, is_set), left in groups.items():
        name = resource_name(mesh, left[0][0], number, SymbolKind.SEMAPHORE)
        places = [mesh.place_of(node) for node, _ in left]
        by = "" if is_set else f", {last_posted_text(mesh, left)}"
        holds = f"holds {value}" if len(left) == 1 else f"hold {value} each"
        yield Diagnostic(
            Severity.WARNING,
            f"semaphore {name} of {nodes_text(places)} {holds} at the end: posts that nobody has "
            f"waited for{by}",
            name="left-over-posts",
            event=Event(
                nodes=tuple(places),
                cycle=end.cycles,
                details={
                    "semaphore": number,
                    "held": value,
                    "posted_last_by": [
                        None if poster < 0 else agent_json(mesh, poster) for _, poster in left
                    ],
                },
            ),
        )


def stack_warnings(mesh: Mesh) -> Iterator[Diagnostic]:
    """Yield warnings for stacks that are, or have been, deeper than what is reserved for them."""
    groups: dict[tuple[int, int, bool], list[tuple[Agent, DeepStack]]] = {}
    stacks = [stacks_of(view, len(mesh.shares[view.number])) for view in mesh.views]
    for node, number in mesh.program_of.items():
        found = _deep_stack(mesh, node, stacks[number])
        if found is not None:
            agent = agent_of(mesh, (node << AGENT_BITS) + found.thread)
            likeness = number, found.thread, found.is_seen_in_memory
            groups.setdefault(likeness, []).append((agent, found))
    for group in groups.values():
        agents = tuple(agent for agent, _ in group)
        deepest = max((found for _, found in group), key=lambda found: found.depth)
        who = f"{agents[0].part} of {nodes_text((x, y) for x, y, _ in agents)}"
        yield deepest.warning(who, Event(agents=agents))


def _deep_stack(mesh: Mesh, node: int, stacks: Stacks | None) -> DeepStack | None:
    if stacks is None:
        return None
    pointers: dict[int, int] = {}
    for number in range(stacks.count):
        thread = mesh.engine.thread((node << AGENT_BITS) + number)
        pointer = thread.read_register(STACK_POINTER)
        if thread.retired and isinstance(pointer, int):
            pointers[number] = pointer
    return deep_stack(stacks, pointers, partial(mesh.engine.read_memory, node))


def cut_off_warnings(mesh: Mesh) -> Iterator[Diagnostic]:
    """Yield a warning if live nodes of the machine can't be reached."""
    nodes = mesh.topology.cut_off
    if nodes:
        shown = ", ".join(str(node) for node in nodes[:LEFT_OVER_MAX])
        more = f" and {len(nodes) - LEFT_OVER_MAX} more" if len(nodes) > LEFT_OVER_MAX else ""
        noun = "node is" if len(nodes) == 1 else "nodes are"
        yield Diagnostic(
            Severity.WARNING,
            f"machine `{mesh.machine.name}`: {len(nodes)} live {noun} cut off by dead ones and "
            f"can't be used: {shown}{more}",
            hint="dead nodes grow to rectangles that neither touch nor meet at a corner",
            name="cut-off-nodes",
        )


def unused_grid_warnings(mesh: Mesh, size: tuple[int, int] | None) -> Iterator[Diagnostic]:
    """Yield a warning if a run asks for another size of the partition than the programs state."""
    found = mesh.partition.width, mesh.partition.height
    if size is not None and size != found:
        yield Diagnostic(
            Severity.WARNING,
            f"the grid of {size[0]} x {size[1]} nodes is not used: the places of the programs "
            f"make it {found[0]} x {found[1]}",
            hint="leave out `--grid`, and `size` in run files, or `.place`",
            name="unused-grid",
        )


def line_text(mesh: Mesh, line: MeshLine) -> str:
    """Return a line that a thread printed, with cycle, node and thread before it."""
    agent = line.node << AGENT_BITS | line.thread
    return f"{line.cycle:>8} {agent_name(mesh, agent)}: {line.text}\n"
