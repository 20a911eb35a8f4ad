"""Every fault of a request, with its message; and who stops when."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dojo_tools.description.procedures import load_procedures
from dojo_tools.diagnostics import render
from dojo_tools.machine import mesh_faults
from dojo_tools.machine.mesh import EndReason
from nodes import ENGINES, RESERVED, Nodes, at, dip, entry, machine, rectangle, user_machine

pytestmark = pytest.mark.parametrize("engine", ENGINES)

HOLED = """
[grid]
width = 4
height = 4
dead = [[2, 1]]
provenance = "chosen: one dead node"

[dips]
east = [0]
provenance = "chosen: one card"
"""
NOP = "nop\n"
PUSH = "push a0, a1, a2"
ATOMIC = "amo.add.d t0, [a0], a1"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A piece of code that faults: which constant it raises, and words of the message."""

    constant: str
    code: str
    words: str
    registers: Mapping[str, int]
    threads: int = 1


def wrong(constant: str, code: str, words: str, threads: int = 1, **registers: int) -> Wrong:
    return Wrong(constant, code, words, registers, threads)


WRONG = [
    wrong(
        "BAD_ADDRESS",
        PUSH,
        "0x3000000000002000 is not a global address: its kind, bits [63:60], is 3",
        a0=3 << 60 | 0x2000,
    ),
    wrong(
        "BAD_ADDRESS",
        PUSH,
        "0x100002000 is not a global address: of kind 0, bits [59:32] are 0x1, not 0",
        a0=1 << 32 | 0x2000,
    ),
    wrong("BAD_ADDRESS", PUSH, "of kind 2, bits [59:48] are 0x3, not 0", a0=2 << 60 | 3 << 48),
    wrong(
        "BAD_ADDRESS",
        "push.row a0, a1, a2",
        "0x1000100100002000 is not a global address: the destination of a multicast is an offset",
        a0=at(1, 1, 0x2000),
    ),
    wrong(
        "ABSENT",
        PUSH,
        "there is no node (4, 1): the partition has columns 0..3, rows 0..3 and 1 DIP card; asked "
        "for was the destination, 64 bytes at 0x2000 of node (4, 1) (global address "
        "0x1000100400002000)",
        a0=at(4, 1, 0x2000),
    ),
    wrong("ABSENT", PUSH, "there is no DIP card 1: the partition has columns", a0=dip(1)),
    wrong(
        "ABSENT",
        "sem.post.at a0, 1",
        "there is no node (0, 9): the partition has columns 0..3, rows 0..3 and 1 DIP card; asked "
        "for was 0x0 of node (0, 9) (global address 0x1000900000000000)",
        a0=at(0, 9),
    ),
    wrong(
        "DEAD",
        PUSH,
        "node (2, 1) does not work or can't be reached; asked for was the destination, 64 bytes at "
        "0x2000 of node (2, 1) (global address 0x1000100200002000)",
        a0=at(2, 1, 0x2000),
    ),
    wrong(
        "OUTSIDE",
        PUSH,
        "the destination, 64 bytes at 0x80 of node (0, 0), is not within SRAM, 0x100..0x13ffff: "
        "its last byte would be at 0xbf",
        a0=0x80,
    ),
    wrong(
        "OUTSIDE",
        PUSH,
        "the destination, 64 bytes at 0x13ffe0 of node (1, 0) (global address 0x100000010013ffe0), "
        "is not within SRAM, 0x100..0x13ffff: its last byte would be at 0x14001f",
        a0=at(1, 0, 0x13FFE0),
    ),
    wrong(
        "OUTSIDE",
        "push.row a0, a1, a2",
        "the destination, 64 bytes at 0x140000 of each node of a multicast, is not within SRAM",
        a0=0x140000,
    ),
    wrong(
        "OUTSIDE",
        "pull a0, a1, a2",
        "the source, 64 bytes at 0x7fffffff8 of DIP card 0 (global address 0x20000007fffffff8), is "
        "not within the card's memory, 0x0..0x7ffffffff: its last byte would be at 0x800000037",
        a1=dip(0, (1 << 35) - 8),
    ),
    wrong("OUTSIDE", "push.x a0, a1", "the destination, 8 bytes at 0x140000", a0=0x140000),
    wrong(
        "OUTSIDE",
        "push.2d a0, a1, a2",
        "the destination, 3 rows of 64 bytes, 524288 bytes apart, at 0x80000 of node (0, 0), is "
        "not within SRAM, 0x100..0x13ffff: its last byte would be at 0x18003f",
        a0=0x80000,
        a2=3 << 32 | 64,
        destination_pitch=0x80000,
    ),
    wrong(
        "OUTSIDE",
        ATOMIC,
        "an access of 8 bytes at 0x140000 of node (0, 0), is not within",
        a0=0x140000,
    ),
    wrong(
        "OUTSIDE",
        "ld.acq t0, [a0]",
        "an access of 8 bytes at 0xf8 of node (0, 0), is not",
        a0=RESERVED - 8,
    ),
    wrong(
        "MISALIGNED",
        PUSH,
        "the destination, 64 bytes at 0x2004 of node (0, 0), is not aligned",
        a0=0x2004,
    ),
    wrong("MISALIGNED", PUSH, "a size of 65 bytes is not aligned", a2=65),
    wrong("MISALIGNED", ATOMIC, "an access of 8 bytes at 0x2004 of node (0, 0), is not", a0=0x2004),
    wrong(
        "MISALIGNED",
        "push.2d a0, a1, a2",
        "a pitch of 68 bytes is not aligned",
        a2=3 << 32 | 64,
        destination_pitch=68,
    ),
    wrong("BAD_SIZE", PUSH, "rows of 0 bytes", a2=0),
    wrong("BAD_SIZE", PUSH, "rows of 2097160 bytes", a2=(1 << 21) + 8),
    wrong("BAD_SIZE", "list.start a0, a1", "32769", a0=0x2000, a1=32769),
    wrong("NO_SEMAPHORE", "sem.wait.r a0, a0", "there is no semaphore 64: 0..63", a0=64),
    wrong("NO_SEMAPHORE", "sem.post.r a0, a1", "no semaphore -1", a0=-1),
    wrong("NO_SEMAPHORE", "sem.read.r t0, a0", "no semaphore 64", a0=64),
    wrong("NO_SEMAPHORE", "sem.post.at.r a0, a1, a2", "no semaphore 99", a0=0, a1=99),
    wrong("NO_SEMAPHORE", "transfer [a0]", "no semaphore 199", a0=0x2800),
    wrong(
        "SEMAPHORE_FULL",
        "li t0, 0xffffffff\n sem.post 5, t0\n sem.post 5",
        "a post makes semaphore 5 of node (0, 0) greater than it can count, it holds 4294967295",
    ),
    wrong(
        "SEMAPHORE_FULL",
        "li t0, 0xffffffff\n sem.post.at a0, 5, t0\n sem.post.at a0, 5\n sem.wait 1",
        "a post makes semaphore 5 of node (3, 2) greater",
        a0=at(3, 2),
    ),
    wrong("NO_THREAD", "thread.state t0, a0", "no thread 1: the program states 1", a0=1),
    wrong("NO_THREAD", "thread.stop a0", "no thread 9: the program states 2", threads=2, a0=9),
    wrong("THREAD_RUNS", "thread.start x0, a0, x0, x0", "thread 0 runs already", a0=0x100),
    wrong("BAD_PC", "thread.start a0, a1, x0, x0", "stand at 0x102", threads=2, a0=1, a1=0x102),
    wrong("NO_BARRIER", "list.start a0, a1\n barrier.all 0", "entry of kind 9", a0=0x2840, a1=1),
    wrong(
        "BAD_RECTANGLE",
        "barrier 0, a0",
        "the rectangle 0 x 5 at (0, 0) is not",
        a0=rectangle(0, 0, 0, 5),
    ),
    wrong("BAD_RECTANGLE", "barrier 0, a0", "or this node is not", a0=rectangle(1, 1, 1, 1)),
    wrong(
        "BAD_RECTANGLE",
        "push.rect a0, a1, a2",
        "not within the partition, 4 x 4",
        rectangle=rectangle(3, 3, 2, 1),
    ),
    wrong(
        "MIXED_BARRIER",
        "li t0, 1\n la t1, sibling\n thread.start t0, t1, x0, x0\n sibling: barrier.all 2",
        "barrier 2 is in use for another rectangle, or by another thread of the node",
        threads=2,
    ),
    wrong("LIST_BUSY", "list.start a0, a1\n list.start a0, a1", "still has 3 entries", a0=0x2880),
    wrong("BAD_ENTRY", "list.start a0, a1\n sem.wait 1", "no list entry of kind 9", a0=0x2840),
    wrong(
        "NOT_HERE",
        PUSH,
        "the source, 64 bytes at 0x3000 of node (1, 0) (global address 0x1000000100003000), is not "
        "on this node",
        a1=at(1, 0, 0x3000),
    ),
    wrong("NOT_HERE", "pull a0, a1, a2", "is not on this node", a0=at(0, 1, 0x3000)),
    wrong("NOT_AT_DIP", "push.post a0, a1, a2, 1", "a DIP card has no semaphores", a0=dip(0)),
    wrong("NOT_AT_DIP", "sem.post.at a0, 1", "a DIP card has no semaphores", a0=dip(0)),
    wrong(
        "NO_TARGET",
        "push.rect a0, a1, a2",
        "the rectangle 1 x 1 at (2, 1) of a multicast has no node that works",
        rectangle=rectangle(2, 1, 1, 1),
    ),
]
UNREACHABLE = {
    "BAD_OPERATION": "instructions have no others",
    "NO_BARRIER": "operands of barriers have four bits",
}


