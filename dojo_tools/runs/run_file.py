"""Reads `run.toml`. All mistakes of a file are reported in one go, each where it stands.

What is right is read even so: then `execute_run` finds what is wrong with that, too, and tells
everything together.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from dojo_tools.assembler import is_name
from dojo_tools.bits import mask
from dojo_tools.description import load_machine
from dojo_tools.diagnostics import (
    InputError,
    Note,
    Report,
    Severity,
    did_you_mean,
    fail,
    read_source,
)
from dojo_tools.runs.model import (
    ENGINES,
    INSTRUCTIONS_MAX_DEFAULT,
    INTEGER_MAX,
    MACHINE_DEFAULT,
    NO_MISTAKES,
    TIMINGS,
    WORKERS_MAX,
    Argument,
    Grid,
    Input,
    Mistakes,
    Number,
    Numbers,
    RunFile,
    Show,
)
from dojo_tools.runs.run_folder import RunFolder
from dojo_tools.runs.run_tensors import (
    RANK_MAX,
    listed,
    one_of,
    read_element,
    read_expression,
    read_pair,
    read_tensors,
)
from dojo_tools.toml_source import Key, Table, describe_value, number_hint, parse_toml

FILE_BYTES_MAX = 1 << 20

EXAMPLES = MappingProxyType(
    {
        "program": 'program = { sources = ["kernel.s"] }',
        "sources": 'sources = ["kernel.s"]',
        "objects": 'objects = ["lib.o"]',
        "image": 'image = "kernel.img"',
        "isa": 'isa = ["own.isa"]',
        "defines": "defines = { N = 64 }",
        "machine": 'machine = { name = "d1" }',
        "name": 'name = "x"',
        "grid": "grid = { size = [4, 2], at = [0, 0] }",
        "size": "size = [4, 2], columns and rows",
        "at": "at = [0, 0], x and y",
        "limits": "limits = { instructions = 1_000_000 }",
        "run": 'run = { engine = "both", workers = 2 }',
        "arguments": "arguments = { a0 = 3 }",
        "show": 'show = { v3 = "f32" }',
        "symbol": 'symbol = "x"',
        "file": 'file = "x.npy"',
        "generate": 'generate = { kind = "normal", seed = 1 }',
        "element": 'element = "f32"',
        "shape": "shape = [4, 8]",
        "save": 'save = "y.npy"',
        "check": 'check = { expression = "x + 1" }',
        "expression": 'expression = "x + 1"',
        "accuracy": 'accuracy = { labels = "labels.npy", at_least = 0.9 }',
        "labels": 'labels = "labels.npy"',
        "node": "node = [0, 0], x and y",
        "blocks": 'blocks = [4, 2], rows and columns, or blocks = "live"',
    }
)
"""How keys are written, for hints."""

MEANT = MappingProxyType(
    {
        "tolerance": ("absolute", "relative", "ulp"),
        "atol": ("absolute",),
        "rtol": ("relative",),
        "std": ("deviation",),
        "sigma": ("deviation",),
        "mu": ("mean",),
        "min": ("low",),
        "max": ("high",),
        "dtype": ("element",),
        "type": ("element",),
        "path": ("file",),
        "expected": ("check",),
        "tensor": ("symbol",),
    }
)
"""Keys that somebody may write who knows them from elsewhere, and what they are called here."""

TABLE_KEYS = MappingProxyType(
    {
        "program": ("sources", "objects", "image", "defines", "isa"),
        "machine": ("name", "file"),
        "grid": ("size", "at"),
        "limits": ("instructions", "cycles"),
        "run": ("engine", "timing", "workers"),
    }
)
"""The keys of the tables that have always the same."""


def load_run_file(path: Path, keep_mistakes: bool = False) -> RunFile:
    """Read a run file; raise `InputError` with everything wrong in it, `OSError` if unreadable.

    With `keep_mistakes` what is wrong is left out of what is returned, whose `mistakes` say it;
    only a file that is no TOML is refused.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise fail(f"{path}: larger than {FILE_BYTES_MAX} bytes, not a run file")
    report = Report()
    root = parse_toml(read_source(path), report, EXAMPLES, MEANT)
    run_file = _Reader(path, root, report).read()
    report.diagnostics.sort(
        key=lambda found: (
            found.span is None or found.span.source is not root.source,
            0 if found.span is None else found.span.start,
        )
    )
    if not keep_mistakes:
        report.stop_if_errors()
    return run_file


