"""`--map` and `--print-gc-sections`: what went where and why, as text that stays the same."""

from collections.abc import Iterator, Sequence

from dojo_tools.bits import to_unsigned
from dojo_tools.diagnostics import printable
from dojo_tools.linker.commons import COMMONS
from dojo_tools.linker.layout import OutputSection
from dojo_tools.linker.symbols import address_of, is_number
from dojo_tools.linker.unit import Unit
from dojo_tools.objects import COMMON, RESOURCE_LIMITS, Binding, Section


def list_dropped(units: Sequence[Unit]) -> Iterator[str]:
    """Yield a line for each section that nothing reaches, program by program."""
    for unit in units:
        program = "" if unit.name is None else f"program {printable(unit.name)}: "
        for index, name in unit.dropped:
            object_name, section = printable(unit.objects[index].name), printable(name)
            yield f"{program}dropped {object_name}({section}), {_size(unit, index, name)} bytes"


def list_map(units: Sequence[Unit]) -> Iterator[str]:
    """Yield the lines of the map: programs, archive members, sections, symbols, resources."""
    for number, unit in enumerate(units):
        if number:
            yield ""
        if unit.name is not None:
            places = "; ".join(map(str, unit.placement)) or "every node"
            yield f"program {printable(unit.name)}, number {number}, on {places}"
        yield f"entry {_shown(unit, unit.entry)} {printable(unit.entry_name)}"
        for title, lines in (
            ("archive members", _members(unit)),
            ("sections", _sections(unit)),
            ("common symbols", _commons(unit)),
            ("symbols", _symbols(unit)),
            ("resources", _resources(unit)),
            ("dropped", _dropped(unit)),
        ):
            yield from _under(title, lines)


def _under(title: str, lines: Iterator[str]) -> Iterator[str]:
    """Yield lines below a title, nothing where there are none."""
    first = next(lines, None)
    if first is not None:
        yield ""
        yield title
        yield f"  {first}"
        for line in lines:
            yield f"  {line}"


def _members(unit: Unit) -> Iterator[str]:
    for pulled in unit.pulled:
        member, symbol, user = map(printable, pulled)
        yield f"{member} defines {symbol}, which {user} uses"


def _sections(unit: Unit) -> Iterator[str]:
    for output in unit.layout.sections:
        name = unit.name_in_image(output.name)
        yield f"{_range(unit, output)} {_rights(output)} {printable(name)}"
        for piece in output.pieces:
            size = piece.section.size
            name = printable(unit.objects[piece.object_index].name)
            yield f"  {_shown(unit, piece.address)} {size:>8x}     {name}"


def _range(unit: Unit, output: OutputSection) -> str:
    return f"{_shown(unit, output.address)} {output.size:>8x}"


def _rights(output: OutputSection) -> str:
    return f"r{'w' if output.writable else '-'}{'x' if output.executable else '-'}"


def _commons(unit: Unit) -> Iterator[str]:
    """Yield the common symbols at the places that the linker gave them."""
    for index, file in enumerate(unit.objects):
        if file.name == COMMONS:
            start = unit.layout.addresses.get((index, file.sections[0].name), 0)
            for symbol in file.symbols:
                place = _shown(unit, start + symbol.value)
                yield f"{place} {symbol.size:>8x} {printable(symbol.name)}"


def _symbols(unit: Unit) -> Iterator[str]:
    """Yield what objects share and the linker defines, by address and then by name."""
    found: list[tuple[int, str, str]] = []
    start = unit.in_image(0)
    for name, definition in unit.definitions.items():
        address = address_of(definition, unit.layout)
        if address is None or definition.symbol.section in RESOURCE_LIMITS:
            continue
        origin = "the linker"
        if definition.object_index is not None:
            origin = unit.objects[definition.object_index].name
        weak = " weak" if definition.symbol.binding is Binding.WEAK else ""
        is_place = definition.object_index is not None and not is_number(definition.symbol)
        value = start + address if is_place else to_unsigned(address, 64)
        found.append((value, name, f"{origin}{weak}"))
    for value, name, origin in sorted(found):
        yield f"{value:08x} {printable(name)}, {printable(origin)}"


def _resources(unit: Unit) -> Iterator[str]:
    """Yield the numbers that named semaphores, barriers and bias registers got."""
    for section, pieces in unit.layout.resources.items():
        what = section.rpartition(".")[2].removesuffix("s")
        for piece in pieces:
            file = unit.objects[piece.object_index]
            for symbol in file.symbols:
                if symbol.section == section:
                    number = piece.address + symbol.value
                    yield f"{what} {number} {printable(symbol.name)}, {printable(file.name)}"


def _dropped(unit: Unit) -> Iterator[str]:
    for index, name in unit.dropped:
        object_name = printable(unit.objects[index].name)
        yield f"{_size(unit, index, name):>8x} {printable(name)}, {object_name}"
    for name, definition in unit.definitions.items():
        if definition.symbol.section == COMMON:
            yield f"{definition.symbol.size:>8x} {printable(name)}, a common symbol"


def _size(unit: Unit, index: int, name: str) -> int:
    return _find_section(unit, index, name).size


def _find_section(unit: Unit, index: int, name: str) -> Section:
    return next(section for section in unit.objects[index].sections if section.name == name)


def _shown(unit: Unit, address: int) -> str:
    return f"{unit.in_image(address):08x}"
