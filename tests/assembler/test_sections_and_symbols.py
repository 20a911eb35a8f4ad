"""What the directives for sections, symbols, structures, resources and files make."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dojo_tools.assembler import Assembly, assemble
from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError, Source, read_source
from dojo_tools.objects import COMMON, Binding, Rectangle, SymbolKind

Assembled = Callable[[str], Assembly]
Contents = Callable[[str], bytes]
Errors = Callable[[str], Sequence[str]]


def test_pushed_sections_are_come_back_from(assembled: Assembled) -> None:
    text = """\
        .data
        .byte   1
        .pushsection .rodata
        .byte   2
        .pushsection note, "w"
        .byte   3
        .popsection
        .byte   4
        .popsection
        .byte   5
"""
    sections = {s.name: s.contents for s in assembled(text).object.sections}
    assert sections == {".data": b"\1\5", ".rodata": b"\2\4", "note": b"\3"}


@pytest.mark.parametrize(
    "flags, expected",
    [
        ('"a"', (True, False, False)),
        ('"axw"', (True, True, True)),
        ("0x2", (True, False, False)),
        ("0x7, @progbits", (True, True, True)),
        ("3, @progbits, 8", (True, True, False)),
        ('""', (False, False, False)),
    ],
)
def test_flags_are_letters_or_numbers(
    flags: str, expected: tuple[bool, bool, bool], assembled: Assembled
) -> None:
    (section,) = assembled(f".section own, {flags}\n.byte 1\n").object.sections
    assert (section.allocated, section.writable, section.executable) == expected


def test_org_goes_to_an_offset_or_an_address(contents: Contents) -> None:
    assert contents(".byte 1\n.org 4\nx: .byte 2\n.org x + 3\n.byte 3") == b"\1\0\0\0\2\0\0\3"


def test_common_memory_is_left_to_the_linker(assembled: Assembled) -> None:
    (symbol,) = assembled(".common buffer, 3 * 64, 64\n").object.symbols
    assert (symbol.section, symbol.value, symbol.size) == (COMMON, 64, 192)
    assert (symbol.binding, symbol.kind) == (Binding.GLOBAL, SymbolKind.OBJECT)


def test_resources_are_counted_in_their_sections(assembled: Assembled) -> None:
    text = ".semaphore free, full\n.text\naddi a0, x0, full\n.barrier all\n.semaphore last\n"
    made = assembled(text).object
    assert {s.name: (s.size, s.allocated) for s in made.sections} == {
        ".text": (4, True),
        ".dojo.semaphores": (3, False),
        ".dojo.barriers": (1, False),
    }
    values = {s.name: (s.section, s.value, s.size) for s in made.symbols}
    assert values["full"] == (".dojo.semaphores", 1, 1)
    assert values["last"] == (".dojo.semaphores", 2, 1)
    (relocation,) = made.relocations
    assert (made.symbols[relocation.symbol].name, relocation.addend) == ("full", 0)


def test_a_file_says_its_program_and_where_it_runs(assembled: Assembled) -> None:
    made = assembled(".program edge\n.place 0, 0, 4, 1\n.place 2, 3\n.byte 1\n").object
    assert made.program == "edge"
    assert made.placement == (Rectangle(0, 0, 4, 1), Rectangle(2, 3, 1, 1))


def test_an_address_on_another_node_is_a_relocation_of_its_own(
    assembled: Assembled, description: Description
) -> None:
    made = assembled(".data\n.dword buffer@(3, 5) + 8, other@(1, 2) - 1\n").object
    first, second = made.relocations
    assert description.relocations[first.kind].on_node
    assert (first.addend, second.addend) == (0x1000_5003_0000_0008, 0x1000_2001_FFFF_FFFF)
    assert [made.symbols[r.symbol].name for r in made.relocations] == ["buffer", "other"]


def test_fields_are_aligned_and_structures_nest(contents: Contents) -> None:
    text = """\
        .struct pixel
        .field  tag, u8
        .field  weight, f32, 4          ; 16 bytes
        .field  last, u8
        .endstruct
        .struct pair
        .field  first, u16
        .field  both, pixel, 2
        .endstruct
        .byte   pixel.tag, pixel.weight, pixel.last, pixel.size, pixel.align
        .byte   pair.first, pair.both, pair.size, pair.align
