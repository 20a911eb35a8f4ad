"""Two engines as one thread: what the host sees, and where they part if one of them is wrong."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    encode,
    load_description,
    load_machine,
)
from dojo_tools.engines.lockstep import EnginesDiffer, LockstepThread
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import digest
from dojo_tools.engines.stop import FaultKind, StopReason
from dojo_tools.engines.thread import Thread
from dojo_tools.engines.timing import IssueRule

DESCRIPTION = load_description()
MACHINE = load_machine("node")
START, SRAM, LOW = 0x1000, 0x1_0000, 0x100
LOOPS = 30_000


def confused(one: str, two: str) -> Description:
    """Return the description with the meanings of two instructions exchanged."""
    first, second = definition(one), definition(two)
    meanings = {first.match: second.meaning, second.match: first.meaning}
    return replace(
        DESCRIPTION,
        instructions=tuple(
            replace(d, meaning=meanings[d.match]) if d.match in meanings else d
            for d in DESCRIPTION.instructions
        ),
    )


def definition(mnemonic: str) -> InstructionDef:
    found = DESCRIPTION.mnemonics[mnemonic][0]
    assert isinstance(found, InstructionDef)
    return found


def use(mnemonic: str, *values: int) -> int:
    return encode(Instruction(definition(mnemonic), values))


def maker(native_description: Description) -> Callable[[], tuple[Thread, Thread]]:
    def make() -> tuple[Thread, Thread]:
        rule = IssueRule(DESCRIPTION, MACHINE)
        timeline = Timeline(rule)
        return (
            ReferenceThread(DESCRIPTION, SRAM, LOW, rule=rule),
            NativeThread(native_description, SRAM, LOW, timeline=timeline),
        )

    return make


def load(thread: Thread, *words: int) -> None:
    thread.write_memory(START, b"".join(word.to_bytes(4, "little") for word in words))
    thread.pc = START


LOOP = (
    use("addi", 2, 2, 3),
    use("mul", 3, 2, 2),
    use("loop.next", 1, -8),
    use("print.uint", 3),
    use("halti", 5),
)


def test_the_host_sees_one_thread():
    thread = LockstepThread(maker(DESCRIPTION))
    load(thread, *LOOP)
    thread.write_register("x1", LOOPS)
    thread.set_control(32, 7)
    assert thread.run(10).reason is StopReason.LIMIT
    assert thread.retired == 10
    stop = thread.run(1 << 30)
    assert (stop.reason, stop.code) == (StopReason.HALT, 5)
    assert [printed.text for printed in thread.printed] == [str((3 * LOOPS) ** 2)]
    assert thread.read_register("x2") == 3 * LOOPS
    assert thread.controls[32] == 7
    assert thread.cycles == sum(thread.causes.values())


def test_a_run_ends_where_enough_is_printed():
    thread = LockstepThread(maker(DESCRIPTION))
    load(thread, *[use("print.uint", 0)] * 9, use("halti", 0))
    assert thread.run(100, 4).reason is StopReason.LIMIT
    assert thread.retired == 4
    assert len(thread.printed) == 4


def test_a_fault_is_that_of_both():
    thread = LockstepThread(maker(DESCRIPTION))
    load(thread, use("addi", 2, 0, 1), use("lw", 3, 2, 0))
    stop = thread.run(100)
    assert stop.fault is not None
    assert stop.fault.kind is FaultKind.BOUNDS


def test_the_first_wrong_instruction_is_found_far_from_the_start():
    thread = LockstepThread(maker(confused("sub", "or")))
    load(thread, *LOOP[:3], use("addi", 4, 0, 6), use("sub", 5, 4, 4), *LOOP[3:])
    thread.write_register("x1", 10)
    thread.run(7)
    thread.write_register("x1", LOOPS)
    with pytest.raises(EnginesDiffer) as caught:
        thread.run(1 << 30)
    found = caught.value.divergence
    assert found.pc == START + 16
    assert found.instruction is not None
    assert found.instruction.definition.mnemonic == "sub"
    assert found.operands == (("x5", "0x0"), ("x4", "0x6"))
    assert [tuple(d) for d in found.differences] == [("x5", "0x0", "0x6")]
    assert found.count == 1


def test_a_wrong_jump_is_found():
    thread = LockstepThread(maker(confused("beq", "bne")))
    load(thread, use("addi", 1, 0, 1), use("beq", 1, 1, 8), use("halti", 1), use("halti", 2))
    with pytest.raises(EnginesDiffer) as caught:
        thread.run(100)
    found = caught.value.divergence
    assert found.pc == START + 4
    assert ("pc", "0x100c", "0x1008") in [tuple(d) for d in found.differences]


def test_the_digest_is_that_of_the_state_whatever_the_engine_and_the_tier():
    rule = IssueRule(DESCRIPTION, MACHINE)
    threads: list[Thread] = [
        ReferenceThread(DESCRIPTION, SRAM, LOW, rule=rule),
        NativeThread(DESCRIPTION, SRAM, LOW, timeline=Timeline(rule)),
        NativeThread(DESCRIPTION, SRAM, LOW, timeline=Timeline(rule), optimised=True),
        LockstepThread(maker(DESCRIPTION)),
    ]
    digests: set[str] = set()
    for thread in threads:
        load(thread, *LOOP)
        thread.write_register("x1", 4000)
        thread.run(1 << 20)
        digests.add(digest(thread))
    assert len(digests) == 1


@pytest.mark.parametrize("change", ["register", "memory", "control", "pc"])
def test_the_digest_sees_every_part_of_the_state(change: str):
    thread = ReferenceThread(DESCRIPTION, SRAM, LOW)
    before = digest(thread)
    match change:
        case "register":
            thread.write_register("acc3", bytes(255) + b"\1")
        case "memory":
            thread.write_memory(SRAM - 1, b"\1")
        case "control":
            thread.set_control(47, 1)
        case _:
            thread.pc = 4
    assert digest(thread) != before


@pytest.mark.parametrize("pc", [(1 << 64) - 1, 1 << 32 | START, START + 2, 0, SRAM])
def test_a_pc_where_no_code_can_be_faults_in_both(pc: int):
    thread = LockstepThread(maker(DESCRIPTION))
    load(thread, *LOOP)
    thread.write_register("x1", 50)
    thread.run(120)
    thread.pc = pc
    stop = thread.run(10)
    assert stop.fault is not None
    assert stop.fault.kind is FaultKind.PC
