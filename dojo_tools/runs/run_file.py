"""Reads `run.toml`. All mistakes of a file are reported in one go.

Paths are relative to the run file's folder and stay below it, links followed, for reading and for
writing: a stranger's run file reaches nothing else.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from dojo_tools.assembler import is_name
from dojo_tools.bits import mask
from dojo_tools.description import load_machine
from dojo_tools.diagnostics import InputError, Report, did_you_mean, fail, read_source
from dojo_tools.formats import element_named
from dojo_tools.runs.expression import Expression, parse_expression
from dojo_tools.runs.generate import KINDS
from dojo_tools.runs.model import (
    INSTRUCTIONS_MAX_DEFAULT,
    MACHINE_DEFAULT,
    Accuracy,
    Argument,
    Blocks,
    Check,
    Generate,
    Grid,
    Input,
    Number,
    Numbers,
    Output,
    Place,
    RunFile,
    Show,
    Tolerance,
)
from dojo_tools.runs.tensor_files import check_suffix
from dojo_tools.toml_source import Table, describe_value, parse_toml, value_span

FILE_BYTES_MAX = 1 << 20
RANK_MAX = 8
NODES_SIDE_MAX = 4096
_PLACE_KEYS = ("node", "blocks", "dip", "offset", "name")
INTEGER_MAX = 1 << 62
"""Limits of generated integers and of what a user may ask of other counts."""


def load_run_file(path: Path) -> RunFile:
    """Read a run file; raise `InputError` with everything wrong in it, `OSError` if unreadable."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise fail(f"{path}: larger than {FILE_BYTES_MAX} bytes, not a run file")
    report = Report()
    root = parse_toml(read_source(path), report)
    run_file = _Reader(path, root, report).read()
    report.diagnostics.sort(key=lambda found: -1 if found.span is None else found.span.start)
    report.stop_if_errors()
    return run_file


