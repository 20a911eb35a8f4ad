"""How a command tells what is wrong: as text for people, as JSON or SARIF for programs."""

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dojo_tools import __version__
from dojo_tools.diagnostics import Diagnostic, Severity, printable, render

SHOWN_MAX = 100

_HEAD = re.compile(r"^(.*?)(error|fault|deadlock|limit|warning|note)(: )")
_RED = "1;31"
_COLOURS = {"warning": "1;35", "note": "1;36"}


class Format(Enum):
    """What diagnostics are written as."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


FormatOption = Annotated[
    Format, typer.Option("--diagnostics", help="Write messages as text, JSON lines or SARIF 2.1.0.")
]
FileOption = Annotated[
    Path | None,
    typer.Option("--diagnostics-file", metavar="FILE", help="Write messages there, not to stderr."),
]


@dataclass(slots=True)
class Channel:
    """Takes the diagnostics of a command; what can't be written at once waits for `finish`.

    As text the first hundred of each severity are shown, then a count; a program gets them all.
    """

    format: Format = Format.TEXT
    file: Path | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    omitted_count: int = 0

    @property
    def is_shown_at_once(self) -> bool:
        """Whether diagnostics go to standard error as text."""
        return self.file is None and self.format is Format.TEXT

    def show(self, diagnostics: Iterable[Diagnostic], omitted_count: int = 0) -> None:
        """Show diagnostics; `omitted_count` errors more are only counted."""
        if self.is_shown_at_once:
            for text in _texts(diagnostics, omitted_count, use_colour()):
                print(text, file=sys.stderr)
        else:
            self.diagnostics += diagnostics
            self.omitted_count += omitted_count

    def finish(self, exit_code: int) -> None:
        """Write what has waited; raises `OSError`."""
        if self.is_shown_at_once:
            return
        text = self._text(exit_code)
        if self.file is None:
            sys.stderr.write(text)
            return
        from dojo_tools.objects import write_atomically

        write_atomically(self.file, text.encode(errors="backslashreplace"))

    def _text(self, exit_code: int) -> str:
        omitted = f"and {self.omitted_count} more errors" if self.omitted_count else None
        match self.format:
            case Format.TEXT:
                texts = _texts(self.diagnostics, self.omitted_count, coloured=False)
                return "".join(f"{text}\n" for text in texts)
            case Format.JSON:
                from dojo_tools.diagnostic_formats import to_json_lines

                last = [Diagnostic(Severity.ERROR, omitted)] if omitted else []
                return to_json_lines([*self.diagnostics, *last])
            case Format.SARIF:
                from dojo_tools.assembler.warnings import WARNINGS
                from dojo_tools.diagnostic_formats import to_sarif

                tool = Path(sys.argv[0]).name
                from dojo_tools.runs.report import DIAGNOSTIC_NAMES

                rules = {warning.name: warning.sentence for warning in WARNINGS}
                rules |= DIAGNOSTIC_NAMES
                log = to_sarif(self.diagnostics, tool, __version__, exit_code, rules, omitted)
                return json.dumps(log, indent=2) + "\n"


def show_os_error(channel: Channel, error: OSError) -> None:
    """Show that input or output failed."""
    where = f"{printable(str(error.filename))}: " if error.filename is not None else ""
    channel.show([Diagnostic(Severity.ERROR, f"{where}{error.strerror or error}")])


def use_colour() -> bool:
    """Whether standard error is a terminal whose user has not refused colour."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _texts(diagnostics: Iterable[Diagnostic], omitted_count: int, coloured: bool) -> Iterable[str]:
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
        if counts[diagnostic.severity] <= SHOWN_MAX:
            text = "\n".join(printable(line) for line in render(diagnostic).split("\n"))
            yield _colour(text) if coloured else text
    counts[Severity.ERROR] += omitted_count
    for severity, count in counts.items():
        if count > SHOWN_MAX:
            yield f"and {count - SHOWN_MAX} more {severity.value}s"


def _colour(text: str) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        head = _HEAD.match(line)
        if head and not line.startswith(" "):
            place, word, _ = head.groups()
            rest = line[head.end(2) :]
            line = f"\x1b[1m{place}\x1b[{_COLOURS.get(word, _RED)}m{word}\x1b[0m{rest}"
        elif line.strip() and not line.strip("^ \t"):
            line = f"\x1b[32m{line}\x1b[0m"
        lines.append(line)
    return "\n".join(lines)
