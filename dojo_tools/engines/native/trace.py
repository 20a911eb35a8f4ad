"""The last instructions of a thread: translated code leaves a record of each that has retired.

Records stand in a ring beside the state, which no other pointer leads to, so that registers stay
in those of the host. An instruction that faults leaves no record.
"""

import ctypes

from dojo_tools.bits import mask
from dojo_tools.engines.native.memory import MemoryBuilder
from dojo_tools.engines.records import VALUES_MAX, KeptRegisters, Record

RECORD_BITS = 5
RECORD_WORDS = 1 << RECORD_BITS >> 3
"""A record's words: where the instruction stands, below it itself; its cycle; what it wrote."""

assert RECORD_WORDS == 2 + VALUES_MAX


def write_record(
    memory: MemoryBuilder, size: int, where: int, cycle: str, registers: tuple[tuple[str, int], ...]
) -> None:
    """Write the IR that leaves a record in a ring of some size; `where` is its first word."""
    f = memory.f
    count = memory.load_field("trace_count")
    offset = f.emit(f"shl i64 {f.emit(f'and i64 {count}, {size - 1}')}, {RECORD_BITS}")
    address = f.emit(f"add i64 {memory.load_field('trace_ring')}, {offset}")
    record = f.emit(f"inttoptr i64 {address} to ptr")
    values = [f.emit(f"load i64, ptr {memory.register(*where)}, align 8") for where in registers]
    for index, value in enumerate([where, cycle, *values]):
        place = f.emit(f"getelementptr inbounds i64, ptr {record}, i64 {index}")
        f.line(f"store i64 {value}, ptr {place}, align 8")
    memory.store_field("trace_count", f.emit(f"add i64 {count}, 1"))


def first_word(pc: int, word: int) -> int:
    """Return the first word of a record."""
    return word << 32 | pc


class Ring:
    """The records of one thread."""

    def __init__(self, block: memoryview, kept: KeptRegisters) -> None:
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(block))
        self._words = block.cast("Q")
        self._size = len(self._words) // RECORD_WORDS
        self._kept = kept

    def last(self, count: int, done: int) -> list[Record]:
        """Return the last `count` of the `done` records that have been left, the oldest first."""
        assert count <= self._size
        return [self._record(index) for index in range(max(done - count, 0), done)]

    def _record(self, index: int) -> Record:
        first = index % self._size * RECORD_WORDS
        where, cycle, *values = self._words[first : first + RECORD_WORDS]
        word = where >> 32
        return Record(where & mask(32), word, cycle, tuple(values[: len(self._kept.of(word))]))

    def add(self, done: int, record: Record) -> None:
        """Leave a record behind `done` others."""
        first = done % self._size * RECORD_WORDS
        words = first_word(record.pc, record.word), record.cycle, *record.values
        for index, word in enumerate(words):
            self._words[first + index] = word
