"""Executes a run: loads, puts tensors in, runs, takes tensors out and checks them.

A run takes place on one of two machines. `Machine`, a node by itself that starts fastest, has those
of one node whose code asks for nothing: no instruction in an executable segment of the image has a
meaning with an interaction. Everything else runs on a `Mesh`: several nodes, several programs, and
a node whose code has semaphores, barriers, transfers, atomics or threads.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dojo_tools.description import Description, MachineDef, load_machine
from dojo_tools.diagnostics import Diagnostic, InputError
from dojo_tools.engines.lockstep import EnginesDiffer
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.machine import Machine, load_program
from dojo_tools.machine.program_code import makes_requests
from dojo_tools.objects import Image
from dojo_tools.runs.early_end import budget_failure, failed_checks, machine_failure
from dojo_tools.runs.ir_files import ir_writer
from dojo_tools.runs.model import Grid, RunFile
from dojo_tools.runs.progress import Listener, Progress
from dojo_tools.runs.report import OutputResult, RunReport, Status

if TYPE_CHECKING:
    from dojo_tools.runs.plan import Plan


def execute_run(
    run_file: RunFile,
    description: Description,
    listener: Listener | None = None,
    *,
    timing: bool | None = None,
    engine: str | None = None,
    ir_folder: Path | None = None,
    last: int = 0,
) -> RunReport:
    """Make a run and return what came of it; a fault, a limit or Ctrl-C are outcomes too.

    With `timing` off each instruction takes one cycle. `engine` is as in `Machine`; both are those
    of the run file unless given here. A run that is traced takes the reference, which only can
    be. `ir_folder` gets the IR of what the native engine translates. The report has
    the `last` instructions of each thread.

    Raises `InputError` if the run can't start, with the mistakes that the run file was read with
    and all others; `OSError` for files that can't be read or written.
    """
    mistakes = run_file.mistakes
    if mistakes.found and not mistakes.has_program:
        raise InputError(mistakes.found, mistakes.omitted_count)
    listener = listener or Listener()
    if engine is None:
        engine = run_file.engine if listener.traced is None else "reference"
    timing = run_file.timing if timing is None else timing
    chosen = replace(run_file, timing=timing, engine=engine or "native")
    try:
        return _execute_run(chosen, description, listener, ir_folder, last)
    except InputError as error:
        omitted_count = mistakes.omitted_count + error.omitted_count
        raise InputError(_in_order(run_file, error), omitted_count) from None


def _in_order(run_file: RunFile, error: InputError) -> list[Diagnostic]:
    """Return the mistakes of a run file and an error's, those in the file first, from its top."""

    def place(found: Diagnostic) -> tuple[bool, int]:
        is_here = found.span is not None and found.span.source.name == run_file.name
        return not is_here, found.span.start if is_here and found.span is not None else 0

    return sorted((*run_file.mistakes.found, *error.diagnostics), key=place)


def _execute_run(
    run_file: RunFile,
    description: Description,
    listener: Listener,
    ir_folder: Path | None,
    last: int,
) -> RunReport:
    warnings: list[Diagnostic] = []
    definition = load_machine(run_file.machine, [unit.name for unit in description.units])
    image = load_program(
        run_file.program,
        description,
        defines=run_file.defines,
        machine=definition,
        warnings=warnings,
    )
    engine, timing = run_file.engine or "native", run_file.timing
    if not _fits_machine(image, description, definition, run_file.grid):
        # The mesh takes 100 ms to load, with numpy, and a run on one node needs none of it.
        from dojo_tools.runs.execute_mesh import execute_on_mesh  # noqa: PLC0415  see above

        return execute_on_mesh(
            run_file,
            image,
            description,
            definition,
            listener,
            warnings,
            timing,
            engine,
            ir_folder,
            last,
        )
    watch = None if ir_folder is None else ir_writer(ir_folder, lambda: machine.program)
    machine = Machine(
        image, description, definition, timing=timing, engine=engine, watch=watch, records=last
    )
    return _execute(run_file, machine, listener, warnings, last)


