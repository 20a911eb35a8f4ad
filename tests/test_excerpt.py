"""The piece of a source under a message: never endless, never active, the caret in its column."""

import time

import pytest

from dojo_tools.diagnostics import KEPT_MAX, InputError, Report, Severity, Source, Span, render
from dojo_tools.excerpt import SHOWN_AFTER, SHOWN_BEFORE, excerpt, printable


@pytest.mark.parametrize(
    "text, start, end, line, carets",
    [
        ("add x1, x2", 4, 6, "add x1, x2", "    ^^"),
        ("nop\nadd x1\nnop", 8, 10, "add x1", "    ^^"),
        ("a\tb", 2, 3, "a\tb", " \t^"),
        ("a\x1b[2Jb", 5, 6, r"a\u{1b}[2Jb", "          ^"),
        ("a\u202eb", 1, 2, r"a\u{202e}b", " ^^^^^^^^"),
        ("a\uff11b", 1, 2, "a\uff11b", " ^^"),
        ("e\u0301b", 2, 3, "e\u0301b", " ^"),
        ("nop", 3, 3, "nop", "   ^"),
        ("", 0, 0, "", "^"),
        ("ab\ncd", 0, 5, "ab", "^^"),
    ],
)
def test_carets_stand_under_the_span(
    text: str, start: int, end: int, line: str, carets: str
) -> None:
    assert excerpt(text, start, end) == (line, carets)


def test_long_lines_are_cut_around_the_caret() -> None:
    text = "a" * 1000 + "X" + "b" * 1000
    line, carets = excerpt(text, 1000, 1001)
    assert line == f"...{'a' * SHOWN_BEFORE}X{'b' * (SHOWN_AFTER - 1)}..."
    assert carets.index("^") == line.index("X")
    assert excerpt("a" * 80 + "X", 80, 81)[0] == "a" * 80 + "X"
    assert excerpt("\n" + "a" * 80 + "X", 81, 82)[0] == "a" * 80 + "X"


def test_a_line_of_100_mb_costs_nothing() -> None:
    source = Source("a.s", "a" * 100_000_000)
    start = time.perf_counter()
    shown = excerpt(source.text, 50_000_000, 100_000_000)
    assert time.perf_counter() - start < 0.1
    assert len("".join(shown)) < 500


def test_names_are_printable() -> None:
    assert printable("a\tb c") == "a\tb c"
    assert printable("a\x1b\n\x85\u2066") == r"a\u{1b}\u{a}\u{85}\u{2066}"


def test_a_message_shows_the_name_of_its_warning() -> None:
    report = Report()
    report.warning("odd-thing", "this is odd", Span(Source("a.s", "nop"), 0, 3), hint="don't")
    (only,) = report.diagnostics
    assert render(only) == (
        "a.s:1:1: warning: this is odd [odd-thing]\n    nop\n    ^^^\nhint: don't"
    )


def test_a_report_keeps_a_bounded_number() -> None:
    report = Report()
    for _ in range(3000):
        report.error("bad")
        report.warning("odd", "odd")
    assert len(report.diagnostics) == 2 * KEPT_MAX
    assert report.counts == {Severity.ERROR: 3000, Severity.WARNING: 3000}
    with pytest.raises(InputError) as caught:
        report.stop_if_errors()
    assert caught.value.omitted_count == 2000
