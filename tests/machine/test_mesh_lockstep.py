"""Random programs of many nodes: those without races compute what they must, on both engines alike.

`MESH_SEED` and `MESH_BATCH` in the environment run one batch again.
"""

import os

import pytest

from dojo_tools.machine.mesh import EndReason, MeshEnd
from nodes import ENGINES, Nodes
from random_meshes import BLOCKS, RESULTS, Batch

SEED = int(os.environ.get("MESH_SEED", "20261127"))
A_BATCH = BLOCKS * BLOCKS
ONLY = os.environ.get("MESH_BATCH")
RACE_FREE = 1000 // A_BATCH + 1
RACY = 300 // A_BATCH + 1
PRIVATE_ARRAYS = {"budget", "exit_code", "interrupted", "horizon"}
"""What depends on when the host looks."""


def numbers(count: int) -> list[int]:
    return [int(ONLY)] if ONLY else list(range(count))


@pytest.mark.parametrize("number", numbers(RACE_FREE))
def test_race_free(number: int) -> None:
    """Results are those of the model; both engines agree in everything."""
    batch = Batch(SEED, number, is_racy=False)
    programs = batch.programs()
    ran: list[tuple[Nodes, MeshEnd]] = []
    for engine in engines_of(number):
        nodes = batch.run(engine, programs)
        end = nodes.run()
        ran.append((nodes, end))
        for program in programs:
            for (x, y), contents in program.expected.items():
                wrong = {
                    hex(address): (nodes.read(x, y, address)[0], value)
                    for address, value in contents.items()
                    if address >= RESULTS and nodes.read(x, y, address) != [value]
                }
                assert not wrong, (batch, engine, x, y, wrong)
    compare(batch, ran)


@pytest.mark.parametrize("number", numbers(RACY))
def test_racy(number: int) -> None:
    """Whatever they do, both engines do the same, and tell the same of who waits."""
    batch = Batch(SEED, number, is_racy=True)
    programs = batch.programs()
    ran: list[tuple[Nodes, MeshEnd]] = []
    for engine in engines_of(number):
        nodes = batch.run(engine, programs)
        end = nodes.mesh.run()
        assert end.reason in {EndReason.DEADLOCK, EndReason.DONE}, (batch, end)
        ran.append((nodes, end))
    compare(batch, ran)


def engines_of(number: int) -> tuple[str, ...]:
    return ENGINES


def compare(batch: Batch, ran: list[tuple[Nodes, MeshEnd]]) -> None:
    """Compare ends, prints, every array, every register and all memory."""
    (first, first_end), *others = ran
    for second, second_end in others:
        assert first_end == second_end, batch
        assert first.mesh.lines == second.mesh.lines, batch
        for name, view in first.mesh.arrays.views.items():
            if name not in PRIVATE_ARRAYS:
                assert bytes(view) == bytes(second.mesh.arrays[name]), (batch, name)
        for node in range(len(first.mesh.topology.live)):
            size = first.mesh.machine.sram_bytes
            one, two = (n.mesh.engine.read_memory(node, 0, size) for n in (first, second))
            assert one == two, (batch, node)
        for agent in first.mesh.agents():
            one, two = (n.mesh.engine.thread(agent) for n in (first, second))
            assert (one.pc, one.retired, one.cycles) == (two.pc, two.retired, two.cycles), (
                batch,
                agent,
            )
            for name in [f"x{n}" for n in range(1, 32)] + ["v1"]:
                assert one.read_register(name) == two.read_register(name), (batch, agent, name)
