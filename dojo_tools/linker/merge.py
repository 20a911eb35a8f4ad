"""`-r`: several objects become one, which is linked later as they would have been.

Sections are merged by name and rights like in a link, symbols that objects share are settled, and
all that points into sections moves with them. Nothing gets an address, and what is undefined stays
so. Of two sections of one name with other rights the later is called `name.2` from here on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dojo_tools.bits import align_up
from dojo_tools.description import RelocationKind
from dojo_tools.diagnostics import Report, fail, printable
from dojo_tools.linker.inputs import Input, Selection, select, wrap_symbols
from dojo_tools.linker.layout import Group, Parts, SectionKey, name_sections, order_sections
from dojo_tools.linker.options import FILE_SIZE_MAX, LinkOptions
from dojo_tools.linker.places import Places
from dojo_tools.linker.symbols import Definition, find_definitions
from dojo_tools.linker.threads import join_threads
from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    Binding,
    LineEntry,
    ObjectFile,
    Rectangle,
    Relocation,
    Section,
    Symbol,
    TensorType,
    Visibility,
)

BSS_SIZE_MAX = 1 << 40
"""How many bytes a merged section may have that are not in the file."""

_Moved = dict[SectionKey, tuple[str, int]]
"""The merged section that a section became part of, and where in it."""


def merge_files(
    files: Sequence[Input],
    kinds: Mapping[int, RelocationKind],
    options: LinkOptions,
    name: str,
) -> ObjectFile:
    """Return the object that objects, and what they need of archives, make.

    Of the options `undefined` and `wrap` count. Raises `InputError` with all problems.
    """
    files = [wrap_symbols(file, options.wrap) for file in files]
    program = _find_program(files)
    selection = Selection()
    for wanted in options.undefined:
        selection.need(wanted, "the command line")
    select(files, selection, (program,), kinds)
    objects = selection.objects
    report = Report()
    definitions = find_definitions(objects, Places(objects), report)
    threads = join_threads(objects, report)
    report.stop_if_errors()
    sections, moved = _merge_sections(objects, name)
    symbols, meanings = _merge_symbols(objects, definitions, moved)
    return ObjectFile(
        name=name,
        sections=sections,
        symbols=symbols,
        relocations=_move_relocations(objects, meanings, moved),
        lines=_move_lines(objects, moved),
        tensors=_move_tensors(objects, definitions, meanings),
        program=program,
        placement=_join_placements(objects),
        threads=threads,
    )


def _find_program(files: Sequence[Input]) -> str | None:
    """Return the program that all objects are part of."""
    objects = [file for file in files if isinstance(file, ObjectFile)]
    for file in objects[1:]:
        if file.program != objects[0].program:
            one, two = (
                f"{printable(f.name)} is part of "
                + ("no program" if f.program is None else f"program `{printable(f.program)}`")
                for f in (objects[0], file)
            )
            raise fail(f"{one}, {two}: one object can't be both")
    return objects[0].program if objects else None


def _join_placements(objects: Sequence[ObjectFile]) -> tuple[Rectangle, ...]:
    return tuple(dict.fromkeys(place for file in objects for place in file.placement))


def _merge_sections(objects: Sequence[ObjectFile], name: str) -> tuple[tuple[Section, ...], _Moved]:
    merged: dict[tuple[str, bool, bool, bool], Parts] = {}
    for index, file in enumerate(objects):
        for section in file.sections:
            rights = (section.allocated, section.writable, section.executable)
            merged.setdefault((section.name, *rights), []).append((index, section))
    named = name_sections(merged, set())
    placed = {unique: parts for unique, parts in named.items() if parts[0][1].allocated}
    # In the order in which a link places them, which the later link then keeps.
    ordered = [found for group in Group for found in order_sections(placed, group)]
    ordered += [(unique, parts) for unique, parts in named.items() if unique not in placed]
    moved: _Moved = {}
    sections = tuple(_merge_parts(unique, parts, moved, name) for unique, parts in ordered)
    return sections, moved


def _merge_parts(unique: str, parts: Parts, moved: _Moved, name: str) -> Section:
    """Return one section of several, and note where each went."""
    size = 0
    for index, section in parts:
        start = align_up(size, section.alignment)
        moved[index, section.name] = unique, start
        size = start + section.size
    has_contents = any(section.contents for _, section in parts)
    if size > (FILE_SIZE_MAX if has_contents else BSS_SIZE_MAX):
        raise fail(f"{printable(name)}: section `{printable(unique)}` would have {size} bytes")
    contents = bytearray(size if has_contents else 0)
    for index, section in parts:
        start = moved[index, section.name][1]
        contents[start : start + len(section.contents)] = section.contents
    alignment = max(section.alignment for _, section in parts)
    return replace(
        parts[0][1], name=unique, alignment=alignment, contents=bytes(contents), size=size
    )


@dataclass(frozen=True, slots=True)
class _Meanings:
    """Where symbols of objects are among the merged: locals by their indices, others by name."""

    locals: Mapping[tuple[int, int], int]
    shared: Mapping[str, int]

    def find(self, objects: Sequence[ObjectFile], index: int, symbol: int) -> int:
        found = objects[index].symbols[symbol]
        if found.binding is Binding.LOCAL:
            return self.locals[index, symbol]
        return self.shared[found.name]


def _merge_symbols(
    objects: Sequence[ObjectFile], definitions: Mapping[str, Definition], moved: _Moved
) -> tuple[tuple[Symbol, ...], _Meanings]:
    """Return the locals of all objects, what they share, and what all of them lack."""
    symbols: list[Symbol] = []
    locals_: dict[tuple[int, int], int] = {}
    missing: dict[str, Symbol] = {}
    for index, file in enumerate(objects):
        for number, symbol in enumerate(file.symbols):
            if symbol.binding is Binding.LOCAL:
                locals_[index, number] = len(symbols)
                symbols.append(_move_symbol(index, symbol, moved))
            elif symbol.name not in definitions:
                known = missing.get(symbol.name)
                missing[symbol.name] = symbol if known is None else _need_more(known, symbol)
    shared: dict[str, int] = {}
    for name, definition in definitions.items():
        shared[name] = len(symbols)
        assert definition.object_index is not None
        symbols.append(_move_symbol(definition.object_index, definition.symbol, moved))
    for name, symbol in missing.items():
        shared[name] = len(symbols)
        symbols.append(symbol)
    return tuple(symbols), _Meanings(locals_, shared)


def _move_symbol(index: int, symbol: Symbol, moved: _Moved) -> Symbol:
    if symbol.section in (None, ABSOLUTE, COMMON):
        return symbol
    section, start = moved[index, symbol.section]
    return replace(symbol, section=section, value=symbol.value + start)


def _need_more(one: Symbol, other: Symbol) -> Symbol:
    """Return what is undefined as strongly, and as hidden, as either is."""
    is_weak = one.binding is other.binding is Binding.WEAK
    is_hidden = Visibility.HIDDEN in (one.visibility, other.visibility)
    return replace(
        one,
        binding=Binding.WEAK if is_weak else Binding.GLOBAL,
        visibility=Visibility.HIDDEN if is_hidden else Visibility.DEFAULT,
    )


def _move_relocations(
    objects: Sequence[ObjectFile], meanings: _Meanings, moved: _Moved
) -> tuple[Relocation, ...]:
    found: list[Relocation] = []
    for index, file in enumerate(objects):
        for section, offset, kind, symbol, addend in file.relocations:
            into, start = moved[index, section]
            target = meanings.find(objects, index, symbol)
            found.append(Relocation(into, start + offset, kind, target, addend))
    return tuple(found)


def _move_lines(objects: Sequence[ObjectFile], moved: _Moved) -> tuple[LineEntry, ...]:
    found: list[LineEntry] = []
    for index, file in enumerate(objects):
        for line in file.lines:
            into, start = moved[index, line.section]
            found.append(line._replace(section=into, offset=start + line.offset))
    return tuple(found)


def _move_tensors(
    objects: Sequence[ObjectFile], definitions: Mapping[str, Definition], meanings: _Meanings
) -> tuple[TensorType, ...]:
    """Return the types of locals, and of what is shared where the object defines it."""
    found: list[TensorType] = []
    for index, file in enumerate(objects):
        for tensor in file.tensors:
            symbol = file.symbols[tensor.symbol]
            if symbol.binding is not Binding.LOCAL:
                definition = definitions.get(symbol.name)
                if symbol.section is None or definition is None:
                    continue
                if definition.object_index != index:
                    continue
            target = meanings.find(objects, index, tensor.symbol)
            found.append(replace(tensor, symbol=target))
    return tuple(found)
