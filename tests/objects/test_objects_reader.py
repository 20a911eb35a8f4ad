"""Hostile bytes give an `InputError` that says what and where, or a valid value; nothing else."""

import random
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest

from dojo_tools.diagnostics import InputError
from dojo_tools.objects import (
    Frame,
    FrameKind,
    Image,
    LineEntry,
    ObjectFile,
    Program,
    Rectangle,
    Section,
    Symbol,
    encode_image,
    encode_object,
    read_elf,
    read_image,
    read_object,
)
from dojo_tools.objects.elf import FILE_HEADER, SECTION_HEADER, SYMBOL, SectionHeader
from dojo_tools.objects.input import Input
from dojo_tools.objects.programs import encode_note, encode_program, read_note, read_program
from dojo_tools.objects.tables import read_lines


def read_or_refuse(contents: bytes) -> bool:
    """Return whether the bytes were read; then they can also be written and read again."""
    try:
        found = read_elf(contents, "x")
    except InputError:
        return False
    if isinstance(found, Image):
        encode_image(found)
    else:
        assert read_elf(encode_object(found), "x") is not None
    return True


def patched(contents: bytes, offset: int, layout: str, value: int) -> bytes:
    changed = bytearray(contents)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


def section_offset(contents: bytes, index: int) -> int:
    table = struct.unpack_from("<Q", contents, 40)[0]
    return table + index * SECTION_HEADER.size


def test_every_truncation_is_refused(sample_object: ObjectFile, sample_image: Image) -> None:
    for contents in (encode_object(sample_object), encode_image(sample_image)):
        assert read_or_refuse(contents)
        for length in range(len(contents)):
            assert not read_or_refuse(contents[:length])


@pytest.mark.parametrize("kind", ["object", "image"])
def test_random_mutations(kind: str, sample_object: ObjectFile, sample_image: Image) -> None:
    contents = encode_object(sample_object) if kind == "object" else encode_image(sample_image)
    interesting = bytes([0, 1, 2, 3, 0x7F, 0x80, 0xFF])
    generator = random.Random(20261122)
    started = time.monotonic()
    for _ in range(2000):
        changed = bytearray(contents)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(len(changed))
            some_byte = generator.choice(interesting)
            changed[at] = generator.choice([some_byte, generator.randrange(256)])
        read_or_refuse(bytes(changed))
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (0, "<B", 0, "not an ELF file: it starts with the bytes 00 45 4c 46"),
        (5, "<B", 2, "e_ident"),
        (16, "<H", 3, "e_type is 3"),
        (18, "<H", 62, "made for machine 0x3e"),
        (20, "<I", 2, "e_version is 2, expected 1"),
        (40, "<Q", 2**64 - 1, "section headers takes the bytes"),
        (48, "<I", 1, "e_flags is 1"),
        (58, "<H", 40, "e_shentsize is 40, expected 64"),
        (62, "<H", 1, "e_shstrndx is 1, which is no string table"),
    ],
)
def test_file_header(
    offset: int, layout: str, value: int, message: str, sample_object: ObjectFile
) -> None:
    with pytest.raises(InputError, match=message):
        read_elf(patched(encode_object(sample_object), offset, layout, value), "x.o")


@pytest.mark.parametrize(
    ("index", "offset", "layout", "value", "message"),
    [
        (1, 0, "<I", 9999, "name of section 1 at offset 0x270f does not end"),
        (1, 4, "<I", 9, r"section 1 `.text` \(header at 0x[0-9a-f]+\): its type 0x9"),
        (1, 8, "<Q", 0x800, "its flags 0x800 are not all known"),
        (1, 16, "<Q", 4, "have addresses already"),
        (1, 32, "<Q", 2**40, "`.text` .* takes the bytes"),
        (1, 48, "<Q", 3, "its alignment 3 is not a power of two"),
        (2, 0, "<I", 1, "its name is taken"),
        (3, 8, "<Q", 1, "neither contents nor a place in memory"),
        (6, 40, "<I", 0, "is in section 0|are in section 0"),
        (6, 44, "<I", 1, "symbol 1 `loop` can't be used: locals come before"),
        (6, 56, "<Q", 16, "in entries of 16, expected entries of 24"),
        (10, 40, "<I", 1, "is not the symbol table"),
        (10, 44, "<I", 3, "it relocates section 3, without contents"),
    ],
)
def test_section_header(
    index: int, offset: int, layout: str, value: int, message: str, sample_object: ObjectFile
) -> None:
    contents = encode_object(sample_object)
    at = section_offset(contents, index) + offset
    with pytest.raises(InputError, match=message):
        read_elf(patched(contents, at, layout, value), "x.o")


