"""The peaks of one node, reached by steady loops: what is published, within 2 %, on both engines.

Cycles are counted by the program itself, between two readings of the clock.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from dojo_tools.machine import Machine

DESCRIPTION = load_description()
LIMIT = 10_000_000
MATRIX_PRODUCT = Path(__file__).parents[1] / "bench/kernels/gemm_f32.s"
SIZE = 256


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


def loaded(text: str, engine: str) -> Machine:
    image = link([assemble(Source("t.s", text), DESCRIPTION).object], DESCRIPTION.relocations)
    return Machine(image, DESCRIPTION, engine=engine)


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
    machine = loaded(text, engine)
    assert machine.run(LIMIT).stop.reason is StopReason.HALT
    start, end = machine.read_register("a2"), machine.read_register("a3")
    assert isinstance(start, int)
    assert isinstance(end, int)
    return peak.done * rounds / (end - start) * load_machine("node").clock_hz


@pytest.mark.parametrize("engine, rounds", [("both", 100), ("native", 10_000)])
@pytest.mark.parametrize("peak", PEAKS, ids=lambda peak: peak.name.replace(" ", "-"))
def test_a_steady_loop_reaches_the_published_rate(peak: Peak, engine: str, rounds: int):
    assert 0.98 * peak.published <= rate(peak, rounds, engine) <= peak.published


def test_a_float32_matrix_product_is_right_and_takes_95_percent_of_the_peak():
    machine = loaded(MATRIX_PRODUCT.read_text(encoding="utf-8"), "native")
    rng = np.random.default_rng(256)
    a, b = (rng.standard_normal((SIZE, SIZE), np.float32) for _ in range(2))
    machine.write_memory(machine.symbol("a").value, a.tobytes())
    machine.write_memory(machine.symbol("b").value, b.tobytes())
    machine.write_register("s11", 1)
    result = machine.run(LIMIT)
    assert result.stop.reason is StopReason.HALT
    assert 2 * SIZE**3 / result.cycles >= 0.95 * 2 * 16
    contents = machine.read_memory(machine.symbol("c").value, 4 * SIZE * SIZE)
    c = np.frombuffer(contents, np.float32).reshape(SIZE, SIZE)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bound = SIZE * 2.0**-24 * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64))
    assert (np.abs(c - exact) <= bound).all()
