"""Tables and numbers of a machine file and of its bases; a mistake is reported where it stands.

Reading goes on after a mistake, with a number that would fit in its place: the report stops it at
the end, so that one run tells every mistake.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dojo_tools.diagnostics import Report, did_you_mean, nearest
from dojo_tools.toml_source import Table, describe_value

TABLES = (
    *("node", "formats", "issue", "units", "ports", "branch"),
    *("grid", "network", "semaphores", "dma", "dip", "dips"),
)


@dataclass(frozen=True, slots=True)
class MachineTables:
    """The root tables of a machine file and of its bases, each before the one it builds on.

    A table is taken from the first file that has it.
    """

    roots: tuple[Table, ...]
    report: Report

    def check_keys(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Report the keys of files that are no tables of a machine; `keys` has those of some."""
        for root in self.roots:
            root.check_tables(("base", *TABLES), keys)

    def find(self, name: str) -> Table | None:
        """Return a table, if there is one."""
        for root in self.roots:
            if name in root.values:
                return root.take_table(name)
        return None

    def need(self, name: str) -> Table | None:
        """Return a table; None if it is missing or none, which is reported."""
        if not any(name in root.values for root in self.roots):
            unknown = [key for root in self.roots for key in root.values if key not in TABLES]
            near = nearest(name, unknown)
            hint = 'with `base = "node"` a file takes what it does not say from `node.toml`'
            if near is not None:
                hint = f"is it `{near}`?"
            self.roots[0].error(f"no table `{name}`", hint=hint)
        return self.find(name)

    def need_by_key(self, name: str) -> dict[str, Table]:
        """Return, for each key of a table, the table of the first file that has it.

        Those of the farthest base come first, in its order.
        """
        if self.need(name) is None:
            return {}
        found: dict[str, Table] = {}
        for root in reversed(self.roots):
            table = root.take_table(name) if isinstance(root.values.get(name), dict) else None
            if table is not None:
                found |= dict.fromkeys(table.values, table)
        return found

    def need_inner(self, name: str) -> dict[str, Table]:
        """Return the tables in a table by name, each from the first file that has it."""
        found: dict[str, Table] = {}
        for key, table in self.need_by_key(name).items():
            inner = None
            if key != "provenance":
                inner = table.take_table(key)
            if inner is not None:
                found[key] = inner
        return found


def check_keys(table: Table, known: Iterable[str]) -> None:
    """Report the keys that a table does not have; each may have a `provenance`."""
    table.check_keys((*known, "provenance"))


def read_integer(
    table: Table, key: str, low: int, high: int, default: int | None = None, multiple_of: int = 1
) -> int:
    """Return a number within limits, both included; `low` for one that does not fit.

    It may be missing if there is a `default`.
    """
    fits = f"an integer in {low}..{high} fits"
    if multiple_of > 1:
        fits = f"a multiple of {multiple_of} in {low}..{high} fits"
    value = table.values.get(key)
    if value is None:
        if default is None:
            report_missing(table, key, fits)
        return low if default is None else default
    if type(value) is not int:
        table.error(f"`{key}` is {describe_value(value)}; {fits}", key)
    elif not low <= value <= high or value % multiple_of:
        table.error(f"`{key}` is {value}; {fits}", key)
    else:
        return value
    return low


def read_choice(table: Table, key: str, fitting: tuple[int, ...]) -> int:
    """Return one of some numbers, the first in place of any other."""
    value = table.values.get(key)
    fits = f"{', '.join(map(str, fitting))} fit"
    if value is None:
        report_missing(table, key, fits)
    elif type(value) is not int:
        table.error(f"`{key}` is {describe_value(value)}; {fits}", key)
    elif value not in fitting:
        table.error(f"`{key}` is {value}; {fits}", key)
    else:
        return value
    return fitting[0]


def read_word(
    table: Table,
    key: str,
    fitting: tuple[str, ...],
    default: str | None = None,
    hint: str | None = None,
) -> str | None:
    """Return one of some words; None for any other."""
    value = table.values.get(key, default)
    quoted = ", ".join(f'"{word}"' for word in fitting)
    if value is None:
        report_missing(table, key, f"{quoted} fit")
    elif value not in fitting:
        near = did_you_mean(value, fitting) if isinstance(value, str) else None
        table.error(f"`{key}` is {describe_value(value)}; {quoted} fit", key, near or hint)
    else:
        return value
    return None


def report_missing(table: Table, key: str, fits: str) -> None:
    """Report that a table lacks a key."""
    hint = "a table is given whole: it replaces that of a base, and takes no keys of it"
    table.error(f"`{key}` of `{table.name}` is missing; {fits}", hint=hint)
