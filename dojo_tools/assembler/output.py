"""Turns a unit whose layout is settled into an object: contents, relocations, lines, symbols."""

import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from math import prod

from dojo_tools.assembler.evaluate import Evaluator, Value, describe
from dojo_tools.assembler.expand import INSTRUCTION_SIZE, Expander, Use
from dojo_tools.assembler.layout import SECTION_SIZE_MAX, measure, read_alignment, read_shape
from dojo_tools.assembler.operands import Code, check_immediate, fit_bits
from dojo_tools.assembler.symbols import TEMPORARY_PREFIX, AssignmentDef, CommonDef, SymbolEntry
from dojo_tools.assembler.tree import Command, Expression, Refused, refuse_together
from dojo_tools.assembler.unit import (
    CODE_ALIGNMENT,
    Alignment,
    Assertion,
    Bytes,
    Item,
    Origin,
    SectionState,
    SizeOf,
    Space,
    TensorShape,
    TensorSpace,
    UnitBuilder,
    Values,
    Words,
    notes_of,
)
from dojo_tools.bits import insert, is_aligned, signed_range, to_unsigned
from dojo_tools.description import (
    DataKind,
    Instruction,
    InstructionDef,
    OperandKind,
    RelocationKind,
    encode,
)
from dojo_tools.diagnostics import Note, Span, printable
from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    Binding,
    Frame,
    FrameKind,
    LineEntry,
    ObjectFile,
    Relocation,
    Section,
    Symbol,
    SymbolKind,
    TensorType,
    Threads,
    Visibility,
)

CONTENTS_SIZE_MAX = 64 << 20


@dataclass(frozen=True, slots=True)
class _Reference:
    """A relocation whose symbol has no index yet: a symbol's name, or the start of a section."""

    section: str
    offset: int
    kind: RelocationKind
    symbol: str
    is_section: bool
    addend: int


