"""Every instruction that the threads of a mesh execute, in the order of cycle, node and thread.

Threads run ahead of each other, so an entry waits here until nothing earlier can come.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator

from dojo_tools.bits import mask
from dojo_tools.diagnostics import fail
from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.machine.mesh import Mesh
from dojo_tools.machine.mesh_names import agent_name, view_of
from dojo_tools.machine.thread_view import ThreadView
from dojo_tools.machine.tracing import (
    InstructionReader,
    LastInstructions,
    TracedStep,
    TraceEntry,
    Tracer,
    last_entries,
)

WAITING_MAX = 500_000
"""Instructions by which threads may be ahead of each other, all together."""


def last_instructions(
    mesh: Mesh, count: int, show: Callable[[ThreadView], None]
) -> tuple[LastInstructions, ...]:
    """Return what each thread that has begun did last, if as many records are kept.

    `show` chooses the element types in which registers of a thread are shown.
    """
    found: list[LastInstructions] = []
    reader = InstructionReader(mesh.description)
    for agent in mesh.agents():
        thread = mesh.engine.thread(agent)
        if thread.retired:
            shown = ThreadView(thread, mesh.machine.denormals)
            show(shown)
            node = agent >> AGENT_BITS
            entries = last_entries(thread, count, view_of(mesh, node), shown, reader)
            place, number = mesh.place_of(node), agent & mask(AGENT_BITS)
            found.append(LastInstructions(place, number, agent_name(mesh, agent), entries))
    return tuple(found)


class MeshTracer:
    """Watches all threads of a mesh of the reference engine, which has one worker.

    `show` chooses the element types in which registers of a thread are shown.
    """

    def __init__(self, mesh: Mesh, show: Callable[[ThreadView], None]) -> None:
        # The reference engine is loaded where it is used.
        from dojo_tools.engines.reference.mesh import ReferenceMesh  # noqa: PLC0415  see above

        if not isinstance(mesh.engine, ReferenceMesh):
            raise fail("a trace needs the reference engine", hint='ask for engine="reference"')
        assert mesh.workers == 1, "entries are collected by one thread of the host"
        self._mesh = mesh
        self._engine = mesh.engine
        self._show = show
        self._reader = InstructionReader(mesh.description)
        self._tracers: dict[int, Tracer] = {}
        self._numbers = itertools.count()
        self._asking: dict[int, TracedStep] = {}
        self._waiting: list[tuple[int, int, int, TraceEntry]] = []
        mesh.engine.step = self._step

    def take(self, cycle: int, agent: int = 0) -> Iterator[TraceEntry]:
        """Yield what was executed before a cycle, and in it by agents before one, in order.

        Whatever was asked for before that has been answered.
        """
        for asking in [a for a, step in self._asking.items() if (step.cycle, a) < (cycle, agent)]:
            self._answer(asking)
        while self._waiting and self._waiting[0][:2] < (cycle, agent):
            yield heapq.heappop(self._waiting)[-1]

    def _step(self, agent: int) -> Stop:
        """Let a thread execute an instruction, and keep what that did.

        What a thread has asked for is answered before its next instruction, and not now.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise fail(
                f"{agent_name(self._mesh, agent)} is so far ahead of others that a trace in the "
                "order of cycles has no room for it",
                hint="`--max-instructions` or smaller sizes make the run shorter",
            )
        self._answer(agent)
        if agent not in self._tracers:
            self._tracers[agent] = self._tracer(agent)
        tracer = self._tracers[agent]
        step = tracer.begin()
        stop = tracer.thread.run(1)
        step.executed(stop)
        self._asking[agent] = step
        if stop.reason is not StopReason.REQUEST:
            self._answer(agent)
        return stop

    def _answer(self, agent: int) -> None:
        """Complete the last entry of a thread: everything that it changes is there."""
        step = self._asking.pop(agent, None)
        if step is not None:
            entry = step.entry()
            heapq.heappush(self._waiting, (entry.cycle, agent, next(self._numbers), entry))

    def _tracer(self, agent: int) -> Tracer:
        thread = self._engine.thread(agent)
        shown = ThreadView(thread, self._mesh.machine.denormals)
        self._show(shown)
        view = view_of(self._mesh, agent >> AGENT_BITS)
        return Tracer(thread, thread, view, shown, self._reader, agent_name(self._mesh, agent))
