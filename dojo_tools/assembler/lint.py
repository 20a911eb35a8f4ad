"""Warns of what assembles and is probably not meant, from the finished object and its sources.

The checks look at bytes, lines and the words of the sources, so they need nothing of how the object
was made. What a line of a macro's body makes is judged by the text of that line; where a parameter
leaves open what it is, nothing is said.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dojo_tools.assembler.lines import split_lines
from dojo_tools.bits import insert, mask
from dojo_tools.description import DataKind, Description
from dojo_tools.description.description import decode_operand
from dojo_tools.diagnostics import Diagnostic, Note, Report, Source, Span, printable
from dojo_tools.formats import FORMATS
from dojo_tools.objects import ABSOLUTE, FrameKind, LineEntry, ObjectFile, Section

WORD_SIZE = 4

_STATEMENT = re.compile(r"""(?:[^;#"'/\n]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|/(?![/*]))*""")
_DIRECTIVE = re.compile(r"\.([A-Za-z_][0-9A-Za-z_]*)")
_VALUES = re.compile(rf"\.values[ \t]+({'|'.join(FORMATS)})\b")
_WORD = re.compile(r"[A-Za-z_$.][0-9A-Za-z_.$]*")
_LABEL = re.compile(r"[ \t]*([A-Za-z_$.][0-9A-Za-z_.$]*)[ \t]*:")
_MACRO = re.compile(r"[ \t]*\.macro[ \t]+([A-Za-z_$.][0-9A-Za-z_.$]*)")
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_NONZERO_LITERAL = re.compile(r"[+-]?[ \t]*(?:0[xX][0-9A-Fa-f_.]+[pP]|[0-9._]+)")


def lint(
    object_file: ObjectFile, description: Description, sources: Sequence[Source]
) -> list[Diagnostic]:
    """Return the warnings that an object and its sources deserve, in the order of the sources."""
    report = Report()
    places = _Places(object_file, sources)
    _check_targets(object_file, description, places, report)
    _check_data(object_file, description, places, report)
    _check_names(object_file, sources, report)
    order = {source: index for index, source in enumerate(sources)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        span = diagnostic.span
        return (len(order), 0) if span is None else (order[span.source], span.start)

    return sorted(report.diagnostics, key=place)


class _Places:
    """Where in the sources the bytes of an object come from."""

    def __init__(self, object_file: ObjectFile, sources: Sequence[Source]) -> None:
        self._sources = {source.name: source for source in sources}
        self.entries: dict[str, list[LineEntry]] = defaultdict(list)
        for entry in object_file.lines:
            self.entries[entry.section].append(entry)
        self._warned: set[tuple[str, str, LineEntry]] = set()
        self._starts = {name: [e.offset for e in found] for name, found in self.entries.items()}

    def at(self, section: str, offset: int) -> LineEntry | None:
        """Return the line that made the byte at an offset."""
        index = bisect_right(self._starts.get(section, ()), offset) - 1
        if index < 0:
            return None
        entry = self.entries[section][index]
        return entry if offset < entry.offset + entry.size else None

    def span(self, file: str, line: int, column: int) -> Span | None:
        """Return the statement that starts at a place."""
        source = self._sources.get(file)
        if source is None or line > len(source.line_starts):
            return None
        start = source.line_starts[line - 1] + column - 1
        match = _STATEMENT.match(source.text, start)
        return None if match is None else Span(source, start, start + len(match[0].rstrip()))

    def text(self, entry: LineEntry) -> str:
        """Return the statement of an entry, or nothing if its source is not known."""
        span = self.span(entry.file, entry.line, entry.column)
        return "" if span is None else span.text

    def warn(
        self,
        report: Report,
        name: str,
        message: str,
        entry: LineEntry,
        subject: str,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Report a warning at an entry, with the steps that led to it.

        The same of the same `subject` is said once, however often a repetition makes the line.
        """
        key = name, subject, entry._replace(section="", offset=0)
        if key in self._warned:
            return
        self._warned.add(key)
        span = self.span(entry.file, entry.line, entry.column)
        trail = tuple(
            Note(
                _step_text(frame.kind, frame.name), self.span(frame.file, frame.line, frame.column)
            )
            for frame in entry.trail
            if frame.kind is not FrameKind.EXPANSION
        )
        report.warning(name, message, span, hint, notes + trail)


def _step_text(kind: FrameKind, name: str) -> str:
    if kind is FrameKind.INCLUDE:
        return "included from here"
    return f"in expansion of macro `{printable(name)}`"


# Branches.


def _check_targets(
    object_file: ObjectFile, description: Description, places: _Places, report: Report
) -> None:
    """Warn of branches and jumps to what is no instruction."""
    sections = {section.name: section for section in object_file.sections}
    data = {s.name: _data_bytes(s, places) for s in object_file.sections if s.executable}
    for section, offset, target_section, target in _targets(object_file, description, data):
        if target_section not in sections:
            continue
        entry = places.at(section, offset)
        if entry is None:
            continue
        name = printable(target_section)
        if target_section not in data:
            message = f"this leads to `{name}`, which is not code"
        elif 0 <= target < len(data[target_section]) and data[target_section][target]:
            message = f"this leads to data at offset 0x{target:x} of `{name}`"
        elif target % WORD_SIZE:
            message = f"this leads to offset 0x{target:x} of `{name}`, between two instructions"
        else:
            continue
        found = places.at(target_section, target)
        span = None if found is None else places.span(found.file, found.line, found.column)
        notes = () if span is None else (Note("the data is here", span),)
        places.warn(report, "branch-into-data", message, entry, name, notes=notes)


def _targets(
    object_file: ObjectFile, description: Description, data: dict[str, NDArray[np.bool_]]
) -> Iterator[tuple[str, int, str, int]]:
    """Yield section and offset of each branch whose target is known, and those of its target."""
    relative = [(d, k) for d in description.instructions for k in d.operands if k.pc_relative]
    numbers = {kind.relocation.number for _, kind in relative if kind.relocation is not None}
    relocated: set[tuple[str, int]] = set()
    for relocation in object_file.relocations:
        relocated.add((relocation.section, relocation.offset))
        symbol = object_file.symbols[relocation.symbol]
        if relocation.kind in numbers and symbol.section not in (None, ABSOLUTE):
            target = symbol.value + relocation.addend
            yield relocation.section, relocation.offset, symbol.section, target
    for section in object_file.sections:
        if not section.executable:
            continue
        count = len(section.contents) // WORD_SIZE
        words = np.frombuffer(section.contents, "<u4", count)
        for definition, kind in relative:
            for index in np.nonzero((words & definition.mask) == definition.match)[0]:
                offset = int(index) * WORD_SIZE
                if not data[section.name][offset] and (section.name, offset) not in relocated:
                    target = offset + decode_operand(kind, int(words[index]))
                    yield section.name, offset, section.name, target


def _data_bytes(section: Section, places: _Places) -> NDArray[np.bool_]:
    """Return for each byte of a section whether a directive made it."""
    is_data = np.zeros(section.size, bool)
    for entry in places.entries.get(section.name, ()):
        if places.text(entry).startswith("."):
            is_data[entry.offset : entry.offset + entry.size] = True
    return is_data


# Data.


def _check_data(
    object_file: ObjectFile, description: Description, places: _Places, report: Report
) -> None:
    """Warn of values at odd places and of floats that do not survive."""
    kinds = {kind.name: kind for kind in description.data}
    for section in object_file.sections:
        if not section.allocated:
            continue
        for entry in places.entries.get(section.name, ()):
            text = places.text(entry)
            match = _DIRECTIVE.match(text)
            kind = kinds.get(match[1]) if match else None
            values = _VALUES.match(text)
            if match is None or (kind is None and values is None):
                continue
            width = FORMATS[values[1]].width if values else kind.type.width if kind else 8
            size = width // 8
            if entry.offset % size:
                message = f"`.{match[1]}` stands at offset {entry.offset}, not a multiple of {size}"
                hint = f"write `.align {size}` before it"
                places.warn(report, "misaligned-data", message, entry, match[1], hint)
            if kind is not None and kind.type.is_float:
                contents = section.contents[entry.offset : entry.offset + entry.size]
                _check_floats(text[match.end() :], kind, contents, entry, places, report)


def _check_floats(
    text: str,
    kind: DataKind,
    contents: bytes,
    entry: LineEntry,
    places: _Places,
    report: Report,
) -> None:
    """Warn of finite literals stored as infinity and of others stored as zero."""
    size = kind.type.width // 8
    literals = [literal.strip() for literal in text.split(",")]
    if len(literals) * size != len(contents):
        return
    for index, literal in enumerate(literals):
        match = _NONZERO_LITERAL.match(literal)
        if match is None:
            continue
        code = int.from_bytes(contents[index * size : (index + 1) * size], "little")
        magnitude = code & mask(kind.type.width - 1)
        if magnitude == _infinity(kind):
            becomes = "infinity"
        elif magnitude == 0 and re.search(r"[1-9A-Fa-f]", _digits(literal)):
            becomes = "zero"
        else:
            continue
        message = f"{printable(literal)} becomes {becomes} as {kind.type}"
        places.warn(report, "suspicious-width", message, entry, literal)


def _digits(literal: str) -> str:
    """Return the digits of a float literal that say how large it is, without its exponent."""
    text = literal.lower().lstrip("+- \t")
    if text.startswith("0x"):
        return text[2:].partition("p")[0]
    return text.partition("e")[0]


def _infinity(kind: DataKind) -> int:
    """Return the code of infinity: eight exponent bits, all set, as in all our float types."""
    return insert(0, kind.type.width - 2, kind.type.width - 9, 0xFF)


# Names.


def _check_names(object_file: ObjectFile, sources: Sequence[Source], report: Report) -> None:
    """Warn of labels and macros whose name stands nowhere else in the sources."""
    sections = {section.name: section for section in object_file.sections}
    data = {
        symbol.name
        for symbol in object_file.symbols
        if symbol.section is not None
        and (symbol.section not in sections or not sections[symbol.section].executable)
    }
    counts = Counter[str]()
    defined: list[tuple[str, str, Span]] = []
    for source in sources:
        for line in split_lines(source, Report()):
            counts.update(_WORD.findall(_STRING.sub('""', line.text)))
            for name, match in _definitions(line.text):
                start = line.offset + match.start(1)
                defined.append((name, match[1], Span(source, start, start + len(match[1]))))
    for name, word, span in defined:
        if counts[word] == 1 and word not in data:
            noun = "label" if name == "unused-label" else "macro"
            report.warning(name, f"nothing uses the {noun} `{word}`", span)


def _definitions(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield the labels or the macro that a line defines, each with the warning if it is unused."""
    position = 0
    while (label := _LABEL.match(text, position)) is not None:
        yield "unused-label", label
        position = label.end()
    if (macro := _MACRO.match(text, position)) is not None:
        yield "unused-macro", macro
