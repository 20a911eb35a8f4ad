"""Cycles of programs: each instruction of hand-computed sequences, and what reads the clock."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source
from dojo_tools.engines.stop import StopReason
from dojo_tools.engines.timing import Cause
from dojo_tools.linker import link
from dojo_tools.machine import Machine

SEQUENCES = Path(__file__).parents[1] / "golden" / "timing" / "sequences.s"
DESCRIPTION = load_description()
START = ".global _start\n_start: "
LIMIT = 1_000_000


def machine(text: str, *, timing: bool = True) -> Machine:
    assembly = assemble(Source("test.s", START + text), DESCRIPTION)
    image = link([assembly.object], DESCRIPTION.relocations, name="test")
    return Machine(image, DESCRIPTION, timing=timing, engine="both")


class Case(NamedTuple):
    """A sequence: its text, the cycles in which each line issues, and all its cycles."""

    name: str
    text: str
    issues: dict[int, list[int]]
    cycles: int
    causes: dict[str, int]


def cases() -> Iterator[Case]:
    whole = SEQUENCES.read_text(encoding="utf-8")
    for part in re.split(r"^; case ", whole, flags=re.MULTILINE)[1:]:
        head, _, text = part.partition("\n")
        found = re.fullmatch(r"(.*): (\d+)(?: = (.*))?", head)
        assert found, head
        issues = {
            number: [int(cycle) for cycle in note[1].split()]
            for number, line in enumerate(text.splitlines(), start=3)
            if (note := re.search(r"; (\d+(?: \d+)*)(?:  |$)", line))
        }
        causes = re.findall(r"([a-z ]+) (\d+)", found[3] or "")
        named = {name.strip(): int(count) for name, count in causes}
        yield Case(found[1], "\n" + text, issues, int(found[2]), named)


CASES = list(cases())


def test_there_are_enough_sequences():
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_each_instruction_issues_in_its_cycle(case: Case):
    issues: defaultdict[int, list[int]] = defaultdict(list)
    for entry in machine(case.text).trace(LIMIT):
        assert entry.line is not None
        issues[entry.line.line].append(entry.cycle)
    assert issues == case.issues


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_sequence_takes_its_cycles(case: Case):
    result = machine(case.text).run(LIMIT)
    assert (result.stop.reason, result.cycles) == (StopReason.HALT, case.cycles)
    assert sum(result.causes.values()) == result.cycles
    if case.causes:
        found = {cause.value: count for cause, count in result.causes.items() if count}
        assert found == case.causes


# ---- who reads the clock


LOOP = """
    li a0, 20
again: ld a1, [sp + -8]
    add a2, a2, a1
    mul a2, a2, a0
    vfma.f32 v0, v1, v2
    addi a0, a0, -1
    bnez a0, again
    ctl.read a3, cycle
    print.int a3
    halti 0
"""


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_slices_of_a_run_change_nothing(step: int):
    whole, sliced = machine(LOOP), machine(LOOP)
    wanted = whole.run(LIMIT)
    found = sliced.run(step)
    while found.stop.reason is StopReason.LIMIT:
        assert sum(found.causes.values()) == found.cycles
        found = sliced.run(step)
    assert found == wanted


def test_the_clock_reads_the_cycle_of_its_instruction():
    running = machine(LOOP)
    entries = list(running.trace(LIMIT))
    clock, printing, halt = (entry.cycle for entry in entries[-3:])
    assert running.read_register("a3") == clock
    assert [(p.cycle, p.text) for p in running.printed] == [(printing, str(clock))]
    assert running.run(0).cycles == halt + 1


def test_a_fault_takes_no_time():
    running = machine("mul a0, a1, a2\nld a3, [x0 + 8]\n")
    result = running.run(LIMIT)
    assert (result.stop.reason, result.retired, result.cycles) == (StopReason.FAULT, 1, 1)
    assert sum(result.causes.values()) == 1


def test_nothing_takes_no_time():
    result = machine("halti 0").run(0)
    assert (result.cycles, set(result.causes.values())) == (0, {0})


def test_timing_off_takes_a_cycle_an_instruction():
    plain = machine(LOOP, timing=False)
    result = plain.run(LIMIT)
    assert result.cycles == result.retired == 1 + 20 * 6 + 3
    assert result.causes[Cause.ISSUED] == result.cycles
    assert plain.read_register("a3") == result.retired - 3
    assert [entry.cycle for entry in machine(LOOP, timing=False).trace(5)] == [0, 1, 2, 3, 4]


# ---- the published peaks of a node


def repeated(lines: str, times: int, loops: int) -> str:
    """Return a loop of lines, unrolled."""
    return (
        f"li a0, {loops}\naddi s0, sp, -64\nagain:\n{lines * times}loop.next a0, again\nhalti 0\n"
    )


# Blocks of 2 x 2 accumulators: each step's operands are loaded again for the step after the next.
MATRIX = "".join(
    f"mmul.bf16 acc0, v{first}, v{first + 2}\n"
    f"mmul.bf16 acc2, v{first + 1}, v{first + 2}\nvld v{first + 2}, [s0 + -64]\n"
    f"mmul.bf16 acc1, v{first}, v{first + 3}\nvld v{first}, [s0 + -128]\n"
    f"mmul.bf16 acc3, v{first + 1}, v{first + 3}\nvld v{first + 1}, [s0 + -192]\n"
    f"vld v{first + 3}, [s0 + -256]\n"
    for first in (0, 4)
)
SUMS = "".join(f"vfma.f32 v{number}, v8, v9\n" for number in range(4))
LOADS = "".join(
    f"vld v{2 * n}, [s0 + -{128 * n}]\nvld v{2 * n + 1}, [s0 + -{128 * n + 64}]\n"
    f"ld a{n % 4 + 1}, [s0 + {8 * n}]\n"
    for n in range(8)
)
STORES = "".join(f"vst v{n}, [s0 + -{64 * n}]\nsd a1, [s0 + {8 * n}]\n" for n in range(8))


@pytest.mark.parametrize(
    "body, work, published, unit",
    [
        (MATRIX, 8 * 8 * 8 * 4 * 2, 1.024e12, "bf16 FLOP/s in the matrix unit"),
        (SUMS, 4 * 16 * 2, 64e9, "float32 FLOP/s in the SIMD unit"),
        (LOADS, 8 * (64 + 64 + 8), 272e9, "B/s loaded"),
        (STORES, 8 * (64 + 8), 144e9, "B/s stored"),
    ],
    ids=["matrix", "simd", "load", "store"],
)
def test_a_kernel_reaches_the_published_peak(body: str, work: int, published: float, unit: str):
    times, loops = 4, 40
    running = machine(repeated(body, times, loops))
    result = running.run(LIMIT)
    assert result.stop.reason is StopReason.HALT
    rate = work * times * loops / result.cycles * running.definition.clock_hz
    assert 0.98 * published <= rate <= published, f"{rate:.4g} {unit}"
