"""What a run is: a program, what goes in, what comes out, and what it is checked against.

A `RunFile` comes from a `run.toml` or is made in Python; its paths are ready to open. Spans say
where a wish was written; they are None for one that comes from a command line or from Python.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dojo_tools.diagnostics import Diagnostic, Span

if TYPE_CHECKING:
    from dojo_tools.runs.expression import Expression

INSTRUCTIONS_MAX_DEFAULT = 10_000_000_000
MACHINE_DEFAULT = "node"
ENGINES = ("native", "reference", "both")
TIMINGS = ("on", "off")
INTEGER_MAX = 1 << 62
"""Limits of generated integers and of what a user may ask of other counts."""
WORKERS_MAX = 256

Number = int | float
Numbers = Number | tuple["Numbers", ...]
Blocks = tuple[int, int] | Literal["live"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor is on a machine of many nodes; by default at its symbol on every node.

    `node` is (x, y) in the partition. `blocks` split it, as in `machine.mesh_tensors`. With `dip`
    it is in the memory of a DIP card, from `offset` on. At most one of the three is given, and
    `span` is where.
    """

    node: tuple[int, int] | None = None
    blocks: Blocks | None = None
    dip: int | None = None
    offset: int = 0
    span: Span | None = field(default=None, compare=False)


EVERYWHERE = Place()


@dataclass(frozen=True, slots=True)
class Grid:
    """The nodes that a run has: `size` is columns and rows, None for all of the machine from `at`.

    An image that places its programs has a size of its own.
    """

    size: tuple[int, int] | None = None
    at: tuple[int, int] = (0, 0)
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """A value for a register of 64 bits or for a symbol, set before the program starts.

    A symbol with a tensor type takes numbers, nested for a shape; another one an integer. Each node
    gets a number of its own from `nodes`: a file of an array with a row for each row of nodes, or
    an expression of x, y, width and height; `value` does not count then.
    """

    name: str
    value: Numbers = 0
    span: Span | None = None
    nodes: "Path | Expression | None" = None
    name_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Generate:
    """Numbers made up from a seed; the limits of `integers` are both included.

    `kind` is one of `generate.KINDS`; a setting that the kind does not use is None.
    """

    kind: str
    seed: int | None = None
    low: Number | None = None
    high: Number | None = None
    mean: Number | None = None
    deviation: Number | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor to put at a symbol: read from a file, or generated; exactly one of the two.

    `element` and `shape` are needed where the symbol has no type and must agree with one it has;
    with blocks the shape is that of a block. `name` is what expressions call it, the symbol if
    empty; one in DIP memory has no symbol. `span` is where its origin is named.
    """

    symbol: str
    file: Path | None = None
    generate: Generate | None = None
    element: str | None = None
    shape: tuple[int, ...] | None = None
    span: Span | None = None
    place: Place = EVERYWHERE
    name: str = ""
    symbol_span: Span | None = None

    @property
    def title(self) -> str:
        """What expressions and reports call it."""
        return self.name or self.symbol


@dataclass(frozen=True, slots=True)
class Check:
    """What an output is compared with: a file or an expression; exactly one of the two.

    An expression is computed `repeat` times; from the second time on the output's own name means
    what came out the time before.
    """

    file: Path | None = None
    expression: "Expression | None" = None
    span: Span | None = None
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be from the expected one; any of the three is enough.

    |found - expected| <= absolute + relative * |expected|, or at most `ulp` numbers of the
    element type away from the expected value rounded to it.
    """

    absolute: float = 0.0
    relative: float = 0.0
    ulp: int = 0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Labels for the greatest of each row of an output, and the share that must be right."""

    labels: Path
    at_least: float | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor to take from a symbol when the program has halted: save it, check it, or both."""

    symbol: str
    save: Path | None = None
    check: Check | None = None
    tolerance: Tolerance = Tolerance()
    accuracy: Accuracy | None = None
    element: str | None = None
    shape: tuple[int, ...] | None = None
    span: Span | None = None
    place: Place = EVERYWHERE
    name: str = ""

    @property
    def title(self) -> str:
        """What expressions and reports call it."""
        return self.name or self.symbol


@dataclass(frozen=True, slots=True)
class Dump:
    """Memory at a symbol to save however the run ends; bytes if the symbol has no type.

    Of many nodes it is that of `node`, the first that has the symbol if there is none.
    """

    symbol: str
    path: Path
    node: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Show:
    """An element type to show a register as, or all of a register file, in dumps and traces."""

    register: str
    element: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong with a run file, and is left out of it.

    `left_out` are the names of its tensors that are wrong. Without `has_program` nothing can be
    said about the rest. `omitted_count` more were found and not kept.
    """

    found: Sequence[Diagnostic] = ()
    left_out: frozenset[str] = frozenset()
    has_program: bool = True
    omitted_count: int = 0


NO_MISTAKES = Mistakes()


@dataclass(frozen=True, slots=True)
class RunFile:
    """One run: `program` is an image, or the sources and objects to link.

    A run that takes more cycles than `cycles_max` fails, and is stopped soon after.
    `machine` is a shipped machine by name or a file, as `load_machine` takes it.
    `defines` are symbols that the sources are assembled with. `workers` run the dies of a machine
    side by side; the result is the same for any number. `engine` is one of `ENGINES`, None for
    the native one; without `timing` each instruction takes one cycle. `isa` are descriptions of
    a user's own, for who loads the description. One with `mistakes` never runs.
    """

    name: str
    program: tuple[Path, ...]
    arguments: tuple[Argument, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    dumps: tuple[Dump, ...] = ()
    instructions_max: int = INSTRUCTIONS_MAX_DEFAULT
    cycles_max: int | None = None
    machine: str = MACHINE_DEFAULT
    shows: tuple[Show, ...] = ()
    defines: Mapping[str, int] = field(default_factory=dict[str, int])
    grid: Grid = Grid()
    workers: int = 1
    engine: str | None = None
    timing: bool = True
    isa: tuple[Path, ...] = ()
    mistakes: Mistakes = NO_MISTAKES
