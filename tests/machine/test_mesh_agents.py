"""Semaphores, threads, lists and deadlocks: who goes on, who waits, who is told to."""

import pytest

from dojo_tools.machine.mesh import EndReason
from nodes import ENGINES, Nodes, at, entry, rectangle

pytestmark = pytest.mark.parametrize("engine", ENGINES)

SEEN = 0x5000


def start(thread: int, label: str) -> str:
    """Return what starts a thread at a label: three instructions."""
    return f"li t0, {thread}\n la t1, {label}\n thread.start t0, t1, a0, sp\n"


# ---- semaphores


def test_waiters_are_served_in_order_and_the_head_blocks(engine: str) -> None:
    """A thread that wants less does not overtake one that has waited longer and wants more."""
    code = f"""
go:     {start(1, "three")}
        {start(2, "one")}
        thread.yield
        sem.post 4
        sem.post 4
        sem.read a1, 4
        sem.try a2, 4
        li t0, 2
        sem.post 4, t0
        sem.read a3, 4
        halti 0
three:  sem.waiti 4, 3
        halti 0
one:    sem.waiti 4, 1
        halti 0
"""
    nodes = Nodes(code, engine, threads=3)
    nodes.begin(0, 0, "go")
    nodes.run()
    assert [nodes.register(0, 0, name) for name in ("a1", "a2", "a3")] == [2, 0, 0]
    # The last post, in cycle 12, makes four: three for the first and one for the second.
    assert nodes.halted_at(0, 0, 1) == nodes.halted_at(0, 0, 2) == 13
    assert nodes.semaphore(0, 0, 4) == 0


def test_try_and_read(engine: str) -> None:
    """`try` takes if there is enough, `read` takes nothing."""
    code = """
go:     sem.tryi a1, 2, 2
        sem.posti 2, 3
        sem.tryi a2, 2, 2
        sem.tryi a3, 2, 2
        sem.read a4, 2
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.begin(0, 0, "go")
    nodes.run()
    assert [nodes.register(0, 0, f"a{n}") for n in (1, 2, 3, 4)] == [0, 1, 0, 1]


def test_post_wakes_in_the_next_cycle(engine: str) -> None:
    """A local post lets a sibling go on in the cycle after it."""
    code = f"go: {start(1, 'other')} nop\n nop\n sem.post 1\n halti 0\nother: sem.wait 1\n halti 0"
    nodes = Nodes(code, engine, threads=2)
    nodes.begin(0, 0, "go")
    nodes.run()
    assert nodes.posted_at(0, 0, 1) == 5


@pytest.mark.parametrize("first", [1, 2])
def test_posts_of_two_nodes_in_one_cycle(engine: str, first: int) -> None:
    """What happens in one cycle is in the order of nodes: 0 to the lower one."""
    code = "post: sem.post.at a0, 3\n halti 0\nwait: sem.waiti 3, 2\n halti 0"
    nodes = Nodes(code, engine)
    nodes.begin(first - 1, 0, "post", a0=at(first, 0))
    nodes.begin(first + 1, 0, "post", a0=at(first, 0))
    nodes.begin(first, 0, "wait")
    nodes.run()
    # Both packets come in cycle 1, the local port takes one a cycle.
    assert nodes.posted_at(first, 0) == 3


# ---- threads


def test_start_gives_argument_stack_and_clean_registers(engine: str) -> None:
    """A started thread has its argument in a0, its stack in sp, its number, and zeros."""
    code = f"""
go:     li a0, 77
        li sp, 0x13000
        li s5, 9
        {start(2, "other")}
        sem.wait 1
        halti 0
other:  ctl.read a1, thread
        ctl.read a2, node_x
        sem.post 1
        halti 3
"""
    nodes = Nodes(code, engine, threads=3)
    nodes.begin(2, 1, "go")
    end = nodes.run()
    found = [nodes.register(2, 1, name, 2) for name in ("a0", "sp", "a1", "a2", "s5")]
    assert found == [77, 0x13000, 2, 2, 0]
    assert end.codes == {nodes.agent(2, 1, 2): 3}
    # Started in cycle 5, it begins in the cycle after: two reads, the post in cycle 8.
    assert nodes.halted_at(2, 1, 0) == 9


def test_states_and_restart(engine: str) -> None:
    """Stopped, running, waiting, stopped again; and started anew after its halt."""
    code = f"""
