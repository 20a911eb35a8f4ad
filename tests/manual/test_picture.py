"""Pictures of words: every bit once, in order."""

import re

import pytest

from dojo_tools.description import InstructionDef, load_description
from dojo_tools.manual.picture import draw_format, draw_instruction

DESCRIPTION = load_description()


def covered_bits(numbers: str) -> list[int]:
    """Return the bits that a line of `high low` pairs covers, in order."""
    found = [int(number) for number in re.findall(r"\d+", numbers)]
    pairs = zip(found[::2], found[1::2], strict=True)
    return [bit for high, low in pairs for bit in range(high, low - 1, -1)]


@pytest.mark.parametrize("format_", DESCRIPTION.formats, ids=lambda format_: format_.name)
def test_a_format_covers_the_word(format_: object) -> None:
    picture = draw_format(next(f for f in DESCRIPTION.formats if f == format_))
    assert covered_bits(picture.splitlines()[0]) == list(range(31, -1, -1))


def test_fixed_bits_are_those_of_the_encoding() -> None:
    def fixed_bits(definition: InstructionDef) -> int:
        cells = draw_instruction(definition).splitlines()[2].strip("|").split("|")
        return sum(len(cell.strip()) for cell in cells if re.fullmatch("[01]+", cell.strip()))

    for definition in DESCRIPTION.instructions:
        assert fixed_bits(definition) == definition.mask.bit_count(), definition.mnemonic
