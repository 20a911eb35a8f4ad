"""The tables of machine files that say which nodes there are and how they are joined."""

import re
import shutil
import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from dojo_tools.description import DipPlace, GridDef, load_machine, machine_file
from dojo_tools.diagnostics import InputError

FOLDER = Path(__file__).parents[2] / "isa" / "machines"
GOLDEN = Path(__file__).parents[1] / "golden" / "machine"
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
        ("threads = 4", "threads = 5", "`threads` is 5; an integer in 1..4 fits"),
        ("threads = 4", "", "table `node` lacks `threads`"),
        ("[network]", "[net]", "no table `network`"),
        ("hop_cycles = 1", "hop_cycles = 0", "`hop_cycles` is 0; an integer"),
        ("hop_cycles = 1", "hops = 1", "unknown key `hops`"),
        ("packet_bytes = 64", "packet_bytes = 63", "`packet_bytes` is 63; 8, 16"),
        ("packet_bytes = 64", "packet_bytes = true", "`packet_bytes` is a boolean .true.; 8"),
        ("\nlink_bytes = 64", "\nlink_bytes = 0", "`link_bytes` is an integer .0.; a rate"),
        ("\nlink_bytes = 64", "\nlink_bytes = 6.4", "`link_bytes` is a number .6.4.; a rate"),
        ("\nlink_bytes = 64", "\nlink_bytes = -1", "`link_bytes` is an integer .-1.; a rate"),
        ('"252/5"', '"252/0"', "`north_south_bytes` is a string ..252/0..; a rate"),
        ('"252/5"', '"252/5001"', "`north_south_bytes` is a string .*; a rate"),
        ('"252/5"', '"1e9"', "`north_south_bytes` is a string .*; a rate"),
        ('"252/5"', '"999999"', "at most 65536 bytes a cycle"),
        ('north_south_bytes = "252/5"', "", "table `network` lacks `north_south_bytes`"),
        ("count = 64", "count = 65", "`count` is 65; an integer in 1..64"),
        ("bits = 32", "bits = 33", "`bits` is 33; an integer in 1..32"),
        ("[semaphores]", "[semaphore]", "no table `semaphores`"),
        ("streams = 4", "streams = 0", "`streams` is 0; an integer in 1..16"),
        ("[dma]", "[dmas]", "no table `dma`"),
        ("bytes = 0x8_0000_0000", "bytes = 100", "`bytes` is 100; a multiple of 64 in 64.."),
        (
            "bytes = 0x8_0000_0000",
            "bytes = 0x20_0000_0000",
            "`bytes` is 137438953472; a multiple of 64",
        ),
        (
            "memory_bytes = 400",
            "memory_byte = 400",
            "unknown key `memory_byte`[^$]*did you mean `memory_bytes`",
        ),
        ("link_bytes = 450", 'link_bytes = "fast"', "`link_bytes` is a string ..fast..; a rate"),
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
        ("[grid]\nwidth = 4\n", "table `grid` lacks `height`[^$]*hint: as in height = 18"),
        ("[grid]\nsize = [4, 4]\n", "did you mean `width` or `height`"),
        ("[network]\nhop_cycles = 2\n", "node.toml has packet_bytes = 64, link_bytes = 64"),
        ("[node]\nreserved_bytes = 4096\n", "own.toml:3:18: [^$]*4096; an integer in 0..256 fits"),
        ("[node]\nreserved_bytes = 4096\n", "hint: programs begin at 0x100 on every machine"),
        ("[node]\nsram_bytes = 256\n", "own.toml:3:14: [^$]*hint: more than `reserved_bytes`, 256"),
        ("[node]\nsram_bytes = 300\n", "is 300; a multiple of 64 in 320..2097152 fits"),
        ("[node]\nsram_bytes = 0\nreserved_bytes = 0\n", "a multiple of 64 in 64..2097152 fits"),
        ("[node]\nclock_hz = 2e9\n", "hint: written as 2_000_000_000"),
        ("clock_hz = 3\n", "`clock_hz` stands in no table[^$]*write it below .node."),
        ("[grid]\nwidth = 0\nheight = 1\n", "`width` is 0; an integer in 1..4096"),
        (GRID + "depth = 1\n", "unknown key `depth`"),
        (
            GRID.replace("die_width = 2", "die_width = 3"),
            "`die_width` is 3, which does not divide `width`, 4",
        ),
        (GRID.replace("die_height = 3", "die_height = 9"), "`die_height` is 9; an integer in 1..6"),
        (GRID + "dead = [[4, 0]]\n", "node .4, 0. is outside: the grid is 4 wide and 6 high"),
        (GRID + "dead_in_each_die = [[2, 0]]\n", "node .2, 0. is outside: the die is 2 wide"),
        ("[grid]\nwidth = 1\nheight = 1\ndead = [[0, 0]]\n", "all 1 nodes of `grid` are dead"),
        (GRID + "dead = [[0, 0], [1, 0], [0, 0]]\n", "node .0, 0. is named twice"),
        (GRID + "dead_in_each_die = [[0, 1], [0, 1]]\n", "node .0, 1. is named twice"),
        (GRID + 'provenance = "rumor"\n', "published, inferred, chosen fits"),
        (GRID + "provenance = 1\n", "`provenance` is an integer .1., not a string"),
        ('[units.alu]\nprovenance = "rumor"\n', "`provenance` is a string ..rumor..; what begins"),
        (GRID + "[dips]\nwest = [2]\n", "`west` holds an integer .2.; rows of dies, 0..1"),
        (GRID + "[dips]\nwest = [0, 0]\n", "row 0 is named twice"),
        (GRID + "[dips]\neast = 1\n", "`east` is an integer .1., not an array"),
        (GRID + "[dips]\neast = [true]\n", "`east` holds a boolean"),
        (GRID + "[dips]\nnorth = [0]\n", "unknown key `north`"),
    ],
)
def test_a_wrong_grid_is_a_diagnostic(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, 'base = "node"\n' + text))
    assert re.search(message, str(caught.value))


