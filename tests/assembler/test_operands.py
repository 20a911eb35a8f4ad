"""Every immediate of every instruction: its two ends are accepted, the values beyond refused."""

from collections.abc import Callable, Sequence

import pytest

from dojo_tools.assembler import Assembly
from dojo_tools.description import (
    Description,
    InstructionDef,
    OperandClass,
    OperandKind,
    load_description,
)

IMMEDIATES = [
    pytest.param(definition, kind, id=f"{definition.mnemonic}-{kind.name}-{index}")
    for index, definition in enumerate(load_description().instructions)
    for kind in definition.operands
    if kind.operand_class is OperandClass.IMMEDIATE
]


def written(definition: InstructionDef, chosen: OperandKind, number: int) -> str:
    """Return a statement with `number` for one immediate and something fitting elsewhere."""

    def operand(name: str) -> str:
        kind = definition.operand(name)
        if kind.operand_class is not OperandClass.IMMEDIATE:
            return next(word for word, _ in kind.names if word)
        value = number if kind is chosen else kind.low
        return f". + {value}" if kind.pc_relative else str(value)

    items = [
        f"[{operand(item.base)} + {operand(item.offset)}]"
        if item.offset
        else f"[{operand(item.base)}]"
        if item.is_memory
        else operand(item.base)
        for item in definition.syntax
    ]
    return f"{definition.mnemonic} {', '.join(items)}"


@pytest.mark.parametrize("definition, kind", IMMEDIATES)
def test_both_ends_are_encoded(
    definition: InstructionDef,
    kind: OperandKind,
    words: Callable[[str], list[int]],
    description: Description,
) -> None:
    index = definition.operands.index(kind)
    for number in (kind.low, kind.high):
        (word,) = words(written(definition, kind, number))
        instruction = description.decode(word)
        assert instruction is not None
        assert instruction.definition.match == definition.match
        assert instruction.values[index] == number


@pytest.mark.parametrize("definition, kind", IMMEDIATES)
def test_the_values_beyond_are_refused(
    definition: InstructionDef,
    kind: OperandKind,
    errors: Callable[[str], Sequence[str]],
    assembled: Callable[[str], Assembly],
) -> None:
    for number in (kind.low - kind.scale, kind.high + kind.scale):
        text = written(definition, kind, number)
        if definition.far:
            (warning,) = assembled(text).warnings
            assert "does not reach its target" in warning.message
        else:
            (message,) = errors(text)
            assert f" {number} does not fit in " in message
            assert f"{kind.low}..{kind.high}" in message


def test_a_value_between_multiples_is_refused(errors: Callable[[str], Sequence[str]]) -> None:
    for parameter in IMMEDIATES:
        definition, kind = parameter.values
        assert isinstance(definition, InstructionDef)
        assert isinstance(kind, OperandKind)
        if kind.scale > 1:
            (message,) = errors(written(definition, kind, kind.low + 1))
            assert f"is not a multiple of {kind.scale}" in message
