"""Which words an alias stands for: its template, read backwards.

A template gives each operand of its instruction as an operand of the alias or as a constant. A word
whose operands hold those constants is one that the alias would encode. An alias of an alias is
followed down to the instruction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.description.expressions import (
    Binary,
    Name,
    Number,
    Template,
    TemplateExpression,
    TemplateOperand,
    Unary,
)
from dojo_tools.description.model import (
    AliasDef,
    InstructionDef,
    OperandClass,
    OperandKind,
    PseudoDef,
    SyntaxItem,
)

Argument = str | int
"""What an operand is given: the name of an alias's operand, or a code or number."""

_Entries = Mapping[str, Sequence[InstructionDef | AliasDef | PseudoDef]]
_LEFT_OUT = Number(0)


@dataclass(frozen=True, slots=True)
class AliasPattern:
    """The words of `definition` that `alias` stands for.

    `arguments` are in the order of the instruction's operands; `constraint_count` of them say
    something about the word: a constant, or an operand of the alias that already stood.
    """

    alias: AliasDef
    definition: InstructionDef
    arguments: tuple[Argument, ...]
    constraint_count: int


def find_patterns(aliases: Sequence[AliasDef], entries: _Entries) -> list[AliasPattern]:
    """Return the patterns of all aliases that can be read backwards, most constrained first.

    One that only reorders operands says nothing about a word and has no pattern, nor has one that
    computes an operand from another.
    """
    found = [pattern for alias in aliases if (pattern := _pattern(alias, entries))]
    return sorted(found, key=lambda pattern: -pattern.constraint_count)


def fits(template: Template, entry: InstructionDef | AliasDef | PseudoDef) -> bool:
    """Return whether an entry of the template's mnemonic has operands of the template's shape."""
    if isinstance(entry, PseudoDef):
        return False
    required = sum(not item.optional for item in entry.syntax)
    return required <= len(template.operands) <= len(entry.syntax) and all(
        operand.is_memory == item.is_memory
        for operand, item in zip(template.operands, entry.syntax, strict=False)
    )


def _pattern(alias: AliasDef, entries: _Entries) -> AliasPattern | None:
    own: dict[str, Argument] = {kind.name: kind.name for kind in alias.operands}
    base = _resolve(alias.template, own, entries, followed={alias.mnemonic})
    if base is None:
        return None
    definition, by_operand = base
    arguments = tuple(by_operand[kind.name] for kind in definition.operands)
    given = [argument for argument in arguments if isinstance(argument, str)]
    if set(given) != set(own) or not all(
        _reads_alike(kind, alias.operand(argument))
        for kind, argument in zip(definition.operands, arguments, strict=True)
        if isinstance(argument, str)
    ):
        return None
    constants = [
        argument
        for kind, argument in zip(definition.operands, arguments, strict=True)
        if isinstance(argument, int) and not _is_left_out(kind, argument)
    ]
    count = len(constants) + len(given) - len(set(given))
    return AliasPattern(alias, definition, arguments, count) if count else None


def _is_left_out(kind: OperandKind, value: int) -> bool:
    return kind.operand_class is OperandClass.PREDICATE and value == 0


def _reads_alike(first: OperandKind, second: OperandKind) -> bool:
    """Return whether what is written for one operand kind means the same for the other."""
    return (first.operand_class, first.file, first.pc_relative) == (
        second.operand_class,
        second.file,
        second.pc_relative,
    )


def _resolve(
    template: Template, given: Mapping[str, Argument], entries: _Entries, followed: set[str]
) -> tuple[InstructionDef, dict[str, Argument]] | None:
    """Return the instruction below a template, and what each of its operands is given."""
    entry = next((e for e in entries.get(template.mnemonic, ()) if fits(template, e)), None)
    if entry is None or isinstance(entry, PseudoDef):
        return None
    arguments: dict[str, Argument] = {}
    for name, expression in _bind(template.operands, entry.syntax):
        argument = _argument(entry.operand(name), expression, given)
        if argument is None:
            return None
        arguments[name] = argument
    if isinstance(entry, InstructionDef):
        return entry, arguments
    if entry.mnemonic in followed:
        return None
    return _resolve(entry.template, arguments, entries, followed | {entry.mnemonic})


def _bind(
    operands: Sequence[TemplateOperand], syntax: Sequence[SyntaxItem]
) -> Iterator[tuple[str, TemplateExpression]]:
    """Yield what a template writes for each operand; what is left out has code 0."""
    for index, item in enumerate(syntax):
        if index >= len(operands):
            yield item.base, _LEFT_OUT
            continue
        expression = operands[index].expression
        if item.is_memory:
            expression, offset = _split_base(expression)
            if item.offset:
                yield item.offset, offset
        yield item.base, expression


def _split_base(expression: TemplateExpression) -> tuple[TemplateExpression, TemplateExpression]:
    """Return base and offset of the expression in a memory operand's brackets."""
    match expression:
        case Binary("+", left, right):
            base, offset = _split_base(left)
            return base, right if offset is _LEFT_OUT else Binary("+", offset, right)
        case Binary("-", left, right):
            base, offset = _split_base(left)
            return base, Binary("-", offset, right)
        case _:
            return expression, _LEFT_OUT


def _argument(
    kind: OperandKind, expression: TemplateExpression, given: Mapping[str, Argument]
) -> Argument | None:
    if isinstance(expression, Name):
        return given.get(expression.name, dict(kind.names).get(expression.name))
    return _constant(expression, given)


def _constant(expression: TemplateExpression, given: Mapping[str, Argument]) -> int | None:
    """Return the value of a sum of numbers, or None for any other expression."""
    match expression:
        case Number(value):
            return value
        case Name(name):
            value = given.get(name)
            return value if isinstance(value, int) else None
        case Unary("-", operand):
            value = _constant(operand, given)
            return None if value is None else -value
        case Binary("+" | "-" as operator, left, right):
            values = _constant(left, given), _constant(right, given)
            if values[0] is None or values[1] is None:
                return None
            return values[0] + values[1] if operator == "+" else values[0] - values[1]
        case _:
            return None
