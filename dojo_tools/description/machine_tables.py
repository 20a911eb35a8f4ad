"""Tables and numbers of a machine file and of its bases; a mistake is reported where it stands.

Reading goes on after a mistake, with a number that would fit in its place: the report stops it at
the end, so that one run tells every mistake.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dojo_tools.description.model import Standing
from dojo_tools.diagnostics import Report, did_you_mean
from dojo_tools.toml_source import Table, describe_value, number_hint

NEEDED = ("node", "issue", "units", "ports", "branch", "network", "semaphores", "dma", "dip")
TABLES = (*NEEDED, "grid", "dips", "formats")
_STANDINGS = tuple(standing.value for standing in Standing)


@dataclass(frozen=True, slots=True)
class MachineTables:
    """The root tables of a machine file and of its bases, each before the one it builds on.

    A table is taken from the first file that has it.
    """

    roots: tuple[Table, ...]
    report: Report

    def check_files(self, keys: Mapping[str, Iterable[str]]) -> None:
        """Report what is no table, and what tables are missing; `keys` has the keys of some."""
        for root in self.roots:
            root.check_tables(("base", *TABLES), keys)
        missing = [name for name in NEEDED if not any(name in root.values for root in self.roots)]
        if missing:
            hint = 'with `base = "node"` a file takes what it does not say from `node.toml`'
            names = ", ".join(f"`{name}`" for name in missing)
            noun = "table" if len(missing) == 1 else "tables"
            self.roots[0].error(f"no {noun} {names}", hint=hint)
        for name in TABLES:
            if isinstance(self.roots[0].values.get(name), dict):
                _check_provenance(self.roots[0], name)

    def check_keys(self, table: Table, needed: Iterable[str], optional: Iterable[str] = ()) -> None:
        """Report the keys that a table does not have, and those that it lacks.

        Each table may have a `provenance`.
        """
        needed = tuple(needed)
        table.check_keys((*needed, *optional, "provenance"))
        self.check_missing(table, [key for key in needed if key not in table.values])

    def check_missing(self, table: Table, keys: Sequence[str]) -> None:
        """Report keys that a table lacks, with what the nearest base has there."""
        if not keys:
            return
        known = self.roots[0].document.examples
        examples = [known[key] for key in keys if key in known]
        hint = f"as in {', '.join(examples)}" if examples else None
        for root in self.roots:
            there = [root.document.find_value((*table.path, key)) for key in keys]
            if None not in there:
                lines = (f"{key} = {text}" for key, text in zip(keys, there, strict=True))
                hint = (
                    "a table is given whole, also where the base has it: "
                    f"{Path(root.source.name).name} has {', '.join(lines)}"
                )
                break
        names = ", ".join(f"`{key}`" for key in keys)
        table.error(f"table `{table.name}` lacks {names}", hint=hint)

    def find(self, name: str) -> Table | None:
        """Return a table; None if there is none, or something else, which is reported."""
        for root in self.roots:
            if name in root.values:
                return root.take_table(name)
        return None

    def by_key(self, name: str) -> dict[str, Table]:
        """Return, for each key of a table, the table of the first file that has it.

        Those of the farthest base come first, in its order.
        """
        if self.find(name) is None:
            return {}
        found: dict[str, Table] = {}
        for root in reversed(self.roots):
            table = root.take_table(name) if isinstance(root.values.get(name), dict) else None
            if table is not None:
                found |= dict.fromkeys(table.values, table)
        return found

    def inner(self, name: str) -> dict[str, Table]:
        """Return the tables in a table by name, each from the first file that has it."""
        found: dict[str, Table] = {}
        for key, table in self.by_key(name).items():
            inner = None
            if key != "provenance":
                inner = table.take_table(key)
            if inner is not None:
                found[key] = inner
        return found


def _check_provenance(outer: Table, name: str) -> None:
    """Report a `provenance` that does not say its standing, in a table or in one within it."""
    table = outer.take_table(name)
    assert table is not None
    for key, value in table.values.items():
        if isinstance(value, dict):
            _check_provenance(table, key)
    text = table.take_string("provenance")
    if text is not None and not text.startswith(_STANDINGS):
        hint = f'as in provenance = "{Standing.CHOSEN.value}: a machine to try programs on"'
        fits = ", ".join(_STANDINGS)
        message = f"`provenance` is {describe_value(text)}; what begins {fits} fits"
        table.error(message, "provenance", hint)


def read_integer(
    table: Table,
    key: str,
    low: int,
    high: int,
    wrong: int | None = None,
    multiple_of: int = 1,
    hint: str | None = None,
) -> int:
    """Return a number within limits, both included; `wrong`, or `low`, if none fits there."""
    fits = f"an integer in {low}..{high} fits"
    if multiple_of > 1:
        fits = f"a multiple of {multiple_of} in {low}..{high} fits"
    value = table.values.get(key)
    if type(value) is int and low <= value <= high and value % multiple_of == 0:
        return value
    if value is not None:
        shown = value if type(value) is int else describe_value(value)
        table.error(f"`{key}` is {shown}; {fits}", key, number_hint(value, int) or hint)
    return low if wrong is None else wrong


def read_choice(table: Table, key: str, fitting: tuple[int, ...]) -> int:
    """Return one of some numbers, the first if none of them is there."""
    value = table.values.get(key)
    if type(value) is int and value in fitting:
        return value
    if value is not None:
        shown = value if type(value) is int else describe_value(value)
        fits = f"{', '.join(map(str, fitting))} fit"
        table.error(f"`{key}` is {shown}; {fits}", key, number_hint(value, int))
    return fitting[0]


def read_word(
    table: Table, key: str, fitting: tuple[str, ...], hint: str | None = None
) -> str | None:
    """Return one of some words; None if none of them is there."""
    value = table.values.get(key)
    if value in fitting:
        return value
    if value is not None:
        quoted = ", ".join(f'"{word}"' for word in fitting)
        fits = f"{quoted} fit{'s' * (len(fitting) == 1)}"
        near = did_you_mean(value, fitting) if isinstance(value, str) else None
        table.error(f"`{key}` is {describe_value(value)}; {fits}", key, near or hint)
    return None
