"""What the operands of a directive must be; raises `Refused` for others."""

from dojo_tools.assembler.operands import describe_operand
from dojo_tools.assembler.tree import (
    Biased,
    Command,
    Expression,
    Memory,
    Name,
    Operand,
    Refused,
    Tag,
    Text,
)
from dojo_tools.assembler.unit import UnitBuilder
from dojo_tools.diagnostics import InputError
from dojo_tools.formats import ELEMENT_NAMES, Element, make_element


def check_count(command: Command, least: int, most: int | None, usage: str) -> None:
    """Raise `Refused` for a wrong count of operands."""
    count = len(command.operands)
    if count < least or (most is not None and count > most):
        limits = f"{least}" if most == least else f"{least} to {most}"
        limits = f"at least {least}" if most is None else limits
        plural = "" if limits.endswith("1") else "s"
        raise Refused(
            f"`{command.name}` takes {limits if most != 0 else 'no'} operand{plural}, "
            f"found {count or 'none'}",
            command.span,
            f"write `{usage}`",
        )


def text_of(operand: Operand) -> Text:
    """Return an operand that must be a string."""
    if not isinstance(operand, Text):
        raise Refused(f"expected a string, found {describe_operand(operand)}", operand.span)
    return operand


def expression_of(operand: Operand) -> Expression:
    """Return an operand that must be an expression."""
    if isinstance(operand, Memory | Text | Tag | Biased):
        hint = "strings are written with `.ascii`" if isinstance(operand, Text) else None
        raise Refused(
            f"expected an expression, found {describe_operand(operand)}", operand.span, hint
        )
    return operand


def name_of(operand: Operand) -> Name:
    """Return an operand that must be a name."""
    if not isinstance(operand, Name):
        raise Refused(f"expected a name, found {describe_operand(operand)}", operand.span)
    return operand


def element_of(operand: Operand, builder: UnitBuilder) -> Element:
    """Return an operand that must be an element type, with a bias if it needs one."""
    if not isinstance(operand, Name | Biased) or operand.name not in ELEMENT_NAMES:
        raise Refused(
            f"expected an element type, found {describe_operand(operand)}",
            operand.span,
            f"element types are {' '.join(ELEMENT_NAMES)}",
        )
    bias = None
    if isinstance(operand, Biased):
        bias = builder.reading.number(operand.bias, builder.position(), earlier_only=True)
    try:
        return make_element(operand.name, bias)
    except InputError as error:
        (found,) = error.diagnostics
        raise Refused(found.message, operand.span, found.hint) from None
