"""Runs two engines on one image side by side and finds the first thing in which they differ.

Both meshes handle the same events and let threads retire the same instructions between two
comparisons; such a pause changes nothing. Where a piece ends differently, new meshes come to its
beginning, and it is run again in smaller pieces: first of fewer events, then, where a single event
differs, of fewer instructions of the thread that it lets run.
"""

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dojo_tools.description import Instruction
from dojo_tools.diagnostics import Diagnostic, Event, ExitCode
from dojo_tools.disassembler import format_instruction
from dojo_tools.machine.divergence import divergence_diagnostic
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd, Piece
from dojo_tools.machine.mesh_names import agent_of, span_at
from dojo_tools.machine.mesh_pair import MeshDifference, difference_so_far, thread_difference

EVENTS, EVENTS_MAX = 1 << 14, 1 << 26
"""Events between two comparisons: at first, and at most where comparing takes long."""

FINER = 16
"""How many smaller pieces one is run again in."""

STEPS = (1 << 12, 1 << 6, 1)
"""Instructions between two comparisons within an event, each time nearer to a difference."""

Meshes = tuple[Mesh, Mesh]
Ends = tuple[MeshEnd, MeshEnd]


@dataclass(frozen=True, slots=True)
class MeshDivergence:
    """Where two engines part: what differs first, and after which instruction of which thread.

    `agent` is None where no thread runs; with a `count` of instructions above 1 they differ only
    when these run as a whole. `cycle` is when the first of them issues, `retired` how many the
    thread has executed before.
    """

    difference: MeshDifference
    agent: int | None = None
    pc: int = 0
    instruction: Instruction | None = None
    cycle: int = 0
    retired: int = 0
    count: int = 1


class MeshesDiffer(Exception):
    """Ends a run side by side: one of the engines is wrong."""

    def __init__(self, divergence: MeshDivergence) -> None:
        super().__init__(str(divergence.difference))
        self.divergence = divergence


class SideBySide:
    """Two meshes, the one to trust first. `make` returns new ones, ready to run."""

    def __init__(self, meshes: Meshes, make: Callable[[], Meshes]) -> None:
        self._meshes = meshes
        self._make = make
        self._done: list[Piece] = []
        self._events = EVENTS

    def run(self, limit: int, cycles_max: int | None = None) -> Ends:
        """Run a piece; return how both paused or ended. Raises `MeshesDiffer`.

        `limit` and `cycles_max` are as in `Mesh.run`.
        """
        started = time.perf_counter()
        retired = _retired_max(self._meshes[0]) + 16 * self._events
        piece = Piece(self._events, retired, cycles_max)
        ends = _run(self._meshes, limit, piece)
        ran = time.perf_counter()
        found = difference_so_far(*self._meshes, ends)
        if found is not None:
            raise MeshesDiffer(self._nearer(limit, piece, found))
        if 4 * (time.perf_counter() - ran) > ran - started:
            self._events = min(2 * self._events, EVENTS_MAX)
        self._done.append(piece)
        return ends

    def _nearer(self, limit: int, piece: Piece, found: MeshDifference) -> MeshDivergence:
        """Return what is wrong first in a piece after which the engines differ."""
        done = list(self._done)
        while piece.events > 1:
            times = FINER * self._meshes[0].dies + 1
            piece = replace(piece, events=max(1, piece.events // FINER))
            nearer = self._first_of(limit, done, itertools.repeat(piece, times))
            if nearer is None:
                return MeshDivergence(found)
            found = nearer
        meshes = self._at(limit, done)
        before = {agent: _retired(meshes[0], agent) for agent in meshes[0].agents()}
        _run(meshes, limit, piece)
        counts = {a: max(_retired(mesh, a) for mesh in meshes) - before[a] for a in before}
        ran = sorted(
            (agent for agent in before if counts[agent]),
            key=lambda agent: thread_difference(*meshes, agent) is None,
        )
        if not ran:
            return MeshDivergence(found)
        return self._nearest(limit, done, piece, ran[0], counts[ran[0]], found)

    def _nearest(
        self,
        limit: int,
        done: list[Piece],
        piece: Piece,
        agent: int,
        count: int,
        found: MeshDifference,
    ) -> MeshDivergence:
        """Return which of `count` instructions of a thread, run by an event, is wrong first."""
        for step in STEPS:
            if step >= count:
                continue
            before = _retired(self._at(limit, done)[0], agent)
            ends = range(before + step, before + count + step, step)
            pieces = (replace(piece, retired=retired) for retired in ends)
            nearer = self._first_of(limit, done, pieces)
            if nearer is None:
                break
            found, count = nearer, step
        thread = self._at(limit, done)[0].engine.thread(agent)
        return MeshDivergence(
            found,
            agent,
            thread.pc,
            thread.decode_at(thread.pc),
            thread.next_issue_cycle(),
            thread.retired,
            count,
        )

    def _first_of(
        self, limit: int, done: list[Piece], pieces: Iterable[Piece]
    ) -> MeshDifference | None:
        """Run pieces after those that are done until the engines differ; return in what.

        Pieces after which they agree are added to those that are done.
        """
        meshes, start = self._at(limit, done), len(done)
        for piece in pieces:
            ends = _run(meshes, limit, piece)
            found = difference_so_far(*meshes, ends)
            if found is not None:
                return found
            if ends[0].reason is not EndReason.PAUSED:
                break
            done.append(piece)
        del done[start:]
        return None

    def _at(self, limit: int, done: Iterable[Piece]) -> Meshes:
        """Return new meshes that have run pieces."""
        meshes = self._make()
        for piece in done:
            _run(meshes, limit, piece)
        return meshes


def _run(meshes: Meshes, limit: int, piece: Piece) -> Ends:
    first, second = (mesh.run(limit, piece.cycles_max, piece=piece) for mesh in meshes)
    return first, second


def _retired(mesh: Mesh, agent: int) -> int:
    return mesh.engine.thread(agent).retired


def _retired_max(mesh: Mesh) -> int:
    return max(_retired(mesh, agent) for agent in mesh.agents())


def mesh_divergence_diagnostic(mesh: Mesh, found: MeshDivergence) -> Diagnostic:
    """Return where two engines part: instruction, source line, node and thread, both results."""
    if found.agent is None:
        event = Event("error", exit_code=ExitCode.ENGINES_DIFFER)
        return divergence_diagnostic(str(found.difference), (), None, event)
    text = "no instruction"
    if found.instruction is not None:
        text = format_instruction(found.instruction, found.pc, mesh.description)
    who = agent_of(mesh, found.agent)
    notes = [f"{who}, cycle {found.cycle}, its instruction number {found.retired + 1}"]
    if found.count > 1:
        notes.append(f"only when {found.count} instructions run as a whole")
    return divergence_diagnostic(
        f"`{text}` (pc 0x{found.pc:x})",
        [*notes, str(found.difference)],
        span_at(mesh, found.agent, found.pc),
        Event("error", (who,), found.cycle, found.pc, ExitCode.ENGINES_DIFFER),
    )
