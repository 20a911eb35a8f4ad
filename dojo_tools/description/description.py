"""The loaded description of a machine, and the two directions of its encoding.

`Description.encode` and `Description.decode` are the only places where fields meet words; the
assembler, the disassembler, the linker and the engines all go through them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dojo_tools import bits
from dojo_tools.description.aliases import AliasPattern, find_patterns
from dojo_tools.description.model import (
    AliasDef,
    BitRange,
    Code,
    ControlRegister,
    DataKind,
    Field,
    Format,
    InstructionDef,
    OperandClass,
    OperandKind,
    PseudoDef,
    RegisterFile,
    RelocationKind,
    Unit,
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One use of an instruction: `values` in the order of `definition.operands`.

    A register, predicate or control operand has its code as value; an immediate its number, after
    scaling, and relative to the instruction's own address where the kind is `pc_relative`.
    """

    definition: InstructionDef
    values: tuple[int, ...]


@dataclass(frozen=True)
class Description:
    """Everything the files of `isa/` say, checked.

    `padding` is the mnemonic that fills the space that alignment leaves in code; "" means zeros.
    `digest` tells descriptions apart by what they were read from; "" if that is not known.
    """

    fields: tuple[Field, ...]
    formats: tuple[Format, ...]
    codes: tuple[Code, ...]
    registers: tuple[RegisterFile, ...]
    controls: tuple[ControlRegister, ...]
    units: tuple[Unit, ...]
    operands: tuple[OperandKind, ...]
    data: tuple[DataKind, ...]
    instructions: tuple[InstructionDef, ...]
    aliases: tuple[AliasDef, ...]
    pseudos: tuple[PseudoDef, ...]
    padding: str = ""
    digest: str = field(default="", compare=False, repr=False)

    @cached_property
    def mnemonics(self) -> Mapping[str, tuple[InstructionDef | AliasDef | PseudoDef, ...]]:
        """Every name a statement may start with, and what it may mean (by operand shapes)."""
        table: dict[str, tuple[InstructionDef | AliasDef | PseudoDef, ...]] = {}
        for entry in (*self.instructions, *self.aliases, *self.pseudos):
            table[entry.mnemonic] = (*table.get(entry.mnemonic, ()), entry)
        return table

    @cached_property
    def alias_patterns(self) -> Mapping[tuple[int, int], tuple[AliasPattern, ...]]:
        """The aliases to print instead of an instruction, by its mask and match, best first."""
        table: dict[tuple[int, int], tuple[AliasPattern, ...]] = {}
        for pattern in find_patterns(self.aliases, self.mnemonics):
            key = pattern.definition.mask, pattern.definition.match
            table[key] = (*table.get(key, ()), pattern)
        return table

    @cached_property
    def register_names(self) -> Mapping[str, tuple[RegisterFile, int]]:
        """Every register name, with its file and index."""
        return {
            name: (file, index)
            for file in self.registers
            for name, index in (*_plain_names(file), *file.names)
        }

    @cached_property
    def relocations(self) -> Mapping[int, RelocationKind]:
        """Every relocation by its number."""
        kinds = [kind.relocation for kind in (*self.data, *self.operands)]
        return {kind.number: kind for kind in kinds if kind is not None}

    @cached_property
    def _common_mask(self) -> int:
        common = bits.mask(32)
        for definition in self.instructions:
            common &= definition.mask
        return common

    @cached_property
    def _by_common_bits(self) -> Mapping[int, tuple[InstructionDef, ...]]:
        table: dict[int, tuple[InstructionDef, ...]] = {}
        for definition in self.instructions:
            key = definition.match & self._common_mask
            table[key] = (*table.get(key, ()), definition)
        return table

    def decode(self, word: int) -> Instruction | None:
        """Return the instruction that a 32-bit word encodes, or None for an illegal word."""
        for definition in self._by_common_bits.get(word & self._common_mask, ()):
            if word & definition.mask == definition.match:
                values = tuple(decode_operand(kind, word) for kind in definition.operands)
                pairs = zip(definition.operands, values, strict=True)
                if all(allows(kind, value) for kind, value in pairs):
                    return Instruction(definition, values)
        return None


def _plain_names(file: RegisterFile) -> Iterable[tuple[str, int]]:
    return ((f"{file.name}{index}", index) for index in range(file.count))


def encode(instruction: Instruction) -> int:
    """Return the 32-bit word of an instruction whose values its operands allow."""
    word = instruction.definition.match
    for kind, value in zip(instruction.definition.operands, instruction.values, strict=True):
        word = insert_ranges(word, kind.field.ranges, value // kind.scale)
    return word


def decode_operand(kind: OperandKind, word: int) -> int:
    """Return the value of an operand in a word, whether or not its kind allows it."""
    code = extract_ranges(word, kind.field.ranges)
    if kind.is_signed:
        code = bits.to_signed(code, kind.field.width)
    return code * kind.scale


def allows(kind: OperandKind, value: int) -> bool:
    """Return whether an operand kind has a code for `value`."""
    if kind.operand_class is OperandClass.IMMEDIATE:
        return kind.low <= value <= kind.high and value % kind.scale == 0
    return any(code == value for _, code in kind.names)


def operand_text(kind: OperandKind, value: int) -> str:
    """Return how the source names an operand's code: its first name, or the number."""
    if kind.operand_class is OperandClass.IMMEDIATE:
        return str(value)
    return next(name for name, code in kind.names if code == value)


def insert_ranges(word: int, ranges: tuple[BitRange, ...], value: int) -> int:
    """Return `word` with `value` spread over bit ranges, the most significant part first."""
    for part in reversed(ranges):
        word = bits.insert(word, part.high, part.low, value)
        value >>= part.width
    return word


def extract_ranges(word: int, ranges: tuple[BitRange, ...]) -> int:
    """Return the unsigned value spread over bit ranges, the most significant part first."""
    value = 0
    for part in ranges:
        value = (value << part.width) | bits.extract(word, part.high, part.low)
    return value
