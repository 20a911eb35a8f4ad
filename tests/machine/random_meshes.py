"""Random programs of many nodes, and what those that are free of races must compute.

Each thread plays a script: entries of 64 bytes with the address of a piece of code and arguments.
So all programs share their code, and sixteen of them run side by side on a machine of 16 x 16
nodes, each in 4 x 4 of its own.

A program free of races is a history of operations, each appended to the scripts of the threads that
take part: data goes from thread to thread with a semaphore that nothing else uses. It can't
deadlock, and a model that performs the history in order knows every result. A racy one appends
anything to anybody; most end in deadlock.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from dojo_tools.bits import mask
from dojo_tools.description import MachineDef
from nodes import Nodes, at, entry, rectangle, user_machine

BLOCK, BLOCKS = 4, 4
THREADS = 4
COUNTS = (1, 1, 1, 2, 3, 4)
"""How many threads nodes run, and how often."""

SCRIPTS, SCRIPT_SIZE = 0x1000, 0x1000
LISTS, CONSTANT, PRIVATE, SLOTS, RESULTS = 0x5000, 0x6000, 0x7000, 0x8000, 0xF000
CONSTANT_WORDS, PRIVATE_WORDS = 256, 64
SHARED_BYTES = 0x400
NAMED = range(60, 64)
"""Semaphores that instructions name, the others stand in registers and descriptors."""

PLAYER = "".join(
    f"{line}\n"
    for line in (
        "player: mov s0, a0",
        "next: ld t0, [s0]",
        "ld a1, [s0 + 8]",
        "ld a2, [s0 + 16]",
        "addi s0, s0, 64",
        "jumpr t0",
        "delay: addi t1, t1, 1",
        "loop.next a1, delay",
        "jump next",
        "mix: mul s1, s1, a1",
        "add s1, s1, a2",
        "jump next",
        "store: sd s1, [a1]",
        "jump next",
        "load: ld t0, [a1]",
        "taken: slli t1, s1, 1",
        "add s1, s1, t1",
        "add s1, s1, t0",
        "jump next",
        "acquire: ld.acq t0, [a1]",
        "jump taken",
        "wait: sem.wait.r a1, a2",
        "jump next",
        "post: sem.post.r a1, a2",
        "jump next",
        "postat: ld a3, [s0 - 40]",
        "sem.post.at.r a1, a2, a3",
        "jump next",
        "try: sem.try.r t0, a1, a2",
        "jump taken",
        "read: sem.read.r t0, a1",
        "jump taken",
        "transfer: transfer [s0]",
        "addi s0, s0, 64",
        "jump next",
        *(f"pushx{n}: push.x.post a1, s1, {n}\njump next" for n in NAMED),
        *(f"pushv{n}: vld v1, [a2]\npush.v.post a1, v1, {n}\njump next" for n in NAMED),
        *(f"barrier{n}: barrier {n}, a1\njump next" for n in range(4)),
        "list: list.start a1, a2",
        "jump next",
        "listwait: list.wait",
        "jump next",
        "add: amo.add.d t0, [a1], a2",
        "jump next",
        "swap: amo.swap.d t0, [a1], a2",
        "jump taken",
        "cas: amo.cas.w t0, [a1], s1, a2",
        "jump taken",
        "start: thread.state t0, a1",
        "bnez t0, next",
        "la t1, player",
        "thread.start a1, t1, a2, sp",
        "jump next",
        "stop: thread.stop a1",
        "jump next",
        "yield: thread.yield",
        "jump next",
        "print: print.uint s1",
        "jump next",
        "end: sd s1, [a1]",
        "halt a2",
    )
)


@cache
def grid(dies: bool) -> MachineDef:
    """Return the machine: one die, or dies that cut each program's nodes in two."""
    text = f"""
[node]
sram_bytes = 0x10000
reserved_bytes = 0x100
clock_hz = 2_000_000_000
threads = 4
provenance = "chosen: little memory"

[grid]
width = {BLOCK * BLOCKS}
height = {BLOCK * BLOCKS}
{"die_width = 2" if dies else ""}
{f"die_height = {2 * BLOCK}" if dies else ""}
provenance = "chosen: sixteen programs of four by four nodes"
"""
    with TemporaryDirectory() as folder:
        return user_machine(Path(folder), text)


