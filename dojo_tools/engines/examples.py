"""Runs the worked examples of a description: they prove the text, not only the engines."""

import struct
from collections.abc import Callable, Iterator

from dojo_tools import float_codes
from dojo_tools.bits import extract, mask, to_signed, to_unsigned
from dojo_tools.description import (
    EXAMPLE_ADDRESS,
    EXAMPLE_MEMORY_SIZE,
    Description,
    Example,
    Instruction,
    InstructionDef,
    OperandClass,
    OperandKind,
    Place,
    Setting,
    encode,
)
from dojo_tools.description.types import Kind, Type
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.thread import Thread
from dojo_tools.ranges import numbers_text

MEMORY_LOW = 0x100
DIFFERENCES_MAX = 8


def run_example(
    make_thread: Callable[[Description, int, int], Thread],
    description: Description,
    definition: InstructionDef,
    example: Example,
) -> list[str]:
    """Run a worked example; return what differs from what it promises, nothing if all holds.

    `make_thread` takes a description, the size of memory and its lowest address.
    """
    thread = make_thread(description, EXAMPLE_MEMORY_SIZE, MEMORY_LOW)
    thread.stop_at_breakpoints = True
    values = {kind.name: _default(kind, i) for i, kind in enumerate(definition.operands, 1)}
    predicate_count = _predicate_registers(definition)
    for setting in example.before:
        if setting.place.kind == "operand":
            kind = definition.operand(setting.place.name)
            if kind.operand_class is OperandClass.PREDICATE:
                code = values[kind.name] = predicate_count - 1
                thread.write_register(f"{kind.file}{code}", _scalar(setting))
                if setting.place.zeroing:
                    values[kind.name] += predicate_count
            elif kind.operand_class is not OperandClass.REGISTER:
                value = int(setting.values[0])
                values[kind.name] = value - EXAMPLE_ADDRESS if kind.pc_relative else value
    for setting in example.before:
        _apply(thread, definition, values, setting)
    ordered = tuple(values[kind.name] for kind in definition.operands)
    word = encode(Instruction(definition, ordered))
    thread.write_memory(EXAMPLE_ADDRESS, word.to_bytes(4, "little"))
    thread.pc = EXAMPLE_ADDRESS
    stop = thread.run(1)
    differences = _compare_outcome(thread, stop, example)
    for setting in example.after:
        found, wanted = _read(thread, definition, values, setting.place), _bytes_of(setting)
        differences += _differences(setting, found, wanted)
    return differences


def _differences(setting: Setting, found: bytes, wanted: bytes) -> Iterator[str]:
    """Yield the lanes that differ as values, those with the same two values together."""
    type_, name = setting.place.type, _name(setting.place)
    is_signed = type_.is_signed or any(value < 0 for value in setting.values)
    groups: dict[tuple[str, str], list[int]] = {}
    for lane in range(max(1, type_.lanes)):
        codes = _lane(type_, found, lane), _lane(type_, wanted, lane)
        if codes[0] != codes[1]:
            one, two = (_value_text(type_, code, is_signed) for code in codes)
            groups.setdefault((one, two), []).append(lane)
    for (one, two), lanes in list(groups.items())[:DIFFERENCES_MAX]:
        noun = "lane" if len(lanes) == 1 else "lanes"
        where = f" {noun} {numbers_text(lanes)}" if type_.lanes else ""
        yield f"{name}{where}: found {one}, expected {two}"
    left = sum(map(len, list(groups.values())[DIFFERENCES_MAX:]))
    if left:
        yield f"{name}: {left} more lanes differ"


def _lane(type_: Type, contents: bytes, lane: int) -> int:
    """Return the bits of a lane."""
    bits = int.from_bytes(contents, "little")
    return extract(bits, (lane + 1) * type_.width - 1, lane * type_.width)


def _value_text(type_: Type, code: int, is_signed: bool) -> str:
    """Return the bits of a lane as a value of the element type."""
    match type_.kind:
        case Kind.BOOL:
            return "true" if code else "false"
        case Kind.FLOAT:
            return f"{float_codes.f32_text(code)} (0x{code:08x})"
        case Kind.BRAIN_FLOAT:
            return f"{float_codes.bf16_text(code)} (0x{code:04x})"
        case _:
            value = to_signed(code, type_.width) if is_signed else code
            return f"{value} (0x{code:x})" if value < 0 or value > 9 else str(value)