class _Reader:
    def __init__(self, path: Path, root: Table, report: Report) -> None:
        self._path = path
        self._folder = path.parent
        self._root = root
        self._report = report
        self._read: set[Path] = set()

    def read(self) -> RunFile:
        self._root.check_keys(
            ("program", "machine", "grid", "limits", "arguments", "show", "input", "output")
        )
        program, defines = self._program()
        machine = self._machine()
        instructions_max, cycles_max = self._limits()
        arguments = self._arguments()
        inputs = tuple(self._input(table) for table in self._root.take_tables("input"))
        tables = self._root.take_tables("output")
        outputs = tuple(self._output(table) for table in tables)
        self._check_twice(self._root.take_tables("input"))
        self._check_twice(tables)
        self._check_saves(tables, outputs)
        return RunFile(
            *(str(self._path), program, arguments, inputs, outputs, (), instructions_max),
            cycles_max=cycles_max,
            machine=machine,
            shows=self._shows(),
            defines=defines,
            grid=self._grid(),
        )

    # ---- tables

    def _grid(self) -> Grid:
        """Return the nodes that the run has."""
        table = self._root.take_table("grid")
        if table is None:
            return Grid()
        table.check_keys(("size", "at"))
        size = _pair(table, "size", 1)
        return Grid(size, _pair(table, "at", 0) or (0, 0), table.span("size" if size else "at"))

    def _program(self) -> tuple[tuple[Path, ...], dict[str, int]]:
        """Return the files, and the symbols that sources are assembled with."""
        table = self._root.take_table("program")
        if table is None:
            if "program" not in self._root.values:
                self._report.error(
                    f"{self._path}: names no program", hint='add [program] sources = ["kernel.s"]'
                )
            return (), {}
        table.check_keys(("sources", "objects", "image", "defines"))
        if not table.values:
            table.error("no program", hint="give `sources`, `objects` or `image`")
        if "image" in table.values and len(table.values) > 1:
            table.error("an image runs alone", "image")
        names = [(key, name) for key in ("sources", "objects") for name in _strings(table, key)]
        image = table.take_string("image")
        if image is not None:
            names.append(("image", image))
        paths = [self._existing(table, key, name) for key, name in names]
        return tuple(path for path in paths if path is not None), self._defines(table)

    def _defines(self, program: Table) -> dict[str, int]:
        table = program.take_table("defines")
        if table is None:
            return {}
        if "sources" not in program.values:
            program.error("`defines` needs `sources` to assemble", "defines")
        defines: dict[str, int] = {}
        for name in table.values:
            if not is_name(name):
                table.error(f"`{name}` is not a name", name)
            value = table.take_integer(name, -(mask(63) + 1), mask(64))
            if value is not None:
                defines[name] = value
        return defines

    def _machine(self) -> str:
        """Return a shipped machine's name or the path of a file, checked to load."""
        table = self._root.take_table("machine")
        if table is None:
            return MACHINE_DEFAULT
        table.check_keys(("name", "file"))
        if ("name" in table.values) == ("file" in table.values):
            table.error("a machine needs either `name` or `file`")
            return MACHINE_DEFAULT
        name = table.take_string("name")
        if name is not None and name.endswith(".toml"):
            table.error("this is a file, not the name of a machine", "name", "write `file`")
            return MACHINE_DEFAULT
        file = table.take_string("file")
        if file is not None:
            path = self._existing(table, "file", file)
            if path is not None and path.suffix != ".toml":
                table.error("the file of a machine ends in .toml", "file")
                path = None
            name = None if path is None else str(path)
        if name is not None:
            self._try_machine(table, name)
        return name or MACHINE_DEFAULT

    def _try_machine(self, table: Table, name: str) -> None:
        try:
            load_machine(name)
        except InputError as error:
            found = error.diagnostics[0]
            table.error(found.message, "name" if "name" in table.values else "file", found.hint)

    def _shows(self) -> tuple[Show, ...]:
        table = self._root.take_table("show")
        if table is None:
            return ()
        shows: list[Show] = []
        for name in table.values:
            element = table.take_string(name)
            if element is not None:
                shows.append(Show(name, element, table.span(name)))
        return tuple(shows)

    def _limits(self) -> tuple[int, int | None]:
        """Return the greatest counts of instructions and, if there is one, of cycles."""
        table = self._root.take_table("limits")
        if table is None:
            return INSTRUCTIONS_MAX_DEFAULT, None
        table.check_keys(("instructions", "cycles"))
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
            numbers = _numbers(value)
            if numbers is None:
                found = describe_value(value)
                table.error(f"`{name}` is {found}, not a number or an array of numbers", name)
            else:
                arguments.append(Argument(name, numbers, table.span(name)))
        return tuple(arguments)

    def _node_argument(self, table: Table, name: str) -> Iterator[Argument]:
        """Yield an argument whose number differs from node to node."""
        own = table.take_table(name)
        assert own is not None
        own.check_keys(("file", "expression"))
        if ("file" in own.values) == ("expression" in own.values):
            own.error(
                "a number for each node needs either `file` or `expression`",
                hint='as in a0 = { expression = "x + y * width" }',
            )
            return
        nodes = self._tensor_file(own, "file") or self._expression(own)
        if nodes is not None:
            yield Argument(name, 0, table.span(name), nodes)

    def _input(self, table: Table) -> Input:
        table.check_keys(("symbol", "file", "generate", "element", "shape", *_PLACE_KEYS))
        if ("file" in table.values) == ("generate" in table.values):
            table.error("an input needs either `file` or `generate`")
        span = table.span("file") if "file" in table.values else table.span("generate")
        place = self._place(table)
        symbol = self._symbol(table, place)
        return Input(
            symbol,
            self._tensor_file(table, "file"),
            self._generate(table),
            _element(table),
            _shape(table),
            span,
            place,
            self._name(table, place),
        )

    def _place(self, table: Table) -> Place:
        """Return where a tensor is: on every node, on one, in blocks, or in DIP memory."""
        given = [key for key in ("node", "blocks", "dip") if key in table.values]
        if len(given) > 1:
            table.error(f"`{given[0]}` and `{given[1]}` are both given; one fits", given[1])
        if "offset" in table.values and "dip" not in table.values:
            table.error("`offset` needs `dip`, the number of a DIP card", "offset")
        blocks: Blocks | None = None
        if table.values.get("blocks") == "live":
            blocks = "live"
        elif isinstance(table.values.get("blocks"), str):
            found = table.values["blocks"]
            table.error(f'`blocks` is "{found}"; [rows, columns] or "live" fits', "blocks")
        else:
            blocks = _pair(table, "blocks", 1)
        return Place(
            _pair(table, "node", 0),
            blocks,
            table.take_integer("dip", 0, NODES_SIDE_MAX),
            table.take_integer("offset", 0, INTEGER_MAX) or 0,
        )

    def _name(self, table: Table, place: Place) -> str:
        """Return the name of a tensor in expressions, if it has one beside its symbol."""
        name = table.take_string("name")
        if name is not None and not is_name(name):
            table.error(f"`{name}` is not a name", "name")
        if name is None and place.dip is not None:
            return f"dip{place.dip}_{place.offset:x}"
        return name or ""

    def _output(self, table: Table) -> Output:
        tolerances = ("absolute", "relative", "ulp")
        wishes = ("save", "check", "accuracy")
        table.check_keys(("symbol", *wishes, *tolerances, "element", "shape", *_PLACE_KEYS))
        if not any(wish in table.values for wish in wishes):
            table.error("this output asks for nothing", hint=f"give {_listed(wishes, 'or')}")
        for key in tolerances:
            if key in table.values and "check" not in table.values:
                table.error(f"`{key}` needs a `check`", key)
        place = self._place(table)
        return Output(
            self._symbol(table, place),
            self._save(table),
            self._check(table),
            Tolerance(
                table.take_number("absolute", 0) or 0.0,
                table.take_number("relative", 0) or 0.0,
                table.take_integer("ulp", 0, mask(31)) or 0,
            ),
            self._accuracy(table),
            _element(table),
            _shape(table),
            table.span("symbol" if place.dip is None else "dip"),
            place,
            self._name(table, place),
        )

    def _check(self, table: Table) -> Check | None:
        check = table.take_table("check")
        if check is None:
            return None
        check.check_keys(("file", "expression"))
        if ("file" in check.values) == ("expression" in check.values):
            check.error("a check needs either `file` or `expression`")
        file = self._tensor_file(check, "file")
        span = check.span("file") if "file" in check.values else check.span("expression")
        return Check(file, self._expression(check), span)

    def _expression(self, check: Table) -> Expression | None:
        text = check.take_string("expression")
        if text is None:
            return None
        span = value_span(check.source, (*check.path, "expression"), text)
        try:
            return parse_expression(text, span)
        except InputError as error:
            self._report.diagnostics += error.diagnostics
            return None

    def _accuracy(self, table: Table) -> Accuracy | None:
        accuracy = table.take_table("accuracy")
        if accuracy is None:
            return None
        accuracy.check_keys(("labels", "at_least"))
        at_least = accuracy.take_number("at_least", 0)
        if at_least is not None and at_least > 1:
            accuracy.error(f"`at_least` is {at_least}; a share of at most 1 fits", "at_least")
        labels = self._tensor_file(accuracy, "labels")
        if labels is None:
            if "labels" not in accuracy.values:
                accuracy.error("`accuracy` needs `labels`")
            return None
        return Accuracy(labels, at_least, accuracy.span("labels"))

    def _generate(self, table: Table) -> Generate | None:
        generate = table.take_table("generate")
        if generate is None:
            return None
        kind = generate.take_string("kind")
        if kind is None:
            if "kind" not in generate.values:
                generate.error("`generate` needs a `kind`", hint=f"one of {_listed(KINDS, 'or')}")
            return None
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS) or f"there are {_listed(KINDS, 'and')}"
            generate.error(f"unknown kind `{kind}`", "kind", hint)
            return None
        return _settings(generate, kind, KINDS[kind])

    def _symbol(self, table: Table, place: Place) -> str:
        symbol = table.take_string("symbol")
        if place.dip is not None:
            if symbol is not None:
                table.error(
                    "a tensor in DIP memory has no symbol",
                    "symbol",
                    "call it something with `name`",
                )
            return ""
        if symbol is None and "symbol" not in table.values:
            table.error("no `symbol`", hint='name one: symbol = "x"')
        return symbol or ""

    # ---- paths

    def _tensor_file(self, table: Table, key: str) -> Path | None:
        name = table.take_string(key)
        if name is None:
            return None
        path = self._existing(table, key, name)
        wrong = None if path is None else check_suffix(path, table.span(key))
        if wrong is not None:
            self._report.diagnostics += wrong.diagnostics
            return None
        return path

    def _existing(self, table: Table, key: str, name: str) -> Path | None:
        path = self._below(table, key, name)
        if path is None:
            return None
        if path.is_dir():
            table.error(f"`{name}` is a folder; a file is needed", key)
            return None
        if not path.is_file():
            files = (file.name for file in path.parent.glob("*") if file.is_file())
            table.error(f"there is no file `{name}`", key, did_you_mean(path.name, files))
            return None
        self._read.add(path.resolve())
        return path

    def _save(self, table: Table) -> Path | None:
        name = table.take_string("save")
        path = None if name is None else self._below(table, "save", name)
        if path is None:
            return None
        wrong = check_suffix(path, table.span("save"))
        if wrong is not None:
            self._report.diagnostics += wrong.diagnostics
            return None
        if not path.parent.is_dir() or path.is_dir():
            table.error(f"`{name}` can't be written: its folder does not exist", "save")
            return None
        return path

    def _below(self, table: Table, key: str, name: str) -> Path | None:
        """Return the path of a name, or report one that leaves the run file's folder."""
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

    def _check_twice(self, tables: list[Table]) -> None:
        """Report what is named twice among inputs or among outputs.

        The same symbol on another node is another tensor, and needs a `name` to be told apart.
        """
        names: set[str] = set()
        places: set[str] = set()
        for table in tables:
            symbol, name = table.values.get("symbol"), table.values.get("name")
            title = symbol if name is None else name
            place = repr([table.values.get(key) for key in ("symbol", *_PLACE_KEYS[:-1])])
            key = "symbol" if name is None else "name"
            if isinstance(symbol, str) and place in places:
                table.error(f"`{symbol}` is named twice", "symbol")
            elif isinstance(title, str) and title in names:
                hint = "give one of them a `name` of its own" if name is None else None
                table.error(f"`{title}` is named twice", key, hint)
            places.add(place)
            names |= {title} if isinstance(title, str) else set()

    def _check_saves(self, tables: list[Table], outputs: tuple[Output, ...]) -> None:
        """Report an output that would overwrite what the run reads or another output."""
        written: set[Path] = set()
        for table, output in zip(tables, outputs, strict=True):
            if output.save is None:
                continue
            path = output.save.resolve()
            if path in self._read:
                table.error(f"`{output.save.name}` is read by this run; save elsewhere", "save")
            elif path in written:
                table.error(f"`{output.save.name}` is saved twice", "save")
            written.add(path)


