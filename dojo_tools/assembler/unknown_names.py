"""Says more of a name that nothing has: what it resembles, or where it would fit.

The expander knows instructions only; here macros, the directives of blocks and the parameters of an
expansion are known too.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from dojo_tools.assembler.directives import directive_names
from dojo_tools.assembler.macros import REFERENCE, ExpandedSource
from dojo_tools.assembler.structures import FIELD
from dojo_tools.assembler.tree import Command, Refused
from dojo_tools.description import Description
from dojo_tools.diagnostics import HINTS_MAX, Source, Span, did_you_mean, printable

_SHORTER = (".endm", ".endr", ".exitm")
"""What other assemblers write at greater length."""


class UnknownNames:
    """Explains the first wrong names; for more, looking would take too long."""

    def __init__(self, description: Description, block_directives: Iterable[str]) -> None:
        self._mnemonics = description.mnemonics
        self._directives = [*directive_names(description), *sorted(block_directives)]
        self._left = HINTS_MAX

    def explain(
        self, command: Command, refused: Refused, macros: Collection[str], sources: Sequence[Source]
    ) -> Refused:
        """Return why a statement is refused, and if nothing has its name, what is alike."""
        name = command.name
        if name == FIELD:
            hint = "fields stand between `.struct` and `.endstruct`"
            return Refused(f"`{name}` stands outside of a structure", command.name_span, hint)
        is_directive = name.startswith(".")
        known = self._directives if is_directive else self._mnemonics
        if name in known or self._left == 0:
            return refused
        self._left -= 1
        noun = "directive" if is_directive else "instruction"
        noun += " or macro" if macros else ""
        begun = [f"did you mean `{each}`?" for each in _SHORTER if name.startswith(each)]
        similar = begun[0] if begun else did_you_mean(name, [*known, *macros])
        hint = _definition_below(name, sources) or similar
        return Refused(f"unknown {noun} `{name}`", command.name_span, hint)


def explain_reference(refused: Refused) -> Refused:
    """Return why a line is refused; if `\\name` was found in it, what could stand there."""
    diagnostic = refused.diagnostics[0]
    span = diagnostic.span
    match = None if span is None else REFERENCE.match(span.source.text, span.start)
    if span is None or match is None or span.end > span.start + 1:
        return refused  # an escape of a string is longer than the `\` that no line may hold
    span = Span(span.source, span.start, match.end())
    if not isinstance(span.source, ExpandedSource):
        return Refused(f"`{printable(span.text)}` stands for nothing outside of a macro", span)
    parameters = [f"\\{name}" for name in span.source.parameters]
    hint = did_you_mean(span.text, parameters)
    if hint is None and parameters:
        hint = f"there are {', '.join(f'`{name}`' for name in parameters[:8])}"
    return Refused(f"`{printable(span.text)}` is no parameter here", span, hint)


def _definition_below(name: str, sources: Sequence[Source]) -> str | None:
    """Return a hint if a macro is defined after its first use."""
    pattern = re.compile(rf"^[ \t]*\.macro[ \t]+{re.escape(name)}(?![\w.$])", re.MULTILINE)
    for source in sources:
        match = pattern.search(source.text)
        if match is not None:
            place = printable(f"{source.name}:{source.position(match.end())[0]}")
            return f"the macro at {place} is not known before it was read there"
    return None
