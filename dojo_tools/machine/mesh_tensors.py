"""Tensors in the memories of many nodes and of DIP cards: one node, all of them, or in blocks.

Blocks split a tensor over the rectangle of nodes that have its symbol:

    (rows, columns)   each 1 or the rectangle's: dimension 0 is split over the rows of nodes and
                      dimension 1 over their columns. Where it is 1, all rows or all columns hold
                      the same. A vector is split in the order of node ids instead.
    "live"            dimension 0 is split over the live nodes, in the order of `node_number`;
                      this is the one for rectangles with dead nodes

A symbol's own shape is that of a block: (4, 8) on each of 2 x 3 nodes is a tensor of (8, 24).
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import did_you_mean, fail
from dojo_tools.formats import element_named
from dojo_tools.machine.mesh_state import MeshState
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.machine.tensors import count_beyond, decode_elements, encode_elements
from dojo_tools.objects import ABSOLUTE, Rectangle

Blocks = tuple[int, int] | Literal["live"]
Shape = tuple[int, ...]


class Part(NamedTuple):
    """A node and the part of a tensor that it holds."""

    node: int
    slices: tuple[slice, ...]


def nodes_with(mesh: MeshState, name: str) -> list[int]:
    """Return the nodes whose program has a symbol, by number. Raises `InputError` for none."""
    numbers = {number for number, view in enumerate(mesh.views) if name in view.symbols}
    if not numbers:
        known = {known for view in mesh.views for known in view.symbols}
        raise fail(f"{mesh.image.name} has no symbol `{name}`", hint=did_you_mean(name, known))
    return [node for node in sorted(mesh.program_of) if mesh.program_of[node] in numbers]


def node_numbered(mesh: MeshState, place: tuple[int, int]) -> int:
    """Return a node of the partition. Raises `InputError` if it has none there that runs."""
    x, y = place
    width, height = mesh.partition.width, mesh.partition.height
    if not (0 <= x < width and 0 <= y < height):
        raise fail(
            f"there is no node ({x}, {y}): the partition is {width} x {height}",
            hint="x goes to the east and y to the south, from (0, 0)",
        )
    node = mesh.node_at(x, y)
    if node not in mesh.program_of:
        why = "runs no program" if mesh.topology.live[node] else "does not work or is cut off"
        raise fail(f"node ({x}, {y}) {why}")
    return node


def view_at(mesh: MeshState, node: int) -> ProgramView:
    """Return the program of a node."""
    return mesh.views[mesh.program_of[node]]


def parts_of(
    mesh: MeshState, name: str, blocks: Blocks, shape: Shape
) -> tuple[Shape, tuple[Part, ...]]:
    """Return the shape of a tensor in blocks of a shape, and who holds which part.

    Where several nodes hold the same part, the first comes first. Raises `InputError`.
    """
    nodes = nodes_with(mesh, name)
    if not shape:
        raise fail(f"symbol `{name}` is a single number, which can't be split into blocks")
    if blocks == "live":
        parts = [Part(node, (_slice(i, shape[0]),)) for i, node in enumerate(nodes)]
        return (shape[0] * len(nodes), *shape[1:]), tuple(parts)
    rectangle = _rectangle(mesh, name, nodes)
    rows, columns = blocks
    for count, side, what in (
        (rows, rectangle.height, "rows"),
        (columns, rectangle.width, "columns"),
    ):
        if count not in (1, side):
            fits = "1 fits" if side == 1 else f"1 or {side} fits"
            raise fail(f"`blocks` asks for {count} {what}; {fits}, as there are {side} of nodes")
    parts = [Part(node, _index(mesh, node, rectangle, blocks, shape)) for node in nodes]
    if len(shape) == 1:
        return (shape[0] * rows * columns,), tuple(parts)
    return (shape[0] * rows, shape[1] * columns, *shape[2:]), tuple(parts)


def _index(
    mesh: MeshState, node: int, rectangle: Rectangle, blocks: tuple[int, int], shape: Shape
) -> tuple[slice, ...]:
    y, x = divmod(node, mesh.topology.width)
    row = y - rectangle.y if blocks[0] > 1 else 0
    column = x - rectangle.x if blocks[1] > 1 else 0
    if len(shape) == 1:
        return (_slice(row * blocks[1] + column, shape[0]),)
    return _slice(row, shape[0]), _slice(column, shape[1])


def _slice(number: int, size: int) -> slice:
    return slice(number * size, (number + 1) * size)


def _rectangle(mesh: MeshState, name: str, nodes: Sequence[int]) -> Rectangle:
    """Return the rectangle, in columns and rows of the mesh, that some nodes fill."""
    places = [divmod(node, mesh.topology.width) for node in nodes]
    west, north = min(x for _, x in places), min(y for y, _ in places)
    width = max(x for _, x in places) - west + 1
    height = max(y for y, _ in places) - north + 1
    if len(nodes) != width * height:
        raise fail(
            f"`{name}` is on {len(nodes)} nodes within {width} x {height}: blocks of rows and "
            "columns need all of them",
            hint='`blocks = "live"` splits the first dimension over those that there are',
        )
    return Rectangle(west, north, width, height)


# ---- a node


def read_tensor(
    mesh: MeshState,
    name: str,
    node: tuple[int, int],
    element: str | None = None,
    shape: Sequence[int] | None = None,
) -> NDArray[Any]:
    """Return the values at a symbol of a node (x, y) of the partition, floats as float32.

    Element type and shape come from the symbol unless given. Raises `InputError`.
    """
    return _read(mesh, name, node_numbered(mesh, node), element, shape)


def write_tensor(
    mesh: MeshState,
    name: str,
    values: NDArray[Any],
    node: tuple[int, int] | None = None,
    element: str | None = None,
) -> int:
    """Set the values at a symbol of a node, or of all nodes that have it.

    Returns how many values saturate in a CFloat type. Raises `InputError`.
    """
    nodes = nodes_with(mesh, name) if node is None else [node_numbered(mesh, node)]
    for number in nodes:
        _write(mesh, name, number, values, element)
    used, _ = view_at(mesh, nodes[0]).element_and_shape(name, element, values.shape)
    return count_beyond(values, used)


def _read(
    mesh: MeshState, name: str, node: int, element: str | None, shape: Sequence[int] | None
) -> NDArray[Any]:
    view = view_at(mesh, node)
    element, shape = view.element_and_shape(name, element, shape)
    size = math.prod(shape) * element_named(element).size
    address = _address(mesh, view, name, size)
    contents = mesh.engine.read_memory(node, address, size)
    return decode_elements(contents, element, mesh.machine.denormals).reshape(shape)


def _write(
    mesh: MeshState, name: str, node: int, values: NDArray[Any], element: str | None
) -> None:
    view = view_at(mesh, node)
    element, _ = view.element_and_shape(name, element, values.shape)
    known = view.tensor(name)
    if known is not None and tuple(values.shape) != known.shape:
        raise fail(f"symbol `{name}` has shape {known.shape}, the values have {values.shape}")
    contents = encode_elements(values, element, mesh.machine.denormals)
    address = _address(mesh, view, name, len(contents))
    mesh.engine.write_memory(node, address, contents)


def _address(mesh: MeshState, view: ProgramView, name: str, size: int) -> int:
    """Return the address of a symbol with so many bytes of SRAM from there."""
    symbol = view.symbol(name)
    if symbol.section == ABSOLUTE:
        raise fail(f"symbol `{name}` is a number, not a place in memory")
    if symbol.value + size > mesh.machine.sram_bytes:
        raise fail(
            f"0x{symbol.value:x}..0x{symbol.value + size:x} is not within SRAM, "
            f"0..0x{mesh.machine.sram_bytes:x}"
        )
    return symbol.value


# ---- blocks


def scatter(
    mesh: MeshState,
    name: str,
    values: NDArray[Any],
    blocks: Blocks,
    element: str | None = None,
) -> int:
    """Give each node its block of a tensor; return how many values saturate in a CFloat type.

    A symbol without a type needs `element`; with "live" or a vector its block is then an equal
    part of dimension 0. Raises `InputError`.
    """
    used, shape = _block_type(mesh, name, values.shape, blocks, element)
    whole, parts = parts_of(mesh, name, blocks, shape)
    if values.shape != whole:
        raise fail(
            f"the values have shape {values.shape}; blocks of {shape} make {whole}",
            hint=f"`{name}` is a block",
        )
    for part in parts:
        _write(mesh, name, part.node, values[part.slices], used)
    return count_beyond(values, used)


def gather(
    mesh: MeshState,
    name: str,
    blocks: Blocks,
    element: str | None = None,
    shape: Sequence[int] | None = None,
) -> NDArray[Any]:
    """Return the tensor whose blocks nodes hold; `shape` is a block's. Raises `InputError`."""
    first = view_at(mesh, nodes_with(mesh, name)[0])
    element, shape = first.element_and_shape(name, element, shape)
    whole, parts = parts_of(mesh, name, blocks, tuple(shape))
    found: NDArray[Any] | None = None
    for part in reversed(parts):
        block = _read(mesh, name, part.node, element, shape)
        if found is None:
            found = np.zeros(whole, block.dtype)
        found[part.slices] = block
    assert found is not None
    return found


