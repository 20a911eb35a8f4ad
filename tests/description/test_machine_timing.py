"""The rates of machine files: what they inherit, and what is wrong with them."""

import re
from pathlib import Path

import pytest

from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import InputError

SHIPPED = Path(__file__).parents[2] / "isa" / "machines" / "node.toml"


def own(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_unit_or_port_is_replaced_by_itself(tmp_path: Path):
    text = 'base = "node"\n[units.alu]\ncount = 4\nissue = "scalar"\noccupancy = 2\n'
    text += "[ports.vector_load]\ncount = 1\nbytes = 128\n"
    machine = load_machine(own(tmp_path, text))
    shipped = load_machine("node")
    units = {unit.name: unit for unit in machine.units}
    assert (units["alu"].count, units["alu"].occupancy_cycles) == (4, 2)
    assert [unit.name for unit in machine.units] == [unit.name for unit in shipped.units]
    ports = {port.name: (port.count, port.size) for port in machine.ports}
    assert ports["vector_load"] == (1, 128)
    assert machine.branch == shipped.branch


def test_the_divider_is_held_for_its_latency():
    units = {unit.name: unit for unit in load_machine("d1").units}
    assert units["divide"].occupancy_cycles is None
    assert units["alu"].occupancy_cycles == 1


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("scalar = 4", "", "table `issue` lacks `scalar`"),
        ("scalar = 4", "scalar = 0", "`scalar` is 0; an integer in 1..16"),
        ("scalar = 4", "scalar = -4", "`scalar` is -4; an integer in 1..16"),
        ("scalar = 4", "scalar = 1_000_000", "`scalar` is 1000000; an integer in 1..16"),
        ("scalar = 4", "scalar = 4.5", "`scalar` is a number .4.5.; an integer"),
        ("scalar = 4", "scalar = true", "`scalar` is a boolean .true.; an integer"),
        ("scalar = 4", "scalar = 4\nmatrix = 1", "unknown key `matrix`"),
        ("[issue]", "[isue]", "no table `issue`"),
        ("[units.alu]\ncount = 2", "[units.alu]", "table `units.alu` lacks `count`"),
        ("[units.alu]\ncount = 2", "[units.alu]\ncount = 99", "`count` is 99; an integer in 1..16"),
        ("[units.alu]", "[units.alu]\ncuont = 2", "unknown key `cuont`[^$]*did you mean `count`"),
        (
            'issue = "front"',
            'issue = "back"',
            "`issue` is a string ..back..; .scalar., .vector., .front. fit",
        ),
        ('issue = "front"', "", "table `units.front` lacks `issue`"),
        (
            'occupancy = "latency"',
            'occupancy = "long"',
            "`occupancy` is a string ..long..; .latency. fits[^$]*1..1000",
        ),
        ('occupancy = "latency"', "occupancy = 0", "`occupancy` is 0; an integer in 1..1000"),
        (
            "[ports.scalar_load]",
            "[ports.scaler_load]",
            "no port `scaler_load`[^$]*did you mean `scalar_load`",
        ),
        ("bytes = 8", "bytes = 12", "`bytes` is 12; 8, 16"),
        ("bytes = 8", "bytes = -8", "`bytes` is -8; 8, 16"),
        ("bytes = 8", "", "table `ports.scalar_load` lacks `bytes`"),
        ("jump_cycles = 1", "jump_cycles = -1", "`jump_cycles` is -1; an integer in 0..100"),
        ("jump_cycles = 1", "", "table `branch` lacks `jump_cycles`"),
        (
            "mispredicted_cycles = 6",
            "mispredicted_cycles = 1000",
            "`mispredicted_cycles` is 1000; an integer in 0..100",
        ),
        (
            "[branch]",
            "branch = 3\n[other]",
            "`branch` is an integer .3., not a table[^$]*write .branch.",
        ),
        (
            "[units.alu]\n",
            "[units]\nfpu = 3\n[units.alu]\n",
            "`fpu` is an integer .3., not a table[^$]*write .units.fpu.",
        ),
    ],
)
def test_a_wrong_rate_is_a_diagnostic(tmp_path: Path, old: str, new: str, message: str):
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    wrong = text.replace(old, new, 1)
    if new.startswith("branch ="):
        wrong = "branch = 3\n" + text.replace(old, "[other]", 1)
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, wrong))
    assert re.search(message, str(caught.value))


def test_a_unit_that_no_instruction_has_is_a_mistake(tmp_path: Path):
    text = 'base = "node"\n[units.smid]\ncount = 2\nissue = "vector"\n'
    known = [unit.name for unit in load_description().units]
    assert len(load_machine(own(tmp_path, text)).units) == len(known) + 1
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, text), known)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.span.text, found.hint) == ("[units.smid]", "did you mean `simd`?")
    assert load_machine(own(tmp_path, text.replace("smid", "simd")), known).units


def test_a_misspelt_key_gets_the_nearest(tmp_path: Path):
    text = SHIPPED.read_text(encoding="utf-8").replace("mispredicted_cycles", "mispredict_cycles")
    with pytest.raises(InputError) as caught:
        load_machine(own(tmp_path, text))
    hints = [found.hint for found in caught.value.diagnostics]
    assert "did you mean `mispredicted_cycles`?" in hints


@pytest.mark.parametrize(
    "clause, message",
    [
        ("latency=0", "a latency has 1 to 1000 cycles"),
        ("latency=1001", "a latency has 1 to 1000 cycles"),
        ("latency=soon", "`soon` is not a number"),
        ("latency=4 occupancy=0", "an occupancy has 1 to 4 cycles, the latency"),
        ("latency=4 occupancy=5", "an occupancy has 1 to 4 cycles, the latency"),
        ("latency=4 beats=0", "an access has 1 to 256 beats"),
    ],
)
def test_a_wrong_timing_of_an_instruction_is_a_diagnostic(
    tmp_path: Path, clause: str, message: str
):
    path = tmp_path / "own.isa"
    path.write_text(
        f"""title "Own"
instruction own.move xd, xa
    "Copy."
    encoding R op=user0 b=0 func11=0
    timing alu {clause}
    provenance chosen "a test"
    example xa = 1 -> xd = 1
    {{ xd = xa }}
""",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        load_description([path])
    assert message in caught.value.diagnostics[0].message
