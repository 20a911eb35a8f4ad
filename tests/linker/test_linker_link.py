"""Objects become an image: order, addresses, symbols, fields, and every way to go wrong."""

import struct
from collections.abc import Mapping, Sequence

import pytest

from dojo_tools.description import RelocationKind
from dojo_tools.diagnostics import InputError
from dojo_tools.linker import MEMORY_SIZE, link
from dojo_tools.objects import (
    ABSOLUTE,
    Binding,
    Frame,
    FrameKind,
    Image,
    LineEntry,
    ObjectFile,
    Relocation,
    Section,
    Symbol,
    SymbolKind,
    TensorType,
    encode_image,
    read_image,
)

Kinds = Mapping[int, RelocationKind]


def text(size: int = 8, alignment: int = 4, name: str = ".text") -> Section:
    return Section(name, False, True, True, alignment, bytes([0xAA]) * size, size)


def data(contents: bytes = bytes(8), alignment: int = 8, name: str = ".data") -> Section:
    return Section(name, True, False, True, alignment, contents, len(contents))


def read_only(contents: bytes, alignment: int = 1) -> Section:
    return Section(".rodata", False, False, True, alignment, contents, len(contents))


def bss(size: int, alignment: int = 8, name: str = ".bss") -> Section:
    return Section(name, True, False, True, alignment, b"", size)


def shared(name: str, section: str | None = ".text", value: int = 0, size: int = 0) -> Symbol:
    return Symbol(name, section, value, size, Binding.GLOBAL)


def weak(name: str, section: str | None = ".text", value: int = 0) -> Symbol:
    return Symbol(name, section, value, 0, Binding.WEAK)


START = ObjectFile("start.o", (text(),), (shared("_start"),))
START_AGAIN = ObjectFile("again.o", (text(),))


def values(image: Image) -> dict[str, int]:
    return {symbol.name: symbol.value for symbol in image.symbols}


def section(image: Image, name: str) -> Section:
    return next(section for section in image.sections if section.name == name)


def errors(objects: Sequence[ObjectFile], kinds: Kinds, **options: int | str) -> list[str]:
    """Return the messages of a link that fails, notes and hints included."""
    with pytest.raises(InputError) as caught:
        link(objects, kinds, **options)  # pyright: ignore[reportArgumentType] (a test's options)
    return [
        "\n".join(
            [
                f"{d.span}: " * bool(d.span) + d.message,
                *(note.message for note in d.notes),
                f"hint: {d.hint}",
            ]
        )
        for d in caught.value.diagnostics
    ]


def test_order_alignment_and_merging(kinds: Kinds) -> None:
    first = ObjectFile(
        "a.o",
        (bss(10), data(b"\1" * 3), read_only(b"r"), text(4, name=".init"), text(4)),
        (shared("_start", ".text", 0),),
    )
    second = ObjectFile("b.o", (text(8, alignment=16), data(b"\2", alignment=256), bss(4)))
    image = link([first, second], kinds)
    found = [(section.name, section.address, section.size) for section in image.sections]
    assert found == [
        (".text", 0x100, 24),
        (".init", 0x140, 4),
        (".rodata", 0x180, 1),
        (".data", 0x200, 257),
        (".bss", 0x340, 20),
    ]
    assert section(image, ".text").contents == b"\xaa" * 4 + bytes(12) + b"\xaa" * 8
    assert section(image, ".data").contents == b"\1" * 3 + bytes(253) + b"\2"
    assert [(s.address, len(s.contents), s.memory_size) for s in image.segments] == [
        (0x100, 0x44, 0x44),
        (0x180, 1, 1),
        (0x200, 257, 0x154),
    ]
    assert [(s.writable, s.executable) for s in image.segments] == [
        (False, True),
        (False, False),
        (True, False),
    ]
    own = values(image)
    assert (own["__text_start"], own["__text_end"]) == (0x100, 0x144)
    assert (own["__data_start"], own["__data_end"]) == (0x200, 0x301)
    assert (own["__bss_start"], own["__bss_end"]) == (0x340, 0x354)
    assert own["__heap_start"] == 0x380


