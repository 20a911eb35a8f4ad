"""The built-in functions of the description language: what each takes, and of what type it is.

A function of one type throughout is a row of `_UNIFORM`; any other is checked by one function here
and named in `BUILT_INS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from dojo_tools.description.model import OperandClass
from dojo_tools.description.scope import Scope
from dojo_tools.description.semantics import Expression
from dojo_tools.description.source_tree import Rejected
from dojo_tools.description.types import BOOL, F32, LANES_MAX, U32, U64, Kind, Type
from dojo_tools.diagnostics import did_you_mean
from dojo_tools.formats import FORMATS, Format

# Functions of one type throughout: name, count of arguments, which types fit.
_UNIFORM: dict[str, tuple[int, str]] = {
    "fma": (3, "float"),
    "min": (2, "number"),
    "max": (2, "number"),
    "abs": (1, "number"),
    "sqrt": (1, "float"),
    "round_even": (1, "float"),
    "mulhi": (2, "integer"),
    "clz": (1, "integer"),
    "ctz": (1, "integer"),
    "popcount": (1, "integer"),
}
_MOVES = ("permute", "compress", "expand")

# Conversions between values and the codes of a number format: whether the first argument after the
# format says which lanes count, and whether codes go in.
_CONVERSIONS = {
    "widen": (False, True),
    "widen_flags": (True, True),
    "narrow": (False, False),
    "narrow_flags": (True, False),
}


class Values(Protocol):
    """What checks the arguments: the checker of expressions, which itself reads this table."""

    @property
    def scope(self) -> Scope: ...

    def infer(self, tree: Any, expected: Type | None) -> Expression: ...

    def expect(self, tree: Any, expected: Type) -> Expression: ...

    def vector(self, tree: Any) -> Expression: ...

    def is_literal(self, tree: Any) -> bool: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function as it is written, and the type that its context asks for, if any."""

    scope: Scope
    tree: Any
    name: str
    arguments: list[Any]
    expected: Type | None = None

    def reject(self, message: str, node: Any = None, hint: str | None = None) -> Rejected:
        """Return the error that refuses this call, placed at `node`, else at all of it."""
        return self.scope.entry.reject(message, self.tree if node is None else node, hint)

    def check_count(self, count: int) -> None:
        """Refuse another count of arguments; raises `Rejected`."""
        found = len(self.arguments)
        if found != count:
            raise self.reject(f"`{self.name}` takes {count} arguments, found {found}")


def _uniform(values: Values, call: Call) -> Expression:
    count, group = _UNIFORM[call.name]
    call.check_count(count)
    typed = next((a for a in call.arguments if not values.is_literal(a)), None)
    first = None if typed is None else values.infer(typed, call.expected)
    type_ = call.expected if first is None else first.type
    if type_ is None:
        raise call.reject("the type of these numbers is not known here")
    checked = tuple(
        first if argument is typed and first is not None else values.expect(argument, type_)
        for argument in call.arguments
    )
    fits = {
        "float": type_.is_float,
        "integer": type_.is_integer,
        "number": not type_.is_bool,
    }
    if not fits[group]:
        raise call.reject(f"`{call.name}` does not apply to {type_}")
    return Expression(call.name, type_, checked)


def _replace(values: Values, call: Call) -> Expression:
    call.check_count(3)
    vector = values.vector(call.arguments[0])
    index = values.expect(call.arguments[1], U64)
    value = values.expect(call.arguments[2], vector.type.element)
    return Expression("replace", vector.type, (vector, index, value))


def _splat(values: Values, call: Call) -> Expression:
    call.check_count(1)
    expected = call.expected
    if expected is None or not expected.lanes:
        raise call.reject("the count of lanes is not known here")
    return Expression("splat", expected, (values.expect(call.arguments[0], expected.element),))


def _random(values: Values, call: Call) -> Expression:
    call.check_count(1)
    lanes = values.scope.constant(call.arguments[0])
    if lanes is None or not 1 <= lanes <= LANES_MAX:
        raise call.reject(f"`random` takes a count of 1 to {LANES_MAX} lanes")
    return Expression("random", U32.with_lanes(lanes))


