"""Draws the 32 bits of a word as text: bit numbers, then what each part holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dojo_tools.bits import extract
from dojo_tools.description import BitRange, Field, Format, InstructionDef


@dataclass(frozen=True, slots=True)
class _Cell:
    """A run of bits and what stands in it, and below it."""

    bits: BitRange
    content: str
    below: str

    @property
    def width(self) -> int:
        """The characters between the borders."""
        numbers = (
            f"{self.bits.high}  {self.bits.low}" if self.bits.width > 1 else f"{self.bits.low}"
        )
        return max(len(numbers), len(self.content) + 2, len(self.below) + 2)


def draw_format(format_: Format) -> str:
    """Return the picture of a format: the names of its fields."""
    return _draw(_cells(format_, lambda field, part, low: _part_name(field.name, field, part, low)))


def draw_instruction(definition: InstructionDef) -> str:
    """Return the picture of an encoding: its fixed bits and operands over the fields' names."""
    operands = {kind.field.name: kind.name for kind in definition.operands}
    fixed = dict(definition.fixed)

    def content(field: Field, part: BitRange, low: int) -> str:
        if field.name in operands:
            return _part_name(operands[field.name], field, part, low)
        return f"{extract(fixed[field.name], low + part.width - 1, low):0{part.width}b}"

    return _draw(_cells(definition.format, content, with_names=True))


def _cells(
    format_: Format, content: Callable[[Field, BitRange, int], str], with_names: bool = False
) -> list[_Cell]:
    """Return the cells of a word from bit 31 down; `content` gets the part's place in the value."""
    cells: list[_Cell] = []
    for field in format_.fields:
        low = field.width
        for part in field.ranges:
            low -= part.width
            cells.append(_Cell(part, content(field, part, low), field.name if with_names else ""))
    return sorted(cells, key=lambda cell: -cell.bits.high)


def _part_name(name: str, field: Field, part: BitRange, low: int) -> str:
    """Return the name of a value, with the bits of it that a part of a split field holds."""
    return name if len(field.ranges) == 1 else f"{name}{BitRange(low + part.width - 1, low)}"


def _draw(cells: list[_Cell]) -> str:
    border = f"+{'+'.join('-' * cell.width for cell in cells)}+"
    lines = [
        _row((_numbers(cell) for cell in cells), " "),
        border,
        _row((cell.content.center(cell.width) for cell in cells), "|"),
        border,
    ]
    if any(cell.below for cell in cells):
        lines.append(_row((cell.below.center(cell.width) for cell in cells), " "))
    return "\n".join(line.rstrip() for line in lines)


def _row(texts: Iterable[str], border: str) -> str:
    return f"{border}{border.join(texts)}{border}"


def _numbers(cell: _Cell) -> str:
    """Return the numbers of a cell's first and last bit at its two ends."""
    if cell.bits.width == 1:
        return str(cell.bits.low).center(cell.width)
    high, low = str(cell.bits.high), str(cell.bits.low)
    return high + low.rjust(cell.width - len(high))
