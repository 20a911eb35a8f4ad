"""Samples for many nodes: results against numpy, both engines, odd rectangles, dead nodes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.description import load_description, load_machine
from dojo_tools.machine.mesh import EndReason, Mesh
from dojo_tools.machine.mesh_tensors import gather, read_tensor, scatter, write_tensor
from dojo_tools.machine.program import load_program
from dojo_tools.objects import Image
from dojo_tools.runs import Status, execute_run, load_run_file

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
DESCRIPTION = load_description()
SMALL_LIMIT = 2_000_000
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample runs."""

    machine: str
    grid: tuple[int, int]
    at: tuple[int, int] = (0, 0)
    engine: str = "native"


SMALL = Place("small", (4, 4))
SLOWLY = Place("small", (4, 4), engine="reference")
LIVE = Place("d1", (20, 17), (0, 1))
ALL_OF_DIE = Place("d1", (20, 18))
SCATTERED = Place("d1-scattered", (20, 18))


@cache
def program(name: str, defines: tuple[tuple[str, int], ...]) -> Image:
    return load_program([SAMPLES / name], DESCRIPTION, defines=dict(defines))


def mesh_of(name: str, place: Place, **defines: int) -> Mesh:
    image = program(name, tuple(defines.items()))
    machine = load_machine(place.machine)
    return Mesh(image, DESCRIPTION, machine, engine=place.engine, at=place.at, grid=place.grid)


def run(mesh: Mesh, limit: int | None = None) -> int:
    """Run to the end; return the cycles."""
    end = mesh.run()
    assert end.reason is EndReason.DONE, (end.fault, end.deadlock)
    assert limit is None or end.retired <= limit
    return end.cycles


SAMPLES_OF_MANY_NODES = ("allreduce", "batchnorm", "gemm-summa", "gemm-systolic", "halo")


@pytest.mark.parametrize("sample", SAMPLES_OF_MANY_NODES)
def test_the_run_file_of_the_small_size_holds(sample: str):
    report = execute_run(load_run_file(SAMPLES / sample / "run.toml"), DESCRIPTION, engine="both")
    assert report.status is Status.DONE
    assert report.retired <= SMALL_LIMIT


@pytest.mark.soak
@pytest.mark.parametrize("sample", SAMPLES_OF_MANY_NODES)
def test_the_run_file_of_the_full_size_holds(sample: str):
    report = execute_run(load_run_file(SAMPLES / sample / "full.toml"), DESCRIPTION)
    assert report.status is Status.DONE
    assert all(output.comparison and output.comparison.passed for output in report.outputs)


# ---- matrix products


@dataclass(frozen=True, slots=True)
class Product:
    """A product's sizes: of a node's block, and how deep panels are."""

    rows: int
    columns: int
    depth: int
    panel: int

    @property
    def defines(self) -> dict[str, int]:
        return {
            "M_BLOCK": self.rows,
            "N_BLOCK": self.columns,
            "K": self.depth,
            "PANEL": self.panel,
        }


