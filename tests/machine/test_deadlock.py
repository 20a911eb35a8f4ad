"""Deadlocks: who waits for whom, the circle in it, and its three forms."""

import json
import re

import pytest

from dojo_tools.diagnostics import render
from dojo_tools.machine.deadlock import Deadlock, Edge, find_cycle
from dojo_tools.machine.deadlock_report import deadlock_diagnostic, deadlock_dot, deadlock_json
from dojo_tools.machine.mesh import EndReason, Mesh
from mesh_programs import ENGINES, LISTS, RING, mesh_of

POSTED_BEFORE = """\
; Each passes the token once; then (0, 0) has halted its part and both wait.
        .semaphore ping
        .global _start
_start: ctl.read t0, node_x
        li      t1, 1
        sub     t0, t1, t0
        slli    t0, t0, 32
        li      t2, 0x1000000000000000
        or      t0, t0, t2
        sem.post.at t0, ping
        sem.wait ping
        sem.wait ping
        sem.post.at t0, ping
        halti   0
"""

GONE = """\
; Node (1, 0) halts before the barrier.
        .barrier step
        .global _start
_start: ctl.read t0, node_x
        bnez    t0, out
        barrier.all step
out:    halti   0
"""


def deadlock_of(text: str, engine: str, grid: tuple[int, int]) -> tuple[Mesh, Deadlock, int]:
    """Run a source into its deadlock."""
    mesh = mesh_of(text, engine, grid)
    end = mesh.run()
    assert end.reason is EndReason.DEADLOCK
    assert end.deadlock is not None
    return mesh, end.deadlock, end.cycles


@pytest.mark.parametrize("engine", ENGINES)
def test_a_ring_in_which_nobody_begins(engine: str) -> None:
    mesh, found, cycles = deadlock_of(RING, engine, (2, 1))
    assert found.cycle == (0, 8)
    text = render(deadlock_diagnostic(mesh, found, cycles))
    assert text.startswith("p.s:11:9: deadlock: 2 threads and lists wait")
    assert "semaphore `token`: wants 1, it holds 0; never posted" in text
    assert {edge.why for edge in found.edges} == {"could post"}


@pytest.mark.parametrize("engine", ENGINES)
def test_who_posted_last_is_who_is_waited_for(engine: str) -> None:
    mesh, found, cycles = deadlock_of(POSTED_BEFORE, engine, (2, 1))
    assert found.cycle == (0, 8)
    assert [(edge.waiter, edge.holder, edge.why) for edge in found.edges] == [
        (0, 8, "posted last"),
        (8, 0, "posted last"),
    ]
    assert "last posted by node (1, 0) thread 0" in render(deadlock_diagnostic(mesh, found, cycles))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_barrier_that_a_node_will_not_come_to(engine: str) -> None:
    mesh, found, cycles = deadlock_of(GONE, engine, (2, 1))
    assert found.cycle == ()
    text = render(deadlock_diagnostic(mesh, found, cycles))
    assert "barrier `step`: node (1, 0), which has halted, not there" in text
    assert "hint: nobody is left" in text


@pytest.mark.parametrize("engine", ENGINES)
def test_a_list_that_waits_for_what_stands_behind_it(engine: str) -> None:
    lines = LISTS.splitlines()
    posts = next(i for i, line in enumerate(lines) if "0x0200" in line)
    lines[posts] = lines[posts].replace("back, 0,", "back, 1,")
    text = "\n".join(lines).replace("0, 0, 1\n", "0, 0, 0\n", 1)
    mesh, found, cycles = deadlock_of(text, engine, (1, 1))
    whats = {waiter.agent: waiter.what for waiter in found.waiters}
    assert whats == {0: "list", 4: "semaphore"}
    assert ("carries out the list", 4) in {(edge.why, edge.holder) for edge in found.edges}
    assert "node (0, 0) list engine waits since" in render(deadlock_diagnostic(mesh, found, cycles))


def test_json_and_dot() -> None:
    mesh, found, _ = deadlock_of(RING, "reference", (3, 1))
    values = json.loads(json.dumps(deadlock_json(mesh, found)))
    assert len(values["waiters"]) == 3
    assert values["waiters"][0]["line"] == 11
    assert values["waiters"][0]["names"] == ["token"]
    dot = deadlock_dot(mesh, found)
    assert dot.startswith("digraph deadlock {")
    assert len(re.findall(r"a\d+ -> a\d+", dot)) == len(found.edges)


@pytest.mark.parametrize(
    "edges, cycle",
    [
        ([], ()),
        ([(1, 2), (2, 3)], ()),
        ([(3, 1), (1, 2), (2, 3)], (1, 2, 3)),
        ([(1, 2), (2, 3), (3, 1), (4, 5), (5, 4)], (4, 5)),
        ([(1, 1)], (1,)),
    ],
)
def test_the_shortest_circle_is_found(edges: list[tuple[int, int]], cycle: tuple[int, ...]) -> None:
    assert find_cycle([Edge(one, two, "") for one, two in edges]) == cycle