def test_a_section_of_bytes_and_zeros_has_bytes(kinds: Kinds) -> None:
    mixed = ObjectFile("m.o", (bss(4, name=".data"),))
    image = link([START, mixed, ObjectFile("n.o", (data(b"\7"),))], kinds)
    assert section(image, ".data").contents == bytes(8) + b"\7"


def test_stack_symbols(kinds: Kinds) -> None:
    own = values(link([START], kinds))
    assert own["__stack_size"] == 0x4000
    assert own["__stack_top"] == own["__stack_top_0"] == MEMORY_SIZE
    assert own["__stack_top_3"] == MEMORY_SIZE - 3 * 0x4000
    chosen = ObjectFile("s.o", (), (shared("__stack_size", ABSOLUTE, 0x80),))
    own = values(link([START, chosen], kinds, memory_size=0x1001))
    assert (own["__stack_top"], own["__stack_top_1"]) == (0x1000, 0xF80)


def test_fields_are_filled_in(kinds: Kinds) -> None:
    first = ObjectFile(
        "a.o",
        (text(8), data(b"\xff" * 16)),
        (shared("_start"), shared("far", None), Symbol("here", ".data", 8)),
        (
            Relocation(".text", 4, 1, 1, 4),
            Relocation(".data", 0, 2, 2, -1),
            Relocation(".data", 8, 4, 1, 0),
        ),
    )
    second = ObjectFile("b.o", (text(4),), (shared("far"),))
    image = link([first, second], kinds)
    # The distance 0x108 + 4 - 0x104 is 2 words: bit 7 takes the lowest bit, [31:20] the rest.
    code = int.from_bytes(section(image, ".text").contents[4:8], "little")
    assert code == 0x001A_AA2A
    assert struct.unpack("<QH6s", section(image, ".data").contents) == (0x147, 0x108, b"\xff" * 6)


def test_negative_distance(kinds: Kinds) -> None:
    object_file = ObjectFile(
        "a.o", (text(8),), (shared("_start"),), (Relocation(".text", 4, 1, 0, 0),)
    )
    code = int.from_bytes(section(link([object_file], kinds), ".text").contents[4:8], "little")
    assert code == 0xFFFA_AAAA  # the distance is -1 word


def test_weak_and_strong(kinds: Kinds) -> None:
    uses = ObjectFile(
        "u.o",
        (text(4), data(bytes(24))),
        (weak("both"), weak("absent", None), shared("only", None), weak("only", None)),
        tuple(Relocation(".data", 8 * n, 2, n, 0) for n in range(3)),
    )
    defines = ObjectFile("d.o", (text(16),), (shared("both", value=4), weak("only", value=8)))
    image = link([START, uses, defines], kinds)
    base = 0x100 + 8 + 4
    assert struct.unpack("<3Q", section(image, ".data").contents) == (base + 4, 0, base + 8)
    assert "absent" not in values(image)
    assert values(image)["both"] == base + 4


def test_locals_of_two_objects_stay_apart_and_come_first(kinds: Kinds) -> None:
    one = ObjectFile("a.o", (text(4),), (Symbol("loop", ".text"), shared("_start")))
    two = ObjectFile("b.o", (text(4),), (Symbol("loop", ".text"),))
    image = link([one, two], kinds)
    assert [(s.name, s.value) for s in image.symbols[:3]] == [
        ("loop", 0x100),
        ("loop", 0x104),
        ("_start", 0x100),
    ]


def test_lines_tensors_and_unallocated_sections(kinds: Kinds) -> None:
    comment = Section(".comment", False, False, False, 1, b"hello", 5)
    second = ObjectFile(
        "b.o",
        (text(8), data(), comment),
        (
            Symbol("own", ".data"),
            shared("table", ".data", 4),
            weak("_start", ".text"),
            shared("elsewhere", None),
        ),
        (Relocation(".comment", 0, 99, 3, 0),),
        (
            LineEntry(".text", 4, 4, "b.s", 2, 1, (Frame(FrameKind.MACRO, "m", "b.s", 9, 3),)),
            LineEntry(".comment", 0, 1, "b.s", 3, 1),
        ),
        (
            TensorType(0, "float", (2,)),
            TensorType(1, "byte", (4, 2)),
            TensorType(2, "byte", ()),
            TensorType(3, "byte", ()),
        ),
    )
    image = link([START, second], kinds, name="both")
    assert image.lines == (
        LineEntry(".text", 0x10C, 4, "b.s", 2, 1, (Frame(FrameKind.MACRO, "m", "b.s", 9, 3),)),
    )
    assert [(image.symbols[t.symbol].name, t.shape) for t in image.tensors] == [
        ("own", (2,)),
        ("table", (4, 2)),
    ]
    assert ".comment" not in [section.name for section in image.sections]
    assert read_image(encode_image(image), "both") == image


