"""Structures: the offsets of fields as symbols.

`.struct point` ... `.field x, f32` ... `.endstruct` assigns `point.x`, then `point.size` and
`point.align`. Each field is aligned to its element, the size to the widest of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from dojo_tools.assembler.blocks import Block, Passage
from dojo_tools.assembler.directive_operands import check_count, element_of, expression_of, name_of
from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.macros import Argument
from dojo_tools.assembler.parser import parse_line
from dojo_tools.assembler.tree import Biased, Command, Expression, Name, Number, Operand, Refused
from dojo_tools.assembler.unit import UnitBuilder
from dojo_tools.bits import align_up
from dojo_tools.diagnostics import Note, Source, Span, did_you_mean
from dojo_tools.formats import ELEMENT_NAMES

STRUCTURE_SIZE_MAX = 16 << 20
FIELD = ".field"
_USAGE = ".field name, element, dimension, ..."
_OWN_NAMES = {"size": "size of the structure", "align": "alignment of the structure"}


@dataclass(slots=True)
class Structure:
    """A structure: its size and alignment in bytes so far, and where each name stands."""

    name: str
    span: Span
    fields: dict[str, Span]
    size: int = 0
    alignment: int = 1


class Structures:
    """The structures of a unit, by name."""

    def __init__(self, builder: UnitBuilder) -> None:
        self._builder = builder
        self._structures: dict[str, Structure] = {}

    def read(
        self, passage: Passage, block: Block, arguments: Sequence[Argument], span: Span
    ) -> None:
        """Assign the symbols of a structure; raises `Refused`, and reports each wrong field."""
        structure = self._begin(arguments, span)
        for line in passage.lines[block.start + 1 : block.end - 1]:
            try:
                self._read_field(structure, passage.source, line)
            except Refused as refused:
                self._builder.refuse(refused)
        structure.size = align_up(structure.size, structure.alignment)
        self._structures[structure.name] = structure
        self._assign(f"{structure.name}.size", structure.size, structure.span)
        self._assign(f"{structure.name}.align", structure.alignment, structure.span)

    def _begin(self, arguments: Sequence[Argument], span: Span) -> Structure:
        if len(arguments) != 1 or not re.fullmatch(r"[A-Za-z_]\w*", arguments[0].text, re.ASCII):
            raise Refused("a structure has one name", span, "write `.struct name`")
        name = arguments[0]
        if name.text in ELEMENT_NAMES:
            raise Refused(f"`{name.text}` is an element type", name.span)
        known = self._structures.get(name.text)
        if known is not None:
            notes = (Note("first defined here", known.span),)
            raise Refused(f"structure `{name.text}` is already defined", name.span, notes=notes)
        return Structure(name.text, name.span, {})

    def _read_field(self, structure: Structure, source: Source, line: SourceLine) -> None:
        parsed = parse_line(source, line)
        if parsed.labels:
            hint = "the name of a field follows `.field`"
            raise Refused("a structure holds fields, no labels", parsed.labels[0].span, hint)
        command = parsed.statement
        if command is None:
            return
        if not isinstance(command, Command) or command.name != FIELD:
            found = command.span if not isinstance(command, Command) else command.name_span
            raise Refused("a structure holds fields only", found, f"write `{_USAGE}`")
        check_count(command, 2, None, _USAGE)
        field, element, *dimensions = command.operands
        name = self._field_name(structure, field)
        width, alignment = self._element(element)
        count = prod(self._dimension(expression_of(each)) for each in dimensions)
        offset = align_up(structure.size, alignment)
        end = offset + width * count
        if end > STRUCTURE_SIZE_MAX:
            limit = STRUCTURE_SIZE_MAX >> 20
            raise Refused(f"this structure has more than {limit} MiB", command.span)
        structure.size = end
        structure.alignment = max(structure.alignment, alignment)
        self._assign(f"{structure.name}.{name.name}", offset, name.span)

    def _field_name(self, structure: Structure, operand: Operand) -> Name:
        """Return the name of a field, which is noted even if the rest of the field is wrong."""
        name = name_of(operand)
        if name.name[0].isdigit() or name.name[0] == ".":
            raise Refused(f"`{name.name}` can't name a field", name.span)
        if name.name in _OWN_NAMES:
            message = f"`{structure.name}.{name.name}` is the {_OWN_NAMES[name.name]}"
            raise Refused(message, name.span, "give the field another name")
        first = structure.fields.get(name.name)
        if first is not None:
            notes = (Note("first defined here", first),)
            raise Refused(f"field `{name.name}` stands there twice", name.span, notes=notes)
        structure.fields[name.name] = name.span
        return name

    def _element(self, operand: Operand) -> tuple[int, int]:
        """Return the size in bytes and the alignment of an element: a type or a structure."""
        if isinstance(operand, Biased) or (
            isinstance(operand, Name) and operand.name in ELEMENT_NAMES
        ):
            size = element_of(operand, self._builder).size
            return size, size
        name = operand.name if isinstance(operand, Name) else ""
        structure = self._structures.get(name)
        if structure is not None:
            return structure.size, structure.alignment
        raise Refused(
            f"`{operand.span.text}` is neither an element type nor a structure above",
            operand.span,
            did_you_mean(name, self._structures) or f"element types are {' '.join(ELEMENT_NAMES)}",
        )

    def _dimension(self, expression: Expression) -> int:
        builder = self._builder
        number = builder.reading.number(expression, builder.position(), earlier_only=True)
        if not 1 <= number <= STRUCTURE_SIZE_MAX:
            limits = f"1..{STRUCTURE_SIZE_MAX}"
            raise Refused(f"dimension {number} does not fit in the range {limits}", expression.span)
        return number

    def _assign(self, name: str, value: int, span: Span) -> None:
        self._builder.assign(name, Number(value, span), span)
