"""Pictures of words: every bit once, in order."""

import re
from itertools import pairwise

import pytest

from dojo_tools.description import InstructionDef, load_description
from dojo_tools.manual.picture import draw_format, draw_instruction

DESCRIPTION = load_description()


def covered_bits(picture: str) -> list[int]:
    """Return the bits that the cells of a picture cover, in order; a cell of one bit has one."""
    numbers, border, *_ = picture.splitlines()
    edges = [match.start() for match in re.finditer(r"\+", border)]
    bits: list[int] = []
    for left, right in pairwise(edges):
        found = [int(number) for number in re.findall(r"\d+", numbers[left:right])]
        bits += range(found[0], found[-1] - 1, -1)
    return bits


@pytest.mark.parametrize("format_", DESCRIPTION.formats, ids=lambda format_: format_.name)
def test_a_format_covers_the_word(format_: object) -> None:
    picture = draw_format(next(f for f in DESCRIPTION.formats if f == format_))
    assert covered_bits(picture) == list(range(31, -1, -1))


def test_fixed_bits_are_those_of_the_encoding() -> None:
    def fixed_bits(definition: InstructionDef) -> int:
        cells = draw_instruction(definition).splitlines()[2].strip("|").split("|")
        return sum(len(cell.strip()) for cell in cells if re.fullmatch("[01]+", cell.strip()))

    for definition in DESCRIPTION.instructions:
        assert fixed_bits(definition) == definition.mask.bit_count(), definition.mnemonic
