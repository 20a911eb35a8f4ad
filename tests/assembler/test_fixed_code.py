"""The short way to a word gives what the way over trees gives, for every instruction there is."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dojo_tools.assembler.assemble import assemble
from dojo_tools.assembler.evaluate import Evaluator
from dojo_tools.assembler.expand import Expander
from dojo_tools.assembler.fixed_code import FixedCode
from dojo_tools.assembler.layout import lay_out
from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.output import Output
from dojo_tools.assembler.parser import parse_with_grammar
from dojo_tools.assembler.tree import Command, Refused
from dojo_tools.assembler.unit import UnitBuilder
from dojo_tools.description import Description, InstructionDef, load_description
from dojo_tools.diagnostics import InputError, Report, Source

DESCRIPTION = load_description()
REGISTERS = sorted(DESCRIPTION.register_names)
OPERANDS = st.one_of(
    st.sampled_from([*REGISTERS, "m1.z", "rounding", "seed", "label", "", "1b", "."]),
    st.integers(-(1 << 17), 1 << 17).map(str),
    st.integers(0, 1 << 17).map(hex),
    st.sampled_from(["0b101", "08", "1_000", "'a'", "1.5", "0x", "+1", "- 1", "(1)", "1+1"]),
    st.tuples(
        st.sampled_from(REGISTERS),
        st.sampled_from(["", " + ", "-", "+ ", "*"]),
        st.integers(0, 999),
    ).map(lambda parts: f"[{parts[0]}{parts[1]}{parts[2] if parts[1] else ''}]"),
)


def word_of_tree(text: str) -> int | None:
    """Return the word that a line makes on the way over trees, or None if it makes none."""
    source = Source("a.s", text)
    report = Report()
    unit = UnitBuilder(DESCRIPTION, report)
    expander = Expander(DESCRIPTION)
    try:
        statement = parse_with_grammar(source, SourceLine(0, text)).statement
        if not isinstance(statement, Command):
            return None
        position = unit.position()
        unit.add(expander.use(statement, position.anchor), statement.span, position)
    except Refused:
        return None
    evaluator = Evaluator(unit.symbols, DESCRIPTION.register_names)
    lay_out(unit, expander, evaluator)
    made = Output(unit, expander, evaluator).write("a.s")
    if report.has_errors or made.relocations or made.sections[0].size != 4:
        return None
    return int.from_bytes(made.sections[0].contents, "little")


@settings(max_examples=400)
@given(
    st.sampled_from(sorted(DESCRIPTION.mnemonics)),
    st.lists(OPERANDS, max_size=4),
    st.sampled_from([", ", ",", " , "]),
    st.sampled_from(["", "  ", "\t"]),
)
def test_a_word_found_at_once_is_the_word_of_the_tree(
    mnemonic: str, operands: list[str], comma: str, indent: str
):
    text = f"{indent}{mnemonic} {comma.join(operands)}{indent}"
    word = FixedCode(DESCRIPTION).word(text)
    if word is not None:
        assert word == word_of_tree(text)


@pytest.mark.parametrize(
    "definition", DESCRIPTION.instructions, ids=lambda definition: definition.mnemonic
)
def test_every_instruction_with_registers_and_zeros_has_its_word_at_once(
    definition: InstructionDef,
) -> None:
    if any(kind.pc_relative for kind in definition.operands):
        return  # targets are names
    text = f"{definition.mnemonic} {', '.join(plain_operands(definition))}"
    word = FixedCode(DESCRIPTION).word(text)
    assert word is not None
    assert word == word_of_tree(text)


def plain_operands(definition: InstructionDef) -> list[str]:
    """Return an operand for each that is written, the last name or number of its kind."""
    written: list[str] = []
    for item in definition.syntax:
        kinds = [definition.operand(name) for name in (item.base, item.offset) if name]
        texts = [
            next((name for name, _ in reversed(kind.names) if name), str(kind.high))
            for kind in kinds
        ]
        written.append(f"[{' + '.join(texts)}]" if item.is_memory else texts[0])
    return written


def test_a_repeated_line_is_remembered_and_a_wrong_one_is_not(
    errors: Callable[[str], list[str]], description: Description
) -> None:
    fixed = FixedCode(description)
    assert fixed.word("add x1, x2, x3") == fixed.word("add x1, x2, x3")
    assert fixed.word("add x1, x2, 3") is None
    assert fixed.word("nothing x1") is None
    assert len(errors("add x1, x2, 3\nadd x1, x2, 3\n")) == 2


def test_instructions_at_once_keep_their_lines_and_columns() -> None:
    made = assemble(Source("a.s", "\tadd x1, x2, x3\n\n    addi x1, x1, 1\n"), DESCRIPTION).object
    assert [(line.offset, line.line, line.column) for line in made.lines] == [(0, 1, 2), (4, 3, 5)]


def test_where_code_can_not_stand_is_said_once() -> None:
    with pytest.raises(InputError) as caught:
        assemble(Source("a.s", ".data\nadd x1, x2, x3\nadd x1, x2, x3\n"), DESCRIPTION)
    assert len(caught.value.diagnostics) == 1
