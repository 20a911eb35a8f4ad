"""A piece of a source under a message: what can't be shown is escaped, the caret stays in place."""

import unicodedata

SHOWN_BEFORE = 80
SHOWN_AFTER = 120
"""So many characters of a long line are shown on the two sides of the caret."""

_CUT = "..."


def printable(text: str) -> str:
    """Return `text` with what can't be seen, or moves what is seen, as escapes like `\\u{1b}`.

    Tabs and spaces stay. So a name out of an untrusted file can't steer a terminal.
    """
    if text.isprintable():
        return text
    return "".join(c if c == "\t" or c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


def excerpt(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the line around the characters [start, end) of a text, and carets to go below it.

    The span is cut at the end of its first line; of a long line only the surroundings are shown.
    """
    line_start = text.rfind("\n", max(0, start - SHOWN_BEFORE - 1), start) + 1
    cut_before = not line_start and start > SHOWN_BEFORE
    if cut_before:
        line_start = start - SHOWN_BEFORE
    line_end = text.find("\n", start, start + SHOWN_AFTER)
    cut_after = line_end < 0 and len(text) > start + SHOWN_AFTER
    if line_end < 0:
        line_end = min(len(text), start + SHOWN_AFTER)
    before, marked = text[line_start:start], text[start : max(start, min(end, line_end))]
    shown = printable(text[line_start:line_end])
    line = f"{_CUT if cut_before else ''}{shown}{_CUT if cut_after else ''}"
    indent = "".join(c if c == "\t" else " " * _columns(c) for c in before)
    carets = "^" * max(1, sum(map(_columns, marked)))
    return line, f"{' ' * len(_CUT) if cut_before else ''}{indent}{carets}"


def _columns(character: str) -> int:
    """Return how many columns of a terminal a character takes once it is printable."""
    if character == "\t":
        return 1
    if not character.isprintable():
        return len(printable(character))
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
