"""How it is told that two engines differ, on one node or on many."""

from collections.abc import Iterable

from dojo_tools.diagnostics import Diagnostic, Event, Note, Severity, Span


def divergence_diagnostic(
    what: str, notes: Iterable[str], span: Span | None, event: Event
) -> Diagnostic:
    """Return that two engines differ in an instruction or something else."""
    return Diagnostic(
        Severity.ERROR,
        f"the engines differ: {what}",
        span,
        "this is a mistake in the tools: please report it",
        tuple(Note(note) for note in notes),
        "engines-differ",
        event,
    )
