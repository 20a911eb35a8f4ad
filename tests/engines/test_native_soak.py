"""Long runs of the native engine: exact limits, steady memory, prompt interrupts."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from dojo_tools.machine import Machine

MULTIPLIER, INCREMENT = 6364136223846793005, 1442695040888963407
SCRAMBLE = f"""
        .text
        .global _start
_start: li      s1, {MULTIPLIER}
        li      s2, {INCREMENT}
        la      s3, state
1:      mul     s0, s0, s1
        add     s0, s0, s2
        sd      s0, [s3]
        addi    s4, s4, 1
        jump    1b
        .bss
        .balign 8
state:  .space  8
"""
BEFORE_LOOP = 9
LOOP_SIZE = 5


def scramble_machine() -> Machine:
    """Return a machine that runs a linear congruence for ever."""
    description = load_description()
    unit = assemble(Source("scramble.s", SCRAMBLE), description)
    image = link([unit.object], description.relocations)
    return Machine(image, description, engine="native")


def scrambled(steps: int) -> int:
    """Return the state after so many steps from zero, by doubling steps."""
    factor, offset = 1, 0
    step_factor, step_offset = MULTIPLIER, INCREMENT
    while steps:
        if steps & 1:
            factor, offset = step_factor * factor, step_factor * offset + step_offset
        step_factor, step_offset = step_factor * step_factor, (step_factor + 1) * step_offset
        factor, offset = factor % (1 << 64), offset % (1 << 64)
        step_factor, step_offset = step_factor % (1 << 64), step_offset % (1 << 64)
        steps >>= 1
    return offset


def resident_bytes() -> int:
    """Return the memory of this process that is in RAM."""
    table = Path("/proc/self/statm")
    if not table.exists():
        pytest.skip("resident memory is read from /proc")
    return int(table.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("count", [10**8, pytest.param(10**10, marks=pytest.mark.soak)])
def test_a_limit_is_exact_and_memory_steady(count: int) -> None:
    machine = scramble_machine()
    warm = 10**7 + 3
    assert machine.run(warm).retired == warm
    before = resident_bytes()
    assert machine.run(count - warm).retired == count
    # What remains of the loop's last turn: the state is written by its first three instructions.
    turns, rest = divmod(count - BEFORE_LOOP, LOOP_SIZE)
    assert machine.read_register("s4") == turns + (rest >= 4)
    in_memory = int.from_bytes(machine.read_memory(machine.symbol("state").value, 8), "little")
    assert in_memory == scrambled(turns + (rest >= 3))
    assert resident_bytes() < 1.01 * before


def test_an_interrupt_stops_a_run_within_a_second() -> None:
    machine = scramble_machine()
    sent = 0.0

    def interrupt() -> None:
        nonlocal sent
        sent = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        machine.run(1 << 62)
    assert time.perf_counter() - sent < 1
    timer.join()
    # The machine is whole: it goes on where it was interrupted.
    retired = machine.run(0).retired
    result = machine.run(1000)
    assert (result.stop.reason, result.retired) == (StopReason.LIMIT, retired + 1000)