def faulted(engine: str, case: Wrong, folder: Path) -> tuple[Nodes, mesh_faults.MeshFault]:
    nodes = Nodes(
        f"go: {case.code}\n halti 0", engine, user_machine(folder, HOLED), threads=case.threads
    )
    nodes.write(0, 0, 0x2800, [0, 0x4000, 0x3000, 64, 1, 0, 0, 200 << 8])
    nodes.write(0, 0, 0x2840, entry(9))
    nodes.write(0, 0, 0x2880, entry(1, 0, 7, 1) * 3)
    registers = {"a0": 0x4000, "a1": 0x3000, "a2": 64, **case.registers}
    if "list.start" in case.code and "a1" not in case.registers:
        registers["a1"] = 3 if case.constant == "LIST_BUSY" else 1
    for name, value in registers.items():
        registers[name] = value & (1 << 64) - 1
    nodes.begin(0, 0, "go", **registers)
    end = nodes.run(EndReason.FAULT)
    assert end.fault is not None
    return nodes, end.fault


@pytest.mark.parametrize("case", WRONG, ids=lambda case: f"{case.constant}-{case.words[:24]}")
def test_fault(engine: str, case: Wrong, tmp_path: Path) -> None:
    """The message says what was found and what fits."""
    _, found = faulted(engine, case, tmp_path)
    assert case.words in found.fault.message, found


