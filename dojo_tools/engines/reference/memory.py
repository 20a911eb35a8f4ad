"""The node's SRAM: bounds and alignment are checked on every access, code written is remembered.

Words written since the last flush are stale for instruction fetch, as the instruction cache of a
node is not coherent with its SRAM.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dojo_tools.bits import is_aligned, mask
from dojo_tools.engines.stop import Fault, FaultKind, FaultSignal


class Memory:
    """`size` bytes from address 0, of which those below `low` are never allocated."""

    __slots__ = ("contents", "fetched", "low", "observed", "size", "written")

    def __init__(self, size: int, low: int) -> None:
        self.size = size
        self.low = low
        self.contents = bytearray(size)
        self.written = bytearray(size // 4)
        self.fetched: dict[int, Any] = {}
        self.observed: list[tuple[int, bytes]] | None = None

    def check(self, pc: int, address: int, size: int, alignment: int, verb: str) -> None:
        """Fault unless [address, address + size) is allocated SRAM and aligned."""
        if self.low <= address <= self.size - size and is_aligned(address, alignment):
            return
        bytes_ = "1 byte" if size == 1 else f"{size} bytes"
        access = f"{verb} of {bytes_} at 0x{address:x}"
        if not self.low <= address <= self.size - size:
            limits = f"SRAM is 0x{self.low:x}..0x{self.size - 1:x}"
            hint = None
            if address < self.low:
                hint = "addresses below 0x100 are never allocated: is a pointer zero?"
            raise FaultSignal(Fault(FaultKind.BOUNDS, pc, f"{access}: {limits}", hint))
        raise FaultSignal(
            Fault(
                FaultKind.ALIGNMENT,
                pc,
                f"{access}: not a multiple of {alignment}",
                f"the nearest fitting addresses are 0x{address & -alignment:x} and "
                f"0x{(address & -alignment) + alignment:x}",
            )
        )

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
        self.written[first : last + 1] = b"\1" * (last + 1 - first)
        for word in range(first, last + 1):
            if word << 2 in self.fetched:
                del self.fetched[word << 2]

    def flush_instructions(self) -> None:
        """Make everything written so far visible to instruction fetch."""
        self.written = bytearray(self.size // 4)
        self.fetched.clear()

    def place(self, address: int, image: bytes) -> None:
        """Write bytes from outside the machine: they are never stale."""
        assert 0 <= address <= self.size - len(image)
        self.contents[address : address + len(image)] = image
        self.fetched.clear()
