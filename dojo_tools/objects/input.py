"""Untrusted bytes: nothing is followed or copied before it is known to lie inside them."""

from dataclasses import dataclass, field

from dojo_tools.diagnostics import InputError, fail, printable

_SHOWN_LENGTH_MAX = 80


def quoted(name: str) -> str:
    """Return a name out of an untrusted file as a message shows it: printable and not endless."""
    shown = name if len(name) <= _SHOWN_LENGTH_MAX else name[:_SHOWN_LENGTH_MAX] + "..."
    return f"`{printable(shown)}`"


@dataclass(frozen=True, slots=True)
class Input:
    """The bytes of a file or of one of its tables, and how messages call them."""

    name: str
    contents: bytes

    def error(self, message: str) -> InputError:
        """Return the error to raise."""
        return fail(f"{self.name}: {message}")

    def take(self, offset: int, size: int, what: str) -> bytes:
        """Return the bytes [offset, offset + size)."""
        if offset + size > len(self.contents):
            raise self.error(
                f"{what} takes the bytes [0x{offset:x}, 0x{offset + size:x}), "
                f"but there are only 0x{len(self.contents):x}"
            )
        return self.contents[offset : offset + size]

    def text(self, encoded: bytes) -> str:
        """Return a name as text."""
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            shown = quoted(encoded.decode(errors="replace"))
            raise self.error(f"the name {shown} is not UTF-8") from None


@dataclass(slots=True)
class StringTable:
    """The names of a SHT_STRTAB section.

    Names may share bytes, so a few bytes can spell out very much text; a table whose names come
    to more than `budget` bytes is refused.
    """

    table: Input
    budget: int = field(init=False)
    names: dict[int, str] = field(init=False, default_factory=dict[int, str])

    def __post_init__(self) -> None:
        self.budget = 4 * len(self.table.contents)

    def name_at(self, offset: int, what: str) -> str:
        """Return the name that starts at an offset; `what` has the name."""
        if offset in self.names:
            return self.names[offset]
        contents = self.table.contents
        if offset == 0 and not contents:
            return ""
        limit = min(len(contents), offset + self.budget + 1)
        end = contents.find(b"\0", offset, limit) if offset < len(contents) else -1
        if end < 0 and limit < len(contents):
            raise self.table.error("its names take far more bytes than the table has")
        if end < 0:
            raise self.table.error(
                f"the name of {what} at offset 0x{offset:x} does not end within the table's "
                f"0x{len(contents):x} bytes"
            )
        self.budget -= end - offset
        self.names[offset] = self.table.text(contents[offset:end])
        return self.names[offset]
