"""How long translations take, and the whole of a small program from its start to its end.

Translations are made in a process that keeps nothing on disk; a figure is set against the target.
"""

import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench_startup import PYTHON, command
from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from figures import Figure, median_seconds

COUNTS = (300, 3_000, 10_000)
TARGETS_MS = {"cheap": 0.3, "hot": 1.5}
ROUNDS = {"cheap": 3, "hot": 1}
HELLO = Path(__file__).parents[2] / "samples/hello/hello.s"
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
    """Measure translating straight lines of code, once for each tier."""
    figures: list[Figure] = []
    with ProcessPoolExecutor(1) as pool:
        for tier, target in TARGETS_MS.items():
            for count in COUNTS:
                taken = pool.submit(_translation_ms, count, tier).result()
                name = f"translation, {tier}, {count:,}"
                figures.append(Figure(name, taken, "ms/instr", "target", target))
    return figures


def _translation_ms(count: int, tier: str) -> float:
    """Return the median time to translate and run an instruction of a straight line once."""
    compiler().keep_nothing()
    lines = [LINE[index % len(LINE)].format(n=1 + index % 31) for index in range(count - 3)]
    text = "\n".join(
        [".text", ".global _start", "_start:", "li s0, 0x100000", *lines, "halti 0", ""]
    )
    description = load_description()
    image = link([assemble(Source("line.s", text), description).object], description.relocations)
    definition = load_machine("node")
    taken: list[float] = []
    for _ in range(ROUNDS[tier]):
        timeline = Timeline.of(description, definition)
        size, low = definition.sram_bytes, definition.reserved_bytes
        thread = NativeThread(description, size, low, timeline=timeline, optimised=tier == "hot")
        for segment in image.segments:
            thread.write_memory(segment.address, segment.contents)
        thread.pc = image.entry
        started = time.perf_counter()
        stop = thread.run(1 << 40)
        taken.append(time.perf_counter() - started)
        assert stop.reason is StopReason.HALT, stop
        assert abs(thread.retired - count) <= 1
    return 1000 * statistics.median(taken) / count


def bench_hello() -> list[Figure]:
    """Measure `dojo-run` from its start to its exit, from source and from an image."""
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        object_file, image = Path(folder) / "hello.o", Path(folder) / "hello.elf"
        command(str(tools / "dojo-as"), str(HELLO), "-o", str(object_file))()
        command(str(tools / "dojo-ld"), str(object_file), "-o", str(image))()
        run = str(tools / "dojo-run")
        seconds = median_seconds(
            {
                PYTHON: command(sys.executable, "-c", "pass"),
                "image": command(run, str(image)),
                "source": command(run, str(HELLO)),
            }
        )
    return [
        Figure(f"dojo-run hello, {kind}", 1000 * seconds[kind], "ms", "target", target)
        for kind, target in (("image", 350), ("source", 600))
    ]
