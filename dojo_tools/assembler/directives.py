"""What each directive does, by its name; those of the data types come from the description."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dojo_tools.assembler import section_directives as sections
from dojo_tools.assembler import symbol_directives as symbols
from dojo_tools.assembler.directive_operands import (
    check_count,
    element_of,
    expression_of,
    name_of,
    text_of,
)
from dojo_tools.assembler.operands import fit_bits, float_code
from dojo_tools.assembler.tree import Command, Expression, Number, Operand, Refused, Unary
from dojo_tools.assembler.unit import (
    Alignment,
    Assertion,
    Bytes,
    Origin,
    Space,
    TensorShape,
    UnitBuilder,
    Values,
    notes_of,
)
from dojo_tools.assembler.values import store_values
from dojo_tools.description import DataKind, Description
from dojo_tools.diagnostics import printable
from dojo_tools.objects import Binding

INCLUDE = ".include"
INCBIN = ".incbin"


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive: its work, and how many operands it takes; `most` is None for any number."""

    least: int
    most: int | None
    usage: str
    apply: Callable[[UnitBuilder, Command], None]


def apply_directive(builder: UnitBuilder, command: Command) -> None:
    """Do what a directive says; raises `Refused`."""
    kind = next((k for k in builder.description.data if f".{k.name}" == command.name), None)
    if kind is not None:
        _apply_data(builder, command, kind)
        return
    directive = DIRECTIVES.get(command.name)
    if directive is None:
        raise Refused(f"unknown directive `{command.name}`", command.name_span)
    check_count(command, directive.least, directive.most, directive.usage)
    directive.apply(builder, command)


def directive_names(description: Description) -> list[str]:
    """Return the name of every directive."""
    return [*DIRECTIVES, INCLUDE, INCBIN, *(f".{kind.name}" for kind in description.data)]


# Data.


def _apply_data(builder: UnitBuilder, command: Command, kind: DataKind) -> None:
    check_count(command, 1, None, f"{command.name} value, ...")
    size = kind.type.width // 8
    if kind.type.is_float:
        codes = [float_code(kind.type, operand) for operand in command.operands]
        builder.add(Bytes(_join(codes, size)), command.span)
        return
    expressions = [expression_of(operand) for operand in command.operands]
    numbers = [_constant(expression, kind.type.width) for expression in expressions]
    constants = [number for number in numbers if number is not None]
    if len(constants) == len(numbers):
        builder.add(Bytes(_join(constants, size)), command.span)
    else:
        builder.add(Values(kind, tuple(expressions)), command.span)


def _constant(expression: Expression, width: int) -> int | None:
    """Return a plain number as so many bits, or None for what must be evaluated later."""
    match expression:
        case Number(number):
            return fit_bits(number, width, expression.span)
        case Unary("-", Number(number)):
            return fit_bits(-number, width, expression.span)
        case _:
            return None


def _join(codes: Sequence[int], size: int) -> bytes:
    return b"".join([code.to_bytes(size, "little") for code in codes])


def _apply_strings(builder: UnitBuilder, command: Command, end: bytes = b"") -> None:
    contents = b"".join(text_of(operand).contents + end for operand in command.operands)
    builder.add(Bytes(contents), command.span)


def _apply_terminated_strings(builder: UnitBuilder, command: Command) -> None:
    _apply_strings(builder, command, b"\0")


def _apply_space(builder: UnitBuilder, command: Command) -> None:
    count, *value = map(expression_of, command.operands)
    default = Number(0, command.span)
    one = Number(1, command.span)
    builder.add(Space(count, value[0] if value else default, one), command.span)


def _apply_fill(builder: UnitBuilder, command: Command) -> None:
    count, width, value = map(expression_of, command.operands)
    builder.add(Space(count, value, width), command.span)


def _apply_align(builder: UnitBuilder, command: Command, is_exponent: bool = False) -> None:
    alignment, *fill = map(expression_of, command.operands)
    content = Alignment(alignment, fill[0] if fill else None, is_exponent)
    builder.add(content, command.span)


def _apply_power_align(builder: UnitBuilder, command: Command) -> None:
    _apply_align(builder, command, is_exponent=True)


def _apply_origin(builder: UnitBuilder, command: Command) -> None:
    builder.add(Origin(expression_of(command.operands[0])), command.span)


# Arrays.


def _apply_tensor(builder: UnitBuilder, command: Command) -> None:
    element, *dimensions = command.operands
    builder.add_tensor(
        element_of(element, builder), tuple(map(expression_of, dimensions)), command.span
    )


