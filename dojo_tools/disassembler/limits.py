"""The limits on what inspection reads and shows, from the constants that hold them."""

from collections.abc import Iterator

from dojo_tools.disassembler.programs import PICTURE_SIDE_MAX
from dojo_tools.disassembler.sources import SOURCE_SIZE_MAX, SOURCES_MAX, TRAIL_SHOWN_MAX
from dojo_tools.disassembler.tables import columns
from dojo_tools.objects.archive import MEMBERS_MAX
from dojo_tools.objects.dwarf.entries import EXPANSION_DEPTH_MAX
from dojo_tools.objects.elf import RESERVED_INDEX
from dojo_tools.objects.programs import PROGRAMS_MAX, RECTANGLES_MAX

LIMITS: tuple[tuple[str, int], ...] = (
    ("sections of an object or image", RESERVED_INDEX - 1),
    ("members of an archive", MEMBERS_MAX),
    ("programs of an image", PROGRAMS_MAX),
    ("rectangles of one program", RECTANGLES_MAX),
    ("nested macros in debug information", EXPANSION_DEPTH_MAX),
    ("bytes of a source shown by -S", SOURCE_SIZE_MAX),
    ("sources shown by -S", SOURCES_MAX),
    ("steps of a trail shown", TRAIL_SHOWN_MAX),
    ("width and height of a placement drawn", PICTURE_SIDE_MAX),
)
"""What is limited, and the greatest number allowed."""


def list_limits() -> Iterator[str]:
    """Yield the table of limits."""
    yield from columns(("limit", "at most"), [(name, f"{value:,}") for name, value in LIMITS])
