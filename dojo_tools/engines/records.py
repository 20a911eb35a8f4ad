"""The last instructions of a thread: what engines keep of each that has retired.

That is little, so that a run which keeps it is still fast: where the instruction stood, what it
was, when it issued, and the 64-bit registers that it wrote. What a request was answered
comes later, and is not kept; nor is what a store wrote.
"""

from typing import NamedTuple

from dojo_tools.description import Description, Instruction
from dojo_tools.description.semantics import WriteRegister, walk_statements

VALUES_MAX = 2
"""Registers of one instruction that are kept: a load with its address advanced writes as many."""


class Record(NamedTuple):
    """An instruction that has retired; `values` are those of `kept_registers`, after it."""

    pc: int
    word: int
    cycle: int
    values: tuple[int, ...]


def kept_registers(
    instruction: Instruction, description: Description
) -> tuple[tuple[str, int], ...]:
    """Return file and index of the registers whose values are kept of an instruction."""
    definition = instruction.definition
    statements = walk_statements(definition.meaning.statements)
    written = dict.fromkeys(s.operand for s in statements if isinstance(s, WriteRegister))
    pairs = zip(definition.operands, instruction.values, strict=True)
    codes = {kind.name: code for kind, code in pairs}
    files = {file.name: file for file in description.registers}
    found: dict[tuple[str, int], None] = {}
    for name in written:
        file = files[definition.operand(name).file]
        if file.width == 64 and codes[name] != file.zero:
            found[file.name, codes[name]] = None
    return tuple(found)[:VALUES_MAX]


def ring_size(count: int) -> int:
    """Return how many records a thread has room for that is to keep `count` of them."""
    return 0 if count == 0 else 1 << (count - 1).bit_length()


class KeptRegisters:
    """Which registers are kept of each instruction, by its word."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._known: dict[int, tuple[tuple[str, int], ...]] = {}

    def of(self, word: int) -> tuple[tuple[str, int], ...]:
        """Return file and index of the registers of an instruction."""
        found = self._known.get(word)
        if found is None:
            instruction = self._description.decode(word)
            assert instruction is not None, "it has been executed"
            found = self._known[word] = kept_registers(instruction, self._description)
        return found
