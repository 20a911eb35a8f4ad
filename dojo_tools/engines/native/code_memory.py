"""What the instruction cache of a node holds: memory as it was at the last flush."""

import ctypes
from mmap import mmap

PAGE = 4096
CODE_LINE = 64
"""Bytes of memory that are looked at together when a store may have hit translated code."""

_ZEROS = bytes(PAGE)


class CodeMemory:
    """The words that instruction fetch sees; pages that were all zero take no room."""

    def __init__(self, memory: mmap) -> None:
        self._memory = memory
        self._pages: dict[int, bytes] = {}
        self._lines = (ctypes.c_uint8 * -(-len(memory) // CODE_LINE))()

    @property
    def lines_address(self) -> int:
        """Where the marks of lines with translated code are, a byte each."""
        return ctypes.addressof(self._lines)

    def mark(self, address: int, size: int) -> None:
        """Note that the code in a range has been translated."""
        for line in range(address // CODE_LINE, -(-(address + size) // CODE_LINE)):
            self._lines[line] = 1

    def place(self, address: int, contents: bytes) -> None:
        """Note bytes that the host wrote: they are never stale."""
        for page in range(address // PAGE, -(-(address + len(contents)) // PAGE)):
            start = page * PAGE
            low, high = max(start, address), min(start + PAGE, address + len(contents))
            held = bytearray(self._pages.get(page, _ZEROS))
            held[low - start : high - start] = contents[low - address : high - address]
            self._pages[page] = bytes(held)

    def flush(self) -> None:
        """Make everything written so far visible to instruction fetch."""
        pages = range(-(-len(self._memory) // PAGE))
        contents = ((page, self._memory[page * PAGE : (page + 1) * PAGE]) for page in pages)
        self._pages = {page: held for page, held in contents if held != _ZEROS[: len(held)]}

    def contents_of(self, address: int, size: int) -> bytes:
        """Return bytes of memory as they are now."""
        return self._memory[address : address + size]

    def word(self, address: int) -> int:
        """Return the word of memory at an address."""
        return int.from_bytes(self._memory[address : address + 4], "little")

    def is_stale(self, address: int) -> bool:
        """Return whether the word at an address has changed since the last flush."""
        page, offset = divmod(address, PAGE)
        held = self._pages.get(page, _ZEROS)
        return held[offset : offset + 4] != self._memory[address : address + 4]
