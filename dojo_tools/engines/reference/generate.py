"""Turns an instruction's meaning into a Python function over the state of a thread.

The generated text follows the checked tree statement by statement. A function gets the pc and the
operands' values, and returns the next pc; the thread's state is bound to global names, which are
quicker to reach than attributes. Names from the description are changed, see `python_name`, so they
can't collide with the names used here. The text stays available to tracebacks.
"""

import linecache
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dojo_tools import floats
from dojo_tools.description import Description, InstructionDef
from dojo_tools.description.semantics import (
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
    reads_memory,
    walk_statements,
)
from dojo_tools.engines.reference import arithmetic, predicates
from dojo_tools.engines.reference.operators import (
    OPERATORS,
    bits_of,
    code_dtype,
    dtype,
    from_bits,
    python_name,
    wrap,
)

Execute = Callable[..., int]

_NAMESPACE: dict[str, Any] = {
    "np": np,
    **{
        name: getattr(floats, name)
        for name in (
            "bits_bf16",
            "bits_f32",
            "fma_bf16",
            "fma_f32",
            "from_bits_bf16",
            "from_bits_f32",
            "from_integer_bf16",
            "from_integer_f32",
            "maximum_number",
            "minimum_number",
            "round_bf16",
            "round_even",
            "to_integer",
        )
    },
    **{
        name: function
        for module in (arithmetic, predicates)
        for name, function in vars(module).items()
        if not name.startswith("_")
    },
}


def compile_instruction(
    definition: InstructionDef, description: Description, state: Mapping[str, Any]
) -> Execute:
    """Return the function that executes an instruction on a thread.

    `state` gives the names that the text uses for the thread: `thread`, its `memory`, and each
    register file, as `x_file`.
    """
    text = generate(definition, description)
    name = f"<{definition.mnemonic} from {definition.defined_at}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace = {**_NAMESPACE, **state}
    exec(compile(text, name, "exec"), namespace)
    return namespace["execute"]


def generate(definition: InstructionDef, description: Description) -> str:
    """Return the Python text of the function that executes an instruction."""
    return _Generator(definition, description).text()


