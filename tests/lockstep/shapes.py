"""Shapes of random programs: lines, loops with calls, written code, and no order at all."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from dojo_tools.bits import mask
from dojo_tools.description import Instruction, InstructionDef, OperandClass, encode
from dojo_tools.engines.stop import FaultKind, StopReason
from dojo_tools.engines.thread import RegisterValue
from generator import Cast, Generator
from programs import (
    DATA,
    SIZE,
    START,
    ObservedThread,
    Program,
    Stopped,
    go_on,
    prepare,
    words_of,
)
from traits import traits

TRIES = 25
TAIL = 6
WHOLE = 1 << 20
WILD_SIZE = 40
WRITTEN_CODE = (FaultKind.STALE, FaultKind.ILLEGAL, FaultKind.PC)
"""Faults of fetching, in a line that has written over itself, and of jumping."""


class Shapes:
    """Draws whole programs."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.rng = generator.rng

    # ---- straight lines, made on the reference thread that runs them

    def straight(
        self, thread: ObservedThread, definitions: Sequence[InstructionDef], pieces: tuple[int, ...]
    ) -> tuple[Program, list[Stopped]]:
        """Run a line of instructions on a thread; return the program and how it stopped.

        Where an instruction faults, others are tried in its place: a fault leaves no trace, so the
        thread ends as if it had run the program that is returned.
        """
        generator = self.generator
        cast = generator.cast()
        line = [
            generator.instruction(definition, cast, START + 4 * index)
            for index, definition in enumerate(definitions)
        ]
        program = self._program(cast, [*line, *self.tail()], pieces)
        words = list(program.words)
        prepare(thread, program)
        stops: list[Stopped] = []
        tries = 0
        while True:
            stop = thread.run(4 * len(words))
            if stop.fault is None or stop.fault.kind in WRITTEN_CODE:
                if stop.reason is not StopReason.LIMIT:
                    stops.append(Stopped(stop, thread.pc, thread.retired))
                if go_on(thread, stop) or stop.reason is StopReason.LIMIT:
                    break
                continue
            index, tries = (thread.pc - START) // 4, tries + 1
            assert 0 <= index < len(line), "the tail halts before a line ends"
            chosen = definitions[index] if tries % TRIES else self.rng.choice(generator.cheap)
            new = encode(generator.instruction(chosen, cast, thread.pc))
            words[index] = new
            thread.write_memory(thread.pc, new.to_bytes(4, "little"))
        return _replaced(program, words, 4 * len(words)), stops

    def tail(self) -> list[Instruction]:
        """Return instructions that end the thread."""
        chosen = self.rng.choices(self.generator.stopping, k=TAIL)
        return [self.generator.wild(definition) for definition in chosen]

    def stops(self, definitions: Sequence[InstructionDef]) -> Program:
        """Return a line of instructions that end the thread, which is run on behind each."""
        cast = self.generator.cast()
        program = self._program(cast, [self.generator.wild(d) for d in definitions], (WHOLE,))
        return replace(program, limit=len(definitions) + 1, stops_max=len(definitions) - 1)

    def _program(
        self, cast: Cast, line: list[Instruction], pieces: tuple[int, ...], limit: int = WHOLE
    ) -> Program:
        generator = self.generator
        return Program(
            words_of(line),
            generator.registers(cast),
            generator.controls(),
            generator.data(),
            pieces,
            limit,
            stop_at_breakpoints=self.rng.randrange(2) == 0,
        )

    # ---- loops

    def loops(self, count: int, body_size: int, pieces: tuple[int, ...]) -> Program:
        """Return two loops, one in the other, around scalar code with calls and branches.

        About `count` instructions are executed.
        """
        return self._loops(self.generator.cheap, count, body_size, pieces)

    def lane_loops(self, count: int, body_size: int, pieces: tuple[int, ...]) -> Program:
        """Return the same around any instructions that compute, load or store."""
        return self._loops(self.generator.quiet, count, body_size, pieces)

    def _loops(
        self, choice: list[InstructionDef], count: int, body_size: int, pieces: tuple[int, ...]
    ) -> Program:
        generator, cast = self.generator, self.generator.cast()
        inner_count = min(self.rng.randrange(2, 400), max(2, count // body_size))
        outer_count = max(1, count // (inner_count * body_size))
        outer, inner = cast.scalars["counter"]
        registers = generator.registers(cast)
        registers[f"x{outer}"] = outer_count
        line: list[Instruction] = [self._jump(4)]
        link = cast.scalars["link"][0]
        function = len(line)
        line += self._body(choice, cast, max(2, body_size // 5), function)
        line.append(self._return(link))
        line[0] = self._jump(4 * len(line))
        again = len(line)
        line.append(self._constant(inner, inner_count))
        top = len(line)
        line += self._body(choice, cast, body_size // 2, top)
        line.append(self._call(link, 4 * (function - len(line))))
        line += self._body(choice, cast, body_size // 3, len(line))
        line += self._back(inner, len(line), top)
        line += self._back(outer, len(line), again)
        program = self._program(cast, [*line, *self.tail()], pieces, 4 * count + 1000)
        return _with(program, registers)

    def _body(
        self, choice: list[InstructionDef], cast: Cast, size: int, index: int
    ) -> list[Instruction]:
        """Return instructions that never fault: those that touch memory keep their addresses."""
        found: list[Instruction] = []
        while len(found) < size:
            pc = START + 4 * (index + len(found))
            kind = self.rng.randrange(8)
            if kind == 0 and size - len(found) > 3:
                definition = self.rng.choice(self._branches)
                found.append(self.generator.instruction(definition, cast, pc, (4, 12)))
            elif kind == 1:
                found += self._access(choice, cast, pc)
            else:
                definition = self.rng.choice(choice)
                if not traits(definition).addresses:
                    found.append(self.generator.instruction(definition, cast, pc))
        return found[:size]

    def _access(self, choice: list[InstructionDef], cast: Cast, pc: int) -> list[Instruction]:
        files = {name for definition in choice for name in traits(definition).files}
        definition = self.rng.choice([d for d in self._steady if traits(d).files <= files])
        instruction = self.generator.instruction(definition, cast, pc)
        registers = self.generator.registers_of_roles(cast)
        pointers = [f"x{index}" for index in cast.scalars["pointer"]]
        kinds = dict(zip((k.name for k in definition.operands), instruction.values, strict=True))
        places = [kinds[name] for name in traits(definition).addresses]
        if any(f"x{place}" not in pointers for place in places):
            return []
        stop = self.generator.probe(instruction, registers)
        return [instruction] if stop.reason is StopReason.LIMIT else []

    @cached_property
    def _branches(self) -> list[InstructionDef]:
        """Conditional branches that write no register."""
        return self.generator.having(
            lambda t: t.jumps and not t.always_jumps and not t.written and not t.targets
        )

    @cached_property
    def _steady(self) -> list[InstructionDef]:
        """Loads and stores whose one address register is not written."""
        return self.generator.having(
            lambda t: len(t.addresses) == 1 and not t.acts and not t.addresses & t.written
        )

    # ---- instructions found by what they do

    def _use(self, definition: InstructionDef, **named: int) -> Instruction:
        """Return a use with values by role: `target`, `written`, `read`, `other`, `constant`."""
        known, found = traits(definition), list[int]()
        reads = 0
        for kind in definition.operands:
            if kind.operand_class is OperandClass.IMMEDIATE:
                found.append(named["target" if kind.pc_relative else "constant"])
            elif kind.name in known.written:
                found.append(named["written"])
            else:
                found.append(named[("read", "other")[min(reads, 1)]])
                reads += 1
        return Instruction(definition, tuple(found))

    @cached_property
    def _jump_definition(self) -> InstructionDef:
        return self.generator.having(lambda t: t.always_jumps and not t.targets)[0]

    @cached_property
    def _return_definition(self) -> InstructionDef:
        return self.generator.having(lambda t: t.always_jumps and bool(t.targets))[0]

    @cached_property
    def _counting(self) -> list[InstructionDef]:
        return self.generator.having(
            lambda t: t.jumps and not t.always_jumps and bool(t.written) and not t.targets
        )

    @cached_property
    def _constant_definition(self) -> InstructionDef:
        """The instruction that gives a register a constant."""
        return self._first_that(
            lambda d: (
                self._does(d, {"written": 5, "constant": 399}, {}, 399) and len(d.operands) == 2
            )
        )

    @cached_property
    def _adding(self) -> InstructionDef:
        """The instruction that adds a constant to a register."""
        return self._first_that(
            lambda d: (
                self._does(d, {"written": 5, "read": 6, "constant": -3}, {"x6": 10}, 7)
                and self._does(d, {"written": 5, "read": 6, "constant": 8}, {"x6": 16}, 24)
            )
        )

    @cached_property
    def _while_not_zero(self) -> list[InstructionDef]:
        """Branches that, with zero as the other operand, go while a register is not zero."""
        found: list[InstructionDef] = []
        for definition in self._branches:
            use = self._use(definition, target=16, read=6, other=0)
            if all(self._goes(use, value) == (value != 0) for value in (0, 1, 2, 1000)):
                found.append(definition)
        return found

    def _first_that(self, holds: Callable[[InstructionDef], bool]) -> InstructionDef:
        return next(d for d in self.generator.cheap if holds(d))

    def _does(
        self, definition: InstructionDef, use: dict[str, int], before: dict[str, int], result: int
    ) -> bool:
        try:
            instruction = self._use(definition, **use)
        except KeyError:
            return False
        pairs = zip(definition.operands, instruction.values, strict=True)
        if not all(k.low <= v <= k.high for k, v in pairs if k.field and not k.names):
            return False
        self.generator.probe(instruction, before)
        return self.generator.scratch.read_register("x5") == result & mask(64)

    def _goes(self, instruction: Instruction, value: int) -> bool:
        self.generator.probe(instruction, {"x6": value})
        return self.generator.scratch.pc == START + 16

    def _jump(self, distance: int) -> Instruction:
        return self._use(self._jump_definition, written=0, target=distance)

    def _call(self, link: int, distance: int) -> Instruction:
        return self._use(self._jump_definition, written=link, target=distance)

    def _return(self, link: int) -> Instruction:
        return self._use(self._return_definition, written=0, read=link, constant=0)

    def _constant(self, register: int, value: int) -> Instruction:
        return self._use(self._constant_definition, written=register, constant=value)

    def _back(self, counter: int, index: int, top: int) -> list[Instruction]:
        """Return the end of a loop: count down and go back to `top`."""
        if self.rng.randrange(2):
            definition = self.rng.choice(self._counting)
            return [self._use(definition, written=counter, target=4 * (top - index))]
        minus = self._use(self._adding, written=counter, read=counter, constant=-1)
        branch = self.rng.choice(self._while_not_zero)
        return [minus, self._use(branch, read=counter, other=0, target=4 * (top - index - 1))]

    # ---- code that is written, and no order

    def written_code(self, pieces: tuple[int, ...]) -> Program:
        """Return a loop that writes code inside itself, often flushed, and runs it."""
        generator, cast, rng = self.generator, self.generator.cast(), self.rng
        stores = generator.having(lambda t: bool(t.addresses) and not t.acts and not t.jumps)
        flushes = generator.having(lambda t: "flush_instructions" in t.acts)
        line: list[Instruction] = []
        for index in range(24):
            kind = rng.randrange(8)
            pool = stores if kind < 2 else flushes if kind < 4 else generator.cheap
            line.append(generator.instruction(rng.choice(pool), cast, START + 4 * index))
        line += self._back(cast.scalars["counter"][0], len(line), rng.randrange(4))
        program = self._program(cast, [*line, *self.tail()], pieces, 400)
        registers = dict(program.registers)
        for index in (*cast.scalars["pointer"], *cast.scalars["edge"]):
            registers[f"x{index}"] = START + rng.randrange(0, 4 * len(line), rng.choice((4, 8)))
        for index in range(1, 32):
            if not any(index in indices for indices in cast.scalars.values()):
                uses = [generator.instruction(rng.choice(generator.cheap), cast, START)] * 2
                low, high = words_of(uses)
                registers[f"x{index}"] = high << 32 | low
        registers[f"x{cast.scalars['counter'][0]}"] = rng.randrange(2, 9)
        return _with(program, registers)

    def wild(self, pieces: tuple[int, ...]) -> Program:
        """Return instructions in no order, some illegal, with any operands; jumps may go back."""
        generator, cast, rng = self.generator, self.generator.cast(), self.rng
        line: list[int] = []
        for index in range(WILD_SIZE):
            definition = rng.choice(self.generator.description.instructions)
            uses = [generator.wild(definition)]
            for reach in ((4, 20), (-60, 60)):
                uses.append(generator.instruction(definition, cast, START + 4 * index, reach))
            word = encode(rng.choice(uses))
            line.append(word if rng.randrange(30) else rng.getrandbits(32))
        program = self._program(cast, self.tail(), pieces, 300)
        odd = (0, START + 2, SIZE - 4, SIZE, DATA, mask(64), START - 4)
        entry = rng.choice(odd) if rng.randrange(20) == 0 else START + 4 * rng.randrange(4)
        program = _replaced(program, [*line, *program.words], 300, entry)
        return replace(program, stops_max=rng.randrange(7))

    def faults(self, definition: InstructionDef, kind: FaultKind) -> Iterator[Program]:
        """Yield a program that ends in a fault of an instruction, if one is found."""
        found = self.generator.faulting(definition, kind)
        if found is None:
            return
        instruction, registers = found
        program = self._program(self.generator.cast(), [instruction, *self.tail()], (WHOLE,), 100)
        yield _with(program, {**program.registers, **registers})


def _with(program: Program, registers: Mapping[str, RegisterValue]) -> Program:
    return replace(program, registers=registers)


def _replaced(program: Program, words: list[int], limit: int, entry: int = START) -> Program:
    return replace(program, words=tuple(words), limit=limit, entry=entry)


def random_pieces(rng: random.Random, kind: str) -> tuple[int, ...]:
    """Return limits of successive runs: "whole", "steps" that end anywhere, or "mixed"."""
    match kind:
        case "whole":
            return (WHOLE,)
        case "steps":
            return tuple(rng.randrange(1, 60) for _ in range(3)) + (900,)
        case _:
            return tuple(rng.choice((1, 7, 150, 1025, 3000, 20_000)) for _ in range(5)) + (WHOLE,)
