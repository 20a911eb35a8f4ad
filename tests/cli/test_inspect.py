"""`dojo-objdump`: what it prints, and how it ends."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dojo_tools.assembler import assemble
from dojo_tools.cli.inspect import command
from dojo_tools.description import load_description
from dojo_tools.diagnostics import ExitCode, read_source
from dojo_tools.linker import link
from dojo_tools.objects import Image, Program, Rectangle, save_image, save_object

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "objdump"

PROGRAM = """\
    .global _start
_start:
    la x1, message
    call done
    .word 1
done:
    halti 0
    .data
message:
    .ascii "hello"
"""


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(command(), [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The object of the golden source."""
    path = tmp_path_factory.mktemp("objects") / "code.o"
    source = read_source(GOLDEN / "code.s", "code.s")
    save_object(path, assemble(source, load_description()).object)
    return path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linked program."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "program.s").write_text(PROGRAM)
    description = load_description()
    built = assemble(read_source(folder / "program.s"), description).object
    save_image(folder / "program", link([built], description.relocations))
    return folder / "program"


@pytest.mark.parametrize("options", [[], ["-d"]])
def test_code_is_a_source(code: Path, options: list[str]) -> None:
    result = run(code, *options)
    assert result.exit_code == ExitCode.DONE
    expected = (GOLDEN / "code.txt").read_text().replace("code.s", str(code))
    assert result.stdout == expected


def test_an_image_has_addresses_and_filled_in_fields(image: Path) -> None:
    result = run(image)
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines()[1:] == [
        "    .global _start",
        "",
        '    .section ".text", "ax", 64',
        "_start:",
        "    la x1, 0x140                         ; 00000100: 0c200140",
        "    call done                            ; 00000104: 10200002",
        "    .word 0x00000001                     ; 00000108: 00000001",
        "done:",
        "    halti 0                              ; 0000010c: 04200000",
    ]


def test_tables(code: Path, golden: Callable[[Path, str], None]) -> None:
    result = run(code, "-h", "-t", "-r", "-s")
    assert result.exit_code == ExitCode.DONE
    golden(GOLDEN / "tables.txt", result.stdout)


@pytest.fixture
def placed(tmp_path: Path) -> Path:
    """A grid image of three programs."""
    one = Program("stencil", 0x100, (Rectangle(0, 0, 2, 2),))
    two = Program("edges", 0x1_0000_0100, (Rectangle(2, 0, 1, 3), Rectangle(0, 2, 2, 1)))
    three = Program("\x1b[2J", 0x2_0000_0100, (Rectangle(3, 3, 1, 1),))
    save_image(tmp_path / "grid", Image("grid", 0x100, programs=(one, two, three)))
    return tmp_path / "grid"


def test_the_placement_is_a_picture(placed: Path) -> None:
    assert run(placed, "--programs").stdout.splitlines() == [
        "partition 4 x 4, programs: 3",
        "   0 1 2 3",
        "0  A A B .",
        "1  A A B .",
        "2  B B B .",
        "3  . . . C",
        "A  stencil, entry 00000100: 0,0 2x2",
        "B  edges, entry 100000100: 2,0 1x3; 0,2 2x1",
        "C  \\u{1b}[2J, entry 200000100: 3,3 1x1",
    ]


def test_an_image_without_placement_runs_everywhere(image: Path) -> None:
    assert run(image, "--programs").stdout == "one program, on every node\n"
    printed = run(image, "-p").stdout.splitlines()
    assert printed[0] == "entry 00000100"
    assert printed[2] == "00000100  0        000100  0x10          0x10            executable"


def test_source_lines_stand_before_their_code(image: Path) -> None:
    printed = run(image, "-S", "--start-address", "0x104", "--stop-address", "0x108").stdout
    assert printed.splitlines()[-2:] == [
        f"; {image.parent}/program.s:4: call done",
        "    call done                            ; 00000104: 10200002",
    ]
    assert f"; {image.parent}/program.s:4:5\n" in run(image, "-l").stdout


def test_sources_elsewhere_are_not_shown(tmp_path: Path, image: Path) -> None:
    (tmp_path / "image").write_bytes(image.read_bytes())
    printed = run(tmp_path / "image", "-S").stdout
    assert f"; {image.parent}/program.s:4:5\n" in printed
    assert "call done\n" not in printed


