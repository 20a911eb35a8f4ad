"""Type checker of meanings: from parsed text to the checked tree that engines read.

Types are inferred bottom-up; an integer or float literal takes the type that its context asks for.
Nothing widens silently. Loops have constant bounds and are unrolled, functions are pure and are
expanded in place, so engines know neither. Whatever can fault must come before the first effect,
so that every fault leaves the state as it was before the instruction.

Operators evaluate all their arguments, so a choice may not load: that would fault for a value that
is not chosen. Functions may not load either, since they are evaluated before the statement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lark import Token, Tree

from dojo_tools.description.expressions import BINARY, UNARY
from dojo_tools.description.model import OperandClass, OperandKind, RegisterFile
from dojo_tools.description.semantics import (
    ACTIONS,
    Act,
    Expression,
    If,
    Jump,
    Let,
    Statement,
    Store,
    WriteControl,
    WriteRegister,
    expressions_of,
    reads_memory,
    walk_statements,
)
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.types import BOOL, F32, LANES_MAX, U32, U64, Kind, Type, parse_type
from dojo_tools.description.views import read_type, register_view
from dojo_tools.diagnostics import did_you_mean
from dojo_tools.floats import bf16_code, f32_code
from dojo_tools.formats import FORMATS, Format

STATEMENTS_MAX = 4096
CONSTANT_WIDTH_MAX = 128
EFFORT_MAX = 400_000
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

# Built-in functions of one type throughout: name, count of arguments, which types fit.
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
_MOVES = ("concat", "permute", "compress", "expand")

# Conversions between values and the codes of a number format: whether the first argument after the
# format says which lanes count, and whether codes go in.
_CONVERSIONS = {
    "widen": (False, True),
    "widen_flags": (True, True),
    "narrow": (False, False),
    "narrow_flags": (True, False),
}


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """A pure function of the description language."""

    entry: Entry
    parameters: tuple[tuple[str, Type], ...]
    result: Type
    lets: tuple[Any, ...]
    value: Any


@dataclass(slots=True)
class Effort:
    """How many more parts of expressions may be read, in all meanings of a description together.

    Loops, functions and families read a part again and again: the bound keeps a small text from
    costing minutes. The shipped description takes a tenth of it.
    """

    left: int = EFFORT_MAX


@dataclass(slots=True)
class Checker:
    """Checks the meaning of one entry."""

    entry: Entry
    operands: Mapping[str, OperandKind]
    files: Mapping[str, RegisterFile]
    functions: Mapping[str, FunctionDef]
    effort: Effort
    locals: dict[str, Expression | int] = field(default_factory=dict[str, Expression | int])
    used: set[str] = field(default_factory=set[str])
    _lets: dict[str, Any] = field(default_factory=dict[str, Any])
    _read: set[str] = field(default_factory=set[str])
    _block: list[Statement] = field(default_factory=list[Statement])
    _count: int = 0
    _calls: int = 0

    def check(self, block: Tree[Token]) -> tuple[Statement, ...]:
        """Return the checked statements of a block; raises `Rejected` at the first mistake."""
        statements = self._check_block(block)
        self._check_order(statements, block, written=False)
        self._check_locals_read()
        for name in self.operands:
            if name not in self.used:
                raise self.entry.reject(
                    f"operand `{name}` is never used in the meaning", self.entry.head
                )
        return statements

    def check_function(self, function: FunctionDef) -> None:
        """Check a function by itself; raises `Rejected`. It may call those defined before it."""
        for name, type_ in function.parameters:
            self.locals[name] = Expression("local", type_, detail=name)
        for let in function.lets:
            self._check_let(let)
        result = self._expect(function.value, function.result)
        self._check_locals_read()
        lets = (e for s in walk_statements(tuple(self._block)) for e in expressions_of(s))
        if any(reads_memory(expression) for expression in (*lets, result)):
            raise self.entry.reject(
                "a function can't read memory", function.value, "load first and pass the value"
            )

    def _check_locals_read(self) -> None:
        for name, tree in self._lets.items():
            if name not in self._read:
                raise self.entry.reject(f"local `{name}` is never read", tree)

    def _new_name(self, token: Any) -> str:
        """Return the name that a token gives to something new."""
        name = self.entry.text(token)
        if not name.isidentifier():
            raise self.entry.reject(f"`{name}` is not a name", token)
        if name in self.locals or name in self.operands:
            raise self.entry.reject(
                f"`{name}` is already defined", token, "`set` gives a local another value"
            )
        return name

    # ---- statements

    def _check_block(self, block: Tree[Token]) -> tuple[Statement, ...]:
        outer_block, outer_locals = self._block, self.locals
        self._block, self.locals = [], dict(outer_locals)
        for tree in block.children:
            self._check_statement(tree)
        statements = tuple(self._block)
        self._block = outer_block
        self.locals = {name: self.locals[name] for name in outer_locals}
        return statements

    def _emit(self, statement: Statement, node: Any) -> None:
        self._spend(node)
        self._block.append(statement)

    def _spend(self, node: Any) -> None:
        """Count a statement or a turn of a loop; refuse a meaning that has too many."""
        self._count += 1
        if self._count > STATEMENTS_MAX:
            raise self.entry.reject(
                f"the meaning has more than {STATEMENTS_MAX} statements once loops are unrolled",
                node,
            )

    def _check_statement(self, tree: Any) -> None:
        match tree.data:
            case "let":
                self._check_let(tree)
            case "assign":
                self._check_assign(tree)
            case "write":
                self._check_write(tree)
            case "set_pc":
                self._emit(Jump(self._expect(tree.children[0], U64)), tree)
            case "store":
                self._check_store(tree)
            case "branch":
                self._check_branch(tree)
            case "loop_range" | "loop_list":
                self._check_loop(tree)
            case "action":
                self._check_action(tree)
            case other:
                raise self.entry.reject(f"`{other}` is not a statement", tree)

    def _check_let(self, tree: Any) -> None:
        name = self._new_name(tree.children[0])
        value = self._infer(tree.children[1], None)
        self._emit(Let(name, value), tree)
        self._lets.setdefault(name, tree.children[0])
        self.locals[name] = Expression("local", value.type, detail=name)

    def _check_assign(self, tree: Any) -> None:
        name = self.entry.text(tree.children[0])
        local = self.locals.get(name)
        if not isinstance(local, Expression):
            raise self.entry.reject(
                f"no local `{name}` to set", tree, did_you_mean(name, self.locals)
            )
        self._emit(Let(name, self._expect(tree.children[1], local.type)), tree)

    def _check_write(self, tree: Any) -> None:
        name_token, view_token, value, predicate = tree.children
        name = self.entry.text(name_token)
        operand = self._operand(name, name_token)
        if operand.operand_class is OperandClass.CONTROL:
            self._emit(WriteControl(name, self._expect(value, U64)), tree)
            return
        view = self._view(operand, name_token, view_token)
        width = self.files[operand.file].width
        if view.bit_count != width and not (view.is_bool and view.lanes):
            raise self.entry.reject(
                f"writing {view} leaves bits of `{name}` undefined: it has {width} bits",
                tree,
                "convert the value to the full width first",
            )
        checked = self._expect(value, view)
        if predicate is not None:
            predicate = self._predicate(predicate)
            if not view.lanes:
                raise self.entry.reject(f"`under` needs a vector, {view} has no lanes", tree)
        self._emit(WriteRegister(name, checked, predicate), tree)

    def _check_store(self, tree: Any) -> None:
        memory, value, predicate = tree.children
        type_, address, alignment = self._memory(memory)
        if address.type.lanes:
            type_ = type_.with_lanes(address.type.lanes)
        if predicate is not None:
            predicate = self._predicate(predicate)
            if not address.type.lanes:
                raise self.entry.reject("`under` needs a vector of addresses", tree)
        self._emit(Store(address, self._expect(value, type_), alignment, predicate), tree)

    def _check_branch(self, tree: Any) -> None:
        condition = self._expect(tree.children[0], BOOL)
        then = self._check_block(tree.children[1])
        otherwise: tuple[Statement, ...] = ()
        if tree.children[2] is not None:
            alternative = tree.children[2]
            if alternative.data != "block":
                alternative = Tree("block", [alternative])
            otherwise = self._check_block(alternative)
        self._emit(If(condition, then, otherwise), tree)

    def _check_loop(self, tree: Any) -> None:
        name = self._new_name(tree.children[0])
        bounds = [self.entry.integer(token) for token in tree.children[1:-1]]
        values = range(bounds[0], bounds[1]) if tree.data == "loop_range" else bounds
        if len(values) > STATEMENTS_MAX:
            raise self.entry.reject(f"the loop runs {len(values)} times", tree)
        for value in values:
            self._spend(tree)
            inner = dict(self.locals)
            self.locals[name] = value
            for statement in tree.children[-1].children:
                self._check_statement(statement)
            self.locals = inner

    def _check_action(self, tree: Any) -> None:
        name = self.entry.text(tree.children[0])
        definition = ACTIONS.get(name)
        if definition is None:
            raise self.entry.reject(
                f"unknown action `{name}`", tree.children[0], did_you_mean(name, ACTIONS)
            )
        arguments = [argument for argument in tree.children[1:] if argument is not None]
        if len(arguments) != len(definition.parameters):
            raise self.entry.reject(
                f"`{name}` takes {len(definition.parameters)} arguments, found {len(arguments)}",
                tree,
            )
        types = [parse_type(parameter) for parameter in definition.parameters]
        checked = tuple(
            self._expect(argument, type_)
            for argument, type_ in zip(arguments, types, strict=True)
            if type_ is not None
        )
        self._emit(Act(name, checked), tree)

    def _check_order(self, statements: tuple[Statement, ...], node: Any, written: bool) -> bool:
        """Refuse what can fault after an effect; return whether there was one."""
        for index, statement in enumerate(statements):
            if written and _can_fault(statement):
                raise self.entry.reject(
                    "this can fault after a write, so the fault would not be precise",
                    node,
                    "read memory, jump and store before writing registers or printing; one store "
                    "at most",
                )
            if _stops(statement) and index + 1 < len(statements):
                raise self.entry.reject("nothing can follow what may stop the thread", node)
            if isinstance(statement, If):
                then = self._check_order(statement.then, node, written)
                otherwise = self._check_order(statement.otherwise, node, written)
                written = then or otherwise
            elif isinstance(statement, WriteRegister | WriteControl | Store | Act):
                written = True
        return written

    # ---- operands and memory

    def _operand(self, name: str, node: Any) -> OperandKind:
        operand = self.operands.get(name)
        if operand is None:
            raise self.entry.reject(
                f"`{name}` is not an operand of this instruction",
                node,
                did_you_mean(name, [*self.operands, *self.locals]),
            )
        self.used.add(name)
        return operand

    def _view(self, operand: OperandKind, node: Any, view_token: Any) -> Type:
        """Return the type of a view: `vd.f32` is all lanes, `xa` alone is u64."""
        file = self.files[operand.file]
        if view_token is None:
            if file.width != 64:
                raise self.entry.reject(
                    f"`{operand.name}` has {file.width} bits: name a view, as in "
                    f"`{operand.name}.u32`",
                    node,
                )
            return U64
        return register_view(self.entry, view_token, operand.name, file)

    def _predicate(self, token: Any) -> str:
        operand = self._operand(self.entry.text(token), token)
        if operand.operand_class is not OperandClass.PREDICATE:
            raise self.entry.reject(f"`{operand.name}` is not a predicate operand", token)
        return operand.name

    def _memory(self, tree: Any) -> tuple[Type, Expression, int]:
        type_token, address, alignment_token = tree.children
        type_ = read_type(self.entry, type_token)
        if type_.is_bool:
            raise self.entry.reject(
                "memory holds no truth values",
                type_token,
                "load the bits: `mem.u64[...] as boolx64`",
            )
        size = type_.bit_count // 8
        alignment = size if alignment_token is None else self.entry.integer(alignment_token)
        if alignment <= 0 or alignment & (alignment - 1) or size % alignment:
            raise self.entry.reject(
                f"alignment {alignment} does not divide the {size} bytes accessed", tree
            )
        checked = self._infer(address, U64)
        if checked.type.lanes and checked.type.element == U64 and not type_.lanes:
            return type_, checked, alignment
        return type_, self._expect(address, U64), alignment

    # ---- expressions

    def _expect(self, tree: Any, expected: Type) -> Expression:
        checked = self._infer(tree, expected)
        if checked.type != expected:
            raise self.entry.reject(
                f"{checked.type} where {expected} is needed",
                tree,
                f"convert it: `{expected.element}(...)`, or reinterpret it: `... as {expected}`",
            )
        return checked

    def _infer(self, tree: Any, expected: Type | None) -> Expression:
        constant = self._constant(tree)
        if constant is not None:
            return self._literal(constant, expected, tree)
        match tree.data:
            case "float":
                return self._literal(float(tree.children[0]), expected, tree)
            case "name" if self._is_float_name(tree):
                return self._literal(float(tree.children[0]), expected, tree)
            case "name":
                return self._infer_name(tree)
            case "pc":
                return Expression("pc", U64)
            case "load":
                type_, address, alignment = self._memory(tree.children[0])
                if address.type.lanes:
                    raise self.entry.reject(
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
                vector = self._vector(tree.children[0])
                index = self._expect(tree.children[1], U64)
                return Expression("element", vector.type.element, (vector, index))
            case "each":
                return self._infer_each(tree, expected)
            case "invoke":
                return self._infer_call(tree, expected)
            case _:
                raise self.entry.reject("this is not a value", tree)

    def _constant(self, tree: Any) -> int | None:
        """Return the value of an integer expression over literals and loop variables, or None."""
        self.effort.left -= 1
        if self.effort.left < 0:
            raise self.entry.reject("the meanings of this description are too large", tree)
        match tree.data:
            case "integer":
                return self.entry.integer(tree.children[0])
            case "name" if tree.children[1] is None:
                name = self.entry.text(tree.children[0])
                if name[0].isdigit():
                    return self.entry.number(name, tree)
                value = self.locals.get(name)
                return value if isinstance(value, int) else None
            case "unary":
                operator, operand = tree.children
                value = self._constant(operand)
                return None if value is None else UNARY[str(operator)](value)
            case "binary":
                left, operator, right = tree.children
                a, b = self._constant(left), self._constant(right)
                if a is None or b is None:
                    return None
                is_shift = str(operator) in ("<<", ">>")
                if (str(operator) in "/%" and b == 0) or (is_shift and not 0 <= b < 64):
                    raise self.entry.reject("this constant has no value", tree)
                value = BINARY[str(operator)](a, b)
                if value.bit_length() > CONSTANT_WIDTH_MAX:
                    raise self.entry.reject(
                        f"this constant has more than {CONSTANT_WIDTH_MAX} bits", tree
                    )
                return value
            case _:
                return None

    def _literal(self, value: int | float, expected: Type | None, tree: Any) -> Expression:
        if expected is None:
            raise self.entry.reject(
                "the type of this number is not known here", tree, "write it as `u64(...)`"
            )
        if expected.is_float:
            is_number = isinstance(value, int) or tree.data == "float"
            if is_number and not _is_finite(value, expected):
                raise self.entry.reject(f"{value} does not fit in {expected.element}", tree)
            literal = Expression("literal", expected.element, detail=float(value))
        else:
            low, high = _range(expected)
            if isinstance(value, float) or not low <= value <= high:
                raise self.entry.reject(f"{value} does not fit in {expected.element}", tree)
            literal = Expression("literal", expected.element, detail=value)
        return literal if not expected.lanes else Expression("splat", expected, (literal,))

    def _infer_name(self, tree: Any) -> Expression:
        name_token, view_token = tree.children
        name = self.entry.text(name_token)
        if name in self.locals:
            local = self.locals[name]
            assert isinstance(local, Expression)
            self._read.add(name)
            if view_token is not None:
                raise self.entry.reject(
                    f"`{name}` is a local, not a register", tree, "reinterpret it with `as`"
                )
            return local
        operand = self._operand(name, name_token)
        match operand.operand_class:
            case OperandClass.IMMEDIATE:
                assert operand.type is not None
                return Expression("operand", operand.type, detail=name)
            case OperandClass.CONTROL:
                return Expression("control", U64, detail=name)
            case OperandClass.PREDICATE:
                if view_token is not None and self.entry.text(view_token) == "z":
                    return Expression("zeroing", BOOL, detail=name)
                view = None if view_token is None else read_type(self.entry, view_token)
                if view is None or not view.is_bool or not view.lanes:
                    raise self.entry.reject(f"a predicate is read as lanes, `{name}.boolx16`", tree)
                return Expression("active", view, detail=name)
            case OperandClass.REGISTER:
                view = self._view(operand, name_token, view_token)
                return Expression("register", view, detail=name)

    def _infer_unary(self, tree: Any, expected: Type | None) -> Expression:
        operator, operand_tree = tree.children
        operand = self._infer(operand_tree, expected)
        fits = {
            "-": operand.type.is_float or operand.type.is_signed,
            "~": operand.type.is_integer,
            "!": operand.type.is_bool,
        }
        if not fits[str(operator)]:
            raise self.entry.reject(f"`{operator}` does not apply to {operand.type}", tree)
        return Expression(_UNARY_NAMES[str(operator)], operand.type, (operand,))

    def _infer_binary(self, tree: Any, expected: Type | None) -> Expression:
        left_tree, operator_token, right_tree = tree.children
        operator = str(operator_token)
        hint = None if operator in _COMPARISONS else expected
        if self._is_literal(left_tree):
            right = self._infer(right_tree, hint)
            left = self._infer(left_tree, right.type)
        else:
            left = self._infer(left_tree, hint)
            right = self._infer(right_tree, left.type)
        if left.type != right.type:
            raise self.entry.reject(
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
            raise self.entry.reject(f"`{operator}` does not apply to {type_}", tree)
        return Expression(_BINARY_NAMES[operator], result, (left, right))

    def _is_literal(self, tree: Any) -> bool:
        if tree.data == "unary" and str(tree.children[0]) == "-":
            return self._is_literal(tree.children[1])
        return (
            tree.data == "float"
            or (tree.data == "name" and self._is_float_name(tree))
            or self._constant(tree) is not None
        )

    def _is_float_name(self, tree: Any) -> bool:
        name, view = tree.children
        return view is None and str(name) in ("inf", "nan") and str(name) not in self.operands

    def _infer_choice(self, tree: Any, expected: Type | None) -> Expression:
        condition_tree, then_tree, otherwise_tree = tree.children
        condition = self._infer(condition_tree, None)
        if self._is_literal(then_tree):
            otherwise = self._infer(otherwise_tree, expected)
            then = self._infer(then_tree, otherwise.type)
        else:
            then = self._infer(then_tree, expected)
            otherwise = self._infer(otherwise_tree, then.type)
        if then.type != otherwise.type:
            raise self.entry.reject(f"one choice is {then.type}, the other {otherwise.type}", tree)
        if condition.type != BOOL.with_lanes(then.type.lanes):
            raise self.entry.reject(
                f"a choice between {then.type} needs {BOOL.with_lanes(then.type.lanes)}, "
                f"found {condition.type}",
                condition_tree,
            )
        if reads_memory(then) or reads_memory(otherwise):
            raise self.entry.reject(
                "a choice can't load: it would fault for a value that is not chosen",
                tree,
                "load in an `if`, into a local",
            )
        return Expression("select", then.type, (condition, then, otherwise))

    def _infer_reinterpret(self, tree: Any) -> Expression:
        value = self._infer(tree.children[0], None)
        target = read_type(self.entry, tree.children[1])
        if not target.lanes and value.type.lanes and target.width == value.type.width:
            target = target.with_lanes(value.type.lanes)
        if target.bit_count != value.type.bit_count:
            raise self.entry.reject(
                f"{value.type} has {value.type.bit_count} bits, {target} has {target.bit_count}",
                tree,
                "`as` keeps the bits; convert with the name of the type: `u64(...)`",
            )
        return Expression("reinterpret", target, (value,))

    def _vector(self, tree: Any) -> Expression:
        vector = self._infer(tree, None)
        if not vector.type.lanes:
            raise self.entry.reject(f"{vector.type} has no lanes", tree)
        return vector

    def _infer_lanes(self, tree: Any) -> Expression:
        vector_tree, name_token, count_token, index_tree = tree.children
        vector = self._vector(vector_tree)
        indices = self._each(name_token, count_token, index_tree, "a lane index must be constant")
        for lane, index in enumerate(indices):
            if not 0 <= index < vector.type.lanes:
                raise self.entry.reject(
                    f"lane {index} of {vector.type} (for {name_token} = {lane})", index_tree
                )
        return Expression("lanes", vector.type.with_lanes(len(indices)), (vector,), indices)

    def _each(
        self, name_token: Any, count_token: Any, tree: Any, otherwise: str
    ) -> tuple[int, ...]:
        """Return a constant for each lane; refuse with the words `otherwise` what varies."""
        name, count = self._new_name(name_token), self.entry.integer(count_token)
        if not 1 <= count <= LANES_MAX:
            raise self.entry.reject(f"{count} lanes; vectors have 1 to {LANES_MAX}", count_token)
        values: list[int] = []
        for lane in range(count):
            self.locals[name] = lane
            value = self._constant(tree)
            if value is None:
                raise self.entry.reject(otherwise, tree)
            values.append(value)
        del self.locals[name]
        return tuple(values)

    def _infer_each(self, tree: Any, expected: Type | None) -> Expression:
        name_token, count_token, value_tree = tree.children
        values = self._each(
            name_token, count_token, value_tree, "constant lanes must be integers known here"
        )
        if expected is None or not expected.is_integer:
            raise self.entry.reject(
                "the integer type of these lanes is not known here",
                tree,
                "write it as `u64([i in 8 : i])`",
            )
        type_ = expected.with_lanes(len(values))
        for value in values:
            self._literal(value, type_.element, tree)
        return Expression("vector", type_, detail=values)

    def _infer_move(self, tree: Any, name: str, arguments: list[Any]) -> Expression:
        """Check an operator that moves lanes: its second argument says where, or is appended."""
        self._check_count(tree, name, arguments, 2)
        first, second = arguments
        if name == "concat":
            if self._is_literal(first):
                right = self._vector(second)
                left = self._expect(first, right.type)
            else:
                left = self._vector(first)
                right = self._infer(second, left.type)
            count = left.type.lanes + right.type.lanes
            if left.type.element != right.type.element or not right.type.lanes:
                raise self.entry.reject(f"{left.type} and {right.type} do not join", tree)
            if count > LANES_MAX:
                raise self.entry.reject(f"{count} lanes; vectors have 1 to {LANES_MAX}", tree)
            return Expression(name, left.type.with_lanes(count), (left, right))
        vector = self._vector(first)
        if vector.type.is_bool:
            raise self.entry.reject(f"`{name}` does not apply to {vector.type}", tree)
        chooser = BOOL if name != "permute" else Type(Kind.UNSIGNED, vector.type.width)
        where = self._expect(second, chooser.with_lanes(vector.type.lanes))
        return Expression(name, vector.type, (vector, where))

    def _infer_call(self, tree: Any, expected: Type | None) -> Expression:
        name_token, *arguments = tree.children
        name = self.entry.text(name_token)
        type_ = parse_type(name)
        if type_ is not None:
            return self._infer_conversion(tree, type_, arguments)
        if name in _UNIFORM:
            return self._infer_uniform(tree, name, arguments, expected)
        if name == "replace":
            self._check_count(tree, name, arguments, 3)
            vector = self._vector(arguments[0])
            index = self._expect(arguments[1], U64)
            value = self._expect(arguments[2], vector.type.element)
            return Expression("replace", vector.type, (vector, index, value))
        if name == "splat":
            self._check_count(tree, name, arguments, 1)
            if expected is None or not expected.lanes:
                raise self.entry.reject("the count of lanes is not known here", tree)
            return Expression("splat", expected, (self._expect(arguments[0], expected.element),))
        if name == "random":
            self._check_count(tree, name, arguments, 1)
            lanes = self._constant(arguments[0])
            if lanes is None or not 1 <= lanes <= LANES_MAX:
                raise self.entry.reject(f"`random` takes a count of 1 to {LANES_MAX} lanes", tree)
            return Expression("random", U32.with_lanes(lanes))
        if name == "control_at":
            self._check_count(tree, name, arguments, 1)
            return Expression("control_at", U64, (self._expect(arguments[0], U64),))
        if name in _CONVERSIONS:
            return self._infer_format_conversion(tree, name, arguments)
        if name in _MOVES:
            return self._infer_move(tree, name, arguments)
        if name in self.functions:
            return self._expand_function(tree, self.functions[name], arguments)
        others = ("replace", "splat", "random", "control_at")
        known = [*_UNIFORM, *_MOVES, *others, *_CONVERSIONS, *self.functions]
        raise self.entry.reject(f"unknown function `{name}`", name_token, did_you_mean(name, known))

    def _check_count(self, tree: Any, name: str, arguments: list[Any], count: int) -> None:
        if len(arguments) != count:
            raise self.entry.reject(
                f"`{name}` takes {count} arguments, found {len(arguments)}", tree
            )

    def _infer_conversion(self, tree: Any, type_: Type, arguments: list[Any]) -> Expression:
        self._check_count(tree, str(type_), arguments, 1)
        if self._is_literal(arguments[0]) or arguments[0].data == "each":
            return self._infer(arguments[0], type_)
        value = self._infer(arguments[0], None)
        target = type_ if type_.lanes else type_.with_lanes(value.type.lanes)
        if target.lanes != value.type.lanes or target.is_bool:
            raise self.entry.reject(
                f"{value.type} does not convert to {target}",
                tree,
                "compare with 0 for a truth value" if target.is_bool else None,
            )
        if target == value.type:
            return value  # as in a family, where some members need no conversion
        return Expression("convert", target, (value,))

    def _infer_format_conversion(self, tree: Any, name: str, arguments: list[Any]) -> Expression:
        """Check `widen(FORMAT, codes, bias)`, `narrow(FORMAT, values, bias[, words])` and flags."""
        has_active, from_codes = _CONVERSIONS[name]
        count = 4 if has_active else 3
        most = count if from_codes else count + 1
        if not count <= len(arguments) <= most:
            raise self.entry.reject(
                f"`{name}` takes {count}{'' if most == count else f' or {most}'} arguments, "
                f"found {len(arguments)}",
                tree,
            )
        row = self._format(arguments[0])
        value = self._vector(arguments[2 if has_active else 1])
        codes = Type(Kind.UNSIGNED, row.width, value.type.lanes)
        if value.type != codes if from_codes else not value.type.is_float:
            wanted = str(codes) if from_codes else "floats"
            raise self.entry.reject(
                f"`{name}` of {row.name} takes lanes of {wanted}, found {value.type}", tree
            )
        checked = [value, self._expect(arguments[count - 1], U64)]
        if has_active:
            checked.insert(0, self._expect(arguments[1], BOOL.with_lanes(value.type.lanes)))
        if len(arguments) > count:
            checked.append(self._expect(arguments[count], U32.with_lanes(value.type.lanes)))
        result = F32.with_lanes(value.type.lanes) if from_codes else codes
        return Expression(name, U64 if has_active else result, tuple(checked), row.name)

    def _format(self, tree: Any) -> Format:
        name = self.entry.text(tree.children[0]) if tree.data == "name" else ""
        row = FORMATS.get(name)
        if row is None:
            raise self.entry.reject(
                f"`{name}` is not a number format; there are {', '.join(FORMATS)}",
                tree,
                did_you_mean(name, FORMATS),
            )
        return row

    def _infer_uniform(
        self, tree: Any, name: str, arguments: list[Any], expected: Type | None
    ) -> Expression:
        count, group = _UNIFORM[name]
        self._check_count(tree, name, arguments, count)
        typed = next((a for a in arguments if not self._is_literal(a)), None)
        first = None if typed is None else self._infer(typed, expected)
        type_ = expected if first is None else first.type
        if type_ is None:
            raise self.entry.reject("the type of these numbers is not known here", tree)
        checked = tuple(
            first if argument is typed and first is not None else self._expect(argument, type_)
            for argument in arguments
        )
        fits = {
            "float": type_.is_float,
            "integer": type_.is_integer,
            "number": not type_.is_bool,
        }
        if not fits[group]:
            raise self.entry.reject(f"`{name}` does not apply to {type_}", tree)
        return Expression(name, type_, checked)

    def _expand_function(
        self, tree: Any, function: FunctionDef, arguments: list[Any]
    ) -> Expression:
        self._check_count(
            tree, function.entry.text(function.entry.head), arguments, len(function.parameters)
        )
        values = [
            self._expect(argument, type_)
            for argument, (_, type_) in zip(arguments, function.parameters, strict=True)
        ]
        self._calls += 1
        suffix = f".{self._calls}"
        inner = Checker(function.entry, {}, self.files, self.functions, self.effort)
        inner._block, inner._count, inner._calls = self._block, self._count, self._calls

        def bind(name: str, value: Expression, node: Any) -> Expression:
            inner._emit(Let(name + suffix, value), node)
            local = Expression("local", value.type, detail=name + suffix)
            inner.locals[name] = local
            return local

        for (name, _), value in zip(function.parameters, values, strict=True):
            bind(name, value, function.entry.head)
        for let in function.lets:
            bind(function.entry.text(let.children[0]), inner._infer(let.children[1], None), let)
        # The result is a local too: expressions get no deeper than the text of one entry.
        result = bind("", inner._expect(function.value, function.result), function.value)
        self._count, self._calls = inner._count, inner._calls
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


def _can_fault(statement: Statement) -> bool:
    if isinstance(statement, Jump | Store):
        return True
    if isinstance(statement, Act) and ACTIONS[statement.action].can_fault:
        return True
    return any(reads_memory(expression) for expression in expressions_of(statement))


def _stops(statement: Statement) -> bool:
    """Return whether the thread may stop here; in a condition, anywhere in it."""
    return any(
        isinstance(inner, Act) and ACTIONS[inner.action].stops
        for inner in walk_statements((statement,))
    )
