"""Turns the procedures of the mesh into Python functions.

The text follows the checked tree statement by statement, one function a procedure; arrays and
functions are global names of one namespace, which are quick to reach. Names of the text get the
suffix `_`, so they can't collide with Python's. The generated text stays available to tracebacks.
"""

import itertools
import linecache
from collections.abc import Callable, Iterable, Mapping, MutableSequence
from typing import Any

from dojo_tools.bits import signed_range
from dojo_tools.description.procedure_model import (
    Assign,
    Binary,
    Choice,
    Discard,
    Element,
    Expression,
    If,
    Invoke,
    Local,
    Number,
    ProcedureDef,
    Procedures,
    Return,
    Statement,
    Store,
    Unary,
    While,
)
from dojo_tools.engines.reference.operators import python_name

Function = Callable[..., int]

_LEAST, _GREATEST = signed_range(64)
_COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))
_LOGIC = {"&&": "and", "||": "or"}
_DIVISIONS = {"/": "//", "%": "%"}
_MARGIN = "    "


def compile_python(
    procedures: Procedures,
    arrays: Mapping[str, MutableSequence[int]],
    externals: Mapping[str, Function],
    is_checked: bool = False,
) -> dict[str, Function]:
    """Return a function for each procedure, working on these arrays and external functions.

    Checked ones raise `IndexError` for a negative index and `OverflowError` for a value that leaves
    64 bits where it is kept or passed, and are slower.
    """
    text = generate(procedures, is_checked)
    name = "<procedures of the mesh>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"at": _checked_index, "fits": _checked_value}
    namespace |= {python_name(array.name): arrays[array.name] for array in procedures.arrays}
    namespace |= {python_name(e.name): externals[e.name] for e in procedures.externals}
    exec(compile(text, name, "exec"), namespace)
    return {p.name: namespace[python_name(p.name)] for p in procedures.procedures}


def _checked_index(index: int) -> int:
    if index < 0:
        raise IndexError(f"index {index} is negative")
    return index


def _checked_value(value: int) -> int:
    if not _LEAST <= value <= _GREATEST:
        raise OverflowError(f"{value} does not fit in 64 signed bits")
    return value


def generate(procedures: Procedures, is_checked: bool = False) -> str:
    """Return the Python text of all procedures."""
    texts = [_Generator(procedure, is_checked).text() for procedure in procedures.procedures]
    return "\n\n".join(texts)


