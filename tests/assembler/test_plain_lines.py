"""The fast path for plain lines builds exactly the trees that the grammar does."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.parser import parse_with_grammar
from dojo_tools.assembler.plain_lines import parse_plain_line
from dojo_tools.assembler.tree import Refused
from dojo_tools.diagnostics import Source

PIECES = st.sampled_from(
    [
        *"a x1 v0.z .text .L1 . .5 1 1b 1f 12 0x1F 0b1 0b 1.5 1e5 1_0 08 $a a.b .. 0x 1x".split(),
        *"- + * ~ [ ] ( ) , : = @ $ _ ; 'a' \"s\" 123456789012345678901 1. 1.x 1e @(".split(),
        *"<< >> <= >= == != && || & | ^ < > / % !".split(),
        *("\t", " ", "  "),
    ]
)
PLAIN = [
    "add x1, x2, x3",
    "  name: 1: add.w x1 , x2,x3  ",
    "ld x1, [x2 + 8]",
    "ld x1,[ x2-symbol ],-8",
    "here:",
    "ret",
    ".word 1, -2, 0xff, symbol, 1b, 2f",
    ".text",
    "beq x1, x2, . + 8",
    "jump . - 0x10",
    "jump .",
    "la x1, table+64",
    "n = n + 1",
    "x: y = (1 + 2) * -3 << 4",
    ".word 1 + 2 * 3 - (4 - 5) % 6 / 7",
    ".word a || b && c | d ^ e & f == g < h << i + j * -k",
    ".word a != b >= c >> d, ~-+!a",
    ".dword buffer@(x + 1, 2) + 8, 'a', '\\n'",
    '.asciz "text \\"", "b"',
    ".float 1.5, -2e3, 1., 0x10, inf",
    ".type f, @function",
    "ld x1, [x2 + (1 << 3) * n]",
    ".word end - 4, .",
    "t: .tensor shp( BIAS + 1 ) , 4, 8",
    ".values cfloat8_1_4_3(7), 1.5, -2, inf",
]


@pytest.mark.parametrize("text", PLAIN)
def test_the_fast_path_takes_ordinary_lines(text: str):
    source = Source("a.s", text)
    line = SourceLine(0, text)
    assert parse_plain_line(source, line) == parse_with_grammar(source, line)


@given(st.lists(PIECES, max_size=12).map("".join), st.integers(0, 3))
@example("a:b:c 1", 0)
@example("1b:", 0)
@example("1:1b", 0)
@example(". a", 0)
@example("a .", 0)
@example("a [.]", 0)
@example("a 1 ", 2)
@example("a .(1)", 0)
@example("a 1b(1)", 0)
@example("a b(1) + 1", 0)
def test_what_the_fast_path_takes_it_takes_as_the_grammar_does(text: str, offset: int):
    source = Source("a.s", " " * offset + text)
    line = SourceLine(offset, text)
    plain = parse_plain_line(source, line)
    if plain is not None:
        assert plain == parse_with_grammar(source, line)


@given(st.text("ax1.[]+-, :=0bf$_()<&|!@*'\"", max_size=16))
def test_so_it_does_for_any_characters(text: str):
    source = Source("a.s", text)
    line = SourceLine(0, text)
    try:
        plain = parse_plain_line(source, line)
    except Refused:
        plain = None
    if plain is not None:
        assert plain == parse_with_grammar(source, line)
