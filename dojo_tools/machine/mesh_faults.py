"""What is wrong with a request, in words."""

from dataclasses import dataclass

from dojo_tools.bits import mask
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.engines.stop import Fault, FaultKind
from dojo_tools.machine.mesh_state import MeshState


@dataclass(frozen=True, slots=True)
class MeshFault:
    """A fault and the agent that it happened to."""

    agent: int
    fault: Fault


def request_fault(mesh: MeshState, agent: int) -> MeshFault:
    """Return the fault of an agent's request; `pc` is that of the instruction, 0 of a list's."""
    arrays, constant = mesh.arrays, mesh.procedures.constant
    kind, detail = arrays["fault_kind"][agent], arrays["fault_detail"][agent]
    names = {constant(name): name for name in _WORDS}
    message, hint = _WORDS[names[kind]]
    is_list = agent & mask(AGENT_BITS) == LIST_ENGINE
    pc = 0 if is_list else mesh.engine.thread(agent).pc - 4
    numbers = {
        "n": detail,
        "x": f"0x{detail & mask(64):x}",
        "semaphores": mesh.machine.semaphores.count - 1,
        "threads": arrays["threads_of"][agent >> AGENT_BITS],
        "low": f"0x{mesh.machine.reserved_bytes:x}",
        "high": f"0x{mesh.machine.sram_bytes - 1:x}",
        "width": mesh.partition.width,
        "height": mesh.partition.height,
        "dips": len(mesh.machine.dips),
        "semaphore": detail % mesh.machine.semaphores.count,
        "where": "({}, {})".format(*mesh.place_of(detail // mesh.machine.semaphores.count)),
    }
    fault = Fault(FaultKind.REQUEST, pc, message.format_map(numbers), hint)
    return MeshFault(agent, fault)


_WORDS: dict[str, tuple[str, str | None]] = {
    "BAD_ADDRESS": (
        "{x} is not a global address",
        "bits [63:60] are 0 for this node, 1 for a node of the partition, 2 for a DIP card",
    ),
    "ABSENT": (
        "{x} names a node or DIP card that there is not: the partition is {width} x {height}, "
        "with {dips} DIP cards",
        None,
    ),
    "DEAD": (
        "{x} is on a node that does not work or can't be reached",
        "the live map of the partition says which nodes work",
    ),
    "OUTSIDE": ("a block at {x} is not within memory, {low}..{high}", None),
    "MISALIGNED": ("{x} is not a multiple of the size that it has to be", None),
    "BAD_SIZE": ("{n} bytes: a transfer is of 1 to 2^21 bytes", None),
    "NO_SEMAPHORE": ("there is no semaphore {n}: 0..{semaphores}", None),
    "SEMAPHORE_FULL": (
        "a post makes semaphore {semaphore} of node {where} greater than it can count",
        "nobody takes from it as often as it is posted",
    ),
    "NO_THREAD": (
        "there is no thread {n}: the program states {threads}",
        "state more with `.threads`",
    ),
    "THREAD_RUNS": ("thread {n} runs already", "wait until it has halted"),
    "BAD_PC": ("no instruction can stand at {x}", None),
    "NO_BARRIER": ("there is no barrier {n}: 0..15", None),
    "BAD_RECTANGLE": (
        "the rectangle {x} is not within the partition, {width} x {height}, or this node is not "
        "within it",
        "x [11:0], y [23:12], width [35:24], height [47:36]",
    ),
    "MIXED_BARRIER": (
        "barrier {n} is in use for another rectangle, or by another thread of the node",
        None,
    ),
    "LIST_BUSY": ("the list engine still has {n} entries to carry out", "wait for the list"),
    "BAD_ENTRY": ("there is no list entry of kind {n}: 0..3", None),
    "NOT_HERE": (
        "{x} is not on this node: a push reads and a pull writes the node's own memory",
        None,
    ),
    "NOT_AT_DIP": ("a DIP card has no semaphores", None),
    "BAD_OPERATION": ("there is no such operation: {n}", None),
}
