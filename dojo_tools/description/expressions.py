"""Integer expressions over names, as the assembler's sources and the pseudo-instructions use them.

One tree serves both: a pseudo-instruction's operand is an assembly operand whose names are
parameters. Precedence is C's; the grammars build the trees.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """An integer literal."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter, register or symbol."""

    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """`.`: the address of the statement."""


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator of `UNARY` and its operand."""

    operator: str
    operand: "TemplateExpression"


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator of `BINARY` and its operands."""

    operator: str
    left: "TemplateExpression"
    right: "TemplateExpression"


TemplateExpression = Number | Name | Here | Unary | Binary


@dataclass(frozen=True, slots=True)
class TemplateOperand:
    """An operand of an expansion: an expression, or a memory operand `[base + offset]`."""

    expression: TemplateExpression
    is_memory: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """One instruction of an expansion."""

    mnemonic: str
    operands: tuple[TemplateOperand, ...]


def divide(dividend: int, divisor: int) -> int:
    """Return the quotient, rounded toward zero as in C."""
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def remainder(dividend: int, divisor: int) -> int:
    """Return the remainder, of the dividend's sign as in C."""
    return dividend - divisor * divide(dividend, divisor)


UNARY: dict[str, Callable[[int], int]] = {
    "-": lambda a: -a,
    "+": lambda a: a,
    "~": lambda a: ~a,
    "!": lambda a: int(not a),
}

BINARY: dict[str, Callable[[int, int], int]] = {
    "||": lambda a, b: int(bool(a) or bool(b)),
    "&&": lambda a, b: int(bool(a) and bool(b)),
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "%": remainder,
}


def names_in(expression: TemplateExpression) -> set[str]:
    """Return every name that an expression mentions."""
    match expression:
        case Name(name):
            return {name}
        case Unary(_, operand):
            return names_in(operand)
        case Binary(_, left, right):
            return names_in(left) | names_in(right)
        case _:
            return set()
