"""Random instructions and the registers they need, derived from the description alone.

Some registers have a role for a whole program: they hold addresses, small numbers, shapes, the
start of the code or a count, and only instructions that advance an address write them. Which role
each operand of an address needs is found by trying.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import values
from dojo_tools.bits import mask
from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    OperandClass,
    OperandKind,
    encode,
)
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.stop import FaultKind, Stop, StopReason
from dojo_tools.engines.thread import RegisterValue
from programs import DATA, LOW, SIZE, START
from traits import Traits, traits

ROLES = {"pointer": 5, "edge": 2, "small": 2, "shape": 2, "code": 1, "counter": 2, "link": 1}
ADDRESS_ROLES = ("pointer", "pointer", "edge", "small", "shape")
LANE_ROLES = 3
TRIES_TO_LEARN = 24
TRIES_UNTIL_FOUND = 400
"""A rare pair of roles must be found too: every instruction is to have its sites."""

DATA_POOL_COUNT = 600
STEP_MAX = 96
"""By how much an address mostly advances, in bytes, so that it stays within the data."""

EDGE_OFFSETS = (0, 1, 2, 4, 8, 16, 63, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Cast:
    """Which registers of a program have which role: indices of scalar and of wide registers."""

    scalars: Mapping[str, tuple[int, ...]]
    lanes: tuple[int, ...]
    favourites: tuple[int, ...]

    def is_reserved(self, kind: OperandKind, code: int) -> bool:
        """Return whether a register must not be written by chance."""
        if kind.file == "x":
            return any(code in indices for indices in self.scalars.values())
        return kind.file == "v" and code in self.lanes


class Generator:
    """Draws programs' parts from one seeded random generator."""

    def __init__(self, description: Description, rng: random.Random) -> None:
        self.description = description
        self.rng = rng
        self.scratch = ReferenceThread(description, SIZE, LOW)
        self._roles: dict[int, list[dict[str, str]]] = {}

    # ---- kinds of instructions

    @cached_property
    def plain(self) -> list[InstructionDef]:
        """Instructions that a straight line of code may hold: all that don't end the thread."""
        return [d for d in self.description.instructions if not traits(d).stops]

    @cached_property
    def stopping(self) -> list[InstructionDef]:
        """Instructions that end the thread without a fault."""
        return [d for d in self.description.instructions if "halt" in traits(d).acts]

    @cached_property
    def cheap(self) -> list[InstructionDef]:
        """Scalar instructions that only compute."""
        return [d for d in self.description.instructions if traits(d).is_cheap]

    @cached_property
    def quiet(self) -> list[InstructionDef]:
        """Instructions that neither jump nor ask anything of the host."""
        return [d for d in self.plain if not traits(d).jumps and not traits(d).acts]

    def having(self, wanted: Callable[[Traits], bool]) -> list[InstructionDef]:
        """Return the instructions whose traits are wanted."""
        return [d for d in self.description.instructions if wanted(traits(d))]

    # ---- initial state

    def cast(self) -> Cast:
        """Return which registers have which role in a program."""
        rng = self.rng
        scalars = rng.sample(range(1, 32), sum(ROLES.values()))
        roles: dict[str, tuple[int, ...]] = {}
        for role, count in ROLES.items():
            roles[role], scalars = tuple(scalars[:count]), scalars[count:]
        favourites = tuple(rng.randrange(32) for _ in range(3))
        return Cast(roles, tuple(rng.sample(range(32), LANE_ROLES)), favourites)

    def registers(self, cast: Cast) -> dict[str, RegisterValue]:
        """Return the contents of every register: special values, and those that roles need."""
        found: dict[str, RegisterValue] = {
            f"{file.name}{index}": values.register(self.rng, file)
            for file in self.description.registers
            for index in range(file.count)
            if index != file.zero
        }
        for role, indices in cast.scalars.items():
            for index in indices:
                found[f"x{index}"] = self._role_value(role)
        for index in cast.lanes:
            found[f"v{index}"] = self._lane_offsets()
        return found

    def _role_value(self, role: str) -> int:
        rng = self.rng
        match role:
            case "pointer":
                return rng.randrange(DATA + 0x1000, SIZE - 0x1000, 64)
            case "edge":
                return rng.choice((LOW, SIZE)) + rng.choice((-1, 1)) * rng.choice(EDGE_OFFSETS)
            case "small":
                return rng.choice((0, 1, 2, 4, 8, 12, 64, -8, -64, -4)) & mask(64)
            case "shape":
                height, width = rng.choice((0, 1, 2, 3, 9, 40)), rng.choice((0, 1, 3, 8, 17, 70))
                pitch = rng.choice((0, 8, 16, 64, 80, 128))
                shape = pitch << 40 | height << 20 | width
                origin = rng.randrange(-2, 4) * (1 << 32) + rng.randrange(-9, 9)
                return rng.choice((shape, shape, origin & mask(64)))
            case "code":
                return START
            case _:
                return rng.randrange(1, 9)

    def _lane_offsets(self) -> bytes:
        width = self.rng.choice((1, 2, 4, 8))
        scale = self.rng.choice((1, 4, 8))
        count = min(64, (1 << (8 * width - 1)) // scale)
        drawn = (self.rng.randrange(count) * scale for _ in range(64 // width))
        return b"".join(offset.to_bytes(width, "little") for offset in drawn)

    def controls(self) -> dict[int, int]:
        """Return the contents of the control registers that are not counters."""
        return {
            control.number: values.integer(self.rng, control.width)
            for control in self.description.controls
        }

    def data(self) -> bytes:
        """Return special values that fill the data."""
        return b"".join(self.rng.choices(self._lines, k=(SIZE - DATA) // 64))

    @cached_property
    def _lines(self) -> list[bytes]:
        return [values.lanes(self.rng, 64) for _ in range(DATA_POOL_COUNT)]

    # ---- operands

    def instruction(
        self, definition: InstructionDef, cast: Cast, pc: int, reach: tuple[int, int] = (4, 20)
    ) -> Instruction:
        """Return a use of an instruction; its jumps go `reach` bytes from `pc`, or anywhere."""
        known, rng = traits(definition), self.rng
        roles = rng.choice(self._roles_of(definition)) if known.addresses else {}
        chosen: dict[str, int] = {}
        for kind in definition.operands:
            if kind.name in roles:
                chosen[kind.name] = self._in_role(kind, roles[kind.name], cast)
            elif kind.name in known.targets:
                chosen[kind.name] = cast.scalars["code"][0]
            elif kind.operand_class is OperandClass.IMMEDIATE:
                chosen[kind.name] = self._immediate(kind, known, pc, reach)
            else:
                chosen[kind.name] = self._register(kind, kind.name in known.written, cast)
        return Instruction(definition, tuple(chosen[kind.name] for kind in definition.operands))

    def wild(self, definition: InstructionDef) -> Instruction:
        """Return a use of an instruction with any operands, edges preferred."""
        return Instruction(definition, tuple(self._any(kind) for kind in definition.operands))

    def _any(self, kind: OperandKind) -> int:
        if kind.operand_class is OperandClass.IMMEDIATE:
            return self._edge(kind)
        return self.rng.choice(kind.names)[1]

    def _in_role(self, kind: OperandKind, role: str, cast: Cast) -> int:
        return self.rng.choice(cast.lanes if kind.file == "v" else cast.scalars[role])

    def _register(self, kind: OperandKind, is_written: bool, cast: Cast) -> int:
        rng = self.rng
        codes = [code for _, code in kind.names]
        if kind.operand_class is not OperandClass.REGISTER:
            return rng.choice(codes)
        if rng.randrange(8) == 0 and 0 in codes and kind.file == "x":
            return 0
        if is_written:
            codes = [code for code in codes if not cast.is_reserved(kind, code)]
        favourites = [code for code in cast.favourites if code in codes]
        return rng.choice(favourites if favourites and rng.randrange(3) == 0 else codes)

    def _immediate(self, kind: OperandKind, known: Traits, pc: int, reach: tuple[int, int]) -> int:
        if kind.pc_relative:
            return self._clamped(kind, self.rng.randrange(reach[0], reach[1] + 1, kind.scale))
        if known.targets:
            forward = self.rng.randrange(reach[0], reach[1] + 1, 4)
            return self._clamped(kind, pc - START + forward)
        value = self._edge(kind)
        alignment = max(known.alignments, default=1)
        if known.addresses & known.written and self.rng.randrange(8):
            value = self._clamped(kind, self.rng.randrange(-STEP_MAX, STEP_MAX))
        if known.addresses and kind.high - kind.low > alignment and self.rng.randrange(4):
            value = self._clamped(kind, value - value % alignment)
        return value

    def _clamped(self, kind: OperandKind, value: int) -> int:
        value -= value % kind.scale
        low = kind.low + -kind.low % kind.scale
        return min(max(value, low), kind.high - kind.high % kind.scale)

    def _edge(self, kind: OperandKind) -> int:
        rng = self.rng
        if rng.randrange(2):
            return self._clamped(kind, rng.randint(kind.low, kind.high))
        near = (kind.low, kind.high, 0, kind.scale, -kind.scale, 8, -8, 64, kind.high // 2)
        return self._clamped(kind, rng.choice(near))

    # ---- roles

    def _roles_of(self, definition: InstructionDef) -> list[dict[str, str]]:
        """Return role assignments under which an instruction has not faulted."""
        key = definition.match
        if key not in self._roles:
            found: list[dict[str, str]] = []
            for tried in range(TRIES_UNTIL_FOUND):
                if found and tried >= TRIES_TO_LEARN:
                    break
                if roles := self._try(definition):
                    found.append(roles)
            assert found, f"{definition.syntax_text} faults with operands of any role"
            self._roles[key] = found
        return self._roles[key]

    def _drawn_roles(self, definition: InstructionDef) -> dict[str, str]:
        names = sorted(traits(definition).addresses)
        return {name: self.rng.choice(ADDRESS_ROLES) for name in names}

    def _try(self, definition: InstructionDef) -> dict[str, str] | None:
        roles = self._drawn_roles(definition)
        cast = self.cast()
        self._roles[definition.match] = [roles]
        instruction = self.instruction(definition, cast, START)
        stop = self.probe(instruction, self.registers_of_roles(cast))
        del self._roles[definition.match]
        return roles if stop.reason in (StopReason.LIMIT, StopReason.REQUEST) else None

    def registers_of_roles(self, cast: Cast) -> dict[str, RegisterValue]:
        """Return the contents of the registers that have roles."""
        found: dict[str, RegisterValue] = {
            f"x{index}": self._role_value(role)
            for role, indices in cast.scalars.items()
            for index in indices
        }
        return found | {f"v{index}": self._lane_offsets() for index in cast.lanes}

    def probe(self, instruction: Instruction, registers: Mapping[str, RegisterValue]) -> Stop:
        """Run one instruction on a thread of its own; return how it stopped."""
        for name, value in registers.items():
            self.scratch.write_register(name, value)
        self.scratch.write_memory(START, encode(instruction).to_bytes(4, "little"))
        self.scratch.pc = START
        return self.scratch.run(1)

    # ---- faults

    def faulting(
        self, definition: InstructionDef, kind: FaultKind, tries: int = 400
    ) -> tuple[Instruction, dict[str, RegisterValue]] | None:
        """Return a use of an instruction, and registers, with which it faults so, if found."""
        for _ in range(tries):
            registers = self.registers(self.cast())
            instruction = self.wild(definition)
            for operand, code in zip(definition.operands, instruction.values, strict=True):
                known = traits(definition)
                is_place = operand.name in known.addresses | known.targets
                if is_place and operand.file == "x":
                    registers[f"x{code}"] = self._bad_address()
                elif is_place and self.rng.randrange(2):
                    registers[f"{operand.file}{code}"] = self._lane_offsets()
            registers.pop("x0", None)
            stop = self.probe(instruction, registers)
            if stop.fault is not None and stop.fault.kind is kind:
                return instruction, registers
        return None

    def _bad_address(self) -> int:
        rng = self.rng
        match rng.randrange(4):
            case 0:
                place = rng.choice((0, LOW, SIZE, mask(64), 1 << 63, 1 << 32))
                return (place + rng.choice((-1, 1)) * rng.choice(EDGE_OFFSETS)) & mask(64)
            case 1:
                return self._role_value("shape")
            case _:
                return DATA + 0x2000 + rng.randrange(0x1000)
