"""The code of an object or image as an assembly source that makes the same bytes again.

Addresses and words stand in comments. Only executable sections are listed; what they refer to
elsewhere is declared, not defined, since a field that a relocation will fill in is zero either way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dojo_tools.description import Description
from dojo_tools.diagnostics import printable
from dojo_tools.disassembler.code import WORD_SIZE, Line, Reference, disassemble
from dojo_tools.disassembler.names import Names
from dojo_tools.objects import Binding, Image, ObjectFile, Relocation, Section, Symbol, Visibility

_COMMENT_COLUMN = 40


def list_code(file: ObjectFile | Image, description: Description) -> Iterator[str]:
    """Yield the lines of a listing, without line ends."""
    listing = _Listing.of(file, description)
    kind = "image" if isinstance(file, Image) else "object"
    yield f"; {printable(file.name)}: {kind}"
    yield from listing.declarations()
    for section in listing.sections:
        yield ""
        yield from listing.section_lines(section)


@dataclass(frozen=True, slots=True)
class _Listing:
    """A file's code, and what each symbol is called."""

    description: Description
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...]
    names: Names

    @classmethod
    def of(cls, file: ObjectFile | Image, description: Description) -> "_Listing":
        """Return the listing of a file."""
        names = Names(file.symbols, description.register_names)
        relocations = () if isinstance(file, Image) else file.relocations
        return cls(description, _code_sections(file), file.symbols, relocations, names)

    def declarations(self) -> Iterator[str]:
        """Yield what is said of names before any code."""
        used = {relocation.symbol for s in self.sections for relocation in self._relocations_in(s)}
        for index, symbol in enumerate(self.symbols):
            name = self.names.of_symbol(index)
            if not self._is_listed(symbol):
                if index in used:
                    yield f"    .extern {name}"
                continue
            if symbol.binding is not Binding.LOCAL:
                yield f"    .{symbol.binding.name.lower()} {name}"
            if symbol.visibility is not Visibility.DEFAULT:
                yield f"    .{symbol.visibility.name.lower()} {name}"

    def section_lines(self, section: Section) -> Iterator[str]:
        """Yield a section: its directive, labels and code."""
        yield f"    {_directive(section)}"
        lines = disassemble(
            section.contents,
            section.address,
            self.description,
            self._labels(section),
            self._references(section),
            self.names.temporary,
        )
        for line in lines:
            yield from (f"{label}:" for label in line.labels)
            if line.contents:
                yield _format_line(line)

    def _labels(self, section: Section) -> dict[int, tuple[str, ...]]:
        """Return the names at each offset; local ones first, as a branch names its target."""
        labels: dict[int, tuple[str, ...]] = {}
        here = [i for i, s in enumerate(self.symbols) if s.section == section.name]
        for index in sorted(here, key=lambda i: self.symbols[i].binding is not Binding.LOCAL):
            offset = self.symbols[index].value - section.address
            if 0 <= offset <= section.size:
                labels[offset] = (*labels.get(offset, ()), self.names.of_symbol(index))
        return labels

    def _references(self, section: Section) -> dict[int, tuple[Reference, ...]]:
        references: dict[int, tuple[Reference, ...]] = {}
        for relocation in self._relocations_in(section):
            expression = self.names.of_symbol(relocation.symbol) + _addend(relocation.addend)
            found = Reference(relocation.kind, expression)
            references[relocation.offset] = (*references.get(relocation.offset, ()), found)
        return references

    def _relocations_in(self, section: Section) -> list[Relocation]:
        return [r for r in self.relocations if r.section == section.name]

    def _is_listed(self, symbol: Symbol) -> bool:
        return any(
            symbol.section == s.name and 0 <= symbol.value - s.address <= s.size
            for s in self.sections
        )


def _code_sections(file: ObjectFile | Image) -> tuple[Section, ...]:
    """Return the executable sections; the segments of an image that was stripped of sections."""
    if not isinstance(file, Image) or file.sections:
        return tuple(s for s in file.sections if s.executable and s.contents)
    return tuple(
        Section(
            f".text.{s.address:x}",
            s.writable,
            True,
            True,
            1,
            s.contents,
            len(s.contents),
            s.address,
        )
        for s in file.segments
        if s.executable
    )


def _directive(section: Section) -> str:
    """Return the directive that begins a section; a name that no source can write is changed."""
    name = re.sub(r"[^0-9A-Za-z_.$]", "_", section.name)
    flags = "a" * section.allocated + "w" * section.writable + "x"
    if (name, flags) == (".text", "ax") and section.alignment <= WORD_SIZE:
        return name
    return f'.section "{name}", "{flags}", {section.alignment}'


def _addend(addend: int) -> str:
    if addend == 0:
        return ""
    return f" - {-addend}" if addend < 0 else f" + {addend}"


def _format_line(line: Line) -> str:
    size = len(line.contents)
    value = int.from_bytes(line.contents, "little")
    comment = f"; {line.address:08x}: {value:0{2 * size}x}"
    note = f"  {line.note}" if line.note else ""
    return f"{f'    {line.text}':{_COMMENT_COLUMN}} {comment}{note}"
