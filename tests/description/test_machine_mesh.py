"""The tables of machine files that say which nodes there are and how they are joined."""

import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from dojo_tools.description import DipPlace, GridDef, load_machine
from dojo_tools.diagnostics import InputError

FOLDER = Path(__file__).parents[2] / "isa" / "machines"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.toml"))
GRID = "[grid]\nwidth = 4\nheight = 6\ndie_width = 2\ndie_height = 3\n"


def own(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_shipped_machines():
    sizes = {
        name: (machine.grid.width, machine.grid.height, len(machine.grid.dead), len(machine.dips))
        for name, machine in ((name, load_machine(name)) for name in SHIPPED)
    }
    assert sizes == {
        "d1": (20, 18, 6, 2),
        "d1-scattered": (20, 18, 6, 2),
        "node": (1, 1, 0, 0),
        "small": (4, 4, 0, 0),
        "tile": (100, 90, 150, 10),
        "tray": (300, 180, 900, 20),
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_each_table_says_how_sure_it_is(name: str):
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    tables.pop("base", None)
    for table in [*tables.pop("units", {}).values(), *tables.pop("ports", {}).values()]:
        assert re.match("published|inferred|chosen", table["provenance"])
    for table in tables.values():
        assert re.match("published|inferred|chosen", table["provenance"])


def test_links_between_dies_carry_the_published_edge():
    machine = load_machine("d1")
    network, grid = machine.network, machine.grid
    edges = network.east_west_bytes * grid.height, network.north_south_bytes * grid.width
    assert edges == (1008, 1008)
    assert edges[0] * machine.clock_hz == 2_016_000_000_000
    assert network.north_south_bytes == Fraction(252, 5)


def test_cards_have_the_published_rates():
    machine = load_machine("tray")
    assert machine.dip.memory_bytes * machine.clock_hz == 800_000_000_000
    assert machine.dip.link_bytes * machine.clock_hz == 900_000_000_000
    assert machine.dip.size == 32 << 30
    assert machine.dips[11] == DipPlace("east", 18, 18)


def test_a_grid_is_made_of_dies(tmp_path: Path):
    text = 'base = "node"\n' + GRID + "dead = [[0, 5]]\ndead_in_each_die = [[1, 0]]\n"
    machine = load_machine(own(tmp_path, text + "[dips]\neast = [1]\n"))
    dead = frozenset({(0, 5), (1, 0), (3, 0), (1, 3), (3, 3)})
    assert machine.grid == GridDef(4, 6, dead, 2, 2)
    assert (machine.grid.die_width, machine.grid.die_height) == (2, 3)
    assert machine.dips == (DipPlace("east", 3, 3),)


def test_a_base_may_have_a_base(tmp_path: Path):
    machine = load_machine(own(tmp_path, 'base = "d1-scattered"\n[dma]\nstreams = 2\n'))
    assert (machine.streams, len(machine.grid.dead), len(machine.dips)) == (2, 6, 2)


@pytest.mark.parametrize("text, rate", [("7", 7), ('"252/5"', "50.4"), ('"50.4"', "252/5")])
def test_rates_are_exact(tmp_path: Path, text: str, rate: int | str):
    shipped = (FOLDER / "node.toml").read_text(encoding="utf-8")
    changed = shipped.replace("east_west_bytes = 56", f"east_west_bytes = {text}")
    assert load_machine(own(tmp_path, changed)).network.east_west_bytes == Fraction(rate)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("threads = 4", "threads = 5", "`node.threads` must be an integer in 1..4; it is 5"),
        ("threads = 4", "", "`node.threads` .* it is missing"),
        ("[network]", "[net]", "no table `network`"),
        ("hop_cycles = 1", "hop_cycles = 0", "`network.hop_cycles` .* it is 0"),
        ("hop_cycles = 1", "hops = 1", "table `network` has no key `hops`"),
        ("packet_bytes = 64", "packet_bytes = 63", "`network.packet_bytes` is 63; 8, 16"),
        ("packet_bytes = 64", "packet_bytes = true", "`network.packet_bytes` is True"),
        ("\nlink_bytes = 64", "\nlink_bytes = 0", "`network.link_bytes` .* it is 0"),
        ("\nlink_bytes = 64", "\nlink_bytes = 6.4", "`network.link_bytes` .* it is 6.4"),
        ("\nlink_bytes = 64", "\nlink_bytes = -1", "`network.link_bytes` .* it is -1"),
        ('"252/5"', '"252/0"', "`network.north_south_bytes` .* it is '252/0'"),
        ('"252/5"', '"252/5001"', "`network.north_south_bytes` must be a rate"),
        ('"252/5"', '"1e9"', "`network.north_south_bytes` must be a rate"),
        ('"252/5"', '"999999"', "at most 65536 bytes a cycle"),
        ('north_south_bytes = "252/5"', "", "`network.north_south_bytes` .* it is missing"),
        ("count = 64", "count = 65", "`semaphores.count` must be an integer in 1..64"),
        ("bits = 32", "bits = 33", "`semaphores.bits` must be an integer in 1..32"),
        ("[semaphores]", "[semaphore]", "no table `semaphores`"),
        ("streams = 4", "streams = 0", "`dma.streams` must be an integer in 1..16"),
        ("[dma]", "[dmas]", "no table `dma`"),
        ("bytes = 0x8_0000_0000", "bytes = 100", "`dip.bytes` is 100; .* multiple of 64"),
        ("bytes = 0x8_0000_0000", "bytes = 0x20_0000_0000", "`dip.bytes` must be an integer"),
        ("memory_bytes = 400", "memory_byte = 400", "table `dip` has no key `memory_byte`"),
        ("link_bytes = 450", 'link_bytes = "fast"', "`dip.link_bytes` .* it is 'fast'"),
    ],
)
def test_a_wrong_table_is_a_diagnostic(tmp_path: Path, old: str, new: str, message: str):
    text = (FOLDER / "node.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, text.replace(old, new, 1)))
    assert re.search(message, str(caught.value))


@pytest.mark.parametrize(
    "text, message",
    [
        ("[grid]\nwidth = 4\n", "`grid.height` .* it is missing"),
        ("[grid]\nwidth = 0\nheight = 1\n", "`grid.width` must be an integer in 1..4096; it is 0"),
        (GRID + "depth = 1\n", "table `grid` has no key `depth`"),
        (GRID.replace("die_width = 2", "die_width = 3"), "`grid.width` is 4, no multiple of .* 3"),
        (GRID.replace("die_height = 3", "die_height = 9"), "`grid.die_height` .* 1..6; it is 9"),
        (GRID + "dead = [[4, 0]]\n", "`grid.dead` must list nodes of the grid"),
        (GRID + "dead_in_each_die = [[2, 0]]\n", "`grid.dead_in_each_die` .* nodes of the die"),
        ("[grid]\nwidth = 1\nheight = 1\ndead = [[0, 0]]\n", "all 1 nodes of `grid` are dead"),
        (GRID + "[dips]\nwest = [2]\n", "`dips.west` must list rows of dies"),
        (GRID + "[dips]\nwest = [0, 0]\n", "`dips.west` must list rows of dies"),
        (GRID + "[dips]\neast = 1\n", "`dips.east` must list rows of dies"),
        (GRID + "[dips]\neast = [true]\n", "`dips.east` must list rows of dies"),
        (GRID + "[dips]\nnorth = [0]\n", "table `dips` has no key `north`"),
    ],
)
def test_a_wrong_grid_is_a_diagnostic(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, 'base = "node"\n' + text))
    assert re.search(message, str(caught.value))


def test_a_mistake_of_each_table_is_told(tmp_path: Path):
    text = 'base = "node"\n[grid]\nwidth = 4\nheight = 4\nded = 1\nwith = 2\n[dma]\nstreams = "x"\n'
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, text))
    messages = [diagnostic.message for diagnostic in caught.value.diagnostics]
    assert len(messages) == 3
    assert "table `grid` has no key `ded`" in messages[0]
    assert "table `grid` has no key `with`" in messages[1]
    assert "`dma.streams` must be an integer" in messages[2]
