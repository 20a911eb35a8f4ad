"""Frozen dataclasses as JSON and back, for the parse cache: never a pickle, which could run code.

A dataclass becomes [index of its class, fields...], a tuple [-1, items...], an enum member
[-2, index of its class, value], a type its name in an object. An instance of a `shared` class
becomes [-3, index in the table], so that what many entries mention is stored once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, cast

from dojo_tools.description.types import Type, parse_type


@dataclass(slots=True)
class Encoder:
    """Encodes values built from `classes`, tuples, strings and numbers."""

    classes: tuple[type, ...]
    shared: tuple[type, ...] = ()
    table: list[Any] = field(default_factory=list[Any])
    _indices: dict[Any, int] = field(default_factory=dict[Any, int])

    def encode(self, value: Any) -> Any:
        """Return `value` as JSON-able lists; instances of shared classes go to the table."""
        if isinstance(value, Enum):
            return [-2, self.classes.index(type(value)), value.value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, Type):
            return {"type": str(value)}
        if isinstance(value, tuple):
            return [-1, *(self.encode(item) for item in cast("tuple[Any, ...]", value))]
        if isinstance(value, self.shared):
            if value not in self._indices:
                encoded = self._encode_fields(value)
                self._indices[value] = len(self.table)
                self.table.append(encoded)
            return [-3, self._indices[value]]
        return self._encode_fields(value)

    def _encode_fields(self, value: Any) -> Any:
        if hasattr(value, "encode_deferred"):
            return [self.classes.index(type(value)), value.encode_deferred()]
        index = self.classes.index(type(value))
        return [index, *(self.encode(getattr(value, member.name)) for member in fields(value))]


def decode(encoded: Any, classes: tuple[type, ...], table: Sequence[Any] = ()) -> Any:
    """Return the value that `Encoder.encode` turned into lists; any error means damage.

    A class with `decode_deferred` gets its encoded contents as they are, to decode on first use.
    """
    if isinstance(encoded, list):
        tag, *items = cast("list[Any]", encoded)
        if tag == -1:
            return tuple([decode(item, classes, table) for item in items])
        if tag == -2:
            return cast("Any", classes[items[0]])(items[1])
        if tag == -3:
            return table[items[0]]
        chosen = cast("Any", classes[tag])
        if hasattr(chosen, "decode_deferred"):
            return chosen.decode_deferred(items[0])
        return chosen(*[decode(item, classes, table) for item in items])
    if isinstance(encoded, dict):
        return parse_type(cast("dict[str, str]", encoded)["type"])
    return encoded
