"""What is looked at of a mesh to say what happens in it: `Mesh` has it all."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from dojo_tools.description import Description, MachineDef
from dojo_tools.description.procedures import Procedures
from dojo_tools.engines.mesh import MeshArrays, MeshEngine
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.machine.topology import Topology
from dojo_tools.objects import Image, Rectangle


class MeshState(Protocol):
    """The parts of a mesh, and which nodes run what."""

    @property
    def image(self) -> Image:
        """What runs."""
        ...

    @property
    def description(self) -> Description:
        """The instructions."""
        ...

    @property
    def machine(self) -> MachineDef:
        """The machine that it runs on."""
        ...

    @property
    def topology(self) -> Topology:
        """Which nodes are live, and how packets go."""
        ...

    @property
    def procedures(self) -> Procedures:
        """The scheduler and the network."""
        ...

    @property
    def arrays(self) -> MeshArrays:
        """What the procedures work on."""
        ...

    @property
    def engine(self) -> MeshEngine:
        """What runs threads and procedures."""
        ...

    @property
    def partition(self) -> Rectangle:
        """The nodes of the image, in columns and rows of the mesh."""
        ...

    @property
    def views(self) -> Sequence[ProgramView]:
        """The programs by number."""
        ...

    @property
    def program_of(self) -> Mapping[int, int]:
        """The number of the program of each node that runs one."""
        ...

    def agents(self) -> Iterator[int]:
        """Yield all threads of nodes that run a program."""
        ...

    def place_of(self, node: int) -> tuple[int, int]:
        """Return column and row of a node, relative to the partition."""
        ...

    def node_at(self, x: int, y: int) -> int:
        """Return the number in the mesh of a node of the partition."""
        ...

    def rectangle_of(self, node: int, asked: int) -> Rectangle:
        """Return a rectangle as a request names it, in columns and rows of the mesh."""
        ...
