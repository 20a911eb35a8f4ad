"""What instructions change: the thread is looked at before and after each.

Of the last instructions before the end of a run, which engines keep on their own, less is known:
what they wrote, and only of some registers.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dojo_tools.description import Description, Instruction, InstructionDef
from dojo_tools.description.semantics import (
    Interact,
    WriteControl,
    WriteRegister,
    walk_statements,
)
from dojo_tools.engines.records import kept_registers
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.thread import RegisterValue, Thread
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.machine.thread_view import ThreadView
from dojo_tools.objects import LineEntry

if TYPE_CHECKING:
    from dojo_tools.engines.reference import ReferenceThread
    from dojo_tools.formats import Element

# What takes long to load is imported where it is used: the disassembler takes 30 ms.


@dataclass(frozen=True, slots=True)
class Change:
    """A place that an instruction wrote, as text before, if that is known, and after."""

    place: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One executed instruction, by the cycle it issued in; `stop` is set where it ended the run.

    `who` names the thread where there are several.
    """

    cycle: int
    pc: int
    text: str
    line: LineEntry | None
    changes: tuple[Change, ...]
    stop: Stop | None = None
    who: str = ""


class SeenInstruction(NamedTuple):
    """What a trace says of an instruction.

    `places` are kind and name of the registers that it writes, `kept` the names of those whose
    values records have.
    """

    text: str
    places: tuple[tuple[str, str], ...]
    kept: tuple[str, ...]


NOTHING_SEEN = SeenInstruction("illegal", (), ())


class InstructionReader:
    """Reads instructions for a trace, each once: it comes to most of them often."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._zeros = {file.name: file.zero for file in description.registers}
        self._known: dict[tuple[int, int], SeenInstruction] = {}

    def at(self, thread: Thread) -> SeenInstruction:
        """Return the next instruction of a thread."""
        pc = thread.pc
        if not 0 <= pc <= thread.memory_size - 4:
            return NOTHING_SEEN
        key = pc, int.from_bytes(thread.read_memory(pc, 4), "little")
        if key not in self._known:
            self._known[key] = self._seen(pc, thread.decode_at(pc))
        return self._known[key]

    def of(self, pc: int, word: int) -> SeenInstruction:
        """Return the instruction that a word is at an address."""
        key = pc, word
        if key not in self._known:
            self._known[key] = self._seen(pc, self._description.decode(word))
        return self._known[key]

    def _seen(self, pc: int, instruction: Instruction | None) -> SeenInstruction:
        if instruction is None:
            return NOTHING_SEEN
        from dojo_tools.disassembler import format_instruction  # noqa: PLC0415  see the top

        text = format_instruction(instruction, pc, self._description)
        pairs = zip(instruction.definition.operands, instruction.values, strict=True)
        values = {kind.name: value for kind, value in pairs}
        places = self._written_places(instruction.definition, values)
        kept = kept_registers(instruction, self._description)
        return SeenInstruction(text, places, tuple(f"{file}{index}" for file, index in kept))

    def _written_places(
        self, definition: InstructionDef, values: Mapping[str, int]
    ) -> tuple[tuple[str, str], ...]:
        """Return kind and name of the registers that it writes, in order, each once."""
        places: dict[tuple[str, str], None] = {}
        for statement in walk_statements(definition.meaning.statements):
            name = ""
            if isinstance(statement, WriteRegister):
                name = statement.operand
            elif isinstance(statement, Interact) and statement.result is not None:
                name = statement.result
            elif isinstance(statement, WriteControl):
                kind = definition.operand(statement.operand)
                code = values[kind.name]
                places["control", next(n for n, number in kind.names if number == code)] = None
            if name:
                kind = definition.operand(name)
                if values[kind.name] != self._zeros.get(kind.file):
                    places["register", f"{kind.file}{values[kind.name]}"] = None
        return tuple(places)


class Tracer:
    """Looks at a thread of the reference engine, `observed`, while it executes instructions.

    `thread` is the same thread, or one that it is part of.
    """

    def __init__(
        self,
        thread: Thread,
        observed: "ReferenceThread",
        program: ProgramView,
        shown: ThreadView,
        reader: InstructionReader,
        who: str = "",
    ) -> None:
        self.thread = thread
        self.observed = observed
        self.program = program
        self.shown = shown
        self.who = who
        self.reader = reader

    def begin(self) -> "TracedStep":
        """Look at the thread before its next instruction."""
        return TracedStep(self)

    def place_text(self, kind: str, name: str) -> str:
        """Return what a register or control register holds."""
        if kind == "control":
            controls = self.thread.description.controls
            return hex(self.thread.controls[next(c.number for c in controls if c.name == name)])
        return _register_text(self.shown, name, self.thread.read_register(name))


class TracedStep:
    """An instruction that is about to be executed: call `end` once it has been."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        thread = tracer.thread
        self._pc, self._cycle = thread.pc, thread.next_issue_cycle()
        self._text, self._places, _ = tracer.reader.at(thread)
        self._before = {place: tracer.place_text(*place) for place in self._places}
        self._controls = dict(thread.controls)
        self._stop: Stop | None = None
        self._stored: tuple[Change, ...] = ()
        tracer.observed.memory.observed = []

    @property
    def cycle(self) -> int:
        """The cycle in which it issues."""
        return self._cycle

    def executed(self, stop: Stop) -> None:
        """Note how the instruction ended, and what it stored."""
        self._stop = stop
        memory = self._tracer.observed.memory
        self._stored = tuple(
            Change(
                f"mem[0x{address:x}]",
                _bytes_text(old),
                _bytes_text(self._tracer.thread.read_memory(address, len(old))),
            )
            for address, old in memory.observed or ()
        )
        memory.observed = None

    def entry(self) -> TraceEntry:
        """Return what it did; the answer to what it asked for may have come since."""
        assert self._stop is not None
        tracer = self._tracer
        changes: list[Change] = []
        if self._stop.reason is not StopReason.FAULT:
            changes += [
                Change(place[1], self._before[place], tracer.place_text(*place))
                for place in self._places
            ]
        changes += self._other_controls()
        goes_on = self._stop.reason in (StopReason.LIMIT, StopReason.REQUEST)
        return TraceEntry(
            self._cycle,
            self._pc,
            self._text,
            tracer.program.line_at(self._pc),
            (*changes, *self._stored),
            None if goes_on else self._stop,
            tracer.who,
        )

    def _other_controls(self) -> Iterator[Change]:
        """Yield the control registers that have changed without being named."""
        before, after = self._controls, self._tracer.thread.controls
        if before == after:
            return
        named = {name for kind, name in self._places if kind == "control"}
        for control in self._tracer.thread.description.controls:
            old, new = before[control.number], after[control.number]
            if old != new and control.name not in named:
                yield Change(control.name, hex(old), hex(new))


