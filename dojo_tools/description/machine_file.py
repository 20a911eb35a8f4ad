"""Reads `isa/machines/*.toml` and a user's own machine files: sizes and rates of a machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from dojo_tools.bits import align_up
from dojo_tools.description.locate import isa_folder
from dojo_tools.description.machine_grid import (
    EXAMPLES,
    GRID_KEYS,
    MEANT,
    DipPlace,
    GridDef,
    read_dips,
    read_grid,
)
from dojo_tools.description.machine_network import (
    NETWORK_KEYS,
    DipDef,
    NetworkDef,
    SemaphoresDef,
    read_dip,
    read_network,
    read_semaphores,
    read_streams,
)
from dojo_tools.description.machine_tables import (
    MachineTables,
    read_integer,
    read_word,
)
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
from dojo_tools.diagnostics import Report, did_you_mean, fail, read_source
from dojo_tools.formats import Denormals
from dojo_tools.toml_source import Table, describe_value, parse_toml


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
SRAM_GRAIN = 64
RESERVED_BYTES_MAX = 0x100
"""Where programs begin on every machine, so that an image runs on each; no more may be reserved."""
CLOCK_HZ_MAX = 1_000_000_000_000
THREADS_MAX = 4
BASE_OF_WRONG = "node"
"""What a file is read with whose base is wrong, so that its other mistakes are told too."""


def load_machine(name: str, units: Sequence[str] = ()) -> MachineDef:
    """Return a shipped machine by name, or the one in a file whose name ends in `.toml`.

    A file may name a shipped machine as its `base`, whose tables it then only replaces or adds to:
    `node` key by key, a table of tables, such as `units`, one by one. A base may have a base, too.
    Where `units` are given, those of a description, any other is a mistake.

    Raises `InputError` for an unknown name or with every mistake of a wrong file and of its bases,
    `OSError` for an unreadable one.
    """
    folder = isa_folder() / "machines"
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    known = sorted(file.stem for file in folder.glob("*.toml"))
    if path.parent == folder and path.stem not in known:
        hint = did_you_mean(name, known) or f"shipped are {', '.join(known)}"
        raise fail(f"unknown machine `{name}`", hint=hint)
    report = Report()
    tables = MachineTables(_read_files(path, folder, known, report), report)
    machine = _read_machine(path.stem, tables, units)
    sources = [root.source for root in tables.roots]
    report.diagnostics.sort(
        key=lambda found: (
            (0, 0) if found.span is None else (sources.index(found.span.source), found.span.start)
        )
    )
    report.stop_if_errors()
    return machine


def _read_files(
    path: Path, folder: Path, known: Sequence[str], report: Report
) -> tuple[Table, ...]:
    """Return the root tables of a file and of its bases."""
    roots = [parse_toml(read_source(path), report, EXAMPLES, MEANT)]
    seen = [path.stem]
    while (base := roots[-1].values.get("base")) is not None:
        if base not in known or base in seen:
            fitting = [name for name in known if name not in seen]
            near = did_you_mean(base, fitting) if isinstance(base, str) else None
            message = f"`base` is {describe_value(base)}; another shipped machine fits"
            roots[-1].error(message, "base", near or f"there are {', '.join(fitting)}")
            base = BASE_OF_WRONG
            if base in seen:
                break
        seen.append(base)
        roots.append(parse_toml(read_source(folder / f"{base}.toml"), report, EXAMPLES, MEANT))
    return tuple(roots)


def _read_machine(name: str, tables: MachineTables, units: Sequence[str]) -> MachineDef:
    """Return the machine of some files; every mistake is reported."""
    tables.check_files({"node": _NODE_KEYS, "grid": GRID_KEYS, "network": NETWORK_KEYS})
    grid = read_grid(tables)
    reserved_bytes, sram_bytes, clock_hz, threads = _read_node(tables)
    return MachineDef(
        name,
        sram_bytes,
        reserved_bytes,
        clock_hz,
        read_units(tables, units),
        read_issue(tables),
        read_ports(tables),
        read_branch(tables),
        threads,
        grid,
        read_network(tables),
        read_semaphores(tables),
        read_streams(tables),
        read_dip(tables),
        read_dips(tables, grid),
        _read_denormals(tables),
    )


_NODE_KEYS = {
    "reserved_bytes": (0, RESERVED_BYTES_MAX, 1),
    "sram_bytes": (SRAM_GRAIN, SRAM_BYTES_MAX, SRAM_GRAIN),  # and more than are reserved
    "clock_hz": (1, CLOCK_HZ_MAX, 1),
    "threads": (1, THREADS_MAX, 1),
}
"""The keys of the table `node`: lowest, highest, and what it must be a multiple of."""


def _read_node(tables: MachineTables) -> list[int]:
    """Read the table `node`, in the order of `_NODE_KEYS`."""
    found = tables.by_key("node")
    for table in {id(table): table for table in found.values()}.values():
        table.check_keys((*_NODE_KEYS, "provenance"))
    if found and (table := tables.find("node")) is not None:
        tables.check_missing(table, [key for key in _NODE_KEYS if key not in found])
    numbers: list[int] = []
    for key, (low, high, grain) in _NODE_KEYS.items():
        hint = None
        if key == "reserved_bytes":
            hint = f"programs begin at 0x{RESERVED_BYTES_MAX:x} on every machine"
        if key == "sram_bytes":
            low = align_up(numbers[0] + 1, grain)
            hint = f"more than `reserved_bytes`, {numbers[0]}"
        numbers.append(
            read_integer(found[key], key, low, high, multiple_of=grain, hint=hint)
            if key in found
            else low
        )
    return numbers


def _read_denormals(tables: MachineTables) -> Denormals:
    """Read `denormals` of the optional table `formats`: the printed rule unless it says other."""
    table = tables.find("formats")
    if table is None:
        return "printed"
    tables.check_keys(table, (), ("denormals",))
    rules = get_args(Denormals)
    hint = "printed: 2^-bias x 0.m, as the white paper says; gradual: IEEE 754's"
    found = read_word(table, "denormals", rules, hint)
    return next((rule for rule in rules if rule == found), rules[0])
