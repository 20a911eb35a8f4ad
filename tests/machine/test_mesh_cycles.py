"""The limit of cycles: nothing issues in that cycle or later, whatever a thread does."""

from dataclasses import replace
from pathlib import Path

import pytest

from dojo_tools.machine.mesh import EndReason, MeshEnd
from nodes import ENGINES, Nodes, user_machine
from slow_timing import time_slowly

LATER = 300_000
"""Beyond what the native engine runs step by step before a limit."""

LIMITS = (1, *range(600, 608))
SPIN = """
spin:   addi    t0, t0, 1
        mul     t1, t0, t0
        xor     t2, t1, t2
        andi    t3, t2, 4
        beqz    t3, 1f
        div     t2, t1, t0
        vadd.f32 v1, v2, v3
1:      jump    spin
beside: addi    t0, t0, 1
        sem.post 1
        jump    beside
ends:   li      t0, 200
1:      loop.next t0, 1b
        div     t1, t0, t0
        ld      t1, [t1]
        halti   0
"""
"""Without interaction, with some, and a thread that faults in the cycle after a division."""

DIES = """
[grid]
width = 8
height = 4
die_width = 4
die_height = 4
provenance = "chosen: two dies"
"""


def outcome(nodes: Nodes, end: MeshEnd) -> tuple[object, ...]:
    """Return how a run ended, and what its threads have done."""
    found: list[object] = [end]
    for agent in nodes.mesh.agents():
        thread = nodes.mesh.engine.thread(agent)
        scalars = [thread.read_register(f"x{index}") for index in range(32)]
        found.append((thread.pc, thread.retired, thread.cycles, dict(thread.causes), scalars))
    return tuple(map(str, found))


@pytest.fixture(params=["translated", "step by step"])
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let code be timed as usual, or by the rule beside it as where it has too many shapes."""
    if request.param == "step by step":
        time_slowly(monkeypatch)


@pytest.mark.usefixtures("_clock")
@pytest.mark.parametrize("timing", [True, False])
def test_the_limit_of_cycles_is_exact_and_the_same_on_both_engines(timing: bool):
    for cycles in LIMITS:
        found: set[tuple[object, ...]] = set()
        for engine in ENGINES:
            nodes = Nodes(SPIN, engine, timing=timing)
            nodes.begin(2, 1, "spin")
            nodes.begin(1, 1, "spin", t2=5)
            nodes.begin(3, 0, "beside")
            end = nodes.run(EndReason.LIMIT, cycles_max=cycles)
            check_nothing_later(nodes, cycles)
            found.add(outcome(nodes, end))
        assert len(found) == 1, cycles


@pytest.mark.parametrize("timing", [True, False])
def test_code_of_every_variant_comes_to_the_limit(timing: bool):
    nodes = Nodes(SPIN, "native", timing=timing)
    nodes.begin(2, 1, "spin")
    nodes.begin(1, 1, "spin", t2=5)
    nodes.run(EndReason.LIMIT, cycles_max=LATER)
    check_nothing_later(nodes, LATER)


def check_nothing_later(nodes: Nodes, cycles: int) -> None:
    """Check that threads have issued all that they could before a cycle, and no more."""
    for place in ((2, 1), (1, 1)):
        thread = nodes.mesh.engine.thread(nodes.agent(*place))
        assert thread.cycles <= thread.next_issue_cycle()
        assert thread.next_issue_cycle() >= cycles
        assert sum(thread.causes.values()) == thread.cycles


@pytest.mark.parametrize(("timing", "due"), [(True, 222), (False, 202)])
def test_a_limit_before_or_after_a_fault(timing: bool, due: int):
    """A fault counts if its instruction would have issued before the limit."""
    reasons: dict[int, EndReason] = {}
    for cycles in range(due - 2, due + 3):
        found: set[tuple[object, ...]] = set()
        for engine in ENGINES:
            nodes = Nodes(SPIN, engine, timing=timing)
            nodes.begin(0, 0, "ends")
            end = nodes.mesh.run(cycles_max=cycles)
            found.add(outcome(nodes, end))
            reasons[cycles] = end.reason
        assert len(found) == 1, cycles
    assert list(reasons.values()) == [EndReason.LIMIT] * 3 + [EndReason.FAULT] * 2


def test_the_limit_is_the_same_for_any_number_of_workers(tmp_path: Path):
    on = replace(user_machine(tmp_path, DIES), sram_bytes=0x20000)
    found: set[tuple[object, ...]] = set()
    for engine, workers in (("reference", 1), ("native", 1), ("native", 2), ("native", 8)):
        nodes = Nodes(SPIN, engine, on, timing=True, workers=workers)
        for x, y in ((0, 0), (5, 1), (7, 3)):
            nodes.begin(x, y, "spin", t2=x)
        nodes.begin(3, 3, "beside")
        end = nodes.run(EndReason.LIMIT, cycles_max=1234)
        found.add(outcome(nodes, end))
    assert len(found) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_the_smaller_limit_counts(engine: str):
    nodes = Nodes(SPIN, engine, timing=True)
    nodes.begin(2, 1, "spin")
    end = nodes.run(EndReason.LIMIT, limit=700, cycles_max=2000)
    assert (end.limited, end.retired) == (nodes.agent(2, 1), 700 + 15)
    nodes = Nodes(SPIN, engine, timing=True)
    nodes.begin(2, 1, "spin")
    assert nodes.run(EndReason.LIMIT, limit=700, cycles_max=1000).limited is None
