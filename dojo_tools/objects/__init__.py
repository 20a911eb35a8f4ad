"""Objects and images as values, and their readers and writers: ELF64, little-endian."""

from dojo_tools.objects.archive import Member, is_archive, read_archive
from dojo_tools.objects.dwarf import debug_sections
from dojo_tools.objects.elf import E_MACHINE
from dojo_tools.objects.files import save_image, save_object, write_atomically
from dojo_tools.objects.model import (
    ABSOLUTE,
    COMMON,
    COORDINATE_BITS,
    PROGRAM_STRIDE_BITS,
    RESOURCE_LIMITS,
    Binding,
    Frame,
    FrameKind,
    Image,
    LineEntry,
    ObjectFile,
    Program,
    Rectangle,
    Relocation,
    Section,
    Segment,
    Symbol,
    SymbolKind,
    TensorType,
    Visibility,
)
from dojo_tools.objects.reader import read_elf, read_image, read_object
from dojo_tools.objects.writer import encode_image, encode_object

__all__ = [
    "ABSOLUTE",
    "COMMON",
    "COORDINATE_BITS",
    "E_MACHINE",
    "PROGRAM_STRIDE_BITS",
    "RESOURCE_LIMITS",
    "Binding",
    "Frame",
    "FrameKind",
    "Image",
    "LineEntry",
    "Member",
    "ObjectFile",
    "Program",
    "Rectangle",
    "Relocation",
    "Section",
    "Segment",
    "Symbol",
    "SymbolKind",
    "TensorType",
    "Visibility",
    "debug_sections",
    "encode_image",
    "encode_object",
    "is_archive",
    "read_archive",
    "read_elf",
    "read_image",
    "read_object",
    "save_image",
    "save_object",
    "write_atomically",
]
