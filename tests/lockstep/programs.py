"""A program to run on both engines, and how a thread is set up for it and run through it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dojo_tools.description import Instruction, encode
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.thread import RegisterValue, Thread

LOW, SIZE = 0x100, 0x1_0000
START, DATA = 0x1000, 0x8000
LIMIT = 2_000_000
"""Instructions after which a program is not run on: some never end."""


@dataclass(frozen=True)
class Program:
    """Code from `START` on, the state before it, and how it is run.

    `data` stands from `DATA` on; registers that are not named are zero. `pieces` are the limits of
    successive runs, of cycles in each third one; when they are used up, the last one is used
    again, up to `limit` in all. After a halt or a fault it goes on behind the instruction,
    `stops_max` times.
    """

    words: tuple[int, ...]
    registers: Mapping[str, RegisterValue]
    controls: Mapping[int, int] = field(default_factory=dict[int, int])
    data: bytes = b""
    pieces: tuple[int, ...] = (LIMIT,)
    limit: int = LIMIT
    entry: int = START
    stop_at_breakpoints: bool = False
    stops_max: int = 0


class ObservedThread(ReferenceThread):
    """The reference thread; `executed` has the addresses of all instructions it has run."""

    executed: set[int]

    def note(self) -> set[int]:
        """Add what has run since the code was last written or flushed; return everything."""
        self.executed |= self.memory.fetched_by[0].keys()
        return self.executed

    def write_memory(self, address: int, contents: bytes) -> None:
        """Set bytes of SRAM from outside."""
        if hasattr(self, "executed"):
            self.note()
        super().write_memory(address, contents)

    def act_flush_instructions(self, pc: int) -> None:
        """Let instruction fetch see what was written."""
        self.note()
        super().act_flush_instructions(pc)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop other than at a piece's limit, and what had retired by then."""

    stop: Stop
    pc: int
    retired: int


def words_of(instructions: list[Instruction]) -> tuple[int, ...]:
    """Return the words of instructions."""
    return tuple(encode(instruction) for instruction in instructions)


def image_of(program: Program) -> bytes:
    """Return the whole memory before a program runs."""
    image = bytearray(SIZE)
    code = b"".join(word.to_bytes(4, "little") for word in program.words)
    assert START + len(code) <= DATA
    image[START : START + len(code)] = code
    image[DATA : DATA + len(program.data)] = program.data
    return bytes(image)


def prepare(thread: Thread, program: Program) -> None:
    """Give a thread the state before a program, whatever it has run before."""
    description = thread.description
    thread.write_memory(0, image_of(program))
    for file in description.registers:
        zero: RegisterValue = 0 if file.width == 64 else bytes(file.width // 8)
        for index in range(file.count):
            name = f"{file.name}{index}"
            thread.write_register(name, program.registers.get(name, zero))
    for control in description.controls:
        thread.set_control(control.number, program.controls.get(control.number, 0))
    thread.printed.clear()
    thread.stop_at_breakpoints = program.stop_at_breakpoints
    thread.pc = program.entry


def next_stop(thread: Thread, program: Program, index: int, start: int) -> Stop | None:
    """Run the next piece; return how it stopped, or None if the program has been run enough."""
    left = start + program.limit - thread.retired
    if left <= 0:
        return None
    piece = program.pieces[min(index, len(program.pieces) - 1)]
    if index % 3 == 2:
        return thread.run(left, cycles_max=thread.next_issue_cycle() + piece)
    return thread.run(min(piece, left))


def go_on(thread: Thread, stop: Stop) -> bool:
    """Make a thread that has stopped go on; return whether the stop is one to be counted."""
    if stop.reason is StopReason.FAULT:
        thread.pc = (thread.pc + 4) % (1 << 64)
    if stop.reason is StopReason.REQUEST:
        thread.write_register(f"x{thread.request.result}", sum(thread.request.arguments))
    return stop.reason in (StopReason.FAULT, StopReason.HALT)


def run_through(thread: Thread, program: Program) -> list[Stopped]:
    """Run a program piece by piece to its end; return where it stopped."""
    start, index, stops, counted = thread.retired, 0, list[Stopped](), 0
    while counted <= program.stops_max:
        stop = next_stop(thread, program, index, start)
        if stop is None:
            break
        index += 1
        if stop.reason is not StopReason.LIMIT:
            stops.append(Stopped(stop, thread.pc, thread.retired))
        counted += go_on(thread, stop)
    return stops