def test_entry(kinds: Kinds) -> None:
    main = ObjectFile("m.o", (text(8),), (shared("main", value=4),))
    assert link([START, main], kinds, entry="main").entry == 0x10C
    (missing,) = errors([main], kinds, entry="mian")
    assert missing == "the program has no entry symbol `mian`\nhint: did you mean `main`?"
    hidden = ObjectFile("h.o", (text(),), (Symbol("_start", ".text"),))
    (local,) = errors([hidden], kinds)
    assert "`_start` is local to h.o; `.global _start` there shares it" in local
    for start in (shared("_start", ".data"), shared("_start", ".text", 2**64 - 1)):
        (elsewhere,) = errors([ObjectFile("d.o", (data(), text()), (start,))], kinds)
        assert "is not in a section of code" in elsewhere


def test_undefined_symbols_name_the_line_and_a_likely_name(kinds: Kinds) -> None:
    uses = ObjectFile(
        "u.o",
        (text(12),),
        (shared("pritn", None), shared("nothing_like_it", None)),
        tuple(Relocation(".text", offset, 1, 0, 0) for offset in (0, 4))
        + (Relocation(".text", 8, 1, 1, 0),),
        (
            LineEntry(".text", 0, 4, "u.s", 3, 5, (Frame(FrameKind.MACRO, "say", "u.s", 1, 1),)),
            LineEntry(".text", 4, 4, "u.s", 4, 5),
        ),
    )
    prints = ObjectFile("p.o", (text(4),), (shared("print"),))
    first, second = errors([START, uses, prints], kinds)
    assert first == (
        "u.s:3:5: undefined symbol `pritn`\n"
        "in expansion of macro `say` at u.s:1:1\nalso used at u.s:4:5\n"
        "hint: did you mean `print`?"
    )
    assert second == "u.o(.text+0x8): undefined symbol `nothing_like_it`\nhint: None"


def test_an_unused_undefined_symbol_does_no_harm(kinds: Kinds) -> None:
    link([START, ObjectFile("u.o", (), (shared("unused", None),))], kinds)


def test_a_symbol_outside_memory(kinds: Kinds) -> None:
    comment = Section(".comment", False, False, False, 1, b"hello", 5)
    uses = ObjectFile(
        "u.o", (text(4), comment), (Symbol("x", ".comment"),), (Relocation(".text", 0, 3, 0),)
    )
    assert "`x` lies in a section that takes no memory" in errors([START, uses], kinds)[0]


def test_double_definitions_name_both_places(kinds: Kinds) -> None:
    lines = (LineEntry(".text", 0, 4, "again.s", 7, 1),)
    again = ObjectFile("again.o", (text(4),), (shared("_start"),), lines=lines)
    own = ObjectFile("own.o", (text(4),), (shared("__bss_end"), weak("__bss_start")))
    assert errors([START, again, own], kinds) == [
        "symbol `_start` is defined twice: in start.o and in again.o (again.s:7)\nhint: None",
        "symbol `__bss_end` is the linker's own, but is defined in own.o\nhint: None",
    ]


