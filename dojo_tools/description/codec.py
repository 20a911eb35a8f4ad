"""Frozen dataclasses as JSON and back, for the parse cache: never a pickle, which could run code.

A dataclass becomes [index of its class, fields...], a tuple [-1, items...], an enum member
[-2, index of its class, value], a type its name in an object. An instance of a `shared` class
becomes [-3, index in the table], so that what many entries mention is stored once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache
from typing import Any, cast

from dojo_tools.description.types import Type, parse_type

_PLAIN = (bool, int, float, str)


@dataclass(slots=True)
class Encoder:
    """Encodes values built from `classes`, tuples, strings and numbers."""

    classes: tuple[type, ...]
    shared: tuple[type, ...] = ()
    table: list[Any] = field(default_factory=list[Any])
    _indices: dict[Any, int] = field(default_factory=dict[Any, int])
    _met: dict[int, tuple[Any, int]] = field(default_factory=dict[int, tuple[Any, int]])

    def encode(self, value: Any) -> Any:
        """Return `value` as JSON-able lists; instances of shared classes go to the table."""
        kind = cast("type[Any]", type(value))
        if value is None or kind in _PLAIN:
            return value
        if kind is tuple:
            return [-1, *map(self.encode, cast("tuple[Any, ...]", value))]
        if kind is Type:
            return {"type": str(value)}
        if isinstance(value, Enum):
            return [-2, self.classes.index(kind), value.value]
        if kind in self.shared:
            return [-3, self._shared_index(value)]
        return self._encode_fields(value)

    def _shared_index(self, value: Any) -> int:
        """Return the place in the table of what equals `value`; the same object is hashed once."""
        met = self._met.get(id(value))
        if met is not None:
            return met[1]
        index = self._indices.get(value)
        if index is None:
            encoded = self._encode_fields(value)
            index = self._indices[value] = len(self.table)
            self.table.append(encoded)
        self._met[id(value)] = value, index  # held, so that no other object gets its id
        return index

    def _encode_fields(self, value: Any) -> Any:
        index = self.classes.index(type(value))
        if hasattr(value, "encode_deferred"):
            return [index, value.encode_deferred()]
        return [index, *(self.encode(getattr(value, name)) for name in _names_of(value.__class__))]


@cache
def _names_of(class_: Any) -> tuple[str, ...]:
    return tuple(member.name for member in fields(class_))


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
