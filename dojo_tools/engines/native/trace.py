"""The trace of a thread: a record of each instruction that has retired, for the host to take.

A record is two words: where the instruction stands and the cycle in which it issued. Code looks for
room once a block, and comes back while there is none. An instruction that faults leaves no record.
"""

import ctypes
import mmap
from collections.abc import Callable

from dojo_tools.engines.native.machine_code import Variant
from dojo_tools.engines.native.memory import MemoryBuilder

RECORD_SIZE = 16
RECORDS = 1 << 16
"""Records that are kept before the host has to take them."""

WatchTrace = Callable[[memoryview], None]
"""Gets words, two a record in the order of the program; they change once it has returned."""

_BLOCK_MAX = Variant().size_max
"""Records that a block may leave: it has no more instructions than a region."""


def write_record(memory: MemoryBuilder, pc: int, cycle: str) -> None:
    """Write the IR that leaves a record of an instruction."""
    f = memory.f
    place = memory.load_field("trace_next")
    record = f.emit(f"inttoptr i64 {place} to ptr")
    f.line(f"store i64 {pc}, ptr {record}, align 8")
    second = f.emit(f"getelementptr i64, ptr {record}, i64 1")
    f.line(f"store i64 {cycle}, ptr {second}, align 8")
    memory.store_field("trace_next", f.emit(f"add i64 {place}, {RECORD_SIZE}"))


def lacks_room(memory: MemoryBuilder) -> str:
    """Write the IR that tells whether the host has to take records before a block."""
    following, end = memory.load_field("trace_next"), memory.load_field("trace_end")
    return memory.f.emit(f"icmp ugt i64 {following}, {end}")


class TraceMemory:
    """The records of one thread, and who gets them."""

    def __init__(self, watch: WatchTrace) -> None:
        self._watch = watch
        self._words = memoryview(mmap.mmap(-1, RECORDS * RECORD_SIZE)).cast("B")
        self.first = ctypes.addressof(ctypes.c_char.from_buffer(self._words))
        self.end = self.first + (RECORDS - _BLOCK_MAX) * RECORD_SIZE

    def take(self, following: int) -> None:
        """Hand over the records before the place of the one that follows."""
        if following != self.first:
            self._watch(self._words[: following - self.first].cast("Q"))
