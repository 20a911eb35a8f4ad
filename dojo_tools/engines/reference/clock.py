"""The clock of a thread: by the issue rule, or a cycle an instruction with timing off."""

from collections import defaultdict

from dojo_tools.description import Instruction
from dojo_tools.engines.timing import (
    NO_SLOTS,
    ONE_CYCLE,
    Cause,
    Causes,
    IssueRule,
    IssueTable,
    TimedInstruction,
    cycles_by_cause,
)


class Clock:
    """The cycle being filled, the scoreboard behind it, and what past cycles went to."""

    def __init__(self, rule: IssueRule) -> None:
        self._rule = rule
        self._table = IssueTable(rule)
        self._state = self._table.empty
        self._counts: defaultdict[Causes, int] = defaultdict(int)
        self.cycle = 0

    def go_on_at(self, cycle: int) -> None:
        """Go on at a later cycle, with everything done; nobody counts those before it."""
        if cycle != self.cycle:
            self.cycle = cycle
            self._state = self._table.empty

    def timed(self, instruction: Instruction) -> TimedInstruction | None:
        """Return what `issue` needs of an instruction."""
        return self._rule.timed(instruction)

    def issue_cycle(self, timed: TimedInstruction | None) -> int:
        """Return the cycle in which an instruction would issue now."""
        assert timed is not None
        return self.cycle + self._table.step(self._state, timed, False)[0]

    def issue(self, timed: TimedInstruction | None, taken: bool) -> None:
        """Issue an instruction; `taken` as in `IssueRule.issue`."""
        assert timed is not None
        found = self._state.after.get(2 * timed.number + taken)
        if found is None:
            found = self._table.step(self._state, timed, taken)
        _, cycles, causes, self._state = found
        if cycles:
            self.cycle += cycles
            self._counts[causes] += 1

    @property
    def cycles(self) -> int:
        """The cycles so far, the one being filled included if something has issued in it."""
        return self.cycle + self._is_filling

    @property
    def causes(self) -> dict[Cause, int]:
        """What each of `cycles` went to."""
        totals = cycles_by_cause(self._counts.items())
        totals[Cause.ISSUED] += self._is_filling
        return totals

    @property
    def _is_filling(self) -> bool:
        return self._state.shape.slots != NO_SLOTS


class PlainClock:
    """Timing off: each instruction takes the cycle that follows the one before."""

    def __init__(self) -> None:
        self.cycle = 0
        self._issued = 0

    def go_on_at(self, cycle: int) -> None:
        """Let the next instruction issue at a cycle; nobody counts those before it."""
        self.cycle = cycle

    def timed(self, instruction: Instruction) -> TimedInstruction | None:
        """Return nothing: all instructions are alike."""
        return None

    def issue_cycle(self, timed: TimedInstruction | None) -> int:
        """Return the present cycle."""
        return self.cycle

    def issue(self, timed: TimedInstruction | None, taken: bool) -> None:
        """Let a cycle pass."""
        self.cycle += 1
        self._issued += 1

    @property
    def cycles(self) -> int:
        """The cycles so far."""
        return self.cycle

    @property
    def causes(self) -> dict[Cause, int]:
        """What each of `cycles` went to."""
        return cycles_by_cause([(ONE_CYCLE, self._issued)])