class Output:
    """Writes the items of a unit; everything that does not fit is reported."""

    def __init__(self, unit: UnitBuilder, expander: Expander, evaluator: Evaluator) -> None:
        self._unit = unit
        self._expander = expander
        self._evaluator = evaluator
        self._contents = {name: bytearray() for name in unit.sections}
        self._references: list[_Reference] = []
        self._lines: list[LineEntry] = []
        self._tensors: list[tuple[str, str, tuple[int, ...]]] = []
        self._misaligned: set[str] = set()
        self._is_incomplete = unit.report.has_errors

    def write(self, name: str) -> ObjectFile:
        """Return the object; if anything was reported, it is not to be used."""
        self._evaluator.forget()
        stored = sum(s.size for s in self._unit.sections.values() if s.stored)
        if stored > CONTENTS_SIZE_MAX:
            limit = CONTENTS_SIZE_MAX >> 20
            self._unit.report.error(f"all sections together hold more than {limit} MiB")
            return ObjectFile(name)
        for item in self._unit.items:
            try:
                self._write_item(item)
            except Refused as refused:
                self._unit.refuse(refused, notes_of(item.trail))
        if self._unit.report.has_errors:
            return ObjectFile(name)
        symbols, indices = self._symbols()
        return ObjectFile(
            name,
            self._sections({symbol.section for symbol in symbols}),
            symbols,
            tuple(
                Relocation(
                    reference.section,
                    reference.offset,
                    reference.kind.number,
                    indices[reference.symbol, reference.is_section],
                    reference.addend,
                )
                for reference in self._references
            ),
            tuple(self._lines),
            tuple(
                TensorType(indices[symbol, False], element, shape)
                for symbol, element, shape in self._tensors
            ),
            self._unit.program,
            tuple(self._unit.placement),
            self._threads(),
        )

    def _threads(self) -> Threads | None:
        count, shares = self._unit.threads, self._unit.shares
        return None if count is None else Threads(count, tuple(sorted(shares.values())))

    def _write_item(self, item: Item) -> None:
        section = self._unit.sections[item.position.anchor.section]
        try:
            size = measure(item, section, self._evaluator)
        except Refused:
            self._is_incomplete = True
            raise
        contents = self._contents[section.name]
        match item.content:
            case Use() as use:
                self._write_use(use, item)
            case Words() as run:
                self._write_words(run, item, section)
                return
            case Values(kind, expressions):
                contents += self._values(item, kind, expressions)
            case Bytes(encoded):
                contents += encoded
            case Space(_, value, width):
                self._write_space(item, section, size, value, width)
            case Alignment():
                self._write_padding(item, item.content, section, size)
            case TensorSpace(element, dimensions, names):
                shape = read_shape(dimensions, item.position, self._evaluator)
                for name in names:
                    self._set_tensor(name, str(element), shape, size)
                if section.stored:
                    contents += bytes(size)
            case CommonDef():
                self._set_common(item.content, item)
            case Origin():
                if section.stored:
                    contents += bytes(size)
            case Assertion(condition, message):
                if not self._evaluator.number(condition, item.position):
                    raise Refused(message, item.span)
            case TensorShape():
                self._write_shape(item.content, item)
            case SizeOf(name, expression):
                entry = self._unit.symbols.entry(name)
                entry.size = self._evaluator.number(expression, item.position)
                if entry.size < 0:
                    raise Refused(f"the size of `{name}` is negative", expression.span)
            case AssignmentDef():
                self._evaluator.assign(item.content)
            case _:
                pass
        if size and not isinstance(item.content, Alignment):
            self._lines.append(self._line(item, section.name, size))

    # Instructions.

    def _write_words(self, run: Words, item: Item, section: SectionState) -> None:
        offset, source, name = item.position.anchor.offset, run.source, section.name
        if not is_aligned(offset, CODE_ALIGNMENT) or name in self._misaligned:
            self._check_alignment(name, offset, item)
        self._contents[name] += struct.pack(f"<{len(run.words)}I", *run.words)
        frames = tuple([step.frame for step in item.trail])
        file, position_of, add = source.name, source.position, self._lines.append
        for place in run.places:
            line, column = position_of(place)
            add(LineEntry(name, offset, INSTRUCTION_SIZE, file, line, column, frames))
            offset += INSTRUCTION_SIZE

    def _write_use(self, use: Use, item: Item) -> None:
        if use.parts:
            if isinstance(use.form, InstructionDef):
                self._unit.report.warning(
                    "far-branch",
                    f"`{use.form.mnemonic}` does not reach its target: it is replaced by its "
                    "inverse and a jump",
                    use.span,
                    notes=_expansion_notes(use.trail) + notes_of(item.trail),
                )
            for part in use.parts:
                self._write_use(part, item)
            return
        assert isinstance(use.form, InstructionDef)
        try:
            self._write_instruction(use, use.form, item)
        except Refused as refused:
            self._unit.refuse(refused, _expansion_notes(use.trail) + notes_of(item.trail))

    def _write_instruction(self, use: Use, definition: InstructionDef, item: Item) -> None:
        self._check_alignment(use.anchor.section, use.anchor.offset, item)
        self._contents[use.anchor.section] += self._encode(use, definition, item)

    def _check_alignment(self, section: str, offset: int, item: Item) -> None:
        """Report the first of instructions that stand at odd places, unless a mistake moved it."""
        if is_aligned(offset, CODE_ALIGNMENT):
            self._misaligned.discard(section)
        elif section not in self._misaligned and not self._is_incomplete:
            self._misaligned.add(section)
            self._unit.report.error(
                f"this instruction stands at offset {offset}, not a multiple of {CODE_ALIGNMENT}",
                item.span,
                f"write `.align {CODE_ALIGNMENT}` before it",
                notes_of(item.trail),
            )

    def _encode(self, use: Use, definition: InstructionDef, item: Item) -> bytes:
        values: list[int] = []
        problems: list[Refused] = []
        for kind in definition.operands:
            argument = use.arguments[kind.name]
            if isinstance(argument, Code):
                values.append(argument.number)
                continue
            try:
                values.append(self._immediate(kind, argument, use, item))
            except Refused as refused:
                problems.append(refused)
        refuse_together(problems)
        word = encode(Instruction(definition, tuple(values)))
        return word.to_bytes(INSTRUCTION_SIZE, "little")

    def _immediate(self, kind: OperandKind, expression: Expression, use: Use, item: Item) -> int:
        """Return the number to encode; 0 where the linker will write it."""
        value = self._evaluator.value(expression, item.position)
        number = value.number
        if kind.pc_relative:
            if value.is_number:
                raise Refused(
                    f"expected a target, found {describe(value)}",
                    expression.span,
                    f"write `. + {number}` for a distance in bytes",
                )
            offset = self._evaluator.fixed_offset(value, use.anchor.section)
            if offset is None:
                self._refer(
                    value, kind.relocation, use.anchor.section, use.anchor.offset, expression.span
                )
                return 0
            number = offset - use.anchor.offset
        elif not value.is_number:
            self._refer(
                value, kind.relocation, use.anchor.section, use.anchor.offset, expression.span
            )
            return 0
        check_immediate(kind, number, expression.span)
        return number

    def _refer(
        self, value: Value, kind: RelocationKind | None, section: str, offset: int, span: Span
    ) -> None:
        """Note that the linker is to write an address; raises `Refused` if it can't here."""
        if value.node is not None:
            kind = self._node_relocation(kind, value, span)
        if kind is None:
            raise Refused(f"expected a number, found {describe(value)}", span)
        symbol, addend = value.symbol, value.number
        if symbol is None:
            assert value.section is not None
            reference = _Reference(section, offset, kind, value.section, True, addend)
        elif value.node is not None:
            self._unit.symbols.entry(symbol)  # which any program may define
            addend = _node_addend(addend, value.node, span)
            reference = _Reference(section, offset, kind, symbol, False, addend)
        else:
            label = self._unit.symbols.entry(symbol).label
            addend -= label.position.anchor.offset if label is not None else 0
            reference = _Reference(section, offset, kind, symbol, False, addend)
        self._references.append(reference)

    def _node_relocation(
        self, kind: RelocationKind | None, value: Value, span: Span
    ) -> RelocationKind:
        """Return how an address on another node is written; raises `Refused` where it can't be."""
        relocations = self._unit.description.relocations.values()
        found = next((relocation for relocation in relocations if relocation.on_node), None)
        if found is None or kind is None or kind.pc_relative or kind.size != found.size:
            raise Refused(
                f"{describe(value)} has 64 bits", span, "store it with `.dword`, and load it"
            )
        return found

    # Data.

    def _values(self, item: Item, kind: DataKind, expressions: tuple[Expression, ...]) -> bytes:
        anchor, size = item.position.anchor, kind.type.width // 8
        encoded = bytearray()
        problems: list[Refused] = []
        for expression in expressions:
            number = 0
            try:
                value = self._evaluator.value(expression, item.position)
                if value.is_number:
                    number = fit_bits(value.number, kind.type.width, expression.span)
                else:
                    offset = anchor.offset + len(encoded)
                    self._refer(value, kind.relocation, anchor.section, offset, expression.span)
            except Refused as refused:
                problems.append(refused)
            encoded += number.to_bytes(size, "little")
        refuse_together(problems)
        return bytes(encoded)

    def _write_space(
        self, item: Item, section: SectionState, size: int, value: Expression, width: Expression
    ) -> None:
        each = self._evaluator.number(width, item.position)
        number = fit_bits(self._evaluator.number(value, item.position), each * 8, value.span)
        if section.stored:
            pattern = number.to_bytes(each, "little")
            self._contents[section.name] += pattern * (size // each)
        elif number:
            raise Refused(
                f"`{printable(section.name)}` takes space only, its bytes are zero", value.span
            )

    def _write_padding(
        self, item: Item, content: Alignment, section: SectionState, size: int
    ) -> None:
        if content.fill is not None:
            number = self._evaluator.number(content.fill, item.position)
            pattern = bytes([fit_bits(number, 8, content.fill.span)])
            if not section.stored and pattern != b"\0":
                raise Refused(
                    f"`{printable(section.name)}` takes space only, its bytes are zero",
                    content.fill.span,
                )
            padding = pattern * size
        else:
            padding = self._default_padding(item, section, size)
        if section.stored:
            self._contents[section.name] += padding

    def _default_padding(self, item: Item, section: SectionState, size: int) -> bytes:
        """Return instructions that do nothing in code, zeros elsewhere."""
        mnemonic = self._unit.description.padding
        if not section.executable or not mnemonic or size < INSTRUCTION_SIZE:
            return bytes(size)
        command = Command(mnemonic, (), item.span, item.span)
        use = self._expander.use(command, item.position.anchor)
        assert isinstance(use.form, InstructionDef)
        word = self._encode(use, use.form, item)
        return bytes(size % INSTRUCTION_SIZE) + word * (size // INSTRUCTION_SIZE)

    def _set_common(self, common: CommonDef, item: Item) -> None:
        size = self._evaluator.number(common.size, item.position)
        if not 0 <= size <= SECTION_SIZE_MAX:
            limits = f"0..{SECTION_SIZE_MAX}"
            raise Refused(f"size {size} does not fit in the range {limits}", common.size.span)
        entry = self._unit.symbols.entry(common.name)
        entry.size = size
        entry.alignment = read_alignment(
            Alignment(common.alignment), item.position, self._evaluator
        )

    # Arrays.

    def _set_tensor(self, name: str, element: str, shape: tuple[int, ...], size: int) -> None:
        if name[0].isdigit():
            return
        entry = self._unit.symbols.entry(name)
        entry.kind = SymbolKind.OBJECT
        entry.size = size if entry.size is None else entry.size
        self._tensors.append((name, element, shape))

    def _write_shape(self, content: TensorShape, item: Item) -> None:
        name = content.name.name
        shape = read_shape(content.dimensions, item.position, self._evaluator)
        size = prod(shape) * content.element.width // 8
        label = self._unit.symbols.entry(name).label
        if label is None:
            raise Refused(f"`{name}` is not a label of this file", content.name.span)
        section = self._unit.sections[label.position.anchor.section]
        rest = section.size - label.position.anchor.offset
        if size > rest:
            raise Refused(
                f"this array takes {size} bytes, but its section ends {rest} bytes after `{name}`",
                item.span,
            )
        self._set_tensor(name, str(content.element), shape, size)

    # Sections, lines, symbols.

    def _sections(self, with_symbols: Container[str | None]) -> tuple[Section, ...]:
        """Return the sections, without those in which there is nothing."""
        states = self._unit.sections.values()
        assert all(len(self._contents[s.name]) == (s.size if s.stored else 0) for s in states)
        return tuple(
            Section(
                state.name,
                state.writable,
                state.executable,
                state.allocated,
                state.alignment,
                bytes(self._contents[state.name]),
                state.size,
            )
            for state in states
            if state.size or state.name in with_symbols
        )

    def _line(self, item: Item, section: str, size: int) -> LineEntry:
        source = item.span.source
        line, column = source.position(item.span.start)
        frames = [step.frame for step in item.trail]
        if isinstance(item.content, Use) and item.content.parts:
            name = item.content.form.mnemonic
            frames.insert(0, Frame(FrameKind.EXPANSION, name, source.name, line, column))
        offset = item.position.anchor.offset
        return LineEntry(section, offset, size, source.name, line, column, tuple(frames))

    def _symbols(self) -> tuple[tuple[Symbol, ...], dict[tuple[str, bool], int]]:
        """Return the symbols that the object keeps, and their indices."""
        needed = {(reference.symbol, reference.is_section) for reference in self._references}
        needed |= {(symbol, False) for symbol, _, _ in self._tensors}
        symbols: list[Symbol] = []
        indices: dict[tuple[str, bool], int] = {}
        for name in self._unit.sections:
            if (name, True) in needed:
                indices[name, True] = len(symbols)
                symbols.append(Symbol(name, name))
        for entry in self._unit.symbols.entries.values():
            for symbol in self._symbol(entry, (entry.name, False) in needed):
                indices[entry.name, False] = len(symbols)
                symbols.append(symbol)
        return tuple(symbols), indices

    def _symbol(self, entry: SymbolEntry, is_needed: bool) -> Iterator[Symbol]:
        """Yield the symbol of an entry if the object keeps it."""
        name = entry.name
        binding = entry.binding or Binding.LOCAL
        visibility = Visibility.HIDDEN if entry.is_hidden else Visibility.DEFAULT
        if entry.label is not None:
            if is_needed or binding is not Binding.LOCAL or not name.startswith(TEMPORARY_PREFIX):
                anchor = entry.label.position.anchor
                size = entry.size or 0
                yield Symbol(
                    name, anchor.section, anchor.offset, size, binding, entry.kind, visibility
                )
        elif entry.assignments:
            if name.startswith(TEMPORARY_PREFIX) and not is_needed:
                return
            value = self._evaluator.assign(entry.assignments[-1])
            section = ABSOLUTE if value.is_number else value.section
            if section is not None:
                number = to_unsigned(value.number, 64)
                size = entry.size or 0
                yield Symbol(name, section, number, size, binding, entry.kind, visibility)
        elif entry.common is not None:
            size = entry.size or 0
            yield Symbol(
                name, COMMON, entry.alignment, size, Binding.GLOBAL, SymbolKind.OBJECT, visibility
            )
        elif is_needed:
            binding = Binding.WEAK if binding is Binding.WEAK else Binding.GLOBAL
            yield Symbol(name, None, 0, 0, binding, entry.kind, visibility)


def _node_addend(addend: int, node: tuple[int, int], span: Span) -> int:
    """Return the addend of an address on a node: the node's bits, and 32 bits of offset."""
    low, high = signed_range(32)
    if not low <= addend <= high:
        raise Refused(f"offset {addend} does not fit in 32 bits", span)
    x, y = node
    return insert(insert(insert(to_unsigned(addend, 32), 43, 32, x), 55, 44, y), 63, 60, 1)


def _expansion_notes(trail: tuple[str, ...]) -> tuple[Note, ...]:
    return tuple(Note(f"in expansion of `{mnemonic}`") for mnemonic in reversed(trail))
