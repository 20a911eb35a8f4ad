"""TOML with places: a parsed document whose tables can be read strictly and know where keys stand.

`tomllib` gives values without places. The place of a key is found by a search of the text; should
unusual layout hide it, the nearest enclosing table stands in.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from dojo_tools.diagnostics import Report, Source, Span, did_you_mean, fail

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^[ \t]*(\[\[?)[ \t]*([A-Za-z0-9_.\-\"' \t]+?)[ \t]*\]", re.MULTILINE)
_SYNTAX_ERROR = re.compile(
    r"(?P<text>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\)"
)

_TYPE_NAMES: dict[Any, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}


def parse_toml(source: Source, report: Report) -> "Table":
    """Return a document's root table; raise `InputError` for wrong syntax.

    Whatever is wrong with a table's keys is added to `report`.
    """
    try:
        values = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(source, str(error)) from None
    except ValueError:
        raise fail(f"{source.name}: holds a number or a date that can't be read") from None
    except RecursionError:
        raise fail(f"{source.name}: nested too deeply") from None
    return Table(source, (), values, report)


def _syntax_error(source: Source, text: str) -> Exception:
    match = _SYNTAX_ERROR.fullmatch(text)
    if match is None:
        return fail(text, Span(source, 0, 0))
    offset = len(source.text.rstrip())
    if match["line"]:
        offset = source.line_starts[int(match["line"]) - 1] + int(match["column"]) - 1
    return fail(match["text"], Span(source, offset, offset + 1))


@dataclass(slots=True)
class Table:
    """A table of a document: each `take_…` returns a value or None, and reports a wrong type."""

    source: Source
    path: Path
    values: Mapping[str, Any]
    report: Report

    def span(self, key: str | None = None) -> Span | None:
        """Return where a key of this table stands, or the table itself."""
        return key_span(self.source, self.path if key is None else (*self.path, key))

    def error(self, message: str, key: str | None = None, hint: str | None = None) -> None:
        """Report an error at a key, or at the table."""
        self.report.error(message, self.span(key), hint)

    def check_keys(self, known: Iterable[str]) -> None:
        """Report each key that is not known."""
        known = tuple(known)
        for key in self.values:
            if key not in known:
                hint = did_you_mean(key, known) or f"known are {', '.join(known)}"
                self.error(f"unknown key `{key}`", key, hint)

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

    def take_table(self, key: str) -> "Table | None":
        """Return a table."""
        values = self._take(key, dict)
        if values is None:
            return None
        return Table(self.source, (*self.path, key), values, self.report)

    def take_tables(self, key: str) -> "list[Table]":
        """Return the tables of an array of tables, written `[[key]]`; none if there is none."""
        items = self.values.get(key, [])
        if not isinstance(items, list) or not all(
            isinstance(item, dict) for item in cast("list[Any]", items)
        ):
            self.error(f"`{key}` is {describe_value(items)}; write each as [[{key}]]", key)
            return []
        return [
            Table(self.source, (*self.path, key, index), item, self.report)
            for index, item in enumerate(cast("list[dict[str, Any]]", items))
        ]

    def _take(self, key: str, wanted: type) -> Any:
        value = self.values.get(key)
        allowed = (int, float) if wanted is float else (wanted,)
        if value is None or type(value) in allowed:
            return value
        self.error(f"`{key}` is {describe_value(value)}, not {_TYPE_NAMES[wanted]}", key)
        return None


def describe_value(value: Any) -> str:
    """Return a value's type for a message, with the value where it is short."""
    name = _TYPE_NAMES.get(type(value), "a date or time")
    text = f'"{value}"' if isinstance(value, str) else str(value).lower()
    is_short = isinstance(value, bool | int | float | str) and len(text) <= 30
    return f"{name} ({text})" if is_short else name


def key_span(source: Source, path: Path) -> Span | None:
    """Return where the key at the end of a path stands, or what of the path can be found."""
    text = source.text
    headers = list(_HEADER.finditer(text))
    low, high = 0, headers[0].start() if headers else len(text)
    found: Span | None = None
    rest = list(path)
    header = _find_header(headers, rest)
    if header is not None:
        index, used = header
        rest = rest[used:]
        match = headers[index]
        found = Span(source, match.start(1), match.end())
        low = match.end()
        high = headers[index + 1].start() if index + 1 < len(headers) else len(text)
    for key in rest:
        if isinstance(key, str):
            match = _key_pattern(key).search(text, low, high)
            if match is None:
                break
            found = Span(source, match.start(1), match.end(1))
            low = match.end()
    return found


def value_span(source: Source, path: Path, value: str) -> Span | None:
    """Return where the text of a string value stands, or else its key."""
    key = key_span(source, path)
    if key is None or not value:
        return key
    start = source.text.find(value, key.end)
    end_of_line = source.text.find("\n", key.end)
    if start < 0 or (0 <= end_of_line < start):
        return key
    return Span(source, start, start + len(value))


def _key_pattern(key: str) -> re.Pattern[str]:
    name = re.escape(key)
    return re.compile(rf"(?:^|[\s{{,.])(\"{name}\"|'{name}'|{name})[ \t]*[=.]", re.MULTILINE)


def _find_header(headers: Sequence[re.Match[str]], path: list[str | int]) -> tuple[int, int] | None:
    """Return the header that opens the innermost table of a path, and how much of it that is."""
    best: tuple[int, int] | None = None
    counts: dict[str, int] = {}
    for index, match in enumerate(headers):
        name = re.sub(r"[\"' \t]", "", match[2])
        if match[1] == "[[":
            counts[name] = counts.get(name, -1) + 1
        place: list[str | int] = []
        prefix = ""
        for part in name.split("."):
            prefix = f"{prefix}.{part}" if prefix else part
            place.append(part)
            if prefix in counts:
                place.append(counts[prefix])
        if path[: len(place)] == place and (best is None or len(place) > best[1]):
            best = index, len(place)
    return best
