"""Diagnostics: what is wrong with a user's input, where, and what would fit.

User errors are values. A phase adds them to a `Report`, goes on, and ends in
`report.stop_if_errors()`, so that one run shows every mistake of a file. How a run of a program
failed is told as a diagnostic too, with an `Event`; machine faults are values of the engines first.
"""

import bisect
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from dojo_tools.excerpt import excerpt, printable
from dojo_tools.source_text import SOURCE_SIZE_MAX, decode_text


class ExitCode(IntEnum):
    """How a command ends, by class of failure; fixed for the whole project."""

    DONE = 0
    CHECK_FAILED = 1
    USAGE = 2
    INPUT = 3
    GUEST_FAULT = 4
    DEADLOCK = 5
    LIMIT = 6
    RACE = 7
    ENGINES_DIFFER = 8
    INTERNAL = 70
    IO = 74
    INTERRUPTED = 130


class Source:
    """A text that spans point into: its name as the user wrote it, and its characters.

    Where only a place is known and not the text, that is empty and `origin` is line and column.
    """

    __slots__ = ("_line_starts", "name", "origin", "text")

    def __init__(self, name: str, text: str, origin: tuple[int, int] = (1, 1)) -> None:
        self.name = name
        self.text = text
        self.origin = origin
        self._line_starts: list[int] | None = None

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @property
    def line_starts(self) -> list[int]:
        """The offset of the first character of each line."""
        if self._line_starts is None:
            self._line_starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        return self._line_starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of a character, both counted from 1."""
        if not self.text:
            line, column = self.origin
            return line, column + offset
        line = bisect.bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """Return a line, counted from 1, without its line end."""
        start = self.line_starts[line - 1]
        end = self.text.find("\n", start)
        return (self.text[start:] if end < 0 else self.text[start:end]).rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """The characters [start, end) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line of the first character, counted from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column of the first character, counted from 1."""
        return self.source.position(self.start)[1]

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


class Severity(Enum):
    """How bad a diagnostic is; only errors stop a phase."""

    ERROR = "error"
    WARNING = "warning"


class Agent(NamedTuple):
    """A thread of the node in column x and row y, or the node's list engine without a `thread`."""

    x: int
    y: int
    thread: int | None

    @property
    def part(self) -> str:
        """What it is on its node: `thread 0`, or `list engine`."""
        return "list engine" if self.thread is None else f"thread {self.thread}"

    def __str__(self) -> str:
        return f"node ({self.x}, {self.y}) {self.part}"


@dataclass(frozen=True, slots=True)
class Event:
    """What only a diagnostic of a run has: whom it happened to, when, what the run ends with.

    In text `word` stands for the severity; without one the message says it. `nodes`, by column and
    row, are for what no thread does. `details` are further values for programs, by name.
    """

    word: str | None = None
    agents: tuple[Agent, ...] = ()
    cycle: int | None = None
    pc: int | None = None
    exit_code: ExitCode | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    nodes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """One step of the way to a mistake: an include, an expansion, an earlier definition.

    In a run, `agents` are those that it is about.
    """

    message: str
    span: Span | None = None
    agents: tuple[Agent, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What was found, where, and what would fit."""

    severity: Severity
    message: str
    span: Span | None = None
    hint: str | None = None
    notes: tuple[Note, ...] = ()
    name: str | None = None
    """Of a warning: the name by which it is silenced or made an error. Of a run: what it failed."""
    event: Event | None = None

    @property
    def is_failure(self) -> bool:
        """Whether it says how a run of a program failed."""
        return self.event is not None and self.severity is Severity.ERROR


class InputError(Exception):
    """The user's input can't be used; `diagnostics` say why. Commands end with exit code 3.

    `omitted_count` errors more were found and not kept.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], omitted_count: int = 0) -> None:
        self.diagnostics = tuple(diagnostics)
        self.omitted_count = omitted_count
        super().__init__("\n".join(render(diagnostic) for diagnostic in self.diagnostics))


KEPT_MAX = 1_000


