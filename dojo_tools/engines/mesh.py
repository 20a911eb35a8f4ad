"""What both engines have in common where many threads run: the arrays that procedures work on.

The order of events, the network and the semaphores are procedures of `isa/mesh/`; each engine runs
them its own way, on the same arrays, and provides the few externals that touch threads and memory.
"""

import ctypes
import mmap
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dojo_tools.description.procedures import Procedures
from dojo_tools.description.semantics import ARGUMENTS_MAX
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.stop import Stop
from dojo_tools.engines.thread import Thread

AGENT_BITS = 3
LIST_ENGINE = 4
"""Number of the list engine among the agents of a node."""

_LAZY = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)


def lazy_memory(size: int) -> mmap.mmap:
    """Return zeros that take room only where they are touched."""
    return mmap.mmap(-1, max(size, 1), flags=_LAZY)


class MeshArrays:
    """The arrays of the procedures, in one block of memory that grows where it is touched."""

    def __init__(self, procedures: Procedures, counts: Mapping[str, int]) -> None:
        names = [array.name for array in procedures.arrays]
        assert set(names) == set(counts), set(names) ^ set(counts)
        bits = procedures.index_bits()
        offsets: dict[str, int] = {}
        end = 0
        for group in procedures.groups():
            offsets |= {name: end + 8 * place for place, name in enumerate(group)}
            size = 8 * max(1, *(counts[name] for name in group)) << bits[group[0]]
            end += -(-size // 64) * 64
        self._block = lazy_memory(end)
        words = memoryview(self._block).cast("q")
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._block))
        self.views: dict[str, memoryview[int]] = {}
        for name, offset in offsets.items():
            start, step = offset >> 3, 1 << bits[name]
            self.views[name] = words[start : start + max(counts[name], 1) * step : step]
        self._procedures = procedures
        self.addresses = {name: base + offset for name, offset in offsets.items()}

    def __getitem__(self, name: str) -> "memoryview[int]":
        """Return the numbers of an array."""
        return self.views[name]

    def place(self, name: str, view: "memoryview[int]", address: int) -> None:
        """Let an array be memory that an engine has already."""
        self.views[name] = view
        self.addresses[name] = address

    def asked(self, agent: int) -> "memoryview[int]":
        """Return what an agent asks for: the number of a request, and its arguments."""
        first = agent * self.views["machine"][self._procedures.constant("M_ASKED")]
        return self.views["asked"][first : first + 1 + ARGUMENTS_MAX]

    def fill(self, name: str, values: Sequence[int]) -> None:
        """Set the first elements of an array."""
        self.views[name][: len(values)] = memoryview(array("q", values))


NEVER_CYCLE = 1 << 60
"""A cycle that no run comes to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What each thread may do: retire so many instructions, issue those before a cycle."""

    retired: int = 1 << 60
    cycle: int = NEVER_CYCLE


@dataclass(frozen=True, slots=True)
class MeshShape:
    """How much of everything there is: nodes, DIP cards, bytes of each one's memory."""

    nodes: int
    dips: int
    sram_bytes: int
    reserved_bytes: int
    dip_bytes: int


class MeshEngine(Protocol):
    """Threads and memories of all nodes, and the procedures that let them work together.

    An agent is its node's number times 8, plus its own; a place is a node, or the count of nodes
    plus the number of a DIP card.
    """

    arrays: MeshArrays

    def call(self, name: str, *arguments: int) -> int:
        """Run a procedure."""
        ...

    def thread(self, agent: int) -> Thread:
        """Return a thread as the host sees it."""
        ...

    def set_program(self, node: int, program: int, ranges: tuple[tuple[int, int], ...]) -> None:
        """Say which program a node runs and where its code is: pairs of address and size."""
        ...

    def reset_thread(self, agent: int) -> Thread:
        """Set all registers of a thread to zero, those of control included."""
        ...

    def clone_thread(self, model: int, agent: int, controls: Mapping[int, int]) -> None:
        """Give a thread the pc and registers of another one, but for some control registers."""
        ...

    def settle(self, agent: int) -> Stop | None:
        """Do what a thread came back to the host for; return why it can't go on, or None.

        It also returns what it has asked for, if it did so on the way.
        """
        ...

    def printing(self) -> list[int]:
        """Return the threads that have printed since the last time."""
        ...

    def take_printed(self, agent: int) -> list[Printed]:
        """Return what a thread has printed since the last time."""
        ...

    def set_limits(self, limits: Limits) -> None:
        """Let no thread go beyond limits; one that has come to them can't go on."""
        ...

    def read_memory(self, place: int, address: int, size: int) -> bytes:
        """Return bytes of the memory of a node or DIP card."""
        ...

    def write_memory(self, place: int, address: int, contents: bytes) -> None:
        """Set bytes of the memory of a node or DIP card, as the host: they are never stale code."""
        ...
