"""Macros, repetitions and conditionals: what they stand for, and what is said of wrong ones."""

from collections.abc import Callable, Sequence

import pytest

from dojo_tools.assembler import Assembly, assemble
from dojo_tools.assembler.collect import (
    EXPANSION_DEPTH_MAX,
    EXPANSION_LINES_MAX,
    EXPANSION_TEXT_MAX,
)
from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError, Source, render
from dojo_tools.objects import FrameKind

Contents = Callable[[str], bytes]
Errors = Callable[[str], Sequence[str]]

EXPANSIONS = [
    (".macro m a\n.byte \\a\n.endm\nm 1\nm 2", b"\1\2"),
    (".macro m a, b=7\n.byte \\a, \\b\n.endm\nm 1\nm 2, 3\nm b=4, a=5", b"\1\7\2\3\5\4"),
    (".macro m a b c\n.byte \\a, \\b, \\c\n.endm\nm 1, 2, 3", b"\1\2\3"),
    (".macro m, first:req\n.byte \\first\n.endm\nm 9", b"\x09"),
    (".macro m a, rest:vararg\n.byte \\a, \\rest\n.endm\nm 1, 2, (3, 4)[0:0]", None),
    (".macro m a, rest:vararg\n.byte \\a\n.word \\rest\n.endm\nm 1, 2, 3", b"\1\2\0\0\0\3\0\0\0"),
    ('.macro m text\n.ascii "<\\text>", \\text\n.endm\nm "a,b"', None),
    ('.macro m text\n.ascii \\text\n.endm\nm "a,b"', b"a,b"),
    (".macro m a\n.byte \\a\\()1\n.endm\nm 4", b"\x29"),
    (".macro m\n.byte \\@\n.endm\nm\nm", b"\1\2"),
    (".macro m\n\\%here: .byte \\%here - \\%here + 3\n.endm\nm\nm", b"\3\3"),
    (".macro m\n.L\\@: .byte 1\n.endm\nm\nm", b"\1\1"),
    (".macro o a\n.macro i b\n.byte \\a, \\b\n.endm\n.endm\no 1\ni 2", b"\1\2"),
    (".macro o\n.macro i\n\\%x: .byte \\%x - \\%x + 1, \\@\n.endm\n.endm\no\ni\ni", b"\1\2\1\3"),
    (".macro r n\n.byte \\n\n.if \\n\nr \\n - 1\n.endif\n.endm\nr 3", b"\3\2\1\0"),
    (".macro m n\n.if \\n\n.exitm\n.endif\n.byte \\n\n.endm\nm 1\nm 0", b"\0"),
    (".macro m\n.byte 1\n.endm\nm\n.purgem m\n.macro m\n.byte 2\n.endm\nm", b"\1\2"),
    (".macro m a\n.byte \\a\n.endm\nx: y: m y - x", b"\0"),
    (".rept 3\n.byte 1\n.endr", b"\1\1\1"),
    (".rept 0\nwhatever\n.endr\n.byte 2", b"\2"),
    ("n = 0\n.rept 100\nn = n + 1\n.endr\n.byte n", b"\x64"),
    (".rept 2\n.rept 2\n.byte 1\n.endr\n.byte 2\n.endr", b"\1\1\2\1\1\2"),
    (".irp a, 1, 2, 3\n.byte \\a\n.endr", b"\1\2\3"),
    (".irp a\n.byte \\a 5\n.endr", b"\5"),
    (".irpc c, 123\n.byte \\c\n.endr", b"\1\2\3"),
    (".irpc c, \"ab\"\n.byte '\\c'\n.endr", b"ab"),
    (".if 1\n.byte 1\n.else\n.byte 2\n.endif", b"\1"),
    (".if 0\n.byte 1\n.elseif 1\n.byte 2\n.elseif 1\n.byte 3\n.else\n.byte 4\n.endif", b"\2"),
    (".if 0\n.if 1\n.byte 1\n.else\nbogus\n.endif\n.else\n.byte 4\n.endif", b"\4"),
    ("a = 1\n.ifdef a\n.byte 1\n.endif\n.ifndef b\n.byte 2\n.endif", b"\1\2"),
    (".ifb  \n.byte 1\n.endif\n.ifnb x\n.byte 2\n.endif", b"\1\2"),
    (".ifc a b, a b\n.byte 1\n.endif\n.ifnc a, b\n.byte 2\n.endif", b"\1\2"),
    (".macro m\n.byte 9\n.endm\nm:\n.byte m - m\nm : .byte 1", None),
    (".macro m\n.byte 9\n.endm\nm:\n.byte . - m", b"\0"),
    (".macro m\n.byte 9\n.endm\nmn=3\nm = 4\n.byte m, mn\nm", b"\4\3\x09"),
    (".if: .byte . - .if\n.else = 5\n.byte .else", b"\0\5"),
    ('.if 0\n"unterminated is not read\n.endif\n.byte 1', None),
]


