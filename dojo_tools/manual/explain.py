"""Explains an entry of the description, or a word, to someone who asks on the command line."""

import re
from collections.abc import Iterable
from textwrap import indent

from dojo_tools.bits import mask
from dojo_tools.description import (
    AliasDef,
    Description,
    InstructionDef,
    OperandClass,
    OperandKind,
    Parameter,
    PseudoDef,
    allows,
    decode_operand,
    extract_ranges,
    operand_text,
)
from dojo_tools.description.aliases import fits
from dojo_tools.description.expressions import Template
from dojo_tools.diagnostics import SUFFIXES_MAX, fail, nearest, printable
from dojo_tools.disassembler import format_instruction
from dojo_tools.manual.majors import find_majors, major_field
from dojo_tools.manual.picture import draw_instruction
from dojo_tools.manual.text import (
    describe_choice,
    describe_operand,
    format_alias,
    format_expression,
    format_template,
)
from dojo_tools.manual.topics import topic_names, topic_pages

# Of an alias or a pseudo-instruction; the instructions themselves say more.
_OF_THE_ASSEMBLER = (
    "Provenance  chosen: a name of the assembler; the machine knows what it expands to"
)
_WORD = re.compile(r"0[xX][0-9A-Fa-f_]+", re.ASCII)
_WORD_WIDTH = 32
_PART = re.compile(r"[._]")
_GROUP_LENGTH_MIN = 3
_LIKENESS_MIN = 0.75
"""How alike a name is that may be meant; short mnemonics are a little like any word."""


def explain(subject: str, description: Description) -> str:
    """Return what is known of a name or of a word such as `0x18220000`, line by line.

    A name is that of an instruction, a register, a control register, a unit, a number format or an
    idea such as `rounding`; what several things are called gives a page of each. Raises
    `InputError` for an unknown name and a number that is no word.
    """
    if subject[:1].isdigit():
        return _explain_word(subject, description)
    name = subject.lower()
    pages = [_explain_entry(entry, description) for entry in description.mnemonics.get(name, ())]
    pages += topic_pages(name, description)
    if not pages:
        hint = _similar_names(name, [*description.mnemonics, *topic_names(description)])
        raise fail(
            f"unknown name `{printable(subject)}`: no instruction, register, unit, number format "
            "or idea",
            hint=hint,
        )
    return "\n\n".join(pages)


def _similar_names(word: str, names: list[str]) -> str | None:
    """Return a hint with the names that a word is a part of, or is like, or None.

    A group of mnemonics, as `sem.`, may also be named by the word that it is short for.
    """
    found = [name for name in names if word in _PART.split(name)]
    if not found:
        found = [
            name
            for name in names
            if (head := name.split(".")[0]) not in names
            and len(head) >= _GROUP_LENGTH_MIN
            and word.startswith(head)
        ]
    if found:
        shown = ", ".join(f"`{name}`" for name in dict.fromkeys(found[:SUFFIXES_MAX]))
        more = "" if len(found) <= SUFFIXES_MAX else f" and {len(found) - SUFFIXES_MAX} more"
        return f"there are {shown}{more}"
    like = nearest(word, names, _LIKENESS_MIN)
    return None if like is None else f"did you mean `{like}`?"


def _explain_word(subject: str, description: Description) -> str:
    digits = subject.replace("_", "")
    if not _WORD.fullmatch(subject) or len(digits) == 2 or int(digits, 16) > mask(_WORD_WIDTH):
        raise fail(
            f"`{printable(subject)}` is not a word",
            hint="write 32 bits in hexadecimal, as `0x18220000`",
        )
    word = int(digits, 16)
    instruction = description.decode(word)
    if instruction is None:
        return f"0x{word:08x} is illegal: {_why_illegal(word, description)}"
    definition = instruction.definition
    values = [
        (kind.name, _value_text(kind, value))
        for kind, value in zip(definition.operands, instruction.values, strict=True)
    ]
    parts = [f"0x{word:08x}: {format_instruction(instruction, 0, description)}"]
    if values:
        parts.append(indent(_columns((name, f"= {value}") for name, value in values), "  "))
    return "\n".join(parts) + "\n\n" + _explain_entry(definition, description)


def _value_text(kind: OperandKind, value: int) -> str:
    if kind.operand_class is OperandClass.IMMEDIATE and abs(value) > 255:
        return f"{value} ({value:#x})"
    return operand_text(kind, value) or "none"


