"""What an image says of one of its programs: symbols, typed data, source lines, by SRAM offset.

Machines of one node and of many share it.
"""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dojo_tools.bits import mask
from dojo_tools.diagnostics import Span, did_you_mean, fail
from dojo_tools.objects import (
    ABSOLUTE,
    PROGRAM_STRIDE_BITS,
    Image,
    LineEntry,
    Segment,
    Symbol,
    SymbolKind,
    TensorType,
)

# What takes long to load is imported where it is used: numpy 80 ms, the linker 30 ms.

STACK_POINTER = "sp"
RETURN_ADDRESS = "ra"
RESOURCE_KINDS = (SymbolKind.SEMAPHORE, SymbolKind.BARRIER, SymbolKind.BIAS_REGISTER)


class ProgramView:
    """A program of an image by its number; addresses are SRAM offsets."""

    def __init__(self, image: Image, number: int = 0) -> None:
        self.image = image
        self.number = number
        self.symbols: dict[str, Symbol] = {}
        self.tensors: dict[str, TensorType] = {}
        own: set[int] = set()
        for index, symbol in enumerate(image.symbols):
            is_number = symbol.section == ABSOLUTE
            if is_number or symbol.value >> PROGRAM_STRIDE_BITS == number:
                own.add(index)
                value = symbol.value if is_number else symbol.value & mask(PROGRAM_STRIDE_BITS)
                self.symbols[symbol.name] = replace(symbol, value=value)
        for tensor in image.tensors:
            if tensor.symbol in own:
                self.tensors[image.symbols[tensor.symbol].name] = tensor
        self._lines = sorted(
            (line for line in image.lines if line.offset >> PROGRAM_STRIDE_BITS == number),
            key=lambda line: line.offset,
        )
        self._line_starts = [line.offset & mask(PROGRAM_STRIDE_BITS) for line in self._lines]

    @property
    def name(self) -> str:
        """The name of the program, that of the image if it has none."""
        programs = self.image.programs
        return programs[self.number].name if programs else self.image.name

    @property
    def end(self) -> int:
        """The end of its sections."""
        ends = (
            (segment.address & mask(PROGRAM_STRIDE_BITS)) + segment.memory_size
            for segment in self._segments()
        )
        return max(ends, default=0)

    def symbol(self, name: str) -> Symbol:
        """Return a symbol. Raises `InputError` for an unknown name."""
        found = self.symbols.get(name)
        if found is None:
            raise fail(
                f"{self.image.name} has no symbol `{name}`", hint=did_you_mean(name, self.symbols)
            )
        return found

    def tensor(self, name: str) -> TensorType | None:
        """Return the type of a symbol's data, or None if it was given none."""
        self.symbol(name)
        return self.tensors.get(name)

    def element_and_shape(
        self, name: str, element: str | None, shape: Sequence[int] | None
    ) -> tuple[str, tuple[int, ...]]:
        """Return the type to read or write a symbol's data in: what is given, else its own."""
        from dojo_tools.formats import element_named  # noqa: PLC0415  see the top

        known = self.tensor(name)
        element = element or (known.element if known else None)
        if shape is None and known is not None:
            shape = known.shape
        if element is None or shape is None:
            raise fail(
                f"symbol `{name}` has no type", hint="declare it with `.tensor`, or name one here"
            )
        element_named(element)
        return element, tuple(shape)

    def line_at(self, pc: int) -> LineEntry | None:
        """Return the source line of the instruction at an address, if the image knows it."""
        index = bisect.bisect_right(self._line_starts, pc) - 1
        if index < 0:
            return None
        line = self._lines[index]
        return line if pc < self._line_starts[index] + line.size else None

    def span_at(self, pc: int) -> Span | None:
        """Return file, line and column of an instruction, without the text of the line."""
        line = self.line_at(pc)
        return None if line is None else line.span

    def symbol_text(self, address: int) -> str | None:
        """Return the symbol at an address, or the nearest before it in its segment and how far.

        One whose size is known is not that of an address behind its end.
        """
        segment = self._segment_at(address)
        if segment is None:
            return None
        start = segment.address & mask(PROGRAM_STRIDE_BITS)
        found = [
            symbol
            for symbol in self.symbols.values()
            if symbol.section != ABSOLUTE
            and symbol.kind not in RESOURCE_KINDS
            and start <= symbol.value <= address
            and (not symbol.size or address < symbol.value + symbol.size)
        ]
        if not found:
            return None
        nearest = max(found, key=lambda symbol: symbol.value)
        offset = address - nearest.value
        return f"`{nearest.name}`" + (f" + 0x{offset:x}" if offset else "")

    def is_data(self, address: int) -> bool:
        """Return whether an address is in a segment that has no code."""
        segment = self._segment_at(address)
        return segment is not None and not segment.executable

    def _segment_at(self, address: int) -> Segment | None:
        for segment in self._segments():
            start = segment.address & mask(PROGRAM_STRIDE_BITS)
            if start <= address < start + segment.memory_size:
                return segment
        return None

    def _segments(self) -> Iterator[Segment]:
        """Yield its own segments."""
        for segment in self.image.segments:
            if segment.address >> PROGRAM_STRIDE_BITS == self.number:
                yield segment

    def resource_names(self, kind: SymbolKind, number: int) -> list[str]:
        """Return the names that the semaphore or barrier of a number has."""
        return sorted(
            symbol.name
            for symbol in self.symbols.values()
            if symbol.kind is kind and symbol.value == number
        )