@pytest.mark.parametrize("text, expected", EXPANSIONS)
def test_what_a_text_stands_for(
    text: str, expected: bytes | None, contents: Contents, description: Description
) -> None:
    if expected is not None:
        assert contents(text) == expected
    else:
        with pytest.raises(InputError):
            assemble(Source("a.s", f".data\n{text}"), description)


LONG = "x" * 60_000
REFERENCES = "\\()" * 20_000
MISTAKES = [
    (".macro\n.endm", "1: this macro has no name"),
    (".macro m a, a\n.endm", "1: parameter `a` stands there twice"),
    (".macro m a:odd\n.endm", "1: unknown mark `:odd`"),
    (".macro m r:vararg, b\n.endm", "1: `r:vararg` takes the rest: it comes last"),
    (".macro m 1\n.endm", "1: expected the name of a parameter, found `1`"),
    (".macro m\n.endm\n.macro m\n.endm", "3: macro `m` is already defined at a.s:1"),
    (".macro add\n.endm", "1: `add` is an instruction or a register"),
    (".macro .word\n.endm", "1: `.word` is a directive"),
    (".macro m a:req\n.endm\nm", "3: `m` needs an argument `a`"),
    (".macro m a\n.endm\nm 1, 2", "3: `m` takes 1 argument, found 2"),
    (".macro m\n.endm\nm 1", "3: `m` takes no arguments, found 1"),
    (".macro m a\n.endm\nm b=1", "3: `m` has no parameter `b`"),
    (".macro m a\n.endm\nm a=1, a=2", "3: parameter `a` is given twice"),
    (".macro loop_\n.endm\nloob_", "3: unknown instruction or macro `loob_`"),
    (".macro m", "1: this `.macro` is never closed"),
    (".purgem m", "1: there is no macro `m`"),
    (".endm", "1: `.endm` closes nothing"),
    (".exitm", "1: `.exitm` leaves a macro, and this is none"),
    (".rept 2", "1: this `.rept` is never closed"),
    (".rept -1\n.endr", "1: the count is negative: -1"),
    (".rept x\n.endr", "1: undefined symbol `x`"),
    ("x: .rept x\n.endr", "1: `x` is an address: what is read can't depend on it"),
    ("x: n = x + 1\n.if n\n.endif", "1: `x` is an address: what is read can't depend on it"),
    (".rept . - 1\n.endr", "1: `.` is an address: what is read can't depend on it"),
    (".irp 1, 2\n.endr", "1: `.irp` needs a name"),
    (".irpc a\n.endr", "1: `.irpc` takes a name and one text"),
    (".endr", "1: `.endr` closes nothing"),
    (".if 1", "1: this `.if` is never closed"),
    (".if\n.endif", "1: `.if` takes 1 operand, found none"),
    (".if 0\n.else\n.elseif 1\n.endif", "3: `.elseif` comes after `.else`"),
    (".else", "1: `.else` belongs to no `.if`"),
    (".if 1\n.endr\n.endif", "2: `.endr` closes nothing"),
    (".rept 1\n.if 1\n.endr", "2: this `.if` is never closed"),
    (".ifc a\n.endif", "1: `.ifc` compares two texts"),
    (".if 1\n.else 2\n.endif", "2: `.else` takes no operand, found `2`"),
    (".if 1\n.endif x", "2: `.endif` takes no operand, found `x`"),
    (".rept 1\n.endr 1", "2: `.endr` takes no operand, found `1`"),
    (".macro m\n.endm m", "2: `.endm` takes no operand, found `m`"),
    (".macro m\n.exitm 1\n.endm\nm", "2: `.exitm` takes no operand, found `1`"),
    (".if 1\nx: .endif", "2: a label can't stand before `.endif`"),
    (".if 0\n1: x: .else\n.endif", "2: a label can't stand before `.else`"),
    ('.irpc c, "a\n.endr', "1: this string is never closed"),
    ('.ifc a, "b\nbogus\n.else\n.endif', "1: this string is never closed"),
    ('.if 1\n.endif "', "2: this string is never closed"),
    ("\n".join([".if 1"] * 65 + [".endif"] * 65), "65: blocks are nested deeper than 64 levels"),
    (".macro m\nm\n.endm\nm", f"2: macros are nested deeper than {EXPANSION_DEPTH_MAX} levels"),
    (
        f".macro m\n.if 0\n{LONG}\n.endif\n.endm\n.rept {EXPANSION_TEXT_MAX // 50_000}\nm\n.endr",
        "7: macros and repetitions come to more than 32 MiB of text",
    ),
    (
        f".macro m\n{REFERENCES}\n.endm\n.rept 200\nm\n.endr",
        "5: the arguments of macros and repetitions come to more than 2 MiB",
    ),
    (
        f".rept {EXPANSION_LINES_MAX + 1}\n.byte 1\n.endr",
        f"1: macros and repetitions come to more than {EXPANSION_LINES_MAX:,} lines",
    ),
]


