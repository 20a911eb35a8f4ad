"""What ends up in the object: sections, symbols, relocations, lines, arrays."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dojo_tools.assembler import Assembly, assemble
from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError, Source
from dojo_tools.objects import (
    ABSOLUTE,
    Binding,
    ObjectFile,
    SymbolKind,
    TensorType,
    Visibility,
    encode_object,
    read_object,
)

Assembled = Callable[[str], Assembly]


def references(object_file: ObjectFile) -> list[tuple[str, int, str, int]]:
    """Return section, offset, symbol and addend of each relocation."""
    return [
        (r.section, r.offset, object_file.symbols[r.symbol].name, r.addend)
        for r in object_file.relocations
    ]


def test_addresses_become_relocations_by_name(assembled: Assembled) -> None:
    text = """
        .extern away
        la x1, buffer
        la x1, buffer + 8
        call away - 4
        jump here
here:   .data
        .word buffer, .Lhidden + 1, 1f
        .dword . + 2
.Lhidden: 1:
        .bss
buffer: .space 16
    """
    object_file = assembled(text).object
    assert references(object_file) == [
        (".text", 0, "buffer", 0),
        (".text", 4, "buffer", 8),
        (".text", 8, "away", -4),
        (".data", 0, "buffer", 0),
        (".data", 4, ".Lhidden", 1),
        (".data", 8, ".data", 20),
        (".data", 12, ".data", 14),
    ]
    names = {symbol.name: symbol for symbol in object_file.symbols}
    assert set(names) == {"away", "buffer", "here", ".Lhidden", ".data"}
    assert names["away"].section is None
    assert names["away"].binding is Binding.GLOBAL


def test_targets_in_the_same_section_need_no_relocation_unless_weak(assembled: Assembled) -> None:
    text = ".global g\n.weak w\njump l\njump g\njump w\nl: g: w: nop\n.section .text.cold\njump l"
    assert references(assembled(text).object) == [(".text", 8, "w", 0), (".text.cold", 0, "l", 0)]


def test_symbols_carry_what_was_said_about_them(assembled: Assembled) -> None:
    text = """
        .global f, number
        .hidden f
        .type f, @function
f:      nop
        nop
        .size f, . - f
        .weak perhaps
        .data
object: .word perhaps
        .type object, @object
number = -2
.Ltemporary:
1:
    """
    symbols = {symbol.name: symbol for symbol in assembled(text).object.symbols}
    assert list(symbols) == ["f", "number", "perhaps", "object"]
    f = symbols["f"]
    assert (f.size, f.kind, f.binding) == (8, SymbolKind.FUNCTION, Binding.GLOBAL)
    assert f.visibility is Visibility.HIDDEN
    assert symbols["number"].section == ABSOLUTE
    assert symbols["number"].value == (1 << 64) - 2
    assert (symbols["perhaps"].section, symbols["perhaps"].binding) == (None, Binding.WEAK)
    assert symbols["object"].kind is SymbolKind.OBJECT


def test_arrays_are_aligned_and_typed(assembled: Assembled) -> None:
    text = """
        .data
        .byte 1
matrix:
        .tensor bf16, 4, WIDTH
        .byte 1
typed:  .float 1, 2, 3
        .shape typed, f32, 3
        .bss
        .space 1
