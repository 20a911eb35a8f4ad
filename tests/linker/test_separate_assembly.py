"""Files assembled apart and linked are the program that they are as one text; builds repeat."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import Source
from dojo_tools.linker import Archive, Input, link, read_input
from dojo_tools.machine import Machine
from dojo_tools.objects import Image, ObjectFile, encode_image, encode_object

ROOT = Path(__file__).resolve().parents[2]
MakeArchive = Callable[[Iterable[tuple[str, bytes]]], bytes]

# Five files and the members of an archive, which are pulled in out of their order there.
FILES = {
    "main.s": """
        .extern fill, total, show, __stack_top
        .global _start
        .macro step name
            call    \\name
        .endm
        .text
        _start: la      sp, __stack_top
                step    fill
                step    total
                step    show
                ld      a0, [gp]
                halti   0
        """,
    "fill.s": """
        .extern values
        .global fill, count
        .equ count, 6
        .text
        fill:   la      t0, values
                li      t1, count
        1:      sd      t1, [t0], 8
                addi    t1, t1, -1
                bnez    t1, 1b
                la      gp, table
                ret
        .data
        .align 8
        table:  .dword  fill, table, count
        """,
    "total.s": """
        .extern values, scale, count
        .global total
        .text
        total:  mov     s0, ra
                la      t0, values
                addi    t1, zero, count
                li      a0, 0
        2:      ld      t2, [t0], 8
                add     a0, a0, t2
                addi    t1, t1, -1
                bnez    t1, 2b
                call    scale
                mov     ra, s0
                ret
        """,
    "values.s": """
        .global values, name
        .bss
        .align 64
        values: .space  64
        .section .rodata
        .align 4
        name:   .asciz  "total "
        .set name_size, 6
        .section .rodata.sizes, "a"
        .byte name_size
        """,
    "show.s": """
        .extern name
        .global show
        .text
        show:   la      t0, name
                li      t1, 6
                print.text t0, t1
                print.int a0
                ret
        .data
        .align 4
        .word 1, 2, 3
        """,
}
MEMBERS = {
    "unused.s": ".text\n.global unused\nunused: ret\n",
    "shift.s": ".text\n.global shift\nshift: slli a0, a0, 1\n ret\n.data\n.align 8\n.dword shift\n",
    "scale.s": """
        .extern shift
        .global scale
        .text
        scale:  mov     s1, ra
                call    shift
                addi    a0, a0, 1
                mov     ra, s1
                ret
        """,
}
LINK_ORDER = [*FILES, "scale.s", "shift.s"]
ALL = {**FILES, **MEMBERS}


@pytest.fixture(scope="module")
def description() -> Description:
    return load_description()


@pytest.fixture(scope="module")
def objects(description: Description) -> dict[str, ObjectFile]:
    return {n: assemble(Source(n, text), description).object for n, text in ALL.items()}


@pytest.fixture(scope="module")
def archive(objects: dict[str, ObjectFile], make_archive: MakeArchive) -> Input:
    found = read_input(
        make_archive((name[:-2] + ".o", encode_object(objects[name])) for name in MEMBERS), "lib.a"
    )
    assert isinstance(found, Archive)
    return found


@pytest.fixture(scope="module")
def image(objects: dict[str, ObjectFile], archive: Input, description: Description) -> Image:
    return link([*(objects[name] for name in FILES), archive], description.relocations)


def allocated(image: Image) -> list[tuple[str, int, int, bytes]]:
    """Return what a machine gets, and which section it is."""
    return [(s.name, s.address, s.size, s.contents) for s in image.sections]


def result(image: Image, description: Description) -> tuple[str, int, bytes]:
    """Return what the program prints, how long it runs, and its memory."""
    machine = Machine(image, description)
    ended = machine.run(10_000)
    assert ended.stop.code == 0
    text = "".join(printed.text for printed in machine.printed)
    return text, ended.retired, machine.read_memory(0, 0x1000)


def test_files_and_an_archive_are_their_sources_as_one(
    image: Image, description: Description
) -> None:
    sources = [Source(name, ALL[name]) for name in LINK_ORDER]
    whole = link([assemble(sources, description).object], description.relocations)
    assert allocated(image) == allocated(whole)
    assert image.entry == whole.entry
    assert result(image, description) == result(whole, description)
    assert result(image, description)[0] == "total 43"


def test_an_archive_is_its_members_in_the_order_of_need(
    objects: dict[str, ObjectFile], image: Image, description: Description
) -> None:
    whole = link([objects[name] for name in LINK_ORDER], description.relocations)
    assert allocated(whole) == allocated(image)
    assert whole.segments == image.segments


def test_lines_of_files_are_those_of_one_text(image: Image, description: Description) -> None:
    sources = [Source(name, ALL[name]) for name in LINK_ORDER]
    whole = link([assemble(sources, description).object], description.relocations)
    assert image.lines == whole.lines


SCRIPT = """
import sys
from pathlib import Path
from dojo_tools.assembler import assemble
from dojo_tools.cli.link import main
from dojo_tools.description import load_description
from dojo_tools.diagnostics import read_source
from dojo_tools.objects import encode_object

description = load_description()
names = sys.argv[1:]
for name in names:
    made = assemble(read_source(Path(name)), description).object
    Path(name).with_suffix(".o").write_bytes(encode_object(made))
sys.argv = ["dojo-ld", *(name[:-2] + ".o" for name in names), "-o", "p.img", "--map", "p.map"]
main()
"""


def build(folder: Path, prefix: str, seed: str) -> tuple[bytes, str, Image]:
    """Build the program in a folder, files named with a prefix; return image file and map."""
    for name in LINK_ORDER:
        path = folder / prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ALL[name], encoding="utf-8")
    names = [f"{prefix}{name}" for name in LINK_ORDER]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, *names], cwd=folder, env=environment, check=True, timeout=60
    )
    encoded = (folder / "p.img").read_bytes()
    found = read_input(encoded, "p.img")
    assert isinstance(found, Image)
    return encoded, (folder / "p.map").read_text(encoding="utf-8"), found


def test_builds_repeat(tmp_path: Path) -> None:
    first = build(tmp_path / "one", "", "1")
    assert build(tmp_path / "two", "", "2") == first
    elsewhere = build(tmp_path / "three", "deep/er/", "3")
    assert elsewhere[2].segments == first[2].segments
    assert allocated(elsewhere[2]) == allocated(first[2])


def test_an_image_is_encoded_alike_each_time(image: Image) -> None:
    assert encode_image(image) == encode_image(image)