@pytest.mark.parametrize("text, expected", MISTAKES)
def test_what_is_said_of_a_mistake(text: str, expected: str, errors: Errors) -> None:
    assert errors(text) == [expected]


def test_a_message_shows_the_expanded_line_and_the_way_to_it(description: Description) -> None:
    text = """\
        .macro  inner reg
        add     a0, \\reg, 5
        .endm
        .macro  outer
        inner   a1
        .endm
        outer
"""
    with pytest.raises(InputError) as caught:
        assemble(Source("a.s", text), description)
    shown = render(caught.value.diagnostics[0])
    assert (
        shown
        == """\
a.s:2:27: error: expected a scalar register (x0..x31), found the number `5`
            add     a0, a1, 5
                            ^
a.s:5:9: note: in expansion of macro `inner`
            inner   a1
            ^^^^^^^^^^
a.s:7:9: note: in expansion of macro `outer`
            outer
            ^^^^^"""
    )


def test_a_long_way_is_shown_by_both_ends(description: Description) -> None:
    text = ".macro m n\n.if \\n\nm \\n - 1\n.else\nbogus\n.endif\n.endm\nm 20\n"
    with pytest.raises(InputError) as caught:
        assemble(Source("a.s", text), description)
    notes = caught.value.diagnostics[0].notes
    assert [note.message for note in notes][3:6] == [
        "in expansion of macro `m`",
        "... and 13 steps more",
        "in expansion of macro `m`",
    ]


def test_lines_are_those_of_the_body_and_lead_to_the_use(
    assembled: Callable[[str], Assembly],
) -> None:
    text = ".macro m r\n  addi \\r, \\r, 1\n.endm\n.irp r, x5, x6\n  m \\r\n.endr\n"
    first, second = assembled(text).object.lines
    assert (first.line, first.column, second.line) == (2, 3, 2)
    assert [(f.kind, f.name, f.line, f.column) for f in second.trail] == [
        (FrameKind.MACRO, "m", 5, 3)
    ]


@pytest.mark.parametrize("argument", ["a", "long_name"])
def test_columns_after_an_argument_are_those_of_the_body(
    argument: str, description: Description
) -> None:
    text = f".data\n.macro m p\n\\p = nothing\n.endm\nm {argument}\n.byte {argument}\n"
    with pytest.raises(InputError) as caught:
        assemble(Source("a.s", text), description)
    spans = [found.span for found in caught.value.diagnostics]
    assert [(span.line, span.column) for span in spans if span] == [(3, 6)]


