"""`--gc-sections`: which sections can be reached from where programs start.

Sections are kept or dropped whole. Roots are the sections of the entry, of the names given with
`--undefined`, and those named `.init` or `.fini` or starting so with a dot after it. A reference
to another node reaches into the program placed there. What programs share is kept in all if one
of them reaches it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dojo_tools.description import RelocationKind
from dojo_tools.linker.layout import SectionKey
from dojo_tools.linker.options import Defsym
from dojo_tools.linker.partition import Partition
from dojo_tools.linker.relocate import split_node_addend
from dojo_tools.linker.symbols import Definition
from dojo_tools.objects import COMMON, Binding, ObjectFile, Relocation, Symbol

_ROOTS = (".init", ".fini")


@dataclass(frozen=True, slots=True)
class Reach:
    """A program as far as it matters here, and what of it is reached so far."""

    objects: Sequence[ObjectFile]
    shared_count: int
    definitions: Mapping[str, Definition]
    followers: Mapping[str, Defsym]
    sections: set[SectionKey] = field(default_factory=set[SectionKey])
    commons: set[str] = field(default_factory=set[str])


def collect(
    programs: Sequence[Reach],
    roots: Sequence[Sequence[str]],
    partition: Partition,
    kinds: Mapping[int, RelocationKind],
) -> None:
    """Find what is reached in each program from the names in `roots`, one list a program."""
    walk = _Walk(programs, partition, kinds)
    for number, program in enumerate(programs):
        for name in roots[number]:
            walk.reach_name(number, name)
        for index, file in enumerate(program.objects):
            for section in file.sections:
                if section.name in _ROOTS or section.name.startswith(
                    tuple(f"{r}." for r in _ROOTS)
                ):
                    walk.reach_section(number, (index, section.name))
    walk.run()


@dataclass(slots=True)
class _Walk:
    programs: Sequence[Reach]
    partition: Partition
    kinds: Mapping[int, RelocationKind]
    waiting: list[tuple[int, SectionKey]] = field(default_factory=list[tuple[int, SectionKey]])
    uses: dict[int, dict[str, list[Relocation]]] = field(
        default_factory=dict[int, dict[str, list[Relocation]]]
    )

    def reach_section(self, number: int, key: SectionKey) -> None:
        shared = key[0] < self.programs[number].shared_count
        for other in range(len(self.programs)) if shared else (number,):
            if key not in self.programs[other].sections:
                self.programs[other].sections.add(key)
                self.waiting.append((other, key))

    def reach_name(self, number: int, name: str) -> None:
        program = self.programs[number]
        seen: set[str] = set()
        while name in program.followers and name not in seen:
            seen.add(name)
            name = program.followers[name].base or ""
        found = program.definitions.get(name)
        if found is None or found.object_index is None or found.symbol.section is None:
            return
        if found.symbol.section == COMMON:
            program.commons.add(name)
        else:
            self.reach_section(number, (found.object_index, found.symbol.section))

    def run(self) -> None:
        while self.waiting:
            number, key = self.waiting.pop()
            file = self.programs[number].objects[key[0]]
            for use in self.uses_of(file).get(key[1], ()):
                self.reach_symbol(number, key[0], file.symbols[use.symbol], use)

    def reach_symbol(self, number: int, index: int, symbol: Symbol, use: Relocation) -> None:
        kind = self.kinds.get(use.kind)
        target: int | None = number
        if kind is not None and kind.on_node:
            (_, x, y), _ = split_node_addend(use.addend)
            target = self.partition.program_at(x, y)
        if target is None:
            return
        if symbol.binding is not Binding.LOCAL:
            self.reach_name(target, symbol.name)
        elif symbol.section is not None:
            shared = index < self.programs[number].shared_count
            self.reach_section(target if shared else number, (index, symbol.section))

    def uses_of(self, file: ObjectFile) -> dict[str, list[Relocation]]:
        found = self.uses.get(id(file))
        if found is None:
            found = self.uses[id(file)] = {}
            for use in file.relocations:
                found.setdefault(use.section, []).append(use)
        return found
