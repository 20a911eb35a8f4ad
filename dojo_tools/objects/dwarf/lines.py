"""Line programs: which source line each instruction comes from."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from dojo_tools.objects.dwarf import numbers as dw
from dojo_tools.objects.dwarf.numbers import Strings, signed, unsigned
from dojo_tools.objects.model import LineEntry

DIRECTORY = "."
"""Where sources are looked for: the current folder. No image depends on where it was made."""

_LINE_BASE, _LINE_RANGE, _OPCODE_BASE = -5, 14, 13
_HEADER = struct.Struct("<HBBI")  # version, address size, segment selector size, header length
_PARAMETERS = struct.Struct("<BBBbBB")
_WORD = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class FileTable:
    """The sources a unit names, by their number; the first is the unit's own."""

    numbers: dict[str, int]

    @staticmethod
    def of(name: str, lines: Sequence[LineEntry]) -> "FileTable":
        """Return the table of a unit of this name and these lines."""
        numbers = {name: 0}
        seen: set[int] = set()
        for line in lines:
            numbers.setdefault(line.file, len(numbers))
            # A trail is shared by many lines, and hashing it would cost its whole length.
            if id(line.trail) not in seen:
                seen.add(id(line.trail))
                for frame in line.trail:
                    numbers.setdefault(frame.file, len(numbers))
        return FileTable(numbers)


def encode_lines(lines: Sequence[LineEntry], files: FileTable, strings: Strings) -> bytes:
    """Return the unit's part of `.debug_line`; `lines` ascend and do not overlap."""
    tables = bytes([1, dw.CONTENT_PATH, dw.FORM_LINE_STRING, 1])
    tables += _WORD.pack(strings.offset_of(DIRECTORY))
    tables += bytes([2, dw.CONTENT_PATH, dw.FORM_LINE_STRING, dw.CONTENT_DIRECTORY, dw.FORM_DATA1])
    tables += unsigned(len(files.numbers))
    for name in files.numbers:
        tables += _WORD.pack(strings.offset_of(name)) + b"\0"
    parameters = _PARAMETERS.pack(1, 1, 1, _LINE_BASE, _LINE_RANGE, _OPCODE_BASE)
    parameters += dw.LINE_OPERAND_COUNTS
    header = _HEADER.pack(dw.VERSION, dw.ADDRESS_SIZE, 0, len(parameters) + len(tables))
    unit = header + parameters + tables + _encode_rows(lines, files)
    return _WORD.pack(len(unit)) + unit


def _encode_rows(lines: Sequence[LineEntry], files: FileTable) -> bytes:
    rows = bytearray()
    end = address = -1
    file = row_line = column = 0
    for entry in lines:
        if entry.offset != end:
            if end >= 0:
                rows += _end(end - address)
            rows += dw.LINE_SET_ADDRESS + entry.offset.to_bytes(dw.ADDRESS_SIZE, "little")
            address, file, row_line, column = entry.offset, -1, 1, 0
        number = files.numbers[entry.file]
        if number != file:
            file = number
            rows.append(dw.LINE_SET_FILE)
            rows += unsigned(file)
        if entry.column != column:
            column = entry.column
            rows.append(dw.LINE_SET_COLUMN)
            rows += unsigned(column)
        line_advance = entry.line - row_line
        if not 0 <= line_advance - _LINE_BASE < _LINE_RANGE:
            rows.append(dw.LINE_ADVANCE_LINE)
            rows += signed(line_advance)
            line_advance = 0
        opcode = line_advance - _LINE_BASE + _OPCODE_BASE
        address_advance = entry.offset - address
        if opcode + _LINE_RANGE * address_advance > 255:
            rows.append(dw.LINE_ADVANCE_ADDRESS)
            rows += unsigned(address_advance)
            address_advance = 0
        rows.append(opcode + _LINE_RANGE * address_advance)
        address, row_line = entry.offset, entry.line
        end = entry.offset + entry.size
    return bytes(rows + _end(end - address)) if lines else b""


def _end(advance: int) -> bytes:
    return bytes([dw.LINE_ADVANCE_ADDRESS]) + unsigned(advance) + dw.LINE_END_SEQUENCE
