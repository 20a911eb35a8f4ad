"""The symbols of a source: labels, assignments, what is declared about them, numeric labels."""

from dataclasses import dataclass, field

from dojo_tools.assembler.tree import Anchor, Expression
from dojo_tools.diagnostics import Span
from dojo_tools.objects import Binding, SymbolKind

TEMPORARY_PREFIX = ".L"
"""Labels that start so are left out of the object."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of statements, and where it comes to stand."""

    index: int
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class LabelDef:
    """A label: what stands at `position`."""

    position: Position
    span: Span


@dataclass(frozen=True, slots=True)
class AssignmentDef:
    """One of the assignments to a name; it holds from its position on."""

    position: Position
    expression: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class CommonDef:
    """Memory that all files with this name share; size and alignment in bytes."""

    name: str
    position: Position
    size: Expression
    alignment: Expression
    span: Span


@dataclass(slots=True)
class SymbolEntry:
    """Everything said about a name: a label, assigned, common memory, or defined elsewhere."""

    name: str
    label: LabelDef | None = None
    assignments: list[AssignmentDef] = field(default_factory=list[AssignmentDef])
    common: CommonDef | None = None
    binding: Binding | None = None
    is_external: bool = False
    is_hidden: bool = False
    kind: SymbolKind = SymbolKind.NONE
    size: int | None = None
    alignment: int = 1

    @property
    def is_defined(self) -> bool:
        """Whether this source gives the name a meaning."""
        return self.label is not None or bool(self.assignments) or self.common is not None

    @property
    def is_declared(self) -> bool:
        """Whether another file may define the name: `.extern`, `.global` or `.weak` says so."""
        if self.is_external or self.common is not None:
            return True
        return self.binding in (Binding.GLOBAL, Binding.WEAK)

    @property
    def definition_span(self) -> Span | None:
        """Where the name was first defined."""
        if self.label is not None:
            return self.label.span
        if self.common is not None:
            return self.common.span
        return self.assignments[0].span if self.assignments else None


@dataclass(slots=True)
class Symbols:
    """All names in the order in which they were first mentioned, and all numeric labels."""

    entries: dict[str, SymbolEntry] = field(default_factory=dict[str, SymbolEntry])
    numeric: dict[str, list[LabelDef]] = field(default_factory=dict[str, list[LabelDef]])

    def entry(self, name: str) -> SymbolEntry:
        """Return what is known of a name, from now on to be filled in."""
        entry = self.entries.get(name)
        if entry is None:
            entry = self.entries[name] = SymbolEntry(name)
        return entry

    def numeric_labels(self, number: str) -> list[LabelDef]:
        """Return the labels of a number in the order of the source, from now on to be added to."""
        return self.numeric.setdefault(number.lstrip("0"), [])

    def defined_names(self) -> list[str]:
        """Return every name with a meaning."""
        return [name for name, entry in self.entries.items() if entry.is_defined]
