"""The limits of the linker, in one table: what is beyond one is an error."""

from dojo_tools.description.machine_file import SRAM_BYTES_MAX
from dojo_tools.description.machine_grid import GRID_SIDE_MAX
from dojo_tools.diagnostics import KEPT_MAX
from dojo_tools.linker.layout import MEMORY_START, SECTION_ALIGNMENT
from dojo_tools.linker.options import FILE_SIZE_MAX, LAYOUT_SIZE_MAX, MEMORY_SIZE, PROGRAMS_MAX
from dojo_tools.objects import RESOURCE_LIMITS
from dojo_tools.objects.archive import MEMBERS_MAX
from dojo_tools.objects.elf import RESERVED_INDEX
from dojo_tools.objects.programs import RECTANGLES_MAX


def limits() -> list[tuple[str, str]]:
    """Return what is limited and to how much, in words."""
    rows = [
        ("memory of a program", f"{MEMORY_SIZE:,} bytes from 0, or what `--machine` says"),
        ("memory that a machine may have", f"{SRAM_BYTES_MAX:,} bytes a node"),
        ("lowest address", f"0x{MEMORY_START:x}"),
        ("starts of sections", f"multiples of {SECTION_ALIGNMENT}"),
        ("size of an object or archive", f"{FILE_SIZE_MAX >> 20} MiB"),
        ("sections of an object or image", f"{RESERVED_INDEX - 1:,}"),
        ("members of an archive", f"{MEMBERS_MAX:,}"),
        ("programs of an image", f"{PROGRAMS_MAX}"),
        ("rectangles of one program", f"{RECTANGLES_MAX:,}"),
        ("columns and rows of a machine", f"{GRID_SIDE_MAX:,}"),
        ("size of a layout file", f"{LAYOUT_SIZE_MAX >> 20} MiB"),
    ]
    rows += [
        (f"{name.rpartition('.')[2]} of a program", f"{limit}")
        for name, limit in RESOURCE_LIMITS.items()
    ]
    return [*rows, ("errors kept", f"{KEPT_MAX:,}, then their count")]
