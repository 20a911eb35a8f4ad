"""The records and numbers of ELF64, little-endian, as the System V ABI lays them out."""

import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

E_MACHINE = 0x3144
"""The machine number: "D1" in the file's bytes; in no public list, and below 0x8000 for `file`."""

MAGIC = b"\x7fELF"
IDENT = MAGIC + bytes([2, 1, 1]) + bytes(9)
"""64 bits, little-endian, version 1, no operating system."""

FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QIIq")
"""r_offset; r_info as its two halves, type and symbol; r_addend."""

UNDEFINED_INDEX = 0
RESERVED_INDEX = 0xFF00
ABSOLUTE_INDEX = 0xFFF1
COMMON_INDEX = 0xFFF2
SYMBOL_KIND_SECTION = 3
SYMBOL_KIND_FILE = 4
SEGMENT_ALIGNMENT = 64
SEGMENT_LOAD = 1
NOTE_NAME = ".note.dojo"
NOTE_OWNER = b"Dojo\0"
NOTE_PROGRAMS = 1
"""The type of the note that lists the programs of an image."""


class FileType(IntEnum):
    """e_type."""

    RELOCATABLE = 1
    EXECUTABLE = 2


class SectionType(IntEnum):
    """sh_type. Those of our own lie where ELF leaves room for applications."""

    NULL = 0
    PROGBITS = 1
    SYMTAB = 2
    STRTAB = 3
    RELA = 4
    NOTE = 7
    NOBITS = 8
    DOJO_LINES = 0x8000_0001
    DOJO_TENSORS = 0x8000_0002
    DOJO_PROGRAM = 0x8000_0003
    DOJO_THREADS = 0x8000_0004


class SectionFlag(IntFlag):
    """sh_flags."""

    WRITE = 0x1
    ALLOC = 0x2
    EXECUTE = 0x4
    MERGE = 0x10
    STRINGS = 0x20
    INFO_LINK = 0x40


class SegmentFlag(IntFlag):
    """p_flags."""

    EXECUTE = 1
    WRITE = 2
    READ = 4


class FileHeader(NamedTuple):
    """Elf64_Ehdr."""

    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    program_offset: int
    section_offset: int
    flags: int
    header_size: int
    program_entry_size: int
    program_count: int
    section_entry_size: int
    section_count: int
    names_index: int


class ProgramHeader(NamedTuple):
    """Elf64_Phdr."""

    type: int
    flags: int
    offset: int
    address: int
    physical_address: int
    file_size: int
    memory_size: int
    alignment: int


class SectionHeader(NamedTuple):
    """Elf64_Shdr."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int