class _Generator:
    """The lines of one function."""

    def __init__(self, procedure: ProcedureDef, is_checked: bool) -> None:
        self._procedure = procedure
        self._is_checked = is_checked
        self._lines: list[str] = []
        self._temporaries = itertools.count(1)

    def text(self) -> str:
        """Return the whole function."""
        procedure = self._procedure
        parameters = ", ".join(map(python_name, procedure.parameters))
        self._lines.append(f"def {python_name(procedure.name)}({parameters}):")
        self._lines.append(f"{_MARGIN}# {procedure.defined_at}: {procedure.doc}")
        self._statements(procedure.statements, _MARGIN)
        if not (procedure.statements and isinstance(procedure.statements[-1], Return)):
            self._lines.append(f"{_MARGIN}return 0")
        return "\n".join(self._lines) + "\n"

    def _block(self, head: str, statements: tuple[Statement, ...], margin: str) -> None:
        self._lines.append(f"{margin}{head}:")
        self._statements(statements, margin + _MARGIN)
        if not statements:
            self._lines.append(f"{margin}{_MARGIN}pass")

    def _statements(self, statements: Iterable[Statement], margin: str) -> None:
        for statement in statements:
            self._statement(statement, margin)

    def _statement(self, statement: Statement, margin: str) -> None:
        match statement:
            case Assign(name, value):
                self._lines.append(f"{margin}{python_name(name)} = {self._kept(value)}")
            case Store(array, index, value):
                place = f"{python_name(array)}[{self._index(index)}]"
                self._lines.append(f"{margin}{place} = {self._kept(value)}")
            case If(arms, otherwise):
                for i, arm in enumerate(arms):
                    head = f"{'elif' if i else 'if'} {self._condition(arm.condition)}"
                    self._block(head, arm.statements, margin)
                if otherwise:
                    self._block("else", otherwise, margin)
            case While(condition, statements):
                self._block(f"while {self._condition(condition)}", statements, margin)
            case Return(value):
                self._lines.append(f"{margin}return {self._kept(value)}")
            case Discard(invoke):
                self._lines.append(f"{margin}{self._value(invoke)}")

    def _kept(self, expression: Expression) -> str:
        """Return the text of a value that is stored, passed or returned."""
        text = self._value(expression)
        if self._is_checked and not isinstance(expression, Number | Local | Element | Invoke):
            return f"fits({text})"
        return text

    def _index(self, expression: Expression) -> str:
        text = self._value(expression)
        return f"at({text})" if self._is_checked else text

    # ---- expressions

    def _value(self, expression: Expression) -> str:
        """Return the text of a value, without parentheses around it."""
        match expression:
            case Number(value):
                return str(value)
            case Local(name):
                return python_name(name)
            case Element(array, index):
                return f"{python_name(array)}[{self._index(index)}]"
            case Invoke(name, arguments):
                return f"{python_name(name)}({', '.join(map(self._kept, arguments))})"
            case Choice(condition, then, otherwise):
                # Python evaluates the middle last, too.
                return f"{self._part(then)} if {self._test(condition)} else {self._part(otherwise)}"
            case Unary("!", operand):
                return f"0 if {self._test(operand)} else 1"
            case Unary(operator, operand):
                return f"{operator}{self._part(operand)}"
            case Binary():
                return self._binary(expression)

    def _binary(self, expression: Binary) -> str:
        operator = expression.operator
        if operator in _COMPARISONS or operator in _LOGIC:
            return f"1 if {self._condition(expression)} else 0"
        left, right = expression.left, expression.right
        if operator in _DIVISIONS:
            return self._division(_DIVISIONS[operator], left, right)
        if operator in ("<<", ">>"):
            return f"{self._part(left)} {operator} {self._shift_count(right)}"
        return f"{self._part(left)} {operator} {self._part(right)}"

    def _shift_count(self, expression: Expression) -> str:
        if isinstance(expression, Number):
            return str(expression.value & 63)
        return f"({self._part(expression)} & 63)"

    def _division(self, operator: str, left: Expression, right: Expression) -> str:
        """Return the text of a division that gives 0 where it is not defined."""
        dividend, is_natural = self._tested(left, ">=")
        if isinstance(right, Number):
            if right.value <= 0:
                return f"0 * {self._part(left)}"
            return f"{dividend} {operator} {right.value} if {is_natural} else 0"
        divisor, is_positive = self._tested(right, ">")
        # Not `and`: both operands are evaluated in any case.
        return f"{dividend} {operator} {divisor} if ({is_natural}) & ({is_positive}) else 0"

    def _tested(self, expression: Expression, comparison: str) -> tuple[str, str]:
        """Return a name of a value and a test of it against 0, which is evaluated first."""
        text = self._value(expression)
        if isinstance(expression, Number | Local):
            return text, f"{text} {comparison} 0"
        name = f"t{next(self._temporaries)}"
        return name, f"({name} := {text}) {comparison} 0"

    def _part(self, expression: Expression) -> str:
        """Return the text of a value as an operand."""
        text = self._value(expression)
        if isinstance(expression, Unary | Binary | Choice):
            return f"({text})"
        return text

    def _condition(self, expression: Expression) -> str:
        """Return the text of a value that is only tested, without parentheses around it."""
        match expression:
            case Unary("!", operand):
                return f"not {self._test(operand)}"
            case Binary(operator, left, right) if operator in _COMPARISONS:
                return f"{self._part(left)} {operator} {self._part(right)}"
            case Binary(operator, left, right) if operator in _LOGIC:
                return f"{self._test(left)} {_LOGIC[operator]} {self._test(right)}"
            case _:
                return self._value(expression)

    def _test(self, expression: Expression) -> str:
        """Return the text of a value that is only tested, as an operand."""
        text = self._condition(expression)
        if isinstance(expression, Unary | Binary | Choice):
            return f"({text})"
        return text
