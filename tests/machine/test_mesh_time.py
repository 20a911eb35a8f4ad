"""Worked formulas of the mesh's time, matched to the cycle; docs/mesh.md explains each."""

from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest

from nodes import ENGINES, Nodes, at, counting, dip, entry, rectangle, user_machine

pytestmark = pytest.mark.parametrize("engine", ENGINES)

SOURCE, TARGET = 0x4000, 0x8000
PAIRS = [((0, 0), (0, 0)), ((0, 0), (3, 0)), ((1, 3), (1, 1)), ((3, 3), (0, 0)), ((0, 2), (2, 1))]
NOP = "nop\n"
WAIT = "wait: sem.wait 1\n halti 0\n"


def hops(source: tuple[int, int], target: tuple[int, int]) -> int:
    return abs(source[0] - target[0]) + abs(source[1] - target[1])


# ---- one transfer


@pytest.mark.parametrize("source, target", PAIRS[1:])
@pytest.mark.parametrize("size, packets", [(8, 1), (64, 1), (72, 2), (640, 10)])
def test_push(
    engine: str, source: tuple[int, int], target: tuple[int, int], size: int, packets: int
) -> None:
    """A push of p packets over h hops has arrived at issue + h + p."""
    nodes = Nodes(f"{WAIT} push: nop\n nop\n push.post a0, a1, a2, 1\n halti 0", engine)
    nodes.write(*source, SOURCE, counting(size // 8))
    nodes.begin(*source, "push", a0=at(*target, TARGET), a1=SOURCE, a2=size)
    nodes.begin(*target, "wait")
    nodes.run()
    assert nodes.posted_at(*target) == 2 + hops(source, target) + packets
    assert nodes.read(*target, TARGET, size // 8 + 1) == [*counting(size // 8), 0]
    assert nodes.halted_at(*source) == 3


@pytest.mark.parametrize("source, target", PAIRS)
@pytest.mark.parametrize("packets", [1, 7])
def test_pull(engine: str, source: tuple[int, int], target: tuple[int, int], packets: int) -> None:
    """A pull of p packets over h hops has arrived at issue + 2h + 1 + p."""
    nodes = Nodes("pull: pull.post a0, a1, a2, 1\n sem.wait 1\n halti 0", engine)
    nodes.write(*source, SOURCE, counting(8 * packets))
    nodes.begin(*target, "pull", a0=TARGET, a1=at(*source, SOURCE), a2=64 * packets)
    nodes.run()
    assert nodes.posted_at(*target) == 2 * hops(source, target) + 1 + packets
    assert nodes.read(*target, TARGET, 8 * packets) == counting(8 * packets)


@pytest.mark.parametrize("packets", [1, 3, 16])
def test_copy_within_a_node(engine: str, packets: int) -> None:
    """A copy is a push over no hops: written at issue + p, and a cycle more for `ack`."""
    nodes = Nodes(f"{WAIT} copy: copy.post a0, a1, a2, 1\n sem.wait 1\n halti 0", engine)
    nodes.write(2, 2, SOURCE, counting(8 * packets))
    nodes.begin(2, 2, "copy", a0=TARGET, a1=SOURCE, a2=64 * packets)
    nodes.run()
    assert nodes.posted_at(2, 2) == packets + 1
    assert nodes.read(2, 2, TARGET, 8 * packets) == counting(8 * packets)


@pytest.mark.parametrize("rows, row_bytes", [(1, 8), (4, 8), (3, 72), (5, 128)])
def test_rows_begin_packets(engine: str, rows: int, row_bytes: int) -> None:
    """Each row begins a new packet, so rows of 8 bytes take as long as rows of 64."""
    nodes = Nodes(f"{WAIT} push: push.2d.post a0, a1, a2, 1\n halti 0", engine)
    nodes.write(0, 0, SOURCE, counting(256))
    shape = rows << 32 | row_bytes
    nodes.begin(
        0, 0, "push", a0=at(2, 1, TARGET), a1=SOURCE, a2=shape,
        source_pitch=256, destination_pitch=136,
    )  # fmt: skip
    nodes.begin(2, 1, "wait")
    nodes.run()
    assert nodes.posted_at(2, 1) == 3 + rows * ceil(row_bytes / 64)
    for row in range(rows):
        found = nodes.read(2, 1, TARGET + 136 * row, 17)
        assert found[: row_bytes // 8] == counting(256)[32 * row :][: row_bytes // 8]
        assert not any(found[row_bytes // 8 :])


@pytest.mark.parametrize("packets", [1, 5])
@pytest.mark.parametrize("target", [(1, 1), (3, 2)])
def test_acknowledged(engine: str, target: tuple[int, int], packets: int) -> None:
    """Word that all has arrived is back at issue + 2h + p + 1."""
    nodes = Nodes("push: push.ack a0, a1, a2, 1\n sem.wait 1\n halti 0", engine)
    nodes.begin(1, 1, "push", a0=at(*target, TARGET), a1=SOURCE, a2=64 * packets)
    nodes.run()
    assert nodes.posted_at(1, 1) == 2 * hops((1, 1), target) + packets + 1


@pytest.mark.parametrize("packets", [1, 5])
def test_source_is_read(engine: str, packets: int) -> None:
    """The near post of a push comes once the last packet has left: issue + p, at any distance."""
    nodes = Nodes("push: push.read a0, a1, a2, 1\n sem.wait 1\n halti 0", engine)
    nodes.begin(0, 0, "push", a0=at(3, 3, TARGET), a1=SOURCE, a2=64 * packets)
    nodes.run()
    assert nodes.posted_at(0, 0) == packets


@pytest.mark.parametrize("source, target", PAIRS)
@pytest.mark.parametrize("kind, size", [("x", 1), ("v", 8)])
def test_push_of_a_register(
    engine: str, source: tuple[int, int], target: tuple[int, int], kind: str, size: int
) -> None:
    """A register is one packet: it has arrived at issue + h + 1."""
    wait = "wait: sem.wait 1\n halti 0\n" if source != target else ""
    after = "sem.wait 1\n" if source == target else ""
    nodes = Nodes(f"{wait} push: push.{kind}.post a0, {kind}10, 1\n {after} halti 0", engine)
    nodes.begin(*source, "push", a0=at(*target, TARGET))
    if source != target:
        nodes.begin(*target, "wait")
    nodes.run()
    assert nodes.posted_at(*target) == hops(source, target) + 1
    if kind == "x":
        assert nodes.read(*target, TARGET, size + 1) == [at(*target, TARGET), 0]


@pytest.mark.parametrize("source, target", PAIRS[1:])
def test_remote_post(engine: str, source: tuple[int, int], target: tuple[int, int]) -> None:
    """A post on another node counts there at issue + h + 1."""
    nodes = Nodes(f"{WAIT} post: nop\n sem.post.at a0, 1\n halti 0", engine)
    nodes.begin(*source, "post", a0=at(*target))
    nodes.begin(*target, "wait")
    nodes.run()
    assert nodes.posted_at(*target) == 1 + hops(source, target) + 1


# ---- many at a time


@pytest.mark.parametrize("packets", [1, 2, 9])
def test_two_flows_share_a_link(engine: str, packets: int) -> None:
    """Two pushes of p packets through one link take turns: both end at issue + h + 2p - 1."""
    nodes = Nodes("wait: sem.wait 1\n halti 0\n push: push.post a0, a1, a2, 1\n halti 0", engine)
    size = 64 * packets
    nodes.begin(0, 1, "push", a0=at(3, 1, TARGET), a1=SOURCE, a2=size)
    nodes.begin(1, 1, "push", a0=at(3, 2, TARGET), a1=SOURCE, a2=size)
    nodes.begin(3, 1, "wait")
    nodes.begin(3, 2, "wait")
    nodes.run()
    assert nodes.posted_at(3, 1) == 3 + 2 * packets - 1
    assert nodes.posted_at(3, 2) == 3 + 2 * packets - 1
    link = nodes.mesh.node_at(1, 1) * 5 + 1
    assert nodes.mesh.arrays["link_packets"][link] == 2 * packets


@pytest.mark.parametrize("packets", [1, 4])
@pytest.mark.parametrize("target", [(0, 0), (1, 2)])
def test_hot_spot(engine: str, target: tuple[int, int], packets: int) -> None:
    """n pushes of p packets to one node, of a neighbour too, have arrived at issue + 1 + np."""
    nodes = Nodes(
        "push: push.post a0, a1, a2, 1\n halti 0\nwait: sem.waiti 1, 15\n halti 0\n", engine
    )
    for x in range(4):
        for y in range(4):
            if (x, y) != target:
                slot = TARGET + 64 * packets * (4 * y + x)
                nodes.begin(x, y, "push", a0=at(*target, slot), a1=SOURCE, a2=64 * packets)
    nodes.begin(*target, "wait")
    nodes.run()
    assert nodes.posted_at(*target) == 1 + 15 * packets


@pytest.mark.parametrize("packets", [1, 4, 6])
def test_four_streams_take_turns(engine: str, packets: int) -> None:
    """Four pushes of a node are sent in turn, a packet each; a fifth waits until one has ended.

    Begun a cycle apart with p packets each, the n-th of four has left after 4p - 3 + n cycles, and
    the fifth, which has the first one's stream then, after 5p. A single packet waits for nobody.
    """
    pushes = "".join(f"push.read a0, a1, a2, {n}\n" for n in range(5))
    code = f"go: {pushes} sem.wait 0\n ctl.read s0, cycle\n sem.wait 4\n halti 0"
    nodes = Nodes(code, engine)
    nodes.begin(0, 0, "go", a0=at(1, 0, TARGET), a1=SOURCE, a2=64 * packets)
    nodes.run()
    assert nodes.mesh.arrays["link_packets"][nodes.mesh.node_at(0, 0) * 5 + 1] == 5 * packets
    if packets > 1:
        assert nodes.register(0, 0, "s0") == 4 * packets - 3 + 1
        assert nodes.posted_at(0, 0) == 5 * packets


# ---- multicast


@pytest.mark.parametrize("packets", [1, 3])
@pytest.mark.parametrize(
    "form, source, targets",
    [
        ("row", (1, 2), [(x, 2) for x in range(4)]),
        ("col", (3, 1), [(3, y) for y in range(4)]),
        ("rect", (1, 1), [(x, y) for x in range(4) for y in range(4)]),
        ("rect", (1, 1), [(x, y) for x in (1, 2) for y in (0, 1, 2)]),
        ("rect", (0, 3), [(x, y) for x in (2, 3) for y in (1, 2)]),
        ("rect", (2, 0), [(x, y) for x in (0, 1, 2) for y in (3,)]),
    ],
)
def test_multicast(
    engine: str, form: str, source: tuple[int, int], targets: list[tuple[int, int]], packets: int
) -> None:
    """A multicast arrives at each node as a push to it alone would: issue + h + p."""
    nodes = Nodes(
        f"wait: sem.wait 1\n halti 0\n push: push.{form}.post a0, a1, a2, 1\n halti 0\n"
        f"both: push.{form}.post a0, a1, a2, 1\n sem.wait 1\n halti 0",
        engine,
    )
    (x, y), (far_x, far_y) = targets[0], targets[-1]
    shape = rectangle(x, y, far_x - x + 1, far_y - y + 1)
    for target in targets:
        nodes.begin(*target, "wait")
    label = "both" if source in targets else "push"
    nodes.write(*source, SOURCE, counting(8 * packets))
    nodes.begin(*source, label, a0=TARGET, a1=SOURCE, a2=64 * packets, rectangle=shape)
    nodes.run()
    for target in targets:
        assert nodes.posted_at(*target) == hops(source, target) + packets, target
        assert nodes.read(*target, TARGET, 8 * packets) == counting(8 * packets)
    everywhere = [(x, y) for x in range(4) for y in range(4)]
    for other in set(everywhere) - set(targets):
        assert nodes.read(*other, TARGET, 8 * packets) == [0] * 8 * packets


@pytest.mark.parametrize("packets", [1, 3])
def test_multicast_acknowledged(engine: str, packets: int) -> None:
    """Along a row from its end, words come back two cycles apart: the last at 2h + p + 1."""
    nodes = Nodes("push: push.row.ack a0, a1, a2, 1\n sem.wait 1\n halti 0", engine)
    nodes.begin(0, 2, "push", a0=TARGET, a1=SOURCE, a2=64 * packets)
    nodes.run()
    assert nodes.posted_at(0, 2) == 2 * 3 + packets + 1


# ---- barriers


@pytest.mark.parametrize(
    "place, longest",
    # The centre is the most north-western of the nodes next to the middle.
    [((0, 0, 4, 4), 4), ((0, 0, 1, 1), 0), ((1, 1, 3, 3), 2), ((0, 2, 4, 1), 2), ((2, 0, 1, 3), 1)],
)
@pytest.mark.parametrize("late", [0, 11])
def test_barrier(engine: str, place: tuple[int, int, int, int], longest: int, late: int) -> None:
    """A barrier lets go at last arrival + 2 x longest path; threads go on the cycle after."""
    code = f"come: barrier 3, a0\n halti 0\nlate: {NOP * late} barrier 3, a0\n halti 0"
    nodes = Nodes(code, engine)
    x, y, width, height = place
    inside = [(i, j) for i in range(x, x + width) for j in range(y, y + height)]
    for node in inside:
        nodes.begin(*node, "come", a0=rectangle(*place))
    nodes.begin(*inside[-1], "late", a0=rectangle(*place))
    nodes.run()
    for node in inside:
        assert nodes.halted_at(*node) == late + 2 * longest + 1


# ---- a ring


RING = """
; a5 a table: source, destination, and while adding the words to add to; a3 where parts arrive,
; s0 words a chunk, s1 steps of each half, s2 bytes a chunk
ring:   mov     s3, s1
1:      ld      t0, [a5], 8
        ld      t1, [a5], 8
        ld      t2, [a5], 8
        push.post t1, t0, s2, 1
        sem.wait 1
        mov     t5, s0
2:      ld      t3, [a3], 8
        ld      t4, [t2]
        add     t3, t3, t4
        sd      t3, [t2], 8
        loop.next t5, 2b
        loop.next s3, 1b
3:      ld      t0, [a5], 8
        ld      t1, [a5], 8
        push.post t1, t0, s2, 1
        sem.wait 1
        loop.next s1, 3b
        halti   0
"""


@pytest.mark.parametrize("columns", [2, 3, 4])
@pytest.mark.parametrize("packets", [1, 2])
def test_ring_all_reduce(engine: str, columns: int, packets: int) -> None:
    """Over a ring of n neighbours an all-reduce takes 2(n - 1) steps of w + p + 2 cycles.

    From a push to where its reader goes on are p + 2 cycles; w are the instructions of a step
    other than push and wait: 5 + 40p while it adds (8p words a chunk), 3 while it gathers.
    """
    ring = [(x, 0) for x in range(columns)] + [(x, 1) for x in reversed(range(columns))]
    count, chunk = len(ring), 64 * packets
    nodes = Nodes(RING, engine)
    buffer, slots, table = 0x4000, 0x8000, 0x2000
    inputs = {node: counting(count * chunk // 8, 3 + i) for i, node in enumerate(ring)}
    for index, node in enumerate(ring):
        following = ring[(index + 1) % count]
        steps: list[int] = []
        for step in range(count - 1):
            sent = buffer + (index - step) % count * chunk
            added = buffer + (index - step - 1) % count * chunk
            steps += sent, at(*following, slots + step * chunk), added
        for step in range(count - 1):
            sent = buffer + (index + 1 - step) % count * chunk
            steps += sent, at(*following, sent)
        nodes.write(*node, table, steps)
        nodes.write(*node, buffer, inputs[node])
        nodes.begin(*node, "ring", a3=slots, a5=table, s0=chunk // 8, s1=count - 1, s2=chunk)
    nodes.run()
    total = [sum(column) for column in zip(*inputs.values(), strict=True)]
    for node in ring:
        assert nodes.read(*node, buffer, count * chunk // 8) == total
        adding, gathering = 5 + 40 * packets, 3
        cycles = (count - 1) * (adding + gathering + 2 * (packets + 2))
        assert nodes.halted_at(*node) == 1 + cycles


# ---- from die to die

DIES = """
[grid]
width = 8
height = 8
die_width = 4
die_height = 4
provenance = "chosen: four dies of four by four nodes"
"""


@pytest.mark.parametrize("packets", [1, 7, 64])
@pytest.mark.parametrize(
    "source, target, rate",
    [
        ((1, 1), (6, 1), "56"),
        ((6, 2), (2, 2), "56"),
        ((1, 2), (1, 6), "50.4"),
        ((2, 5), (2, 3), "50.4"),
    ],
)
def test_die_crossing(
    engine: str, source: tuple[int, int], target: tuple[int, int], rate: str, packets: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A link between dies takes 200 cycles and a packet every 64/56 or 64/50.4 cycles.

    Over h hops, of which one crosses, p packets have arrived at
    issue + (h - 1) + 200 + 1 + (p - 1) x 64 / rate, rounded up.
    """
    nodes = Nodes(
        f"{WAIT} push: push.post a0, a1, a2, 1\n halti 0", engine,
        user_machine(tmp_path, DIES), workers=1 if engine == "reference" else 2,
    )  # fmt: skip
    nodes.begin(*source, "push", a0=at(*target, TARGET), a1=SOURCE, a2=64 * packets)
    nodes.begin(*target, "wait")
    nodes.run()
    apart = ceil(Fraction(64) / Fraction(rate) * (packets - 1))
    assert nodes.posted_at(*target) == hops(source, target) - 1 + 200 + 1 + apart


@pytest.mark.parametrize("workers", [1, 3])
def test_barrier_over_dies(engine: str, workers: int, tmp_path: Path) -> None:
    """The longest path of a barrier over four dies crosses two edges: 2 x (200 + 200 + 6)."""
    nodes = Nodes(
        "come: barrier.all 0\n halti 0", engine, user_machine(tmp_path, DIES), workers=workers
    )
    for x in range(8):
        for y in range(8):
            nodes.begin(x, y, "come")
    nodes.run()
    assert {nodes.halted_at(x, y) for x in range(8) for y in range(8)} == {2 * (400 + 6) + 1}


# ---- DIP cards

CARD = """
[grid]
width = 4
height = 4
provenance = "chosen: a small die"

[dips]
west = [0]
provenance = "chosen: one card at the west edge"
"""
MEMORY, LINK = 200, 200


@pytest.mark.parametrize("packets", [1, 20])
@pytest.mark.parametrize("x, y", [(0, 0), (2, 3)])
def test_dip_write(engine: str, x: int, y: int, packets: int, tmp_path: Path) -> None:
    """A push to a card: h hops to the gate in its row, then link and memory.

    Its packets come one a cycle, for which link and memory have room. Word of its end passes link
    and hops again, and the node's own port.
    """
    code = "push: push.ack a0, a1, a2, 1\n sem.wait 1\n halti 0"
    nodes = Nodes(code, engine, user_machine(tmp_path, CARD))
    nodes.write(x, y, SOURCE, counting(8 * packets))
    nodes.begin(x, y, "push", a0=dip(0, 1 << 30), a1=SOURCE, a2=64 * packets)
    nodes.run()
    written = x + (packets - 1) + LINK + MEMORY
    assert nodes.posted_at(x, y) == written + LINK + x + 1
    found = nodes.mesh.engine.read_memory(16, 1 << 30, 64 * packets)
    assert found == b"".join(word.to_bytes(8, "little") for word in counting(8 * packets))


@pytest.mark.parametrize("packets", [1, 20])
@pytest.mark.parametrize("x, y", [(0, 0), (2, 3)])
def test_dip_read(engine: str, x: int, y: int, packets: int, tmp_path: Path) -> None:
    """A pull from a card: request over hops and link, memory, link, hops and the node's port.

    One row of the mesh takes a packet a cycle, so that the memory is no limit.
    """
    code = "pull: pull.post a0, a1, a2, 1\n sem.wait 1\n halti 0"
    nodes = Nodes(code, engine, user_machine(tmp_path, CARD))
    nodes.mesh.engine.write_memory(16, 0, bytes(range(64)) * packets)
    nodes.begin(x, y, "pull", a0=TARGET, a1=dip(0), a2=64 * packets)
    nodes.run()
    assert nodes.posted_at(x, y) == x + LINK + MEMORY + LINK + x + packets
    assert nodes.read(x, y, TARGET, 8) == [
        int.from_bytes(range(8 * i, 8 * i + 8), "little") for i in range(8)
    ]


@pytest.mark.parametrize("kind", ["pull", "push"])
def test_dip_bandwidth(engine: str, kind: str, tmp_path: Path) -> None:
    """Many nodes at a time are served at 400 bytes a cycle, by the memory of a card."""
    packets = 200
    on = user_machine(tmp_path, CARD.replace("height = 4", "height = 16"))
    order = "a0, a1, a2" if kind == "pull" else "a1, a0, a2"
    semaphore = "post" if kind == "pull" else "ack"
    nodes = Nodes(f"go: {kind}.{semaphore} {order}, 1\n sem.wait 1\n halti 0", engine, on)
    for y in range(16):
        nodes.begin(0, y, "go", a0=TARGET, a1=dip(0, y << 20), a2=64 * packets)
    nodes.run()
    last = max(nodes.posted_at(0, y) for y in range(16))
    served = ceil(Fraction(64, 400) * (16 * packets - 1))
    assert last - served in range(3 * LINK - 1, 3 * LINK + 4), (last, served)


def test_dip_reads_do_not_wait_for_writes_to_come(engine: str, tmp_path: Path) -> None:
    """The memory is free for a read while a write is still on its way to it."""
    code = (
        "push: push a0, a1, a2\n halti 0\n"
        f"pull: {NOP * 20} pull.post a0, a1, a2, 1\n sem.wait 1\n halti 0"
    )
    nodes = Nodes(code, engine, user_machine(tmp_path, CARD))
    nodes.begin(0, 0, "pull", a0=TARGET, a1=dip(0), a2=64)
    nodes.begin(0, 1, "push", a0=dip(0), a1=SOURCE, a2=64 * 300)
    nodes.run()
    assert nodes.posted_at(0, 0) - (20 + LINK + MEMORY + LINK + 1) in (0, 1)


# ---- lists


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_list_takes_a_cycle_an_entry(engine: str, count: int) -> None:
    """A list begins a cycle after its start; after n entries a waiter goes on at start + n + 1."""
    nodes = Nodes("go: list.start a0, a1\n list.wait\n halti 0", engine)
    entries = [word for n in range(count) for word in entry(2, 0, n + 3, 1)]
    nodes.write(0, 0, 0x2000, entries)
    nodes.begin(0, 0, "go", a0=0x2000, a1=count)
    nodes.run()
    assert nodes.halted_at(0, 0) == (count + 1 if count else 2)
    assert [nodes.semaphore(0, 0, n + 3) for n in range(count)] == [1] * count


def test_list_pushes_as_a_thread_does(engine: str) -> None:
    """An entry that pushes p packets over h hops in cycle c has arrived at c + h + p."""
    nodes = Nodes(f"{WAIT} go: list.start a0, a1\n halti 0", engine)
    nodes.write(1, 0, 0x2000, entry(0, 0, at(3, 1, TARGET), SOURCE, 192, 1, 0, 0, 2 << 8))
    nodes.begin(1, 0, "go", a0=0x2000, a1=1)
    nodes.begin(3, 1, "wait")
    nodes.run()
    assert nodes.posted_at(3, 1) == 1 + 3 + 3


# ---- with the issue rule


def test_with_the_issue_rule(engine: str) -> None:
    """Interactions drain: the formulas hold from the cycle in which they issue."""
    code = f"{WAIT} push: push.post a0, a1, a2, 1\n ctl.read s1, cycle\n halti 0"
    nodes = Nodes(code, engine, timing=True)
    nodes.begin(0, 0, "push", a0=at(2, 2, TARGET), a1=SOURCE, a2=320)
    nodes.begin(2, 2, "wait")
    end = nodes.run()
    issue = nodes.register(0, 0, "s1") - 1
    assert nodes.posted_at(2, 2) == issue + 4 + 5
    assert end.cycles == nodes.posted_at(2, 2) + 2
