"""Joining objects to one program: place sections, resolve symbols, fill in addresses.

All problems of a link are reported together; only a program too large for the memory hides what
addresses would have shown, because then there are none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from dojo_tools.bits import to_unsigned
from dojo_tools.description import RelocationKind
from dojo_tools.diagnostics import Note, Report, printable
from dojo_tools.linker.layout import SECTION_ALIGNMENT, Group, Layout, OutputSection, lay_out
from dojo_tools.linker.places import Places
from dojo_tools.linker.relocate import relocate
from dojo_tools.linker.symbols import (
    STACK_SIZE,
    Addresses,
    Definition,
    add_own_definitions,
    address_of,
    check_references,
    find_addresses,
    find_definitions,
    find_hint,
    find_stack_size,
)
from dojo_tools.objects import (
    Binding,
    Image,
    LineEntry,
    ObjectFile,
    Section,
    Segment,
    Symbol,
    TensorType,
)

MEMORY_SIZE = 0x140000
DEFAULT_STACK_SIZE = 0x4000
_LARGEST_COUNT = 5


def link(
    objects: Sequence[ObjectFile],
    relocations: Mapping[int, RelocationKind],
    memory_size: int = MEMORY_SIZE,
    entry: str = "_start",
    name: str = "a.out",
) -> Image:
    """Return the program the objects make. Raises `InputError` with all problems.

    The linker defines `__text_start`, `__text_end`, the same for `data` and `bss`, `__heap_start`,
    `__stack_top`, `__stack_top_0` to `__stack_top_3` (one a thread) and, unless the program does,
    `__stack_size`.
    """
    report = Report()
    places = Places(objects)
    layout = lay_out(objects, report)
    definitions = find_definitions(objects, places, report)
    stack_size = find_stack_size(definitions, DEFAULT_STACK_SIZE, report)
    stack_top = memory_size - memory_size % SECTION_ALIGNMENT
    add_own_definitions(definitions, layout, stack_size, stack_top, places, report)
    addresses = find_addresses(objects, definitions, layout)
    entry_address = _find_entry(entry, objects, definitions, layout, report)
    check_references(objects, definitions, addresses, layout, places, report)
    if layout.end + stack_size > stack_top:
        _report_overflow(objects, layout, stack_size, stack_top, report)
        report.stop_if_errors()
    contents = relocate(objects, layout, addresses, relocations, places, report)
    report.stop_if_errors()
    symbols, tensors = _carry_symbols(objects, definitions, addresses, layout)
    return Image(
        name=name,
        entry=entry_address,
        segments=_make_segments(layout, contents),
        symbols=symbols,
        lines=_carry_lines(objects, layout),
        tensors=tensors,
        sections=tuple(_make_section(output, contents) for output in layout.sections),
    )


def _find_entry(
    entry: str,
    objects: Sequence[ObjectFile],
    definitions: Mapping[str, Definition],
    layout: Layout,
    report: Report,
) -> int:
    definition = definitions.get(entry)
    if definition is None:
        program = {name: d for name, d in definitions.items() if not name.startswith("__")}
        hint = find_hint(entry, objects, program)
        report.error(
            f"the program has no entry symbol `{printable(entry)}`",
            hint=hint or "define it where thread 0 is to start, and share it with `.global`",
        )
        return 0
    address = address_of(definition, layout)
    code = (range(output.address, output.end) for output in layout.sections if output.executable)
    if address is None or not any(address in addresses for addresses in code):
        report.error(f"the entry symbol `{printable(entry)}` is not in a section of code")
        return 0
    return address


def _report_overflow(
    objects: Sequence[ObjectFile], layout: Layout, stack_size: int, stack_top: int, report: Report
) -> None:
    outputs = sorted(layout.sections, key=lambda output: -output.size)[:_LARGEST_COUNT]
    sections = ", ".join(
        f"`{printable(output.name)}` {output.size} bytes at 0x{output.address:x}"
        for output in outputs
    )
    extents = sorted(_symbol_extents(objects, layout), key=lambda found: -found[0])
    symbols = ", ".join(
        f"`{printable(name)}` {size} bytes ({printable(object_name)})"
        for size, name, object_name in extents[:_LARGEST_COUNT]
    )
    notes = [Note(f"largest sections: {sections}")] if sections else []
    notes += [Note(f"largest symbols: {symbols}")] if symbols else []
    report.error(
        f"the program is {layout.end + stack_size - stack_top} bytes too large: it ends at "
        f"0x{layout.end:x} and thread 0 has a stack of 0x{stack_size:x} bytes, "
        f"but memory ends at 0x{stack_top:x}",
        hint=f"`{STACK_SIZE}` sets the size of the stacks",
        notes=tuple(notes),
    )


def _symbol_extents(objects: Sequence[ObjectFile], layout: Layout) -> list[tuple[int, str, str]]:
    """Return size, name and object of each symbol; one without a size reaches to the next."""
    found: list[tuple[int, str, str]] = []
    for index, object_file in enumerate(objects):
        by_section: dict[str | None, list[Symbol]] = {}
        for symbol in object_file.symbols:
            by_section.setdefault(symbol.section, []).append(symbol)
        for section in object_file.sections:
            if (index, section.name) in layout.addresses:
                symbols = sorted(by_section.get(section.name, []), key=lambda s: s.value)
                ends = [symbol.value for symbol in symbols[1:]] + [section.size]
                for symbol, end in zip(symbols, ends, strict=False):
                    size = symbol.size or end - symbol.value
                    found.append((size, symbol.name, object_file.name))
    return found


def _make_section(output: OutputSection, contents: Mapping[str, bytes]) -> Section:
    return Section(
        output.name,
        output.writable,
        output.executable,
        True,
        output.alignment,
        contents[output.name],
        output.size,
        output.address,
    )


def _make_segments(layout: Layout, contents: Mapping[str, bytes]) -> tuple[Segment, ...]:
    """Return one segment for each run of sections with the same rights."""
    filled = [output for output in layout.sections if output.size]
    segments: list[Segment] = []
    for (writable, executable), run in groupby(filled, lambda o: (o.writable, o.executable)):
        outputs = list(run)
        start = outputs[0].address
        loaded = bytearray()
        for output in outputs:
            if output.group is not Group.BSS:
                loaded += bytes(output.address - start - len(loaded)) + contents[output.name]
        size = outputs[-1].end - start
        segments.append(Segment(start, bytes(loaded), size, writable, executable))
    return tuple(segments)


def _carry_symbols(
    objects: Sequence[ObjectFile],
    definitions: Mapping[str, Definition],
    addresses: Addresses,
    layout: Layout,
) -> tuple[tuple[Symbol, ...], tuple[TensorType, ...]]:
    """Return the locals of all objects, then what they share, and the types of those kept."""
    symbols: list[Symbol] = []
    locals_kept: dict[tuple[int, int], int] = {}
    for index, object_file in enumerate(objects):
        for number, symbol in enumerate(object_file.symbols):
            address = addresses[index][number]
            if symbol.binding is Binding.LOCAL and address is not None:
                locals_kept[index, number] = len(symbols)
                symbols.append(replace(symbol, value=to_unsigned(address, 64)))
    shared: dict[tuple[int | None, str], int] = {}
    for name, definition in definitions.items():
        address = address_of(definition, layout)
        if address is not None:
            shared[definition.object_index, name] = len(symbols)
            symbols.append(replace(definition.symbol, value=to_unsigned(address, 64)))
    tensors: list[TensorType] = []
    for index, object_file in enumerate(objects):
        for tensor in object_file.tensors:
            symbol = object_file.symbols[tensor.symbol]
            kept = locals_kept.get((index, tensor.symbol))
            if symbol.binding is not Binding.LOCAL and symbol.section is not None:
                kept = shared.get((index, symbol.name))
            if kept is not None:
                tensors.append(replace(tensor, symbol=kept))
    return tuple(symbols), tuple(tensors)


def _carry_lines(objects: Sequence[ObjectFile], layout: Layout) -> tuple[LineEntry, ...]:
    """Return the lines of all objects by address."""
    lines: list[LineEntry] = []
    for index, object_file in enumerate(objects):
        for line in object_file.lines:
            start = layout.addresses.get((index, line.section))
            if start is not None:
                lines.append(line._replace(offset=start + line.offset))
    return tuple(sorted(lines, key=lambda line: line.offset))
