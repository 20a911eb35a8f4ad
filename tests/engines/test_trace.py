"""What engines keep of the last instructions: each that retired, its cycle, what it wrote."""

import itertools
from pathlib import Path
from typing import TypeVar

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import NativeThread, Target, Translator, layout
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.records import KeptRegisters, Record
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import differences
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.timing import IssueRule
from dojo_tools.linker import link
from dojo_tools.machine import load_program
from dojo_tools.objects import Image
from slow_timing import time_slowly

DESCRIPTION = load_description()
NODE = load_machine("node")
SIZES = NODE.sram_bytes, NODE.reserved_bytes
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LIMIT = 30_000
ROOM = 1000
"""Records that are kept, of a ring of 1,024."""

BRANCHES = """\
; A loop whose way depends on what looks like chance, with calls, products and divisions.
        .global _start
_start: li      s0, 1500
        li      a1, 12345
again:  mul     a1, a1, s0
        addi    a1, a1, 77
        andi    t0, a1, 8
        beqz    t0, even
        call    work
even:   andi    t0, a1, 32
        bnez    t0, next
        div     a2, a1, s0
next:   loop.next s0, again
        halti   0
work:   ld      a3, [sp - 64]
        add     a3, a3, a1
        sd      a3, [sp - 64]
        ret
"""
FAULT = """\
        .global _start
_start: li      a0, 0x13ff00
again:  ld      a1, [a0], 8
        print.int a1
        jump    again
"""
WRITTEN = """\
        .global _start
_start: la      t0, victim
        lwu     t1, [t0 + 4]
        call    victim
        sw      t1, [t0]
        icache.flush
        call    victim
        halti   0
victim: addi    a0, a0, 1
        addi    a0, a0, 2
        ret
"""


def image_of(name: str) -> Image:
    """Return the image of a sample or of one of the texts above."""
    texts = {"branches": BRANCHES, "fault": FAULT, "written": WRITTEN}
    if name not in texts:
        return load_program([SAMPLES / name / f"{name}.s"], DESCRIPTION)
    made = assemble(Source(f"{name}.s", texts[name]), DESCRIPTION)
    return link([made.object], DESCRIPTION.relocations)


AnyThread = TypeVar("AnyThread", NativeThread, ReferenceThread)


def begun(thread: AnyThread, image: Image) -> AnyThread:
    """Return a thread that stands at the beginning of an image."""
    for segment in image.segments:
        thread.write_memory(segment.address, segment.contents)
    thread.write_register("sp", NODE.sram_bytes)
    thread.pc = image.entry
    return thread


def native(
    image: Image, timing: bool, *, optimised: bool = False, records: int = ROOM
) -> NativeThread:
    """Return a thread of the native engine that keeps records, or none."""
    timeline = Timeline.of(DESCRIPTION, NODE) if timing else None
    thread = NativeThread(
        DESCRIPTION, *SIZES, timeline=timeline, optimised=optimised, records=records
    )
    return begun(thread, image)


def reference(image: Image, timing: bool, *, records: int = ROOM) -> ReferenceThread:
    """Return a thread of the reference engine that keeps records, or none."""
    rule = IssueRule(DESCRIPTION, NODE) if timing else None
    return begun(ReferenceThread(DESCRIPTION, *SIZES, rule=rule, records=records), image)


def scalars(thread: ReferenceThread) -> dict[tuple[str, int], int]:
    """Return all registers of 64 bits."""
    return {
        (name, index): value
        for name in ("x", "m")
        for index, value in enumerate(thread.registers[name])
    }


def stepped(image: Image, timing: bool) -> tuple[list[Record], Stop]:
    """Return what there is to keep of each instruction, and why the reference stopped.

    Whatever register of 64 bits an instruction has changed has to be among those that are kept.
    """
    thread = reference(image, timing, records=0)
    kept = KeptRegisters(DESCRIPTION)
    records: list[Record] = []
    while True:
        pc, cycle, before = thread.pc, thread.next_issue_cycle(), scalars(thread)
        word = int.from_bytes(thread.read_memory(pc, 4), "little")
        retired = thread.retired
        stop = thread.run(1)
        if thread.retired > retired:
            after = scalars(thread)
            places = kept.of(word)
            assert {place for place in after if after[place] != before[place]} <= set(places)
            records.append(Record(pc, word, cycle, tuple(after[place] for place in places)))
        if stop.fault is not None or stop.reason.value != "limit" or len(records) == LIMIT:
            return records, stop


PROGRAMS = ("fibonacci", "saxpy", "dot", "hello", "branches", "fault", "written")


@pytest.mark.parametrize("optimised", [False, True], ids=["quick", "optimised"])
@pytest.mark.parametrize("timing", [True, False], ids=["timed", "untimed"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_last_instructions_are_kept(name: str, timing: bool, optimised: bool):
    image = image_of(name)
    expected, expected_stop = stepped(image, timing)
    for thread in (native(image, timing, optimised=optimised), reference(image, timing)):
        assert thread.run(LIMIT) == expected_stop
        assert thread.retired == len(expected)
        assert thread.last_records(ROOM) == expected[-ROOM:]
        assert thread.last_records(3) == expected[-3:]


@pytest.mark.parametrize("slowly", [False, True], ids=["translated", "step by step"])
@pytest.mark.parametrize("name", ["branches", "fault", "written"])
def test_every_instruction_is_kept_for_a_while(
    monkeypatch: pytest.MonkeyPatch, name: str, slowly: bool
):
    if slowly:
        time_slowly(monkeypatch)
    image = image_of(name)
    expected, _ = stepped(image, True)
    thread = native(image, True)
    found: list[Record] = []
    for piece in itertools.cycle((1, 2, 0, 700, 1000)):
        retired = thread.retired
        stop = thread.run(piece)
        found += thread.last_records(thread.retired - retired)
        if stop.reason is not StopReason.LIMIT:
            break
    assert found == expected


def test_records_change_nothing():
    for name in ("fibonacci", "branches", "fault"):
        image = image_of(name)
        plain = native(image, True, records=0)
        traced = native(image, True)
        assert plain.run(LIMIT) == traced.run(LIMIT)
        assert (plain.cycles, plain.causes) == (traced.cycles, traced.causes)
        assert plain.printed == traced.printed
        assert differences(plain, traced) == []


@pytest.mark.parametrize("timing", [True, False], ids=["timed", "untimed"])
def test_code_that_is_not_traced_is_as_if_there_were_no_traces(
    monkeypatch: pytest.MonkeyPatch, timing: bool
):
    def texts() -> list[str]:
        seen: list[str] = []
        for name in ("fibonacci", "saxpy", "branches", "written"):
            timeline = Timeline.of(DESCRIPTION, NODE) if timing else None
            target = Target(DESCRIPTION, *SIZES)
            translator = Translator(target, timeline, lambda made: seen.append(made.text))
            thread = NativeThread(DESCRIPTION, *SIZES, translator=translator)
            begun(thread, image_of(name)).run(LIMIT)
        return seen

    with_traces = texts()
    monkeypatch.setattr(layout, "TRACE_FIELDS", ())
    assert texts() == with_traces
    assert with_traces
