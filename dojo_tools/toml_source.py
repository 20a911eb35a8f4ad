"""TOML with places: a parsed document whose tables can be read strictly and know where all stands.

A message about a value points at the value, and one about a key or a table at that. Places are
looked for once somebody asks for one.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from dojo_tools.diagnostics import Hints, Report, Source, Span, fail
from dojo_tools.toml_places import Path, Place, find_places

NESTED_MAX = 64

Key = str | tuple[str | int, ...]
"""A key of a table, or the way from it to a value further inside, as in `("size", 0)`."""

_SYNTAX_ERROR = re.compile(
    r"(?P<text>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\)"
)

_NUMBER = re.compile(r"[+-]?[0-9][0-9_]*|0x[0-9a-fA-F_]+|[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")

_TYPE_NAMES: dict[Any, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}


class Document:
    """The text of a document, where its keys and values stand, and what hints are made of."""

    def __init__(
        self, source: Source, examples: Mapping[str, str], meant: Mapping[str, Sequence[str]]
    ) -> None:
        self.source = source
        self.examples = examples
        self.meant = meant
        self._places: Mapping[Path, Place] | None = None

    def key_span(self, path: Path) -> Span:
        """Return where a key stands, or else the table around it; the root is at the start."""
        return self._span(path, is_value=False)

    def value_span(self, path: Path) -> Span:
        """Return where a value stands, or else the table around it."""
        return self._span(path, is_value=True)

    def find_value(self, path: Path) -> str | None:
        """Return a value as it is written, None if there is none."""
        place = self._found_places().get(path)
        return None if place is None else self.source.text[slice(*place.value)]

    def _found_places(self) -> Mapping[Path, Place]:
        if self._places is None:
            self._places = find_places(self.source.text)
        return self._places

    def _span(self, path: Path, is_value: bool) -> Span:
        places = self._found_places()
        known = path
        while known and known not in places:
            known = known[:-1]
        if not known:
            return Span(self.source, 0, 0)
        place = places[known]
        return Span(self.source, *(place.value if is_value and known == path else place.key))


def parse_toml(
    source: Source,
    report: Report,
    examples: Mapping[str, str] = MappingProxyType({}),
    meant: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> "Table":
    """Return a document's root table; raise `InputError` for wrong syntax.

    Whatever is wrong with a table's keys is added to `report`; of a value of a wrong type, with the
    example that its key has in `examples`; of an unknown key, with what it stands for in `meant`.
    """
    try:
        values = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(source, str(error)) from None
    except ValueError:
        raise fail(f"{source.name}: holds a number or a date that can't be read") from None
    except RecursionError:
        raise fail(f"{source.name}: nested too deeply") from None
    if _is_deeper(values, NESTED_MAX):
        raise fail(f"{source.name}: nested too deeply, more than {NESTED_MAX} levels")
    return Table(Document(source, examples, meant), (), values, report)


def _is_deeper(values: Any, depth: int) -> bool:
    """Return whether tables and arrays lie within each other more than so many deep."""
    level: list[Any] = [values]
    for _ in range(depth):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += cast("dict[str, Any]", value).values()
            elif isinstance(value, list):
                inner += cast("list[Any]", value)
        level = inner
    return bool(level)


_SYNTAX_HINTS = {
    "Unclosed array": "an array that begins above ends with `]`",
    "Unclosed inline table": "a table that begins in this line ends with `}`; of several lines it "
    "is written below its name in brackets, [table]",
    "Unterminated string": "a string ends with the quote that it begins with",
    "Expected newline or end of document after a statement": "a value is followed by a new line or "
    "a comment; an array is written [1, 2]",
    "Unescaped '\\' in a string": "write \\\\, or put the string into single quotes",
    "Invalid initial character for a key part": "other letters than A-Z and signs stand in quotes",
    "Invalid value": 'a value is a number, true or false, a string in quotes as "x", an array '
    "as [1, 2] or a table as { x = 1 }",
    "Expected '=' after a key in a key/value pair": "a line is `key = value` or `[table]`",
    "Cannot overwrite a value": "each key stands once in its table",
    "Cannot declare": "each [table] stands once; one of several is written [[table]]",
}


def _syntax_error(source: Source, text: str) -> Exception:
    match = _SYNTAX_ERROR.fullmatch(text)
    if match is None:
        return fail(text, Span(source, 0, 0))
    offset = len(source.text.rstrip())
    if match["line"]:
        offset = source.line_starts[int(match["line"]) - 1] + int(match["column"]) - 1
    hints = (hint for start, hint in _SYNTAX_HINTS.items() if match["text"].startswith(start))
    return fail(match["text"], Span(source, offset, offset + 1), next(hints, None))


@dataclass(slots=True)
class Table:
    """A table of a document: each `take_…` returns a value or None, and reports a wrong type."""

    document: Document
    path: Path
    values: Mapping[str, Any]
    report: Report

    @property
    def name(self) -> str:
        """The table's name as in its header, without indices."""
        return ".".join(part for part in self.path if isinstance(part, str))

    @property
    def source(self) -> Source:
        """The text that it stands in."""
        return self.document.source

    def span(self, key: Key = ()) -> Span:
        """Return where a value stands, or the table itself."""
        return self.document.value_span(self._path(key))

    def key_span(self, key: Key) -> Span:
        """Return where a key of this table stands."""
        return self.document.key_span(self._path(key))

    def text_span(self, key: Key, text: str) -> Span:
        """Return where the text of a string stands, without its quotes, or else with them."""
        span = self.span(key)
        start = self.source.text.find(text, span.start, span.end)
        return span if start < 0 or not text else Span(self.source, start, start + len(text))

    def _path(self, key: Key) -> Path:
        return (*self.path, key) if isinstance(key, str) else (*self.path, *key)

    def error(self, message: str, key: Key = (), hint: str | None = None) -> None:
        """Report an error of a value, or of the table."""
        self.report.error(message, self.span(key), hint)

    def key_error(self, message: str, key: Key, hint: str | None = None) -> None:
        """Report an error of a key: it should not be there."""
        self.report.error(message, self.key_span(key), hint)

    def check_keys(self, known: Iterable[str], reported: Iterable[str] = ()) -> None:
        """Report each key that is not known, with the one that was meant if it can be told."""
        known, reported, hints = tuple(known), tuple(reported), Hints()
        for key in self.values:
            if key not in known and key not in reported:
                longer = [name for name in known if name.startswith(f"{key}_")]
                meant = [name for name in self.document.meant.get(key, ()) if name in known]
                hint = hints.did_you_mean(key, known) or f"known are {', '.join(known)}"
                if longer or meant:
                    hint = f"did you mean {' or '.join(f'`{name}`' for name in longer or meant)}?"
                self.key_error(f"unknown key `{key}`", key, hint)

    def check_tables(self, known: Iterable[str], owners: Mapping[str, Iterable[str]]) -> None:
        """Report each key of the root that is no table; `owners` has keys of some tables."""
        homes = {key: table for table, keys in owners.items() for key in keys}
        for key in self.values:
            if key in homes and key not in known:
                home = f"[{homes[key]}]"
                self.key_error(f"`{key}` stands in no table", key, f"write it below {home}")
        self.check_keys(known, homes)

    def take_string(self, key: str) -> str | None:
        """Return a string."""
        return cast("str | None", self._take(key, str))

    def take_integer(self, key: str, low: int, high: int) -> int | None:
        """Return an integer of a range, both ends included."""
        value = cast("int | None", self._take(key, int))
        if value is not None and not low <= value <= high:
            self.error(f"`{key}` is {value}; {low}..{high} fits", key)
            return None
        return value

    def take_number(self, key: str, low: float | None = None) -> int | float | None:
        """Return a finite number, not less than `low`."""
        value = cast("int | float | None", self._take(key, float))
        if value is None:
            return None
        if not -1e308 <= value <= 1e308:
            self.error(f"`{key}` is {value}, not a finite number", key)
            return None
        if low is not None and value < low:
            self.error(f"`{key}` is {value}; it can't be less than {low:g}", key)
            return None
        return value

    def take_list(self, key: str) -> list[Any] | None:
        """Return an array of anything."""
        return cast("list[Any] | None", self._take(key, list))

    def take_strings(self, key: str) -> list[tuple[int, str]]:
        """Return the strings of an array with their indices, none if there is none."""
        found: list[tuple[int, str]] = []
        for index, value in enumerate(self.take_list(key) or []):
            if isinstance(value, str):
                found.append((index, value))
            else:
                what = describe_value(value)
                self.error(f"`{key}` holds {what}; strings fit", (key, index), self.example(key))
        return found

    def take_table(self, key: str) -> "Table | None":
        """Return a table."""
        values = self._take(key, dict)
        if values is None:
            return None
        return Table(self.document, (*self.path, key), values, self.report)

    def take_tables(self, key: str) -> "list[Table]":
        """Return the tables of an array of tables, written `[[key]]`; none if there is none."""
        items = self.values.get(key, [])
        if not isinstance(items, list) or not all(
            isinstance(item, dict) for item in cast("list[Any]", items)
        ):
            self.error(f"`{key}` is {describe_value(items)}; write each as [[{key}]]", key)
            return []
        return [
            Table(self.document, (*self.path, key, index), item, self.report)
            for index, item in enumerate(cast("list[dict[str, Any]]", items))
        ]

    def example(self, key: str) -> str | None:
        """Return a hint that shows how a key is written, if there is an example of it."""
        example = self.document.examples.get(key)
        return None if example is None else f"as in {example}"

    def _take(self, key: str, wanted: type) -> Any:
        value = self.values.get(key)
        allowed = (int, float) if wanted is float else (wanted,)
        if value is None or type(value) in allowed:
            return value
        hint = self.example(key) or number_hint(value, wanted)
        if hint is None and wanted is dict:
            name = f"{self.name}.{key}".lstrip(".")
            hint = f"write [{name}], and its keys on lines below"
        message = f"`{key}` is {describe_value(value)}, not {_TYPE_NAMES[wanted]}"
        self.error(message, key, hint)
        return None


def number_hint(value: Any, wanted: type) -> str | None:
    """Return a hint that shows how a number is written, for one in quotes or 1e6 within 64 bits."""
    if isinstance(value, str) and wanted in (int, float) and _NUMBER.fullmatch(value):
        return f"without quotes: {value}"
    if isinstance(value, float) and wanted is int and value.is_integer() and abs(value) < 1 << 64:
        return f"written as {int(value):_}"
    return None


def describe_value(value: Any) -> str:
    """Return a value's type for a message, with the value where it is short."""
    name = _TYPE_NAMES.get(type(value), "a date or time")
    text = f'"{value}"' if isinstance(value, str) else str(value).lower()
    is_short = isinstance(value, bool | int | float | str) and len(text) <= 30
    return f"{name} ({text})" if is_short else name
