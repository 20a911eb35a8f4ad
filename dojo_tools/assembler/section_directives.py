"""The directives that choose where statements go."""

from dojo_tools.assembler.directive_operands import name_of
from dojo_tools.assembler.operands import describe_operand
from dojo_tools.assembler.tree import Command, Number, Operand, Refused, Tag, Text
from dojo_tools.assembler.unit import SectionState, UnitBuilder
from dojo_tools.bits import is_power_of_two
from dojo_tools.diagnostics import printable
from dojo_tools.objects import RESOURCE_LIMITS

_SECTION_TYPES = {"progbits": True, "nobits": False}
_WRITABLE, _ALLOCATED, _EXECUTABLE = 1, 2, 4
_KNOWN_FLAGS = _WRITABLE | _ALLOCATED | _EXECUTABLE
_FLAGS = "flags are a (takes memory), w (writable), x (executable), or the numbers 0x2, 0x1, 0x4"


def enter_named_section(builder: UnitBuilder, command: Command) -> None:
    """Go on in the section that the directive is called after."""
    builder.enter(command.name)


def push_section(builder: UnitBuilder, command: Command) -> None:
    """Go on in another section until `.popsection`."""
    builder.push_section()
    enter_section(builder, command)


def pop_section(builder: UnitBuilder, command: Command) -> None:
    """Go back to the section before the last `.pushsection`."""
    builder.pop_section(command.span)


def enter_section(builder: UnitBuilder, command: Command) -> None:
    """Go on in a section; its flags, type and alignment may be given."""
    first, *rest = command.operands
    name = (
        first.contents.decode(errors="replace") if isinstance(first, Text) else name_of(first).name
    )
    if not name or name.startswith("*") or name in RESOURCE_LIMITS or "\0" in name:
        raise Refused("this is not a name of a section", first.span)
    is_new = name not in builder.sections
    section = builder.enter(name)
    if rest and _is_flags(rest):
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


def _is_flags(operands: list[Operand]) -> bool:
    """Whether flags come next: a string, or a number that more follows or that is no alignment."""
    first = operands[0]
    if not isinstance(first, Number):
        return isinstance(first, Text)
    is_hexadecimal = first.span.text.startswith("0x")
    return len(operands) > 1 or (is_hexadecimal and first.value <= _KNOWN_FLAGS)


def _set_flags(section: SectionState, operand: Operand, is_new: bool) -> None:
    wanted = _read_flags(operand)
    if is_new:
        section.allocated, section.writable, section.executable = wanted
    elif wanted != (section.allocated, section.writable, section.executable):
        raise Refused(f"section `{printable(section.name)}` began with other flags", operand.span)


def _read_flags(operand: Operand) -> tuple[bool, bool, bool]:
    """Return whether a section takes memory, is writable, is executable."""
    if isinstance(operand, Number):
        flags = operand.value
        if flags & ~_KNOWN_FLAGS:
            unknown_flags = flags & ~_KNOWN_FLAGS
            raise Refused(f"unknown section flags 0x{unknown_flags:x}", operand.span, _FLAGS)
        return bool(flags & _ALLOCATED), bool(flags & _WRITABLE), bool(flags & _EXECUTABLE)
    assert isinstance(operand, Text)
    letters = operand.contents.decode(errors="replace")
    unknown = letters.strip("awx")
    if unknown:
        raise Refused(f"unknown section flag `{printable(unknown[0])}`", operand.span, _FLAGS)
    return "a" in letters, "w" in letters, "x" in letters


def _set_type(section: SectionState, tag: Tag, is_new: bool) -> None:
    if tag.name not in _SECTION_TYPES:
        raise Refused(
            f"unknown section type `@{tag.name}`", tag.span, "types are @progbits and @nobits"
        )
    stored = _SECTION_TYPES[tag.name]
    if is_new:
        section.stored = stored
    elif stored != section.stored:
        raise Refused(f"section `{printable(section.name)}` began with another type", tag.span)
