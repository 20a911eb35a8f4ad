"""Turns the procedures of the mesh into LLVM IR, and calls what becomes of it.

Every procedure is a function of a pointer to the *table* and of its arguments. The table holds the
address of each array, in the order of `Procedures.arrays`, then a function pointer for each
external; it does not change while a procedure runs. Arrays never overlap, and LLVM is told so.
Values wrap at 64 bits, which correct texts never need. Indices are not checked.
"""

import ctypes
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

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
    walk,
)
from dojo_tools.engines.native.builder import FunctionBuilder, Module
from dojo_tools.engines.native.compiler import compiler

_FIRST_METADATA = 10_000
"""Metadata of the procedures are numbered from here, so that those of externals can't collide."""

_TABLE = "ptr noalias readonly %mesh"
# Without them LLVM turns loops into calls of libraries, and takes `free` for what its name says.
_ATTRIBUTES = 'nounwind "no-builtins"'

_COMPARISONS = {
    "<": "icmp slt",
    "<=": "icmp sle",
    ">": "icmp sgt",
    ">=": "icmp sge",
    "==": "icmp eq",
    "!=": "icmp ne",
}
_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}
_SHIFTS = {"<<": "shl", ">>": "ashr"}
_DIVISIONS = {"/": "udiv", "%": "urem"}
_LOGIC = frozenset(("&&", "||"))


def array_index(procedures: Procedures, name: str) -> int:
    """Return the word of the table that holds an array's address."""
    return [array.name for array in procedures.arrays].index(name)


def external_index(procedures: Procedures, name: str) -> int:
    """Return the word of the table that holds an external's function pointer."""
    names = [external.name for external in procedures.externals]
    return len(procedures.arrays) + names.index(name)


def lower(
    procedures: Procedures, external_ir: str | Mapping[str, str], exported: Sequence[str]
) -> str:
    """Return a module with all procedures; only exported ones can be called from outside.

    `external_ir` defines externals as `define internal i64 @name(ptr %mesh, i64 ...)`, all in one
    text or each under its name; its metadata have numbers below 10,000. Externals without a
    definition are called through the table: `i64 (ptr, i64 ...)`, first the table itself.
    """
    texts = [external_ir] if isinstance(external_ir, str) else list(external_ir.values())
    defined = {name for text in texts for name in _DEFINED.findall(text)}
    scopes, index_bits = _Scopes(procedures), procedures.index_bits()
    parts = [text.rstrip() for text in texts]
    for external in procedures.externals:
        if external.name not in defined:
            index = external_index(procedures, external.name)
            parts.append(_through_table(external.name, external.parameters, index))
    for procedure in procedures.procedures:
        linkage = "" if procedure.name in exported else "internal "
        parts.append(_Lowering(procedures, procedure, scopes, index_bits).text(linkage))
    return "\n\n".join([*filter(None, parts), scopes.text()]) + "\n"


_DEFINED = re.compile(r'^define [^@\n]*@"?(\w+)"?\(', re.MULTILINE)


def _through_table(name: str, parameters: tuple[str, ...], index: int) -> str:
    """Return an external that calls what the table says."""
    values = "".join(f", i64 %{parameter}.p" for parameter in parameters)
    return "\n".join(
        (
            f"define internal i64 @{name}(ptr %mesh{values}) {_ATTRIBUTES} {{",
            f"  %slot = getelementptr inbounds ptr, ptr %mesh, i64 {index}",
            f"  %function = load ptr, ptr %slot, !invariant.load !{_FIRST_METADATA}",
            f"  %result = call i64 %function(ptr %mesh{values})",
            "  ret i64 %result",
            "}",
        )
    )


class _Scopes:
    """Metadata that tell LLVM that no array overlaps another."""

    def __init__(self, procedures: Procedures) -> None:
        self._arrays = [array.name for array in procedures.arrays]

    def of(self, array: str) -> str:
        """Return what follows a load or store of an element."""
        own = _FIRST_METADATA + 2 + 3 * self._arrays.index(array)
        return f", align 8, !alias.scope !{own + 1}, !noalias !{own + 2}"

    def text(self) -> str:
        """Return the definitions: nothing, the domain, then for each array its three."""
        domain = _FIRST_METADATA + 1
        lines = [f"!{_FIRST_METADATA} = !{{}}", f"!{domain} = distinct !{{!{domain}}}"]
        scopes = [domain + 1 + 3 * index for index in range(len(self._arrays))]
        for scope in scopes:
            others = ", ".join(f"!{other}" for other in scopes if other != scope)
            lines.append(f"!{scope} = distinct !{{!{scope}, !{domain}}}")
            lines.append(f"!{scope + 1} = !{{!{scope}}}")
            lines.append(f"!{scope + 2} = !{{{others}}}")
        return "\n".join(lines)


