"""The tables of a machine file that say how fast a node is: issue, units, ports, branches.

What the numbers mean is the issue rule, `docs/timing.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dojo_tools.description.machine_tables import (
    MachineTables,
    read_choice,
    read_integer,
    read_word,
)
from dojo_tools.diagnostics import did_you_mean
from dojo_tools.toml_source import Table

WIDTH_MAX = 16
COUNT_MAX = 16
OCCUPANCY_MAX = 1000
BRANCH_CYCLES_MAX = 100
PORT_BYTES = (8, 16, 32, 64, 128, 256)
ISSUE_CLASSES = ("scalar", "vector", "front")
WHOLE_LATENCY = "latency"
"""The occupancy of a unit that an instruction holds until its result is there."""


@dataclass(frozen=True, slots=True)
class IssueWidths:
    """How many instructions a cycle may issue: scalar, vector, and in the front end."""

    scalar: int
    vector: int
    front: int

    def of(self, issue_class: str) -> int:
        """Return the width of a class by its name."""
        return {"scalar": self.scalar, "vector": self.vector, "front": self.front}[issue_class]


@dataclass(frozen=True, slots=True)
class UnitCount:
    """How many units of a kind a node has, and who issues to them: one of `ISSUE_CLASSES`.

    An instruction holds its unit for `occupancy_cycles`; None means for its whole latency.
    """

    name: str
    count: int
    issue: str
    occupancy_cycles: int | None
    provenance: str


@dataclass(frozen=True, slots=True)
class PortDef:
    """Ports of the SRAM of one kind: each moves up to `size` bytes a cycle."""

    name: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class BranchCosts:
    """Cycles lost after a branch, beyond the one it issues in."""

    jump_cycles: int
    indirect_cycles: int
    taken_cycles: int
    mispredicted_cycles: int
    loop_exit_cycles: int


PORTS = ("scalar_load", "scalar_store", "vector_load", "vector_store")
BRANCH_KEYS = tuple(BranchCosts.__dataclass_fields__)


def read_issue(tables: MachineTables) -> IssueWidths:
    """Read the table `issue`."""
    table = tables.find("issue")
    if table is None:
        return IssueWidths(1, 1, 1)
    tables.check_keys(table, ISSUE_CLASSES)
    return IssueWidths(*(read_integer(table, key, 1, WIDTH_MAX) for key in ISSUE_CLASSES))


def read_units(tables: MachineTables, known: Sequence[str]) -> tuple[UnitCount, ...]:
    """Read the tables `units.NAME`; if any are `known`, others are mistakes."""
    found = tables.inner("units")
    for name, table in found.items():
        if known and name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            table.error(f"no instruction has the unit `{name}`", hint=hint)
    return tuple(_read_unit(tables, table, name) for name, table in found.items())


def _read_unit(tables: MachineTables, table: Table, name: str) -> UnitCount:
    tables.check_keys(table, ("count", "issue"), ("occupancy",))
    issue = read_word(table, "issue", ISSUE_CLASSES) or ISSUE_CLASSES[0]
    occupancy: int | None = None
    if isinstance(table.values.get("occupancy"), str):
        hint = f"or a number of cycles, 1..{OCCUPANCY_MAX}"
        read_word(table, "occupancy", (WHOLE_LATENCY,), hint)
    else:
        occupancy = read_integer(table, "occupancy", 1, OCCUPANCY_MAX)
    count = read_integer(table, "count", 1, COUNT_MAX)
    return UnitCount(name, count, issue, occupancy, str(table.values.get("provenance", "")))


def read_ports(tables: MachineTables) -> tuple[PortDef, ...]:
    """Read the tables `ports.NAME`, which are `PORTS`."""
    found = tables.inner("ports")
    for name, table in found.items():
        if name not in PORTS:
            hint = did_you_mean(name, PORTS) or f"there are {', '.join(PORTS)}"
            table.error(f"there is no port `{name}`", hint=hint)
    whole = tables.find("ports") if found else None
    if whole is not None:
        tables.check_missing(whole, [name for name in PORTS if name not in found])
    return tuple(_read_port(tables, found[name], name) for name in PORTS if name in found)


def _read_port(tables: MachineTables, table: Table, name: str) -> PortDef:
    tables.check_keys(table, ("count", "bytes"))
    size = read_choice(table, "bytes", PORT_BYTES)
    return PortDef(name, read_integer(table, "count", 1, COUNT_MAX), size)


def read_branch(tables: MachineTables) -> BranchCosts:
    """Read the table `branch`."""
    table = tables.find("branch")
    if table is None:
        return BranchCosts(*(0 for _ in BRANCH_KEYS))
    tables.check_keys(table, BRANCH_KEYS)
    return BranchCosts(*(read_integer(table, key, 0, BRANCH_CYCLES_MAX) for key in BRANCH_KEYS))