def _fits_machine(
    image: Image, description: Description, definition: MachineDef, grid: Grid
) -> bool:
    """Return whether a run needs no mesh; see the module's docstring."""
    placed = any(program.placement for program in image.programs)
    nodes = definition.grid.width, definition.grid.height
    if len(image.programs) > 1 or placed or (grid.size or nodes) != (1, 1) or grid.at != (0, 0):
        return False
    return nodes == (1, 1) and not makes_requests(image, description)


def _execute(
    run_file: RunFile,
    machine: Machine,
    listener: Listener,
    warnings: list[Diagnostic],
    last: int,
) -> RunReport:
    plan = _plan(run_file, machine, warnings)
    progress = Progress(machine, listener)
    stop, divergence = None, None
    try:
        stop = progress.run(run_file.instructions_max, run_file.cycles_max)
    except EnginesDiffer as error:
        divergence = error.divergence
    outputs: tuple[OutputResult, ...] = ()
    if plan is not None and stop is not None and stop.reason is StopReason.HALT:
        outputs = plan.results()
    if plan is not None:
        plan.save_dumps(run_file.dumps)
    if stop is not None and stop.reason is not StopReason.FAULT:
        warnings += machine.stack_warnings()
    final = machine.run(0)
    status = _status(stop, outputs) if divergence is None else Status.DIFFERED
    over_budget = run_file.cycles_max is not None and final.cycles > run_file.cycles_max
    if (status is Status.DONE and over_budget) or progress.is_over_budget:
        status = Status.OVER_BUDGET
    pc = machine.pc if stop is None or stop.fault is None else stop.fault.pc
    if divergence is not None:
        pc = divergence.pc
    found = machine_failure(run_file, machine, status, stop, divergence)
    if status is Status.OVER_BUDGET:
        found = budget_failure(run_file, final.cycles, progress.is_over_budget)
    return RunReport(
        name=run_file.name,
        status=status,
        stop=stop,
        pc=pc,
        line=machine.line_at(pc),
        failures=(*(() if found is None else (found,)), *failed_checks(outputs)),
        retired=final.retired,
        cycles=final.cycles,
        causes={cause.value: count for cause, count in final.causes.items()},
        cycles_max=run_file.cycles_max,
        printed="".join(progress.kept),
        is_printed_cut=progress.is_cut,
        inputs=() if plan is None else plan.inputs,
        outputs=outputs,
        warnings=tuple(warnings),
        ran=machine,
        last=(machine.last_instructions(last),) if last else (),
    )


def _plan(run_file: RunFile, machine: Machine, warnings: list[Diagnostic]) -> "Plan | None":
    """Put in what the run wishes for; return None if it has no tensors and no arguments."""
    wishes = (run_file.inputs, run_file.outputs, run_file.arguments, run_file.shows, run_file.dumps)
    if not any(wishes) and not run_file.mistakes.found:
        return None
    # numpy takes 80 ms to load, and a run without tensors needs none of it.
    from dojo_tools.runs.host import MachineHost  # noqa: PLC0415  see above
    from dojo_tools.runs.plan import Planner  # noqa: PLC0415  see above

    planner = Planner(MachineHost(machine))
    plan = planner.plan(run_file)
    warnings += planner.warnings
    return plan


def _status(stop: Stop | None, outputs: tuple[OutputResult, ...]) -> Status:
    if stop is None:
        return Status.INTERRUPTED
    match stop.reason:
        case StopReason.FAULT:
            return Status.FAULT
        case StopReason.LIMIT:
            return Status.LIMIT
        case _ if stop.code:
            return Status.HALT_CODE
        case _ if not all(output.passed for output in outputs):
            return Status.CHECK_FAILED
        case _:
            return Status.DONE