def test_every_fault_is_tried(engine: str) -> None:
    """Each constant of a fault has words, and a test unless no program can raise it."""
    assert engine
    procedures = load_procedures()
    first, last = procedures.constant("BAD_ADDRESS"), procedures.constant("NO_TARGET")
    names = set(mesh_faults.WORDS)
    assert {procedures.constant(name) for name in names} == set(range(first, last + 1))
    tried = {case.constant for case in WRONG if case.constant != "NO_BARRIER"}
    assert tried | set(UNREACHABLE) == names


def test_the_symbol_at_an_address_is_named(engine: str) -> None:
    """It is that of the node's program; beyond its end there is none."""
    code = (
        "go: push a0, a1, a2\nhalti 0\n.data\n.balign 64\ntable: .space 128\n"
        ".size table, 128\nlast: .byte 0\n"
    )
    texts: list[str] = []
    for offset in (4, 68, 132):
        nodes = Nodes(code, engine)
        table = nodes.labels["table"]
        nodes.begin(0, 0, "go", a0=at(1, 0, table + offset), a1=table, a2=8)
        end = nodes.run(EndReason.FAULT)
        assert end.fault is not None
        texts.append(end.fault.fault.message)
    assert "(`table` + 0x4) of node (1, 0) (global address 0x10000001" in texts[0]
    assert "(`table` + 0x44) of node (1, 0)" in texts[1]
    assert "table" not in texts[2]


def test_a_list_names_the_entry_that_faults(engine: str) -> None:
    """Its place is the source of the data."""
    nodes = Nodes(
        "go: la a0, list\nli a1, 2\nlist.start a0, a1\nlist.wait\nhalti 0\n.data\n.balign 64\n"
        "list: .dword 0x0200000000000000, 3, 1, 0, 0, 0, 0, 0\n"
        ".dword 0x0900000000000000, 0, 0, 0, 0, 0, 0, 0\n",
        engine,
    )
    nodes.begin(0, 0, "go")
    end = nodes.run(EndReason.FAULT)
    assert end.fault is not None
    found = mesh_faults.mesh_fault_diagnostic(nodes.mesh, end.fault)
    assert found.message == "node (0, 0) list engine: there is no list entry of kind 9: 0..3"
    entry = nodes.labels["list"] + 64
    assert [note.message for note in found.notes] == [
        f"the list entry at 0x{entry:x}, `list` + 0x40"
    ]
    assert found.span is not None
    assert found.span.line == 14


