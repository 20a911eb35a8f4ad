"""Where execution can go from an instruction, and which code a region is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from dojo_tools.description import Instruction, InstructionDef
from dojo_tools.description.semantics import (
    Act,
    Expression,
    Interact,
    Jump,
    Statement,
    WriteRegister,
    walk_statements,
)
from dojo_tools.engines.native.instruction import HOST_ACTIONS
from dojo_tools.engines.native.machine_code import ComputedJump

Decode = Callable[[int], Instruction | None]


class Flow(NamedTuple):
    """How an instruction passes control on, whatever its operands."""

    targets: tuple[str, ...]
    """Operands whose values are targets of jumps."""

    is_indirect: bool
    """Whether it may jump to a computed address."""

    falls_through: bool
    links: str | None
    """The register that keeps the address behind the instruction, if it always jumps."""

    leaves: bool
    """Whether it goes back to the host."""


def flow_of(definition: InstructionDef) -> Flow:
    """Return how an instruction passes control on."""
    statements = definition.meaning.statements
    jumps = [s.target for s in walk_statements(statements) if isinstance(s, Jump)]
    named = [str(target.detail) for target in jumps if _is_constant(target)]
    always = any(isinstance(statement, Jump) for statement in statements)
    writes = [s.operand for s in walk_statements(statements) if isinstance(s, WriteRegister)]
    acts = [s.action for s in walk_statements(statements) if isinstance(s, Act)]
    return Flow(
        tuple(named),
        len(named) < len(jumps),
        not always and not _always_halts(statements),
        writes[0] if always and writes else None,
        any(action in HOST_ACTIONS for action in acts)
        or any(isinstance(statement, Interact) for statement in walk_statements(statements)),
    )


def _is_constant(target: Expression) -> bool:
    return target.operator == "operand"


def _always_halts(statements: tuple[Statement, ...]) -> bool:
    return any(isinstance(s, Act) and s.action in ("halt", "trap") for s in statements)


@dataclass(slots=True)
class RegionCode:
    """The code of a region: instructions by address, and the addresses where blocks begin."""

    instructions: dict[int, Instruction] = field(default_factory=dict[int, Instruction])
    leaders: set[int] = field(default_factory=set[int])
    return_sites: list[int] = field(default_factory=list[int])
    heads: set[int] = field(default_factory=set[int])
    """Where jumps go back to."""

    computed: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Targets that computed jumps are known to have had."""

    ends: set[int] = field(default_factory=set[int])
    """Addresses that were looked at and have no instruction that may run."""


def discover(
    entry: int,
    decode: Decode,
    flows: Callable[[InstructionDef], Flow],
    size_max: int,
    jumps: Iterable[ComputedJump] = (),
) -> RegionCode:
    """Return the code that direct jumps, calls and known `jumps` reach from `entry`, nearest first.

    At most `size_max` instructions; `decode` returns None where there is none that may run.
    """
    found = RegionCode(leaders={entry})
    for jump in jumps:
        found.computed.setdefault(jump.site, []).append(jump.target)
    waiting = [entry]
    while waiting and len(found.instructions) < size_max:
        pc = waiting.pop(0)
        while pc not in found.instructions and len(found.instructions) < size_max:
            instruction = decode(pc)
            if instruction is None:
                found.ends.add(pc)
                break
            found.instructions[pc] = instruction
            flow = flows(instruction.definition)
            new = targets_of(instruction, pc, flow) + found.computed.get(pc, [])
            found.heads.update(target for target in new if target <= pc)
            if _keeps_return(instruction, flow):
                found.return_sites.append(pc + 4)
                new.append(pc + 4)
            found.leaders.update(new)
            waiting += new
            if not flow.falls_through or flow.leaves:
                break
            if new:
                found.leaders.add(pc + 4)
            pc += 4
    return found


def targets_of(instruction: Instruction, pc: int, flow: Flow) -> list[int]:
    """Return the addresses to which an instruction may jump that are known before it runs."""
    pairs = zip(instruction.definition.operands, instruction.values, strict=True)
    values = {kind.name: pc + value if kind.pc_relative else value for kind, value in pairs}
    return [values[name] for name in flow.targets]


def _keeps_return(instruction: Instruction, flow: Flow) -> bool:
    """Return whether an instruction is a call: it jumps and keeps where to come back."""
    if flow.links is None:
        return False
    pairs = zip(instruction.definition.operands, instruction.values, strict=True)
    code = {kind.name: value for kind, value in pairs}[flow.links]
    return code != 0
