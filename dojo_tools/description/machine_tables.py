"""Reads tables and numbers of a machine file; what does not fit is a diagnostic with its key."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from dojo_tools.diagnostics import Report, did_you_mean, fail


def read_table(path: Path, table: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
    """Return the table under a key; `where` names the table it stands in, for the message."""
    value = table.get(key)
    name = f"{where}.{key}" if where else key
    if not isinstance(value, dict):
        hint = 'with `base = "node"` a file takes what it does not say from `node.toml`'
        raise fail(f"{path}: no table `{name}`", hint=hint)
    return cast("dict[str, Any]", value)


def read_integer(path: Path, table: Mapping[str, Any], where: str, key: str) -> int:
    """Return a number from 0 on."""
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise fail(f"{path}: `{where}.{key}` must be a positive integer, found {value!r}")
    return value


def read_rate(
    path: Path, table: Mapping[str, Any], where: str, key: str, low: int, high: int
) -> int:
    """Return a number within limits, both included."""
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        found = "it is missing" if value is None else f"it is {value!r}"
        raise fail(f"{path}: `{where}.{key}` must be an integer in {low}..{high}; {found}")
    return value


def check_keys(path: Path, table: Mapping[str, Any], where: str, known: Iterable[str]) -> None:
    """Report the keys that a table does not have."""
    known = (*known, "provenance")
    report = Report()
    for key in table:
        if key not in known:
            hint = did_you_mean(key, known) or f"its keys are {', '.join(known)}"
            report.error(f"{path}: table `{where}` has no key `{key}`", hint=hint)
    report.stop_if_errors()
