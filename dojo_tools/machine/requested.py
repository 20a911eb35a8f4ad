"""The memory that a request is about, in words: which end of a transfer, where, how large."""

from dataclasses import dataclass

from dojo_tools.bits import extract, mask
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE
from dojo_tools.machine.mesh_names import node_name, view_of
from dojo_tools.machine.mesh_state import MeshState

THIS_NODE, A_NODE, A_DIP = 0, 1, 2
"""Kinds of global addresses."""

_UNUSED_BITS = {THIS_NODE: (59, 32), A_NODE: (59, 56), A_DIP: (59, 48)}


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of bytes from a global address on; `role` says which part of the request they are.

    The destination of a multicast is at the same offset on many nodes: `is_multicast`.
    """

    role: str
    address: int
    row_bytes: int
    rows: int = 1
    pitch: int = 0
    is_multicast: bool = False

    @property
    def size_text(self) -> str:
        """How large it is."""
        if self.rows == 1:
            return f"{self.row_bytes} bytes"
        return f"{self.rows} rows of {self.row_bytes} bytes, {self.pitch} bytes apart,"

    @property
    def end(self) -> int:
        """The offset of its last byte."""
        return offset_of(self.address) + (self.rows - 1) * self.pitch + self.row_bytes - 1


def block_at(mesh: MeshState, agent: int, address: int) -> Block | None:
    """Return what an agent's request wants of an address, None if that is not about a block."""
    constant = mesh.procedures.constant
    asked = mesh.arrays.asked(agent)
    is_list = agent & mask(AGENT_BITS) == LIST_ENGINE
    if is_list or asked[0] == constant("TRANSFER"):
        flags, to, source, row_bytes, rows, source_pitch, pitch = asked[1:8]
        if address == to:
            return Block("destination", to, row_bytes, rows, pitch & mask(32), bool(flags & 2))
        if address == source:
            return Block("source", source, row_bytes, rows, source_pitch & mask(32))
    elif asked[0] == constant("PUSH_REGISTER") and address == asked[2]:
        return Block("destination", asked[2], asked[5], is_multicast=bool(asked[1] & 2))
    elif asked[0] == constant("ATOMIC"):
        return Block("access", asked[2], asked[3])
    elif asked[0] == constant("LOAD_ACQUIRE"):
        return Block("access", asked[1], asked[2])
    return None


def offset_of(address: int) -> int:
    """Return the offset of a global address in its memory."""
    return address & mask(36 if extract(address, 63, 60) == A_DIP else 32)


def memory_text(mesh: MeshState, agent: int, address: int) -> str:
    """Return what memory a global address is in: that of a node or of a DIP card."""
    match extract(address, 63, 60):
        case 2:
            return f"DIP card {extract(address, 47, 36)}"
        case 1:
            return f"node ({extract(address, 43, 32)}, {extract(address, 55, 44)})"
        case _:
            return node_name(mesh, agent >> AGENT_BITS)


def where_text(mesh: MeshState, agent: int, address: int, block: Block | None = None) -> str:
    """Return offset and memory of a global address, with the symbol there: `0x40 (x) of node ...`.

    The raw address follows if it is another number.
    """
    memory = memory_text(mesh, agent, address)
    if block is not None and block.is_multicast:
        memory = "each node of a multicast"
    symbol = _symbol_text(mesh, agent, address)
    raw = f" (global address 0x{address & mask(64):x})" if address >> 32 else ""
    return f"0x{offset_of(address):x}{symbol} of {memory}{raw}"


def _symbol_text(mesh: MeshState, agent: int, address: int) -> str:
    """Return the symbol at an address, of the program of its node, in brackets, or nothing."""
    kind, node = extract(address, 63, 60), agent >> AGENT_BITS
    if kind == A_DIP:
        return ""
    if kind == A_NODE:
        x, y = extract(address, 43, 32), extract(address, 55, 44)
        other = mesh.node_at(x, y)
        is_there = x < mesh.partition.width and y < mesh.partition.height
        node = other if is_there and other in mesh.program_of else node
    name = view_of(mesh, node).symbol_text(offset_of(address))
    return "" if name is None else f" ({name})"


def bad_address_text(address: int) -> str:
    """Return why a number is no global address."""
    kind = extract(address, 63, 60)
    if kind not in _UNUSED_BITS:
        return f"its kind, bits [63:60], is {kind}"
    high, low = _UNUSED_BITS[kind]
    if extract(address, high, low):
        return f"of kind {kind}, bits [{high}:{low}] are 0x{extract(address, high, low):x}, not 0"
    return "the destination of a multicast is an offset in SRAM, the same on each node"
