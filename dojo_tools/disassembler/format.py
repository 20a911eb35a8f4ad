"""Writes one instruction as assembly that encodes to the same word.

Registers are written by file and index (`x10`), as traces and the manual write them. An alias is
written instead of its instruction where it says more: where its template fixes an operand that the
word holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dojo_tools.description import (
    AliasDef,
    Description,
    Instruction,
    InstructionDef,
    OperandClass,
    OperandKind,
    allows,
    operand_text,
)

LabelOf = Callable[[int], str | None]
"""What to call an address; None leaves a distance."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The entry to write, and the value of each of its operands; `symbolic` ones have a text."""

    entry: InstructionDef | AliasDef
    values: Mapping[str, int]
    symbolic: Mapping[str, str]


def no_label(_address: int) -> str | None:
    """Leave every address without a name."""
    return None


def format_instruction(
    instruction: Instruction,
    address: int,
    description: Description,
    label_of: LabelOf = no_label,
    symbolic: Mapping[str, str] | None = None,
) -> str:
    """Return the assembly of an instruction that stands at `address`.

    A pc-relative target is written as the label of its address, else as `. + 8`, which assembles
    anywhere. `symbolic` gives expressions that a relocation puts in place of operands' values.
    """
    form = _choose_form(instruction, description, symbolic or {})
    written: list[str] = []
    for item in form.entry.syntax:
        text = _operand(form, item.base, address, label_of)
        if item.is_memory:
            text = f"[{text}{_offset(form, item.offset, address, label_of)}]"
        if text:  # a predicate that is not there is not written
            written.append(text)
    return f"{form.entry.mnemonic} {', '.join(written)}".rstrip()


def _choose_form(
    instruction: Instruction, description: Description, symbolic: Mapping[str, str]
) -> _Form:
    """Return how to write an instruction: as its most constrained alias, else as itself."""
    definition = instruction.definition
    names = [kind.name for kind in definition.operands]
    for pattern in description.alias_patterns.get((definition.mask, definition.match), ()):
        values: dict[str, int] = {}
        texts: dict[str, str] = {}
        for name, argument, value in zip(names, pattern.arguments, instruction.values, strict=True):
            if isinstance(argument, int):
                if argument != value or name in symbolic:
                    break
            elif values.setdefault(argument, value) != value:
                break
            elif name in symbolic:
                texts[argument] = symbolic[name]
        else:
            if all(allows(kind, values[kind.name]) for kind in pattern.alias.operands):
                return _Form(pattern.alias, values, texts)
    values = dict(zip(names, instruction.values, strict=True))
    return _Form(definition, values, symbolic)


def _operand(form: _Form, name: str, address: int, label_of: LabelOf) -> str:
    if name in form.symbolic:
        return form.symbolic[name]
    kind, value = form.entry.operand(name), form.values[name]
    if kind.operand_class is not OperandClass.IMMEDIATE:
        return operand_text(kind, value)
    if kind.pc_relative:
        return label_of(address + value) or f".{_signed(value)}"
    return _number(kind, value)


def _offset(form: _Form, name: str, address: int, label_of: LabelOf) -> str:
    """Return what follows the base of a memory operand."""
    if not name:
        return ""
    if name in form.symbolic:
        return f" + {_operand(form, name, address, label_of)}"
    return _signed(form.values[name])


def _signed(value: int) -> str:
    if value == 0:
        return ""
    return f" - {-value}" if value < 0 else f" + {value}"


def _number(kind: OperandKind, value: int) -> str:
    """Return an immediate: in hexadecimal where it is unsigned and too large to count."""
    return hex(value) if not kind.is_signed and value > 255 else str(value)
