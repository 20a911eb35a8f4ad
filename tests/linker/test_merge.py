"""`-r`: what is merged first links to what linking in one go gives."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dojo_tools.description import BitRange, RelocationKind
from dojo_tools.diagnostics import InputError
from dojo_tools.linker import Archive, LinkOptions, link, merge_files
from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    Binding,
    Image,
    LineEntry,
    ObjectFile,
    Rectangle,
    Relocation,
    Section,
    Symbol,
    TensorType,
    Visibility,
    encode_object,
    read_object,
)

WORD = RelocationKind(1, "word64", False, 8, (BitRange(63, 0),), 1, -(1 << 63), (1 << 64) - 1)
KINDS: Mapping[int, RelocationKind] = {1: WORD}
RIGHTS = {
    ".text": (False, True),
    ".text.hot": (False, True),
    ".rodata": (False, False),
    ".data": (True, False),
    ".bss": (True, False),
}
SHARED = [f"g{number}" for number in range(5)]
COMMONS = [f"c{number}" for number in range(3)]


@st.composite
def programs(draw: st.DrawFn) -> list[ObjectFile]:
    """Draw objects that link: each shared name is defined strongly by one of them at most."""
    count = draw(st.integers(1, 4))
    owners = {name: draw(st.integers(0, count - 1)) for name in SHARED}
    objects = [draw(an_object(index, owners)) for index in range(count)]
    start = Section(".text", False, True, True, 4, bytes(8), 8)
    return [ObjectFile("start.o", (start,), (shared("_start", ".text"),)), *objects]


@st.composite
def an_object(draw: st.DrawFn, index: int, owners: Mapping[str, int]) -> ObjectFile:
    sections: list[Section] = []
    for name in draw(st.permutations(list(RIGHTS)))[: draw(st.integers(0, 5))]:
        writable, executable = RIGHTS[name]
        if name in (".data", ".text.hot"):
            writable, executable = draw(st.booleans()), draw(st.booleans())
        size = draw(st.integers(1, 40))
        contents = bytes([draw(st.integers(1, 255))]) * size
        if name == ".bss" or draw(st.integers(0, 9)) == 0:
            contents = b""
        alignment = 1 << draw(st.integers(0, 8))
        sections.append(Section(name, writable, executable, True, alignment, contents, size))
    if draw(st.booleans()):
        size = draw(st.integers(1, 3))
        resources = Section(".dojo.semaphores", False, False, False, 1, bytes(size), size)
        sections.append(resources)
    places = [section.name for section in sections] or [ABSOLUTE]

    def place(name: str, binding: Binding) -> Symbol:
        visibility = Visibility.HIDDEN if draw(st.integers(0, 5)) == 0 else Visibility.DEFAULT
        chosen = draw(st.sampled_from(places))
        return Symbol(name, chosen, draw(st.integers(0, 20)), 0, binding, visibility=visibility)

    symbols = [place(f"local{number}", Binding.LOCAL) for number in range(draw(st.integers(0, 3)))]
    for name, owner in owners.items():
        if owner == index:
            symbols.append(place(name, Binding.GLOBAL))
        elif draw(st.booleans()):
            symbols.append(place(name, Binding.WEAK))
        else:
            symbols.append(shared(name, None))
    for name in COMMONS:
        if draw(st.booleans()):
            size = draw(st.integers(1, 64))
            alignment = 1 << draw(st.integers(0, 6))
            symbols.append(Symbol(name, COMMON, alignment, size, Binding.GLOBAL))
    if draw(st.booleans()):
        symbols.append(Symbol("absent", None, 0, 0, Binding.WEAK))
    relocations = [
        Relocation(
            section.name,
            draw(st.integers(0, section.size - 8)),
            1,
            draw(st.integers(0, len(symbols) - 1)),
            draw(st.integers(-8, 8)),
        )
        for section in sections
        if len(section.contents) >= 8 and section.allocated
        for _ in range(draw(st.integers(0, 2)))
    ]
    lines = tuple(
        LineEntry(section.name, 0, section.size, f"{index}.s", number, 1)
        for number, section in enumerate(sections)
        if section.contents and section.allocated
    )
    tensors = [TensorType(number, "f32", (number, index)) for number in range(len(symbols))]
    kept = tuple(t for t in tensors if symbols[t.symbol].section is not None)
    return ObjectFile(
        f"{index}.o", tuple(sections), tuple(symbols), tuple(relocations), lines, kept
    )


def shared(name: str, section: str | None, value: int = 0) -> Symbol:
    return Symbol(name, section, value, 0, Binding.GLOBAL)


def merged(objects: list[ObjectFile], name: str = "all.o") -> ObjectFile:
    """Merge objects, and write and read what came out."""
    made = merge_files(objects, KINDS, LinkOptions(), name)
    return read_object(encode_object(made), name)


def meaning(image: Image) -> object:
    """Return what a machine and a debugger get of an image, apart from the order of symbols."""
    symbols = sorted((s.name, s.section or "", s.value, s.binding.value) for s in image.symbols)
    types = sorted((image.symbols[t.symbol].name, t.element, t.shape) for t in image.tensors)
    return image.entry, image.sections, image.segments, symbols, sorted(image.lines), types


@settings(max_examples=150)
@given(programs())
def test_merging_first_links_to_the_same(objects: list[ObjectFile]) -> None:
    expected = meaning(link(objects, KINDS))
    assert meaning(link([merged(objects)], KINDS)) == expected
    again = merged([merged(objects[:1], "one.o"), *objects[1:]])
    assert meaning(link([again], KINDS)) == expected


def test_members_of_archives_are_merged_when_needed() -> None:
    uses = ObjectFile("u.o", (), (shared("f", None),))
    defines = ObjectFile("lib.a(f.o)", (), (shared("f", ABSOLUTE, 5),))
    other = ObjectFile("lib.a(g.o)", (), (shared("g", ABSOLUTE, 6),))
    archive = Archive("lib.a", (other, defines))
    made = merge_files([uses, archive], KINDS, LinkOptions(), "r.o")
    assert [(s.name, s.value) for s in made.symbols] == [("f", 5)]
    made = merge_files([uses, archive], KINDS, LinkOptions(undefined=("g",)), "r.o")
    assert {s.name for s in made.symbols} == {"f", "g"}
    made = merge_files([uses, archive], KINDS, LinkOptions(wrap=("f",)), "r.o")
    assert [(s.name, s.section) for s in made.symbols] == [("__wrap_f", None)]


def test_what_is_undefined_stays_so() -> None:
    weak = Symbol("w", None, 0, 0, Binding.WEAK)
    both = Symbol("b", None, 0, 0, Binding.WEAK)
    one = ObjectFile("one.o", (), (weak, both))
    two = ObjectFile("two.o", (), (weak, shared("b", None)))
    made = merged([one, two])
    assert {s.name: s.binding for s in made.symbols} == {"w": Binding.WEAK, "b": Binding.GLOBAL}


def test_program_and_placement_are_kept() -> None:
    places = Rectangle(0, 0, 2, 2), Rectangle(3, 3, 1, 1)
    one = ObjectFile("one.o", program="p", placement=places[:1])
    two = ObjectFile("two.o", program="p", placement=places)
    made = merged([one, two])
    assert (made.program, made.placement) == ("p", places)
    with pytest.raises(InputError, match=r"one.o is part of program `p`, x.o is part of no progr"):
        merged([one, ObjectFile("x.o")])


def test_doubles_and_huge_sections_are_refused() -> None:
    one = ObjectFile("one.o", (), (shared("f", ABSOLUTE),))
    with pytest.raises(InputError, match=r"defined twice: in one.o and in two.o"):
        merged([one, ObjectFile("two.o", (), (shared("f", ABSOLUTE),))])
    huge = Section(".data", True, False, True, 1, b"", 1 << 39)
    filled = Section(".data", True, False, True, 1 << 38, b"x", 1)
    assert merged([ObjectFile("h.o", (huge,))]).sections[0].size == 1 << 39
    with pytest.raises(InputError, match=r"section `.data` would have \d+ bytes"):
        merged([ObjectFile("h.o", (huge,)), ObjectFile("d.o", (filled,))])
