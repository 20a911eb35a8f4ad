"""What programs print, and how the numbers are written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Printed:
    """Text that the program printed, and the cycle at which it did."""

    cycle: int
    text: str


def text_of_bytes(contents: bytes) -> str:
    """Return bytes as text; those that are not UTF-8 become replacement characters."""
    return contents.decode(errors="replace")


def text_of_character(code: int) -> str:
    """Return a Unicode character; a number that is none becomes the replacement character."""
    valid = code < 0x110000 and not 0xD800 <= code < 0xE000
    return chr(code) if valid else "\ufffd"
