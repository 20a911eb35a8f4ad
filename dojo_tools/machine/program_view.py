"""What an image says of one of its programs: symbols, typed data, source lines, by SRAM offset.

Machines of one node and of many share it, and the words for a fault of a program.
"""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import replace

from dojo_tools.bits import mask
from dojo_tools.diagnostics import (
    Agent,
    Diagnostic,
    Event,
    ExitCode,
    Note,
    Severity,
    Span,
    did_you_mean,
    fail,
)
from dojo_tools.engines.stop import Fault, FaultKind
from dojo_tools.objects import (
    ABSOLUTE,
    PROGRAM_STRIDE_BITS,
    Image,
    LineEntry,
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
        own = (s for s in self.image.segments if s.address >> PROGRAM_STRIDE_BITS == self.number)
        ends = ((s.address & mask(PROGRAM_STRIDE_BITS)) + s.memory_size for s in own)
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
        start = self._segment_start(address)
        if start is None:
            return None
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

    def _segment_start(self, address: int) -> int | None:
        """Return where the segment of an address begins, None if no segment has it."""
        for segment in self.image.segments:
            start = segment.address & mask(PROGRAM_STRIDE_BITS)
            is_own = segment.address >> PROGRAM_STRIDE_BITS == self.number
            if is_own and start <= address < start + segment.memory_size:
                return start
        return None

    def resource_names(self, kind: SymbolKind, number: int) -> list[str]:
        """Return the names that the semaphore or barrier of a number has."""
        return sorted(
            symbol.name
            for symbol in self.symbols.values()
            if symbol.kind is kind and symbol.value == number
        )

    def fault_diagnostic(
        self,
        fault: Fault,
        read_register: Callable[[str], object],
        agent: Agent,
        cycle: int | None = None,
        who: str = "",
    ) -> Diagnostic:
        """Return a fault as a diagnostic: source line, what was accessed, its limits, a hint.

        `read_register` reads those of the thread, and `who` names it where there are several. A
        fault of a request at pc 0 is of no instruction: its agent has gone on.
        """
        has_pc = bool(fault.pc) or fault.kind is not FaultKind.REQUEST
        subject = f"{who}: " if who else ""
        place = f" (pc 0x{fault.pc:x})" if has_pc else ""
        line = self.line_at(fault.pc)
        notes = () if line is None else tuple(Note(str(frame)) for frame in line.trail)
        if line is None and fault.kind is FaultKind.ILLEGAL:
            notes = self._way_notes(fault.pc, read_register(RETURN_ADDRESS))
        hint = fault.hint
        if agent.thread is not None:
            hint = self._stack_hint(read_register(STACK_POINTER), agent.thread) or hint
        return Diagnostic(
            Severity.ERROR,
            f"{subject}{fault.message}{place}",
            self.span_at(fault.pc),
            hint,
            notes,
            "fault",
            Event(
                "fault",
                (agent,),
                cycle,
                fault.pc if has_pc else None,
                ExitCode.GUEST_FAULT,
                {"fault": fault.kind.value},
            ),
        )

    def _way_notes(self, pc: int, return_address: object) -> tuple[Note, ...]:
        """Return a note on how a thread may have come to where no source line is, or none."""
        before = self.span_at(pc - 4)
        if before is not None:
            return (Note("the instruction before", before),)
        caller = self.span_at(return_address - 4) if isinstance(return_address, int) else None
        return (
            () if caller is None else (Note(f"the last call, as `{RETURN_ADDRESS}` says", caller),)
        )

    def _stack_hint(self, stack: object, thread: int) -> str | None:
        """Return a hint if the stack of a thread is deeper than it may be.

        Only thread 0 surely has the stack that is reserved for it: the program gives the others
        theirs.
        """
        limit = self.symbols.get("__stack_top")
        if limit is None or not isinstance(stack, int) or thread:
            return None
        from dojo_tools.linker import DEFAULT_STACK_SIZE  # noqa: PLC0415  see the top

        depth = limit.value - stack
        size = self.symbols.get("__stack_size")
        allowed = DEFAULT_STACK_SIZE if size is None else size.value
        if depth > allowed:
            return f"the stack is {depth} bytes deep, {allowed} are reserved"
        return None
