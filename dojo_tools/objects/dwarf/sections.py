"""The debug sections of an image. They follow from it, so they are not part of its value."""

import struct
from collections.abc import Sequence

from dojo_tools.objects.dwarf import numbers as dw
from dojo_tools.objects.dwarf.entries import UnitWriter, encode_abbreviations
from dojo_tools.objects.dwarf.lines import FileTable, encode_lines
from dojo_tools.objects.dwarf.numbers import Strings, unsigned
from dojo_tools.objects.dwarf.units import find_units
from dojo_tools.objects.model import Image, Section

DEBUG_PREFIX = ".debug_"
"""What the names of debug sections start with."""

_WORD = struct.Struct("<I")
_RANGES_HEADER = struct.Struct("<HBBI")  # version, address size, selector size, offset count
_ARANGES_HEADER = struct.Struct("<IHIBB4x")  # length, version, unit, address size, selector size
_ARANGE = struct.Struct("<QQ")


def debug_sections(image: Image) -> tuple[Section, ...]:
    """Return the sections that tell standard tools where the image's code and data come from.

    They are not allocated; an image without lines has none. Equal images give equal bytes.
    """
    units = find_units(image)
    if not units:
        return ()
    strings, line_strings = Strings(), Strings()
    entries, lines, address_ranges = bytearray(), bytearray(), bytearray()
    ranges = bytearray(_WORD.size + _RANGES_HEADER.size)
    for unit in units:
        files = FileTable.of(unit.name, unit.lines)
        entries_at, lines_at, ranges_at = len(entries), len(lines), len(ranges)
        if unit.lines:
            lines += encode_lines(unit.lines, files, line_strings)
            ranges += _encode_ranges(unit.ranges)
            address_ranges += _encode_address_ranges(unit.ranges, entries_at)
        writer = UnitWriter(unit, files, strings, line_strings)
        entries += writer.encode(lines_at, ranges_at)
    header = _RANGES_HEADER.pack(dw.VERSION, dw.ADDRESS_SIZE, 0, 0)
    ranges[: _WORD.size + _RANGES_HEADER.size] = _WORD.pack(len(ranges) - _WORD.size) + header
    found = (
        ("info", entries),
        ("abbrev", encode_abbreviations()),
        ("line", lines),
        ("str", strings.contents),
        ("line_str", line_strings.contents),
        ("aranges", address_ranges),
        ("rnglists", ranges if address_ranges else b""),
    )
    return tuple(
        Section(DEBUG_PREFIX + name, False, False, False, 1, bytes(contents), len(contents))
        for name, contents in found
        if contents
    )


def _encode_ranges(ranges: Sequence[tuple[int, int]]) -> bytes:
    encoded = bytearray()
    for start, end in ranges:
        encoded.append(dw.RANGE_START_LENGTH)
        encoded += start.to_bytes(dw.ADDRESS_SIZE, "little") + unsigned(end - start)
    encoded.append(dw.RANGE_END)
    return bytes(encoded)


def _encode_address_ranges(ranges: Sequence[tuple[int, int]], entries_at: int) -> bytes:
    body = b"".join(_ARANGE.pack(start, end - start) for start, end in ranges)
    body += bytes(_ARANGE.size)
    length = _ARANGES_HEADER.size - _WORD.size + len(body)
    return _ARANGES_HEADER.pack(length, 2, entries_at, dw.ADDRESS_SIZE, 0) + body
