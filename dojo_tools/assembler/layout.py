"""Gives each item its offset, by passes over the whole unit until nothing moves.

The first pass takes every expansion at its first choice. Later passes reconsider: labels above are
then where this pass puts them, labels below where the last one did. Choices only ever grow, and
space may depend only on what stands above, so the passes end.
"""

from math import prod

from dojo_tools.assembler.evaluate import Evaluator, describe
from dojo_tools.assembler.expand import INSTRUCTION_SIZE, Expander, Use
from dojo_tools.assembler.symbols import AssignmentDef, Position
from dojo_tools.assembler.tree import Expression, Refused
from dojo_tools.assembler.unit import (
    Alignment,
    Bytes,
    Item,
    Mark,
    Origin,
    SectionState,
    Space,
    TensorSpace,
    UnitBuilder,
    Values,
    Words,
    notes_of,
)
from dojo_tools.bits import align_up, is_power_of_two
from dojo_tools.diagnostics import printable

SECTION_SIZE_MAX = 16 << 20
ALIGNMENT_MAX = 1 << 16
_FILL_WIDTH_MAX = 8
_PATIENT_PASSES = 64


def lay_out(unit: UnitBuilder, expander: Expander, evaluator: Evaluator) -> None:
    """Set the offset and size of every item; what can't be measured takes no space.

    `measure` tells why, when the item is written.
    """
    pass_count = 0
    while _place(unit, expander, evaluator, pass_count) or pass_count == 0:
        pass_count += 1


def measure(item: Item, section: SectionState, evaluator: Evaluator) -> int:
    """Return the size of an item at its offset; raises `Refused`."""
    position = item.position
    match item.content:
        case Use():
            size = item.size
        case Words(_, words):
            size = INSTRUCTION_SIZE * len(words)
        case Values(kind, expressions):
            size = len(expressions) * kind.type.width // 8
        case Bytes(contents):
            size = len(contents)
        case Space(count, _, width):
            size = _measure_space(count, width, position, evaluator)
        case Alignment():
            alignment = read_alignment(item.content, position, evaluator)
            section.alignment = max(section.alignment, alignment)
            size = align_up(position.anchor.offset, alignment) - position.anchor.offset
        case Origin(expression):
            size = _measure_origin(expression, position, evaluator)
        case TensorSpace(element, dimensions):
            size = prod(read_shape(dimensions, position, evaluator)) * element.width // 8
        case _:
            size = 0
    if position.anchor.offset + size > SECTION_SIZE_MAX:
        raise Refused(
            f"section `{printable(section.name)}` grows beyond {SECTION_SIZE_MAX >> 20} MiB here",
            item.span,
        )
    return size


def read_alignment(content: Alignment, position: Position, evaluator: Evaluator) -> int:
    """Return an alignment in bytes; raises `Refused`."""
    expression = content.alignment
    number = evaluator.number(expression, position, earlier_only=True)
    if content.is_exponent:
        exponent_max = ALIGNMENT_MAX.bit_length() - 1
        if not 0 <= number <= exponent_max:
            raise Refused(
                f"exponent {number} does not fit in the range 0..{exponent_max}",
                expression.span,
                "`.p2align 6` aligns to 64 bytes",
            )
        return 1 << number
    if not is_power_of_two(number):
        raise Refused(f"alignment {number} is not a power of two", expression.span)
    if number > ALIGNMENT_MAX:
        raise Refused(f"alignment {number} is above {ALIGNMENT_MAX}", expression.span)
    return number


def read_shape(
    dimensions: tuple[Expression, ...], position: Position, evaluator: Evaluator
) -> tuple[int, ...]:
    """Return the dimensions of an array; raises `Refused`."""
    shape: list[int] = []
    for dimension in dimensions:
        number = evaluator.number(dimension, position, earlier_only=True)
        if number < 1:
            raise Refused(f"a dimension is at least 1, found {number}", dimension.span)
        if prod([*shape, number]) > SECTION_SIZE_MAX:
            raise Refused("this array is larger than a section can be", dimension.span)
        shape.append(number)
    return tuple(shape)


def _place(unit: UnitBuilder, expander: Expander, evaluator: Evaluator, pass_count: int) -> bool:
    """Place every item once and return whether anything moved."""
    evaluator.forget()
    moved = False
    for section in unit.sections.values():
        section.size = 0
    judge = evaluator if pass_count else None
    force = pass_count > _PATIENT_PASSES
    for item in unit.items:
        anchor, content = item.position.anchor, item.content
        section = unit.sections[anchor.section]
        moved |= anchor.offset != section.size
        anchor.offset = section.size
        if isinstance(content, Words):
            size = INSTRUCTION_SIZE * len(content.words)
        elif isinstance(content, Use):
            try:
                size = expander.settle(content, anchor.offset, item.position, judge, force)
            except Refused as refused:
                unit.refuse(refused, notes_of(item.trail))
                size = INSTRUCTION_SIZE
        elif isinstance(content, Mark):
            size = 0
        elif isinstance(content, Bytes):
            size = len(content.contents)
        else:
            size = _measure(item, section, evaluator)
        moved |= item.size != size
        item.size = size
        section.size += size
    return moved


def _measure(item: Item, section: SectionState, evaluator: Evaluator) -> int:
    """Return the size of an item, none of one that can't be measured yet."""
    try:
        if isinstance(item.content, AssignmentDef):
            evaluator.assign(item.content)
        return measure(item, section, evaluator)
    except Refused:
        return 0


def _measure_origin(expression: Expression, position: Position, evaluator: Evaluator) -> int:
    """Return the distance to an offset, or to an address in the section; raises `Refused`."""
    here = position.anchor
    value = evaluator.value(expression, position, earlier_only=True)
    target = value.number if value.is_number else evaluator.fixed_offset(value, here.section)
    if target is None:
        raise Refused(
            f"expected an offset in `{printable(here.section)}`, found {describe(value)}",
            expression.span,
        )
    if target < here.offset:
        raise Refused(
            f"`.org` can't go back: offset {target} lies before {here.offset}", expression.span
        )
    return target - here.offset


def _measure_space(
    count_expression: Expression, width: Expression, position: Position, evaluator: Evaluator
) -> int:
    count = evaluator.number(count_expression, position, earlier_only=True)
    each = evaluator.number(width, position, earlier_only=True)
    if not 1 <= each <= _FILL_WIDTH_MAX:
        raise Refused(f"size {each} does not fit in the range 1..{_FILL_WIDTH_MAX}", width.span)
    if count < 0:
        raise Refused(f"the count is negative: {count}", count_expression.span)
    if count * each > SECTION_SIZE_MAX:
        raise Refused(
            f"{count * each} bytes are more than a section can hold ({SECTION_SIZE_MAX >> 20} MiB)",
            count_expression.span,
        )
    return count * each