go:     li s0, 1
        thread.state a1, s0
        {start(1, "other")}
        thread.state a2, s0
        thread.yield
        thread.yield
        thread.state a3, s0
        sem.post 1
        thread.yield
        thread.yield
        thread.state a4, s0
        {start(1, "other")}
        sem.post 1
        sem.wait 2
        sem.wait 2
        halti 0
other:  nop
        nop
        sem.wait 1
        sem.post 2
        halti 0
"""
    nodes = Nodes(code, engine, threads=2)
    nodes.begin(0, 0, "go")
    nodes.run()
    assert [nodes.register(0, 0, f"a{n}") for n in (1, 2, 3, 4)] == [0, 1, 2, 0]


def test_join_by_semaphore(engine: str) -> None:
    """Three threads that post when they are done, one that waits for three."""
    others = "".join(start(n, "work") for n in (1, 2, 3))
    code = f"""
go:     {others}
        sem.waiti 6, 3
        halti 0
work:   ctl.read t0, thread
        li t1, {SEEN}
        slli t2, t0, 3
        add t1, t1, t2
        sd t0, [t1]
        sem.post 6
        halti 0
"""
    nodes = Nodes(code, engine, threads=4)
    nodes.begin(1, 1, "go")
    nodes.run()
    assert nodes.read(1, 1, SEEN, 4) == [0, 1, 2, 3]


def test_stop_of_a_waiter_lets_the_next_one_be_first(engine: str) -> None:
    """A stopped waiter leaves the queue; the one behind it is served."""
    code = f"""
go:     {start(1, "three")}
        {start(2, "one")}
        thread.yield
        li t0, 1
        thread.stop t0
        sem.post 4
        thread.state a1, t0
        halti 0
three:  sem.waiti 4, 3
        halti 9
one:    sem.waiti 4, 1
        halti 0
"""
    nodes = Nodes(code, engine, threads=3)
    nodes.begin(0, 0, "go")
    end = nodes.run()
    assert not end.codes
    assert nodes.register(0, 0, "a1") == 0
    # Stopped in cycle 8: it has ended at 9. The post of cycle 9 serves the other.
    assert nodes.halted_at(0, 0, 1) == 8
    assert nodes.posted_at(0, 0, 2) == 9


def test_stop_of_a_running_thread(engine: str) -> None:
    """A running thread ends at its next interaction; a thread may stop itself."""
    code = f"""
go:     {start(1, "spin")}
        li t0, 1
        thread.stop t0
        thread.yield
        thread.yield
        thread.state a1, t0
        thread.stop x0
        halti 5
spin:   thread.yield
        jump spin
"""
    nodes = Nodes(code, engine, threads=2)
    nodes.begin(0, 0, "go")
    end = nodes.run()
    assert not end.codes
    assert nodes.register(0, 0, "a1") == 0


def test_stop_at_a_barrier(engine: str) -> None:
    """A stopped thread has been counted at its barrier: the other node goes on."""
    code = f"""
go:     {start(1, "come")}
        thread.yield
        thread.yield
        li t0, 1
        thread.stop t0
        halti 0
late:   {"nop; " * 20}
come:   barrier 1, a0
        halti 0
"""
    nodes = Nodes(code.replace(";", chr(10)), engine, threads=2)
    nodes.begin(0, 0, "go", a0=rectangle(0, 0, 2, 1))
    nodes.begin(1, 0, "late", a0=rectangle(0, 0, 2, 1))
    nodes.run()
    assert nodes.mesh.arrays["barriers_passed"][nodes.agent(1, 0)] == 1
    assert not any(nodes.mesh.arrays["at_barrier"])


# ---- lists


def test_list_waits_and_posts(engine: str) -> None:
    """A list may wait for a semaphore; entries behind are done afterwards, in order."""
    code = """
go:     list.start a0, a1
        thread.yield
        thread.yield
        list.left a2
        sem.post 1
        list.wait
        list.left a3
        halti 0
