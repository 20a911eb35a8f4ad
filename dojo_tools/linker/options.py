"""What a user may choose about a link, and the limits of a linker that reads untrusted files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dojo_tools.objects import Rectangle

MEMORY_SIZE = 0x140000
DEFAULT_STACK_SIZE = 0x4000
PROGRAMS_MAX = 64
"""How many programs one image may have."""
FILE_SIZE_MAX = 1 << 28
"""How many bytes an object or archive may have."""
LAYOUT_SIZE_MAX = 1 << 20
"""How many bytes a layout file may have."""


class Defsym(NamedTuple):
    """`--defsym name=base+offset`; without a base the offset is the value."""

    name: str
    base: str | None
    offset: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The nodes of a machine, those that do not work, and those that these cut off."""

    width: int
    height: int
    dead: frozenset[tuple[int, int]] = frozenset()
    cut_off: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """The choices; sizes in bytes.

    `entries` and `placements` are by the name of a program and replace what objects say.
    `stack_size` and `heap_size`, where given, replace `__stack_size` and `__heap_size`.
    """

    memory_size: int = MEMORY_SIZE
    entry: str = "_start"
    undefined: tuple[str, ...] = ()
    wrap: tuple[str, ...] = ()
    defsyms: tuple[Defsym, ...] = ()
    section_starts: Mapping[str, int] = field(default_factory=dict[str, int])
    gc_sections: bool = False
    stack_size: int | None = None
    heap_size: int | None = None
    grid: Grid | None = None
    entries: Mapping[str, str] = field(default_factory=dict[str, str])
    placements: Mapping[str, tuple[Rectangle, ...]] = field(
        default_factory=dict[str, tuple[Rectangle, ...]]
    )

    def entry_of(self, program: str | None) -> str:
        """Return the name of the symbol at which a program starts."""
        return self.entry if program is None else self.entries.get(program, self.entry)
