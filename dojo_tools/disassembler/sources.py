"""Where the code of a listing comes from: source lines and the trail that leads to them.

Which files are read is decided by an object that anyone may have written. So a source is read only
if it is a regular file of modest size that lies, links followed, below one of the given folders;
of any other the line number has to do.
"""

import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path

from dojo_tools.diagnostics import printable
from dojo_tools.objects import FrameKind, LineEntry

SOURCE_SIZE_MAX = 16 << 20
SOURCES_MAX = 256
TRAIL_SHOWN_MAX = 16
"""Of a longer trail only the innermost steps are shown."""
_TEXT_SHOWN_MAX = 200


class Sources:
    """The lines of source files, each read when it is first asked for."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._lines: dict[str, Sequence[str]] = {}

    def line(self, name: str, number: int) -> str | None:
        """Return a line, counted from 1, or None where it can't or must not be read."""
        lines = self._lines.get(name)
        if lines is None:
            lines = self._read(name) if len(self._lines) < SOURCES_MAX else ()
            self._lines[name] = lines
        return lines[number - 1] if 1 <= number <= len(lines) else None

    def _read(self, name: str) -> Sequence[str]:
        for folder in self._folders:
            try:
                path = (folder / name).resolve()
                if (
                    path.is_relative_to(folder)
                    and path.is_file()
                    and path.stat().st_size <= SOURCE_SIZE_MAX
                ):
                    return path.read_text(encoding="utf-8", errors="replace").split("\n")
            except (
                OSError,
                ValueError,
                RuntimeError,
            ):  # no such file; a NUL in it; a loop of links
                continue
        return ()


class Origins:
    """The lines of a file by section and address; `sources` has their text, None hides it."""

    def __init__(self, lines: Sequence[LineEntry], sources: Sources | None) -> None:
        self._sources = sources
        self._lines: dict[str, list[LineEntry]] = {}
        for line in lines:
            self._lines.setdefault(line.section, []).append(line)
        for found in self._lines.values():
            found.sort(key=lambda line: line.offset)
        self._last: LineEntry | None = None

    def comments(self, section: str, address: int) -> Iterator[str]:
        """Yield comments on what an address comes from, unless it is what the last one did."""
        lines = self._lines.get(section, ())
        index = bisect.bisect_right(lines, address, key=lambda line: line.offset) - 1
        if index < 0 or address >= lines[index].offset + lines[index].size:
            return
        line = lines[index]
        if line is self._last:
            return
        self._last = line
        place = f"{line.file}:{line.line}"
        text = None if self._sources is None else self._sources.line(line.file, line.line)
        yield _comment(f"{place}:{line.column}" if text is None else f"{place}: {text.strip()}")
        trail = [frame for frame in line.trail if frame.kind is not FrameKind.EXPANSION]
        for frame in trail[:TRAIL_SHOWN_MAX]:
            yield _comment(f"  {frame}")
        if len(trail) > TRAIL_SHOWN_MAX:
            yield _comment(f"  and {len(trail) - TRAIL_SHOWN_MAX} more")


def _comment(text: str) -> str:
    return f"; {printable(text[:_TEXT_SHOWN_MAX])}"
