"""Type checker of expressions: from parsed text to checked trees.

Types are inferred bottom-up; an integer or float literal takes the type that its context asks for.
Nothing widens silently. Operators evaluate all their arguments, so a choice may not load: that
would fault for a value that is not chosen.
"""

from dataclasses import dataclass
from typing import Any

from dojo_tools.description.built_ins import BUILT_INS, Call
from dojo_tools.description.model import OperandClass
from dojo_tools.description.scope import FunctionDef, Scope
from dojo_tools.description.semantics import INTERACTIONS, Expression, Let, reads_memory
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.types import BOOL, LANES_MAX, U64, Kind, Type, parse_type
from dojo_tools.description.views import read_type
from dojo_tools.diagnostics import did_you_mean
from dojo_tools.float_codes import bf16_code, f32_code

_BINARY_NAMES = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "rem",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "shl",
    ">>": "shr",
    "&&": "and",
    "||": "or",
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "lt",
    ">=": "le",
}
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
_UNARY_NAMES = {"-": "neg", "~": "not", "!": "not"}


@dataclass(frozen=True, slots=True)
class ExpressionChecker:
    """Checks the expressions of one entry; statements that functions expand to go to the scope."""

    scope: Scope

    @property
    def _entry(self) -> Entry:
        return self.scope.entry

    def memory(self, tree: Any) -> tuple[Type, Expression, int]:
        type_token, address, alignment_token = tree.children
        type_ = read_type(self._entry, type_token)
        if type_.is_bool:
            raise self._entry.reject(
                "memory holds no truth values",
                type_token,
                "load the bits: `mem.u64[...] as boolx64`",
            )
        size = type_.bit_count // 8
        alignment = size if alignment_token is None else self._entry.integer(alignment_token)
        if alignment <= 0 or alignment & (alignment - 1) or size % alignment:
            raise self._entry.reject(
                f"alignment {alignment} does not divide the {size} bytes accessed", tree
            )
        checked = self.infer(address, U64)
        if checked.type.lanes and checked.type.element == U64 and not type_.lanes:
            return type_, checked, alignment
        return type_, self.expect(address, U64), alignment

    # ---- expressions

    def expect(self, tree: Any, expected: Type) -> Expression:
        checked = self.infer(tree, expected)
        if checked.type != expected:
            raise self._entry.reject(
                f"{checked.type} where {expected} is needed",
                tree,
                f"convert it: `{expected.element}(...)`, or reinterpret it: `... as {expected}`",
            )
        return checked

    def infer(self, tree: Any, expected: Type | None) -> Expression:
        constant = self.scope.constant(tree)
        if constant is not None:
            return self.literal(constant, expected, tree)
        match tree.data:
            case "float":
                return self.literal(float(tree.children[0]), expected, tree)
            case "name" if self._is_float_name(tree):
                return self.literal(float(tree.children[0]), expected, tree)
            case "name":
                return self._infer_name(tree)
            case "pc":
                return Expression("pc", U64)
            case "load":
                type_, address, alignment = self.memory(tree.children[0])
                if address.type.lanes:
                    raise self._entry.reject(
                        "only a store takes a vector of addresses",
                        tree,
                        "load lane by lane, in a loop",
                    )
                return Expression("load", type_, (address,), alignment)
            case "unary":
                return self._infer_unary(tree, expected)
            case "binary":
                return self._infer_binary(tree, expected)
            case "choice":
                return self._infer_choice(tree, expected)
            case "reinterpret":
                return self._infer_reinterpret(tree)
            case "lanes":
                return self._infer_lanes(tree)
            case "element":
                vector = self.vector(tree.children[0])
                index = self.expect(tree.children[1], U64)
                return Expression("element", vector.type.element, (vector, index))
            case "each":
                return self._infer_each(tree, expected)
            case "invoke":
                return self._infer_call(tree, expected)
            case _:
                raise self._entry.reject("this is not a value", tree)

    def literal(self, value: int | float, expected: Type | None, tree: Any) -> Expression:
        if expected is None:
            raise self._entry.reject(
                "the type of this number is not known here", tree, "write it as `u64(...)`"
            )
        if expected.is_float:
            is_number = isinstance(value, int) or tree.data == "float"
            if is_number and not _is_finite(value, expected):
                raise self._entry.reject(f"{value} does not fit in {expected.element}", tree)
            literal = Expression("literal", expected.element, detail=float(value))
        else:
            low, high = _range(expected)
            if isinstance(value, float) or not low <= value <= high:
                raise self._entry.reject(f"{value} does not fit in {expected.element}", tree)
            literal = Expression("literal", expected.element, detail=value)
        return literal if not expected.lanes else Expression("splat", expected, (literal,))

    def _infer_name(self, tree: Any) -> Expression:
        name_token, view_token = tree.children
        name = self._entry.text(name_token)
        if name in self.scope.locals:
            local = self.scope.locals[name]
            assert isinstance(local, Expression)
            self.scope.read.add(name)
            if view_token is not None:
                raise self._entry.reject(
                    f"`{name}` is a local, not a register", tree, "reinterpret it with `as`"
                )
            return local
        operand = self.scope.operand(name, name_token)
        match operand.operand_class:
            case OperandClass.IMMEDIATE:
                assert operand.type is not None
                return Expression("operand", operand.type, detail=name)
            case OperandClass.CONTROL:
                return Expression("control", U64, detail=name)
            case OperandClass.PREDICATE:
                if view_token is not None and self._entry.text(view_token) == "z":
                    return Expression("zeroing", BOOL, detail=name)
                view = None if view_token is None else read_type(self._entry, view_token)
                if view is None or not view.is_bool or not view.lanes:
                    raise self._entry.reject(
                        f"a predicate is read as lanes, `{name}.boolx16`", tree
                    )
                return Expression("active", view, detail=name)
            case OperandClass.REGISTER:
                view = self.scope.view(operand, name_token, view_token)
                return Expression("register", view, detail=name)

    def _infer_unary(self, tree: Any, expected: Type | None) -> Expression:
        operator, operand_tree = tree.children
        operand = self.infer(operand_tree, expected)
        fits = {
            "-": operand.type.is_float or operand.type.is_signed,
            "~": operand.type.is_integer,
            "!": operand.type.is_bool,
        }
        if not fits[str(operator)]:
            raise self._entry.reject(f"`{operator}` does not apply to {operand.type}", tree)
        return Expression(_UNARY_NAMES[str(operator)], operand.type, (operand,))

    def _infer_binary(self, tree: Any, expected: Type | None) -> Expression:
        left_tree, operator_token, right_tree = tree.children
        operator = str(operator_token)
        hint = None if operator in _COMPARISONS else expected
        if self.is_literal(left_tree):
            right = self.infer(right_tree, hint)
            left = self.infer(left_tree, right.type)
        else:
            left = self.infer(left_tree, hint)
            right = self.infer(right_tree, left.type)
        if left.type != right.type:
            raise self._entry.reject(
                f"`{operator}` has {left.type} on the left and {right.type} on the right",
                tree,
                "convert one of them; nothing widens by itself",
            )
        if operator in (">", ">="):
            left, right = right, left
        type_ = left.type
        if operator in ("&&", "||") or (operator in ("&", "|", "^") and type_.is_bool):
            fits, result = type_.is_bool, type_
        elif operator in ("==", "!="):
            fits, result = True, BOOL.with_lanes(type_.lanes)
        elif operator in _COMPARISONS:
            fits, result = not type_.is_bool, BOOL.with_lanes(type_.lanes)
        elif operator in ("&", "|", "^", "<<", ">>", "%"):
            fits, result = type_.is_integer, type_
        else:
            fits, result = not type_.is_bool, type_
        if not fits:
            raise self._entry.reject(f"`{operator}` does not apply to {type_}", tree)
        return Expression(_BINARY_NAMES[operator], result, (left, right))

    def is_literal(self, tree: Any) -> bool:
        if tree.data == "unary" and str(tree.children[0]) == "-":
            return self.is_literal(tree.children[1])
        return (
            tree.data == "float"
            or (tree.data == "name" and self._is_float_name(tree))
            or self.scope.constant(tree) is not None
        )

    def _is_float_name(self, tree: Any) -> bool:
        name, view = tree.children
        return view is None and str(name) in ("inf", "nan") and str(name) not in self.scope.operands

    def _infer_choice(self, tree: Any, expected: Type | None) -> Expression:
        condition_tree, then_tree, otherwise_tree = tree.children
        condition = self.infer(condition_tree, None)
        if self.is_literal(then_tree):
            otherwise = self.infer(otherwise_tree, expected)
            then = self.infer(then_tree, otherwise.type)
        else:
            then = self.infer(then_tree, expected)
            otherwise = self.infer(otherwise_tree, then.type)
        if then.type != otherwise.type:
            raise self._entry.reject(f"one choice is {then.type}, the other {otherwise.type}", tree)
        if condition.type != BOOL.with_lanes(then.type.lanes):
            raise self._entry.reject(
                f"a choice between {then.type} needs {BOOL.with_lanes(then.type.lanes)}, "
                f"found {condition.type}",
                condition_tree,
            )
        if reads_memory(then) or reads_memory(otherwise):
            raise self._entry.reject(
                "a choice can't load: it would fault for a value that is not chosen",
                tree,
                "load in an `if`, into a local",
            )
        return Expression("select", then.type, (condition, then, otherwise))

    def _infer_reinterpret(self, tree: Any) -> Expression:
        value = self.infer(tree.children[0], None)
        target = read_type(self._entry, tree.children[1])
        if not target.lanes and value.type.lanes and target.width == value.type.width:
            target = target.with_lanes(value.type.lanes)
        if target.bit_count != value.type.bit_count:
            raise self._entry.reject(
                f"{value.type} has {value.type.bit_count} bits, {target} has {target.bit_count}",
                tree,
                "`as` keeps the bits; convert with the name of the type: `u64(...)`",
            )
        return Expression("reinterpret", target, (value,))

    def vector(self, tree: Any) -> Expression:
        vector = self.infer(tree, None)
        if not vector.type.lanes:
            raise self._entry.reject(f"{vector.type} has no lanes", tree)
        return vector

    def _infer_lanes(self, tree: Any) -> Expression:
        vector_tree, name_token, count_token, index_tree = tree.children
        vector = self.vector(vector_tree)
        indices = self.each(name_token, count_token, index_tree, "a lane index must be constant")
        for lane, index in enumerate(indices):
            if not 0 <= index < vector.type.lanes:
                raise self._entry.reject(
                    f"lane {index} of {vector.type} (for {name_token} = {lane})", index_tree
                )
        return Expression("lanes", vector.type.with_lanes(len(indices)), (vector,), indices)

    def each(self, name_token: Any, count_token: Any, tree: Any, otherwise: str) -> tuple[int, ...]:
        """Return a constant for each lane; refuse with the words `otherwise` what varies."""
        name, count = self.scope.new_name(name_token), self._entry.integer(count_token)
        if not 1 <= count <= LANES_MAX:
            raise self._entry.reject(f"{count} lanes; vectors have 1 to {LANES_MAX}", count_token)
        key = (count, name, self.scope.filled_in(tree))
        known = self.scope.effort.lanes.get(key)
        if known is not None:
            return known
        values: list[int] = []
        for lane in range(count):
            self.scope.locals[name] = lane
            value = self.scope.constant(tree)
            if value is None:
                raise self._entry.reject(otherwise, tree)
            values.append(value)
        del self.scope.locals[name]
        found = self.scope.effort.lanes[key] = tuple(values)
        return found

    def _infer_each(self, tree: Any, expected: Type | None) -> Expression:
        name_token, count_token, value_tree = tree.children
        values = self.each(
            name_token, count_token, value_tree, "constant lanes must be integers known here"
        )
        if expected is None or not expected.is_integer:
            raise self._entry.reject(
                "the integer type of these lanes is not known here",
                tree,
                "write it as `u64([i in 8 : i])`",
            )
        type_ = expected.with_lanes(len(values))
        for value in values:
            self.literal(value, type_.element, tree)
        return Expression("vector", type_, detail=values)

    def _infer_call(self, tree: Any, expected: Type | None) -> Expression:
        name_token, *found = tree.children
        name = self._entry.text(name_token)
        arguments = [argument for argument in found if argument is not None]
        type_ = parse_type(name)
        call = Call(self.scope, tree, name, arguments, expected)
        if type_ is not None:
            return self._convert(call, type_)
        if name in BUILT_INS:
            return BUILT_INS[name](self, call)
        if name in self.scope.functions:
            return self._expand_function(call, self.scope.functions[name])
        if name in INTERACTIONS:
            raise call.reject(
                "an interaction stands alone",
                hint=f"give its answer to a register: `xd = {name}(...)`",
            )
        known = [*BUILT_INS, *self.scope.functions]
        raise call.reject(f"unknown function `{name}`", name_token, did_you_mean(name, known))

    def _convert(self, call: Call, type_: Type) -> Expression:
        call.check_count(1)
        argument = call.arguments[0]
        if self.is_literal(argument) or argument.data == "each":
            return self.infer(argument, type_)
        value = self.infer(argument, None)
        target = type_ if type_.lanes else type_.with_lanes(value.type.lanes)
        if target.lanes != value.type.lanes or target.is_bool:
            raise call.reject(
                f"{value.type} does not convert to {target}",
                hint="compare with 0 for a truth value" if target.is_bool else None,
            )
        if target == value.type:
            return value  # as in a family, where some members need no conversion
        return Expression("convert", target, (value,))

    def _expand_function(self, call: Call, function: FunctionDef) -> Expression:
        call.check_count(len(function.parameters))
        arguments = [
            self.expect(argument, type_)
            for argument, (_, type_) in zip(call.arguments, function.parameters, strict=True)
        ]
        inner = self.scope.inside(function)
        values = ExpressionChecker(inner)
        suffix = f".{inner.calls}"

        def bind(name: str, value: Expression, node: Any) -> Expression:
            inner.emit(Let(name + suffix, value), node)
            local = Expression("local", value.type, detail=name + suffix)
            inner.locals[name] = local
            return local

        for (name, _), argument in zip(function.parameters, arguments, strict=True):
            bind(name, argument, function.entry.head)
        for let in function.lets:
            bind(function.entry.text(let.children[0]), values.infer(let.children[1], None), let)
        # The result is a local too: expressions get no deeper than the text of one entry.
        result = bind("", values.expect(function.value, function.result), function.value)
        self.scope.count, self.scope.calls = inner.count, inner.calls
        return result


def _range(type_: Type) -> tuple[int, int]:
    if type_.kind is Kind.BOOL:
        return 0, 1
    if type_.is_signed:
        return -(1 << (type_.width - 1)), (1 << (type_.width - 1)) - 1
    return 0, (1 << type_.width) - 1


def _is_finite(value: int | float, type_: Type) -> bool:
    """Return whether a number rounds to a finite number of a float type."""
    code, infinity = (
        (f32_code(value), f32_code(float("inf")))
        if type_.kind is Kind.FLOAT
        else (bf16_code(value), bf16_code(float("inf")))
    )
    return code & infinity != infinity
