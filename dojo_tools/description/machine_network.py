"""The tables of a machine file that say how nodes are joined: network, semaphores, DMA, DIP cards.

Rates are bytes a cycle and exact: a fraction such as "252/5" where they are no whole number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dojo_tools.description.machine_tables import check_keys, read_rate, read_table
from dojo_tools.diagnostics import fail

CYCLES_MAX = 100_000
RATE_MAX = 65_536
RATE_DENOMINATOR_MAX = 1000
PACKET_BYTES = (8, 16, 32, 64, 128, 256)
SEMAPHORES_MAX = 64
SEMAPHORE_BITS_MAX = 32
STREAMS_MAX = 16
DIP_BYTES_MAX = 1 << 36
"""A global address has 36 bits for the offset in a DIP's memory."""

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


def read_network(path: Path, table: Mapping[str, Any]) -> NetworkDef:
    """Read the table `network`."""
    network = read_table(path, table, "network")
    check_keys(path, network, "network", tuple(NetworkDef.__dataclass_fields__))
    packet_bytes = network.get("packet_bytes")
    if isinstance(packet_bytes, bool) or packet_bytes not in PACKET_BYTES:
        fitting = ", ".join(map(str, PACKET_BYTES))
        raise fail(f"{path}: `network.packet_bytes` is {packet_bytes!r}; {fitting} fit")
    return NetworkDef(
        read_rate(path, network, "network", "hop_cycles", 1, CYCLES_MAX),
        packet_bytes,
        read_fraction(path, network, "network", "link_bytes"),
        read_rate(path, network, "network", "die_latency_cycles", 1, CYCLES_MAX),
        read_fraction(path, network, "network", "east_west_bytes"),
        read_fraction(path, network, "network", "north_south_bytes"),
    )


def read_semaphores(path: Path, table: Mapping[str, Any]) -> SemaphoresDef:
    """Read the table `semaphores`."""
    semaphores = read_table(path, table, "semaphores")
    check_keys(path, semaphores, "semaphores", ("count", "bits"))
    return SemaphoresDef(
        read_rate(path, semaphores, "semaphores", "count", 1, SEMAPHORES_MAX),
        read_rate(path, semaphores, "semaphores", "bits", 1, SEMAPHORE_BITS_MAX),
    )


def read_streams(path: Path, table: Mapping[str, Any]) -> int:
    """Read the table `dma`: how many transfers a node carries out side by side."""
    dma = read_table(path, table, "dma")
    check_keys(path, dma, "dma", ("streams",))
    return read_rate(path, dma, "dma", "streams", 1, STREAMS_MAX)


def read_dip(path: Path, table: Mapping[str, Any]) -> DipDef:
    """Read the table `dip`: what each card is."""
    dip = read_table(path, table, "dip")
    keys = ("bytes", *list(DipDef.__dataclass_fields__)[1:])
    check_keys(path, dip, "dip", keys)
    size = read_rate(path, dip, "dip", "bytes", 64, DIP_BYTES_MAX)
    if size % 64:
        raise fail(f"{path}: `dip.bytes` is {size}; it must be a multiple of 64")
    return DipDef(
        size,
        read_fraction(path, dip, "dip", "memory_bytes"),
        read_rate(path, dip, "dip", "memory_latency_cycles", 0, CYCLES_MAX),
        read_fraction(path, dip, "dip", "link_bytes"),
        read_rate(path, dip, "dip", "link_latency_cycles", 1, CYCLES_MAX),
    )


def read_fraction(path: Path, table: Mapping[str, Any], where: str, key: str) -> Fraction:
    """Return a rate: a whole number, or a string such as "252/5" or "50.4"."""
    value = table.get(key)
    found: Fraction | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        found = Fraction(value)
    elif isinstance(value, str) and _RATE.fullmatch(value):
        try:
            found = Fraction(value)
        except ZeroDivisionError:
            found = None
    if found is None or not 0 < found <= RATE_MAX or found.denominator > RATE_DENOMINATOR_MAX:
        shown = "it is missing" if value is None else f"it is {value!r}"
        raise fail(
            f"{path}: `{where}.{key}` must be a rate over 0, at most {RATE_MAX} bytes a cycle; "
            f"{shown}",
            hint=f'a whole number or an exact fraction, such as "252/5", of a denominator up to '
            f"{RATE_DENOMINATOR_MAX}",
        )
    return found