def test_reading_goes_on_after_a_wrong_block(errors: Errors) -> None:
    assert errors(".rept x\n.endr\nbogus\n.if y\n.endif\nbogus") == [
        "1: undefined symbol `x`",
        "3: unknown instruction `bogus`",
        "4: undefined symbol `y`",
        "6: unknown instruction `bogus`",
    ]


def test_a_macro_that_calls_itself_twice_ends_at_the_limit(errors: Errors) -> None:
    found = errors(".macro m\nm\nm\n.endm\nm")
    assert found == [f"2: macros are nested deeper than {EXPANSION_DEPTH_MAX} levels"]


@pytest.mark.parametrize("closer", [".endif", ".endr"])
def test_very_many_blocks_are_matched_in_one_pass(closer: str, errors: Errors) -> None:
    count = 20_000
    found = errors("\n".join([".if 1"] * count + [closer] * count))
    assert "blocks are nested deeper" in found[-1]


def test_blocks_and_macros_nest_to_their_limits_together(contents: Contents) -> None:
    blocks, macros = 60, EXPANSION_DEPTH_MAX - 1
    body = [".if \\n"] * blocks + ["m \\n - 1"] + [".endif"] * blocks + [".byte \\n"]
    text = "\n".join([".macro m n", *body, ".endm", f"m {macros}"])
    assert contents(text) == bytes(range(macros + 1))


def test_leaving_a_macro_leaves_the_repetition_and_the_block_in_it(contents: Contents) -> None:
    body = ".rept 3\n.if 1\n.irp x, 1, 2\n.byte \\x\n.exitm\n.endr\n.endif\n.endr\n.byte 9"
    text = f".macro inner\n{body}\n.endm\n.macro outer\ninner\n.byte 3\n.endm\nouter\n.byte 4"
    assert contents(text) == b"\1\3\4"


HINTS = [
    (".macro m reg\naddi \\regg, x0, 1\n.endm\nm x5", "`\\regg` is no parameter here", "`\\reg`?"),
    (
        ".macro m a, b\nadd \\out, \\a, \\b\n.endm\nm x5, x6",
        "`\\out` is no parameter here",
        "`\\b`",
    ),
    ("addi \\reg, x0, 1", "`\\reg` stands for nothing outside of a macro", None),
    ('.ascii "\\q"', "unknown escape `\\q`", "escapes are"),
    (".mcaro m", "unknown directive `.mcaro`", "did you mean `.macro`?"),
    (".elif 1", "unknown directive `.elif`", "did you mean `.elseif`?"),
    (".endmacro", "unknown directive `.endmacro`", "did you mean `.endm`?"),
    (".macro m\ncall \\%x\n.endm\nm", "undefined symbol `.Lx.1`", "other files can't define it"),
    (".field x, u8", "`.field` stands outside of a structure", "`.struct`"),
    ("m 1\n.macro m a\n.endm", "unknown instruction `m`", "the macro at a.s:2 is not known before"),
    (".macro .mine\n.endm\n.mime", "unknown directive or macro `.mime`", "did you mean `.mine`?"),
]


@pytest.mark.parametrize("text, message, hint", HINTS)
def test_a_hint_names_what_could_stand_there(
    text: str, message: str, hint: str | None, description: Description
) -> None:
    with pytest.raises(InputError) as caught:
        assemble(Source("a.s", text), description)
    found = caught.value.diagnostics[0]
    assert found.message == message
    assert found.hint == hint or (hint is not None and hint in (found.hint or ""))


def test_a_mistake_that_is_repeated_is_reported_once(errors: Errors) -> None:
    assert errors(".rept 3\nx: nop\n.endr") == ["2: symbol `x` is already defined"]
    assert errors(".macro m\nbogus\n.endm\n.rept 3\nm\n.endr") == [
        "2: unknown instruction or macro `bogus`"
    ]
    found = errors(".macro m r\nadd \\r, x1, 5\n.endm\nm x1\nm x2")
    assert len(found) == 2


def test_names_of_expansions_stay_out_of_the_object(assembled: Callable[[str], Assembly]) -> None:
    made = assembled(".macro m\n\\%n = 3\n.byte \\%n\n.endm\n.data\nm\n").object
    assert made.symbols == ()