def _block_type(
    mesh: MeshState, name: str, whole: Shape, blocks: Blocks, element: str | None
) -> tuple[str, Shape]:
    """Return element type and shape of a block: the symbol's, or what a tensor of a shape needs."""
    nodes = nodes_with(mesh, name)
    view = view_at(mesh, nodes[0])
    known = view.tensor(name)
    if known is not None:
        return view.element_and_shape(name, element, known.shape)
    counts = list(blocks) if isinstance(blocks, tuple) else [len(nodes), 1]
    if len(whole) == 1:
        counts = [math.prod(counts), 1]
    block = tuple(
        extent // counts[axis] if axis < len(counts) else extent
        for axis, extent in enumerate(whole)
    )
    return view.element_and_shape(name, element, block)


def differing_nodes(
    mesh: MeshState, name: str, element: str, shape: Sequence[int]
) -> list[tuple[list[int], NDArray[Any]]]:
    """Return each value that nodes have for a symbol, with them, that of the first node first."""
    found: dict[bytes, tuple[list[int], NDArray[Any]]] = {}
    for node in nodes_with(mesh, name):
        values = _read(mesh, name, node, element, shape)
        found.setdefault(values.tobytes(), ([], values))[0].append(node)
    return list(found.values())


# ---- DIP cards


