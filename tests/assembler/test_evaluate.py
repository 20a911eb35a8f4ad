"""Symbols and expressions: forward and backward, assigned again, in circles, without end."""

from collections.abc import Callable, Sequence

import pytest


def test_an_assignment_holds_from_where_it_stands(contents: Callable[[str], bytes]) -> None:
    text = "n = 1\n.byte n\nn = n + 1\n.byte n\n.set n, n * 10\n.byte n"
    assert contents(text) == bytes([1, 2, 20])


def test_a_long_chain_of_assignments_is_no_deep_one(contents: Callable[[str], bytes]) -> None:
    text = "n = 0\n" + "n = n + 1\n" * 2000 + ".half n"
    assert contents(text) == (2000).to_bytes(2, "little")


def test_a_long_sum_is_no_deep_expression(contents: Callable[[str], bytes]) -> None:
    assert contents(".half " + " + ".join(["1"] * 5000)) == (5000).to_bytes(2, "little")


def test_names_may_be_used_before_they_are_defined(contents: Callable[[str], bytes]) -> None:
    assert contents(".byte a, end - start\nstart: a = b\nb = 7\n.byte 0\nend:") == bytes([7, 1, 0])


def test_numeric_labels_are_found_from_where_they_are_used(
    contents: Callable[[str], bytes],
) -> None:
    text = "s: 1: .byte 1f - s, 1b - s\n1: .byte 1b - s, 1f - s\n1:"
    assert contents(text) == bytes([2, 0, 2, 4])


@pytest.mark.parametrize(
    "text, message",
    [
        ("a = b\nb = c\nc = a\n.byte a", "the value of this name depends on itself"),
        ("a = a", "the value of this name depends on itself"),
        (f".byte {'(' * 300}1{')' * 300}", "nested deeper than 256 levels"),
        (f".byte {'(' * 200_000}", "nested deeper than 256 levels"),
        (f".byte {'-' * 20_000}1", "nested deeper than 256 levels"),
        (f".byte {'-(~' * 200}1{')' * 200}", "nested deeper than 256 levels"),
        (f".byte {'9' * 5000}", "this number has 5000 characters"),
        (".byte 1 << 100000000000", "the result has more than 128 bits"),
        (".byte 1 >> 100000000000", "shift count 100000000000 is above 128"),
        (".byte (1 << 127) * (1 << 127)", "the result has more than 128 bits"),
        ("\n".join(f"a{i} = a{i + 1}" for i in range(200)), "more than 64 assignments"),
        (".byte 1 / 0", "division by zero"),
    ],
    ids=lambda text: text[:30].replace("\n", ";"),
)
def test_what_has_no_end_is_refused(
    text: str, message: str, errors: Callable[[str], Sequence[str]]
) -> None:
    assert any(message in found for found in errors(text))


def test_parentheses_up_to_the_limit_are_read(contents: Callable[[str], bytes]) -> None:
    assert contents(f".byte {'(' * 250}1{')' * 250}") == b"\x01"


def test_a_mistake_in_an_assignment_is_reported_once(
    errors: Callable[[str], Sequence[str]],
) -> None:
    assert errors("a = 1 / 0\nb = a + 1\nc = b + a\n.byte a, b, c") == ["1: division by zero"]


def test_each_undefined_symbol_is_reported_with_its_nearest(
    errors: Callable[[str], Sequence[str]],
) -> None:
    found = errors("counter = 1\n.data\n.word conter\n.word nothing_like_it")
    assert found == ["3: undefined symbol `conter`", "4: undefined symbol `nothing_like_it`"]
