"""The major opcodes: the values of the field that opens every format, and who uses them."""

from dataclasses import dataclass

from dojo_tools.description import Description, Field, InstructionDef, extract_ranges


@dataclass(frozen=True, slots=True)
class Major:
    """A value of the major field; one that the description does not name has an empty name."""

    value: int
    name: str
    summary: str
    instructions: tuple[InstructionDef, ...]


def major_field(description: Description) -> Field:
    """Return the first field that all formats have."""
    first, *rest = description.formats
    return next(f for f in first.fields if all(f in format_.fields for format_ in rest))


def find_majors(description: Description) -> list[Major]:
    """Return every value of the major field, in order."""
    field = major_field(description)
    named = {code.value: code for code in description.codes if code.field == field.name}
    users: dict[int, list[InstructionDef]] = {}
    for definition in description.instructions:
        users.setdefault(extract_ranges(definition.match, field.ranges), []).append(definition)
    majors: list[Major] = []
    for value in range(1 << field.width):
        code = named.get(value)
        name, summary = (code.name, code.summary) if code else ("", "")
        majors.append(Major(value, name, summary, tuple(users.get(value, ()))))
    return majors
