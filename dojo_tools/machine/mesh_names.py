"""How messages and reports name nodes, threads and semaphores of a mesh, and their source lines."""

from typing import Any

from dojo_tools.bits import mask
from dojo_tools.diagnostics import Agent, Span
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.objects import SymbolKind

LIST_ENTRY_BYTES = 64


def view_of(mesh: MeshState, node: int) -> ProgramView:
    """Return the program that a node runs."""
    return mesh.views[mesh.program_of[node]]


def node_name(mesh: MeshState, node: int) -> str:
    """Return how messages name a node: by column and row of the partition."""
    x, y = mesh.place_of(node)
    return f"node ({x}, {y})"


def agent_of(mesh: MeshState, agent: int) -> Agent:
    """Return the thread or list engine that a number is."""
    number = agent & mask(AGENT_BITS)
    thread = None if number == LIST_ENGINE else number
    return Agent(*mesh.place_of(agent >> AGENT_BITS), thread)


def agent_name(mesh: MeshState, agent: int) -> str:
    """Return how messages name a thread or list engine: `node (1, 2) thread 0`."""
    return str(agent_of(mesh, agent))


def agent_json(mesh: MeshState, agent: int) -> dict[str, Any]:
    """Return a thread or list engine as values for JSON; the list engine has no thread number."""
    x, y, thread = agent_of(mesh, agent)
    return {"node": [x, y], "thread": thread}


def resource_name(mesh: MeshState, node: int, number: int, kind: SymbolKind) -> str:
    """Return how messages name a semaphore or barrier: by its name in the program, or number."""
    names = resource_names(mesh, node, number, kind)
    return " or ".join(f"`{name}`" for name in names) or str(number)


def resource_names(mesh: MeshState, node: int, number: int, kind: SymbolKind) -> list[str]:
    """Return the names that the program of a node has for a semaphore or barrier."""
    return view_of(mesh, node).resource_names(kind, number) if node in mesh.program_of else []


def span_at(mesh: MeshState, agent: int, pc: int) -> Span | None:
    """Return the source of an agent's instruction, of a list engine that of its entry, if known."""
    node = agent >> AGENT_BITS
    is_list = agent & mask(AGENT_BITS) == LIST_ENGINE
    return view_of(mesh, node).span_at(list_entry(mesh, node) if is_list else pc)


def list_entry(mesh: MeshState, node: int) -> int:
    """Return the address of the entry that a list engine carries out, or waits in."""
    return mesh.arrays["list_at"][node] - LIST_ENTRY_BYTES