class _Lowering:
    """One function: locals are memory of its frame, which LLVM turns into registers."""

    def __init__(
        self,
        procedures: Procedures,
        procedure: ProcedureDef,
        scopes: _Scopes,
        index_bits: Mapping[str, int],
    ) -> None:
        self._procedures = procedures
        self._procedure = procedure
        self._scopes = scopes
        self._index_bits = index_bits
        self._build = FunctionBuilder(Module())
        self._is_open = True

    def text(self, linkage: str) -> str:
        """Return the whole function."""
        procedure, build = self._procedure, self._build
        self._entry()
        self._statements(procedure.statements)
        if self._is_open:
            build.line("ret i64 0")
        values = "".join(f", i64 %{name}.p" for name in procedure.parameters)
        head = f"define {linkage}i64 @{procedure.name}({_TABLE}{values}) {_ATTRIBUTES} {{"
        return "\n".join([head, *build.lines, "}"])

    def _entry(self) -> None:
        """Make room for the locals, and load the addresses of the arrays that are used."""
        nodes = list(walk(self._procedure.statements))
        parameters = self._procedure.parameters
        assigned = [node.name for node in nodes if isinstance(node, Assign)]
        for name in dict.fromkeys([*parameters, *assigned]):
            self._build.lines.append(f"  %{name}.l = alloca i64")
        for name in parameters:
            self._build.line(f"store i64 %{name}.p, ptr %{name}.l")
        used = {node.array for node in nodes if isinstance(node, Element | Store)}
        for index, array in enumerate(self._procedures.arrays):
            if array.name in used:
                slot = self._build.emit(f"getelementptr inbounds ptr, ptr %mesh, i64 {index}")
                self._build.lines.append(
                    f"  %{array.name}.a = load ptr, ptr {slot}, !invariant.load !{_FIRST_METADATA}"
                )

    # ---- statements

    def _statements(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        match statement:
            case Assign(name, value):
                self._build.line(f"store i64 {self._value(value)}, ptr %{name}.l")
            case Store(array, index, value):
                text = self._value(value)  # before the index
                place = self._place(array, index)
                self._build.line(f"store i64 {text}, ptr {place}{self._scopes.of(array)}")
            case If():
                self._if(statement)
            case While(condition, statements):
                self._while(condition, statements)
            case Return(value):
                self._build.line(f"ret i64 {self._value(value)}")
                self._is_open = False
            case Discard(invoke):
                self._value(invoke)

    def _if(self, statement: If) -> None:
        build = self._build
        end = build.label("end")
        is_reached = False
        for arm in statement.arms:
            then, otherwise = build.label("then"), build.label("else")
            self._branch(arm.condition, then, otherwise)
            build.start(then)
            is_reached |= self._block(arm.statements, end)
            build.start(otherwise)
        is_reached |= self._block(statement.otherwise, end)
        self._is_open = is_reached
        if is_reached:
            build.start(end)

    def _while(self, condition: Expression, statements: tuple[Statement, ...]) -> None:
        build = self._build
        test, body, end = build.label("while"), build.label("body"), build.label("end")
        build.line(f"br label %{test}")
        build.start(test)
        self._branch(condition, body, end)
        build.start(body)
        self._block(statements, test)
        build.start(end)
        self._is_open = True

    def _block(self, statements: tuple[Statement, ...], target: str) -> bool:
        """Write a block that goes on at `target`; return whether it ever does."""
        self._is_open = True
        self._statements(statements)
        if self._is_open:
            self._build.line(f"br label %{target}")
        return self._is_open

    # ---- conditions

    def _branch(self, condition: Expression, then: str, otherwise: str) -> None:
        """End the block with a choice, evaluating no more than is needed."""
        build = self._build
        match condition:
            case Unary("!", operand):
                self._branch(operand, otherwise, then)
            case Binary("&&", left, right):
                both = build.label("and")
                self._branch(left, both, otherwise)
                build.start(both)
                self._branch(right, then, otherwise)
            case Binary("||", left, right):
                other = build.label("or")
                self._branch(left, then, other)
                build.start(other)
                self._branch(right, then, otherwise)
            case _:
                build.branch(self._bit(condition), then, otherwise)

    def _bit(self, condition: Expression) -> str:
        """Return an i1: whether a value is not 0."""
        match condition:
            case Binary(operator, left, right) if operator in _COMPARISONS:
                a, b = self._value(left), self._value(right)
                return self._build.emit(f"{_COMPARISONS[operator]} i64 {a}, {b}")
            case Unary("!", operand):
                return self._build.emit(f"xor i1 {self._bit(operand)}, true")
            case _:
                return self._build.emit(f"icmp ne i64 {self._value(condition)}, 0")

    # ---- values

    def _value(self, expression: Expression) -> str:
        """Return an i64."""
        build = self._build
        match expression:
            case Number(value):
                return str(value)
            case Local(name):
                return build.emit(f"load i64, ptr %{name}.l")
            case Element(array, index):
                place = self._place(array, index)
                return build.emit(f"load i64, ptr {place}{self._scopes.of(array)}")
            case Invoke(name, arguments):
                values = "".join([f", i64 {self._value(argument)}" for argument in arguments])
                return build.emit(f"call i64 @{name}(ptr %mesh{values})")
            case Choice(condition, then, otherwise):
                return self._choice(condition, then, otherwise)
            case Unary("-", operand):
                return build.emit(f"sub i64 0, {self._value(operand)}")
            case Unary("~", operand):
                return build.emit(f"xor i64 {self._value(operand)}, -1")
            case Binary(operator) if operator in _LOGIC:
                return self._choice(expression, Number(1), Number(0))
            case Binary(operator, left, right) if operator not in _COMPARISONS:
                return self._arithmetic(operator, self._value(left), self._value(right))
            case _:
                return build.emit(f"zext i1 {self._bit(expression)} to i64")

    def _arithmetic(self, operator: str, a: str, b: str) -> str:
        build = self._build
        if operator in _ARITHMETIC:
            return build.emit(f"{_ARITHMETIC[operator]} i64 {a}, {b}")
        if operator in _SHIFTS:
            count = build.emit(f"and i64 {b}, 63")
            return build.emit(f"{_SHIFTS[operator]} i64 {a}, {count}")
        is_natural = build.emit(f"icmp sge i64 {a}, 0")
        is_positive = build.emit(f"icmp sgt i64 {b}, 0")
        is_defined = build.emit(f"and i1 {is_natural}, {is_positive}")
        divisor = build.emit(f"select i1 {is_positive}, i64 {b}, i64 1")
        result = build.emit(f"{_DIVISIONS[operator]} i64 {a}, {divisor}")
        return build.emit(f"select i1 {is_defined}, i64 {result}, i64 0")

    def _choice(self, condition: Expression, then: Expression, otherwise: Expression) -> str:
        build = self._build
        first, second, end = build.label("then"), build.label("else"), build.label("end")
        self._branch(condition, first, second)
        incoming: list[str] = []
        for label, expression in ((first, then), (second, otherwise)):
            build.start(label)
            value = self._value(expression)
            incoming.append(f"[{value}, %{build.block}]")
            build.line(f"br label %{end}")
        build.start(end)
        return build.emit(f"phi i64 {', '.join(incoming)}")

    def _place(self, array: str, index: Expression) -> str:
        value = self._value(index)
        bits = self._index_bits[array]
        if bits:
            value = self._build.emit(f"shl i64 {value}, {bits}")
        return self._build.emit(f"getelementptr inbounds i64, ptr %{array}.a, i64 {value}")


def compile_native(
    procedures: Procedures, external_ir: str | Mapping[str, str], exported: Sequence[str]
) -> dict[str, int]:
    """Return the address of each exported procedure in this process."""
    compiling = compiler()
    text = lower(procedures, external_ir, exported)
    return compiling.link_all(compiling.object_of(text, "good"), exported)


class NativeProcedures:
    """Compiled procedures with a table: what Python starts. Calls release the GIL.

    `arrays` are addresses of 64-bit words, which the caller keeps alive; `functions` are addresses
    of procedures; `externals` are Python functions of those externals that have no IR. An exception
    in one of those is printed, and its result is 0.
    """

    def __init__(
        self,
        procedures: Procedures,
        arrays: Mapping[str, int],
        functions: Mapping[str, int],
        externals: Mapping[str, Callable[..., int]] | None = None,
    ) -> None:
        self.procedures = procedures
        size = len(procedures.arrays) + len(procedures.externals)
        self._table = (ctypes.c_void_p * max(size, 1))()
        for array in procedures.arrays:
            self.place_array(array.name, arrays[array.name])
        self._callbacks: list[Any] = []  # which ctypes itself does not keep alive
        for name, external in (externals or {}).items():
            self._place_external(name, external)
        self._functions = {
            name: _signature(len(procedures.procedure(name).parameters))(address)
            for name, address in functions.items()
        }

    @property
    def table_address(self) -> int:
        """Where the table is: the first argument of every procedure."""
        return ctypes.addressof(self._table)

    def place_array(self, name: str, address: int) -> None:
        """Move an array; no procedure may be running."""
        self._table[array_index(self.procedures, name)] = address

    def _place_external(self, name: str, external: Callable[..., int]) -> None:
        index = external_index(self.procedures, name)
        parameters = self.procedures.externals[index - len(self.procedures.arrays)].parameters

        def entered(_table: int, *values: int) -> int:
            return external(*values)

        callback = _signature(len(parameters))(entered)
        self._callbacks.append(callback)
        self._table[index] = ctypes.cast(callback, ctypes.c_void_p).value

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported procedure."""
        return self._functions[name](self.table_address, *arguments)


def _signature(parameter_count: int) -> Any:
    parameters = [ctypes.c_int64] * parameter_count
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, *parameters)
