"""Where each section goes: code, read-only, writable, bss; like names merge in input order.

Sections of one name but other rights stay apart, and the later is called `name.2`. Only what is
allocated gets a place; named resources get numbers; what merely describes a program stays in the
objects. In a program of several, what all programs share comes first, so that it has the same
addresses in each.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum

from dojo_tools.bits import align_up
from dojo_tools.description.machine_file import RESERVED_BYTES_MAX
from dojo_tools.objects import RESOURCE_LIMITS, ObjectFile, Section

MEMORY_START = RESERVED_BYTES_MAX
SECTION_ALIGNMENT = 64

SectionKey = tuple[int, str]
"""A section of an object: the index of the object and the name of the section."""


class Group(IntEnum):
    """What stands together, in the order of addresses."""

    CODE = 0
    READ_ONLY = 1
    DATA = 2
    BSS = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A section of one object (an index) at its address."""

    object_index: int
    section: Section
    address: int


@dataclass(frozen=True, slots=True)
class OutputSection:
    """The merged sections of one name and with the same rights."""

    name: str
    group: Group
    writable: bool
    executable: bool
    alignment: int
    address: int
    size: int
    pieces: tuple[Piece, ...]

    @property
    def end(self) -> int:
        """The first address after the section."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class Layout:
    """The sections in the order of their addresses, and the start and end of each group.

    `addresses` has the address of each allocated section of an object, and the number of the first
    resource of each section that names some; `outputs` has what each allocated section is part of.
    `resources` has the sections that name resources by their name; their addresses are numbers.
    """

    sections: tuple[OutputSection, ...]
    bounds: dict[Group, tuple[int, int]]
    addresses: dict[SectionKey, int]
    outputs: dict[SectionKey, OutputSection]
    resources: dict[str, tuple[Piece, ...]]

    @property
    def end(self) -> int:
        """The first address after everything."""
        return max((output.end for output in self.sections), default=MEMORY_START)


def lay_out(
    objects: Sequence[ObjectFile],
    phases: Sequence[Iterable[int]],
    starts: Mapping[str, int],
    live: AbstractSet[SectionKey] | None = None,
) -> Layout:
    """Place each allocated section, all objects (indices) of a phase before those of the next.

    `starts` has the addresses that the user gave to sections: whatever comes after such a section
    follows it. `live`, where given, has the sections to keep.
    """
    resources: dict[str, list[Piece]] = {}
    addresses: dict[SectionKey, int] = {}
    sections: list[OutputSection] = []
    bounds: dict[Group, tuple[int, int]] = {}
    names: set[str] = set()
    end = MEMORY_START
    for phase in phases:
        merged: dict[tuple[str, bool, bool], list[tuple[int, Section]]] = {}
        for index in phase:
            for section in objects[index].sections:
                key = (index, section.name)
                if section.name in RESOURCE_LIMITS:
                    pieces = resources.setdefault(section.name, [])
                    last = pieces[-1] if pieces else None
                    addresses[key] = last.address + last.section.size if last else 0
                    pieces.append(Piece(index, section, addresses[key]))
                elif section.allocated and (live is None or key in live):
                    alike = (section.name, section.writable, section.executable)
                    merged.setdefault(alike, []).append((index, section))
        named = name_sections(merged, names)
        for group in Group:
            placed: list[OutputSection] = []
            for name, parts in order_sections(named, group):
                address = starts.get(name, end)
                placed.append(_place(name, group, parts, address, name in starts))
                end = max(end, placed[-1].end)
            if placed:
                first = min(output.address for output in placed)
                bounds[group] = (first, max(output.end for output in placed))
            else:
                bounds.setdefault(group, (end, end))
            sections += placed
    outputs: dict[SectionKey, OutputSection] = {}
    for output in sections:
        for piece in output.pieces:
            addresses[piece.object_index, piece.section.name] = piece.address
            outputs[piece.object_index, piece.section.name] = output
    sections.sort(key=lambda output: output.address)
    numbered = {name: tuple(pieces) for name, pieces in resources.items()}
    return Layout(tuple(sections), bounds, addresses, outputs, numbered)


def find_overlaps(layout: Layout) -> list[tuple[OutputSection, OutputSection]]:
    """Return the neighbours that share memory, which only happens where the user gave a start."""
    filled = [output for output in layout.sections if output.size]
    found: list[tuple[OutputSection, OutputSection]] = []
    last: OutputSection | None = None
    for output in filled:
        if last is not None and output.address < last.end:
            found.append((last, output))
        if last is None or output.end > last.end:
            last = output
    return found


Parts = list[tuple[int, Section]]


def name_sections(
    merged: Mapping[tuple[str, *tuple[bool, ...]], Parts], names: set[str]
) -> dict[str, Parts]:
    """Return what was merged by names that are unique; `names` has those in use and gets these.

    The keys of `merged` start with the name that the parts have.
    """
    taken = names | {key[0] for key in merged}
    named: dict[str, Parts] = {}
    for (name, *_), parts in merged.items():
        unique, number = name, 1
        while unique in names or (number > 1 and unique in taken):
            number += 1
            unique = f"{name}.{number}"
        names.add(unique)
        named[unique] = parts
    return named


def order_sections(named: Mapping[str, Parts], group: Group) -> list[tuple[str, Parts]]:
    """Return the sections of a group in order: those of one name stand together."""
    found = [(name, parts) for name, parts in named.items() if _group(parts) is group]
    first: dict[str, int] = {}
    for position, (_, parts) in enumerate(found):
        first.setdefault(parts[0][1].name, position)
    # `.text` opens the code, so that it begins at MEMORY_START.
    return sorted(
        found, key=lambda item: (item[1][0][1].name != ".text", first[item[1][0][1].name])
    )


def _group(parts: Parts) -> Group:
    first = parts[0][1]
    if all(not section.contents for _, section in parts) and any(s.is_bss for _, s in parts):
        return Group.BSS
    if first.executable:
        return Group.CODE
    return Group.DATA if first.writable else Group.READ_ONLY


def _place(name: str, group: Group, parts: Parts, address: int, fixed: bool) -> OutputSection:
    first = parts[0][1]
    alignment = max(SECTION_ALIGNMENT, *(section.alignment for _, section in parts))
    start = end = address if fixed else align_up(address, alignment)
    pieces: list[Piece] = []
    for index, section in parts:
        end = align_up(end, section.alignment)
        pieces.append(Piece(index, section, end))
        end += section.size
    size = end - start
    return OutputSection(
        name, group, first.writable, first.executable, alignment, start, size, tuple(pieces)
    )
