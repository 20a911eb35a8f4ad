"""The tables of a machine file that say how fast a node is: issue, units, ports, branches.

What the numbers mean is the issue rule, `docs/timing.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dojo_tools.description.machine_tables import check_keys, read_rate, read_table
from dojo_tools.diagnostics import fail

WIDTH_MAX = 16
COUNT_MAX = 16
OCCUPANCY_MAX = 1000
BRANCH_CYCLES_MAX = 100
PORT_BYTES = (8, 16, 32, 64, 128, 256)
ISSUE_CLASSES = ("scalar", "vector", "front")


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


def read_issue(path: Path, table: Mapping[str, Any]) -> IssueWidths:
    """Read the table `issue`."""
    issue = read_table(path, table, "issue")
    check_keys(path, issue, "issue", ISSUE_CLASSES)
    widths = (read_rate(path, issue, "issue", key, 1, WIDTH_MAX) for key in ISSUE_CLASSES)
    return IssueWidths(*widths)


def read_units(path: Path, table: Mapping[str, Any]) -> tuple[UnitCount, ...]:
    """Read the tables `units.NAME`."""
    units = read_table(path, table, "units")
    return tuple(_read_unit(path, read_table(path, units, name, "units"), name) for name in units)


def _read_unit(path: Path, table: Mapping[str, Any], name: str) -> UnitCount:
    where = f"units.{name}"
    check_keys(path, table, where, ("count", "issue", "occupancy"))
    issue = table.get("issue")
    if issue not in ISSUE_CLASSES:
        raise fail(f"{path}: `{where}.issue` is {issue!r}; there are {', '.join(ISSUE_CLASSES)}")
    occupancy: int | None = None
    if table.get("occupancy", 1) != "latency":
        filled = {"occupancy": 1, **table}
        occupancy = read_rate(path, filled, where, "occupancy", 1, OCCUPANCY_MAX)
    count = read_rate(path, table, where, "count", 1, COUNT_MAX)
    return UnitCount(name, count, issue, occupancy, str(table.get("provenance", "")))


def read_ports(path: Path, table: Mapping[str, Any]) -> tuple[PortDef, ...]:
    """Read the tables `ports.NAME`, which are `PORTS`."""
    ports = read_table(path, table, "ports")
    check_keys(path, ports, "ports", PORTS)
    return tuple(_read_port(path, read_table(path, ports, name, "ports"), name) for name in PORTS)


def _read_port(path: Path, table: Mapping[str, Any], name: str) -> PortDef:
    where = f"ports.{name}"
    check_keys(path, table, where, ("count", "bytes"))
    size = table.get("bytes")
    if isinstance(size, bool) or size not in PORT_BYTES:
        fitting = ", ".join(map(str, PORT_BYTES))
        raise fail(f"{path}: `{where}.bytes` is {size!r}; {fitting} fit")
    return PortDef(name, read_rate(path, table, where, "count", 1, COUNT_MAX), size)


def read_branch(path: Path, table: Mapping[str, Any]) -> BranchCosts:
    """Read the table `branch`."""
    branch = read_table(path, table, "branch")
    check_keys(path, branch, "branch", BRANCH_KEYS)
    return BranchCosts(
        *(read_rate(path, branch, "branch", key, 0, BRANCH_CYCLES_MAX) for key in BRANCH_KEYS)
    )