@pytest.mark.parametrize(
    ("index", "offset", "layout", "value", "message"),
    [
        (6, 24, "<I", 5000, "name of symbol 1 at offset 0x1388"),
        (6, 28, "<B", 6, "symbol 1 `loop` can't be used: st_info 0x6"),
        (6, 30, "<H", 6, "no contents section 6"),
        (6, 30, "<H", 0xFFF2, "a common symbol, alignment 4, has no place here"),
        (6, 24 * 7 + 8, "<Q", 48, "a common symbol, alignment 48"),
        (7, 1, "<B", 0xFF, "is not UTF-8"),
        (8, 0, "<I", 2, "version 2 of the table"),
        (8, 4, "<I", 2**32 - 1, "entries do not fit"),
        (8, 16, "<Q", 15, r"entry 0 covers \[0xf, 0x13\), outside its section"),
        (8, 32, "<I", 99, "entry 0 names a string or trail that is not there"),
        (9, 16, "<I", 8, "entry 0 names a symbol"),
        (9, 24, "<I", 2**32 - 1, "extents, more than the table holds"),
        (10, 0, "<Q", 16, "relocation 0 at 0x10 lies outside `.text` of 0x10 bytes"),
        (10, 12, "<I", 8, "relocation 0 names symbol 8 of 7"),
        (10, 12, "<I", 0, "relocation 0 names symbol 0 of 7"),
    ],
)
def test_tables(
    index: int, offset: int, layout: str, value: int, message: str, sample_object: ObjectFile
) -> None:
    contents = encode_object(sample_object)
    start = SectionHeader._make(
        SECTION_HEADER.unpack_from(contents, section_offset(contents, index))
    ).offset
    with pytest.raises(InputError, match=message):
        read_elf(patched(contents, start + offset, layout, value), "x.o")


@pytest.mark.parametrize(
    ("index", "offset", "value", "message"),
    [
        (1, 16, 0x80, "segment 1 .*: it starts at 0x80, but 0x108 is next"),
        (0, 40, 4, "more bytes in the file than in memory"),
        (1, 40, 2**64 - 1, "end of a 64-bit address space"),
        (1, 8, 2**63, "segment 1 .* takes the bytes"),
        (0, 8, 0, "contents of section `.text` are not those of a segment"),
    ],
)
def test_program_headers(
    index: int, offset: int, value: int, message: str, sample_image: Image
) -> None:
    at = FILE_HEADER.size + index * 56 + offset
    with pytest.raises(InputError, match=message):
        read_elf(patched(encode_image(sample_image), at, "<Q", value), "x")


def test_object_and_image_are_not_confused(sample_object: ObjectFile, sample_image: Image) -> None:
    with pytest.raises(InputError, match="not a relocatable object"):
        read_object(encode_image(sample_image), "x")
    with pytest.raises(InputError, match="not a linked image"):
        read_image(encode_object(sample_object), "x")


def test_terminal_escapes_in_names_are_not_shown() -> None:
    section = Section("\x1b[2J", False, False, True, 1, b"a", 1)
    contents = encode_object(ObjectFile("x.o", (section,)))
    with pytest.raises(InputError) as caught:
        read_elf(patched(contents, section_offset(contents, 1) + 48, "<Q", 3), "x.o")
    assert "`\\u{1b}[2J`" in str(caught.value)


