"""How a run failed, as diagnostics: where and why, with the source line where it can be read."""

from dataclasses import replace
from pathlib import Path

from dojo_tools.diagnostics import Diagnostic, Event, Note, Severity, Source, Span
from dojo_tools.engines.lockstep import Divergence
from dojo_tools.engines.stop import Stop
from dojo_tools.machine import Machine
from dojo_tools.machine.machine import ALONE
from dojo_tools.runs.model import RunFile
from dojo_tools.runs.report import EXIT_CODES, FAILURES, OutputResult, Status

SOURCE_BYTES_MAX = 1 << 22
WORD_BYTES = 4


def machine_failure(
    run_file: RunFile,
    machine: Machine,
    status: Status,
    stop: Stop | None,
    divergence: Divergence | None,
) -> Diagnostic | None:
    """Return how a run on one node failed, None if it did not or only checks did."""
    if divergence is not None:
        return machine.divergence_diagnostic(divergence)
    if stop is not None and stop.fault is not None:
        return with_source(machine.fault_diagnostic(stop.fault), run_file)
    result, pc, hint = machine.run(0), machine.pc, None
    match status:
        case Status.HALT_CODE:
            assert stop is not None
            pc -= WORD_BYTES
            message = f"the program halted with code {stop.code}"
            event = Event("error", details={"code": stop.code})
        case Status.LIMIT:
            message = f"{result.retired} instructions executed, no halt (pc 0x{pc:x})"
            event = Event("limit")
            hint = (
                "is this loop meant to end? `--max-instructions` or `limits.instructions` raise "
                "the limit"
            )
        case Status.INTERRUPTED:
            message = f"interrupted after {result.retired} instructions (pc 0x{pc:x})"
            event = Event()
        case _:
            return None
    event = replace(event, agents=(ALONE,), cycle=result.cycles, pc=pc)
    found = failure(status, message, event, machine.program.span_at(pc), hint)
    return with_source(found, run_file)


def budget_failure(run_file: RunFile, cycles: int, was_stopped: bool) -> Diagnostic:
    """Return that a run took more cycles than it may, or was stopped when it had."""
    message = f"{cycles} cycles, `limits.cycles` is {run_file.cycles_max}"
    if was_stopped:
        message = (
            "the run was stopped when it had passed its budget: `limits.cycles` is "
            f"{run_file.cycles_max}"
        )
    hint = "a run without it says how many cycles it takes" if was_stopped else None
    return failure(Status.OVER_BUDGET, message, Event("error", cycle=cycles), hint=hint)


def failed_checks(outputs: tuple[OutputResult, ...]) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each output that is not what it should be."""
    return tuple(_failed_check(output) for output in outputs if not output.passed)


def _failed_check(output: OutputResult) -> Diagnostic:
    head, *details, last = output.found_lines()
    return replace(
        failure(
            Status.CHECK_FAILED,
            f"{head}: {last}",
            Event("error", nodes=output.wrong_nodes, details={"output": output.symbol}),
            output.span,
        ),
        notes=tuple(Note(line.strip()) for line in details),
    )


def failure(
    status: Status,
    message: str,
    event: Event,
    span: Span | None = None,
    hint: str | None = None,
    notes: tuple[Note, ...] = (),
) -> Diagnostic:
    """Return that a run failed in the way of a status, whose name and exit code it gets."""
    event = replace(event, exit_code=EXIT_CODES[status])
    return Diagnostic(Severity.ERROR, message, span, hint, notes, FAILURES[status], event)


def with_source(diagnostic: Diagnostic, run_file: RunFile) -> Diagnostic:
    """Return a diagnostic that shows its source line, if that can be read; notes get their ends.

    Only files beside the program's own are opened: an image may name any file of the host.
    """
    notes = tuple(
        replace(note, span=_unshown(_with_text(run_file, note.span))) for note in diagnostic.notes
    )
    return replace(diagnostic, span=_with_text(run_file, diagnostic.span), notes=notes)


def _with_text(run_file: RunFile, span: Span | None) -> Span | None:
    if span is None or span.source.text:
        return span
    return _read_span(run_file, span) or span


def _unshown(span: Span | None) -> Span | None:
    """Return a place of one line without the text that it is in."""
    if span is None or not span.source.text:
        return span
    place = span.source.position(span.start)
    return Span(Source(span.source.name, "", place), 0, span.end - span.start)


def _read_span(run_file: RunFile, span: Span) -> Span | None:
    """Return a place with the text of its file, up to the end of the statement."""
    path, (number, column) = Path(span.source.name), span.source.origin
    folders = {program.parent.resolve() for program in run_file.program}
    try:
        if not any(path.resolve().is_relative_to(folder) for folder in folders):
            return None
        if not path.is_file() or path.stat().st_size > SOURCE_BYTES_MAX:
            return None
        source = Source(span.source.name, path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    if not 1 <= number <= len(source.line_starts):
        return None
    text = source.line_text(number)
    if not 1 <= column <= len(text):
        return None
    line_start = source.line_starts[number - 1]
    start, end = line_start + column - 1, line_start + len(text.partition(";")[0].rstrip())
    return Span(source, start, max(end, start + 1))
