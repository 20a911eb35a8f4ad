"""The native engine: one thread of one node, executed as translated code.

Registers and memory lie in two blocks that only translated code and this module touch. A run
enters the dispatcher in slices; whatever translated code can't do itself, a fault's wording, an
action of the host, a translation, is done here between them.
"""

import ctypes
import mmap
import time
from collections.abc import Callable
from dataclasses import dataclass

from dojo_tools.bits import is_aligned, mask, to_signed
from dojo_tools.description import Description, Instruction, encode
from dojo_tools.description.semantics import ARGUMENTS_MAX
from dojo_tools.engines.faults import (
    fetch_fault,
    illegal_fault,
    jump_fault,
    memory_fault,
    share_fault,
    stale_fault,
    trap_fault,
)
from dojo_tools.engines.mesh import NEVER_CYCLE
from dojo_tools.engines.native.code_memory import CodeMemory, size_with_marks
from dojo_tools.engines.native.instruction import HOST_ACTIONS
from dojo_tools.engines.native.layout import Exit
from dojo_tools.engines.native.machine_code import ComputedJump, Target, Variant
from dojo_tools.engines.native.memory import VERBS, FaultCode
from dojo_tools.engines.native.slow_clock import SlowClock
from dojo_tools.engines.native.timeline import Point, Timeline
from dojo_tools.engines.native.trace import RECORD_BITS, Ring
from dojo_tools.engines.native.translations import (
    CodeSpace,
    Counters,
    Translations,
    Translator,
)
from dojo_tools.engines.printing import Printed, text_of_bytes, text_of_character
from dojo_tools.engines.records import Record, kept_registers, ring_size
from dojo_tools.engines.request import Request
from dojo_tools.engines.stop import Fault, Stop, StopReason
from dojo_tools.engines.thread import RegisterValue
from dojo_tools.engines.timing import ONE_CYCLE, Cause, cycles_by_cause
from dojo_tools.float_codes import f32_text
from dojo_tools.formats.table import Denormals

SPACE_FIELDS = {"space": False, "stepping_space": True}
"""Where a state says which translations a thread uses: whether they are those for stepping."""

SLACK = Variant().size_max
"""Instructions that may retire after the limit, between two looks at it."""

SLICE_SECONDS = 0.02
SHAPES_MAX = 8
"""Shapes for which the code at an address is translated; in others its timing is slow."""

TRANSLATION_SECONDS = 1.0
"""Time for quick translations before further shapes of code that has been translated are timed
slowly, and for good ones before hot code stays as it is; beside half the time that code has run."""

_SLICE_MIN, _SLICE_MAX = 1 << 16, 1 << 30
_STATE_SIZE_UNIT = 4096


@dataclass(frozen=True, slots=True)
class Home:
    """Where a thread lives: its state, the memory of its node, its counters, as bytes in blocks.

    Threads of a node share `memory` and `code`. `changed` is called when code has changed that may
    have been translated; it returns the translations to go on with. `ring` has room for the records
    of traced code.
    """

    state: memoryview
    memory: memoryview
    code: CodeMemory
    counters: Counters
    changed: Callable[[], CodeSpace]
    ring: memoryview | None = None


