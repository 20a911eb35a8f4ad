"""From linked programs to an image."""

from collections.abc import Sequence
from dataclasses import replace

from dojo_tools.bits import to_unsigned
from dojo_tools.linker.layout import Group, OutputSection
from dojo_tools.linker.symbols import address_of, is_number
from dojo_tools.linker.unit import Unit
from dojo_tools.objects import (
    ABSOLUTE,
    Binding,
    Image,
    LineEntry,
    Program,
    Section,
    Segment,
    Symbol,
    SymbolKind,
    TensorType,
    Visibility,
)

GAP_MAX = 4096
"""How many bytes between two sections a segment may fill with zeros."""


_RESOURCE_KINDS = {
    ".dojo.semaphores": SymbolKind.SEMAPHORE,
    ".dojo.barriers": SymbolKind.BARRIER,
    ".dojo.biasregs": SymbolKind.BIAS_REGISTER,
}


def make_image(units: Sequence[Unit], name: str) -> Image:
    """Return the image of programs whose fields are filled in."""
    symbols: list[Symbol] = []
    tensors: list[TensorType] = []
    for unit in units:
        _carry_symbols(unit, symbols, tensors)
    programs = tuple(
        Program(unit.name, unit.in_image(unit.entry), unit.placement)
        for unit in units
        if unit.name is not None
    )
    return Image(
        name=name,
        entry=units[0].entry,
        segments=tuple(segment for unit in units for segment in _make_segments(unit)),
        symbols=tuple(symbols),
        lines=tuple(line for unit in units for line in _carry_lines(unit)),
        tensors=tuple(tensors),
        sections=tuple(section for unit in units for section in _make_sections(unit)),
        programs=programs,
        threads=tuple(
            replace(unit.threads, program=unit.number) for unit in units if unit.threads is not None
        ),
    )


def _make_sections(unit: Unit) -> list[Section]:
    return [
        Section(
            unit.name_in_image(output.name),
            output.writable,
            output.executable,
            True,
            output.alignment,
            unit.contents[output.name],
            output.size,
            unit.in_image(output.address),
        )
        for output in unit.layout.sections
    ]


def _make_segments(unit: Unit) -> list[Segment]:
    """Return one segment for each run of sections with the same rights and without large gaps."""
    runs: list[list[OutputSection]] = []
    for output in unit.layout.sections:
        if output.size and runs and _continues(runs[-1][-1], output):
            runs[-1].append(output)
        elif output.size:
            runs.append([output])
    return [_make_segment(unit, run) for run in runs]


def _continues(last: OutputSection, output: OutputSection) -> bool:
    same_rights = (last.writable, last.executable) == (output.writable, output.executable)
    # Only the end of a segment can do without bytes in the file.
    bytes_follow_zeros = last.group is Group.BSS is not output.group
    return same_rights and not bytes_follow_zeros and output.address - last.end <= GAP_MAX


def _make_segment(unit: Unit, run: Sequence[OutputSection]) -> Segment:
    start = run[0].address
    loaded = bytearray()
    for output in run:
        if output.group is not Group.BSS:
            loaded += bytes(output.address - start - len(loaded)) + unit.contents[output.name]
    address, size = unit.in_image(start), run[-1].end - start
    return Segment(address, bytes(loaded), size, run[0].writable, run[0].executable)


def _carry_symbols(unit: Unit, symbols: list[Symbol], tensors: list[TensorType]) -> None:
    """Add the locals of all objects, then what they share, and the types of those kept."""
    locals_kept: dict[tuple[int, int], int] = {}
    local = Binding.LOCAL
    for index, object_file in enumerate(unit.objects):
        meanings = unit.addresses[index]
        for number, symbol in enumerate(object_file.symbols):
            address = meanings[number]
            if symbol.binding is local and address is not None:
                locals_kept[index, number] = len(symbols)
                symbols.append(_final_symbol(unit, index, symbol, address))
    shared: dict[tuple[int | None, str], int] = {}
    for name, definition in unit.definitions.items():
        address = address_of(definition, unit.layout)
        if address is not None:
            shared[definition.object_index, name] = len(symbols)
            index = definition.object_index
            symbols.append(_final_symbol(unit, index, definition.symbol, address))
    for index, object_file in enumerate(unit.objects):
        for tensor in object_file.tensors:
            symbol = object_file.symbols[tensor.symbol]
            kept = locals_kept.get((index, tensor.symbol))
            if symbol.binding is not local and symbol.section is not None:
                kept = shared.get((index, symbol.name))
            if kept is not None:
                tensors.append(replace(tensor, symbol=kept))


def _final_symbol(unit: Unit, index: int | None, symbol: Symbol, address: int) -> Symbol:
    """Return a symbol with its address in the image; a hidden one is local from here on."""
    if is_number(symbol) or index is None or symbol.section is None:
        section, value = ABSOLUTE, to_unsigned(address, 64)
    else:
        section = unit.name_in_image(unit.layout.outputs[index, symbol.section].name)
        value = unit.in_image(to_unsigned(address, 64)) if unit.number else to_unsigned(address, 64)
    hidden = symbol.visibility is Visibility.HIDDEN
    binding = Binding.LOCAL if hidden else symbol.binding
    kind = _RESOURCE_KINDS.get(symbol.section or "", symbol.kind)
    return Symbol(symbol.name, section, value, symbol.size, binding, kind, symbol.visibility)


def _carry_lines(unit: Unit) -> list[LineEntry]:
    """Return the lines of all objects by address."""
    lines: list[LineEntry] = []
    for index, object_file in enumerate(unit.objects):
        starts = {
            section.name: (
                unit.name_in_image(unit.layout.outputs[index, section.name].name),
                unit.in_image(unit.layout.addresses[index, section.name]),
            )
            for section in object_file.sections
            if (index, section.name) in unit.layout.outputs
        }
        for section, offset, size, file, line, column, trail in object_file.lines:
            start = starts.get(section)
            if start is not None:
                place = start[1] + offset
                lines.append(LineEntry(start[0], place, size, file, line, column, trail))
    lines.sort(key=lambda line: line.offset)
    return lines
