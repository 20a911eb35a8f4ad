"""The value types of the description language: width, signedness and lane count, nothing implied.

`u8`..`u64` and `i8`..`i64` are integers, `f32` and `bf16` floats, `bool` a truth value; `f32x16` is
a vector of 16 lanes, lane 0 at the lowest address.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache


class Kind(Enum):
    """What the bits of a value mean."""

    UNSIGNED = "u"
    SIGNED = "i"
    FLOAT = "f"
    BRAIN_FLOAT = "bf"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class Type:
    """An element kind, its width in bits, and the count of lanes (0 for a scalar)."""

    kind: Kind
    width: int
    lanes: int = 0

    def __str__(self) -> str:
        lanes = f"x{self.lanes}" if self.lanes else ""
        return f"bool{lanes}" if self.kind is Kind.BOOL else f"{self.kind.value}{self.width}{lanes}"

    @property
    def is_integer(self) -> bool:
        """Whether the element is an integer, signed or not."""
        return self.kind in (Kind.UNSIGNED, Kind.SIGNED)

    @property
    def is_float(self) -> bool:
        """Whether the element is a float of any format."""
        return self.kind in (Kind.FLOAT, Kind.BRAIN_FLOAT)

    @property
    def is_bool(self) -> bool:
        """Whether the element is a truth value."""
        return self.kind is Kind.BOOL

    @property
    def is_signed(self) -> bool:
        """Whether the element is a signed integer."""
        return self.kind is Kind.SIGNED

    @property
    def bit_count(self) -> int:
        """The width of the whole value in bits."""
        return self.width * max(1, self.lanes)

    @property
    def element(self) -> "Type":
        """The type of one lane."""
        return Type(self.kind, self.width)

    def with_lanes(self, lanes: int) -> "Type":
        """Return a vector of `lanes` such elements, or the scalar for 0."""
        return Type(self.kind, self.width, lanes)


BOOL = Type(Kind.BOOL, 1)
F32 = Type(Kind.FLOAT, 32)
U32 = Type(Kind.UNSIGNED, 32)
U64 = Type(Kind.UNSIGNED, 64)
I64 = Type(Kind.SIGNED, 64)

LANES_MAX = 64
_NAME = re.compile(r"(?:(u|i)(8|16|32|64)|(f)(32)|(bf)(16)|(bool))(?:x([1-9]\d?))?")


@cache
def parse_type(name: str) -> Type | None:
    """Return the type that a name such as `u64` or `f32x16` stands for, or None."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    *_, lanes = groups = match.groups()
    kind, width = next(
        ((k, int(w or 1)) for k, w in zip(groups[0:7:2], (*groups[1:6:2], "1"), strict=True) if k)
    )
    count = int(lanes or 0)
    return Type(Kind(kind), width, count) if count <= LANES_MAX else None
