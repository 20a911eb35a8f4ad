"""`dojo-ld` as a user meets it: files, archives, programs, exit codes, what is shown where."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dojo_tools.assembler import assemble
from dojo_tools.cli.common import application
from dojo_tools.cli.link import link
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import ExitCode, Source
from dojo_tools.objects import ObjectFile, encode_object, read_image

MakeArchive = Callable[[Iterable[tuple[str, bytes]]], bytes]
ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "main": """
        .extern twice
        .global _start
        _start: li a0, 4
                call twice
                halti 0
        """,
    "twice": ".global twice\n twice: add a0, a0, a0\n ret\n .semaphore done\n",
    "unused": '.section .text.unused, "ax"\n.global unused\n unused: ret\n',
}


@dataclass(frozen=True)
class Done:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def description() -> Description:
    return load_description()


@pytest.fixture
def objects(description: Description, make_archive: MakeArchive) -> None:
    """The sources as objects, and `lib.a` of two of them."""
    encoded: dict[str, bytes] = {}
    for name, text in SOURCES.items():
        encoded[name] = encode_object(assemble(Source(f"{name}.s", text), description).object)
        Path(f"{name}.o").write_bytes(encoded[name])
    members = [(f"{name}.o", encoded[name]) for name in ("twice", "unused")]
    Path("lib.a").write_bytes(make_archive(members))


def run(*words: str) -> Done:
    """Run `dojo-ld` in this process."""
    found = CliRunner().invoke(application(link), words, prog_name="dojo-ld")
    return Done(found.exit_code, found.stdout, found.stderr)


@pytest.mark.usefixtures("objects")
def test_objects_and_archives_become_an_image() -> None:
    assert run("main.o", "lib.a") == Done(ExitCode.DONE, "", "")
    image = read_image(Path("a.img").read_bytes(), "a.img")
    names = {symbol.name for symbol in image.symbols}
    assert "twice" in names
    assert "unused" not in names
    assert run("main.o", "lib.a", "-u", "unused", "-o", "b.img").code == ExitCode.DONE
    assert {s.name for s in read_image(Path("b.img").read_bytes(), "b").symbols} >= {"unused"}


@pytest.mark.usefixtures("objects")
def test_choices_reach_the_linker() -> None:
    words = "--stack-size 0x80 --heap-size 4096 --defsym there=twice+4 --defsym n=-1".split()
    words += "--section-start .text=0x1000 -e twice --strip-debug".split()
    assert run("main.o", "twice.o", *words).err == ""
    image = read_image(Path("a.img").read_bytes(), "a.img")
    values = {symbol.name: symbol.value for symbol in image.symbols}
    assert values["__stack_size"] == 0x80
    assert values["__heap_end"] - values["__heap_start"] == 4096
    assert values["there"] == values["twice"] + 4
    assert values["n"] == 2**64 - 1
    assert image.entry == values["twice"]
    assert values["_start"] == 0x1000
    assert b".debug_line" not in Path("a.img").read_bytes()


@pytest.mark.usefixtures("objects")
def test_what_is_printed() -> None:
    done = run("main.o", "twice.o", "unused.o", "--print-gc-sections", "--print-memory")
    assert done.out.splitlines()[0] == "dropped unused.o(.text.unused), 4 bytes"
    assert "stack of thread 0      16384 bytes" in done.out
    done = run("main.o", "lib.a", "--map", "-")
    assert "  lib.a(twice.o) defines twice, which main.o uses\n" in done.out
    assert "  semaphore 0 done, lib.a(twice.o)\n" in done.out
    assert run("--limits").out.startswith("memory of a program")
    assert run("main.o", "lib.a", "-o", "-", "--map", "-").code == ExitCode.USAGE


@pytest.mark.usefixtures("objects")
@pytest.mark.parametrize(
    "words, code, message",
    [
        ("", ExitCode.USAGE, "a FILE is needed"),
        ("--frob", ExitCode.USAGE, "No such option"),
        ("main.o lib.a -o lib.a", ExitCode.USAGE, "would overwrite lib.a"),
        ("main.o lib.a -o m --map m", ExitCode.USAGE, "would overwrite m"),
        ("main.o lib.a --defsym x", ExitCode.USAGE, "`x` is not NAME=NUMBER"),
        ("main.o lib.a --defsym x=1+2", ExitCode.USAGE, "is not NAME=NUMBER"),
        ("main.o lib.a --defsym x=y3z+-4", ExitCode.USAGE, "is not NAME=NUMBER"),
        ("main.o lib.a --section-start .text=top", ExitCode.USAGE, "not a number such as"),
        ("main.o lib.a --stack-size 64K", ExitCode.USAGE, "`64K` is not a number"),
        ("--program a=main.o, lib.a", ExitCode.USAGE, "is not NAME=FILE,FILE"),
        ("main.o lib.a --place main=1", ExitCode.USAGE, "`1` is not a place; write X,Y"),
        ("main.o lib.a --place main=0,0,0x4", ExitCode.USAGE, "has no nodes"),
        ("main.o lib.a --place main=4095,0,2x1", ExitCode.USAGE, "outside 4096x4096 nodes"),
        ("main.o lib.a --place a=0,0 --place a=1,1", ExitCode.USAGE, "`a` is given twice"),
        ("none.o", ExitCode.IO, "none.o: No such file or directory"),
        ("main.o lib.a -o none/a", ExitCode.IO, "No such file or directory"),
        ("main.s", ExitCode.INPUT, "make an object of it: `dojo-as main.s`"),
        ("old.img", ExitCode.INPUT, "old.img: a linked image can't be linked again"),
        ("empty.o", ExitCode.INPUT, "empty.o: an empty file"),
        ("noise.o", ExitCode.INPUT, "noise.o: neither an object nor an archive"),
        ("lib.a main.o", ExitCode.INPUT, "stands before its user main.o; give lib.a after that"),
        ("main.o lib.a --machine nude", ExitCode.INPUT, "unknown machine `nude`"),
        ("--layout bad.toml", ExitCode.INPUT, "bad.toml:2:"),
    ],
)
def test_what_goes_wrong_with_a_link(words: str, code: ExitCode, message: str) -> None:
    Path("main.s").write_text("halti 0\n", encoding="utf-8")
    assert run("main.o", "lib.a", "-o", "old.img").code == ExitCode.DONE
    Path("empty.o").touch()
    Path("noise.o").write_bytes(bytes(100))
    Path("bad.toml").write_text("[programs.a]\nnods = []\n", encoding="utf-8")
    done = run(*words.split())
    # Typer wraps long lines of usage within a word or two.
    assert message in " ".join(done.err.split())
    assert done.code == code
    assert "Traceback" not in done.err
    assert not Path("a.img").exists()


@pytest.mark.usefixtures("objects")
def test_programs_on_the_command_line_and_in_a_layout_file() -> None:
    words = ["--program", "a=main.o", "--program", "b=main.o", "lib.a"]
    done = run(*words, "--place", "a=0,0,2x1", "--place", "b=0,1;3,3")
    assert done == Done(ExitCode.DONE, "", "")
    image = read_image(Path("a.img").read_bytes(), "a.img")
    assert [(p.name, p.entry >> 32, [str(r) for r in p.placement]) for p in image.programs] == [
        ("a", 0, ["0,0 2x1"]),
        ("b", 1, ["0,1 1x1", "3,3 1x1"]),
    ]
    Path("grid.toml").write_text(
        'files = ["lib.a"]\n'
        '[programs.a]\nfiles = ["main.o"]\nnodes = ["0,0 2x1"]\nentry = "twice"\n'
        '[programs.b]\nfiles = ["main.o"]\nnodes = ["5,5"]\n',
        encoding="utf-8",
    )
    done = run("--layout", "grid.toml", "--place", "b=0,1;3,3", "-o", "b.img")
    assert done == Done(ExitCode.DONE, "", "")
    again = read_image(Path("b.img").read_bytes(), "a.img")
    assert [p.placement for p in again.programs] == [p.placement for p in image.programs]
    assert [s.contents for s in again.segments] == [s.contents for s in image.segments]
    assert again.entry == next(s.value for s in again.symbols if s.name == "twice")


@pytest.mark.usefixtures("objects")
def test_a_layout_file_names_files_below_its_folder_only(tmp_path: Path) -> None:
    Path("sub").mkdir()
    Path("sub/link.o").symlink_to(tmp_path / "main.o")
    Path("sub/dot").mkdir()
    os.mkfifo("sub/pipe.o")
    for name, message in (
        ("../main.o", "`../main.o` is not below the layout file's folder"),
        (str(tmp_path / "main.o"), "is not below the layout file's folder"),
        ("link.o", "is not below the layout file's folder"),
        ("/dev/zero", "is not below the layout file's folder"),
        ("pipe.o", "there is no file `pipe.o`"),
        ("dot", "`dot` is a folder; a file is needed"),
        ("lnik.o", "there is no file `lnik.o`"),
    ):
        Path("sub/grid.toml").write_text(f'files = ["{name}"]\n', encoding="utf-8")
        done = run("--layout", "sub/grid.toml")
        assert done.code == ExitCode.INPUT
        assert f"sub/grid.toml:1:10: error: {message}"[:24] == done.err[:24]
        assert message in done.err


def test_a_layout_file_shows_all_its_mistakes() -> None:
    Path("grid.toml").write_text(
        'files = [3]\n[programs.a]\nnodes = ["0,0 2x2", "0;1"]\nentry = ""\n[programs]\nb = 7\n',
        encoding="utf-8",
    )
    done = run("--layout", "grid.toml")
    assert done.code == ExitCode.INPUT
    places = [line.partition(": error")[0] for line in done.err.splitlines() if ": error" in line]
    assert places == ["grid.toml:1:10", "grid.toml:3:22", "grid.toml:4:9", "grid.toml:6:5"]


@pytest.mark.usefixtures("objects")
def test_a_machine_says_how_much_memory_and_which_nodes_there_are() -> None:
    text = (ROOT / "isa" / "machines" / "node.toml").read_text(encoding="utf-8")
    grid = "[grid]\nwidth = 4\nheight = 4\ndead = [[1, 1]]\n"
    Path("small.toml").write_text(text.replace("0x140000", "0x4100") + grid, encoding="utf-8")
    done = run("main.o", "lib.a", "--machine", "small.toml")
    assert "bytes too large" in done.err
    words = ["main.o", "lib.a", "--machine", "small.toml", "--stack-size", "64", "--place"]
    assert run(*words, "main=0,0,4x4").code == ExitCode.DONE
    assert "outside the machine's 4x4 nodes" in run(*words, "main=0,0,5x4").err
    assert "(1, 1), a dead node" in run(*words, "main=1,1").err


@pytest.mark.parametrize(
    "dead, message",
    [
        ("[[4, 0]]", "9: error: node [4, 0] is outside: the grid is 4 wide"),
        ("[1]", "9: error: `dead` holds an integer (1); [x, y] fits"),
        ("3", "8: error: `dead` is an integer (3), not an array"),
        ("[[true, 0]]", "9: error: `dead` holds an array; [x, y] fits"),
    ],
)
def test_a_machine_file_with_wrong_nodes_is_refused(dead: str, message: str) -> None:
    text = (ROOT / "isa" / "machines" / "node.toml").read_text(encoding="utf-8")
    grid = f"[grid]\nwidth = 4\nheight = 4\ndead = {dead}\n"
    Path("m.toml").write_text(text + grid, encoding="utf-8")
    Path("a.o").write_bytes(encode_object(ObjectFile("a.o")))
    line = text.count("\n") + 4
    assert f"m.toml:{line}:{message}" in run("a.o", "--machine", "m.toml").err


def test_help_of_the_linker_loads_nothing_slow() -> None:
    program = (
        "import sys; from dojo_tools.cli import link\n"
        "sys.argv = ['dojo-ld', '--help']\n"
        "try: link.main()\n"
        "finally: print([m for m in ('lark', 'numpy', 'rich') if m in sys.modules])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=environment
    )
    assert done.stdout.decode().splitlines()[-1] == "[]"


@pytest.mark.usefixtures("objects")
def test_objects_are_joined_to_one() -> None:
    assert run("-r", "main.o", "lib.a") == Done(ExitCode.DONE, "", "")
    assert run("a.o", "-o", "joined.img") == Done(ExitCode.DONE, "", "")
    assert run("main.o", "lib.a", "-o", "direct.img").code == ExitCode.DONE
    joined, direct = (
        read_image(Path(name).read_bytes(), "a") for name in ("joined.img", "direct.img")
    )
    assert joined.segments == direct.segments
    for option in ("--gc-sections", "--defsym x=1", "-e f", "--map m", "--machine node"):
        done = run("-r", "main.o", *option.split())
        assert done.code == ExitCode.USAGE
        assert "with `-r` only `-u` and `--wrap`" in done.err
