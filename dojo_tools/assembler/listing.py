"""The listing: each source line, the bytes it made, and what stands behind includes and macros.

    1        .text
    2 000000 58200001   addi a0, x0, 1
    3 000004 40000000   call f
             R target21 f

Bytes are by offset in their section, which is named where it changes; code is shown as words. A
line of an included file or of a macro's body follows the line that used it, with one `|` a level.
A relocation is named below the bytes that it will change.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from dojo_tools.description import Description
from dojo_tools.diagnostics import Source, printable
from dojo_tools.objects import Frame, FrameKind, LineEntry, ObjectFile

SHOWN_MAX = 64
"""So many bytes of one statement are shown."""

_WORD_SIZE = 4
_BYTES_A_ROW = 8


class _Made(NamedTuple):
    """Bytes and the way to them from the line at hand: includes and macros, the outermost first."""

    way: tuple[Frame, ...]
    entry: LineEntry


def list_assembly(
    roots: Sequence[Source],
    sources: Sequence[Source],
    object_file: ObjectFile,
    description: Description,
) -> Iterator[str]:
    """Yield the lines of the listing; `roots` are the sources that no other one includes."""
    writer = _Writer(sources, object_file, description)
    made: dict[str, list[_Made]] = defaultdict(list)
    for entry in object_file.lines:
        frames = (frame for frame in entry.trail if frame.kind is not FrameKind.EXPANSION)
        way = tuple(reversed(list(frames)))
        made[way[0].file if way else entry.file].append(_Made(way, entry))
    for root in roots:
        yield f"file {printable(root.name)}"
        yield from writer.source(root, made[root.name], 0)


class _Writer:
    """Writes listings; `section` is the one that was named last."""

    def __init__(
        self, sources: Sequence[Source], object_file: ObjectFile, description: Description
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._sections = {section.name: section for section in object_file.sections}
        self._notes = _relocation_notes(object_file, description)
        self._note_offsets = {
            name: [offset for offset, _ in notes] for name, notes in self._notes.items()
        }
        self._section = ""

    def source(self, source: Source, made: Sequence[_Made], depth: int) -> Iterator[str]:
        """Yield every line of a source and what it made."""
        by_line: dict[int, list[_Made]] = defaultdict(list)
        for each in made:
            by_line[each.way[0].line if each.way else each.entry.line].append(each)
        count = len(source.line_starts) - (source.text.endswith("\n") or not source.text)
        for line in range(1, count + 1):
            own = [each.entry for each in by_line[line] if not each.way]
            yield from self._line(source.name, line, own, depth)
            yield from self._inner([each for each in by_line[line] if each.way], depth + 1)

    def _inner(self, made: Sequence[_Made], depth: int) -> Iterator[str]:
        """Yield what stands behind the uses of included files and macros."""
        for frame, group in groupby(made, key=lambda each: each.way[0]):
            inside = [_Made(each.way[1:], each.entry) for each in group]
            if frame.kind is FrameKind.INCLUDE:
                name = inside[0].way[0].file if inside[0].way else inside[0].entry.file
                yield f"{'':13}{'| ' * depth}file {printable(name)}"
                if name in self._sources:
                    yield from self.source(self._sources[name], inside, depth)
                continue
            for (file, line), lines in groupby(inside, key=_place):
                found = list(lines)
                own = [each.entry for each in found if not each.way]
                yield from self._line(file, line, own, depth)
                yield from self._inner([each for each in found if each.way], depth + 1)

    def _line(
        self, file: str, line: int, entries: Sequence[LineEntry], depth: int
    ) -> Iterator[str]:
        """Yield a line and the bytes it made itself."""
        source = self._sources.get(file)
        is_known = source is not None and line <= len(source.line_starts)
        text = printable(source.line_text(line)) if source is not None and is_known else ""
        text = f"{'| ' * depth}{text}"
        rows = [row for entry in entries for row in self._rows(entry, text)]
        section = entries[0].section if entries else self._section
        if section != self._section:
            self._section = section
            yield f"{'':13}in section {printable(section)}"
        first = rows[0] if rows else ""
        yield f"{line:5} {f'{first:24}{text}' if text else first}".rstrip()
        for row in rows[1:]:
            yield f"{'':6}{row}"

    def _rows(self, entry: LineEntry, text: str) -> Iterator[str]:
        """Yield the bytes of a statement and its relocations."""
        section = self._sections[entry.section]
        if section.is_bss:
            yield f"{entry.offset:06x} {entry.size} bytes"
            return
        end = min(entry.offset + entry.size, entry.offset + SHOWN_MAX)
        is_code = section.executable and not text.lstrip("| \t").startswith(".")
        step = _WORD_SIZE if is_code else _BYTES_A_ROW
        for offset in range(entry.offset, end, step):
            contents = section.contents[offset : min(end, offset + step)]
            shown = contents[::-1].hex() if is_code else contents.hex()
            yield f"{offset:06x} {shown}"
            yield from self._relocations(entry.section, offset, offset + len(contents))
        if end < entry.offset + entry.size:
            yield f"{'':6} ... {entry.offset + entry.size - end} bytes more"

    def _relocations(self, section: str, start: int, end: int) -> Iterator[str]:
        offsets = self._note_offsets.get(section, [])
        for index in range(bisect_left(offsets, start), bisect_left(offsets, end)):
            yield f"{'':6} {self._notes[section][index][1]}"


def _place(made: _Made) -> tuple[str, int]:
    where = made.way[0] if made.way else made.entry
    return where.file, where.line


def _relocation_notes(
    object_file: ObjectFile, description: Description
) -> dict[str, list[tuple[int, str]]]:
    """Return what is said of the relocations of each section, by offset."""
    notes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for relocation in object_file.relocations:
        kind = description.relocations[relocation.kind]
        symbol = printable(object_file.symbols[relocation.symbol].name)
        addend = f"{relocation.addend:+}" if relocation.addend else ""
        text = f"R {kind.name} {symbol}{addend}"
        notes[relocation.section].append((relocation.offset, text))
    return {name: sorted(found) for name, found in notes.items()}