"""
    assert contents(text) == bytes([0, 4, 20, 24, 4, 0, 4, 52, 4])


def test_incbin_takes_a_part_of_a_file(tmp_path: Path, description: Description) -> None:
    (tmp_path / "data.bin").write_bytes(bytes(range(10)))
    source = tmp_path / "a.s"
    source.write_text(
        '.data\n.incbin "data.bin", 8\n.incbin "data.bin", 1, 2\n.incbin "data.bin", 0, 0\n'
    )
    made = assemble(read_source(source), description)
    assert made.object.sections[0].contents == bytes([8, 9, 1, 2])
    assert made.files == (source, *[tmp_path / "data.bin"] * 3)


def test_files_are_found_only_below_the_source_or_a_given_folder(
    tmp_path: Path, description: Description
) -> None:
    inside = tmp_path / "project"
    (inside / "lib").mkdir(parents=True)
    (tmp_path / "secret.s").write_text(".byte 1\n")
    (inside / "link.s").symlink_to(tmp_path / "secret.s")
    (inside / "lib" / "deep.s").write_text('.include "../near.s"\n')
    (inside / "near.s").write_text(".byte 7\n")
    for name in ("../secret.s", "link.s", str(tmp_path / "secret.s")):
        source = Source(str(inside / "a.s"), f'.data\n.include "{name}"\n.incbin "{name}"\n')
        with pytest.raises(InputError, match=r"lies outside the source's folder") as caught:
            assemble(source, description)
        assert len(caught.value.diagnostics) == 2
        assert assemble(source, description, [tmp_path]).object.sections[0].size == 9
    near = Source(str(inside / "a.s"), '.data\n.include "lib/deep.s"\n')
    assert assemble(near, description).object.sections[0].contents == b"\7"


def test_warnings_and_assertions_of_the_user(assembled: Assembled, errors: Errors) -> None:
    made = assembled('.warning "look here"\nx: .byte 1\ny: .assert y - x == 1\n')
    assert [found.message for found in made.warnings] == ["look here"]
    assert errors('.error "stop"') == ["1: stop"]
    assert errors('x: .byte 1\n.assert . - x == 2, "one byte"') == ["2: one byte"]
    assert errors(".assert 1 == 2") == ["1: `1 == 2` does not hold"]


MISTAKES = [
    (".popsection", "1: no `.pushsection` is left to come back from"),
    (".section s, 0x10, @nobits", "1: unknown section flags 0x10"),
    ('.section s, "aq"', "1: unknown section flag `q`"),
    (".section .dojo.semaphores", "1: this is not a name of a section"),
    (".data\n.byte 1\n.org 0", "3: `.org` can't go back: offset 0 lies before 1"),
    (".org 1 << 47", "1: section `.text` grows beyond 16 MiB here"),
    ("x: .byte 1\n.data\n.org x", "3: expected an offset in `.data`, found the address of `x`"),
    (".common x, -1", "1: size -1 does not fit in the range 0..16777216"),
    (".common x, 8, 3", "1: alignment 3 is not a power of two"),
    (".common x, 8\nx: .byte 1", "2: symbol `x` is already defined"),
    (".semaphore s, s", "1: symbol `s` is already defined"),
    (".semaphore a0", "1: `a0` is a register, not a symbol"),
    (".place 1, 2", "1: this file belongs to no program yet"),
    (".program p\n.place 1, 2, 3", "2: a rectangle has a width and a height"),
    (".program p\n.place 1, 4096", "2: 4096 does not fit in the range 0..4095"),
    (".program p\n.place 1, 1, 0, 1", "2: a rectangle is at least one node wide and high"),
    (".program p\n.program q", "2: this file belongs to program `p` already"),
    (".data\n.word b@(1, 2)", "2: the address of `b` on node (1, 2) has 64 bits"),
    (".data\n.dword b@(1, 4096)", "2: 4096 does not fit in the range 0..4095"),
    (".data\n.dword a0@(1, 2)", "2: expected a symbol, found `a0`"),
    (".struct\n.endstruct", "1: a structure has one name"),
    (".struct s\n.word 1\n.endstruct", "2: a structure holds fields only"),
    (".struct s\n.field x, odd\n.endstruct", "2: `odd` is neither an element type nor a structure"),
    (".struct s\n.field x, u8, 0\n.endstruct", "2: dimension 0 does not fit in the range"),
    (".struct s", "1: this `.struct` is never closed"),
    (".struct u8\n.endstruct", "1: `u8` is an element type"),
    (".struct \u00e9\n.endstruct", "1: a structure has one name"),
    (".struct s\n.endstruct\n.struct s\n.endstruct", "3: structure `s` is already defined"),
    (".struct s\n.field a, u8\n.field a, u8\n.endstruct", "3: field `a` stands there twice"),
    (".struct s\n.field size, u8\n.endstruct", "2: `s.size` is the size of the structure"),
    (".struct s\n.field align, u8\n.endstruct", "2: `s.align` is the alignment of the structure"),
    (".struct s\n.field 1f, u8\n.endstruct", "2: `1f` can't name a field"),
    (".struct s\nx: .field a, u8\n.endstruct", "2: a structure holds fields, no labels"),
    ("t.size = 4\nt.align = 0\n.struct s\n.field a, t\n.endstruct", "4: `t` is neither"),
    ('.incbin "nothing"', "1: can't find `nothing`"),
    ('.incbin "/dev/zero"', "1: `/dev/zero` is not a regular file"),
    (".incbin 5", "1: expected a string, found the number `5`"),
]


@pytest.mark.parametrize("text, expected", MISTAKES)
def test_what_is_said_of_a_wrong_directive(text: str, expected: str, errors: Errors) -> None:
    (found,) = errors(text)
    assert found.startswith(expected)


def test_a_part_of_a_file_lies_within_it(tmp_path: Path, description: Description) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    text = '.data\n.incbin "f", 4\n.incbin "f", 1, 3\n.incbin "f", -1\n'
    with pytest.raises(InputError) as caught:
        assemble(Source(str(tmp_path / "a.s"), text), description)
    assert [found.message for found in caught.value.diagnostics] == [
        "the offset 4 does not fit in the 3 bytes there are",
        "the length 3 does not fit in the 2 bytes there are",
        "the offset -1 does not fit in the 3 bytes there are",
    ]


def test_a_file_given_to_a_macro_is_found_beside_its_user(
    tmp_path: Path, description: Description
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "m.inc").write_text('.macro m f\n.incbin \\f\n.incbin "own"\n.endm\n')
    (tmp_path / "lib" / "own").write_bytes(b"1")
    (tmp_path / "given").write_bytes(b"2")
    source = Source(str(tmp_path / "a.s"), '.data\n.include "lib/m.inc"\nm "given"\n')
    assert assemble(source, description).object.sections[0].contents == b"21"
