"""Joining files to an image: choose objects, resolve symbols, place sections, fill in addresses.

An image holds one program or several. Each is laid out and linked on its own; what all share has
the same addresses in each, and references to other nodes are filled in last, when every program
has its addresses. All problems of a link are reported together; only a program too large for the
memory hides what addresses would have shown, because then there are none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.bits import is_aligned
from dojo_tools.description import RelocationKind
from dojo_tools.diagnostics import Report, did_you_mean, printable, render
from dojo_tools.linker.collect import Reach, collect
from dojo_tools.linker.commons import Commons, allot_own, allot_shared, define_commons
from dojo_tools.linker.image import make_image
from dojo_tools.linker.inputs import (
    Archive,
    Input,
    Selection,
    names_on_nodes,
    select,
    shared_names,
    wrap_symbols,
)
from dojo_tools.linker.layout import MEMORY_START, SECTION_ALIGNMENT, lay_out
from dojo_tools.linker.memory import check_memory
from dojo_tools.linker.options import (
    DEFAULT_STACK_SIZE,
    MEMORY_SIZE,
    LinkOptions,
)
from dojo_tools.linker.partition import Partition, find_partition
from dojo_tools.linker.places import Places
from dojo_tools.linker.relocate import Relocator, relocate
from dojo_tools.linker.symbols import (
    HEAP_SIZE,
    STACK_SIZE,
    add_own_definitions,
    address_of,
    check_defsyms,
    check_references,
    define_followers,
    find_addresses,
    find_definitions,
    find_hint,
    find_size,
)
from dojo_tools.linker.threads import join_threads
from dojo_tools.linker.unit import Unit, name_sections
from dojo_tools.objects import Binding, Image, ObjectFile, Relocation, Visibility
from dojo_tools.objects.linker_names import LINKER_NAMES


@dataclass(frozen=True, slots=True)
class Linked:
    """An image and how it came to be."""

    image: Image
    units: tuple[Unit, ...]


def link(
    objects: Sequence[Input],
    relocations: Mapping[int, RelocationKind],
    memory_size: int = MEMORY_SIZE,
    entry: str = "_start",
    name: str = "a.out",
) -> Image:
    """Return the image that objects and archives make. Raises `InputError` with all problems."""
    options = LinkOptions(memory_size=memory_size, entry=entry)
    return link_files(objects, relocations, options, name).image


def link_files(
    files: Sequence[Input],
    relocations: Mapping[int, RelocationKind],
    options: LinkOptions,
    name: str = "a.out",
) -> Linked:
    """Return the image that objects and archives make. Raises `InputError` with all problems."""
    report = Report()
    partition = find_partition(files, options, report)
    report.stop_if_errors()
    files = [wrap_symbols(file, options.wrap) for file in files]
    units = _choose_objects(files, partition, relocations, options)
    for unit in units:
        unit.threads = join_threads(unit.objects, report)
        unit.definitions = find_definitions(unit.objects, unit.places, report)
        unit.followers = check_defsyms(
            options.defsyms, unit.definitions, unit.places, len(units) == 1, report
        )
    reached = _collect(units, partition, relocations, options)
    _allot_commons(units, reached)
    _check_starts(units, options, report)
    archives = [file for file in files if isinstance(file, Archive)]
    for unit in units:
        _resolve(unit, relocations, options, archives, report)
    name_sections(units)
    memory = Report()
    for unit in units:
        check_memory(unit, memory)
    if memory.has_errors:
        for found in memory.diagnostics:
            report.add(found)
        _stop(report)
    for unit in units:
        _fill_in(unit, units, partition, relocations, options, report)
    _stop(report)
    return Linked(make_image(units, name), tuple(units))


def _stop(report: Report) -> None:
    """Stop if there are errors, without repeating those of objects that programs share."""
    report.diagnostics[:] = {render(found): found for found in report.diagnostics}.values()
    report.stop_if_errors()


def _choose_objects(
    files: Sequence[Input],
    partition: Partition,
    kinds: Mapping[int, RelocationKind],
    options: LinkOptions,
) -> list[Unit]:
    """Return the programs with the objects of each: what all share, then their own."""
    placements = partition.placements
    alone = len(placements) == 1
    shared = Selection() if alone else _choose_shared(files, kinds)
    objects = [file for file in files if isinstance(file, ObjectFile)]
    on_nodes = names_on_nodes(objects, kinds)
    units: list[Unit] = []
    for number, (program, placement) in enumerate(placements.items()):
        selection = shared.copy()
        selection.defined |= LINKER_NAMES
        entry = options.entry_of(program)
        bases = [defsym.base for defsym in options.defsyms if defsym.base is not None]
        for name in (entry, *options.undefined, *bases):
            selection.need(name, "the command line")
        if alone:
            for name, user in on_nodes.items():
                selection.need(name, user)
        programs = (None, program) if alone else (program,)
        select(files, selection, programs, kinds)
        units.append(
            Unit(
                number,
                program,
                placement,
                selection.objects,
                0 if alone else len(shared.objects),
                tuple(selection.pulled),
                entry,
                Places(selection.objects),
            )
        )
    return units


def _choose_shared(files: Sequence[Input], kinds: Mapping[int, RelocationKind]) -> Selection:
    """Return what is part of all programs.

    What programs define themselves is not taken from archives here.
    """
    shared = Selection()
    own = [file for file in files if isinstance(file, ObjectFile) and file.program is not None]
    shared.defined = {name for file in own for name in shared_names(file)} | LINKER_NAMES
    select(files, shared, (None,), kinds)
    again = Selection(taken=shared.taken, pulled=shared.pulled)
    for file in shared.objects:
        again.add(file, kinds)
    return again


def _collect(
    units: Sequence[Unit],
    partition: Partition,
    kinds: Mapping[int, RelocationKind],
    options: LinkOptions,
) -> list[Reach] | None:
    """Find what each program reaches, if that is asked for."""
    if not options.gc_sections:
        return None
    reached = [unit.reach for unit in units]
    roots = [(unit.entry_name, *options.undefined) for unit in units]
    collect(reached, roots, partition, kinds)
    for unit, reach in zip(units, reached, strict=True):
        unit.live = reach.sections
    return reached


def _allot_commons(units: Sequence[Unit], reached: Sequence[Reach] | None) -> None:
    """Add the objects of common symbols, and settle in which order objects are laid out."""
    live = None if reached is None else set[str]().union(*(r.commons for r in reached))
    shared_count = units[0].shared_count
    shared = allot_shared(
        units[0].objects[:shared_count], [unit.definitions for unit in units], live
    )
    for number, unit in enumerate(units):
        count = len(unit.objects)
        first = [*range(shared_count)]
        if shared.places:
            first.append(_add_commons(unit, shared))
        own = allot_own(
            unit.definitions, shared, None if reached is None else reached[number].commons
        )
        rest = [*range(shared_count, count)]
        if own.places:
            rest.append(_add_commons(unit, own))
        unit.phases = [first, rest] if first else [rest]


def _add_commons(unit: Unit, commons: Commons) -> int:
    """Add the object of common symbols to a program and return its index."""
    index = len(unit.objects)
    unit.objects.append(commons.make_object())
    if unit.live is not None:
        section = unit.objects[index].sections[0].name
        unit.live = {*unit.live, (index, section)}
    define_commons(unit.definitions, commons, index)
    return index


def _check_starts(units: Sequence[Unit], options: LinkOptions, report: Report) -> None:
    """Report starts of sections that can't be."""
    for name, address in options.section_starts.items():
        shown = f"`--section-start {printable(name)}=0x{address:x}`"
        if not MEMORY_START <= address < options.memory_size:
            report.error(
                f"{shown} is outside the memory of a program, "
                f"0x{MEMORY_START:x} to 0x{options.memory_size - 1:x}"
            )
        elif not is_aligned(address, SECTION_ALIGNMENT):
            report.error(f"{shown} is not a multiple of {SECTION_ALIGNMENT}")


