"""Writes the IR of a region: blocks that direct jumps connect, as one function.

A region is entered at one address and left for the dispatcher with the next one. Guest registers
stay in the state, where LLVM promotes them to host registers in hot loops by itself; so every fault
finds the state as it has to be and nothing is stored on the way out. Instructions are counted once
a block.
"""

from dataclasses import dataclass

from dojo_tools.description import InstructionDef
from dojo_tools.engines.native.builder import FunctionBuilder, Module, Value, integer
from dojo_tools.engines.native.flow import Decode, Flow, RegionCode, discover, flow_of
from dojo_tools.engines.native.instruction import InstructionBuilder
from dojo_tools.engines.native.layout import Exit
from dojo_tools.engines.native.machine_code import Target, Variant
from dojo_tools.engines.native.memory import VERBS, Access, FaultCode, MemoryBuilder

REGION_SIZE_MAX = 1024
"""Instructions in a region; so many may retire after the limit has been reached."""

HEAT_MAX = 200_000
"""Entries and taken back edges after which a region is translated again, better."""

FUNCTION = "region"

_ATTRIBUTES = (
    'nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" "no-trapping-math"="true"'
)


@dataclass(frozen=True, slots=True)
class Translation:
    """The IR of a region, and the addresses of the instructions in it."""

    text: str
    addresses: frozenset[int]


