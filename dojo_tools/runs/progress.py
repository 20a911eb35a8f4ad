"""Runs a machine in slices, so that somebody can listen while a run goes on."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.machine import Machine, TraceEntry

SLICE_SECONDS = 0.1
SLICE_PRINTED = 1 << 20
PRINTED_MAX = 1 << 20


def _ignore(_: Any) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Listener:
    """What to call while a run goes on.

    `printed` gets what the program prints, soon after; `progressed` the count of instructions now
    and then; `traced` every executed instruction, before what it printed, and makes the run slow.
    """

    printed: Callable[[str], None] = _ignore
    progressed: Callable[[int], None] = _ignore
    traced: Callable[[TraceEntry], None] | None = None


class Progress:
    """Runs a machine in slices, so that somebody can listen and nothing piles up."""

    def __init__(self, machine: Machine, listener: Listener) -> None:
        self._machine = machine
        self._listener = listener
        self._kept_size = 0
        self.kept: list[str] = []
        self.is_cut = False
        self.is_over_budget = False

    def run(self, limit: int, cycles_max: int | None = None) -> Stop | None:
        """Run until the program stops or reaches the limit; return None after Ctrl-C.

        A program that has taken more than `cycles_max` cycles is stopped, as at the limit, after
        a slice or a traced instruction.
        """
        budget = math.inf if cycles_max is None else cycles_max
        try:
            if self._listener.traced:
                return self._run_traced(limit, budget)
            return self._run_slices(limit, budget)
        except KeyboardInterrupt:
            return None
        finally:
            self._take_printed()

    def _run_slices(self, limit: int, budget: float) -> Stop:
        retired = 0
        while True:
            result = self._machine.run(limit - retired, SLICE_PRINTED, SLICE_SECONDS)
            retired = result.retired
            self._take_printed()
            is_cut = result.stop.reason is StopReason.LIMIT
            self.is_over_budget = is_cut and result.cycles > budget
            if not is_cut or self.is_over_budget or retired >= limit:
                return result.stop
            self._listener.progressed(retired)

    def _run_traced(self, limit: int, budget: float) -> Stop:
        assert self._listener.traced is not None
        for entry in self._machine.trace(limit):
            self._listener.traced(entry)
            self._take_printed()
            if entry.stop is not None:
                return entry.stop
            if entry.cycle >= budget:
                self.is_over_budget = True
                break
        return Stop(StopReason.LIMIT)

    def _take_printed(self) -> None:
        for printed in self._machine.printed:
            self._listener.printed(printed.text)
            kept = printed.text[: PRINTED_MAX - self._kept_size]
            self.is_cut |= len(kept) < len(printed.text)
            self._kept_size += len(kept)
            if kept:
                self.kept.append(kept)
        self._machine.printed.clear()
