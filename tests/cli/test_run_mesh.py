"""`dojo-run` on many nodes as a user meets it: options, exit codes, what is printed where."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dojo_tools.diagnostics import ExitCode

COMMAND = [
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'dojo-run'; from dojo_tools.cli.run import main; main()",
]
ROOT = Path(__file__).resolve().parents[2]

RING = """\
        .semaphore token
        .global _start
_start: ctl.read t0, node_x
        ctl.read t1, partition_width
        addi    t0, t0, 1
        rem     t0, t0, t1
        slli    t0, t0, 32
        li      t2, 0x1000000000000000
        or      t0, t0, t2
        sem.wait token
        sem.post.at t0, token
        halti   0
"""
TWO = """\
        .program {name}
        .place {x}, 0
        .global _start
_start: li      a0, {x}
        print.int a0
        halti   0
"""


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run `dojo-run`."""
    return subprocess.run([*COMMAND, *words], capture_output=True, encoding="utf-8", check=False)


def test_a_deadlock_is_told_as_text_json_and_graph() -> None:
    Path("ring.s").write_text(RING, encoding="utf-8")
    options = ["--machine", "small", "--grid", "3x1", "--at", "1,2", "--engine", "reference"]
    done = run("ring.s", *options, "--report", "r.json", "--deadlock-dot", "d.dot")
    assert done.returncode == ExitCode.DEADLOCK
    assert "ring.s:10:9: deadlock: 3 threads wait" in done.stderr
    assert "sem.wait token\n            ^^^^^^^^^^^^^^" in done.stderr
    assert "note: a circle of 2: node (0, 0) thread 0 waits for node (1, 0)" in done.stderr
    assert "status deadlock" in done.stdout
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert report["mesh"]["partition"] == {"at": [1, 2], "size": [3, 1]}
    assert len(report["mesh"]["deadlock"]["waiters"]) == 3
    assert Path("d.dot").read_text(encoding="utf-8").startswith("digraph deadlock {\n")


def test_a_deadlock_in_json_has_all_agents_and_ranges() -> None:
    Path("p.s").write_text(
        "        .barrier gate\n        .global _start\n"
        "_start: ctl.read t0, node_id\n        beqz t0, done\n        barrier.all gate\n"
        "done:   halti 0\n",
        encoding="utf-8",
    )
    done = run("p.s", "--machine", "small", "--grid", "2x2", "-q", "--diagnostics", "json")
    assert done.returncode == ExitCode.DEADLOCK, done.stderr
    found = json.loads(done.stderr)
    assert [agent["node"] for agent in found["agents"]] == [[1, 0], [0, 1], [1, 1]]
    ranges = {(at["column"], at["end_column"]) for at in [found, *found["notes"]]}
    assert ranges == {(9, 25)}
    waiters = found["deadlock"]["waiters"]
    assert [(waiter["wanted"], waiter["held"]) for waiter in waiters] == [(None, None)] * 3


def test_a_deadlock_says_with_which_code_the_missing_nodes_halted() -> None:
    Path("p.s").write_text(
        "        .barrier gate\n        .global _start\n"
        "_start: ctl.read t0, node_id\n        beqz t0, waits\n        halti 3\n"
        "waits:  barrier.all gate\n        halti 0\n",
        encoding="utf-8",
    )
    done = run("p.s", "--machine", "small", "--grid", "3x1", "-q")
    assert done.returncode == ExitCode.DEADLOCK
    assert "2 nodes: (1..2, 0), which have halted with code 3, not there" in done.stderr


def test_a_halt_with_a_code_has_its_cycle() -> None:
    Path("p.s").write_text(
        ".global _start\n_start: ctl.read t0, node_id\nbeqz t0, done\n"
        ".rept 200\nnop\n.endr\nhalti 0\ndone: halti 3\n",
        encoding="utf-8",
    )
    words = ["--machine", "small", "--grid", "2x1", "-q", "--diagnostics", "json"]
    done = run("p.s", *words, "--report", "r.json")
    assert done.returncode == ExitCode.CHECK_FAILED, done.stderr
    alone = run("p.s", "-q", "--diagnostics", "json")
    assert json.loads(done.stderr)["cycle"] == json.loads(alone.stderr)["cycle"]
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["cycles"] > 50


@pytest.mark.parametrize("machine", ["node", "small"])
def test_without_a_deadlock_the_graph_is_empty_whatever_was_there_before(machine: str) -> None:
    Path("p.s").write_text(".global _start\n_start: halti 0\n", encoding="utf-8")
    Path("d.dot").write_text("digraph deadlock { a0 -> a8; }", encoding="utf-8")
    done = run("p.s", "--engine", "reference", "--deadlock-dot", "d.dot", "--machine", machine)
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    assert Path("d.dot").read_text(encoding="utf-8") == "digraph deadlock {\n}\n"


def test_a_run_on_one_node_says_why_it_has_no_map() -> None:
    Path("p.s").write_text(".global _start\n_start: halti 0\n", encoding="utf-8")
    done = run("p.s", "--engine", "reference", "--heatmap")
    assert "no map of packets: the program ran on one node by itself\n" in done.stdout


