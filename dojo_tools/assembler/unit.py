"""A source on its way to an object: its sections, its symbols, and its items in order.

Everything stays symbolic here. The layout gives each item its offset, the output its bytes.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from dojo_tools.assembler.evaluate import Evaluator
from dojo_tools.assembler.expand import Use
from dojo_tools.assembler.macros import root_of
from dojo_tools.assembler.symbols import (
    AssignmentDef,
    CommonDef,
    LabelDef,
    Position,
    SymbolEntry,
    Symbols,
)
from dojo_tools.assembler.tree import (
    Anchor,
    Expression,
    Label,
    LimitPassed,
    Name,
    Number,
    Refused,
)
from dojo_tools.description import DataKind, Description
from dojo_tools.diagnostics import Diagnostic, Note, Report, Source, Span, printable
from dojo_tools.formats import Element
from dojo_tools.objects import Frame, FrameKind, Rectangle, Share

CODE_ALIGNMENT = 4
TENSOR_ALIGNMENT = 64
VALUES_MAX = 1_000_000
"""Data directives may hold so many values that are not plain numbers."""

_SHOWN_STEPS = 4


@dataclass(slots=True)
class SectionState:
    """A section being filled; one that is not `stored` takes space only."""

    name: str
    writable: bool
    executable: bool
    allocated: bool
    stored: bool
    alignment: int = 1
    size: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """The place of a label."""

    name: str


@dataclass(slots=True)
class Words:
    """Instructions with nothing left to decide: each word, and the offset of its statement."""

    source: Source
    words: list[int]
    places: list[int]


@dataclass(frozen=True, slots=True)
class Values:
    """What a data directive stores: integers or addresses, or the codes of floats."""

    kind: DataKind
    expressions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Bytes:
    """The contents of strings."""

    contents: bytes


@dataclass(frozen=True, slots=True)
class Space:
    """`count` times `value` in `width` bytes."""

    count: Expression
    value: Expression
    width: Expression


@dataclass(frozen=True, slots=True)
class Alignment:
    """Space up to a multiple of `alignment` bytes, or of 2 to its power."""

    alignment: Expression
    fill: Expression | None = None
    is_exponent: bool = False


@dataclass(frozen=True, slots=True)
class TensorSpace:
    """Zeros for an array; `names` are the labels just before it."""

    element: Element
    dimensions: tuple[Expression, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TensorShape:
    """The type of an array whose values are written by other directives."""

    name: Name
    element: Element
    dimensions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class SizeOf:
    """The size of a symbol."""

    name: str
    size: Expression


@dataclass(frozen=True, slots=True)
class Origin:
    """Space up to an offset from the start of the section."""

    offset: Expression


@dataclass(frozen=True, slots=True)
class Assertion:
    """What must be true, and what to say if it is not."""

    condition: Expression
    message: str


Content = (
    Use
    | Words
    | Mark
    | AssignmentDef
    | CommonDef
    | Values
    | Bytes
    | Space
    | Alignment
    | TensorSpace
    | TensorShape
    | SizeOf
    | Origin
    | Assertion
)

_TAKES_NOTHING = (AssignmentDef, CommonDef, TensorShape, SizeOf, Assertion)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way to a statement: the include or the use of a macro at `span`."""

    kind: FrameKind
    name: str
    span: Span

    @property
    def note(self) -> Note:
        """The step as a diagnostic shows it."""
        if self.kind is FrameKind.INCLUDE:
            return Note("included from here", self.span)
        return Note(f"in expansion of macro `{self.name}`", self.span)

    @property
    def frame(self) -> Frame:
        """The step as an object keeps it."""
        line, column = self.span.source.position(self.span.start)
        return Frame(self.kind, self.name, self.span.source.name, line, column)


def notes_of(trail: tuple[Step, ...]) -> tuple[Note, ...]:
    """Return the notes that show a trail, the innermost step first; of a long one both ends."""
    if len(trail) <= 2 * _SHOWN_STEPS:
        return tuple(step.note for step in trail)
    left_out = Note(f"... and {len(trail) - 2 * _SHOWN_STEPS} steps more")
    return (*notes_of(trail[:_SHOWN_STEPS]), left_out, *notes_of(trail[-_SHOWN_STEPS:]))


@dataclass(slots=True)
class Item:
    """One thing in the order of the source, and the steps that led to it, innermost first."""

    position: Position
    content: Content
    span: Span
    trail: tuple[Step, ...]
    size: int = 0


