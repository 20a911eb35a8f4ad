"""The code of an object or image as an assembly source that makes the same bytes again.

Addresses and words stand in comments. Only executable sections are listed; what they refer to
elsewhere is declared, not defined, since a field that a relocation will fill in is zero either way.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from dojo_tools.description import Description
from dojo_tools.diagnostics import printable
from dojo_tools.disassembler.code import WORD_SIZE, Line, Reference, disassemble
from dojo_tools.disassembler.names import Names
from dojo_tools.disassembler.sources import Origins
from dojo_tools.objects import Binding, Image, ObjectFile, Relocation, Section, Symbol, Visibility

_COMMENT_COLUMN = 40
EVERYWHERE = range(1 << 64)


def list_code(
    file: ObjectFile | Image,
    description: Description,
    origins: Origins | None = None,
    addresses: range = EVERYWHERE,
) -> Iterator[str]:
    """Yield the lines of a listing, without line ends.

    `origins` comments the lines with where they come from; only `addresses` are listed.
    """
    sections = {section.name: section for section in _code_sections(file)}
    symbols = file.symbols
    names = Names(symbols, description.register_names)
    relocations = () if isinstance(file, Image) else file.relocations
    listed = [r for r in relocations if r.section in sections]
    labels = _labels(symbols, sections, names)
    references = _references(listed, names)
    weak = {names.of_symbol(i) for i, s in enumerate(symbols) if s.binding is Binding.WEAK}

    kind = "image" if isinstance(file, Image) else "object"
    yield f"; {printable(file.name)}: {kind}"
    yield from _declarations(symbols, {r.symbol for r in listed}, sections, names)
    for name, section in sections.items():
        yield ""
        yield f"    {_directive(section)}"
        lines = disassemble(
            section.contents,
            section.address,
            description,
            labels.get(name, {}),
            references.get(name, {}),
            names.temporary,
            weak,
        )
        for line in lines:
            if line.address not in addresses:
                continue
            yield from (f"{label}:" for label in line.labels)
            if origins is not None and line.contents:
                yield from origins.comments(name, line.address)
            if line.contents:
                yield _format_line(line)


def _offset_in(symbol: Symbol, sections: Mapping[str, Section]) -> int | None:
    """Return where in a listed section a symbol stands, or None where it stands elsewhere."""
    section = sections.get(symbol.section or "")
    if section is None or not 0 <= symbol.value - section.address <= section.size:
        return None
    return symbol.value - section.address


def _declarations(
    symbols: Sequence[Symbol], used: set[int], sections: Mapping[str, Section], names: Names
) -> list[str]:
    """Return what is said of names before any code, sorted."""
    found: list[tuple[str, str]] = []
    for index, symbol in enumerate(symbols):
        name = names.of_symbol(index)
        if _offset_in(symbol, sections) is None:
            if index in used:
                found.append(("extern", name))
            continue
        if symbol.binding is not Binding.LOCAL:
            found.append((symbol.binding.name.lower(), name))
        if symbol.visibility is not Visibility.DEFAULT:
            found.append((symbol.visibility.name.lower(), name))
    return [f"    .{directive} {name}" for directive, name in sorted(found)]


def _labels(
    symbols: Sequence[Symbol], sections: Mapping[str, Section], names: Names
) -> dict[str, dict[int, list[str]]]:
    """Return the names in each section at each offset: local ones first, then global, then weak.

    The name of the section itself, which some relocations need, stands after other local ones.
    """
    labels: dict[str, dict[int, list[str]]] = {}
    order = sorted(
        range(len(symbols)),
        key=lambda i: (symbols[i].binding.value, symbols[i].name == symbols[i].section),
    )
    for index in order:
        offset = _offset_in(symbols[index], sections)
        if offset is not None:
            here = labels.setdefault(symbols[index].section or "", {})
            here.setdefault(offset, []).append(names.of_symbol(index))
    return labels


def _references(
    relocations: Sequence[Relocation], names: Names
) -> dict[str, dict[int, list[Reference]]]:
    """Return the relocations of each section at each offset."""
    references: dict[str, dict[int, list[Reference]]] = {}
    for relocation in relocations:
        expression = names.of_symbol(relocation.symbol) + _addend(relocation.addend)
        here = references.setdefault(relocation.section, {})
        here.setdefault(relocation.offset, []).append(Reference(relocation.kind, expression))
    return references


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