def _resolve(
    unit: Unit,
    kinds: Mapping[int, RelocationKind],
    options: LinkOptions,
    archives: Sequence[Archive],
    report: Report,
) -> None:
    """Place the sections of a program and find what each symbol means."""
    definitions, places = unit.definitions, unit.places
    unit.layout = layout = lay_out(unit.objects, unit.phases, options.section_starts, unit.live)
    for name in options.section_starts:
        output = next((found for found in layout.sections if found.name == name), None)
        if output is None:
            hint = did_you_mean(name, [found.name for found in layout.sections])
            report.error(f"there is no section `{printable(name)}` to start", hint=hint)
        elif is_aligned(output.address, SECTION_ALIGNMENT) and not is_aligned(
            output.address, output.alignment
        ):
            report.error(
                f"section `{printable(name)}` can't start at 0x{output.address:x}: "
                f"it is aligned to {output.alignment}"
            )
    unit.stack_size = find_size(
        STACK_SIZE, definitions, options.stack_size, DEFAULT_STACK_SIZE, report
    )
    unit.heap_size = find_size(HEAP_SIZE, definitions, options.heap_size, 0, report)
    unit.stack_top = options.memory_size - options.memory_size % SECTION_ALIGNMENT
    add_own_definitions(
        definitions, layout, unit.stack_size, unit.heap_size, unit.stack_top, places, report
    )
    define_followers(unit.followers, definitions)
    unit.addresses = find_addresses(unit.objects, definitions, layout)
    unit.entry = _find_entry(unit, archives, report)
    elsewhere = {number for number, kind in kinds.items() if kind.on_node}
    check_references(
        unit.objects, definitions, unit.addresses, layout, elsewhere, archives, places, report
    )


