"""What each directive does, by its name; those of the data types come from the description."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dojo_tools.assembler.operands import describe_operand, float_code
from dojo_tools.assembler.tree import (
    Command,
    Expression,
    Memory,
    Name,
    Number,
    Operand,
    Refused,
    Tag,
    Text,
)
from dojo_tools.assembler.unit import (
    Alignment,
    Bytes,
    SectionState,
    SizeOf,
    Space,
    TensorShape,
    UnitBuilder,
    Values,
)
from dojo_tools.bits import is_power_of_two
from dojo_tools.description import DataKind, Description
from dojo_tools.description.types import Type, parse_type
from dojo_tools.diagnostics import did_you_mean
from dojo_tools.objects import Binding, SymbolKind

INCLUDE = ".include"
_SYMBOL_KINDS = {"function": SymbolKind.FUNCTION, "object": SymbolKind.OBJECT}
_SECTION_TYPES = {"progbits": True, "nobits": False}


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive: its work, and how many operands it takes; `most` is None for any number."""

    least: int
    most: int | None
    usage: str
    apply: Callable[[UnitBuilder, Command], None]


def apply_directive(builder: UnitBuilder, command: Command) -> None:
    """Do what a directive says; raises `Refused`."""
    kind = next((k for k in builder.description.data if f".{k.name}" == command.name), None)
    if kind is not None:
        _apply_data(builder, command, kind)
        return
    directive = DIRECTIVES.get(command.name)
    if directive is None:
        known = directive_names(builder.description)
        raise Refused(
            f"unknown directive `{command.name}`",
            command.name_span,
            did_you_mean(command.name, known),
        )
    check_count(command, directive.least, directive.most, directive.usage)
    directive.apply(builder, command)


def directive_names(description: Description) -> list[str]:
    """Return the name of every directive."""
    return [*DIRECTIVES, INCLUDE, *(f".{kind.name}" for kind in description.data)]


def check_count(command: Command, least: int, most: int | None, usage: str) -> None:
    """Raise `Refused` for a wrong count of operands."""
    count = len(command.operands)
    if count < least or (most is not None and count > most):
        limits = f"{least}" if most == least else f"{least} to {most}"
        limits = f"at least {least}" if most is None else limits
        plural = "" if limits.endswith("1") else "s"
        raise Refused(
            f"`{command.name}` takes {limits if most != 0 else 'no'} operand{plural}, "
            f"found {count or 'none'}",
            command.span,
            f"write `{usage}`",
        )


def text_of(operand: Operand) -> Text:
    """Return an operand that must be a string."""
    if not isinstance(operand, Text):
        raise Refused(f"expected a string, found {describe_operand(operand)}", operand.span)
    return operand


def _expression(operand: Operand) -> Expression:
    if isinstance(operand, Memory | Text | Tag):
        hint = "strings are written with `.ascii`" if isinstance(operand, Text) else None
        raise Refused(
            f"expected an expression, found {describe_operand(operand)}", operand.span, hint
        )
    return operand


def _name(operand: Operand) -> Name:
    if not isinstance(operand, Name):
        raise Refused(f"expected a name, found {describe_operand(operand)}", operand.span)
    return operand


# Data.


def _apply_data(builder: UnitBuilder, command: Command, kind: DataKind) -> None:
    check_count(command, 1, None, f"{command.name} value, ...")
    if kind.type.is_float:
        expressions = [
            Number(float_code(kind.type, operand), operand.span) for operand in command.operands
        ]
    else:
        expressions = [_expression(operand) for operand in command.operands]
    builder.add(Values(kind, tuple(expressions)), command.span)


def _apply_strings(builder: UnitBuilder, command: Command, end: bytes = b"") -> None:
    contents = b"".join(text_of(operand).contents + end for operand in command.operands)
    builder.add(Bytes(contents), command.span)


def _apply_terminated_strings(builder: UnitBuilder, command: Command) -> None:
    _apply_strings(builder, command, b"\0")


def _apply_space(builder: UnitBuilder, command: Command) -> None:
    count, *value = map(_expression, command.operands)
    default = Number(0, command.span)
    one = Number(1, command.span)
    builder.add(Space(count, value[0] if value else default, one), command.span)


def _apply_fill(builder: UnitBuilder, command: Command) -> None:
    count, width, value = map(_expression, command.operands)
    builder.add(Space(count, value, width), command.span)


def _apply_align(builder: UnitBuilder, command: Command, is_exponent: bool = False) -> None:
    alignment, *fill = map(_expression, command.operands)
    content = Alignment(alignment, fill[0] if fill else None, is_exponent)
    builder.add(content, command.span)


def _apply_power_align(builder: UnitBuilder, command: Command) -> None:
    _apply_align(builder, command, is_exponent=True)


# Arrays.


def _apply_tensor(builder: UnitBuilder, command: Command) -> None:
    element, *dimensions = command.operands
    builder.add_tensor(_element_type(element), tuple(map(_expression, dimensions)), command.span)


def _apply_shape(builder: UnitBuilder, command: Command) -> None:
    name, element, *dimensions = command.operands
    entry_name = _name(name)
    builder.declare(entry_name)
    shape = TensorShape(entry_name, _element_type(element), tuple(map(_expression, dimensions)))
    builder.add(shape, command.span)


def _element_type(operand: Operand) -> Type:
    name = operand.name if isinstance(operand, Name) else ""
    type_ = parse_type(name)
    if type_ is None or type_.lanes or type_.is_bool:
        raise Refused(
            f"expected an element type, found {describe_operand(operand)}",
            operand.span,
            "element types are i8 u8 i16 u16 i32 u32 i64 u64 f32 bf16",
        )
    return type_


