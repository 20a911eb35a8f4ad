"""Hostile sources: each ends soon, in little memory, with exit 3, a place, and nothing written."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dojo_tools.diagnostics import ExitCode

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys; sys.argv[0] = 'dojo-as'; from dojo_tools.cli.assemble import main; main()"
# Starting Python and loading the description take most of the time of such a run, so one process
# does both and then forks for each case.
DRIVER = """
import os, resource, signal, sys
from dojo_tools.cli import assemble
from dojo_tools import assembler
from dojo_tools.assembler import lint, listing
from dojo_tools.description import load_description
load_description()
memory, seconds = map(int, sys.argv[1:])
sys.argv = ["dojo-as", "a.s"]
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.chdir(line.strip())
        os.dup2(os.open("stderr", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), 2)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        signal.alarm(seconds)
        assemble.main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
MEMORY_BYTES = 1 << 30
SECONDS = 10
PLACED = re.compile(r"^[^\n:]+:\d+:\d+: error: ", re.MULTILINE)
NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Hostile:
    """A source, what its message says and where, and the files and FIFOs beside it."""

    source: str | bytes
    place: str
    message: str = ""
    files: dict[str, str] = field(default_factory=dict[str, str])


def chained(count: int) -> str:
    """Return assignments that each need the next one."""
    return "".join(f"n{n} = n{n + 1} + 1\n" for n in range(count)) + f".word n0\nn{count} = 1\n"


