"""Two engines compared on one image: how the run ended, its cycles, and the state of every node.

A node's state is a digest of its memory and of all registers and counts of its threads, so that a
machine of any size is compared in bounded memory, and the first node that differs is named.
"""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.engines.thread import Thread
from dojo_tools.machine.mesh import Mesh, MeshEnd, MeshLine
from dojo_tools.machine.mesh_names import agent_name, node_name

COUNTERS = (
    "waited_semaphore",
    "waited_barrier",
    "waited_list",
    "ended",
    "stopped_for",
    "exit_value",
    "semaphore",
    "posts",
    "takes",
    "link_packets",
    "link_waited",
    "bytes_sent",
    "transfers_sent",
    "barriers_passed",
    "entries_done",
)


@dataclass(frozen=True, slots=True)
class MeshDifference:
    """The first thing that two engines do not have in common: what, and both values."""

    what: str
    reference: str
    native: str

    def __str__(self) -> str:
        return f"{self.what}: reference {self.reference}, native {self.native}"


def compare_meshes(
    reference: Mesh,
    native: Mesh,
    ends: tuple[MeshEnd, MeshEnd],
    printed: tuple[Sequence[MeshLine], Sequence[MeshLine]] = ((), ()),
) -> MeshDifference | None:
    """Return the first difference of two runs that have ended, None if they are the same.

    `printed` is what was taken from them while they ran.
    """
    for what, one, two in _lines(printed):
        if one != two:
            return MeshDifference(what, str(one), str(two))
    return difference_so_far(reference, native, ends)


def difference_so_far(
    reference: Mesh, native: Mesh, ends: tuple[MeshEnd, MeshEnd]
) -> MeshDifference | None:
    """Return the first difference of two meshes that have paused alike or ended, or None.

    What a thread did is named before what follows from it.
    """
    for node in sorted(reference.program_of):
        found = _in_node(reference, native, node)
        if found is not None:
            return found
    for what, one, two in _facts(reference, native, ends):
        if one != two:
            return MeshDifference(what, str(one), str(two))
    for card in range(len(reference.machine.dips)):
        if _dip_digest(reference, card) != _dip_digest(native, card):
            return MeshDifference(f"memory of DIP card {card}", "one", "another")
    return None


def _facts(
    reference: Mesh, native: Mesh, ends: tuple[MeshEnd, MeshEnd]
) -> Iterator[tuple[str, object, object]]:
    one, two = ends
    yield "end", one.reason.value, two.reason.value
    yield "cycles", one.cycles, two.cycles
    yield "instructions", one.retired, two.retired
    yield "codes", one.codes, two.codes
    yield "fault", one.fault, two.fault
    yield "thread at its limit", one.limited, two.limited
    yield "deadlock", one.deadlock, two.deadlock
    for name in COUNTERS:
        first, second = reference.arrays[name], native.arrays[name]
        if first != second:
            pairs = enumerate(zip(first, second, strict=True))
            index = next(i for i, (left, right) in pairs if left != right)
            yield f"counter {name}[{index}]", first[index], second[index]


def _lines(
    printed: tuple[Sequence[MeshLine], Sequence[MeshLine]],
) -> Iterator[tuple[str, object, object]]:
    for index, (one, two) in enumerate(itertools.zip_longest(*printed)):
        yield f"printed line {index}", one, two


def node_digest(mesh: Mesh, node: int) -> str:
    """Return a digest of memory, registers and counts of a node."""
    digest = hashlib.sha256(mesh.engine.read_memory(node, 0, mesh.machine.sram_bytes))
    for agent in _threads(mesh, node):
        for name, value in _state(mesh.engine.thread(agent)):
            digest.update(f"{name}={value};".encode())
    return digest.hexdigest()


def _threads(mesh: Mesh, node: int) -> range:
    first = node << AGENT_BITS
    return range(first, first + mesh.arrays["threads_of"][node])


def _state(thread: Thread) -> Iterator[tuple[str, object]]:
    """Yield what a thread holds: registers, control registers, pc, counts."""
    yield "pc", thread.pc
    yield "retired", thread.retired
    yield "cycles", thread.cycles
    for cause, count in thread.causes.items():
        yield cause.value, count
    for control in thread.description.controls:
        yield control.name, thread.controls[control.number]
    for file in thread.description.registers:
        for index in range(file.count):
            value = thread.read_register(f"{file.name}{index}")
            yield f"{file.name}{index}", value if isinstance(value, int) else value.hex()


def thread_difference(reference: Mesh, native: Mesh, agent: int) -> MeshDifference | None:
    """Return the first difference in the state of a thread, or None."""
    pairs = zip(
        _state(reference.engine.thread(agent)), _state(native.engine.thread(agent)), strict=True
    )
    for (name, one), (_, two) in pairs:
        if one != two:
            what = f"{agent_name(reference, agent)}: {name}"
            return MeshDifference(what, str(one), str(two))
    return None


def _in_node(reference: Mesh, native: Mesh, node: int) -> MeshDifference | None:
    """Return the first difference in the state of a node, or None."""
    for agent in _threads(reference, node):
        found = thread_difference(reference, native, agent)
        if found is not None:
            return found
    size = reference.machine.sram_bytes
    one, two = (mesh.engine.read_memory(node, 0, size) for mesh in (reference, native))
    if one == two:
        return None
    address = next(i for i in range(size) if one[i] != two[i])
    what = f"{node_name(reference, node)}: memory at 0x{address:x}"
    return MeshDifference(what, hex(one[address]), hex(two[address]))


_PIECE = 1 << 26


def _dip_digest(mesh: Mesh, card: int) -> str:
    """Return a digest of the part of a DIP card's memory that transfers have written."""
    digest = hashlib.sha256()
    start, end = (mesh.arrays[f"dip_written_{side}"][card] for side in ("start", "end"))
    digest.update(f"{start}..{end}".encode())
    for at in range(start, end, _PIECE):
        place = len(mesh.topology.live) + card
        digest.update(mesh.engine.read_memory(place, at, min(_PIECE, end - at)))
    return digest.hexdigest()
