"""An image cut into compile units: one for each source and program, with its code and data.

A line belongs to the source its trail starts in, so what a source includes and the macros it uses
are parts of its unit. All code of a unit lies in some function, because only within functions do
address-to-line tools show expansions: code before the first label that others can see is a
function too, named after its first label or its section.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from dojo_tools.bits import extract
from dojo_tools.objects.model import (
    ABSOLUTE,
    PROGRAM_STRIDE_BITS,
    Binding,
    Image,
    LineEntry,
    Section,
    Symbol,
    SymbolKind,
    TensorType,
)


@dataclass(slots=True)
class Function:
    """Code [start, end) under one name; `labels` are other names of places in it."""

    name: str
    start: int
    end: int
    external: bool
    labels: list[Symbol] = field(default_factory=list[Symbol])


@dataclass(frozen=True, slots=True)
class Variable:
    """A symbol of data and what is known of its values."""

    symbol: Symbol
    tensor: TensorType | None


@dataclass(slots=True)
class Unit:
    """What one source brings into one program.

    `lines` are those of code, ascending and apart from each other; `ranges` are the runs
    [start, end) of the unit's code, which hold all its lines and functions.
    """

    name: str
    lines: list[LineEntry] = field(default_factory=list[LineEntry])
    ranges: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    functions: list[Function] = field(default_factory=list[Function])
    variables: list[Variable] = field(default_factory=list[Variable])


def find_units(image: Image) -> list[Unit]:
    """Return the units in the order in which their first lines stand in memory."""
    sections = {section.name: section for section in image.sections if section.allocated}
    lines = _apart([line for line in image.lines if line.section in sections and line.size])
    owners = _Owners(sections)
    for line in lines:
        owners.add(line)
    starts = [line.offset for line in lines]
    tensors = {tensor.symbol: tensor for tensor in image.tensors}
    code: dict[int, list[Symbol]] = {}
    for index, symbol in enumerate(image.symbols):
        section = sections.get(symbol.section or ABSOLUTE)
        found = bisect.bisect_right(starts, symbol.value) - 1
        if section is None or found < 0 or not symbol.name:
            continue
        line = lines[found]
        if line.section != section.name or symbol.value >= section.address + section.size:
            continue
        owner = owners.owner_of(line)
        if not section.executable or symbol.kind is SymbolKind.OBJECT:
            owners.units[owner].variables.append(Variable(symbol, tensors.get(index)))
        elif symbol.name != section.name:
            code.setdefault(owner, []).append(symbol)
    for number, unit in enumerate(owners.units):
        symbols = code.get(number, [])
        symbols.sort(key=lambda symbol: (symbol.value, not _is_entry(symbol)))
        unit.functions = find_functions(unit, symbols)
    return owners.units


class _Owners:
    """Which unit each line belongs to."""

    def __init__(self, sections: dict[str, Section]) -> None:
        self.units: list[Unit] = []
        self._numbers: dict[tuple[int, str], int] = {}
        self._code = {name for name, section in sections.items() if section.executable}
        self._last: tuple[int, str] | None = None

    def owner_of(self, line: LineEntry) -> int:
        """Return the number of a line's unit, adding the unit if it is new."""
        root = line.trail[-1].file if line.trail else line.file
        key = (extract(line.offset, 63, PROGRAM_STRIDE_BITS), root)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.units)
            self.units.append(Unit(root))
        return number

    def add(self, line: LineEntry) -> None:
        """Give a line of code to its unit; lines come in ascending order."""
        number = self.owner_of(line)
        if line.section not in self._code:
            return
        unit = self.units[number]
        place = (number, line.section)
        if place == self._last:
            unit.ranges[-1] = (unit.ranges[-1][0], line.offset + line.size)
        else:
            unit.ranges.append((line.offset, line.offset + line.size))
        self._last = place
        unit.lines.append(line)


def _apart(lines: list[LineEntry]) -> list[LineEntry]:
    """Return lines in ascending order, none of which reaches into the next."""
    lines.sort(key=lambda line: line.offset)
    for index in range(len(lines) - 1):
        line, following = lines[index], lines[index + 1]
        if line.offset + line.size > following.offset:
            lines[index] = line._replace(size=following.offset - line.offset)
    return [line for line in lines if line.size]


def find_functions(unit: Unit, symbols: Sequence[Symbol]) -> list[Function]:
    """Return functions that together cover the unit's ranges; `symbols` ascend."""
    functions: list[Function] = []
    sections = {line.offset: line.section for line in unit.lines}
    starts = [symbol.value for symbol in symbols]
    for start, end in unit.ranges:
        inside = symbols[bisect.bisect_left(starts, start) : bisect.bisect_left(starts, end)]
        functions += _cover(start, end, inside, sections[start])
    return functions


def _cover(start: int, end: int, symbols: Sequence[Symbol], section: str) -> list[Function]:
    """Return the functions of one run of code, with their labels."""
    entries = _entries(end, symbols)
    functions: list[Function] = []
    position = start
    for entry in entries:
        if position < entry.start:
            functions.append(Function(section, position, entry.start, False))
        functions.append(entry)
        position = entry.end
    if position < end:
        functions.append(Function(section, position, end, False))
    unnamed = {function.start for function in functions} - {entry.start for entry in entries}
    starts = [function.start for function in functions]
    for symbol in symbols:
        function = functions[bisect.bisect_right(starts, symbol.value) - 1]
        if function.start in unnamed:
            function.name = symbol.name
            unnamed.remove(function.start)
        if (symbol.name, symbol.value) != (function.name, function.start):
            function.labels.append(symbol)
    return functions


def _entries(end: int, symbols: Sequence[Symbol]) -> list[Function]:
    """Return the functions that symbols open: those of code that others see or that say so.

    One without a size reaches to the next; within one with a size only functions are opened.
    """
    functions: list[Function] = []
    sized_end = 0
    for symbol in symbols:
        if not _is_entry(symbol) or (functions and functions[-1].start == symbol.value):
            continue
        is_function = symbol.kind is SymbolKind.FUNCTION
        if not is_function and symbol.value < sized_end:
            continue
        if functions:
            functions[-1].end = min(functions[-1].end, symbol.value)
        size = symbol.size if is_function else 0
        sized_end = symbol.value + size
        own_end = min(end, sized_end) if size else end
        external = symbol.binding is not Binding.LOCAL
        functions.append(Function(symbol.name, symbol.value, own_end, external))
    return functions


def _is_entry(symbol: Symbol) -> bool:
    return symbol.kind is SymbolKind.FUNCTION or symbol.binding is not Binding.LOCAL