def _pair(table: Table, key: str, low: int) -> tuple[int, int] | None:
    """Return two integers, columns and rows or the like."""
    found = table.take_list(key)
    if found is None:
        return None
    match found:
        case [int(first), int(second)] if bool not in (type(first), type(second)):
            if low <= first <= NODES_SIDE_MAX and low <= second <= NODES_SIDE_MAX:
                return first, second
        case _:
            pass
    table.error(f"`{key}` is an array of two integers in {low}..{NODES_SIDE_MAX}", key)
    return None


def _settings(table: Table, kind: str, known: Mapping[str, Number | None]) -> Generate:
    """Read the settings of a kind of generated numbers, with their defaults."""
    every = dict.fromkeys(key for settings in KINDS.values() for key in settings)
    for key in table.values:
        if key in every and key not in known:
            hint = f"it uses {_listed(known, 'and')}" if known else "it uses no settings"
            table.error(f"`{kind}` does not use `{key}`", key, hint)
    table.check_keys(("kind", *every))
    settings: dict[str, Any] = {}
    for key, default in known.items():
        if key == "seed":
            value = table.take_integer(key, 0, mask(64))
        elif kind in ("integers", "arange"):
            value = table.take_integer(key, -INTEGER_MAX, INTEGER_MAX)
        else:
            value = table.take_number(key, 0 if key == "deviation" else None)
        if value is None and default is None and key not in table.values:
            table.error(f"`{kind}` needs `{key}`")
        settings[key] = default if value is None else value
    low, high = settings.get("low"), settings.get("high")
    if low is not None and high is not None and low > high:
        table.error(f"`low` is {low}, more than `high`, {high}", "low")
    return Generate(kind, **settings)