class _Generator:
    """The lines of one function, and the constants it names."""

    def __init__(self, definition: InstructionDef, description: Description) -> None:
        self.definition = definition
        self.files = {file.name: file for file in description.registers}
        statements = walk_statements(definition.meaning.statements)
        self.jumps = any(isinstance(statement, Jump) for statement in statements)
        self.lines: list[str] = []
        self.constants: list[str] = []

    def text(self) -> str:
        """Return the whole function."""
        operands = "".join(f", {kind.name}_" for kind in self.definition.operands)
        self._block(self.definition.meaning.statements, "    ")
        head = [f"def execute(pc{operands}):"]
        if self.jumps:
            head.append("    target = pc + 4")
            self.lines.append("    return target")
        else:
            self.lines.append("    return pc + 4")
        return "\n".join([*self.constants, *head, *self.lines]) + "\n"

    def _block(self, statements: tuple[Statement, ...], indent: str) -> None:
        for statement in statements:
            self._statement(statement, indent)

    def _statement(self, statement: Statement, indent: str) -> None:
        match statement:
            case Let(name, value):
                copy = ".copy()" if value.type.lanes and _may_alias(value) else ""
                self._line(indent, f"{python_name(name)} = {self.expression(value)}{copy}")
            case WriteRegister():
                self._write(statement, indent)
            case WriteControl(operand, value):
                self._line(indent, f"thread.write_control({operand}_, {self.expression(value)})")
            case Jump(target):
                self._line(indent, f"target = thread.checked_target(pc, {self.expression(target)})")
            case Store():
                self._store(statement, indent)
            case Act(action, arguments):
                values = "".join(f", {self.expression(argument)}" for argument in arguments)
                self._line(indent, f"thread.act_{action}(pc{values})")
            case Interact():
                self._interact(statement, indent)
            case If(condition, then, otherwise):
                self._line(indent, f"if {self.expression(condition)}:")
                self._block(then, indent + "    ")
                self._line(indent + "    ", "pass")
                if otherwise:
                    self._line(indent, "else:")
                    self._block(otherwise, indent + "    ")

    def _interact(self, statement: Interact, indent: str) -> None:
        values = "".join(f", {self.expression(argument)}" for argument in statement.arguments)
        result = "0" if statement.result is None else f"{statement.result}_"
        target = "target" if self.jumps else "pc + 4"
        self._line(indent, f"thread.ask({target}, '{statement.interaction}', {result}{values})")

    def _line(self, indent: str, text: str) -> None:
        self.lines.append(indent + text)

    def _write(self, statement: WriteRegister, indent: str) -> None:
        operand = self.definition.operand(statement.operand)
        file = self.files[operand.file]
        type_ = statement.value.type
        value = self.expression(statement.value)
        index = f"{operand.name}_"
        if type_.is_bool:
            bits = f"pack_mask({value})"
            if statement.predicate is not None:
                old = f"{file.name}_file[{index}]"
                bits = f"merge_mask({old}, {value}, {self._predicate(statement.predicate)})"
        else:
            bits = bits_of(type_, value)
        if file.width == 64 and type_.lanes and not type_.is_bool:
            bits = f"int.from_bytes({bits}.tobytes(), 'little')"
        if file.width == 64:
            guard = "" if file.zero is None else f"if {index} != {file.zero}: "
            if guard and reads_memory(statement.value):
                self._line(indent, f"bits = {bits}")  # a load faults whatever becomes of its value
                bits = "bits"
            self._line(indent, f"{guard}{file.name}_file[{index}] = {bits}")
            return
        place = f"{file.name}_file[{type_.width}][{index}]"
        if statement.predicate is None:
            self._line(indent, f"{place}[:] = {bits}")
        else:
            predicate = self._predicate(statement.predicate)
            self._line(indent, f"write_lanes({place}, {bits}, {predicate})")

    def _predicate(self, name: str) -> str:
        """Return the masks and the code of a predicate operand, as two arguments."""
        return f"{self.definition.operand(name).file}_file, {name}_"

    def _store(self, statement: Store, indent: str) -> None:
        type_ = statement.value.type
        address = self.expression(statement.address)
        bits = bits_of(type_, self.expression(statement.value))
        if statement.address.type.lanes:
            active = f"np.ones({type_.lanes}, np.bool_)"
            if statement.predicate is not None:
                active = f"active_lanes({self._predicate(statement.predicate)}, {type_.lanes})"
            text = f"memory.scatter(pc, {address}, {statement.alignment}, {bits}, {active})"
        elif type_.lanes:
            text = f"memory.store_vector(pc, {address}, {statement.alignment}, {bits})"
        else:
            size = type_.width // 8
            text = f"memory.store(pc, {address}, {size}, {statement.alignment}, {bits})"
        self._line(indent, text)

    def expression(self, expression: Expression) -> str:
        """Return the Python text of an expression."""
        if expression.operator == "register":
            return self._read(expression)
        if expression.operator == "lanes":
            indices = self._constant(expression, "np.intp")
            return f"{self.expression(expression.arguments[0])}[{indices}]"
        if expression.operator == "vector":
            return self._constant(expression, dtype(expression.type))
        if expression.operator == "active":
            predicate = self._predicate(str(expression.detail))
            return f"active_lanes({predicate}, {expression.type.lanes})"
        if expression.operator == "zeroing":
            file = self.definition.operand(str(expression.detail)).file
            return f"({expression.detail}_ >= len({file}_file))"
        arguments = [self.expression(argument) for argument in expression.arguments]
        return OPERATORS[expression.operator](expression, arguments)

    def _read(self, expression: Expression) -> str:
        operand = self.definition.operand(str(expression.detail))
        file = self.files[operand.file]
        type_ = expression.type
        index = f"{operand.name}_"
        if file.width > 64:
            text = f"{file.name}_file[{type_.width}][{index}]"
            if type_.bit_count < file.width:
                text += f"[:{type_.lanes}]"
            return from_bits(type_, text)
        text = f"{file.name}_file[{index}]"
        if type_.is_bool:
            return f"unpack_mask({text}, {type_.lanes})"
        if type_.lanes:
            packed = f"np.frombuffer({text}.to_bytes(8, 'little'), {code_dtype(type_)})"
            return from_bits(type_, f"{packed}[:{type_.lanes}]")
        if type_.width < file.width and not type_.is_signed:
            text = f"({text} & {hex((1 << type_.width) - 1)})"
        return wrap(type_, text) if type_.is_signed else from_bits(type_, text)

    def _constant(self, expression: Expression, element: str) -> str:
        """Return the name of an array that is made once, beside the function."""
        assert isinstance(expression.detail, tuple)
        name = f"LANES{len(self.constants)}"
        self.constants.append(f"{name} = np.array({list(expression.detail)}, {element})")
        return name


def _may_alias(expression: Expression) -> bool:
    """Return whether a vector may be a view of a register rather than an array of its own."""
    return expression.operator in ("register", "reinterpret", "local")
