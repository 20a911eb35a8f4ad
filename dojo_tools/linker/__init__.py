"""The linker: objects become an image with addresses. It never changes the size of code."""

from dojo_tools.linker.layout import MEMORY_START, SECTION_ALIGNMENT
from dojo_tools.linker.link import DEFAULT_STACK_SIZE, MEMORY_SIZE, link

__all__ = ["DEFAULT_STACK_SIZE", "MEMORY_SIZE", "MEMORY_START", "SECTION_ALIGNMENT", "link"]
