"""The issue rule: at which cycle each instruction issues. `docs/timing.md` has it in words.

In order, with a scoreboard that says when each register is ready and each unit free. What it knows
is a `Shape`: all times are relative to the clock, so that a loop comes back to the same shape and
the rule runs once for each shape and instruction. Both engines use this one rule; the native
engine while it translates, the reference through an `IssueTable`.
"""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from dojo_tools.description import Description, Instruction, MachineDef
from dojo_tools.description.machine_timing import ISSUE_CLASSES
from dojo_tools.engines.timed import Branch, TimedInstruction, TimingReader, Use

__all__ = [
    "EMPTY",
    "NO_CYCLES",
    "ONE_CYCLE",
    "Branch",
    "Cause",
    "Causes",
    "IssueRule",
    "IssueState",
    "IssueTable",
    "Issued",
    "Shape",
    "Share",
    "Terms",
    "TimedInstruction",
    "Totals",
    "cycles_by_cause",
    "terms_of",
    "total_with",
]

VECTOR = ISSUE_CLASSES.index("vector")
STATES_MAX = 20_000


class Cause(Enum):
    """What a cycle of a thread went to, in the words of reports."""

    ISSUED = "issued"
    OPERAND = "operand wait"
    UNIT = "unit busy"
    PORT = "memory port"
    SHARE = "issue share"
    BRANCH = "branch"
    DRAIN = "drain"


Causes = tuple[tuple[Cause, int], ...]

Totals = tuple[int, ...]
"""Cycles of each cause, in the order of `Cause`."""

NO_CYCLES: Totals = (0,) * len(Cause)

_PLACES = {cause: place for place, cause in enumerate(Cause)}

ONE_CYCLE: Causes = ((Cause.ISSUED, 1),)
"""What the only cycle of an instruction goes to with timing off."""


class Shape(NamedTuple):
    """The scoreboard relative to the clock, which is the cycle being filled. Offsets are above 0.

    `slots` counts what has issued in this cycle, by `ISSUE_CLASSES`; `vector_offset` is when the
    thread's next turn to issue vector instructions comes. `busy` are (resource, offset at which an
    instance of it is free), `ready` are (register, offset at which it can be used); both sorted.
    """

    slots: tuple[int, int, int]
    vector_offset: int
    busy: tuple[tuple[int, int], ...]
    ready: tuple[tuple[int, int], ...]


NO_SLOTS = (0, 0, 0)
EMPTY = Shape(NO_SLOTS, 0, (), ())


class Share(NamedTuple):
    """A thread's part of its node: scalar instructions a cycle, and cycles between vector turns.

    With an `interval` of 0 it has no such turns.
    """

    lanes: int
    interval: int


class Issued(NamedTuple):
    """What came of issuing an instruction.

    It issues `wait` cycles after the clock; then the clock has moved by `cycles`, which `causes`
    sum to.
    """

    wait: int
    cycles: int
    shape: Shape
    causes: Causes


class IssueRule:
    """The issue rule of a machine. A thread that owns its node has no `share`."""

    def __init__(
        self, description: Description, machine: MachineDef, share: Share | None = None
    ) -> None:
        self.text = f"{machine} {share}"
        self._reader = TimingReader(description, machine)
        self._counts = self._reader.counts
        self._branch = machine.branch
        widths = [machine.issue.of(name) for name in ISSUE_CLASSES]
        self._interval = 1
        if share is not None:
            widths[ISSUE_CLASSES.index("scalar")] = share.lanes
            self._interval = share.interval
        self._widths = tuple(widths)

    def timed(self, instruction: Instruction) -> TimedInstruction:
        """Return what of an instruction matters here; the same object for the same timing."""
        return self._reader.read(instruction)

    def issue(self, shape: Shape, timed: TimedInstruction, taken: bool) -> Issued:
        """Issue an instruction as early as the rule allows.

        `taken` tells of a conditional or loop branch whether the next instruction is another than
        the one that follows; for all others it does not matter.
        """
        wait, causes = self._wait(shape, timed)
        lost = self._lost(timed, taken)
        if timed.drains:
            after, lost = EMPTY, lost or 0
        else:
            after = self._occupy(_advance(shape, wait), timed)
            if lost is not None:
                after = _advance(after, 1 + lost)
        if lost is None:
            return Issued(wait, wait, after, causes)
        causes = _joined((*causes, (Cause.ISSUED, 1), (Cause.BRANCH, lost)))
        return Issued(wait, wait + 1 + lost, after, causes)

    def _wait(self, shape: Shape, timed: TimedInstruction) -> tuple[int, Causes]:
        """Return the cycles until an instruction can issue, and what they go to."""
        if timed.drains:
            limits = [(Cause.DRAIN, _drained(shape))]
        else:
            operands = max((o for r, o in shape.ready if r in timed.needs), default=0)
            ports = max((self._free(shape, port) for port in timed.ports), default=0)
            limits = [
                (Cause.OPERAND, operands),
                (Cause.UNIT, self._free(shape, timed.unit)),
                (Cause.PORT, ports),
            ]
            earliest = max(offset for _, offset in limits)
            limits.append((Cause.SHARE, self._turn(shape, timed, earliest)))
        wait = max(offset for _, offset in limits)
        causes: list[tuple[Cause, int]] = []
        position = 0
        if wait and shape.slots != NO_SLOTS:
            causes.append((Cause.ISSUED, 1))
            position = 1
        for cause, offset in limits:
            causes.append((cause, max(0, offset - position)))
            position = max(position, offset)
        return wait, _joined(causes)

    def _free(self, shape: Shape, use: Use) -> int:
        """Return the offset from which enough instances of a resource are free."""
        offsets = sorted((o for r, o in shape.busy if r == use.resource), reverse=True)
        others = self._counts[use.resource] - use.instances
        return offsets[others] if len(offsets) > others else 0

    def _turn(self, shape: Shape, timed: TimedInstruction, earliest: int) -> int:
        """Return the first offset from `earliest` on with a free slot of the instruction's class.

        Vector instructions issue in the thread's turns only; the present cycle is one if it has
        issued a vector instruction already.
        """
        index = ISSUE_CLASSES.index(timed.issue_class)
        used = shape.slots[index]
        next_turn = shape.vector_offset if index == VECTOR else 0
        if earliest == 0 and 0 < used < self._widths[index]:
            return 0
        return max(earliest, next_turn, 1 if used else 0)

    def _occupy(self, shape: Shape, timed: TimedInstruction) -> Shape:
        """Return the shape after an instruction has issued in the present cycle."""
        index = ISSUE_CLASSES.index(timed.issue_class)
        scalar, vector, front = (n + (i == index) for i, n in enumerate(shape.slots))
        vector_offset = shape.vector_offset
        if index == VECTOR and self._interval > 1:
            vector_offset = self._interval
        busy = list(shape.busy)
        for use in (timed.unit, *timed.ports):
            busy += [(use.resource, use.cycles)] * use.instances
        ready = {**dict(shape.ready), **dict(timed.writes)}
        return Shape(
            (scalar, vector, front),
            vector_offset,
            tuple(sorted(busy)),
            tuple(sorted((r, o) for r, o in ready.items() if o > 0)),
        )

    def _lost(self, timed: TimedInstruction, taken: bool) -> int | None:
        """Return the cycles lost after a branch; None if others may still issue beside it."""
        match timed.branch:
            case Branch.NONE:
                return None
            case Branch.JUMP:
                return self._branch.jump_cycles
            case Branch.INDIRECT:
                return self._branch.indirect_cycles
            case Branch.LOOP:
                return None if taken else self._branch.loop_exit_cycles
            case Branch.CONDITIONAL if taken != timed.predicted_taken:
                return self._branch.mispredicted_cycles
            case Branch.CONDITIONAL:
                return self._branch.taken_cycles if taken else None