"""
    nodes = Nodes(code, engine)
    entries = [
        *entry(0, 0, at(1, 0, SEEN), 0x3000, 64, 1, 0, 0, 0),
        *entry(1, 0, 1, 1),
        *entry(2, 0, 2, 5),
        *entry(3, 0, at(3, 0), 7, 2),
    ]
    nodes.write(0, 0, 0x2000, entries)
    nodes.write(0, 0, 0x3000, [8])
    nodes.begin(0, 0, "go", a0=0x2000, a1=4)
    nodes.run()
    assert [nodes.register(0, 0, name) for name in ("a2", "a3")] == [3, 0]
    assert nodes.semaphore(0, 0, 2) == 5
    assert nodes.semaphore(3, 0, 7) == 2
    assert nodes.read(1, 0, SEEN) == [8]
    # The post of cycle 4 lets the list go on in 5 and 6; the thread goes on in 7, halts in 8.
    assert nodes.halted_at(0, 0) == 8


def test_list_whose_last_entry_waits_is_still_at_work(engine: str) -> None:
    """`list.wait` waits for the last entry too, and `list.left` counts it."""
    code = f"""
go:     {start(1, "post")}
        list.start a0, a1
        thread.yield
        list.left a2
        list.wait
        halti 0
post:   nop
        nop
        nop
        nop
        nop
        nop
        sem.post 1
        halti 0
"""
    nodes = Nodes(code, engine, threads=2)
    nodes.write(0, 0, 0x2000, entry(1, 0, 1, 1))
    nodes.begin(0, 0, "go", a0=0x2000, a1=1)
    nodes.run()
    assert nodes.register(0, 0, "a2") == 1
    # The post of cycle 9 lets the list engine go on in 10, and the thread in 11.
    assert nodes.halted_at(0, 0) == 11


# ---- deadlocks


def test_two_nodes_wait_for_each_other(engine: str) -> None:
    """Both are told, with what they want, what there is, and who posted last."""
    code = "go: sem.posti 1, 2\n sem.waiti 1, 3\n sem.post.at a0, 1\n halti 0"
    nodes = Nodes(code, engine)
    nodes.begin(0, 0, "go", a0=at(1, 0))
    nodes.begin(1, 0, "go", a0=at(0, 0))
    end = nodes.run(EndReason.DEADLOCK)
    assert end.deadlock is not None
    first, second = end.deadlock.waiters
    assert (first.agent, second.agent) == (nodes.agent(0, 0), nodes.agent(1, 0))
    assert (first.what, first.number, first.wanted, first.held) == ("semaphore", 1, 3, 2)
    assert (first.poster, first.cycle) == (first.agent, 1)
    assert first.pc == nodes.labels["go"] + 4


def test_barrier_with_a_missing_node(engine: str) -> None:
    """The nodes that have not come are told."""
    nodes = Nodes("go: barrier.all 3\n halti 0", engine)
    for x in range(4):
        for y in range(4):
            if (x, y) not in {(1, 2), (3, 0)}:
                nodes.begin(x, y, "go")
    end = nodes.run(EndReason.DEADLOCK)
    assert end.deadlock is not None
    assert len(end.deadlock.waiters) == 14
    for waiter in end.deadlock.waiters:
        assert (waiter.what, waiter.number, waiter.missing) == ("barrier", 3, (3, 9))


def test_list_that_waits(engine: str) -> None:
    """The list engine is told as an agent, and the thread that waits for it."""
    nodes = Nodes("go: list.start a0, a1\n list.wait\n halti 0", engine)
    nodes.write(2, 2, 0x2000, [*entry(1, 0, 9, 2), *entry(2, 0, 9, 1)])
    nodes.begin(2, 2, "go", a0=0x2000, a1=2)
    end = nodes.run(EndReason.DEADLOCK)
    assert end.deadlock is not None
    thread, engine_of_lists = end.deadlock.waiters
    assert (thread.what, thread.held, thread.cycle) == ("list", 2, 1)
    found = engine_of_lists
    assert (found.agent, found.what, found.number) == (nodes.agent(2, 2, 4), "semaphore", 9)
    assert (found.wanted, found.held, found.cycle) == (2, 0, 1)
