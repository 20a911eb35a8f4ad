"""The checked tree of an instruction's meaning, which every engine reads.

An expression is an operator with typed arguments; an engine has one row for each operator of
`OPERATORS`. Operators are total: shift counts wrap at the width, integer division by zero is -1
(all ones), the least number divided by -1 is itself, float to integer saturates and NaN becomes 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dojo_tools.description.types import Type


@dataclass(frozen=True, slots=True)
class Expression:
    """An operator applied to arguments; `detail` is the operator's constant part.

    | operator | detail |
    |---|---|
    | literal | the number |
    | local | the name; one of an expanded function ends in `.` and a number |
    | operand, register, control, number | the name (a register's view is `type`) |
    | lanes | for each lane of the result, the lane of the argument |
    | vector | the integer in each lane |
    | load | the alignment in bytes |
    | widen, narrow and their flags | the name of the number format |
    """

    operator: str
    type: Type
    arguments: tuple["Expression", ...] = ()
    detail: int | float | str | tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Let:
    """Give a local a value; a second `Let` of the same name replaces the value."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """Write a view of a register, each lane under `predicate` if there is one."""

    operand: str
    value: Expression
    predicate: str | None = None


@dataclass(frozen=True, slots=True)
class WriteControl:
    """Write the control register that an operand names."""

    operand: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Jump:
    """Make an address the next pc; a misaligned or unmapped one faults here."""

    target: Expression


@dataclass(frozen=True, slots=True)
class Store:
    """Write a value to memory; `alignment` in bytes.

    With a vector of addresses, each lane is written at its own, in ascending order, after all have
    been checked in that order; `predicate` leaves lanes out, which then can't fault.
    """

    address: Expression
    value: Expression
    alignment: int
    predicate: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Do something outside the node's registers and memory: a row of `ACTIONS`."""

    action: str
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Interact:
    """Ask what surrounds the thread for a row of `INTERACTIONS`, and stop until it has answered.

    `result` is the operand of the scalar register that takes the answer, or None.
    """

    interaction: str
    arguments: tuple[Expression, ...] = ()
    result: str | None = None


@dataclass(frozen=True, slots=True)
class If:
    """Choose by a truth value."""

    condition: Expression
    then: tuple["Statement", ...]
    otherwise: tuple["Statement", ...] = ()


Statement = Let | WriteRegister | WriteControl | Jump | Store | Act | Interact | If

SEMANTIC_CLASSES = (Expression, Let, WriteRegister, WriteControl, Jump, Store, Act, Interact, If)


# Operators by arity, as engines must implement them. `literal` to `load` read; the rest compute.
OPERATORS: dict[str, int] = {
    "literal": 0,
    "vector": 0,  # constant integers
    "local": 0,
    "operand": 0,  # the value of an immediate
    "register": 0,  # a view of the register that an operand names
    "control": 0,  # the control register that an operand names
    "number": 0,  # the number of the register that an operand names
    "pc": 0,
    "load": 1,
    "add": 2,
    "sub": 2,
    "mul": 2,
    "div": 2,
    "rem": 2,
    "and": 2,
    "or": 2,
    "xor": 2,
    "shl": 2,
    "shr": 2,
    "eq": 2,
    "ne": 2,
    "lt": 2,
    "le": 2,
    "neg": 1,
    "not": 1,
    "mulhi": 2,
    "min": 2,
    "max": 2,
    "abs": 1,
    "sqrt": 1,
    "fma": 3,
    "round_even": 1,
    "clz": 1,
    "ctz": 1,
    "popcount": 1,
    "select": 3,
    "convert": 1,
    "reinterpret": 1,
    "splat": 1,
    "lanes": 1,
    "concat": 2,  # the lanes of one vector, then those of another
    "permute": 2,  # each lane as the second argument numbers it; 0 beyond the lanes
    "compress": 2,  # lanes where the second argument is true, to the lowest; then zeros
    "expand": 2,  # the lowest lanes to where the second argument is true; zeros elsewhere
    "element": 2,
    "replace": 3,
    "active": 1,  # for each lane of `type`, whether the predicate operand lets it be written
    "zeroing": 0,  # whether the predicate operand clears the lanes that it does not let through
    "control_at": 1,  # the control register of a number; one that does not exist reads as zero
    "random": 0,  # the random words that the thread's next drawing instruction takes, one a lane
    "widen": 2,  # codes and bias to float32 values, exact
    "narrow": 2,  # values and bias to codes, nearest; a third argument: stochastic, by these words
    "widen_flags": 3,  # as flags: the first argument tells which lanes count
    "narrow_flags": 3,  # the same; a fourth argument: the random words
}


@dataclass(frozen=True, slots=True)
class ActionDef:
    """An action: the types of its arguments, whether it may fault, and may stop the thread."""

    parameters: tuple[str, ...]
    summary: str
    can_fault: bool = False
    stops: bool = False


ACTIONS: dict[str, ActionDef] = {
    "halt": ActionDef(("u64",), "End the thread with an exit code.", stops=True),
    "trap": ActionDef(("u64",), "Fault with a code.", can_fault=True),
    "breakpoint": ActionDef((), "Stop for a debugger; nothing without one.", stops=True),
    "print_text": ActionDef(("u64", "u64"), "Print bytes: address, size.", can_fault=True),
    "print_character": ActionDef(("u64",), "Print one Unicode character."),
    "print_signed": ActionDef(("i64",), "Print a signed decimal number."),
    "print_unsigned": ActionDef(("u64",), "Print an unsigned decimal number."),
    "print_hexadecimal": ActionDef(("u64",), "Print a hexadecimal number."),
    "print_float": ActionDef(("f32",), "Print the shortest decimal that reads back the same."),
    "raise_flags": ActionDef(("u64",), "Set sticky float flags; others stay as they are."),
    "count_draw": ActionDef((), "Count one drawing of random words: the next ones are others."),
    "set_control": ActionDef(("u64", "u64"), "Write the control register of a number."),
    "flush_instructions": ActionDef((), "Make written code visible to instruction fetch."),
}


ARGUMENTS_MAX = 8


@dataclass(frozen=True, slots=True)
class InteractionDef:
    """An interaction: its number in a request, its arguments (all u64), whether it answers."""

    number: int
    named: str
    summary: str
    has_result: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arguments, at most `ARGUMENTS_MAX`."""
        return tuple(self.named.split())


# What a thread asks of the machine around it; the machine knows it by number.
INTERACTIONS: dict[str, InteractionDef] = {
    "semaphore_wait": InteractionDef(1, "semaphore count", "Wait for a count, then subtract it."),
    "semaphore_try": InteractionDef(
        2,
        "semaphore count",
        "Subtract a count if it is there: 1, else 0.",
        has_result=True,
    ),
    "semaphore_post": InteractionDef(3, "semaphore count", "Add a count."),
    "semaphore_read": InteractionDef(4, "semaphore", "The value of a semaphore.", has_result=True),
    "semaphore_post_at": InteractionDef(
        5,
        "address semaphore count",
        "Add a count on the node of a global address.",
    ),
    "barrier": InteractionDef(6, "barrier rectangle", "Wait for every node of a rectangle."),
    "thread_start": InteractionDef(
        7,
        "thread pc argument stack_pointer",
        "Start a thread of the node.",
    ),
    "thread_stop": InteractionDef(8, "thread", "Stop a thread of the node."),
    "thread_yield": InteractionDef(9, "", "Let happen what is due."),
    "thread_state": InteractionDef(
        10,
        "thread",
        "0 stopped, 1 running, 2 waiting.",
        has_result=True,
    ),
    "atomic": InteractionDef(
        11,
        "operation address size value compare",
        "0 add, 1 swap, 2 compare and swap: the old value.",
        has_result=True,
    ),
    "load_acquire": InteractionDef(
        12,
        "address size signed",
        "Load what others wrote before now.",
        has_result=True,
    ),
    "transfer": InteractionDef(
        13,
        "flags destination source row_bytes rows source_pitch destination_pitch semaphores",
        "Copy bytes between memories.",
    ),
    "push_register": InteractionDef(
        14,
        "flags destination file index size semaphores",
        "Write a register to a memory.",
    ),
    "list_start": InteractionDef(
        15,
        "address count",
        "Let the list engine run entries of 64 bytes.",
    ),
    "list_wait": InteractionDef(16, "", "Wait until the list engine is idle."),
    "list_state": InteractionDef(
        17,
        "",
        "The entries that the list engine has left.",
        has_result=True,
    ),
}


# What stands for control registers by name: whoever uses it must declare them.
CONTROLS_USED: dict[str, tuple[str, ...]] = {
    "random": ("seed", "draws", "node_x", "node_y", "thread"),
    "count_draw": ("draws",),
    "raise_flags": ("flags",),
}


def walk_statements(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield every statement, those inside conditions included, in order."""
    for statement in statements:
        yield statement
        if isinstance(statement, If):
            yield from walk_statements(statement.then)
            yield from walk_statements(statement.otherwise)


def expressions_of(statement: Statement) -> tuple[Expression, ...]:
    """Return the expressions that a statement itself evaluates, in order."""
    match statement:
        case Let(_, value) | WriteRegister(_, value) | WriteControl(_, value) | Jump(value):
            return (value,)
        case Store(address, value):
            return (address, value)
        case Act(_, arguments) | Interact(_, arguments):
            return arguments
        case If(condition):
            return (condition,)


def walk_expression(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and everything inside it, arguments first."""
    for argument in expression.arguments:
        yield from walk_expression(argument)
    yield expression


def reads_memory(expression: Expression) -> bool:
    """Return whether an expression loads, and so can fault."""
    return any(inner.operator == "load" for inner in walk_expression(expression))
