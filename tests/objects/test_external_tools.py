"""Standard tools read linked images without a complaint, and name the lines that the image has.

Tools that are not installed are skipped by name; pyelftools comes with the tests.
"""

import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from elftools.elf.elffile import ELFFile

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import read_source
from dojo_tools.disassembler import Origins
from dojo_tools.linker import link
from dojo_tools.objects import FrameKind, Image, LineEntry, encode_image

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*/*.s"))

COMMANDS = (
    ("readelf", "-aW"),
    ("readelf", "--debug-dump"),
    ("readelf", "--debug-dump=decodedline"),
    ("objdump", "-h", "-s", "-f"),
    ("objdump", "--dwarf=info,decodedline,aranges"),
    ("nm",),
    ("size",),
    ("eu-readelf", "-a"),
    ("eu-readelf", "-w"),
    ("llvm-readelf", "-a"),
    ("llvm-objdump", "-h", "-t", "-r", "-s"),
    ("llvm-dwarfdump", "--verify"),
)
# "bad" is a number too.
_COMPLAINT = re.compile(r"warning|error|invalid|corrupt|\bbad [a-z]{3}|unable", re.IGNORECASE)
# A line of bytes, which may spell anything: `-s` prints them in hexadecimal and as text.
_DUMPED = re.compile(r"^ [0-9a-f]{4,16} [0-9a-f]{2,8} .*$", re.MULTILINE)
# What a tool says of every file of a machine it has no code for.
_EXPECTED = re.compile(r"No errors\.|Error in creating MCRegInfo|No available targets")


MACROS = """\
        .macro  step register
        addi    \\register, \\register, 1
        .endm
        .macro  steps register, count
        .rept   \\count
        step    \\register
        .endr
        li      a1, 0x12345678
        .endm
"""
MAIN = """\
        .include "macros.inc"
        .global _start
        .type   _start, @function
_start: steps   a0, 3
        step    a2
        beqz    a0, _start
        .include "end.inc"
"""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    """The samples and a program of macros and includes, linked."""
    description = load_description()
    images: dict[str, Image] = {}
    for path in SAMPLES:
        built = assemble(read_source(path), description).object
        images[path.name] = link([built], description.relocations, name=path.name)
    folder = tmp_path_factory.mktemp("macros")
    (folder / "macros.inc").write_text(MACROS)
    (folder / "end.inc").write_text("        step    a3\n        halti   0\n")
    (folder / "main.s").write_text(MAIN)
    built = assemble(read_source(folder / "main.s"), description).object
    images["macros.s"] = link([built], description.relocations, name="macros.s")
    return images


@pytest.fixture
def files(tmp_path: Path, samples: dict[str, Image], traced_image: Image) -> list[Path]:
    """All images as files."""
    images = {**samples, "traced": traced_image}
    for name, image in images.items():
        (tmp_path / name).write_bytes(encode_image(image))
    return [tmp_path / name for name in images]


def run_tool(command: Sequence[str], *arguments: str | Path) -> str:
    """Return what a tool prints, without its usual complaint about the machine."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 0, lines[-5:]
    return "\n".join(line for line in lines if not _EXPECTED.search(line))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_tools_do_not_complain(command: Sequence[str], files: list[Path]) -> None:
    for file in files:
        printed = _DUMPED.sub("", run_tool(command, file))
        assert not _COMPLAINT.search(printed), f"{file.name}: {printed[:2000]}"


def expected_places(line: LineEntry) -> list[str]:
    """Return `file:line` of a line and of the expansions around it, innermost first."""
    macros = [frame for frame in line.trail if frame.kind is FrameKind.MACRO]
    return [f"{line.file}:{line.line}", *(f"{frame.file}:{frame.line}" for frame in macros)]


@pytest.mark.parametrize(
    "command", [("addr2line",), ("eu-addr2line",), ("llvm-addr2line",)], ids=" ".join
)
def test_addresses_have_the_lines_of_the_image(
    command: Sequence[str], files: list[Path], samples: dict[str, Image], traced_image: Image
) -> None:
    images = {**samples, "traced": traced_image}
    for file in files:
        image = images[file.name]
        code = {section.name for section in image.sections if section.executable}
        lines = [line for line in image.lines if line.section in code][:200]
        addresses = [f"{line.offset:#x}" for line in lines]
        printed = run_tool(command, "-i", "-e", file, *addresses)
        places = [str(Path(place.split(" (")[0])) for place in printed.splitlines()]
        places = [":".join(place.split(":")[:2]) for place in places]
        assert places == [place for line in lines for place in expected_places(line)]


def test_listings_name_the_same_places(samples: dict[str, Image], traced_image: Image) -> None:
    for image in (*samples.values(), traced_image):
        for line in image.lines:
            said = list(Origins([line], None).comments(line.section, line.offset))
            places = [
                ":".join(text.split(" at ")[-1].removeprefix("; ").split(":")[:2])
                for text in said
                if "included from" not in text
            ]
            assert places == expected_places(line)


def test_pyelftools_reads_rows_and_symbols(samples: dict[str, Image], traced_image: Image) -> None:
    for image in (*samples.values(), traced_image):
        file = cast("Any", ELFFile(io.BytesIO(encode_image(image))))
        names = [symbol.name for symbol in file.get_section_by_name(".symtab").iter_symbols()]
        assert set(names[1:]) == {symbol.name for symbol in image.symbols}
        debug = file.get_dwarf_info()
        rows: dict[int, int] = {}
        for unit in debug.iter_CUs():
            program = debug.line_program_for_CU(unit)
            for entry in program.get_entries() if program else ():
                if entry.state and not entry.state.end_sequence:
                    rows[entry.state.address] = entry.state.line
        code = {section.name for section in image.sections if section.executable}
        assert rows == {line.offset: line.line for line in image.lines if line.section in code}
