"""The files that a run file names: below its folder, links followed, for reading and for writing.

So a stranger's run file reaches nothing else.
"""

import re
from pathlib import Path

from dojo_tools.diagnostics import InputError, did_you_mean
from dojo_tools.runs.tensor_files import check_suffix
from dojo_tools.toml_source import Key, Table

_PROGRAM = re.compile(rb"^\s*\[?\s*program\b", re.MULTILINE)
_START_BYTES = 1 << 16


class RunFolder:
    """The folder of a run file, and which files the run reads and writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: set[Path] = set()
        self._saves: list[tuple[Table, str, Path]] = []

    def existing(self, table: Table, key: Key, name: str) -> Path | None:
        """Return the path of a file that is there, or report that it is not."""
        path = self._below(table, key, name)
        if path is None:
            return None
        if path.is_dir():
            table.error(f"`{name}` is a folder; a file is needed", key)
            return None
        if not path.is_file():
            files = sorted(
                file.name
                for file in path.parent.glob("*")
                if file.is_file()
                and not (path.suffix == file.suffix == ".toml" and _is_run_file(file))
            )
            hint = did_you_mean(path.name, files)
            table.error(f"there is no file `{name}`", key, hint or _names(path.suffix, files))
            return None
        self._read.add(path.resolve())
        return path

    def tensor_file(self, table: Table, key: str) -> Path | None:
        """Return the tensor file that a key names, if it does."""
        name = table.take_string(key)
        path = None if name is None else self.existing(table, key, name)
        return None if path is None else _tensor_path(table, key, path)

    def save(self, table: Table, key: str) -> Path | None:
        """Return the path that a key names for a tensor file to be written."""
        name = table.take_string(key)
        path = None if name is None else self._below(table, key, name)
        if name is None or path is None or _tensor_path(table, key, path) is None:
            return None
        if not path.parent.is_dir() or path.is_dir():
            table.error(f"`{name}` can't be written: its folder does not exist", key)
            return None
        self._saves.append((table, key, path))
        return path

    def check_saves(self) -> None:
        """Report the files to be written that the run reads, or writes twice."""
        written: set[Path] = set()
        for table, key, path in self._saves:
            resolved = path.resolve()
            if resolved in self._read:
                table.error(f"`{path.name}` is read by this run; save elsewhere", key)
            elif resolved in written:
                table.error(f"`{path.name}` is saved twice", key)
            written.add(resolved)

    def _below(self, table: Table, key: Key, name: str) -> Path | None:
        """Return the path of a name, or report one that leaves the folder."""
        path = self._folder / name
        try:
            stays = path.resolve().is_relative_to(self._folder.resolve())
        except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
            stays = False
        if not stays or not name:
            table.error(
                f"`{name}` is not below the run file's folder",
                key,
                "a run file reads and writes only there",
            )
            return None
        return path


NAMES_SHOWN_MAX = 8


def _is_run_file(path: Path) -> bool:
    """Return whether a file seems to be one: a table `program` begins a line near its start."""
    try:
        with path.open("rb") as file:
            return _PROGRAM.search(file.read(_START_BYTES)) is not None
    except OSError:
        return False


def _names(suffix: str, files: list[str]) -> str | None:
    """Return a hint that names the files of a folder with a suffix, if there are a few."""
    fitting = [name for name in files if name.endswith(suffix or ".")]
    if not 0 < len(fitting) <= NAMES_SHOWN_MAX:
        return None
    names = ", ".join(f"`{name}`" for name in fitting)
    return f"there is {names}" if len(fitting) == 1 else f"there are {names}"


def _tensor_path(table: Table, key: str, path: Path) -> Path | None:
    """Return the path of a tensor file, or report one with another suffix."""
    wrong: InputError | None = check_suffix(path, table.span(key))
    if wrong is None:
        return path
    for found in wrong.diagnostics:
        table.report.add(found)
    return None
