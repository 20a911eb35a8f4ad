"""Which definition each name means: strong before weak, the linker's own among the strong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.bits import align_up, is_aligned, to_signed
from dojo_tools.diagnostics import Note, Report, did_you_mean, printable
from dojo_tools.linker.layout import SECTION_ALIGNMENT, Group, Layout
from dojo_tools.linker.places import Places
from dojo_tools.objects import ABSOLUTE, Binding, ObjectFile, Relocation, Symbol

STACK_SIZE = "__stack_size"
_THREAD_COUNT = 4
_HINT_COUNT_MAX = 20
_NOTE_COUNT_MAX = 4


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol with a value and the object that defines it, None for the linker."""

    object_index: int | None
    symbol: Symbol


Addresses = list[list[int | None]]
"""By object and symbol index, the address or number a symbol means; None if it means nothing."""


def find_definitions(
    objects: Sequence[ObjectFile], places: Places, report: Report
) -> dict[str, Definition]:
    """Return the definition of each name that all objects share. Report doubles."""
    found: dict[str, Definition] = {}
    for index, object_file in enumerate(objects):
        for symbol in object_file.symbols:
            if symbol.binding is Binding.LOCAL or symbol.section is None:
                continue
            known = found.get(symbol.name)
            if known is None or known.symbol.binding is Binding.WEAK is not symbol.binding:
                found[symbol.name] = Definition(index, symbol)
            elif symbol.binding is Binding.GLOBAL:
                assert known.object_index is not None
                first = places.describe_definition(known.object_index, known.symbol)
                second = places.describe_definition(index, symbol)
                name = printable(symbol.name)
                report.error(f"symbol `{name}` is defined twice: in {first} and in {second}")
    return found


def find_stack_size(definitions: Mapping[str, Definition], default: int, report: Report) -> int:
    """Return the size of each thread's stack, which a program may choose."""
    definition = definitions.get(STACK_SIZE)
    if definition is None:
        return default
    symbol = definition.symbol
    size = to_signed(symbol.value, 64)
    if symbol.section == ABSOLUTE and size >= 0 and is_aligned(size, SECTION_ALIGNMENT):
        return size
    found = f"{size}" if symbol.section == ABSOLUTE else "an address"
    report.error(f"`{STACK_SIZE}` is {found}, expected a number, a multiple of {SECTION_ALIGNMENT}")
    return default


def add_own_definitions(
    definitions: dict[str, Definition],
    layout: Layout,
    stack_size: int,
    stack_top: int,
    places: Places,
    report: Report,
) -> None:
    """Add what the linker defines in every image. Report programs that define it themselves."""
    values = {STACK_SIZE: stack_size, "__stack_top": stack_top}
    for thread in range(_THREAD_COUNT):
        values[f"__stack_top_{thread}"] = max(0, stack_top - thread * stack_size)
    for stem, group in (("text", Group.CODE), ("data", Group.DATA), ("bss", Group.BSS)):
        values[f"__{stem}_start"], values[f"__{stem}_end"] = layout.bounds[group]
    values["__heap_start"] = align_up(layout.end, SECTION_ALIGNMENT)
    for name, value in values.items():
        known = definitions.get(name)
        if known is not None and name == STACK_SIZE:
            continue
        if known is not None and known.symbol.binding is Binding.GLOBAL:
            assert known.object_index is not None
            place = places.describe_definition(known.object_index, known.symbol)
            report.error(f"symbol `{name}` is the linker's own, but is defined in {place}")
        definitions[name] = Definition(None, Symbol(name, ABSOLUTE, value, 0, Binding.GLOBAL))


def address_of(definition: Definition, layout: Layout) -> int | None:
    """Return the address or number of a definition, None where its section takes no memory."""
    symbol = definition.symbol
    assert symbol.section is not None
    if symbol.section == ABSOLUTE:
        return to_signed(symbol.value, 64)
    assert definition.object_index is not None
    start = layout.addresses.get((definition.object_index, symbol.section))
    return None if start is None else start + symbol.value


def find_addresses(
    objects: Sequence[ObjectFile], definitions: Mapping[str, Definition], layout: Layout
) -> Addresses:
    """Return what each symbol of each object means."""
    shared = {name: address_of(found, layout) for name, found in definitions.items()}

    def meaning(index: int, symbol: Symbol) -> int | None:
        if symbol.binding is Binding.LOCAL:
            defined = symbol.section is not None
            return address_of(Definition(index, symbol), layout) if defined else None
        # An undefined weak symbol is zero.
        return shared.get(symbol.name, 0 if symbol.binding is Binding.WEAK else None)

    return [
        [meaning(index, symbol) for symbol in object_file.symbols]
        for index, object_file in enumerate(objects)
    ]


def check_references(
    objects: Sequence[ObjectFile],
    definitions: Mapping[str, Definition],
    addresses: Addresses,
    layout: Layout,
    places: Places,
    report: Report,
) -> None:
    """Report each name that is used but means nothing, at its first use."""
    uses: dict[str, list[tuple[int, Relocation]]] = {}
    for index, object_file in enumerate(objects):
        for relocation in object_file.relocations:
            placed = (index, relocation.section) in layout.addresses
            if placed and addresses[index][relocation.symbol] is None:
                name = object_file.symbols[relocation.symbol].name
                uses.setdefault(name, []).append((index, relocation))
    for count, (name, references) in enumerate(uses.items()):
        (index, first), *others = references
        place = places.describe(index, first.section, first.offset)
        if objects[index].symbols[first.symbol].section is not None or name in definitions:
            report.error(f"{place}: `{printable(name)}` lies in a section that takes no memory")
            continue
        notes = places.trail(index, first.section, first.offset)
        notes += tuple(
            Note(f"also used at {places.describe(i, use.section, use.offset)}")
            for i, use in others[:_NOTE_COUNT_MAX]
        )
        if len(others) > _NOTE_COUNT_MAX:
            notes += (Note(f"and {len(others) - _NOTE_COUNT_MAX} more times"),)
        # Looking for similar names is slow, and the first few tell what is wrong.
        hint = find_hint(name, objects, definitions) if count < _HINT_COUNT_MAX else None
        report.error(f"{place}: undefined symbol `{printable(name)}`", hint=hint, notes=notes)


def find_hint(
    name: str, objects: Sequence[ObjectFile], definitions: Mapping[str, Definition]
) -> str | None:
    """Return a hint for a name without a definition."""
    for object_file in objects:
        for symbol in object_file.symbols:
            if symbol.name == name and symbol.section is not None:
                place = printable(object_file.name)
                shown = printable(name)
                return f"`{shown}` is local to {place}; `.global {shown}` there shares it"
    hint = did_you_mean(name, definitions)
    return None if hint is None else printable(hint)
