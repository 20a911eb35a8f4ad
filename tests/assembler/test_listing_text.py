"""The listing of a program with an include, data, relocations; and dependency rules."""

from pathlib import Path

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.assembler.dependencies import make_rule
from dojo_tools.assembler.listing import list_assembly
from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError, read_source

MAIN = """\
.extern f
start: li a0, 0x12345678
  call f
.include "inc.s"
  .data
  .byte 1, 2, 3
msg: .ascii "hello, hello"
  .bss
  .space 80
"""
LISTING = """\
file a.s
    1                         .extern f
             in section .text
    2 000000 09401234         start: li a0, 0x12345678
      000004 39405678
    3 000008 10200000           call f
             R target21 f
    4                         .include "inc.s"
             | file inc.s
    1                         | ; a comment
    2 00000c 20000000         | nop
    5                           .data
             in section .data
    6 000000 010203             .byte 1, 2, 3
    7 000003 68656c6c6f2c2068 msg: .ascii "hello, hello"
      00000b 656c6c6f
    8                           .bss
             in section .bss
    9 000000 80 bytes           .space 80
"""


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_listing_shows_lines_words_includes_and_relocations(description: Description) -> None:
    Path("a.s").write_text(MAIN, encoding="utf-8")
    Path("inc.s").write_text("; a comment\nnop\n", encoding="utf-8")
    source = read_source(Path("a.s"))
    assembly = assemble(source, description)
    lines = list_assembly([source], assembly.sources, assembly.object, description)
    assert "".join(f"{line}\n" for line in lines) == LISTING


MACROS = """\
.macro pair a, b
nop
inner \\a
.endm
.macro inner x
mov \\x, \\x
.endm
pair a0, a1
.rept 2
.byte 1
.endr
"""
MACROS_LISTING = """\
    8                         pair a0, a1
             in section .text
    2 000000 20000000         | nop
    3                         | inner \\a
    6 000004 214a0000         | | mov \\x, \\x
    9                         .rept 2
   10 000008 01               .byte 1
      000009 01
   11                         .endr
"""


def test_lines_of_macros_follow_their_use(description: Description) -> None:
    Path("a.s").write_text(MACROS, encoding="utf-8")
    source = read_source(Path("a.s"))
    assembly = assemble(source, description)
    lines = list(list_assembly([source], assembly.sources, assembly.object, description))
    assert "".join(f"{line}\n" for line in lines[8:]) == MACROS_LISTING


def test_dependency_rules_escape_names() -> None:
    rule = make_rule(Path("a b.o"), [Path("a.s"), Path("x$y.s"), Path("d\\ #.s"), Path("a.s")])
    assert rule == "a\\ b.o: a.s x$$y.s d\\\\\\ \\#.s\n\nx$$y.s:\n\nd\\\\\\ \\#.s:\n"
    with pytest.raises(InputError):
        make_rule(Path("a.o"), [Path("a\nb")])