def test_all_problems_of_fields_are_reported(kinds: Kinds) -> None:
    object_file = ObjectFile(
        "a.o",
        (text(0x8000), bss(8)),
        (shared("_start"), Symbol("end", ".text", 0x7FFC), Symbol("big", ABSOLUTE, 1 << 21)),
        (
            Relocation(".text", 0, 1, 1, 0),
            Relocation(".text", 4, 3, 2, -8),
            Relocation(".text", 8, 3, 2, 4),
            Relocation(".text", 12, 1, 0, 2),
            Relocation(".text", 16, 55, 0, 0),
            Relocation(".text", 0x7FFE, 1, 0, 0),
            Relocation(".bss", 0, 1, 0, 0),
        ),
        (LineEntry(".text", 0, 4, "a.s", 1, 3, (Frame(FrameKind.MACRO, "m", "b.s", 9, 3),)),),
    )
    beyond = "relocation `branch` goes beyond the contents of its section\nhint: None"
    assert errors([object_file], kinds) == [
        "a.s:1:3: the distance 32764 to `end` does not fit relocation `branch` (-16384..16380)\n"
        "in expansion of macro `m` at b.s:9:3\n"
        "hint: move the two closer, or use a form that reaches farther",
        "a.o(.text+0x8): `big` + 4 = 2097156 does not fit relocation `address` (0..2097151)\n"
        "hint: None",
        "a.o(.text+0xc): the distance -10 to `_start` + 2 is not a multiple of 4, "
        "as `branch` needs\nhint: None",
        "a.o(.text+0x10): relocation kind 55 is not known\nhint: None",
        f"a.o(.text+0x7ffe): {beyond}",
        f"a.o(.bss+0x0): {beyond}",
    ]


def test_memory_overflow_names_the_largest(kinds: Kinds) -> None:
    big = ObjectFile(
        "big.o",
        (bss(0x2000), data(bytes(0x100))),
        (
            Symbol("small", ".bss", 0, 0x10),
            Symbol("rest", ".bss", 0x10),
            shared("typed", ".data", 0, 0x80),
        ),
    )
    assert link([START, big], kinds, memory_size=0x6240)
    (message,) = errors([START, big], kinds, memory_size=0x6200)
    assert message == (
        "the program is 64 bytes too large: it ends at 0x2240 and thread 0 has a stack of 0x4000 "
        "bytes, but memory ends at 0x6200\n"
        "largest sections: `.bss` 8192 bytes at 0x240, `.data` 256 bytes at 0x140, "
        "`.text` 8 bytes at 0x100\n"
        "largest symbols: `rest` 8176 bytes (big.o), `typed` 128 bytes (big.o), "
        "`small` 16 bytes (big.o), `_start` 8 bytes (start.o)\n"
        "hint: `__stack_size` sets the size of the stacks"
    )


@pytest.mark.parametrize("alignment", [8, 1 << 62])
def test_huge_sections_are_counted_and_never_made(alignment: int, kinds: Kinds) -> None:
    huge = ObjectFile("h.o", (bss(1 << 62, alignment, ".data"),))
    (message,) = errors([START, huge, ObjectFile("d.o", (data(),))], kinds)
    assert "bytes too large" in message


@pytest.mark.parametrize(
    ("symbol", "found"),
    [
        (shared("__stack_size", ".text"), "an address"),
        (shared("__stack_size", ABSOLUTE, 100), "100"),
        (shared("__stack_size", ABSOLUTE, -64), "-64"),
    ],
)
def test_a_wrong_stack_size(symbol: Symbol, found: str, kinds: Kinds) -> None:
    (message,) = errors([START, ObjectFile("s.o", (text(4),), (symbol,))], kinds)
    assert message.startswith(f"`__stack_size` is {found}, expected a number, a multiple of 64")


def test_sections_of_one_name_with_other_rights_stay_apart(kinds: Kinds) -> None:
    own = Symbol("own", ".text", 4)
    line = LineEntry(".text", 0, 4, "o.s", 1, 1)
    other = ObjectFile("o.o", (data(b"abcdefgh", name=".text"),), (own,), lines=(line,))
    taken = ObjectFile("t.o", (data(b"t", name=".text.2"),))
    image = link([START, other, taken, START_AGAIN], kinds)
    assert [(s.name, s.contents[:1]) for s in image.sections] == [
        (".text", b"\xaa"),
        (".text.3", b"a"),
        (".text.2", b"t"),
    ]
    assert [s.size for s in image.sections] == [16, 8, 1]
    (found,) = (symbol for symbol in image.symbols if symbol.name == "own")
    assert (found.section, found.value) == (".text.3", image.sections[1].address + 4)
    assert image.lines[0][:2] == (".text.3", image.sections[1].address)


def test_the_same_objects_give_the_same_bytes(kinds: Kinds) -> None:
    image = link([START], kinds)
    assert encode_image(image) == encode_image(link([START], kinds))
    assert image.symbols[0].kind is SymbolKind.NONE
