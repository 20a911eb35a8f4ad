"""Reads `isa/machines/*.toml` and a user's own machine files: sizes and rates of a machine."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from dojo_tools.description.locate import isa_folder
from dojo_tools.description.machine_grid import DipPlace, GridDef, read_dips, read_grid
from dojo_tools.description.machine_network import (
    DipDef,
    NetworkDef,
    SemaphoresDef,
    read_dip,
    read_network,
    read_semaphores,
    read_streams,
)
from dojo_tools.description.machine_tables import read_integer, read_rate, read_table
from dojo_tools.description.machine_timing import (
    BranchCosts,
    IssueWidths,
    PortDef,
    UnitCount,
    read_branch,
    read_issue,
    read_ports,
    read_units,
)
from dojo_tools.diagnostics import Diagnostic, InputError, did_you_mean, fail
from dojo_tools.formats import Denormals


@dataclass(frozen=True, slots=True)
class MachineDef:
    """A machine: bytes of SRAM a node, bytes from 0 that are never allocated, clock, rates.

    `threads` a node has, `streams` are transfers that a node carries out side by side, `dips` the
    places of DIP cards, by number. `denormals` is the rule for denormal numbers of CFloat8 and SHP.
    """

    name: str
    sram_bytes: int
    reserved_bytes: int
    clock_hz: int
    units: tuple[UnitCount, ...]
    issue: IssueWidths
    ports: tuple[PortDef, ...]
    branch: BranchCosts
    threads: int
    grid: GridDef
    network: NetworkDef
    semaphores: SemaphoresDef
    streams: int
    dip: DipDef
    dips: tuple[DipPlace, ...]
    denormals: Denormals = "printed"


SRAM_BYTES_MAX = 1 << 21
THREADS_MAX = 4


def load_machine(name: str) -> MachineDef:
    """Return a shipped machine by name, or the one in a file whose name ends in `.toml`.

    A file may name a shipped machine as its `base`, whose tables it then only replaces or adds to:
    `node` key by key, a table of tables, such as `units`, one by one. A base may have a base, too.
    Raises `InputError` for an unknown name or a wrong file, `OSError` for an unreadable one.
    """
    folder = isa_folder() / "machines"
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    known = sorted(file.stem for file in folder.glob("*.toml"))
    if path.parent == folder and path.stem not in known:
        hint = did_you_mean(name, known) or f"shipped are {', '.join(known)}"
        raise fail(f"unknown machine `{name}`", hint=hint)
    table = _read_tables(path)
    seen = [path.stem]
    while (base := table.pop("base", None)) is not None:
        if base not in known or base in seen:
            shipped = ", ".join(known)
            raise fail(f"{path}: `base` is {base!r}, no other shipped machine", hint=shipped)
        seen.append(base)
        table = _merge(_read_tables(folder / f"{base}.toml"), table)
    return _machine(path, table)


def _read_tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise fail(f"{path}: {error}") from None


def _merge(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a base with those of a file; of some tables, the keys one by one."""
    merged = {**base, **table}
    for key in ("node", "units", "ports"):
        if isinstance(base.get(key), dict) and isinstance(table.get(key), dict):
            merged[key] = {**base[key], **table[key]}
    return merged


def _machine(path: Path, table: Mapping[str, Any]) -> MachineDef:
    """Return the machine of a file's tables. Raises `InputError` with a mistake of each table."""
    _check_tables(path, table)
    node = read_table(path, table, "node")
    grid = read_grid(path, table)
    machine = MachineDef(
        path.stem,
        read_integer(path, node, "node", "sram_bytes"),
        read_integer(path, node, "node", "reserved_bytes"),
        read_integer(path, node, "node", "clock_hz"),
        read_units(path, table),
        read_issue(path, table),
        read_ports(path, table),
        read_branch(path, table),
        read_rate(path, node, "node", "threads", 1, THREADS_MAX),
        grid,
        read_network(path, table),
        read_semaphores(path, table),
        read_streams(path, table),
        read_dip(path, table),
        read_dips(path, table, grid),
        _denormals(path, table),
    )
    if machine.sram_bytes > SRAM_BYTES_MAX or machine.sram_bytes % 64:
        raise fail(
            f"{path}: node.sram_bytes is {machine.sram_bytes}; it must be a multiple of 64, "
            f"at most {SRAM_BYTES_MAX}"
        )
    if machine.reserved_bytes >= machine.sram_bytes:
        raise fail(f"{path}: node.reserved_bytes leaves no memory")
    return machine


def _check_tables(path: Path, table: Mapping[str, Any]) -> None:
    """Report what is wrong with the tables that stand by themselves, not only with the first."""
    found: list[Diagnostic] = []
    for read in _READERS:
        try:
            read(path, table)
        except InputError as error:
            found += error.diagnostics
    if found:
        raise InputError(found)


def _denormals(path: Path, table: Mapping[str, Any]) -> Denormals:
    """Read `denormals` of the optional table `formats`: the printed rule unless it says other."""
    if "formats" not in table:
        return "printed"
    rule = read_table(path, table, "formats").get("denormals", "printed")
    for known in get_args(Denormals):
        if rule == known:
            return known
    raise fail(
        f"{path}: `formats.denormals` is {rule!r}; there are {', '.join(get_args(Denormals))}",
        hint="printed: 2^-bias x 0.m, as the white paper says; gradual: IEEE 754's",
    )


_READERS: tuple[Callable[[Path, Mapping[str, Any]], object], ...] = (
    read_grid,
    read_units,
    read_issue,
    read_ports,
    read_branch,
    read_network,
    read_semaphores,
    read_streams,
    read_dip,
    _denormals,
)
