"""One object that uses everything, and the image of a small program."""

import pytest

from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    Binding,
    Frame,
    FrameKind,
    Image,
    LineEntry,
    ObjectFile,
    Program,
    Rectangle,
    Relocation,
    Section,
    Segment,
    Symbol,
    SymbolKind,
    TensorType,
    Visibility,
)


@pytest.fixture
def sample_object() -> ObjectFile:
    return ObjectFile(
        "sample.o",
        sections=(
            Section(".text", False, True, True, 64, bytes(range(16)), 16),
            Section(".data", True, False, True, 8, bytes(24), 24),
            Section(".bss", True, False, True, 64, b"", 1 << 40),
            Section(".comment", False, False, False, 1, b"x", 1),
            Section("empty", False, False, True, 1, b"", 0),
        ),
        symbols=(
            Symbol("loop", ".text", 4),
            Symbol("größe 行列", ".data", 8, 8, Binding.LOCAL, SymbolKind.OBJECT),
            Symbol("_start", ".text", 0, 16, Binding.GLOBAL, SymbolKind.FUNCTION),
            Symbol("printed", None, 0, 0, Binding.GLOBAL),
            Symbol("perhaps", None, 0, 0, Binding.WEAK, visibility=Visibility.HIDDEN),
            Symbol("limit", ABSOLUTE, 2**64 - 1, 0, Binding.GLOBAL),
            Symbol("pool", COMMON, 64, 1 << 40, Binding.GLOBAL, SymbolKind.OBJECT),
        ),
        relocations=(
            Relocation(".text", 4, 1, 3, 0),
            Relocation(".text", 8, 7, 0, -4),
            Relocation(".data", 8, 2, 1, 2**63 - 1),
        ),
        lines=(
            LineEntry(".text", 0, 4, "a.s", 1, 1),
            LineEntry(
                ".text",
                4,
                4,
                "b/ü.s",
                2,
                5,
                (
                    Frame(FrameKind.MACRO, "twice", "a.s", 9, 3),
                    Frame(FrameKind.INCLUDE, "", "a.s", 1, 1),
                ),
            ),
            LineEntry(".text", 8, 8, "a.s", 3, 5, (Frame(FrameKind.INCLUDE, "", "a.s", 1, 1),)),
        ),
        tensors=(TensorType(1, "float", (2, 3)), TensorType(3, "bf16", ())),
        program="Knoten 行列",
        placement=(Rectangle(0, 0, 4, 2), Rectangle(4095, 4095, 1, 1)),
    )


@pytest.fixture
def sample_image() -> Image:
    code = bytes(range(8))
    return Image(
        "sample",
        entry=0x104,
        segments=(
            Segment(0x100, code, 8, False, True),
            Segment(0x144, b"abcd", 0x1000, True, False),
            Segment((1 << 32) + 0x100, code, 8, False, True),
        ),
        symbols=(Symbol("_start", ".text", 0x104, 4, Binding.GLOBAL, SymbolKind.FUNCTION),),
        lines=(LineEntry(".text", 0x104, 4, "a.s", 3, 1),),
        tensors=(TensorType(0, "byte", (4,)),),
        sections=(
            Section(".text", False, True, True, 64, code, 8, 0x100),
            Section(".data", True, False, True, 4, b"abcd", 4, 0x144),
            Section(".bss", True, False, True, 64, b"", 0x100, 0x180),
            Section("empty", True, False, True, 64, b"", 0, 0x180),
            Section(".text@worker", False, True, True, 64, code, 8, (1 << 32) + 0x100),
        ),
        programs=(
            Program("start", 0x104, (Rectangle(0, 0, 1, 1),)),
            Program("worker", (1 << 32) + 0x100, (Rectangle(1, 0, 3, 1), Rectangle(0, 1, 4, 3))),
        ),
    )


SECOND_PROGRAM = 1 << 32

