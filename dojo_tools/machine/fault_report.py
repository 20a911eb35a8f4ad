"""A fault of a thread or list engine as a diagnostic: where, what was tried, with which values."""

from collections.abc import Iterator
from dataclasses import dataclass

from dojo_tools.description import Instruction, OperandClass
from dojo_tools.description.semantics import expressions_of, walk_expression, walk_statements
from dojo_tools.diagnostics import Agent, Diagnostic, Event, ExitCode, Note, Severity
from dojo_tools.engines.stop import Fault, FaultKind
from dojo_tools.engines.thread import Thread
from dojo_tools.machine.program_view import RETURN_ADDRESS, STACK_POINTER, ProgramView

OF_VALUES = (FaultKind.BOUNDS, FaultKind.ALIGNMENT, FaultKind.PC, FaultKind.REQUEST)
"""Faults that come from what is in the registers of an instruction."""


@dataclass(frozen=True, slots=True)
class FaultPlace:
    """Whose fault it is, when, and the instruction; `who` is its name where there are several.

    A list engine has no `thread`; `entry` is the address of what it carries out.
    """

    view: ProgramView
    agent: Agent
    cycle: int
    thread: Thread | None = None
    entry: int = 0
    who: str = ""


def fault_diagnostic(place: FaultPlace, fault: Fault) -> Diagnostic:
    """Return a fault with its source line, what was accessed, its limits, and a hint.

    A fault of a request at pc 0 is of no instruction: its agent has gone on.
    """
    has_pc = bool(fault.pc) or fault.kind is not FaultKind.REQUEST
    subject = f"{place.who}: " if place.who else ""
    at = f" (pc 0x{fault.pc:x})" if has_pc else ""
    address = {} if fault.address is None else {"address": fault.address}
    return Diagnostic(
        Severity.ERROR,
        f"{subject}{fault.message}{at}",
        place.view.span_at(fault.pc or place.entry),
        _hint(place, fault),
        tuple(_notes(place, fault, has_pc)),
        "fault",
        Event(
            "fault",
            (place.agent,),
            place.cycle,
            fault.pc if has_pc else None,
            ExitCode.GUEST_FAULT,
            {"fault": fault.kind.value, **address},
        ),
    )


def _notes(place: FaultPlace, fault: Fault, has_pc: bool) -> Iterator[Note]:
    view, thread = place.view, place.thread
    if thread is None:
        name = view.symbol_text(place.entry)
        yield Note(f"the list entry at 0x{place.entry:x}" + (f", {name}" if name else ""))
        return
    line = view.line_at(fault.pc)
    for frame in () if line is None else line.trail:
        yield Note(str(frame))
    if fault.kind is FaultKind.ILLEGAL and (line is None or view.is_data(fault.pc)):
        yield from _way(view, fault.pc, thread.read_register(RETURN_ADDRESS))
    if has_pc and fault.kind in OF_VALUES:
        yield from _values(thread, fault.pc)
    symbol = None if fault.address is None else view.symbol_text(fault.address)
    if symbol is not None:
        yield Note(f"0x{fault.address:x} is {symbol}")


def _way(view: ProgramView, pc: int, return_address: object) -> Iterator[Note]:
    """Yield a note on how a thread may have come to where no code is."""
    before = None if view.is_data(pc - 4) else view.span_at(pc - 4)
    if before is not None:
        yield Note("the instruction before", before)
        return
    caller = view.span_at(return_address - 4) if isinstance(return_address, int) else None
    if caller is not None:
        yield Note(f"the last call, as `{RETURN_ADDRESS}` says", caller)


def _values(thread: Thread, pc: int) -> Iterator[Note]:
    """Yield a note with the scalar registers that an instruction reads."""
    instruction = thread.decode_at(pc)
    if instruction is None:
        return
    read = _registers_read(instruction)
    texts: dict[str, None] = {}
    for kind, code in zip(instruction.definition.operands, instruction.values, strict=True):
        if kind.operand_class is OperandClass.REGISTER and kind.name in read:
            value = thread.read_register(f"{kind.file}{code}")
            plain, *others = [name for name, number in kind.names if number == code]
            if isinstance(value, int):
                texts[f"{others[0] if others else plain} is 0x{value:x}"] = None
    if texts:
        yield Note(", ".join(texts))


def _registers_read(instruction: Instruction) -> set[str]:
    """Return the operands whose registers an instruction reads."""
    return {
        str(inner.detail)
        for statement in walk_statements(instruction.definition.meaning.statements)
        for expression in expressions_of(statement)
        for inner in walk_expression(expression)
        if inner.operator == "register"
    }


def _hint(place: FaultPlace, fault: Fault) -> str | None:
    if place.thread is None:
        return fault.hint
    deep = _stack_hint(place.view, place.thread.read_register(STACK_POINTER), place.agent)
    if deep is not None:
        return deep
    number = place.agent.thread
    if number and fault.kind is FaultKind.BOUNDS and place.thread.read_register(STACK_POINTER) == 0:
        return (
            f"`{STACK_POINTER}` is zero: thread {number} was started without a stack; "
            f"`__stack_top_{number}` is there for one"
        )
    if fault.kind is FaultKind.ILLEGAL and place.view.is_data(fault.pc):
        name = place.view.symbol_text(fault.pc)
        what = "data" if name is None else f"data, {name}"
        return f"this is {what}: does code run into it, or a jump lead to it?"
    return fault.hint


def _stack_hint(view: ProgramView, stack: object, agent: Agent) -> str | None:
    """Return a hint if the stack of a thread is deeper than it may be.

    Only thread 0 surely has the stack that is reserved for it: the program gives the others theirs.
    """
    limit = view.symbols.get("__stack_top")
    if limit is None or not isinstance(stack, int) or agent.thread:
        return None
    from dojo_tools.linker import DEFAULT_STACK_SIZE  # noqa: PLC0415  loads 30 ms

    depth = limit.value - stack
    size = view.symbols.get("__stack_size")
    allowed = DEFAULT_STACK_SIZE if size is None else size.value
    if depth > allowed:
        return f"the stack is {depth} bytes deep, {allowed} are reserved"
    return None