@dataclass(slots=True)
class Program:
    """Scripts by (x, y, thread), memory by (x, y), and what results must be, if that is known.

    Coordinates are those of the machine. A script is words, with names where addresses of code
    have to be.
    """

    x: int
    y: int
    scripts: dict[tuple[int, int, int], list[int | str]] = field(
        default_factory=dict[tuple[int, int, int], list[int | str]]
    )
    memory: dict[tuple[int, int], dict[int, int]] = field(
        default_factory=dict[tuple[int, int], dict[int, int]]
    )
    expected: dict[tuple[int, int], dict[int, int]] = field(
        default_factory=dict[tuple[int, int], dict[int, int]]
    )

    def place(self, nodes: Nodes) -> None:
        """Write scripts and memory, and let thread 0 of each node begin."""
        for (x, y), contents in self.memory.items():
            for address, values in runs(contents):
                nodes.write(x, y, address, values)
        for (x, y, thread), script in self.scripts.items():
            values = [nodes.labels[word] if isinstance(word, str) else word for word in script]
            start = SCRIPTS + SCRIPT_SIZE * thread
            assert 8 * len(values) <= SCRIPT_SIZE
            nodes.write(x, y, start, values)
            if thread == 0:
                nodes.begin(x, y, "player", a0=start)


def runs(contents: dict[int, int]) -> Iterator[tuple[int, list[int]]]:
    """Yield consecutive words of memory together: their first address and they."""
    values: list[int] = []
    start = 0
    for address in sorted(contents):
        if values and address == start + 8 * len(values):
            values.append(contents[address])
            continue
        if values:
            yield start, values
        start, values = address, [contents[address]]
    if values:
        yield start, values


Thread = tuple[int, int, int]
Node = tuple[int, int]


