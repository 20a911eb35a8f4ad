"""What an instruction changes: the thread is looked at before and after it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dojo_tools.description import InstructionDef
from dojo_tools.description.semantics import (
    Interact,
    WriteControl,
    WriteRegister,
    walk_statements,
)
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.thread import Thread
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.machine.thread_view import ThreadView
from dojo_tools.objects import LineEntry

if TYPE_CHECKING:
    from dojo_tools.engines.reference import ReferenceThread
    from dojo_tools.formats import Element

# What takes long to load is imported where it is used: the disassembler takes 30 ms.


@dataclass(frozen=True, slots=True)
class Change:
    """A place that an instruction wrote, as text before and after."""

    place: str
    before: str
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
        who: str = "",
    ) -> None:
        self.thread = thread
        self.observed = observed
        self.program = program
        self.shown = shown
        self.who = who
        self._zeros = {file.name: file.zero for file in thread.description.registers}

    def begin(self) -> "TracedStep":
        """Look at the thread before its next instruction."""
        return TracedStep(self)

    def written_places(
        self, definition: InstructionDef, values: Mapping[str, int]
    ) -> tuple[tuple[str, str], ...]:
        """Return kind and name of the registers an instruction writes, in order, each once."""
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

    def place_text(self, kind: str, name: str) -> str:
        """Return what a register or control register holds."""
        if kind == "control":
            controls = self.thread.description.controls
            return hex(self.thread.controls[next(c.number for c in controls if c.name == name)])
        element = self.shown.shown_as(name)
        if element is not None:
            return _values_text(self.shown.value_texts(name), element)
        value = self.thread.read_register(name)
        return hex(value) if isinstance(value, int) else _bytes_text(value)


class TracedStep:
    """An instruction that is about to be executed: call `end` once it has been."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        thread = tracer.thread
        self._pc, self._cycle = thread.pc, thread.next_issue_cycle()
        self._text, self._places = "illegal", ()
        instruction = thread.decode_at(self._pc)
        if instruction is not None:
            from dojo_tools.disassembler import format_instruction  # noqa: PLC0415  see the top

            self._text = format_instruction(instruction, self._pc, thread.description)
            pairs = zip(instruction.definition.operands, instruction.values, strict=True)
            values = {kind.name: value for kind, value in pairs}
            self._places = tracer.written_places(instruction.definition, values)
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
        tracer, thread = self._tracer, self._tracer.thread
        changes: list[Change] = []
        if self._stop.reason is not StopReason.FAULT:
            changes += [
                Change(place[1], self._before[place], tracer.place_text(*place))
                for place in self._places
            ]
        named = {name for kind, name in self._places if kind == "control"}
        for control in thread.description.controls:
            old, new = self._controls[control.number], thread.controls[control.number]
            if old != new and control.name not in named:
                changes.append(Change(control.name, hex(old), hex(new)))
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
