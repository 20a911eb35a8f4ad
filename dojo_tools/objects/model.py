"""What the assembler makes and the linker joins, and what a machine loads, free of ELF's layout.

An `ObjectFile` has no addresses yet: values and offsets count from the start of a section. An
`Image` is linked: values and offsets are addresses. Symbols name their section, so section names
are unique within a file.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from dojo_tools.bits import is_power_of_two

ABSOLUTE = "*ABS*"
"""The `section` of a symbol whose value is a number, not a place."""


class Binding(Enum):
    """Who sees a symbol; the values are ELF's."""

    LOCAL = 0
    GLOBAL = 1
    WEAK = 2


class SymbolKind(Enum):
    """What a symbol names; the values are ELF's."""

    NONE = 0
    OBJECT = 1
    FUNCTION = 2


class Visibility(Enum):
    """Whether a global symbol is seen outside its program; the values are ELF's."""

    DEFAULT = 0
    HIDDEN = 2


@dataclass(frozen=True, slots=True)
class Section:
    """A run of bytes that stays together; one without bytes in the file reads as zeros (bss)."""

    name: str
    writable: bool
    executable: bool
    allocated: bool
    alignment: int
    contents: bytes
    size: int
    address: int = 0

    def __post_init__(self) -> None:
        assert not self.contents or len(self.contents) == self.size, self.name
        assert is_power_of_two(self.alignment), self.name
        assert self.name != ABSOLUTE

    @property
    def is_bss(self) -> bool:
        """Whether the section has a size but no bytes in the file."""
        return self.size > 0 and not self.contents


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name for a place or a number; `section` is None where another file defines it.

    `value` has 64 bits; a negative absolute one is read back as its two's complement.
    """

    name: str
    section: str | None
    value: int = 0
    size: int = 0
    binding: Binding = Binding.LOCAL
    kind: SymbolKind = SymbolKind.NONE
    visibility: Visibility = Visibility.DEFAULT


class Relocation(NamedTuple):
    """A field to fill in once addresses are known; `symbol` indexes `ObjectFile.symbols`."""

    section: str
    offset: int
    kind: int
    symbol: int
    addend: int = 0


class FrameKind(Enum):
    """How a line came into the program other than by standing in a source."""

    INCLUDE = 0
    EXPANSION = 1
    MACRO = 2


class Frame(NamedTuple):
    """One step of the way to a line: what was included or expanded, and where."""

    kind: FrameKind
    name: str
    file: str
    line: int
    column: int

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        match self.kind:
            case FrameKind.INCLUDE:
                return f"included from {place}"
            case FrameKind.EXPANSION:
                return f"in expansion of `{self.name}`"
            case FrameKind.MACRO:
                return f"in expansion of macro `{self.name}` at {place}"


class LineEntry(NamedTuple):
    """The source line of bytes [offset, offset + size); `trail`, innermost first, leads to it."""

    section: str
    offset: int
    size: int
    file: str
    line: int
    column: int
    trail: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorType:
    """The element type and the shape of the values at a symbol, an index into `symbols`."""

    symbol: int
    element: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """A relocatable object.

    Read back, its local symbols come first and its relocations follow the order of the sections.
    """

    name: str
    sections: tuple[Section, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    lines: tuple[LineEntry, ...] = ()
    tensors: tuple[TensorType, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """Memory to set up before a program starts: contents, then zeros up to `memory_size`."""

    address: int
    contents: bytes
    memory_size: int
    writable: bool
    executable: bool

    def __post_init__(self) -> None:
        assert len(self.contents) <= self.memory_size


@dataclass(frozen=True, slots=True)
class Image:
    """A linked program.

    Segments ascend and do not overlap. Each allocated section that is not empty is part of one.
    """

    name: str
    entry: int
    segments: tuple[Segment, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    lines: tuple[LineEntry, ...] = ()
    tensors: tuple[TensorType, ...] = ()
    sections: tuple[Section, ...] = ()
