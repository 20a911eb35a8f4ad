"""The opcode map, as Markdown: which codes are used, which are kept for later, which are free."""

from collections.abc import Iterable, Iterator, Mapping

from dojo_tools.description import Description, Field, InstructionDef
from dojo_tools.manual.majors import Major, find_majors, major_field
from dojo_tools.manual.picture import draw_format

_CodeNames = Mapping[tuple[str, int], str]

_HEAD = """\
# Opcode map

Generated from the description in `isa/`; `pytest --bless` rewrites it. Bit ranges are inclusive,
and every word has 32 bits. The words 0x00000000 and 0xffffffff are illegal.
"""


def opcode_map(description: Description) -> str:
    """Return the map of a description."""
    major = major_field(description)
    majors = find_majors(description)
    parts = [_HEAD, _formats(description), _codes(description, major), _majors(majors, major)]
    names = {(code.field, code.value): code.name for code in description.codes}
    parts += [_major(found, major, names) for found in majors if found.instructions]
    return "\n".join(parts)


def _formats(description: Description) -> str:
    lines = ["## Formats", ""]
    for format_ in description.formats:
        lines += [f"{format_.name}: {format_.summary}", "", "```"]
        lines += [draw_format(format_), "```", ""]
    rows = (
        (f.name, " ".join(str(part) for part in f.ranges), f.summary) for f in description.fields
    )
    return "\n".join([*lines, *_table(("field", "bits", "holds"), rows), ""])


def _codes(description: Description, major: Field) -> str:
    """Return the tables of named codes of all fields but the major one."""
    lines: list[str] = []
    for field in description.fields:
        codes = [code for code in description.codes if code.field == field.name]
        if codes and field != major:
            rows = ((str(code.value), code.name, code.summary) for code in codes)
            lines += [f"## Codes of `{field.name}`", ""]
            lines += [*_table(("code", "name", "stands for"), rows), ""]
    return "\n".join(lines)


def _majors(majors: list[Major], field: Field) -> str:
    used = sum(bool(major.instructions) for major in majors)
    named = sum(bool(major.name) and not major.instructions for major in majors)
    rows = (
        (f"0x{major.value:02x}", major.name, major.summary or "free", _usage(major, field))
        for major in majors
    )
    return "\n".join(
        [
            f"## Major opcodes (`{field.name}`)",
            "",
            f"Of {len(majors)} codes {used} are used, {named} are named but hold no instruction "
            f"yet, {len(majors) - used - named} are free.",
            "",
            *_table(("code", "name", "use", "operations used and free"), rows),
            "",
        ]
    )


def _usage(major: Major, field: Field) -> str:
    if not major.instructions:
        return ""
    minors = _minor_fields(major.instructions, field)
    total = 1 << sum(minor.width for minor in minors)
    used = len({_minor_codes(d, minors) for d in major.instructions})
    return f"{used} used, {total - used} free"


def _minor_fields(instructions: Iterable[InstructionDef], field: Field) -> list[Field]:
    """Return the fields beside the major one that every one of these instructions fixes."""
    first, *rest = instructions
    fixed = set(dict(first.fixed)).intersection(*(dict(d.fixed) for d in rest)) - {field.name}
    return [found for found in first.format.fields if found.name in fixed]


def _minor_codes(definition: InstructionDef, minors: Iterable[Field]) -> tuple[int, ...]:
    fixed = dict(definition.fixed)
    return tuple(fixed[minor.name] for minor in minors)


def _major(major: Major, field: Field, names: _CodeNames) -> str:
    minors = _minor_fields(major.instructions, field)
    rows = (
        _row(d, minors, field, names) for d in sorted(major.instructions, key=lambda d: d.match)
    )
    selectors = " ".join(f"`{minor.name}`" for minor in minors) or "nothing else"
    return "\n".join(
        [
            f"### 0x{major.value:02x} {major.name}: {major.summary}",
            "",
            f"Selected by {selectors}: {_usage(major, field)}.",
            "",
            *_table(("codes", "format", "instruction", "what it does"), rows),
            "",
        ]
    )


def _row(
    definition: InstructionDef, minors: list[Field], field: Field, names: _CodeNames
) -> tuple[str, ...]:
    """Return a row of a major's table; the fields that select come first in its codes."""
    fixed = [(name, value) for name, value in definition.fixed if name != field.name]
    selecting = {minor.name for minor in minors}
    fixed.sort(key=lambda code: code[0] not in selecting)
    codes = " ".join(f"{name}={names.get((name, value), hex(value))}" for name, value in fixed)
    syntax = f"`{definition.syntax_text}`"
    return codes, definition.format.name, syntax, definition.summary


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' --- ' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
