"""What takes part in a link: archives, ranks of definitions, what is kept, what options define."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dojo_tools.description import BitRange, RelocationKind
from dojo_tools.diagnostics import InputError
from dojo_tools.linker import Archive, Defsym, Input, LinkOptions, link_files
from dojo_tools.linker.link import Linked
from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    Binding,
    ObjectFile,
    Rectangle,
    Relocation,
    Section,
    Symbol,
    Visibility,
    encode_image,
    read_image,
)

Kinds = Mapping[int, RelocationKind]
NODE = RelocationKind(5, "node", False, 8, (BitRange(63, 0),), 1, -(1 << 63), (1 << 64) - 1, True)


@pytest.fixture
def every_kind(kinds: Kinds) -> Kinds:
    return {**kinds, NODE.number: NODE}


def code(name: str = ".text", size: int = 8) -> Section:
    return Section(name, False, True, True, 4, bytes(size), size)


def words(count: int, name: str = ".data") -> Section:
    return Section(name, True, False, True, 8, bytes(8 * count), 8 * count)


def shared(name: str, section: str | None = ".text", value: int = 0) -> Symbol:
    return Symbol(name, section, value, 0, Binding.GLOBAL)


def weak(name: str, section: str | None = ".text", value: int = 0) -> Symbol:
    return Symbol(name, section, value, 0, Binding.WEAK)


def common(name: str, alignment: int, size: int) -> Symbol:
    return Symbol(name, COMMON, alignment, size, Binding.GLOBAL)


def user(*names: str, name: str = "user.o", start: str = "_start") -> ObjectFile:
    """Return an object whose `.data` holds the address of each name, in order."""
    symbols = (shared(start), *(shared(wanted, None) for wanted in names))
    uses = tuple(Relocation(".data", 8 * n, 2, n + 1) for n in range(len(names)))
    return ObjectFile(name, (code(), words(len(names))), symbols, uses)


def table(linked: Linked, name: str = ".data") -> tuple[int, ...]:
    section = next(section for section in linked.image.sections if section.name == name)
    return struct.unpack(f"<{section.size // 8}Q", section.contents)


def values(linked: Linked) -> dict[str, int]:
    return {symbol.name: symbol.value for symbol in linked.image.symbols}


def run(files: Sequence[Input], kinds: Kinds, options: LinkOptions | None = None) -> Linked:
    linked = link_files(files, kinds, options or LinkOptions())
    assert read_image(encode_image(linked.image, debug=False), "a.out") is not None
    return linked


def refusal(files: Sequence[Input], kinds: Kinds, options: LinkOptions | None = None) -> str:
    with pytest.raises(InputError) as caught:
        link_files(files, kinds, options or LinkOptions())
    return str(caught.value)


# ---- archives


def library(*members: ObjectFile, name: str = "lib.a") -> Archive:
    return Archive(name, tuple(replace(m, name=f"{name}({m.name})") for m in members))


def names_of(linked: Linked) -> list[str]:
    return [file.name for file in linked.units[0].objects]


def test_members_come_as_they_are_needed_and_bring_what_they_need(kinds: Kinds) -> None:
    deepest = ObjectFile("deepest.o", (code(),), (shared("deepest"),))
    deep = user("deepest", name="deep.o", start="deep")
    unneeded = user("nowhere", name="unneeded.o", start="unneeded")
    linked = run([user("deep"), library(deepest, unneeded, deep)], kinds)
    assert names_of(linked) == ["user.o", "lib.a(deep.o)", "lib.a(deepest.o)"]
    assert [tuple(pulled) for pulled in linked.units[0].pulled] == [
        ("lib.a(deep.o)", "deep", "user.o"),
        ("lib.a(deepest.o)", "deepest", "lib.a(deep.o)"),
    ]


def test_the_first_member_that_defines_a_name_is_taken(kinds: Kinds) -> None:
    one = ObjectFile("one.o", (code(),), (shared("f"),))
    two = ObjectFile("two.o", (code(),), (shared("f"),))
    assert names_of(run([user("f"), library(one, two)], kinds))[1:] == ["lib.a(one.o)"]
    assert names_of(run([user("f"), two, library(one)], kinds))[1:] == ["two.o"]
    both = [user("f"), library(two, name="a.a"), library(one, name="b.a")]
    assert names_of(run(both, kinds))[1:] == ["a.a(two.o)"]


def test_an_archive_is_not_looked_at_again_but_may_be_given_again(kinds: Kinds) -> None:
    late = ObjectFile("late.o", (code(),), (shared("late"),))
    early = user("late", name="early.o", start="early")
    first, second = library(late, name="a.a"), library(early, name="b.a")
    message = refusal([user("early"), first, second], kinds)
    assert "undefined symbol `late`" in message
    assert "a.a(late.o) defines it" in message
    linked = run([user("early"), first, second, first], kinds)
    assert names_of(linked) == ["user.o", "b.a(early.o)", "a.a(late.o)"]


def test_what_pulls_a_member_and_what_does_not(kinds: Kinds) -> None:
    f = ObjectFile("f.o", (code(),), (shared("f"),))
    maybe = ObjectFile(
        "m.o", (code(), words(1)), (weak("f", None),), (Relocation(".data", 0, 2, 0),)
    )
    assert table(run([user(), maybe, library(f)], kinds)) == (0,)
    assert names_of(run([user(), maybe, library(f)], kinds, LinkOptions(undefined=("f",))))[2:]
    entry = ObjectFile("e.o", (code(),), (shared("_start"),))
    assert names_of(run([library(entry)], kinds)) == ["lib.a(e.o)"]
    follower = LinkOptions(defsyms=(Defsym("g", "f", 0),))
    assert names_of(run([user("g"), library(f)], kinds, follower))[1:] == ["lib.a(f.o)"]
    own = ObjectFile("own.o", (code(),), (shared("__heap_start"),))
    assert names_of(run([user("__heap_start"), library(own)], kinds)) == ["user.o"]


# ---- ranks


def test_the_largest_and_strictest_of_common_symbols_is_allotted(kinds: Kinds) -> None:
    one = ObjectFile("a.o", symbols=(common("pool", 8, 100), common("other", 64, 3)))
    two = ObjectFile("b.o", symbols=(common("pool", 256, 40),))
    linked = run([user("pool", "other"), one, two], kinds)
    pool, other = table(linked)
    assert pool % 256 == 0
    assert (other % 64, other) == (0, pool + 128)
    bss = next(section for section in linked.image.sections if section.name == ".bss")
    assert (bss.address, bss.size, bss.is_bss) == (pool, 131, True)
    symbol = next(symbol for symbol in linked.image.symbols if symbol.name == "pool")
    assert (symbol.section, symbol.size) == (".bss", 100)


def test_strong_beats_common_beats_weak(kinds: Kinds) -> None:
    strong = ObjectFile("s.o", (code(".other"),), (shared("x", ".other"),))
    weaker = ObjectFile("w.o", (code(".other"),), (weak("x", ".other"),))
    commons = ObjectFile("c.o", symbols=(common("x", 8, 8),))
    for files in ([strong, commons], [commons, strong]):
        linked = run([user("x"), *files], kinds)
        assert all(section.name != ".bss" for section in linked.image.sections)
        assert table(linked) == (values(linked)["x"],)
    for files in ([weaker, commons], [commons, weaker]):
        symbols = run([user("x"), *files], kinds).image.symbols
        assert next(symbol.section for symbol in symbols if symbol.name == "x") == ".bss"


def test_a_hidden_symbol_is_local_in_the_image(kinds: Kinds) -> None:
    declares = ObjectFile(
        "d.o", symbols=(replace(shared("f", None), visibility=Visibility.HIDDEN),)
    )
    f = ObjectFile("f.o", (code(),), (shared("f"),))
    linked = run([user("f"), f, declares], kinds)
    symbol = next(symbol for symbol in linked.image.symbols if symbol.name == "f")
    assert (symbol.binding, symbol.visibility) == (Binding.LOCAL, Visibility.HIDDEN)
    assert table(linked) == (symbol.value,)


# ---- what is kept

KEEP = LinkOptions(gc_sections=True)


def test_only_what_is_reached_is_kept(kinds: Kinds) -> None:
    lib = ObjectFile(
        "lib.o",
        (code(".text.f"), code(".text.g"), code(".text.h"), code(".init.x"), words(1, ".data.f")),
        (shared("f", ".text.f"), shared("g", ".text.g"), shared("h", ".text.h"), common("c", 8, 8)),
        (Relocation(".data.f", 0, 2, 2), Relocation(".text.g", 0, 3, 3)),
    )
    starts = ObjectFile(
        "start.o",
        (code(),),
        (shared("_start"), shared("f", None)),
        (Relocation(".text", 0, 3, 1),),
    )
    linked = run([starts, lib], kinds, KEEP)
    assert {s.name for s in linked.image.sections} == {".text", ".text.f", ".init.x"}
    assert [name for _, name in linked.units[0].dropped] == [".text.g", ".text.h", ".data.f"]
    assert "g" not in values(linked)
    assert "c" not in values(linked)
    with_g = run([starts, lib], kinds, replace(KEEP, undefined=("g",)))
    assert {s.name for s in with_g.image.sections} >= {".text.g", ".bss"}
    assert "c" in values(with_g)


def test_what_is_dropped_may_use_undefined_names_and_be_too_large(kinds: Kinds) -> None:
    dead = ObjectFile(
        "dead.o",
        (code(".dead"), Section(".huge", True, False, True, 8, b"", 1 << 40)),
        (shared("nowhere", None),),
        (Relocation(".dead", 0, 3, 0),),
    )
    assert len(run([user(), dead], kinds, KEEP).image.sections) == 1


# ---- options


def test_wrapping(kinds: Kinds) -> None:
    wraps = user("__real_f", "f", name="wraps.o", start="__wrap_f")
    f = ObjectFile("f.o", (code(),), (shared("f"),))
    linked = run([user("f"), wraps, f], kinds, LinkOptions(wrap=("f",)))
    own = values(linked)
    assert table(linked) == (own["__wrap_f"], own["f"], own["__wrap_f"])


def test_defined_symbols(kinds: Kinds) -> None:
    files = [user("n", "f", "top"), ObjectFile("w.o", (code(),), (weak("f"), shared("g")))]
    defsyms = (Defsym("n", None, 7), Defsym("f", "g", 4), Defsym("top", "__heap_start", -8))
    linked = run(files, kinds, LinkOptions(defsyms=defsyms))
    own = values(linked)
    assert table(linked) == (7, own["g"] + 4, own["__heap_start"] - 8)
    twice = refusal(files, kinds, LinkOptions(defsyms=(Defsym("g", None, 1), *defsyms)))
    assert "`--defsym g` defines a symbol that is defined in w.o" in twice
    missing = refusal(files, kinds, LinkOptions(defsyms=(Defsym("f", "h", 0), *defsyms[::2])))
    assert "undefined symbol `h`" in missing


def test_a_symbol_that_follows_itself_is_undefined(kinds: Kinds) -> None:
    around = (Defsym("a", "a", 0),)
    assert "undefined symbol `a`" in refusal([user("a")], kinds, LinkOptions(defsyms=around))


def test_stack_and_heap(kinds: Kinds) -> None:
    options = LinkOptions(memory_size=0x2000, stack_size=0x400, heap_size=0x800)
    chosen = ObjectFile("s.o", symbols=(shared("__stack_size", ABSOLUTE, 0x1000),))
    own = values(run([user(), chosen], kinds, options))
    assert (own["__stack_size"], own["__stack_top_1"]) == (0x400, 0x1C00)
    assert own["__heap_end"] == own["__heap_start"] + 0x800
    message = refusal([user()], kinds, replace(options, heap_size=0x1B00))
    assert "is 64 bytes too large" in message
    assert "a heap of 0x1b00 bytes" in message
    assert "`__heap_size` is 33, expected" in refusal([user()], kinds, LinkOptions(heap_size=33))


def test_starts_of_sections(kinds: Kinds) -> None:
    far = LinkOptions(section_starts={".data": 0x8000})
    bss = ObjectFile("b.o", (Section(".bss", True, False, True, 8, b"", 8),))
    linked = run([user("_start"), bss], kinds, far)
    assert [(s.name, s.address) for s in linked.image.sections] == [
        (".text", 0x100),
        (".data", 0x8000),
        (".bss", 0x8040),
    ]
    apart = replace(far, section_starts={".bss": 0x8000})
    segments = run([user("_start"), bss], kinds, apart).image.segments
    assert [(s.address, s.memory_size) for s in segments] == [(0x100, 8), (0x140, 8), (0x8000, 8)]
    for start, message in (
        (0xC0, "outside the memory of a program"),
        (0x140000, "outside the memory of a program"),
        (0x148, "not a multiple of 64"),
        (0x100, "starts at 0x100, but"),
    ):
        found = refusal([user("_start")], kinds, LinkOptions(section_starts={".data": start}))
        assert message in found
    unknown = refusal([user()], kinds, LinkOptions(section_starts={".tex": 0x200}))
    assert "did you mean `.text`?" in unknown


# ---- resources and programs


def resource(name: str, count: int, offset: int = 0) -> ObjectFile:
    section = Section(".dojo.barriers", False, False, False, 1, bytes(count), count)
    return ObjectFile(f"{name}.o", (section,), (shared(name, section.name, offset),))


def test_resources_are_numbered_in_link_order(kinds: Kinds) -> None:
    linked = run([user("a", "b"), resource("a", 3, 1), resource("b", 2)], kinds)
    assert table(linked) == (1, 3)
    symbol = next(symbol for symbol in linked.image.symbols if symbol.name == "b")
    assert symbol.section == ABSOLUTE
    assert all(section.name != ".dojo.barriers" for section in linked.image.sections)
    message = refusal([user(), resource("a", 9), resource("b", 8)], kinds)
    assert "17 barriers are named" in message
    assert "a.o names 9" in message


def placed(file: ObjectFile, program: str, *places: tuple[int, int, int, int]) -> ObjectFile:
    return replace(file, program=program, placement=tuple(Rectangle(*place) for place in places))


def on_node(symbol: str, x: int, y: int, offset: int = 0) -> ObjectFile:
    addend = (1 << 60) | (y << 44) | (x << 32) | (offset & 0xFFFF_FFFF)
    uses = (Relocation(".data", 0, NODE.number, 1, addend),)
    return replace(user(symbol), relocations=uses)


def test_programs_share_addresses_and_refer_to_each_other(every_kind: Kinds) -> None:
    library_object = user("main", name="crt.o", start="common_code")
    first = placed(on_node("inbox", 1, 0, 8), "first", (2, 5, 1, 1))
    inbox = ObjectFile(
        "second.o", (code(size=32), words(2)), (shared("_start"), shared("inbox", ".data"))
    )
    second = placed(inbox, "second", (3, 5, 2, 1))
    mains = [
        placed(replace(user(start="main"), name=f"{name}.main"), name)
        for name in ("first", "second")
    ]
    linked = run([first, second, library_object, *mains], every_kind, LinkOptions())
    image = linked.image
    assert [(p.name, p.entry >> 32) for p in image.programs] == [("first", 0), ("second", 1)]
    assert image.programs[1].placement == (Rectangle(3, 5, 2, 1),)
    addresses = [s.value for s in image.symbols if s.name == "common_code"]
    assert addresses[1] == addresses[0] + (1 << 32)
    address = next(s.value for s in image.symbols if s.name == "inbox")
    own = next(s for s in image.sections if s.name.startswith(".data.2"))
    found = int.from_bytes(own.contents, "little")
    assert found == (1 << 60) | (1 << 32) | ((address + 8) & 0xFFFF_FFFF)
    mains_found = [s.value for s in image.symbols if s.name == "main"]
    shared_tables = [table(linked), table(linked, ".data@second")]
    assert [t[0] for t in shared_tables] == [value & 0xFFFF_FFFF for value in mains_found]


def test_a_reference_from_another_node_keeps_a_section(every_kind: Kinds) -> None:
    first = placed(on_node("inbox", 1, 0), "first", (0, 0, 1, 1))
    uses_data = replace(
        first,
        symbols=(*first.symbols, Symbol("own", ".data")),
        relocations=(*first.relocations, Relocation(".text", 0, 3, 2)),
    )
    sections = (code(), words(1, ".inbox"), words(1, ".unused"))
    other = ObjectFile("second.o", sections, (shared("_start"), shared("inbox", ".inbox")))
    linked = run([uses_data, placed(other, "second", (1, 0, 1, 1))], every_kind, KEEP)
    names = [section.name for section in linked.image.sections]
    assert names == [".text", ".data", ".text@second", ".inbox@second"]


def test_misplaced_programs(every_kind: Kinds) -> None:
    one, two = user(name="one.o"), user(name="two.o")
    files = [placed(one, "a", (0, 0, 2, 2)), placed(two, "b", (1, 1, 1, 1))]
    assert "of the programs `a` and `b` overlap at node (1, 1)" in refusal(files, every_kind)
    nowhere = [placed(one, "a", (0, 0, 2, 2)), placed(two, "b")]
    assert "program `b` has no place" in refusal(nowhere, every_kind)
    chosen = LinkOptions(placements={"b": (Rectangle(5, 0, 1, 1),)})
    assert len(run(files, every_kind, chosen).image.programs) == 2
    wrong = LinkOptions(placements={"bb": (Rectangle(5, 0, 1, 1),)})
    assert "there is no program `bb`" in refusal(files, every_kind, wrong)


def test_members_belong_to_the_program_that_needs_them(every_kind: Kinds) -> None:
    f = ObjectFile("f.o", (code(),), (shared("f"),))
    files = [
        placed(user("f", name="one.o"), "a", (0, 0, 1, 1)),
        placed(user(name="two.o"), "b", (1, 0, 1, 1)),
        library(f),
    ]
    linked = run(files, every_kind)
    assert [len(unit.objects) for unit in linked.units] == [2, 1]
    crt = user("f", name="crt.o", start="crt")
    by_all = run([*files[:2], crt, library(f)], every_kind)
    assert [unit.shared_count for unit in by_all.units] == [2, 2]
    assert [unit.objects[1].name for unit in by_all.units] == ["lib.a(f.o)"] * 2


def test_names_of_sections_stay_unique_in_an_image(every_kind: Kinds) -> None:
    odd = ObjectFile("one.o", (code(), code(".text@b")), (shared("_start"),))
    files = [placed(odd, "a", (0, 0, 1, 1)), placed(user(name="two.o"), "b", (1, 0, 1, 1))]
    names = [section.name for section in run(files, every_kind).image.sections]
    assert len(set(names)) == len(names) == 4
