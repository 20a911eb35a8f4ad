"""What is linked: objects, and those members of archives that a program needs.

Files are taken in the order in which they are given. An object is always part of the program. An
archive gives the members that define a name still missing when it is reached, in the order in
which the names came to be missing, until it has nothing more to give; it is not looked at again.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dojo_tools.description import RelocationKind
from dojo_tools.diagnostics import fail, printable
from dojo_tools.objects import (
    Binding,
    Image,
    ObjectFile,
    Symbol,
    is_archive,
    read_archive,
    read_elf,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """The objects of an archive, named `archive(member)`; `index` tells who defines a name."""

    name: str
    members: tuple[ObjectFile, ...]
    index: Mapping[str, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        index: dict[str, int] = {}
        for number, member in enumerate(self.members):
            for name in shared_names(member):
                index.setdefault(name, number)
        object.__setattr__(self, "index", index)


Input = ObjectFile | Archive


class Pulled(NamedTuple):
    """A member that became part of a program: the name it defines and who used that."""

    member: str
    symbol: str
    user: str


def read_input(contents: bytes, name: str) -> Input | Image:
    """Read an object, an archive of objects or an image. Raises `InputError`."""
    if not is_archive(contents):
        return read_elf(contents, name)
    members: list[ObjectFile] = []
    for member in read_archive(contents, name):
        found = read_elf(member.contents, f"{name}({member.name})")
        if isinstance(found, Image):
            raise fail(f"{printable(found.name)}: a linked image can't be linked again")
        members.append(found)
    return Archive(name, tuple(members))


def assign(file: Input, program: str) -> Input:
    """Return a file as part of a program. Raises `InputError` for one that is part of another."""
    if isinstance(file, Archive):
        members = [_assign_object(member, program) for member in file.members]
        return Archive(file.name, tuple(members))
    return _assign_object(file, program)


def _assign_object(file: ObjectFile, program: str) -> ObjectFile:
    if file.program not in (None, program):
        raise fail(
            f"{printable(file.name)} says that it is part of program `{printable(file.program)}`, "
            f"not of `{printable(program)}`"
        )
    return replace(file, program=program)


def wrap_symbols(file: Input, names: Collection[str]) -> Input:
    """Return a file whose uses of `name` mean `__wrap_name`, and of `__real_name` mean `name`."""
    meanings = {name: f"__wrap_{name}" for name in names}
    meanings |= {f"__real_{name}": name for name in names}
    if not names:
        return file
    if isinstance(file, Archive):
        return Archive(file.name, tuple(_wrap_object(m, meanings) for m in file.members))
    return _wrap_object(file, meanings)


def _wrap_object(file: ObjectFile, meanings: Mapping[str, str]) -> ObjectFile:
    def wrapped(symbol: Symbol) -> Symbol:
        if symbol.section is not None or symbol.name not in meanings:
            return symbol
        return replace(symbol, name=meanings[symbol.name])

    return replace(file, symbols=tuple(wrapped(symbol) for symbol in file.symbols))


@dataclass(slots=True)
class Selection:
    """The objects of a program so far, what they lack, and why members are among them."""

    objects: list[ObjectFile] = field(default_factory=list[ObjectFile])
    pulled: list[Pulled] = field(default_factory=list[Pulled])
    defined: set[str] = field(default_factory=set[str])
    needed: dict[str, str] = field(default_factory=dict[str, str])
    taken: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def copy(self) -> "Selection":
        """Return a selection that goes on from here by itself."""
        return Selection(
            list(self.objects),
            list(self.pulled),
            set(self.defined),
            dict(self.needed),
            set(self.taken),
        )

    def need(self, name: str, user: str) -> None:
        """Add a name that someone uses."""
        if name not in self.defined:
            self.needed.setdefault(name, user)

    def add(self, file: ObjectFile, kinds: Mapping[int, RelocationKind]) -> None:
        """Add an object."""
        self.objects.append(file)
        elsewhere = uses_on_nodes(file, kinds)
        for number, symbol in enumerate(file.symbols):
            if symbol.binding is Binding.LOCAL:
                continue
            if symbol.section is not None:
                self.defined.add(symbol.name)
                self.needed.pop(symbol.name, None)
            elif symbol.binding is Binding.GLOBAL and number not in elsewhere:
                self.need(symbol.name, file.name)

    def search(
        self,
        archive: Archive,
        programs: Collection[str | None],
        kinds: Mapping[int, RelocationKind],
    ) -> None:
        """Add the members of these programs that are needed, and what those need in turn."""
        waiting = deque(name for name in self.needed if name in archive.index)
        while waiting:
            name = waiting.popleft()
            number = archive.index[name]
            member = archive.members[number]
            if name not in self.needed or member.program not in programs:
                continue
            if (archive.name, number) in self.taken:
                continue
            self.taken.add((archive.name, number))
            self.pulled.append(Pulled(member.name, name, self.needed[name]))
            self.add(member, kinds)
            missing = (symbol.name for symbol in member.symbols if symbol.section is None)
            waiting.extend(new for new in missing if new in self.needed and new in archive.index)


def shared_names(file: ObjectFile) -> list[str]:
    """Return the names that an object defines for others."""
    return [
        symbol.name
        for symbol in file.symbols
        if symbol.binding is not Binding.LOCAL and symbol.section is not None
    ]


def uses_on_nodes(file: ObjectFile, kinds: Mapping[int, RelocationKind]) -> set[int]:
    """Return the symbols (indices) that an object uses only as places on other nodes."""
    on_node = {number for number, kind in kinds.items() if kind.on_node}
    there = {use.symbol for use in file.relocations if use.kind in on_node}
    if not there:
        return there
    return there - {use.symbol for use in file.relocations if use.kind not in on_node}


def names_on_nodes(
    files: Iterable[ObjectFile], kinds: Mapping[int, RelocationKind]
) -> dict[str, str]:
    """Return the shared names that objects use as places on other nodes, with a user of each."""
    on_node = {number for number, kind in kinds.items() if kind.on_node}
    names: dict[str, str] = {}
    for file in files:
        for use in file.relocations:
            if use.kind in on_node and file.symbols[use.symbol].binding is not Binding.LOCAL:
                names.setdefault(file.symbols[use.symbol].name, file.name)
    return names


def select(
    files: Sequence[Input],
    selection: Selection,
    programs: Collection[str | None],
    kinds: Mapping[int, RelocationKind],
) -> None:
    """Add the objects of these programs and what they need of the archives, in order.

    Members of no program are there for all.
    """
    for file in files:
        if isinstance(file, Archive):
            selection.search(file, (*programs, None), kinds)
        elif file.program in programs:
            selection.add(file, kinds)
