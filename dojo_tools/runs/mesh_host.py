"""What a run does with memories and registers of many nodes: of one mesh, or of two in step."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import fail
from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.formats import Denormals, element_named, find_element
from dojo_tools.machine.mesh import Mesh
from dojo_tools.machine.mesh_tensors import (
    check_dip,
    differing_nodes,
    gather,
    node_numbered,
    nodes_with,
    parts_of,
    read_dip,
    read_tensor,
    scatter,
    view_at,
    write_dip,
    write_tensor,
)
from dojo_tools.runs.expression_functions import Shape
from dojo_tools.runs.host import (
    Copy,
    Node,
    check_dump_of,
    checked_scalar_size,
    checked_type,
    placed,
)
from dojo_tools.runs.model import EVERYWHERE, Dump, Place


class MeshHost:
    """Meshes of one image: writes go to all of them, reads to the first."""

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        self._meshes = meshes
        self._mesh = mesh = meshes[0]
        self.description = mesh.description
        self.denormals: Denormals = mesh.machine.denormals
        self.size = (mesh.partition.width, mesh.partition.height)
        self.nodes = [mesh.place_of(node) for node in sorted(mesh.program_of)]
        self.shapes: Mapping[str, Shape] = {
            name: tensor.shape
            for view in reversed(mesh.views)
            for name, tensor in view.tensors.items()
        }
        self.shown: dict[str, str] = {}

    def _holders(self, name: str, place: Place) -> list[int]:
        """Return the nodes that a symbol of a place is on."""
        if place.node is not None:
            with placed(place.span):
                return [node_numbered(self._mesh, place.node)]
        return nodes_with(self._mesh, name)

    def is_typed(self, name: str, place: Place) -> bool:
        """Return whether a symbol has an element type and shape."""
        return view_at(self._mesh, self._holders(name, place)[0]).tensor(name) is not None

    def type_of(
        self, name: str, place: Place, element: str | None, shape: Shape | None
    ) -> tuple[str, Shape]:
        """Return element type and shape of all of a tensor, which is checked to be in memory."""
        if place.dip is not None:
            return self._dip_type(place, element, shape)
        numbers = {self._mesh.program_of[node] for node in self._holders(name, place)}
        sram = self._mesh.machine.sram_bytes
        found = {
            checked_type(self._mesh.views[number], sram, name, element, shape)
            for number in sorted(numbers)
        }
        if len(found) > 1:
            kinds = " and ".join(sorted(f"{kind} {extents}" for kind, extents in found))
            raise fail(
                f"symbol `{name}` is {kinds} in different programs",
                hint="name a node: node = [0, 0]",
            )
        used, block = found.pop()
        if place.blocks is None:
            return used, block
        with placed(place.span):
            return used, parts_of(self._mesh, name, place.blocks, block)[0]

    def _dip_type(
        self, place: Place, element: str | None, shape: Shape | None
    ) -> tuple[str, Shape]:
        assert place.dip is not None
        if element is None or shape is None:
            raise fail(
                "a tensor in DIP memory has no type of its own",
                hint='give `element` and `shape`: "f32", [8, 8]',
            )
        type_ = find_element(element)
        assert type_ is not None
        size = int(np.prod(shape, dtype=np.int64)) * element_named(element).size
        with placed(place.span):
            check_dip(self._mesh, place.dip, place.offset, size)
        return element, shape

    def read(self, name: str, place: Place, element: str, shape: Shape) -> NDArray[Any]:
        """Return a tensor; one that is on every node from the first."""
        mesh = self._mesh
        if place.dip is not None:
            return read_dip(mesh, place.dip, place.offset, element, shape)
        if place.blocks is not None:
            return gather(mesh, name, place.blocks, element, self._block(name, place, shape))
        node = mesh.place_of(self._holders(name, place)[0])
        return read_tensor(mesh, name, node, element, shape)

    def copies(self, name: str, place: Place, element: str, shape: Shape) -> list[Copy]:
        """Return a tensor: where it is on every node, each value that there is for it once."""
        if place == EVERYWHERE:
            return [
                Copy(tuple(map(self._mesh.place_of, nodes)), values)
                for nodes, values in differing_nodes(self._mesh, name, element, shape)
            ]
        nodes = () if place.node is None else (place.node,)
        return [Copy(nodes, self.read(name, place, element, shape))]

    def write(self, name: str, place: Place, values: NDArray[Any], element: str) -> None:
        """Set a tensor."""
        for mesh in self._meshes:
            if place.dip is not None:
                write_dip(mesh, place.dip, place.offset, values, element)
            elif place.blocks is not None:
                scatter(mesh, name, values, place.blocks, element)
            else:
                write_tensor(mesh, name, values, place.node, element)

    def _block(self, name: str, place: Place, shape: Shape) -> Shape:
        """Return the shape of a block of a tensor of a shape."""
        assert place.blocks is not None
        known = view_at(self._mesh, self._holders(name, place)[0]).tensor(name)
        if known is not None:
            return known.shape
        ones = parts_of(self._mesh, name, place.blocks, (1,) * len(shape))[0]
        return tuple(extent // count for extent, count in zip(shape, ones, strict=True))

    def scalar_size(self, name: str, place: Place) -> int:
        """Return the bytes of an integer at a symbol without a type."""
        return min(
            checked_scalar_size(view_at(self._mesh, node), name)
            for node in self._holders(name, place)
        )

    def write_scalar(self, name: str, place: Place, contents: bytes) -> None:
        """Set the bytes of such an integer."""
        for node in self._holders(name, place):
            address = view_at(self._mesh, node).symbol(name).value
            for mesh in self._meshes:
                mesh.engine.write_memory(node, address, contents)

    def write_register(self, name: str, node: Node | None, value: int) -> None:
        """Set a register of thread 0 of a node, or of each."""
        numbers = sorted(self._mesh.program_of)
        if node is not None:
            numbers = [node_numbered(self._mesh, node)]
        for mesh in self._meshes:
            for number in numbers:
                mesh.engine.thread(number << AGENT_BITS).write_register(name, value)

    def show_as(self, register: str, element: str) -> None:
        """Show a register as values of an element type."""
        names = {*self.description.register_names, *(f.name for f in self.description.registers)}
        if register not in names:
            raise fail(f"unknown register `{register}`")
        self.shown[register] = str(element_named(element))

    def check_dump(self, dump: Dump) -> None:
        """Check that there is something to dump."""
        node = self._holders(dump.symbol, Place(dump.node))[0]
        check_dump_of(view_at(self._mesh, node), self._mesh.machine.sram_bytes, dump.symbol)

    def dump(self, dump: Dump) -> tuple[NDArray[Any], str]:
        """Return what is to be dumped, and its element type."""
        node = self._holders(dump.symbol, Place(dump.node))[0]
        view = view_at(self._mesh, node)
        known = view.tensor(dump.symbol)
        if known is not None:
            place = self._mesh.place_of(node)
            return read_tensor(self._mesh, dump.symbol, place), known.element
        symbol = view.symbol(dump.symbol)
        contents = self._mesh.engine.read_memory(node, symbol.value, symbol.size)
        return np.frombuffer(contents, np.uint8), "u8"
