"""What `dojo-run` shows of many nodes: totals, the busiest link, a map of the packets."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dojo_tools.machine.mesh import Mesh

_SHADES = ".:-=+*#%@"
_COLOURS = ("black", "blue", "cyan", "green", "yellow", "red")


def mesh_rows(mesh: "Mesh") -> list[tuple[str, str]]:
    """Return what the summary says of many nodes."""
    from dojo_tools.machine.mesh_counters import busiest_link, link_uses, run_cycles
    from dojo_tools.machine.mesh_names import node_name

    place = f"{mesh.partition.width} x {mesh.partition.height} at "
    place += f"({mesh.partition.x}, {mesh.partition.y}) of {mesh.machine.name}"
    rows = [("nodes", f"{len(mesh.program_of)} in {place}")]
    uses = link_uses(mesh)
    hops = sum(use.packets for use in uses if use.node is not None and use.name != "local")
    if not uses:
        return rows
    arrived = sum(use.packets for use in uses if use.name == "local")
    waited = sum(use.waited_cycles for use in uses)
    rows.append(
        ("packets", f"{arrived} arrived over {hops} hops and waited {waited} cycles for links")
    )
    busiest = busiest_link(mesh)
    if busiest is not None:
        where = "" if busiest.node is None else f" of {node_name(mesh, busiest.node)}"
        share = busiest.packets / max(run_cycles(mesh), 1)
        rows.append(
            (
                "busiest link",
                f"{busiest.name}{where}: {busiest.packets} packets, {share:.2f} a cycle",
            )
        )
    return rows


def print_heatmap(mesh: "Mesh") -> None:
    """Print a map of the partition: the packets that left each node for its neighbours."""
    from dojo_tools.machine.mesh_counters import packets_through

    x, y, width, height = mesh.partition
    packets = packets_through(mesh)[y : y + height, x : x + width]
    live = [
        [
            bool(mesh.topology.live[(y + row) * mesh.topology.width + x + column])
            for column in range(width)
        ]
        for row in range(height)
    ]
    top = max(int(packets.max()), 1)
    print(f"packets that left each node: 0 to {int(packets.max())}, x where it can't be used")
    if not sys.stdout.isatty():
        for row in range(height):
            cells = [
                _cell(int(packets[row, column]), top, live[row][column]) for column in range(width)
            ]
            print("".join(cells).rstrip())
        return

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for row in range(height):
        line = Text()
        for column in range(width):
            count = int(packets[row, column])
            colour = _COLOURS[-(-count * (len(_COLOURS) - 1) // top)]
            if live[row][column]:
                line.append("  ", style=f"on {colour}")
            else:
                line.append("x ", style="dim")
        console.print(line)


def _cell(count: int, top: int, is_live: bool) -> str:
    """Return two characters for a node, darker the more packets."""
    if not is_live:
        return "x "
    return _SHADES[-(-count * (len(_SHADES) - 1) // top)] * 2
