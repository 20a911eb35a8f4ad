"""Which warnings are shown and which are errors, by the `-W` options."""

import re
from pathlib import Path

import pytest

from dojo_tools.assembler.warnings import WARNINGS, read_warning_options
from dojo_tools.diagnostics import Diagnostic, InputError, Severity

ALL = [Diagnostic(Severity.WARNING, "m", name=warning.name) for warning in WARNINGS]


def shown(words: str, shows_none: bool = False) -> dict[str, str]:
    """Return the names that are shown, with their severity."""
    found = read_warning_options(words.split(), shows_none).apply(ALL)
    return {str(diagnostic.name): diagnostic.severity.value for diagnostic in found}


def test_what_is_on_by_default() -> None:
    assert shown("") == {w.name: "warning" for w in WARNINGS if w.is_on}
    assert shown("all") == {w.name: "warning" for w in WARNINGS}
    assert shown("", shows_none=True) == shown("no-all") == {}


def test_errors() -> None:
    assert set(shown("error").values()) == {"error"}
    assert "unused-label" not in shown("error")
    assert shown("error=unused-label")["unused-label"] == "error"
    assert shown("error=far-branch no-error=far-branch")["far-branch"] == "warning"
    assert shown("error=far-branch", shows_none=True) == {"far-branch": "error"}


def test_the_last_word_counts() -> None:
    assert "far-branch" not in shown("far-branch no-far-branch")
    assert "far-branch" in shown("no-far-branch far-branch")
    assert shown("error no-error")["far-branch"] == "warning"


def test_errors_pass() -> None:
    error = Diagnostic(Severity.ERROR, "m")
    assert read_warning_options(["no-all"], True).apply([error]) == [error]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        read_warning_options(["no-far-brunch"])
    (only,) = caught.value.diagnostics
    assert only.message == "-W no-far-brunch: there is no warning `far-brunch`"
    assert only.hint == "did you mean `far-branch`?"


def test_the_page_for_users_names_every_warning() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "diagnostics.md"
    table = page.read_text(encoding="utf-8").partition("| name | says |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)", table, re.MULTILINE)
    assert {name for name, _ in rows} == {warning.name for warning in WARNINGS}
    off = {name for name, text in rows if "off by default" in text}
    assert off == {warning.name for warning in WARNINGS if not warning.is_on}
