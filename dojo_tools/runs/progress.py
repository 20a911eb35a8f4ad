"""Runs a machine in slices, so that somebody can listen while a run goes on."""

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

        A program is stopped, as at the limit, before an instruction that would issue behind cycle
        `cycles_max`; the one that is a cycle too late is executed, and may be the halt.
        """
        end_cycle = None if cycles_max is None else cycles_max + 1
        try:
            if self._listener.traced:
                stop = self._run_traced(limit, end_cycle)
            else:
                stop = self._run_slices(limit, end_cycle)
        except KeyboardInterrupt:
            return None
        finally:
            self._take_printed()
        if cycles_max is not None and stop.reason is StopReason.LIMIT:
            is_beyond = self._machine.run(0).cycles > cycles_max
            self.is_over_budget = is_beyond or self._is_at(cycles_max + 1)
        return stop

    def _is_at(self, end_cycle: int | None) -> bool:
        return end_cycle is not None and self._machine.next_issue_cycle() >= end_cycle

    def _run_slices(self, limit: int, end_cycle: int | None) -> Stop:
        retired = 0
        while True:
            result = self._machine.run(limit - retired, SLICE_PRINTED, SLICE_SECONDS, end_cycle)
            retired = result.retired
            self._take_printed()
            is_over = retired >= limit or self._is_at(end_cycle)
            if result.stop.reason is not StopReason.LIMIT or is_over:
                return result.stop
            self._listener.progressed(retired)

    def _run_traced(self, limit: int, end_cycle: int | None) -> Stop:
        assert self._listener.traced is not None
        for entry in self._machine.trace(limit, end_cycle):
            self._listener.traced(entry)
            self._take_printed()
            if entry.stop is not None:
                return entry.stop
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
