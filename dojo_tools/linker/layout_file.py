"""Reads layout files: the programs of an image, their files, nodes and entries, as TOML.

    files = ["common.o", "math.a"]          # part of every program

    [programs.stencil]
    files = ["stencil.o"]
    nodes = ["0,0 2x2", "3,3"]
    entry = "main"                          # _start if left out

Paths are relative to the folder of the layout file and stay below it. All mistakes are reported in
one go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dojo_tools.diagnostics import InputError, Report, did_you_mean, fail, printable, read_source
from dojo_tools.linker.arguments import parse_rectangle
from dojo_tools.linker.options import LAYOUT_SIZE_MAX
from dojo_tools.objects import Rectangle
from dojo_tools.toml_source import Table, describe_value, parse_toml

EXAMPLES = MappingProxyType(
    {
        "files": 'files = ["stencil.o"]',
        "programs": '[programs.stencil], and below it files = ["stencil.o"]',
        "nodes": 'nodes = ["0,0 2x2", "3,3"]',
        "entry": 'entry = "main"',
    }
)
"""How keys are written, for hints."""


@dataclass(frozen=True, slots=True)
class LayoutProgram:
    """A program: its files, the nodes that run it, its entry if it says one."""

    files: tuple[Path, ...]
    nodes: tuple[Rectangle, ...]
    entry: str | None


@dataclass(frozen=True, slots=True)
class LayoutFile:
    """The files of no program, and the programs by name in order."""

    files: tuple[Path, ...]
    programs: Mapping[str, LayoutProgram]


def load_layout_file(path: Path) -> LayoutFile:
    """Read a layout file. Raises `InputError` with all mistakes, `OSError` if it is unreadable."""
    source = read_source(path)
    if len(source.text) > LAYOUT_SIZE_MAX:
        raise fail(f"{printable(str(path))}: larger than {LAYOUT_SIZE_MAX >> 20} MiB")
    report = Report()
    root = parse_toml(source, report, EXAMPLES)
    root.check_keys(("files", "programs"))
    files = _paths(root, path.parent)
    programs: dict[str, LayoutProgram] = {}
    tables = root.take_table("programs")
    for name in tables.values if tables else ():
        table = tables.take_table(name) if tables else None
        if table is not None:
            programs[name] = _program(table, path.parent)
    report.diagnostics.sort(key=lambda found: -1 if found.span is None else found.span.start)
    report.stop_if_errors()
    return LayoutFile(files, programs)


def _program(table: Table, folder: Path) -> LayoutProgram:
    table.check_keys(("files", "nodes", "entry"))
    entry = table.take_string("entry")
    if entry == "":
        table.error("`entry` is empty", "entry")
    nodes: list[Rectangle] = []
    for index, text in _strings(table, "nodes"):
        try:
            nodes.append(parse_rectangle(text))
        except InputError as error:
            found = error.diagnostics[0]
            table.report.error(found.message, table.text_span(("nodes", index), text), found.hint)
    return LayoutProgram(_paths(table, folder), tuple(nodes), entry)


def _paths(table: Table, folder: Path) -> tuple[Path, ...]:
    """Return the files that a table names: regular files below the folder, links followed."""
    found: list[Path] = []
    for index, name in _strings(table, "files"):
        path = folder / name
        at = "files", index
        try:
            stays = path.resolve().is_relative_to(folder.resolve())
        except (OSError, RuntimeError):  # too long, a loop of links
            stays = False
        if not stays:
            message = f"`{printable(name)}` is not below the layout file's folder"
            table.error(message, at, "a layout file reads only there")
        elif path.is_dir():
            table.error(f"`{printable(name)}` is a folder; a file is needed", at)
        elif not path.is_file():
            files = (file.name for file in path.parent.glob("*") if file.is_file())
            hint = did_you_mean(path.name, map(printable, files))
            table.error(f"there is no file `{printable(name)}`", at, hint)
        else:
            found.append(path)
    return tuple(found)


def _strings(table: Table, key: str) -> list[tuple[int, str]]:
    """Return the strings of an array that may be a name, with their indices."""
    found: list[tuple[int, str]] = []
    for index, value in table.take_strings(key):
        if value and "\0" not in value:
            found.append((index, value))
        else:
            table.error(f"`{key}` holds {describe_value(value)}, which names nothing", (key, index))
    return found
