"""The value of an expression: a number, or an address that only the linker will know.

An address is a section or an undefined symbol, and a distance from it. Addresses can be moved by a
number, and two in one section can be subtracted and compared; everything else needs numbers. The
same function serves operands, data, directives and the conditions of pseudo-instructions.
"""

import bisect
from collections.abc import Container
from dataclasses import dataclass

from dojo_tools.assembler.literals import NUMBER_WIDTH_MAX
from dojo_tools.assembler.parser import NESTING_MAX
from dojo_tools.assembler.symbols import (
    TEMPORARY_PREFIX,
    AssignmentDef,
    Position,
    SymbolEntry,
    Symbols,
)
from dojo_tools.assembler.tree import (
    Anchor,
    Binary,
    Constant,
    Expression,
    Here,
    Name,
    Number,
    Real,
    Refused,
    Remote,
    Unary,
)
from dojo_tools.bits import mask, signed_range, to_signed, to_unsigned
from dojo_tools.description.expressions import BINARY, UNARY
from dojo_tools.diagnostics import Hints, Span
from dojo_tools.objects import Binding
from dojo_tools.objects.linker_names import LINKER_NAMES

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_DEPTH_MAX = NESTING_MAX + 32  # expansions nest an operand a little deeper than it was written
_CHAIN_MAX = 64
COORDINATE_MAX = 1 << 12
"""Columns and rows of a mesh have 12 bits in a global address."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number; in a section, an offset from its start; of an undefined symbol, an offset from it.

    In a section, `symbol` is the label that the address was computed from, if there was one. With a
    `node`, the address is that of the symbol there, and the number an offset from it.
    """

    number: int
    section: str | None = None
    symbol: str | None = None
    node: tuple[int, int] | None = None

    @property
    def is_number(self) -> bool:
        """Whether the value does not depend on where anything is placed."""
        return self.section is None and self.symbol is None


