"""What is printed assembles to the same word, for every instruction and for whole objects."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    OperandKind,
    encode,
)
from dojo_tools.diagnostics import Source, read_source
from dojo_tools.disassembler import list_code
from dojo_tools.objects import ObjectFile, Section

SEED = 20261122
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "objdump"


def random_value(kind: OperandKind, chance: random.Random) -> int:
    """Return a value that an operand allows."""
    if kind.names:
        return chance.choice(kind.names)[1]
    return chance.randrange(kind.low, kind.high + 1, kind.scale)


def ends(kind: OperandKind) -> tuple[int, int]:
    """Return the least and the greatest value that an operand allows."""
    codes = [code for _, code in kind.names] or [kind.low, kind.high]
    return min(codes), max(codes)


def uses_of(definition: InstructionDef, count: int, chance: random.Random) -> Iterator[Instruction]:
    """Yield `count` uses of an instruction: both ends of its operands first, then random ones."""
    limits = [ends(kind) for kind in definition.operands]
    yield Instruction(definition, tuple(low for low, _ in limits))
    yield Instruction(definition, tuple(high for _, high in limits))
    for _ in range(count - 2):
        values = tuple(random_value(kind, chance) for kind in definition.operands)
        yield Instruction(definition, values)


def code_of(words: Iterable[int]) -> ObjectFile:
    """Return an object of nothing but these words."""
    contents = b"".join(word.to_bytes(4, "little") for word in words)
    return ObjectFile("code.o", (Section(".text", False, True, True, 4, contents, len(contents)),))


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_random_valid_words_reassemble_byte_for_byte(description: Description, count: int) -> None:
    chance = random.Random(SEED)
    each = -(-count // len(description.instructions))
    words = [
        encode(use)
        for definition in description.instructions
        for use in uses_of(definition, each, chance)
    ]
    chance.shuffle(words)
    before = code_of(words)
    text = "\n".join(list_code(before, description)) + "\n"
    after = assemble(Source("code.s", text), description).object
    assert after.sections[0].contents == before.sections[0].contents


def reassembled(source: Source, description: Description) -> tuple[ObjectFile, ObjectFile]:
    """Return the object of a source, and that of its listing."""
    before = assemble(source, description).object
    text = "\n".join(list_code(before, description)) + "\n"
    return before, assemble(Source("listing.s", text), description).object


def references_of(file: ObjectFile) -> list[tuple[str, int, int, str, int]]:
    """Return the relocations of the code, with the names of their symbols."""
    executable = {section.name for section in file.sections if section.executable}
    return [
        (r.section, r.offset, r.kind, file.symbols[r.symbol].name, r.addend)
        for r in file.relocations
        if r.section in executable
    ]


def test_an_object_reassembles_to_the_same_words_and_relocations(
    description: Description,
) -> None:
    before, after = reassembled(read_source(GOLDEN / "code.s", "code.s"), description)
    for section in before.sections:
        if section.executable:
            assert section in after.sections
    assert references_of(after) == references_of(before)


def test_the_listing_of_an_object(
    description: Description, golden: Callable[[Path, str], None]
) -> None:
    file = assemble(read_source(GOLDEN / "code.s", "code.s"), description).object
    golden(GOLDEN / "code.txt", "\n".join(list_code(file, description)) + "\n")
