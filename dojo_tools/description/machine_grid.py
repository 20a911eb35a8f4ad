"""The tables of a machine file that say which nodes, dies and DIP cards a machine has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dojo_tools.description.machine_tables import check_keys, read_rate, read_table
from dojo_tools.diagnostics import fail

GRID_SIDE_MAX = 4096
DIPS_MAX = 4096
"""A global address has 12 bits for the number of a DIP."""

_GRID_KEYS = ("width", "height", "die_width", "die_height", "dead", "dead_in_each_die")
_SIDES = ("west", "east")


@dataclass(frozen=True, slots=True)
class GridDef:
    """The nodes of a machine: columns, rows, and the (x, y) of those that do not work.

    The mesh is made of `die_columns` x `die_rows` dies of equal size.
    """

    width: int
    height: int
    dead: frozenset[tuple[int, int]] = frozenset()
    die_columns: int = 1
    die_rows: int = 1

    @property
    def die_width(self) -> int:
        """Columns of nodes of a die."""
        return self.width // self.die_columns

    @property
    def die_height(self) -> int:
        """Rows of nodes of a die."""
        return self.height // self.die_rows


@dataclass(frozen=True, slots=True)
class DipPlace:
    """Where a DIP card is attached: `side` is west or east, at nodes of rows `y` to `y + height`.

    The last row is not included. A card's number is its index in `MachineDef.dips`.
    """

    side: str
    y: int
    height: int


def read_grid(path: Path, table: Mapping[str, Any]) -> GridDef:
    """Read the table `grid`; a machine without one is a single node."""
    if "grid" not in table:
        return GridDef(1, 1)
    grid = read_table(path, table, "grid")
    check_keys(path, grid, "grid", _GRID_KEYS)
    width, height = (read_rate(path, grid, "grid", k, 1, GRID_SIDE_MAX) for k in _GRID_KEYS[:2])
    filled = {"die_width": width, "die_height": height, **grid}
    die_width = read_rate(path, filled, "grid", "die_width", 1, width)
    die_height = read_rate(path, filled, "grid", "die_height", 1, height)
    for key, die, side in (("width", die_width, width), ("height", die_height, height)):
        if side % die:
            raise fail(f"{path}: `grid.{key}` is {side}, no multiple of `grid.die_{key}`, {die}")
    columns, rows = width // die_width, height // die_height
    dead = _read_nodes(path, grid, "dead", "grid", width, height)
    in_each_die = _read_nodes(path, grid, "dead_in_each_die", "die", die_width, die_height)
    repeated = {
        (column * die_width + x, row * die_height + y)
        for x, y in in_each_die
        for column in range(columns)
        for row in range(rows)
    }
    found = GridDef(width, height, frozenset(dead) | repeated, columns, rows)
    if len(found.dead) == width * height:
        raise fail(f"{path}: all {len(found.dead)} nodes of `grid` are dead")
    return found


def read_dips(path: Path, table: Mapping[str, Any], grid: GridDef) -> tuple[DipPlace, ...]:
    """Read the optional table `dips`: for a side, the rows of dies that have a card there."""
    if "dips" not in table:
        return ()
    dips = read_table(path, table, "dips")
    check_keys(path, dips, "dips", _SIDES)
    found = [
        DipPlace(side, row * grid.die_height, grid.die_height)
        for side in _SIDES
        for row in _read_die_rows(path, dips.get(side, []), side, grid.die_rows)
    ]
    if len(found) > DIPS_MAX:
        raise fail(f"{path}: {len(found)} DIP cards, at most {DIPS_MAX} have an address")
    return tuple(found)


def _read_die_rows(path: Path, value: Any, side: str, count: int) -> list[int]:
    """Return a list of rows of dies, each once."""
    rows = cast("list[Any]", value) if isinstance(value, list) else [None]
    fitting = [row for row in rows if type(row) is int and 0 <= row < count]
    if len(fitting) < len(rows) or len(set(fitting)) < len(fitting):
        raise fail(
            f"{path}: `dips.{side}` must list rows of dies, each once, such as [0, 1]",
            hint=f"the machine has {count}, from 0",
        )
    return fitting


def _read_nodes(
    path: Path, grid: Mapping[str, Any], key: str, of: str, width: int, height: int
) -> list[tuple[int, int]]:
    """Return a list of [x, y] within `width` x `height`; a missing one is empty."""
    value = grid.get(key, [])
    is_list = isinstance(value, list)
    nodes = [_node(node) for node in cast("list[Any]", value)] if is_list else [None]
    for node in nodes:
        if node is None or node[0] >= width or node[1] >= height:
            raise fail(
                f"{path}: `grid.{key}` must list nodes of the {of}, such as [[3, 4], [3, 5]]",
                hint=f"the {of} is {width} wide and {height} high",
            )
    return [node for node in nodes if node]


def _node(value: Any) -> tuple[int, int] | None:
    """Return a value of the file as x and y, None where it is no such pair."""
    match value:
        case [int(x), int(y)] if bool not in (type(x), type(y)) and min(x, y) >= 0:
            return x, y
        case _:
            return None
