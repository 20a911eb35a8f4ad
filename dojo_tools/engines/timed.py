"""What of an instruction matters for its timing, derived from its meaning and operands.

Registers are numbered through all files of the description in order; one number more, the last,
stands for the writable control registers together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    MachineDef,
    OperandClass,
    PortDef,
    UnitCount,
)
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

# Actions on the thread's own state. Every other one is an interaction with what is around it.
OWN_ACTIONS = ("raise_flags", "count_draw", "set_control")
CLOCK = "cycle"
ADDRESS_LATENCY_CYCLES = 1


class Branch(Enum):
    """How an instruction chooses the next one; `LOOP` is one that also counts."""

    NONE = "no branch"
    CONDITIONAL = "conditional branch"
    JUMP = "jump to a constant"
    INDIRECT = "jump to a register"
    LOOP = "loop branch"


@dataclass(frozen=True, slots=True)
class Use:
    """`instances` of a resource, held from the issue on for `cycles`."""

    resource: int
    instances: int
    cycles: int


@dataclass(frozen=True, slots=True, eq=False)
class TimedInstruction:
    """An instruction as the issue rule sees it; equal ones are one object, with one `number`.

    `needs` are the registers it reads or writes: all must be ready. `writes` pairs a register with
    the cycles until it can be used. `ports` are its accesses to memory. An instruction that
    `drains` is an interaction. `predicted_taken` is for a conditional branch.
    """

    number: int
    issue_class: str
    unit: Use
    ports: tuple[Use, ...]
    latency_cycles: int
    needs: frozenset[int]
    writes: tuple[tuple[int, int], ...]
    drains: bool
    branch: Branch
    predicted_taken: bool


@dataclass(frozen=True, slots=True)
class _Outline:
    """What all uses of a definition have in common; operands by name."""

    unit: UnitCount
    reads: frozenset[str]
    writes: tuple[tuple[str, int], ...]
    controls: frozenset[str]
    reads_controls: bool
    writes_controls: bool
    interacts: bool
    ports: tuple[Use, ...]
    branch: Branch
    target: str | None


class TimingReader:
    """Turns instructions into what the issue rule needs, for one description and machine."""

    def __init__(self, description: Description, machine: MachineDef) -> None:
        self._units = {unit.name: unit for unit in machine.units}
        self._ports = {port.name: port for port in machine.ports}
        names = dict.fromkeys(unit.name for unit in description.units)
        self._units |= {
            name: UnitCount(name, 1, "scalar", 1, "not in the machine file")
            for name in names
            if name not in self._units
        }
        self.counts = tuple(
            resource.count for resource in (*self._units.values(), *self._ports.values())
        )
        names = (*self._units, *self._ports)
        self._resources = {name: index for index, name in enumerate(names)}
        self._first: dict[str, int] = {}
        count = 0
        for file in description.registers:
            self._first[file.name] = count
            count += file.count
        self._files = {file.name: file for file in description.registers}
        self.controls_register = count
        self._clock = next((c.number for c in description.controls if c.name == CLOCK), None)
        self._outlines: dict[tuple[int, int], _Outline] = {}
        self._read: dict[tuple[int, int, tuple[int, ...]], TimedInstruction] = {}
        self._interned: dict[tuple[object, ...], TimedInstruction] = {}

    def read(self, instruction: Instruction) -> TimedInstruction:
        """Return what the issue rule needs of an instruction."""
        definition = instruction.definition
        key = definition.mask, definition.match
        use = *key, instruction.values
        if use not in self._read:
            if key not in self._outlines:
                self._outlines[key] = self._outline(definition)
            self._read[use] = self._intern(instruction, self._outlines[key])
        return self._read[use]

    def _intern(self, instruction: Instruction, outline: _Outline) -> TimedInstruction:
        definition = instruction.definition
        codes = {k.name: v for k, v in zip(definition.operands, instruction.values, strict=True)}
        latency = definition.timing.latency_cycles
        writes: dict[int, int] = {}
        for name, cycles in outline.writes:
            for register in self._registers(definition, name, codes[name]):
                writes[register] = max(cycles, writes.get(register, 0))
        if outline.writes_controls:
            writes[self.controls_register] = latency
        reads = {
            register
            for name in outline.reads
            for register in self._registers(definition, name, codes[name])
        }
        if outline.reads_controls:
            reads.add(self.controls_register)
        drains = outline.interacts or any(codes[n] == self._clock for n in outline.controls)
        unit_occupancy = outline.unit.occupancy_cycles or latency
        occupancy = max(unit_occupancy, definition.timing.occupancy_cycles)
        is_backward = outline.target is not None and codes[outline.target] <= 0
        fields = (
            outline.unit.issue,
            Use(self._resources[outline.unit.name], 1, occupancy),
            outline.ports,
            latency,
            frozenset(reads | writes.keys()),
            tuple(sorted(writes.items())),
            drains,
            outline.branch,
            outline.branch is Branch.CONDITIONAL and is_backward,
        )
        if fields not in self._interned:
            self._interned[fields] = TimedInstruction(len(self._interned), *fields)
        return self._interned[fields]

    def _registers(self, definition: InstructionDef, name: str, code: int) -> Iterator[int]:
        """Yield the number of the register that an operand's code names, unless it has none."""
        kind = definition.operand(name)
        file = self._files[kind.file]
        if kind.operand_class is OperandClass.PREDICATE:
            code %= file.count
            if code == 0:
                return
        if code != file.zero:
            yield self._first[file.name] + code

    def _outline(self, definition: InstructionDef) -> _Outline:
        statements = definition.meaning.statements
        every = tuple(walk_statements(statements))
        inner = [e for s in every for top in expressions_of(s) for e in walk_expression(top)]
        operators = {expression.operator for expression in inner}
        acts = {statement.action for statement in every if isinstance(statement, Act)}
        branch, target = _branch(definition, statements)
        unit = self._units[definition.timing.unit]
        return _Outline(
            unit=unit,
            reads=frozenset(_read_operands(every, inner)),
            writes=tuple(_written_operands(definition)),
            controls=frozenset(str(e.detail) for e in inner if e.operator == "control"),
            reads_controls=bool(operators & {"control", "control_at", "random"}),
            writes_controls="set_control" in acts
            or any(isinstance(statement, WriteControl) for statement in every),
            interacts=bool(acts - {*OWN_ACTIONS})
            or any(isinstance(statement, Interact) for statement in every),
            ports=tuple(self._accesses(unit, every, inner, definition.timing.beats)),
            branch=branch,
            target=target,
        )

    def _accesses(
        self,
        unit: UnitCount,
        every: tuple[Statement, ...],
        inner: list[Expression],
        stated: int | None,
    ) -> Iterator[Use]:
        """Yield the ports that loads and stores take: as many as help, for as long as it takes."""
        side = "vector" if unit.issue == "vector" else "scalar"
        loads, stores = self._ports[f"{side}_load"], self._ports[f"{side}_store"]
        beats = {loads.name: 0, stores.name: 0}
        for expression in inner:
            if expression.operator == "load":
                assert isinstance(expression.detail, int)
                address = expression.arguments[0]
                beats[loads.name] += _beats(address, expression, expression.detail, loads)
        for statement in every:
            if isinstance(statement, Store):
                address, value = statement.address, statement.value
                beats[stores.name] += _beats(address, value, statement.alignment, stores)
        for port in (loads, stores):
            if beats[port.name]:
                count = stated or beats[port.name]
                instances = min(count, port.count)
                cycles = -(-count // instances)
                yield Use(self._resources[port.name], instances, cycles)


def _beats(address: Expression, value: Expression, alignment: int, port: PortDef) -> int:
    """Return how often an access uses a port: each lane on its own if each has an address."""
    if address.type.lanes:
        return address.type.lanes
    size = max(1, value.type.bit_count // 8)
    is_split = alignment < min(size, port.size)
    return -(-size // port.size) + is_split


def _read_operands(every: tuple[Statement, ...], inner: list[Expression]) -> Iterator[str]:
    for expression in inner:
        if expression.operator in ("register", "number", "active", "zeroing"):
            yield str(expression.detail)
    for statement in every:
        if isinstance(statement, WriteRegister | Store) and statement.predicate is not None:
            yield statement.predicate


def _written_operands(definition: InstructionDef) -> Iterator[tuple[str, int]]:
    """Yield the operands written and their latencies.

    What an instruction that accesses memory computes without loading, the next address, is ready
    after a cycle.
    """
    latency = definition.timing.latency_cycles
    statements = tuple(walk_statements(definition.meaning.statements))
    accesses = any(isinstance(s, Store) for s in statements) or any(
        inner.operator == "load"
        for statement in statements
        for top in expressions_of(statement)
        for inner in walk_expression(top)
    )
    loaded: set[str] = set()
    for operand, depends in _writes(definition.meaning.statements, loaded, False):
        yield operand, latency if depends or not accesses else ADDRESS_LATENCY_CYCLES


def _writes(
    statements: tuple[Statement, ...], loaded: set[str], under: bool
) -> Iterator[tuple[str, bool]]:
    """Yield each register operand written and whether its value depends on a load.

    `loaded` has the locals that do; `under` says that a condition around the statements does.
    """

    def depends(expression: Expression) -> bool:
        return under or any(
            inner.operator == "load" or (inner.operator == "local" and inner.detail in loaded)
            for inner in walk_expression(expression)
        )

    for statement in statements:
        match statement:
            case Let(name, value):
                (loaded.add if depends(value) else loaded.discard)(name)
            case WriteRegister(operand, value):
                yield operand, depends(value)
            case Interact(_, _, str(result)):
                yield result, True
            case If(condition, then, otherwise):
                yield from _writes(then, loaded, depends(condition))
                yield from _writes(otherwise, loaded, depends(condition))
            case _:
                pass


def _branch(
    definition: InstructionDef, statements: tuple[Statement, ...]
) -> tuple[Branch, str | None]:
    """Return the kind of branch and the operand relative to the pc that is its target."""
    jumps = [s for s in walk_statements(statements) if isinstance(s, Jump)]
    if not jumps:
        return Branch.NONE, None
    inner = [expression for jump in jumps for expression in walk_expression(jump.target)]
    relative = {kind.name for kind in definition.operands if kind.pc_relative}
    targets = [str(e.detail) for e in inner if e.operator == "operand" and e.detail in relative]
    target = targets[0] if targets else None
    if any(isinstance(statement, Jump) for statement in statements):
        from_register = any(expression.operator == "register" for expression in inner)
        return (Branch.INDIRECT if from_register else Branch.JUMP), target
    counts = any(isinstance(s, WriteRegister) for s in walk_statements(statements))
    return (Branch.LOOP if counts else Branch.CONDITIONAL), target
