"""Archives as GNU and BSD make them, and damaged ones."""

import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from dojo_tools.diagnostics import InputError
from dojo_tools.objects.archive import ARCHIVE_MAGIC, Member, is_archive, read_archive

LONG = "a_name_of_more_than_sixteen_bytes.o"


def member(name: bytes, contents: bytes, size: bytes | None = None, end: bytes = b"`\n") -> bytes:
    size = str(len(contents)).encode() if size is None else size
    header = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"644".ljust(8)
    return header + size.ljust(10) + end + contents + b"\n" * (len(contents) % 2)


def gnu() -> bytes:
    names = LONG.encode() + b"/\nother_long_name.o/\n"
    return b"".join(
        [
            ARCHIVE_MAGIC,
            member(b"/", bytes(4)),
            member(b"//", names),
            member(b"a.o/", b"odd"),
            member(b"/0", b"long"),
            member(b"/37", b""),
            member(b"a.o/", b"again"),
        ]
    )


def bsd() -> bytes:
    encoded = LONG.encode()
    index = member(b"#1/20", b"__.SYMDEF SORTED\0\0\0\0" + bytes(8))
    long_name = member(b"#1/%d" % (len(encoded) + 1), encoded + b"\0" + b"long")
    return ARCHIVE_MAGIC + index + member(b"a.o", b"odd") + long_name


def refusal(contents: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_archive(contents, "x.a")
    return caught.value.diagnostics[0].message


def test_gnu_names() -> None:
    assert is_archive(gnu())
    assert read_archive(gnu(), "x.a") == (
        Member("a.o", b"odd"),
        Member(LONG, b"long"),
        Member("other_long_name.o", b""),
        Member("a.o", b"again"),
    )


def test_bsd_names() -> None:
    assert read_archive(bsd(), "x.a") == (Member("a.o", b"odd"), Member(LONG, b"long"))


def test_an_empty_archive() -> None:
    assert read_archive(ARCHIVE_MAGIC, "x.a") == ()


@pytest.mark.skipif(shutil.which("ar") is None, reason="ar is not installed")
@pytest.mark.parametrize("flags", ["rc", "rcs", "rcS"])
def test_what_ar_makes(flags: str, tmp_path: Path) -> None:
    (tmp_path / LONG).write_bytes(b"one")
    (tmp_path / "b.o").write_bytes(b"two!")
    subprocess.run(["ar", flags, "x.a", LONG, "b.o"], cwd=tmp_path, check=True)
    found = read_archive((tmp_path / "x.a").read_bytes(), "x.a")
    assert found == (Member(LONG, b"one"), Member("b.o", b"two!"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"x", "the header of the member at 0x8 takes the bytes"),
        (member(b"a.o/", b"x", size=b"-1"), "has the size `-1 "),
        (member(b"a.o/", b"x", size=b"1_0"), "has the size `1_0 "),
        (member(b"a.o/", b"x", size=b"\x1b[2J"), "has the size `\\u{1b}[2J "),
        (member(b"a.o/", b"x", size=b""), "expected a decimal number"),
        (member(b"a.o/", b"x", size=b"9999999999"), "takes the bytes [0x44, 0x2540be443)"),
        (member(b"a.o/", b"x", end=b"xx"), "its header ends in 78 78"),
        (member(b"/0", b"x"), "is at 0x0, but the table of names has 0 bytes"),
        (member(b"//", b"a/\n") + member(b"/4", b"x"), "is at 0x4, but the table of names has 3"),
        (member(b"//", b"a/\n") * 2, "is a second table of names"),
        (member(b"#1/9", b"x"), "has 9 bytes, the member only 1"),
        (member(b"#1/0", b"x"), "has no name"),
        (member(b"\xff.o/", b"x"), "is not UTF-8"),
        (member(b"", b"x"), "has no name"),
    ],
)
def test_damage_is_named(body: bytes, message: str) -> None:
    assert message in refusal(ARCHIVE_MAGIC + body)


def test_other_files() -> None:
    assert refusal(b"\x7fELF") == "x.a: not an archive"
    assert not is_archive(b"\x7fELF")
    assert "a thin archive" in refusal(b"!<thin>\n")


@pytest.mark.parametrize("contents", [gnu(), bsd()])
def test_mutations_are_read_or_refused(contents: bytes) -> None:
    generator = random.Random(3)
    for length in range(len(contents)):
        try_to_read(contents[:length])
    for _ in range(2000):
        changed = bytearray(contents)
        for _ in range(generator.randint(1, 4)):
            changed[generator.randrange(len(changed))] = generator.choice(b"0/#9 \x00\xff\n1")
        try_to_read(bytes(changed))


def try_to_read(contents: bytes) -> None:
    with suppress(InputError):
        members = read_archive(contents, "x.a")
        assert sum(len(found.contents) for found in members) <= len(contents)


def test_a_shared_name_does_not_multiply_memory() -> None:
    names = member(b"//", b"n" * 100_000 + b"/\n")
    with pytest.raises(InputError, match="far more bytes than it has"):
        read_archive(ARCHIVE_MAGIC + names + member(b"/0", b"") * 2_000, "x.a")
