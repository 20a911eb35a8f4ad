"""What a thread may issue: scalar lanes, turns of vector instructions, and none of those."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.diagnostics import InputError, Source
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.object_cache import ObjectCache
from dojo_tools.engines.stop import Fault, FaultKind, StopReason
from dojo_tools.engines.timing import Cause
from dojo_tools.linker import link
from dojo_tools.machine import Machine, RunResult
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd
from dojo_tools.objects import Image
from nodes import description, machine

ALONE = """
        {stated}
        .text
        .global _start
_start: li      t0, 100
again:  addi    t0, t0, -1
        bnez    t0, again
        {vector}
        halti   0
"""
BESIDE = """
        .threads 2
        {stated}
        .semaphore done
        .text
        .global _start
_start: li      t0, 1
        la      t1, second
        li      a0, {second_works}
        thread.start t0, t1, a0, sp
        li      a0, 1
        call    work
        sem.wait done
        halti   0
second: call    work
        sem.post done
        halti   0
work:   li      t0, 100
1:      addi    t0, t0, -1
        bnez    t0, 1b
        beqz    a0, 2f
        vadd.f32 v1, v2, v3
2:      ret
"""
"""Both threads run `work`; the second does its vector instruction if `second_works`."""

VECTOR_FOR_ONE = ".share 0, 2, 2\n .share 1, 2"
"""Thread 0 may issue vector instructions, thread 1 may not."""


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[None]:
    """Use an empty cache of translations."""
    kept = compiler().cache
    compiler().cache = ObjectCache(tmp_path / "native", "host")
    yield
    compiler().cache = kept


def image_of(text: str) -> Image:
    found = assemble(Source("shares.s", text), description())
    return link([found.object], description().relocations, name="shares")


def run_alone(vector: str, stated: str, engine: str, *, timing: bool) -> RunResult:
    """Run one thread on a node by itself."""
    image = image_of(ALONE.format(vector=vector, stated=stated))
    return Machine(image, description(), engine=engine, timing=timing).run(100_000)


def run_beside(
    engine: str, *, timing: bool, stated: str = VECTOR_FOR_ONE, second_works: int = 1
) -> tuple[Mesh, MeshEnd]:
    """Run two threads of a node."""
    image = image_of(BESIDE.format(stated=stated, second_works=second_works))
    mesh = Mesh(image, description(), machine("node"), engine=engine, timing=timing)
    return mesh, mesh.run()


@pytest.mark.parametrize("timing", [True, False])
@pytest.mark.parametrize("vector", ["vadd.f32 v1, v2, v3", "vld v1, [sp]", "acc.zero acc1"])
def test_without_vector_turns_each_instruction_of_these_units_faults(vector: str, timing: bool):
    """The fault is precise: nothing of the instruction is done or counted."""
    done = run_alone(vector, ".threads 1\n .share 0, 4", "both", timing=timing)
    fault = done.stop.fault
    assert fault is not None
    assert fault.kind is FaultKind.SHARE
    assert f"`{vector.split()[0]}` is a vector or matrix instruction" in fault.message
    assert done.retired == 201
    before = run_alone("halti 0", ".threads 1\n .share 0, 4", "both", timing=timing)
    assert before.retired == 202
    assert before.cycles > done.cycles


def test_with_turns_they_issue_in_these():
    vectors = "vadd.f32 v1, v2, v3\n vadd.f32 v4, v5, v6\n"
    waits: list[int] = []
    for stated in ("", ".threads 1\n .share 0, 4, 1", ".threads 1\n .share 0, 4, 9", ".threads 4"):
        done = run_alone(vectors, stated, "both", timing=True)
        assert done.stop.reason is StopReason.HALT
        waits.append(done.causes[Cause.SHARE])
    assert waits == [0, 0, 8, 3]


@pytest.mark.parametrize("timing", [True, False])
def test_one_thread_may_and_its_sibling_may_not(timing: bool):
    found: set[tuple[Fault | None, int, int]] = set()
    for engine in ("reference", "native"):
        _, end = run_beside(engine, timing=timing)
        assert end.reason is EndReason.FAULT
        assert end.fault is not None
        assert end.fault.agent == 1
        assert end.fault.fault.kind is FaultKind.SHARE
        found.add((end.fault.fault, end.cycles, end.retired))
        _, end = run_beside(engine, timing=timing, second_works=0)
        assert end.reason is EndReason.DONE
    assert len(found) == 1


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("timing", [True, False])
def test_translations_that_are_kept_are_of_those_who_may(timing: bool):
    """What was translated for a thread with vector turns is not taken for one without."""
    allowed = ".share 0, 2, 2\n .share 1, 2, 2"
    for stated in (allowed, VECTOR_FOR_ONE, allowed, VECTOR_FOR_ONE):
        _, end = run_beside("native", timing=timing, stated=stated)
        wanted = EndReason.DONE if stated == allowed else EndReason.FAULT
        assert end.reason is wanted, stated


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (".threads 2\n .share 0, 4", "share 6 scalar instructions a cycle, a node of `node`"),
        (".threads 2\n .share 0, 1, 1", "share more than one vector instruction a cycle"),
    ],
)
def test_a_node_by_itself_refuses_what_it_has_not(stated: str, words: str):
    with pytest.raises(InputError, match=words):
        run_alone("nop", stated, "reference", timing=True)
