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