SOURCES = {
    # Repetition.
    "rept of 10^9": Hostile(".rept 1000000000\nnop\n.endr\n", "1:"),
    "rept nested": Hostile(".rept 60000\n.rept 60000\nnop\n.endr\n.endr\n", "[12]:"),
    "rept nested and empty": Hostile(
        ".rept 60000\n.rept 60000\n.rept 60000\n.endr\n.endr\n.endr\n", "[123]:"
    ),
    "rept of a huge count": Hostile(f".rept {'9' * 30}\nnop\n.endr\n", "1:"),
    "rept of a negative count": Hostile(".rept -1\nnop\n.endr\n", "1:"),
    "rept that doubles its text": Hostile(
        ".macro d x:vararg\nd \\x, \\x\n.endm\nd aaaaaaaaaaaaaaaaaaaaaaaaaa\n", "[24]:"
    ),
    "irp in irp in irp": Hostile(
        "".join(f".irp x{n}, {'a, ' * 500}a\n" for n in range(5)) + "nop\n" + ".endr\n" * 5,
        "[1-5]:",
    ),
    # Macros that call themselves.
    "macro calls itself": Hostile(".macro m\nm\n.endm\nm\n", "[24]:"),
    "macro calls itself twice": Hostile(".macro m\nm\nm\n.endm\nm\n", "[235]:"),
    "two macros call each other": Hostile(
        ".macro m\nn\n.endm\n.macro n\nm\n.endm\nm\n", "[257]:"
    ),
    "macro defines and calls macros": Hostile(
        ".macro m\n.macro n\\@\nm\n.endm\nn\\@\nm\n.endm\nm\n", "[1-8]:"
    ),
    # Cycles.
    "include of itself": Hostile('.include "a.s"\n', "1:", "includes itself"),
    "include cycle": Hostile('.include "b.s"\n', "", "", {"b.s": '.include "a.s"\n'}),
    "equ cycle": Hostile(".equ a, b\n.equ b, a\n.word a\n", "[123]:"),
    "equ of itself": Hostile("a = a + 1\n.word a\n", "[12]:"),
    "equ chain": Hostile(chained(5_000), ""),
    # What is read.
    "incbin of a device": Hostile('.incbin "/dev/zero"\n', "1:"),
    "incbin of a fifo": Hostile('.incbin "fifo"\n', "1:", "not a regular file"),
    "incbin of a folder": Hostile('.incbin "folder"\n', "1:", "not a regular file"),
    "incbin out of the tree": Hostile('.incbin "../../../../../../etc/passwd"\n', "1:"),
    "incbin by a link out of the tree": Hostile('.incbin "link"\n', "1:"),
    "incbin beyond the end": Hostile('.incbin "b.s", 2, 100\n', "1:", "", {"b.s": "nop\n"}),
    "incbin with a negative offset": Hostile('.incbin "b.s", -1\n', "1:", "", {"b.s": "nop\n"}),
    "include of a device": Hostile('.include "/dev/zero"\n', "1:"),
    "include of a fifo": Hostile('.include "fifo"\n', "1:", "not a regular file"),
    "include of a folder": Hostile('.include "folder"\n', "1:", "not a regular file"),
    "include out of the tree": Hostile('.include "../../../../../../etc/passwd"\n', "1:"),
    "include by a link out of the tree": Hostile('.include "link"\n', "1:"),
    "include of a name with NUL": Hostile('.include "a\\0b"\n', "1:"),
    # Expressions.
    "200,000 parentheses": Hostile(f".word {'(' * 200_000}1{')' * 200_000}\n", "1:"),
    "30,000 parentheses": Hostile(f".word {'(' * 30_000}1{')' * 30_000}\n", "1:", "nested"),
    "60,000 signs": Hostile(f".word {'-' * 60_000}1\n", "1:"),
    "30,000 open brackets": Hostile(f"ld x1, {'[' * 30_000}\n", "1:"),
    "an integer of 5,000 digits": Hostile(f".word {'9' * 5000}\n", "1:"),
    "a float of 60,000 digits": Hostile(f".float {'9' * 60_000}.{'x'}\n", "1:"),
    "a float with a huge exponent": Hostile(f".word 1e{'9' * 5000}\n", "1:"),
    "1 << 10^11": Hostile(".dword 1 << 100000000000\n", "1:"),
    "1 / 0": Hostile(".word 1 / 0\n", "1:"),
    "1 % 0": Hostile(".word 1 % 0\n", "1:"),
    "products beyond all bounds": Hostile("a = 1 << 100\na = a * a * a\n.word a\n", "[23]:"),
    # Space.
    "space of 2^47": Hostile(".space 1 << 47\n", "1:"),
    "bss of 2^47": Hostile(".bss\n.space 1 << 47\n", "2:"),
    "fill of 2^47": Hostile(".fill 1 << 47, 8, 1\n", "1:"),
    "tensor of 2^47": Hostile(".data\nt: .tensor f32, 1 << 20, 1 << 25\n", "2:"),
    "common of 2^47": Hostile(".comm buffer, 1 << 47\n", "1:"),
    "p2align 63": Hostile(".p2align 63\n", "1:"),
    "align of 3": Hostile(".align 3\n", "1:"),
    "org backwards": Hostile("nop\nnop\n.org 4\n", "3:"),
    "org of 2^47": Hostile(".org 1 << 47\n", "1:"),
    "space of an address below": Hostile(".space end - .\nnop\nend:\n", "1:"),
    # Characters.
    "NUL": Hostile("nop\n\0\n", "2:1:", "U+0000"),
    "lone CR": Hostile("nop\rnop\n", "1:4:", "U+000D"),
    "VT": Hostile("nop\n nop\v\n", "2:5:", "U+000B"),
    "NEL": Hostile("; \x85 nop\n", "1:3:", "U+0085"),
    "U+2028": Hostile("; \u2028 nop\n", "1:3:", "U+2028"),
    "bidi control in a comment": Hostile("nop /* \u202e */\n", "1:8:", "U+202E"),
    "bidi isolate in a string": Hostile('.ascii "\u2066"\n', "1:9:", "U+2066"),
    "UTF-16": Hostile("nop\n".encode("utf-16"), "1:1:", "not UTF-8"),
    "UTF-16 without a mark": Hostile("nop\n".encode("utf-16-le"), "1:2:", "U+0000"),
    "bad UTF-8": Hostile(b"nop\n; \xff\n", "2:3:", "not UTF-8"),
    "bad UTF-8 at the end": Hostile(b"nop\n; \xe2\x82", "2:3:", "not UTF-8"),
    "full-width digits": Hostile("li x1, \uff11\uff12\n", "1:8:"),
    "digits of another script": Hostile(".word 1\u0662\n", "1:"),
    "a name with a combining mark": Hostile("e\u0301: nop\n", "1:"),
    "quoted symbol with ESC": Hostile('.global "a\x1b[2Jb"\n', "1:11:", "U+001B"),
    "escaped ESC in a symbol": Hostile('.global "a\\x1b[2Jb"\n', "1:"),
    "escaped ESC in a section": Hostile('.section "a\\x1b[2Jb"\nnop\n', "[12]:"),
    # Size.
    "a line of 100 MB": Hostile(b"nop\n" + b"a" * 100_000_000, "1:1:", "larger than 64 MiB"),
    "a line of 50 MB": Hostile(b"nop\n" + b"1," * 25_000_000, "2:65537:", "longer than"),
    "10^5 errors": Hostile("bad x\n" * 100_000, "1:1:", "and 99900 more errors"),
    "20,000 open strings": Hostile('.ascii "\n' * 20_000, "1:8:", "and 19900 more errors"),
    "20,000 stray parentheses": Hostile("((\n" * 20_000, "1:1:", "and 19900 more errors"),
    "20,000 undefined symbols": Hostile(
        "".join(f".word u{n}\n" for n in range(20_000)), "1:7:", "and 19900 more errors"
    ),
    "20,000 duplicate labels": Hostile("a:\n" * 20_001, "2:1:", "and 19900 more errors"),
    # What is never closed is reported where it starts.
    "open comment": Hostile("nop\n nop /* ...\nnop\n", "2:6:", "never closed"),
    "open string": Hostile('nop\n.ascii "abc\n', "2:8:", "never closed"),
    "open character": Hostile("li x1, 'a\n", "1:8:", "never closed"),
    "open parenthesis": Hostile(".word (1 + 2\n", "1:"),
    "open macro": Hostile("nop\n.macro m\nnop\n", "2:1:"),
    "open rept": Hostile("nop\n.rept 3\nnop\n", "2:1:"),
    "open irp": Hostile("nop\n.irp x, 1, 2\nnop\n", "2:1:"),
    "open if": Hostile("nop\n.if 1\nnop\n", "2:1:"),
    "open irpc": Hostile("nop\n.irpc x, abc\nnop\n", "2:1:"),
    "open struct": Hostile("nop\n.struct s\n", "2:1:"),
    "open if in an include": Hostile('.include "b.s"\nnop\n', "", "", {"b.s": ".if 1\n"}),
    "20,000 open ifs": Hostile(".if 1\n" * 20_000, ""),
    "20,000 open rept": Hostile(".rept 1\n" * 20_000, ""),
    "endif without if": Hostile("nop\n.endif\n", "2:1:"),
    "endm without macro": Hostile("nop\n.endm\n", "2:1:"),
    "endr without rept": Hostile("nop\n.endr\n", "2:1:"),
}  # fmt: skip


