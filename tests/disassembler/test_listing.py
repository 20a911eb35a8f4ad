"""Whole files as assembly sources: declarations, sections, labels, names that are no names."""

from dojo_tools.description import Description, Instruction, encode
from dojo_tools.disassembler import list_code
from dojo_tools.objects import (
    Binding,
    Image,
    ObjectFile,
    Relocation,
    Section,
    Segment,
    Symbol,
    Visibility,
)

NOTHING = 0x20000000


def code(*words: int, name: str = ".text", address: int = 0) -> Section:
    """Return an executable section of words."""
    contents = b"".join(word.to_bytes(4, "little") for word in words)
    return Section(name, False, True, True, 4, contents, len(contents), address)


def listed(file: ObjectFile | Image, description: Description) -> list[str]:
    """Return a listing's lines without comments and without empty ones."""
    lines = (line.partition(";")[0].strip() for line in list_code(file, description))
    return [line for line in lines if line]


def test_addresses_and_words_stand_in_comments(description: Description) -> None:
    image = Image("a.out", 0x100, sections=(code(NOTHING, address=0x100),))
    assert list(list_code(image, description)) == [
        "; a.out: image",
        "",
        "    .text",
        "    nop                                  ; 00000100: 20000000",
    ]


def test_symbols_are_labels_and_declarations(description: Description) -> None:
    symbols = (
        Symbol("inner", ".text", 4),
        Symbol("table", ".data", 8),
        Symbol("unused", None, binding=Binding.GLOBAL),
        Symbol("_start", ".text", 0, binding=Binding.GLOBAL),
        Symbol("spare", ".text", 8, binding=Binding.WEAK, visibility=Visibility.HIDDEN),
        Symbol("beyond", ".text", 12),
    )
    la = next(d for d in description.instructions if d.mnemonic == "la")
    kind = la.operand("addr21").relocation
    assert kind is not None
    sections = (
        code(encode(Instruction(la, (1, 0))), NOTHING),
        Section(".data", True, False, True, 8, bytes(16), 16),
    )
    file = ObjectFile("a.o", sections, symbols, (Relocation(".text", 0, kind.number, 1, -4),))
    assert listed(file, description) == [
        ".extern table",
        ".global _start",
        ".hidden spare",
        ".weak spare",
        ".text",
        "_start:",
        "la x1, table - 4",
        "inner:",
        "nop",
        "spare:",
    ]


def test_names_that_no_source_can_write_are_replaced(description: Description) -> None:
    names = ["x5", "a b", "twice", "twice", "", ".", "\x1b[2J", "1"]
    symbols = tuple(Symbol(name, ".text", 0) for name in names)
    lines = listed(ObjectFile("a.o", (code(NOTHING),), symbols), description)
    labels = [line.removesuffix(":") for line in lines if line.endswith(":")]
    assert labels[2:4] == ["twice", "twice.2"]
    assert len(set(labels)) == len(names)
    assert all(label.isascii() and label.isprintable() for label in labels)


def test_a_branch_prefers_a_local_name(description: Description) -> None:
    symbols = (Symbol("shared", ".text", 0, binding=Binding.GLOBAL), Symbol("own", ".text", 0))
    jal = next(d for d in description.instructions if d.mnemonic == "jal")
    file = ObjectFile("a.o", (code(encode(Instruction(jal, (0, 0)))),), symbols)
    assert listed(file, description)[-3:] == ["own:", "shared:", "jump own"]


def test_temporary_labels_differ_between_sections(description: Description) -> None:
    jal = next(d for d in description.instructions if d.mnemonic == "jal")
    jump = encode(Instruction(jal, (0, 4)))
    file = ObjectFile("a.o", (code(jump), code(jump, name=".text.more")))
    labels = [line for line in listed(file, description) if line.endswith(":")]
    assert len(set(labels)) == len(labels) == 2
    assert all(label.startswith(".L") for label in labels)


def test_data_is_not_listed(description: Description) -> None:
    sections = (Section(".data", True, False, True, 1, b"abc", 3),)
    assert listed(ObjectFile("a.o", sections), description) == []


def test_an_image_without_sections_is_listed_by_its_segments(description: Description) -> None:
    contents = NOTHING.to_bytes(4, "little")
    segments = (Segment(0x100, contents, 4, False, True), Segment(0x140, b"abcd", 4, True, False))
    lines = listed(Image("a.out", 0x100, segments), description)
    assert lines[-1] == "nop"
    assert len(lines) == 2
