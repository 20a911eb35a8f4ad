"""Litmus tests of the order of memory: what each small program may see; docs/mesh.md lists them.

Each runs with several delays, so that outcomes that depend on time are seen too.
"""

import pytest

from nodes import ENGINES, Nodes, at

pytestmark = pytest.mark.parametrize("engine", ENGINES)

X, Y, SEEN = 0x4000, 0x4040, 0x5000
DELAYS = (0, 1, 2, 3, 5, 8, 40)


def start(thread: int, label: str) -> str:
    """Return what starts a thread at a label."""
    return f"li t0, {thread}\n la t1, {label}\n thread.start t0, t1, a0, sp\n"


def wait(cycles: int) -> str:
    """Return instructions that take some cycles and do nothing."""
    return "nop\n" * cycles


def siblings(first: str, second: str) -> str:
    """Return two threads of a node: each has the address of X in s0, of Y in s1, of SEEN in s2."""
    places = f"li s0, {X}\n li s1, {Y}\n li s2, {SEEN}\n"
    return f"go: {start(1, 'other')} {places} {first}\n halti 0\nother: {places} {second}\n halti 0"


def seen_by_siblings(engine: str, first: str, second: str) -> tuple[int, int]:
    """Return what two threads of a node have left at SEEN."""
    nodes = Nodes(siblings(first, second), engine, threads=2)
    nodes.begin(1, 1, "go")
    nodes.run()
    left, right = nodes.read(1, 1, SEEN, 2)
    return left, right


@pytest.mark.parametrize("delay", DELAYS)
def test_message_passing(engine: str, delay: int) -> None:
    """Write, push with post; wait, read: 1."""
    code = f"""
write:  {wait(delay)}
        li t0, 1
        sd t0, [s0]
        push.post a0, s0, s1, 1
        halti 0
read:   sem.wait 1
        ld t2, [s0]
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.begin(0, 0, "write", s0=X, s1=8, a0=at(3, 1, X))
    nodes.begin(3, 1, "read", s0=X)
    nodes.run()
    assert nodes.register(3, 1, "t2") == 1


@pytest.mark.parametrize("delay", DELAYS)
def test_write_then_post(engine: str, delay: int) -> None:
    """Write, post; a sibling waits, reads with a plain load: 1."""
    first = f"{wait(delay)} li t0, 1\n sd t0, [s0]\n sem.post 1"
    _, seen = seen_by_siblings(engine, first, "sem.wait 1\n ld t2, [s0]\n sd t2, [s2 + 8]")
    assert seen == 1


@pytest.mark.parametrize("delay", DELAYS)
def test_store_buffering_with_plain_loads(engine: str, delay: int) -> None:
    """Write X, read Y; a sibling writes Y, reads X: all four outcomes are allowed."""
    seen = seen_by_siblings(
        engine,
        f"li t0, 1\n sd t0, [s0]\n {wait(delay)} ld t2, [s1]\n sd t2, [s2]",
        "li t0, 1\n sd t0, [s1]\n ld t2, [s0]\n sd t2, [s2 + 8]",
    )
    assert seen in {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("late", DELAYS[1:4])
def test_store_buffering_with_acquiring_loads(engine: str, delay: int, late: int) -> None:
    """The same with acquiring loads: at least one of them sees the other's write."""
    seen = seen_by_siblings(
        engine,
        f"{wait(delay)} li t0, 1\n sd t0, [s0]\n ld.acq t2, [s1]\n sd t2, [s2]",
        f"{wait(late)} li t0, 1\n sd t0, [s1]\n ld.acq t2, [s0]\n sd t2, [s2 + 8]",
    )
    assert seen in {(0, 1), (1, 0), (1, 1)}


def test_push_then_overwrite(engine: str) -> None:
    """A push reads its whole source at issue: what is written after it does not travel."""
    code = """
write:  push.post a0, s0, s1, 1
        li t0, 2
        sd t0, [s0 + 504]
        sd t0, [s0]
        halti 0
read:   sem.wait 1
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1] * 64)
    nodes.begin(0, 0, "write", s0=X, s1=512, a0=at(3, 1, X))
    nodes.begin(3, 1, "read")
    nodes.run()
    assert nodes.read(3, 1, X, 64) == [1] * 64
    assert nodes.read(0, 0, X) == [2]


def test_read_post_allows_overwriting(engine: str) -> None:
    """Wait for the near post, overwrite: the old bytes arrive, as they would without waiting."""
    code = """