# Sections.


def _apply_named_section(builder: UnitBuilder, command: Command) -> None:
    builder.enter(command.name)


def _apply_section(builder: UnitBuilder, command: Command) -> None:
    first, *rest = command.operands
    name = first.contents.decode(errors="replace") if isinstance(first, Text) else _name(first).name
    if not name or name.startswith("*") or "\0" in name:
        raise Refused("this is not a name of a section", first.span)
    is_new = name not in builder.sections
    section = builder.enter(name)
    if rest and isinstance(rest[0], Text):
        _set_flags(section, rest[0], is_new)
        rest = rest[1:]
    if rest and isinstance(rest[0], Tag):
        _set_type(section, rest[0], is_new)
        rest = rest[1:]
    if rest:
        alignment = rest.pop(0)
        if not isinstance(alignment, Number) or not is_power_of_two(alignment.value):
            raise Refused(
                f"expected an alignment, found {describe_operand(alignment)}",
                alignment.span,
                'write `.section name, "awx", @nobits, 64`; each but the name may be left out',
            )
        section.alignment = max(section.alignment, alignment.value)
    if rest:
        raise Refused(f"found {describe_operand(rest[0])} too many", rest[0].span)


def _set_flags(section: SectionState, flags: Text, is_new: bool) -> None:
    letters = flags.contents.decode(errors="replace")
    unknown = letters.strip("awx")
    if unknown:
        raise Refused(
            f"unknown section flag `{unknown[0]}`",
            flags.span,
            "flags are a (takes memory), w (writable), x (executable)",
        )
    wanted = ("a" in letters, "w" in letters, "x" in letters)
    if is_new:
        section.allocated, section.writable, section.executable = wanted
    elif wanted != (section.allocated, section.writable, section.executable):
        raise Refused(f"section `{section.name}` began with other flags", flags.span)


def _set_type(section: SectionState, tag: Tag, is_new: bool) -> None:
    if tag.name not in _SECTION_TYPES:
        raise Refused(
            f"unknown section type `@{tag.name}`", tag.span, "types are @progbits and @nobits"
        )
    stored = _SECTION_TYPES[tag.name]
    if is_new:
        section.stored = stored
    elif stored != section.stored:
        raise Refused(f"section `{section.name}` began with another type", tag.span)


# Symbols.


def _apply_set(builder: UnitBuilder, command: Command) -> None:
    name, expression = command.operands
    target = _name(name)
    builder.declare(target)
    builder.assign(target.name, _expression(expression), target.span)


def _declare(binding: Binding | None) -> Callable[[UnitBuilder, Command], None]:
    def apply(builder: UnitBuilder, command: Command) -> None:
        for operand in command.operands:
            entry = builder.declare(_name(operand))
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


def _apply_hidden(builder: UnitBuilder, command: Command) -> None:
    for operand in command.operands:
        builder.declare(_name(operand)).is_hidden = True


def _apply_type(builder: UnitBuilder, command: Command) -> None:
    name, kind = command.operands
    if not isinstance(kind, Tag) or kind.name not in _SYMBOL_KINDS:
        raise Refused(
            f"expected @function or @object, found {describe_operand(kind)}",
            kind.span,
            "the type of an array is given by `.shape name, f32, 8, 8`",
        )
    builder.declare(_name(name)).kind = _SYMBOL_KINDS[kind.name]


def _apply_size(builder: UnitBuilder, command: Command) -> None:
    name, size = command.operands
    builder.add(SizeOf(builder.declare(_name(name)).name, _expression(size)), command.span)


def _table(*rows: tuple[Sequence[str], Directive]) -> dict[str, Directive]:
    return {name: directive for names, directive in rows for name in names}


DIRECTIVES = _table(
    ([".text", ".data", ".rodata", ".bss"], Directive(0, 0, ".text", _apply_named_section)),
    (
        [".section"],
        Directive(1, 4, '.section name, "awx", @nobits, alignment', _apply_section),
    ),
    ([".align", ".balign"], Directive(1, 2, ".align bytes, fill", _apply_align)),
    ([".p2align"], Directive(1, 2, ".p2align exponent, fill", _apply_power_align)),
    ([".space", ".zero", ".skip"], Directive(1, 2, ".space size, fill", _apply_space)),
    ([".fill"], Directive(3, 3, ".fill count, size, value", _apply_fill)),
    ([".ascii"], Directive(1, None, '.ascii "text", ...', _apply_strings)),
    ([".asciz", ".string"], Directive(1, None, '.asciz "text", ...', _apply_terminated_strings)),
    ([".tensor"], Directive(2, None, ".tensor element, dimension, ...", _apply_tensor)),
    ([".shape"], Directive(3, None, ".shape name, element, dimension, ...", _apply_shape)),
    ([".set", ".equ"], Directive(2, 2, ".set name, expression", _apply_set)),
    ([".global", ".globl"], Directive(1, None, ".global name, ...", _declare(Binding.GLOBAL))),
    ([".local"], Directive(1, None, ".local name, ...", _declare(Binding.LOCAL))),
    ([".weak"], Directive(1, None, ".weak name, ...", _declare(Binding.WEAK))),
    ([".extern"], Directive(1, None, ".extern name, ...", _declare(None))),
    ([".hidden"], Directive(1, None, ".hidden name, ...", _apply_hidden)),
    ([".type"], Directive(2, 2, ".type name, @function", _apply_type)),
    ([".size"], Directive(2, 2, ".size name, expression", _apply_size)),
)