def test_every_mistake_is_shown_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[Path, str], None]
):
    monkeypatch.chdir(tmp_path)
    wrong = GOLDEN / "machine.toml"
    shutil.copy(wrong, "machine.toml")
    with pytest.raises(InputError) as caught:
        load_machine("machine.toml")
    golden(wrong.with_suffix(".txt"), f"{caught.value}\n")


def test_a_mistake_of_a_base_shows_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    machines = tmp_path / "machines"
    shutil.copytree(FOLDER, machines)
    base = machines / "node.toml"
    text = base.read_text(encoding="utf-8")
    changed = text.replace("threads = 4", "threads = 9").replace("[units.agu]", "[units.alu.x]")
    base.write_text(changed.replace("hop_cycles = 1\n", ""), encoding="utf-8")
    monkeypatch.setattr(machine_file, "isa_folder", lambda: tmp_path)
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, 'base = "d1"\n[dma]\nstreams = 99\n'))
    spans = [found.span for found in caught.value.diagnostics]
    assert [span and (Path(span.source.name).name, span.text) for span in spans] == [
        ("own.toml", "99"),
        ("node.toml", "9"),
        ("node.toml", "[units.alu.x]"),
        ("node.toml", "[network]"),
    ]


def test_all_missing_tables_are_one_mistake(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, "[grid]\nwidth = 1\nheight = 1\n[node]\nthreads = 4\n"))
    messages = [found.message for found in caught.value.diagnostics]
    assert messages == [
        "no tables `issue`, `units`, `ports`, `branch`, `network`, `semaphores`, `dma`, `dip`",
        "table `node` lacks `reserved_bytes`, `sram_bytes`, `clock_hz`",
    ]


def test_what_a_base_has_wrong_and_a_file_says_anew_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    machines = tmp_path / "machines"
    shutil.copytree(FOLDER, machines)
    base = machines / "node.toml"
    text = base.read_text(encoding="utf-8")
    base.write_text(text.replace("threads = 4", "threads = 9"), encoding="utf-8")
    monkeypatch.setattr(machine_file, "isa_folder", lambda: tmp_path)
    machine = load_machine(own(tmp_path, 'base = "d1"\n[node]\nthreads = 2\n'))
    assert (machine.threads, machine.sram_bytes) == (2, 0x140000)
