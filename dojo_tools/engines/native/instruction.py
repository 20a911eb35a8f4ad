"""Lowers one instruction at one address: its checked meaning becomes IR in the region around it.

Operands are known here, so registers are places in the state, immediates are constants and a
condition on them chooses its arm at once. Faults leave through cold blocks; since the description
proves that no fault follows a write, nothing is ever undone.
"""

from typing import Protocol

from dojo_tools.bits import is_aligned, mask
from dojo_tools.description import Instruction, RegisterFile
from dojo_tools.description.semantics import (
    ARGUMENTS_MAX,
    INTERACTIONS,
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
    walk_statements,
)
from dojo_tools.description.types import BOOL, U64, Kind, Type
from dojo_tools.diagnostics import fail
from dojo_tools.engines.native.builder import FunctionBuilder, Value, code_type, integer, ir_type
from dojo_tools.engines.native.layout import ACTIONS_MAX, Exit
from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.memory import Access, FaultCode, MemoryBuilder
from dojo_tools.engines.native.number_formats import narrow, random_words, widen
from dojo_tools.engines.native.operators import OPERATORS, fold
from dojo_tools.formats.table import format_named

_WRITTEN = "written code"
"""The pseudo-local that tells whether a store hit translated code."""

HOST_ACTIONS = (
    "halt",
    "breakpoint",
    "print_text",
    "print_character",
    "print_signed",
    "print_unsigned",
    "print_hexadecimal",
    "print_float",
    "flush_instructions",
)
"""Actions that the host performs once the instruction is complete."""


class Surroundings(Protocol):
    """What an instruction needs of the region that it stands in."""

    def fault(
        self, code: FaultCode, address: str, access: Access | None = None, size: str | None = None
    ) -> str:
        """Return the label of a cold block that stops at this instruction with a fault."""
        ...

    def retired_before(self) -> Value:
        """Return how many instructions have retired before this one."""
        ...

    def cycle(self) -> Value:
        """Return the cycle that this instruction reads."""
        ...

    def leave(self, target: Value | None, left: Exit | None, written: Value) -> None:
        """End the block after the instruction: jump to `target`, or go on behind it.

        `left` is why the host has to come in, if it does.
        """
        ...


def ends_block(statements: tuple[Statement, ...]) -> bool:
    """Return whether an instruction may jump or needs the host, and so ends its block."""
    return any(
        isinstance(statement, Jump | Interact)
        or (isinstance(statement, Act) and statement.action in HOST_ACTIONS)
        for statement in walk_statements(statements)
    )


