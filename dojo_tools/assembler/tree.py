"""What one line of assembly says, as a tree in which every node knows its characters.

The nodes of expressions mirror those of `description.expressions`, which have no place in a source:
an expansion's template becomes such a tree when operands are put in for its parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dojo_tools.description.types import Type
from dojo_tools.diagnostics import Diagnostic, Note, Severity, Span


@dataclass(slots=True)
class Anchor:
    """A place that moves until the layout has settled: an offset in a section."""

    section: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or character literal."""

    value: int
    span: Span


@dataclass(frozen=True, slots=True)
class Real:
    """A literal that only a float directive or parameter can take, as it was written."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A register, a symbol or, like `1b`, a numeric label; which one, the context decides."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Here:
    """`.`: the start of the statement, or in an expansion its instruction, which `anchor` is."""

    span: Span
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator of `description.expressions.UNARY` and its operand."""

    operator: str
    operand: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator of `description.expressions.BINARY` and its operands."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Constant:
    """An operand that must be a number of an integer type, and is taken as one."""

    expression: "Expression"
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Remote:
    """`symbol@(x, y)`: the address of a symbol on another node of the partition."""

    symbol: Name
    x: "Expression"
    y: "Expression"
    span: Span


Expression = Number | Real | Name | Here | Unary | Binary | Constant | Remote


@dataclass(frozen=True, slots=True)
class Memory:
    """An operand in brackets."""

    expression: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """A string, decoded; `\\xHH` makes bytes that need not be UTF-8."""

    contents: bytes
    span: Span


@dataclass(frozen=True, slots=True)
class Tag:
    """A word after `@`, such as `@function`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Biased:
    """`format(bias)`: an element type with its bias."""

    name: str
    bias: Expression
    span: Span


Operand = Expression | Memory | Text | Tag | Biased


@dataclass(frozen=True, slots=True)
class Label:
    """`name:` or `1:`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Command:
    """An instruction or, if its name starts with a dot, a directive."""

    name: str
    operands: tuple[Operand, ...]
    name_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = expression`; `span` is that of the name."""

    name: str
    expression: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Line:
    """One line: labels, and then perhaps a statement."""

    labels: tuple[Label, ...] = ()
    statement: Command | Assignment | None = None


class Refused(Exception):
    """A statement can't be used; `diagnostics` say why and where."""

    def __init__(
        self, message: str, span: Span, hint: str | None = None, notes: tuple[Note, ...] = ()
    ) -> None:
        super().__init__(message)
        self.diagnostics = [Diagnostic(Severity.ERROR, message, span, hint, notes)]


class LimitPassed(Refused):
    """What was read passes a limit: nothing more is read."""


def refuse_together(refusals: Sequence[Refused]) -> None:
    """Raise one `Refused` with the reasons of several, if there are any."""
    if refusals:
        first, *others = refusals
        first.diagnostics += [found for other in others for found in other.diagnostics]
        raise first


def join(first: Span, last: Span) -> Span:
    """Return the span from the start of one to the end of another in the same source."""
    return Span(first.source, first.start, last.end)
