"""Lines a second of the assembler, for code as people and as generators write it.

Instructions of the two machines can't be compared one with another, so GNU as assembles plain
x86-64 code of its own, as many lines; read its figure as what a mature assembler does in C.
"""

import gc
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dojo_tools.assembler import assemble
from dojo_tools.cli.common import GARBAGE_THRESHOLD
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import Source
from figures import Figure, Unavailable

COUNTS = (10_000, 100_000, 1_000_000)
WORDS = "row column lane tile sum scale bias left right outer inner next head tail done".split()
SCALARS = [*(f"a{n}" for n in range(8)), *(f"t{n}" for n in range(4)), *(f"s{n}" for n in range(8))]


def hand_written(count: int) -> str:
    """Return about `count` lines as people write them: functions with loops, comments and data."""
    chosen = random.Random(1)
    lines: list[str] = []
    while len(lines) < count:
        lines += function(chosen, len(lines))
    return "\n".join(lines) + "\n"


def function(chosen: random.Random, number: int) -> list[str]:
    """Return a function of some fifty lines whose names hold `number`."""
    name = f"{chosen.choice(WORDS)}_{chosen.choice(WORDS)}_{number}"
    table = f"{chosen.choice(WORDS)}_table_{number}"
    lines = [f"; {name}: a0 = {chosen.choice(WORDS)}, a1 = count of them", f".global {name}"]
    lines += [f"{name}:", "    addi    sp, sp, -32", "    sd      ra, [sp + 24]"]
    lines += [f"    la      t0, {table}", f"    li      t1, {chosen.randrange(1 << 32)}", ""]
    for part in range(5):
        a, b, c = chosen.sample(SCALARS, 3)
        loop = f".L{number}_{part}"
        lines += [
            f"{loop}:",
            f"    lw      {a}, [t0 + {4 * chosen.randrange(100)}]",
            f"    addi    {b}, {a}, {chosen.randrange(-2000, 2000)}  ; {chosen.choice(WORDS)}",
            f"    xor     {c}, {b}, {a}",
            f"    bnez    {c}, {loop}",
            f"    beq     {a}, {b}, 1f",
            f"    vfma.f32 v{chosen.randrange(32)}, v{chosen.randrange(32)}, v3",
            f"1:  mov     {b}, {c}",
        ]
    lines += ["    ld      ra, [sp + 24]", "    addi    sp, sp, 32", "    ret", "", ".data"]
    lines += [
        ".align 4",
        f"{table}: .word {', '.join(str(chosen.randrange(999)) for _ in range(8))}",
    ]
    return [*lines, f"    .float {chosen.random():.4f}, 0.5", '    .asciz "table"', ".text", ""]


def generated(count: int) -> str:
    """Return `count` lines as a generator writes them: plain, more than half distinct."""
    chosen = random.Random(2)
    lines: list[str] = []
    for _ in range(count // 4):
        a, b, c = chosen.sample(SCALARS, 3)
        lines += [
            f"addi {a}, {b}, {chosen.randrange(-32768, 32768)}",
            f"lw {c}, [{a} + {chosen.randrange(2048)}]",
            f"add {a}, {b}, {c}",
            f"sw {b}, [{c} - {chosen.randrange(2048)}]",
        ]
    assert len(set(lines)) > len(lines) / 2
    return "\n".join(lines) + "\n"


def plain_x86(count: int) -> str:
    """Return `count` plain lines for GNU as."""
    chosen = random.Random(3)
    registers = "rax rbx rcx rdx rsi rdi r8 r9 r10 r11 r12 r13".split()
    lines: list[str] = []
    for _ in range(count // 2):
        a, b = chosen.sample(registers, 2)
        lines += [
            f"addq ${chosen.randrange(1 << 20)}, %{a}",
            f"movq {8 * chosen.randrange(1 << 16)}(%{a}), %{b}",
        ]
    return "\n".join(lines) + "\n"


def bench_generated() -> list[Figure]:
    """Measure plain code at each size; the largest is set against the smaller ones."""
    return figures("generated", generated, COUNTS)


def bench_hand_written() -> list[Figure]:
    """Measure code with labels, branches, pseudo-instructions, data and comments."""
    return figures("hand-written", hand_written, COUNTS[:2])


def figures(name: str, write: Callable[[int], str], counts: tuple[int, ...]) -> list[Figure]:
    """Return lines a second at each count, beside the first count's and GNU as's."""
    gc.set_threshold(GARBAGE_THRESHOLD)  # as every command does
    description = load_description()
    reached: dict[int, float] = {}
    found: list[Figure] = []
    for count in counts:
        text = write(count)
        lines = text.count("\n")
        reached[count] = lines / seconds(partial(run, text, description))
        label = f"assemble {name}, {count:,}"
        if count > counts[0]:
            first = f"the same, {counts[0]:,}"
            found.append(Figure(label, reached[count], "lines/s", first, reached[counts[0]]))
        else:
            other = count / gnu_seconds(100_000) * 10
            found.append(Figure(label, reached[count], "lines/s", "GNU as, plain x86-64", other))
    return found


def run(text: str, description: Description) -> None:
    """Assemble a text."""
    assemble(Source("bench.s", text), description)


def seconds(call: Callable[[], object]) -> float:
    """Return the shorter of two times, or the only one of a call that takes long."""
    shortest = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        call()
        shortest = min(shortest, time.perf_counter() - start)
        if shortest > 10:
            break
    return shortest


def gnu_seconds(count: int) -> float:
    """Return how long GNU as takes for so many plain lines."""
    tool = shutil.which("as")
    if tool is None:
        raise Unavailable("GNU as is not installed")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "plain.s"
        source.write_text(plain_x86(count), encoding="utf-8")
        command = [tool, "--64", "-o", f"{folder}/plain.o", str(source)]
        try:
            return seconds(partial(subprocess.run, command, check=True, capture_output=True))
        except subprocess.CalledProcessError as error:
            raise Unavailable("GNU as does not know x86-64 here") from error
