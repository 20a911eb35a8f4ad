"""Runs on many nodes: where they take place, tensors, arguments, ends, both engines."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.description import Description
from dojo_tools.diagnostics import ExitCode, InputError
from dojo_tools.machine import Machine
from dojo_tools.machine.mesh import Mesh
from dojo_tools.runs import Listener, RunReport, Status, execute_mesh, execute_run, load_run_file

# Each node doubles its block and adds `bias`; (0, 0) says what it got in a0.
KERNEL = """\
        .global _start
_start: la      t0, x
        la      t1, y
        li      t2, 8
        mask.firstn m1, t2
        vld     v0, [t0]
        vadd.f32 v0, v0, v0, m1
        vst     v0, [t1]
        ctl.read t3, node_id
        bnez    t3, quiet
        print.int a0
        li      t4, 10
        print.char t4
quiet:  la      t5, n
        sd      a0, [t5]
        halti   0
        .data
        .balign 64
x:      .tensor f32, 2, 4
        .balign 64
y:      .tensor f32, 2, 4
        .balign 64
n:      .dword 0
        .size n, 8
numbers: .tensor i64, 1
"""
SMALL = '[machine]\nname = "small"\n[grid]\nsize = [3, 2]\nat = [1, 1]\n'
BLOCKS = """
[[input]]
symbol = "x"
file = "x.npy"
blocks = [2, 3]
[[output]]
symbol = "y"
blocks = [2, 3]
save = "y.npy"
check = { expression = "2 * x" }
"""

Run = Callable[..., RunReport]


@pytest.fixture
def run(tmp_path: Path, description: Description) -> Run:
    """The call `run(text, ...)`: make the run of a source that the rest of a run file asks for."""
    np.save(tmp_path / "x.npy", np.arange(48.0).reshape(4, 12))

    def make(
        text: str,
        source: str = KERNEL,
        engine: str = "native",
        listener: Listener | None = None,
    ) -> RunReport:
        (tmp_path / "p.s").write_text(source, encoding="utf-8")
        path = tmp_path / "run.toml"
        path.write_text(f'[program]\nsources = ["p.s"]\n{text}', encoding="utf-8")
        return execute_run(load_run_file(path), description, listener, engine=engine)

    return make


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
def test_blocks_in_and_out(run: Run, tmp_path: Path, engine: str) -> None:
    report = run(SMALL + BLOCKS, engine=engine)
    assert (report.status, report.message) == (Status.DONE, None)
    assert np.load(tmp_path / "y.npy").tolist() == (2 * np.arange(48.0).reshape(4, 12)).tolist()
    assert len(report.mesh.program_of) == 6
    assert report.outputs[0].shape == (4, 12)
    json.dumps(report.to_json(), allow_nan=False)


def test_where_a_run_takes_place(run: Run) -> None:
    asking = ".global _start\n_start: thread.yield\nhalti 0\n"
    assert isinstance(run("").ran, Machine)
    assert isinstance(run("[grid]\nsize = [1, 1]\n").ran, Machine)
    assert isinstance(run("", asking).ran, Mesh)
    assert isinstance(run('[machine]\nname = "small"\n[grid]\nsize = [1, 1]\n').ran, Mesh)


def test_a_node_by_itself_is_a_partition_of_one(run: Run) -> None:
    counted = ".global _start\n_start: ctl.read a0, live_nodes\nctl.read a1, partition_width\n"
    alone = run("", counted + "halti 0\n").machine
    meshed = run("", counted + "thread.yield\nhalti 0\n").mesh.engine.thread(0)
    for name in ("a0", "a1"):
        assert alone.read_register(name) == meshed.read_register(name) == 1


def test_one_node_and_every_node(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.ones((2, 4)))
    np.save(tmp_path / "two.npy", 2 * np.ones((2, 4)))
    text = """
