"""Where in the sources a byte of an object comes from, for messages."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from dojo_tools.diagnostics import Note, Report, Span, printable
from dojo_tools.objects import LineEntry, ObjectFile, Symbol


@dataclass(frozen=True, slots=True)
class Places:
    """The line tables of all objects, sorted when first asked for."""

    objects: Sequence[ObjectFile]
    tables: dict[int, dict[str, list[LineEntry]]] = field(
        default_factory=dict[int, dict[str, list[LineEntry]]]
    )

    def line_at(self, index: int, section: str, offset: int) -> LineEntry | None:
        """Return the line of a byte of object `index`, or None where it has no line."""
        if index not in self.tables:
            table: dict[str, list[LineEntry]] = {}
            for entry in sorted(self.objects[index].lines, key=lambda entry: entry.offset):
                table.setdefault(entry.section, []).append(entry)
            self.tables[index] = table
        entries = self.tables[index].get(section, [])
        before = bisect.bisect_right(entries, offset, key=lambda entry: entry.offset)
        if before == 0 or offset >= entries[before - 1].offset + entries[before - 1].size:
            return None
        return entries[before - 1]

    def describe(self, index: int, section: str, offset: int) -> str:
        """Return `file:line:column` of a byte, or object, section and offset."""
        entry = self.line_at(index, section, offset)
        if entry is None:
            name, place = printable(self.objects[index].name), printable(section)
            return f"{name}({place}+0x{offset:x})"
        return f"{printable(entry.file)}:{entry.line}:{entry.column}"

    def span(self, index: int, section: str, offset: int) -> Span | None:
        """Return the line and column of a byte, whose text is not at hand, or None."""
        entry = self.line_at(index, section, offset)
        return None if entry is None else entry.span

    def report(
        self,
        report: Report,
        where: tuple[int, str, int],
        message: str,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Report what is wrong with a byte: with its line and trail, or else object and offset."""
        span = self.span(*where)
        if span is None:
            message = f"{self.describe(*where)}: {message}"
        report.error(message, span, hint, self.trail(*where) + notes)

    def trail(self, index: int, section: str, offset: int) -> tuple[Note, ...]:
        """Return the expansion trail of a byte."""
        entry = self.line_at(index, section, offset)
        return tuple(Note(printable(str(frame))) for frame in entry.trail) if entry else ()

    def describe_definition(self, index: int, symbol: Symbol) -> str:
        """Return the object that defines a symbol, with the source line at the symbol if known."""
        name = printable(self.objects[index].name)
        entry = self.line_at(index, symbol.section or "", symbol.value)
        return f"{name} ({printable(entry.file)}:{entry.line})" if entry else name
