"""Where code comes from: which sources are read, and what is said of trails."""

import os
from pathlib import Path

import pytest

from dojo_tools.disassembler import Origins, Sources
from dojo_tools.disassembler.sources import SOURCE_SIZE_MAX, TRAIL_SHOWN_MAX
from dojo_tools.objects import Frame, FrameKind, LineEntry

INCLUDED = Frame(FrameKind.INCLUDE, "", "a.s", 1, 1)
MACRO = Frame(FrameKind.MACRO, "twice", "a.s", 9, 3)
SHORT = Frame(FrameKind.EXPANSION, "li", "b.s", 2, 5)


def test_only_sources_below_the_folders_are_read(tmp_path: Path) -> None:
    below, outside = tmp_path / "below", tmp_path / "outside.s"
    below.mkdir()
    outside.write_text("secret\n")
    (below / "a.s").write_text("first\nsecond\n")
    (below / "link.s").symlink_to(outside)
    os.mkfifo(below / "pipe.s")
    with (below / "large.s").open("wb") as file:
        file.truncate(SOURCE_SIZE_MAX + 1)
    sources = Sources([below])
    assert sources.line("a.s", 2) == "second"
    assert sources.line(str(below / "a.s"), 1) == "first"
    assert sources.line("a.s", 0) is None
    assert sources.line("a.s", 9) is None
    for name in ("../outside.s", str(outside), "link.s", "pipe.s", "large.s", "", "x\0", "none.s"):
        assert sources.line(name, 1) is None, name


@pytest.mark.parametrize("with_sources", [False, True])
def test_a_line_is_said_once_with_its_trail(tmp_path: Path, with_sources: bool) -> None:
    (tmp_path / "b.s").write_text("one\n    li a0, \x1b[2J\n")
    lines = (LineEntry(".text", 0, 8, "b.s", 2, 5, (SHORT, MACRO, INCLUDED)),)
    origins = Origins(lines, Sources([tmp_path]) if with_sources else None)
    assert list(origins.comments(".text", 0)) == [
        "; b.s:2: li a0, \\u{1b}[2J" if with_sources else "; b.s:2:5",
        ";   in expansion of macro `twice` at a.s:9:3",
        ";   included from a.s:1:1",
    ]
    assert list(origins.comments(".text", 4)) == []
    assert list(origins.comments(".text", 8)) == []
    assert list(origins.comments(".data", 0)) == []


def test_a_long_trail_is_cut() -> None:
    lines = (LineEntry(".text", 0, 4, "b.s", 2, 5, (MACRO,) * 100),)
    said = list(Origins(lines, None).comments(".text", 0))
    assert len(said) == TRAIL_SHOWN_MAX + 2
    assert said[-1] == ";   and 84 more"