def _strings(table: Table, key: str) -> list[str]:
    items = table.take_list(key) or []
    if not all(isinstance(item, str) for item in items):
        table.error(f"`{key}` is an array of something else than strings", key)
        return []
    return items


def _element(table: Table) -> str | None:
    element = table.take_string("element")
    if element is None:
        return None
    try:
        return str(element_named(element))
    except InputError as error:
        for found in error.diagnostics:
            table.error(found.message, "element", found.hint)
        return None


def _shape(table: Table) -> tuple[int, ...] | None:
    extents = table.take_list("shape")
    if extents is None:
        return None
    if len(extents) > RANK_MAX or not all(type(e) is int and 0 < e <= mask(31) for e in extents):
        table.error(f"a shape is an array of at most {RANK_MAX} positive integers", "shape")
        return None
    return tuple(extents)


def _numbers(value: Any, depth: int = 0) -> Numbers | None:
    """Return a number, or nested arrays of them as tuples; None if anything else is in it."""
    if type(value) in (int, float):
        return cast("Number", value)
    if not isinstance(value, list) or depth == RANK_MAX:
        return None
    items = [_numbers(item, depth + 1) for item in cast("list[Any]", value)]
    return None if None in items else tuple(item for item in items if item is not None)


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


def _listed(names: Any, word: str) -> str:
    """Return names as a list in a sentence."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {word} {quoted[-1]}"
