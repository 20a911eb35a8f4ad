"""What the meaning of one entry may name, and what it has spent: the state that checkers share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lark import Token

from dojo_tools.description.expressions import BINARY, UNARY
from dojo_tools.description.model import OperandClass, OperandKind, RegisterFile
from dojo_tools.description.semantics import Expression, Statement
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.types import U64, Type
from dojo_tools.description.views import register_view
from dojo_tools.diagnostics import did_you_mean

STATEMENTS_MAX = 4096
CONSTANT_WIDTH_MAX = 128
EFFORT_MAX = 400_000


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
    costing minutes. The shipped description takes a fifth of it. Lanes computed before, for an
    equal expression once parameters and loop variables are filled in, are not computed again.
    """

    left: int = EFFORT_MAX
    lanes: dict[tuple[int, str, str], tuple[int, ...]] = field(
        default_factory=dict[tuple[int, str, str], tuple[int, ...]]
    )


@dataclass(slots=True)
class Scope:
    """The names of one entry's meaning, and its statements so far.

    A local that is an `int` is the variable of a loop. `read` and `lets` tell which locals are
    used, `used` which operands.
    """

    entry: Entry
    operands: Mapping[str, OperandKind]
    files: Mapping[str, RegisterFile]
    functions: Mapping[str, FunctionDef]
    effort: Effort
    locals: dict[str, Expression | int] = field(default_factory=dict[str, Expression | int])
    used: set[str] = field(default_factory=set[str])
    read: set[str] = field(default_factory=set[str])
    lets: dict[str, Any] = field(default_factory=dict[str, Any])
    statements: list[Statement] = field(default_factory=list[Statement])
    count: int = 0
    calls: int = 0

    def new_name(self, token: Any) -> str:
        """Return the name that a token gives to something new."""
        name = self.entry.text(token)
        if not name.isidentifier():
            raise self.entry.reject(f"`{name}` is not a name", token)
        if name in self.locals or name in self.operands:
            raise self.entry.reject(
                f"`{name}` is already defined", token, "`set` gives a local another value"
            )
        return name

    def emit(self, statement: Statement, node: Any) -> None:
        self.spend(node)
        self.statements.append(statement)

    def spend(self, node: Any) -> None:
        """Count a statement or a turn of a loop; refuse a meaning that has too many."""
        self.count += 1
        if self.count > STATEMENTS_MAX:
            raise self.entry.reject(
                f"the meaning has more than {STATEMENTS_MAX} statements once loops are unrolled",
                node,
            )

    def operand(self, name: str, node: Any) -> OperandKind:
        operand = self.operands.get(name)
        if operand is None:
            raise self.entry.reject(
                f"`{name}` is not an operand of this instruction",
                node,
                did_you_mean(name, [*self.operands, *self.locals]),
            )
        self.used.add(name)
        return operand

    def view(self, operand: OperandKind, node: Any, view_token: Any) -> Type:
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

    def predicate(self, token: Any) -> str:
        operand = self.operand(self.entry.text(token), token)
        if operand.operand_class is not OperandClass.PREDICATE:
            raise self.entry.reject(f"`{operand.name}` is not a predicate operand", token)
        return operand.name

    def take_effort(self, tree: Any) -> None:
        self.effort.left -= 1
        if self.effort.left < 0:
            raise self.entry.reject("the meanings of this description are too large", tree)

    def filled_in(self, tree: Any) -> str:
        """Return an expression as text, equal for equal ones, with what is known filled in."""
        if isinstance(tree, Token):
            name = self.entry.text(tree)
            value = self.locals.get(name)
            return str(value) if isinstance(value, int) else name
        self.take_effort(tree)
        parts: list[str] = [self.filled_in(child) for child in tree.children if child is not None]
        return f"{tree.data}({' '.join(parts)})"

    def constant(self, tree: Any) -> int | None:
        """Return the value of an integer expression over literals and loop variables, or None."""
        self.take_effort(tree)
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
                value = self.constant(operand)
                return None if value is None else UNARY[str(operator)](value)
            case "binary":
                left, operator, right = tree.children
                a, b = self.constant(left), self.constant(right)
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

    def inside(self, function: FunctionDef) -> "Scope":
        """Return the scope of one more call of a function, whose statements come next here."""
        inner = Scope(function.entry, {}, self.files, self.functions, self.effort)
        inner.statements, inner.count, inner.calls = self.statements, self.count, self.calls + 1
        return inner
