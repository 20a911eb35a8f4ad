"""Which programs an image has and which nodes run them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.diagnostics import Report, did_you_mean, printable
from dojo_tools.linker.inputs import Input
from dojo_tools.linker.options import PROGRAMS_MAX, Grid, LinkOptions
from dojo_tools.objects import ObjectFile, Rectangle
from dojo_tools.objects.programs import RECTANGLES_MAX

DEFAULT_PROGRAM = "main"
"""The name of the only program where it is placed but nobody named it."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The placement of each program by name, in order; the name None is one without a name.

    Coordinates of the methods are relative to the north-west corner of the bounding rectangle.
    """

    placements: Mapping[str | None, tuple[Rectangle, ...]]

    @property
    def bounds(self) -> Rectangle | None:
        """The bounding rectangle of all placements, None where a program runs everywhere."""
        found = [rectangle for placed in self.placements.values() for rectangle in placed]
        if not found:
            return None
        west, north = min(r.x for r in found), min(r.y for r in found)
        east, south = max(r.x + r.width for r in found), max(r.y + r.height for r in found)
        return Rectangle(west, north, east - west, south - north)

    def program_at(self, x: int, y: int) -> int | None:
        """Return the number of the program that runs on a node, None for no program."""
        bounds = self.bounds
        if bounds is None:
            return 0
        node = Rectangle(x + bounds.x, y + bounds.y, 1, 1)
        for number, placement in enumerate(self.placements.values()):
            if any(rectangle.overlap(node) for rectangle in placement):
                return number
        return None


def find_partition(files: Iterable[Input], options: LinkOptions, report: Report) -> Partition:
    """Return the programs of an image in the order of their first object. Report what is wrong."""
    objects = [file for file in files if isinstance(file, ObjectFile)]
    found: dict[str, list[Rectangle]] = {}
    unnamed: list[Rectangle] = []
    for file in objects:
        if file.program is not None:
            found.setdefault(file.program, []).extend(file.placement)
        else:
            unnamed += file.placement
    if not found and (unnamed or options.placements.get(DEFAULT_PROGRAM)):
        found, unnamed = {DEFAULT_PROGRAM: unnamed}, []
    _check_names(found, objects, unnamed, options, report)
    if not found:
        return Partition({None: ()})
    placements: dict[str | None, tuple[Rectangle, ...]] = {}
    for name, placed in found.items():
        placements[name] = options.placements.get(name) or tuple(dict.fromkeys(placed))
        if not placements[name] and len(found) > 1:
            report.error(
                f"program `{printable(name)}` has no place, and there are {len(found)} programs",
                hint=f"give it one: `.place` in its source, or `--place {printable(name)}=X,Y,WxH`",
            )
        if len(placements[name]) > RECTANGLES_MAX:
            report.error(
                f"program `{printable(name)}` is placed on {len(placements[name])} rectangles, "
                f"at most {RECTANGLES_MAX} fit in an image"
            )
    partition = Partition(placements)
    _check_overlaps(partition, report)
    if options.grid is not None:
        _check_grid(partition, options.grid, report)
    return partition


def _check_names(
    found: Mapping[str, object],
    objects: Sequence[ObjectFile],
    unnamed: Sequence[Rectangle],
    options: LinkOptions,
    report: Report,
) -> None:
    if unnamed:
        name = next(file.name for file in objects if file.placement and file.program is None)
        report.error(
            f"{printable(name)} is placed, but it is part of no program and so of all of them",
            hint="say which with `.program`",
        )
    if len(found) > PROGRAMS_MAX:
        report.error(f"{len(found)} programs, at most {PROGRAMS_MAX} fit in an image")
    for name in dict.fromkeys([*options.placements, *options.entries]):
        if name not in found:
            hint = did_you_mean(name, found)
            report.error(
                f"there is no program `{printable(name)}`",
                hint=printable(hint) if hint else "`.program` or `--program NAME=FILE` make one",
            )


def _check_overlaps(partition: Partition, report: Report) -> None:
    """Report the first overlap of each two programs."""
    placed = [
        (name or "", rectangle)
        for name, placement in partition.placements.items()
        for rectangle in placement
    ]
    placed.sort(key=lambda found: (found[1].x, found[1].y))
    seen: set[frozenset[str]] = set()
    active: list[tuple[str, Rectangle]] = []
    for name, rectangle in placed:
        active = [found for found in active if found[1].x + found[1].width > rectangle.x]
        for other_name, other in active:
            node = rectangle.overlap(other)
            both = frozenset((name, other_name))
            if node is None or name == other_name or both in seen:
                continue
            seen.add(both)
            names = " and ".join(f"`{printable(n)}`" for n in (other_name, name))
            report.error(
                f"the places {other} and {rectangle} of the programs {names} "
                f"overlap at node ({node[0]}, {node[1]})"
            )
        active.append((name, rectangle))


def _check_grid(partition: Partition, grid: Grid, report: Report) -> None:
    for name, placement in partition.placements.items():
        for rectangle in placement:
            x, y, width, height = rectangle
            if x + width > grid.width or y + height > grid.height:
                report.error(
                    f"program `{printable(name or '')}` is placed at {rectangle}, outside the "
                    f"machine's {grid.width}x{grid.height} nodes"
                )
            elif (width, height) == (1, 1) and (x, y) in grid.dead:
                report.error(
                    f"program `{printable(name or '')}` is placed on ({x}, {y}), a dead node",
                    hint="a rectangle around it is placed on its live nodes",
                )
            elif (width, height) == (1, 1) and (x, y) in grid.cut_off:
                report.error(
                    f"program `{printable(name or '')}` is placed on ({x}, {y}), a node that dead "
                    "ones cut off",
                    hint="dead nodes grow to rectangles that neither touch nor meet at a corner",
                )