def repeated_section(section: Section) -> bytes:
    """Return a file of 40,000 headers of one section."""
    contents = encode_object(ObjectFile("x", (section,)))
    table = section_offset(contents, 0)
    header = contents[table + SECTION_HEADER.size : table + 2 * SECTION_HEADER.size]
    contents += header * 40_000
    return patched(contents, 60, "<H", (len(contents) - table) // SECTION_HEADER.size)


def hostile_shared_sections() -> bytes:
    """Return 40,000 sections that all claim the same 60,000 bytes."""
    return repeated_section(Section("a", False, False, True, 1, bytes(60_000), 60_000))


def hostile_shared_name() -> bytes:
    """Return 40,000 sections of one very long name."""
    return repeated_section(Section("n" * 200_000, False, False, True, 1, b"", 0))


def hostile_shared_names() -> bytes:
    """Return 20,000 symbols whose names all reach to the end of one long string."""
    contents = encode_object(
        ObjectFile("x", symbols=(Symbol("n" * 200_000, None), *[Symbol("", None)] * 20_000))
    )
    start = SectionHeader._make(
        SECTION_HEADER.unpack_from(contents, section_offset(contents, 1))
    ).offset
    changed = bytearray(contents)
    for index in range(20_000):
        struct.pack_into("<I", changed, start + (index + 1) * SYMBOL.size, index + 1)
    return bytes(changed)


@pytest.mark.parametrize(
    "make", [hostile_shared_sections, hostile_shared_name, hostile_shared_names]
)
def test_overlap_does_not_multiply_memory(make: Callable[[], bytes]) -> None:
    contents = make()
    tracemalloc.start()
    with pytest.raises(InputError):
        read_elf(contents, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * len(contents)


def test_trails_are_counted_off() -> None:
    lines = (
        LineEntry(
            "s",
            0,
            1,
            "f",
            1,
            1,
            (Frame(FrameKind.MACRO, "m", "f", 9, 3), Frame(FrameKind.INCLUDE, "", "g", 1, 1)),
        ),
        LineEntry("s", 1, 1, "f", 2, 1, (Frame(FrameKind.INCLUDE, "", "g", 1, 1),)),
    )
    from_table = ObjectFile("x", (Section("s", False, False, True, 1, b"ab", 2),), lines=lines)
    assert read_object(encode_object(from_table), "x").lines == lines
    with pytest.raises(InputError, match="trail 0 has 1 frames"):
        read_lines(Input("t", struct.pack("<4I", 1, 0, 4, 0) + struct.pack("<I", 1)), {})


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (0, "<I", 2, "version 2 is not known"),
        (4, "<I", 0, "do not make"),
        (8, "<I", 2**32 - 1, "4294967295 rectangles, at most 4096"),
        (8, "<I", 3, "3 rectangles takes the bytes"),
        (12, "<I", 2**32 - 1, "do not make"),
        (16, "<I", 4096, "no nodes can stand at 4096,0 4x2"),
        (24, "<I", 0, "no nodes can stand at 0,0 0x2"),
        (48, "<B", 0xFF, "is not UTF-8"),
    ],
)
def test_program_of_an_object(
    offset: int, layout: str, value: int, message: str, sample_object: ObjectFile
) -> None:
    contents = bytearray(encode_program(sample_object.program, sample_object.placement))
    struct.pack_into(layout, contents, offset, value)
    with pytest.raises(InputError, match=message):
        read_program(Input("x", bytes(contents)))


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (0, "<I", 4, "a note of type 1 that is not ours"),
        (4, "<I", 2**32 - 1, "a descriptor of 4294967295 bytes"),
        (8, "<I", 2, "a note of type 2"),
        (12, "<B", 0, "not ours"),
        (20, "<I", 2, "version 2 is not known"),
        (24, "<I", 0, "0 programs"),
        (24, "<I", 2**32 - 1, "4294967295 programs"),
        (24, "<I", 1, "bytes are left over"),
        (28, "<Q", 0x104 + (1 << 32), "which is not its own"),
        (28, "<Q", 0x108, "program 0 starts at 0x108, the image at 0x104"),
        (36, "<I", 2**32 - 1, "the name of program 0 takes the bytes"),
        (40, "<I", 0, "takes the bytes|no nodes can stand"),
    ],
)
def test_note_of_an_image(
    offset: int, layout: str, value: int, message: str, sample_image: Image
) -> None:
    contents = bytearray(encode_note(sample_image.programs))
    struct.pack_into(layout, contents, offset, value)
    with pytest.raises(InputError, match=message):
        read_note(Input("x", bytes(contents)), sample_image.entry)


def test_programs_of_an_image_are_told_apart() -> None:
    place = (Rectangle(0, 0, 1, 1),)
    same = encode_note([Program("a", 0, place), Program("a", 1 << 32, place)])
    with pytest.raises(InputError, match="two programs are called `a`"):
        read_note(Input("x", same), 0)
    nowhere = encode_note([Program("a", 0, place), Program("b", 1 << 32)])
    with pytest.raises(InputError, match="program `b` is placed nowhere"):
        read_note(Input("x", nowhere), 0)