def _predicate_registers(definition: InstructionDef) -> int:
    kinds = [k for k in definition.operands if k.operand_class is OperandClass.PREDICATE]
    return (len(kinds[0].names) + 1) // 2 if kinds else 0


def _default(kind: OperandKind, index: int) -> int:
    """Return a register of its own for each register operand, else 0 or the first code."""
    match kind.operand_class:
        case OperandClass.REGISTER:
            return index % len({code for _, code in kind.names})
        case OperandClass.CONTROL:
            return kind.names[0][1]
        case _:
            return 0


def _apply(
    thread: Thread, definition: InstructionDef, values: dict[str, int], setting: Setting
) -> None:
    place = setting.place
    contents = _bytes_of(setting)
    match place.kind:
        case "memory":
            thread.write_memory(place.address, contents)
        case "control":
            number = _control_number(thread, place)
            thread.set_control(number, int.from_bytes(contents, "little"))
        case "operand":
            kind = definition.operand(place.name)
            if kind.operand_class is OperandClass.REGISTER:
                name = f"{kind.file}{values[kind.name]}"
                scalar = isinstance(thread.read_register(name), int)
                value = int.from_bytes(contents, "little") if scalar else contents
                thread.write_register(name, value)
        case _:
            raise AssertionError("an example can't set the pc")


def _read(
    thread: Thread, definition: InstructionDef, values: dict[str, int], place: Place
) -> bytes:
    size = (place.type.bit_count + 7) // 8
    match place.kind:
        case "memory":
            return thread.read_memory(place.address, size)
        case "control":
            return thread.controls[_control_number(thread, place)].to_bytes(size, "little")
        case "pc":
            return thread.pc.to_bytes(size, "little")
        case _:
            kind = definition.operand(place.name)
            value = thread.read_register(f"{kind.file}{values[kind.name]}")
            if isinstance(value, int):
                return (value & mask(place.type.bit_count)).to_bytes(size, "little")
            return value


def _control_number(thread: Thread, place: Place) -> int:
    return next(c.number for c in thread.description.controls if c.name == place.name)


def _compare_outcome(thread: Thread, stop: Stop, example: Example) -> list[str]:
    """Return how the end of the instruction differs from the one promised."""
    details = ""
    match stop.reason:
        case StopReason.HALT:
            found = f"halt {stop.code}"
        case StopReason.FAULT:
            assert stop.fault is not None
            found, details = f"fault {stop.fault.kind.value}", f" ({stop.fault.message})"
        case StopReason.BREAKPOINT:
            found = "break"
        case StopReason.REQUEST:
            found = f"request {thread.request}"
        case StopReason.LIMIT:
            found = "".join(f"print {printed.text}" for printed in thread.printed)
    if found == example.outcome:
        return []
    return [f"found {_outcome_text(found)}{details}, expected {_outcome_text(example.outcome)}"]


def _outcome_text(outcome: str) -> str:
    return f"`{outcome}`" if outcome else "no fault, halt or request"


def _scalar(setting: Setting) -> int:
    return int.from_bytes(_bytes_of(setting), "little")


def _bytes_of(setting: Setting) -> bytes:
    """Return a setting's values, repeated over the lanes, as little-endian bytes."""
    type_ = setting.place.type
    count = max(1, type_.lanes)
    values = [setting.values[lane % len(setting.values)] for lane in range(count)]
    if type_.is_bool:
        bits = sum(int(value) << lane for lane, value in enumerate(values))
        return bits.to_bytes((count + 7) // 8, "little")
    return b"".join(_element_bytes(type_, value) for value in values)


def _element_bytes(type_: Type, value: int | float) -> bytes:
    if type_.kind is Kind.BRAIN_FLOAT:
        return struct.pack("<H", float_codes.bf16_code(value))
    if type_.kind is Kind.FLOAT:
        return struct.pack("<I", float_codes.f32_code(value))
    return to_unsigned(int(value), type_.width).to_bytes(type_.width // 8, "little")


def _name(place: Place) -> str:
    if place.kind == "memory":
        return f"mem.{place.type}[0x{place.address:x}]"
    return f"{place.name}.{place.type.element}" if place.type.lanes else place.name