[[input]]
symbol = "x"
file = "one.npy"
[[input]]
symbol = "x"
name = "other"
file = "two.npy"
node = [1, 0]
[[output]]
symbol = "y"
name = "there"
node = [1, 0]
check = { expression = "2 * other" }
[[output]]
symbol = "y"
save = "y.npy"
"""
    report = run(SMALL + text)
    assert report.status is Status.DONE
    there, everywhere = report.outputs
    assert (there.passed, there.symbol) == (True, "there")
    assert not everywhere.is_uniform
    assert np.load(tmp_path / "y.npy").tolist() == (2 * np.ones((2, 4))).tolist()
    failed = run(SMALL + text + 'check = { file = "two.npy" }\n')
    assert failed.status is Status.CHECK_FAILED
    assert failed.outputs[1].node == (1, 0)
    assert "output y of node (1, 0)" in failed.outputs[1].lines()


def test_a_check_that_fails_on_many_nodes_tells_them_all(run: Run, tmp_path: Path) -> None:
    numbered = """\
        .global _start
_start: ctl.read t0, node_id
        la      t1, y
        sd      t0, [t1]
        halti   0
        .data
y:      .tensor i64, 1
"""
    output = '[[output]]\nsymbol = "y"\nsave = "y.npy"\ncheck = { expression = "0" }\n'
    report = run('[machine]\nname = "small"\n[grid]\nsize = [4, 4]\n' + output, numbered)
    (wrong,) = report.outputs
    assert len(wrong.wrong_nodes) == 15
    assert (0, 0) not in wrong.wrong_nodes
    assert wrong.lines()[:3] == [
        "output y of 15 nodes: (1..3, 0), (0..3, 1..3)",
        "saved y.npy, the values of node (0, 0)".replace("y.npy", str(tmp_path / "y.npy")),
        "largest error 15 at [0] on node (3, 3)",
    ]
    assert np.load(tmp_path / "y.npy").tolist() == [0]
    (failure,) = report.failures
    assert failure.event is not None
    assert failure.event.nodes == wrong.wrong_nodes
    assert "of 15 nodes: (1..3, 0), (0..3, 1..3): 0 of 1 elements match" in failure.message
    assert not any("saved" in note.message for note in failure.notes)
    at_one = run(
        '[machine]\nname = "small"\n[grid]\nsize = [4, 4]\n' + output + "node = [3, 2]\n", numbered
    )
    assert at_one.outputs[0].node == (3, 2)
    assert at_one.failures[0].event is not None
    assert at_one.failures[0].event.nodes == ((3, 2),)


@pytest.mark.parametrize(
    "text, found",
    [
        ("a0 = 7\n", [7] * 6),
        ('a0 = { expression = "x + y * width" }\n', [0, 1, 2, 3, 4, 5]),
        ('a0 = { file = "a.npy" }\n', [9, 8, 7, 6, 5, 4]),
    ],
)
def test_arguments_of_nodes(run: Run, tmp_path: Path, text: str, found: list[int]) -> None:
    np.save(tmp_path / "a.npy", np.arange(9, 3, -1).reshape(2, 3))
    wish = (
        '[[output]]\nsymbol = "n"\nelement = "i64"\nshape = [1]\nblocks = [2, 3]\nsave = "n.npy"\n'
    )
    report = run(f"{SMALL}[arguments]\n{text}{wish}")
    assert np.load(tmp_path / "n.npy").tolist() == found
    assert [line.text for line in report.lines] == [str(found[0])]
    assert "node (0, 0) thread 0: " in report.printed


def test_dip_memory(run: Run, tmp_path: Path) -> None:
    text = '[machine]\nname = "d1"\n[grid]\nsize = [1, 1]\n'
    wish = 'dip = 1\noffset = 4096\nelement = "f32"\nshape = [4, 12]\n'
    report = run(
        f'{text}[[input]]\n{wish}name = "w"\nfile = "x.npy"\n'
        f'[[output]]\n{wish}name = "o"\nsave = "o.npy"\ncheck = {{ expression = "w" }}\n'
    )
    assert report.status is Status.DONE
    assert np.load(tmp_path / "o.npy").shape == (4, 12)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[grid]\nsize = [0, 1]\n", "`size` holds an integer (0); 1..4096 fits"),
        ("[grid]\nsiz = [1, 1]\n", "unknown key `siz`"),
        ("[grid]\nsize = [2, 1]\n", "does not fit machine `node`"),
        (SMALL + '[[input]]\nsymbol = "x"\nfile = "x.npy"\nblocks = [2, 2]\n', "1 or 3 fits"),
        (SMALL + '[[input]]\nsymbol = "x"\nfile = "x.npy"\nblocks = "all"\n', '"live" fits'),
        (SMALL + '[[input]]\nsymbol = "x"\nfile = "x.npy"\nnode = [3, 0]\n', "3 x 2"),
        (
            SMALL + '[[input]]\nsymbol = "x"\nfile = "x.npy"\nnode = [0]\n',
            "`node` has 1 numbers; two fit",
        ),
        (SMALL + '[[input]]\nsymbol = "x"\nfile = "x.npy"\noffset = 3\n', "`offset` needs `dip`"),
        (SMALL + '[[input]]\nfile = "x.npy"\ndip = 0\n', "has no type of its own"),
        (
            SMALL + '[[input]]\nfile = "x.npy"\ndip = 0\nelement = "f32"\nshape = [4, 12]\n',
            "`small` has no DIP cards",
        ),
        (SMALL + '[[input]]\nsymbol = "x"\nfile = "x.npy"\n', "(4, 12)"),
        (SMALL + '[arguments]\na0 = { expression = "x + z" }\n', "`z`"),
        (SMALL + '[arguments]\na0 = { expression = "x / 2" }\n', "an integer fits"),
        (SMALL + '[arguments]\na0 = { file = "x.npy" }\n', "3 x 2 nodes"),
        (SMALL + "[arguments]\na0 = { files = 3 }\n", "either `file` or `expression`"),
        ('[[input]]\nsymbol = "x"\nfile = "x.npy"\nnode = [1, 0]\n', "runs on one node"),
        ('[[input]]\nsymbol = "x"\nfile = "x.npy"\nblocks = [2, 2]\n', "runs on one node"),
    ],
)
def test_wrong_run_files_are_told_where(run: Run, text: str, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(text)
    assert any(message in found.message for found in refusal.value.diagnostics), refusal.value


HEAD = "        .semaphore s\n        .global _start\n_start: ctl.read t0, node_id\n"
ENDS = {
    "codes": (
        "halt t0\n",
        Status.HALT_CODE,
        "5 nodes: (1..2, 0), (0..2, 1): thread 0 of each halted with codes 1..5",
    ),
    "fault": (
        "li t1, 5\nsub t1, t1, t0\nbnez t1, w\ntrap 3\nw: sem.wait s\nhalti 0\n",
        Status.FAULT,
        "fault: node (2, 1) thread 0: trap 3",
    ),
    "request": (
        "li t1, 3\nslli t1, t1, 60\nsem.post.at t1, s\nhalti 0\n",
        Status.FAULT,
        "node (0, 0) thread 0: 0x3000000000000000 is not a global address",
    ),
    "deadlock": ("sem.wait s\nhalti 0\n", Status.DEADLOCK, "for semaphore `s`: wants 1"),
    "limit": (
        "bnez t0, w\non: jump on\nw: sem.wait s\nhalti 0\n",
        Status.LIMIT,
        "limit: node (0, 0) thread 0: 500 instructions executed",
    ),
}


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
@pytest.mark.parametrize("name", ENDS)
def test_how_runs_end(run: Run, name: str, engine: str) -> None:
    text, status, message = ENDS[name]
    report = run(f"{SMALL}[limits]\ninstructions = 500\n", HEAD + text, engine=engine)
    assert report.status is status, report.message
    assert report.message is not None
    assert message in report.message
    if name != "codes":
        assert report.message.startswith(str(Path(report.name).parent / "p.s"))
    if name == "limit":
        assert "5 nodes: (1..2, 0), (0..2, 1): thread 0 of each waits since" in report.message
    if name == "deadlock":
        assert report.exit_code is ExitCode.DEADLOCK
        assert report.to_json()["mesh"]["deadlock"]["waiters"]


def test_posts_that_nobody_waited_for_are_warned_of(run: Run) -> None:
    report = run(SMALL, HEAD + "bnez t0, out\nsem.post s\nout: halti 0\n")
    (warning,) = report.warnings
    assert "semaphore `s` of node (0, 0) holds 1 at the end" in warning.message
    assert warning.name == "left-over-posts"


def test_cut_off_nodes_are_warned_of(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cut.toml").write_text(
        'base = "small"\n[grid]\nwidth = 5\nheight = 5\ndead = [[1, 1], [2, 2]]\n'
    )
    report = run('[machine]\nfile = "cut.toml"\n')
    assert any("2 live nodes are cut off" in found.message for found in report.warnings)
    assert len(report.mesh.program_of) == 21


TALK = """\
        .global _start