@pytest.fixture(scope="module")
def driver() -> Iterator["subprocess.Popen[str]"]:
    """The process that runs `dojo-as a.s` in each folder it is told."""
    command = [sys.executable, "-c", DRIVER, str(MEMORY_BYTES), str(SECONDS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def assembled_here(
    driver: "subprocess.Popen[str]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], tuple[int, str]]:
    """The call that runs `dojo-as a.s` in this folder: its exit code and standard error."""
    monkeypatch.chdir(tmp_path)

    def call() -> tuple[int, str]:
        assert driver.stdin is not None
        assert driver.stdout is not None
        print(tmp_path, file=driver.stdin, flush=True)
        code = int(driver.stdout.readline())
        return code, Path("stderr").read_text(encoding="utf-8", errors="strict")

    return call


@pytest.mark.parametrize("name", SOURCES)
def test_hostile_sources_are_refused_at_their_place(
    name: str, assembled_here: Callable[[], tuple[int, str]]
) -> None:
    hostile = SOURCES[name]
    source = hostile.source
    Path("a.s").write_bytes(source if isinstance(source, bytes) else source.encode())
    for file, text in hostile.files.items():
        Path(file).write_text(text, encoding="utf-8")
    Path("folder").mkdir()
    Path("link").symlink_to("/etc/passwd")
    os.mkfifo("fifo")
    code, shown = assembled_here()
    assert code == ExitCode.INPUT, shown[:2000]
    assert PLACED.search(shown), shown[:2000]
    assert re.match(rf"a\.s:{hostile.place}", shown) or not hostile.place, shown[:500]
    assert hostile.message in shown, shown[:500]
    assert "Traceback" not in shown
    assert "root:" not in shown
    assert len(shown) < 100_000
    assert not NOT_TEXT.search(shown)
    assert not Path("a.o").exists()


def test_crlf_and_a_byte_order_mark_are_accepted_and_columns_stay_right(
    assembled_here: Callable[[], tuple[int, str]],
) -> None:
    Path("a.s").write_bytes(b"\xef\xbb\xbfbad\r\n  bad\r\n\tbad ; \xc3\xa4\r\n")
    shown = assembled_here()[1]
    assert re.findall(r"^a\.s:(\d+:\d+)", shown, re.MULTILINE) == ["1:1", "2:3", "3:2"]
    assert "\r" not in shown
    Path("a.s").write_bytes(b"\xef\xbb\xbfnop\r\n  nop\r\n")
    assert assembled_here() == (ExitCode.DONE, "")


def test_hostile_standard_input_is_refused_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "-", "-o", str(tmp_path / "a.o")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            command,
            stdin=endless,
            capture_output=True,
            check=False,
            timeout=SECONDS,
            env=environment,
        )
    assert done.returncode == ExitCode.INPUT
    assert b"<stdin>:1:1: error: the source is larger than 64 MiB" in done.stderr
    assert not (tmp_path / "a.o").exists()
