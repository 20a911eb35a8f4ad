"""Reads worked examples: the state before an instruction, and what must hold after it."""

from collections.abc import Mapping
from typing import Any

from dojo_tools.description.model import (
    ControlRegister,
    Example,
    OperandClass,
    OperandKind,
    Place,
    RegisterFile,
    Setting,
)
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.types import U64, Type, parse_type
from dojo_tools.diagnostics import did_you_mean

OUTCOMES = ("fault_outcome", "halt_outcome", "print_outcome", "break_outcome")


def read_example(
    entry: Entry,
    tree: Any,
    operands: Mapping[str, OperandKind],
    files: Mapping[str, RegisterFile],
    controls: Mapping[str, ControlRegister],
) -> Example | None:
    """Return an example, or None if its `when` is about another member of the family."""
    parameter, wanted, *rest = tree.children
    if parameter is not None:
        name = entry.text(parameter)
        if name not in entry.parameters:
            raise entry.reject(f"`{name}` is no parameter of this family", parameter)
        if entry.parameters[name] != entry.text(wanted):
            return None
    before: list[Setting] = []
    after: list[Setting] = []
    outcome = ""
    arrow = entry.source.text.index("->", tree.meta.start_pos)
    for child in rest:
        if child is None:
            continue
        if child.data in OUTCOMES:
            outcome = _outcome(entry, child)
            continue
        setting = _setting(entry, child, operands, files, controls)
        (before if child.meta.start_pos < arrow else after).append(setting)
    text = entry.source.text[tree.meta.start_pos : tree.meta.end_pos]
    for name, value in entry.parameters.items():
        text = text.replace("{" + name + "}", value)
    text = " ".join(text.split()).removeprefix("example ")
    if parameter is not None:
        text = text.split(" ", 4)[4]
    return Example(text, tuple(before), tuple(after), outcome)


def _outcome(entry: Entry, tree: Any) -> str:
    word = tree.data.removesuffix("_outcome")
    argument = "".join(entry.text(token) for token in tree.children)
    return f"{word} {argument}".rstrip() if word != "print" else f"print {argument}"


def _setting(
    entry: Entry,
    tree: Any,
    operands: Mapping[str, OperandKind],
    files: Mapping[str, RegisterFile],
    controls: Mapping[str, ControlRegister],
) -> Setting:
    place_tree, values_tree = tree.children
    match place_tree.data:
        case "pc_place":
            place = Place("pc", "pc", U64)
        case "memory_place":
            type_token, address = place_tree.children
            place = Place("memory", "", _type(entry, type_token), entry.integer(address))
        case _:
            place = _named_place(entry, place_tree, operands, files, controls)
    values = tuple(_value(entry, v.children[0], place.type) for v in values_tree.children)
    if not place.type.lanes and len(values) != 1:
        raise entry.reject(f"{place.type} has one value, found {len(values)}", values_tree)
    return Setting(place, values)


def _named_place(
    entry: Entry,
    tree: Any,
    operands: Mapping[str, OperandKind],
    files: Mapping[str, RegisterFile],
    controls: Mapping[str, ControlRegister],
) -> Place:
    name_token, view_token = tree.children
    name = entry.text(name_token)
    if name in controls and name not in operands:
        return Place("control", name, U64)
    if name not in operands:
        raise entry.reject(
            f"`{name}` is not an operand of this instruction",
            name_token,
            did_you_mean(name, operands),
        )
    operand = operands[name]
    match operand.operand_class:
        case OperandClass.IMMEDIATE:
            assert operand.type is not None
            return Place("operand", name, operand.type)
        case OperandClass.PREDICATE:
            zeroing = view_token is not None and entry.text(view_token) == "z"
            return Place("operand", name, U64, zeroing=zeroing)
        case OperandClass.CONTROL:
            return Place("operand", name, U64)
        case OperandClass.REGISTER:
            width = files[operand.file].width
            view = U64 if view_token is None else _type(entry, view_token)
            if not view.lanes and width > 64:
                view = view.with_lanes(width // view.width)
            return Place("operand", name, view)


def _type(entry: Entry, token: Any) -> Type:
    type_ = parse_type(entry.text(token))
    if type_ is None:
        raise entry.reject(f"unknown type `{entry.text(token)}`", token)
    return type_


def _value(entry: Entry, token: Any, type_: Type) -> int | float:
    text = entry.text(token)
    if type_.is_float:
        return (
            float(text) if not text.lstrip("+-").startswith(("0x", "0b")) else float(int(text, 0))
        )
    if text.lstrip("+-") in ("nan", "inf") or "." in text:
        raise entry.reject(f"`{text}` is not a value of {type_}", token)
    value = int(text, 0)
    if not -(1 << (type_.width - 1)) <= value < 1 << type_.width:
        raise entry.reject(f"{text} does not fit in {type_.element}", token)
    return value
