"""Executes a run on many nodes, with one engine or with both in turn."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dojo_tools.bits import mask
from dojo_tools.description import Description, MachineDef
from dojo_tools.diagnostics import Diagnostic, Event
from dojo_tools.engines.mesh import AGENT_BITS, LIST_ENGINE, NEVER_CYCLE
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.machine.deadlock import find_deadlock
from dojo_tools.machine.deadlock_report import (
    blocked_notes,
    deadlock_diagnostic,
    deadlock_json,
    ordered_waiters,
)
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd, MeshLine
from dojo_tools.machine.mesh_counters import cycles_by_cause, run_cycles
from dojo_tools.machine.mesh_faults import mesh_fault_diagnostic
from dojo_tools.machine.mesh_names import agent_of, span_at, view_of
from dojo_tools.machine.mesh_pair import compare_meshes
from dojo_tools.machine.mesh_side_by_side import (
    Ends,
    MeshDivergence,
    MeshesDiffer,
    SideBySide,
    mesh_divergence_diagnostic,
)
from dojo_tools.machine.mesh_trace import MeshTracer, last_instructions
from dojo_tools.machine.node_lists import agents_text
from dojo_tools.machine.thread_view import ThreadView
from dojo_tools.objects import Image, LineEntry
from dojo_tools.ranges import numbers_text
from dojo_tools.runs.early_end import budget_failure, failed_checks, failure, with_source
from dojo_tools.runs.host import placed
from dojo_tools.runs.ir_files import ir_writers, write_procedures
from dojo_tools.runs.mesh_host import MeshHost
from dojo_tools.runs.mesh_report import (
    cut_off_warnings,
    left_over_warnings,
    line_text,
    stack_warnings,
    unused_grid_warnings,
)
from dojo_tools.runs.model import RunFile
from dojo_tools.runs.plan import Planner
from dojo_tools.runs.progress import PRINTED_MAX, SLICE_SECONDS, Listener
from dojo_tools.runs.report import OutputResult, RunReport, Status

LINES_KEPT_MAX = 100_000
LINE_MAX = 1 << 16
WORD_BYTES = 4


def execute_on_mesh(
    run_file: RunFile,
    image: Image,
    description: Description,
    definition: MachineDef,
    listener: Listener,
    warnings: list[Diagnostic],
    timing: bool,
    engine: str,
    ir_folder: Path | None = None,
    last: int = 0,
) -> RunReport:
    """Make a run on the nodes of a machine. Raises `InputError` if it can't start."""
    engines = ("reference", "native") if engine == "both" else (engine,)

    def make() -> list[Mesh]:
        return [
            Mesh(
                image,
                description,
                definition,
                engine=name,
                timing=timing,
                at=run_file.grid.at,
                grid=run_file.grid.size,
                workers=1 if listener.traced or engine == "both" else run_file.workers,
                watch=None if ir_folder is None else ir_writers(ir_folder),
                records=last,
            )
            for name in engines
        ]

    def make_ready() -> tuple[Mesh, Mesh]:
        first, second = made = make()
        Planner(MeshHost(made)).plan(run_file)
        return first, second

    with placed(run_file.grid.span):
        meshes = make()
    mesh = meshes[0]
    warnings += cut_off_warnings(mesh)
    warnings += unused_grid_warnings(mesh, run_file.grid.size)
    planner = Planner(MeshHost(meshes))
    plan = planner.plan(run_file)
    warnings += planner.warnings
    if ir_folder is not None:
        write_procedures(ir_folder, meshes[-1])
    tracer = None if listener.traced is None else MeshTracer(mesh, _shows(run_file))
    takers = [_Taker(mesh, listener, tracer), *(_Taker(each, Listener()) for each in meshes[1:])]
    taker = takers[0]
    end, difference = None, None
    try:
        if engine == "both":
            side_by_side = SideBySide((meshes[0], meshes[1]), make_ready)
            ends = _run_both(side_by_side, run_file, listener, takers)
            end = None if ends is None else ends[0]
            difference = None if ends is None else _difference(meshes, ends, takers)
        else:
            end = _run(mesh, run_file, listener, taker)
    except MeshesDiffer as error:
        difference = error.divergence
    outputs: tuple[OutputResult, ...] = ()
    if end is not None and end.reason is EndReason.DONE:
        outputs = plan.results()
        warnings += left_over_warnings(mesh, end)
    plan.save_dumps(run_file.dumps)
    if end is not None and end.reason is not EndReason.FAULT:
        warnings += stack_warnings(mesh)
    status = _status(end, outputs) if difference is None else Status.DIFFERED
    final = end or mesh.end_so_far()
    over_budget = run_file.cycles_max is not None and final.cycles > run_file.cycles_max
    was_stopped = end is not None and difference is None and _is_stopped(end)
    if (status is Status.DONE and over_budget) or was_stopped:
        status = Status.OVER_BUDGET
    pc, line = _place(mesh, final)
    if difference is not None and difference.agent is not None:
        pc, line = (
            difference.pc,
            view_of(mesh, difference.agent >> AGENT_BITS).line_at(difference.pc),
        )
    return RunReport(
        name=run_file.name,
        status=status,
        stop=None if end is None else _stop(end),
        pc=pc,
        line=line,
        failures=(
            *(
                [budget_failure(run_file, final.cycles, was_stopped)]
                if status is Status.OVER_BUDGET
                else _failures(mesh, run_file, status, final, difference)
            ),
            *failed_checks(outputs),
        ),
        retired=final.retired,
        cycles=final.cycles,
        causes=cycles_by_cause(mesh),
        cycles_max=run_file.cycles_max,
        printed="".join(taker.kept),
        is_printed_cut=taker.is_cut,
        inputs=plan.inputs,
        outputs=outputs,
        warnings=tuple(warnings),
        ran=mesh,
        end=final,
        lines=tuple(taker.lines),
        last=last_instructions(mesh, last, _shows(run_file)) if last else (),
    )


