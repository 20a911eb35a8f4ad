"""How long translations take, and the whole of programs from their start to their end.

Translations are made in a process that keeps nothing on disk; a figure is set against the target.
"""

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench_startup import command
from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from figures import Figure

COUNTS = (1_000, 3_000, 10_000)
TARGETS_MS = {"cheap": 0.3, "hot": 1.5}
GROWTH_TARGET = 1.3
ROUNDS = {"cheap": 3, "hot": 1}
HELLO = Path(__file__).parents[2] / "samples/hello/hello.s"
RUN = str(Path(sys.executable).with_name("dojo-run"))
STARTS = 3
LINE = (
    "addi a0, a0, {n}",
    "xor a1, a1, a0",
    "ld a2, [s0 + 8]",
    "mul a3, a2, a1",
    "sd a3, [s0 + 16]",
    "vfma.f32 v1, v2, v3",
    "srli a4, a3, {n}",
    "vadd.f32 v4, v1, v{n}",
)
"""What a straight line repeats: mostly scalar code, as programs are outside their kernels."""


def bench_straight_line() -> list[Figure]:
    """Measure translating straight lines of code, in each tier, and whether it is linear."""
    figures: list[Figure] = []
    with ProcessPoolExecutor(1) as pool:
        for tier, target in TARGETS_MS.items():
            taken = {c: pool.submit(_translation_ms, c, tier).result() for c in COUNTS}
            figures += [
                Figure(f"translation, {tier}, {count:,}", ms, "ms/instr", "target", target)
                for count, ms in taken.items()
            ]
            growth = taken[COUNTS[-1]] / taken[COUNTS[0]]
            name = f"an instruction of {COUNTS[-1]:,}, {tier}"
            figures.append(Figure(name, growth, f"x {COUNTS[0]:,}'s", "target", GROWTH_TARGET))
    return figures


def _translation_ms(count: int, tier: str) -> float:
    """Return the median processor time of translating and running an instruction once."""
    compiler().keep_nothing()
    description = load_description()
    source = Source("line.s", _straight_line(count))
    image = link([assemble(source, description).object], description.relocations)
    definition = load_machine("node")
    taken: list[float] = []
    for _ in range(ROUNDS[tier]):
        timeline = Timeline.of(description, definition)
        size, low = definition.sram_bytes, definition.reserved_bytes
        thread = NativeThread(description, size, low, timeline=timeline, optimised=tier == "hot")
        for segment in image.segments:
            thread.write_memory(segment.address, segment.contents)
        thread.pc = image.entry
        started = time.process_time()
        stop = thread.run(1 << 40)
        taken.append(time.process_time() - started)
        assert stop.reason is StopReason.HALT, stop
        assert abs(thread.retired - count) <= 1
    return 1000 * statistics.median(taken) / count


def _straight_line(count: int) -> str:
    lines = [LINE[index % len(LINE)].format(n=1 + index % 31) for index in range(count - 3)]
    return "\n".join(
        [".text", ".global _start", "_start:", "li s0, 0x100000", *lines, "halti 0", ""]
    )


def bench_programs() -> list[Figure]:
    """Measure `dojo-run` from its start to its exit: cold with nothing on disk, and warm."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = folder / "line.s"
        line.write_text(_straight_line(COUNTS[-1]), encoding="utf-8")
        return [
            *_starts("hello, source", HELLO, cold=1.0, warm=0.6),
            *_starts("hello, image", _linked(HELLO, folder), cold=1.0, warm=0.35),
            *_starts(f"{COUNTS[-1]:,} instructions, source", line, cold=4.0, warm=0.6),
            *_starts(f"{COUNTS[-1]:,} instructions, image", _linked(line, folder), 4.0, 0.6),
        ]


def _linked(source: Path, folder: Path) -> Path:
    """Return the image of a source, made in a folder."""
    made = folder / f"{source.stem}.o", folder / f"{source.stem}.img"
    for tool, path, result in zip(("dojo-as", "dojo-ld"), (source, made[0]), made, strict=True):
        command(str(Path(RUN).with_name(tool)), str(path), "-o", str(result))()
    return made[1]


def _starts(name: str, program: Path, cold: float, warm: float) -> list[Figure]:
    """Return the median processor times of a program's first start and of the next one."""
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as cache:
        _processor_seconds(program, Path(cache))  # Python compiles what it has not yet
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as cache:
            for kind in seconds:
                seconds[kind].append(_processor_seconds(program, Path(cache)))
    return [
        Figure(f"{name}, {kind}", statistics.median(seconds[kind]), "s", "target", target)
        for kind, target in (("cold", cold), ("warm", warm))
    ]


def _processor_seconds(program: Path, cache: Path) -> float:
    environment = {**os.environ, "DOJO_CACHE_DIR": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's Python compiles a module once
    before = os.times()
    command(RUN, str(program), environment=environment)()
    after = os.times()
    return after.children_user + after.children_system - sum(before[2:4])