def _find_entry(unit: Unit, archives: Sequence[Archive], report: Report) -> int:
    entry, layout = unit.entry_name, unit.layout
    subject = "the program" if unit.name is None else f"program `{printable(unit.name)}`"
    definition = unit.definitions.get(entry)
    if definition is None:
        program = {n: d for n, d in unit.definitions.items() if not n.startswith("__")}
        hint = find_hint(entry, unit.objects, program, archives)
        report.error(
            f"{subject} has no entry symbol `{printable(entry)}`",
            hint=hint or "define it where thread 0 is to start, and share it with `.global`",
        )
        return 0
    address = address_of(definition, layout)
    code = (range(output.address, output.end) for output in layout.sections if output.executable)
    if address is None or not any(address in addresses for addresses in code):
        report.error(f"the entry symbol `{printable(entry)}` is not in a section of code")
        return 0
    return address


def _fill_in(
    unit: Unit,
    units: Sequence[Unit],
    partition: Partition,
    kinds: Mapping[int, RelocationKind],
    options: LinkOptions,
    report: Report,
) -> None:
    """Write the addresses into the fields of a program."""

    def find_on_node(index: int, use: Relocation, x: int, y: int) -> int | str:
        return _find_on_node(unit, units, partition, options, index, use, x, y)

    unit.contents = relocate(
        Relocator(
            unit.objects, unit.layout, unit.addresses, kinds, find_on_node, unit.places, report
        )
    )


def _find_on_node(
    unit: Unit,
    units: Sequence[Unit],
    partition: Partition,
    options: LinkOptions,
    index: int,
    use: Relocation,
    x: int,
    y: int,
) -> int | str:
    """Return the address of a symbol in the program on a node of the partition, or the problem."""
    symbol = unit.objects[index].symbols[use.symbol]
    shown = f"`{printable(symbol.name)}`"
    number = partition.program_at(x, y)
    bounds = partition.bounds
    grid = options.grid
    if number is None or (grid and not bounds and (x >= grid.width or y >= grid.height)):
        return f"{shown} on node ({x}, {y}): no program is placed there"
    corner = (x + bounds.x, y + bounds.y) if bounds else (x, y)
    if grid is not None and corner in grid.dead:
        return f"{shown} on node ({x}, {y}): the node is dead"
    there = units[number]
    address: int | None = None
    if symbol.binding is not Binding.LOCAL:
        found = there.definitions.get(symbol.name)
        hidden = found is not None and found.symbol.visibility is Visibility.HIDDEN
        if hidden and there is not unit:
            return f"{shown} is hidden in program `{printable(there.name or '')}`"
        address = None if found is None else address_of(found, there.layout)
    elif index < unit.shared_count or there is unit:
        address = unit.addresses[index][use.symbol]
    if address is None:
        program = f"program `{printable(there.name)}`" if there.name else "the program"
        local = ", it is local" if symbol.section is not None else ""
        return f"{program} on node ({x}, {y}) has no symbol {shown}{local}"
    return address
