"""Explains what is no instruction: registers, control registers, units, number formats, ideas."""

from collections.abc import Iterable
from textwrap import fill, indent

from dojo_tools.description import ControlRegister, Description, OperandClass, RegisterFile, Unit
from dojo_tools.formats import FORMATS, IDEAS, Format, Idea

_LINE_WIDTH = 92


def topic_names(description: Description) -> list[str]:
    """Return every name that `topic_pages` knows."""
    ideas = [name for idea in IDEAS for name in idea.names]
    files = [file.name for file in description.registers]
    units = [unit.name for unit in description.units]
    controls = [control.name for control in description.controls]
    return [*FORMATS, *ideas, *controls, *units, *files, *description.register_names]


def topic_pages(name: str, description: Description) -> list[str]:
    """Return a page for each thing of this name; a name may be a control register and an idea."""
    pages = [_control_page(c, description) for c in description.controls if c.name == name]
    found = description.register_names.get(name)
    file = next((file for file in description.registers if file.name == name), None)
    if found is not None:
        pages.append(_file_page(found[0], name, found[1]))
    elif file is not None:
        pages.append(_file_page(file, name))
    pages += [_unit_page(unit, description) for unit in description.units if unit.name == name]
    if name in FORMATS:
        pages.append(_format_page(FORMATS[name]))
    return pages + [_idea_page(idea) for idea in IDEAS if name in idea.names]


def _control_page(control: ControlRegister, description: Description) -> str:
    access = "read and written" if control.writable else "only read"
    users = [
        definition.mnemonic
        for definition in description.instructions
        for kind in definition.operands
        if kind.operand_class is OperandClass.CONTROL and control.name in dict(kind.names)
    ]
    rows = [
        ("Number", str(control.number)),
        ("Width", _bits(control.width)),
        ("Access", f"{access}, by {' and '.join(users)}"),
        ("Provenance", str(control.provenance)),
    ]
    return _page(f"{control.name}, a control register", control.summary, rows)


def _file_page(file: RegisterFile, name: str, index: int | None = None) -> str:
    title = f"{name}, registers of {_bits(file.width)}"
    rows = [("Registers", f"{file.name}0 to {file.name}{file.count - 1}")]
    if index is not None:
        names = [other for other, number in file.names if number == index]
        title = f"{name}, a register of {_bits(file.width)}"
        rows.append(("Names", ", ".join([f"{file.name}{index}", *names])))
    rows.append(("Provenance", str(file.provenance)))
    return _page(title, file.summary, rows)


def _unit_page(unit: Unit, description: Description) -> str:
    count = sum(definition.timing.unit == unit.name for definition in description.instructions)
    rows = [("Instructions", str(count)), ("Provenance", str(unit.provenance))]
    return _page(f"{unit.name}, a unit that executes", unit.summary, rows)


def _format_page(row: Format) -> str:
    sign = "sign 1, " if row.sign_width else "no sign, "
    fields = f"{sign}exponent {row.exponent_width}, mantissa {row.mantissa_width}"
    special = "none; results clamp" if row.saturates else "the largest exponent field"
    if row.flushes_denormals:
        denormals = "read as zero, never a result"
    elif row.has_printed_denormals:
        denormals = "2^-bias * 0.m (printed) or 2^(1 - bias) * 0.m (gradual)"
    else:
        denormals = "2^(1 - bias) * 0.m"
    largest = 2 - 2.0**-row.mantissa_width
    power = f"({row.exponent_max} - bias)"
    if row.fixed_bias is not None:
        power = str(row.exponent_max - row.fixed_bias)
    rows = [
        ("Fields", f"{fields}, from the top bit"),
        ("Bias", row.bias_text),
        ("Values", f"{'(-1)^s * ' if row.sign_width else ''}2^(exponent - bias) * 1.m"),
        ("Denormals", denormals),
        ("Inf and NaN", special),
        ("Largest", f"{largest:.12g} * 2^{power}"),
        ("Flags", "set" if row.sets_flags else "not set"),
        ("Provenance", row.source),
    ]
    page = _page(f"{row.name}, a number format", f"Codes of {_bits(row.width)}.", rows)
    return f"{page}\n\n  See also      {', '.join(idea.names[0] for idea in IDEAS)}"


def _idea_page(idea: Idea) -> str:
    return _page(", ".join(idea.names), idea.summary, idea.facts)


def _bits(width: int) -> str:
    return "1 bit" if width == 1 else f"{width} bits"


def _page(title: str, summary: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [
        fill(
            text,
            _LINE_WIDTH,
            initial_indent=f"{label:14}",
            subsequent_indent=" " * 14,
            break_on_hyphens=False,
        )
        for label, text in rows
    ]
    return f"{title}\n  {summary}\n\n" + indent("\n".join(lines), "  ")
