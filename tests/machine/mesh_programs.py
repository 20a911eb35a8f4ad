"""Programs of many nodes for tests, and the call that makes a mesh of one."""

from dojo_tools.assembler import assemble
from dojo_tools.description import MachineDef, load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.linker import link
from dojo_tools.machine.mesh import Mesh
from dojo_tools.objects import Image

DESCRIPTION = load_description()
ENGINES = ("reference", "native")
NODE = "0x1000000000000000"
"""The global address of offset 0 on node (0, 0)."""

PAIRS = f"""\
; Each node pushes a line to (0, 0), which waits for all of them; then all meet.
        .semaphore arrived
        .barrier done
        .global _start
_start: la      a0, line
        li      a1, {NODE}
        la      a2, sink
        or      a2, a1, a2
        li      a3, 256
        push.post a2, a0, a3, arrived
        ctl.read t0, node_id
        bnez    t0, meet
        ctl.read t1, live_nodes
        sem.wait arrived, t1
meet:   barrier.all done
        halti   0
        .data
        .balign 64
line:   .space  256
sink:   .space  256
"""

THREADS = """\
; Thread 0 starts the others, stops one that waits, starts one a second time.
        .semaphore go, never
        .threads 3
        .global _start
_start: li      s0, 1
        la      s1, work
        li      s2, 0x20000
        thread.start s0, s1, x0, s2
        li      s0, 2
        la      s1, forever
        thread.start s0, s1, x0, s2
        li      t0, 20
wait:   loop.next t0, wait
        sem.post go
        li      t0, 20
later:  loop.next t0, later
        thread.stop s0
        li      s0, 1
        la      s1, work
        thread.start s0, s1, x0, s2
        sem.post go
        halti   0
work:   sem.wait go
        halti   0
forever: sem.wait never
        halti   0
"""

LISTS = """\
; Two nodes a row: the list engine pushes, posts and waits, the thread waits for it.
        .semaphore back
        .global _start
_start: la      a0, list
        li      a1, 3
        list.start a0, a1
        list.wait
        halti   0
        .data
        .balign 64
list:   .dword  0, to, from, 64, 1, 0, 0, 1
        .dword  0x0100000000000000, back, 1, 0, 0, 0, 0, 0
        .dword  0x0200000000000000, back, 0, 0, 0, 0, 0, 0
from:   .space  64
to:     .space  64
"""

RING = f"""\
; Each node of a row waits for the one west of it, and only then posts to the east: nobody begins.
        .semaphore token
        .global _start
_start: ctl.read t0, node_x
        ctl.read t1, partition_width
        addi    t0, t0, 1
        rem     t0, t0, t1
        slli    t0, t0, 32
        li      t2, {NODE}
        or      t0, t0, t2
        sem.wait token
        sem.post.at t0, token
        halti   0
"""


def image_of(text: str) -> Image:
    """Return the image of a source."""
    made = assemble(Source("p.s", text), DESCRIPTION).object
    return link([made], DESCRIPTION.relocations, name="p")


def mesh_of(
    text: str,
    engine: str = "reference",
    grid: tuple[int, int] | None = (2, 2),
    machine: MachineDef | None = None,
    at: tuple[int, int] = (0, 0),
) -> Mesh:
    """Return a mesh that is ready to run a source."""
    return Mesh(
        image_of(text),
        DESCRIPTION,
        machine or load_machine("small"),
        engine=engine,
        grid=grid,
        at=at,
    )
