"""Reading ELF64 that anyone may have written.

Each offset, size, count and index is checked before it is followed. Sections may not share bytes
of the file, nor may segments, so what is read stays a small multiple of it; memory sizes are kept
as numbers and nothing of such a size is made here. Every problem is an `InputError`.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.bits import insert, is_power_of_two, mask
from dojo_tools.diagnostics import InputError
from dojo_tools.objects.dwarf import DEBUG_PREFIX
from dojo_tools.objects.elf import (
    ABSOLUTE_INDEX,
    COMMON_INDEX,
    E_MACHINE,
    FILE_HEADER,
    IDENT,
    MAGIC,
    NOTE_NAME,
    PROGRAM_HEADER,
    RELOCATION,
    SECTION_HEADER,
    SEGMENT_LOAD,
    SYMBOL,
    SYMBOL_KIND_FILE,
    SYMBOL_KIND_SECTION,
    UNDEFINED_INDEX,
    FileHeader,
    FileType,
    ProgramHeader,
    SectionFlag,
    SectionHeader,
    SectionType,
    SegmentFlag,
)
from dojo_tools.objects.input import Input, StringTable, quoted
from dojo_tools.objects.model import (
    ABSOLUTE,
    COMMON,
    Binding,
    Image,
    LineEntry,
    ObjectFile,
    Relocation,
    Section,
    Segment,
    Symbol,
    SymbolKind,
    TensorType,
    Threads,
    Visibility,
)
from dojo_tools.objects.programs import read_note, read_program
from dojo_tools.objects.tables import read_lines, read_tensors
from dojo_tools.objects.threads import read_threads

_CONTENT_TYPES = (SectionType.PROGBITS, SectionType.NOBITS, SectionType.NOTE)
_KINDS = {kind.value: kind for kind in SymbolKind} | {
    SYMBOL_KIND_SECTION: SymbolKind.NONE,
    SYMBOL_KIND_FILE: SymbolKind.NONE,
}
_PACKED = {
    insert(number, 7, 4, binding.value): (binding, kind, number == SYMBOL_KIND_SECTION)
    for binding in Binding
    for number, kind in _KINDS.items()
}
"""What st_info means: binding, kind, and whether the symbol stands for a section."""
_VISIBILITIES = {visibility.value: visibility for visibility in Visibility}
_KNOWN_FLAGS = SectionFlag(sum(SectionFlag))
_KNOWN_TYPES = frozenset(SectionType)


@dataclass(frozen=True, slots=True)
class _Part:
    """A section as the file has it, of any type; `table` has its bytes and names it in messages."""

    index: int
    name: str
    header: SectionHeader
    table: Input


def read_elf(contents: bytes, name: str) -> ObjectFile | Image:
    """Read an object or an image. Raises `InputError`, which says what is wrong and where."""
    file = Input(name, contents)
    header = _read_file_header(file)
    parts = _read_parts(file, header)
    relocatable = header.type == FileType.RELOCATABLE
    sections = _read_sections(parts, relocatable)
    if not relocatable:
        sections = {i: section for i, section in sections.items() if not _is_debug(section)}
    if relocatable and any(section.address for section in sections.values()):
        raise file.error("a relocatable object, but its sections have addresses already")
    symbols, symbol_table = _read_symbols(parts, sections, relocatable)
    lines = _read_lines(parts, sections)
    tensors = _read_tensors(parts, len(symbols))
    all_sections = tuple(sections.values())
    if relocatable:
        relocations = _read_relocations(parts, sections, symbol_table, len(symbols))
        part = _only_part(parts, SectionType.DOJO_PROGRAM)
        program, placement = (None, ()) if part is None else read_program(part.table)
        return ObjectFile(
            *(name, all_sections, symbols, relocations, lines, tensors, program, placement),
            _read_object_threads(parts),
        )
    segments = _read_segments(file, header)
    for section in all_sections:
        if section.allocated and section.size and not _is_loaded(section, segments):
            raise file.error(
                f"the contents of section {quoted(section.name)} are not those of a segment"
            )
    notes = [part for part in parts if _is_own_note(part)]
    if len(notes) > 1:
        raise notes[1].table.error(f"a second list of programs, after section {notes[0].index}")
    programs = read_note(notes[0].table, header.entry) if notes else ()
    threads = _read_threads(parts)
    if threads and threads[-1].program >= max(1, len(programs)):
        raise file.error(f"there are threads of program {threads[-1].program}, but no such program")
    return Image(
        *(name, header.entry, segments, symbols, lines, tensors, all_sections, programs),
        threads,
    )


def read_object(contents: bytes, name: str) -> ObjectFile:
    """Read a relocatable object. Raises `InputError`, also for a linked image."""
    found = read_elf(contents, name)
    if isinstance(found, Image):
        raise Input(name, b"").error("this is a linked image, not a relocatable object")
    return found


def read_image(contents: bytes, name: str) -> Image:
    """Read a linked image. Raises `InputError`, also for a relocatable object."""
    found = read_elf(contents, name)
    if isinstance(found, ObjectFile):
        raise Input(name, b"").error("this is a relocatable object, not a linked image")
    return found


def _read_file_header(file: Input) -> FileHeader:
    start = file.contents[: len(IDENT)]
    if start[: len(MAGIC)] != MAGIC:
        shown = start[: len(MAGIC)].hex(" ") or "none"
        raise file.error(f"not an ELF file: it starts with the bytes {shown}, not {MAGIC.hex(' ')}")
    record = file.take(0, FILE_HEADER.size, "the file header")
    header = FileHeader._make(FILE_HEADER.unpack(record))
    if header.ident != IDENT:
        raise file.error(
            f"file header: e_ident is {header.ident.hex(' ')}, "
            f"expected {IDENT.hex(' ')} (64 bits, little-endian)"
        )
    if header.machine != E_MACHINE:
        raise file.error(
            f"file header: made for machine 0x{header.machine:x} (e_machine), "
            f"expected 0x{E_MACHINE:x}"
        )
    if header.type not in tuple(FileType):
        raise file.error(
            f"file header: e_type is {header.type}, expected 1 (relocatable) or 2 (executable)"
        )
    for field, found, expected in (
        ("e_version", header.version, 1),
        ("e_flags", header.flags, 0),
        ("e_ehsize", header.header_size, FILE_HEADER.size),
        ("e_shentsize", header.section_entry_size, header.section_count and SECTION_HEADER.size),
        ("e_phentsize", header.program_entry_size, header.program_count and PROGRAM_HEADER.size),
    ):
        if found != expected:
            raise file.error(f"file header: {field} is {found}, expected {expected}")
    return header


def _read_parts(file: Input, header: FileHeader) -> list[_Part]:
    """Read the section headers and take the bytes of each section."""
    count = header.section_count
    size = count * SECTION_HEADER.size
    table = file.take(header.section_offset, size, f"the table of {count} section headers")
    headers = [SectionHeader._make(fields) for fields in SECTION_HEADER.iter_unpack(table)]
    if not headers:
        return []
    names_index = header.names_index
    if names_index >= count or headers[names_index].type != SectionType.STRTAB:
        raise file.error(
            f"file header: e_shstrndx is {names_index}, which is no string table "
            f"among {count} sections"
        )
    names_at = headers[names_index]
    names_bytes = file.take(names_at.offset, names_at.size, "the table of section names")
    names = StringTable(Input(f"{file.name}: section names", names_bytes))
    room = len(file.contents)
    parts: list[_Part] = []
    for index, section in enumerate(headers):
        offset = header.section_offset + index * SECTION_HEADER.size
        name = names.name_at(section.name, f"section {index}")
        place = f"section {index} {quoted(name)} (header at 0x{offset:x})"
        in_file = 0 if section.type in (SectionType.NULL, SectionType.NOBITS) else section.size
        contents = file.take(section.offset if in_file else 0, in_file, place)
        part = _Part(index, name, section, Input(f"{file.name}: {place}", contents))
        room -= in_file
        if room < 0:
            raise part.table.error("sections share bytes of the file")
        _check_part(part)
        parts.append(part)
    return parts


def _check_part(part: _Part) -> None:
    header = part.header
    if header.type not in _KNOWN_TYPES or (part.index == 0) != (header.type == SectionType.NULL):
        raise part.table.error(f"its type 0x{header.type:x} can't be used here")
    if SectionFlag(header.flags) not in _KNOWN_FLAGS:
        raise part.table.error(f"its flags 0x{header.flags:x} are not all known")
    if header.alignment and not is_power_of_two(header.alignment):
        raise part.table.error(f"its alignment {header.alignment} is not a power of two")
    if header.address + header.size > mask(64):
        raise part.table.error("it goes beyond the end of a 64-bit address space")
    entry_sizes = {SectionType.SYMTAB: SYMBOL.size, SectionType.RELA: RELOCATION.size}
    size = entry_sizes.get(SectionType(header.type))
    if size is not None and (header.entry_size != size or header.size % size):
        raise part.table.error(
            f"{header.size} bytes in entries of {header.entry_size}, expected entries of {size}"
        )


def _is_own_note(part: _Part) -> bool:
    return part.header.type == SectionType.NOTE and part.name == NOTE_NAME


def _read_sections(parts: Sequence[_Part], relocatable: bool) -> dict[int, Section]:
    """Return the sections of contents by their index in the file."""
    sections: dict[int, Section] = {}
    seen = {ABSOLUTE, COMMON}
    for part in parts:
        header = part.header
        if header.type not in _CONTENT_TYPES or (not relocatable and _is_own_note(part)):
            continue
        if part.name in seen:
            raise part.table.error("its name is taken, and symbols name their section")
        seen.add(part.name)
        flags = SectionFlag(header.flags)
        allocated = SectionFlag.ALLOC in flags
        if header.type == SectionType.NOBITS and not allocated:
            raise part.table.error("it has neither contents nor a place in memory")
        sections[part.index] = Section(
            part.name,
            SectionFlag.WRITE in flags,
            SectionFlag.EXECUTE in flags,
            allocated,
            header.alignment or 1,
            part.table.contents,
            header.size,
            header.address,
        )
    return sections


def _is_debug(section: Section) -> bool:
    """Return whether a section of an image is DWARF, which is made anew when it is written."""
    return section.name.startswith(DEBUG_PREFIX) and not section.allocated


def _only_part(parts: Sequence[_Part], kind: SectionType) -> _Part | None:
    found = [part for part in parts if part.header.type == kind]
    if len(found) > 1:
        raise found[1].table.error(f"a second section of its type, after section {found[0].index}")
    return found[0] if found else None


def _read_symbols(
    parts: Sequence[_Part], sections: Mapping[int, Section], relocatable: bool
) -> tuple[tuple[Symbol, ...], int]:
    """Return the symbols without the null symbol, and the index of their section or 0."""
    part = _only_part(parts, SectionType.SYMTAB)
    if part is None:
        return (), 0
    link = part.header.link
    if link >= len(parts) or parts[link].header.type != SectionType.STRTAB:
        raise part.table.error(f"its names are in section {link} (sh_link), no string table")
    names = StringTable(parts[link].table)
    symbols: list[Symbol] = []
    local, first_shared = Binding.LOCAL, part.header.info
    records = SYMBOL.iter_unpack(part.table.contents[SYMBOL.size :])
    for index, (name_offset, packed, other, section_index, value, size) in enumerate(records, 1):
        name = names.name_at(name_offset, f"symbol {index}")
        visibility = _VISIBILITIES.get(other)
        if packed not in _PACKED or visibility is None:
            raise _symbol_error(part, index, name, f"st_info 0x{packed:x}, st_other 0x{other:x}")
        binding, kind, is_section = _PACKED[packed]
        if (binding is local) != (index < first_shared):
            message = f"locals come before symbol {first_shared} (sh_info), others after"
            raise _symbol_error(part, index, name, message)
        section: str | None
        if section_index == UNDEFINED_INDEX:
            section = None
        elif section_index == ABSOLUTE_INDEX:
            section = ABSOLUTE
        elif section_index == COMMON_INDEX:
            if not relocatable or binding is Binding.LOCAL or not is_power_of_two(value):
                message = f"a common symbol, alignment {value}, has no place here"
                raise _symbol_error(part, index, name, message)
            section = COMMON
        elif section_index in sections:
            section = sections[section_index].name
        else:
            raise _symbol_error(part, index, name, f"no contents section {section_index}")
        if is_section and not name:
            name = section or ""
        symbols.append(Symbol(name, section, value, size, binding, kind, visibility))
    return tuple(symbols), part.index


def _symbol_error(part: _Part, index: int, name: str, message: str) -> InputError:
    return part.table.error(f"symbol {index} {quoted(name)} can't be used: {message}")


def _read_relocations(
    parts: Sequence[_Part], sections: Mapping[int, Section], symbol_table: int, symbol_count: int
) -> tuple[Relocation, ...]:
    relocations: list[Relocation] = []
    tables = [part for part in parts if part.header.type == SectionType.RELA]
    for part in sorted(tables, key=lambda part: part.header.info):
        target = sections.get(part.header.info)
        if target is None or target.is_bss:
            raise part.table.error(f"it relocates section {part.header.info}, without contents")
        if part.header.link != symbol_table:
            raise part.table.error(f"section {part.header.link} (sh_link) is not the symbol table")
        records = RELOCATION.iter_unpack(part.table.contents)
        for index, (offset, kind, symbol, addend) in enumerate(records):
            if offset >= target.size:
                raise part.table.error(
                    f"relocation {index} at 0x{offset:x} lies outside {quoted(target.name)} "
                    f"of 0x{target.size:x} bytes"
                )
            if not 1 <= symbol <= symbol_count:
                raise part.table.error(
                    f"relocation {index} names symbol {symbol} of {symbol_count}"
                )
            relocations.append(Relocation(target.name, offset, kind, symbol - 1, addend))
    return tuple(relocations)


def _read_lines(parts: Sequence[_Part], sections: Mapping[int, Section]) -> tuple[LineEntry, ...]:
    part = _only_part(parts, SectionType.DOJO_LINES)
    if part is None:
        return ()
    covered = {s.name: range(s.address, s.address + s.size) for s in sections.values()}
    return read_lines(part.table, covered)


def _read_threads(parts: Sequence[_Part]) -> tuple[Threads, ...]:
    part = _only_part(parts, SectionType.DOJO_THREADS)
    return () if part is None else read_threads(part.table)


def _read_object_threads(parts: Sequence[_Part]) -> Threads | None:
    """Return the threads that an object states: it knows of one program, number 0."""
    found = _read_threads(parts)
    if found and found[-1].program:
        part = _only_part(parts, SectionType.DOJO_THREADS)
        assert part is not None
        raise part.table.error("an object has the threads of one program")
    return found[0] if found else None


def _read_tensors(parts: Sequence[_Part], symbol_count: int) -> tuple[TensorType, ...]:
    part = _only_part(parts, SectionType.DOJO_TENSORS)
    return () if part is None else read_tensors(part.table, symbol_count)


def _read_segments(file: Input, header: FileHeader) -> tuple[Segment, ...]:
    count = header.program_count
    size = count * PROGRAM_HEADER.size
    table = file.take(header.program_offset, size, f"the table of {count} program headers")
    room = len(file.contents)
    end = 0
    segments: list[Segment] = []
    for index, fields in enumerate(PROGRAM_HEADER.iter_unpack(table)):
        segment = ProgramHeader._make(fields)
        if segment.type != SEGMENT_LOAD:
            continue
        offset = header.program_offset + index * PROGRAM_HEADER.size
        place = f"segment {index} (header at 0x{offset:x})"
        contents = file.take(segment.offset, segment.file_size, place)
        room -= segment.file_size
        if room < 0:
            raise file.error(f"{place}: segments share bytes of the file")
        if segment.file_size > segment.memory_size:
            raise file.error(f"{place}: it has more bytes in the file than in memory")
        if segment.address < end:
            raise file.error(f"{place}: it starts at 0x{segment.address:x}, but 0x{end:x} is next")
        end = segment.address + segment.memory_size
        if end > mask(64):
            raise file.error(f"{place}: it goes beyond the end of a 64-bit address space")
        flags = SegmentFlag(segment.flags)
        segments.append(
            Segment(
                segment.address,
                contents,
                segment.memory_size,
                SegmentFlag.WRITE in flags,
                SegmentFlag.EXECUTE in flags,
            )
        )
    return tuple(segments)


def _is_loaded(section: Section, segments: Sequence[Segment]) -> bool:
    """Return whether a segment sets up the section's memory with the section's contents."""
    before = bisect.bisect_right(segments, section.address, key=lambda found: found.address)
    if before == 0:
        return False
    segment = segments[before - 1]
    start = section.address - segment.address
    if start + section.size > segment.memory_size:
        return False
    if section.is_bss:
        return start >= len(segment.contents)
    return segment.contents[start : start + section.size] == section.contents
