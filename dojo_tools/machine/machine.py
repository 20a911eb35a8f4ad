"""One node and one thread that run an image, with everything the host may look at or set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dojo_tools.description import (
    Description,
    MachineDef,
    load_machine,
)
from dojo_tools.diagnostics import (
    Agent,
    Diagnostic,
    Event,
    ExitCode,
    did_you_mean,
    fail,
)
from dojo_tools.engines.lockstep import Divergence
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.stop import Fault, FaultKind, Stop, StopReason
from dojo_tools.engines.thread import Thread
from dojo_tools.engines.timing import Cause, terms_of
from dojo_tools.engines.translated import WatchTranslations
from dojo_tools.machine.divergence import divergence_diagnostic
from dojo_tools.machine.fault_report import FaultPlace, fault_diagnostic
from dojo_tools.machine.program_view import STACK_POINTER, ProgramView
from dojo_tools.machine.shares import shares_of
from dojo_tools.machine.stack_depth import deep_stack, stacks_of
from dojo_tools.machine.thread_view import ThreadView
from dojo_tools.machine.threads import make_thread, observed_thread
from dojo_tools.machine.tracing import (
    InstructionReader,
    LastInstructions,
    TraceEntry,
    Tracer,
    last_entries,
)
from dojo_tools.objects import Image, LineEntry, Symbol, TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dojo_tools.formats import Element

# What takes long to load is imported where it is used: numpy and the disassembler take 100 ms, and
# a run without tensors needs neither.

ALONE_CONTROLS = (
    "partition_width",
    "partition_height",
    "program_width",
    "program_height",
    "live_nodes",
)
"""The control registers that are 1 on a node by itself, as on a mesh of one node."""

ALONE = Agent(0, 0, 0)
"""The thread of a node by itself."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended; instructions retired and cycles since the machine was made.

    `causes` says what the cycles went to; they sum to `cycles`.
    """

    stop: Stop
    retired: int
    cycles: int
    causes: Mapping[Cause, int]


class Machine:
    """A machine with an image loaded, ready to run from its entry.

    The stack pointer starts at the stack top that the linker chose, everything else at zero. The
    thread has the share that the program states for thread 0. With `timing` off each instruction
    takes one cycle. `engine` is one of `ENGINES`; with "both" a run raises `EnginesDiffer` where
    they part. `watch` gets what the native engine translates. As many `records` of the last
    instructions are kept. Raises `InputError` for an image that does not fit one node.
    """

    def __init__(
        self,
        image: Image,
        description: Description,
        machine: MachineDef | None = None,
        *,
        timing: bool = True,
        engine: str = "native",
        watch: WatchTranslations | None = None,
        records: int = 0,
    ) -> None:
        if len(image.programs) > 1:
            raise fail(
                f"{image.name}: an image of {len(image.programs)} programs, which run on several "
                "nodes, does not fit one node",
                hint="a `Mesh` runs it",
            )
        self.image = image
        self.description = description
        self.definition = machine or load_machine("node")
        sram = self.definition.sram_bytes
        share = shares_of(image, 0, self.definition)[0]
        terms = terms_of(description, self.definition, share, timing=timing)
        self._thread = make_thread(engine, description, self.definition, terms, watch, records)
        for segment in image.segments:
            if segment.address + segment.memory_size > sram:
                raise fail(
                    f"{image.name}: a segment ends at "
                    f"0x{segment.address + segment.memory_size:x}, SRAM at 0x{sram:x}"
                )
            self._thread.write_memory(segment.address, segment.contents)
        self._thread.pc = image.entry
        for control in description.controls:
            if control.name in ALONE_CONTROLS:
                self._thread.set_control(control.number, 1)
        self.program = ProgramView(image)
        self._shown = ThreadView(self._thread, self.definition.denormals)
        stack = self.program.symbols.get("__stack_top")
        self._thread.write_register(STACK_POINTER, sram if stack is None else stack.value)

    # ---- running

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return self._thread.pc

    @property
    def printed(self) -> list[Printed]:
        """What the program has printed so far, in order."""
        return self._thread.printed

    def run(
        self,
        limit: int,
        printed_max: int | None = None,
        seconds: float | None = None,
        cycles_max: int | None = None,
    ) -> RunResult:
        """Run until the program stops or has retired `limit` more instructions.

        With `printed_max` the run also ends, as at the limit, once it has printed so many
        characters, so that somebody who takes and clears `printed` between runs needs no more room;
        with `seconds` soon after it has taken so long. With `cycles_max` no instruction issues in
        that cycle or later.
        """
        thread = self._thread
        stop = _unanswered(thread, thread.run(limit, printed_max, seconds, cycles_max))
        return RunResult(stop, thread.retired, thread.cycles, thread.causes)

    def next_issue_cycle(self) -> int:
        """Return the cycle in which the next instruction issues, the present one if it can't."""
        return self._thread.next_issue_cycle()

    def trace(self, limit: int, cycles_max: int | None = None) -> Iterator[TraceEntry]:
        """Run one instruction an item until the program stops; at most `limit` of them.

        With `cycles_max` no instruction issues in that cycle or later.

        Raises `InputError` for the native engine alone, which can't be watched.
        """
        observed = observed_thread(self._thread)
        if observed is None:
            raise fail("a trace needs the reference engine", hint='ask for engine="reference"')
        reader = InstructionReader(self.description)
        tracer = Tracer(self._thread, observed, self.program, self._shown, reader)
        for _ in range(limit):
            if cycles_max is not None and self._thread.next_issue_cycle() >= cycles_max:
                return
            step = tracer.begin()
            step.executed(_unanswered(self._thread, self._thread.run(1)))
            entry = step.entry()
            yield entry
            if entry.stop is not None:
                return

    def last_instructions(self, count: int) -> LastInstructions:
        """Return the last instructions that have retired, if as many records are kept."""
        reader = InstructionReader(self.description)
        entries = last_entries(self._thread, count, self.program, self._shown, reader)
        return LastInstructions((0, 0), 0, "", entries)

    # ---- registers and memory

    def read_register(self, name: str) -> int | bytes:
        """Return a register: an integer of 64 bits, or the bytes of a wider one.

        Raises `InputError` for an unknown name.
        """
        self._check_register(name)
        return self._thread.read_register(name)

    def write_register(self, name: str, value: int | bytes) -> None:
        """Set a register; an integer is taken modulo 2^64. Raises `InputError` if it can't."""
        self._check_register(name)
        size = self.description.register_names[name][0].width // 8
        fits = (
            isinstance(value, int)
            if size == 8
            else (isinstance(value, bytes) and len(value) == size)
        )
        if not fits:
            wanted = "an integer" if size == 8 else f"{size} bytes"
            raise fail(f"register `{name}` holds {wanted}")
        self._thread.write_register(name, value)

    def show_as(self, name: str, element: str) -> None:
        """Show a register, or all of a file such as `v`, as values of an element type.

        What is said last of a register counts. Raises `InputError` for an unknown name or type.
        """
        self._shown.show_as(name, element)

    def shown_as(self, name: str) -> "Element | None":
        """Return the element type to show a register as, named `v3`, if one was chosen."""
        return self._shown.shown_as(name)

    def value_texts(self, name: str) -> list[str]:
        """Return a register's values in the element type that was chosen for it, lane 0 first."""
        return self._shown.value_texts(name)

    def _check_register(self, name: str) -> None:
        known = self.description.register_names
        if name not in known:
            raise fail(f"unknown register `{name}`", hint=did_you_mean(name, known))

    def read_memory(self, address: int, size: int) -> bytes:
        """Return bytes of SRAM. Raises `InputError` for a range outside it."""
        self._check_range(address, size)
        return self._thread.read_memory(address, size)

    def write_memory(self, address: int, contents: bytes) -> None:
        """Set bytes of SRAM. Raises `InputError` for a range outside it."""
        self._check_range(address, len(contents))
        self._thread.write_memory(address, contents)

    def _check_range(self, address: int, size: int) -> None:
        if not (address >= 0 and size >= 0 and address + size <= self.definition.sram_bytes):
            raise fail(
                f"0x{address:x}..0x{address + size:x} is not within SRAM, "
                f"0..0x{self.definition.sram_bytes:x}"
            )

    # ---- symbols and tensors

    def symbol(self, name: str) -> Symbol:
        """Return a symbol of the image. Raises `InputError` for an unknown name."""
        return self.program.symbol(name)

    def tensor(self, name: str) -> TensorType | None:
        """Return the type of a symbol's data, or None if it was given none."""
        return self.program.tensor(name)

    def read_tensor(
        self, name: str, element: str | None = None, shape: Sequence[int] | None = None
    ) -> "NDArray[Any]":
        """Return the values at a symbol, floats of every format as float32.

        Element type and shape come from the symbol unless given; one without a type needs both.
        """
        from dojo_tools.machine.tensors import decode_elements, size_of  # noqa: PLC0415  see the top

        element, shape = self.program.element_and_shape(name, element, shape)
        contents = self.read_memory(self.symbol(name).value, size_of(shape, element))
        return decode_elements(contents, element, self.definition.denormals).reshape(shape)

    def write_tensor(self, name: str, values: "NDArray[Any]", element: str | None = None) -> int:
        """Set the values at a symbol, rounded to its element type.

        Returns how many were beyond a CFloat type and saturated. Raises `InputError` if the shape
        is not the symbol's.
        """
        from dojo_tools.machine.tensors import count_beyond, encode_elements  # noqa: PLC0415  see the top

        element, _ = self.program.element_and_shape(name, element, values.shape)
        known = self.tensor(name)
        if known is not None and tuple(values.shape) != known.shape:
            raise fail(f"symbol `{name}` has shape {known.shape}, the values have {values.shape}")
        contents = encode_elements(values, element, self.definition.denormals)
        self.write_memory(self.symbol(name).value, contents)
        return count_beyond(values, element)

    # ---- source lines

    def line_at(self, pc: int) -> LineEntry | None:
        """Return the source line of the instruction at an address, if the image knows it."""
        return self.program.line_at(pc)

    def stack_warnings(self) -> list[Diagnostic]:
        """Return a warning if the stack is, or has been, deeper than what is reserved for it."""
        stacks, pointer = stacks_of(self.program, 1), self._thread.read_register(STACK_POINTER)
        assert isinstance(pointer, int)
        found = stacks and deep_stack(stacks, {0: pointer}, self.read_memory)
        return [found.warning("the program", Event(agents=(ALONE,)))] if found else []

    def fault_diagnostic(self, fault: Fault) -> Diagnostic:
        """Return a fault as a diagnostic: source line, what was accessed, its limits, a hint."""
        thread = self._thread
        place = FaultPlace(self.program, ALONE, thread.cycles, thread)
        return fault_diagnostic(place, fault)

    def divergence_diagnostic(self, found: Divergence) -> Diagnostic:
        """Return where two engines part: instruction, source line, operands, both results."""
        text = "no instruction"
        if found.instruction is not None:
            from dojo_tools.disassembler import format_instruction  # noqa: PLC0415  see the top

            text = format_instruction(found.instruction, found.pc, self.description)
        notes = [f"instruction number {found.retired + 1} of the run"]
        if found.count > 1:
            notes.append(f"only when {found.count} instructions from here on run as a whole")
        notes += [f"before: {name} = {value}" for name, value in found.operands]
        notes += [
            f"{where}: reference {one}, native {two}" for where, one, two in found.differences
        ]
        return divergence_diagnostic(
            f"`{text}` (pc 0x{found.pc:x})",
            notes,
            self.program.span_at(found.pc),
            Event("error", (ALONE,), pc=found.pc, exit_code=ExitCode.ENGINES_DIFFER),
        )


def _unanswered(thread: Thread, stop: Stop) -> Stop:
    """Return a stop for a machine that answers no requests: there they are faults."""
    if stop.reason is not StopReason.REQUEST:
        return stop
    message = f"no machine around the thread answers {thread.request}"
    return Stop(StopReason.FAULT, fault=Fault(FaultKind.REQUEST, thread.pc - 4, message))
