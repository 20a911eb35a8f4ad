"""Which ways lead from the head of a loop back to it: forward, until a jump back.

A loop's turn may go several ways, each of which is written out whole, so that what it counts is
known where it ends. Inner loops and calls are no part of a turn: whoever goes there has left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from dojo_tools.description import Instruction, InstructionDef
from dojo_tools.engines.native.flow import Flow, RegionCode, targets_of
from dojo_tools.engines.native.timeline import Point

INSTRUCTIONS_MAX = 64
"""Instructions on the ways of one loop, behind its first branch."""

After = Callable[[Point, Instruction, bool], Point]


class Turns(NamedTuple):
    """The turns that a loop can make, in the shape in which it is entered."""

    shortest: Point
    """What the turn with the fewest instructions has done where it ends."""

    ways: frozenset[tuple[int, Point]]
    """Where turns go on behind a branch, and what they have done by then."""


def find_turns(
    code: RegionCode,
    flows: Callable[[InstructionDef], Flow],
    after: After,
    head: int,
    start: Point,
    room: int,
) -> Turns | None:
    """Return the turns of the loop at an address, None if none comes back in the same shape.

    `after` returns the point behind an instruction; its last argument tells whether it jumps. At
    most `room` instructions are put behind the first branch.
    """
    if head not in code.heads:
        return None
    finder = _Finder(code, flows, after, head, start, min(room, INSTRUCTIONS_MAX))
    if not finder.leads_back(head, start):
        return None
    shortest = min(finder.ends, key=lambda end: end.done)
    return Turns(shortest, frozenset(finder.ways))


@dataclass(slots=True)
class _Finder:
    _code: RegionCode
    _flows: Callable[[InstructionDef], Flow]
    _after: After
    _head: int
    _start: Point
    _room: int
    ends: list[Point] = field(default_factory=list[Point])
    ways: set[tuple[int, Point]] = field(default_factory=set[tuple[int, Point]])

    def leads_back(self, pc: int, point: Point) -> bool:
        """Return whether a way on from here is a turn; note all that are."""
        is_first = point is self._start
        while pc in self._code.instructions and (is_first or self._room > 0):
            if pc in self._code.heads and point is not self._start:
                return False
            self._room -= not is_first
            instruction = self._code.instructions[pc]
            flow = self._flows(instruction.definition)
            if flow.leaves:
                return False
            targets = [*targets_of(instruction, pc, flow), *self._code.computed.get(pc, ())]
            if targets or flow.is_indirect:
                found = [self._is_way(*way) for way in self._ways(pc, point, targets)]
                return any(found)
            point = self._after(point, instruction, False)
            pc += 4
        return False

    def _ways(self, pc: int, point: Point, targets: list[int]) -> Iterator[tuple[int, int, Point]]:
        """Yield the ways on from a branch: where it is, where it goes, and the point there."""
        instruction = self._code.instructions[pc]
        if targets:
            taken = self._after(point, instruction, True)
            yield from ((pc, target, taken) for target in targets)
        if self._flows(instruction.definition).falls_through:
            yield pc, pc + 4, self._after(point, instruction, False)

    def _is_way(self, pc: int, target: int, point: Point) -> bool:
        if target == self._head:
            if point.shape != self._start.shape:
                return False
            self.ends.append(point)
            return True
        if target <= pc or not self.leads_back(target, point):
            return False
        self.ways.add((target, point))
        return True
