"""Pseudo-instructions, aliases, and branches that do not reach."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dojo_tools.assembler import Assembly, assemble
from dojo_tools.bits import mask, to_signed, to_unsigned
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import InputError, Source

BOUNDARIES = sorted(
    {
        sign * (1 << shift) + step
        for shift in (0, 7, 8, 15, 16, 20, 21, 31, 32, 36, 37, 47, 48, 52, 53, 63)
        for sign in (1, -1)
        for step in (-1, 0, 1)
    }
    | {0xFFFF_FFFF, 0x1234_5678_9ABC_DEF0, mask(64)}
)


def loaded_value(words: list[int], description: Description) -> int:
    """Return what a chain of one constant and shifts by 16 leaves in its register."""
    value = 0
    for index, word in enumerate(words):
        instruction = description.decode(word)
        assert instruction is not None
        number = instruction.values[-1]
        value = number if index == 0 else value << 16 | number
    return to_unsigned(value, 64)


@pytest.mark.parametrize("number", [n for n in BOUNDARIES if -(1 << 63) <= n <= mask(64)])
def test_a_constant_is_loaded_in_the_fewest_instructions(
    number: int, words: Callable[[str], list[int]], description: Description
) -> None:
    chain = words(f"li x5, {number}")
    assert loaded_value(chain, description) == to_unsigned(number, 64)
    signed = to_signed(number, 64)
    least = next(
        n for n in range(1, 5) if -(1 << (20 + 16 * (n - 1))) <= signed < 1 << (4 + 16 * n)
    )
    assert len(chain) == least


def test_a_constant_beyond_64_bits_is_refused(errors: Callable[[str], Sequence[str]]) -> None:
    for number in (1 << 64, -(1 << 63) - 1):
        assert "does not fit in 64 bits" in errors(f"li x1, {number}")[0]


def test_a_constant_may_depend_on_what_it_moves(words: Callable[[str], list[int]]) -> None:
    short = words("a: li x1, (b - a) * 0x10000\n .space 40\nb:")
    assert len(short) == 2 + 10
    assert len(words("a: li x1, b - a\n.space 0x100000 - 8\nb:")) == 1 + 0x3FFFE
    assert len(words("a: li x1, b - a\n.space 0x100000 - 4\nb:")) == 2 + 0x3FFFF


@pytest.mark.parametrize(
    "before, gap, after, is_far",
    [
        ("target:", 0x4000, "", False),
        ("target:", 0x4004, "", True),
        ("", 0x3FFC - 4, "target:", False),
        ("", 0x4000 - 4, "target:", True),
    ],
    ids=["back, in reach", "back, beyond", "ahead, in reach", "ahead, beyond"],
)
def test_a_branch_beyond_its_reach_becomes_its_inverse_and_a_jump(
    before: str,
    gap: int,
    after: str,
    is_far: bool,
    assembled: Callable[[str], Assembly],
    description: Description,
) -> None:
    branches = [d for d in description.instructions if d.far]
    assert branches
    for definition in branches:
        branch = f"{definition.mnemonic} x1, x2, target"
        space = f".space {gap}"
        lines = [before, space, branch] if before else [branch, space, after]
        assembly = assembled("\n".join([*lines, ""]))
        assert len(assembly.warnings) == int(is_far)
        (section,) = assembly.object.sections
        assert section.size == gap + (8 if is_far else 4)
        at = gap if before else 0
        found = [
            description.decode(int.from_bytes(section.contents[at + i : at + i + 4], "little"))
            for i in (0, 4)
        ]
        first, second = found
        assert first is not None
        target = 0 if before else section.size
        if is_far:
            assert second is not None
            assert first.definition is not definition
            assert first.values[-1] == 8
            assert second.values[-1] == target - at - 4
        else:
            assert first.definition is definition
            assert first.values[-1] == target - at


def test_branches_that_push_each_other_out_of_reach_settle(
    assembled: Callable[[str], Assembly], description: Description
) -> None:
    branch = next(d.mnemonic for d in description.instructions if d.far)
    count = 200  # each comes out of reach only when all after it have grown
    lines = [f"{branch} x1, x2, to{i}" for i in range(count)]
    lines += [f".space 0x4004 - 8 * {count}"]
    lines += [f"to{i}: .space 8" for i in range(count)]
    assembly = assembled("\n".join(lines))
    assert len(assembly.warnings) == count


def test_a_branch_keeps_its_own_meaning_of_here(words: Callable[[str], list[int]]) -> None:
    assert words("beq x1, x2, . + 0x4000") == words("bne x1, x2, . + 8\njump . + 0x4000 - 4")


def test_a_far_branch_names_its_expansion(
    assembled: Callable[[str], Assembly], description: Description
) -> None:
    object_file = assembled("beqz x1, t\n.space 0x8000\nt:").object
    assert [str(f) for f in object_file.lines[0].trail] == ["in expansion of `beq`"]
    assert object_file.lines[0].size == 8


def test_a_far_expansion_that_never_reaches_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "endless.isa"
    path.write_text(
        'provenance chosen "a test"\n'
        'instruction hop xa, xb, target13 "Its far form is itself."\n'
        "encoding B op=user0 cond=0 timing front latency=1 far { hop xa, xb, target13 }\n"
        "example xa = 1, xb = 2, target13 = 0x1010 -> pc = 0x1004\n"
        "{ if xa == xb { pc = target13 } }\n",
        encoding="utf-8",
    )
    description = load_description([path])
    with pytest.raises(InputError, match="nested deeper than 16 levels"):
        assemble(Source("a.s", "hop x1, x2, t\n.space 0x8000\nt:"), description)
