"""`dojo-objdump`: what it prints, and how it ends."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dojo_tools.assembler import assemble
from dojo_tools.cli.common import application
from dojo_tools.cli.inspect import inspect
from dojo_tools.description import load_description
from dojo_tools.diagnostics import ExitCode, read_source
from dojo_tools.linker import link
from dojo_tools.objects import save_image, save_object

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
    return CliRunner().invoke(application(inspect), [str(argument) for argument in arguments])


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
    result = run(code, "--sections", "-t", "-r", "-s")
    assert result.exit_code == ExitCode.DONE
    golden(GOLDEN / "tables.txt", result.stdout)


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
        ([], ExitCode.USAGE, "a FILE or `--explain MNEMONIC|WORD` is needed"),
        (["--explain", "addd"], ExitCode.INPUT, "hint: did you mean `add`?"),
        (["--explain", "0xx"], ExitCode.INPUT, "error: `0xx` is not a word"),
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
