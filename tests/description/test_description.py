"""The shipped description: fields, encodings, operands, provenance, and the plan of opcodes."""

import random
from pathlib import Path

import pytest

from dojo_tools.description import (
    GridDef,
    Instruction,
    OperandClass,
    OperandKind,
    Standing,
    allows,
    encode,
    load_description,
    load_machine,
)
from dojo_tools.description.proofs import ILLEGAL_WORDS
from dojo_tools.diagnostics import InputError

DESCRIPTION = load_description()
INSTRUCTIONS = {f"{d.syntax_text}": d for d in DESCRIPTION.instructions}


def random_value(kind: OperandKind, generator: random.Random) -> int:
    """Return a value that an operand kind allows."""
    if kind.operand_class is OperandClass.IMMEDIATE:
        return generator.randrange(kind.low, kind.high + 1, kind.scale)
    return generator.choice(kind.names)[1]


@pytest.mark.parametrize("syntax", INSTRUCTIONS)
def test_decoding_undoes_encoding(syntax: str):
    definition = INSTRUCTIONS[syntax]
    generator = random.Random(syntax)
    for _ in range(20):
        values = tuple(random_value(kind, generator) for kind in definition.operands)
        instruction = Instruction(definition, values)
        assert DESCRIPTION.decode(encode(instruction)) == instruction


def test_encoding_undoes_decoding_of_any_word():
    generator = random.Random(1)
    legal = 0
    for _ in range(20_000):
        word = generator.getrandbits(32)
        instruction = DESCRIPTION.decode(word)
        if instruction is not None:
            legal += 1
            assert encode(instruction) == word
    assert legal > 1000


@pytest.mark.parametrize("word", ILLEGAL_WORDS)
def test_the_two_illegal_words_decode_to_nothing(word: int):
    assert DESCRIPTION.decode(word) is None


def test_every_instruction_has_summary_timing_provenance_and_example():
    for definition in DESCRIPTION.instructions:
        assert definition.summary.endswith("."), definition.mnemonic
        assert definition.timing.latency_cycles >= 1
        assert definition.provenance.source
        assert definition.examples


def test_published_facts_are_marked_as_published():
    vectors = next(file for file in DESCRIPTION.registers if file.name == "v")
    assert vectors.provenance.standing is Standing.PUBLISHED


def test_immediates_allow_their_ends_and_nothing_beyond():
    kinds = [k for k in DESCRIPTION.operands if k.operand_class is OperandClass.IMMEDIATE]
    assert kinds
    for kind in kinds:
        assert allows(kind, kind.low)
        assert allows(kind, kind.high)
        assert not allows(kind, kind.low - kind.scale)
        assert not allows(kind, kind.high + kind.scale)
        if kind.scale > 1:
            assert not allows(kind, kind.low + 1)


def test_an_address_operand_reaches_all_of_sram():
    machine = load_machine("node")
    reaching = [
        kind
        for kind in DESCRIPTION.operands
        if kind.relocation and not kind.pc_relative and kind.high >= machine.sram_bytes - 1
    ]
    assert reaching


def test_jumps_reach_from_any_word_of_sram_to_any_other():
    machine = load_machine("node")
    spans = [k for k in DESCRIPTION.operands if k.pc_relative]
    assert any(k.high >= machine.sram_bytes and k.low <= -machine.sram_bytes for k in spans)


def test_units_of_the_description_and_of_the_machine_are_the_same():
    units = {unit.name for unit in DESCRIPTION.units}
    assert {unit.name for unit in load_machine("node").units} == units


def test_a_die_has_the_published_count_of_usable_nodes():
    die, node = load_machine("d1"), load_machine("node")
    assert die.grid.width * die.grid.height - len(die.grid.dead) == 354
    assert (die.sram_bytes, die.units) == (node.sram_bytes, node.units)
    assert node.grid == GridDef(1, 1)


@pytest.mark.parametrize(
    "base, message",
    [
        ('"d2"', "`base` is a string ..d2..; another shipped machine fits"),
        ("3", "`base` is an integer .3.; another shipped machine fits"),
        ('"own"', "`base` is a string ..own..; another shipped machine fits"),
        ('"node"', ""),
    ],
)
def test_a_machine_file_may_build_on_a_shipped_one(base: str, message: str, tmp_path: Path):
    path = tmp_path / "own.toml"
    path.write_text(f"base = {base}\n[grid]\nwidth = 2\nheight = 3\n", encoding="utf-8")
    if message:
        with pytest.raises(InputError, match=message):
            load_machine(str(path))
    else:
        assert load_machine(str(path)).grid == GridDef(2, 3)


def test_no_two_relocations_share_a_number():
    numbers = [
        kind.relocation.number
        for kind in (*DESCRIPTION.data, *DESCRIPTION.operands)
        if kind.relocation
    ]
    assert len(numbers) == len(set(numbers))


def test_room_is_kept_for_what_later_issues_add():
    used = {definition.match >> 26 for definition in DESCRIPTION.instructions}
    majors = {code.value: code for code in DESCRIPTION.codes if code.field == "op"}
    assert used <= majors.keys()
    free = [code for value, code in majors.items() if value not in used]
    assert sum("user" in code.name for code in free) == 6
    assert {"branchi", "scalar17"} <= {code.name for code in free}
    assert 64 - len(used) >= 14