buffer: .tensor i8, 100
WIDTH = 8
    """
    with_width = text.replace("WIDTH = 8\n", "").replace("\n", "\nWIDTH = 8\n", 1)
    object_file = assembled(with_width).object
    found = [(object_file.symbols[t.symbol].name, t.element, t.shape) for t in object_file.tensors]
    assert found == [("matrix", "bf16", (4, 8)), ("typed", "f32", (3,)), ("buffer", "i8", (100,))]
    symbols = {symbol.name: symbol for symbol in object_file.symbols}
    assert (symbols["matrix"].value, symbols["matrix"].size) == (64, 64)
    assert (symbols["buffer"].value, symbols["buffer"].size) == (64, 100)
    assert {s.name: s.alignment for s in object_file.sections} == {".data": 64, ".bss": 64}
    assert isinstance(object_file.tensors[0], TensorType)


def test_lines_name_source_column_and_expansion(assembled: Assembled) -> None:
    entries = assembled(
        "  nop\n  li x1, 5\n.data\nv: .word 1, 2\n .align 64\n .space 3"
    ).object.lines
    assert [
        (e.section, e.offset, e.size, e.line, e.column, [str(frame) for frame in e.trail])
        for e in entries
    ] == [
        (".text", 0, 4, 1, 3, []),
        (".text", 4, 4, 2, 3, ["in expansion of `li`"]),
        (".data", 0, 8, 4, 4, []),
        (".data", 64, 3, 6, 2, []),
    ]


def test_code_is_padded_with_instructions_that_do_nothing(
    words: Callable[[str], list[int]],
) -> None:
    assert words("ret\n.align 16\nret") == words("ret\nnop\nnop\nnop\nret")
    assert words("ret\n.align 8, 0\nret") == [*words("ret"), 0, *words("ret")]


def test_a_misplaced_instruction_is_reported_once(errors: Callable[[str], Sequence[str]]) -> None:
    found = errors(".byte 1\nnop\nnop\nnop")
    assert found == ["2: this instruction stands at offset 1, not a multiple of 4"]


def test_sections_have_the_attributes_of_their_names_or_flags(assembled: Assembled) -> None:
    text = """
        .section .text.hot
        nop
        .section .rodata.tables
        .byte 1
        .section "odd name", "aw", @nobits, 128
        .space 4
        .section .note
        .byte 1
        .section .text.hot
        nop
    """
    sections = {s.name: s for s in assembled(text).object.sections}
    assert list(sections) == [".text.hot", ".rodata.tables", "odd name", ".note"]
    hot, tables, odd, note = sections.values()
    assert (hot.executable, hot.writable, hot.size, hot.alignment) == (True, False, 8, 4)
    assert (tables.executable, tables.writable, tables.allocated) == (False, False, True)
    assert (odd.writable, odd.is_bss, odd.size, odd.alignment) == (True, True, 4, 128)
    assert not note.allocated


def test_a_section_beyond_its_limit_is_refused(errors: Callable[[str], Sequence[str]]) -> None:
    text = ".data\n.space 16 << 20\n.byte 1"
    assert errors(text) == ["3: section `.data` grows beyond 16 MiB here"]
    many = "\n".join(f".section s{i}\n.space 16 << 20" for i in range(5))
    assert errors(many) == ["0: all sections together hold more than 64 MiB"]


def test_an_object_survives_being_written_and_read(assembled: Assembled) -> None:
    text = "li x1, 1\nla x2, b\nb: .data\n.word b\nt: .tensor f32, 4\n.global t"
    encoded = encode_object(assembled(text).object)
    assert encode_object(assembled(text).object) == encoded
    assert encode_object(read_object(encoded, "a.s")) == encoded


def test_defines_come_before_the_source(description: Description) -> None:
    source = Source("a.s", ".data\n.byte SIZE\nSIZE = SIZE + 1\n.byte SIZE")
    object_file = assemble(source, description, defines={"SIZE": 4}).object
    assert object_file.sections[-1].contents == b"\x04\x05"


def test_several_sources_are_one_text(description: Description) -> None:
    sources = [Source("a.s", "start: call other"), Source("b.s", "other: jump start\n .word x")]
    with pytest.raises(InputError) as caught:
        assemble(sources, description)
    assert [str(found.span) for found in caught.value.diagnostics] == ["b.s:2:8"]


def test_includes_are_found_beside_the_file_and_in_folders(
    tmp_path: Path, description: Description
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.s").write_text('.include "c.s"\nnop\n', encoding="utf-8")
    (tmp_path / "inner" / "c.s").write_text("li x1, 1\n", encoding="utf-8")
    main = Source(str(tmp_path / "a.s"), '.include "inner/b.s"\n.include "c.s"\n')
    object_file = assemble(main, description, [tmp_path / "inner"]).object
    first, second, third = object_file.lines
    assert [str(frame) for frame in first.trail] == [
        "in expansion of `li`",
        f"included from {tmp_path}/inner/b.s:1:1",
        f"included from {tmp_path}/a.s:1:1",
    ]
    assert (second.file, second.line) == (f"{tmp_path}/inner/b.s", 2)
    assert third.file == f"{tmp_path}/inner/c.s"


def test_a_mistake_in_an_included_file_names_the_way_to_it(
    tmp_path: Path, description: Description
) -> None:
    (tmp_path / "b.s").write_text("bad\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        assemble(Source(str(tmp_path / "a.s"), '\n.include "b.s"'), description)
    (found,) = caught.value.diagnostics
    assert str(found.span) == f"{tmp_path}/b.s:1:1"
    assert [(note.message, str(note.span)) for note in found.notes] == [
        ("included from here", f"{tmp_path}/a.s:2:1")
    ]


@pytest.mark.parametrize(
    "written, message",
    [
        (".", "is not a regular file"),
        ("/dev/zero", "is not a regular file"),
        ("latin.s", "not UTF-8 text"),
        ("none.s", "can't find `none.s`"),
        ("deep.s", "includes are nested deeper than 64 files"),
        ("bomb0.s", "more than 2000 files"),
    ],
)
def test_includes_that_cannot_be_are_refused(
    written: str, message: str, tmp_path: Path, description: Description
) -> None:
    (tmp_path / "latin.s").write_bytes(b"\xe9")
    for index in range(70):
        name = "deep.s" if index == 0 else f"deep{index}.s"
        (tmp_path / name).write_text(f'.include "deep{index + 1}.s"\n', encoding="utf-8")
    for index in range(16):
        text = f'.include "bomb{index + 1}.s"\n' * 2
        (tmp_path / f"bomb{index}.s").write_text(text, encoding="utf-8")
    (tmp_path / "bomb16.s").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        assemble(Source(str(tmp_path / "a.s"), f'.include "{written}"'), description)
    assert message in caught.value.diagnostics[0].message