class Evaluator:
    """Evaluates expressions over the symbols of a source, wherever they stand at the moment.

    While a source is read, `has_places` is false: nothing has an address yet.
    """

    def __init__(
        self, symbols: Symbols, registers: Container[str], has_places: bool = True
    ) -> None:
        self._symbols = symbols
        self._registers = registers
        self._has_places = has_places
        self._assigned: dict[int, Value | Refused] = {}
        self._active: set[int] = set()
        self._depth = 0
        self._hints = Hints()

    def forget(self) -> None:
        """Forget the values of assigned symbols, because labels are about to move."""
        self._assigned.clear()

    def value(
        self, expression: Expression, position: Position, earlier_only: bool = False
    ) -> Value:
        """Return the value of an expression that stands at `position`; raises `Refused`.

        With `earlier_only`, names must have been defined before: the layout depends on the value.
        """
        if self._depth > _DEPTH_MAX:
            raise Refused(f"nested deeper than {NESTING_MAX} levels", expression.span)
        self._depth += 1
        try:
            match expression:
                case Number(number):
                    return Value(number)
                case Name():
                    return self._name(expression, position, earlier_only)
                case Here(_, anchor):
                    self._check_has_places(expression)
                    return _place(anchor or position.anchor)
                case Unary(operator, operand):
                    value = self.value(operand, position, earlier_only)
                    return _apply_unary(expression, operator, value)
                case Binary():
                    return self._chain(expression, position, earlier_only)
                case Constant(operand):
                    return _as_constant(expression, self.value(operand, position, earlier_only))
                case Remote():
                    return self._remote(expression, position)
                case Real(text, span):
                    raise Refused(f"expected an integer, found `{text}`", span)
        finally:
            self._depth -= 1

    def number(self, expression: Expression, position: Position, earlier_only: bool = False) -> int:
        """Return the value of an expression that must be a number; raises `Refused`."""
        value = self.value(expression, position, earlier_only)
        if not value.is_number:
            raise Refused(f"expected a number, found {describe(value)}", expression.span)
        return value.number

    def fixed_offset(self, value: Value, section: str) -> int | None:
        """Return the offset of a value within `section` if the linker can't change it.

        A weak symbol may turn out to be defined elsewhere.
        """
        if value.section != section:
            return None
        entry = self._symbols.entries.get(value.symbol) if value.symbol else None
        if entry is not None and entry.binding is Binding.WEAK:
            return None
        return value.number

    def assign(self, assignment: AssignmentDef) -> Value:
        """Return the value of an assigned name, evaluated where the assignment stands."""
        index = assignment.position.index
        if index in self._active:
            raise Refused("the value of this name depends on itself", assignment.span)
        if len(self._active) > _CHAIN_MAX:
            raise Refused(
                f"this name is reached through more than {_CHAIN_MAX} assignments", assignment.span
            )
        self._active.add(index)
        try:
            self._assigned[index] = self.value(assignment.expression, assignment.position)
        except Refused as refused:
            self._assigned[index] = refused
        finally:
            self._active.remove(index)
        return self._known(assignment)

    def _known(self, assignment: AssignmentDef) -> Value:
        """Return the value of an assignment, or refuse it again for the reason found before."""
        known = self._assigned.get(assignment.position.index)
        if known is None:
            return self.assign(assignment)
        if isinstance(known, Refused):
            raise known.with_traceback(None)  # which would otherwise grow with each raise
        return known

    def _chain(self, expression: Binary, position: Position, earlier_only: bool) -> Value:
        """Evaluate operators that associate to the left in a loop: a long sum is not a deep one."""
        steps: list[Binary] = []
        node: Expression = expression
        while isinstance(node, Binary):
            steps.append(node)
            node = node.left
        value = self.value(node, position, earlier_only)
        for step in reversed(steps):
            value = _apply(step, value, self.value(step.right, position, earlier_only))
        return value

    def _name(self, node: Name, position: Position, earlier_only: bool) -> Value:
        name, span = node.name, node.span
        if name in self._registers:
            raise Refused(f"expected a number or an address, found register `{name}`", span)
        if name[0].isdigit():
            self._check_has_places(node)
            return self._numeric(node, position, earlier_only)
        entry = self._symbols.entries.get(name)
        if entry is not None and entry.label is not None:
            self._check_has_places(node)
            label = entry.label.position
            if earlier_only and label.index > position.index:
                raise _too_late(node)
            return Value(label.anchor.offset, label.anchor.section, name)
        if entry is not None and entry.assignments:
            assignment = _assignment_at(entry, node, position, earlier_only)
            return self._known(assignment)
        if entry is not None and entry.is_declared:
            return Value(0, None, name)
        raise Refused(f"undefined symbol `{name}`", span, self._undefined_hint(name))

    def _remote(self, node: Remote, position: Position) -> Value:
        coordinates: list[int] = []
        for expression in (node.x, node.y):
            number = self.number(expression, position)
            if not 0 <= number < COORDINATE_MAX:
                limits = f"0..{COORDINATE_MAX - 1}"
                raise Refused(f"{number} does not fit in the range {limits}", expression.span)
            coordinates.append(number)
        x, y = coordinates
        name = node.symbol.name
        if name in self._registers or name[0].isdigit():
            raise Refused(f"expected a symbol, found `{name}`", node.symbol.span)
        return Value(0, None, name, (x, y))

    def _check_has_places(self, node: Name | Here) -> None:
        if not self._has_places:
            raise Refused(
                f"`{node.span.text}` is an address: what is read can't depend on it", node.span
            )

    def _numeric(self, node: Name, position: Position, earlier_only: bool) -> Value:
        number, forward = node.name[:-1], node.name.endswith("f")
        labels = self._symbols.numeric_labels(number)
        after = bisect.bisect_right(labels, position.index, key=lambda x: x.position.index)
        index = after if forward else after - 1
        if not 0 <= index < len(labels):
            where = "below" if forward else "above"
            raise Refused(f"no numeric label `{number}:` {where}", node.span)
        if forward and earlier_only:
            raise _too_late(node)
        return _place(labels[index].position.anchor)

    def _undefined_hint(self, name: str) -> str:
        if not self._has_places:
            return f"give it a number above, or with `-D {name}=1`"
        if name in LINKER_NAMES:
            return f"the linker defines it in every program: write `.extern {name}`"
        hint = self._hints.did_you_mean(name, self._symbols.defined_names())
        if name.startswith(TEMPORARY_PREFIX):
            return hint or f"other files can't define it: its name starts with `{TEMPORARY_PREFIX}`"
        return hint or f"write `.extern {name}` if another file defines it"