def _why_illegal(word: int, description: Description) -> str:
    for definition in description.instructions:
        if word & definition.mask == definition.match:
            wrong = next(
                kind for kind in definition.operands if not allows(kind, decode_operand(kind, word))
            )
            code = extract_ranges(word, wrong.field.ranges)
            fitting = describe_choice(wrong, description)
            return f"`{definition.syntax_text}` with code {code} for {wrong.name} ({fitting})"
    field = major_field(description)
    major = find_majors(description)[extract_ranges(word, field.ranges)]
    name = f" ({major.name}: {major.summary})" if major.name else ""
    what = "no such operation" if major.instructions else "no instruction"
    return f"{what} in major opcode 0x{major.value:02x}{name}"


def _explain_entry(entry: InstructionDef | AliasDef | PseudoDef, description: Description) -> str:
    match entry:
        case InstructionDef():
            parts = _instruction_parts(entry, description)
        case AliasDef():
            parts = _alias_parts(entry, description)
        case PseudoDef():
            parts = _pseudo_parts(entry, description)
    head = f"{entry.syntax_text}\n  {entry.summary}"
    place = f"Defined at  {entry.defined_at} ({entry.section})"
    return "\n\n".join([head, *(indent(part, "  ") for part in (*parts, place))])


def _instruction_parts(definition: InstructionDef, description: Description) -> list[str]:
    """Return the sections of an instruction's page."""
    format_ = definition.format
    timing = definition.timing
    cycles = "1 cycle" if timing.latency_cycles == 1 else f"{timing.latency_cycles} cycles"
    occupancy = timing.occupancy_cycles
    held = "" if occupancy == 1 else f", holds the unit for {occupancy} cycles"
    parts = [
        _section(
            f"Encoding: format {format_.name}, {format_.summary}", draw_instruction(definition)
        ),
        _section("Meaning", definition.meaning.text),
    ]
    if definition.operands:
        operands = (
            (kind.name, describe_operand(kind, description)) for kind in definition.operands
        )
        parts.append(_section("Operands", _columns(operands)))
    parts.append(
        f"Timing      unit {timing.unit}, latency {cycles}{held}\n"
        f"Provenance  {definition.provenance}"
    )
    parts.append(_section("Examples", "\n".join(e.text for e in definition.examples)))
    if definition.far:
        parts.append(_section("When the target is out of reach", _lines(definition.far)))
    aliases = [
        format_alias(alias)
        for alias in description.aliases
        if alias.template.mnemonic == definition.mnemonic and fits(alias.template, definition)
    ]
    if aliases:
        parts.append(_section("Aliases", "\n".join(aliases)))
    return parts


def _alias_parts(alias: AliasDef, description: Description) -> list[str]:
    parts = [_section("Alias of", format_template(alias.template))]
    if alias.operands:
        operands = ((kind.name, describe_operand(kind, description)) for kind in alias.operands)
        parts.append(_section("Operands", _columns(operands)))
    return [*parts, _OF_THE_ASSEMBLER]


def _pseudo_parts(pseudo: PseudoDef, description: Description) -> list[str]:
    expansions: list[str] = []
    for variant in pseudo.variants:
        lines = _lines(variant.lines)
        if len(pseudo.variants) > 1:
            condition = variant.condition
            head = f"when {format_expression(condition)}" if condition else "otherwise"
            lines = _section(head, lines)
        expansions.append(lines)
    operands = (
        (parameter.name, _describe_parameter(parameter, description))
        for parameter in pseudo.parameters
    )
    return [
        _section("Expansion", "\n".join(expansions)),
        _section("Operands", _columns(operands)),
        _OF_THE_ASSEMBLER,
    ]


def _describe_parameter(parameter: Parameter, description: Description) -> str:
    if parameter.operand is not None:
        return describe_operand(parameter.operand, description)
    return f"constant of type {parameter.type}"


def _lines(templates: Iterable[Template]) -> str:
    return "\n".join(format_template(template) for template in templates)


def _section(title: str, text: str) -> str:
    return f"{title}\n{indent(text, '  ')}"


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    """Return rows of a name and a text, the texts aligned."""
    listed = list(rows)
    width = max(len(name) for name, _ in listed)
    return "\n".join(f"{name:{width}}  {text}" for name, text in listed)
