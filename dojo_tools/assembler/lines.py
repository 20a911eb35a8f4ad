"""Cuts a source into lines and blanks its comments, which begin with `;`, `#`, `//` or `/*`.

Comments become spaces, so that each character keeps its offset. Strings and character constants
are recognised here, because comment signs inside them are text.
"""

import bisect
import re
from collections.abc import Iterator
from typing import NamedTuple

from dojo_tools.diagnostics import Report, Source, Span

_PIECE = re.compile(
    r"""(?P<comment>;[^\n]*|\#[^\n]*|//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<quoted>"(?:\\[^\n]|[^"\\\n])*"|'(?:\\[^\n]|[^'\\\n])*')"""
    r"""|(?P<open>/\*|"|')""",
    re.DOTALL,
)
_NOT_NEWLINE = re.compile(r"[^\n]")
_UNTERMINATED = {
    "/*": "this comment is never closed",
    '"': "this string is never closed",
    "'": "this character constant is never closed",
}


class SourceLine(NamedTuple):
    """A line without comments and space at its end; `offset` is that of its first character.

    `broken` lines hold something unterminated, which has been reported.
    """

    offset: int
    text: str
    broken: bool = False


def split_lines(source: Source, report: Report) -> Iterator[SourceLine]:
    """Yield the lines of a source; report what is never closed at its start."""
    broken: list[int] = []
    text = _blank_comments(source, report, broken)
    offset = 0
    for line in text.split("\n"):
        end = offset + len(line) + 1
        is_broken = bool(broken) and _has_one_between(broken, offset, end)
        yield SourceLine(offset, line.rstrip(" \t"), is_broken)
        offset = end


def _has_one_between(places: list[int], start: int, end: int) -> bool:
    index = bisect.bisect_left(places, start)
    return index < len(places) and places[index] < end


def _blank_comments(source: Source, report: Report, broken: list[int]) -> str:
    """Return the text with comments blanked; `broken` gets the offsets of what is never closed."""
    text = source.text
    pieces: list[str] = []
    position = 0
    while (match := _PIECE.search(text, position)) is not None:
        start, end = match.span()
        pieces.append(text[position:start])
        if match["quoted"]:
            pieces.append(match[0])
        elif match["comment"]:
            pieces.append(_NOT_NEWLINE.sub(" ", match[0]))
        else:
            # The rest belongs to what is open: of the file for a comment, else of the line.
            newline = text.find("\n", end)
            end = len(text) if match["open"] == "/*" or newline < 0 else newline
            shown = end if match["open"] != "/*" else start + 2
            report.error(_UNTERMINATED[match["open"]], Span(source, start, shown))
            broken.append(start)
            pieces.append(_NOT_NEWLINE.sub(" ", text[start:end]))
        position = end
    pieces.append(text[position:])
    return "".join(pieces)
