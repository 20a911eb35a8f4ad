"""Which definition each name means: strong before common before weak, the linker's own strong."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import IntEnum

from dojo_tools.bits import align_up, is_aligned, to_signed, to_unsigned
from dojo_tools.diagnostics import Note, Report, did_you_mean, printable
from dojo_tools.linker.inputs import Archive
from dojo_tools.linker.layout import SECTION_ALIGNMENT, Group, Layout
from dojo_tools.linker.options import Defsym
from dojo_tools.linker.places import Places
from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    RESOURCE_LIMITS,
    Binding,
    ObjectFile,
    Relocation,
    Symbol,
    Visibility,
)
from dojo_tools.objects.linker_names import HEAP_SIZE, LINKER_NAMES, STACK_SIZE, THREAD_COUNT

_HINT_COUNT_MAX = 20
_NOTE_COUNT_MAX = 4
_STEMS = {"text": Group.CODE, "data": Group.DATA, "bss": Group.BSS}


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol with a value and the object that defines it, None for the linker."""

    object_index: int | None
    symbol: Symbol


Addresses = list[list[int | None]]
"""By object and symbol index, the address or number a symbol means; None if it means nothing."""


class _Rank(IntEnum):
    WEAK = 0
    COMMON = 1
    STRONG = 2


def _rank(symbol: Symbol) -> _Rank:
    if symbol.section == COMMON:
        return _Rank.COMMON
    return _Rank.WEAK if symbol.binding is Binding.WEAK else _Rank.STRONG


def find_definitions(
    objects: Sequence[ObjectFile], places: Places, report: Report
) -> dict[str, Definition]:
    """Return the definition of each name that all objects share. Report doubles.

    Common symbols of one name become one of the largest size and the strictest alignment.
    """
    found: dict[str, Definition] = {}
    hidden: set[str] = set()
    local, strong = Binding.LOCAL, _Rank.STRONG
    for index, object_file in enumerate(objects):
        for symbol in object_file.symbols:
            if symbol.binding is local:
                continue
            if symbol.visibility is Visibility.HIDDEN:
                hidden.add(symbol.name)
            if symbol.section is None:
                continue
            known = found.get(symbol.name)
            if known is None:
                found[symbol.name] = Definition(index, symbol)
                continue
            rank, known_rank = _rank(symbol), _rank(known.symbol)
            if rank > known_rank:
                found[symbol.name] = Definition(index, symbol)
            elif rank is _Rank.COMMON is known_rank:
                found[symbol.name] = Definition(known.object_index, _join(known.symbol, symbol))
            elif rank is strong:
                _report_double(known, Definition(index, symbol), places, report)
    for name in hidden & found.keys():
        known = found[name]
        symbol = replace(known.symbol, visibility=Visibility.HIDDEN)
        found[name] = Definition(known.object_index, symbol)
    return found


def _join(one: Symbol, other: Symbol) -> Symbol:
    """Return the common symbol that has room for both."""
    return replace(one, value=max(one.value, other.value), size=max(one.size, other.size))


def _report_double(first: Definition, second: Definition, places: Places, report: Report) -> None:
    assert first.object_index is not None
    assert second.object_index is not None
    one = places.describe_definition(first.object_index, first.symbol)
    two = places.describe_definition(second.object_index, second.symbol)
    name = printable(first.symbol.name)
    report.error(f"symbol `{name}` is defined twice: in {one} and in {two}")


def find_size(
    name: str,
    definitions: Mapping[str, Definition],
    chosen: int | None,
    default: int,
    report: Report,
) -> int:
    """Return the size of each thread's stack or of the heap, which a program may choose."""
    definition = definitions.get(name)
    if chosen is not None:
        size, found = chosen, f"{chosen}"
    elif definition is None:
        return default
    elif definition.symbol.section == ABSOLUTE:
        size = to_signed(definition.symbol.value, 64)
        found = f"{size}"
    else:
        size, found = -1, "an address"
    if size >= 0 and is_aligned(size, SECTION_ALIGNMENT):
        return size
    report.error(f"`{name}` is {found}, expected a number, a multiple of {SECTION_ALIGNMENT}")
    return default


