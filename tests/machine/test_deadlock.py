"""Deadlocks: who waits for whom, the circle in it, and its three forms."""

import json
import re
from dataclasses import replace

import pytest

from dojo_tools.diagnostics import render
from dojo_tools.machine.deadlock import Deadlock, Edge, find_cycle
from dojo_tools.machine.deadlock_graph import deadlock_dot
from dojo_tools.machine.deadlock_report import deadlock_diagnostic, deadlock_json
from dojo_tools.machine.mesh import EndReason, Mesh
from dojo_tools.machine.program_code import find_posts_from
from mesh_programs import DESCRIPTION, ENGINES, LISTS, RING, image_of, mesh_of

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


LOST = """\
; Column 0 halts, column 3 waits for a post that nobody makes, the others wait at the barrier.
        .barrier step
        .semaphore never
        .global _start
_start: ctl.read t0, node_x
        beqz    t0, out
        li      t1, 3
        beq     t0, t1, lost
        barrier.all step
out:    halti   0
lost:   sem.wait never
        halti   0
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
    assert text.startswith("p.s:11:9: deadlock: 2 threads wait")
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
    assert "hint: a barrier waits for one thread of each live node of its rectangle" in text


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
    told = render(deadlock_diagnostic(mesh, found, cycles))
    waits = next(i for i, line in enumerate(lines, 1) if "0x0100" in line)
    assert f"note: p.s:{waits}:9: node (0, 0) list engine waits since" in told


def test_those_who_wait_alike_are_one_note() -> None:
    mesh, found, cycles = deadlock_of(LOST, "reference", (4, 4))
    told = deadlock_diagnostic(mesh, found, cycles)
    assert told.message.startswith("12 threads wait, and nothing happens any more")
    semaphore, barrier, posts = told.notes
    assert posts.message == "no instruction posts semaphore `never`: only a list could"
    assert barrier.message == (
        "8 nodes: (1..2, 0..3): thread 0 of each waits since cycle 3 for barrier `step`: "
        "4 nodes: (0, 0..3), which have halted, and 4 nodes: (3, 0..3), where thread 0 waits for "
        "semaphore `never`, not there"
    )
    assert len(barrier.agents) == 8
    assert semaphore.message.startswith("4 nodes: (3, 0..3): thread 0 of each waits since cycle")
    assert told.event is not None
    assert len(told.event.details["deadlock"]["waiters"]) == 12


def test_where_a_semaphore_is_posted_is_told() -> None:
    mesh, found, cycles = deadlock_of(RING, "reference", (2, 1))
    *_, posts = deadlock_diagnostic(mesh, found, cycles).notes
    assert posts.message == "semaphore `token` is posted here"
    assert str(posts.span) == "p.s:12:9"


NOBODY_BEGINS = """\
; Node (1, 0) fills a buffer when it is empty, and nobody says at the start that it is.
        .semaphore full, empty
        .global _start
_start: ctl.read s0, node_x
        li      t0, {node}
        bnez    s0, fill
        sem.wait full
        sem.post.at t0, empty
        {last}
fill:   sem.wait empty
        sem.post full
        halti   0
"""


def test_only_code_that_is_still_to_come_could_post() -> None:
    text = NOBODY_BEGINS.format(node="0x1000000100000000", last="halti 0")
    mesh, found, cycles = deadlock_of(text, "reference", (2, 1))
    assert found.cycle == ()
    first, second = found.waiters
    assert (first.could_count, second.could_count) == (0, 1)
    told = deadlock_diagnostic(mesh, found, cycles)
    assert str(told.span) == "p.s:7:9"
    assert told.hint is not None


@pytest.mark.parametrize(
    "last, could",
    [
        ("halti 0", set[int]()),
        ("call next\nhalti 0\nnext: ret", {1}),
        ("beqz s0, fill", {4}),
        ("jalr x0, [t0]", {0, 1, 4}),
        ("ret", {1}),
    ],
)
def test_what_is_reached_from_an_address(last: str, could: set[int]) -> None:
    """0 is posted at the beginning, 1 behind the call that led there, 4 at the end."""
    image = image_of(
        ".semaphore a, b, c, d, e\n.global _start\n"
        "_start: sem.post a\ncall from\nsem.post b\nhalti 0\n"
        f"from: li s0, 0\n{last}\nhalti 0\nfill: sem.post e\nhalti 0\n"
    )
    start = next(symbol.value for symbol in image.symbols if symbol.name == "from")
    assert find_posts_from(image, DESCRIPTION, 0, start).here == could


def test_a_long_circle_is_told_in_full() -> None:
    mesh, found, cycles = deadlock_of(POSTED_BEFORE, "reference", (2, 1))
    long = replace(found, cycle=tuple(range(0, 16 * 8, 8)))
    waiters = tuple(replace(found.waiters[0], agent=agent) for agent in long.cycle)
    mesh = mesh_of(POSTED_BEFORE, grid=(4, 4))
    circle, *_ = deadlock_diagnostic(mesh, replace(long, waiters=waiters), cycles).notes
    assert circle.message.startswith("a circle of 16: each waits for the next, and the last for")
    assert circle.message.endswith(
        ": thread 0 of (0, 0), "
        + ", ".join(f"({x}, {y})" for y in range(4) for x in range(4) if x or y)
    )


@pytest.mark.parametrize(
    "lines, headline",
    [("", "1 thread and 1 list engine wait,"), ("list.wait", "1 list engine waits,")],
)
def test_the_headline_says_what_waits(lines: str, headline: str) -> None:
    text = LISTS.replace("list.wait", "" if lines else "list.wait").replace(
        "0, 0, 1\n", "0, 0, 0\n", 1
    )
    mesh, found, cycles = deadlock_of(text, "reference", (1, 1))
    assert deadlock_diagnostic(mesh, found, cycles).message.startswith(headline)


def test_a_barrier_is_between_those_who_wait_and_those_who_have_not_come() -> None:
    mesh, found, _ = deadlock_of(LOST, "reference", (4, 1))
    dot = deadlock_dot(mesh, found)
    assert 'b0 [label="barrier `step`\\n4 x 1 nodes at (0, 0)\\n2 of 4 have come"' in dot
    edges = set(re.findall(r"(\w+) -> (\w+)", dot))
    assert edges == {("a8", "b0"), ("a16", "b0"), ("b0", "a24"), ("b0", "b0_0"), ("a24", "s3_0")}
    assert 'b0_0 [label="node (0, 0)\\nhas halted", style=dashed]' in dot


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
