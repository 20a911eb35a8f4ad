"""The peaks of one node, reached by steady loops: what is published, within 2 %, on both engines.

Cycles are counted by the program itself, between two readings of the clock.
"""

from typing import NamedTuple

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from dojo_tools.machine import Machine

DESCRIPTION = load_description()
LIMIT = 10_000_000


class Peak(NamedTuple):
    """A loop's body for 16 cycles, what it does in them, and the published rate at 2 GHz."""

    name: str
    body: str
    done: int
    published: float


def sixteen(line: str) -> str:
    """Return lines for 16 cycles; `{n}` is the cycle, `{acc}` one of the four accumulators."""
    numbers = (
        {"n": n, "acc": n % 4, "one": 2 * n, "two": 2 * n + 1, "x": 16 + n} for n in range(16)
    )
    return "\n".join(line.format(**each) for each in numbers)


MATRIX = 16 * 2 * 8 * 8 * 4
PEAKS = [
    Peak("bf16 products", sixteen("mmul.bf16 acc{acc}, v0, v1"), MATRIX, 1.024e12),
    Peak(
        "cfloat8 products",
        sixteen("mmul.cfloat8_1_4_3.cfloat8_1_4_3 acc{acc}, v0, 0, 0, v1, 0, 1"),
        MATRIX,
        1.024e12,
    ),
    Peak("float32 fma", sixteen("vfma.f32 v{n}, v16, v17"), 16 * 2 * 16, 64e9),
    Peak(
        "loads",
        sixteen("vld v{one}, [a1]\nvld v{two}, [a1 + 64]\nld x{x}, [a1 + 8]"),
        16 * (2 * 64 + 8),
        272e9,
    ),
    Peak("stores", sixteen("vst v{n}, [a1]\nsd a1, [a1 + 64]"), 16 * (64 + 8), 144e9),
]


def rate(peak: Peak, rounds: int, engine: str) -> float:
    """Return what a loop does in a second of the machine."""
    text = f"""
        .global _start
_start: la      a1, buffer
        li      a0, {rounds}
        ctl.read a2, cycle
1:      {peak.body}
        loop.next a0, 1b
        ctl.read a3, cycle
        halti   0
        .bss
        .balign 64
buffer: .space  128
"""
    image = link([assemble(Source("t.s", text), DESCRIPTION).object], DESCRIPTION.relocations)
    machine = Machine(image, DESCRIPTION, engine=engine)
    assert machine.run(LIMIT).stop.reason is StopReason.HALT
    start, end = machine.read_register("a2"), machine.read_register("a3")
    assert isinstance(start, int)
    assert isinstance(end, int)
    return peak.done * rounds / (end - start) * load_machine("node").clock_hz


@pytest.mark.parametrize("engine, rounds", [("both", 100), ("native", 10_000)])
@pytest.mark.parametrize("peak", PEAKS, ids=lambda peak: peak.name.replace(" ", "-"))
def test_a_steady_loop_reaches_the_published_rate(peak: Peak, engine: str, rounds: int):
    assert 0.98 * peak.published <= rate(peak, rounds, engine) <= peak.published