write:  push.read a0, s0, s1, 1
        sem.wait 1
        sd x0, [s0]
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1] * 64)
    nodes.begin(0, 0, "write", s0=X, s1=512, a0=at(3, 1, X))
    nodes.run()
    assert nodes.read(3, 1, X, 64) == [1] * 64


def test_pull_then_write_at_the_source(engine: str) -> None:
    """A pull reads when its request arrives: all old bytes or all new ones, by when it does."""
    code = """
pull:   pull.post s0, a0, s1, 1
        sem.wait 1
        halti 0
write:  push a0, s0, s1
        halti 0
"""
    outcomes: set[int] = set()
    for delay in range(12):
        nodes = Nodes(f"{code}late: {wait(delay)} jump pull", engine)
        nodes.write(3, 0, X, [1] * 64)
        nodes.write(3, 3, X, [2] * 64)
        nodes.begin(0, 0, "late", s0=X, s1=512, a0=at(3, 0, X))
        nodes.begin(3, 3, "write", s0=X, s1=512, a0=at(3, 0, X))
        nodes.run()
        seen = nodes.read(0, 0, X, 64)
        assert seen in ([1] * 64, [2] * 64)
        outcomes.add(seen[0])
        # The push has arrived at 3 + 8; the request, a cycle after the jump, at delay + 1 + 3 + 1.
        # Of two arrivals in a cycle that of the node with the lower number is first.
        assert seen[0] == (2 if delay + 5 > 11 else 1), delay
    assert outcomes == {1, 2}


def test_pull_then_write_at_the_destination(engine: str) -> None:
    """What the puller writes into the destination before the bytes arrive is overwritten."""
    code = """
pull:   pull.post s0, a0, s1, 1
        li t0, 7
        sd t0, [s0]
        sem.wait 1
        ld t2, [s0]
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.write(2, 2, X, [5])
    nodes.begin(0, 0, "pull", s0=X, s1=8, a0=at(2, 2, X))
    nodes.run()
    assert nodes.register(0, 0, "t2") == 5


def test_two_pushes_to_one_place(engine: str) -> None:
    """Two pushes are not ordered: the last to arrive stays, whole."""
    outcomes: set[int] = set()
    for delay in range(8):
        code = f"now: push a0, s0, s1\n halti 0\nlate: {wait(delay)} jump now"
        nodes = Nodes(code, engine)
        for node, value in (((0, 0), 1), ((3, 1), 2)):
            nodes.write(*node, X, [value] * 32)
        nodes.begin(0, 0, "now", s0=X, s1=256, a0=at(3, 3, X))
        nodes.begin(3, 1, "late", s0=X, s1=256, a0=at(3, 3, X))
        nodes.run()
        seen = nodes.read(3, 3, X, 32)
        assert seen in ([1] * 32, [2] * 32)
        outcomes.add(seen[0])
    assert outcomes == {1, 2}


@pytest.mark.parametrize("size, last", [(64, 2), (1024, 1)])
def test_two_pushes_of_one_node(engine: str, size: int, last: int) -> None:
    """Not even those of one node: a short push overtakes a long one that was begun before it."""
    code = "go: push a0, s0, s1\n push a0, s2, s3\n halti 0"
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1] * 128)
    nodes.write(0, 0, 0x6000, [2] * 8)
    nodes.begin(0, 0, "go", s0=X, s1=size, s2=0x6000, s3=64, a0=at(1, 0, X))
    nodes.run()
    assert nodes.read(1, 0, X) == [last]


def test_acknowledged_pushes_are_ordered(engine: str) -> None:
    """Waiting for the word that the first has arrived orders the second behind it."""
    code = "go: push.ack a0, s0, s1, 1\n sem.wait 1\n push a0, s2, s3\n halti 0"
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1] * 128)
    nodes.write(0, 0, 0x6000, [2] * 8)
    nodes.begin(0, 0, "go", s0=X, s1=1024, s2=0x6000, s3=64, a0=at(1, 0, X))
    nodes.run()
    assert nodes.read(1, 0, X, 9) == [2] * 8 + [1]


def test_bytes_appear_at_one_instant(engine: str) -> None:
    """A sibling that looks at first and last word sees a push whole or not at all."""
    code = """
push:   push a0, s0, s1
        halti 0
look:   li s3, 40
1:      ld.acq t1, [s0]
        ld.acq t0, [s2]
        sltu t2, t1, t0
        ld.acq t3, [s0]
        sd t1, [s4], 8
        sd t0, [s4], 8
        sd t3, [s4], 8
        loop.next s3, 1b
        halti 0