def add_own_definitions(
    definitions: dict[str, Definition],
    layout: Layout,
    stack_size: int,
    heap_size: int,
    stack_top: int,
    places: Places,
    report: Report,
) -> None:
    """Add what the linker defines in every program. Report programs that define it themselves."""
    values = {STACK_SIZE: stack_size, HEAP_SIZE: heap_size, "__stack_top": stack_top}
    for thread in range(THREAD_COUNT):
        values[f"__stack_top_{thread}"] = max(0, stack_top - thread * stack_size)
    for stem, group in _STEMS.items():
        values[f"__{stem}_start"], values[f"__{stem}_end"] = layout.bounds[group]
    values["__heap_start"] = align_up(layout.end, SECTION_ALIGNMENT)
    values["__heap_end"] = values["__heap_start"] + heap_size
    for name, value in values.items():
        known = definitions.get(name)
        chosen = name in (STACK_SIZE, HEAP_SIZE)
        if known is not None and not chosen and known.symbol.binding is Binding.GLOBAL:
            place = "--defsym"
            if known.object_index is not None:
                place = places.describe_definition(known.object_index, known.symbol)
            report.error(f"symbol `{name}` is the linker's own, but is defined in {place}")
        if known is None or not chosen or known.symbol.value != value:
            definitions[name] = Definition(None, Symbol(name, ABSOLUTE, value, 0, Binding.GLOBAL))


def check_defsyms(
    defsyms: Sequence[Defsym],
    definitions: dict[str, Definition],
    places: Places,
    is_alone: bool,
    report: Report,
) -> dict[str, Defsym]:
    """Define the numbers that `--defsym` gives, and return what is to follow another symbol.

    A base that one of several programs lacks is only missed where the name is used.
    """
    followers: dict[str, Defsym] = {}
    for defsym in defsyms:
        name, shown = defsym.name, printable(defsym.name)
        known = definitions.get(name)
        if (known is not None and _rank(known.symbol) is not _Rank.WEAK) or name in followers:
            place = "another --defsym"
            if known is not None and known.object_index is not None:
                place = places.describe_definition(known.object_index, known.symbol)
            report.error(f"`--defsym {shown}` defines a symbol that is defined in {place}")
            continue
        if defsym.base is None:
            value = to_unsigned(defsym.offset, 64)
            symbol = Symbol(name, ABSOLUTE, value, 0, Binding.GLOBAL)
            definitions[name] = Definition(None, symbol)
        elif defsym.base in definitions or defsym.base in followers or defsym.base in LINKER_NAMES:
            definitions.pop(name, None)
            followers[name] = defsym
        elif is_alone:
            hint = did_you_mean(defsym.base, definitions)
            report.error(
                f"`--defsym {shown}`: undefined symbol `{printable(defsym.base)}`",
                hint=printable(hint) if hint else None,
            )
    return followers


def define_followers(followers: Mapping[str, Defsym], definitions: dict[str, Definition]) -> None:
    """Define the symbols that `--defsym` gives as others with an offset."""
    for name, defsym in followers.items():
        assert defsym.base is not None
        base = definitions.get(defsym.base)
        if base is not None:
            value = to_unsigned(base.symbol.value + defsym.offset, 64)
            symbol = Symbol(name, base.symbol.section, value, 0, Binding.GLOBAL)
            definitions[name] = Definition(base.object_index, symbol)


def address_of(definition: Definition, layout: Layout) -> int | None:
    """Return the address or number of a definition, None where its section takes no memory."""
    symbol = definition.symbol
    if symbol.section == ABSOLUTE:
        return to_signed(symbol.value, 64)
    if definition.object_index is None or symbol.section is None:
        return None
    start = layout.addresses.get((definition.object_index, symbol.section))
    return None if start is None else start + symbol.value


