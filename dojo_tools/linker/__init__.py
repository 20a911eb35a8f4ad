"""The linker: objects become an image with addresses. It never changes the size of code."""

from dojo_tools.linker.inputs import Archive, Input, assign, read_input
from dojo_tools.linker.layout import MEMORY_START, SECTION_ALIGNMENT
from dojo_tools.linker.link import Linked, link, link_files
from dojo_tools.linker.memory import list_memory
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
    "LinkOptions",
    "Linked",
    "assign",
    "link",
    "link_files",
    "list_memory",
    "read_input",
]
