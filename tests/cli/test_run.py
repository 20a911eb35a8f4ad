"""`dojo-run` as a user meets it: what is printed where, options, exit codes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import ExitCode, read_source
from dojo_tools.machine import load_program
from dojo_tools.objects import save_image, save_object

COMMAND = [
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'dojo-run'; from dojo_tools.cli.run import main; main()",
]
ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run `dojo-run`."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, encoding="utf-8", check=False
    )


def program(text: str) -> Path:
    """Write a source that starts with this text."""
    path = Path("p.s")
    path.write_text(f"        .global _start\n_start:\n{text}\n", encoding="utf-8")
    return path


def test_the_digits() -> None:
    done = run(SAMPLES / "digits" / "run.toml")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "status done"
    assert lines[1].startswith("instructions ")
    assert lines[-2:] == ["accuracy 0.9911 (1781 of 1797)", "1797 of 1797 rows match"]


@pytest.mark.parametrize("sample", ["saxpy", "dot"])
def test_samples_with_run_files(sample: str) -> None:
    done = run(SAMPLES / sample / "run.toml", "--report", "r.json")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    assert ", seed 1" in done.stdout
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert all(output["passed"] for output in report["outputs"])


def test_what_the_program_prints_comes_first_and_alone_when_quiet() -> None:
    hello = SAMPLES / "hello" / "hello.s"
    done = run(hello)
    assert done.stdout.startswith("Hello from a D1 node.\nstatus done\ninstructions 4\n")
    assert run(hello, "--quiet").stdout == "Hello from a D1 node.\n"


def test_text_without_a_line_end_does_not_swallow_the_summary() -> None:
    done = run(program("li a0, 0x2603\nprint.char a0\nhalti 0"))
    assert done.stdout.startswith("☃\nstatus done\n")


def test_cycles_are_counted_and_said_what_they_went_to() -> None:
    source = program("mul a0, a1, a2\naddi a0, a0, 1\nhalti 0")
    done = run(source, "--report", "r.json")
    assert done.stdout == (
        "status done\ninstructions 3\ncycles 5\ncauses issued 60.0%, operand wait 40.0%\n"
    )
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert report["cycles"] == sum(report["cycles_by_cause"].values()) == 5
    assert report["cycles_by_cause"]["operand wait"] == 2


def test_timing_off_takes_a_cycle_an_instruction() -> None:
    source = program("mul a0, a1, a2\naddi a0, a0, 1\nhalti 0")
    done = run(source, "--timing", "off", "--print-trace")
    cycles = [line.split()[0] for line in done.stdout.splitlines()[:3]]
    assert cycles == ["0", "1", "2"]
    assert done.stdout.endswith("status done\ninstructions 3\ncycles 3\n")
    assert run(source, "--timing", "of").returncode == ExitCode.USAGE


def test_objects_and_images_run_like_sources() -> None:
    description = load_description()
    source = program("li a0, 42\nprint.int a0\nhalti 0")
    save_object(Path("p.o"), assemble(read_source(source), description).object)
    save_image(Path("p.elf"), load_program([source], description))
    for name in ("p.s", "p.o", "p.elf"):
        assert run(name, "-q").stdout == "42\n"


def test_registers_and_arguments() -> None:
    source = program(
        "add a1, a0, a0\nmask.firstni m1, 3\nvli.f32 v2, 1.5\nhalti 0\n"
        "        .data\nn: .tensor f32, 1"
    )
    done = run(source, "--registers", "--arg", "a0=0x10", "--arg", "n=2.5", "--dump", "n=n.npy")
    lines = done.stdout.splitlines()
    assert "x10 a0 0x10" in lines
    assert "x11 a1 0x20" in lines
    assert "m1 0x7" in lines
    assert "v2[8..15] " + " ".join(["3fc00000"] * 8) + " = " + " ".join(["1.5"] * 8) in lines
    assert not any(line.startswith("v3") for line in lines)
    assert np.load("n.npy").tolist() == [2.5]


WALK = """        li a0, 0x13fff0
1:      ld a1, [a0], 8
        addi t0, t0, 2
        jump 1b"""


@pytest.mark.parametrize("engine", ["native", "reference", "both"])
def test_the_last_instructions_come_with_the_report(engine: str) -> None:
    words = ("--trace-last", "3", "--engine", engine, "--show-as", "t0=i64")
    done = run(program(WALK), *words)
    assert done.returncode == ExitCode.GUEST_FAULT
    lines = done.stdout.splitlines()
    start = lines.index("last 3 instructions")
    shown = [" ".join(line.split()[1:]) for line in lines[start + 1 :]]
    assert shown == [
        "0x000108 ld x11, [x10], 8 p.s:4 x10 = 0x140000, x11 = 0x0",
        "0x00010c addi x5, x5, 2 p.s:5 x5 = i64 4",
        "0x000110 jump . - 8 p.s:6",
    ]
    assert "p.s:4:9: fault: load of 8 bytes at 0x140000" in done.stderr
    quiet = run("p.s", *words, "-q").stdout.splitlines()
    assert quiet == lines[start:]
    single = run("p.s", "--trace-last", "1", "-q").stdout.splitlines()
    assert single == ["last instruction", lines[-1].replace("i64 4", "0x4")]


def test_the_last_instructions_of_threads_name_them() -> None:
    source = program("li a0, 3\nsem.wait 5\nhalti 0")
    done = run(
        source, "--machine", "small", "--grid", "2x1", "--trace-last", "100", "--report", "r"
    )
    assert done.returncode == ExitCode.DEADLOCK
    heads = [line for line in done.stdout.splitlines() if line.startswith("last ")]
    assert heads == [f"last 2 instructions of node ({x}, 0) thread 0" for x in (0, 1)]
    report = json.loads(Path("r").read_text())
    assert [
        (last["node"], [entry["text"] for entry in last["instructions"]])
        for last in report["last_instructions"]
    ] == [([x, 0], ["movi x10, 3", "sem.wait 5"]) for x in (0, 1)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trace-last", "0"), "trace-last"),
        (("--trace-last", "10001"), "trace-last"),
        (("--trace-last", "3", "--print-trace"), "take one"),
        (("--print-trace", "--engine", "native"), "`--trace-last` takes any"),
    ],
)
def test_traces_that_can_not_be_had(words: tuple[str, ...], message: str) -> None:
    done = run(program("halti 0"), *words)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert message in done.stderr


def test_the_trace_shows_line_and_change() -> None:
    done = run(program("        li a0, 3\n        print.int a0\n        halti 0"), "--print-trace")
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        "0",
        "0x000100",
        "movi",
        "x10,",
        "3",
        "p.s:3",
        "x10:",
        "0x0",
        "->",
        "0x3",
    ]
    assert lines[1].split()[:2] == ["1", "0x000104"]
    assert lines[2] == "3"
    assert lines[3].split()[:2] == ["2", "0x000108"]


@pytest.mark.parametrize(
    "text, code, message",
    [
        ("        halti 7", ExitCode.CHECK_FAILED, "error: the program halted with code 7"),
        ("        lw a0, [zero]", ExitCode.GUEST_FAULT, "p.s:3:9: fault: load of 4 bytes at 0x0"),
        ("        .word 0", ExitCode.GUEST_FAULT, "fault: illegal instruction word 0x00000000"),
        ("1:      jump 1b", ExitCode.LIMIT, "p.s:3:9: limit: 1000 instructions executed"),
        ("        lw a0, [a1 + ]", ExitCode.INPUT, "p.s:3:"),
    ],
)
def test_bad_ends(text: str, code: ExitCode, message: str) -> None:
    done = run(program(text), "--max-instructions", "1000", "--report", "r.json")
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    if code is not ExitCode.INPUT:
        assert json.loads(Path("r.json").read_text(encoding="utf-8"))["exit_code"] == code


def test_a_failed_check_says_where() -> None:
    program("halti 0\n.data\nx: .tensor i32, 3")
    text = '[program]\nsources = ["p.s"]\n[[output]]\nsymbol = "x"\ncheck = { expression = "1" }\n'
    Path("run.toml").write_text(text, encoding="utf-8")
    done = run("run.toml", "--quiet")
    assert done.returncode == ExitCode.CHECK_FAILED
    assert done.stdout == ""
    assert "[0] found 0, expected 1, difference 1" in done.stderr
    assert done.stderr.endswith("0 of 3 elements match\nerror: 1 of 1 outputs are wrong: x\n")


OWN_INSTRUCTION = """title "Own"
provenance chosen "a test"

