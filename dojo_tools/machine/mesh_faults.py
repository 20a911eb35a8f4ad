"""What is wrong with a request, in words."""

from dataclasses import dataclass

from dojo_tools.bits import extract, mask
from dojo_tools.diagnostics import Diagnostic
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.engines.stop import Fault, FaultKind
from dojo_tools.machine.fault_report import FaultPlace, fault_diagnostic
from dojo_tools.machine.mesh_names import agent_of, list_entry, node_name, resource_name, view_of
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.requested import (
    A_DIP,
    Block,
    bad_address_text,
    block_at,
    memory_text,
    offset_of,
    where_text,
)
from dojo_tools.objects import SymbolKind


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
    is_dip = extract(detail, 63, 60) == A_DIP
    block = block_at(mesh, agent, detail)
    numbers = {
        "n": detail,
        "x": f"0x{detail & mask(64):x}",
        "why": bad_address_text(detail),
        "semaphores": mesh.machine.semaphores.count - 1,
        "target": memory_text(mesh, agent, detail),
        "where": where_text(mesh, agent, detail, block),
        "subject": _subject(block),
        "rectangle": _rectangle(detail),
        "unaligned": _unaligned(mesh, agent, detail, block),
        "end": 0 if block is None else f"0x{block.end:x}",
        "memory": "the card's memory" if is_dip else "SRAM",
        "threads": arrays["threads_of"][agent >> AGENT_BITS],
        "low": "0x0" if is_dip else f"0x{mesh.machine.reserved_bytes:x}",
        "high": f"0x{(mesh.machine.dip.size if is_dip else mesh.machine.sram_bytes) - 1:x}",
        "width": mesh.partition.width,
        "height": mesh.partition.height,
        "columns": _range(mesh.partition.width),
        "rows": _range(mesh.partition.height),
        "cards": _cards(len(mesh.machine.dips)),
    }
    if names[kind] == "SEMAPHORE_FULL":
        node, number = divmod(detail, mesh.machine.semaphores.count)
        numbers["semaphore"] = resource_name(mesh, node, number, SymbolKind.SEMAPHORE)
        numbers["where"] = node_name(mesh, node)
        numbers["held"] = arrays["semaphore"][detail]
    if names[kind] == "MIXED_BARRIER":
        numbers["barrier"] = resource_name(mesh, agent >> AGENT_BITS, detail, SymbolKind.BARRIER)
    if names[kind] == "OUTSIDE" and not is_dip and offset_of(detail) < mesh.machine.reserved_bytes:
        hint = (
            f"addresses below 0x{mesh.machine.reserved_bytes:x} are never allocated: is an offset "
            "missing?"
        )
    fault = Fault(FaultKind.REQUEST, pc, message.format_map(numbers), hint)
    return MeshFault(agent, fault, cycle)


def mesh_fault_diagnostic(mesh: MeshState, found: MeshFault) -> Diagnostic:
    """Return a fault as a diagnostic: source line, node and thread, what was tried, a hint."""
    who, node = agent_of(mesh, found.agent), found.agent >> AGENT_BITS
    view = view_of(mesh, node)
    if who.thread is None:
        entry = list_entry(mesh, node)
        place = FaultPlace(view, who, found.cycle, entry=entry, who=str(who))
    else:
        thread = mesh.engine.thread(found.agent)
        place = FaultPlace(view, who, found.cycle, thread, who=str(who))
    return fault_diagnostic(place, found.fault)


def _range(count: int) -> str:
    return "0" if count == 1 else f"0..{count - 1}"


def _cards(count: int) -> str:
    return f"{count or 'no'} DIP card{'' if count == 1 else 's'}"


def _subject(block: Block | None) -> str:
    """Return what is at an address, as a sentence begins about it."""
    if block is None:
        return ""
    if block.role == "access":
        return f"an access of {block.size_text} at "
    return f"the {block.role}, {block.size_text} at "


def _rectangle(packed: int) -> str:
    """Return a rectangle as requests hold it in words, one that is none as a number."""
    if packed == 0:
        return "of the program"
    if packed >> 48:
        return f"0x{packed & mask(64):x}"
    x, y, width, height = (packed >> shift & mask(12) for shift in (0, 12, 24, 36))
    return f"{width} x {height} at ({x}, {y})"


def _unaligned(mesh: MeshState, agent: int, number: int, block: Block | None) -> str:
    """Return what is no multiple: an address, or the size or a pitch of a transfer."""
    if block is not None:
        return f"{_subject(block)}{where_text(mesh, agent, number, block)}, is not aligned"
    row_bytes = mesh.arrays.asked(agent)[4]
    return f"a {'size' if number == row_bytes else 'pitch'} of {number} bytes is not aligned"


WORDS: dict[str, tuple[str, str | None]] = {
    "BAD_ADDRESS": (
        "{x} is not a global address: {why}",
        "bits [63:60] are 0 for this node, 1 for a node of the partition, 2 for a DIP card",
    ),
    "ABSENT": (
        "there is no {target}: the partition has columns {columns}, rows {rows} and {cards}; "
        "asked for was {subject}{where}",
        "a node at the edge of the partition has no neighbour beyond it; `ctl.read` tells a node "
        "its place and `partition_width` and `partition_height`",
    ),
    "DEAD": (
        "{target} does not work or can't be reached; asked for was {subject}{where}",
        "the live map of the partition says which nodes work",
    ),
    "OUTSIDE": (
        "{subject}{where}, is not within {memory}, {low}..{high}: its last byte would be at {end}",
        None,
    ),
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
        "barrier {barrier} is in use for another rectangle, or by another thread of the node",
        "one thread of each node comes to a barrier, and all to the same rectangle: threads of a "
        "node meet by semaphores, or at barriers of their own",
    ),
    "LIST_BUSY": ("the list engine still has {n} entries to carry out", "wait for the list"),
    "BAD_ENTRY": ("there is no list entry of kind {n}: 0..3", None),
    "NOT_HERE": (
        "{subject}{where}, is not on this node: a push reads and a pull writes the node's own "
        "memory",
        "the first address is the destination, the second the source",
    ),
    "NOT_AT_DIP": ("a DIP card has no semaphores", None),
    "BAD_OPERATION": ("there is no such operation: {n}", None),
    "NO_TARGET": (
        "the rectangle {rectangle} of a multicast has no node that works and can be reached",
        "the live map of the partition says which nodes work",
    ),
}
