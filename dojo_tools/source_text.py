"""From the bytes of a source to its text: UTF-8, and no character that shows other than it reads.

What an editor may take for the end of a line, or may reorder, would make the text that a reviewer
sees differ from the text that is read (Trojan Source, CVE-2021-42574). Such characters are refused
everywhere, in comments and strings as well; strings can hold them as escapes.
"""

import codecs
import re
import unicodedata
from typing import NamedTuple

SOURCE_SIZE_MAX = 64 << 20
"""In bytes."""

LINE_LENGTH_MAX = 65_536
"""In characters."""

PROBLEMS_MAX = 100
_REFUSED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_NAMES = {
    "\0": "NUL",
    "\v": "vertical tab",
    "\f": "form feed",
    "\r": "carriage return",
    "\x1b": "escape",
    "\x7f": "delete",
    "\x85": "next line",
    "\ufeff": "byte-order mark",
}
_UTF16_HINT = "it looks like UTF-16; save it as UTF-8"


class Problem(NamedTuple):
    """What is wrong with the characters [start, end) of a text."""

    start: int
    end: int
    message: str
    hint: str | None = None


def decode_text(encoded: bytes, is_limited: bool = True) -> tuple[str, list[Problem]]:
    """Return the text of a source and what is wrong with it, at most `PROBLEMS_MAX` things.

    A leading byte-order mark is dropped and CRLF becomes LF. Without `is_limited` the text may have
    any size and lines of any length. The text of what is not UTF-8 is good enough to be shown.
    """
    if is_limited and len(encoded) > SOURCE_SIZE_MAX:
        limit = SOURCE_SIZE_MAX >> 20
        return "", [Problem(0, 0, f"the source is larger than {limit} MiB")]
    if encoded.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "", [Problem(0, 0, "not UTF-8 text: it starts with 0xfffe or 0xfeff", _UTF16_HINT)]
    encoded = encoded.removeprefix(codecs.BOM_UTF8)
    try:
        text = encoded.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = encoded[: error.start].decode().replace("\r\n", "\n")
        message = f"not UTF-8 text: byte 0x{encoded[error.start]:02x}"
        text = encoded.decode(errors="replace").replace("\r\n", "\n")
        return text, [Problem(len(before), len(before) + 1, message)]
    if is_limited and (problem := _long_line(text)):
        return text, [problem]
    return text, _refused_characters(text)


def _long_line(text: str) -> Problem | None:
    start = 0
    while len(text) - start > LINE_LENGTH_MAX:
        newline = text.rfind("\n", start, start + LINE_LENGTH_MAX + 1)
        if newline < 0:
            end = start + LINE_LENGTH_MAX
            return Problem(end, end + 1, f"this line is longer than {LINE_LENGTH_MAX} characters")
        start = newline + 1
    return None


def _refused_characters(text: str) -> list[Problem]:
    problems: list[Problem] = []
    for match in _REFUSED.finditer(text):
        start, character = match.start(), match[0]
        hint = None
        if character == "\0" and 4 * text.count("\0", 0, 4096) > min(len(text), 4096):
            return [Problem(start, start + 1, "a source can't hold U+0000 (NUL)", _UTF16_HINT)]
        if character == "\r":
            hint = "lines end with LF or CRLF"
        elif character != "\0":
            hint = f"a string can hold it as `\\u{{{ord(character):x}}}`"
        name = _NAMES.get(character) or unicodedata.name(character, "control character").lower()
        message = f"a source can't hold U+{ord(character):04X} ({name})"
        problems.append(Problem(start, start + 1, message, hint))
        if len(problems) == PROBLEMS_MAX:
            break
    return problems
