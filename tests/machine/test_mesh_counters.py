"""What the cycles of every thread went to: the counters sum to the cycles of the run."""

import pytest

from dojo_tools.description import load_machine
from dojo_tools.machine.mesh import EndReason
from dojo_tools.machine.mesh_counters import (
    accounted_cycles,
    busiest_link,
    counters_json,
    cycles_by_cause,
    link_uses,
    packets_through,
    run_cycles,
    semaphore_uses,
    thread_cycles,
)
from mesh_programs import ENGINES, LISTS, PAIRS, RING, THREADS, mesh_of

PROGRAMS = {
    "pairs": (PAIRS, EndReason.DONE),
    "threads": (THREADS, EndReason.DONE),
    "lists": (LISTS, EndReason.DONE),
    "deadlock": (RING, EndReason.DEADLOCK),
    "fault": (
        ".global _start\n_start: ctl.read t0, node_x\nbnez t0, on\ntrap 1\non: jump on\n",
        None,
    ),
    "busy": (".global _start\n_start: li t0, 9\ndiv t1, t0, t0\nhalti 0\n", EndReason.DONE),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_cycle_of_every_thread_went_to_something(name: str, engine: str) -> None:
    text, reason = PROGRAMS[name]
    mesh = mesh_of(text, engine)
    end = mesh.run(limit=2000)
    assert reason in (None, end.reason)
    assert end.cycles == run_cycles(mesh)
    for use in thread_cycles(mesh):
        assert use.total == end.cycles
        assert min(use.by_cause.values()) >= 0
        assert use.after >= 0
        ended = mesh.arrays["ended"][use.agent]
        if ended:
            # Counted on its own: what a thread did, waited and stood still fills all to its end.
            assert accounted_cycles(mesh, use.agent) == ended
            assert use.after == end.cycles - ended
    total = sum(cycles_by_cause(mesh).values())
    assert total == end.cycles * sum(1 for _ in mesh.agents())


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_that_start_late_and_twice(engine: str) -> None:
    mesh = mesh_of(THREADS, engine, grid=(1, 1))
    end = mesh.run()
    first, second, third = thread_cycles(mesh)
    assert end.reason is EndReason.DONE
    assert first.by_cause["stopped"] == end.cycles - mesh.arrays["ended"][0]
    assert second.before > 0
    assert second.by_cause["semaphore"] > 0
    # Stopped by thread 0 while it waited, which counts to there.
    assert third.by_cause["semaphore"] > 20
    assert third.before + third.by_cause["semaphore"] < end.cycles


def test_links_nodes_and_semaphores_are_counted() -> None:
    mesh = mesh_of(PAIRS, grid=(3, 1))
    mesh.run()
    uses = {(use.node, use.name): use.packets for use in link_uses(mesh)}
    assert uses == {(0, "local"): 12, (1, "west"): 8, (2, "west"): 4}
    busiest = busiest_link(mesh)
    assert busiest is not None
    assert (busiest.node, busiest.packets) == (1, 8)
    assert packets_through(mesh)[0].tolist() == [0, 8, 4, 0]
    (arrived,) = semaphore_uses(mesh)
    assert (arrived.posts, arrived.takes, arrived.value) == (3, 1, 0)
    json = counters_json(mesh)
    assert json["semaphores"][0]["names"] == ["arrived"]
    assert [thread["barriers_passed"] for thread in json["threads"]] == [1, 1, 1]
    assert json["nodes"][0]["packets_in"] == 12


def test_a_link_between_dies_says_so() -> None:
    mesh = mesh_of(PAIRS, grid=(2, 1), at=(19, 1), machine=load_machine("tile"))
    mesh.run()
    crossing = [use for use in link_uses(mesh) if use.crosses_dies]
    assert [(mesh.place_of(use.node or 0), use.name) for use in crossing] == [((1, 0), "west")]
