"""Which bytes are a source, and where those that are none go wrong."""

import pytest

from dojo_tools.diagnostics import InputError, decode_source
from dojo_tools.source_text import LINE_LENGTH_MAX, PROBLEMS_MAX, SOURCE_SIZE_MAX


@pytest.mark.parametrize(
    "encoded, place, message",
    [
        (b"nop\n; caf\xe9\n", "2:6", "not UTF-8 text: byte 0xe9"),
        (b"nop\r\nno\0p\n", "2:3", "U+0000 (NUL)"),
        (b"nop\rnop\n", "1:4", "U+000D (carriage return)"),
        (b"nop\n\x0b", "2:1", "U+000B (vertical tab)"),
        (b"nop\x0c", "1:4", "U+000C (form feed)"),
        (b'"\x1b[2J"', "1:2", "U+001B (escape)"),
        ("\ufeffnop\x85".encode(), "1:4", "U+0085 (next line)"),
        ("; a\u2028b".encode(), "1:4", "U+2028 (line separator)"),
        ("; a\u202eb".encode(), "1:4", "U+202E (right-to-left override)"),
        ("nop\ufeff".encode(), "1:4", "U+FEFF (byte-order mark)"),
        ("nop\n".encode("utf-16"), "1:1", "0xfffe or 0xfeff"),
        ("nop\n".encode("utf-16-be"), "1:1", "U+0000 (NUL)"),
        ("nop\n".encode("utf-16-le"), "1:2", "U+0000 (NUL)"),
        (b"nop\n" + b"a" * 100_000, f"2:{LINE_LENGTH_MAX + 1}", "longer than 65536 characters"),
        (b"a" * (SOURCE_SIZE_MAX + 1), "1:1", "larger than 64 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_source_is_refused_at_its_place(
    encoded: bytes, place: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        decode_source(encoded, "a.s")
    first = caught.value.diagnostics[0]
    assert str(first.span) == f"a.s:{place}"
    assert message in first.message


def test_utf16_gets_a_hint() -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        with pytest.raises(InputError) as caught:
            decode_source("nop\nnop\n".encode(encoding), "a.s")
        (only,) = caught.value.diagnostics
        assert only.hint == "it looks like UTF-16; save it as UTF-8"


def test_line_ends_and_byte_order_mark_are_dropped() -> None:
    source = decode_source(b"\xef\xbb\xbfnop\r\n\tnop\r\n", "a.s")
    assert source.text == "nop\n\tnop\n"
    assert source.position(5) == (2, 2)


def test_lines_of_the_longest_length_are_accepted() -> None:
    line = "a" * LINE_LENGTH_MAX
    assert decode_source(f"{line}\n{line}\n{line}".encode(), "a.s").text.count("\n") == 2
    assert decode_source(b"a" * 100_000, "a.csv", is_limited=False).text


def test_problems_are_counted_up_to_a_limit() -> None:
    with pytest.raises(InputError) as caught:
        decode_source(b"\x01 " * 1000, "a.s")
    assert len(caught.value.diagnostics) == PROBLEMS_MAX
