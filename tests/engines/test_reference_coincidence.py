"""An instruction whose operands name one register computes as if they were distinct."""

import random

import pytest

from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    OperandClass,
    encode,
    load_description,
)
from dojo_tools.description.semantics import (
    WriteRegister,
    expressions_of,
    reads_memory,
    walk_statements,
)
from dojo_tools.engines.reference import ReferenceThread

DESCRIPTION = load_description()
START = 0x1000
DATA = 0x2000


def register_operands(definition: InstructionDef) -> list[str]:
    return [k.name for k in definition.operands if k.operand_class is OperandClass.REGISTER]


def written(definition: InstructionDef) -> list[str]:
    statements = walk_statements(definition.meaning.statements)
    return [s.operand for s in statements if isinstance(s, WriteRegister)]


def coincidences() -> list[tuple[InstructionDef, str, str]]:
    """Return instructions with a written operand and another of the same register file."""
    return [
        (definition, target, other)
        for definition in DESCRIPTION.instructions
        for target in dict.fromkeys(written(definition))
        for other in register_operands(definition)
        if other != target and definition.operand(other).file == definition.operand(target).file
    ]


def loads(definition: InstructionDef) -> bool:
    statements = walk_statements(definition.meaning.statements)
    return any(reads_memory(e) for s in statements for e in expressions_of(s))


def prepared(description: Description, seed: str, small_lanes: bool) -> ReferenceThread:
    """Return a thread with random registers that are also usable addresses, or indices."""
    generator = random.Random(seed)
    thread = ReferenceThread(description, 0x14_0000, 0x100)
    thread.write_memory(DATA, generator.randbytes(4096))
    for file in description.registers:
        for index in range(file.count):
            contents = generator.randbytes(file.width // 8)
            if small_lanes:
                contents = bytes(0 if k % 8 else byte for k, byte in enumerate(contents))
            value = DATA + 256 * (index % 8) if file.name == "x" else contents
            if file.width == 64 and isinstance(value, bytes):
                value = int.from_bytes(value, "little")
            thread.write_register(f"{file.name}{index}", value)
    return thread


def run(thread: ReferenceThread, definition: InstructionDef, registers: dict[str, int]) -> None:
    values = tuple(
        registers.get(kind.name, 8 * kind.scale if kind.high >= 8 * kind.scale else 1)
        for kind in definition.operands
    )
    word = encode(Instruction(definition, values))
    thread.write_memory(START, word.to_bytes(4, "little"))
    thread.pc = START
    assert thread.run(1).fault is None


@pytest.mark.parametrize(
    "definition, target, other",
    coincidences(),
    ids=[f"{d.syntax_text}: {t} is {o}" for d, t, o in coincidences()],
)
def test_equal_registers(definition: InstructionDef, target: str, other: str):
    names = register_operands(definition)
    apart = {name: 1 + index for index, name in enumerate(names)}
    together = {**apart, target: apart[other]}
    file = definition.operand(target).file
    for seed in range(3):
        separate = prepared(DESCRIPTION, f"{definition.syntax_text} {seed}", loads(definition))
        joint = prepared(DESCRIPTION, f"{definition.syntax_text} {seed}", loads(definition))
        # What the instruction reads is the same in both: the target starts as a copy.
        value = separate.read_register(f"{file}{apart[other]}")
        separate.write_register(f"{file}{apart[target]}", value)
        run(separate, definition, apart)
        run(joint, definition, together)
        writes = written(definition)
        last = target if other not in writes or writes[-1] == target else other
        found = joint.read_register(f"{file}{together[target]}")
        assert found == separate.read_register(f"{file}{apart[last]}")
