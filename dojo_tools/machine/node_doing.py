"""What nodes do that others wait for: why they will not come."""

from collections.abc import Iterable
from dataclasses import dataclass

from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.mesh_names import resource_name
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.objects import SymbolKind
from dojo_tools.ranges import numbers_text


@dataclass(frozen=True, slots=True)
class Doing:
    """What a node does, in words for one node and for several.

    `threads` say it of each thread that has not halted, and nothing else is said then.
    """

    one: str = ""
    several: str = ""
    threads: tuple[str, ...] = ()

    def clause(self, count: int) -> str:
        """Return it as a clause about so many nodes: `which has halted`."""
        return f"{'where' if self.threads else 'which'} {self.text(count)}"

    def text(self, count: int = 1) -> str:
        """Return it about so many nodes: `has halted`."""
        return " and ".join(self.threads) or (self.one if count == 1 else self.several)


NO_PROGRAM = Doing("runs no program", "run no program")
HALTED = Doing("has halted", "have halted")


def nodes_by_doing(mesh: MeshState, nodes: Iterable[int]) -> dict[Doing, list[int]]:
    """Return nodes by what they do, in the order of the first of each."""
    found: dict[Doing, list[int]] = {}
    for node in nodes:
        found.setdefault(doing_of(mesh, node), []).append(node)
    return found


def doing_of(mesh: MeshState, node: int) -> Doing:
    """Return what a node does."""
    if node not in mesh.program_of:
        return NO_PROGRAM
    first = node << AGENT_BITS
    texts = [
        f"thread {number} {text}"
        for number in range(LIST_ENGINE)
        if (text := _agent_doing(mesh, first + number))
    ]
    return Doing(threads=tuple(texts)) if texts else _halted(mesh, first)


def _halted(mesh: MeshState, first: int) -> Doing:
    """Return that a node has halted, with the codes of its threads that are not zero."""
    values = mesh.arrays["exit_value"]
    codes = sorted({values[first + number] for number in range(LIST_ENGINE)} - {0})
    if not codes:
        return HALTED
    how = f"halted with {'code' if len(codes) == 1 else 'codes'} {numbers_text(codes)}"
    return Doing(f"has {how}", f"have {how}")


def _agent_doing(mesh: MeshState, agent: int) -> str:
    """Return what a thread does, nothing if it has halted."""
    constant = mesh.procedures.constant
    node, number = agent >> AGENT_BITS, mesh.arrays["waits_for"][agent]
    doing = mesh.arrays["doing"][agent]
    if doing == constant("STOPPED"):
        return ""
    if doing == constant("WAITING"):
        return f"waits for semaphore {resource_name(mesh, node, number, SymbolKind.SEMAPHORE)}"
    if doing == constant("AT_BARRIER"):
        return f"waits at barrier {resource_name(mesh, node, number, SymbolKind.BARRIER)}"
    if doing == constant("AT_LIST"):
        return "waits for its list engine"
    return "runs"
