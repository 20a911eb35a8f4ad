"""What the instruction cache of a node holds: memory as it was at the last flush."""

from dojo_tools.engines.native.layout import PAGE

CODE_LINE = 64
"""Bytes of memory that are looked at together when a store may have hit translated code."""

_MARKS_BEYOND = 8
"""Marks that may be looked at behind those of memory."""

_WORD = 8
_ZEROS = bytes(PAGE)


def size_with_marks(memory_size: int) -> int:
    """Return the size of a memory and what stands behind it.

    That is the marks of its lines, a byte each, a few more, and a word.
    """
    return code_end_place(memory_size) + _WORD


def code_end_place(memory_size: int) -> int:
    """Return where the word stands that says which address no marked line reaches."""
    marks_end = memory_size + -(-memory_size // CODE_LINE) + _MARKS_BEYOND
    return -(-marks_end // _WORD) * _WORD


class CodeMemory:
    """The words that instruction fetch sees; pages that were all zero take no room.

    Behind the `size` bytes of memory stand the marks of lines that have translated code. `known`
    has pages that several nodes hold, so that they hold them once.
    """

    def __init__(
        self, memory: memoryview, size: int, known: dict[bytes, bytes] | None = None
    ) -> None:
        self._memory = memory
        self._known = {} if known is None else known
        self._size = size
        self._pages: dict[int, bytes] = {}

    def mark(self, address: int, size: int) -> None:
        """Note that the code in a range has been translated."""
        first, end = address // CODE_LINE, -(-(address + size) // CODE_LINE)
        for line in range(first, end):
            self._memory[self._size + line] = 1
        place = code_end_place(self._size)
        word = self._memory[place : place + _WORD]
        known = int.from_bytes(word, "little")
        word[:] = max(known, CODE_LINE * end).to_bytes(_WORD, "little")

    def is_marked(self, address: int, size: int) -> bool:
        """Return whether code in a range has been translated."""
        first, end = address // CODE_LINE, -(-(address + size) // CODE_LINE)
        return any(self._memory[self._size + first : self._size + end])

    def place(self, address: int, contents: bytes) -> None:
        """Note bytes that the host wrote: they are never stale."""
        for page in range(address // PAGE, -(-(address + len(contents)) // PAGE)):
            start = page * PAGE
            low, high = max(start, address), min(start + PAGE, address + len(contents))
            held = bytearray(self._pages.get(page, _ZEROS))
            held[low - start : high - start] = contents[low - address : high - address]
            whole = bytes(held)
            self._pages[page] = self._known.setdefault(whole, whole)

    def flush(self) -> None:
        """Make everything written so far visible to instruction fetch."""
        starts = range(0, self._size, PAGE)
        ends = (min(start + PAGE, self._size) for start in starts)
        contents = (
            (start // PAGE, bytes(self._memory[start:end]))
            for start, end in zip(starts, ends, strict=True)
        )
        self._pages = {page: held for page, held in contents if held != _ZEROS[: len(held)]}

    def contents_of(self, address: int, size: int) -> bytes:
        """Return bytes of memory as they are now."""
        return bytes(self._memory[address : address + size])

    def word(self, address: int) -> int:
        """Return the word of memory at an address."""
        return int.from_bytes(self._memory[address : address + 4], "little")

    def is_fresh(self, address: int, size: int) -> bool:
        """Return whether no word in a range has changed since the last flush."""
        for page in range(address // PAGE, -(-(address + size) // PAGE)):
            start = page * PAGE
            low, high = max(start, address), min(start + PAGE, address + size)
            held = self._pages.get(page, _ZEROS)
            if held[low - start : high - start] != bytes(self._memory[low:high]):
                return False
        return True

    def is_stale(self, address: int) -> bool:
        """Return whether the word at an address has changed since the last flush."""
        page, offset = divmod(address, PAGE)
        held = self._pages.get(page, _ZEROS)
        return held[offset : offset + 4] != bytes(self._memory[address : address + 4])