class _Reader:
    def __init__(self, path: Path, root: Table, report: Report) -> None:
        self._path = path
        self._folder = RunFolder(path.parent)
        self._root = root
        self._report = report

    def read(self) -> RunFile:
        self._root.check_tables((*TABLE_KEYS, "arguments", "show", "input", "output"), TABLE_KEYS)
        program, defines, isa = self._program()
        machine = self._machine()
        grid = self._grid()
        has_program = not self._report.has_errors
        engine, timing, workers = self._run()
        instructions_max, cycles_max = self._limits()
        arguments = self._arguments()
        inputs, outputs, left_out = read_tensors(self._root, self._folder)
        self._check_named_once(arguments, inputs)
        shows = self._shows()
        mistakes = NO_MISTAKES
        if self._report.has_errors:
            found = self._report.diagnostics  # sorted later, and so kept as it is
            omitted_count = self._report.counts[Severity.ERROR] - len(found)
            mistakes = Mistakes(found, frozenset(left_out), has_program, omitted_count)
        return RunFile(
            *(str(self._path), program, arguments, tuple(inputs), tuple(outputs), ()),
            instructions_max=instructions_max,
            cycles_max=cycles_max,
            machine=machine,
            shows=shows,
            defines=defines,
            grid=grid,
            workers=workers,
            engine=engine,
            timing=timing,
            isa=isa,
            mistakes=mistakes,
        )

    def _program(self) -> tuple[tuple[Path, ...], dict[str, int], tuple[Path, ...]]:
        """Return the files, the symbols that sources are assembled with, and descriptions."""
        table = self._root.take_table("program")
        if table is None:
            if "program" not in self._root.values:
                hint = self._root.example("program")
                if not any(key in self._root.values for key in TABLE_KEYS["program"]):
                    self._root.error("the run file names no program", hint=hint)
            return (), {}, ()
        table.check_keys(TABLE_KEYS["program"])
        files = [key for key in ("sources", "objects", "image") if table.values.get(key) != []]
        if not any(key in table.values for key in files):
            table.error(
                "no program",
                hint=f"give `sources`, `objects` or `image`, {table.example('sources')}",
            )
        if "image" in table.values:
            for key in ("sources", "objects", "defines"):
                if key in table.values:
                    table.key_error("an image runs alone", key)
        paths = [*self._files(table, "sources"), *self._files(table, "objects")]
        image = table.take_string("image")
        if image is not None:
            path = self._folder.existing(table, "image", image)
            paths += [] if path is None else [path]
        return tuple(paths), self._defines(table), tuple(self._files(table, "isa"))

    def _files(self, table: Table, key: str) -> list[Path]:
        """Return the files of an array."""
        names = table.take_strings(key)
        paths = [self._folder.existing(table, (key, index), name) for index, name in names]
        return [path for path in paths if path is not None]

    def _defines(self, program: Table) -> dict[str, int]:
        table = program.take_table("defines")
        if table is None:
            return {}
        if "sources" not in program.values and "image" not in program.values:
            program.key_error("`defines` needs `sources` to assemble", "defines")
        defines: dict[str, int] = {}
        for name in table.values:
            if not is_name(name):
                table.key_error(f"`{name}` is not a name", name)
            value = table.take_integer(name, -(mask(63) + 1), mask(64))
            if value is not None:
                defines[name] = value
        return defines

    def _machine(self) -> str:
        """Return a shipped machine's name or the path of a file, checked to load."""
        table = self._root.take_table("machine")
        if table is None:
            return MACHINE_DEFAULT
        table.check_keys(TABLE_KEYS["machine"])
        given = [key for key in ("name", "file") if key in table.values]
        if len(given) != 1:
            hint = 'name = "d1", one that ships, or file = "own.toml", one of your own'
            table.error("a machine needs either `name` or `file`", hint=hint)
            return MACHINE_DEFAULT
        text = table.take_string(given[0])
        if text is None:
            return MACHINE_DEFAULT
        if given[0] == "name" and text.endswith(".toml"):
            hint = f'write file = "{text}"'
            table.error("this is a file, not the name of a machine", "name", hint)
            return MACHINE_DEFAULT
        if given[0] == "file":
            path = self._folder.existing(table, "file", text)
            if path is None:
                return MACHINE_DEFAULT
            if path.suffix != ".toml":
                hint = f'write name = "{text}"' if path.suffix == "" else None
                table.error("the file of a machine ends in .toml", "file", hint)
                return MACHINE_DEFAULT
            text = str(path)
        self._try_machine(table, given[0], text)
        return text

    def _try_machine(self, table: Table, key: str, name: str) -> None:
        """Report what is wrong with a machine; of a file, where it stands there."""
        try:
            load_machine(name)
        except InputError as error:
            for found in error.diagnostics:
                if found.span is None:
                    table.error(found.message, key, found.hint)
                else:
                    self._report.add(found)

    def _grid(self) -> Grid:
        """Return the nodes that the run has."""
        table = self._root.take_table("grid")
        if table is None:
            return Grid()
        table.check_keys(TABLE_KEYS["grid"])
        size = read_pair(table, "size", 1)
        at = read_pair(table, "at", 0) or (0, 0)
        return Grid(size, at, table.span("size" if size else "at"))

    def _run(self) -> tuple[str | None, bool, int]:
        """Return the engine, whether cycles are counted, and how many workers there are."""
        table = self._root.take_table("run")
        if table is None:
            return None, True, 1
        table.check_keys(TABLE_KEYS["run"])
        engine = table.take_string("engine")
        if engine is not None and engine not in ENGINES:
            hint = did_you_mean(engine, ENGINES)
            table.error(
                f"there is no engine `{engine}`; {listed(ENGINES, 'or')} fits", "engine", hint
            )
        timing = table.values.get("timing", "on")
        if timing not in TIMINGS:
            message = f'`timing` is {describe_value(timing)}; "on" or "off" fits'
            table.error(message, "timing")
        return engine, timing == "on", table.take_integer("workers", 1, WORKERS_MAX) or 1

    def _limits(self) -> tuple[int, int | None]:
        """Return the greatest counts of instructions and, if there is one, of cycles."""
        table = self._root.take_table("limits")
        if table is None:
            return INSTRUCTIONS_MAX_DEFAULT, None
        table.check_keys(TABLE_KEYS["limits"])
        limit = table.take_integer("instructions", 1, INTEGER_MAX)
        cycles = table.take_integer("cycles", 1, INTEGER_MAX)
        return INSTRUCTIONS_MAX_DEFAULT if limit is None else limit, cycles

    def _arguments(self) -> tuple[Argument, ...]:
        table = self._root.take_table("arguments")
        if table is None:
            return ()
        arguments: list[Argument] = []
        for name, value in table.values.items():
            if isinstance(value, dict):
                arguments += self._node_argument(table, name)
                continue
            wrong = _place_of_wrong(value)
            if wrong is None:
                arguments.append(
                    Argument(name, _numbers(value), table.span(name), None, table.key_span(name))
                )
                continue
            key: Key = (name, *wrong)
            item = _at(value, wrong)
            found, hint = describe_value(item), number_hint(item, float)
            if len(wrong) > RANK_MAX:
                table.error(f"`{name}` is nested more than {RANK_MAX} deep", key)
            elif wrong:
                table.error(f"`{name}` holds {found}; numbers fit", key, hint)
            else:
                message = f"`{name}` is {found}, not a number or an array of numbers"
                table.error(message, key, hint)
        return tuple(arguments)

    def _node_argument(self, table: Table, name: str) -> Iterator[Argument]:
        """Yield an argument whose number differs from node to node."""
        own = table.take_table(name)
        assert own is not None
        own.check_keys(("file", "expression"))
        own_key = one_of(own, "a number for each node", ("file", "expression"))
        if own_key is None:
            return
        nodes = self._folder.tensor_file(own, "file") or read_expression(own)
        if nodes is not None:
            yield Argument(name, 0, own.span(own_key), nodes, table.key_span(name))

    def _check_named_once(self, arguments: Iterable[Argument], inputs: Iterable[Input]) -> None:
        """Report each input of a symbol that an argument would overwrite."""
        places = {argument.name: argument.name_span for argument in arguments}
        for wish in inputs:
            if wish.symbol in places:
                notes = (Note("this argument sets it, too", places[wish.symbol]),)
                hint = "keep the argument or the input"
                message = f"`{wish.symbol}` is named twice"
                self._report.error(message, wish.symbol_span, hint, notes)

    def _shows(self) -> tuple[Show, ...]:
        table = self._root.take_table("show")
        if table is None:
            return ()
        shows: list[Show] = []
        for name in table.values:
            element = read_element(table, name)
            if element is not None:
                shows.append(Show(name, element, table.key_span(name)))
        return tuple(shows)


