"""All pairs of 8-bit operands, added and multiplied: both CFloat8 formats, and integers.

CFloat8 as a program does it: convert to float32, operate, convert to nearest. The oracle knows each
number as an integer in units of 2**-UNIT, from the formulas of the paper, adds and multiplies
those, and looks for the nearest number; it shares no code with the formats and uses no float
arithmetic.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools import Machine, load_description, load_program
from dojo_tools.formats import Denormals, Flag, decode, encode

Array = NDArray[Any]

UNIT = 400  # more than twice the bits below the point of the least number, so of products too
WIDTHS = {"cfloat8_1_4_3": (4, 3), "cfloat8_1_5_2": (5, 2)}
E4, E5 = WIDTHS


class Case(NamedTuple):
    """Formats and biases of both operands and of the result."""

    left: tuple[str, int]
    right: tuple[str, int]
    result: tuple[str, int]
    denormals: Denormals


def alike(name: str, bias: int, denormals: Denormals = "printed") -> Case:
    """Return operands and result of one format and bias."""
    return Case((name, bias), (name, bias), (name, bias), denormals)


CASES = [
    # Both ends of the biases, the usual ones, and one between.
    *(alike(name, bias) for name in WIDTHS for bias in (0, 7, 15, 31, 63)),
    *(alike(name, bias, "gradual") for name in WIDTHS for bias in (1, 7, 16, 62)),
    # Products of large and small biases where the result has the room for them.
    Case((E4, 24), (E4, 24), (E4, 40), "printed"),
    Case((E5, 20), (E5, 40), (E5, 44), "gradual"),
    # Results among the denormals and about the gap to the normal numbers.
    Case((E4, 9), (E4, 9), (E4, 2), "printed"),
    Case((E5, 20), (E5, 20), (E5, 1), "printed"),
    # Everything saturates, nothing is left.
    Case((E4, 0), (E5, 0), (E4, 63), "printed"),
    Case((E5, 63), (E5, 63), (E5, 0), "printed"),
    # As far apart as can be: sums that float32 itself has to round; products that are subnormal.
    Case((E5, 0), (E5, 63), (E5, 15), "printed"),
    Case((E4, 63), (E5, 0), (E5, 31), "gradual"),
    Case((E4, 63), (E5, 63), (E5, 63), "printed"),
    # Mixed formats, as in a product of activations and gradients.
    Case((E4, 7), (E5, 16), (E4, 11), "printed"),
    Case((E5, 16), (E4, 7), (E5, 20), "printed"),
]  # fmt: skip

LEFT, RIGHT = (codes.ravel() for codes in np.meshgrid(np.arange(256), np.arange(256)))


# The oracle.


def magnitudes(name: str, bias: int, denormals: Denormals) -> list[int]:
    """Return the magnitudes of the codes 0 to 127 in units of 2**-UNIT, and what would follow."""
    exponent_width, mantissa_width = WIDTHS[name]
    one = 1 << mantissa_width
    least = 1 << (UNIT - bias - mantissa_width)  # (2**-bias) * 0.m, in steps of m
    denormal = [m * least * (2 if denormals == "gradual" else 1) for m in range(one)]
    normal = [(one + m) * least << e for e in range(1, 1 << exponent_width) for m in range(one)]
    return [*denormal, *normal, one * least << (1 << exponent_width)]


def numbers(name: str, bias: int, denormals: Denormals) -> Array:
    """Return the numbers of all 256 codes as integers in units of 2**-UNIT."""
    positive = magnitudes(name, bias, denormals)[:-1]
    return np.array([*positive, *(-number for number in positive)], object)


def to_float32(number: int) -> int:
    """Return a number in units of 2**-UNIT rounded to a float32 number, to nearest even."""
    magnitude = abs(number)
    cut = max(magnitude.bit_length() - 24, UNIT - 149)
    kept, rest = divmod(magnitude, 1 << cut)
    kept += 2 * rest > 1 << cut or (2 * rest == 1 << cut and kept % 2 == 1)
    return (kept << cut) * (-1 if number < 0 else 1)


def nearest(values: Array, name: str, bias: int, denormals: Denormals) -> tuple[Array, Array]:
    """Return the magnitudes of codes nearest to positive numbers, and the flags of each."""
    known = magnitudes(name, bias, denormals)
    doubled_middles = np.array([a + b for a, b in pairwise(known)], object)
    low = np.searchsorted(doubled_middles, 2 * values, "left")
    high = np.searchsorted(doubled_middles, 2 * values, "right")
    codes = np.where(low % 2 == 0, low, high)
    overflow = codes > 127
    codes = np.minimum(codes, 127)
    least_normal = known[1 << WIDTHS[name][1]]
    underflow = (values < least_normal) & (np.array(known, object)[codes] != values)
    denormal = (values > 0) & (values < 1 << (UNIT - 126))
    flags = overflow * int(Flag.OVERFLOW) | underflow.astype(bool) * int(Flag.UNDERFLOW)
    return codes, flags | denormal.astype(bool) * int(Flag.DENORMAL)


def expected(case: Case, operator: str) -> tuple[Array, Array]:
    """Return codes and flags for all pairs, operands' flags included."""
    left, right = numbers(*case.left, case.denormals), numbers(*case.right, case.denormals)
    a: Array = left[LEFT]
    b: Array = right[RIGHT]
    exact: Array = a + b if operator == "add" else np.right_shift(a * b, UNIT)
    if len({case.left, case.right, case.result}) > 1:
        # float32 in between may count here: the machine rounds to it first.
        exact = np.array([to_float32(number) for number in exact.tolist()], object)
    codes, flags = nearest(np.abs(exact), *case.result, case.denormals)
    both = LEFT & RIGHT if operator == "add" else LEFT ^ RIGHT
    negative = np.where(exact == 0, both >= 128, exact < 0)
    for operand, (name, _) in ((LEFT, case.left), (RIGHT, case.right)):
        mantissa_width = WIDTHS[name][1]
        is_denormal = (operand & 127 != 0) & (operand & 127 < 1 << mantissa_width)
        flags = flags | is_denormal * int(Flag.DENORMAL)
    return codes + 128 * negative, flags