class NativeThread:
    """A thread's registers and its node's memory, run at the host's speed.

    What the host sees is that of `ReferenceThread`. Without a `timeline` timing is off. A
    `translator` that other threads use comes with its own target and timeline. `optimised` spends
    on all code what otherwise only hot code is worth. As many `records` of the last instructions
    are kept; a `space` says itself how many.
    """

    def __init__(
        self,
        description: Description,
        memory_size: int,
        memory_low: int,
        denormals: Denormals = "printed",
        timeline: Timeline | None = None,
        *,
        translator: Translator | None = None,
        optimised: bool = False,
        records: int = 0,
        space: CodeSpace | None = None,
        home: Home | None = None,
    ) -> None:
        self.description = description
        if space is None:
            if translator is None:
                target = Target(description, memory_size, memory_low, denormals)
                translator = Translator(target, timeline)
            space = CodeSpace(translator, optimised, ring_size(records))
        self.space = space
        self.target = space.translator.target
        self._translator = space.translator
        self._timeline = self._translator.timeline
        home = home or self._new_home(memory_size)
        self._home = home
        self._state = home.state
        self._memory = home.memory
        self._addresses = tuple(
            ctypes.addressof(ctypes.c_char.from_buffer(block))
            for block in (self._state, self._memory)
        )
        self._words = self._state.cast("Q")
        self._code = home.code
        self._counters = home.counters
        self._slow_clock: SlowClock | None = None
        self._single: Translations | None = None
        self._ring = None if home.ring is None else Ring(home.ring, space.kept)
        if self._ring is not None:
            self._set_field("trace_ring", self._ring.address)
        self._end = 0
        self._end_cycle = NEVER_CYCLE
        self._running_seconds = self._translation_seconds = self._improvement_seconds = 0.0
        self._slice = _SLICE_MIN
        self.printed: list[Printed] = []
        self._printed_room: int | None = None
        self.stop_at_breakpoints = False

    def _new_home(self, memory_size: int) -> Home:
        """Return a home for a thread alone on its node."""
        size = -(-self.target.layout.traced_size // _STATE_SIZE_UNIT) * _STATE_SIZE_UNIT
        memory = memoryview(mmap.mmap(-1, size_with_marks(memory_size)))
        state = memoryview(mmap.mmap(-1, size))
        code = CodeMemory(memory, memory_size)
        counters, records = Counters(self.space.paths), self.space.traced
        ring = memoryview(mmap.mmap(-1, records << RECORD_BITS)) if records else None
        return Home(state, memory, code, counters, self._drop_own, ring)

    def move_to(self, space: CodeSpace) -> None:
        """Go on with other translations; what the paths of the old ones count is kept."""
        if space is not self.space:
            self._counters.move_to(space.paths)
        self.space = space
        self._single = None
        for name, stepping in SPACE_FIELDS.items():
            self._set_field(name, space.by_stepping[stepping].table.place)
        self._set_field("counters", self._counters.address)

    def reset(self) -> None:
        """Set all registers to zero, those of control included; counts and the clock stay."""
        layout = self.target.layout
        for file in self.description.registers:
            start, size = layout.files[file.name], file.width // 8 * file.count
            self._state[start : start + size] = bytes(size)
        self._state[layout.controls : layout.actions] = bytes(layout.actions - layout.controls)

    def serve(self, code: Exit, end: int, end_cycle: int) -> Stop | None:
        """Do what translated code came back for; return why the thread can't go on, or None.

        `end` is how many instructions may retire in all; none may issue in `end_cycle` or later.
        """
        self._end, self._end_cycle = end, end_cycle
        self._printed_room = None
        stepping = self._field("table") == self.space.by_stepping[True].table.address
        return self._handle(code, stepping)

    @property
    def clock_cycle(self) -> int:
        """The cycle that the clock stands at."""
        return self._field("cycles") + (self.retired if self._timeline is None else 0)

    def go_on_at(self, cycle: int) -> None:
        """Go on at a cycle; one later than the clock's comes after everything is done."""
        self._set_field("cycles", cycle - (self.retired if self._timeline is None else 0))

    def _drop_own(self) -> CodeSpace:
        for translations in self.space.all():
            translations.drop_changed(self._code)
        return self.space

    # ---- what the host sees

    def _field(self, name: str) -> int:
        return self._words[self.target.layout.fields[name] >> 3]

    def _set_field(self, name: str, value: int) -> None:
        self._words[self.target.layout.fields[name] >> 3] = value

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return self._field("pc")

    @pc.setter
    def pc(self, address: int) -> None:
        self._set_field("pc", address)

    @property
    def retired(self) -> int:
        """Instructions executed so far."""
        return self._field("last") - to_signed(self._field("left"), 64)

    @property
    def shape(self) -> int:
        """The number of the scoreboard's shape, 0 if everything is ready."""
        return self._field("shape")

    def _set_limit(self, limit: int) -> None:
        """Let translated code run until so many instructions have retired since the beginning."""
        left = limit - 1 - self.retired
        self._set_field("last", (limit - 1) & mask(64))
        self._set_field("left", left & mask(64))

    @property
    def request(self) -> Request:
        """What the last interaction asked for."""
        first = self.target.layout.fields["request"] >> 3
        number, *arguments, result = self._words[first : first + ARGUMENTS_MAX + 2]
        return Request(number, tuple(arguments), result)

    @property
    def cycles(self) -> int:
        """Cycles so far, the one being filled included if something has issued in it."""
        if self._timeline is None:
            return self.clock_cycle
        return self._field("cycles") + self._timeline.is_filling(self._field("shape"))

    @property
    def causes(self) -> dict[Cause, int]:
        """What each of `cycles` went to."""
        if self._timeline is None:
            return cycles_by_cause([(ONE_CYCLE, self.retired)])
        totals = self._counters.cycles()
        if self._slow_clock is not None:
            slow = cycles_by_cause(self._slow_clock.counts.items())
            totals = {cause: totals[cause] + slow[cause] for cause in totals}
        totals[Cause.ISSUED] += self._timeline.is_filling(self._field("shape"))
        return totals

    def next_issue_cycle(self) -> int:
        """Return the cycle in which the next instruction issues, the present one if it can't."""
        if self._timeline is None:
            return self.clock_cycle
        instruction = self._decode_fresh(self.pc)
        if instruction is None:
            return self._field("cycles")
        point = Point.entry(self._field("shape"))
        return self._field("cycles") + self._timeline.wait(point, instruction)

    @property
    def controls(self) -> dict[int, int]:
        """The control registers by number."""
        base = self.target.layout.controls >> 3
        return {number: self._words[base + number] for number in self.target.controls.values()}

    def read_register(self, name: str) -> RegisterValue:
        """Return a register: an integer if it has 64 bits, else its bytes; else `LookupError`."""
        offset, size = self._register(name)
        contents = bytes(self._state[offset : offset + size])
        return int.from_bytes(contents, "little") if size == 8 else contents

    def write_register(self, name: str, value: RegisterValue) -> None:
        """Set a register: an integer taken modulo 2^64, or all the bytes of a wider one."""
        file, index = self.description.register_names[name]
        offset, size = self._register(name)
        if isinstance(value, int):
            if index == file.zero:
                return
            value = (value & mask(64)).to_bytes(8, "little")
        assert len(value) == size
        self._state[offset : offset + size] = value

    def _register(self, name: str) -> tuple[int, int]:
        file, index = self.description.register_names[name]
        size = file.width // 8
        return self.target.layout.files[file.name] + index * size, size

    def set_control(self, number: int, value: int) -> None:
        """Set a control register, also one that programs can only read."""
        base = self.target.layout.controls >> 3
        self._words[base + number] = value & self.target.layout.control_masks[number]

    @property
    def memory_size(self) -> int:
        """Bytes of SRAM."""
        return self.target.memory_size

    def read_memory(self, address: int, size: int) -> bytes:
        """Return bytes of SRAM."""
        assert 0 <= address <= self.target.memory_size - size
        return bytes(self._memory[address : address + size])

    def write_memory(self, address: int, contents: bytes) -> None:
        """Set bytes of SRAM from outside: they are never stale code."""
        assert 0 <= address <= self.target.memory_size - len(contents)
        self._memory[address : address + len(contents)] = contents
        self._code.place(address, contents)
        self._drop_changed()

    def decode_at(self, pc: int) -> Instruction | None:
        """Return the instruction at an address, or None where there is none."""
        if not self._is_fetchable(pc):
            return None
        return self.description.decode(self._code.word(pc))

    def _is_fetchable(self, pc: int) -> bool:
        low, size = self.target.memory_low, self.target.memory_size
        return low <= pc <= size - 4 and is_aligned(pc, 4)

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
        self._end_cycle = NEVER_CYCLE if cycles_max is None else cycles_max
        started = time.perf_counter()
        end = self._end = self.retired + limit
        while True:
            left, room = self._left(end)
            if left <= 0 or self._is_at_end_cycle:
                return Stop(StopReason.LIMIT)
            if not self._is_fetchable(self.pc):
                # A pc that only the host can set: the dispatcher's keys have no room for it.
                return Stop(StopReason.FAULT, fault=self._fetch_fault(self.pc))
            stepping = room <= 0
            self._set_limit(self.retired + (left if stepping else min(room, self._slice)))
            stop = self._handle(self._enter(self.space.by_stepping[stepping]), stepping)
            if stop is not None:
                return stop
            if seconds is not None and time.perf_counter() - started >= seconds:
                return Stop(StopReason.LIMIT)

    def _left(self, end: int) -> tuple[int, int]:
        """Return how many instructions may retire at most, and how many while nobody counts.

        Code that looks at the limit before each instruction looks at the last cycle as well, if
        there is timing.
        """
        left, to_end = end - self.retired, self._end_cycle - self.clock_cycle
        if self._timeline is None:
            left = min(left, to_end)
        before_end = (to_end - 1) // self.space.paths.step_cycles_max
        return left, min(left, before_end) - SLACK

    @property
    def _is_at_end_cycle(self) -> bool:
        return self._end_cycle < NEVER_CYCLE and self.next_issue_cycle() >= self._end_cycle

    def _enter(self, translations: Translations) -> Exit:
        """Run translated code until it comes back; learn how long a slice should be."""
        self._set_field("table", translations.table.address)
        self._set_field("table_mask", translations.table.mask)
        self._set_field("counters", self._counters.address)
        self._set_field("end", self._end_cycle)
        started, before = time.perf_counter(), self.retired
        code = Exit(self._translator.run(*self._addresses))
        elapsed = time.perf_counter() - started
        if translations is not self._single:
            self._running_seconds += elapsed
        if code is Exit.LIMIT and self.retired - before >= self._slice:
            factor = min(4.0, SLICE_SECONDS / max(elapsed, 1e-6))
            self._slice = min(_SLICE_MAX, max(_SLICE_MIN, int(self._slice * factor)))
        return code

    def _handle(self, code: Exit, stepping: bool) -> Stop | None:
        """Do what translated code came back for; return why the run ends, or None."""
        match code:
            case Exit.FAULT:
                return Stop(StopReason.FAULT, fault=self._fault())
            case Exit.ACTIONS:
                return self._act()
            case Exit.REQUEST:
                return Stop(StopReason.REQUEST)
            case Exit.MISSING:
                return self._translate(stepping)
            case Exit.HOT:
                self._improve(self.space.by_stepping[stepping])
            case Exit.WRITTEN:
                self._drop_changed()
            case _:
                pass
        return None

    def _translate(self, stepping: bool) -> Stop | None:
        if self.next_issue_cycle() >= self._end_cycle:
            return Stop(StopReason.LIMIT)
        fault = self._fetch_fault(self.pc)
        if fault is not None:
            return Stop(StopReason.FAULT, fault=fault)
        translations = self.space.by_stepping[stepping]
        site, target = divmod(self._field("jumped"), 1 << 32)
        if target == self.pc:
            translations.note_jump(ComputedJump(site, target))
        if self._timeline is not None and self._has_many_shapes(translations):
            return self._run_slowly(self._timeline, translations)
        self._add(translations, self._field("shape"))
        return None

    def _add(self, translations: Translations, shape: int) -> None:
        """Translate the code at the pc, and let stores know where code is."""
        started = time.perf_counter()
        translations.add(self.pc, shape, self._decode_fresh, self._code)
        elapsed = time.perf_counter() - started
        if translations.is_hot(self.pc, shape):
            self._improvement_seconds += elapsed
        else:
            self._translation_seconds += elapsed

    def _improve(self, translations: Translations) -> None:
        """Have hot code translated well, unless that has taken long for what has been run."""
        if self._improvement_seconds <= self._budget:
            translations.promote(self._field("hot"), self.pc, self._field("shape"))

    @property
    def _budget(self) -> float:
        """How long translations may have taken by now, the quick ones and the good ones each."""
        return TRANSLATION_SECONDS + self._running_seconds / 2

    def _has_many_shapes(self, translations: Translations) -> bool:
        """Return whether one more shape of the code at the pc is not worth a translation.

        Hot code is worth it.
        """
        shapes = translations.shapes_at(self.pc)
        if self.shape == 0 or shapes == 0 or translations.is_hot(self.pc, self.shape):
            return False
        return self._translation_seconds > self._budget or shapes >= SHAPES_MAX

    def _run_slowly(self, timeline: Timeline, translations: Translations) -> Stop | None:
        """Run code that has too many shapes step by step for a while; return a fault."""
        if self._slow_clock is None:
            self._slow_clock = SlowClock(timeline)
        started = time.perf_counter()
        passed, state, stop = self._slow_clock.run(
            self,
            timeline.state(self._field("shape")),
            self._decode_fresh,
            translations.has,
            self._end,
            self._end_cycle - self._field("cycles"),
            started + SLICE_SECONDS,
        )
        self._running_seconds += time.perf_counter() - started
        self._set_field("cycles", self._field("cycles") + passed)
        self._set_field("shape", timeline.number(state))
        if stop is not None or self.retired >= self._end:
            return stop
        instruction = self._decode_fresh(self.pc)
        if instruction is None or not timeline.drains(instruction):
            return None
        if self.next_issue_cycle() >= self._end_cycle:
            return Stop(StopReason.LIMIT)
        return self._run_draining(timeline, self._slow_clock, instruction)

    def _run_draining(
        self, timeline: Timeline, clock: SlowClock, instruction: Instruction
    ) -> Stop | None:
        """Run an instruction that waits until all before it are done; return why the run ends.

        It is translated for the empty shape only. If it faults, it has not waited.
        """
        cycles, shape, retired = self._field("cycles"), self._field("shape"), self.retired
        waited, causes, state = timeline.drain(timeline.state(shape), instruction)
        self._set_field("cycles", cycles + waited)
        self._set_field("shape", timeline.number(state))
        stop = None
        while stop is None and self.retired == retired:
            self._set_limit(retired + 1)
            stop = self._handle(self._enter(self.space.by_stepping[True]), stepping=True)
        if stop is not None and stop.reason is StopReason.FAULT:
            self._set_field("cycles", cycles)
            self._set_field("shape", shape)
        else:
            clock.counts[causes] += 1
        return stop

    def step(self) -> Stop | None:
        """Execute an instruction that does not need the host, without timing; return a fault."""
        self._set_field("shape", 0)
        self._set_limit(self.retired + 1)
        while True:
            self._single = self.space.plain
            match self._enter(self._single):
                case Exit.MISSING:
                    self._add(self._single, 0)
                case Exit.FAULT:
                    return Stop(StopReason.FAULT, fault=self._fault())
                case Exit.WRITTEN:
                    self._drop_changed()
                    return None
                case _:
                    return None

    # ---- the last instructions

    def last_records(self, count: int) -> list[Record]:
        """Return the records of the last `count` instructions, if as many are kept."""
        assert self._ring is not None, "no records are kept"
        return self._ring.last(count, self._field("trace_count"))

    def leave_record(self, pc: int, instruction: Instruction, wait: int) -> None:
        """Keep a record of an instruction that has retired, so many cycles after the clock's."""
        if self._ring is None:
            return
        files = self.target.layout.files
        registers = kept_registers(instruction, self.description)
        values = tuple(self._words[(files[file] >> 3) + index] for file, index in registers)
        record = Record(pc, encode(instruction), self._field("cycles") + wait, values)
        done = self._field("trace_count")
        self._ring.add(done, record)
        self._set_field("trace_count", done + 1)

    # ---- what is decoded

    def _decode_fresh(self, pc: int) -> Instruction | None:
        """Return the instruction that may be fetched at an address, or None."""
        if not self._is_fetchable(pc) or self._code.is_stale(pc):
            return None
        instruction = self.description.decode(self._code.word(pc))
        return None if self._is_barred(instruction) else instruction

    def _is_barred(self, instruction: Instruction | None) -> bool:
        return instruction is not None and instruction.definition.match in self.target.barred

    def _drop_changed(self) -> None:
        self.move_to(self._home.changed())

    # ---- faults

    def _fetch_fault(self, pc: int) -> Fault | None:
        if not self._is_fetchable(pc):
            return fetch_fault(pc, self.target.memory_low, self.target.memory_size)
        if self._code.is_stale(pc):
            return stale_fault(pc)
        word = self._code.word(pc)
        instruction = self.description.decode(word)
        if instruction is None:
            return illegal_fault(pc, word)
        if self._is_barred(instruction):
            return share_fault(pc, instruction.definition.mnemonic)
        return None

    def _fault(self) -> Fault:
        kind, address = FaultCode(self._field("fault_kind")), self._field("fault_address")
        low, size = self.target.memory_low, self.target.memory_size
        match kind:
            case FaultCode.JUMP:
                return jump_fault(self.pc, address, low, size)
            case FaultCode.TRAP:
                return trap_fault(self.pc, address)
            case FaultCode.MEMORY | FaultCode.TEXT:
                access = self._field("fault_size"), self._field("fault_alignment")
                verb = VERBS[self._field("fault_verb")]
                return memory_fault(self.pc, address, *access, verb, low, size)

    # ---- actions

    def _act(self) -> Stop | None:
        """Perform the actions that the last instruction queued; return why the run ends."""
        base = self.target.layout.actions >> 3
        count = self._field("action_count")
        self._set_field("action_count", 0)
        if self._field("written"):
            self._set_field("written", 0)
            self._drop_changed()
        stop = None
        for index in range(count):
            action, first, second = self._words[base + 3 * index : base + 3 * index + 3]
            name = HOST_ACTIONS[action]
            match name:
                case "halt":
                    stop = stop or Stop(StopReason.HALT, first)
                case "breakpoint":
                    if self.stop_at_breakpoints:
                        stop = stop or Stop(StopReason.BREAKPOINT)
                case "flush_instructions":
                    self._code.flush()
                case "print_text":
                    self._print(text_of_bytes(bytes(self._memory[first : first + second])))
                case _:
                    self._print(_PRINTERS[name](first))
        if stop is None and self._printed_room is not None and self._printed_room <= 0:
            return Stop(StopReason.LIMIT)
        return stop

    def _print(self, text: str) -> None:
        self.printed.append(Printed(self.clock_cycle - 1, text))
        if self._printed_room is not None:
            self._printed_room -= len(text)


_PRINTERS: dict[str, Callable[[int], str]] = {
    "print_character": text_of_character,
    "print_signed": lambda value: str(to_signed(value, 64)),
    "print_unsigned": str,
    "print_hexadecimal": hex,
    "print_float": f32_text,
}
