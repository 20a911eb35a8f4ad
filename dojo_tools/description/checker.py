"""Type checker of meanings: from parsed text to the checked tree that engines read.

Loops have constant bounds and are unrolled, functions are pure and are expanded in place, so
engines know neither. Whatever can fault must come before the first effect, so that every fault
leaves the state as it was before the instruction. Functions may not load, since they are evaluated
before the statement.
"""

from typing import Any

from lark import Token, Tree

from dojo_tools.description.expression_checker import ExpressionChecker
from dojo_tools.description.model import OperandClass
from dojo_tools.description.scope import STATEMENTS_MAX, FunctionDef, Scope
from dojo_tools.description.semantics import (
    ACTIONS,
    INTERACTIONS,
    Act,
    Expression,
    If,
    Interact,
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
from dojo_tools.description.types import BOOL, U64, Type, parse_type
from dojo_tools.diagnostics import did_you_mean


class Checker:
    """Checks the meaning of one entry."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._entry: Entry = scope.entry
        self._values = ExpressionChecker(scope)

    def check(self, block: Tree[Token]) -> tuple[Statement, ...]:
        """Return the checked statements of a block; raises `Rejected` at the first mistake."""
        statements = self._check_block(block)
        self._check_order(statements, block, written=False)
        self._check_locals_read()
        for name in self._scope.operands:
            if name not in self._scope.used:
                raise self._entry.reject(
                    f"operand `{name}` is never used in the meaning", self._entry.head
                )
        return statements

    def check_function(self, function: FunctionDef) -> None:
        """Check a function by itself; raises `Rejected`. It may call those defined before it."""
        for name, type_ in function.parameters:
            self._scope.locals[name] = Expression("local", type_, detail=name)
        for let in function.lets:
            self._check_let(let)
        result = self._values.expect(function.value, function.result)
        self._check_locals_read()
        lets = (
            e for s in walk_statements(tuple(self._scope.statements)) for e in expressions_of(s)
        )
        if any(reads_memory(expression) for expression in (*lets, result)):
            raise self._entry.reject(
                "a function can't read memory", function.value, "load first and pass the value"
            )

    def _check_locals_read(self) -> None:
        for name, tree in self._scope.lets.items():
            if name not in self._scope.read:
                raise self._entry.reject(f"local `{name}` is never read", tree)

    # ---- statements

    def _check_block(self, block: Tree[Token]) -> tuple[Statement, ...]:
        outer_block, outer_locals = self._scope.statements, self._scope.locals
        self._scope.statements, self._scope.locals = [], dict(outer_locals)
        for tree in block.children:
            self._check_statement(tree)
        statements = tuple(self._scope.statements)
        self._scope.statements = outer_block
        self._scope.locals = {name: self._scope.locals[name] for name in outer_locals}
        return statements

    def _check_statement(self, tree: Any) -> None:
        match tree.data:
            case "let":
                self._check_let(tree)
            case "assign":
                self._check_assign(tree)
            case "write":
                self._check_write(tree)
            case "set_pc":
                self._scope.emit(Jump(self._values.expect(tree.children[0], U64)), tree)
            case "store":
                self._check_store(tree)
            case "branch":
                self._check_branch(tree)
            case "loop_range" | "loop_list":
                self._check_loop(tree)
            case "action":
                self._check_action(tree)
            case other:
                raise self._entry.reject(f"`{other}` is not a statement", tree)

    def _check_let(self, tree: Any) -> None:
        name = self._scope.new_name(tree.children[0])
        value = self._values.infer(tree.children[1], None)
        self._scope.emit(Let(name, value), tree)
        self._scope.lets.setdefault(name, tree.children[0])
        self._scope.locals[name] = Expression("local", value.type, detail=name)

    def _check_assign(self, tree: Any) -> None:
        name = self._entry.text(tree.children[0])
        local = self._scope.locals.get(name)
        if not isinstance(local, Expression):
            raise self._entry.reject(
                f"no local `{name}` to set", tree, did_you_mean(name, self._scope.locals)
            )
        self._scope.emit(Let(name, self._values.expect(tree.children[1], local.type)), tree)

    def _check_write(self, tree: Any) -> None:
        name_token, view_token, value, predicate = tree.children
        name = self._entry.text(name_token)
        operand = self._scope.operand(name, name_token)
        if value.data == "invoke" and self._entry.text(value.children[0]) in INTERACTIONS:
            self._check_answer(tree)
            return
        if operand.operand_class is OperandClass.CONTROL:
            self._scope.emit(WriteControl(name, self._values.expect(value, U64)), tree)
            return
        view = self._scope.view(operand, name_token, view_token)
        width = self._scope.files[operand.file].width
        if view.bit_count != width and not (view.is_bool and view.lanes):
            raise self._entry.reject(
                f"writing {view} leaves bits of `{name}` undefined: it has {width} bits",
                tree,
                "convert the value to the full width first",
            )
        checked = self._values.expect(value, view)
        if predicate is not None:
            predicate = self._scope.predicate(predicate)
            if not view.lanes:
                raise self._entry.reject(f"`under` needs a vector, {view} has no lanes", tree)
        self._scope.emit(WriteRegister(name, checked, predicate), tree)

    def _check_store(self, tree: Any) -> None:
        memory, value, predicate = tree.children
        type_, address, alignment = self._values.memory(memory)
        if address.type.lanes:
            type_ = type_.with_lanes(address.type.lanes)
        if predicate is not None:
            predicate = self._scope.predicate(predicate)
            if not address.type.lanes:
                raise self._entry.reject("`under` needs a vector of addresses", tree)
        self._scope.emit(
            Store(address, self._values.expect(value, type_), alignment, predicate), tree
        )

    def _check_branch(self, tree: Any) -> None:
        condition = self._values.expect(tree.children[0], BOOL)
        then = self._check_block(tree.children[1])
        otherwise: tuple[Statement, ...] = ()
        if tree.children[2] is not None:
            alternative = tree.children[2]
            if alternative.data != "block":
                alternative = Tree("block", [alternative])
            otherwise = self._check_block(alternative)
        self._scope.emit(If(condition, then, otherwise), tree)

    def _check_loop(self, tree: Any) -> None:
        name = self._scope.new_name(tree.children[0])
        bounds = [self._entry.integer(token) for token in tree.children[1:-1]]
        values = range(bounds[0], bounds[1]) if tree.data == "loop_range" else bounds
        if len(values) > STATEMENTS_MAX:
            raise self._entry.reject(f"the loop runs {len(values)} times", tree)
        for value in values:
            self._scope.spend(tree)
            inner = dict(self._scope.locals)
            self._scope.locals[name] = value
            for statement in tree.children[-1].children:
                self._check_statement(statement)
            self._scope.locals = inner

    def _check_action(self, tree: Any) -> None:
        name = self._entry.text(tree.children[0])
        if name in INTERACTIONS:
            self._check_interaction(tree, None)
            return
        definition = ACTIONS.get(name)
        if definition is None:
            raise self._entry.reject(
                f"unknown action `{name}`",
                tree.children[0],
                did_you_mean(name, (*ACTIONS, *INTERACTIONS)),
            )
        types = [parse_type(parameter) for parameter in definition.parameters]
        checked = self._arguments(tree, [type_ for type_ in types if type_ is not None])
        self._scope.emit(Act(name, checked), tree)

    def _check_answer(self, tree: Any) -> None:
        """Check an interaction whose answer goes to a register."""
        name_token, view_token, value, predicate = tree.children
        operand = self._scope.operand(self._entry.text(name_token), name_token)
        if predicate is not None:
            raise self._entry.reject("`under` does not go with an interaction", tree)
        file = self._scope.files.get(operand.file)
        if file is None or (file.width, file.zero) != (64, 0):
            raise self._entry.reject(
                f"`{operand.name}` can't take the answer of an interaction",
                tree,
                "a scalar register",
            )
        if self._scope.view(operand, name_token, view_token) != U64:
            raise self._entry.reject("an interaction answers with u64", tree)
        self._check_interaction(value, operand.name)

    def _check_interaction(self, tree: Any, result: str | None) -> None:
        name = self._entry.text(tree.children[0])
        definition = INTERACTIONS[name]
        if definition.has_result and result is None:
            raise self._entry.reject(
                f"`{name}` has an answer, which must go to a register", tree, f"`xd = {name}(...)`"
            )
        if result is not None and not definition.has_result:
            raise self._entry.reject(f"`{name}` has no answer", tree)
        checked = self._arguments(tree, [U64] * len(definition.parameters))
        self._scope.emit(Interact(name, checked, result), tree)

    def _arguments(self, tree: Any, types: list[Type]) -> tuple[Expression, ...]:
        """Return the checked arguments of a call; their count must be that of `types`."""
        arguments = [argument for argument in tree.children[1:] if argument is not None]
        if len(arguments) != len(types):
            name = self._entry.text(tree.children[0])
            raise self._entry.reject(
                f"`{name}` takes {len(types)} arguments, found {len(arguments)}", tree
            )
        pairs = zip(arguments, types, strict=True)
        return tuple(self._values.expect(argument, type_) for argument, type_ in pairs)

    def _check_order(self, statements: tuple[Statement, ...], node: Any, written: bool) -> bool:
        """Refuse what can fault after an effect; return whether there was one."""
        for index, statement in enumerate(statements):
            if written and _can_fault(statement):
                raise self._entry.reject(
                    "this can fault after a write, so the fault would not be precise",
                    node,
                    "read memory, jump and store before writing registers or printing; one store "
                    "at most",
                )
            if _stops(statement) and index + 1 < len(statements):
                raise self._entry.reject("nothing can follow what may stop the thread", node)
            if isinstance(statement, If):
                then = self._check_order(statement.then, node, written)
                otherwise = self._check_order(statement.otherwise, node, written)
                written = then or otherwise
            elif isinstance(statement, WriteRegister | WriteControl | Store | Act | Interact):
                written = True
        return written


def _can_fault(statement: Statement) -> bool:
    if isinstance(statement, Jump | Store | Interact):
        return True
    if isinstance(statement, Act) and ACTIONS[statement.action].can_fault:
        return True
    return any(reads_memory(expression) for expression in expressions_of(statement))


def _stops(statement: Statement) -> bool:
    """Return whether the thread may stop here; in a condition, anywhere in it."""
    return any(
        isinstance(inner, Interact) or (isinstance(inner, Act) and ACTIONS[inner.action].stops)
        for inner in walk_statements((statement,))
    )
