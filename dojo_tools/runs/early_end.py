"""The words for a run that ended before its program halted: where, why, with the source line."""

from pathlib import Path

from dojo_tools.diagnostics import Source, Span, fail, render
from dojo_tools.engines.stop import Stop
from dojo_tools.machine import Machine
from dojo_tools.objects import LineEntry
from dojo_tools.runs.model import RunFile
from dojo_tools.runs.report import Status

SOURCE_BYTES_MAX = 1 << 22


def early_end_message(
    run_file: RunFile, machine: Machine, status: Status, stop: Stop | None
) -> str | None:
    """Return where and why a run ended early, with the source line; None if it halted."""
    if stop is not None and stop.fault is not None:
        place, line = machine.fault_text(stop.fault), machine.line_at(stop.fault.pc)
        return with_excerpt(place, run_file, line)
    if status not in (Status.LIMIT, Status.INTERRUPTED):
        return None
    line = machine.line_at(machine.pc)
    place = "" if line is None else f"{line.file}:{line.line}:{line.column}: "
    retired = machine.run(0).retired
    text = f"{place}{status.value}: {retired} instructions executed, no halt"
    if status is Status.INTERRUPTED:
        text = f"{place}{status.value} after {retired} instructions"
    text += f" (pc 0x{machine.pc:x})"
    if status is Status.LIMIT:
        text += (
            "\nhint: is this loop meant to end? `--max-instructions` or `limits.instructions` "
            "raise the limit"
        )
    return with_excerpt(text, run_file, line)


def over_budget_message(run_file: RunFile) -> str:
    """Return why a run was stopped that took more cycles than it may."""
    return (
        f"error: the run was stopped when it had passed its budget: `limits.cycles` is "
        f"{run_file.cycles_max}\nhint: a run without it says how many cycles it takes"
    )


def with_excerpt(message: str, run_file: RunFile, line: LineEntry | None) -> str:
    """Return a message with the source line and a caret below its first line, if it can be read.

    Only files beside the program's own are opened: an image may name any file of the host.
    """
    excerpt = None if line is None else _excerpt(run_file, line)
    if not excerpt:
        return message
    first, separator, rest = message.partition("\n")
    return f"{first}\n{excerpt}{separator}{rest}"


def _excerpt(run_file: RunFile, line: LineEntry) -> str | None:
    path = Path(line.file)
    folders = {program.parent.resolve() for program in run_file.program}
    try:
        if not any(path.resolve().is_relative_to(folder) for folder in folders):
            return None
        if not path.is_file() or path.stat().st_size > SOURCE_BYTES_MAX:
            return None
        source = Source(line.file, path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    if not 1 <= line.line <= len(source.line_starts):
        return None
    start = source.line_starts[line.line - 1]
    text = source.line_text(line.line)
    if not 1 <= line.column <= len(text):
        return None
    end = start + len(text.partition(";")[0].rstrip())
    start += line.column - 1
    shown = render(fail("", Span(source, start, max(end, start + 1))).diagnostics[0])
    return shown.partition("\n")[2]