def _advance(shape: Shape, cycles: int) -> Shape:
    """Return the shape seen from a later clock."""
    if cycles == 0:
        return shape
    return Shape(
        NO_SLOTS,
        max(0, shape.vector_offset - cycles),
        tuple((resource, o - cycles) for resource, o in shape.busy if o > cycles),
        tuple((register, o - cycles) for register, o in shape.ready if o > cycles),
    )


def _drained(shape: Shape) -> int:
    """Return the offset at which everything is done."""
    offsets = (offset for _, offset in (*shape.busy, *shape.ready))
    return max(shape.vector_offset, *offsets, 0)


def _joined(causes: Iterable[tuple[Cause, int]]) -> Causes:
    """Return causes without those of no cycles, neighbours that are alike as one."""
    joined: list[tuple[Cause, int]] = []
    for cause, cycles in causes:
        if joined and joined[-1][0] is cause:
            joined[-1] = (cause, joined[-1][1] + cycles)
        elif cycles:
            joined.append((cause, cycles))
    return tuple(joined)


class Terms(NamedTuple):
    """What a thread runs under: how its instructions are timed, and which it may not issue.

    Without a `rule` each instruction takes one cycle. `barred` has the `match` of each encoding.
    """

    rule: IssueRule | None
    barred: frozenset[int]


def terms_of(
    description: Description, machine: MachineDef, share: Share | None, *, timing: bool
) -> Terms:
    """Return what a thread with a share of a machine runs under."""
    rule = IssueRule(description, machine, share) if timing else None
    if share is None or share.interval:
        return Terms(rule, frozenset())
    vector = {unit.name for unit in machine.units if unit.issue == "vector"}
    barred = (d.match for d in description.instructions if d.timing.unit in vector)
    return Terms(rule, frozenset(barred))


class IssueState:
    """A shape, and what has been found to follow from it: by instruction and `taken`."""

    __slots__ = ("after", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.after: dict[int, tuple[int, int, Causes, IssueState]] = {}


class IssueTable:
    """The issue rule as a table that fills itself: a step is one lookup once it was made."""

    def __init__(self, rule: IssueRule) -> None:
        self._rule = rule
        self._states: dict[Shape, IssueState] = {}
        self.empty = self.state(EMPTY)

    def step(
        self, state: IssueState, timed: TimedInstruction, taken: bool
    ) -> tuple[int, int, Causes, IssueState]:
        """Issue an instruction; return wait, cycles and causes, as `Issued`, and the next state."""
        key = 2 * timed.number + taken
        found = state.after.get(key)
        if found is None:
            wait, cycles, shape, causes = self._rule.issue(state.shape, timed, taken)
            found = state.after[key] = (wait, cycles, causes, self.state(shape))
        return found

    def state(self, shape: Shape) -> IssueState:
        """Return the state with a shape."""
        if len(self._states) >= STATES_MAX:
            for state in self._states.values():
                state.after.clear()
            self._states = {EMPTY: self.empty}
        return self._states.setdefault(shape, IssueState(shape))


def cycles_by_cause(counts: Iterable[tuple[Causes, int]]) -> dict[Cause, int]:
    """Return the cycles of each cause, all of them listed, of causes and how often each came."""
    totals = dict.fromkeys(Cause, 0)
    for causes, times in counts:
        for cause, cycles in causes:
            totals[cause] += cycles * times
    return totals


def total_with(totals: Totals, causes: Causes) -> Totals:
    """Return totals to which the cycles of `causes` are added."""
    summed = list(totals)
    for cause, cycles in causes:
        summed[_PLACES[cause]] += cycles
    return tuple(summed)