@dataclass(frozen=True, slots=True)
class LastInstructions:
    """What a thread did last, the oldest first; `node` is its column and row in the partition.

    `who` names it where there are several.
    """

    node: tuple[int, int]
    thread: int
    who: str
    entries: tuple[TraceEntry, ...]


def last_entries(
    thread: Thread, count: int, program: ProgramView, shown: ThreadView, reader: InstructionReader
) -> tuple[TraceEntry, ...]:
    """Return the last `count` instructions that a thread has executed, if as many are kept."""
    entries: list[TraceEntry] = []
    for record in thread.last_records(count):
        seen, line = reader.of(record.pc, record.word), program.line_at(record.pc)
        changes = tuple(
            Change(name, None, _register_text(shown, name, value))
            for name, value in zip(seen.kept, record.values, strict=True)
        )
        entries.append(TraceEntry(record.cycle, record.pc, seen.text, line, changes))
    return tuple(entries)


def _register_text(shown: ThreadView, name: str, value: RegisterValue) -> str:
    """Return what a register holds or has held."""
    element = shown.shown_as(name)
    if element is not None:
        return _values_text(shown.texts_of(name, value), element)
    return hex(value) if isinstance(value, int) else _bytes_text(value)


def _values_text(texts: Sequence[str], element: "Element") -> str:
    """Return the values of a register; neighbours that are alike once, with their count."""
    runs = [(text, len(list(group))) for text, group in itertools.groupby(texts)]
    parts = [text if count == 1 else f"{text} x{count}" for text, count in runs]
    return f"{element} {' '.join(parts)}"


def _bytes_text(contents: bytes) -> str:
    """Return bytes as one number if they fit in 64 bits, else as 32-bit words, lowest first.

    Words that are all alike are written once, with their count.
    """
    if len(contents) <= 8:
        return hex(int.from_bytes(contents, "little"))
    words = [contents[i : i + 4][::-1].hex() for i in range(0, len(contents), 4)]
    return f"{words[0]} x{len(words)}" if len(set(words)) == 1 else " ".join(words)