def find_addresses(
    objects: Sequence[ObjectFile], definitions: Mapping[str, Definition], layout: Layout
) -> Addresses:
    """Return what each symbol of each object means."""
    shared = {name: address_of(found, layout) for name, found in definitions.items()}
    starts = layout.addresses
    local, weak = Binding.LOCAL, Binding.WEAK
    found: Addresses = []
    for index, object_file in enumerate(objects):
        meanings: list[int | None] = []
        for symbol in object_file.symbols:
            if symbol.binding is not local:
                # An undefined weak symbol is zero.
                meanings.append(shared.get(symbol.name, 0 if symbol.binding is weak else None))
            elif symbol.section is None:
                meanings.append(None)
            elif symbol.section == ABSOLUTE:
                meanings.append(to_signed(symbol.value, 64))
            else:
                start = starts.get((index, symbol.section))
                meanings.append(None if start is None else start + symbol.value)
        found.append(meanings)
    return found


def is_number(symbol: Symbol) -> bool:
    """Return whether a symbol is a number: absolute, or a resource that the linker numbered."""
    return symbol.section == ABSOLUTE or symbol.section in RESOURCE_LIMITS


def check_references(
    objects: Sequence[ObjectFile],
    definitions: Mapping[str, Definition],
    addresses: Addresses,
    layout: Layout,
    elsewhere: AbstractSet[int],
    archives: Sequence[Archive],
    places: Places,
    report: Report,
) -> None:
    """Report each name that is used but means nothing, at its first use.

    `elsewhere` has the numbers of the relocations that mean places on other nodes.
    """
    uses: dict[str, list[tuple[int, Relocation]]] = {}
    for index, object_file in enumerate(objects):
        meanings = addresses[index]
        if None not in meanings:
            continue
        for relocation in object_file.relocations:
            if meanings[relocation.symbol] is not None or relocation.kind in elsewhere:
                continue
            if (index, relocation.section) in layout.outputs:
                name = object_file.symbols[relocation.symbol].name
                uses.setdefault(name, []).append((index, relocation))
    for count, (name, references) in enumerate(uses.items()):
        (index, first), *others = references
        where = (index, first.section, first.offset)
        if objects[index].symbols[first.symbol].section is not None or name in definitions:
            message = f"`{printable(name)}` lies in a section that takes no memory"
            places.report(report, where, message)
            continue
        notes = tuple(
            Note(f"also used at {places.describe(i, use.section, use.offset)}")
            for i, use in others[:_NOTE_COUNT_MAX]
        )
        if len(others) > _NOTE_COUNT_MAX:
            notes += (Note(f"and {len(others) - _NOTE_COUNT_MAX} more times"),)
        # Looking for similar names is slow, and the first few tell what is wrong.
        hint = None
        if count < _HINT_COUNT_MAX:
            hint = find_hint(name, objects, definitions, archives, objects[index].name)
        places.report(report, where, f"undefined symbol `{printable(name)}`", hint, notes)


def find_hint(
    name: str,
    objects: Sequence[ObjectFile],
    definitions: Mapping[str, Definition],
    archives: Sequence[Archive] = (),
    user: str | None = None,
) -> str | None:
    """Return a hint for a name without a definition."""
    shown = printable(name)
    for object_file in objects:
        for symbol in object_file.symbols:
            if symbol.name == name and symbol.section is not None:
                place = printable(object_file.name)
                return f"`{shown}` is local to {place}; `.global {shown}` there shares it"
    for archive in archives:
        if name in archive.index:
            member = printable(archive.members[archive.index[name]].name)
            after = f"its user {printable(user)}" if user else "its users"
            return (
                f"{member} defines it, but stands before {after}; "
                f"give {printable(archive.name)} after that"
            )
    hint = did_you_mean(name, definitions)
    return None if hint is None else printable(hint)