@dataclass(slots=True)
class Report:
    """The diagnostics of a run, in the order in which they were found.

    Of each severity the first `KEPT_MAX` are kept, the others only counted.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    counts: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))

    def add(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic."""
        self.counts[diagnostic.severity] += 1
        if self.counts[diagnostic.severity] <= KEPT_MAX:
            self.diagnostics.append(diagnostic)

    def error(
        self,
        message: str,
        span: Span | None = None,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Add an error."""
        self.add(Diagnostic(Severity.ERROR, message, span, hint, notes))

    def warning(
        self,
        name: str,
        message: str,
        span: Span | None = None,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Add a warning; users silence it, or make it an error, by its name."""
        self.add(Diagnostic(Severity.WARNING, message, span, hint, notes, name))

    @property
    def has_errors(self) -> bool:
        """Whether any diagnostic so far is an error."""
        return self.counts[Severity.ERROR] > 0

    def stop_if_errors(self) -> None:
        """Raise `InputError` with everything reported so far if any of it is an error."""
        if self.has_errors:
            omitted = max(0, self.counts[Severity.ERROR] - KEPT_MAX)
            raise InputError(self.diagnostics, omitted)


def fail(message: str, span: Span | None = None, hint: str | None = None) -> InputError:
    """Return an `InputError` of one error, to raise where nothing further can be checked."""
    return InputError([Diagnostic(Severity.ERROR, message, span, hint)])


def read_source(path: Path, name: str | None = None, is_limited: bool = True) -> Source:
    """Read a text file as a source, as `decode_source` does; `OSError` is left to the caller."""
    with path.open("rb") as file:
        encoded = file.read(SOURCE_SIZE_MAX + 1 if is_limited else -1)
    return decode_source(encoded, name or str(path), is_limited)


def decode_source(encoded: bytes, name: str, is_limited: bool = True) -> Source:
    """Return the source that these bytes are: a byte-order mark is dropped, CRLF becomes LF.

    Raises `InputError` for bytes that are not UTF-8 and for characters that a source can't hold,
    and unless `is_limited` is false for a source or a line that is too long.
    """
    text, problems = decode_text(encoded, is_limited)
    source = Source(name, text)
    if problems:
        raise InputError(
            Diagnostic(Severity.ERROR, message, Span(source, start, end), hint)
            for start, end, message, hint in problems
        )
    return source


SUFFIXES_MAX = 8


def nearest(word: str, candidates: Iterable[str], likeness_min: float = 0.6) -> str | None:
    """Return the candidate most like `word`, or None where none is alike: 1 is the same."""
    folded = {candidate.lower(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=likeness_min)
    return folded[matches[0]] if matches else None


HINTS_MAX = 20


class Hints:
    """Finds similar names for the first mistakes: looking is slow, and these tell what is wrong."""

    def __init__(self) -> None:
        self._left = HINTS_MAX

    def did_you_mean(self, word: str, candidates: Iterable[str]) -> str | None:
        """Return a hint as the function of this name does, or None after `HINTS_MAX` of them."""
        self._left -= 1
        return did_you_mean(word, candidates) if self._left >= 0 else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Return a hint that names the candidate most like `word`, or None.

    A word that lacks only a suffix, as `vadd` for `vadd.f32`, gets the names that continue it.
    """
    candidates = list(candidates)
    longer = [candidate for candidate in candidates if candidate.startswith(f"{word}.")]
    if longer:
        return f"there are {', '.join(f'`{candidate}`' for candidate in longer[:SUFFIXES_MAX])}"
    candidate = nearest(word, candidates)
    return None if candidate is None else f"did you mean `{candidate}`?"


def render(diagnostic: Diagnostic) -> str:
    """Return a diagnostic as text: `file:line:col: error: message`, line, caret, notes, hint.

    A named one shows its name in brackets after the message. How a run failed has a word of its own
    instead of `error` and no brackets, and its notes begin with `note:`.
    """
    lines = [f"{_place(diagnostic.span)}{_head(diagnostic)}", *_excerpt(diagnostic.span)]
    for note in diagnostic.notes:
        place = _place(note.span)
        start = f"note: {place}" if diagnostic.is_failure else f"{place}note: "
        lines += [f"{start}{note.message}", *_excerpt(note.span)]
    if diagnostic.hint:
        lines.append(f"hint: {diagnostic.hint}")
    return "\n".join(lines)


def _head(diagnostic: Diagnostic) -> str:
    """Return severity, message and name, or what a run has instead."""
    if diagnostic.event is not None and diagnostic.is_failure:
        word = diagnostic.event.word
        return diagnostic.message if word is None else f"{word}: {diagnostic.message}"
    name = "" if diagnostic.name is None else f" [{diagnostic.name}]"
    return f"{diagnostic.severity.value}: {diagnostic.message}{name}"


def _place(span: Span | None) -> str:
    return "" if span is None else f"{printable(str(span))}: "


def _excerpt(span: Span | None) -> list[str]:
    if span is None or not span.source.text:
        return []
    return [f"    {line}" for line in excerpt(span.source.text, span.start, span.end)]
