"""`dojo-as` as a user meets it: files, streams, exit codes, what is shown where."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dojo_tools.diagnostics import ExitCode

COMMAND = [
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'dojo-as'; from dojo_tools.cli.assemble import main; main()",
]
ROOT = Path(__file__).resolve().parents[2]
MISTAKES = ROOT / "tests" / "golden" / "as" / "mistakes.s"


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def run(*words: str | Path, text: str = "") -> "subprocess.CompletedProcess[bytes]":
    """Run `dojo-as`."""
    command: Sequence[str] = [*COMMAND, *map(str, words)]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=False)


def test_one_source_becomes_one_object() -> None:
    Path("a.s").write_text("halti 0\n", encoding="utf-8")
    done = run("a.s")
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.DONE, b"", b"")
    assert Path("a.o").read_bytes().startswith(b"\x7fELF")


def test_several_sources_and_options() -> None:
    Path("inc").mkdir()
    Path("inc/c.s").write_text("nop\n", encoding="utf-8")
    Path("a.s").write_text("call f\n", encoding="utf-8")
    Path("b.s").write_text('.include "c.s"\nf: halti CODE + ONE\n', encoding="utf-8")
    done = run("a.s", "b.s", "-o", "out.o", "-I", "inc", "-DCODE=0x10", "-D", "ONE")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, b"")
    assert Path("out.o").exists()
    assert run("a.s", "b.s").returncode == ExitCode.USAGE


def test_streams() -> None:
    Path("a.s").write_text("nop\n", encoding="utf-8")
    run("a.s", "-o", "a.o")
    done = run("-", "-o", "-", text="nop\n")
    assert done.returncode == ExitCode.DONE
    assert done.stdout.startswith(b"\x7fELF")
    assert run("-", text="nop\n").returncode == ExitCode.USAGE


def test_mistakes_are_all_shown_and_nothing_is_written() -> None:
    done = run(MISTAKES, "-o", "out.o")
    shown = done.stderr.decode()
    assert done.returncode == ExitCode.INPUT
    assert shown.count(": error: ") == 12
    assert "Traceback" not in shown
    assert "\x1b" not in shown
    assert list(Path().iterdir()) == []


def test_the_first_hundred_mistakes_are_shown() -> None:
    done = run("-", "-o", "out.o", text="bad\n" * 250)
    assert done.stderr.count(b"error:") == 100
    assert done.stderr.endswith(b"and 150 more errors\n")


def test_warnings() -> None:
    Path("a.s").write_text("beqz x1, far\n.space 0x8000\nfar:\n", encoding="utf-8")
    done = run("a.s")
    assert done.returncode == ExitCode.DONE
    assert b"warning: `beq` does not reach its target" in done.stderr
    assert run("a.s", "-w").stderr == b""
    Path("a.o").unlink()
    done = run("a.s", "-Werror")
    assert done.returncode == ExitCode.INPUT
    assert b"[far-branch]" in done.stderr
    assert not Path("a.o").exists()


@pytest.mark.parametrize(
    "words, code, message",
    [
        ([], ExitCode.USAGE, "Missing argument"),
        (["--frob"], ExitCode.USAGE, "No such option"),
        (["none.s"], ExitCode.IO, "none.s: No such file or directory"),
        (["a.s", "-o", "a.s"], ExitCode.USAGE, "would overwrite the source"),
        (["a.s", "-D", "1x=1"], ExitCode.USAGE, "`1x` is not a name"),
        (["a.s", "-D", "x=y"], ExitCode.USAGE, "`y` is not an integer"),
        (["a.s", "-o", "none/a.o"], ExitCode.IO, "No such file or directory"),
        (["latin.s"], ExitCode.INPUT, "not UTF-8"),
        (["a.s", "--isa", "none.isa"], ExitCode.IO, "none.isa: No such file"),
        (["a.s", "--isa", "bad.isa"], ExitCode.INPUT, "bad.isa:1:1: error"),
    ],
)
def test_what_goes_wrong_has_a_code_and_a_message(
    words: list[str], code: ExitCode, message: str
) -> None:
    Path("a.s").write_text("nop\n", encoding="utf-8")
    Path("latin.s").write_bytes(b"; \xe9\n")
    Path("bad.isa").write_text("frob\n", encoding="utf-8")
    done = run(*words)
    assert done.returncode == code
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not Path("a.o").exists()


def test_help_and_version_load_nothing_slow() -> None:
    program = (
        "import sys; from dojo_tools.cli import assemble\n"
        "sys.argv = ['dojo-as', '--help']\n"
        "try: assemble.main()\n"
        "finally: print([m for m in ('lark', 'numpy', 'rich') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "[]"
    assert run("--version").stdout.startswith(b"dojo-as ")


def test_a_new_instruction_needs_only_a_description_file() -> None:
    Path("my.isa").write_text(
        'provenance chosen "a test"\n'
        "instruction my.add xd, xa, xb\n"
        '    "Add."\n'
        "    encoding R op=user0 func11=0\n"
        "    timing alu latency=1\n"
        "    example xa = 1, xb = 2 -> xd = 3\n"
        "    { xd = xa + xb }\n",
        encoding="utf-8",
    )
    Path("a.s").write_text("my.add x1, x2, x3\n", encoding="utf-8")
    assert run("a.s").returncode == ExitCode.INPUT
    done = run("a.s", "--isa", "my.isa")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, b"")


@pytest.mark.parametrize(
    "raised, code, message",
    [
        ("KeyError('oops')", ExitCode.INTERNAL, "error: internal error: KeyError: 'oops'"),
        ("MemoryError", ExitCode.INPUT, "error: this input needs more memory than there is"),
    ],
)
def test_our_own_mistakes_are_admitted_without_a_traceback(
    raised: str, code: ExitCode, message: str
) -> None:
    program = (
        "import sys; from dojo_tools import assembler; from dojo_tools.cli import assemble\n"
        f"def broken(*_): raise {raised}\n"
        "assembler.assemble = broken\n"
        "sys.argv = ['dojo-as', '-', '-o', 'x.o']\n"
        "assemble.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=b"", capture_output=True, check=False
    )
    assert done.returncode == code
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_warnings_are_chosen_by_name() -> None:
    Path("a.s").write_text("lone: nop\n.data\n.byte 1\n.word 5\n", encoding="utf-8")
    assert b"[misaligned-data]" in run("a.s").stderr
    assert b"[unused-label]" not in run("a.s").stderr
    assert run("a.s", "--no-warn", "misaligned-data").stderr == b""
    assert run("a.s", "-Wno-misaligned-data").stderr == b""
    assert run("a.s", "-Wall").stderr.count(b"warning: ") == 2
    Path("a.o").unlink()
    done = run("a.s", "-W", "error=unused-label")
    assert done.returncode == ExitCode.INPUT
    assert b"a.s:1:1: error: nothing uses the label `lone` [unused-label]" in done.stderr
    assert b"a.s:4:1: warning: " in done.stderr
    assert not Path("a.o").exists()
    done = run("a.s", "-Wmisaligned")
    assert done.returncode == ExitCode.USAGE
    assert b"did you mean `misaligned-data`?" in done.stderr


def test_tables_are_printed() -> None:
    assert b"misaligned-data" in run("--warnings").stdout
    assert b"length of a line" in run("--limits").stdout


def test_a_listing_and_a_dependency_file_are_written() -> None:
    Path("a.s").write_text('.include "b c.s"\nret\n', encoding="utf-8")
    Path("b c.s").write_text("nop\n", encoding="utf-8")
    done = run("a.s", "--listing", "a.lst", "--depfile", "a.d")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, b"")
    assert Path("a.d").read_text(encoding="utf-8") == "a.o: a.s b\\ c.s\n\nb\\ c.s:\n"
    assert "| nop" in Path("a.lst").read_text(encoding="utf-8")
    assert run("a.s", "-o", "-", "--listing", "-").returncode == ExitCode.USAGE
    Path("a.s").write_text("bad\n", encoding="utf-8")
    Path("a.d").unlink()
    assert run("a.s", "--listing", "a.lst", "--depfile", "a.d").returncode == ExitCode.INPUT
    assert not Path("a.d").exists()


def test_a_name_that_the_linker_defines_has_a_hint_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "p.s"
    source.write_text(".threads 2\n.global _start\n_start: la a0, __stack_top_1\n")
    done = run(str(source), "-o", str(tmp_path / "p.o"))
    assert (
        "the linker defines it in every program: write `.extern __stack_top_1`"
        in done.stderr.decode()
    )
