"""Whether a program fits in SRAM, and what takes how much of it."""

from collections.abc import Iterator, Sequence

from dojo_tools.bits import align_up
from dojo_tools.diagnostics import Note, Report, printable
from dojo_tools.linker.layout import MEMORY_START, SECTION_ALIGNMENT, Group, find_overlaps
from dojo_tools.linker.symbols import HEAP_SIZE, STACK_SIZE
from dojo_tools.linker.unit import Unit
from dojo_tools.objects import RESOURCE_LIMITS, Symbol

_LARGEST_COUNT = 5
_GROUPS = {
    Group.CODE: "code",
    Group.READ_ONLY: "read-only data",
    Group.DATA: "data",
    Group.BSS: "bss",
}


def check_memory(unit: Unit, report: Report) -> None:
    """Report sections that share memory, too many resources, and a program that is too large."""
    for first, second in find_overlaps(unit.layout):
        report.error(
            f"section `{printable(second.name)}` starts at 0x{second.address:x}, but "
            f"`{printable(first.name)}` takes 0x{first.address:x} to 0x{first.end:x}",
            hint="give a later start with `--section-start`",
        )
    _check_resources(unit, report)
    heap_end = align_up(unit.layout.end, SECTION_ALIGNMENT if unit.heap_size else 1)
    if heap_end + unit.heap_size + unit.stack_size > unit.stack_top:
        _report_overflow(unit, heap_end + unit.heap_size, report)


def _check_resources(unit: Unit, report: Report) -> None:
    for name, limit in RESOURCE_LIMITS.items():
        pieces = unit.layout.resources.get(name, ())
        count = sum(piece.section.size for piece in pieces)
        if count > limit:
            users = sorted(pieces, key=lambda piece: -piece.section.size)[:_LARGEST_COUNT]
            notes = tuple(
                Note(f"{printable(unit.objects[p.object_index].name)} names {p.section.size}")
                for p in users
            )
            what = name.rpartition(".")[2]
            report.error(f"{count} {what} are named, but a node has {limit}", notes=notes)


def _report_overflow(unit: Unit, end: int, report: Report) -> None:
    layout = unit.layout
    outputs = sorted(layout.sections, key=lambda output: -output.size)[:_LARGEST_COUNT]
    sections = ", ".join(
        f"`{printable(output.name)}` {output.size} bytes at 0x{output.address:x}"
        for output in outputs
    )
    extents = sorted(_symbol_extents(unit), key=lambda found: -found[0])
    symbols = ", ".join(
        f"`{printable(name)}` {size} bytes ({printable(object_name)})"
        for size, name, object_name in extents[:_LARGEST_COUNT]
    )
    notes = [Note(f"largest sections: {sections}")] if sections else []
    notes += [Note(f"largest symbols: {symbols}")] if symbols else []
    subject = "the program" if unit.name is None else f"program `{printable(unit.name)}`"
    heap = f", has a heap of 0x{unit.heap_size:x} bytes," if unit.heap_size else ""
    sizes = f"`{STACK_SIZE}` sets the size of the stacks"
    report.error(
        f"{subject} is {end + unit.stack_size - unit.stack_top} bytes too large: it ends at "
        f"0x{layout.end:x}{heap} and thread 0 has a stack of "
        f"0x{unit.stack_size:x} bytes, but memory ends at 0x{unit.stack_top:x}",
        hint=f"{sizes}, `{HEAP_SIZE}` that of the heap" if heap else sizes,
        notes=tuple(notes),
    )


def _symbol_extents(unit: Unit) -> list[tuple[int, str, str]]:
    """Return size, name and object of each symbol; one without a size reaches to the next."""
    found: list[tuple[int, str, str]] = []
    for index, object_file in enumerate(unit.objects):
        by_section: dict[str | None, list[Symbol]] = {}
        for symbol in object_file.symbols:
            by_section.setdefault(symbol.section, []).append(symbol)
        for section in object_file.sections:
            if (index, section.name) in unit.layout.outputs:
                symbols = sorted(by_section.get(section.name, []), key=lambda s: s.value)
                ends = [symbol.value for symbol in symbols[1:]] + [section.size]
                for symbol, end in zip(symbols, ends, strict=False):
                    size = symbol.size or end - symbol.value
                    found.append((size, symbol.name, object_file.name))
    return found


def list_memory(units: Sequence[Unit]) -> Iterator[str]:
    """Yield the lines of `--print-memory`: what takes SRAM, program by program."""
    for unit in units:
        if unit.name is not None:
            yield f"program {printable(unit.name)}"
        used = dict.fromkeys(Group, 0)
        for output in unit.layout.sections:
            used[output.group] += output.size
        rows = [("reserved", MEMORY_START)]
        rows += [(_GROUPS[group], size) for group, size in used.items()]
        rows += [("heap", unit.heap_size), ("stack of thread 0", unit.stack_size)]
        taken = sum(size for _, size in rows)
        # What lies between sections can't be used either, up to the end of the last.
        gaps = unit.layout.end - MEMORY_START - sum(used.values())
        rows += [("gaps", gaps), ("free", unit.stack_top - taken - gaps)]
        for name, size in rows:
            share = 100 * size / unit.stack_top if unit.stack_top else 0
            yield f"  {name:<18} {size:>9} bytes {share:6.2f} %"
        yield f"  {'of':<18} {unit.stack_top:>9} bytes"