# ---- running


def _shows(run_file: RunFile) -> Callable[[ThreadView], None]:
    """Return what chooses how registers of a thread are shown."""

    def show(view: ThreadView) -> None:
        for wish in run_file.shows:
            view.show_as(wish.register, wish.element)

    return show


class _Taker:
    """Takes what threads print and makes lines of it, in the order of cycle, node and thread.

    With a `tracer` what was executed is shown before what it printed.

    A line is complete, and has its cycle, when its end is printed; a single thread's text goes on
    as it is.
    """

    def __init__(self, mesh: Mesh, listener: Listener, tracer: MeshTracer | None = None) -> None:
        self.mesh = mesh
        self._listener = listener
        self._tracer = tracer
        self._is_one = sum(1 for _ in mesh.agents()) == 1
        self._begun: dict[tuple[int, int], str] = {}
        self._size = self._lines_size = 0
        self.kept: list[str] = []
        self.lines: list[MeshLine] = []
        self.is_cut = False

    def take(self, before: int | None = None) -> None:
        """Take what was printed before a cycle, that before which nothing more can be printed."""
        mesh = self.mesh
        settled_cycle = mesh.settled_cycle() if before is None else before
        count = sum(line.cycle < settled_cycle for line in mesh.lines)
        for piece in mesh.lines[:count]:
            self._show_executed(piece.cycle, (piece.node << AGENT_BITS | piece.thread) + 1)
            if self._is_one:
                self._write(piece.text)
            self._complete(piece)
        del mesh.lines[:count]
        self._show_executed(settled_cycle)

    def _show_executed(self, cycle: int, agent: int = 0) -> None:
        """Show what was executed before a cycle, and in it by agents before one."""
        if self._tracer is not None and self._listener.traced is not None:
            for entry in self._tracer.take(cycle, agent):
                self._listener.traced(entry)

    def finish(self) -> None:
        """Take all that is left, begun lines too."""
        self.take(NEVER_CYCLE)
        for (node, thread), text in sorted(self._begun.items()):
            if text:
                self._emit(MeshLine(run_cycles(self.mesh), node, thread, text))
        self._begun.clear()

    def _complete(self, piece: MeshLine) -> None:
        """Emit the lines that a piece of text ends."""
        key = piece.node, piece.thread
        *ended, rest = (self._begun.get(key, "") + piece.text).split("\n")
        for text in ended:
            self._emit(MeshLine(piece.cycle, piece.node, piece.thread, text))
        if len(rest) > LINE_MAX:
            self._emit(MeshLine(piece.cycle, piece.node, piece.thread, rest))
            rest = ""
        self._begun[key] = rest

    def _emit(self, line: MeshLine) -> None:
        if len(self.lines) < LINES_KEPT_MAX and self._lines_size + len(line.text) <= PRINTED_MAX:
            self.lines.append(line)
        self._lines_size += len(line.text)
        if not self._is_one:
            self._write(line_text(self.mesh, line))

    def _write(self, text: str) -> None:
        self._listener.printed(text)
        kept = text[: PRINTED_MAX - self._size]
        self.is_cut |= len(kept) < len(text)
        self._size += len(kept)
        if kept:
            self.kept.append(kept)


