"""The reference engine: one thread of one node, executed by functions generated from `isa/`.

Slow, readable and obviously right. A fault leaves the state, and the clock, as it was before the
instruction.
"""

import time
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools import float_codes, floats
from dojo_tools.bits import is_aligned, mask
from dojo_tools.description import Description, Instruction, InstructionDef
from dojo_tools.description.semantics import (
    Act,
    WriteControl,
    expressions_of,
    walk_expression,
    walk_statements,
)
from dojo_tools.engines.faults import (
    fetch_fault,
    illegal_fault,
    jump_fault,
    share_fault,
    stale_fault,
    trap_fault,
)
from dojo_tools.engines.mesh import NEVER_CYCLE
from dojo_tools.engines.printing import Printed, text_of_bytes, text_of_character
from dojo_tools.engines.records import KeptRegisters, Record, ring_size
from dojo_tools.engines.reference.clock import Clock, PlainClock
from dojo_tools.engines.reference.conversions import Conversions
from dojo_tools.engines.reference.generate import Execute, compile_instruction
from dojo_tools.engines.reference.memory import Memory
from dojo_tools.engines.request import NO_REQUEST, request_of
from dojo_tools.engines.stop import FaultSignal, Stop, StopReason
from dojo_tools.engines.thread import RegisterValue
from dojo_tools.engines.timing import Cause, IssueRule, TimedInstruction
from dojo_tools.formats import Denormals, random_lanes

PIECE = 50_000
"""Instructions between two looks at the host's time."""

Entry = tuple[Execute, tuple[int, ...], bool, TimedInstruction | None]


class _Stopped(Exception):
    """An instruction that completed and ends the run; `target` is the next pc, None behind it."""

    def __init__(self, stop: Stop, target: int | None = None) -> None:
        super().__init__()
        self.stop = stop
        self.target = target


