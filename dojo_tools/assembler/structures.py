"""Structures: the offsets of fields as symbols.

`.struct point` ... `.field x, f32` ... `.endstruct` assigns `point.x`, then `point.size` and
`point.align`. Each field is aligned to its element, the size to the widest of them.
"""

from collections.abc import Sequence
from math import prod

from dojo_tools.assembler.blocks import Block, Passage
from dojo_tools.assembler.directive_operands import check_count, expression_of, name_of
from dojo_tools.assembler.macros import Argument
from dojo_tools.assembler.parser import parse_line
from dojo_tools.assembler.tree import Command, Expression, Name, Number, Operand, Refused
from dojo_tools.assembler.unit import UnitBuilder
from dojo_tools.bits import align_up
from dojo_tools.description.types import parse_type
from dojo_tools.diagnostics import Span

STRUCTURE_SIZE_MAX = 16 << 20
_FIELD = ".field"
_USAGE = ".field name, element, dimension, ..."


def read_structure(
    builder: UnitBuilder, passage: Passage, block: Block, arguments: Sequence[Argument], span: Span
) -> None:
    """Assign the symbols of a structure; raises `Refused`, and reports each wrong field."""
    if len(arguments) != 1 or not arguments[0].text.isidentifier():
        raise Refused("a structure has one name", span, "write `.struct name`")
    name = arguments[0]
    size, alignment = 0, 1
    for line in passage.lines[block.start + 1 : block.end - 1]:
        try:
            command = parse_line(passage.source, line).statement
            if command is None:
                continue
            if not isinstance(command, Command) or command.name != _FIELD:
                found = command.span if not isinstance(command, Command) else command.name_span
                raise Refused("a structure holds fields only", found, f"write `{_USAGE}`")
            check_count(command, 2, None, _USAGE)
            field, element, *dimensions = command.operands
            width, element_alignment = _element(builder, element)
            count = prod(_dimension(builder, expression_of(each)) for each in dimensions)
            size = align_up(size, element_alignment)
            field_name = name_of(field)
            _assign(builder, f"{name.text}.{field_name.name}", size, field_name.span)
            size += width * count
            alignment = max(alignment, element_alignment)
            if size > STRUCTURE_SIZE_MAX:
                limit = STRUCTURE_SIZE_MAX >> 20
                raise Refused(f"this structure has more than {limit} MiB", command.span)
        except Refused as refused:
            builder.refuse(refused)
    _assign(builder, f"{name.text}.size", align_up(size, alignment), name.span)
    _assign(builder, f"{name.text}.align", alignment, name.span)


def _assign(builder: UnitBuilder, name: str, value: int, span: Span) -> None:
    builder.assign(name, Number(value, span), span)


def _element(builder: UnitBuilder, operand: Operand) -> tuple[int, int]:
    """Return the size in bytes and the alignment of an element: a type or another structure."""
    if isinstance(operand, Name):
        type_ = parse_type(operand.name)
        if type_ is not None and not type_.is_bool and not type_.lanes:
            return type_.width // 8, type_.width // 8
        if f"{operand.name}.size" in builder.symbols.entries:
            size, alignment = (
                builder.reading.number(
                    Name(f"{operand.name}.{what}", operand.span), builder.position()
                )
                for what in ("size", "align")
            )
            return size, alignment
    raise Refused(
        f"`{operand.span.text}` is neither an element type nor a structure above",
        operand.span,
        "element types are i8 u8 i16 u16 i32 u32 i64 u64 f32 bf16",
    )


def _dimension(builder: UnitBuilder, expression: Expression) -> int:
    number = builder.reading.number(expression, builder.position(), earlier_only=True)
    if not 1 <= number <= STRUCTURE_SIZE_MAX:
        limits = f"1..{STRUCTURE_SIZE_MAX}"
        raise Refused(f"dimension {number} does not fit in the range {limits}", expression.span)
    return number
