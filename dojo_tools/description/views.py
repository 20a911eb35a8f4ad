"""Types as the text names them, and what part of a register a view is."""

from typing import Any

from dojo_tools.description.model import RegisterFile
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.types import LANES_MAX, Type, parse_type


def read_type(entry: Entry, token: Any) -> Type:
    """Return the type that a token names."""
    name = entry.text(token)
    type_ = parse_type(name)
    if type_ is None:
        raise entry.reject(
            f"unknown type `{name}`",
            token,
            f"types are u8..u64, i8..i64, bf16, f32, bool, and up to {LANES_MAX} lanes of them",
        )
    return type_


def register_view(entry: Entry, token: Any, name: str, file: RegisterFile) -> Type:
    """Return the type of a view of register operand `name`: `vd.f32` is all lanes of a wide one."""
    view = read_type(entry, token)
    if view.is_bool and not (view.lanes and file.width == 64):
        raise entry.reject(
            f"{view} is no view of `{name}`: truth values are lanes of a register of 64 bits",
            token,
            "write `boolx16` for 16 lanes, or compare with 0",
        )
    if not view.lanes and file.width > 64:
        view = view.with_lanes(file.width // view.width)
    if view.bit_count > file.width:
        raise entry.reject(f"{view} has {view.bit_count} bits, `{name}` has {file.width}", token)
    if view.lanes > LANES_MAX:
        raise entry.reject(f"{view} has {view.lanes} lanes, more than {LANES_MAX}", token)
    return view
