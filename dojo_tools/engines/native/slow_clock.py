"""Timing for code with more shapes than are worth a translation each: the rule, step by step.

Code whose branches depend on data and that mixes long latencies can meet the scoreboard in more
shapes than there is time to translate for. Such code runs one instruction at a time, without
timing, and the issue rule runs beside it. That is exact and slow; it ends before the next
instruction that drains the scoreboard, or wherever a translation for the shape exists.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from dojo_tools.description import Instruction
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.stop import Stop
from dojo_tools.engines.timing import Causes, IssueState


class Stepper(Protocol):
    """A thread that runs one instruction at a time, without timing."""

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        ...

    @property
    def retired(self) -> int:
        """Instructions executed so far."""
        ...

    def step(self) -> Stop | None:
        """Execute an instruction that does not need the host; return a fault if there is one."""
        ...

    def leave_record(self, pc: int, instruction: Instruction, wait: int) -> None:
        """Keep a record of an instruction that has retired, `wait` cycles after the beginning."""
        ...


class SlowClock:
    """The issue rule for a thread whose shapes have become too many."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.counts: Counter[Causes] = Counter()
        """What cycles went to here, and how often."""

    def run(
        self,
        thread: Stepper,
        state: IssueState,
        decode: Callable[[int], Instruction | None],
        is_translated: Callable[[int, int], bool],
        end: int,
        cycles_max: int,
        deadline: float,
    ) -> tuple[int, IssueState, Stop | None]:
        """Run until `end` instructions have retired, the deadline, or normal timing can go on.

        No instruction issues `cycles_max` cycles after the beginning, or later.

        Returns the cycles that passed, the state of the scoreboard, and a fault.
        """
        passed, stop = 0, None
        while stop is None and thread.retired < end and time.perf_counter() < deadline:
            pc = thread.pc
            instruction = decode(pc)
            number = self._timeline.known_number(state)
            known = number is not None and is_translated(pc, number)
            if instruction is None or (known and passed) or self._timeline.drains(instruction):
                break
            wait = passed + self._timeline.wait_in(state, instruction)
            if wait >= cycles_max:
                break
            stop = thread.step()
            if stop is None:
                thread.leave_record(pc, instruction, wait)
                taken = thread.pc != pc + 4
                cycles, causes, state = self._timeline.step(state, instruction, taken)
                if cycles:
                    passed += cycles
                    self.counts[causes] += 1
        return passed, state, stop
