"""The issue rule against a plain simulation of it in absolute cycles, one cycle after the other.

The simulation shares only what an instruction needs and holds. It knows no shapes: it keeps every
cycle's issues and every reservation since the beginning.
"""

import random
from collections import Counter

import pytest

from dojo_tools.description import Instruction, load_description, load_machine
from dojo_tools.engines.timing import (
    EMPTY,
    Branch,
    Cause,
    IssueRule,
    Share,
    TimedInstruction,
)

DESCRIPTION = load_description()
MACHINE = load_machine("node")
COUNTS = [unit.count for unit in MACHINE.units] + [port.count for port in MACHINE.ports]


class Simulation:
    """All that has happened since cycle 0."""

    def __init__(self, share: Share | None) -> None:
        self.share = share
        self.earliest = 0
        self.ready: dict[int, int] = {}
        self.held: Counter[tuple[int, int]] = Counter()
        self.issued: Counter[tuple[int, str]] = Counter()
        self.turn = 0
        self.done = 0

    def issue(self, timed: TimedInstruction, taken: bool) -> int:
        """Return the cycle in which an instruction issues."""
        cycle = self.earliest
        while not self.can_issue(timed, cycle):
            cycle += 1
        self.issued[cycle, timed.issue_class] += 1
        uses = (timed.unit, *timed.ports)
        for use in uses:
            for held in range(cycle, cycle + use.cycles):
                self.held[use.resource, held] += use.instances
        for register, latency in timed.writes:
            self.ready[register] = cycle + latency
        self.done = max(self.done, *(cycle + use.cycles for use in uses))
        self.done = max([self.done, *(cycle + latency for _, latency in timed.writes)])
        if timed.issue_class == "vector" and self.share is not None:
            self.turn = cycle + self.share.interval
        self.earliest = cycle + self.lost(timed, taken)
        if timed.drains:
            self.earliest = max(self.earliest, cycle + 1)
            self.ready, self.held, self.done, self.turn = {}, Counter(), 0, 0
        return cycle

    def can_issue(self, timed: TimedInstruction, cycle: int) -> bool:
        if timed.drains:
            return cycle >= self.done and cycle >= self.turn
        width = MACHINE.issue.of(timed.issue_class)
        if self.share is not None and timed.issue_class == "scalar":
            width = self.share.lanes
        used = self.issued[cycle, timed.issue_class]
        in_turn = timed.issue_class != "vector" or used > 0 or cycle >= self.turn
        return (
            in_turn
            and used < width
            and all(self.ready.get(register, 0) <= cycle for register in timed.needs)
            and all(
                self.held[use.resource, held] + use.instances <= COUNTS[use.resource]
                for use in (timed.unit, *timed.ports)
                for held in range(cycle, cycle + use.cycles)
            )
        )

    def lost(self, timed: TimedInstruction, taken: bool) -> int:
        """Return how many cycles later the next instruction may issue."""
        branch = MACHINE.branch
        if timed.branch is Branch.JUMP:
            return 1 + branch.jump_cycles
        if timed.branch is Branch.INDIRECT:
            return 1 + branch.indirect_cycles
        if timed.branch is Branch.LOOP:
            return 0 if taken else 1 + branch.loop_exit_cycles
        if timed.branch is Branch.CONDITIONAL and taken is not timed.predicted_taken:
            return 1 + branch.mispredicted_cycles
        if timed.branch is Branch.CONDITIONAL and taken:
            return 1 + branch.taken_cycles
        return 0


def random_program(rng: random.Random) -> list[Instruction]:
    """Return instructions of few registers, so that they often wait for each other."""
    pool = [d for d in DESCRIPTION.instructions if d.timing.unit != "front" or rng.random() < 0.3]
    found: list[Instruction] = []
    for _ in range(400):
        definition = rng.choice(pool)
        values = tuple(
            rng.choice(sorted({code for _, code in kind.names})[:6])
            if kind.names
            else rng.choice([kind.low, kind.high])
            for kind in definition.operands
        )
        found.append(Instruction(definition, values))
    return found


@pytest.mark.parametrize("share", [None, Share(2, 2), Share(1, 4)], ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_the_rule_is_the_simulation(seed: int, share: Share | None):
    rng = random.Random(seed)
    rule = IssueRule(DESCRIPTION, MACHINE, share)
    simulation = Simulation(share)
    clock, shape = 0, EMPTY
    causes: Counter[Cause] = Counter()
    issue_cycles: set[int] = set()
    for instruction in random_program(rng):
        timed, taken = rule.timed(instruction), rng.random() < 0.5
        issued = rule.issue(shape, timed, taken)
        assert clock + issued.wait == simulation.issue(timed, taken), instruction
        issue_cycles.add(clock + issued.wait)
        clock, shape = clock + issued.cycles, issued.shape
        for cause, cycles in issued.causes:
            causes[cause] += cycles
    assert causes.total() == clock
    assert causes[Cause.ISSUED] == len([cycle for cycle in issue_cycles if cycle < clock])