def _control_at(values: Values, call: Call) -> Expression:
    call.check_count(1)
    return Expression("control_at", U64, (values.expect(call.arguments[0], U64),))


def _concat(values: Values, call: Call) -> Expression:
    call.check_count(2)
    first, second = call.arguments
    if values.is_literal(first):
        right = values.vector(second)
        left = values.expect(first, right.type)
    else:
        left = values.vector(first)
        right = values.infer(second, left.type)
    count = left.type.lanes + right.type.lanes
    if left.type.element != right.type.element or not right.type.lanes:
        raise call.reject(f"{left.type} and {right.type} do not join")
    if count > LANES_MAX:
        raise call.reject(f"{count} lanes; vectors have 1 to {LANES_MAX}")
    return Expression("concat", left.type.with_lanes(count), (left, right))


def _move(values: Values, call: Call) -> Expression:
    """Check an operator that moves lanes: its second argument says where."""
    call.check_count(2)
    vector = values.vector(call.arguments[0])
    if vector.type.is_bool:
        raise call.reject(f"`{call.name}` does not apply to {vector.type}")
    chooser = BOOL if call.name != "permute" else Type(Kind.UNSIGNED, vector.type.width)
    where = values.expect(call.arguments[1], chooser.with_lanes(vector.type.lanes))
    return Expression(call.name, vector.type, (vector, where))


def _convert_format(values: Values, call: Call) -> Expression:
    """Check `widen(FORMAT, codes, bias)`, `narrow(FORMAT, values, bias[, words])` and flags."""
    name, arguments = call.name, call.arguments
    has_active, from_codes = _CONVERSIONS[name]
    count = 4 if has_active else 3
    most = count if from_codes else count + 1
    if not count <= len(arguments) <= most:
        raise call.reject(
            f"`{name}` takes {count}{'' if most == count else f' or {most}'} arguments, "
            f"found {len(arguments)}"
        )
    row = _format(call, arguments[0])
    value = values.vector(arguments[2 if has_active else 1])
    lanes = value.type.lanes
    codes = Type(Kind.UNSIGNED, row.width, lanes)
    if value.type != codes if from_codes else not value.type.is_float:
        wanted = str(codes) if from_codes else "floats"
        raise call.reject(f"`{name}` of {row.name} takes lanes of {wanted}, found {value.type}")
    checked = [value, values.expect(arguments[count - 1], U64)]
    if has_active:
        checked.insert(0, values.expect(arguments[1], BOOL.with_lanes(lanes)))
    if len(arguments) > count:
        checked.append(values.expect(arguments[count], U32.with_lanes(lanes)))
    result = F32.with_lanes(lanes) if from_codes else codes
    return Expression(name, U64 if has_active else result, tuple(checked), row.name)


def _number(values: Values, call: Call) -> Expression:
    """Check `number(va)`: the number of the register that an operand names."""
    call.check_count(1)
    tree = call.arguments[0]
    if tree.data == "name" and tree.children[1] is None:
        operand = call.scope.operand(call.scope.entry.text(tree.children[0]), tree)
        if operand.operand_class is OperandClass.REGISTER:
            return Expression("number", U64, detail=operand.name)
    raise call.reject("`number` takes the name of a register operand", tree)


def _format(call: Call, tree: Any) -> Format:
    name = call.scope.entry.text(tree.children[0]) if tree.data == "name" else ""
    row = FORMATS.get(name)
    if row is None:
        raise call.reject(
            f"`{name}` is not a number format; there are {', '.join(FORMATS)}",
            tree,
            did_you_mean(name, FORMATS),
        )
    return row


BUILT_INS: dict[str, Callable[[Values, Call], Expression]] = {
    **dict.fromkeys(_UNIFORM, _uniform),
    **dict.fromkeys(_MOVES, _move),
    **dict.fromkeys(_CONVERSIONS, _convert_format),
    "concat": _concat,
    "control_at": _control_at,
    "number": _number,
    "random": _random,
    "replace": _replace,
    "splat": _splat,
}