def _place_of_wrong(value: Any, depth: int = 0) -> tuple[int, ...] | None:
    """Return the indices of the first of nested arrays' items that is no number, or is too deep."""
    if type(value) in (int, float):
        return None
    if not isinstance(value, list) or depth == RANK_MAX + 1:
        return ()
    for index, item in enumerate(cast("list[Any]", value)):
        inner = _place_of_wrong(item, depth + 1)
        if inner is not None:
            return (index, *inner)
    return None


def _at(value: Any, indices: tuple[int, ...]) -> Any:
    """Return an item of nested arrays."""
    for index in indices:
        value = value[index]
    return value


def _numbers(value: Any) -> Numbers:
    """Return a number, or nested arrays of them as tuples."""
    if isinstance(value, list):
        return tuple(_numbers(item) for item in cast("list[Any]", value))
    return cast("Number", value)


_ARGUMENT = re.compile(r"(?P<name>[^=\s]+)=(?P<value>\S+)")


def parse_argument(text: str) -> Argument:
    """Return the argument that `NAME=VALUE` stands for; raise `InputError` if it is none."""
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        raise fail(f"`{text}` is not NAME=VALUE")
    value = match["value"]
    try:
        return Argument(match["name"], int(value, 0))
    except ValueError:
        pass
    try:
        return Argument(match["name"], float(value))
    except ValueError:
        raise fail(f"`{value}` is not a number", hint=f"in `{text}`") from None