def test_one_section(code: Path) -> None:
    printed = run(code, "-h", "-r", "-j", ".text.more").stdout.splitlines()
    assert [line.split()[0] for line in printed if line] == ["section", ".text.more"] + [
        "section",
        ".text.more",
        ".text.more",
    ]
    wrong = run(code, "-j", ".txt")
    assert wrong.exit_code == ExitCode.INPUT
    assert "has no section `.txt`" in wrong.stderr
    assert "hint: did you mean `.text`?" in wrong.stderr


def test_json_has_what_is_asked_for(image: Path, placed: Path) -> None:
    found = json.loads(run(image, "--json", "-x", "-s", "-l").stdout)
    assert list(found) == [
        *("file", "kind", "entry", "sections", "segments", "programs", "symbols"),
        *("relocations", "contents", "code", "lines"),
    ]
    assert found["entry"] == 0x100
    assert found["contents"][".data"] == b"hello".hex()
    assert found["lines"][1]["line"] == 4
    assert all(line.isprintable() for line in run(placed, "--json", "-x").stdout.splitlines())


def test_members_of_an_archive(code: Path, tmp_path: Path) -> None:
    member = code.read_bytes()
    header = f"{'code.o/':16}{'0':12}{'0':6}{'0':6}{'644':8}{len(member):<10}`\n".encode()
    even = member + b"\n" * (len(member) % 2)
    (tmp_path / "two.a").write_bytes(b"!<arch>\n" + 2 * (header + even))
    printed = run(tmp_path / "two.a", "-h").stdout
    assert printed.startswith(f"{tmp_path}/two.a(code.o):\n\nsection ")
    assert printed.count("two.a(code.o):") == 2
    assert len(json.loads(run(tmp_path / "two.a", "--json", "-h").stdout)["members"]) == 2


def test_limits_are_listed() -> None:
    assert "members of an archive                  65,536" in run("--limits").stdout


def test_text_is_plain_when_piped(image: Path) -> None:
    assert "\x1b" not in run(image, "-d").stdout


def test_explain() -> None:
    result = run("--explain", "0x18220000")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.startswith("0x18220000: add x1, x2, x0\n")


def test_a_users_instruction_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "own.isa"
    path.write_text(
        'title "Own"\nprovenance chosen "for a test"\n'
        'instruction triple xd, xa "Three times." encoding R op=user0 b=0 func11=0\n'
        "timing alu latency=1\nexample xa = 2 -> xd = 6\n{ xd = xa + xa + xa }\n"
    )
    result = run("--isa", path, "--explain", "triple")
    assert result.exit_code == ExitCode.DONE
    assert "Defined at  own.isa:3 (Own)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        ([], ExitCode.USAGE, "a FILE or `--explain NAME|WORD` is needed"),
        (["--explain", "addd"], ExitCode.INPUT, "hint: did you mean `add`?"),
        (["--explain", "0xx"], ExitCode.INPUT, "error: `0xx` is not a word"),
        ([GOLDEN / "code.txt", "--start-address", "x"], ExitCode.USAGE, "`x` is not an address"),
        (["no such file"], ExitCode.IO, "error: no such file: No such file or directory"),
        ([GOLDEN / "code.s"], ExitCode.INPUT, "not an ELF file"),
    ],
)
def test_mistakes_have_exit_codes(
    arguments: Sequence[str | Path], exit_code: ExitCode, message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert result.stdout == ""


def test_tensors(tmp_path: Path) -> None:
    source = tmp_path / "t.s"
    source.write_text("    .data\nt: .values bf16, 1, -0.5\n    .shape t, bf16, 2\n")
    save_object(tmp_path / "t.o", assemble(read_source(source), load_description()).object)
    assert run("--tensors", tmp_path / "t.o").stdout.splitlines()[1] == "  [0..1] 1.0 -0.5"
    shown = run("--show-as", "t=u16", tmp_path / "t.o").stdout.splitlines()
    assert shown[1] == "  [0..1] 16256 48896"
    assert run("--show-as", "t", tmp_path / "t.o").exit_code == ExitCode.USAGE
    assert run("--show-as", "s=u16", tmp_path / "t.o").exit_code == ExitCode.INPUT