def describe(value: Value) -> str:
    """Return in words what a value is."""
    if value.is_number:
        return f"the number {value.number}"
    if value.symbol is None:
        return f"an address in `{value.section}`"
    if value.node is not None:
        return f"the address of `{value.symbol}` on node {value.node}"
    return f"the address of `{value.symbol}`, which the linker decides"


def _place(anchor: Anchor) -> Value:
    return Value(anchor.offset, anchor.section)


def _too_late(node: Name) -> Refused:
    return Refused(
        f"`{node.name}` is defined only later, but how much space this takes must be known here",
        node.span,
    )


def _assignment_at(
    entry: SymbolEntry, node: Name, position: Position, earlier_only: bool
) -> AssignmentDef:
    """Return the assignment that holds at a position: the last before it, or the only one."""
    index = bisect.bisect_left(entry.assignments, position.index, key=lambda x: x.position.index)
    if index > 0:
        return entry.assignments[index - 1]
    if earlier_only:
        raise _too_late(node)
    if len(entry.assignments) > 1:
        raise Refused(
            f"`{node.name}` is assigned {len(entry.assignments)} times, all of them later",
            node.span,
        )
    return entry.assignments[0]


def _as_constant(node: Constant, value: Value) -> Value:
    """Return a number as one of the node's type: both ways to read its bits are accepted."""
    width = node.type.width
    if not value.is_number:
        raise Refused(
            f"expected a number known when assembling, found {describe(value)}", node.span
        )
    low, high = signed_range(width)[0], mask(width)
    if not low <= value.number <= high:
        raise Refused(
            f"value {value.number} does not fit in {width} bits ({low}..{high})", node.span
        )
    convert = to_signed if node.type.is_signed else to_unsigned
    return Value(convert(value.number, width))


def _apply_unary(node: Unary, operator: str, value: Value) -> Value:
    if value.is_number:
        return _checked(UNARY[operator](value.number), node.span)
    if operator == "+":
        return value
    raise Refused(f"`{operator}` needs a number, found {describe(value)}", node.operand.span)


def _apply(node: Binary, left: Value, right: Value) -> Value:
    operator = node.operator
    if left.is_number and right.is_number:
        _check_operands(node, left.number, right.number)
        return _checked(BINARY[operator](left.number, right.number), node.span)
    if operator == "+" and (left.is_number or right.is_number):
        base = right if left.is_number else left
        return Value(left.number + right.number, base.section, base.symbol, base.node)
    if operator == "-" and right.is_number:
        return Value(left.number - right.number, left.section, left.symbol, left.node)
    if operator == "-" or operator in _COMPARISONS:
        alike = left.section == right.section and left.node == right.node
        if alike and (left.section or left.symbol == right.symbol):
            return Value(BINARY[operator](left.number, right.number))
        raise Refused(
            f"`{operator}` needs two addresses in one section, or two numbers; found "
            f"{describe(left)} and {describe(right)}",
            node.span,
        )
    culprit, value = (node.left, left) if not left.is_number else (node.right, right)
    raise Refused(f"`{operator}` needs a number, found {describe(value)}", culprit.span)


def _check_operands(node: Binary, left: int, right: int) -> None:
    """Refuse what has no result, or one too large to compute."""
    if node.operator in ("/", "%") and right == 0:
        raise Refused("division by zero", node.span)
    if node.operator in ("<<", ">>") and right < 0:
        raise Refused(f"shift count {right} is negative", node.right.span)
    if node.operator == "<<" and left and right > NUMBER_WIDTH_MAX:
        raise _too_large(node.span)
    if node.operator == ">>" and right > NUMBER_WIDTH_MAX:
        raise Refused(f"shift count {right} is above {NUMBER_WIDTH_MAX}", node.right.span)


def _checked(number: int, span: Span) -> Value:
    if number.bit_length() > NUMBER_WIDTH_MAX:
        raise _too_large(span)
    return Value(number)


def _too_large(span: Span) -> Refused:
    return Refused(f"the result has more than {NUMBER_WIDTH_MAX} bits", span)
