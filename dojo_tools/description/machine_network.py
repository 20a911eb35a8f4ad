"""The tables of a machine file that say how nodes are joined: network, semaphores, DMA, DIP cards.

Rates are bytes a cycle and exact: a fraction such as "252/5" where they are no whole number.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from dojo_tools.description.machine_tables import (
    MachineTables,
    read_choice,
    read_integer,
)
from dojo_tools.toml_source import Table, describe_value

CYCLES_MAX = 100_000
RATE_MAX = 65_536
RATE_DENOMINATOR_MAX = 1000
PACKET_BYTES = (8, 16, 32, 64, 128, 256)
SEMAPHORES_MAX = 64
SEMAPHORE_BITS_MAX = 32
STREAMS_MAX = 16
DIP_GRAIN = 64
DIP_BYTES_MAX = 1 << 36
"""A global address has 36 bits for the offset in a DIP's memory."""

_RATE_OF_WRONG = Fraction(1)
"""Stands for a rate that does not fit, and was reported."""
_RATE = re.compile(r"\d{1,9}(/\d{1,9}|\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class NetworkDef:
    """Cycles of a hop and of a crossing from die to die, and bytes a cycle in each direction.

    `east_west_bytes` and `north_south_bytes` are those of a link that crosses from one die to
    another through the dies' west and east, or north and south edges.
    """

    hop_cycles: int
    packet_bytes: int
    link_bytes: Fraction
    die_latency_cycles: int
    east_west_bytes: Fraction
    north_south_bytes: Fraction


@dataclass(frozen=True, slots=True)
class SemaphoresDef:
    """How many semaphores a node has, and the bits that each counts in."""

    count: int
    bits: int


@dataclass(frozen=True, slots=True)
class DipDef:
    """A DIP card: bytes of memory, bytes a cycle and latency of the memory and of the link.

    The link joins the card to the edge of a die, and its rate is that of each direction.
    """

    size: int
    memory_bytes: Fraction
    memory_latency_cycles: int
    link_bytes: Fraction
    link_latency_cycles: int


NETWORK_KEYS = tuple(NetworkDef.__dataclass_fields__)


def read_network(tables: MachineTables) -> NetworkDef:
    """Read the table `network`."""
    table = tables.find("network")
    if table is None:
        return NetworkDef(1, PACKET_BYTES[0], _RATE_OF_WRONG, 1, _RATE_OF_WRONG, _RATE_OF_WRONG)
    tables.check_keys(table, NETWORK_KEYS)
    return NetworkDef(
        read_integer(table, "hop_cycles", 1, CYCLES_MAX),
        read_choice(table, "packet_bytes", PACKET_BYTES),
        read_fraction(table, "link_bytes"),
        read_integer(table, "die_latency_cycles", 1, CYCLES_MAX),
        read_fraction(table, "east_west_bytes"),
        read_fraction(table, "north_south_bytes"),
    )


def read_semaphores(tables: MachineTables) -> SemaphoresDef:
    """Read the table `semaphores`."""
    table = tables.find("semaphores")
    if table is None:
        return SemaphoresDef(1, 1)
    tables.check_keys(table, ("count", "bits"))
    return SemaphoresDef(
        read_integer(table, "count", 1, SEMAPHORES_MAX),
        read_integer(table, "bits", 1, SEMAPHORE_BITS_MAX),
    )


def read_streams(tables: MachineTables) -> int:
    """Read the table `dma`: how many transfers a node carries out side by side."""
    table = tables.find("dma")
    if table is None:
        return 1
    tables.check_keys(table, ("streams",))
    return read_integer(table, "streams", 1, STREAMS_MAX)


def read_dip(tables: MachineTables) -> DipDef:
    """Read the table `dip`: what each card is."""
    table = tables.find("dip")
    if table is None:
        return DipDef(DIP_GRAIN, _RATE_OF_WRONG, 0, _RATE_OF_WRONG, 1)
    tables.check_keys(table, ("bytes", *list(DipDef.__dataclass_fields__)[1:]))
    return DipDef(
        read_integer(table, "bytes", DIP_GRAIN, DIP_BYTES_MAX, multiple_of=DIP_GRAIN),
        read_fraction(table, "memory_bytes"),
        read_integer(table, "memory_latency_cycles", 0, CYCLES_MAX),
        read_fraction(table, "link_bytes"),
        read_integer(table, "link_latency_cycles", 1, CYCLES_MAX),
    )


def read_fraction(table: Table, key: str) -> Fraction:
    """Return a rate: a whole number, or a string such as "252/5" or "50.4"; 1 if none fits."""
    value = table.values.get(key)
    fits = f"a rate over 0, at most {RATE_MAX} bytes a cycle, fits"
    hint = (
        'a whole number or an exact fraction in quotes, such as "252/5" or "50.4", of a '
        f"denominator up to {RATE_DENOMINATOR_MAX}"
    )
    if value is None:
        return _RATE_OF_WRONG
    found: Fraction | None = None
    if type(value) is int:
        found = Fraction(value)
    elif isinstance(value, str) and _RATE.fullmatch(value):
        try:
            found = Fraction(value)
        except ZeroDivisionError:
            found = None
    if found is None or not 0 < found <= RATE_MAX or found.denominator > RATE_DENOMINATOR_MAX:
        table.error(f"`{key}` is {describe_value(value)}; {fits}", key, hint)
        return _RATE_OF_WRONG
    return found
