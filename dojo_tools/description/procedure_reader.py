"""Reads and checks the texts of procedures.

All files form one namespace, whatever their order. A wrong item is reported with line and column,
and reading goes on with the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lark import Token

from dojo_tools.bits import signed_range, to_unsigned
from dojo_tools.description.procedure_model import (
    Arm,
    ArrayDef,
    Assign,
    Binary,
    Choice,
    ConstantDef,
    Discard,
    Element,
    Expression,
    ExternalDef,
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
    walk,
)
from dojo_tools.description.source_tree import Entry, Rejected, Tree, check_depth, is_tree, parse
from dojo_tools.description.tables import Tables, read_provenance
from dojo_tools.diagnostics import Note, Source, did_you_mean

_LEAST, _GREATEST = signed_range(64)


def read_procedures(sources: Sequence[Source], grammar: str) -> Procedures:
    """Return the procedures that these texts make together; raises `InputError`."""
    tables = Tables()
    names = _Names(tables)
    for source in sources:
        for item in parse(source, grammar):
            names.define(Entry(source, item))
    constants = names.read("constant", names.constant)
    arrays = names.read("array", lambda entry: _read_array(names, entry))
    externals = names.read("external", _read_external)
    procedures = names.read("procedure", lambda entry: _ProcedureReader(names, entry).read())
    if not tables.report.has_errors:
        _check_use_of_arrays(names, procedures)
    tables.report.stop_if_errors()
    return Procedures(tuple(constants), tuple(arrays), tuple(externals), tuple(procedures))


@dataclass(slots=True)
class _Names:
    """Every item by its name: one namespace for constants, arrays, externals and procedures."""

    tables: Tables
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    constants: dict[str, ConstantDef] = field(default_factory=dict[str, ConstantDef])
    _in_progress: list[str] = field(default_factory=list[str])

    def define(self, entry: Entry) -> None:
        """Take note of an item; report a name that has one already."""
        if entry.tree.data == "title":
            return
        if entry.tree.data == "provenance":
            self.tables.provenance[entry.source] = read_provenance(entry, entry.tree)
            return
        name = entry.text(entry.head)
        earlier = self.entries.setdefault(name, entry)
        if earlier is not entry:
            notes = (Note("the first one is here", earlier.span(earlier.head)),)
            self.tables.report.error(
                f"`{name}` is defined twice", entry.span(entry.head), notes=notes
            )

    def sort(self, name: str) -> str | None:
        """Return what a name stands for, such as `array`; None for nothing."""
        return str(self.entries[name].tree.data) if name in self.entries else None

    def of_sort(self, *sorts: str) -> list[str]:
        """Return the names that stand for these."""
        return [name for name in self.entries if self.sort(name) in sorts]

    def parameters(self, name: str) -> tuple[str, ...]:
        """Return the parameters of a procedure or external function."""
        return _parameters(self.entries[name])

    def read(self, sort: str, reader: Callable[[Entry], Any]) -> list[Any]:
        """Read all items of a sort, leaving out those that are wrong."""
        items: list[Any] = []
        for name in self.of_sort(sort):
            entry = self.entries[name]
            try:
                check_depth(entry)
                items.append(reader(entry))
            except Rejected as rejected:
                self.tables.report.add(rejected.diagnostic)
        return items

    def constant(self, entry: Entry) -> ConstantDef:
        """Return a constant with its value, which may need other constants."""
        head, tree, doc, provenance = entry.tree.children
        name = entry.text(head)
        if name not in self.constants:
            if name in self._in_progress:
                raise entry.reject(f"the value of `{name}` depends on itself", entry.head)
            self._in_progress.append(name)
            value = self._evaluate(entry, tree)
            self._in_progress.remove(name)
            source = self.tables.own_provenance(entry, provenance)
            self.constants[name] = ConstantDef(name, value, entry.text(doc), source)
        return self.constants[name]

    def _evaluate(self, entry: Entry, tree: Tree) -> int:
        match tree.data:
            case "integer":
                return read_integer(entry, tree)
            case "name":
                name = entry.text(tree.children[0])
                if self.sort(name) != "constant":
                    hint = did_you_mean(name, self.of_sort("constant"))
                    raise entry.reject(f"unknown constant `{name}`", tree, hint)
                return self.constant(self.entries[name]).value
            case "unary":
                operand = self._evaluate(entry, tree.children[1])
                value = _UNARY[str(tree.children[0])](operand)
            case "binary":
                left, right = (self._evaluate(entry, tree.children[i]) for i in (0, 2))
                value = _BINARY[str(tree.children[1])](left, right)
            case "choice":
                condition, then, otherwise = (self._evaluate(entry, t) for t in tree.children)
                value = then if condition else otherwise
            case _:
                raise entry.reject("a constant is made of numbers and constants only", tree)
        if not _LEAST <= value <= _GREATEST:
            raise entry.reject(f"{value} does not fit in 64 signed bits", tree)
        return value


_UNARY: dict[str, Callable[[int], int]] = {
    "-": lambda a: -a,
    "~": lambda a: ~a,
    "!": lambda a: int(not a),
}

_BINARY: dict[str, Callable[[int, int], int]] = {
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if a >= 0 and b > 0 else 0,
    "%": lambda a, b: a % b if a >= 0 and b > 0 else 0,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "<<": lambda a, b: a << to_unsigned(b, 6),
    ">>": lambda a, b: a >> to_unsigned(b, 6),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "&": lambda a, b: a & b,
    "^": lambda a, b: a ^ b,
    "|": lambda a, b: a | b,
    "&&": lambda a, b: int(a != 0 and b != 0),
    "||": lambda a, b: int(a != 0 or b != 0),
}


def read_integer(entry: Entry, tree: Tree) -> int:
    """Return the value of a literal, which must be a value of the language."""
    value = entry.integer(tree.children[0])
    if value > _GREATEST:
        raise entry.reject(f"{value} does not fit in 64 signed bits", tree)
    return value


def _read_array(names: _Names, entry: Entry) -> ArrayDef:
    name, place, doc = entry.tree.children
    beside = None if place is None or place.type == "APART" else entry.text(place)
    if beside is not None:
        other = names.entries.get(beside)
        if other is None or names.sort(beside) != "array":
            hint = did_you_mean(beside, names.of_sort("array"))
            raise entry.reject(f"unknown array `{beside}`", place, hint)
        others = other.tree.children[1]
        if others is not None and others.type != "APART":
            hint = f"say `beside {other.text(others)}`, as it does"
            raise entry.reject(f"`{beside}` is itself beside another array", place, hint)
    is_apart = place is not None and beside is None
    return ArrayDef(entry.text(name), entry.text(doc), is_apart, beside)


def _read_external(entry: Entry) -> ExternalDef:
    name, _, doc = entry.tree.children
    return ExternalDef(entry.text(name), _parameters(entry), entry.text(doc))


def _parameters(entry: Entry) -> tuple[str, ...]:
    tokens = entry.tree.children[1].children
    return tuple(entry.text(token) for token in tokens if token is not None)


def _check_use_of_arrays(names: _Names, procedures: Sequence[ProcedureDef]) -> None:
    nodes = [node for procedure in procedures for node in walk(procedure.statements)]
    used = {node.array for node in nodes if isinstance(node, Element | Store)}
    for name in names.of_sort("array"):
        if name not in used:
            entry = names.entries[name]
            names.tables.report.error(f"array `{name}` is never used", entry.span(entry.head))


class _ProcedureReader:
    """One procedure; `_defined` are the locals that have a value on every path to this place."""

    def __init__(self, names: _Names, entry: Entry) -> None:
        self._names = names
        self._entry = entry
        self._parameters = _parameters(entry)
        self._lets: list[Token] = [
            tree.children[0] for tree in entry.tree.children[-1].find_data("let")
        ]
        self._locals = {*self._parameters, *map(str, self._lets)}
        self._defined: set[str] | None = set(self._parameters)
        self._read: set[str] = set()

    def read(self) -> ProcedureDef:
        """Return the procedure."""
        entry = self._entry
        name, parameters, doc, provenance, block = entry.tree.children
        for i, token in enumerate(t for t in parameters.children if t is not None):
            self._check_is_free(token)
            if str(token) in self._parameters[:i]:
                raise entry.reject(f"parameter `{token}` stands here twice", token)
        statements = self._block(block)
        for token in sorted(self._lets, key=lambda token: token.start_pos or 0):
            if str(token) not in self._read:
                raise entry.reject(f"local `{token}` is never read", token)
        source = self._names.tables.own_provenance(entry, provenance)
        return ProcedureDef(
            entry.text(name),
            self._parameters,
            entry.text(doc),
            statements,
            source,
            entry.location,
        )

    def _check_is_free(self, token: Token) -> None:
        sort = self._names.sort(str(token))
        if sort is not None:
            raise self._entry.reject(f"`{token}` is the name of {_ARTICLE[sort]} {sort}", token)

    # ---- statements

    def _block(self, block: Tree) -> tuple[Statement, ...]:
        return tuple([self._statement(tree) for tree in block.children])

    def _statement(self, tree: Tree) -> Statement:
        if self._defined is None:
            raise self._entry.reject("this is never reached", tree)
        match tree.data:
            case "let":
                return self._let(tree)
            case "assign":
                return self._assign(tree)
            case "store":
                array, index, value = tree.children
                checked = self._expression(value)  # the order in which they are evaluated
                return Store(self._array(array), self._expression(index), checked)
            case "branch":
                return self._branch(tree)
            case "loop":
                condition = self._expression(tree.children[0])
                before = set(self._defined)
                statements = self._block(tree.children[1])
                self._defined = before
                return While(condition, statements)
            case "result":
                value = self._expression(tree.children[0])
                self._defined = None
                return Return(value)
            case _:
                return Discard(self._invoke(tree))

    def _let(self, tree: Tree) -> Assign:
        assert self._defined is not None
        token, value_tree = tree.children
        name = str(token)
        self._check_is_free(token)
        if name in self._defined:
            hint = f"write `set {name} = ...` to change it"
            raise self._entry.reject(f"`{name}` is defined already", token, hint)
        value = self._expression(value_tree)
        self._defined.add(name)
        return Assign(name, value)

    def _assign(self, tree: Tree) -> Assign:
        token, value_tree = tree.children
        name = str(token)
        sort = self._names.sort(name)
        if sort is not None:
            hint = f"write `{name}[...] = ...`" if sort == "array" else None
            raise self._entry.reject(f"{_ARTICLE[sort]} {sort} can't be set", token, hint)
        value = self._expression(value_tree)
        self._check_is_defined(token)
        return Assign(name, value)

    def _branch(self, tree: Tree) -> If:
        last = tree.children[-1]
        arms: list[Arm] = []
        ends: list[set[str] | None] = []
        before = self._defined
        assert before is not None
        for arm in tree.children:
            if not is_tree(arm, "arm"):
                continue
            condition = self._expression(arm.children[0])
            self._defined = set(before)
            arms.append(Arm(condition, self._block(arm.children[1])))
            ends.append(self._defined)
            self._defined = set(before)
        otherwise = self._block(last) if is_tree(last, "block") else ()
        ends.append(self._defined)
        reached = [end for end in ends if end is not None]
        self._defined = set[str].intersection(*reached) if reached else None
        return If(tuple(arms), otherwise)

    def _check_is_defined(self, token: Token) -> None:
        """Refuse a local that does not exist, or has no value on some path to this place."""
        name = str(token)
        if name not in self._locals:
            hint = did_you_mean(name, [*self._locals, *self._names.of_sort("constant", "array")])
            raise self._entry.reject(f"unknown name `{name}`", token, hint)
        if self._defined is None or name not in self._defined:
            raise self._entry.reject(
                f"`{name}` has no value on some way to here",
                token,
                f"write `let {name} = ...` before, on every path",
            )

    def _array(self, token: Token) -> str:
        if self._names.sort(str(token)) != "array":
            hint = did_you_mean(str(token), self._names.of_sort("array"))
            raise self._entry.reject(f"unknown array `{token}`", token, hint)
        return str(token)

    # ---- expressions

    def _expression(self, tree: Tree) -> Expression:
        match tree.data:
            case "integer":
                return Number(read_integer(self._entry, tree))
            case "name":
                return self._name(tree.children[0])
            case "element":
                token, index = tree.children
                return Element(self._array(token), self._expression(index))
            case "unary":
                return Unary(str(tree.children[0]), self._expression(tree.children[1]))
            case "binary":
                left, operator, right = tree.children
                return Binary(str(operator), self._expression(left), self._expression(right))
            case "choice":
                condition, then, otherwise = map(self._expression, tree.children)
                return Choice(condition, then, otherwise)
            case _:
                return self._invoke(tree)

    def _name(self, token: Token) -> Expression:
        name = str(token)
        sort = self._names.sort(name)
        if sort == "constant":
            return Number(self._names.constant(self._names.entries[name]).value)
        if sort is not None:
            what = "an element, `[...]`" if sort == "array" else "arguments, `(...)`"
            raise self._entry.reject(f"{_ARTICLE[sort]} {sort} needs {what}", token)
        self._check_is_defined(token)
        self._read.add(name)
        return Local(name)

    def _invoke(self, tree: Tree) -> Invoke:
        token, listed = tree.children
        name = str(token)
        if self._names.sort(name) not in _CALLED:
            hint = did_you_mean(name, self._names.of_sort(*_CALLED))
            raise self._entry.reject(f"unknown procedure `{name}`", token, hint)
        trees = [argument for argument in listed.children if argument is not None]
        parameters = self._names.parameters(name)
        if len(trees) != len(parameters):
            plural = "" if len(parameters) == 1 else "s"
            raise self._entry.reject(
                f"`{name}` takes {len(parameters)} argument{plural}, found {len(trees)}",
                tree,
                f"it is `{name}({', '.join(parameters)})`",
            )
        return Invoke(name, tuple([self._expression(argument) for argument in trees]))


_CALLED = ("procedure", "external")

_ARTICLE = {"constant": "a", "array": "an", "external": "an", "procedure": "a"}