class Maker:
    """Makes one program; a model goes along with it."""

    def __init__(self, rng: random.Random, x: int, y: int) -> None:
        self.rng = rng
        self.program = Program(x, y)
        self.nodes = [(x + i, y + j) for j in range(BLOCK) for i in range(BLOCK)]
        self.threads: list[Thread] = [
            (*node, thread) for node in self.nodes for thread in range(rng.choice(COUNTS))
        ]
        self.held = dict.fromkeys(self.threads, 0)
        self.slots = dict.fromkeys(self.nodes, SLOTS)
        self.semaphores = {node: list(range(60)) for node in self.nodes}
        self.named = {node: list(NAMED) for node in self.nodes}
        self.lists = dict.fromkeys(self.nodes, LISTS)
        self.listing: set[Node] = set()
        self.model: dict[Node, dict[int, int]] = {}
        for node in self.nodes:
            self.model[node] = {
                CONSTANT + 8 * n: rng.getrandbits(64) for n in range(CONSTANT_WORDS)
            }
            self.program.memory[node] = dict(self.model[node])
            rng.shuffle(self.semaphores[node])
        for thread in self.threads:
            self.program.scripts[thread] = []
        for x, y, thread in reversed(self.threads):
            # Thread 1 last: it may start thread 3 anew, and must not do so before it runs.
            if thread:
                self.does((x, y, 0), "start", thread, SCRIPTS + SCRIPT_SIZE * thread)

    def does(self, thread: Thread, name: str, *arguments: int) -> None:
        """Append an entry to the script of a thread."""
        script = self.program.scripts[thread]
        script += [name, *(a & mask(64) for a in arguments), *[0] * (7 - len(arguments))]

    def room(self, thread: Thread) -> bool:
        """Return whether the script of a thread has room for a few entries and its end."""
        return len(self.program.scripts[thread]) < SCRIPT_SIZE // 8 - 64

    def end(self) -> Program:
        """Let every thread leave what it holds and halt."""
        for node in self.nodes:
            if node in self.listing:
                self.does((*node, 0), "listwait")
        for thread in self.threads:
            x, y, number = thread
            if self.rng.random() < 0.2:
                self.does(thread, "print")
            self.does(thread, "end", RESULTS + 8 * number, self.rng.choice((0, 0, 0, number)))
            self.model[x, y][RESULTS + 8 * number] = self.held[thread]
        return self.program

    # ---- operations of one thread

    def compute(self, thread: Thread) -> None:
        rng = self.rng
        factor, addend = rng.getrandbits(64), rng.getrandbits(64)
        self.does(thread, "mix", factor, addend)
        self.held[thread] = (self.held[thread] * factor + addend) & mask(64)
        if rng.random() < 0.5:
            self.does(thread, "delay", rng.choice((1, 3, 10, 40)))
        address = PRIVATE + 8 * (PRIVATE_WORDS * thread[2] + rng.randrange(PRIVATE_WORDS))
        self.does(thread, "store", address)
        self.model[thread[:2]][address] = self.held[thread]

    def take(self, thread: Thread, address: int) -> None:
        """Let a thread load a word and mix it into what it holds."""
        self.does(thread, self.rng.choice(("load", "load", "acquire")), address)
        value = self.model[thread[:2]].get(address, 0)
        self.held[thread] = (3 * self.held[thread] + value) & mask(64)

    def slot(self, node: Node, size: int) -> int:
        """Return memory of a node that nothing else uses."""
        address = self.slots[node]
        self.slots[node] += -(-size // 64) * 64
        assert self.slots[node] <= RESULTS
        return address

    def has_room(self, *nodes: Node) -> bool:
        return all(
            self.slots[node] + 2048 < RESULTS and len(self.semaphores[node]) > 3 for node in nodes
        )

    # ---- hand-overs

    def shape(self) -> tuple[int, int, int, int]:
        """Return bytes of a row, rows, and two pitches."""
        rng = self.rng
        if rng.random() < 0.5:
            return 8 * rng.choice((1, 2, 8, 9, 30)), 1, 0, 0
        row_bytes = 8 * rng.choice((1, 3, 8))
        return row_bytes, rng.randint(2, 4), 8 * rng.randint(8, 12), 8 * rng.randint(8, 12)

    def copy(
        self, source: Node, address: int, target: Node, to: int, shape: tuple[int, int, int, int]
    ) -> None:
        row_bytes, rows, pitch, to_pitch = shape
        for row in range(rows):
            for offset in range(0, row_bytes, 8):
                value = self.model[source].get(address + row * pitch + offset, 0)
                self.model[target][to + row * to_pitch + offset] = value

    def some(self, thread: Thread) -> int:
        """Return an address of a thread's own words, from which 600 bytes can be read."""
        if self.rng.random() < 0.3:
            return CONSTANT + 8 * self.rng.randrange(CONSTANT_WORDS - 80)
        return PRIVATE + 8 * PRIVATE_WORDS * thread[2]

    def push(self, thread: Thread, other: Thread) -> None:
        """Push a block to a thread elsewhere or here, which waits and looks at it."""
        source, target = thread[:2], other[:2]
        if not self.has_room(source, target):
            return
        shape = self.shape() if self.rng.random() < 0.7 else (64, 1, 0, 0)
        row_bytes, rows, pitch, to_pitch = shape
        # Only the thread's own words: what siblings write would be a race.
        rows = min(rows, 1 + (8 * PRIVATE_WORDS - row_bytes) // max(pitch, 1))
        shape = row_bytes, rows, pitch, to_pitch
        address = self.some(thread)
        to = self.slot(target, row_bytes + (rows - 1) * to_pitch)
        semaphore = self.semaphores[target].pop()
        posts = semaphore + 1 << 8
        near = self.semaphores[source].pop()
        kind = self.rng.choice(("", "read", "ack"))
        posts |= {"": 0, "read": near + 1, "ack": near + 1 << 16}[kind]
        self.does(thread, "transfer")
        words = (0, at(*target, to), address, row_bytes, rows, pitch, to_pitch, posts)
        self.program.scripts[thread] += words
        self.copy(source, address, target, to, shape)
        if kind:
            self.does(thread, "wait", near, 1)
        self.does(other, "wait", semaphore, 1)
        self.take(other, to + 8 * self.rng.randrange(row_bytes // 8))

    def pull(self, thread: Thread, other: Thread) -> None:
        """Pull constant words of another node, wait for them."""
        source, target = other[:2], thread[:2]
        if not self.has_room(target):
            return
        shape = row_bytes, rows, pitch, to_pitch = self.shape()
        address = CONSTANT + 8 * self.rng.randrange(CONSTANT_WORDS - 80)
        to = self.slot(target, row_bytes + (rows - 1) * to_pitch)
        semaphore = self.semaphores[target].pop()
        self.does(thread, "transfer")
        words = (1, to, at(*source, address), row_bytes, rows, pitch, to_pitch, semaphore + 1)
        self.program.scripts[thread] += words
        self.copy(source, address, target, to, shape)
        self.does(thread, "wait", semaphore, 1)
        self.take(thread, to + 8 * self.rng.randrange(row_bytes // 8))

    def register(self, thread: Thread, other: Thread) -> None:
        """Push what a thread holds, or a vector of constants."""
        target = other[:2]
        if not self.named[target] or not self.has_room(target):
            return
        semaphore, to = self.named[target].pop(), self.slot(target, 64)
        if self.rng.random() < 0.5:
            self.does(thread, f"pushx{semaphore}", at(*target, to))
            self.model[target][to] = self.held[thread]
        else:
            address = CONSTANT + 64 * self.rng.randrange(CONSTANT_WORDS // 8)
            self.does(thread, f"pushv{semaphore}", at(*target, to), address)
            self.copy(thread[:2], address, target, to, (64, 1, 0, 0))
        self.does(other, "wait", semaphore, 1)
        self.take(other, to)

    def signal(self, thread: Thread, other: Thread) -> None:
        """Post on another node, or for a sibling, who waits."""
        target = other[:2]
        if not self.has_room(target):
            return
        semaphore, count = self.semaphores[target].pop(), self.rng.randint(1, 3)
        if target == thread[:2]:
            address = self.slot(target, 8)
            self.does(thread, "store", address)
            self.model[target][address] = self.held[thread]
            self.does(thread, "post", semaphore, count)
            self.does(other, "wait", semaphore, count)
            self.take(other, address)
        else:
            self.does(thread, "postat", at(*target), semaphore, count)
            self.does(other, "wait", semaphore, count)

    def multicast(self, thread: Thread, _other: Thread) -> None:
        """Multicast to a rectangle; thread 0 of each of its nodes waits."""
        x, y, width, height = self.some_rectangle()
        targets = [(x + i, y + j) for j in range(height) for i in range(width)]
        if not self.has_room(*targets):
            return
        common = set[int].intersection(*(set(self.semaphores[node]) for node in targets))
        if not common:
            return
        semaphore = self.rng.choice(sorted(common))
        to = max(self.slots[node] for node in targets)
        size = 8 * self.rng.choice((1, 8, 20))
        if to + size + 2048 > RESULTS:
            return
        address = self.some(thread)
        for node in targets:
            self.semaphores[node].remove(semaphore)
            self.slots[node] = to + 256
        self.does(thread, "transfer")
        flags = 2 | rectangle(x, y, width, height) << 8
        words = (flags, to, address, size, 1, 0, 0, semaphore + 1 << 8)
        self.program.scripts[thread] += words
        for node in targets:
            self.copy(thread[:2], address, node, to, (size, 1, 0, 0))
            self.does((*node, 0), "wait", semaphore, 1)
            self.take((*node, 0), to)

    def some_rectangle(self) -> tuple[int, int, int, int]:
        rng = self.rng
        width, height = rng.randint(1, BLOCK), rng.randint(1, BLOCK)
        x = self.program.x + rng.randint(0, BLOCK - width)
        return x, self.program.y + rng.randint(0, BLOCK - height), width, height

    def barrier(self, _thread: Thread, _other: Thread) -> None:
        """Let thread 0 of the nodes of a rectangle meet, the same one for each number."""
        number = self.rng.randrange(4)
        sizes = ((0, 0, 4, 4), (0, 0, 2, 4), (1, 2, 3, 1), (2, 1, 2, 3))
        x, y, width, height = sizes[number]
        x, y = x + self.program.x, y + self.program.y
        for node in ((x + i, y + j) for j in range(height) for i in range(width)):
            self.does((*node, 0), f"barrier{number}", rectangle(x, y, width, height))

    def list(self, thread: Thread, other: Thread) -> None:
        """Let the list engine push, post and wait for a post of a thread."""
        node, target = thread[:2], other[:2]
        count = self.rng.randint(1, 3)
        if not self.has_room(node, target) or self.lists[node] + 64 * 4 > CONSTANT:
            return
        first = (*node, 0)
        if node in self.listing:
            self.does(first, "listwait")
        self.listing.add(node)
        waited, arrived = self.semaphores[node].pop(), None
        entries = [entry(1, 0, waited, 1)] if self.rng.random() < 0.5 else []
        waits = bool(entries)
        size = 8 * self.rng.choice((1, 8, 20))
        address = CONSTANT + 8 * self.rng.randrange(CONSTANT_WORDS - 80)
        for _ in range(count):
            if not self.has_room(target):
                break
            to, arrived = self.slot(target, size), self.semaphores[target].pop()
            entries.append(entry(0, 0, at(*target, to), address, size, 1, 0, 0, arrived + 1 << 8))
            self.copy(node, address, target, to, (size, 1, 0, 0))
        start = self.lists[node]
        for index, word in enumerate(word for e in entries for word in e):
            self.program.memory[node][start + 8 * index] = word
            self.model[node][start + 8 * index] = word
        self.lists[node] += 64 * len(entries)
        self.does(first, "list", start, len(entries))
        if waits:
            self.does(thread, "post", waited, 1)
        if arrived is not None:
            self.does(other, "wait", arrived, 1)
            self.take(other, self.slots[target] - -(-size // 64) * 64)

    def count(self, thread: Thread, _other: Thread) -> None:
        """Add to a counter of the node, whose old value nobody looks at."""
        address, value = RESULTS + 64, self.rng.getrandbits(64)
        self.does(thread, "add", address, value)
        model = self.model[thread[:2]]
        model[address] = (model.get(address, 0) + value) & mask(64)


def race_free(rng: random.Random, x: int, y: int) -> Program:
    """Return a program whose every result is known."""
    maker = Maker(rng, x, y)
    handed: list[Callable[[Thread, Thread], None]] = [
        maker.push, maker.push, maker.pull, maker.register, maker.signal, maker.multicast,
        maker.barrier, maker.list, maker.count,
    ]  # fmt: skip
    for _ in range(rng.choice((3, 6, 12))):
        thread, other = rng.choice(maker.threads), rng.choice(maker.threads)
        if rng.random() < 0.3:
            # Siblings meet more often than chance would have it.
            other = rng.choice([t for t in maker.threads if t[:2] == thread[:2]])
        if all(map(maker.room, maker.threads)):
            maker.compute(thread)
            rng.choice(handed)(thread, other)
    program = maker.end()
    program.expected = maker.model
    return program


def racy(rng: random.Random, x: int, y: int) -> Program:
    """Return a program of anything: few words, few semaphores, all at the same time."""
    maker = Maker(rng, x, y)
    for node in maker.nodes:
        entries = [word for _ in range(4) for word in racy_entry(maker, node)]
        for index, word in enumerate(entries):
            maker.program.memory[node][LISTS + 8 * index] = word
    calm = rng.random() < 0.5
    for _ in range(rng.choice((10, 30, 60))):
        thread = rng.choice(maker.threads)
        if maker.room(thread):
            racy_operation(maker, thread, calm)
    return maker.end()


def shared(maker: Maker, size: int = 8) -> int:
    """Return an address in the few words that everybody uses."""
    return SLOTS + 8 * maker.rng.randrange((SHARED_BYTES - size) // 8)


def racy_transfer(maker: Maker, node: Node) -> list[int]:
    """Return a descriptor of any transfer of a node."""
    rng = maker.rng
    row_bytes, rows, pitch, to_pitch = maker.shape()
    posts = sum(rng.randint(1, 6) << shift for shift in (0, 8, 16) if rng.random() < 0.5)
    other = rng.choice(maker.nodes)
    here, there = shared(maker, 500), at(*other, shared(maker, 500))
    kind = rng.randrange(3)
    if kind == 0:
        return [0, there, here, row_bytes, rows, pitch, to_pitch, posts]
    if kind == 1:
        return [1, here, there, row_bytes, rows, pitch, to_pitch, posts]
    flags = 2 | rectangle(*maker.some_rectangle()) << 8
    return [flags, shared(maker, 500), here, row_bytes, rows, pitch, to_pitch, posts]


def racy_entry(maker: Maker, node: Node) -> list[int]:
    """Return a list entry of any kind."""
    rng = maker.rng
    kind = rng.choice((0, 0, 0, 1, 2, 3))
    if kind == 0:
        return entry(0, *racy_transfer(maker, node))
    if kind == 3:
        return entry(3, 0, at(*rng.choice(maker.nodes)), rng.randrange(6), rng.randint(1, 2))
    return entry(kind, 0, rng.randrange(6), 1)


def racy_operation(maker: Maker, thread: Thread, calm: bool) -> None:
    """Append any operation; a calm program hardly ever waits for what may not come."""
    rng = maker.rng
    node, number = thread[:2], thread[2]
    semaphore, count = rng.randrange(6), rng.randint(1, 2)
    kind = rng.randrange(14)
    if kind < 3:
        maker.does(thread, "transfer")
        maker.program.scripts[thread] += racy_transfer(maker, node)
    elif kind == 3:
        maker.does(thread, rng.choice(("load", "acquire", "store")), shared(maker))
    elif kind == 4:
        maker.does(thread, rng.choice(("swap", "cas", "add")), shared(maker), rng.getrandbits(40))
    elif kind == 5:
        maker.does(thread, "mix", rng.getrandbits(64), rng.getrandbits(64))
        maker.does(thread, "delay", rng.choice((1, 2, 3, 10, 60)))
    elif kind == 6:
        waits = "try" if calm and rng.random() < 0.9 else "wait"
        maker.does(thread, waits, semaphore, count)
    elif kind == 7:
        maker.does(thread, rng.choice(("post", "post", "read")), semaphore, count)
    elif kind == 8:
        maker.does(thread, "postat", at(*rng.choice(maker.nodes)), semaphore, count)
    elif kind == 9:
        target = at(*rng.choice(maker.nodes), shared(maker, 64) & ~63)
        maker.does(thread, f"push{rng.choice('xv')}{rng.choice(NAMED)}", target, SLOTS)
    elif kind == 10 and number == 0 and (not calm or rng.random() < 0.2):
        maker.barrier(thread, thread)
    elif kind == 11 and number == 0:
        maker.does(thread, "listwait")
        maker.does(thread, "list", LISTS + 64 * rng.randrange(3), rng.randint(0, 2))
    elif kind == 12 and number < 2:
        target = number + 2  # two threads that start the same one would fault
        if (*node, target) in maker.program.scripts:
            maker.does(thread, "stop", target)
            if rng.random() < 0.7:
                maker.does(thread, "start", target, SCRIPTS + SCRIPT_SIZE * target)
    elif kind == 13:
        maker.does(thread, rng.choice(("yield", "print")))


# ---- batches


@dataclass(frozen=True, slots=True)
class Batch:
    """Sixteen programs that run side by side: reproducible from its seed and number."""

    seed: int
    number: int
    is_racy: bool

    def programs(self) -> list[Program]:
        """Return the programs of the batch."""
        make = racy if self.is_racy else race_free
        rng = random.Random(f"{self.seed} {self.number} {self.is_racy}")
        return [make(rng, BLOCK * i, BLOCK * j) for j in range(BLOCKS) for i in range(BLOCKS)]

    def nodes(self, engine: str, programs: list[Program]) -> Nodes:
        """Return the nodes with the programs, ready to run.

        Every third machine has dies, which the native engine runs side by side. On every fourth
        threads let others go on after some instructions, where else it takes many.
        """
        nodes = Nodes(
            PLAYER,
            engine,
            grid(self.number % 3 == 2),
            threads=THREADS,
            timing=self.number % 2 == 0,
            workers=2 if engine == "native" else 1,
        )
        if self.number % 4 == 3:
            place = nodes.mesh.procedures.constant("M_GIVE_WAY")
            nodes.mesh.arrays["machine"][place] = 3 + self.number
        for program in programs:
            program.place(nodes)
        return nodes
