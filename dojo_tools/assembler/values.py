"""`.values`: numbers in any float element type, with warnings where it does not reach them."""

import math

import numpy as np

from dojo_tools.assembler.directive_operands import element_of
from dojo_tools.assembler.operands import describe_operand, float_text
from dojo_tools.assembler.tree import Command, Operand, Refused, refuse_together
from dojo_tools.assembler.unit import Bytes, UnitBuilder
from dojo_tools.float_codes import odd_of_text
from dojo_tools.formats import Element


def store_values(builder: UnitBuilder, command: Command) -> None:
    """Store the numbers of a directive, each rounded once; raises `Refused`."""
    first, *literals = command.operands
    element = element_of(first, builder)
    if element.format is None:
        hint = "integers are stored with .byte .half .word .dword"
        raise Refused(f"`.values` stores floats, not {element}", first.span, hint)
    problems: list[Refused] = []
    numbers: list[float] = []
    for literal in literals:
        try:
            numbers.append(_number(literal, element))
        except Refused as refused:
            problems.append(refused)
    refuse_together(problems)
    values = np.array(numbers)
    codes = element.encode(values)
    builder.add(Bytes(codes.astype(f"<u{element.size}").tobytes()), command.span)
    becomes = element.decode(codes).tolist()
    beyond = element.is_beyond(values).tolist()
    _warn(builder, element, literals, list(zip(numbers, becomes, beyond, strict=True)))


def _number(operand: Operand, element: Element) -> float:
    text = float_text(operand)
    number = None if text is None else odd_of_text(text)
    if number is None:
        raise Refused(
            f"expected a number to store as {element}, found {describe_operand(operand)}",
            operand.span,
            "numbers are 1, -1.5e-3, 0x1.8p3, inf, nan",
        )
    return number


def _warn(
    builder: UnitBuilder,
    element: Element,
    literals: list[Operand],
    results: list[tuple[float, float, bool]],
) -> None:
    """Warn of numbers that are not near what is stored."""
    for literal, (number, becomes, is_beyond) in zip(literals, results, strict=True):
        is_lost = becomes == 0 != number or (math.isinf(becomes) and math.isfinite(number))
        if not (is_beyond or is_lost):
            continue
        name = "saturation" if is_beyond else "suspicious-width"
        shown = "infinity" if math.isinf(becomes) else "zero" if becomes == 0 else f"{becomes:g}"
        message = f"{literal.span.text} becomes {shown} as {element}"
        builder.warn(name, message, literal.span)