class RegionBuilder:
    """Writes one region."""

    def __init__(self, target: Target, variant: Variant, flows: dict[str, Flow]) -> None:
        self.target = target
        self.variant = variant
        self._flows = flows
        self._module = Module()
        self.f = FunctionBuilder(self._module)
        self.memory = MemoryBuilder(target, self.f)
        self._code = RegionCode()
        self._labels: dict[int, str] = {}
        self._waiting: list[int] = []
        self._pc = 0
        self._done = 0  # instructions of the block before the one being written

    def build(self, entry: int, decode: Decode) -> Translation | None:
        """Return the region at an address, or None if no instruction stands there."""
        size_max = 64 if self.variant.stepping else REGION_SIZE_MAX
        self._code = discover(entry, decode, self._flow, size_max)
        if entry not in self._code.instructions:
            return None
        if self.variant.stepping:
            self._code.leaders = set(self._code.instructions)
        self._heat_check(entry)
        self.f.line(f"br label %{self._label(entry)}")
        while self._waiting:
            self._block(self._waiting.pop())
        return Translation(self._text(), frozenset(self._code.instructions))

    def _flow(self, definition: InstructionDef) -> Flow:
        key = f"{definition.mnemonic} {definition.match}"
        if key not in self._flows:
            self._flows[key] = flow_of(definition)
        return self._flows[key]

    def _text(self) -> str:
        size = self.target.layout.size
        state = f"ptr noalias captures(none) writable dereferenceable({size}) align 64 %s"
        memory = (
            f"ptr noalias captures(none) dereferenceable({self.target.memory_size}) align 64 %m"
        )
        head = f"define i32 @{FUNCTION}({state}, {memory}) #0 {{\nentry:"
        lines = [self._module.text(), head, *self.f.lines, *self.f.cold, "}"]
        return "\n".join([*lines, f"attributes #0 = {{ {_ATTRIBUTES} }}", ""])

    # ---- blocks

    def _label(self, pc: int) -> str:
        """Return the label of the block at an address, which will be written."""
        if pc not in self._labels:
            self._labels[pc] = f"at.{pc:x}"
            self._waiting.append(pc)
        return self._labels[pc]

    def _block(self, pc: int) -> None:
        self.f.start(self._labels[pc])
        self._done = 0
        if self.variant.stepping:
            self._limit_check(pc)
        while True:
            self._pc = pc
            builder = InstructionBuilder(self.target, self.f, self, self._code.instructions[pc], pc)
            if builder.build():
                return
            self._done += 1
            pc += 4
            if builder.written.number is None:
                self._leave_if(builder.written, pc)
            if pc in self._code.leaders or pc not in self._code.instructions:
                self._count()
                self._go(pc)
                return

    def _count(self) -> None:
        """Add the instructions of the block to those that have retired."""
        if self._done:
            retired = self.memory.load_field("retired")
            self.memory.store_field("retired", self.f.emit(f"add i64 {retired}, {self._done}"))

    def _go(self, pc: int) -> None:
        """End the block by going on at an address."""
        inside = pc in self._code.leaders and pc in self._code.instructions
        self.f.line(f"br label %{self._label(pc) if inside else self._exit(pc)}")

    def _exit(self, pc: int | str, code: Exit = Exit.CONTINUE) -> str:
        """Return the label of a cold block that leaves the region for an address."""
        label = self.f.label("exit")
        place = f"%{label}.pc"
        offset = self.target.layout.fields["pc"]
        self.f.cold += [
            f"{label}:",
            f"  {place} = getelementptr inbounds i8, ptr %s, i64 {offset}",
            f"  store i64 {pc}, ptr {place}, align 8",
            f"  ret i32 {int(code)}",
        ]
        return label

    def _leave_if(self, written: Value, pc: int) -> None:
        """Leave after a store that hit code, with what has been done counted."""
        label, after = self.f.label("written"), self.f.label("after")
        self.f.branch(written.text, label, after)
        lines, self.f.lines = self.f.lines, []
        self.f.start(label)
        self._count()
        self.f.line(f"br label %{self._exit(pc, Exit.WRITTEN)}")
        self.f.cold += self.f.lines
        self.f.lines = lines
        self.f.start(after)

    # ---- checks on the way back

    def _limit_check(self, pc: int | str) -> None:
        retired, limit = self.memory.load_field("retired"), self.memory.load_field("limit")
        reached = self.f.emit(f"icmp uge i64 {retired}, {limit}")
        after = self.f.label("within")
        self.f.branch(reached, self._exit(pc, Exit.LIMIT), after)
        self.f.start(after)

    def _heat_check(self, pc: int | str) -> None:
        """Count how often a region of quick code comes by; leave once it is worth better code."""
        if self.variant.stepping or self.variant.optimised:
            return
        self._module.declare("heat", lambda: f"@heat = internal global i64 {HEAT_MAX}")
        heat = self.f.emit("load i64, ptr @heat, align 8")
        left = self.f.emit(f"sub i64 {heat}, 1")
        self.f.line(f"store i64 {left}, ptr @heat, align 8")
        is_hot = self.f.emit(f"icmp slt i64 {left}, 0")
        after = self.f.label("cool")
        self.f.branch(is_hot, self._exit(pc, Exit.HOT), after)
        self.f.start(after)

    # ---- called while an instruction is written

    def fault(
        self, code: FaultCode, address: str, access: Access | None = None, size: str | None = None
    ) -> str:
        """Return the label of a cold block that stops at this instruction with a fault."""
        access = access or Access(0, 1, VERBS[0])
        self._module.declare("fault", self._fault_function)
        label = self.f.label("fault")
        size = size or str(access.size)
        numbers = f"i64 {access.alignment}, i64 {VERBS.index(access.verb)}"
        self.f.cold += [
            f"{label}:",
            f"  call void @fault(ptr %s, i64 {self._pc}, i64 {self._done}, i64 {int(code)}, "
            f"i64 {address}, i64 {size}, {numbers})",
            f"  ret i32 {int(Exit.FAULT)}",
        ]
        return label

    def _fault_function(self) -> str:
        f = FunctionBuilder(self._module)
        memory = MemoryBuilder(self.target, f)
        memory.store_field("pc", "%pc")
        retired = memory.load_field("retired")
        memory.store_field("retired", f.emit(f"add i64 {retired}, %done"))
        for name in ("kind", "address", "size", "alignment", "verb"):
            memory.store_field(f"fault_{name}", f"%{name}")
        parameters = ", ".join(
            f"i64 %{name}"
            for name in ("pc", "done", "kind", "address", "size", "alignment", "verb")
        )
        head = f"define internal void @fault(ptr %s, {parameters}) noinline nounwind cold {{"
        return "\n".join([head, "entry:", *f.lines, "  ret void", "}"])

    def retired_before(self) -> Value:
        """Return how many instructions have retired before this one."""
        retired = self.memory.load_field("retired")
        return (
            Value(self.f.emit(f"add i64 {retired}, {self._done}")) if self._done else Value(retired)
        )

    def cycle(self) -> Value:
        """Return the cycle that this instruction reads."""
        return self.retired_before()

    def leave(self, target: Value | None, acted: bool, written: Value) -> None:
        """End the block after the instruction: jump to `target`, or go on behind it."""
        before = self._done
        self._done += 1
        next_pc = integer(self._pc + 4) if target is None else target
        self._count()
        if acted or written.number is None:
            code = Exit.ACTIONS if acted else Exit.WRITTEN
            self._store_and_return(next_pc, code)
        elif next_pc.number is None:
            self._limit_check(next_pc.text)
            self._heat_check(next_pc.text)
            self._dispatch(next_pc.text)
        else:
            if next_pc.number <= self._pc:
                self._limit_check(next_pc.number)
                self._heat_check(next_pc.number)
            self._go(next_pc.number)
        self._done = before

    def _store_and_return(self, pc: Value, code: Exit) -> None:
        self.memory.store_field("pc", pc.text)
        self.f.line(f"ret i32 {int(code)}")

    def _dispatch(self, pc: str) -> None:
        """Go on at a computed address: inside the region if it is where a call returns to."""
        sites = [site for site in self._code.return_sites if site in self._code.instructions]
        cases = " ".join(f"i64 {site}, label %{self._label(site)}" for site in dict.fromkeys(sites))
        self.f.line(f"switch i64 {pc}, label %{self._exit(pc)} [{cases}]")