class _Budget:
    """The cycles that a run may take; `cycles_max` is where a mesh has to stop for now."""

    def __init__(self, cycles: int | None, mesh: Mesh) -> None:
        self._cycles = cycles
        # What stops the machine within the budget takes effect at the end of its window.
        window = mesh.machine.network.die_latency_cycles
        self.cycles_max = None if cycles is None else cycles + 1 + window

    def is_over(self, mesh: Mesh, end: MeshEnd) -> bool:
        """Return whether a run that has come back is over: it has ended, or passed its budget."""
        if end.reason is not EndReason.LIMIT or end.limited is not None:
            return end.reason is not EndReason.PAUSED
        if self._cycles is None or self.cycles_max is None or mesh.goes_beyond(self._cycles):
            return True
        self.cycles_max *= 2  # only transfers are under way, which count no cycles
        return False


def _run(mesh: Mesh, run_file: RunFile, listener: Listener, taker: _Taker) -> MeshEnd | None:
    """Run a mesh to its end, or past its budget of cycles; return None after Ctrl-C."""
    budget = _Budget(run_file.cycles_max, mesh)
    try:
        while True:
            end = mesh.run(run_file.instructions_max, budget.cycles_max, SLICE_SECONDS)
            if budget.is_over(mesh, end):
                return end
            taker.take()
            listener.progressed(end.retired)
    except KeyboardInterrupt:
        return None
    finally:
        taker.finish()


def _run_both(
    side_by_side: SideBySide, run_file: RunFile, listener: Listener, takers: Sequence[_Taker]
) -> Ends | None:
    """Run two meshes as `_run` does one. Raises `MeshesDiffer`."""
    mesh = takers[0].mesh
    budget = _Budget(run_file.cycles_max, mesh)
    try:
        while True:
            ends = side_by_side.run(run_file.instructions_max, budget.cycles_max)
            if budget.is_over(mesh, ends[0]):
                return ends
            for taker in takers:
                taker.take()
            listener.progressed(ends[0].retired)
    except KeyboardInterrupt:
        return None
    finally:
        for taker in takers:
            taker.finish()


def _difference(
    meshes: Sequence[Mesh], ends: Ends, takers: Sequence[_Taker]
) -> MeshDivergence | None:
    """Return what differs at the end, the printed lines included."""
    printed = takers[0].lines, takers[1].lines
    found = compare_meshes(meshes[0], meshes[1], ends, printed)
    return None if found is None else MeshDivergence(found)


# ---- how it ended


def _is_stopped(end: MeshEnd) -> bool:
    """Return whether a run was stopped because it took more cycles than it may."""
    return end.reason is EndReason.LIMIT and end.limited is None


def _status(end: MeshEnd | None, outputs: tuple[OutputResult, ...]) -> Status:
    if end is None:
        return Status.INTERRUPTED
    match end.reason:
        case EndReason.FAULT:
            return Status.FAULT
        case EndReason.LIMIT:
            return Status.LIMIT
        case EndReason.DEADLOCK:
            return Status.DEADLOCK
        case _ if end.codes:
            return Status.HALT_CODE
        case _ if not all(output.passed for output in outputs):
            return Status.CHECK_FAILED
        case _:
            return Status.DONE


def _stop(end: MeshEnd) -> Stop | None:
    """Return an end as the stop of one thread: the first that halted with a code, or faulted."""
    match end.reason:
        case EndReason.FAULT:
            return Stop(StopReason.FAULT, fault=None if end.fault is None else end.fault.fault)
        case EndReason.LIMIT:
            return Stop(StopReason.LIMIT)
        case EndReason.DONE:
            return Stop(StopReason.HALT, end.codes[min(end.codes)] if end.codes else 0)
        case _:
            return None


def _agent_and_pc(mesh: Mesh, end: MeshEnd) -> tuple[int, int]:
    """Return the agent that an end is about, and its instruction."""
    if end.fault is not None:
        return end.fault.agent, end.fault.fault.pc
    if end.deadlock is not None:
        first = ordered_waiters(end.deadlock)[0]
        return first.agent, first.pc
    agent = end.limited
    if agent is None and end.reason in (EndReason.PAUSED, EndReason.LIMIT):
        agent = next(_doing(mesh, "RUNNING"), None)
    if agent is None:
        agent = min(end.codes) if end.codes else next(mesh.agents())
    return agent, mesh.engine.thread(agent).pc