OUTER = Frame(FrameKind.MACRO, "outer", "main.s", 12, 5)
INNER = Frame(FrameKind.MACRO, "inner", "lib/macros.s", 7, 9)
AGAIN = Frame(FrameKind.MACRO, "outer", "main.s", 13, 5)
INCLUDED = Frame(FrameKind.INCLUDE, "", "main.s", 2, 1)
SHORT = Frame(FrameKind.EXPANSION, "li", "other.s", 4, 9)


def traced_lines(base: int) -> tuple[LineEntry, ...]:
    """Return the lines of one program."""
    lines = [
        (0x100, 4, "main.s", 10, 5, ()),
        (0x104, 4, "lib/macros.s", 3, 9, (INNER, OUTER)),
        (0x108, 8, "lib/macros.s", 4, 9, (INNER, OUTER)),
        (0x110, 4, "lib/macros.s", 8, 9, (OUTER,)),
        (0x114, 4, "lib/macros.s", 3, 9, (INNER, AGAIN)),
        (0x118, 4, "main.s", 14, 5, ()),
        (0x11C, 4, "lib/code.s", 5, 5, (INCLUDED,)),
        (0x120, 2, "lib/code.s", 6, 5, (INCLUDED,)),
        (0x122, 2, "lib/code.s", 900, 5, (INCLUDED,)),
        (0x140, 8, "other.s", 4, 9, (SHORT,)),
        (0x148, 4, "other.s", 5, 9, ()),
    ]
    code = [LineEntry(f".text{base or ''}", base + line[0], *line[1:]) for line in lines]
    data = LineEntry(f".data{base or ''}", base + 0x180, 24, "main.s", 20, 9)
    return (*code, data)


def traced_program(base: int) -> tuple[tuple[Section, ...], tuple[Segment, ...]]:
    code, data = bytes(range(0x4C)), bytes(24)
    text, variables = f".text{base or ''}", f".data{base or ''}"
    sections = (
        Section(text, False, True, True, 64, code, len(code), base + 0x100),
        Section(variables, True, False, True, 64, data, len(data), base + 0x180),
    )
    segments = (
        Segment(base + 0x100, code, len(code), False, True),
        Segment(base + 0x180, data, len(data), True, False),
    )
    return sections, segments


def traced_symbols(base: int) -> tuple[Symbol, ...]:
    text, variables = f".text{base or ''}", f".data{base or ''}"
    return (
        Symbol("loop", text, base + 0x110),
        Symbol("table", variables, base + 0x180, 16, Binding.LOCAL, SymbolKind.OBJECT),
        Symbol("scale", variables, base + 0x190, 4, Binding.LOCAL, SymbolKind.OBJECT),
        Symbol("plain", variables, base + 0x194),
        Symbol(f"_start{base or ''}", text, base + 0x100, 0, Binding.GLOBAL),
        Symbol(f"helper{base or ''}", text, base + 0x118, 8, Binding.GLOBAL, SymbolKind.FUNCTION),
        Symbol(f"entry{base or ''}", text, base + 0x11C, 0, Binding.GLOBAL),
    )


@pytest.fixture
def traced_image() -> Image:
    """An image of two programs, the second of which is the first one again under other names.

    Its lines come from macros and includes.
    """
    parts = [traced_program(base) for base in (0, SECOND_PROGRAM)]
    symbols = (*traced_symbols(0), *traced_symbols(SECOND_PROGRAM))
    ordered = sorted(symbols, key=lambda symbol: symbol.binding is not Binding.LOCAL)
    tables = [i for i, symbol in enumerate(ordered) if symbol.name == "table"]
    scales = [i for i, symbol in enumerate(ordered) if symbol.name == "scale"]
    return Image(
        "traced",
        0x100,
        segments=tuple(segment for _, segments in parts for segment in segments),
        symbols=tuple(ordered),
        lines=(*traced_lines(0), *traced_lines(SECOND_PROGRAM)),
        tensors=(
            *(TensorType(index, "bf16", (2, 4)) for index in tables),
            *(TensorType(index, "i32", ()) for index in scales),
        ),
        sections=tuple(section for sections, _ in parts for section in sections),
    )
