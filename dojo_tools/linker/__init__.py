"""The linker: objects become an image with addresses. It never changes the size of code."""

from dojo_tools.linker.arguments import (
    parse_defsym,
    parse_number,
    parse_placement,
    parse_program,
    parse_rectangle,
    parse_start,
)
from dojo_tools.linker.inputs import Archive, Input, assign, read_input
from dojo_tools.linker.layout import MEMORY_START, SECTION_ALIGNMENT
from dojo_tools.linker.layout_file import LayoutFile, LayoutProgram, load_layout_file
from dojo_tools.linker.limits import limits
from dojo_tools.linker.link import Linked, link, link_files
from dojo_tools.linker.load import load_file, load_input
from dojo_tools.linker.map import list_dropped, list_map
from dojo_tools.linker.memory import list_memory
from dojo_tools.linker.merge import merge_files
from dojo_tools.linker.options import (
    DEFAULT_STACK_SIZE,
    MEMORY_SIZE,
    PROGRAMS_MAX,
    Defsym,
    Grid,
    LinkOptions,
)

__all__ = [
    "DEFAULT_STACK_SIZE",
    "MEMORY_SIZE",
    "MEMORY_START",
    "PROGRAMS_MAX",
    "SECTION_ALIGNMENT",
    "Archive",
    "Defsym",
    "Grid",
    "Input",
    "LayoutFile",
    "LayoutProgram",
    "LinkOptions",
    "Linked",
    "assign",
    "limits",
    "link",
    "link_files",
    "list_dropped",
    "list_map",
    "list_memory",
    "load_file",
    "load_input",
    "load_layout_file",
    "merge_files",
    "parse_defsym",
    "parse_number",
    "parse_placement",
    "parse_program",
    "parse_rectangle",
    "parse_start",
    "read_input",
]
