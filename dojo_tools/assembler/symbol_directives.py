"""The directives that say something about symbols and about the program of a file."""

from collections.abc import Callable

from dojo_tools.assembler.directive_operands import expression_of, name_of
from dojo_tools.assembler.evaluate import COORDINATE_MAX
from dojo_tools.assembler.operands import describe_operand
from dojo_tools.assembler.tree import Command, Number, Operand, Refused, Tag
from dojo_tools.assembler.unit import SizeOf, UnitBuilder
from dojo_tools.objects import (
    INTERVAL_MAX,
    LANES_MAX,
    THREADS_MAX,
    Binding,
    Rectangle,
    Share,
    SymbolKind,
)

PLACE = ".place x, y, width, height"
_SYMBOL_KINDS = {"function": SymbolKind.FUNCTION, "object": SymbolKind.OBJECT}


def assign(builder: UnitBuilder, command: Command) -> None:
    """Assign a symbol."""
    name, expression = command.operands
    target = name_of(name)
    builder.declare(target)
    builder.assign(target.name, expression_of(expression), target.span)


def declare(binding: Binding | None) -> Callable[[UnitBuilder, Command], None]:
    """Return the directive that says who sees symbols; None: another file may define them."""

    def apply(builder: UnitBuilder, command: Command) -> None:
        for operand in command.operands:
            entry = builder.declare(name_of(operand))
            if binding is None:
                entry.is_external = True
            elif entry.binding not in (None, binding):
                assert entry.binding is not None
                raise Refused(
                    f"`{entry.name}` is already declared {entry.binding.name.lower()}", operand.span
                )
            else:
                entry.binding = binding

    return apply


def hide(builder: UnitBuilder, command: Command) -> None:
    """Keep symbols within their program."""
    for operand in command.operands:
        builder.declare(name_of(operand)).is_hidden = True


def set_kind(builder: UnitBuilder, command: Command) -> None:
    """Say what a symbol names."""
    name, kind = command.operands
    if not isinstance(kind, Tag) or kind.name not in _SYMBOL_KINDS:
        raise Refused(
            f"expected @function or @object, found {describe_operand(kind)}",
            kind.span,
            "the type of an array is given by `.shape name, f32, 8, 8`",
        )
    builder.declare(name_of(name)).kind = _SYMBOL_KINDS[kind.name]


def set_size(builder: UnitBuilder, command: Command) -> None:
    """Say how large a symbol is."""
    name, size = command.operands
    builder.add(SizeOf(builder.declare(name_of(name)).name, expression_of(size)), command.span)


def define_common(builder: UnitBuilder, command: Command) -> None:
    """Reserve memory that all files share which reserve it under one name."""
    name, size, *alignment = command.operands
    target = name_of(name)
    builder.define_common(
        target,
        expression_of(size),
        expression_of(alignment[0]) if alignment else Number(1, command.span),
    )


def define_resources(section: str) -> Callable[[UnitBuilder, Command], None]:
    """Return the directive that names semaphores, barriers or bias registers."""

    def apply(builder: UnitBuilder, command: Command) -> None:
        for operand in command.operands:
            builder.define_resource(section, name_of(operand))

    return apply


def set_program(builder: UnitBuilder, command: Command) -> None:
    """Say to which program this file belongs."""
    name = name_of(command.operands[0])
    if builder.program not in (None, name.name):
        raise Refused(f"this file belongs to program `{builder.program}` already", name.span)
    builder.program = name.name


def add_place(builder: UnitBuilder, command: Command) -> None:
    """Say on which nodes the program of this file runs: one, or a rectangle."""
    numbers = [_coordinate(builder, operand) for operand in command.operands]
    if len(numbers) == 3:
        raise Refused("a rectangle has a width and a height", command.span, f"write `{PLACE}`")
    x, y, width, height = [*numbers, 1, 1][:4]
    if width == 0 or height == 0:
        raise Refused("a rectangle is at least one node wide and high", command.span)
    if builder.program is None:
        hint = "write `.program name` before it"
        raise Refused("this file belongs to no program yet", command.span, hint)
    builder.placement.append(Rectangle(x, y, width, height))


def set_threads(builder: UnitBuilder, command: Command) -> None:
    """Say how many threads the program of this file runs on a node."""
    count = _number(builder, command.operands[0], 1, THREADS_MAX)
    if builder.threads not in (None, count):
        raise Refused(f"this file states {builder.threads} threads already", command.span)
    builder.threads = count


def set_share(builder: UnitBuilder, command: Command) -> None:
    """Say what a thread may issue: scalar instructions a cycle, and how seldom a vector one."""
    if builder.threads is None:
        raise Refused("this file states no threads yet", command.span, "write `.threads n` before")
    thread, lanes, *interval = command.operands
    number = _number(builder, thread, 0, builder.threads - 1)
    share = Share(
        number,
        _number(builder, lanes, 1, LANES_MAX),
        _number(builder, interval[0], 1, INTERVAL_MAX) if interval else 0,
    )
    if builder.shares.setdefault(number, share) != share:
        raise Refused(f"thread {number} has another share already", command.span)


def _number(builder: UnitBuilder, operand: Operand, low: int, high: int) -> int:
    """Return the value of an operand that must be known here."""
    expression = expression_of(operand)
    number = builder.reading.number(expression, builder.position(), earlier_only=True)
    if not low <= number <= high:
        raise Refused(f"{number} does not fit in the range {low}..{high}", expression.span)
    return number


def _coordinate(builder: UnitBuilder, operand: Operand) -> int:
    return _number(builder, operand, 0, COORDINATE_MAX - 1)