instruction own.next xd, xa
    "One more."
    encoding R op=user0 b=0 func11=0
    timing alu latency=1
    example xa = 1 -> xd = 2
    { xd = xa + 1 }
"""


def test_options_win_over_what_a_run_file_says() -> None:
    program("li a0, 64\nown.next a0, a0\nprint.char a0\nhalti 0")
    Path("own.isa").write_text(OWN_INSTRUCTION, encoding="utf-8")
    Path("run.toml").write_text(
        'program = { sources = ["p.s"], isa = ["own.isa"] }\n'
        'run = { engine = "reference", timing = "off", workers = 2 }\n',
        encoding="utf-8",
    )
    done = run("run.toml")
    assert done.stdout.startswith("A\nstatus done\ninstructions 4\ncycles 4\n")
    assert "causes" not in done.stdout
    timed = run("run.toml", "--timing", "on", "--engine", "both", "--workers", "1")
    assert timed.returncode == ExitCode.DONE
    assert "causes issued" in timed.stdout
    refused = run("run.toml", "--dump-ir", "ir")
    assert refused.returncode == ExitCode.USAGE
    assert "add `--engine native`" in refused.stderr
    assert run("run.toml", "--dump-ir", "ir", "--engine", "native").returncode == ExitCode.DONE
    assert any(Path("ir").iterdir())


def test_mistakes_of_all_files_are_told_at_once() -> None:
    program("li a0, 64\nhalti 0\nx: .tensor f32, 4")
    Path("own.toml").write_text('base = "node"\nclock = 1\n', encoding="utf-8")
    text = 'program = { sources = ["p.s"] }\nmachine = { file = "own.toml" }\nlimit = {}\n'
    Path("run.toml").write_text(text, encoding="utf-8")
    done = run("run.toml")
    assert done.returncode == ExitCode.INPUT
    assert "run.toml:3:1: error: unknown key `limit`" in done.stderr
    assert "own.toml:2:1: error: unknown key `clock`" in done.stderr
    text = 'program = { sources = ["p.s"] }\nlimits = { cycles = "9" }\n[[output]]\nsymbol = "X"\n'
    Path("run.toml").write_text(f'{text}check = {{ expression = "1" }}\n', encoding="utf-8")
    done = run("run.toml")
    assert done.returncode == ExitCode.INPUT
    places = [line.partition(": error")[0] for line in done.stderr.splitlines() if ": err" in line]
    assert places == ["run.toml:2:21", "run.toml:4:10"]


@pytest.mark.parametrize(
    "words, code",
    [
        ([], ExitCode.USAGE),
        (["p.s", "--engine", "quantum"], ExitCode.USAGE),
        (["p.s", "--arg", "a0"], ExitCode.USAGE),
        (["p.s", "--dump", "x=x.txt"], ExitCode.USAGE),
        (["p.s", "--max-instructions", "0"], ExitCode.USAGE),
        (["p.s", "--max-instructions", str((1 << 62) + 1)], ExitCode.USAGE),
        (["p.s", "run.toml"], ExitCode.USAGE),
        (["p.s", "--examples"], ExitCode.USAGE),
        (["p.s", "--arg", "qq=1"], ExitCode.INPUT),
        (["p.s", "--dump", "qq=x.npy"], ExitCode.INPUT),
        (["absent.s"], ExitCode.IO),
        (["absent.toml"], ExitCode.IO),
        (["p.s", "--report", "absent/r.json"], ExitCode.IO),
        (["--version"], ExitCode.DONE),
    ],
)
def test_exit_codes(words: list[str], code: ExitCode) -> None:
    program("halti 0")
    done = run(*words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["--report", "absent/r.json"], "absent/r.json: No such file or directory"),
        (["--report", "."], ".: Is a directory"),
        (["--deadlock-dot", "absent/d.dot"], "absent/d.dot: No such file or directory"),
        (["--dump", "x=absent/x.npy"], "absent/x.npy: No such file or directory"),
    ],
)
def test_files_that_cannot_be_written_are_found_before_the_run(
    words: list[str], message: str
) -> None:
    done = run(program("li a0, 65\nprint.char a0\nhalti 3\n.data\nx: .tensor i64, 1"), *words)
    assert (done.returncode, done.stdout) == (ExitCode.IO, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--dump", "x=d.npy", "--dump", "y@0,0=d.npy"],
            "`--dump x` and `--dump y@0,0` would both",
        ),
        (["--dump", "x=d.npy", "--report", "./d.npy"], "`--report` and `--dump x` would both"),
        (["--report", "r", "--deadlock-dot", "r"], "`--report` and `--deadlock-dot` would both"),
        (
            ["--diagnostics-file", "r", "--report", "r"],
            "`--report` and `--diagnostics-file` would both",
        ),
    ],
)
def test_outputs_that_would_overwrite_each_other_are_refused(
    words: list[str], message: str
) -> None:
    source = program("halti 0\n.data\nx: .tensor i64, 1\ny: .tensor i64, 1")
    done = run(source, *words)
    assert done.returncode == ExitCode.USAGE
    assert message in " ".join(done.stderr.split())
    assert list(Path().iterdir()) == [source]


def test_one_device_takes_several_outputs() -> None:
    done = run(program("halti 0"), "--report", "/dev/null", "--deadlock-dot", "/dev/null")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")


def test_the_worked_examples() -> None:
    done = run("--examples")
    assert done.returncode == ExitCode.DONE
    held, of, total, *_ = done.stdout.split()
    assert (of, held) == ("of", total)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--examples", "--machine", "small"], "--machine"),
        (["--examples", "--workers", "2", "--engine", "both"], "--workers"),
        (["--examples", "--trace-last", "5"], "--trace-last"),
        (["--examples", "--fidelity"], "--fidelity"),
        (["--fidelity", "--quiet"], "--quiet"),
    ],
)
def test_options_that_do_nothing_without_a_program_are_refused(
    words: list[str], option: str
) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert f"`{words[0]}` takes no `{option}`" in done.stderr


@pytest.mark.parametrize(
    ("engine", "words"), [("both", ["--print-trace"]), ("reference", ["--dump-ir", "ir"])]
)
def test_an_engine_of_the_run_file_that_an_option_excludes(engine: str, words: list[str]) -> None:
    source = program("halti 0")
    Path("run.toml").write_text(
        f'[program]\nsources = ["{source}"]\n[run]\nengine = "{engine}"\n', encoding="utf-8"
    )
    refused = run("run.toml", *words)
    assert refused.returncode == ExitCode.USAGE
    assert f"`{words[0]}` needs the" in refused.stderr


def test_the_published_figures() -> None:
    done = run("--fidelity")
    assert done.returncode == ExitCode.DONE, done.stdout
    figures = [line for line in done.stdout.splitlines() if ".s " in line]
    assert len(figures) >= 13
    refused = run("--fidelity", "hello.s")
    assert refused.returncode == ExitCode.USAGE
    assert "takes no FILE" in refused.stderr


def test_a_wrong_example_is_named() -> None:
    Path("my.isa").write_text(
        'title "Mine"\nprovenance chosen "a test"\n\n'
        "instruction vabd.i32 vd, va, vb\n"
        '    "Absolute difference."\n'
        "    encoding V op=user0 func4=0 type=i32 p=0\n"
        "    timing simd latency=4\n"
        "    example va.i32 = 2, vb.i32 = 5 -> vd.i32 = 4\n"
        "    { vd.i32 = abs(va.i32 - vb.i32) }\n",
        encoding="utf-8",
    )
    Path("mine").mkdir()
    Path("my.isa").rename("mine/my.isa")
    words = ["--examples", "--isa", "mine/my.isa"]
    done = run(*words)
    assert done.returncode == ExitCode.CHECK_FAILED
    assert done.stdout.startswith(
        "my.isa:8: vabd.i32: va.i32 = 2, vb.i32 = 5 -> vd.i32 = 4\n"
        "  vd.i32 lanes 0..15: found 3, expected 4\n"
    )
    told = run(*words, "--engine", "reference", "--diagnostics", "json").stderr
    (found,) = map(json.loads, told.splitlines())
    assert (found["name"], found["file"], found["line"]) == ("wrong-example", "mine/my.isa", 8)
    assert found["notes"] == [{"message": "vd.i32 lanes 0..15: found 3, expected 4"}]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Ctrl-C to send")
def test_ctrl_c() -> None:
    source = program("        li a0, 7\n        print.int a0\n1:      jump 1b")
    running = subprocess.Popen(
        [*COMMAND, str(source), "--max-instructions", str(10**17)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout is not None
    assert running.stdout.read(1) == "7"
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == ExitCode.INTERRUPTED
    assert "p.s:5:9: interrupted after " in errors


def test_help_loads_nothing_slow() -> None:
    program = (
        "import sys, dojo_tools.cli.run\n"
        "print(*(m for m in ('numpy', 'rich', 'lark', 'llvmlite') if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


NOT_LOADED = (
    "rich",
    "textual",
    "dojo_tools.engines.reference",
    "dojo_tools.disassembler",
    "dojo_tools.machine.mesh",
    "dojo_tools.machine.topology",
    "dojo_tools.runs.execute_mesh",
)
ONLY_FOR_SOURCES = ("numpy", "lark", "dojo_tools.assembler", "dojo_tools.linker")


@pytest.mark.parametrize(
    "is_image, unused", [(True, NOT_LOADED + ONLY_FOR_SOURCES), (False, NOT_LOADED)]
)
def test_a_run_without_tensors_loads_only_what_it_needs(is_image: bool, unused: tuple[str, ...]):
    path = SAMPLES / "hello" / "hello.s"
    if is_image:
        image = load_program([path], load_description())
        path = Path("hello")
        save_image(path, image)
    text = (
        "import sys\nfrom dojo_tools.cli.run import main\n"
        f"try: main()\nfinally: print(*(m for m in {unused} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, "-q", str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "Hello from a D1 node.\n\n"


def test_what_a_program_prints_can_not_steer_a_terminal() -> None:
    path = program(
        "        la a0, text\n        li a1, 8\n        print.text a0, a1\n        halti 0\n"
        '        .data\ntext:   .ascii "\\x1b[31mhi\\n"'
    )
    assert run("-q", path).stdout == "\x1b[31mhi\n"
    ours, theirs = pty.openpty()
    subprocess.run([*COMMAND, "-q", str(path)], stdout=theirs, check=True)
    os.close(theirs)
    assert os.read(ours, 100) == b"\\u{1b}[31mhi\r\n"
    os.close(ours)


def test_registers_are_shown_as_values() -> None:
    source = program("li a0, -2\nvli.f32 v1, 0.5\nhalti 0")
    shown = ("--show-as", "v=bf16", "--show-as", "a0=i64", "--registers", "-q")
    done = run(source, *shown, "--machine", "d1")
    assert done.returncode == ExitCode.DONE
    lines = done.stdout.splitlines()
    assert "x10 a0 0xfffffffffffffffe = i64 -2" in lines
    assert "v1[0..7] bf16 0.0 0.5 0.0 0.5 0.0 0.5 0.0 0.5" in lines


@pytest.mark.parametrize(
    "words, code, message",
    [
        (("--show-as", "v1"), ExitCode.USAGE, "`v1` is not REGISTER=TYPE"),
        (("--show-as", "v1=shp"), ExitCode.INPUT, "needs a bias"),
        (("--show-as", "w1=f32"), ExitCode.INPUT, "unknown register `w1`"),
        (("--machine", "nod"), ExitCode.INPUT, "hint: did you mean `node`?"),
        (("--machine", "none.toml"), ExitCode.IO, "none.toml: No such file"),
    ],
)
def test_wrong_views_and_machines(words: tuple[str, ...], code: ExitCode, message: str) -> None:
    done = run(program("halti 0"), *words)
    assert done.returncode == code
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
def test_every_engine_gives_the_same_report(engine: str) -> None:
    words = [SAMPLES / "saxpy" / "run.toml", "--report", "-", "--quiet"]
    assert run(*words, "--engine", engine).stdout == run(*words).stdout


def test_a_report_on_stdout_is_alone_there() -> None:
    words = [program("li a0, 65\nprint.char a0\nhalti 3"), "--registers", "--heatmap"]
    done = run(*words, "--report", "-")
    assert json.loads(done.stdout)["status"] == "halted with a code"
    assert done.stderr.startswith("A\nstatus halted with a code\n")
    failure = "p.s:5:1: error: the program halted with code 3\n    halti 3\n    ^^^^^^^\n"
    assert done.stderr.endswith(failure)
    assert run(*words).stdout + failure == done.stderr
    assert run(*words, "--report", "-", "--deadlock-dot", "-").returncode == ExitCode.USAGE


@pytest.mark.parametrize("timing", ["on", "off"])
def test_both_engines_agree_on_the_samples(timing: str) -> None:
    for name in ("hello/hello.s", "fibonacci/fibonacci.s", "dot/run.toml", "softmax/run.toml"):
        done = run(SAMPLES / name, "--engine", "both", "--timing", timing)
        assert (done.returncode, done.stderr) == (ExitCode.DONE, "")


def test_dump_ir_writes_a_file_for_each_region() -> None:
    path = program(
        "        li a0, 3\n1:      div a1, a0, a0\n        loop.next a0, 1b\n        halti 0"
    )
    done = run(path, "--dump-ir", "ir")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    names = sorted(file.name for file in Path("ir").iterdir())
    assert "p.s-_start-0x100.shape0.quick.ll" in names
    assert all(
        re.fullmatch(r"p\.s-_start-0x[0-9a-f]+\.shape[0-9a-f]+\.quick\.ll", n) for n in names
    )
    text = (Path("ir") / "p.s-_start-0x100.shape0.quick.ll").read_text()
    assert text.startswith("; p.s:3:9, address 0x100\n")
    assert "define i32 @region(" in text
    assert run(path, "--dump-ir", "again").stdout == done.stdout
    assert {f.name: f.read_text() for f in Path("again").iterdir()} == {
        f.name: f.read_text() for f in Path("ir").iterdir()
    }


def test_dump_ir_needs_the_native_engine_and_a_folder() -> None:
    path = program("        halti 0")
    for words in (("--engine", "reference"), ("--print-trace",)):
        done = run(path, "--dump-ir", "ir", *words)
        assert done.returncode == ExitCode.USAGE
        assert "`--dump-ir` needs the native engine" in done.stderr
    done = run(path, "--dump-ir", path)
    assert done.returncode == ExitCode.IO
    assert f"{path}: it is a file; a folder is needed" in done.stderr


def test_a_folder_where_a_run_file_needs_a_file_is_called_one() -> None:
    Path("dot").mkdir()
    Path("run.toml").write_text('[program]\nsources = ["dot"]\n', encoding="utf-8")
    done = run("run.toml")
    assert done.returncode == ExitCode.INPUT
    assert "error: `dot` is a folder; a file is needed" in done.stderr
