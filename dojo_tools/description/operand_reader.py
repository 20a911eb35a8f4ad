"""Reads operands and data directives: what a user writes, its bits and its relocation."""

from typing import Any

from dojo_tools import bits
from dojo_tools.description.model import (
    BitRange,
    DataKind,
    Field,
    OperandClass,
    OperandKind,
    RelocationKind,
)
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.tables import Tables
from dojo_tools.description.types import I64, U64, parse_type

SCALE_MAX = 4096
RELOCATION_MAX = 255


def read_operand(tables: Tables, entry: Entry) -> None:
    name_token, summary_token, field_token, class_tree = entry.tree.children
    name, summary = entry.text(name_token), entry.text(summary_token)
    tables.define("operand", name, entry, name_token)
    field = tables.look_up(tables.fields, "field", entry, field_token)
    arguments: list[Any] = class_tree.children
    match class_tree.data:
        case "register_operand":
            file = tables.look_up(tables.registers, "register file", entry, arguments[0])
            if file.count > 1 << field.width:
                raise entry.reject(
                    f"{file.count} registers do not fit in the {field.width} bits of "
                    f"`{field.name}`",
                    field_token,
                )
            names = [(f"{file.name}{i}", i) for i in range(file.count)]
            kind = OperandKind(
                name, OperandClass.REGISTER, field, summary, file.name, (*names, *file.names)
            )
        case "predicate_operand":
            file = tables.look_up(tables.registers, "register file", entry, arguments[0])
            if 2 * file.count > 1 << field.width:
                raise entry.reject(f"a predicate needs {2 * file.count} codes", field_token)
            merging = [(f"{file.name}{i}", i) for i in range(1, file.count)]
            zeroing = [(f"{register}.z", file.count + code) for register, code in merging]
            kind = OperandKind(
                name,
                OperandClass.PREDICATE,
                field,
                summary,
                file.name,
                (("", 0), *merging, *zeroing),
            )
        case "control_operand":
            only_writable = arguments[0] is not None and str(arguments[0]) == "read-write"
            fitting = [c for c in tables.controls.values() if c.writable or not only_writable]
            for control in fitting:
                if control.number > bits.mask(field.width):
                    raise entry.reject(f"`{control.name}` does not fit in the field", name_token)
            kind = OperandKind(
                name,
                OperandClass.CONTROL,
                field,
                summary,
                names=tuple((c.name, c.number) for c in fitting),
            )
        case _:
            kind = _immediate(tables, entry, name, field, summary, arguments)
    tables.operands[name] = kind


def _immediate(
    tables: Tables, entry: Entry, name: str, field: Field, summary: str, arguments: list[Any]
) -> OperandKind:
    sign, to, scale_token, relative, relocation = arguments
    scale = 1 if scale_token is None else entry.integer(scale_token)
    if not bits.is_power_of_two(scale) or scale > SCALE_MAX:
        raise entry.reject(f"a scale is a power of two up to {SCALE_MAX}", scale_token)
    signed = str(sign) == "signed"
    low, high = (bits.signed_range if signed else bits.unsigned_range)(field.width)
    if to is not None:
        if signed or entry.integer(to) > high:
            raise entry.reject(f"`to` must be within 0..{high}, unsigned", to)
        high = entry.integer(to)
    low, high = low * scale, high * scale
    kind = None
    if relocation is not None:
        kind = _relocation(
            tables, entry, relocation, name, relative is not None, 4, field.ranges, scale, low, high
        )
    type_ = U64 if relative is not None or not signed else I64
    return OperandKind(
        name,
        OperandClass.IMMEDIATE,
        field,
        summary,
        type=type_,
        low=low,
        high=high,
        scale=scale,
        pc_relative=relative is not None,
        relocation=kind,
    )


def _relocation(
    tables: Tables,
    entry: Entry,
    number: Any,
    name: str,
    relative: bool,
    size: int,
    ranges: tuple[BitRange, ...],
    scale: int,
    low: int,
    high: int,
    on_node: bool = False,
) -> RelocationKind:
    if not 1 <= entry.integer(number) <= RELOCATION_MAX:
        raise entry.reject(f"relocations have numbers 1 to {RELOCATION_MAX}", number)
    tables.define("relocation", str(entry.integer(number)), entry, number)
    return RelocationKind(
        entry.integer(number), name, relative, size, ranges, scale, low, high, on_node
    )


def read_data(tables: Tables, entry: Entry) -> None:
    name_token, type_token, on_node, relocation, summary = entry.tree.children
    name = entry.text(name_token)
    tables.define("data directive", name, entry, name_token)
    type_ = parse_type(entry.text(type_token))
    if type_ is None or type_.lanes or type_.is_bool:
        raise entry.reject(f"`{entry.text(type_token)}` is not a type of data", type_token)
    kind = None
    if relocation is not None:
        low = bits.signed_range(type_.width)[0]
        high = bits.mask(type_.width)
        ranges = (BitRange(type_.width - 1, 0),)
        size = type_.width // 8
        if on_node is not None and size != 8:
            raise entry.reject("a global address has 64 bits", on_node)
        kind = _relocation(
            tables, entry, relocation, name, False, size, ranges, 1, low, high, on_node is not None
        )
    elif on_node is not None:
        raise entry.reject("`on_node` says how a relocation is meant, and there is none", on_node)
    tables.data[name] = DataKind(name, type_, kind, entry.text(summary))
