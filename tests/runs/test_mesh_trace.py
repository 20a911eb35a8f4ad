"""The trace of many nodes: who did what in which cycle, in order, with the answers of requests."""

from dataclasses import replace
from pathlib import Path

import pytest

from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError
from dojo_tools.machine import TraceEntry, mesh_trace
from dojo_tools.runs import Listener, RunFile, RunReport, Status, execute_run, load_run_file
from dojo_tools.runs.model import Grid, Show

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TWO_DIES = """\
base = "node"
[grid]
width = 4
height = 2
die_width = 2
die_height = 2
provenance = "chosen: two dies"
"""
# The second thread of each node posts what the first one waits for and takes.
PROGRAM = """\
        .threads 2
        .semaphore token
        .global _start
_start: ctl.read t0, node_x
        li      t1, 1
        la      t2, other
        thread.start t1, t2, t0, x0
        sem.tryi a1, token, 1
        sem.wait token
        sem.tryi a1, token, 1
        print.int a1
        li      a0, 10
        print.char a0
        halti   0
other:  li      a3, 2
        la      t2, box
        sd      a3, [t2]
        sem.post token, a3
        halti   0
        .bss
        .balign 8
box:    .space  8
"""


def traced(run_file: RunFile, description: Description) -> tuple[RunReport, list[TraceEntry]]:
    """Make a run; return what came of it and its trace."""
    entries: list[TraceEntry] = []
    report = execute_run(run_file, description, Listener(traced=entries.append))
    return report, entries


@pytest.fixture
def run_file(tmp_path: Path) -> RunFile:
    source = tmp_path / "two.s"
    source.write_text(PROGRAM)
    (tmp_path / "dies.toml").write_text(TWO_DIES)
    return RunFile("two", (source,), machine=str(tmp_path / "dies.toml"), workers=2)


def test_entries_come_in_the_order_of_cycle_node_and_thread(
    run_file: RunFile, description: Description
):
    plain = execute_run(run_file, description, engine="reference")
    report, entries = traced(run_file, description)
    assert report.status is Status.DONE
    assert (report.cycles, report.retired, report.lines) == (
        plain.cycles,
        plain.retired,
        plain.lines,
    )
    assert len(entries) == report.retired
    names = [f"node ({x}, {y}) thread {t}" for y in range(2) for x in range(4) for t in range(2)]
    keys = [(entry.cycle, names.index(entry.who)) for entry in entries]
    assert keys == sorted(keys)
    assert {entry.who for entry in entries} == set(names)


def test_answers_and_stores_stand_with_their_instruction(
    run_file: RunFile, description: Description
):
    _, entries = traced(run_file, description)
    first = [entry for entry in entries if entry.who == "node (1, 1) thread 0"]
    answers = [
        (change.place, change.before, change.after)
        for entry in first
        if entry.line is not None and entry.line.line in (8, 10)
        for change in entry.changes
    ]
    assert answers == [("x11", "0x0", "0x0"), ("x11", "0x0", "0x1")]
    second = [entry for entry in entries if entry.who == "node (1, 1) thread 1"]
    stored = [change for entry in second for change in entry.changes if "mem" in change.place]
    assert [change.after for change in stored] == ["0x2"]


def test_what_was_printed_comes_behind_its_instruction(run_file: RunFile, description: Description):
    events: list[str] = []
    listener = Listener(
        printed=events.append, traced=lambda entry: events.append(f"{entry.who} {entry.text}")
    )
    execute_run(run_file, description, listener)
    printed = [index for index, event in enumerate(events) if event.endswith(": 1\n")]
    assert len(printed) == 8
    for index in printed:
        who = events[index].split(":")[0].strip().split(" ", 1)[1]
        assert events[index - 1] == f"{who} print.char x10"


def test_registers_are_shown_as_asked(run_file: RunFile, description: Description):
    _, entries = traced(replace(run_file, shows=(Show("a3", "i64"),)), description)
    texts = {change.after for entry in entries for change in entry.changes}
    assert "i64 2" in texts


def test_a_sample_is_traced_whole(description: Description):
    run_file = load_run_file(SAMPLES / "batchnorm" / "run.toml")
    report, entries = traced(run_file, description)
    assert report.status is Status.DONE
    assert len(entries) == report.retired


def test_a_fault_is_the_last_of_its_thread(
    run_file: RunFile, description: Description, tmp_path: Path
):
    (tmp_path / "trap.s").write_text(PROGRAM.replace("print.int a1", "trap 7"))
    where = Grid((1, 1), (1, 1))
    report, entries = traced(
        replace(run_file, program=(tmp_path / "trap.s",), grid=where), description
    )
    assert report.status is Status.FAULT
    last = [entry for entry in entries if entry.who == "node (0, 0) thread 0"][-1]
    assert (last.text, last.changes) == ("trap 7", ())
    assert last.stop is not None


def test_a_thread_too_far_ahead_is_refused(
    run_file: RunFile, description: Description, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mesh_trace, "WAITING_MAX", 20)
    with pytest.raises(InputError, match=r"node .* thread . is so far ahead"):
        traced(run_file, description)


def test_the_native_engine_is_not_traced(run_file: RunFile, description: Description):
    with pytest.raises(InputError, match="a trace needs the reference engine"):
        execute_run(run_file, description, Listener(traced=lambda _: None), engine="native")
