"""Element types: how they are written, what they take in memory, which values they don't reach."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_tools.diagnostics import InputError
from dojo_tools.float_codes import bf16_code_of_text, f32_code_of_text, odd_of_text
from dojo_tools.formats import (
    ELEMENT_NAMES,
    FORMATS,
    decode,
    element_named,
    encode,
    find_element,
    needs_bias,
)

EVERY = [f"{name}(7)" if needs_bias(name) else name for name in ELEMENT_NAMES]


@pytest.mark.parametrize("text", EVERY)
def test_every_element_type_is_written_as_it_is_read(text: str) -> None:
    found = element_named(text)
    assert str(found) == text
    assert found.dtype.itemsize == found.size == found.width // 8
    assert (found.format is not None) == (text[0] not in "iu" or text == "uhp")


def test_sizes() -> None:
    sizes = [
        element_named(text).size for text in ("i8", "u64", "cfloat8_1_5_2(3)", "shp(3)", "f32")
    ]
    assert sizes == [1, 8, 1, 2, 4]
    assert str(element_named("shp(07)")) == "shp(7)"


@pytest.mark.parametrize(
    "text, message",
    [
        ("f33", "unknown element type `f33`"),
        ("shp", "element type `shp` needs a bias"),
        ("shp(64)", r"bias 64 does not fit: 0\.\.63"),
        ("uhp(31)", "element type `uhp` takes no bias"),
        ("i8(1)", "takes no bias"),
        ("shp(-1)", "unknown element type"),
        ("shp(7) ", "unknown element type"),
        ("", "unknown element type"),
        ("cfloat8(7)", "unknown element type `cfloat8`"),
        ("shp(9999999999)", "unknown element type"),
    ],
)
def test_what_is_no_element_type(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        element_named(text)
    assert find_element(text) is None


@pytest.mark.parametrize(
    "text, beyond",
    [
        ("cfloat8_1_4_3(7)", [False, False, False, True, True, True]),
        ("uhp", [False, True, True, False, False, False]),
        ("f32", [False] * 6),
        ("i32", [False] * 6),
    ],
)
def test_values_beyond_a_type(text: str, beyond: list[bool]) -> None:
    values = np.array([1.0, -1e-9, -480.0, 1000.0, np.nan, np.inf])
    found = element_named(text).is_beyond(values).tolist()
    assert found == beyond


# Literals.

DIGITS = st.text("0123456789", min_size=1, max_size=30)


@given(DIGITS, DIGITS, st.integers(-50, 50), st.sampled_from(["", "-"]))
def test_a_literal_is_rounded_once(whole: str, part: str, exponent: int, sign: str) -> None:
    text = f"{sign}{whole}.{part}e{exponent}"
    value = odd_of_text(text)
    assert value is not None
    assert int(encode(value, "f32")) == f32_code_of_text(text)
    assert int(encode(value, "bf16")) == bf16_code_of_text(text)


@given(
    st.sampled_from(["cfloat8_1_4_3", "cfloat8_1_5_2", "shp", "uhp"]),
    st.integers(0, 0x7BFE),
    st.sampled_from([-1, 0, 1]),
)
def test_near_a_midpoint_the_last_digit_decides(name: str, code: int, side: int) -> None:
    row = FORMATS[name]
    low = code % row.code_max
    if row.flushes_denormals:
        low = max(low, 1 << row.mantissa_width)
    bias = None if row.fixed_bias is not None else 15
    values = [Fraction(float(decode(c, name, bias))) for c in (low, low + 1)]
    middle = sum(values) / 2
    # Every midpoint is a multiple of 2^-60, so 10^60 times it is an integer.
    digits = int(middle * 10**60)
    assert digits == middle * 10**60
    text = f"{digits}{5 + side if side else 0}e-61" if side >= 0 else f"{digits - 1}9e-61"
    value = odd_of_text(text)
    assert value is not None
    expected = low + 1 if side > 0 or (side == 0 and low % 2) else low
    assert int(encode(value, name, bias)) == expected


@pytest.mark.parametrize(
    "text, value",
    [
        ("0", 0.0),
        ("-0.0", -0.0),
        ("1e99999", np.inf),
        ("-inf", -np.inf),
        ("1e-99999", 5e-324),
        ("0x1.8p3", 12.0),
        ("0.1", 0.1),
        ("1e", None),
        ("x", None),
    ],
)
def test_literals_at_the_ends(text: str, value: float | None) -> None:
    found = odd_of_text(text)
    if value is None:
        assert found is None
    elif text != "0.1":
        assert found is not None
        assert (found, np.signbit(found)) == (value, np.signbit(value))
    else:
        assert found is not None
        assert abs(found - value) <= 2.0**-56