def _apply_shape(builder: UnitBuilder, command: Command) -> None:
    name, element, *dimensions = command.operands
    entry_name = name_of(name)
    builder.declare(entry_name)
    extents = tuple(map(expression_of, dimensions))
    shape = TensorShape(entry_name, element_of(element, builder), extents)
    builder.add(shape, command.span)


# Messages.


def _report_error(builder: UnitBuilder, command: Command) -> None:
    raise Refused(_message(command.operands[0]), command.span)


def _report_warning(builder: UnitBuilder, command: Command) -> None:
    message = _message(command.operands[0])
    builder.report.warning("user", message, command.span, notes=notes_of(builder.trail))


def _assert(builder: UnitBuilder, command: Command) -> None:
    condition, *message = command.operands
    expression = expression_of(condition)
    text = _message(message[0]) if message else f"`{expression.span.text}` does not hold"
    builder.add(Assertion(expression, text), command.span)


def _message(operand: Operand) -> str:
    return printable(text_of(operand).contents.decode(errors="replace"))


_SECTION = 'name, "awx", @nobits, alignment'
_declare = symbols.declare
_RESOURCES = [
    ([f".{word}"], Directive(1, None, f".{word} name, ...", symbols.define_resources(section)))
    for word, section in (
        ("semaphore", ".dojo.semaphores"),
        ("barrier", ".dojo.barriers"),
        ("biasreg", ".dojo.biasregs"),
    )
]


def _table(*rows: tuple[Sequence[str], Directive]) -> dict[str, Directive]:
    return {name: directive for names, directive in rows for name in names}


DIRECTIVES = _table(
    ([".text", ".data", ".rodata", ".bss"], Directive(0, 0, ".text", sections.enter_named_section)),
    ([".section"], Directive(1, 4, f".section {_SECTION}", sections.enter_section)),
    ([".pushsection"], Directive(1, 4, f".pushsection {_SECTION}", sections.push_section)),
    ([".popsection"], Directive(0, 0, ".popsection", sections.pop_section)),
    ([".org"], Directive(1, 1, ".org offset", _apply_origin)),
    ([".align", ".balign"], Directive(1, 2, ".align bytes, fill", _apply_align)),
    ([".p2align"], Directive(1, 2, ".p2align exponent, fill", _apply_power_align)),
    ([".space", ".zero", ".skip"], Directive(1, 2, ".space size, fill", _apply_space)),
    ([".fill"], Directive(3, 3, ".fill count, size, value", _apply_fill)),
    ([".ascii"], Directive(1, None, '.ascii "text", ...', _apply_strings)),
    ([".asciz", ".string"], Directive(1, None, '.asciz "text", ...', _apply_terminated_strings)),
    ([".tensor"], Directive(2, None, ".tensor element, dimension, ...", _apply_tensor)),
    ([".values"], Directive(2, None, ".values element, number, ...", store_values)),
    ([".shape"], Directive(3, None, ".shape name, element, dimension, ...", _apply_shape)),
    ([".set", ".equ"], Directive(2, 2, ".set name, expression", symbols.assign)),
    ([".global", ".globl"], Directive(1, None, ".global name, ...", _declare(Binding.GLOBAL))),
    ([".local"], Directive(1, None, ".local name, ...", _declare(Binding.LOCAL))),
    ([".weak"], Directive(1, None, ".weak name, ...", _declare(Binding.WEAK))),
    ([".extern"], Directive(1, None, ".extern name, ...", _declare(None))),
    ([".hidden"], Directive(1, None, ".hidden name, ...", symbols.hide)),
    ([".common", ".comm"], Directive(2, 3, ".common name, size, alignment", symbols.define_common)),
    ([".type"], Directive(2, 2, ".type name, @function", symbols.set_kind)),
    ([".size"], Directive(2, 2, ".size name, expression", symbols.set_size)),
    *_RESOURCES,
    ([".program"], Directive(1, 1, ".program name", symbols.set_program)),
    ([".place"], Directive(2, 4, symbols.PLACE, symbols.add_place)),
    ([".threads"], Directive(1, 1, ".threads count", symbols.set_threads)),
    ([".share"], Directive(2, 3, ".share thread, lanes, interval", symbols.set_share)),
    ([".error"], Directive(1, 1, '.error "text"', _report_error)),
    ([".warning"], Directive(1, 1, '.warning "text"', _report_warning)),
    ([".assert"], Directive(1, 2, '.assert condition, "text"', _assert)),
)
