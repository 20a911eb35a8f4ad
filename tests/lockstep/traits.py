"""What the generator has to know of an instruction, read from its meaning, never from its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from dojo_tools.description import InstructionDef, OperandClass
from dojo_tools.description.semantics import (
    Act,
    Expression,
    If,
    Interact,
    Jump,
    Let,
    Statement,
    Store,
    WriteControl,
    WriteRegister,
    expressions_of,
    walk_expression,
    walk_statements,
)
from dojo_tools.engines.stop import FaultKind
from dojo_tools.engines.timed import OWN_ACTIONS

CHEAP_NODES_MAX = 12


@dataclass(frozen=True, slots=True)
class Traits:
    """How an instruction touches memory, control flow and the host.

    `addresses` are the register operands that an address is computed from, `targets` those that a
    computed jump is; `alignments` has the alignment in bytes of each access.
    """

    addresses: frozenset[str]
    targets: frozenset[str]
    written: frozenset[str]
    alignments: frozenset[int]
    acts: frozenset[str]
    jumps: bool
    always_jumps: bool
    writes_control: bool
    nodes: int
    files: frozenset[str]

    @property
    def stops(self) -> bool:
        """Whether it ends the thread."""
        return bool(self.acts & {"halt", "trap"})

    @property
    def leaves(self) -> bool:
        """Whether it goes to the host, or to what is around the thread."""
        return bool(self.acts - set(OWN_ACTIONS))

    @property
    def is_cheap(self) -> bool:
        """Whether it is scalar and does nothing but compute."""
        touches = self.addresses or self.jumps or self.acts or self.writes_control
        return not touches and self.files <= {"x"} and self.nodes <= CHEAP_NODES_MAX

    @property
    def fault_kinds(self) -> tuple[FaultKind, ...]:
        """The faults that it can raise itself."""
        kinds: list[FaultKind] = []
        if self.alignments:
            kinds.append(FaultKind.BOUNDS)
        if max(self.alignments, default=1) > 1:
            kinds.append(FaultKind.ALIGNMENT)
        if self.jumps:
            kinds.append(FaultKind.PC)
        if "trap" in self.acts:
            kinds.append(FaultKind.TRAP)
        return tuple(kinds)


_known: dict[tuple[int, int], Traits] = {}


def traits(definition: InstructionDef) -> Traits:
    """Return the traits of an instruction."""
    key = definition.mask, definition.match
    if key not in _known:
        _known[key] = _read(definition)
    return _known[key]


def _read(definition: InstructionDef) -> Traits:
    statements = list(walk_statements(definition.meaning.statements))
    locals_: dict[str, list[Expression]] = {}
    for statement in statements:
        if isinstance(statement, Let):
            locals_.setdefault(statement.name, []).append(statement.value)
    addresses, alignments, targets, nodes = set[str](), set[int](), set[str](), 0
    for statement in statements:
        for expression in expressions_of(statement):
            for inner in walk_expression(expression):
                nodes += 1
                if inner.operator == "load":
                    assert isinstance(inner.detail, int)
                    addresses |= _registers(inner.arguments[0], locals_)
                    alignments.add(inner.detail)
        match statement:
            case Store(address, _, alignment):
                addresses |= _registers(address, locals_)
                alignments.add(alignment)
            case Act("print_text", arguments):
                alignments.add(1)
                for argument in arguments:
                    addresses |= _registers(argument, locals_)
            case Jump(target):
                targets |= _registers(target, locals_)
            case _:
                pass
    classes = (OperandClass.REGISTER, OperandClass.PREDICATE)
    return Traits(
        frozenset(addresses),
        frozenset(targets),
        frozenset(_written(statements)),
        frozenset(alignments),
        frozenset(_acts(statements)),
        any(isinstance(s, Jump) for s in statements),
        any(isinstance(s, Jump) for s in definition.meaning.statements),
        any(isinstance(s, WriteControl) for s in statements),
        nodes + sum(isinstance(s, If) for s in statements),
        frozenset(k.file for k in definition.operands if k.operand_class in classes),
    )


def _written(statements: list[Statement]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case WriteRegister(operand) | Interact(_, _, str(operand)):
                yield operand
            case _:
                pass


def _acts(statements: list[Statement]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case Act(name) | Interact(name):
                yield name
            case _:
                pass


def _registers(expression: Expression, locals_: dict[str, list[Expression]]) -> set[str]:
    return set(_walk(expression, locals_, set()))


def _walk(
    expression: Expression, locals_: dict[str, list[Expression]], seen: set[str]
) -> Iterator[str]:
    for inner in walk_expression(expression):
        if inner.operator == "register":
            yield str(inner.detail)
        elif inner.operator == "local" and inner.detail not in seen:
            seen.add(str(inner.detail))
            for value in locals_.get(str(inner.detail), []):
                yield from _walk(value, locals_, seen)
