"""Reads worked examples: the state before an instruction, and what must hold after it."""

from collections.abc import Mapping
from typing import Any

from dojo_tools.bits import mask
from dojo_tools.description.description import allows
from dojo_tools.description.model import (
    EXAMPLE_ADDRESS,
    EXAMPLE_MEMORY_SIZE,
    ControlRegister,
    Example,
    OperandClass,
    OperandKind,
    Place,
    RegisterFile,
    Setting,
)
from dojo_tools.description.semantics import INTERACTIONS
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.types import U64, Kind, Type
from dojo_tools.description.views import read_type, register_view
from dojo_tools.diagnostics import did_you_mean

OUTCOMES = ("fault_outcome", "halt_outcome", "print_outcome", "break_outcome", "request_outcome")


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
        is_before = child.meta.start_pos < arrow
        _check_use(entry, child, setting, operands, is_before)
        (before if is_before else after).append(setting)
    text = entry.source.text[tree.meta.start_pos : tree.meta.end_pos]
    for name, value in entry.parameters.items():
        text = text.replace("{" + name + "}", value)
    text = " ".join(text.split()).removeprefix("example ")
    if parameter is not None:
        text = text.removeprefix("when").split("=", 1)[1].strip().removeprefix(entry.text(wanted))
    return Example(text.strip(), tuple(before), tuple(after), outcome, entry.place_of(tree))


def _check_use(
    entry: Entry, tree: Any, setting: Setting, operands: Mapping[str, OperandKind], is_before: bool
) -> None:
    """Refuse what can't be set before an instruction, or has no value after it."""
    place = setting.place
    if place.kind == "pc" and is_before:
        raise entry.reject(
            f"the instruction stands at 0x{EXAMPLE_ADDRESS:x}: the pc can't be set", tree
        )
    if place.kind == "memory" and place.address + place.type.bit_count // 8 > EXAMPLE_MEMORY_SIZE:
        raise entry.reject(f"memory ends at 0x{EXAMPLE_MEMORY_SIZE:x}", tree)
    if place.kind != "operand":
        return
    operand = operands[place.name]
    if operand.operand_class is OperandClass.REGISTER:
        return
    if not is_before:
        raise entry.reject(f"`{place.name}` is no register: an instruction can't change it", tree)
    if operand.operand_class is OperandClass.PREDICATE:
        return
    value = int(setting.values[0])
    if not allows(operand, value - EXAMPLE_ADDRESS if operand.pc_relative else value):
        raise entry.reject(f"`{place.name}` can't be {value}", tree)


def _outcome(entry: Entry, tree: Any) -> str:
    word = tree.data.removesuffix("_outcome")
    if word == "request":
        return f"request {_request(entry, tree)}"
    argument = "".join(entry.text(token) for token in tree.children)
    return f"{word} {argument}".rstrip() if word != "print" else f"print {argument}"


def _request(entry: Entry, tree: Any) -> str:
    """Return an interaction and its arguments as a thread's request prints them."""
    name_token, *values = tree.children
    name = entry.text(name_token)
    if name not in INTERACTIONS:
        raise entry.reject(
            f"unknown interaction `{name}`", name_token, did_you_mean(name, INTERACTIONS)
        )
    tokens = [value.children[0] for value in values if value is not None]
    count = len(INTERACTIONS[name].parameters)
    if len(tokens) != count:
        raise entry.reject(f"`{name}` takes {count} arguments, found {len(tokens)}", tree)
    numbers = [int(_value(entry, token, U64)) & mask(64) for token in tokens]
    return f"{name}({', '.join(str(number) for number in numbers)})"


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
            place = Place("memory", "", read_type(entry, type_token), entry.integer(address))
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
            file = files[operand.file]
            view = U64 if view_token is None else register_view(entry, view_token, name, file)
            if file.width > 64 and view.bit_count != file.width:
                raise entry.reject(f"{view} is not all {file.width} bits of `{name}`", tree)
            return Place("operand", name, view)


def _value(entry: Entry, token: Any, type_: Type) -> int | float:
    text = entry.text(token)
    is_float = text.lstrip("+-") in ("nan", "inf") or "." in text
    if type_.is_float:
        return float(text) if is_float else _float_value(entry, token, type_)
    if is_float:
        raise entry.reject(f"`{text}` is not a value of {type_}", token)
    value = entry.number(text, token)
    low = 0 if type_.is_bool else -(1 << (type_.width - 1))
    if not low <= value < 1 << type_.width:
        raise entry.reject(f"{text} does not fit in {type_.element}", token)
    return value


def _float_value(entry: Entry, token: Any, type_: Type) -> float:
    """Return a whole number, `-0` included, that the float type must hold exactly."""
    text = entry.text(token)
    value = entry.number(text, token)
    lowest = value & -value
    significant_bits = value.bit_length() - max(0, lowest.bit_length() - 1)
    if significant_bits > (8 if type_.kind is Kind.BRAIN_FLOAT else 24) or abs(value) >= 1 << 128:
        raise entry.reject(f"{text} is not exactly a {type_.element} number", token)
    return -0.0 if value == 0 and text.startswith("-") else float(value)
