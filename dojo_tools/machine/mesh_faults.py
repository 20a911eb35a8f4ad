"""What is wrong with a request, in words."""

from dataclasses import dataclass

from dojo_tools.bits import mask
from dojo_tools.diagnostics import Diagnostic
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.engines.stop import Fault, FaultKind
from dojo_tools.machine.mesh_names import agent_of, node_name, resource_name, view_of
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.objects import SymbolKind

_DIP = 2
"""Kind of the global addresses of DIP cards."""


@dataclass(frozen=True, slots=True)
class MeshFault:
    """A fault, the agent that it happened to, and when."""

    agent: int
    fault: Fault
    cycle: int


def request_fault(mesh: MeshState, die: int, agent: int, cycle: int) -> MeshFault:
    """Return the fault of an agent's request that stopped a die.

    `pc` is that of the instruction; 0 of a list's, and of what has its effect after the agent has
    gone on, like a post on another node.
    """
    arrays, constant = mesh.arrays, mesh.procedures.constant
    kind, detail = arrays["fault_kind"][die], arrays["fault_detail"][die]
    names = {constant(name): name for name in WORDS}
    message, hint = WORDS[names[kind]]
    is_list = agent & mask(AGENT_BITS) == LIST_ENGINE
    is_now = arrays["clock"][agent] - 1 == arrays["fault_cycle"][die]
    pc = mesh.engine.thread(agent).pc - 4 if is_now and not is_list else 0
    asked = arrays["asked"][agent << constant("ASKED_BITS") :]
    is_transfer = is_list or asked[0] == constant("TRANSFER")
    is_dip = detail >> 60 == _DIP
    numbers = {
        "n": detail,
        "x": f"0x{detail & mask(64):x}",
        "semaphores": mesh.machine.semaphores.count - 1,
        "target": _target(detail & mask(64)),
        "rectangle": _rectangle(detail),
        "unaligned": _unaligned(asked, detail, is_transfer),
        "bytes": _block(asked, detail) if is_transfer else "what is",
        "memory": "a DIP card's memory" if is_dip else "SRAM",
        "threads": arrays["threads_of"][agent >> AGENT_BITS],
        "low": "0x0" if is_dip else f"0x{mesh.machine.reserved_bytes:x}",
        "high": f"0x{(mesh.machine.dip.size if is_dip else mesh.machine.sram_bytes) - 1:x}",
        "width": mesh.partition.width,
        "height": mesh.partition.height,
        "dips": len(mesh.machine.dips),
    }
    if names[kind] == "SEMAPHORE_FULL":
        node, number = divmod(detail, mesh.machine.semaphores.count)
        numbers["semaphore"] = resource_name(mesh, node, number, SymbolKind.SEMAPHORE)
        numbers["where"] = node_name(mesh, node)
        numbers["held"] = arrays["semaphore"][detail]
    fault = Fault(FaultKind.REQUEST, pc, message.format_map(numbers), hint)
    return MeshFault(agent, fault, cycle)


def mesh_fault_diagnostic(mesh: MeshState, found: MeshFault) -> Diagnostic:
    """Return a fault as a diagnostic: source line, node and thread, what was tried, a hint."""
    who = agent_of(mesh, found.agent)
    # A list engine has no registers: those of its node's first thread are not looked at.
    owner = found.agent if who.thread is not None else found.agent - LIST_ENGINE
    read_register = mesh.engine.thread(owner).read_register
    view = view_of(mesh, found.agent >> AGENT_BITS)
    return view.fault_diagnostic(found.fault, read_register, who, found.cycle, str(who))


def _target(address: int) -> str:
    """Return what a global address says it is on."""
    if address >> 60 == _DIP:
        return f"DIP card {address >> 36 & mask(12)}"
    return f"node ({address >> 32 & mask(12)}, {address >> 44 & mask(12)})"


def _rectangle(packed: int) -> str:
    """Return a rectangle as requests hold it in words, one that is none as a number."""
    if packed == 0:
        return "of the program"
    if packed >> 48:
        return f"0x{packed & mask(64):x}"
    x, y, width, height = (packed >> shift & mask(12) for shift in (0, 12, 24, 36))
    return f"{width} x {height} at ({x}, {y})"


def _unaligned(asked: "memoryview[int]", number: int, is_transfer: bool) -> str:
    """Return what is no multiple: an address, or the size or a pitch of a transfer."""
    to, source, row_bytes = asked[2:5]
    if not is_transfer or number in (to, source):
        return f"0x{number & mask(64):x} is not aligned"
    what = "size" if number == row_bytes else "pitch"
    return f"a {what} of {number} bytes is not aligned"


def _block(asked: "memoryview[int]", address: int) -> str:
    """Return how large the block at an address is that a transfer is about."""
    _, _, to, source, row_bytes, rows, source_pitch, pitch = asked[:8]
    if address not in (to, source):
        return "what is"
    if rows == 1:
        return f"a block of {row_bytes} bytes"
    pitch = (source_pitch if address == source else pitch) & mask(32)
    return f"a block of {rows} rows of {row_bytes} bytes, {pitch} bytes apart,"


WORDS: dict[str, tuple[str, str | None]] = {
    "BAD_ADDRESS": (
        "{x} is not a global address",
        "bits [63:60] are 0 for this node, 1 for a node of the partition, 2 for a DIP card",
    ),
    "ABSENT": (
        "there is no {target}, address {x}: the partition is {width} x {height}, "
        "with {dips} DIP cards",
        None,
    ),
    "DEAD": (
        "{target}, address {x}, does not work or can't be reached",
        "the live map of the partition says which nodes work",
    ),
    "OUTSIDE": ("{bytes} at {x} is not within {memory}, {low}..{high}", None),
    "MISALIGNED": (
        "{unaligned}",
        "addresses, sizes and pitches of transfers are multiples of 8, atomics and acquiring "
        "loads at multiples of their own size",
    ),
    "BAD_SIZE": (
        "rows of {n} bytes, or a list of so many entries: a transfer has 1 to 2^21 bytes in all, "
        "a list at most 2^15 entries",
        None,
    ),
    "NO_SEMAPHORE": ("there is no semaphore {n}: 0..{semaphores}", None),
    "SEMAPHORE_FULL": (
        "a post makes semaphore {semaphore} of {where} greater than it can count, it holds {held}",
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
        "the rectangle {rectangle} is not within the partition, {width} x {height}, or this node "
        "is not within it",
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
    "NO_TARGET": (
        "the rectangle {rectangle} of a multicast has no node that works and can be reached",
        "the live map of the partition says which nodes work",
    ),
}
