"""From words back to assembly that makes the same words: instructions, sections, whole files."""

from dojo_tools.disassembler.code import Line, Reference, disassemble
from dojo_tools.disassembler.document import document
from dojo_tools.disassembler.format import format_instruction
from dojo_tools.disassembler.limits import list_limits
from dojo_tools.disassembler.listing import list_code
from dojo_tools.disassembler.programs import list_placement, list_segments
from dojo_tools.disassembler.sources import Origins, Sources
from dojo_tools.disassembler.tables import (
    list_contents,
    list_relocations,
    list_sections,
    list_symbols,
)
from dojo_tools.disassembler.tensors import list_tensors

__all__ = [
    "Line",
    "Origins",
    "Reference",
    "Sources",
    "disassemble",
    "document",
    "format_instruction",
    "list_code",
    "list_contents",
    "list_limits",
    "list_placement",
    "list_relocations",
    "list_sections",
    "list_segments",
    "list_symbols",
    "list_tensors",
]
