"""The two sections of our own: `.dojo.lines` and `.dojo.tensors`.

Source lines of an object are not DWARF: there DWARF needs relocations, and no standard tool can
apply those of a machine it does not know, so every reader would complain. Objects and images
carry this plain table instead; DWARF belongs where nothing is left to relocate, in linked images.

Either table is a header (version, entries, size of the body, size of the strings), a body and
NUL-terminated strings. Sections are named, so a tool that renumbers sections breaks nothing, and
strings and trails are counted off instead of pointed at: none can overlap another, so the values
read are never more than a small multiple of the bytes.

    lines:    entries of `_LINE`, then the trails: u32 count, then so many entries of `_FRAME`;
              trail 0 is the first
    tensors:  entries of `_TENSOR`, each followed by its extents, u64
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

from dojo_tools.objects.input import Input
from dojo_tools.objects.model import Frame, FrameKind, LineEntry, TensorType

_VERSION = 1
_HEADER = struct.Struct("<4I")
_LINE = struct.Struct("<QQIIIII")  # offset, size, section, file, line, column, trail
_TENSOR = struct.Struct("<III")  # symbol, element, rank
_FRAME = struct.Struct("<IIIII")  # kind, name, file, line, column
_WORD = struct.Struct("<I")


def encode_strings(strings: Sequence[str]) -> bytes:
    """Return the strings as UTF-8, each ended by a NUL."""
    assert not any("\0" in string for string in strings)
    return b"".join(string.encode(errors="backslashreplace") + b"\0" for string in strings)


def encode_lines(lines: Sequence[LineEntry]) -> bytes:
    """Return the contents of `.dojo.lines`."""
    strings: dict[str, int] = {}
    trails: dict[tuple[Frame, ...], int] = {}
    body = bytearray()
    for entry in lines:
        section = strings.setdefault(entry.section, len(strings))
        file = strings.setdefault(entry.file, len(strings))
        trail = trails.setdefault(entry.trail, len(trails))
        body += _LINE.pack(entry.offset, entry.size, section, file, entry.line, entry.column, trail)
    for frames in trails:
        body += _WORD.pack(len(frames))
        for frame in frames:
            name = strings.setdefault(frame.name, len(strings))
            file = strings.setdefault(frame.file, len(strings))
            body += _FRAME.pack(frame.kind.value, name, file, frame.line, frame.column)
    return _encode_table(len(lines), body, list(strings))


def encode_tensors(tensors: Sequence[TensorType], positions: Mapping[int, int]) -> bytes:
    """Return the contents of `.dojo.tensors`; `positions` maps symbols to places in `.symtab`."""
    strings: dict[str, int] = {}
    body = bytearray()
    for tensor in tensors:
        element = strings.setdefault(tensor.element, len(strings))
        body += _TENSOR.pack(positions[tensor.symbol], element, len(tensor.shape))
        body += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape)
    return _encode_table(len(tensors), body, list(strings))


def read_lines(table: Input, sections: Mapping[str, range]) -> tuple[LineEntry, ...]:
    """Read `.dojo.lines`; `sections` gives the offsets or addresses of each section."""
    count, body, strings = _read_table(table, _LINE.size)
    trails = _read_trails(table, body[count * _LINE.size :], strings)
    lines: list[LineEntry] = []
    records: Iterator[tuple[int, ...]] = _LINE.iter_unpack(body[: count * _LINE.size])
    for index, (offset, size, section, file, line, column, trail) in enumerate(records):
        if section >= len(strings) or file >= len(strings) or trail >= len(trails):
            raise table.error(f"entry {index} names a string or trail that is not there")
        covered = sections.get(strings[section])
        if covered is None:
            raise table.error(f"entry {index} names a section that is not there")
        if offset < covered.start or offset + size > covered.stop:
            raise table.error(
                f"entry {index} covers [0x{offset:x}, 0x{offset + size:x}), outside its section"
            )
        lines.append(
            LineEntry(strings[section], offset, size, strings[file], line, column, trails[trail])
        )
    return tuple(lines)


def read_tensors(table: Input, symbol_count: int) -> tuple[TensorType, ...]:
    """Read `.dojo.tensors`; `symbol_count` counts the symbols without the null symbol."""
    count, body, strings = _read_table(table, _TENSOR.size)
    tensors: list[TensorType] = []
    offset = 0
    symbol: int
    element: int
    rank: int
    for index in range(count):
        if offset + _TENSOR.size > len(body):
            raise table.error(f"entry {index} goes beyond the table")
        symbol, element, rank = _TENSOR.unpack_from(body, offset)
        offset += _TENSOR.size
        if rank * 8 > len(body) - offset:
            raise table.error(f"entry {index} has {rank} extents, more than the table holds")
        if not 1 <= symbol <= symbol_count or element >= len(strings):
            raise table.error(f"entry {index} names a symbol or element type that is not there")
        shape = struct.unpack_from(f"<{rank}Q", body, offset)
        offset += rank * 8
        tensors.append(TensorType(symbol - 1, strings[element], shape))
    if offset != len(body):
        raise table.error(f"{len(body) - offset} bytes are left over after the last entry")
    return tuple(tensors)


def _encode_table(count: int, body: bytearray, strings: Sequence[str]) -> bytes:
    pool = encode_strings(strings)
    return _HEADER.pack(_VERSION, count, len(body), len(pool)) + body + pool


def _read_table(table: Input, entry_size: int) -> tuple[int, bytes, list[str]]:
    """Return the number of entries, which the body has room for, the body and the strings."""
    header = table.take(0, _HEADER.size, "its header")
    version, count, body_size, strings_size = _HEADER.unpack(header)
    if version != _VERSION:
        raise table.error(f"version {version} of the table is not known, only {_VERSION}")
    if _HEADER.size + body_size + strings_size != len(table.contents):
        raise table.error(
            f"a header, {body_size} bytes of entries and {strings_size} of strings do not make "
            f"{len(table.contents)} bytes"
        )
    if count * entry_size > body_size:
        raise table.error(f"{count} entries do not fit in {body_size} bytes")
    body = table.take(_HEADER.size, body_size, "its entries")
    pool = table.take(_HEADER.size + body_size, strings_size, "its strings")
    if pool and not pool.endswith(b"\0"):
        raise table.error("its last string has no end")
    return count, body, [table.text(string) for string in pool.split(b"\0")[:-1]]


def _read_trails(table: Input, encoded: bytes, strings: Sequence[str]) -> list[tuple[Frame, ...]]:
    trails: list[tuple[Frame, ...]] = []
    position = 0
    count: int
    while position < len(encoded):
        if len(encoded) - position < _WORD.size:
            raise table.error(f"trail {len(trails)} goes beyond the table")
        (count,) = _WORD.unpack_from(encoded, position)
        position += _WORD.size
        if count > (len(encoded) - position) // _FRAME.size:
            raise table.error(f"trail {len(trails)} has {count} frames, more than the table holds")
        end = position + count * _FRAME.size
        frames = [
            _read_frame(table, record, strings)
            for record in _FRAME.iter_unpack(encoded[position:end])
        ]
        trails.append(tuple(frames))
        position = end
    return trails


def _read_frame(table: Input, record: tuple[int, ...], strings: Sequence[str]) -> Frame:
    kind, name, file, line, column = record
    if kind >= len(FrameKind) or name >= len(strings) or file >= len(strings):
        raise table.error("a frame has a kind or names a string that is not there")
    return Frame(FrameKind(kind), strings[name], strings[file], line, column)
