"""Where the keys and values of a TOML document stand.

`tomllib` reads values without places. This scanner walks a text that `tomllib` has accepted, so it
checks nothing: it only tells where each key and value begins and ends.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys, and indices of arrays, from the root of a document."""


class Place(NamedTuple):
    """The first and last offsets, the last not included, of a key and of its value.

    An item of an array has no key: its value stands in. So does the header of a table.
    """

    key: tuple[int, int]
    value: tuple[int, int]


def find_places(text: str) -> Mapping[Path, Place]:
    """Return the place of each key and of each item of an array of a valid document."""
    return _Scanner(text).scan()


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_PART = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2}(?!"))|' + r"'''.*?'''(?:'{0,2}(?!'))|"
    r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]*")


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._places: dict[Path, Place] = {}
        self._counts: dict[Path, int] = {}

    def scan(self) -> Mapping[Path, Place]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._places

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return match[0]

    def _header(self) -> Path:
        start = self._at
        brackets = 2 if self._text.startswith("[[", start) else 1
        self._at += brackets
        keys = [key for key, _ in self._keys()]
        self._at += brackets
        span = start, self._at
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            if brackets == 2 and index == len(keys) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
            self._places.setdefault(path, Place(span, span))
            if path in self._counts:
                path = (*path, self._counts[path])
                self._places.setdefault(path, Place(span, span))
        if brackets == 1:
            self._places[path] = Place(span, span)
        return path

    def _keys(self) -> list[tuple[str, tuple[int, int]]]:
        """Read a key, dotted or not: its parts and where they stand."""
        self._skip(_SPACE)
        found: list[tuple[str, tuple[int, int]]] = []
        while True:
            start = self._at
            raw = self._skip(_PART)
            key = next(iter(tomllib.loads(f"{raw} = 0"))) if raw[0] in "\"'" else raw
            found.append((key, (start, self._at)))
            if _DOT.match(self._text, self._at) is None:
                break
            self._skip(_DOT)
        self._skip(_SPACE)
        return found

    def _pair(self, table: Path) -> None:
        *outer, (last, where) = self._keys()
        path = table
        for key, place in outer:
            path = (*path, key)
            self._places.setdefault(path, Place(place, place))
        self._at += len("=")
        self._skip(_SPACE)
        self._value((*path, last), where)

    def _value(self, path: Path, key: tuple[int, int] | None = None) -> None:
        start = self._at
        match self._text[start : start + 1]:
            case "[":
                self._items(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._at = start + len(self._skip(_BARE).rstrip())
        value = start, self._at
        self._places[path] = Place(key or value, value)

    def _items(self, path: Path) -> None:
        self._open()
        index = 0
        while not self._closes("]"):
            self._value((*path, index))
            index += 1
            self._next()

    def _inline_table(self, path: Path) -> None:
        self._open()
        while not self._closes("}"):
            self._pair(path)
            self._next()

    def _open(self) -> None:
        self._at += 1
        self._skip(_BLANK)

    def _closes(self, bracket: str) -> bool:
        """Pass the end of an array or inline table, if it is here."""
        closes = self._text.startswith(bracket, self._at)
        self._at += closes
        return closes

    def _next(self) -> None:
        """Pass what follows an item, a comma if there is one."""
        self._skip(_BLANK)
        self._at += self._text.startswith(",", self._at)
        self._skip(_BLANK)
