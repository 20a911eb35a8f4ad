"""Runs two engines side by side and finds the first instruction after which they differ.

Both threads run the same pieces; after each their whole states are compared. What the host did to
them is kept, so that new threads can be brought to any point again: where a piece ends differently,
it is run again in ever smaller pieces.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dojo_tools.description import Instruction, OperandClass
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.records import Record
from dojo_tools.engines.request import Request
from dojo_tools.engines.state import Difference, differences, value_text
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.thread import RegisterValue, Thread
from dojo_tools.engines.timing import Cause

PIECES = (1 << 16, 1 << 11, 1 << 6, 1)
"""Instructions between two comparisons: at first, and each time nearer to a difference."""

MakeThreads = Callable[[], tuple[Thread, Thread]]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where two engines part: an instruction, its operands before it, and what differs after.

    `instruction` is None where none can be fetched; `retired` counts those before it. With a
    `count` of instructions above 1 the engines agree when these run one by one, and differ only
    when they run as a whole.
    """

    pc: int
    instruction: Instruction | None
    operands: tuple[tuple[str, str], ...]
    differences: tuple[Difference, ...]
    retired: int
    count: int = 1


class EnginesDiffer(Exception):
    """Ends a run in lockstep: one of the engines is wrong."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(f"the engines differ at 0x{divergence.pc:x}")
        self.divergence = divergence


@dataclass(frozen=True, slots=True)
class _Deed:
    """What the host did to a thread when so many instructions had retired."""

    retired: int
    do: Callable[[Thread], None]


class LockstepThread:
    """Two threads as one: the host sees the first, which the second has to follow.

    `make_threads` returns two new threads, the one to trust first. `run` raises `EnginesDiffer`.
    """

    def __init__(self, make_threads: MakeThreads) -> None:
        self._make_threads = make_threads
        self._first, self._second = make_threads()
        self.description = self._first.description
        self._deeds: list[_Deed] = []
        self._agreed = 0
        self.printed: list[Printed] = []

    @property
    def first(self) -> Thread:
        """The thread whose state the host sees."""
        return self._first

    # ---- what the host sees

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return self._first.pc

    @pc.setter
    def pc(self, address: int) -> None:
        self._do(lambda thread: setattr(thread, "pc", address))

    @property
    def stop_at_breakpoints(self) -> bool:
        """Whether a breakpoint ends a run."""
        return self._first.stop_at_breakpoints

    @stop_at_breakpoints.setter
    def stop_at_breakpoints(self, wanted: bool) -> None:
        self._do(lambda thread: setattr(thread, "stop_at_breakpoints", wanted))

    @property
    def retired(self) -> int:
        """Instructions executed so far."""
        return self._first.retired

    @property
    def request(self) -> Request:
        """What the last interaction asked for."""
        return self._first.request

    @property
    def cycles(self) -> int:
        """Cycles so far, the one being filled included if something has issued in it."""
        return self._first.cycles

    @property
    def causes(self) -> Mapping[Cause, int]:
        """What each of `cycles` went to."""
        return self._first.causes

    def next_issue_cycle(self) -> int:
        """Return the cycle in which the next instruction issues, the present one if it can't."""
        return self._first.next_issue_cycle()

    @property
    def memory_size(self) -> int:
        """Bytes of SRAM."""
        return self._first.memory_size

    @property
    def controls(self) -> Mapping[int, int]:
        """The control registers by number."""
        return self._first.controls

    def set_control(self, number: int, value: int) -> None:
        """Set a control register, also one that programs can only read."""
        self._do(lambda thread: thread.set_control(number, value))

    def read_register(self, name: str) -> RegisterValue:
        """Return a register: an integer if it has 64 bits, else its bytes; else `LookupError`."""
        return self._first.read_register(name)

    def write_register(self, name: str, value: RegisterValue) -> None:
        """Set a register: an integer taken modulo 2^64, or all the bytes of a wider one."""
        self._do(lambda thread: thread.write_register(name, value))

    def read_memory(self, address: int, size: int) -> bytes:
        """Return bytes of SRAM."""
        return self._first.read_memory(address, size)

    def write_memory(self, address: int, contents: bytes) -> None:
        """Set bytes of SRAM from outside: they are never stale code."""
        self._do(lambda thread: thread.write_memory(address, contents))

    def decode_at(self, pc: int) -> Instruction | None:
        """Return the instruction at an address, or None where there is none."""
        return self._first.decode_at(pc)

    def last_records(self, count: int) -> list[Record]:
        """Return the records of the last `count` instructions, if as many are kept."""
        return self._first.last_records(count)

    def _do(self, do: Callable[[Thread], None]) -> None:
        self._deeds.append(_Deed(self._first.retired, do))
        do(self._first)
        do(self._second)

    # ---- running

    def run(
        self,
        limit: int,
        printed_max: int | None = None,
        seconds: float | None = None,
        cycles_max: int | None = None,
    ) -> Stop:
        """Execute until the thread stops or has retired `limit` more instructions.

        The run also ends, as at the limit, once it has printed `printed_max` characters, or soon
        after it has taken `seconds` of the host's time. With `cycles_max` no instruction issues in
        that cycle or later. Raises `EnginesDiffer` at the first difference.
        """
        if limit <= 0:
            return Stop(StopReason.LIMIT)
        end, room = self.retired + limit, printed_max
        started = time.perf_counter()
        while True:
            self._agreed = self.retired
            piece = min(PIECES[0], end - self.retired)
            one, two = (
                thread.run(piece, room, cycles_max=cycles_max)
                for thread in (self._first, self._second)
            )
            if _found(one, two, self._first, self._second):
                raise EnginesDiffer(self._divergence(self._agreed + piece, cycles_max))
            new = self._take_printed()
            if room is not None:
                room -= sum(len(printed.text) for printed in new)
            is_late = seconds is not None and time.perf_counter() - started >= seconds
            is_full = room is not None and room <= 0
            is_at_end = self.retired in (end, self._agreed) or is_full or is_late
            if one.reason is not StopReason.LIMIT or is_at_end:
                return one

    def _take_printed(self) -> list[Printed]:
        new = list(self._first.printed)
        self.printed += new
        self._first.printed.clear()
        self._second.printed.clear()
        return new

    # ---- finding the difference

    def _divergence(self, end: int, cycles_max: int | None) -> Divergence:
        """Return the first difference before `end` instructions have retired."""
        found, agreed, step = self._replay(self._agreed, end, PIECES[0], cycles_max)
        for smaller in PIECES[1:]:
            nearer, at, _ = self._replay(agreed, min(end, agreed + step), smaller, cycles_max)
            if nearer is None:
                break
            found, agreed, step = nearer, at, smaller
        if found is None:
            found = self._described(self._first, differences(self._first, self._second), step)
        return found

    def _replay(
        self, agreed: int, end: int, step: int, cycles_max: int | None
    ) -> tuple[Divergence | None, int, int]:
        """Run new threads to where they agree, then in small steps until they differ.

        Returns what differs, if anything, how many instructions had retired before, and the step.
        """
        first, second = self._make_threads()
        for thread in (first, second):
            self._bring(thread, agreed)
        while first.retired < end:
            before = self._described(first, [], step)
            agreed = first.retired
            count = min(step, end - agreed)
            one, two = (thread.run(count, cycles_max=cycles_max) for thread in (first, second))
            found = _found(one, two, first, second)
            if found:
                return replace(before, differences=tuple(found)), agreed, step
            if first.retired == agreed:
                break
        return None, agreed, step

    def _bring(self, thread: Thread, retired: int) -> None:
        """Do to a new thread what was done to the others until so many instructions retired."""
        for deed in self._deeds:
            _run_to(thread, min(deed.retired, retired))
            if deed.retired <= retired:
                deed.do(thread)
        _run_to(thread, retired)

    def _described(self, thread: Thread, found: list[Difference], count: int) -> Divergence:
        instruction = thread.decode_at(thread.pc)
        operands = () if instruction is None else _operands(instruction, thread)
        return Divergence(thread.pc, instruction, operands, tuple(found), thread.retired, count)


def _found(one: Stop, two: Stop, first: Thread, second: Thread) -> list[Difference]:
    """Return how two threads differ that have run the same piece."""
    found = differences(first, second)
    if one != two:
        found.insert(0, Difference("stop", _stop_text(one), _stop_text(two)))
    return found


def _stop_text(stop: Stop) -> str:
    if stop.fault is not None:
        return f"{stop.fault.message} (pc 0x{stop.fault.pc:x})"
    return f"halt {stop.code}" if stop.reason is StopReason.HALT else stop.reason.value


def _run_to(thread: Thread, retired: int) -> None:
    while thread.retired < retired:
        before = thread.retired
        thread.run(retired - before)
        if thread.retired == before:
            return


def _operands(instruction: Instruction, thread: Thread) -> tuple[tuple[str, str], ...]:
    """Return the registers that an instruction names, with their contents."""
    pairs = zip(instruction.definition.operands, instruction.values, strict=True)
    names = (
        f"{kind.file}{code}" for kind, code in pairs if kind.operand_class is OperandClass.REGISTER
    )
    return tuple((name, value_text(thread.read_register(name))) for name in dict.fromkeys(names))
