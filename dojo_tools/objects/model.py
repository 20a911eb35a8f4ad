"""What the assembler makes and the linker joins, and what a machine loads, free of ELF's layout.

An `ObjectFile` has no addresses yet: values and offsets count from the start of a section. An
`Image` is linked: values and offsets are addresses. Symbols name their section, so section names
are unique within a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from dojo_tools.bits import is_power_of_two
from dojo_tools.diagnostics import Source, Span

ABSOLUTE = "*ABS*"
"""The `section` of a symbol whose value is a number, not a place."""

COMMON = "*COM*"
"""The `section` of a symbol that the linker allots in `.bss`: its value is the alignment."""

RESOURCE_LIMITS: Mapping[str, int] = MappingProxyType(
    {".dojo.semaphores": 64, ".dojo.barriers": 16, ".dojo.biasregs": 16}
)
"""The sections whose symbols name resources that the linker numbers, and how many a node has.

Such a section is not allocated and has one zero byte a name; a symbol's value is its index in it.
"""

PROGRAM_STRIDE_BITS = 32
"""Addresses in an image are the number of the program, shifted by this, plus the SRAM offset."""

COORDINATE_BITS = 12
"""The width of a node's x and y, relative to the partition."""


class Binding(Enum):
    """Who sees a symbol; the values are ELF's."""

    LOCAL = 0
    GLOBAL = 1
    WEAK = 2


class SymbolKind(Enum):
    """What a symbol names; the values are ELF's.

    The last three, of which ELF says that they are the processor's, are those of images: in
    objects the section tells them apart.
    """

    NONE = 0
    OBJECT = 1
    FUNCTION = 2
    SEMAPHORE = 13
    BARRIER = 14
    BIAS_REGISTER = 15


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
        assert self.name not in (ABSOLUTE, COMMON)

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

    @property
    def span(self) -> Span:
        """The place in the source, whose text is not at hand."""
        return Span(Source(self.file, "", (self.line, self.column)), 0, 0)


@dataclass(frozen=True, slots=True)
class TensorType:
    """The element type and the shape of the values at a symbol, an index into `symbols`.

    `element` is as `formats.element_named` reads it: `f32`, `cfloat8_1_4_3(7)`. It may be made up.
    """

    symbol: int
    element: str
    shape: tuple[int, ...]


class Rectangle(NamedTuple):
    """Nodes of the partition: `width` x `height` from (x, y), the north-west one."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.x},{self.y} {self.width}x{self.height}"

    def overlap(self, other: "Rectangle") -> tuple[int, int] | None:
        """Return the north-west node that both have, or None."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        east = min(self.x + self.width, other.x + other.width)
        south = min(self.y + self.height, other.y + other.height)
        return (x, y) if x < east and y < south else None


@dataclass(frozen=True, slots=True)
class Program:
    """A program of an image: its name, its entry, and where it runs; nothing means everywhere.

    The entry is an address of the image: the program's number times 2^32, plus the SRAM offset.
    """

    name: str
    entry: int
    placement: tuple[Rectangle, ...] = ()


THREADS_MAX = 4
"""How many threads a node has."""

LANES_MAX = 64
INTERVAL_MAX = 1024


class Share(NamedTuple):
    """What a thread may issue: scalar instructions a cycle, and a vector one every `interval`.

    Without vector instructions `interval` is 0. What a machine has is another matter.
    """

    thread: int
    lanes: int
    interval: int = 0


@dataclass(frozen=True, slots=True)
class Threads:
    """How many threads a program runs on a node; a thread without a share gets an equal part."""

    count: int
    shares: tuple[Share, ...] = ()
    program: int = 0


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """A relocatable object.

    `program` is the name of the program that it is part of, and `placement` is where that runs;
    an object of no program is part of all. Read back, its local symbols come first and its
    relocations follow the order of the sections.
    """

    name: str
    sections: tuple[Section, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    relocations: tuple[Relocation, ...] = ()
    lines: tuple[LineEntry, ...] = ()
    tensors: tuple[TensorType, ...] = ()
    program: str | None = None
    placement: tuple[Rectangle, ...] = ()
    threads: Threads | None = None


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
    """A linked program, or several.

    Segments ascend and do not overlap. Each allocated section that is not empty is part of one.
    Without `programs` it is one program for every node. Addresses of program n are n * 2^32 plus
    the SRAM offset; `entry` is that of program 0. `threads` has the programs that state theirs.
    """

    name: str
    entry: int
    segments: tuple[Segment, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    lines: tuple[LineEntry, ...] = ()
    tensors: tuple[TensorType, ...] = ()
    sections: tuple[Section, ...] = ()
    programs: tuple[Program, ...] = ()
    threads: tuple[Threads, ...] = ()

    def threads_of(self, program: int) -> Threads:
        """Return the threads of a program by number: one where it states none."""
        found = (threads for threads in self.threads if threads.program == program)
        return next(found, Threads(1, program=program))
