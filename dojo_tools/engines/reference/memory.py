"""The node's SRAM: bounds and alignment are checked on every access.

The instruction cache of a node is not coherent with its SRAM: a word that has changed since the
last flush is stale for instruction fetch.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dojo_tools.bits import is_aligned, mask
from dojo_tools.engines.faults import memory_fault
from dojo_tools.engines.stop import FaultSignal


class Memory:
    """`size` bytes from address 0, of which those below `low` are never allocated.

    `fetched_by` has what each thread of the node has fetched, by address.
    """

    __slots__ = ("contents", "fetched_by", "flushed", "low", "observed", "size")

    def __init__(self, size: int, low: int) -> None:
        self.size = size
        self.low = low
        self.contents = bytearray(size)
        self.flushed = bytearray(size)
        self.fetched_by: list[dict[int, Any]] = []
        self.observed: list[tuple[int, bytes]] | None = None

    def check(self, pc: int, address: int, size: int, alignment: int, verb: str) -> None:
        """Fault unless [address, address + size) is allocated SRAM and aligned."""
        if self.low <= address <= self.size - size and is_aligned(address, alignment):
            return
        raise FaultSignal(memory_fault(pc, address, size, alignment, verb, self.low, self.size))

    def load(self, pc: int, address: int, size: int, alignment: int) -> int:
        """Return `size` bytes as an unsigned little-endian number."""
        if address & (alignment - 1) or not self.low <= address <= self.size - size:
            self.check(pc, address, size, alignment, "load")
        return int.from_bytes(self.contents[address : address + size], "little")

    def load_vector(
        self, pc: int, address: int, dtype: DTypeLike, lanes: int, alignment: int
    ) -> NDArray[Any]:
        """Return `lanes` elements as an array of its own."""
        size = np.dtype(dtype).itemsize * lanes
        self.check(pc, address, size, alignment, "load")
        return np.frombuffer(self.contents, dtype, lanes, address).copy()

    def store(self, pc: int, address: int, size: int, alignment: int, value: int) -> None:
        """Write the low `size` bytes of a number, little-endian."""
        if address & (alignment - 1) or not self.low <= address <= self.size - size:
            self.check(pc, address, size, alignment, "store")
        self._mark(address, size)
        truncated = value & mask(8 * size)
        self.contents[address : address + size] = truncated.to_bytes(size, "little")

    def store_vector(self, pc: int, address: int, alignment: int, values: NDArray[Any]) -> None:
        """Write the elements of an array."""
        self.check(pc, address, values.nbytes, alignment, "store")
        self._mark(address, values.nbytes)
        self.contents[address : address + values.nbytes] = values.tobytes()

    def write(self, address: int, contents: bytes) -> None:
        """Write bytes that have been checked, as the network does."""
        self._mark(address, len(contents))
        self.contents[address : address + len(contents)] = contents

    def scatter(
        self,
        pc: int,
        addresses: NDArray[np.uint64],
        alignment: int,
        values: NDArray[Any],
        active: NDArray[np.bool_],
    ) -> None:
        """Write each active element at its address, ascending, once all have been checked."""
        lanes = np.flatnonzero(active)
        places = addresses[lanes].tolist()
        for address in places:
            self.check(pc, address, values.itemsize, alignment, "store")
        for address, value in zip(places, values[lanes].tolist(), strict=True):
            self.store(pc, address, values.itemsize, alignment, value)

    def _mark(self, address: int, size: int) -> None:
        """Note a write that is about to happen: a fetched instruction there is forgotten.

        Who observes gets the address and the bytes that were there.
        """
        if self.observed is not None:
            self.observed.append((address, bytes(self.contents[address : address + size])))
        first, last = address >> 2, (address + size - 1) >> 2
        for fetched in self.fetched_by:
            if size > 4 * len(fetched):
                for pc in [pc for pc in fetched if first <= pc >> 2 <= last]:
                    del fetched[pc]
                continue
            for word in range(first, last + 1):
                if word << 2 in fetched:
                    del fetched[word << 2]

    def flush_instructions(self) -> None:
        """Make everything written so far visible to instruction fetch."""
        self.flushed[:] = self.contents
        self._forget()

    def is_stale(self, address: int) -> bool:
        """Return whether the word at an address has changed since the last flush."""
        return self.contents[address : address + 4] != self.flushed[address : address + 4]

    def place(self, address: int, image: bytes) -> None:
        """Write bytes from outside the machine: they are never stale."""
        assert 0 <= address <= self.size - len(image)
        self.contents[address : address + len(image)] = image
        self.flushed[address : address + len(image)] = image
        self._forget()

    def _forget(self) -> None:
        """Let all threads fetch again."""
        for fetched in self.fetched_by:
            fetched.clear()
