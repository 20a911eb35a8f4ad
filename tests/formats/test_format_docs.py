"""The page on the number formats says what the code says."""

from pathlib import Path

import numpy as np
import pytest

from dojo_tools.formats import CHOICES, FORMATS, Flag, encode

PAGE = Path(__file__).parents[2] / "docs" / "number-formats.md"


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_on_the_page(choice: str) -> None:
    assert one_line(f"- *{choice}*: {CHOICES[choice]}") in one_line(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_on_the_page(name: str) -> None:
    row = FORMATS[name]
    bias = "0-63" if row.fixed_bias is None else row.fixed_bias
    widths = f"{row.sign_width or 'none'} | {row.exponent_width} | {row.mantissa_width} | {bias}"
    special = "none" if row.saturates else "yes"
    line = f"| `{name}` | {row.width} | {widths} | {special} |"
    assert line in PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    "value, code, flag",
    [
        (1.0625, 0x38, Flag.NONE),
        (1.1875, 0x3A, Flag.NONE),
        (1.4375 * 2**-7, 0x08, Flag.UNDERFLOW),
        (1.4 * 2**-7, 0x07, Flag.UNDERFLOW),
        (487, 0x7F, Flag.NONE),
        (496, 0x7F, Flag.OVERFLOW),
        (1e-9, 0x00, Flag.UNDERFLOW),
        (-1e-9, 0x80, Flag.UNDERFLOW),
        (1.1, 0x39, Flag.NONE),
        (500, 0x7F, Flag.OVERFLOW),
    ],
)
def test_the_examples_are_right(value: float, code: int, flag: Flag) -> None:
    codes, flags = encode(np.float32(value), "cfloat8_1_4_3", 7, return_flags=True)
    assert (int(codes), Flag(int(flags))) == (code, flag)
