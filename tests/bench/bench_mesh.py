"""The speed of many nodes on the native engine: guest code, packets, workers, memory, start."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from dojo_tools.description import load_description, load_machine
from dojo_tools.machine import load_program
from dojo_tools.machine.mesh import EndReason, Mesh
from figures import Figure, median_seconds
from native_runs import HARTS, KERNELS, Kernel, mix_on_harts, sgemm
from native_runs import ROUNDS as NODE_ROUNDS

UNIT = "M instr/s"
ROWS = 17
"""Rows of a die whose nodes are all usable, from row 1 on."""

TWO_DIES = """\
base = "node"
[grid]
width = {width}
height = {height}
die_width = 20
die_height = 18
provenance = "chosen: two dies"
"""
ROUNDS = 40_000_000
HART_ROUNDS = 3_000_000
SUMMA = Path(__file__).parents[2] / "samples" / "gemm-summa" / "summa.s"
GEMM = {"WIDTH": 20, "HEIGHT": 17, "M_BLOCK": 240, "N_BLOCK": 208, "K": 912, "PANEL": 456}


def _mesh(
    name: str,
    machine: str,
    columns: int | None = None,
    workers: int = 1,
    defines: Mapping[str, int] | None = None,
) -> Mesh:
    description = load_description()
    image = load_program([KERNELS / f"{name}.s"], description, defines=defines or {})
    grid, at = (None, (0, 0)) if columns is None else ((columns, ROWS), (0, 1))
    definition = load_machine(machine)
    return Mesh(image, description, definition, grid=grid, at=at, workers=workers)


def _runs(make: Callable[[], Mesh], count: int) -> tuple[float, Mesh]:
    """Return the median time of a run, with everything translated before, and the last mesh."""
    times: list[float] = []
    mesh = make()
    for _ in range(count + 1):
        mesh = make()
        started = time.perf_counter()
        assert mesh.run().reason is EndReason.DONE
        times.append(time.perf_counter() - started)
    return sorted(times[1:])[count // 2], mesh


def bench_exchange() -> list[Figure]:
    """Run two threads on each node of a die that send a packet every 1,000 cycles."""
    single = Kernel("integer_mix")
    instructions, _ = single.run(ROUNDS)
    seconds = median_seconds({"one": single.call(ROUNDS)}, 3)["one"]
    taken, mesh = _runs(lambda: _mesh("exchange", "d1", 20, defines={"ROUNDS": 12_000}), 3)
    retired = sum(mesh.engine.thread(agent).retired for agent in mesh.agents())
    rate, one = retired / taken / 1e6, instructions / seconds / 1e6
    return [Figure("mesh, exchange on 340 nodes", rate, UNIT, "one node, integer_mix", one)]


def bench_packets() -> list[Figure]:
    """Let each node of a die push packets to nodes that a generator chooses."""
    taken, mesh = _runs(lambda: _mesh("traffic", "d1"), 3)
    sent = sum(mesh.arrays["transfers_sent"])
    hops = sum(mesh.arrays["link_packets"])
    return [
        Figure("mesh, packets", sent / taken / 1e6, "M/s", "the aim", 1.0),
        Figure("mesh, hops", hops / taken / 1e6, "M/s", "12 a packet of the aim", 12.0),
    ]


def bench_harts() -> list[Figure]:
    """Run the integer mix on each node of a die without timing, and on as many harts of QEMU's."""
    description = load_description()
    image = load_program([KERNELS / "integer_mix.s"], description)
    machine = load_machine("d1")

    def ours(rounds: int) -> float:
        mesh = Mesh(image, description, machine, timing=False)
        for agent in mesh.agents():
            mesh.engine.thread(agent).write_register(NODE_ROUNDS, rounds)
        started = time.process_time()
        assert mesh.run().reason is EndReason.DONE
        return time.process_time() - started

    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    with mix_on_harts(HART_ROUNDS) as theirs, mix_on_harts(1) as starts:
        ours(HART_ROUNDS)
        for _ in range(3):
            seconds["ours"].append(ours(HART_ROUNDS) - ours(1))
            seconds["theirs"].append(theirs() - starts())
    work = HARTS * HART_ROUNDS / 1e6
    rate, reference = (work / median(seconds[name]) for name in ("ours", "theirs"))
    return [Figure("mesh, integer mix, 354 nodes", rate, "M/s", "QEMU, 354 harts", reference)]


def bench_gemm() -> list[Figure]:
    """Compare a matrix product of a die's nodes, by one worker, with numpy's, by one thread."""
    description = load_description()
    image = load_program([SUMMA], description, defines=GEMM)
    m, k, n = GEMM["HEIGHT"] * GEMM["M_BLOCK"], GEMM["K"], GEMM["WIDTH"] * GEMM["N_BLOCK"]
    product = sgemm(m, k, n)
    taken: list[float] = []

    def guest() -> None:
        grid, at = (GEMM["WIDTH"], GEMM["HEIGHT"]), (0, 1)
        mesh = Mesh(image, description, load_machine("d1"), grid=grid, at=at)
        started = time.perf_counter()
        assert mesh.run().reason is EndReason.DONE
        taken.append(time.perf_counter() - started)

    host = median_seconds({"guest": guest, "host": product}, 3)["host"]
    flops = 2 * m * k * n / 1e9
    other = f"numpy sgemm {m}x{k}x{n}, one thread"
    rate = flops / median(taken[1:])
    return [Figure("mesh, gemm-summa, one worker", rate, "GFLOP/s", other, flops / host)]


def bench_workers() -> list[Figure]:
    """Compare two workers with one, on two dies, one above the other and side by side."""
    return [
        _two_workers("one above the other", width=20, height=36),
        _two_workers("side by side", width=40, height=18),
    ]


def _two_workers(places: str, width: int, height: int) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "two-dies.toml"
        path.write_text(TWO_DIES.format(width=width, height=height))
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for workers in (1, 2) * 6:
            mesh = _mesh("exchange", str(path), workers=workers, defines={"ROUNDS": 6_000})
            started = time.perf_counter()
            assert mesh.run().reason is EndReason.DONE
            seconds[workers].append(time.perf_counter() - started)
    one, two = (1 / median(seconds[workers][1:]) for workers in (1, 2))
    return Figure(f"mesh, two workers, {places}", two, "runs/s", "one worker", one)


def bench_start() -> list[Figure]:
    """Compare making a die with a program on every node with making one node."""
    cases = {name: (lambda name=name: _mesh("exchange", name)) for name in ("d1", "node")}
    seconds = median_seconds(cases, 5)
    made = (1000 * seconds[name] for name in ("d1", "node"))
    return [Figure("mesh, a die made", next(made), "ms", "one node", next(made))]