def _doing(mesh: Mesh, *names: str) -> Iterator[int]:
    """Yield the threads that do one of these, by the names that the procedures have for it."""
    numbers = {mesh.procedures.constant(name) for name in names}
    return (agent for agent in mesh.agents() if mesh.arrays["doing"][agent] in numbers)


def _place(mesh: Mesh, end: MeshEnd) -> tuple[int, LineEntry | None]:
    agent, pc = _agent_and_pc(mesh, end)
    is_list = agent & mask(AGENT_BITS) == LIST_ENGINE
    return pc, None if is_list else view_of(mesh, agent >> AGENT_BITS).line_at(pc)


def _failures(
    mesh: Mesh,
    run_file: RunFile,
    status: Status,
    end: MeshEnd,
    difference: MeshDivergence | None,
) -> list[Diagnostic]:
    """Return where and why a run ended, with the source line; nothing if all is well."""
    match status:
        case Status.DIFFERED if difference is not None:
            return [mesh_divergence_diagnostic(mesh, difference)]
        case Status.FAULT if end.fault is not None:
            found = [mesh_fault_diagnostic(mesh, end.fault)]
        case Status.DEADLOCK if end.deadlock is not None:
            found = [deadlock_diagnostic(mesh, end.deadlock, end.cycles)]
        case Status.LIMIT:
            found = [_limit(mesh, end)]
        case Status.HALT_CODE:
            found = list(_halts(mesh, end))
        case Status.INTERRUPTED:
            found = [_interrupted(mesh, end)]
        case _:
            found = []
    return [with_source(diagnostic, run_file) for diagnostic in found]


def _halts(mesh: Mesh, end: MeshEnd) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each group of threads that halted with a code in the same place."""
    ended = mesh.arrays["ended"]
    groups: dict[tuple[int, int, int], list[int]] = {}
    for agent in sorted(end.codes):
        pc = mesh.engine.thread(agent).pc - WORD_BYTES
        likeness = mesh.program_of[agent >> AGENT_BITS], agent & mask(AGENT_BITS), pc
        groups.setdefault(likeness, []).append(agent)
    for (_, _, pc), group in groups.items():
        agents = tuple(agent_of(mesh, agent) for agent in group)
        codes = [end.codes[agent] for agent in group]
        noun = "code" if len(set(codes)) == 1 else "codes"
        yield failure(
            Status.HALT_CODE,
            f"{agents_text(agents)} halted with {noun} {numbers_text(sorted(set(codes)))}",
            Event("error", agents, ended[group[0]], pc, details={"code": codes[0], "codes": codes}),
            span_at(mesh, group[0], pc),
        )


def _interrupted(mesh: Mesh, end: MeshEnd) -> Diagnostic:
    """Return how far a run came, where one thread stands, and how many wait.

    Only how many: in the middle of an event nobody can say for whom.
    """
    agent, pc = _agent_and_pc(mesh, end)
    who = agent_of(mesh, agent)
    waiting = sum(1 for _ in _doing(mesh, "WAITING", "AT_BARRIER", "AT_LIST"))
    return failure(
        Status.INTERRUPTED,
        f"interrupted after {end.retired} instructions, {end.cycles} cycles: {who} is here (pc "
        f"0x{pc:x}), threads that wait: {waiting}",
        Event(None, (who,), end.cycles, pc),
        span_at(mesh, agent, pc),
    )


def _limit(mesh: Mesh, end: MeshEnd) -> Diagnostic:
    """Return which thread came to the limit, and who waits while it does not end."""
    assert end.limited is not None, "a run that passes its budget of cycles is no limit"
    agent, pc = _agent_and_pc(mesh, end)
    who = agent_of(mesh, agent)
    retired = mesh.engine.thread(agent).retired
    blocked = find_deadlock(mesh)
    return failure(
        Status.LIMIT,
        f"{who}: {retired} instructions executed, no halt (pc 0x{pc:x})",
        Event(
            "limit",
            (who,),
            end.cycles,
            pc,
            details={} if blocked is None else {"blocked": deadlock_json(mesh, blocked)},
        ),
        span_at(mesh, agent, pc),
        "is this loop meant to end? A loop that waits for another thread or node needs a "
        "semaphore or an acquiring load; `--max-instructions` or `limits.instructions` raise the "
        "limit",
        () if blocked is None else tuple(blocked_notes(mesh, blocked)),
    )
