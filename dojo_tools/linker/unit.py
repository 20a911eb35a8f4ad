"""One program on its way through the linker."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from dojo_tools.bits import insert
from dojo_tools.linker.collect import Reach
from dojo_tools.linker.inputs import Pulled
from dojo_tools.linker.layout import Layout, SectionKey
from dojo_tools.linker.options import Defsym
from dojo_tools.linker.places import Places
from dojo_tools.linker.symbols import Addresses, Definition
from dojo_tools.objects import PROGRAM_STRIDE_BITS, ObjectFile, Rectangle, Threads


@dataclass(slots=True)
class Unit:
    """A program: number 0 has plain addresses; the first `shared_count` objects are in all.

    Object indices count `objects`. The rest is filled in as the link goes on.
    """

    number: int
    name: str | None
    placement: tuple[Rectangle, ...]
    objects: list[ObjectFile]
    shared_count: int
    pulled: tuple[Pulled, ...]
    entry_name: str
    places: Places
    phases: list[list[int]] = field(default_factory=list[list[int]])
    definitions: dict[str, Definition] = field(default_factory=dict[str, Definition])
    followers: dict[str, Defsym] = field(default_factory=dict[str, Defsym])
    live: AbstractSet[SectionKey] | None = None
    layout: Layout = field(default_factory=lambda: Layout((), {}, {}, {}, {}))
    addresses: Addresses = field(default_factory=Addresses)
    image_names: dict[str, str] = field(default_factory=dict[str, str])
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    entry: int = 0
    stack_size: int = 0
    heap_size: int = 0
    stack_top: int = 0
    threads: Threads | None = None

    @property
    def reach(self) -> Reach:
        """The program before anything of it is reached."""
        return Reach(self.objects, self.shared_count, self.definitions, self.followers)

    def in_image(self, address: int) -> int:
        """Return the address in the image of an SRAM offset of this program."""
        return insert(address, 63, PROGRAM_STRIDE_BITS, self.number)

    def name_in_image(self, section: str) -> str:
        """Return the name of an output section, which is unique in the image."""
        return self.image_names[section]

    @property
    def dropped(self) -> list[SectionKey]:
        """The allocated sections that nothing reaches."""
        return [
            (index, section.name)
            for index, file in enumerate(self.objects)
            for section in file.sections
            if section.allocated and (index, section.name) not in self.layout.addresses
        ]


def name_sections(units: Sequence[Unit]) -> None:
    """Name the output sections in the image: those of program 0 as they are, others `name@program`.

    One whose name is taken gets a number after it.
    """
    taken: set[str] = set()
    for unit in units:
        for output in unit.layout.sections:
            stem = output.name if unit.number == 0 else f"{output.name}@{unit.name}"
            name, number = stem, 1
            while name in taken:
                number += 1
                name = f"{stem}.{number}"
            taken.add(name)
            unit.image_names[output.name] = name
