"""What is written is read back equal."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dojo_tools.objects import (
    ABSOLUTE,
    COMMON,
    Binding,
    Frame,
    FrameKind,
    Image,
    LineEntry,
    ObjectFile,
    Program,
    Rectangle,
    Relocation,
    Section,
    Symbol,
    SymbolKind,
    TensorType,
    Visibility,
    encode_image,
    encode_object,
    read_elf,
    read_image,
    read_object,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
WORDS = st.integers(0, 2**64 - 1)
COUNTS = st.integers(0, 2**32 - 1)
RECTANGLES = st.builds(
    Rectangle, *(st.integers(0, 2048), st.integers(0, 2048), st.integers(1, 2048), st.just(1))
)
PLACEMENTS = st.lists(RECTANGLES, max_size=3).map(tuple)


@st.composite
def sections(draw: st.DrawFn) -> tuple[Section, ...]:
    names = draw(
        st.lists(NAMES.filter(lambda name: name not in (ABSOLUTE, COMMON)), max_size=4, unique=True)
    )
    found: list[Section] = []
    for name in names:
        writable, executable, allocated = (draw(st.booleans()) for _ in range(3))
        contents = draw(st.binary(max_size=40))
        size = len(contents)
        if not contents and allocated:
            size = draw(st.integers(0, 2**63))
        alignment = 1 << draw(st.integers(0, 63))
        found.append(Section(name, writable, executable, allocated, alignment, contents, size))
    return tuple(found)


@st.composite
def objects(draw: st.DrawFn) -> ObjectFile:
    held = draw(sections())
    places = st.sampled_from([None, ABSOLUTE, *(section.name for section in held)])
    enums = (st.sampled_from(Binding), st.sampled_from(SymbolKind), st.sampled_from(Visibility))
    symbols = draw(st.lists(st.builds(Symbol, NAMES, places, WORDS, WORDS, *enums), max_size=5))
    symbols += [
        Symbol(name, COMMON, 1 << draw(st.integers(0, 63)), size, Binding.GLOBAL)
        for name, size in draw(st.lists(st.tuples(NAMES, WORDS), max_size=2))
    ]
    symbols.sort(key=lambda symbol: symbol.binding is not Binding.LOCAL)
    relocations: list[Relocation] = []
    lines: list[LineEntry] = []
    for section in held:
        offsets = st.integers(0, max(0, section.size - 1))
        if section.contents and symbols:
            addends = st.integers(-(2**63), 2**63 - 1)
            numbers = st.integers(0, len(symbols) - 1)
            entry = st.builds(Relocation, st.just(section.name), offsets, COUNTS, numbers, addends)
            relocations += draw(st.lists(entry, max_size=3))
        if section.size:
            frames = st.builds(Frame, st.sampled_from(FrameKind), NAMES, NAMES, COUNTS, COUNTS)
            trails = st.lists(frames, max_size=3).map(tuple)
            line = st.builds(
                LineEntry, st.just(section.name), offsets, st.just(1), NAMES, COUNTS, COUNTS, trails
            )
            lines += draw(st.lists(line, max_size=3))
    tensors: list[TensorType] = []
    if symbols:
        shapes = st.lists(WORDS, max_size=3).map(tuple)
        numbers = st.integers(0, len(symbols) - 1)
        tensors = draw(st.lists(st.builds(TensorType, numbers, NAMES, shapes), max_size=3))
    return ObjectFile(
        "x.o",
        held,
        tuple(symbols),
        tuple(relocations),
        tuple(lines),
        tuple(tensors),
        draw(st.none() | NAMES),
        draw(PLACEMENTS),
    )


@settings(deadline=None)
@given(objects())
def test_any_object(object_file: ObjectFile) -> None:
    encoded = encode_object(object_file)
    assert read_object(encoded, "x.o") == object_file
    assert encode_object(object_file) == encoded


@given(st.dictionaries(NAMES, st.tuples(RECTANGLES, PLACEMENTS), max_size=4))
def test_any_programs(placements: dict[str, tuple[Rectangle, tuple[Rectangle, ...]]]) -> None:
    programs = tuple(
        Program(name, (number << 32) + 0x100, (first, *more))
        for number, (name, (first, more)) in enumerate(placements.items())
    )
    image = Image("x", 0x100, programs=programs)
    assert read_image(encode_image(image), "x") == image


def test_a_single_program_may_be_placed_nowhere() -> None:
    image = Image("x", 0x100, programs=(Program("all", 0x100),))
    assert read_image(encode_image(image), "x") == image


def test_sample_object(sample_object: ObjectFile) -> None:
    assert read_elf(encode_object(sample_object), "sample.o") == sample_object


def test_sample_image(sample_image: Image) -> None:
    assert read_image(encode_image(sample_image), "sample") == sample_image


def test_empty_object_and_image() -> None:
    assert read_elf(encode_object(ObjectFile("x.o")), "x.o") == ObjectFile("x.o")
    assert read_elf(encode_image(Image("x", 0)), "x") == Image("x", 0)


def test_locals_are_sorted_to_the_front_and_references_follow() -> None:
    object_file = ObjectFile(
        "x.o",
        (Section(".text", False, True, True, 4, bytes(4), 4),),
        (Symbol("shared", ".text", 0, 0, Binding.GLOBAL), Symbol("own", ".text")),
        (Relocation(".text", 0, 1, 0), Relocation(".text", 0, 2, 1)),
        tensors=(TensorType(0, "byte", ()),),
    )
    found = read_object(encode_object(object_file), "x.o")
    assert [symbol.name for symbol in found.symbols] == ["own", "shared"]
    assert [relocation.symbol for relocation in found.relocations] == [1, 0]
    assert found.tensors[0].symbol == 1


def test_a_negative_constant_is_written_as_its_twos_complement() -> None:
    object_file = ObjectFile("x.o", symbols=(Symbol("minus", ABSOLUTE, -1),))
    assert read_object(encode_object(object_file), "x.o").symbols[0].value == 2**64 - 1


def test_a_name_that_is_not_unicode_is_written_escaped() -> None:
    object_file = ObjectFile("x.o", symbols=(Symbol("\udc80", ABSOLUTE),))
    assert read_object(encode_object(object_file), "x.o").symbols[0].name == "\\udc80"
