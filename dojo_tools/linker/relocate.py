"""Filling in addresses: each relocation kind says what to compute and which bits take it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.bits import extract, insert, mask, to_signed, to_unsigned
from dojo_tools.description import RelocationKind, insert_ranges
from dojo_tools.diagnostics import Report, printable
from dojo_tools.linker.layout import Group, Layout, OutputSection
from dojo_tools.linker.places import Places
from dojo_tools.linker.symbols import Addresses
from dojo_tools.objects import COORDINATE_BITS, PROGRAM_STRIDE_BITS, ObjectFile, Relocation

_NODE_SPACE = 0x10
"""Bits [63:56] of a global address of a node of the partition: kind 1, then zeros."""

Node = tuple[int, int, int]
"""Bits [63:56] of a global address, x and y."""

FindOnNode = Callable[[int, Relocation, int, int], int | str]
"""From an object (an index), a relocation and a node, the symbol's address there or the problem."""


@dataclass(frozen=True, slots=True)
class Relocator:
    """What the fields of a program are computed from."""

    objects: Sequence[ObjectFile]
    layout: Layout
    addresses: Addresses
    kinds: Mapping[int, RelocationKind]
    find_on_node: FindOnNode
    places: Places
    report: Report


def relocate(program: Relocator) -> dict[str, bytes]:
    """Return the final contents of each output section by its name. Report what does not fit."""
    layout = program.layout
    contents = {output.name: _merge_contents(output) for output in layout.sections}
    for index, object_file in enumerate(program.objects):
        targets: dict[str, tuple[bytearray, int, int]] = {}
        for section in object_file.sections:
            output = layout.outputs.get((index, section.name))
            if output is not None:
                start = layout.addresses[index, section.name]
                size = len(section.contents)
                targets[section.name] = contents[output.name], start - output.address, size
        addresses = program.addresses[index]
        for relocation in object_file.relocations:
            target = targets.get(relocation.section)
            address = addresses[relocation.symbol]
            kind = program.kinds.get(relocation.kind)
            on_node = kind is not None and kind.on_node
            if target is not None and (address is not None or on_node):
                start = layout.addresses[index, relocation.section]
                _apply(program, index, relocation, kind, address, start, target)
    return {name: bytes(section) for name, section in contents.items()}


def _apply(
    program: Relocator,
    index: int,
    relocation: Relocation,
    kind: RelocationKind | None,
    address: int | None,
    section_start: int,
    target: tuple[bytearray, int, int],
) -> None:
    """Fill in one field; `target` has the output's bytes, the section's offset there, its size."""
    contents, section_offset, size = target
    hint: str | None = None
    problem: str | None = None
    if kind is None:
        problem = f"relocation kind {relocation.kind} is not known"
    elif relocation.offset + kind.size > size:
        problem = f"relocation `{kind.name}` goes beyond the contents of its section"
    elif kind.on_node:
        value = _find_global_address(program, index, relocation)
        if isinstance(value, int):
            _write(contents, section_offset + relocation.offset, kind, value)
        else:
            problem = value
    else:
        assert address is not None
        place = section_start + relocation.offset
        value = address + relocation.addend - (place if kind.pc_relative else 0)
        if kind.low <= value <= kind.high and value % kind.scale == 0:
            _write(contents, section_offset + relocation.offset, kind, value)
        else:
            problem, hint = _describe_misfit(kind, value, program.objects[index], relocation)
    if problem is not None:
        where = (index, relocation.section, relocation.offset)
        program.places.report(program.report, where, problem, hint)


def split_node_addend(addend: int) -> tuple[Node, int]:
    """Return the node and the offset that the addend of a cross-node reference holds."""
    word = to_unsigned(addend, 64)
    x_low = PROGRAM_STRIDE_BITS
    y_low = x_low + COORDINATE_BITS
    x, y = extract(word, y_low - 1, x_low), extract(word, y_low + COORDINATE_BITS - 1, y_low)
    node = (extract(word, 63, y_low + COORDINATE_BITS), x, y)
    return node, to_signed(word, PROGRAM_STRIDE_BITS)


def _find_global_address(program: Relocator, index: int, relocation: Relocation) -> int | str:
    (space, x, y), offset = split_node_addend(relocation.addend)
    if space != _NODE_SPACE:
        return (
            f"the addend of a cross-node reference starts with 0x{space:02x}, "
            f"expected 0x{_NODE_SPACE:02x}"
        )
    address = program.find_on_node(index, relocation, x, y)
    if isinstance(address, str):
        return address
    if not 0 <= address + offset <= mask(PROGRAM_STRIDE_BITS):
        name = printable(program.objects[index].symbols[relocation.symbol].name)
        return f"`{name}` {offset:+} = {address + offset} is no address on a node"
    word = to_unsigned(relocation.addend, 64)
    return insert(word, PROGRAM_STRIDE_BITS - 1, 0, address + offset)


def _merge_contents(output: OutputSection) -> bytearray:
    """Return the contents of an output section before relocation; gaps are zero."""
    merged = bytearray(0 if output.group is Group.BSS else output.size)
    for piece in output.pieces:
        start = piece.address - output.address
        merged[start : start + len(piece.section.contents)] = piece.section.contents
    return merged


def _describe_misfit(
    kind: RelocationKind, value: int, object_file: ObjectFile, relocation: Relocation
) -> tuple[str, str | None]:
    """Return the problem with writing a value, and a hint."""
    target = f"`{printable(object_file.symbols[relocation.symbol].name)}`"
    if relocation.addend:
        target += f" {'-' if relocation.addend < 0 else '+'} {abs(relocation.addend)}"
    what = f"the distance {value} to {target}" if kind.pc_relative else f"{target} = {value}"
    if kind.low <= value <= kind.high:
        return f"{what} is not a multiple of {kind.scale}, as `{kind.name}` needs", None
    problem = f"{what} does not fit relocation `{kind.name}` ({kind.low}..{kind.high})"
    hint = "move the two closer, or use a form that reaches farther"
    return problem, hint if kind.pc_relative else None


def _write(contents: bytearray, offset: int, kind: RelocationKind, value: int) -> None:
    end = offset + kind.size
    word = int.from_bytes(contents[offset:end], "little")
    word = insert_ranges(word, kind.ranges, value // kind.scale)
    contents[offset:end] = word.to_bytes(kind.size, "little")
