"""Broken objects and images: a message or a value that can be listed and written, fast and small.

Truncations and header fields are tried one by one; mutations are random, and their seed is
printed when one fails. Each file is read in time and the whole batch in little memory, for which
it runs in a process of its own.
"""

import random
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dojo_tools.description import load_description
from dojo_tools.diagnostics import InputError
from dojo_tools.disassembler import (
    Origins,
    list_code,
    list_contents,
    list_placement,
    list_relocations,
    list_sections,
    list_segments,
    list_symbols,
)
from dojo_tools.objects import (
    Image,
    Member,
    ObjectFile,
    encode_image,
    encode_object,
    is_archive,
    read_archive,
    read_elf,
)
from dojo_tools.objects.archive import ARCHIVE_MAGIC

SEED = 20261124
SECONDS_MAX = 1.0
MEMORY_MAX = 256 << 20
_INTERESTING = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF)
_DESCRIPTION = load_description()


def use(contents: bytes) -> bool:
    """Read, list and write again what may be broken; return whether it could be read.

    Fails where that takes too long or prints control bytes.
    """
    started = time.perf_counter()
    shown: list[str] = []
    try:
        members = read_archive(contents, "x") if is_archive(contents) else (Member("x", contents),)
        for member in members:
            found = read_elf(member.contents, "x")
            shown += listed(found)
            written = encode_image(found) if isinstance(found, Image) else encode_object(found)
            assert read_elf(written, "x") == found
        readable = True
    except InputError as error:
        shown.append(str(error))
        readable = False
    assert time.perf_counter() - started < SECONDS_MAX
    for line in shown:
        assert is_harmless(line), ascii(line)
    return readable


def is_harmless(text: str) -> bool:
    """Return whether a terminal only prints a text."""
    return text.replace("\n", "").replace("\t", "").isprintable()


def listed(found: ObjectFile | Image) -> Iterator[str]:
    """Yield everything that can be printed of a file."""
    yield from list_sections(found)
    yield from list_symbols(found)
    yield from list_relocations(found, _DESCRIPTION)
    yield from list_contents(found)
    yield from list_segments(found)
    yield from list_placement(found)
    yield from list_code(found, _DESCRIPTION, Origins(found.lines, None))


def mutated(contents: bytes, chance: random.Random) -> bytes:
    """Return a file with a few bytes or fields changed, or a part cut out or doubled."""
    changed = bytearray(contents)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(changed))
        match chance.randrange(8):
            case 0:
                size = chance.choice((2, 4, 8))
                value = chance.choice((0, 1, (1 << 8 * size) - 1, 1 << (8 * size - 1)))
                changed[at : at + size] = value.to_bytes(size, "little")
            case 1:
                del changed[at : at + chance.randrange(1, 64)]
            case 2:
                changed[at:at] = changed[at : at + chance.randrange(1, 64)]
            case 3:
                other = chance.randrange(len(changed))
                changed[at : at + 8] = changed[other : other + 8]
            case _:
                some = (chance.choice(_INTERESTING), chance.randrange(256))
                changed[at] = chance.choice(some)
        changed = changed or bytearray(b"\0")
    return bytes(changed)


@pytest.fixture
def originals(
    sample_object: ObjectFile, sample_image: Image, traced_image: Image
) -> dict[str, bytes]:
    """What is broken."""
    return {
        "object": encode_object(sample_object),
        "image": encode_image(sample_image),
        "traced": encode_image(traced_image),
        "archive": archive_of(encode_object(sample_object), encode_image(sample_image)),
    }


@pytest.mark.parametrize("name", ["object", "image", "archive"])
def test_every_truncation_is_a_message(name: str, originals: dict[str, bytes]) -> None:
    contents = originals[name]
    assert use(contents)
    for length in range(len(contents)):
        # An archive may end after any member.
        assert not use(contents[:length]) or name == "archive"


def archive_of(*members: bytes) -> bytes:
    """Return an archive whose first member has a long name."""
    names = (b"//", b"/0", b"second.o/", b"third.o/")
    archive = bytearray(ARCHIVE_MAGIC)
    for name, contents in zip(names, (b"a long name of a member.o/\n", *members), strict=False):
        header = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"644".ljust(8)
        archive += header + str(len(contents)).encode().ljust(10) + b"`\n"
        archive += contents + b"\n" * (len(contents) % 2)
    return bytes(archive)


def fields_of(contents: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size of each field of the headers and tables of a file."""
    file_header = (16, 2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2)
    section_header = (4, 4, 8, 8, 8, 8, 4, 4, 8, 8)
    yield from _record("file", 0, file_header)
    program_offset, section_offset = struct.unpack_from("<QQ", contents, 32)
    _, program_count, _, section_count = struct.unpack_from("<4H", contents, 54)
    for index in range(program_count):
        program_header = (4, 4, 8, 8, 8, 8, 8, 8)
        yield from _record(f"program {index}", program_offset + 56 * index, program_header)
    entries = {2: (4, 1, 1, 2, 8, 8), 4: (8, 4, 4, 8)}
    for index in range(section_count):
        at = section_offset + 64 * index
        yield from _record(f"section {index}", at, section_header)
        kind, offset, size = struct.unpack_from("<4xI16xQQ", contents, at)
        for entry in range(offset, offset + size, 24) if kind in entries else ():
            yield from _record(f"entry at {entry:#x}", entry, entries[kind])
        for word in range(offset, offset + size, 4) if kind > 0x8000_0000 or kind == 7 else ():
            yield f"word at {word:#x}", word, 4


def _record(name: str, offset: int, sizes: tuple[int, ...]) -> Iterator[tuple[str, int, int]]:
    for index, size in enumerate(sizes):
        yield f"{name} field {index}", offset, size
        offset += size


@pytest.mark.parametrize("name", ["object", "image"])
def test_every_field_at_its_ends_and_overlapping(name: str, originals: dict[str, bytes]) -> None:
    contents = originals[name]
    readable = 0
    for field, offset, size in fields_of(contents):
        own = int.from_bytes(contents[offset : offset + size], "little")
        top = (1 << 8 * size) - 1
        # The neighbours of a value make places and names overlap.
        for value in {0, 1, top, top >> 1, own - 1, own + 1, own + 8, own - 8, len(contents)}:
            if 0 <= value <= top:
                changed = bytearray(contents)
                changed[offset : offset + size] = value.to_bytes(size, "little")
                try:
                    readable += use(bytes(changed))
                except Exception as error:
                    raise AssertionError(f"{field} = {value:#x}") from error
    assert readable


def run_batch(originals: Path, seed: int, count: int) -> None:
    """Use `count` mutations of the files in a folder; the failing seed is in the message."""
    files = [path.read_bytes() for path in sorted(originals.iterdir())]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX + _address_space(), resource.RLIM_INFINITY))
    readable = 0
    for number in range(count):
        chance = random.Random(f"{seed}.{number}")
        contents = mutated(chance.choice(files), chance)
        try:
            readable += use(contents)
        except BaseException as error:
            raise AssertionError(f"seed {seed}, mutation {number}: {error!r}") from error
    assert readable > count // 100, f"only {readable} of {count} mutations could be read"


def _address_space() -> int:
    """Return the bytes of address space in use, which hold the interpreter and numpy."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_mutations(count: int, originals: dict[str, bytes], tmp_path: Path) -> None:
    for name, contents in originals.items():
        (tmp_path / name).write_bytes(contents)
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(SEED), str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    run_batch(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