def case_name(case: Case) -> str:
    parts = [f"{name[7:]}:{bias}" for name, bias in case[:3]]
    return f"{' '.join(parts)} {case.denormals}"


@pytest.mark.parametrize("operator", ["add", "multiply"])
@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_all_pairs_of_cfloat8(case: Case, operator: str) -> None:
    rule = case.denormals
    a, a_flags = decode(LEFT, *case.left, rule, return_flags=True)
    b, b_flags = decode(RIGHT, *case.right, rule, return_flags=True)
    result = a + b if operator == "add" else a * b
    name, bias = case.result
    codes, flags = encode(result, name, bias, denormals=rule, return_flags=True)
    expected_codes, expected_flags = expected(case, operator)
    np.testing.assert_array_equal(codes, expected_codes)
    np.testing.assert_array_equal(flags | a_flags | b_flags, expected_flags)


# Programs: 64 pairs a turn of the loop.

PROGRAM = """\
        .global _start
_start: la      a0, left
        la      a1, right
{tables}
{start}
        li      a2, 1024
1:      vld     v0, [a0], 64
        vld     v1, [a1], 64
{turn}
        addi    a2, a2, -1
        bgtz    a2, 1b
        halti   0
        .bss
        .balign 64
left:   .tensor u8, 65536
right:  .tensor u8, 65536
{room}
"""


def run_all_pairs(folder: Path, start: str, turn: str, outputs: list[str]) -> dict[str, Array]:
    """Return what a program stores for all pairs; `turn` gives `v2`, `v3` and so on, one each."""
    pointers = [f"x{index}" for index in range(20, 20 + len(outputs))]
    stores = [
        f"        vst     v{index}, [{pointer}], 64"
        for index, pointer in enumerate(pointers, start=2)
    ]
    text = PROGRAM.format(
        tables="\n".join(
            f"        la      {p}, {name}" for p, name in zip(pointers, outputs, strict=True)
        ),
        start=start,
        turn="\n".join([turn, *stores]),
        room="\n".join(f"{name}: .tensor u8, 65536" for name in outputs),
    )
    source = folder / "pairs.s"
    source.write_text(text)
    description = load_description()
    machine = Machine(load_program([source], description), description)
    machine.write_tensor("left", LEFT.astype(np.uint8))
    machine.write_tensor("right", RIGHT.astype(np.uint8))
    assert machine.run(200_000).stop.code == 0
    return {name: machine.read_tensor(name) for name in outputs}


@pytest.mark.parametrize("name, bias", [(E4, 7), (E5, 15)])
def test_all_pairs_of_cfloat8_in_a_program(tmp_path: Path, name: str, bias: int) -> None:
    turn: list[str] = []
    for part in range(4):
        turn += [
            f"vcvt.f32.{name} v10, v0, {part}, 3",
            f"vcvt.f32.{name} v11, v1, {part}, 3",
            "vadd.f32 v12, v10, v11",
            "vmul.f32 v13, v10, v11",
            f"vcvt.{name}.f32 v2, v12, {part}, 3",
            f"vcvt.{name}.f32 v3, v13, {part}, 3",
        ]
    start = f"li t0, {bias}\nbias.write 3, t0"
    found = run_all_pairs(tmp_path, start, "\n".join(turn), ["sums", "products"])
    for operator, output in (("add", "sums"), ("multiply", "products")):
        codes, _ = expected(alike(name, bias), operator)
        np.testing.assert_array_equal(found[output], codes)


def test_all_pairs_of_integers_in_a_program(tmp_path: Path) -> None:
    turn = [
        "vadd.i8 v2, v0, v1",
        "vmul.i8 v3, v0, v1",
        "vadds.i8 v4, v0, v1",
        "vaddsu.i8 v5, v0, v1",
    ]
    for register, wide, narrow in ((6, "i16", "i8"), (7, "u16", "u8")):
        turn += [
            f"vmulw.{half}.{wide}.{narrow} v1{i}, v0, v1" for i, half in enumerate(("lo", "hi"))
        ]
        turn.append(f"vnarrows.{narrow}.{wide} v{register}, v10, v11")
    outputs = ["sum", "product", "sum_signed", "sum_unsigned", "product_signed", "product_unsigned"]
    found = run_all_pairs(tmp_path, "", "\n".join(turn), outputs)
    signed = [np.where(codes < 128, codes, codes - 256) for codes in (LEFT, RIGHT)]
    for name, symbol in (("sum", np.add), ("product", np.multiply)):
        np.testing.assert_array_equal(found[name], symbol(LEFT, RIGHT) % 256)
        clipped = np.clip(symbol(*signed), -128, 127) % 256
        np.testing.assert_array_equal(found[f"{name}_signed"], clipped)
        clipped = np.minimum(symbol(LEFT, RIGHT), 255)
        np.testing.assert_array_equal(found[f"{name}_unsigned"], clipped)