def test_several_programs_print_with_cycle_node_and_thread() -> None:
    for name, x in (("a", 0), ("b", 1)):
        Path(f"{name}.s").write_text(TWO.format(name=name, x=x), encoding="utf-8")
    done = run("a.s", "b.s", "--machine", "small", "--engine", "reference", "--heatmap")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    lines = done.stdout.splitlines()
    assert [line.split(None, 1)[1] for line in lines[:2]] == [
        "node (0, 0) thread 0: 0",
        "node (1, 0) thread 0: 1",
    ]
    assert "nodes 2 in 2 x 1 at (0, 0) of small" in lines
    assert lines[-2:] == ["packets that left each node: 0 to 0, x where it can't be used", "...."]
    alone = run("a.s", "b.s")
    assert alone.returncode == ExitCode.INPUT
    assert "does not fit machine `node`" in alone.stderr


def test_a_grid_that_placed_programs_do_not_use_is_a_warning() -> None:
    Path("a.s").write_text(TWO.format(name="a", x=1), encoding="utf-8")
    options = ["--machine", "small", "--engine", "reference", "--grid"]
    done = run("a.s", *options, "3x3")
    assert done.returncode == ExitCode.DONE
    assert "warning: the grid of 3 x 3 nodes is not used" in done.stderr
    assert "make it 2 x 1 [unused-grid]" in done.stderr
    assert run("a.s", *options, "2x1").stderr == ""


def test_registers_and_dumps_of_nodes() -> None:
    Path("p.s").write_text(
        ".global _start\n_start: ctl.read a0, node_id\nla a1, x\nsd a0, [a1]\nhalti 0\n"
        ".data\n.balign 8\nx: .tensor i64, 1\n",
        encoding="utf-8",
    )
    options = ["--machine", "small", "--grid", "2x1", "--engine", "reference", "--registers"]
    done = run("p.s", *options, "--dump", "x@1,0=one.csv", "--dump", "x=zero.csv")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    assert "node (1, 0) thread 0\npc 0x" in done.stdout
    assert "x10 a0 0x1" in done.stdout
    assert Path("one.csv").read_text(encoding="utf-8") == "1\n"
    assert Path("zero.csv").read_text(encoding="utf-8") == "0\n"


@pytest.mark.parametrize(
    "words, message",
    [
        (["--grid", "4"], "is no pair such as 4x2"),
        (["--grid", "0x2"], "1..4096 fits"),
        (["--at", "1x2"], "is no pair such as 4,2"),
        (["--dump", "x@1=y.csv"], "is no pair"),
        (["--workers", "0"], "workers"),
    ],
)
def test_wrong_words_are_mistakes_of_usage(words: list[str], message: str) -> None:
    done = run("p.s", *words)
    assert done.returncode == ExitCode.USAGE
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_ir_of_each_program_is_written() -> None:
    for x, name in enumerate(("left", "right")):
        Path(f"{name}.s").write_text(TWO.format(name=name, x=x), encoding="utf-8")
    done = run("left.s", "right.s", "--machine", "small", "--dump-ir", "ir")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    names = {path.name for path in Path("ir").iterdir()}
    for name in ("left", "right"):
        first = f"{name}-{name}.s-_start-0x100.shape0.quick.ll"
        assert first in names
        text = (Path("ir") / first).read_text(encoding="utf-8")
        assert text.startswith(f"; {name}.s:4:9, address 0x100\n")
        assert "define i32 @region(" in text
    assert run("left.s", "right.s", "--machine", "small").stdout == done.stdout


SHARED = """
        .threads 3
        .share 0, 2, 2
        .share 1, 1, 4
        .share 2, 1, 4
        .global _start
_start: li      t1, 1
        la      t2, work
        thread.start t1, t2, t0, x0
        li      t1, 2
        thread.start t1, t2, t0, x0
work:   addi    t3, t0, 1
        addi    t4, t0, 2
        addi    t5, t0, 3
        halti   0
"""


def test_the_ir_of_threads_with_different_shares_is_kept_apart() -> None:
    Path("p.s").write_text(SHARED)
    done = run("p.s", "--dump-ir", "ir")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    files = [path for path in Path("ir").iterdir() if "-work-" in path.name]
    names = sorted(re.sub("0x[0-9a-f]+", "PC", path.name) for path in files)
    assert names == [f"p.s-work-PC.{who}.shape0.quick.ll" for who in ("thread0", "thread1_2")]
    assert len({path.read_text() for path in files}) == 2
    assert run("p.s", "--timing", "off", "--dump-ir", "untimed").returncode == ExitCode.DONE
    names = [path.name for path in Path("untimed").iterdir()]
    assert [name for name in names if "-work-" in name]
    assert not [name for name in names if "thread" in name]


def test_the_ir_of_the_procedures_is_written() -> None:
    Path("p.s").write_text(SHARED)
    texts: set[str] = set()
    for folder, engine in (("one", "native"), ("two", "both")):
        assert run("p.s", "--engine", engine, "--dump-ir", folder).returncode == ExitCode.DONE
        texts.add((Path(folder) / "mesh.procedures.ll").read_text())
    (text,) = texts
    for procedure in ("work", "arrange", "start_thread"):
        assert f"\ndefine i64 @{procedure}(" in text


def test_a_partition_that_begins_beyond_the_machine_is_refused() -> None:
    Path("ring.s").write_text(RING, encoding="utf-8")
    done = run("ring.s", "--machine", "small", "--at", "5,5")
    assert done.returncode == ExitCode.INPUT
    assert (
        "the partition begins at (5, 5), which is not on machine `small`: it is 4 x 4"
        in done.stderr
    )
