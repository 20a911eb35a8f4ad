"""The files that a source names: found only below its own folder or one given with `-I`."""

import stat
from collections.abc import Sequence
from pathlib import Path

from dojo_tools.assembler.macros import root_of
from dojo_tools.assembler.tree import LimitPassed, Refused
from dojo_tools.diagnostics import Span, printable

INCLUDE_DEPTH_MAX = 64
INCLUDE_COUNT_MAX = 2_000
INCLUDE_SIZE_MAX = 64 << 20


class Files:
    """The files read for a source, and where they may be: in its folder, and in those of `-I`."""

    def __init__(self, include_folders: Sequence[Path]) -> None:
        self.files: list[Path] = []
        self._size = 0
        self._open: list[tuple[Path, str]] = []
        self._include_folders = tuple(include_folders)
        self._roots: list[Path] = []

    def enter(self, source_name: str) -> None:
        """Let a source of the command line name files below its folder."""
        self.files.append(Path(source_name))
        root = Path(source_name).parent.resolve()
        self._roots = [root, *(folder.resolve() for folder in self._include_folders)]

    def find(self, written: str, span: Span) -> Path:
        """Return the regular file that a name means: beside the file that names it, or in `-I`.

        A name in a macro is looked for beside the macro, then beside the source that uses it.
        Raises `Refused`.
        """
        if "\0" in written:
            raise Refused("a file name can't hold a NUL", span)
        beside = (Path(name).parent for name in (span.source.name, root_of(span).source.name))
        folders = list(dict.fromkeys((*beside, *self._include_folders)))
        for folder in folders:
            path = folder / written
            try:
                mode = path.stat().st_mode
            except (OSError, ValueError):
                continue
            if not stat.S_ISREG(mode):
                raise Refused(f"`{printable(written)}` is not a regular file", span)
            if not any(path.resolve().is_relative_to(root) for root in self._roots):
                raise Refused(
                    f"`{printable(written)}` lies outside the source's folder",
                    span,
                    "`-I FOLDER` allows the files below another folder",
                )
            return path
        searched = ", ".join(printable(str(folder)) for folder in folders)
        raise Refused(
            f"can't find `{printable(written)}`", span, f"searched in {searched}; `-I` adds folders"
        )

    def read(self, path: Path, written: str, span: Span) -> bytes:
        """Return the contents of a file that was found; raises `Refused`."""
        left = INCLUDE_SIZE_MAX - self._size
        try:
            with path.open("rb") as file:
                contents = file.read(left + 1)
        except OSError as error:
            message = f"can't read `{printable(written)}`: {error.strerror}"
            raise Refused(message, span) from None
        if len(contents) > left:
            raise LimitPassed(f"more than {INCLUDE_SIZE_MAX >> 20} MiB are included", span)
        self._size += len(contents)
        self.files.append(path)
        return contents

    def open(self, path: Path) -> None:
        """Note a source as being read."""
        self._open.append((path.resolve(), str(path)))

    def close(self) -> None:
        """Note the source that was opened last as read."""
        self._open.pop()

    def check_include(self, path: Path, span: Span) -> None:
        """Raise `Refused` for a file that is being read, or one too many."""
        resolved = path.resolve()
        opened = [file for file, _ in self._open]
        if resolved in opened:
            names = [name for _, name in self._open[opened.index(resolved) :]]
            chain = " -> ".join(printable(name) for name in [*names, str(path)])
            raise Refused(f"this file includes itself: {chain}", span)
        if len(opened) > INCLUDE_DEPTH_MAX:
            raise Refused(f"includes are nested deeper than {INCLUDE_DEPTH_MAX} files", span)
        if len(self.files) > INCLUDE_COUNT_MAX:
            raise LimitPassed(f"more than {INCLUDE_COUNT_MAX} files are included", span)
