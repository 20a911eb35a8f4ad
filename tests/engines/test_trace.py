"""The trace of the native engine: the instructions that retire and their cycles, as stepped."""

from pathlib import Path
from typing import TypeVar

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import NativeThread, Target, Translator, layout, trace
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.native.trace import WatchTrace
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import differences
from dojo_tools.engines.stop import Stop
from dojo_tools.engines.timing import IssueRule
from dojo_tools.linker import link
from dojo_tools.machine import load_program
from dojo_tools.objects import Image

DESCRIPTION = load_description()
NODE = load_machine("node")
SIZES = NODE.sram_bytes, NODE.reserved_bytes
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LIMIT = 30_000
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


def native(image: Image, timing: bool, optimised: bool, watch: WatchTrace | None) -> NativeThread:
    """Return a thread of the native engine, traced or not."""
    timeline = Timeline.of(DESCRIPTION, NODE) if timing else None
    thread = NativeThread(DESCRIPTION, *SIZES, timeline=timeline, optimised=optimised, traced=watch)
    return begun(thread, image)


def stepped(image: Image, timing: bool) -> tuple[list[tuple[int, int]], Stop]:
    """Return where each instruction stands and when it issues, and why the reference stopped."""
    rule = IssueRule(DESCRIPTION, NODE) if timing else None
    thread = begun(ReferenceThread(DESCRIPTION, *SIZES, rule=rule), image)
    records: list[tuple[int, int]] = []
    while True:
        record, retired = (thread.pc, thread.next_issue_cycle()), thread.retired
        stop = thread.run(1)
        if thread.retired > retired:
            records.append(record)
        if stop.fault is not None or stop.reason.value != "limit" or len(records) == LIMIT:
            return records, stop


@pytest.mark.parametrize("records", [trace.RECORDS, 1030], ids=["room", "little room"])
@pytest.mark.parametrize("optimised", [False, True], ids=["quick", "optimised"])
@pytest.mark.parametrize("timing", [True, False], ids=["timed", "untimed"])
@pytest.mark.parametrize(
    "name", ["fibonacci", "saxpy", "dot", "hello", "branches", "fault", "written"]
)
def test_a_trace_has_every_instruction_that_retired(
    monkeypatch: pytest.MonkeyPatch, name: str, timing: bool, optimised: bool, records: int
):
    monkeypatch.setattr(trace, "RECORDS", records)
    image = image_of(name)
    words: list[int] = []
    thread = native(image, timing, optimised, lambda new: words.extend(new.tolist()))
    stop = thread.run(LIMIT)
    expected, reference_stop = stepped(image, timing)
    assert list(zip(words[::2], words[1::2], strict=True)) == expected
    assert stop == reference_stop
    assert thread.retired == len(expected)


def test_a_trace_goes_on_where_a_run_has_stopped():
    image = image_of("branches")
    words: list[int] = []
    thread = native(image, True, False, lambda new: words.extend(new.tolist()))
    for count in (0, 1, 2, 1500, 7000):
        before = len(words)
        thread.run(count)
        assert len(words) - before == 2 * count
    assert list(zip(words[::2], words[1::2], strict=True)) == stepped(image, True)[0][:8503]


def test_tracing_changes_nothing():
    for name in ("fibonacci", "branches", "fault"):
        image = image_of(name)
        plain = native(image, True, False, None)
        traced = native(image, True, False, lambda _: None)
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