class UnitBuilder:
    """Collects the items, sections and symbols of a source.

    `trail` leads to the statement at hand; reports carry it. `reading` evaluates what must be known
    while the source is read, when nothing has an address yet.
    """

    def __init__(self, description: Description, report: Report) -> None:
        self.description = description
        self.report = report
        self.items: list[Item] = []
        self.sections: dict[str, SectionState] = {}
        self.symbols = Symbols()
        self.reading = Evaluator(self.symbols, description.register_names, has_places=False)
        self._trail: tuple[Step, ...] = ()
        self._section: SectionState | None = None
        self.program: str | None = None
        self.placement: list[Rectangle] = []
        self.threads: int | None = None
        self.shares: dict[int, Share] = {}
        self._entered: list[SectionState] = []
        self._run: Words | None = None
        self._value_count = 0
        self._pending: list[Item] = []
        self._reported: set[tuple[str, tuple[object, ...]]] = set()
        self._misplaced: set[str] = set()

    @property
    def trail(self) -> tuple[Step, ...]:
        """The steps that lead to the statement at hand, the innermost first."""
        return self._trail

    @trail.setter
    def trail(self, trail: tuple[Step, ...]) -> None:
        self._trail = trail
        self._run = None

    @property
    def section(self) -> SectionState:
        """The section that statements go to; a source starts in `.text`."""
        if self._section is None:
            self.enter(".text")
        assert self._section is not None
        return self._section

    def enter(self, name: str) -> SectionState:
        """Make a section the current one, and create it by the custom of its name if need be."""
        if name not in self.sections:
            self.sections[name] = _customary_section(name)
        self._section = self.sections[name]
        self._pending.clear()
        self._run = None
        return self._section

    def push_section(self) -> None:
        """Remember the current section."""
        self._entered.append(self.section)

    def pop_section(self, span: Span) -> None:
        """Go back to the section remembered last."""
        if not self._entered:
            raise Refused("no `.pushsection` is left to come back from", span)
        self.enter(self._entered.pop().name)

    def refuse(self, refused: Refused, notes: tuple[Note, ...] | None = None) -> None:
        """Report why a statement can't be used; what was reported before is left out."""
        notes = notes_of(self.trail) if notes is None else notes
        for found in refused.diagnostics:
            assert found.span is not None
            key = (found.message, _place_key(found.span))
            if key not in self._reported:
                self._reported.add(key)
                self.report.add(
                    Diagnostic(
                        found.severity, found.message, found.span, found.hint, found.notes + notes
                    )
                )

    def warn(self, name: str, message: str, span: Span) -> None:
        """Warn at the statement at hand; what was said there before is left out."""
        key = (message, _place_key(span))
        if key not in self._reported:
            self._reported.add(key)
            self.report.warning(name, message, span, notes=notes_of(self.trail))

    def position(self) -> Position:
        """Return the position of the next item."""
        return Position(len(self.items), Anchor(self.section.name))

    def add(self, content: Content, span: Span, position: Position | None = None) -> None:
        """Add an item to the current section; report it if it can't stand there."""
        self._check_place(content, span)
        if isinstance(content, Values):
            self._count_values(content, span)
        self._run = None
        position = position or self.position()
        item = Item(position, content, span, self.trail)
        self.items.append(item)
        if isinstance(content, Mark):
            self._pending.append(item)
        elif not isinstance(content, _TAKES_NOTHING):
            self._pending.clear()

    def add_word(self, word: int, source: Source, place: int) -> None:
        """Add an instruction with nothing left to decide, whose statement begins at `place`."""
        run = self._run
        if run is None or run.source is not source:
            run = Words(source, [], [])
            self.add(run, Span(source, place, place + 1))
            self._run = run
        run.words.append(word)
        run.places.append(place)

    def define_label(self, label: Label) -> None:
        """Define a label here; report a name that is taken."""
        position = self.position()
        definition = LabelDef(position, label.span)
        if label.name[0].isdigit():
            self.symbols.numeric_labels(label.name).append(definition)
        elif not self._is_taken(label.name, label.span):
            self.symbols.entry(label.name).label = definition
        self.add(Mark(label.name), label.span, position)

    def assign(self, name: str, expression: Expression, span: Span) -> None:
        """Give a name a value from here on; report a name that is taken by a label."""
        if self._is_taken(name, span, by_assignment=True):
            return
        definition = AssignmentDef(self.position(), expression, span)
        self.symbols.entry(name).assignments.append(definition)
        self.add(definition, span, definition.position)
        # Assigned one after another, so that a long chain of assignments is never a deep one.
        with suppress(Refused):
            self.reading.assign(definition)

    def define_common(self, name: Name, size: Expression, alignment: Expression) -> None:
        """Reserve memory that the linker allots once for all files that reserve it."""
        self.declare(name)
        if not self._is_taken(name.name, name.span):
            definition = CommonDef(name.name, self.position(), size, alignment, name.span)
            self.symbols.entry(name.name).common = definition
            self.add(definition, name.span, definition.position)

    def define_resource(self, section_name: str, name: Name) -> None:
        """Name a semaphore, barrier or bias register, which the linker numbers."""
        self.declare(name)
        if self._is_taken(name.name, name.span):
            return
        section = self.sections.setdefault(
            section_name, SectionState(section_name, False, False, False, True)
        )
        position = Position(len(self.items), Anchor(section.name))
        self.symbols.entry(name.name).label = LabelDef(position, name.span)
        self.symbols.entry(name.name).size = 1
        self.items.append(Item(position, Bytes(b"\0"), name.span, self.trail))
        self._run = None

    def add_tensor(self, element: Element, dimensions: tuple[Expression, ...], span: Span) -> None:
        """Reserve an array at the labels just before; they move to its alignment."""
        if not self._pending:
            raise Refused(
                "this array has no name", span, "put a label before it: `name: .tensor ...`"
            )
        first = self._pending[0]
        names = tuple(item.content.name for item in self._pending if isinstance(item.content, Mark))
        alignment = Alignment(Number(TENSOR_ALIGNMENT, span))
        position = Position(first.position.index, Anchor(self.section.name))
        place = next(i for i in reversed(range(len(self.items))) if self.items[i] is first)
        self.items.insert(place, Item(position, alignment, span, self.trail))
        self.add(TensorSpace(element, dimensions, names), span)

    def declare(self, name: Name) -> SymbolEntry:
        """Return the entry of a symbol that a directive says something about."""
        if name.name in self.description.register_names:
            raise Refused(f"`{name.name}` is a register, not a symbol", name.span)
        if name.name[0].isdigit():
            raise Refused(f"expected a symbol, found numeric label `{name.name}`", name.span)
        return self.symbols.entry(name.name)

    def _count_values(self, content: Values, span: Span) -> None:
        self._value_count += len(content.expressions)
        if self._value_count > VALUES_MAX:
            raise LimitPassed(f"more than {VALUES_MAX:,} values are to be computed", span)

    def _is_taken(self, name: str, span: Span, by_assignment: bool = False) -> bool:
        """Report a name that can't be defined here."""
        notes: tuple[Note, ...] = ()
        if name in self.description.register_names:
            message = f"`{name}` is a register and can't name anything else"
        elif name == ".":
            message = "`.` is the current address and can't be defined"
        else:
            entry = self.symbols.entry(name)
            if not entry.is_defined or (by_assignment and entry.label is None):
                return False
            message = f"symbol `{name}` is already defined"
            notes = (Note("first defined here", entry.definition_span),)
        refused = Refused(message, span)
        refused.diagnostics = [replace(found, notes=notes) for found in refused.diagnostics]
        self.refuse(refused)
        return True

    def _check_place(self, content: Content, span: Span) -> None:
        section = self.section
        if isinstance(content, Use | Words) and not section.executable:
            # One forgotten directive is one mistake, however many instructions follow.
            if section.name not in self._misplaced:
                name = printable(section.name)
                message = f"instructions can't stand in `{name}`, which is not executable"
                self.report.error(message, span, "write `.text` before them", notes_of(self.trail))
            self._misplaced.add(section.name)
        elif isinstance(content, Use | Words | Values | Bytes) and not section.stored:
            self.report.error(
                f"`{printable(section.name)}` takes space only, no values",
                span,
                "reserve with `.space`, or write `.data` before the values",
                notes_of(self.trail),
            )


def _place_key(span: Span) -> tuple[object, ...]:
    """Return what is alike for the same place, however often it was expanded for one statement."""
    root = root_of(span)
    if root is span:
        return span.source, span.start, span.end
    return span.source.name, *span.source.position(span.start), root.source, root.start


def _customary_section(name: str) -> SectionState:
    """Return a section with the attributes that its name stands for."""
    stem = name.removeprefix(".").partition(".")[0]
    executable = stem == "text"
    writable = stem in ("data", "bss")
    allocated = executable or writable or stem == "rodata"
    alignment = CODE_ALIGNMENT if executable else 1
    return SectionState(name, writable, executable, allocated, stem != "bss", alignment)