def test_a_thread_without_a_stack_is_told_so(engine: str) -> None:
    nodes = Nodes(
        "go: li t0, 1\nla t1, work\nthread.start t0, t1, x0, x0\nhalti 0\n"
        "work: sd ra, [sp-8]\nhalti 0\n",
        engine,
        threads=2,
    )
    nodes.begin(0, 0, "go")
    end = nodes.run(EndReason.FAULT)
    assert end.fault is not None
    found = mesh_faults.mesh_fault_diagnostic(nodes.mesh, end.fault)
    assert [note.message for note in found.notes] == ["ra is 0x0, sp is 0x0"]
    assert found.hint is not None
    assert found.hint.endswith("started without a stack; `__stack_top_1` is there for one")


def test_the_registers_of_a_request_are_told(engine: str, tmp_path: Path) -> None:
    case = wrong("OUTSIDE", PUSH, "", a0=0x80)
    nodes, found = faulted(engine, case, tmp_path)
    told = mesh_faults.mesh_fault_diagnostic(nodes.mesh, found)
    assert [note.message for note in told.notes] == ["a0 is 0x80, a1 is 0x3000, a2 is 0x40"]


def test_fault_is_precise(engine: str, tmp_path: Path) -> None:
    """The fault has the pc of its instruction; of a post from afar it can't."""
    case = wrong("OUTSIDE", f"nop\n {PUSH}", "", a0=0x80)
    nodes, found = faulted(engine, case, tmp_path)
    assert found.fault.pc == nodes.labels["go"] + 4
    assert found.agent == nodes.agent(0, 0)


def test_fault_takes_effect_at_the_end_of_its_window(engine: str) -> None:
    """Others go on until cycle 200, a multiple of the window; of two faults the first is told."""
    code = f"""
go:     {NOP * 20} sem.wait.r a0, a0
early:  {NOP * 10} sem.post.r a0, a0
on:     li t0, 1000
1:      thread.yield
        addi t1, t1, 1
        loop.next t0, 1b
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.begin(0, 0, "go", a0=77)
    nodes.begin(3, 3, "early", a0=88)
    nodes.begin(1, 1, "on")
    end = nodes.run(EndReason.FAULT)
    assert end.fault is not None
    assert "semaphore 88" in end.fault.fault.message
    assert end.fault.agent == nodes.agent(3, 3)
    # A turn takes three cycles: that of the request of cycle 199 is the last, the 67th.
    assert nodes.register(1, 1, "t1") == 67


def test_limit_names_the_thread(engine: str) -> None:
    """A thread that retires too many instructions ends the run."""
    nodes = Nodes("spin: jump spin", engine)
    nodes.begin(2, 1, "spin")
    end = nodes.run(EndReason.LIMIT, limit=5000)
    assert end.limited == nodes.agent(2, 1)


def test_cycles_limit(engine: str) -> None:
    """A run of events ends at the cycle that is asked for."""
    nodes = Nodes("spin: thread.yield\n jump spin", engine)
    nodes.begin(2, 1, "spin")
    nodes.run(EndReason.LIMIT, cycles_max=1000)
    assert machine().network.die_latency_cycles == 200


def test_a_fault_of_a_post_from_afar_has_no_pc_and_names_the_semaphore(engine: str) -> None:
    """The poster, which has gone on, is named once."""
    nodes = Nodes(
        ".semaphore full\ngo: li t0, 0xffffffff\n sem.post.at a0, full, t0\n"
        " sem.post.at a0, full\n sem.wait 1\n",
        engine,
    )
    nodes.begin(0, 0, "go", a0=at(3, 2))
    end = nodes.run(EndReason.FAULT)
    assert end.fault is not None
    text = render(mesh_faults.mesh_fault_diagnostic(nodes.mesh, end.fault))
    assert text.startswith("fault: node (0, 0) thread 0: a post makes semaphore `full` of node (3")
    assert "pc" not in text
    assert text.count("thread") == 1
