"""One instruction as text: operands, labels, and which alias is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dojo_tools.description import Description, Instruction, load_description
from dojo_tools.disassembler import format_instruction

Use = Callable[..., Instruction]


@pytest.mark.parametrize(
    ("mnemonic", "values", "text"),
    [
        ("add", (1, 2, 31), "add x1, x2, x31"),
        ("addi", (1, 2, -7), "addi x1, x2, -7"),
        ("ld", (1, 2, 8), "ld x1, [x2 + 8]"),
        ("ld", (1, 2, -8), "ld x1, [x2 - 8]"),
        ("ld", (1, 2, 0), "ld x1, [x2]"),
        ("la", (10, 0x13FFFF), "la x10, 0x13ffff"),
        ("la", (10, 255), "la x10, 255"),
        ("ctl.read", (3, 0), "ctl.read x3, cycle"),
        ("vadd.f32", (1, 2, 3, 0), "vadd.f32 v1, v2, v3"),
        ("vadd.f32", (1, 2, 3, 1), "vadd.f32 v1, v2, v3, m1"),
        ("vadd.f32", (1, 2, 3, 15), "vadd.f32 v1, v2, v3, m7.z"),
        ("beq", (1, 2, 8), "beq x1, x2, . + 8"),
        ("beq", (1, 2, -8), "beq x1, x2, . - 8"),
        ("beq", (1, 2, 0), "beq x1, x2, ."),
        ("break", (), "break"),
    ],
)
def test_operands(
    use: Use, description: Description, mnemonic: str, values: tuple[int, ...], text: str
) -> None:
    assert format_instruction(use(mnemonic, *values), 0x100, description) == text


def test_a_target_is_its_label(use: Use, description: Description) -> None:
    labels = {0xF8: "loop"}
    found = format_instruction(use("beq", 1, 2, -8), 0x100, description, labels.get)
    assert found == "beq x1, x2, loop"


@pytest.mark.parametrize(
    ("mnemonic", "values", "text"),
    [
        ("addi", (0, 0, 0), "nop"),
        ("addi", (1, 2, 0), "mov x1, x2"),
        ("addi", (0, 0, 1), "addi x0, x0, 1"),
        ("jalr", (0, 1, 0), "ret"),
        ("jalr", (0, 2, 0), "jumpr x2"),
        ("jalr", (1, 2, 0), "callr x2"),
        ("jalr", (2, 2, 0), "jalr x2, [x2]"),
        ("jal", (0, 64), "jump . + 64"),
        ("blt", (0, 5, 8), "bgtz x5, . + 8"),
        ("blt", (5, 0, 8), "bltz x5, . + 8"),
        ("blt", (0, 0, 8), "bltz x0, . + 8"),  # both fit: the first that is declared
        ("blt", (1, 2, 8), "blt x1, x2, . + 8"),  # another mnemonic would only swap the two
        ("vmov.i64", (1, 2, 0), "vmov.i64 v1, v2"),  # leaving out a predicate fixes nothing
    ],
)
def test_the_most_constrained_alias_is_written(
    use: Use, description: Description, mnemonic: str, values: tuple[int, ...], text: str
) -> None:
    assert format_instruction(use(mnemonic, *values), 0, description) == text


def test_an_alias_that_fixes_a_relocated_operand_is_not_written(
    use: Use, description: Description
) -> None:
    found = format_instruction(
        use("addi", 1, 2, 0), 0, description, symbolic={"imm16": "table + 4"}
    )
    assert found == "addi x1, x2, table + 4"


@pytest.mark.parametrize(
    ("mnemonic", "values", "operand", "text"),
    [
        ("la", (1, 0), "addr21", "la x1, here"),
        ("jal", (1, 0), "target21", "call here"),
        ("ld", (1, 2, 0), "off12", "ld x1, [x2 + here]"),
    ],
)
def test_a_symbol_stands_for_an_operand(
    use: Use,
    description: Description,
    mnemonic: str,
    values: tuple[int, ...],
    operand: str,
    text: str,
) -> None:
    instruction = use(mnemonic, *values)
    assert format_instruction(instruction, 0, description, symbolic={operand: "here"}) == text


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Description:
    """The description with more aliases."""
    path: Path = tmp_path_factory.mktemp("isa") / "aliases.isa"
    path.write_text(
        'provenance chosen "for a test"\n'
        'alias twice xd, xa = add xd, xa, xa "A register named twice."\n'
        'alias twice1 xd = twice xd, x1 "An alias of an alias."\n'
        'alias more xd, imm16 = addi xd, x3, -imm16 "Computed, so never written."\n'
        'alias first16 xa, lane8 = addi x9, xa, lane8 "Takes fewer numbers."\n'
        'alias load0 xd = ld xd, [x7 + 16 - 8] "A sum of numbers."\n'
    )
    return load_description([path])


@pytest.mark.parametrize(
    ("mnemonic", "values", "text"),
    [
        ("add", (1, 2, 2), "twice x1, x2"),
        ("add", (1, 1, 1), "twice1 x1"),
        ("add", (1, 2, 1), "add x1, x2, x1"),
        ("addi", (1, 3, -5), "addi x1, x3, -5"),
        ("addi", (9, 3, 7), "first16 x3, 7"),
        ("addi", (9, 3, 8), "addi x9, x3, 8"),
        ("ld", (4, 7, 8), "load0 x4"),
    ],
)
def test_aliases_of_every_sort(
    extended: Description, mnemonic: str, values: tuple[int, ...], text: str
) -> None:
    definition = next(d for d in extended.instructions if d.mnemonic == mnemonic)
    assert format_instruction(Instruction(definition, values), 0, extended) == text
