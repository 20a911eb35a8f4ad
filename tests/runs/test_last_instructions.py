"""The last instructions of each thread, as a whole trace has them, however a run ends."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from dojo_tools.description import Description, Instruction
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native import thread as native_thread
from dojo_tools.machine import TraceEntry
from dojo_tools.runs import Listener, RunFile, RunReport, Status, execute_run, load_run_file
from dojo_tools.runs.model import Show
from slow_timing import time_slowly

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LIMIT = 5_000
"""Instructions of a sample that are traced whole: some 0.2 s."""

RUN_FILES = sorted(path.name for path in SAMPLES.iterdir() if (path / "run.toml").is_file())
SOURCES = ("hello", "fibonacci", "saxpy")
DEADLOCK = """
        .threads 2
        .semaphore never
        .global _start
_start: li      t1, 1
        la      t2, other
        thread.start t1, t2, t0, x0
        sem.wait never
        halti   0
other:  addi    t0, t0, 2
        sem.wait never
        halti   0
"""

BRANCHES = """
        .global _start
_start: ctl.read t2, node_x
1:      addi    t0, t0, 1
        mul     t1, t0, t0
        xor     t2, t1, t2
        andi    t3, t2, 4
        beqz    t3, 2f
        div     t2, t1, t0
        sd      t2, [sp - 64]