_start: ctl.read s0, node_id
        li      s1, 30
        li      s2, 10
again:  print.int s0
        print.char s2
        addi    t0, s0, 1
wait:   loop.next t0, wait
        thread.yield
        loop.next s1, again
        halti   0
"""


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_lines_come_in_order_however_often_a_run_pauses(
    run: Run, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    whole = run(SMALL, TALK, engine=engine)
    monkeypatch.setattr("dojo_tools.runs.execute_mesh.SLICE_SECONDS", 0.0)
    monkeypatch.setattr(f"dojo_tools.engines.{engine}.mesh.BUDGET", 7)
    pieces = run(f"{SMALL}[limits]\ncycles = {whole.cycles}\n", TALK, engine=engine)
    assert (pieces.status, pieces.cycles) == (Status.DONE, whole.cycles)
    assert pieces.lines == whole.lines
    assert len(whole.lines) == 180
    keys = [(line.cycle, line.node, line.thread) for line in whole.lines]
    assert keys == sorted(keys)


def test_an_interrupted_run_is_reported(run: Run) -> None:
    def interrupt(retired: int) -> None:
        if retired > 1000:
            raise KeyboardInterrupt

    text = HEAD + "bnez t0, on\nsem.wait s\non: thread.yield\njump on\n"
    report = run(SMALL, text, listener=Listener(progressed=interrupt))
    assert report.exit_code is ExitCode.INTERRUPTED
    assert report.message is not None
    first = report.message.splitlines()[0]
    assert first.startswith(str(Path(report.name).parent / "p.s"))
    assert f": interrupted after {report.retired} instructions, " in first
    assert ": node (1, 0) thread 0 is here (pc 0x" in first
    assert first.endswith("), threads that wait: 1")
    json.dumps(report.to_json())


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
def test_a_budget_of_cycles_changes_nothing_for_runs_within(run: Run, engine: str) -> None:
    free = run(SMALL, TALK, engine=engine)
    exact = run(f"{SMALL}[limits]\ncycles = {free.cycles}\n", TALK, engine=engine)
    assert (exact.status, exact.cycles, exact.lines) == (Status.DONE, free.cycles, free.lines)
    over = run(f"{SMALL}[limits]\ncycles = {free.cycles - 1}\n", TALK, engine=engine)
    assert (over.status, over.exit_code) == (Status.OVER_BUDGET, ExitCode.CHECK_FAILED)


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
@pytest.mark.parametrize("work", ["", "thread.yield"])
def test_a_run_past_its_budget_is_stopped(run: Run, engine: str, work: str) -> None:
    text = f".global _start\n_start: {work}\njump _start\n"
    report = run(f"{SMALL}[limits]\ncycles = 5000\n", text, engine=engine)
    assert (report.status, report.exit_code) == (Status.OVER_BUDGET, ExitCode.CHECK_FAILED)
    assert report.message is not None
    assert "`limits.cycles` is 5000" in report.message
    alone = run(f"{SMALL}[limits]\ncycles = 5000\n", text)
    assert (report.cycles, report.retired) == (alone.cycles, alone.retired)
    assert 5000 < report.cycles < 6000


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
def test_a_fault_within_the_budget_is_one(run: Run, engine: str) -> None:
    text = (
        ".global _start\n_start: ctl.read t0, node_id\nbnez t0, on\n"
        "li t1, 100\nwait: loop.next t1, wait\nli t2, -8\nld t3, [t2]\non: jump on\n"
    )
    report = run(f"{SMALL}[limits]\ncycles = 500\n", text, engine=engine)
    assert report.status is Status.FAULT


def test_lines_that_are_kept_are_no_longer_in_all_than_printed_text(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ".global _start\n_start: li t0, 65\nprint.char t0\nli t0, 10\nprint.char t0\nhalti 0\n"
    monkeypatch.setattr(execute_mesh, "PRINTED_MAX", 2)
    report = run(SMALL, text)
    assert [line.text for line in report.lines] == ["A", "A"]
    assert report.is_printed_cut
