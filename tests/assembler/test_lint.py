"""What assembles and is warned of all the same, and what is not."""

from collections.abc import Callable

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.assembler.lint import lint
from dojo_tools.description import Description
from dojo_tools.diagnostics import Source

Found = list[str]
Lint = Callable[[str], Found]


@pytest.fixture
def linted(description: Description) -> Lint:
    """The call `linted(text)`: line, name and message of each warning."""

    def call(text: str) -> Found:
        assembly = assemble(Source("a.s", text), description)
        found = lint(assembly.object, description, assembly.sources)
        return [f"{d.span.line if d.span else 0} {d.name}: {d.message}" for d in found]

    return call


def test_branches_into_data(linted: Lint) -> None:
    assert linted("beqz a0, d\nhalti 0\nd: .word 5\n") == [
        "1 branch-into-data: this leads to data at offset 0x8 of `.text`"
    ]
    assert linted("jump d\n.data\nd: .word 5\n") == [
        "1 branch-into-data: this leads to `.data`, which is not code"
    ]
    assert linted("1: nop\njump 1b\ncall f\n.global f\nf: ret\n.word 5\n") == []


def test_words_of_data_are_no_branches(linted: Lint, words: Callable[[str], list[int]]) -> None:
    (branch,) = words("jump . + 0x400\n")[:1]
    assert linted(f"nop\n.word {branch}\n") == []


def test_misaligned_data(linted: Lint) -> None:
    text = ".data\n.byte 1\n.half 2\n.byte 1, 2, 3\n.word 5, 6\n.dword 1\n.align 8\n.dword 1\n"
    assert linted(text) == [
        "3 misaligned-data: `.half` stands at offset 1, not a multiple of 2",
        "5 misaligned-data: `.word` stands at offset 6, not a multiple of 4",
        "6 misaligned-data: `.dword` stands at offset 14, not a multiple of 8",
    ]


def test_floats_that_do_not_survive(linted: Lint) -> None:
    text = ".data\n.float 1e38, 1e39, -inf, 0.0, 0e5, 1e-46 ; 1e99\n.align 2\n.bf16 0x1p-200\n"
    assert linted(text) == [
        "2 suspicious-width: 1e39 becomes infinity as f32",
        "2 suspicious-width: 1e-46 becomes zero as f32",
        "4 suspicious-width: 0x1p-200 becomes zero as bf16",
    ]


def test_values_at_odd_places(linted: Lint) -> None:
    text = ".data\n.byte 1\n.values uhp, 1\n.values shp(15), 1\n.values cfloat8_1_4_3(7), 1\n"
    assert linted(text) == [
        "3 misaligned-data: `.values` stands at offset 1, not a multiple of 2",
        "4 misaligned-data: `.values` stands at offset 3, not a multiple of 2",
    ]


def test_labels_that_nothing_uses(linted: Lint) -> None:
    text = (
        ".global _start\n_start: nop\nused: jump used\n.Lgone: nop ; .Lgone\n"
        'lone: pair: .ascii "lone"\n.data\ntensor: .word 1\n'
    )
    assert linted(text) == [
        "4 unused-label: nothing uses the label `.Lgone`",
        "5 unused-label: nothing uses the label `lone`",
        "5 unused-label: nothing uses the label `pair`",
    ]


def test_macros_and_repetitions_are_warned_of_once_with_their_way(
    description: Description,
) -> None:
    text = (
        ".macro odd x\n.byte 1\n.word \\x\n.endm\n.macro none\n.endm\n"
        ".data\n.rept 3\nodd 5\n.endr\n"
    )
    assembly = assemble(Source("a.s", text), description)
    misaligned, unused = lint(assembly.object, description, assembly.sources)
    assert misaligned.span is not None
    assert (misaligned.name, misaligned.span.line) == ("misaligned-data", 3)
    (note,) = misaligned.notes
    assert note.message == "in expansion of macro `odd`"
    assert note.span is not None
    assert (note.span.line, note.span.text) == (9, "odd 5")
    assert (unused.name, unused.message) == ("unused-macro", "nothing uses the macro `none`")
