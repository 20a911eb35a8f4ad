"""Where each section goes: code, read-only, writable, bss; like names merge in input order.

Only what is allocated gets a place; what merely describes a program stays in the objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from dojo_tools.bits import align_up
from dojo_tools.diagnostics import Report, printable
from dojo_tools.objects import ObjectFile, Section

MEMORY_START = 0x100
SECTION_ALIGNMENT = 64


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
    """The merged sections of one name."""

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

    `addresses` has the address of each allocated section by its object (an index) and its name.
    """

    sections: tuple[OutputSection, ...]
    bounds: dict[Group, tuple[int, int]]
    addresses: dict[tuple[int, str], int]

    @property
    def end(self) -> int:
        """The first address after everything."""
        return self.bounds[Group.BSS][1]


def lay_out(objects: Sequence[ObjectFile], report: Report) -> Layout:
    """Place each allocated section. Report sections of one name that do not go together."""
    merged: dict[str, list[tuple[int, Section]]] = {}
    for index, object_file in enumerate(objects):
        for section in object_file.sections:
            if section.allocated:
                merged.setdefault(section.name, []).append((index, section))
    for parts in merged.values():
        _check_alike(objects, parts, report)
    groups = {name: _group(parts) for name, parts in merged.items()}
    sections: list[OutputSection] = []
    bounds: dict[Group, tuple[int, int]] = {}
    address = MEMORY_START
    for group in Group:
        # `.text` opens the code, so that it begins at MEMORY_START.
        names = sorted((n for n in merged if groups[n] is group), key=lambda n: n != ".text")
        start = len(sections)
        for name in names:
            sections.append(_place(name, group, merged[name], address))
            address = sections[-1].end
        bounds[group] = (sections[start].address if names else address, address)
    pieces = (piece for section in sections for piece in section.pieces)
    addresses = {(piece.object_index, piece.section.name): piece.address for piece in pieces}
    return Layout(tuple(sections), bounds, addresses)


def _check_alike(
    objects: Sequence[ObjectFile], parts: Sequence[tuple[int, Section]], report: Report
) -> None:
    first_index, first = parts[0]
    for index, section in parts[1:]:
        if (section.writable, section.executable) != (first.writable, first.executable):
            report.error(
                f"section `{printable(first.name)}` is {_access(first)} in "
                f"{printable(objects[first_index].name)} and {_access(section)} in "
                f"{printable(objects[index].name)}"
            )


def _access(section: Section) -> str:
    words = ["writable" if section.writable else "read-only"]
    return " and ".join(words + ["executable"] * section.executable)


def _group(parts: Sequence[tuple[int, Section]]) -> Group:
    first = parts[0][1]
    if all(not section.contents for _, section in parts) and any(s.is_bss for _, s in parts):
        return Group.BSS
    if first.executable:
        return Group.CODE
    return Group.DATA if first.writable else Group.READ_ONLY


def _place(
    name: str, group: Group, parts: Sequence[tuple[int, Section]], address: int
) -> OutputSection:
    first = parts[0][1]
    alignment = max(SECTION_ALIGNMENT, *(section.alignment for _, section in parts))
    start = end = align_up(address, alignment)
    pieces: list[Piece] = []
    for index, section in parts:
        end = align_up(end, section.alignment)
        pieces.append(Piece(index, section, end))
        end += section.size
    size = end - start
    return OutputSection(
        name, group, first.writable, first.executable, alignment, start, size, tuple(pieces)
    )
