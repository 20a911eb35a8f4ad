"""The tables of a machine file that say which nodes, dies and DIP cards a machine has."""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from dojo_tools.description.machine_tables import MachineTables, read_integer
from dojo_tools.toml_source import Table, describe_value

GRID_SIDE_MAX = 4096
DIPS_MAX = 4096
"""A global address has 12 bits for the number of a DIP."""

GRID_KEYS = ("width", "height", "die_width", "die_height", "dead", "dead_in_each_die")
_SIDES = ("west", "east")
EXAMPLES = MappingProxyType(
    {
        "width": "width = 20",
        "height": "height = 18",
        "dead": "dead = [[3, 4], [3, 5]]",
        "dead_in_each_die": "dead_in_each_die = [[3, 4], [3, 5]]",
        "west": "west = [0]",
        "east": "east = [0]",
    }
)
"""How keys are written, for hints."""
MEANT = MappingProxyType({"size": ("width", "height"), "die_size": ("die_width", "die_height")})
"""Keys that somebody may write, and what they are called here."""


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


def read_grid(tables: MachineTables) -> GridDef:
    """Read the table `grid`; a machine without one is a single node."""
    table = tables.find("grid")
    if table is None:
        return GridDef(1, 1)
    tables.check_keys(table, GRID_KEYS[:2], GRID_KEYS[2:])
    width, die_width = _read_side(table, "width")
    height, die_height = _read_side(table, "height")
    found = GridDef(width, height, frozenset(), width // die_width, height // die_height)
    dead = set(_read_nodes(table, "dead", "grid", width, height))
    for x, y in _read_nodes(table, "dead_in_each_die", "die", die_width, die_height):
        dead |= {
            (column * die_width + x, row * die_height + y)
            for column in range(found.die_columns)
            for row in range(found.die_rows)
        }
    if len(dead) == width * height:
        key = "dead" if "dead" in table.values else "dead_in_each_die"
        table.error(f"all {len(dead)} nodes of `grid` are dead; at least one works", key)
    return replace(found, dead=frozenset(dead))


def _read_side(table: Table, key: str) -> tuple[int, int]:
    """Return the nodes of one side of the mesh and of a die, which divides it."""
    count = read_integer(table, key, 1, GRID_SIDE_MAX, wrong=GRID_SIDE_MAX)
    if table.values.get(key) != count:
        return count, count  # reported; what depends on it is read as if it fitted
    die = read_integer(table, f"die_{key}", 1, count, wrong=count)
    if count % die:
        table.error(
            f"`die_{key}` is {die}, which does not divide `{key}`, {count}",
            f"die_{key}",
            f"the mesh is made of whole dies: {_divisors(count)} fit",
        )
        return count, count
    return count, die


def _divisors(count: int) -> str:
    return ", ".join(str(number) for number in range(1, count + 1) if count % number == 0)


def read_dips(tables: MachineTables, grid: GridDef) -> tuple[DipPlace, ...]:
    """Read the optional table `dips`: for a side, the rows of dies that have a card there."""
    table = tables.find("dips")
    if table is None:
        return ()
    tables.check_keys(table, (), _SIDES)
    found = [
        DipPlace(side, row * grid.die_height, grid.die_height)
        for side in _SIDES
        for row in _read_die_rows(table, side, grid.die_rows)
    ]
    if len(found) > DIPS_MAX:
        table.error(f"{len(found)} DIP cards, at most {DIPS_MAX} have an address")
    return tuple(found)


def _read_die_rows(table: Table, side: str, count: int) -> list[int]:
    """Return a list of rows of dies, each once."""
    rows: list[int] = []
    fits = (
        "0 fits: there is one row of dies" if count == 1 else f"rows of dies, 0..{count - 1}, fit"
    )
    for index, row in enumerate(table.take_list(side) or []):
        if type(row) is not int or not 0 <= row < count:
            table.error(f"`{side}` holds {describe_value(row)}; {fits}", (side, index))
        elif row in rows:
            table.error(f"row {row} is named twice; each has one card at most", (side, index))
        else:
            rows.append(row)
    return rows


def _read_nodes(table: Table, key: str, of: str, width: int, height: int) -> list[tuple[int, int]]:
    """Return a list of [x, y] within `width` x `height`; a missing one is empty."""
    nodes: dict[tuple[int, int], None] = {}
    for index, value in enumerate(table.take_list(key) or []):
        node = _node(value)
        if node is None:
            table.error(
                f"`{key}` holds {describe_value(value)}; [x, y] fits",
                (key, index),
                table.example(key),
            )
        elif node[0] >= width or node[1] >= height:
            table.error(
                f"node {list(node)} is outside: the {of} is {width} wide and {height} high",
                (key, index),
                "x goes to the east and y to the south, from [0, 0]",
            )
        elif node in nodes:
            table.error(f"node {list(node)} is named twice", (key, index))
        else:
            nodes[node] = None
    return list(nodes)


def _node(value: Any) -> tuple[int, int] | None:
    """Return a value of the file as x and y, None where it is no such pair."""
    match value:
        case [int(x), int(y)] if bool not in (type(x), type(y)) and min(x, y) >= 0:
            return x, y
        case _:
            return None
