"""Loops of the native engine, whose turns check and count less than other code: nothing is lost."""

from itertools import pairwise

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import differences
from dojo_tools.engines.stop import StopReason
from dojo_tools.engines.thread import Thread
from dojo_tools.engines.timing import IssueRule
from dojo_tools.linker import link

DESCRIPTION = load_description()
RULE = IssueRule(DESCRIPTION, load_machine("node"))
SRAM, LOW = 0x4_0000, 0x100
MANY = 70_000
"""More instructions than are run one at a time before a limit."""

COUNTED = "1: mul a0, a0, t0\n addi a0, a0, 3\n loop.next t0, 1b\n halti 0"

LOOPS = {
    "counted": COUNTED,
    "faults in the middle": "1: addi a0, a0, 1\n lw t1, [t2], 4\n add a1, a1, t1\n jump 1b",
    "reads the clock": (
        "1: divu a0, t0, t1\n ctl.read t3, cycle\n add a1, a1, t3\n ctl.read t3, retired\n"
        " xor a2, a2, t3\n loop.next t0, 1b\n halti 0"
    ),
    "runs into its own code": "1: xori a0, a0, 1\n sd zero, [t2], -8\n addi a1, a1, 3\n jump 1b",
    "stores among its code": (
        "la t2, 2f\n jump 1f\n .balign 64\n2: .space 256\n1: sd a0, [t2 + 64]\n addi a0, a0, 3\n"
        " loop.next t0, 1b\n halti 0"
    ),
    "goes several ways": (
        "1: andi t1, t0, 3\n beq t1, zero, 2f\n mul a0, a0, t0\n andi t1, t0, 4\n"
        " bne t1, zero, 3f\n addi a1, a1, 1\n2: addi a2, a2, 5\n3: xor a3, a3, a0\n"
        " loop.next t0, 1b\n halti 0"
    ),
    "faults on one of two ways": (
        "1: addi t0, t0, -1\n andi t1, t0, 7\n bne t1, zero, 2f\n lw t3, [t2], 32\n"
        " add a1, a1, t3\n2: addi a0, a0, 1\n jump 1b"
    ),
    "goes through a table": (
        "la t2, 4f\n1: andi t1, a0, 4\n add t1, t1, t2\n lwu t1, [t1]\n addi a0, a0, 3\n jumpr t1\n"
        "2: mul a1, a1, a0\n loop.next t0, 1b\n halti 0\n"
        "3: xor a1, a1, a0\n loop.next t0, 1b\n halti 0\n"
        " .balign 8\n4: .word 2b, 3b"
    ),
    "inside another": (
        "2: li t1, 5\n1: add a0, a0, t1\n mul a0, a0, a0\n loop.next t1, 1b\n addi a1, a1, 1\n"
        " loop.next t0, 2b\n halti 0"
    ),
    "left by one of two ways": (
        "1: addi a0, a0, 7\n andi t1, a0, 31\n bne t1, zero, 1b\n addi a1, a1, 1\n"
        " loop.next t0, 1b\n halti 0"
    ),
    "prints": "1: addi a0, a0, 1\n bltu a0, t0, 1b\n print.uint a0\n halti 0",
}


def threads(text: str, turns: int) -> list[Thread]:
    """Return a thread of the reference engine, and two of the native one, quick and good code."""
    source = Source("loop.s", f".global _start\n_start: {text}\n")
    image = link([assemble(source, DESCRIPTION).object], DESCRIPTION.relocations)
    made: list[Thread] = [
        ReferenceThread(DESCRIPTION, SRAM, LOW, rule=RULE),
        NativeThread(DESCRIPTION, SRAM, LOW, timeline=Timeline(RULE)),
        NativeThread(DESCRIPTION, SRAM, LOW, timeline=Timeline(RULE), optimised=True),
    ]
    for thread in made:
        for segment in image.segments:
            thread.write_memory(segment.address, segment.contents)
        thread.pc = image.entry
        thread.write_register("t0", turns)
        thread.write_register("t2", SRAM // 2)
    return made


def check_alike(made: list[Thread]) -> None:
    for one, two in pairwise(made):
        assert differences(one, two) == []


@pytest.mark.parametrize("text", LOOPS.values(), ids=list(LOOPS))
def test_a_loop_that_runs_to_its_end_leaves_the_same_state(text: str):
    made = threads(text, 3_000)
    stops = [thread.run(10_000_000) for thread in made]
    assert len({(stop.reason, stop.code, stop.fault) for stop in stops}) == 1
    assert stops[0].reason is not StopReason.LIMIT
    check_alike(made)


@pytest.mark.parametrize("text", LOOPS.values(), ids=list(LOOPS))
def test_a_loop_can_be_interrupted_after_any_instruction(text: str):
    made = threads(text, 1 << 40)
    for more in (MANY, MANY + 1, 1, MANY + 2):
        for thread in made:
            thread.run(more)
        check_alike(made)
