"""What an image loads and where its programs run, as text."""

from collections.abc import Iterator, Sequence
from string import ascii_letters, digits

from dojo_tools.bits import extract
from dojo_tools.diagnostics import printable
from dojo_tools.disassembler.tables import columns
from dojo_tools.objects import Image, ObjectFile, Program, Rectangle
from dojo_tools.objects.model import PROGRAM_STRIDE_BITS

PICTURE_SIDE_MAX = 64
"""The largest width and height of a partition that is drawn."""
_LETTERS = ascii_letters[26:] + ascii_letters[:26] + digits
_RECTANGLES_SHOWN_MAX = 32


def list_segments(file: ObjectFile | Image) -> Iterator[str]:
    """Yield what is loaded, the entry and the programs; of an object, its program."""
    if isinstance(file, Image):
        yield f"entry {file.entry:08x}"
        rows = [
            (
                f"{s.address:08x}",
                str(extract(s.address, 63, PROGRAM_STRIDE_BITS)),
                f"{extract(s.address, PROGRAM_STRIDE_BITS - 1, 0):06x}",
                f"{len(s.contents):#x}",
                f"{s.memory_size:#x}",
                " ".join(["writable"] * s.writable + ["executable"] * s.executable),
            )
            for s in file.segments
        ]
        head = ("segment", "program", "offset", "size in file", "size in memory", "access")
        yield from columns(head, rows)
    for program in programs_of(file):
        yield f"program {_describe(program)}"


def programs_of(file: ObjectFile | Image) -> tuple[Program, ...]:
    """Return the programs of an image; the one an object says it belongs to."""
    if isinstance(file, Image):
        return file.programs
    if file.program is None and not file.placement:
        return ()
    return (Program(file.program or "", 0, file.placement),)


def list_placement(file: ObjectFile | Image) -> Iterator[str]:
    """Yield a picture of the partition with a letter for each node's program, and a legend."""
    programs = programs_of(file)
    placed = [(i, rectangle) for i, p in enumerate(programs) for rectangle in p.placement]
    if not placed:
        yield "one program, on every node"
        return
    width = max(r.x + r.width for _, r in placed)
    height = max(r.y + r.height for _, r in placed)
    yield f"partition {width} x {height}, programs: {len(programs)}"
    if max(width, height) <= PICTURE_SIDE_MAX:
        yield from _picture(placed, width, height)
    else:
        yield f"no picture: only up to {PICTURE_SIDE_MAX} x {PICTURE_SIDE_MAX} nodes are drawn"
    for index, program in enumerate(programs):
        yield f"{_letter(index)}  {_describe(program)}"


def _picture(placed: Sequence[tuple[int, Rectangle]], width: int, height: int) -> Iterator[str]:
    cells = [["."] * width for _ in range(height)]
    for index, (x, y, columns_wide, rows_high) in placed:
        for row in cells[y : y + rows_high]:
            row[x : x + columns_wide] = [_letter(index)] * columns_wide
    cell, margin = len(str(width - 1)), len(str(height - 1))
    yield f"{'':{margin}}  {' '.join(f'{x:{cell}}' for x in range(width))}"
    for y, row in enumerate(cells):
        yield f"{y:{margin}}  {' '.join(f'{letter:>{cell}}' for letter in row)}"


def _letter(index: int) -> str:
    return _LETTERS[index] if index < len(_LETTERS) else "?"


def _describe(program: Program) -> str:
    shown = "; ".join(str(rectangle) for rectangle in program.placement[:_RECTANGLES_SHOWN_MAX])
    more = len(program.placement) - _RECTANGLES_SHOWN_MAX
    where = shown + (f"; and {more} more" if more > 0 else "") or "every node"
    return f"{printable(program.name) or 'without a name'}, entry {program.entry:08x}: {where}"