def small_integers(seed: int, *shape: int) -> FloatArray:
    """Return numbers whose products have exact sums."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


def in_steps(left: FloatArray, right: FloatArray, height: int, width: int) -> list[FloatArray]:
    """Return the operands as the programs have them: steps of four of k, blocks of the unit."""
    depth = left.shape[1]
    steps = depth // 4
    rows = left.shape[0] // height // 8
    return [
        left.reshape(height, rows, 8, steps, 4).transpose(0, 3, 1, 2, 4),
        right.reshape(steps, 4, -1, 8).transpose(0, 2, 1, 3),
    ]


def padded(values: FloatArray, axis: int, size: int) -> FloatArray:
    extra = [(0, size - n if i == axis else 0) for i, n in enumerate(values.shape)]
    return np.pad(values, extra)


def from_tiles(tiles: NDArray[Any]) -> NDArray[Any]:
    """Return the matrix that tiles of 16x16 make, each four blocks of 8x8."""
    rows, columns = tiles.shape[:2]
    return tiles.transpose(0, 2, 4, 1, 3, 5).reshape(16 * rows, 16 * columns)


def check_summa(place: Place, size: Product, limit: int | None = None) -> int:
    width, height = place.grid
    mesh = mesh_of("gemm-summa/summa.s", place, WIDTH=width, HEIGHT=height, **size.defines)
    left = small_integers(1, size.rows * height, size.depth)
    right = small_integers(2, size.depth, size.columns * width)
    a, b = in_steps(left, right, height, width)
    steps = size.depth // 4
    scatter(mesh, "a", padded(a, 1, -(-steps // width) * width), (height, width))
    scatter(mesh, "b", padded(b, 0, -(-steps // height) * height), (height, width))
    cycles = run(mesh, limit)
    assert np.array_equal(from_tiles(gather(mesh, "c", (height, width))), left @ right)
    return cycles


def check_systolic(place: Place, size: Product, limit: int | None = None) -> int:
    width, height = place.grid
    mesh = mesh_of("gemm-systolic/systolic.s", place, **size.defines)
    left = small_integers(1, size.rows * height, size.depth)
    right = small_integers(2, size.depth, size.columns * width)
    a, b = in_steps(left, right, height, width)
    scatter(mesh, "a", a, (height, 1))
    scatter(mesh, "b", b, (1, width))
    cycles = run(mesh, limit)
    assert np.array_equal(from_tiles(gather(mesh, "c", (height, width))), left @ right)
    return cycles


def test_summa_is_the_same_on_both_engines():
    size = Product(32, 32, 180, 48)
    assert check_summa(SMALL, size, SMALL_LIMIT) == check_summa(SLOWLY, size)


@pytest.mark.parametrize("grid", [(1, 1), (3, 2), (2, 4), (4, 1)])
def test_summa_runs_on_any_rectangle(grid: tuple[int, int]):
    check_summa(Place("small", grid), Product(16, 48, 96, 36))


def test_summa_runs_beside_scattered_dead_nodes():
    check_summa(Place("d1-scattered", (14, 9), (1, 9)), Product(32, 32, 180, 48))


def test_summa_reaches_nine_tenths_of_a_die():
    size = Product(240, 208, 4080, 456)
    cycles = check_summa(LIVE, size)
    operations = 2 * (240 * 17) * (208 * 20) * 4080
    peak = 354 * 512
    assert operations / cycles >= 0.9 * peak


def test_the_systolic_array_is_the_same_on_both_engines():
    size = Product(32, 32, 192, 48)
    assert check_systolic(SMALL, size, SMALL_LIMIT) == check_systolic(SLOWLY, size)


@pytest.mark.parametrize("grid", [(1, 1), (3, 2), (2, 4), (4, 1)])
def test_the_systolic_array_is_any_rectangle(grid: tuple[int, int]):
    check_systolic(Place("small", grid), Product(16, 48, 180, 36))


def test_the_systolic_array_fills_a_die():
    check_systolic(LIVE, Product(32, 32, 240, 48))


# ---- all-reduce


def check_allreduce(place: Place, length: int, limit: int | None = None) -> tuple[int, int]:
    """Return the cycles that the ring and the tree take."""
    width, height = place.grid
    mesh = mesh_of("allreduce/allreduce.s", place, LENGTH=length, NODES=width * height)
    nodes = len(mesh.residences[0].nodes)
    x = np.random.default_rng(1).integers(-100, 100, (nodes, length)).astype(np.float32)
    scatter(mesh, "x", x, "live")
    run(mesh, limit)
    for name in ("ring", "tree"):
        found = gather(mesh, name, "live").reshape(nodes, length)
        assert np.array_equal(found, np.broadcast_to(x.sum(axis=0), found.shape)), name
    cycles = gather(mesh, "cycles", "live").reshape(nodes, 2).max(axis=0)
    return int(cycles[0]), int(cycles[1])


def test_allreduce_is_the_same_on_both_engines():
    assert check_allreduce(SMALL, 1024, SMALL_LIMIT) == check_allreduce(SLOWLY, 1024)


@pytest.mark.parametrize("grid", [(1, 1), (2, 1), (1, 3), (3, 4)])
def test_allreduce_runs_on_any_rectangle(grid: tuple[int, int]):
    check_allreduce(Place("small", grid), 1000)


@pytest.mark.parametrize("place", [ALL_OF_DIE, SCATTERED], ids=lambda place: place.machine)
def test_allreduce_runs_around_dead_nodes(place: Place):
    check_allreduce(place, 512)


@pytest.mark.parametrize("nodes", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("packets", [4, 16, 64])
def test_the_ring_takes_what_its_formula_says(nodes: int, packets: int):
    ring, _ = check_allreduce(Place("d1", (nodes, 1), (0, 1)), 16 * packets * nodes)
    assert ring == pytest.approx((nodes - 1) * (4.5 * packets + 74.5) + 88, rel=0.01)


# ---- halo exchange


def check_halo(place: Place, rows: int, columns: int, iterations: int) -> int:
    width, height = place.grid
    mesh = mesh_of("halo/halo.s", place, ROWS=rows, COLUMNS=columns, ITERATIONS=iterations)
    shape = (rows * height, columns * width)
    u = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    scatter(mesh, "field", u, (height, width))
    cycles = run(mesh, SMALL_LIMIT if place.machine == "small" else None)
    for _ in range(iterations):
        p = np.pad(u, 1)
        beside = p[1:-1, :-2] + p[1:-1, 2:]
        above = p[:-2, 1:-1] + p[2:, 1:-1]
        u = u + np.float32(0.1) * ((beside + above) - np.float32(4) * u)
    assert np.array_equal(gather(mesh, "field", (height, width)), u)
    return cycles


def test_halos_are_the_same_on_both_engines():
    assert check_halo(SMALL, 8, 64, 5) == check_halo(SLOWLY, 8, 64, 5)


@pytest.mark.parametrize("grid", [(1, 1), (3, 2), (1, 4)])
def test_halos_are_exchanged_on_any_rectangle(grid: tuple[int, int]):
    check_halo(Place("small", grid), 5, 128, 7)


def test_halos_are_exchanged_on_a_die():
    check_halo(LIVE, 16, 64, 10)


# ---- batch normalisation


def check_batchnorm(place: Place, values: int, limit: int | None = None, **defines: int) -> int:
    """Return the cycles until the last node has the statistics."""
    mesh = mesh_of("batchnorm/batchnorm.s", place, VALUES=values, **defines)
    nodes = len(mesh.residences[0].nodes)
    x = np.random.default_rng(1).standard_normal((nodes * values, 16)).astype(np.float32) * 2 + 1
    scatter(mesh, "x", x, "live")
    run(mesh, limit)
    exact = x.astype(np.float64)
    for name, expected in (("mean", exact.mean(axis=0)), ("variance", exact.var(axis=0))):
        found = gather(mesh, name, "live").reshape(nodes, 16)
        assert np.allclose(found, expected, rtol=1e-5, atol=1e-6), name
    return int(gather(mesh, "cycles", "live").max())


DIE = {"DIE_WIDTH": 20, "DIE_HEIGHT": 18}


def test_batchnorm_is_the_same_on_both_engines():
    size = {"DIE_WIDTH": 2, "DIE_HEIGHT": 2, "DIES": 4}
    assert check_batchnorm(SMALL, 8, SMALL_LIMIT, **size) == check_batchnorm(SLOWLY, 8, **size)


def test_batchnorm_runs_around_dead_nodes():
    check_batchnorm(SCATTERED, 8, DIES=1, LEADER_X=11, LEADER_Y=9, **DIE)


def test_batchnorm_over_25_dies_takes_less_than_5_us():
    cycles = check_batchnorm(Place("tile", (100, 90)), 8, DIES=25, **DIE)
    assert cycles / load_machine("tile").clock_hz < 5e-6


def test_one_node_has_what_all_have():
    mesh = mesh_of("allreduce/allreduce.s", Place("small", (2, 2)), LENGTH=256, NODES=4)
    write_tensor(mesh, "x", np.ones((1, 256), np.float32))
    run(mesh)
    assert np.array_equal(read_tensor(mesh, "tree", (1, 1)), np.full(256, 4, np.float32))
