"""Time while translating: how far a block is, in instructions and cycles, and in which shape.

The issue rule runs here, once for each shape in which a block is entered; what is left for run time
is to add constants.
"""

import hashlib
from typing import NamedTuple

from dojo_tools.bits import extract, mask
from dojo_tools.description import Description, Instruction, MachineDef
from dojo_tools.engines.timing import (
    EMPTY,
    NO_CYCLES,
    NO_SLOTS,
    Causes,
    IssueRule,
    IssueState,
    IssueTable,
    Shape,
    Totals,
    total_with,
)

NUMBER_BITS = 31
"""Bits of a shape's number: it stands above an address of 32 bits in one word."""


class Point(NamedTuple):
    """Where a block is: instructions done, cycles passed, the shape's number, cycles by cause."""

    done: int
    cycles: int
    shape: int
    totals: Totals

    @staticmethod
    def entry(shape: int) -> "Point":
        """Return the beginning of a block that is entered in a shape."""
        return Point(0, 0, shape, NO_CYCLES)


class Timeline:
    """The issue rule and the shapes that it has led to, by number; 0 is the empty one.

    A number follows from the shape alone, so that translated code which holds it can be kept,
    unless two shapes collide: `has_collided` says so.
    """

    def __init__(self, rule: IssueRule) -> None:
        self._rule = rule
        self._table = IssueTable(rule)
        self._numbers: dict[Shape, int] = {EMPTY: 0}
        self._states = {0: self._table.empty}
        self.has_collided = False

    @property
    def rule_text(self) -> str:
        """What the rule depends on beside the description."""
        return self._rule.text

    @staticmethod
    def of(description: Description, machine: MachineDef) -> "Timeline":
        """Return the timeline of a machine."""
        return Timeline(IssueRule(description, machine))

    def wait(self, point: Point, instruction: Instruction) -> int:
        """Return the cycles from the block's start until an instruction would issue."""
        return point.cycles + self.wait_in(self._states[point.shape], instruction)

    def after(self, point: Point, instruction: Instruction, taken: bool) -> Point:
        """Return the point behind an instruction; `taken` as in `IssueRule.issue`."""
        timed = self._rule.timed(instruction)
        _, cycles, causes, state = self._table.step(self._states[point.shape], timed, taken)
        totals = total_with(point.totals, causes) if cycles else point.totals
        return Point(point.done + 1, point.cycles + cycles, self.number(state), totals)

    def state(self, shape: int) -> IssueState:
        """Return the state of the scoreboard that a shape's number stands for."""
        return self._states[shape]

    def number(self, state: IssueState) -> int:
        """Return the number of a state's shape, a new one if it has none."""
        number = self._numbers.get(state.shape)
        if number is None:
            digest = hashlib.sha256(repr(tuple(state.shape)).encode()).digest()
            number = extract(int.from_bytes(digest[:8], "little"), NUMBER_BITS - 1, 0)
            while number in self._states:
                self.has_collided = True
                number = (number + 1) & mask(NUMBER_BITS)
            self._numbers[state.shape] = number
            self._states[number] = state
        return number

    def number_of_shape(self, shape: Shape) -> int:
        """Return the number of a shape, a new one if it has none."""
        return self.number(self._table.state(shape))

    def wait_in(self, state: IssueState, instruction: Instruction) -> int:
        """Return the cycles from the clock until an instruction would issue."""
        return self._table.step(state, self._rule.timed(instruction), False)[0]

    def known_number(self, state: IssueState) -> int | None:
        """Return the number of a state's shape if it has one."""
        return self._numbers.get(state.shape)

    def drains(self, instruction: Instruction) -> bool:
        """Return whether an instruction waits until all before it are done."""
        return self._rule.timed(instruction).drains

    def drain(self, state: IssueState, instruction: Instruction) -> tuple[int, Causes, IssueState]:
        """Let everything be done, before an instruction that drains: cycles, causes, state."""
        issued = self._rule.issue(state.shape, self._rule.timed(instruction), False)
        *waited, (last, count) = issued.causes
        causes = (*waited, (last, count - 1)) if count > 1 else tuple(waited)
        return issued.wait, causes, self._table.empty

    def step(
        self, state: IssueState, instruction: Instruction, taken: bool
    ) -> tuple[int, Causes, IssueState]:
        """Issue one instruction: the cycles it adds, their causes, and the state after it."""
        timed = self._rule.timed(instruction)
        _, cycles, causes, after = self._table.step(state, timed, taken)
        return cycles, causes, after

    def is_filling(self, shape: int) -> bool:
        """Return whether something has issued in the present cycle."""
        return self._states[shape].shape.slots != NO_SLOTS
