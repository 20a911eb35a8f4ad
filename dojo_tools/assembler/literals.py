"""Numbers, characters and strings as they are written."""

import re

from dojo_tools.assembler.tree import Refused
from dojo_tools.diagnostics import Span

NUMBER_WIDTH_MAX = 128
"""Literals and results of expressions have at most so many bits, besides the sign."""

_LENGTH_MAX = 300
_NUMBER = re.compile(
    r"0[xX][0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*|0[bB][01]+(?:_[01]+)*|0[oO][0-7]+(?:_[0-7]+)*"
    r"|0|[1-9][0-9]*(?:_[0-9]+)*"
)
_LEADING_ZERO = re.compile(r"0[0-9_]+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]{1,6})\}|(.))|([^\\]+)|\\", re.DOTALL)
_SIMPLE_ESCAPES = {
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "0": b"\0",
    "\\": b"\\",
    '"': b'"',
    "'": b"'",
}
_ESCAPES_HINT = "escapes are \\n \\r \\t \\0 \\\\ \\\" \\' \\xHH \\u{HHHH}"


def read_integer(text: str, span: Span) -> int:
    """Return the value of an integer literal; raises `Refused`."""
    if len(text) > _LENGTH_MAX:
        raise Refused(
            f"this number has {len(text)} characters; numbers have at most {NUMBER_WIDTH_MAX} bits",
            span,
        )
    if not _NUMBER.fullmatch(text):
        if _LEADING_ZERO.fullmatch(text):
            digits = text.lstrip("0_")
            raise (
                Refused(f"`{text}` starts with a zero", span, f"write 0o{digits} or {digits}")
                if digits
                else Refused(f"`{text}` starts with a zero", span, "write 0")
            )
        raise Refused(
            f"`{text}` is not a number", span, "numbers are 42, 0x2a, 0o52, 0b10_1010, 'a', 1.5e-3"
        )
    value = int(text, 0)
    if value.bit_length() > NUMBER_WIDTH_MAX:
        raise Refused(f"numbers have at most {NUMBER_WIDTH_MAX} bits", span)
    return value


def read_character(text: str, span: Span) -> int:
    """Return the code point of a character constant, with its quotes; raises `Refused`."""
    contents = text[1:-1]
    escape = _ESCAPE.fullmatch(contents)
    if escape is not None and contents.startswith("\\"):
        encoded = _read_escape(escape, span)
        if escape[1]:
            return encoded[0]
        return ord(encoded.decode())
    if len(contents) != 1:
        raise Refused(
            f"a character constant holds one character, found {len(contents)}",
            span,
            'strings have double quotes: "text"',
        )
    return ord(contents)


def read_string(text: str, span: Span) -> bytes:
    """Return the bytes of a string, given with its quotes, as UTF-8; raises `Refused`."""
    if "\\" not in text:
        return text[1:-1].encode()
    parts: list[bytes] = []
    for match in _ESCAPE.finditer(text, 1, len(text) - 1):
        place = Span(span.source, span.start + match.start(), span.start + match.end())
        parts.append(match[4].encode() if match[4] else _read_escape(match, place))
    return b"".join(parts)


def _read_escape(match: re.Match[str], span: Span) -> bytes:
    byte, code_point, simple = match[1], match[2], match[3]
    if byte:
        return bytes([int(byte, 16)])
    if code_point:
        number = int(code_point, 16)
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise Refused(f"U+{number:04X} is not a character", span)
        return chr(number).encode()
    if simple not in _SIMPLE_ESCAPES:
        raise Refused(f"unknown escape `{match[0]}`", span, _ESCAPES_HINT)
    return _SIMPLE_ESCAPES[simple]
