"""Stores over code that has run or is about to: both engines fault alike, or go on alike.

Code that has changed may run only after a flush of its node. Wherever the store comes from and
whatever has been translated, the fault names the first changed word that is fetched.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.engines.native import region
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.stop import FaultKind
from dojo_tools.machine import Machine
from dojo_tools.machine.mesh import EndReason
from mesh_programs import DESCRIPTION, ENGINES, NODE, image_of, mesh_of

LIMIT = 1_000_000
HEAT = 2_000
"""Instructions after which code counts as hot here, so that loops of the tests are."""

FLUSH = "icache.flush"


@dataclass(frozen=True, slots=True)
class Case:
    """A program that changes code at `victim`, and what `a0` holds if it may."""

    name: str
    code: str
    result: int
    is_stale: bool = True


def case(name: str, result: int, body: str, *, is_stale: bool = True) -> Case:
    """Return a case: `t1` holds the new word and `t0` its address when the body begins."""
    head = """\
        .global _start
_start: la      t0, victim
        la      t2, new
        lwu     t1, [t2]
        li      s0, 3000
"""
    return Case(name, f"{head}{body}\nnew:    addi    a0, a0, 100\n", result, is_stale)


CASES = [
    case("the next instruction", 100, "sw t1, [t0]\n {flush}\nvictim: addi a0, a0, 1\n halti 0"),
    case(
        "further on in the same block",
        101,
        "sw t1, [t0]\n {flush}\n addi a0, a0, 1\n nop\nvictim: addi a0, a0, 1\n halti 0",
    ),
    case(
        "one byte of it",
        100,
        """
        sb      t1, [t0]
        {flush}
victim: addi    a0, a0, 1
        halti   0""",
    ),
    case(
        "a hot loop, from behind it",
        3000 + 300,
        """
victim: addi    a0, a0, 1
        loop.next s0, victim
        bnez    s1, done
        li      s1, 1
        li      s0, 3
        sw      t1, [t0]
        {flush}
        jump    victim
done:   halti   0""",
    ),
    case(
        "a hot loop, from inside it",
        999 + 2001 * 100,
        """
        li      s1, 2001
again:  bne     s0, s1, victim
        {flush}
victim: addi    a0, a0, 1
        bne     s0, s1, next
        nop
next:   addi    s0, s0, -1
        addi    t3, s0, -2001
        bnez    t3, skip
        sw      t1, [t0]
skip:   bnez    s0, again
        halti   0""",
    ),
    case(
        "a function that has been called",
        1 + 100,
        """
        call    victim
        sw      t1, [t0]
        {flush}
        call    victim
        halti   0
        .space  4096
victim: addi    a0, a0, 1
        ret""",
    ),
    case(
        "a whole line of vectors",
        16 * 100,
        """
        vbroadcast.i32 v1, t1
        vst     v1, [t0]
        {flush}
        jump    victim
        .balign 64
victim: .rept   16
        addi    a0, a0, 1
        .endr
        halti   0""",
    ),
    case(
        "scattered words",
        100 + 1,
        """
        vbroadcast.i32 v1, t1
        mask.firstni m1, 1
        viota.i32 v2
        vscatter.i32 v1, [t0], v2, m1
        {flush}
victim: addi    a0, a0, 1
        addi    a0, a0, 1
        halti   0""",
    ),
    case(
        "the same word",
        1,
        "lwu t1, [t0]\n sw t1, [t0]\nvictim: addi a0, a0, 1\n halti 0",
        is_stale=False,
    ),
    case(
        "another word and back",
        2,
        """
        call    victim
        lwu     t3, [t0]
        sw      t1, [t0]
        sw      t3, [t0]
        call    victim
        halti   0
victim: addi    a0, a0, 1
        ret""",
        is_stale=False,
    ),
]

SIBLINGS = """\
        .semaphore ready, go
        .threads 2
        .global _start
_start: li      t3, 1
        la      t4, other
        li      t5, 0x20000
        thread.start t3, t4, x0, t5
        sem.wait ready
        la      t0, victim
        la      t2, new
        lwu     t1, [t2]
        sw      t1, [t0]
        {writer}
        sem.post go
        halti   0
