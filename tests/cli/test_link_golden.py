"""The linker's messages, whole: each file of `tests/golden/ld` is a small project and a command.

`; file NAME` starts a file; a source becomes an object beside it. `; archive NAME = OBJECT ...`
and `; foreign OBJECT`, an object of another machine, make what is no text. `; $ command` is run,
and what it writes stands in the `.txt` beside.
"""

import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dojo_tools.assembler import assemble
from dojo_tools.cli.common import application
from dojo_tools.cli.inspect import command as inspect_command
from dojo_tools.cli.link import link
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import read_source
from dojo_tools.objects import encode_object

FOLDER = Path(__file__).parents[1] / "golden" / "ld"
TOOLS = {"dojo-ld": application(link), "dojo-objdump": inspect_command()}
MACHINE_OFFSET = 18
X86_64 = 62


@pytest.fixture(scope="module")
def description() -> Description:
    return load_description()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.s")), ids=lambda path: path.stem)
def test_what_the_linker_says(
    path: Path,
    description: Description,
    golden: Callable[[Path, str], None],
    make_archive: Callable[[Iterable[tuple[str, bytes]]], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    commands: list[list[str]] = []
    files: dict[Path, list[str]] = {}
    text: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match line.split():
            case [";", "file", name]:
                text = files[Path(name)] = []
            case [";", "archive" | "foreign", *_]:
                pass
            case [";", "$", *command]:
                commands.append(command)
            case _:
                text.append(line)
    for name, lines in files.items():
        name.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if name.suffix == ".s":
            made = assemble(read_source(name), description).object
            name.with_suffix(".o").write_bytes(encode_object(made))
    for line in path.read_text(encoding="utf-8").splitlines():
        match line.split():
            case [";", "archive", name, "=", *members]:
                found = [(member, Path(member).read_bytes()) for member in members]
                Path(name).write_bytes(make_archive(found))
            case [";", "foreign", name]:
                contents = bytearray(Path(name).read_bytes())
                struct.pack_into("<H", contents, MACHINE_OFFSET, X86_64)
                Path(name).write_bytes(contents)
            case _:
                pass
    shown = ""
    for tool, *words in commands:
        done = CliRunner().invoke(TOOLS[tool], words, prog_name=tool)
        shown += f"{done.stdout}{done.stderr}exit code {done.exit_code}\n"
    golden(path.with_suffix(".txt"), shown)
    assert Path("a.img").exists() == ("exit code 0" in shown)