def read_dip(
    mesh: MeshState, card: int, offset: int, element: str, shape: Sequence[int]
) -> NDArray[Any]:
    """Return values in the memory of a DIP card, floats as float32. Raises `InputError`."""
    size = math.prod(shape) * element_named(element).size
    check_dip(mesh, card, offset, size)
    contents = mesh.engine.read_memory(len(mesh.topology.live) + card, offset, size)
    return decode_elements(contents, element, mesh.machine.denormals).reshape(tuple(shape))


def write_dip(mesh: MeshState, card: int, offset: int, values: NDArray[Any], element: str) -> int:
    """Set values in the memory of a DIP card; return how many saturate. Raises `InputError`."""
    contents = encode_elements(values, element, mesh.machine.denormals)
    check_dip(mesh, card, offset, len(contents))
    mesh.engine.write_memory(len(mesh.topology.live) + card, offset, contents)
    return count_beyond(values, element)


def check_dip(mesh: MeshState, card: int, offset: int, size: int) -> None:
    """Raise `InputError` for a DIP card that there is not, or a range outside its memory."""
    count = len(mesh.machine.dips)
    if not 0 <= card < count:
        known = f"cards 0..{count - 1}" if count else "no DIP cards"
        raise fail(f"there is no DIP card {card}: machine `{mesh.machine.name}` has {known}")
    if offset < 0 or offset + size > mesh.machine.dip.size:
        raise fail(
            f"0x{offset:x}..0x{offset + size:x} is not within DIP memory, "
            f"0..0x{mesh.machine.dip.size:x}"
        )
