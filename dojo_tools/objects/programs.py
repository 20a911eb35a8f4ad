"""Which programs there are and where they run: `.dojo.program` of objects, the note of images.

Both hold rectangles of four u32 (x, y, width, height) and are counted off, never pointed at.

    .dojo.program:  u32 version, u32 1 with a name or 0 without, u32 rectangles, u32 bytes of the
                    name; the rectangles; the name
    .note.dojo:     an ELF note of owner "Dojo", type 1, whose descriptor is u32 version, u32
                    programs, then for each: u64 entry, u32 bytes of the name, u32 rectangles, the
                    name, zeros up to a multiple of 4, the rectangles
"""

import struct
from collections.abc import Sequence

from dojo_tools.bits import align_up, extract, mask
from dojo_tools.objects.elf import NOTE_OWNER, NOTE_PROGRAMS
from dojo_tools.objects.input import Input, quoted
from dojo_tools.objects.model import COORDINATE_BITS, PROGRAM_STRIDE_BITS, Program, Rectangle

PROGRAMS_MAX = 4096
RECTANGLES_MAX = 4096
"""How many rectangles one program may have."""

_VERSION = 1
_HEADER = struct.Struct("<4I")
_RECTANGLE = struct.Struct("<4I")
_NOTE = struct.Struct("<3I")  # bytes of the owner, bytes of the descriptor, type
_COUNT = struct.Struct("<II")  # version, programs
_PROGRAM = struct.Struct("<QII")  # entry, bytes of the name, rectangles


def encode_program(name: str | None, placement: Sequence[Rectangle]) -> bytes:
    """Return the contents of `.dojo.program`."""
    encoded = _encode_name(name or "")
    header = _HEADER.pack(_VERSION, name is not None, len(placement), len(encoded))
    return header + _encode_rectangles(placement) + encoded


def read_program(table: Input) -> tuple[str | None, tuple[Rectangle, ...]]:
    """Read `.dojo.program`: the name of the program, if there is one, and where it runs."""
    version, named, count, size = _HEADER.unpack(table.take(0, _HEADER.size, "its header"))
    _check_version(table, version)
    placement, end = _read_rectangles(table, _HEADER.size, count)
    if named > 1 or (size and not named) or end + size != len(table.contents):
        raise table.error(
            f"a header, {count} rectangles and a name of {size} bytes do not make "
            f"{len(table.contents)} bytes"
        )
    name = table.text(table.take(end, size, "the name"))
    return (name if named else None), placement


def encode_note(programs: Sequence[Program]) -> bytes:
    """Return the contents of `.note.dojo`."""
    body = bytearray(_COUNT.pack(_VERSION, len(programs)))
    for program in programs:
        name = _encode_name(program.name)
        body += _PROGRAM.pack(program.entry, len(name), len(program.placement))
        body += name + bytes(align_up(len(name), 4) - len(name))
        body += _encode_rectangles(program.placement)
    owner = NOTE_OWNER + bytes(align_up(len(NOTE_OWNER), 4) - len(NOTE_OWNER))
    return _NOTE.pack(len(NOTE_OWNER), len(body), NOTE_PROGRAMS) + owner + bytes(body)


def read_note(table: Input, entry: int) -> tuple[Program, ...]:
    """Read `.note.dojo`; `entry` is the entry of the image, which is that of program 0."""
    owner_size, size, kind = _NOTE.unpack(table.take(0, _NOTE.size, "its header"))
    start = _NOTE.size + align_up(len(NOTE_OWNER), 4)
    owner = table.take(_NOTE.size, start - _NOTE.size, "its owner")
    if owner_size != len(NOTE_OWNER) or owner[:owner_size] != NOTE_OWNER or kind != NOTE_PROGRAMS:
        raise table.error(f"a note of type {kind} that is not ours")
    if start + size != len(table.contents):
        raise table.error(f"a descriptor of {size} bytes, but {len(table.contents) - start} follow")
    version, count = _COUNT.unpack(table.take(start, _COUNT.size, "its descriptor"))
    _check_version(table, version)
    if not 1 <= count <= PROGRAMS_MAX:
        raise table.error(f"{count} programs, expected 1 to {PROGRAMS_MAX}")
    position = start + _COUNT.size
    programs: list[Program] = []
    for number in range(count):
        program, position = _read_program_entry(table, number, position)
        programs.append(program)
    if position != len(table.contents):
        raise table.error(f"{len(table.contents) - position} bytes are left over after the last")
    _check_programs(table, programs, entry)
    return tuple(programs)


def _read_program_entry(table: Input, number: int, position: int) -> tuple[Program, int]:
    record = table.take(position, _PROGRAM.size, f"program {number}")
    entry, name_size, count = _PROGRAM.unpack(record)
    position += _PROGRAM.size
    name = table.text(table.take(position, name_size, f"the name of program {number}"))
    position += align_up(name_size, 4)
    placement, position = _read_rectangles(table, position, count)
    return Program(name, entry, placement), position


def _check_programs(table: Input, programs: Sequence[Program], entry: int) -> None:
    names: set[str] = set()
    for number, program in enumerate(programs):
        if program.name in names:
            raise table.error(f"two programs are called {quoted(program.name)}")
        names.add(program.name)
        if extract(program.entry, 63, PROGRAM_STRIDE_BITS) != number:
            raise table.error(
                f"program {number} {quoted(program.name)} starts at 0x{program.entry:x}, "
                "which is not its own"
            )
        if not program.placement and len(programs) > 1:
            raise table.error(f"program {quoted(program.name)} is placed nowhere")
    if programs[0].entry != entry:
        raise table.error(f"program 0 starts at 0x{programs[0].entry:x}, the image at 0x{entry:x}")


def _encode_name(name: str) -> bytes:
    return name.encode(errors="backslashreplace")


def _encode_rectangles(placement: Sequence[Rectangle]) -> bytes:
    return b"".join(_RECTANGLE.pack(*rectangle) for rectangle in placement)


def _read_rectangles(table: Input, position: int, count: int) -> tuple[tuple[Rectangle, ...], int]:
    """Return the rectangles at `position`, and the position after them."""
    if count > RECTANGLES_MAX:
        raise table.error(f"{count} rectangles, at most {RECTANGLES_MAX} are allowed")
    size = count * _RECTANGLE.size
    encoded = table.take(position, size, f"{count} rectangles")
    rectangles = tuple(Rectangle._make(record) for record in _RECTANGLE.iter_unpack(encoded))
    for rectangle in rectangles:
        x, y, width, height = rectangle
        if not width or not height or max(x + width, y + height) - 1 > mask(COORDINATE_BITS):
            raise table.error(f"no nodes can stand at {rectangle}")
    return rectangles, position + size


def _check_version(table: Input, version: int) -> None:
    if version != _VERSION:
        raise table.error(f"version {version} is not known, only {_VERSION}")
