"""From words back to assembly that makes the same words: instructions, sections, whole files."""

from dojo_tools.disassembler.code import Line, Reference, disassemble
from dojo_tools.disassembler.format import format_instruction
from dojo_tools.disassembler.listing import list_code
from dojo_tools.disassembler.tables import (
    list_contents,
    list_relocations,
    list_sections,
    list_symbols,
)

__all__ = [
    "Line",
    "Reference",
    "disassemble",
    "format_instruction",
    "list_code",
    "list_contents",
    "list_relocations",
    "list_sections",
    "list_symbols",
]