class ReferenceThread:
    """A thread's registers and its node's memory; without a `rule` timing is off.

    Threads of one node are given the same `memory`. `barred` is as in `Terms`. As many `records` of
    its last instructions are kept.

    A register file of 64-bit registers is a list of integers; a wider one is a dictionary from
    lane width to a view, an array of shape (registers, lanes) of unsigned elements.
    """

    def __init__(
        self,
        description: Description,
        memory_size: int,
        memory_low: int,
        denormals: Denormals = "printed",
        rule: IssueRule | None = None,
        *,
        memory: Memory | None = None,
        barred: frozenset[int] = frozenset(),
        records: int = 0,
    ) -> None:
        self._records = deque[Record](maxlen=ring_size(records))
        self._kept = KeptRegisters(description) if records else None
        self._clock = PlainClock() if rule is None else Clock(rule)
        self._issue_cycle = 0
        self.description = description
        self._barred = barred
        self.memory = memory or Memory(memory_size, memory_low)
        self._fetched: dict[int, Entry] = {}
        self.memory.fetched_by.append(self._fetched)
        self.pc = 0
        self.retired = 0
        self.request = NO_REQUEST
        self.printed: list[Printed] = []
        self._printed_room: int | None = None
        self.stop_at_breakpoints = False
        self.controls = {control.number: 0 for control in description.controls}
        self._widths = {c.number: mask(c.width) for c in description.controls}
        self._numbers = {control.name: control.number for control in description.controls}
        self._cycle_number = self._numbers.get("cycle")
        self._retired_number = self._numbers.get("retired")
        self._bytes: dict[str, NDArray[np.uint8]] = {}
        self.registers: dict[str, Any] = {
            file.name: self._new_file(file.name, file.count, file.width)
            for file in description.registers
        }
        self._functions: dict[int, tuple[Execute, bool]] = {}
        self._state: dict[str, Any] = {
            "thread": self,
            "memory": self.memory,
            "conversions": Conversions(denormals),
            **{f"{name}_file": registers for name, registers in self.registers.items()},
        }

    def _new_file(self, name: str, count: int, width: int) -> Any:
        if width == 64:
            return [0] * count
        octets = np.zeros((count, width // 8), np.uint8)
        self._bytes[name] = octets
        views = ((8, np.uint8), (16, np.uint16), (32, np.uint32), (64, np.uint64))
        return {lane_width: octets.view(dtype) for lane_width, dtype in views}

    def reset(self) -> None:
        """Set all registers to zero, those of control included; counts and the clock stay."""
        for file in self.description.registers:
            if file.width == 64:
                self.registers[file.name][:] = [0] * file.count
            else:
                self._bytes[file.name][:] = 0
        for number in self.controls:
            self.controls[number] = 0

    # ---- what the host sees

    @property
    def clock_cycle(self) -> int:
        """The cycle that the clock stands at."""
        return self._clock.cycle

    def go_on_at(self, cycle: int) -> None:
        """Go on at a cycle; one later than the clock's comes after everything is done."""
        self._clock.go_on_at(cycle)

    def read_register(self, name: str) -> RegisterValue:
        """Return a register: an integer if it has 64 bits, else its bytes; else `LookupError`."""
        file, index = self.description.register_names[name]
        if file.width == 64:
            return self.registers[file.name][index]
        return self._bytes[file.name][index].tobytes()

    def write_register(self, name: str, value: RegisterValue) -> None:
        """Set a register: an integer taken modulo 2^64, or all the bytes of a wider one."""
        file, index = self.description.register_names[name]
        if file.width == 64:
            assert isinstance(value, int)
            if index != file.zero:
                self.registers[file.name][index] = value & mask(64)
        else:
            assert isinstance(value, bytes)
            self._bytes[file.name][index] = np.frombuffer(value, np.uint8)

    @property
    def memory_size(self) -> int:
        """Bytes of SRAM."""
        return self.memory.size

    def read_memory(self, address: int, size: int) -> bytes:
        """Return bytes of SRAM."""
        assert 0 <= address <= self.memory.size - size
        return bytes(self.memory.contents[address : address + size])

    def write_memory(self, address: int, contents: bytes) -> None:
        """Set bytes of SRAM from outside: they are never stale code."""
        self.memory.place(address, contents)

    def decode_at(self, pc: int) -> Instruction | None:
        """Return the instruction at an address, or None where there is none."""
        if not self.memory.low <= pc <= self.memory.size - 4 or not is_aligned(pc, 4):
            return None
        return self.description.decode(self._word(pc))

    @property
    def cycles(self) -> int:
        """Cycles so far, the one being filled included if something has issued in it."""
        return self._clock.cycles

    @property
    def causes(self) -> dict[Cause, int]:
        """What each of `cycles` went to."""
        return self._clock.causes

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
        that cycle or later.
        """
        self._printed_room = printed_max
        end_cycle = NEVER_CYCLE if cycles_max is None else cycles_max
        if seconds is None:
            return self._run_quietly(limit, end_cycle)
        end, started = self.retired + limit, time.perf_counter()
        while True:
            piece = min(PIECE, end - self.retired)
            before = self.retired
            stop = self._run_quietly(piece, end_cycle)
            is_over = self.retired in (end, before) or time.perf_counter() - started >= seconds
            if stop.reason is not StopReason.LIMIT or is_over or self._has_printed_enough:
                return stop

    @property
    def _has_printed_enough(self) -> bool:
        return self._printed_room is not None and self._printed_room <= 0

    def _run_quietly(self, limit: int, end_cycle: int) -> Stop:
        with floats.quiet():
            if self._kept is None:
                return self._run(limit, end_cycle)
            return self._run_recorded(limit, end_cycle, self._kept)

    def _run_recorded(self, limit: int, end_cycle: int, kept: KeptRegisters) -> Stop:
        """Run one instruction after the other, and keep a record of each that retires."""
        end, before, stop = self.retired + limit, -1, Stop(StopReason.LIMIT)
        while stop.reason is StopReason.LIMIT and before < self.retired < end:
            before, pc, cycle = self.retired, self.pc, self.next_issue_cycle()
            word = self._word(pc)
            stop = self._run(1, end_cycle)
            if self.retired > before:
                values = tuple(self.registers[file][index] for file, index in kept.of(word))
                self._records.append(Record(pc, word, cycle, values))
            if self._has_printed_enough:
                break
        return stop

    def last_records(self, count: int) -> list[Record]:
        """Return the records of the last `count` instructions, if as many are kept."""
        assert count <= (self._records.maxlen or 0)
        return list(self._records)[-count:]

    def _run(self, limit: int, end_cycle: int) -> Stop:
        fetched = self._fetched
        may_end = end_cycle < NEVER_CYCLE
        clock, issue = self._clock, self._clock.issue
        timed: TimedInstruction | None = None
        pc, done = self.pc, 0
        start = self.retired
        try:
            while done < limit:
                entry = fetched.get(pc)
                if entry is None:
                    if clock.cycle >= end_cycle:
                        break  # also where nothing can be fetched
                    entry = self._fetch(pc)
                execute, values, looks_at_counters, timed = entry
                if may_end and clock.issue_cycle(timed) >= end_cycle:
                    break
                if looks_at_counters:
                    self.retired = start + done
                    self._issue_cycle = clock.issue_cycle(timed)
                target = execute(pc, *values)
                issue(timed, target != pc + 4)
                pc = target
                done += 1
        except FaultSignal as signal:
            return Stop(StopReason.FAULT, fault=signal.fault)
        except _Stopped as stopped:
            target = pc + 4 if stopped.target is None else stopped.target
            issue(timed, target != pc + 4)
            pc = target
            done += 1
            return stopped.stop
        finally:
            self.pc = pc
            self.retired = start + done
        return Stop(StopReason.LIMIT)

    def _word(self, pc: int) -> int:
        return int.from_bytes(self.memory.contents[pc : pc + 4], "little")

    def next_issue_cycle(self) -> int:
        """Return the cycle in which the next instruction issues, the present one if it can't."""
        try:
            entry = self._fetched.get(self.pc) or self._fetch(self.pc)
        except FaultSignal:
            return self._clock.cycle
        return self._clock.issue_cycle(entry[-1])

    def _fetch(self, pc: int) -> Entry:
        """Decode the instruction at `pc` for the first time since the code there was written."""
        memory = self.memory
        if not memory.low <= pc <= memory.size - 4 or not is_aligned(pc, 4):
            raise FaultSignal(fetch_fault(pc, memory.low, memory.size))
        if memory.is_stale(pc):
            raise FaultSignal(stale_fault(pc))
        word = self._word(pc)
        instruction = self.description.decode(word)
        if instruction is None:
            raise FaultSignal(illegal_fault(pc, word))
        if instruction.definition.match in self._barred:
            raise FaultSignal(share_fault(pc, instruction.definition.mnemonic))
        execute, looks_at_counters = self._function(instruction.definition)
        values = _absolute_values(instruction, pc)
        entry = (execute, values, looks_at_counters, self._clock.timed(instruction))
        self._fetched[pc] = entry
        return entry

    def _function(self, definition: InstructionDef) -> tuple[Execute, bool]:
        key = definition.match
        if key not in self._functions:
            function = compile_instruction(definition, self.description, self._state)
            self._functions[key] = (function, _looks_at_counters(definition))
        return self._functions[key]

    # ---- called by generated code

    def checked_target(self, pc: int, target: int) -> int:
        """Return a jump's target; fault at the jump if no instruction can stand there."""
        memory = self.memory
        if not memory.low <= target <= memory.size - 4 or not is_aligned(target, 4):
            raise FaultSignal(jump_fault(pc, target, memory.low, memory.size))
        return target

    def set_control(self, number: int, value: int) -> None:
        """Set a control register, also one that programs can only read."""
        self.controls[number] = value & self._widths[number]

    def read_control(self, number: int) -> int:
        """Return a control register; counters count what was before this instruction."""
        if number == self._cycle_number:
            return self._issue_cycle
        if number == self._retired_number:
            return self.retired
        return self.controls[number]

    def write_control(self, number: int, value: int) -> None:
        """Set the bits that a control register has."""
        self.set_control(number, value)
        if number == self._numbers.get("seed"):
            self.controls[self._numbers["draws"]] = 0

    def control_at(self, number: int) -> int:
        """Return the control register of a number, zero if there is none."""
        return self.read_control(number) if number in self.controls else 0

    def random_words(self, lanes: int) -> NDArray[np.uint32]:
        """Return the random words of the next drawing instruction: they stay until it is counted.

        They depend on the seed, the drawings since it was written, the node and the thread.
        """
        names = ("draws", "node_x", "node_y", "thread")
        draws, x, y, thread = (self.controls[self._numbers[name]] for name in names)
        seed = self.controls[self._numbers["seed"]]
        return random_lanes(seed, lanes, draws=draws, x=x, y=y, thread=thread)

    def act_count_draw(self, pc: int) -> None:
        """Count a drawing instruction."""
        self.controls[self._numbers["draws"]] += 1
        self.controls[self._numbers["draws"]] &= mask(64)

    def act_raise_flags(self, pc: int, flags: int) -> None:
        """Set sticky flags."""
        self.controls[self._numbers["flags"]] |= flags

    def act_set_control(self, pc: int, number: int, value: int) -> None:
        """Write the control register of a number, if there is one."""
        if number in self.controls:
            self.write_control(number, value)

    def ask(self, target: int, name: str, result: int, *arguments: int) -> None:
        """Leave a request and stop; `target` is the next pc."""
        self.request = request_of(name, result, *arguments)
        raise _Stopped(Stop(StopReason.REQUEST), target)

    def act_halt(self, pc: int, code: int) -> None:
        """End the thread."""
        raise _Stopped(Stop(StopReason.HALT, code))

    def act_trap(self, pc: int, code: int) -> None:
        """Fault with a code of the program's choice."""
        raise FaultSignal(trap_fault(pc, code))

    def act_breakpoint(self, pc: int) -> None:
        """Stop if a debugger asked for it."""
        if self.stop_at_breakpoints:
            raise _Stopped(Stop(StopReason.BREAKPOINT))

    def act_flush_instructions(self, pc: int) -> None:
        """Let instruction fetch see what was written."""
        self.memory.flush_instructions()

    def act_print_text(self, pc: int, address: int, size: int) -> None:
        """Print bytes of SRAM; bytes that are not UTF-8 print as replacement characters."""
        if size:
            self.memory.check(pc, address, size, 1, "print")
        self._print(text_of_bytes(bytes(self.memory.contents[address : address + size])))

    def act_print_character(self, pc: int, code: int) -> None:
        """Print a Unicode character; a number that is none prints as the replacement character."""
        self._print(text_of_character(code))

    def act_print_signed(self, pc: int, value: int) -> None:
        """Print a decimal number."""
        self._print(str(value))

    act_print_unsigned = act_print_signed

    def act_print_hexadecimal(self, pc: int, value: int) -> None:
        """Print a hexadecimal number."""
        self._print(hex(value))

    def act_print_float(self, pc: int, value: np.float32) -> None:
        """Print the shortest decimal that reads back as the same float32."""
        self._print(float_codes.f32_text(int(floats.bits_f32(np.asarray(value)))))

    def _print(self, text: str) -> None:
        self.printed.append(Printed(self._issue_cycle, text))
        if self._printed_room is not None:
            self._printed_room -= len(text)
            if self._has_printed_enough:
                raise _Stopped(Stop(StopReason.LIMIT))


def _absolute_values(instruction: Instruction, pc: int) -> tuple[int, ...]:
    """Return the operands' values; those relative to the pc become addresses."""
    pairs = zip(instruction.definition.operands, instruction.values, strict=True)
    return tuple((pc + value) & mask(64) if kind.pc_relative else value for kind, value in pairs)


def _looks_at_counters(definition: InstructionDef) -> bool:
    """Return whether an instruction can see or show how many instructions have retired."""
    for statement in walk_statements(definition.meaning.statements):
        if isinstance(statement, Act | WriteControl):
            return True
        for expression in expressions_of(statement):
            if any(
                inner.operator in ("control", "control_at") for inner in walk_expression(expression)
            ):
                return True
    return False
