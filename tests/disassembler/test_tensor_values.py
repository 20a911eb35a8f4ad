"""The values of tensors in objects and images, whatever a file claims of them."""

import re

import numpy as np
import pytest

from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError
from dojo_tools.disassembler import document, list_tensors
from dojo_tools.formats import decode
from dojo_tools.objects import ObjectFile, Section, Symbol, TensorType

CONTENTS = np.array([1, -0.5, 0, 2, 3, 4], np.float32).tobytes() + bytes(range(40))
DATA = Section(".data", True, False, True, 64, CONTENTS, 64, 0x100)
ZEROED = Section(".bss", True, False, True, 64, b"", 64, 0x200)


def file_of(symbol: Symbol, element: str, shape: tuple[int, ...]) -> ObjectFile:
    others = (Symbol("plain", ".data", 0x118, 8), Symbol("bare", ".data", 0x118))
    tensors = (TensorType(0, element, shape),)
    return ObjectFile("a.o", (DATA, ZEROED), (symbol, *others), tensors=tensors)


def lines(symbol: Symbol, element: str, shape: tuple[int, ...], **chosen: str) -> list[str]:
    return list(list_tensors(file_of(symbol, element, shape), chosen))


def test_values_stand_in_rows() -> None:
    found = lines(Symbol("t", ".data", 0x100, 24), "f32", (2, 3))
    assert found == [
        "t: f32 2 x 3, .data 00000100",
        "  [0, 0..2] 1.0 -0.5 0.0",
        "  [1, 0..2] 2.0 3.0 4.0",
    ]


def test_long_rows_are_cut() -> None:
    found = lines(Symbol("t", ".data", 0x118, 20), "u8", (2, 10))
    assert found[1:] == [
        "  [0, 0..7] 0 1 2 3 4 5 6 7",
        "  [0, 8..9] 8 9",
        "  [1, 0..7] 10 11 12 13 14 15 16 17",
        "  [1, 8..9] 18 19",
    ]


def test_one_value_has_no_index() -> None:
    assert lines(Symbol("t", ".data", 0x100, 4), "f32", ())[1:] == ["  [] 1.0"]


def test_another_type_keeps_the_shape_where_elements_are_as_large() -> None:
    symbol = Symbol("t", ".data", 0x118, 8)
    found = lines(symbol, "u8", (2, 4), t="cfloat8_1_4_3(7)", plain="u16")
    values = decode(np.arange(4), "cfloat8_1_4_3", 7).tolist()
    assert found[0] == "t: cfloat8_1_4_3(7) 2 x 4, .data 00000118"
    assert found[1] == f"  [0, 0..3] {' '.join(map(str, values))}"
    assert found[3:] == ["plain: u16 4, .data 00000118", "  [0..3] 256 770 1284 1798"]


@pytest.mark.parametrize(
    "section, value, element, shape, note",
    [
        (".bss", 0x200, "f32", (4, 4), "all zero"),
        (".data", 0x100, "f99", (4,), "unknown element type"),
        (".data", 0x100, "f32", (17,), "beyond its section"),
        (".data", 0xFC, "f32", (1,), "beyond its section"),
        (".data", 0x100, "f32", (1 << 60, 1 << 60), "beyond its section"),
        (None, 0, "f32", (1,), "not in a section of this file"),
        ("*ABS*", 0, "f32", (1,), "not in a section of this file"),
    ],
)
def test_what_has_no_values_says_why(
    section: str | None, value: int, element: str, shape: tuple[int, ...], note: str
) -> None:
    found = lines(Symbol("t\x1b", section, value), element, shape)
    assert len(found) == 1
    assert re.match(rf"t\\u{{1b}}: {element} .*: {note}$", found[0])


@pytest.mark.parametrize("shape", [(0,), (0, 1 << 62), (1 << 62, 0)])
def test_nothing_has_no_values(shape: tuple[int, ...]) -> None:
    assert len(lines(Symbol("t", ".data", 0x100), "f32", shape)) == 1


@pytest.mark.parametrize(
    "chosen, message",
    [
        ({"plai": "u8"}, "a.o has no symbol `plai`"),
        ({"plain": "u9"}, "unknown element type `u9`"),
        ({"plain": "shp"}, "needs a bias"),
        ({"bare": "u8"}, "symbol `bare` has 0 bytes"),
        ({"t": "i64"}, "symbol `t` has 12 bytes, no number of i64"),
    ],
)
def test_wrong_choices_are_refused(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lines(Symbol("t", ".data", 0x100, 12), "f32", (3,), **chosen)


def test_json_has_values_as_text(description: Description) -> None:
    file = file_of(Symbol("t", ".data", 0x100, 8), "f32", (2,))
    assert document(file, ["tensors"], description)["tensors"] == [
        {"name": "t", "element": "f32", "shape": [2], "values": ["1.0", "-0.5"]}
    ]
