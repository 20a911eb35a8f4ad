"""Published figures of the D1, measured: each by a program of `samples/fidelity/` on the mesh.

A program leaves in `work`, on each node that takes part, what it has done, and in `cycles` how long
that took. All that nodes did together within the longest of these times is a rate; cycles for each
piece of work are a latency. Sources of the published values: section 13 of the project's D1 facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dojo_tools.description import Description, load_description, load_machine
from dojo_tools.diagnostics import did_you_mean, fail
from dojo_tools.machine.mesh import EndReason, Mesh
from dojo_tools.machine.program import load_program

_PACKAGE = Path(__file__).resolve().parents[1]
FOLDER = next(
    folder
    for parent in (_PACKAGE, _PACKAGE.parent)  # inside the wheel, or a checkout
    if (folder := parent / "samples" / "fidelity").is_dir() or parent is _PACKAGE.parent
)
TOLERANCE = 0.02
"""How far a measured figure may be from the published one, relative to it."""

WORD = 8
"""Bytes of `work` and of `cycles`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure and the program that measures it.

    `scale` is what one of `unit` is in operations, bytes or seconds. The program runs on `machine`,
    a shipped one or a file beside it, or on the rectangle of it that `at` and `grid` give.
    """

    name: str
    published: float
    unit: str
    scale: float
    program: str
    machine: str = "node"
    at: tuple[int, int] = (0, 0)
    grid: tuple[int, int] | None = None
    defines: Mapping[str, int] = field(default_factory=dict[str, int])
    is_latency: bool = False


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure with what was measured, in its unit."""

    figure: Figure
    measured: float
    cycles: int

    @property
    def ratio(self) -> float:
        """Measured over published."""
        return self.measured / self.figure.published

    @property
    def holds(self) -> bool:
        """Whether the measured figure is as near to the published one as it has to be."""
        return abs(self.ratio - 1) <= TOLERANCE


TFLOPS, GFLOPS = 1e12, 1e9
TERABYTES, GIGABYTES = 1e12, 1e9
NANOSECONDS = 1e-9

FIGURES = (
    Figure("node bf16", 1.024, "TFLOPS", TFLOPS, "matrix.s"),
    Figure("node CFloat8", 1.024, "TFLOPS", TFLOPS, "matrix.s", defines={"FORMAT": 1}),
    Figure("node float32", 64, "GFLOPS", GFLOPS, "simd.s"),
    Figure("SRAM load", 400, "GB/s", GIGABYTES, "sram.s", "small", grid=(2, 1)),
    Figure(
        "SRAM store", 270, "GB/s", GIGABYTES, "sram.s", "small", grid=(2, 1), defines={"LOADS": 0}
    ),
    Figure("hop", 0.5, "ns", NANOSECONDS, "latency.s", "small", grid=(4, 1), is_latency=True),
    Figure("link", 128, "GB/s", GIGABYTES, "link.s", "small", grid=(2, 1)),
    Figure("node boundary", 1.024, "TB/s", TERABYTES, "boundary.s", "small", grid=(3, 3)),
    Figure("die bf16", 362, "TFLOPS", TFLOPS, "matrix.s", "d1"),
    Figure(
        "die edge, one way",
        2,
        "TB/s",
        TERABYTES,
        "link.s",
        "two-dies.toml",
        at=(19, 0),
        grid=(2, 18),
        defines={"PUSHES": 4},
    ),
    Figure(
        "die to die",
        100,
        "ns",
        NANOSECONDS,
        "latency.s",
        "two-dies.toml",
        at=(18, 1),
        grid=(3, 1),
        defines={"HOME": 1, "NEAR": 0, "FAR": 2, "HOPS": 2},
        is_latency=True,
    ),
    Figure("DIP memory", 800, "GB/s", GIGABYTES, "dip.s", "d1", grid=(1, 18)),
    Figure("DIP link", 900, "GB/s", GIGABYTES, "dip.s", "dip-link.toml", grid=(1, 18)),
)


def measure_all(engine: str, names: Sequence[str] = (), folder: Path = FOLDER) -> list[FigureRow]:
    """Measure figures by name, without names all. Raises `InputError` for an unknown one."""
    known = {figure.name: figure for figure in FIGURES}
    for name in names:
        if name not in known:
            raise fail(f"unknown figure `{name}`", hint=did_you_mean(name, list(known)))
    description = load_description()
    figures = [known[name] for name in names] or FIGURES
    return [measure(figure, description, engine, folder) for figure in figures]


def measure(
    figure: Figure, description: Description, engine: str, folder: Path = FOLDER
) -> FigureRow:
    """Run the program of a figure; return what it measures."""
    mesh = run_figure(figure, description, engine, folder)
    nodes = [node for home in mesh.residences for node in home.nodes]
    work = sum(read_word(mesh, node, "work") for node in nodes)
    cycles = max(read_word(mesh, node, "cycles") for node in nodes)
    seconds = cycles / mesh.machine.clock_hz
    measured = (seconds / work if figure.is_latency else work / seconds) / figure.scale
    return FigureRow(figure, measured, cycles)


def run_figure(
    figure: Figure, description: Description, engine: str, folder: Path = FOLDER
) -> Mesh:
    """Run the program of a figure to its end; return the mesh."""
    is_file = figure.machine.endswith(".toml")
    machine = load_machine(str(folder / figure.machine) if is_file else figure.machine)
    image = load_program(
        [folder / figure.program], description, defines=figure.defines, machine=machine
    )
    mesh = Mesh(image, description, machine, engine=engine, at=figure.at, grid=figure.grid)
    end = mesh.run()
    if end.reason is not EndReason.DONE:
        raise fail(f"{figure.program} ended before it had measured `{figure.name}`: {end.reason}")
    return mesh


def read_word(mesh: Mesh, node: int, symbol: str) -> int:
    """Return the integer of 64 bits at a symbol of a node."""
    address = next(known.value for known in mesh.image.symbols if known.name == symbol)
    return int.from_bytes(mesh.engine.read_memory(node, address, WORD), "little")
