"""Writing objects and images as ELF64; equal values give equal bytes.

Both are laid out alike: file header, program headers, contents, section headers. In an image the
contents of allocated sections are those of the segments and are stored once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.bits import align_up, extract, insert, to_unsigned
from dojo_tools.diagnostics import fail
from dojo_tools.objects.dwarf import debug_sections
from dojo_tools.objects.elf import (
    ABSOLUTE_INDEX,
    COMMON_INDEX,
    E_MACHINE,
    FILE_HEADER,
    IDENT,
    NOTE_NAME,
    PROGRAM_HEADER,
    RELOCATION,
    RESERVED_INDEX,
    SECTION_HEADER,
    SEGMENT_ALIGNMENT,
    SEGMENT_LOAD,
    SYMBOL,
    UNDEFINED_INDEX,
    FileHeader,
    FileType,
    ProgramHeader,
    SectionFlag,
    SectionHeader,
    SectionType,
    SegmentFlag,
)
from dojo_tools.objects.model import (
    ABSOLUTE,
    COMMON,
    Binding,
    Image,
    LineEntry,
    ObjectFile,
    Section,
    Segment,
    Symbol,
    TensorType,
    Threads,
)
from dojo_tools.objects.programs import encode_note, encode_program
from dojo_tools.objects.tables import encode_lines, encode_strings, encode_tensors
from dojo_tools.objects.threads import encode_threads

_NO_FLAGS = SectionFlag(0)


@dataclass(slots=True)
class _Part:
    """A section on its way into the file; `offset` is None until it has a place."""

    name: str
    type: SectionType
    flags: SectionFlag
    contents: bytes
    size: int
    alignment: int = 1
    address: int = 0
    link: int = 0
    info: int = 0
    entry_size: int = 0
    offset: int | None = None


def encode_object(object_file: ObjectFile) -> bytes:
    """Return a relocatable ELF file. Raises `InputError` for more sections than ELF can number."""
    positions = _symbol_positions(object_file.symbols)
    parts = _shared_parts(object_file, positions)
    parts += _relocation_parts(object_file, positions)
    if object_file.program is not None or object_file.placement:
        contents = encode_program(object_file.program, object_file.placement)
        parts.append(_table_part(".dojo.program", SectionType.DOJO_PROGRAM, contents))
    parts += _threads_part(() if object_file.threads is None else (object_file.threads,))
    return _encode_file(object_file.name, FileType.RELOCATABLE, 0, parts, ())


def encode_image(image: Image, debug: bool = True) -> bytes:
    """Return an executable ELF file, with DWARF where `debug` asks for it.

    Raises `InputError` for more sections than ELF can number.
    """
    parts = _shared_parts(image, _symbol_positions(image.symbols))
    if image.programs:
        note = encode_note(image.programs)
        parts.append(_table_part(NOTE_NAME, SectionType.NOTE, note))
        parts[-1].alignment = 4
    parts += _threads_part(image.threads)
    parts += [_content_part(section) for section in (debug_sections(image) if debug else ())]
    return _encode_file(image.name, FileType.EXECUTABLE, image.entry, parts, image.segments)


def _threads_part(stated: Sequence[Threads]) -> list[_Part]:
    if not stated:
        return []
    return [_table_part(".dojo.threads", SectionType.DOJO_THREADS, encode_threads(stated))]


def _symbol_positions(symbols: Sequence[Symbol]) -> dict[int, int]:
    """Map the index of each symbol to its place in `.symtab`: null symbol, locals, the rest."""
    indices = range(len(symbols))
    order = sorted(indices, key=lambda index: symbols[index].binding is not Binding.LOCAL)
    return {index: position for position, index in enumerate(order, start=1)}


def _shared_parts(source: ObjectFile | Image, positions: Mapping[int, int]) -> list[_Part]:
    """Return the parts that objects and images have alike: contents, symbols, our own tables."""
    parts = [_content_part(section) for section in source.sections]
    symbol_table = len(parts) + 1
    parts += _symbol_parts(source.sections, source.symbols, positions)
    parts += _own_parts(source.lines, source.tensors, positions, symbol_table)
    return parts


def _content_part(section: Section) -> _Part:
    flags = _NO_FLAGS
    flags |= SectionFlag.WRITE if section.writable else _NO_FLAGS
    flags |= SectionFlag.ALLOC if section.allocated else _NO_FLAGS
    flags |= SectionFlag.EXECUTE if section.executable else _NO_FLAGS
    kind = SectionType.NOBITS if section.is_bss else SectionType.PROGBITS
    return _Part(
        section.name,
        kind,
        flags,
        section.contents,
        section.size,
        section.alignment,
        section.address,
    )


def _symbol_parts(
    sections: Sequence[Section], symbols: Sequence[Symbol], positions: Mapping[int, int]
) -> list[_Part]:
    """Return `.symtab` and `.strtab`, which follow the content sections in this order."""
    section_indices: dict[str | None, int] = {
        None: UNDEFINED_INDEX,
        ABSOLUTE: ABSOLUTE_INDEX,
        COMMON: COMMON_INDEX,
    }
    section_indices |= {section.name: index for index, section in enumerate(sections, start=1)}
    assert len(section_indices) == len(sections) + 3, "section names are unique"
    names, offsets = _string_table([symbol.name for symbol in symbols])
    table = bytearray(SYMBOL.size)
    for index in positions:
        symbol = symbols[index]
        table += SYMBOL.pack(
            offsets[symbol.name],
            insert(symbol.kind.value, 7, 4, symbol.binding.value),
            symbol.visibility.value,
            section_indices[symbol.section],
            to_unsigned(symbol.value, 64),
            to_unsigned(symbol.size, 64),
        )
    symbol_table = _table_part(".symtab", SectionType.SYMTAB, bytes(table), SYMBOL.size)
    symbol_table.link = len(sections) + 2
    symbol_table.info = 1 + sum(symbol.binding is Binding.LOCAL for symbol in symbols)
    return [symbol_table, _table_part(".strtab", SectionType.STRTAB, names)]


def _relocation_parts(object_file: ObjectFile, positions: Mapping[int, int]) -> list[_Part]:
    tables = {section.name: bytearray() for section in object_file.sections}
    for relocation in object_file.relocations:
        tables[relocation.section] += RELOCATION.pack(
            relocation.offset, relocation.kind, positions[relocation.symbol], relocation.addend
        )
    parts: list[_Part] = []
    for index, (name, table) in enumerate(tables.items(), start=1):
        if table:
            part = _table_part(f".rela{name}", SectionType.RELA, bytes(table), RELOCATION.size)
            part.flags = SectionFlag.INFO_LINK
            part.link, part.info = len(tables) + 1, index
            parts.append(part)
    return parts


def _own_parts(
    lines: Sequence[LineEntry],
    tensors: Sequence[TensorType],
    positions: Mapping[int, int],
    symbol_table: int,
) -> list[_Part]:
    parts: list[_Part] = []
    if lines:
        parts.append(_table_part(".dojo.lines", SectionType.DOJO_LINES, encode_lines(lines)))
    if tensors:
        contents = encode_tensors(tensors, positions)
        parts.append(_table_part(".dojo.tensors", SectionType.DOJO_TENSORS, contents))
        parts[-1].link = symbol_table
    return parts


def _table_part(name: str, kind: SectionType, contents: bytes, entry_size: int = 0) -> _Part:
    alignment = 1 if kind is SectionType.STRTAB else 8
    return _Part(name, kind, _NO_FLAGS, contents, len(contents), alignment, entry_size=entry_size)


def _string_table(names: Sequence[str]) -> tuple[bytes, dict[str, int]]:
    """Return a SHT_STRTAB section and the offset of each name in it."""
    offsets = {"": 0}
    table = bytearray(b"\0")
    for name in names:
        if name not in offsets:
            offsets[name] = len(table)
            table += encode_strings([name])
    return bytes(table), offsets


def _encode_file(
    name: str, kind: FileType, entry: int, parts: list[_Part], segments: Sequence[Segment]
) -> bytes:
    parts.append(_table_part(".shstrtab", SectionType.STRTAB, b""))
    if len(parts) + 1 >= RESERVED_INDEX:
        raise fail(f"{name}: {len(parts) + 1} sections are more than ELF can number")
    names, name_offsets = _string_table([part.name for part in parts])
    parts[-1].contents, parts[-1].size = names, len(names)

    file = bytearray(FILE_HEADER.size + PROGRAM_HEADER.size * len(segments))
    program_headers = [_place_segment(file, segment, parts) for segment in segments]
    for part in parts:
        if part.offset is None:
            assert not segments or part.size == 0 or SectionFlag.ALLOC not in part.flags, part.name
            # Nothing asks for more in a file, and a section may ask for a huge alignment in memory.
            part.offset = _pad(file, min(part.alignment, SEGMENT_ALIGNMENT))
            file += part.contents
    header = FileHeader(
        ident=IDENT,
        type=kind,
        machine=E_MACHINE,
        version=1,
        entry=entry,
        program_offset=FILE_HEADER.size if segments else 0,
        section_offset=_pad(file, 8),
        flags=0,
        header_size=FILE_HEADER.size,
        program_entry_size=PROGRAM_HEADER.size if segments else 0,
        program_count=len(segments),
        section_entry_size=SECTION_HEADER.size,
        section_count=len(parts) + 1,
        names_index=len(parts),
    )
    start = FILE_HEADER.pack(*header) + b"".join(program_headers)
    file[: len(start)] = start
    file += bytes(SECTION_HEADER.size)
    for part in parts:
        file += SECTION_HEADER.pack(*_section_header(part, name_offsets[part.name]))
    return bytes(file)


def _place_segment(file: bytearray, segment: Segment, parts: Sequence[_Part]) -> bytes:
    """Append a segment, place the sections inside it, and return its program header."""
    # Offset and address agree modulo the alignment, as ELF asks.
    start = _pad(file, SEGMENT_ALIGNMENT)
    file += bytes(segment.address % SEGMENT_ALIGNMENT)
    offset = start + segment.address % SEGMENT_ALIGNMENT
    file += segment.contents
    for part in parts:
        inside = part.address - segment.address
        allocated = SectionFlag.ALLOC in part.flags and part.size > 0
        if allocated and inside >= 0 and inside + part.size <= segment.memory_size:
            contents = segment.contents[inside : inside + part.size]
            assert not contents if part.type is SectionType.NOBITS else contents == part.contents
            part.offset = offset + min(inside, len(segment.contents))
    flags = SegmentFlag.READ
    flags |= SegmentFlag.WRITE if segment.writable else SegmentFlag(0)
    flags |= SegmentFlag.EXECUTE if segment.executable else SegmentFlag(0)
    header = ProgramHeader(
        type=SEGMENT_LOAD,
        flags=flags,
        offset=offset,
        address=segment.address,
        physical_address=extract(segment.address, 31, 0),
        file_size=len(segment.contents),
        memory_size=segment.memory_size,
        alignment=SEGMENT_ALIGNMENT,
    )
    return PROGRAM_HEADER.pack(*header)


def _section_header(part: _Part, name: int) -> SectionHeader:
    assert part.offset is not None
    return SectionHeader(
        name=name,
        type=part.type,
        flags=part.flags,
        address=part.address,
        offset=part.offset,
        size=part.size,
        link=part.link,
        info=part.info,
        alignment=part.alignment,
        entry_size=part.entry_size,
    )


def _pad(file: bytearray, alignment: int) -> int:
    """Append zeros up to a multiple of `alignment` and return the offset reached."""
    file += bytes(align_up(len(file), alignment) - len(file))
    return len(file)
