"""Memory at every edge: loads and stores of all widths do the same on both engines.

The memory and the state of the native thread stand among canaries: a guest that could write the
host's memory would change them, one that could read it would get what the reference never has.
"""

import mmap
from collections.abc import Iterator

import pytest

from dojo_tools.bits import mask
from dojo_tools.description import Instruction, InstructionDef, OperandClass, encode
from dojo_tools.description.library import load_description
from dojo_tools.description.semantics import (
    Expression,
    Store,
    expressions_of,
    walk_expression,
    walk_statements,
)
from dojo_tools.engines.native import NativeThread, Target, Translator
from dojo_tools.engines.native.code_memory import CodeMemory, size_with_marks
from dojo_tools.engines.native.thread import SLACK, Home
from dojo_tools.engines.native.translations import CodeSpace, Counters
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import differences
from dojo_tools.engines.stop import Stop

DESCRIPTION = load_description()
START, SRAM, LOW = 0x1000, 0x1_0000, 0x100
TRANSLATOR = Translator(Target(DESCRIPTION, SRAM, LOW))
PAGE = mmap.PAGESIZE
CANARY = bytes(0x80 | index % 0x7F for index in range(PAGE))
NEAR = (-64, -63, -8, -4, -2, -1, 0, 1, 8, 63)
EDGES = [
    (edge + near) & mask(64) for edge in (0, LOW, SRAM, 1 << 32, 1 << 63, 1 << 64) for near in NEAR
]
INDICES = [
    bytes(64),
    b"\xff" * 64,
    (b"\0" * 8 + b"\xff" * 7 + b"\x7f") * 4,  # lanes of all widths that stay, and that go far
]


class Guarded:
    """Bytes of the host between two canaries."""

    def __init__(self, size: int) -> None:
        room = -(-size // PAGE) * PAGE
        self._whole = memoryview(mmap.mmap(-1, PAGE + room + PAGE))
        self.inside = self._whole[PAGE : PAGE + size]
        self._before, self._after = self._whole[:PAGE], self._whole[PAGE + size :]
        self._before[:] = CANARY
        self._after[:] = (CANARY * 2)[: len(self._after)]

    def is_intact(self) -> bool:
        """Return whether both canaries are as they were."""
        before, after = bytes(self._before), bytes(self._after)
        return before == CANARY and after == (CANARY * 2)[: len(after)]


def guarded_thread(optimised: bool) -> tuple[NativeThread, list[Guarded]]:
    """Return a thread whose state and memory stand among canaries."""
    state, memory = Guarded(TRANSLATOR.target.layout.size), Guarded(size_with_marks(SRAM))
    space, code = CodeSpace(TRANSLATOR, optimised), CodeMemory(memory.inside, SRAM)

    def changed() -> CodeSpace:
        for translations in space.all():
            translations.drop_changed(code)
        return space

    home = Home(state.inside, memory.inside, code, Counters(space.paths), changed)
    return NativeThread(DESCRIPTION, SRAM, LOW, space=space, home=home), [state, memory]


def addresses(definition: InstructionDef) -> Iterator[Expression]:
    """Yield the addresses that an instruction loads from and stores to."""
    for statement in walk_statements(definition.meaning.statements):
        if isinstance(statement, Store):
            yield statement.address
        for top in expressions_of(statement):
            for inner in walk_expression(top):
                if inner.operator == "load":
                    yield inner.arguments[0]


ACCESSES = [d for d in DESCRIPTION.instructions if any(addresses(d))]
HALT = next(encode(Instruction(d, (0,))) for d in DESCRIPTION.instructions if d.mnemonic == "halti")


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
@pytest.mark.parametrize("limit", [1, 2 * SLACK], ids=["stepping", "optimised"])
def test_accesses_at_every_edge_agree(limit: int, immediate: str):
    reference = ReferenceThread(DESCRIPTION, SRAM, LOW)
    native, guards = guarded_thread(optimised=limit > 1)
    faults = 0
    for definition in ACCESSES:
        words = [encode(use(definition, immediate)), HALT]
        for thread in (reference, native):
            thread.write_memory(START, b"".join(word.to_bytes(4, "little") for word in words))
        by_lane = any(address.type.lanes for address in addresses(definition))
        for address in EDGES:
            for indices in INDICES if by_lane else INDICES[:1]:
                stops: list[Stop] = []
                for thread in (reference, native):
                    thread.pc = START
                    thread.write_register("x1", address)
                    thread.write_register("v0", indices)
                    stops.append(thread.run(limit))
                label = f"{definition.mnemonic} {address:#x} {indices.hex()}"
                assert stops[0] == stops[1], label
                assert all(guard.is_intact() for guard in guards), label
                faults += stops[0].fault is not None
        assert differences(reference, native) == [], definition.mnemonic
    assert faults > 10 * len(ACCESSES)
