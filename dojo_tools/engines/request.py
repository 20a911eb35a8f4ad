"""What a thread asks of the machine around it when an interaction stops its run."""

from typing import NamedTuple

from dojo_tools.description.semantics import ARGUMENTS_MAX, INTERACTIONS


class Request(NamedTuple):
    """An interaction by number, its arguments, and where the answer goes.

    `arguments` are filled up with zeros. `result` is the number of a scalar register, 0 for none:
    whoever answers writes it before the thread runs on. A thread that has asked for nothing yet
    has number 0.
    """

    number: int
    arguments: tuple[int, ...]
    result: int

    def __str__(self) -> str:
        name, count = _NAMES.get(self.number, ("", 0))
        listed = ", ".join(str(argument) for argument in self.arguments[:count])
        return f"{name}({listed})" if name else "none"


_NAMES = {row.number: (name, len(row.parameters)) for name, row in INTERACTIONS.items()}

NO_REQUEST = Request(0, (0,) * ARGUMENTS_MAX, 0)


def request_of(name: str, result: int, *arguments: int) -> Request:
    """Return the request for an interaction."""
    filled = (*arguments, *(0,) * (ARGUMENTS_MAX - len(arguments)))
    return Request(INTERACTIONS[name].number, filled, result)
