"""The warnings by name, and what a user makes of each: nothing, a warning or an error."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dojo_tools.diagnostics import Diagnostic, Severity, did_you_mean, fail


@dataclass(frozen=True, slots=True)
class WarningKind:
    """A kind of warning; one that is not `is_on` must be asked for."""

    name: str
    sentence: str
    is_on: bool = True


WARNINGS = (
    WarningKind("far-branch", "A conditional branch does not reach its target and becomes two."),
    WarningKind("branch-into-data", "A branch or jump leads to something that is no instruction."),
    WarningKind("misaligned-data", "A value is not stored at a multiple of its size."),
    WarningKind("suspicious-width", "A float becomes infinity or zero in the type that stores it."),
    WarningKind("saturation", "A number is beyond its CFloat type, and another is stored."),
    WarningKind("user", "A source says `.warning`."),
    WarningKind("unused-label", "Nothing refers to a local label of code.", is_on=False),
    WarningKind("unused-macro", "A macro is defined and never used.", is_on=False),
)
ALL = "all"


@dataclass(frozen=True, slots=True)
class WarningOptions:
    """Which warnings are shown, by name, and which of those are errors.

    A name that the table lacks is shown, and an error where all are.
    """

    silent: frozenset[str] = frozenset(w.name for w in WARNINGS if not w.is_on)
    errors: frozenset[str] = frozenset()
    shows_none: bool = False
    are_errors: bool = False

    def apply(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return diagnostics as the user wants them: left out, as they are, or as errors."""
        return [
            replace(d, severity=Severity.ERROR) if self._is_error(d) else d
            for d in diagnostics
            if d.severity is Severity.ERROR or self._is_shown(d) or self._is_error(d)
        ]

    def _is_shown(self, diagnostic: Diagnostic) -> bool:
        return not self.shows_none and diagnostic.name not in self.silent

    def _is_error(self, diagnostic: Diagnostic) -> bool:
        if diagnostic.name in self.errors:
            return True
        return self.are_errors and self._is_shown(diagnostic)


def read_warning_options(words: Sequence[str], shows_none: bool = False) -> WarningOptions:
    """Return what `-W` options ask for; later ones win.

    Words are `NAME`, `no-NAME`, `error`, `no-error`, `error=NAME`, `no-error=NAME`, where a name is
    one of the table or `all`. Raises `InputError` for other words.
    """
    silent, errors = set(WarningOptions().silent), set[str]()
    are_errors = False
    for word in words:
        if word in ("error", "no-error"):
            are_errors = word == "error"
        elif word.startswith("error="):
            names = _names(word.removeprefix("error="), word)
            errors |= names
            silent -= names
        elif word.startswith("no-error="):
            errors -= _names(word.removeprefix("no-error="), word)
        elif word.startswith("no-"):
            names = _names(word.removeprefix("no-"), word)
            silent |= names
            errors -= names
        else:
            silent -= _names(word, word)
    return WarningOptions(frozenset(silent), frozenset(errors), shows_none, are_errors)


def _names(name: str, word: str) -> set[str]:
    known = [warning.name for warning in WARNINGS]
    if name == ALL:
        return set(known)
    if name not in known:
        hint = did_you_mean(name, [*known, ALL]) or "`--warnings` lists them"
        raise fail(f"-W {word}: there is no warning `{name}`", hint=hint)
    return {name}
