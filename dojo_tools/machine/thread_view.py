"""The registers of a thread of a mesh as dumps show them."""

from typing import TYPE_CHECKING

from dojo_tools.diagnostics import did_you_mean, fail
from dojo_tools.engines.thread import Thread
from dojo_tools.formats import Denormals

if TYPE_CHECKING:
    from dojo_tools.formats import Element

# Element types need numpy, which takes 80 ms to load: they are imported where they are used.


class ThreadView:
    """A thread's registers, some of them shown as values of an element type."""

    def __init__(self, thread: Thread, denormals: Denormals) -> None:
        self._thread = thread
        self._denormals: Denormals = denormals
        self._shown: dict[str, Element] = {}

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return self._thread.pc

    def read_register(self, name: str) -> int | bytes:
        """Return a register: an integer of 64 bits, or the bytes of a wider one."""
        return self._thread.read_register(name)

    def show_as(self, name: str, element: str) -> None:
        """Show a register, or all of a file such as `v`, as values of an element type."""
        from dojo_tools.formats import element_named  # noqa: PLC0415  see the top

        type_ = element_named(element)
        description = self._thread.description
        file = next((file for file in description.registers if file.name == name), None)
        if file is None:
            known = description.register_names
            if name not in known:
                raise fail(f"unknown register `{name}`", hint=did_you_mean(name, known))
            found, index = known[name]
            self._shown[f"{found.name}{index}"] = type_
            return
        for index in range(file.count):
            self._shown[f"{file.name}{index}"] = type_

    def shown_as(self, name: str) -> "Element | None":
        """Return the element type to show a register as, named `v3`, if one was chosen."""
        return self._shown.get(name)

    def value_texts(self, name: str) -> list[str]:
        """Return a register's values in the element type that was chosen for it, lane 0 first."""
        return self.texts_of(name, self.read_register(name))

    def texts_of(self, name: str, value: int | bytes) -> list[str]:
        """Return what a register has held, in the element type that was chosen for it."""
        from dojo_tools.formats import element_texts  # noqa: PLC0415  see the top

        contents = value.to_bytes(8, "little") if isinstance(value, int) else value
        return element_texts(contents, self._shown[name], self._denormals)
