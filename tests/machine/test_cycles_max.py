"""A limit of cycles on one node: nothing issues in that cycle or later, on every engine."""

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from dojo_tools.machine import Machine
from slow_timing import time_slowly

DESCRIPTION = load_description()
ENGINES = ("reference", "native", "both")
LIMIT = 10**9
FAR = 300_000
"""Cycles beyond what the native engine runs step by step before a limit."""

LIMITS = (0, 1, 2, *range(600, 640), FAR)
SPIN = """
spin:   addi    t0, t0, 1
        mul     t1, t0, t0
        xor     t2, t1, t2
        andi    t3, t2, 4
        beqz    t3, 1f
        div     t2, t1, t0
        vadd.f32 v1, v2, v3
1:      jump    spin
"""
TALK = """
        li      a0, 46
1:      print.char a0
        div     t2, t1, t0
        jump    1b
"""
FAULT = """
        li      t0, 200
1:      loop.next t0, 1b
        div     t1, t0, t0
        ld      t1, [t1]
        halti   0
"""
NOWHERE = """
        li      t0, 200
1:      loop.next t0, 1b
        div     t1, t0, t0
        .word   0
"""


def made(text: str, engine: str, *, timing: bool) -> Machine:
    source = Source("test.s", ".global _start\n_start:" + text)
    image = link([assemble(source, DESCRIPTION).object], DESCRIPTION.relocations, name="test")
    return Machine(image, DESCRIPTION, timing=timing, engine=engine)


def outcome(machine: Machine) -> tuple[object, ...]:
    """Return where a machine stands, and what it has come to."""
    result = machine.run(0)
    scalars = tuple(machine.read_register(f"x{index}") for index in range(32))
    counts = result.retired, result.cycles, tuple(result.causes.items())
    return machine.pc, *counts, scalars, tuple(machine.printed)


@pytest.fixture(params=["translated", "step by step"])
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let code be timed as usual, or by the rule beside it as where it has too many shapes."""
    if request.param == "step by step":
        time_slowly(monkeypatch)


@pytest.mark.usefixtures("_clock")
@pytest.mark.parametrize("timing", [True, False])
@pytest.mark.parametrize("text", [SPIN, TALK], ids=["spin", "talk"])
def test_a_run_stops_in_the_same_state_on_every_engine(text: str, timing: bool):
    for cycles in LIMITS:
        if text is TALK and cycles == FAR:
            continue
        found: set[tuple[object, ...]] = set()
        for engine in ENGINES:
            machine = made(text, engine, timing=timing)
            result = machine.run(LIMIT, cycles_max=cycles)
            assert result.stop.reason is StopReason.LIMIT
            assert machine.next_issue_cycle() >= max(cycles, result.cycles)
            assert sum(result.causes.values()) == result.cycles
            found.add(outcome(machine))
        assert len(found) == 1, cycles


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_is_cut_into_pieces_comes_to_the_same(engine: str):
    whole = made(SPIN, engine, timing=True)
    whole.run(LIMIT, cycles_max=5000)
    pieces = made(SPIN, engine, timing=True)
    for cycles in range(0, 5001, 50):
        pieces.run(LIMIT, cycles_max=cycles)
        pieces.run(3, cycles_max=5000)
    pieces.run(LIMIT, seconds=60, cycles_max=5000)
    assert outcome(pieces) == outcome(whole)
    assert pieces.run(LIMIT, cycles_max=4000).cycles == whole.run(0).cycles
    assert pieces.run(10).retired == whole.run(0).retired + 10


@pytest.mark.parametrize(("text", "due"), [(FAULT, 222), (NOWHERE, 202)], ids=["load", "illegal"])
def test_a_fault_counts_if_its_instruction_would_have_issued_before(text: str, due: int):
    for cycles in range(due - 2, due + 4):
        found: set[tuple[object, ...]] = set()
        for engine in ENGINES:
            machine = made(text, engine, timing=True)
            result = machine.run(LIMIT, cycles_max=cycles)
            found.add((result.stop.reason, *outcome(machine)))
        assert len(found) == 1, cycles
        assert (StopReason.FAULT in next(iter(found))) == (cycles > due), cycles


@pytest.mark.parametrize("engine", ["reference", "both"])
def test_a_trace_ends_before_the_same_cycle(engine: str):
    machine = made(SPIN, engine, timing=True)
    entries = list(machine.trace(LIMIT, cycles_max=600))
    whole = made(SPIN, engine, timing=True)
    assert whole.run(LIMIT, cycles_max=600).retired == len(entries)
    assert outcome(machine) == outcome(whole)
    assert max(entry.cycle for entry in entries) < 600
