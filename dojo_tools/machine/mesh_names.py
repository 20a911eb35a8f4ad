"""How messages and reports name nodes, threads and semaphores of a mesh, and their source lines."""

from typing import Any

from dojo_tools.bits import mask
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.objects import SymbolKind


def view_of(mesh: MeshState, node: int) -> ProgramView:
    """Return the program that a node runs."""
    return mesh.views[mesh.program_of[node]]


def node_name(mesh: MeshState, node: int) -> str:
    """Return how messages name a node: by column and row of the partition."""
    x, y = mesh.place_of(node)
    return f"node ({x}, {y})"


def agent_name(mesh: MeshState, agent: int) -> str:
    """Return how messages name a thread or list engine: `node (1, 2) thread 0`."""
    number = agent & mask(AGENT_BITS)
    what = "list engine" if number == LIST_ENGINE else f"thread {number}"
    return f"{node_name(mesh, agent >> AGENT_BITS)} {what}"


def agent_json(mesh: MeshState, agent: int) -> dict[str, Any]:
    """Return a thread or list engine as values for JSON; the list engine has no thread number."""
    number = agent & mask(AGENT_BITS)
    return {
        "node": list(mesh.place_of(agent >> AGENT_BITS)),
        "thread": None if number == LIST_ENGINE else number,
    }


def resource_name(mesh: MeshState, node: int, number: int, kind: SymbolKind) -> str:
    """Return how messages name a semaphore or barrier: by its name in the program, or number."""
    names = resource_names(mesh, node, number, kind)
    return " or ".join(f"`{name}`" for name in names) or str(number)


def resource_names(mesh: MeshState, node: int, number: int, kind: SymbolKind) -> list[str]:
    """Return the names that the program of a node has for a semaphore or barrier."""
    return view_of(mesh, node).resource_names(kind, number) if node in mesh.program_of else []


def place_at(mesh: MeshState, agent: int, pc: int) -> str:
    """Return file, line and column of an instruction of an agent as messages begin, or nothing."""
    if agent & mask(AGENT_BITS) == LIST_ENGINE:
        return ""
    return view_of(mesh, agent >> AGENT_BITS).place_at(pc)
