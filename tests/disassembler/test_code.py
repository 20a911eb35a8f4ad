"""Sections as lines: data, labels, relocations, and what no source can state."""

from collections.abc import Callable

from dojo_tools.description import Description, Instruction, RelocationKind, encode
from dojo_tools.disassembler import Line, Reference, disassemble

Use = Callable[..., Instruction]


def lines_of(
    contents: bytes,
    description: Description,
    labels: dict[int, tuple[str, ...]] | None = None,
    references: dict[int, tuple[Reference, ...]] | None = None,
    address: int = 0,
) -> list[Line]:
    """Return the lines of a section; new labels are named `L` and their address."""
    lines = disassemble(
        contents, address, description, labels or {}, references or {}, lambda at: f"L{at:x}"
    )
    return list(lines)


def bytes_of(*instructions: Instruction) -> bytes:
    """Return the words of instructions."""
    return b"".join(encode(instruction).to_bytes(4, "little") for instruction in instructions)


def relocation_of(description: Description, operand: str) -> RelocationKind:
    """Return the relocation of an operand kind."""
    kind = next(kind for kind in description.operands if kind.name == operand).relocation
    assert kind is not None
    return kind


def texts(lines: list[Line]) -> list[str]:
    """Return labels and texts in order."""
    found = [text for line in lines for text in (*(f"{x}:" for x in line.labels), line.text)]
    return [text for text in found if text]


def test_no_bytes_are_no_lines(description: Description) -> None:
    assert lines_of(b"", description) == []


def test_illegal_words_and_cut_off_bytes_are_data(description: Description) -> None:
    contents = b"\0" * 4 + b"\xff" * 4 + b"\x01\x02"
    assert texts(lines_of(contents, description)) == [
        ".word 0x00000000",
        ".word 0xffffffff",
        ".byte 0x01, 0x02",
    ]


def test_a_branch_target_gets_a_label(use: Use, description: Description) -> None:
    contents = bytes_of(use("jal", 0, 8), use("addi", 0, 0, 0), use("jal", 0, -4))
    assert texts(lines_of(contents, description, address=0x100)) == [
        "jump L108",
        "L104:",
        "nop",
        "L108:",
        "jump L104",
    ]


def test_the_end_of_a_section_may_have_a_label(use: Use, description: Description) -> None:
    assert texts(lines_of(bytes_of(use("jal", 0, 4)), description)) == ["jump L4", "L4:"]


def test_a_target_outside_the_section_stays_a_distance(use: Use, description: Description) -> None:
    contents = bytes_of(use("jal", 0, -4), use("jal", 0, 8))
    assert texts(lines_of(contents, description)) == ["jump . - 4", "jump . + 8"]


def test_a_label_inside_a_word_cuts_it(use: Use, description: Description) -> None:
    contents = bytes_of(use("addi", 1, 2, 3), use("jal", 0, -4))
    assert texts(lines_of(contents, description, {2: ("middle",)})) == [
        "L0:",
        ".byte 0x03, 0x00",
        "middle:",
        ".byte 0x22, 0x20",
        "jump L0",
    ]


def test_a_relocated_operand_is_its_symbol(use: Use, description: Description) -> None:
    kind = relocation_of(description, "target21")
    contents = bytes_of(use("jal", 1, 0))
    references = {0: (Reference(kind.number, "f + 8"),)}
    assert texts(lines_of(contents, description, {}, references)) == ["call f + 8"]


def test_a_relocated_number_is_data(description: Description) -> None:
    kind = next(k.relocation for k in description.data if k.type.width == 64)
    assert kind is not None
    references = {4: (Reference(kind.number, "table"),)}
    assert texts(lines_of(bytes(12), description, {}, references)) == [
        ".word 0x00000000",
        ".dword table",
    ]


def test_a_relocation_that_no_source_can_state_is_noted(use: Use, description: Description) -> None:
    jump = relocation_of(description, "target21").number
    unknown = 9999
    contents = bytes_of(*[use("jal", 1, 8)] * 4)
    references = {
        0: (Reference(jump, "f"),),  # the field is not empty
        4: (Reference(unknown, "f"),),
        8: (Reference(jump, "f"), Reference(jump, "g")),
        14: (Reference(jump, "f"),),  # inside a word
    }
    lines = lines_of(contents, description, {}, references)
    assert [line.note for line in lines if line.contents] == [
        f"relocation {jump}: f",
        f"relocation {unknown}: f",
        f"relocation {jump}: f  relocation {jump}: g",
        "",
        f"relocation {jump}: f",
    ]
    assert b"".join(line.contents for line in lines) == contents


def test_a_relocation_cut_by_a_label_is_noted(description: Description) -> None:
    kind = next(k.relocation for k in description.data if k.type.width == 64)
    assert kind is not None
    references = {0: (Reference(kind.number, "table"),)}
    lines = lines_of(bytes(8), description, {4: ("half",)}, references)
    assert texts(lines) == [".word 0x00000000", "half:", ".word 0x00000000"]
    assert lines[0].note == f"relocation {kind.number}: table"