"""
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1] * 64)
    nodes.begin(0, 0, "push", s0=X, s1=512, a0=at(3, 1, X))
    nodes.begin(3, 1, "look", s0=X, s2=X + 504, s4=SEEN)
    nodes.run()
    seen = nodes.read(3, 1, SEEN, 120)
    triples = list(zip(seen[::3], seen[1::3], seen[2::3], strict=True))
    # first, last, first again: the last word is never there before the first, nor goes away.
    assert {(0, 0, 0), (1, 1, 1)} <= set(triples) <= {(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)}
    assert triples == sorted(triples)


def test_posts_follow_the_bytes(engine: str) -> None:
    """Whoever sees the post of a push sees all its bytes, with plain loads too."""
    code = "push: push.post a0, s0, s1, 1\n halti 0\nread: sem.wait 1\n ld t2, [s2]\n halti 0"
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1] * 64)
    nodes.begin(0, 0, "push", s0=X, s1=512, a0=at(3, 1, X))
    nodes.begin(3, 1, "read", s2=X + 504)
    nodes.run()
    assert nodes.register(3, 1, "t2") == 1


def test_atomics_of_four_threads(engine: str) -> None:
    """Additions of four threads are all counted, and each sees another old value."""
    code = f"""
go:     {"".join(start(thread, "add") for thread in (1, 2, 3))}
add:    ctl.read t0, thread
        li s0, {X}
        li s1, 20
        slli s2, t0, 8
        li t3, {SEEN}
        add s2, s2, t3
        li t1, 1
1:      amo.add.d t2, [s0], t1
        sd t2, [s2], 8
        loop.next s1, 1b
        halti 0
"""
    nodes = Nodes(code, engine, threads=4)
    nodes.begin(2, 1, "go")
    nodes.run()
    assert nodes.read(2, 1, X) == [80]
    old = [value for thread in range(4) for value in nodes.read(2, 1, SEEN + 256 * thread, 20)]
    assert sorted(old) == list(range(80))


def test_lock_of_compare_and_swap(engine: str) -> None:
    """A lock of compare and swap, with acquiring loads inside: no increment is lost."""
    code = f"""
go:     {"".join(start(thread, "add") for thread in (1, 2, 3))}
add:    li s0, {X}
        li s1, {Y}
        li s2, 10
        li t1, 1
1:      amo.cas.w t2, [s0], x0, t1
        bnez t2, 1b
        ld.acq t3, [s1]
        addi t3, t3, 1
        sd t3, [s1]
        amo.swap.w t2, [s0], x0
        loop.next s2, 1b
        halti 0
"""
    nodes = Nodes(code, engine, threads=4)
    nodes.begin(2, 1, "go")
    nodes.run()
    assert nodes.read(2, 1, Y) == [40]


@pytest.mark.parametrize("load, allowed", [("ld.acq", {1}), ("ld", {0, 1})])
def test_late_load_of_an_earlier_store(engine: str, load: str, allowed: set[int]) -> None:
    """A store of cycle 15, a load of cycle 60 by a sibling: only an acquiring one must see it."""
    _, seen = seen_by_siblings(
        engine,
        f"thread.yield\n {wait(5)} li t0, 1\n sd t0, [s0]",
        f"{wait(50)} {load} t2, [s0]\n sd t2, [s2 + 8]",
    )
    assert seen in allowed


def test_yield_shows_what_was_written_before(engine: str) -> None:
    """After any interaction a plain load sees what siblings wrote before that."""
    _, seen = seen_by_siblings(
        engine,
        f"thread.yield\n {wait(5)} li t0, 1\n sd t0, [s0]",
        f"{wait(50)} thread.yield\n ld t2, [s0]\n sd t2, [s2 + 8]",
    )
    assert seen == 1


def test_spinning_on_an_acquiring_load_ends(engine: str) -> None:
    """A thread that spins on an acquiring load sees what arrives over the network."""
    spin = "spin: ld.acq t0, [s0]\n beqz t0, spin\n halti 0"
    code = f"push: {wait(30)} push a0, s0, s1\n halti 0\n{spin}"
    nodes = Nodes(code, engine)
    nodes.write(0, 0, X, [1])
    nodes.begin(0, 0, "push", s0=X, s1=8, a0=at(3, 1, X))
    nodes.begin(3, 1, "spin", s0=X)
    nodes.run()
    assert nodes.halted_at(3, 1) in range(30 + 4 + 1, 30 + 4 + 1 + 6)
