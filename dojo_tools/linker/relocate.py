"""Filling in addresses: each relocation kind says what to compute and which bits take it."""

from collections.abc import Mapping, Sequence

from dojo_tools.description import RelocationKind, insert_ranges
from dojo_tools.diagnostics import Report, printable
from dojo_tools.linker.layout import Group, Layout
from dojo_tools.linker.places import Places
from dojo_tools.linker.symbols import Addresses
from dojo_tools.objects import ObjectFile, Relocation


def relocate(
    objects: Sequence[ObjectFile],
    layout: Layout,
    addresses: Addresses,
    kinds: Mapping[int, RelocationKind],
    places: Places,
    report: Report,
) -> dict[str, bytes]:
    """Return the final contents of each output section by its name. Report what does not fit."""
    contents = _merge_contents(layout)
    starts = {output.name: output.address for output in layout.sections}
    for index, object_file in enumerate(objects):
        sizes = {section.name: len(section.contents) for section in object_file.sections}
        for relocation in object_file.relocations:
            section_start = layout.addresses.get((index, relocation.section))
            target = addresses[index][relocation.symbol]
            if section_start is None or target is None:
                continue
            place = section_start + relocation.offset
            kind = kinds.get(relocation.kind)
            hint: str | None = None
            if kind is None:
                problem = f"relocation kind {relocation.kind} is not known"
            elif relocation.offset + kind.size > sizes[relocation.section]:
                problem = f"relocation `{kind.name}` goes beyond the contents of its section"
            else:
                value = target + relocation.addend - (place if kind.pc_relative else 0)
                problem, hint = _check_value(kind, value, object_file, relocation)
                if problem is None:
                    offset = place - starts[relocation.section]
                    _write(contents[relocation.section], offset, kind, value)
            if problem is not None:
                where = (index, relocation.section, relocation.offset)
                message = f"{places.describe(*where)}: {problem}"
                report.error(message, hint=hint, notes=places.trail(*where))
    return {name: bytes(section) for name, section in contents.items()}


def _merge_contents(layout: Layout) -> dict[str, bytearray]:
    """Return the contents of each output section before relocation; gaps are zero."""
    contents: dict[str, bytearray] = {}
    for output in layout.sections:
        merged = bytearray(0 if output.group is Group.BSS else output.size)
        for piece in output.pieces:
            start = piece.address - output.address
            merged[start : start + len(piece.section.contents)] = piece.section.contents
        contents[output.name] = merged
    return contents


def _check_value(
    kind: RelocationKind, value: int, object_file: ObjectFile, relocation: Relocation
) -> tuple[str | None, str | None]:
    """Return the problem with writing a value, if there is one, and a hint."""
    in_range = kind.low <= value <= kind.high
    if in_range and value % kind.scale == 0:
        return None, None
    target = f"`{printable(object_file.symbols[relocation.symbol].name)}`"
    if relocation.addend:
        target += f" {'-' if relocation.addend < 0 else '+'} {abs(relocation.addend)}"
    what = f"the distance {value} to {target}" if kind.pc_relative else f"{target} = {value}"
    if in_range:
        return f"{what} is not a multiple of {kind.scale}, as `{kind.name}` needs", None
    problem = f"{what} does not fit relocation `{kind.name}` ({kind.low}..{kind.high})"
    hint = "move the two closer, or use a form that reaches farther"
    return problem, hint if kind.pc_relative else None


def _write(contents: bytearray, offset: int, kind: RelocationKind, value: int) -> None:
    end = offset + kind.size
    word = int.from_bytes(contents[offset:end], "little")
    word = insert_ranges(word, kind.ranges, value // kind.scale)
    contents[offset:end] = word.to_bytes(kind.size, "little")