other:  call    victim
        sem.post ready
        sem.wait go
        {reader}
        call    victim
        halti   0
victim: addi    a0, a0, 1
        ret
new:    addi    a0, a0, 100
"""
"""Thread 0 changes code that thread 1 of its node has run and runs again."""

NODES = f"""\
        .semaphore ready, go
        .global _start
_start: call    victim
        li      s1, {NODE}
        ctl.read t0, node_x
        bnez    t0, writer
        li      s2, 1
        slli    s2, s2, 32
        or      s1, s1, s2
        sem.post.at s1, ready
        sem.wait go
        {{reader}}
        call    victim
        halti   0
writer: sem.wait ready
        la      t0, victim
        or      s1, s1, t0
        la      a1, new
        li      a2, 64
        push.post s1, a1, a2, go
        {{writer}}
        call    victim
        halti   0
        .balign 64
victim: addi    a0, a0, 1
        ret
        .balign 64
new:    addi    a0, a0, 100
        ret
        .balign 64
"""
"""Node (1, 0) pushes a line over code of node (0, 0), which both have run and run again."""


@pytest.fixture(autouse=True)
def hot_soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have code be hot soon, and keep nothing on disk that was made so."""
    monkeypatch.setattr(region, "HEAT_MAX", HEAT)
    kept, compiler().cache = compiler().cache, None
    yield
    compiler().cache = kept


def whole_state(machine: Machine) -> tuple[object, ...]:
    """Return the pc, every register and all memory."""
    registers = {name: machine.read_register(name) for name in DESCRIPTION.register_names}
    return machine.pc, registers, machine.read_memory(0, machine.definition.sram_bytes)


@pytest.mark.parametrize("timing", [True, False], ids=["timed", "untimed"])
@pytest.mark.parametrize("flush", [FLUSH, "nop"], ids=["flushed", "stale"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_thread_changes_its_own_code(case: Case, flush: str, timing: bool) -> None:
    image = image_of(case.code.format(flush=flush))
    machines = [
        Machine(image, DESCRIPTION, engine=engine, timing=timing)
        for engine in ("reference", "native")
    ]
    results = [machine.run(LIMIT) for machine in machines]
    assert results[0] == results[1]
    assert whole_state(machines[0]) == whole_state(machines[1])
    fault = results[0].stop.fault
    if flush == FLUSH or not case.is_stale:
        assert fault is None
        assert machines[1].read_register("a0") == case.result
    else:
        assert fault is not None
        assert (fault.kind, fault.pc) == (FaultKind.STALE, machines[1].symbol("victim").value)


@pytest.mark.parametrize("flusher", ["writer", "reader", "nobody"])
@pytest.mark.parametrize(
    "text, grid, agent, others, is_seen",
    [
        (SIBLINGS, (1, 1), 1, {0: 0}, ("writer", "reader")),
        (NODES, (2, 1), 0, {1 << AGENT_BITS: 2}, ("reader",)),
    ],
    ids=["sibling", "transfer"],
)
def test_somebody_else_changes_code(
    text: str,
    grid: tuple[int, int],
    agent: int,
    others: dict[int, int],
    is_seen: tuple[str, ...],
    flusher: str,
) -> None:
    """`agent` runs changed code after a flush of its own node; `others` have their own `a0`."""
    code = text.format(**{who: FLUSH if who == flusher else "nop" for who in ("writer", "reader")})
    meshes = [mesh_of(code, engine, grid=grid) for engine in ENGINES]
    ends = [mesh.run() for mesh in meshes]
    assert ends[0] == ends[1]
    victim = next(s.value for s in image_of(code).symbols if s.name == "victim")
    end, fault = ends[0], ends[0].fault
    if flusher in is_seen:
        assert (end.reason, fault) == (EndReason.DONE, None)
    else:
        assert fault is not None
        assert (fault.agent, fault.fault.kind, fault.fault.pc) == (agent, FaultKind.STALE, victim)
    results = {agent: 101 if fault is None else 1, **others}
    for mesh in meshes:
        for number, result in results.items():
            assert mesh.engine.thread(number).read_register("a0") == result
