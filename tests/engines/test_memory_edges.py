"""Memory at every edge: loads and stores of all widths do the same on both engines."""

import pytest

from dojo_tools.bits import mask
from dojo_tools.description import Instruction, InstructionDef, OperandClass, encode
from dojo_tools.description.library import load_description
from dojo_tools.description.semantics import Store, expressions_of, walk_expression, walk_statements
from dojo_tools.engines.native import NativeThread, Target, Translator
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import differences
from dojo_tools.engines.stop import Stop

DESCRIPTION = load_description()
START, SRAM, LOW = 0x1000, 0x1_0000, 0x100
TRANSLATOR = Translator(Target(DESCRIPTION, SRAM, LOW))
NEAR = (-64, -63, -8, -4, -2, -1, 0, 1, 8, 63)
EDGES = [
    (edge + near) & mask(64) for edge in (0, LOW, SRAM, 1 << 32, 1 << 63, 1 << 64) for near in NEAR
]


def accesses(definition: InstructionDef) -> bool:
    statements = list(walk_statements(definition.meaning.statements))
    loads = any(
        inner.operator == "load"
        for statement in statements
        for top in expressions_of(statement)
        for inner in walk_expression(top)
    )
    return loads or any(isinstance(statement, Store) for statement in statements)


ACCESSES = [d for d in DESCRIPTION.instructions if accesses(d)]


def use(definition: InstructionDef, immediate: str) -> Instruction:
    """Return a use with x1 for every scalar; immediates are their least, zero or greatest."""
    values: list[int] = []
    for kind in definition.operands:
        if kind.operand_class is OperandClass.IMMEDIATE:
            high = kind.high - kind.high % kind.scale
            choices = {"low": kind.low, "zero": min(max(0, kind.low), high), "high": high}
            values.append(choices[immediate])
        else:
            codes = [code for _, code in kind.names]
            values.append(1 if 1 in codes and kind.file == "x" else codes[0])
    return Instruction(definition, tuple(values))


@pytest.mark.parametrize("immediate", ["low", "zero", "high"])
def test_accesses_at_every_edge_agree(immediate: str):
    reference = ReferenceThread(DESCRIPTION, SRAM, LOW)
    native = NativeThread(DESCRIPTION, SRAM, LOW, translator=TRANSLATOR)
    faults = 0
    for definition in ACCESSES:
        word = encode(use(definition, immediate)).to_bytes(4, "little")
        for thread in (reference, native):
            thread.write_memory(START, word)
        for address in EDGES:
            stops: list[Stop] = []
            for thread in (reference, native):
                thread.pc = START
                thread.write_register("x1", address)
                stops.append(thread.run(1))
            label = f"{definition.mnemonic} {address:#x}"
            assert stops[0] == stops[1], label
            faults += stops[0].fault is not None
        assert differences(reference, native) == [], definition.mnemonic
    assert faults > 10 * len(ACCESSES)
