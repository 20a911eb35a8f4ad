"""Common symbols become bytes of `.bss`, in an object of the linker's own."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from dojo_tools.bits import align_up
from dojo_tools.linker.symbols import Definition
from dojo_tools.objects import COMMON, Binding, ObjectFile, Section, Symbol

COMMONS = "common symbols"
"""The name of the object that holds them."""
_SECTION = ".bss"


@dataclass(slots=True)
class Commons:
    """The object that holds common symbols, in progress."""

    places: dict[str, Symbol] = field(default_factory=dict[str, Symbol])
    size: int = 0
    alignment: int = 1

    def add(self, symbol: Symbol) -> None:
        """Allot a common symbol."""
        start = align_up(self.size, symbol.value)
        self.places[symbol.name] = Symbol(
            symbol.name,
            _SECTION,
            start,
            symbol.size,
            Binding.GLOBAL,
            symbol.kind,
            symbol.visibility,
        )
        self.size = start + symbol.size
        self.alignment = max(self.alignment, symbol.value)

    def make_object(self) -> ObjectFile:
        """Return the object."""
        section = Section(_SECTION, True, False, True, self.alignment, b"", self.size)
        return ObjectFile(COMMONS, (section,), tuple(self.places.values()))


def allot_shared(
    shared: Sequence[ObjectFile],
    programs: Sequence[Mapping[str, Definition]],
    live: AbstractSet[str] | None,
) -> Commons:
    """Allot the common symbols of the objects that all programs share, as large as any needs."""
    commons = Commons()
    names = {s.name: None for file in shared for s in file.symbols if s.section == COMMON}
    for name in names:
        found = [d[name].symbol for d in programs if name in d and d[name].symbol.section == COMMON]
        if found and (live is None or name in live):
            alignment, size = max(s.value for s in found), max(s.size for s in found)
            first = found[0]
            commons.add(
                Symbol(name, COMMON, alignment, size, first.binding, first.kind, first.visibility)
            )
    return commons


def allot_own(
    definitions: Mapping[str, Definition], shared: Commons, live: AbstractSet[str] | None
) -> Commons:
    """Allot the other common symbols of a program."""
    commons = Commons()
    for name, definition in definitions.items():
        wanted = name not in shared.places and (live is None or name in live)
        if definition.symbol.section == COMMON and wanted:
            commons.add(definition.symbol)
    return commons


def define_commons(definitions: dict[str, Definition], commons: Commons, index: int) -> None:
    """Make common symbols mean their places in object `index`."""
    for name, symbol in commons.places.items():
        if definitions[name].symbol.section == COMMON:
            definitions[name] = Definition(index, symbol)
