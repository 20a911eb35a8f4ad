"""A batch: programs that one seed and number decide, whatever runs beside it."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from dojo_tools.description import Description, InstructionDef
from dojo_tools.engines.state import Difference, digest
from generator import Generator
from pairs import Engines, Variant
from programs import START, Program, Stopped
from shapes import Shapes, random_pieces
from shrink import report_of
from traits import traits

LINE_SIZE = 800
USES_A_LINE = 26
AMONG = 100
"""Instructions of any kind among those that leave translated code."""

SHORT_LINE_SIZE = 40
"""In short lines, addresses that instructions advance stay within the data."""

ROUNDS_MAX = 4
PIECES = ("whole", "whole", "whole", "whole", "whole", "whole", "whole", "mixed")
STOP_AFTER = 3
"""Differences reported in a batch; one mistake shows many times."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much a batch does: sites of each instruction, executed instructions of loops, ..."""

    seed: int
    variant: Variant = "quick"
    sites: int = 26
    loops: int = 8
    loop_count: int = 110_000
    lane_loops: int = 2
    written: int = 8
    wild: int = 14
    faults_every: int = 4
    hot: int = 0


@dataclass(slots=True)
class Outcome:
    """What a batch has done: sites and fault paths by instruction, and what differed."""

    sites: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    missing_faults: list[str] = field(default_factory=list[str])
    static: int = 0
    executed: int = 0
    programs: int = 0
    digest: str = ""
    reports: list[str] = field(default_factory=list[str])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able tables."""
        return {name: getattr(self, name) for name in self.__slots__}


class Batch:
    """Runs the programs of a plan on one pair of threads."""

    def __init__(
        self,
        description: Description,
        plan: Plan,
        number: int,
        native_description: Description | None = None,
    ) -> None:
        self.description = description
        self.plan = plan
        self.number = number
        self.rng = random.Random(f"{plan.seed} {number} {plan.variant}")
        self.generator = Generator(description, self.rng)
        self.shapes = Shapes(self.generator)
        self.engines = Engines.of(description, plan.variant, native_description or description)
        self.pair = self.engines.pair()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Run everything; stop early once enough has differed."""
        for name, program in self._programs():
            self.outcome.programs += 1
            found = self._check(program)
            if found:
                self._report(name, program, found)
                if len(self.outcome.reports) >= STOP_AFTER:
                    break
        self.outcome.executed += self.pair.reference.retired
        self.outcome.digest = digest(self.pair.reference)
        return self.outcome

    # ---- what is run

    def _programs(self) -> Iterator[tuple[str, "Program | tuple[Program, list[Stopped]]"]]:
        plan, rng = self.plan, self.rng
        for line in self._lines():
            pieces = random_pieces(rng, rng.choice(PIECES))
            yield "line", self.shapes.straight(self.pair.reference, line, pieces)
        ending = self.generator.having(lambda t: t.stops)
        yield "ends", self.shapes.stops(rng.sample(ending * plan.sites, len(ending) * plan.sites))
        for index in range(plan.loops):
            kind = ("whole", "mixed", "whole", "steps")[index % 4]
            count = plan.loop_count if kind != "steps" else 6000
            size = rng.choice((6, 12, 30, 60))
            yield "loops", self.shapes.loops(count, size, random_pieces(rng, kind))
        for _ in range(plan.lane_loops):
            pieces = random_pieces(rng, rng.choice(("whole", "mixed")))
            yield "lane loops", self.shapes.lane_loops(2500, 12, pieces)
        for _ in range(plan.hot):
            yield "hot loop", self.shapes.loops(900_000, 6, (1 << 20,))
        for _ in range(plan.written):
            kind = rng.choice(("whole", "steps", "mixed"))
            yield "written code", self.shapes.written_code(random_pieces(rng, kind))
        for _ in range(plan.wild):
            kind = rng.choice(("whole", "whole", "steps"))
            yield "wild", self.shapes.wild(random_pieces(rng, kind))
        yield from self._faults()

    def _lines(self) -> Iterator[Sequence[InstructionDef]]:
        """Yield lines that together hold every instruction as often as planned.

        A line has few instructions, each several times: what they share is compiled once a line.
        Those that jump or leave the translated code stand among cheap ones: what follows is a
        translation of its own, or of each shape of the scoreboard that it is reached in.
        """
        rng = self.rng
        still, ending = list[InstructionDef](), list[InstructionDef]()
        for definition in self.generator.plain:
            ends = traits(definition).jumps or traits(definition).leaves
            (ending if ends else still).append(definition)
        for done in range(0, self.plan.sites, USES_A_LINE):
            rng.shuffle(still)
            uses = min(USES_A_LINE, self.plan.sites - done)
            for start in range(0, len(still), LINE_SIZE // USES_A_LINE):
                line = still[start : start + LINE_SIZE // USES_A_LINE] * uses
                yield rng.sample(line, len(line))
        ending *= self.plan.sites
        among = rng.choices(self.generator.cheap, k=len(ending) // 2) + rng.choices(still, k=AMONG)
        mixed = rng.sample(ending + among, len(ending + among))
        for start in range(0, len(mixed), LINE_SIZE):
            yield mixed[start : start + LINE_SIZE]
        for _ in range(ROUNDS_MAX):
            missing = self._missing()
            for start in range(0, len(missing), SHORT_LINE_SIZE):
                yield missing[start : start + SHORT_LINE_SIZE]

    def _missing(self) -> list[InstructionDef]:
        """Return the instructions that have had fewer sites than planned, as often as it needs."""
        sites = self.outcome.sites
        return [
            definition
            for definition in self.generator.plain
            for _ in range(self.plan.sites - sites[definition.syntax_text])
        ]

    def _faults(self) -> Iterator[tuple[str, Program]]:
        """Yield programs for this batch's share of the fault paths."""
        every = self.plan.faults_every
        paths = [(d, k) for d in self.description.instructions for k in traits(d).fault_kinds]
        for index, (definition, kind) in enumerate(paths):
            if index % every != self.number % every:
                continue
            label = f"{definition.syntax_text}: {kind.value}"
            programs = list(self.shapes.faults(definition, kind))
            self.outcome.faults[label] += len(programs)
            if not programs:
                self.outcome.missing_faults.append(label)
            for program in programs:
                yield "fault", program

    # ---- comparing and counting

    def _check(self, program: "Program | tuple[Program, list[Stopped]]") -> list[Difference]:
        reference = self.pair.reference
        if isinstance(program, Program):
            reference.executed = set()
            found = self.pair.run(program)
            code = program
            self._count(code)
            return found
        code, stops = program
        found = self.pair.follow(code, stops)
        self._count(code)
        if found:
            self._renew()
        if found or self.rng.randrange(20) == 0:
            found = self.pair.run(code)
        return found

    def _renew(self) -> None:
        """Take new threads, because the two have parted.

        That alone is no difference of the engines: a line that reads its own code as data sees what
        stood there while it was being made.
        """
        self.outcome.executed += self.pair.reference.retired
        self.pair = self.engines.pair()

    def _count(self, program: Program) -> None:
        """Count the addresses at which the reference has executed something."""
        executed = self.pair.reference.note()
        self.pair.reference.executed = set()
        for pc in executed:
            if not START <= pc < START + 4 * len(program.words):
                continue
            instruction = self.description.decode(program.words[(pc - START) // 4])
            if instruction is not None:
                self.outcome.sites[instruction.definition.syntax_text] += 1
                self.outcome.static += 1

    def _report(
        self,
        name: str,
        program: "Program | tuple[Program, list[Stopped]]",
        found: list[Difference],
    ) -> None:
        code = program if isinstance(program, Program) else program[0]
        plan = self.plan
        options = " ".join(
            f"--{field.name.replace('_', '-')} {getattr(plan, field.name)}"
            for field in fields(plan)
            if field.name == "seed" or getattr(plan, field.name) != field.default
        )
        again = (
            f"{name} {self.outcome.programs} of batch {self.number}: "
            f"python tests/lockstep --batch {self.number} {options}"
        )
        self.outcome.reports.append(again + "\n" + report_of(self.engines, code, found))
        self._renew()