2:      jump    1b
"""


def sample(name: str) -> RunFile:
    """Return a sample, cut off where a whole trace would take long."""
    if name in SOURCES:
        made = RunFile(name, (SAMPLES / name / f"{name}.s",))
    else:
        made = load_run_file(SAMPLES / name / "run.toml")
    return replace(made, instructions_max=LIMIT)


def rows(entries: Iterable[TraceEntry]) -> list[tuple[object, ...]]:
    """Return all of entries but for what they changed."""
    return [(entry.cycle, entry.pc, entry.text, entry.line) for entry in entries]


def check_against(report: RunReport, whole: list[TraceEntry], last: int) -> None:
    """Check that a report has the end of a whole trace, and no value that is not in it."""
    threads: defaultdict[str, list[TraceEntry]] = defaultdict(list)
    for entry in whole:
        if entry.stop is None or entry.stop.fault is None:
            threads[entry.who].append(entry)
    assert {found.who for found in report.last} == set(threads)
    for found in report.last:
        expected = threads[found.who][-last:]
        assert rows(found.entries) == rows(expected)
        for one, other in zip(found.entries, expected, strict=True):
            values = {change.place: change.after for change in other.changes}
            assert {change.place: change.after for change in one.changes}.items() <= values.items()
            assert all(change.before is None for change in one.changes)


@pytest.mark.parametrize("name", [*SOURCES, *RUN_FILES])
def test_they_are_the_end_of_a_whole_trace(name: str, description: Description):
    whole: list[TraceEntry] = []
    run_file = sample(name)
    traced = execute_run(run_file, description, Listener(traced=whole.append))
    reports = [
        execute_run(run_file, description, engine=engine, last=100)
        for engine in ("native", "reference")
    ]
    for report in reports:
        assert (report.status, report.cycles) == (traced.status, traced.cycles)
        check_against(report, whole, 100)
    assert reports[0].last == reports[1].last
    written = [change for found in reports[0].last for e in found.entries for change in e.changes]
    assert written


def made(folder: Path, text: str) -> RunFile:
    source = folder / "p.s"
    source.write_text(text)
    return RunFile("p", (source,), workers=2)


@pytest.mark.parametrize("engine", ["native", "reference", "both"])
@pytest.mark.parametrize("timing", [True, False])
@pytest.mark.parametrize(
    ("end", "status", "text"),
    [
        ("ld a0, [t0]", Status.FAULT, "loop.next x8, . - 8"),
        ("halti 3", Status.HALT_CODE, "halti 3"),
        ("1: jump 1b", Status.LIMIT, "jump ."),
    ],
)
def test_a_run_of_any_end_has_them(
    tmp_path: Path,
    description: Description,
    engine: str,
    timing: bool,
    end: str,
    status: Status,
    text: str,
):
    source = (
        f".global _start\n_start: li s0, 2000\n1: addi t0, t0, -1\nnop\nloop.next s0, 1b\n{end}"
    )
    run_file = replace(made(tmp_path, source), instructions_max=9000)
    report = execute_run(run_file, description, engine=engine, timing=timing, last=4)
    assert report.status is status
    (last,) = report.last
    assert (last.node, last.thread, last.who) == ((0, 0), 0, "")
    assert [entry.text for entry in last.entries][-1] == text
    assert len(last.entries) == 4


@pytest.mark.parametrize("engine", ["native", "reference", "both"])
def test_those_who_wait_for_ever_have_asked_last(
    tmp_path: Path, description: Description, engine: str
):
    run_file = made(tmp_path, DEADLOCK)
    report = execute_run(run_file, description, engine=engine, last=2)
    assert report.status is Status.DEADLOCK
    found = {(last.node, last.thread): [e.text for e in last.entries] for last in report.last}
    assert found == {
        ((0, 0), 0): ["thread.start x6, x7, x5, x0", "sem.wait 0"],
        ((0, 0), 1): ["addi x5, x5, 2", "sem.wait 0"],
    }


def test_threads_that_have_not_begun_are_left_out(tmp_path: Path, description: Description):
    text = DEADLOCK.replace("thread.start t1, t2, t0, x0", "nop").replace("sem.wait never", "nop")
    report = execute_run(made(tmp_path, text), description, last=2)
    assert report.status is Status.DONE
    assert [last.thread for last in report.last] == [0]


def test_workers_change_nothing(tmp_path: Path, description: Description):
    run_file = load_run_file(SAMPLES / "halo" / "run.toml")
    one, two = (
        execute_run(replace(run_file, workers=workers), description, last=50) for workers in (1, 2)
    )
    assert one.last == two.last


def test_the_json_has_them(tmp_path: Path, description: Description):
    run_file = replace(made(tmp_path, DEADLOCK), shows=(Show("t0", "i64"),))
    report = execute_run(run_file, description, last=2)
    other = json.loads(json.dumps(report.to_json()))["last_instructions"][1]
    assert (other["node"], other["thread"]) == ([0, 0], 1)
    first = other["instructions"][0]
    assert first["registers"] == {"x5": "i64 2"}
    assert (first["text"], first["line"]) == ("addi x5, x5, 2", 10)
    assert execute_run(run_file, description).to_json()["last_instructions"] == []


def test_code_that_is_written_over_is_shown_as_it_was(tmp_path: Path, description: Description):
    text = """
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
    for engine in ("native", "reference"):
        report = execute_run(made(tmp_path, text), description, engine=engine, last=100)
        texts = [entry.text for entry in report.last[0].entries if "x10" in entry.text]
        assert texts == [f"addi x10, x10, {number}" for number in (1, 2, 2, 2)]


@pytest.mark.parametrize("machine", ["node", "small"])
def test_code_that_is_timed_step_by_step_has_them(
    tmp_path: Path, description: Description, monkeypatch: pytest.MonkeyPatch, machine: str
):
    time_slowly(monkeypatch)
    steps: list[int] = []
    leave = native_thread.NativeThread.leave_record

    def counted(thread: NativeThread, pc: int, instruction: Instruction, wait: int) -> None:
        steps.append(pc)
        leave(thread, pc, instruction, wait)

    monkeypatch.setattr(native_thread.NativeThread, "leave_record", counted)
    run_file = replace(made(tmp_path, BRANCHES), machine=machine, instructions_max=3000)
    native, reference = (
        execute_run(run_file, description, engine=engine, last=3000)
        for engine in ("native", "reference")
    )
    assert native.last == reference.last
    assert len(steps) > 100
