"""The speed of the reference engine, against the same work in plain Python and numpy."""

from collections.abc import Callable

import numpy as np

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source
from dojo_tools.linker import link
from dojo_tools.machine import Machine
from figures import Figure, median_seconds

COUNT = 20_000
LOOP = ".global _start\n_start: li t0, {count}\n1: {body}\nloop.next t0, 1b\nhalti 0\n"


def program(body: str, count: int) -> Callable[[], None]:
    """Return a call that runs a loop of these statements."""
    description = load_description()
    text = LOOP.format(count=count, body=body.replace("; ", "\n"))
    image = link([assemble(Source("b.s", text), description).object], description.relocations)

    def run() -> None:
        assert Machine(image, description).run(10**9).stop.fault is None

    return run


def python_loop() -> None:
    """Add and shift as the guest loop does."""
    a = b = 0
    for _ in range(COUNT):
        a = (a + 1) & 0xFFFF_FFFF_FFFF_FFFF
        b ^= a


def numpy_fma() -> None:
    """Multiply and add 16 float32 lanes, as often as the guest does."""
    x = np.ones(16, np.float32)
    total = np.zeros(16, np.float32)
    for _ in range(COUNT // 10):
        total = x * x + total


def bench_scalar() -> list[Figure]:
    """Measure scalar instructions a second."""
    seconds = median_seconds(
        {"guest": program("addi t1, t1, 1; xor t2, t2, t1", COUNT), "python": python_loop}, 5
    )
    instructions = 3 * COUNT
    return [
        Figure(
            "reference, scalar",
            instructions / seconds["guest"] / 1e6,
            "M instructions/s",
            "a Python loop's steps",
            COUNT / seconds["python"] / 1e6,
        )
    ]


def bench_vector() -> list[Figure]:
    """Measure exact fused multiply-adds of 16 lanes."""
    count = COUNT // 10
    seconds = median_seconds(
        {"guest": program("vfma.f32 v1, v2, v3", count), "numpy": numpy_fma}, 5
    )
    return [
        Figure(
            "reference, vfma of 16 lanes",
            seconds["guest"] / count * 1e6,
            "us",
            "numpy multiply and add",
            seconds["numpy"] / count * 1e6,
        )
    ]
