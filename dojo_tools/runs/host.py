"""What a run does with memory and registers, on a machine of one node or of many."""

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError, Span, fail, printable
from dojo_tools.formats import Denormals, find_element
from dojo_tools.machine import Machine
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.objects import ABSOLUTE
from dojo_tools.runs.expression_functions import Shape
from dojo_tools.runs.model import Dump, Place

Node = tuple[int, int]


class Copy(NamedTuple):
    """The values of a tensor, and the nodes that hold them, none of what is on no single node."""

    nodes: tuple[Node, ...]
    values: NDArray[Any]


@contextmanager
def placed(span: Span | None) -> Generator[None]:
    """Give the errors that are raised inside a place, if they have none."""
    try:
        yield
    except InputError as error:
        raise InputError(
            replace(found, span=found.span or span) for found in error.diagnostics
        ) from None


class Host(Protocol):
    """Tensors, scalars and registers by the names of a run. All raise `InputError`."""

    @property
    def description(self) -> Description:
        """The instructions and registers."""
        ...

    @property
    def denormals(self) -> Denormals:
        """The rule for denormal numbers."""
        ...

    @property
    def size(self) -> Node:
        """Columns and rows of nodes."""
        ...

    @property
    def nodes(self) -> Iterable[Node]:
        """Column and row of each node that runs a program."""
        ...

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each symbol with a type."""
        ...

    def is_typed(self, name: str, place: Place) -> bool:
        """Return whether a symbol has an element type and shape."""
        ...

    def type_of(
        self, name: str, place: Place, element: str | None, shape: Shape | None
    ) -> tuple[str, Shape]:
        """Return element type and shape of all of a tensor, which is checked to be in memory."""
        ...

    def read(self, name: str, place: Place, element: str, shape: Shape) -> NDArray[Any]:
        """Return a tensor of a type from `type_of`."""
        ...

    def copies(self, name: str, place: Place, element: str, shape: Shape) -> list[Copy]:
        """Return a tensor of a type from `type_of`: each value that nodes have for it once."""
        ...

    def write(self, name: str, place: Place, values: NDArray[Any], element: str) -> None:
        """Set a tensor of a type from `type_of`."""
        ...

    def scalar_size(self, name: str, place: Place) -> int:
        """Return the bytes of an integer at a symbol without a type."""
        ...

    def write_scalar(self, name: str, place: Place, contents: bytes) -> None:
        """Set the bytes of such an integer."""
        ...

    def write_register(self, name: str, node: Node | None, value: int) -> None:
        """Set a register of thread 0 of a node, or of each."""
        ...

    def show_as(self, register: str, element: str) -> None:
        """Show a register as values of an element type."""
        ...

    def check_dump(self, dump: Dump) -> None:
        """Check that there is something to dump."""
        ...

    def dump(self, dump: Dump) -> tuple[NDArray[Any], str]:
        """Return what is to be dumped, and its element type."""
        ...


def checked_type(
    view: ProgramView, memory_size: int, name: str, element: str | None, shape: Shape | None
) -> tuple[str, Shape]:
    """Return element type and shape of the data at a symbol; both must agree with its own."""
    symbol = view.symbol(name)
    if symbol.section == ABSOLUTE:
        raise fail(f"symbol `{name}` is a number, not a place in memory")
    known = view.tensor(name)
    if known is not None:
        wanted = element or known.element, known.shape if shape is None else shape
        if wanted != (known.element, known.shape):
            raise fail(
                f"`{name}` is called {wanted[0]} {wanted[1]} here; "
                f"the symbol is {known.element} {known.shape}"
            )
        element, shape = wanted
    if element is None or shape is None:
        raise fail(
            f"symbol `{name}` has no type",
            hint='declare it with `.tensor`, or give `element` and `shape`: "f32", [8, 8]',
        )
    # The type may come from an image that somebody made up.
    type_ = find_element(element)
    if type_ is None:
        raise fail(f"symbol `{name}` has the unknown element type `{printable(element)}`")
    size = math.prod(shape) * type_.size
    if 0 < symbol.size < size:
        raise fail(f"{element} {shape} has {size} bytes; symbol `{name}` has {symbol.size}")
    check_range(symbol.value, size, memory_size)
    return element, shape


def check_range(address: int, size: int, memory_size: int) -> None:
    """Raise `InputError` for a range outside SRAM."""
    if not 0 <= address <= memory_size - size:
        raise fail(f"0x{address:x}..0x{address + size:x} is not within SRAM, 0..0x{memory_size:x}")


def checked_scalar_size(view: ProgramView, name: str) -> int:
    """Return the bytes of an integer argument at a symbol."""
    symbol = view.symbol(name)
    size = symbol.size if symbol.size in (1, 2, 4, 8) else 8
    if symbol.section == ABSOLUTE or 0 < symbol.size < size:
        raise fail(f"symbol `{name}` can't hold an argument")
    return size


def check_dump_of(view: ProgramView, memory_size: int, name: str) -> None:
    """Raise `InputError` if there is nothing to dump at a symbol."""
    symbol = view.symbol(name)
    if view.tensor(name) is not None:
        checked_type(view, memory_size, name, None, None)
    elif symbol.size == 0 or symbol.section == ABSOLUTE:
        raise fail(f"symbol `{name}` has neither a type nor a size to dump")
    else:
        check_range(symbol.value, symbol.size, memory_size)


_SEVERAL = 'choose a machine of several, as in machine = { name = "small" }, or --machine small'


class MachineHost:
    """A machine of one node: node (0, 0), blocks of 1 x 1, and no DIP memory."""

    size = (1, 1)
    nodes = ((0, 0),)

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._view = machine.program
        self.description = machine.description
        self.denormals: Denormals = machine.definition.denormals
        self.shapes = {name: tensor.shape for name, tensor in self._view.tensors.items()}

    def is_typed(self, name: str, place: Place) -> bool:
        """Return whether a symbol has an element type and shape."""
        self._check(place)
        return self._view.tensor(name) is not None

    def type_of(
        self, name: str, place: Place, element: str | None, shape: Shape | None
    ) -> tuple[str, Shape]:
        """Return element type and shape of a tensor, which is checked to be in memory."""
        self._check(place)
        return checked_type(self._view, self._machine.definition.sram_bytes, name, element, shape)

    def read(self, name: str, place: Place, element: str, shape: Shape) -> NDArray[Any]:
        """Return a tensor."""
        return self._machine.read_tensor(name, element, shape)

    def copies(self, name: str, place: Place, element: str, shape: Shape) -> list[Copy]:
        """Return a tensor, of which there is one copy."""
        return [Copy((), self._machine.read_tensor(name, element, shape))]

    def write(self, name: str, place: Place, values: NDArray[Any], element: str) -> None:
        """Set a tensor."""
        self._machine.write_tensor(name, values, element)

    def scalar_size(self, name: str, place: Place) -> int:
        """Return the bytes of an integer at a symbol without a type."""
        return checked_scalar_size(self._view, name)

    def write_scalar(self, name: str, place: Place, contents: bytes) -> None:
        """Set the bytes of such an integer."""
        self._machine.write_memory(self._machine.symbol(name).value, contents)

    def write_register(self, name: str, node: Node | None, value: int) -> None:
        """Set a register."""
        self._machine.write_register(name, value)

    def show_as(self, register: str, element: str) -> None:
        """Show a register as values of an element type."""
        self._machine.show_as(register, element)

    def check_dump(self, dump: Dump) -> None:
        """Check that there is something to dump."""
        self._check(Place(dump.node))
        check_dump_of(self._view, self._machine.definition.sram_bytes, dump.symbol)

    def dump(self, dump: Dump) -> tuple[NDArray[Any], str]:
        """Return what is to be dumped, and its element type."""
        known = self._machine.tensor(dump.symbol)
        if known is not None:
            return self._machine.read_tensor(dump.symbol), known.element
        symbol = self._machine.symbol(dump.symbol)
        contents = self._machine.read_memory(symbol.value, symbol.size)
        return np.frombuffer(contents, np.uint8), "u8"

    def _check(self, place: Place) -> None:
        if place.node not in (None, (0, 0)):
            message = f"there is no node {place.node}: the program runs on one node"
            raise fail(message, place.span, _SEVERAL)
        if place.blocks not in (None, "live", (1, 1)):
            message = "blocks need a partition of several nodes; the program runs on one node"
            raise fail(message, place.span, _SEVERAL)
        if place.dip is not None:
            raise fail(
                f"there is no DIP card {place.dip}",
                place.span,
                'choose a machine with cards, as in machine = { name = "d1" }, or --machine d1',
            )