class InstructionBuilder:
    """Writes the IR of one instruction; `values` are its operands, targets absolute."""

    def __init__(
        self,
        target: Target,
        f: FunctionBuilder,
        around: Surroundings,
        instruction: Instruction,
        pc: int,
    ) -> None:
        self.target = target
        self.f = f
        self.around = around
        self.definition = instruction.definition
        self.pc = pc
        self.memory = MemoryBuilder(target, f)
        self._values = {
            kind.name: pc + value if kind.pc_relative else value
            for kind, value in zip(self.definition.operands, instruction.values, strict=True)
        }
        self._locals: dict[str, tuple[Value, Type]] = {_WRITTEN: (integer(0), BOOL)}
        self._queued = 0
        self._faults: dict[Access, tuple[str, list[tuple[str, str]]]] = {}
        self._ends = ends_block(self.definition.meaning.statements)

    def build(self) -> bool:
        """Write the instruction; return whether it has ended its block."""
        self._run(self.definition.meaning.statements, None, None)
        for access, (label, ways) in self._faults.items():
            self._collect_faults(access, label, ways)
        return self._ends

    @property
    def written(self) -> Value:
        """Whether a store of the instruction hit translated code."""
        return self._locals[_WRITTEN][0]

    # ---- statements

    def _run(
        self, statements: tuple[Statement, ...], target: Value | None, left: Exit | None
    ) -> None:
        for index, statement in enumerate(statements):
            rest = statements[index + 1 :]
            match statement:
                case If(condition, then, otherwise):
                    chosen = self.expression(condition)
                    if chosen.number is not None:
                        self._run((*(then if chosen.number else otherwise), *rest), target, left)
                        return
                    if ends_block((statement,)):
                        self._split(chosen, statement, rest, target, left)
                        return
                    self._join(chosen, statement)
                case Jump(address):
                    target = self._jump_target(address)
                case Act(action, arguments) if action in HOST_ACTIONS:
                    self._queue(action, [self.expression(argument) for argument in arguments])
                    left = Exit.ACTIONS
                case Interact():
                    self._ask(statement)
                    left = Exit.REQUEST
                case _:
                    self._simple(statement)
        if self._ends:
            self.around.leave(target, left, self.written)

    def _split(
        self,
        condition: Value,
        choice: If,
        rest: tuple[Statement, ...],
        target: Value | None,
        left: Exit | None,
    ) -> None:
        """Write both arms up to the end of the instruction, so that each leaves directly."""
        then, otherwise = self.f.label("then"), self.f.label("else")
        self.f.branch(condition.text, then, otherwise)
        before = dict(self._locals)
        for label, arm in ((then, choice.then), (otherwise, choice.otherwise)):
            self.f.start(label)
            self._locals = dict(before)
            self._run((*arm, *rest), target, left)

    def _join(self, condition: Value, choice: If) -> None:
        """Write both arms, which meet again; locals that differ become phis."""
        then, otherwise, after = (self.f.label(stem) for stem in ("then", "else", "join"))
        self.f.branch(condition.text, then, otherwise)
        before = dict(self._locals)
        ends: list[tuple[str, dict[str, tuple[Value, Type]]]] = []
        for label, arm in ((then, choice.then), (otherwise, choice.otherwise)):
            self.f.start(label)
            self._locals = dict(before)
            for statement in arm:
                self._nested(statement)
            ends.append((self.f.block, self._locals))
            self.f.line(f"br label %{after}")
        self.f.start(after)
        self._locals = before
        (first, ones), (second, others) = ends
        for name, (_, type_) in before.items():
            one, other = ones[name][0], others[name][0]
            if one != other:
                text = self.f.emit(
                    f"phi {ir_type(type_)} [{one.text}, %{first}], [{other.text}, %{second}]"
                )
                self._locals[name] = Value(text), type_

    def _nested(self, statement: Statement) -> None:
        if isinstance(statement, If):
            condition = self.expression(statement.condition)
            if condition.number is None:
                self._join(condition, statement)
                return
            for inner in statement.then if condition.number else statement.otherwise:
                self._nested(inner)
        else:
            self._simple(statement)

    def _simple(self, statement: Statement) -> None:
        match statement:
            case Let(name, value):
                self._locals[name] = self.expression(value), value.type
            case WriteRegister():
                self._write_register(statement)
            case WriteControl(operand, value):
                self._write_control(self._values[operand], self.expression(value))
            case Store():
                self._store(statement)
            case Act(action, arguments):
                self._act(action, [self.expression(argument) for argument in arguments])
            case _:
                raise AssertionError(f"{statement} ends a block")

    def _jump_target(self, address: Expression) -> Value:
        target = self.expression(address)
        low, size = self.target.memory_low, self.target.memory_size
        if target.number is not None:
            if not (low <= target.number <= size - 4 and is_aligned(target.number, 4)):
                self.f.line(f"br label %{self.around.fault(FaultCode.JUMP, target.text)}")
                self.f.start(self.f.label("unreachable"))
            return target
        bad = self.memory.is_outside(target.text, 4, 4)
        fine = self.f.label("target")
        self.f.branch_if_rare(bad, self.around.fault(FaultCode.JUMP, target.text), fine)
        self.f.start(fine)
        return target

    def _write_register(self, statement: WriteRegister) -> None:
        operand = self.definition.operand(statement.operand)
        file = self.target.files[operand.file]
        index = self._values[operand.name]
        value = self.expression(statement.value)
        type_ = statement.value.type
        if index == file.zero:
            return
        place = self.memory.register(file.name, index)
        if type_.is_bool:
            bits = self._mask_bits(value, type_)
            if statement.predicate is not None:
                bits = self._merged_mask(place, bits, type_, statement.predicate)
            self.f.line(f"store i64 {bits}, ptr {place}, align 8")
            return
        bits = self.f.bits(type_, value).text
        if file.width == 64:
            whole = f"i{type_.bit_count}"
            bits = self.f.cast("bitcast", code_type(type_), bits, whole).text
            bits = self.f.cast("zext", whole, bits, "i64").text
            self.f.line(f"store i64 {bits}, ptr {place}, align 8")
            return
        codes = code_type(type_)
        if statement.predicate is not None:
            bits = self._merged(place, bits, type_, statement.predicate)
        self.f.line(f"store {codes} {bits}, ptr {place}, align {_register_alignment(file)}")

    def _merged(self, place: str, bits: str, type_: Type, predicate: str) -> str:
        """Return the new bits in the active lanes, the old ones or zeros in the others."""
        active = self._active(predicate, type_.lanes)
        if active is None:
            return bits
        codes = code_type(type_)
        kept = "zeroinitializer"
        if not self._is_zeroing(predicate):
            kept = self.f.emit(f"load {codes}, ptr {place}, align 64")
        return self.f.emit(f"select <{type_.lanes} x i1> {active}, {codes} {bits}, {codes} {kept}")

    def _mask_bits(self, value: Value, type_: Type) -> str:
        whole = f"i{type_.lanes}"
        bits = self.f.cast("bitcast", ir_type(type_), value.text, whole).text
        return self.f.cast("zext", whole, bits, "i64").text

    def _merged_mask(self, place: str, bits: str, type_: Type, predicate: str) -> str:
        if self._values[predicate] == 0:
            return bits
        active = self.f.emit(f"load i64, ptr {self._mask_place(predicate)}, align 8")
        new = self.f.emit(f"and i64 {bits}, {active}")
        if self._is_zeroing(predicate):
            return new
        old = self.f.emit(f"load i64, ptr {place}, align 8")
        inactive = self.f.emit(f"xor i64 {active}, -1")
        kept = self.f.emit(f"and i64 {old}, {inactive}")
        kept = self.f.emit(f"and i64 {kept}, {mask(type_.lanes)}")
        return self.f.emit(f"or i64 {new}, {kept}")

    def _active(self, predicate: str, lanes: int) -> str | None:
        """Return the lanes that a predicate operand lets through, None for all."""
        if self._values[predicate] == 0:
            return None
        bits = self.f.emit(f"load i64, ptr {self._mask_place(predicate)}, align 8")
        bits = self.f.cast("trunc", "i64", bits, f"i{lanes}").text
        return self.f.cast("bitcast", f"i{lanes}", bits, f"<{lanes} x i1>").text

    def _mask_place(self, predicate: str) -> str:
        file = self.target.files[self.definition.operand(predicate).file]
        return self.memory.register(file.name, self._values[predicate] % file.count)

    def _is_zeroing(self, predicate: str) -> bool:
        file = self.target.files[self.definition.operand(predicate).file]
        return self._values[predicate] >= file.count

    def _store(self, statement: Store) -> None:
        type_ = statement.value.type
        address = self.expression(statement.address)
        bits = self.f.bits(type_, self.expression(statement.value)).text
        if statement.address.type.lanes:
            active = None
            if statement.predicate is not None:
                active = self._active(statement.predicate, type_.lanes)
            hit = self._scatter(address, bits, type_, statement.alignment, active)
        else:
            access = Access(type_.bit_count // 8, statement.alignment, "store")
            self._check(address.text, access)
            place = self.memory.place(address.text)
            self.f.line(
                f"store {code_type(type_)} {bits}, ptr {place}, align {statement.alignment}"
            )
            hit = self.memory.hits_code(address.text, access)
        before = self.written
        if before.number is None:
            hit = self.f.emit(f"or i1 {before.text}, {hit}")
        self._locals[_WRITTEN] = Value(hit), BOOL

    def _check(self, address: str, access: Access) -> None:
        """Fault unless an access is inside memory and aligned."""
        bad = self.memory.is_outside(address, access.size, access.alignment)
        fine = self.f.label("inside")
        if access not in self._faults:
            self._faults[access] = self.f.label("outside"), []
        label, ways = self._faults[access]
        ways.append((address, self.f.block))
        self.f.branch_if_rare(bad, label, fine)
        self.f.start(fine)

    def _collect_faults(self, access: Access, label: str, ways: list[tuple[str, str]]) -> None:
        """Write the block where the faults of accesses that are alike come together."""
        address = f"%{label}.address"
        fault = self.around.fault(FaultCode.MEMORY, address, access)
        listed = ", ".join(f"[{text}, %{block}]" for text, block in ways)
        self.f.cold += [f"{label}:", f"  {address} = phi i64 {listed}", f"  br label %{fault}"]

    def _scatter(
        self, addresses: Value, bits: str, type_: Type, alignment: int, active: str | None
    ) -> str:
        access = Access(type_.width // 8, alignment, "store")
        lanes = type_.lanes
        active = active or "splat (i1 true)"
        outcome = self.memory.scatter(addresses.text, bits, active, type_, access)
        bad = self.f.emit(f"icmp slt i64 {outcome}, 0")
        lane = self.f.emit(f"and i64 {outcome}, 63")
        address = self.f.emit(f"extractelement <{lanes} x i64> {addresses.text}, i64 {lane}")
        fine = self.f.label("inside")
        self.f.branch_if_rare(bad, self.around.fault(FaultCode.MEMORY, address, access), fine)
        self.f.start(fine)
        return self.f.emit(f"icmp ne i64 {outcome}, 0")

    # ---- actions

    def _queue(self, action: str, arguments: list[Value]) -> None:
        """Let the host perform an action after the instruction; check what can fault now."""
        self._queued += 1
        if self._queued > ACTIONS_MAX:
            raise fail(
                f"{self.definition.defined_at}: `{self.definition.mnemonic}` has more than "
                f"{ACTIONS_MAX} actions for the host"
            )
        if action == "print_text":
            self._check_text(*arguments)
        if action == "print_float":
            bits = self.f.cast("bitcast", "float", arguments[0].text, "i32")
            arguments = [self.f.cast("zext", "i32", bits.text, "i64")]
        self.memory.queue(HOST_ACTIONS.index(action), [value.text for value in arguments])

    def _ask(self, statement: Interact) -> None:
        """Store what the instruction asks for; unused arguments are zero."""
        arguments = [self.expression(argument).text for argument in statement.arguments]
        arguments += ["0"] * (ARGUMENTS_MAX - len(arguments))
        self.memory.store_field("request", INTERACTIONS[statement.interaction].number)
        for index, argument in enumerate(arguments):
            self.memory.store_field(f"request_{index}", argument)
        result = 0 if statement.result is None else self._values[statement.result]
        self.memory.store_field("request_result", result)

    def _check_text(self, address: Value, size: Value) -> None:
        bad = self.memory.is_range_outside(address.text, size.text)
        fine = self.f.label("inside")
        access = Access(0, 1, "print")
        self.f.branch_if_rare(
            bad, self.around.fault(FaultCode.TEXT, address.text, access, size.text), fine
        )
        self.f.start(fine)

    def _act(self, action: str, arguments: list[Value]) -> None:
        match action, arguments:
            case "trap", [code]:
                self.f.line(f"br label %{self.around.fault(FaultCode.TRAP, code.text)}")
                self.f.start(self.f.label("unreachable"))
            case "raise_flags", [flags]:
                place = self.memory.control(self.target.control("flags"))
                old = self.f.emit(f"load i64, ptr {place}, align 8")
                new = self.f.emit(f"or i64 {old}, {flags.text}")
                self.f.line(f"store i64 {new}, ptr {place}, align 8")
            case "count_draw", []:
                place = self.memory.control(self.target.control("draws"))
                old = self.f.emit(f"load i64, ptr {place}, align 8")
                new = self.f.emit(f"add i64 {old}, 1")
                self.f.line(f"store i64 {new}, ptr {place}, align 8")
            case "set_control", [number, value]:
                if number.number is not None:
                    self._write_control(number.number, value)
                else:
                    self.memory.set_control(number.text, value.text)
            case _:
                raise AssertionError(f"no action `{action}`")

    def _write_control(self, number: int, value: Value) -> None:
        masks = self.target.layout.control_masks
        if number >= len(masks) or masks[number] == 0:
            return
        kept = self.f.emit(f"and i64 {value.text}, {masks[number]}")
        self.f.line(f"store i64 {kept}, ptr {self.memory.control(number)}, align 8")
        if number == self.target.controls.get("seed"):
            place = self.memory.control(self.target.control("draws"))
            self.f.line(f"store i64 0, ptr {place}, align 8")

    # ---- expressions

    def expression(self, e: Expression) -> Value:
        """Write what computes an expression; return its value."""
        match e.operator:
            case "local":
                return self._locals[str(e.detail)][0]
            case "operand" | "number":
                return integer(self._values[str(e.detail)])
            case "pc":
                return integer(self.pc)
            case "register":
                return self._read_register(e)
            case "control":
                return self._read_control(integer(self._values[str(e.detail)]))
            case "active":
                active = self._active(str(e.detail), e.type.lanes)
                return Value("splat (i1 true)" if active is None else active)
            case "zeroing":
                return integer(int(self._is_zeroing(str(e.detail))))
            case _:
                arguments = [self.expression(argument) for argument in e.arguments]
        match e.operator:
            case "control_at":
                return self._read_control(arguments[0])
            case "load":
                return self._load(e, arguments[0])
            case "random":
                return self._random(e)
            case "widen" | "narrow" | "widen_flags" | "narrow_flags":
                return self._format(e, arguments)
            case _:
                known = fold(e, arguments)
                return OPERATORS[e.operator](self.f, e, arguments) if known is None else known

    def _read_register(self, e: Expression) -> Value:
        operand = self.definition.operand(str(e.detail))
        file = self.target.files[operand.file]
        index, type_ = self._values[operand.name], e.type
        if file.width > 64:
            place = self.memory.register(file.name, index)
            alignment = _register_alignment(file)
            bits = self.f.emit(f"load {code_type(type_)}, ptr {place}, align {alignment}")
            return self.f.from_bits(type_, Value(bits))
        if index == file.zero:
            if not type_.lanes and not type_.is_float:
                return integer(0)
            bits = "0"
        else:
            bits = self.f.emit(f"load i64, ptr {self.memory.register(file.name, index)}, align 8")
        whole = f"i{type_.bit_count}"
        bits = self.f.cast("trunc", "i64", bits, whole).text
        return self.f.from_bits(type_, self.f.cast("bitcast", whole, bits, code_type(type_)))

    def _read_control(self, number: Value) -> Value:
        controls = self.target.controls
        if number.number is None:
            count = len(self.target.layout.control_masks)
            value = self.memory.control_at(number.text, count)
            for name, current in (
                ("cycle", self.around.cycle),
                ("retired", self.around.retired_before),
            ):
                if name in controls:
                    same = self.f.emit(f"icmp eq i64 {number.text}, {controls[name]}")
                    value = self.f.select(U64, same, current().text, value).text
            return Value(value)
        if number.number == controls.get("cycle"):
            return self.around.cycle()
        if number.number == controls.get("retired"):
            return self.around.retired_before()
        if number.number >= len(self.target.layout.control_masks):
            return integer(0)
        place = self.memory.control(number.number)
        return Value(self.f.emit(f"load i64, ptr {place}, align 8"))

    def _load(self, e: Expression, address: Value) -> Value:
        assert isinstance(e.detail, int)
        access = Access(e.type.bit_count // 8, e.detail, "load")
        self._check(address.text, access)
        place = self.memory.place(address.text)
        bits = self.f.emit(f"load {code_type(e.type)}, ptr {place}, align {access.alignment}")
        return self.f.from_bits(e.type, Value(bits))

    def _random(self, e: Expression) -> Value:
        names = ("seed", "draws", "node_x", "node_y", "thread")
        state = [
            self.f.emit(f"load i64, ptr {self.memory.control(self.target.control(name))}, align 8")
            for name in names
        ]
        return random_words(self.f, e.type.lanes, *state)

    def _format(self, e: Expression, a: list[Value]) -> Value:
        """Write a conversion between values and codes, or the flags of one."""
        row = format_named(str(e.detail))
        wants_flags = e.operator.endswith("_flags")
        source, bias = a[1:3] if wants_flags else a[:2]
        lanes = e.arguments[1 if wants_flags else 0].type.lanes
        rest = a[3:] if wants_flags else a[2:]
        bias = self._wide(bias, e.arguments[2 if wants_flags else 1].type)
        if e.operator.startswith("widen"):
            results = widen(self.f, row, self.target.denormals, source, bias, lanes)
        else:
            words = rest[0] if rest else None
            results = narrow(self.f, row, self.target.denormals, source, bias, words, lanes)
        if not wants_flags:
            return Value(results[0])
        return self._any_flags(results[1], a[0], e.arguments[0].type, lanes, e.type)

    def _wide(self, value: Value, type_: Type) -> Value:
        return self.f.cast("zext", ir_type(type_), value.text, "i64")

    def _any_flags(self, flags: str, active: Value, type_: Type, lanes: int, result: Type) -> Value:
        """Return the flags of the active lanes, together."""
        octets = Type(Kind.UNSIGNED, 8, lanes)
        chosen = (
            active.text if type_.lanes else self.f.splat(Type(Kind.BOOL, 1, lanes), active).text
        )
        kept = self.f.select(octets, chosen, flags, "zeroinitializer").text
        name = f"llvm.vector.reduce.or.v{lanes}i8"
        self.f.module.declare(name, lambda: f"declare i8 @{name}(<{lanes} x i8>)")
        together = self.f.call(name, "i8", (f"<{lanes} x i8>", kept))
        return self.f.cast("zext", "i8", together.text, ir_type(result))


def _register_alignment(file: RegisterFile) -> int:
    return min(file.width // 8, 64)
