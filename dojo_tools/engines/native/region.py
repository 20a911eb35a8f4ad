"""Writes the IR of a region: blocks that direct jumps connect, as one function.

A region is entered at one address and left for the dispatcher with the next one. Guest registers
stay in the state, where LLVM promotes them to host registers in hot loops by itself; so every fault
finds the state as it has to be and nothing is stored on the way out. Instructions and cycles are
counted once a block, or once a turn of a loop; with timing there is a block for each shape of the
scoreboard that it is entered in, and each path through one has a counter of its own, which tells
where the cycles went.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dojo_tools.description import Instruction, InstructionDef, encode
from dojo_tools.engines.native import dispatch
from dojo_tools.engines.native.builder import FunctionBuilder, Module, Value, integer
from dojo_tools.engines.native.flow import Decode, Flow, RegionCode, discover, flow_of
from dojo_tools.engines.native.instruction import InstructionBuilder
from dojo_tools.engines.native.layout import Exit
from dojo_tools.engines.native.machine_code import Target, Variant
from dojo_tools.engines.native.memory import VERBS, Access, FaultCode, MemoryBuilder
from dojo_tools.engines.native.timeline import Point, Timeline
from dojo_tools.engines.native.trace import first_word, write_record
from dojo_tools.engines.native.turns import Turns, find_turns
from dojo_tools.engines.records import kept_registers
from dojo_tools.engines.timing import Totals

HEAT_MAX = 2_000_000
"""Instructions in loops after which a region is translated again, better."""

ENTRY_HEAT = 10
"""Instructions that an entry counts for."""

VERSIONS_MAX = 8
"""Shapes in which a block is written within one region; in others it is a region of its own."""

VERSIONS_ROOM = 256
"""Instructions in second and further versions of blocks."""

FUNCTION = "region"

_ATTRIBUTES = (
    'nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" "no-trapping-math"="true"'
)


@dataclass(frozen=True, slots=True)
class Translation:
    """The IR of a region, the addresses of its instructions, and its counters.

    `ends` are addresses that were looked at and have no instruction, `shapes` the numbers that the
    code leaves in the state.
    """

    text: str
    addresses: frozenset[int]
    paths: tuple[Totals, ...]
    """What cycles went to on the path of each counter."""

    step_cycles_max: int
    """The most cycles that an instruction takes."""

    ends: frozenset[int]
    shapes: frozenset[int]


class Loop(NamedTuple):
    """A loop whose turns come back in the shape in which it was entered.

    Its shortest turns count instructions alone. Cycles and paths follow from them, and are settled
    on the way out.
    """

    pc: int
    turns: Turns
    body: str
    """The label where a turn begins."""

    base: str
    """The place of what would be left to execute without the shortest turns."""


class RegionBuilder:
    """Writes one region."""

    def __init__(
        self,
        target: Target,
        variant: Variant,
        flows: dict[str, Flow],
        timeline: Timeline | None = None,
    ) -> None:
        self.target = target
        self._timeline = timeline
        self.variant = variant
        self._flows = flows
        self._module = Module()
        self.f = FunctionBuilder(self._module)
        self.memory = MemoryBuilder(target, self.f)
        self._code = RegionCode()
        self._key = 0
        self._labels: dict[tuple[int, int], str] = {}
        self._versions: dict[int, int] = {}
        self._waiting: list[tuple[int, int]] = []
        self._paths: dict[Totals, int] = {}
        self._step_cycles_max = 1
        self._left_in: set[int] = set()
        self._written_out = 0
        self._room = 0
        self._pc = 0
        self._point = Point.entry(0)  # before the instruction that is being written
        self._loop: Loop | None = None
        self._slots: list[str] = []
        self._ways: list[tuple[str, int, Point]] = []

    def build(self, entry: int, shape: int, decode: Decode) -> Translation | None:
        """Return the region at an address, or None if no instruction stands there."""
        variant = self.variant
        self._code = discover(entry, decode, self._flow, variant.size_max, variant.jumps)
        if entry not in self._code.instructions:
            return None
        self._room = VERSIONS_ROOM + len(self._code.instructions)
        if self.variant.stepping:
            self._code.leaders = set(self._code.instructions)
        self._key = dispatch.key_of(entry, shape)
        self._point = Point.entry(shape)
        self._heat_check(entry)
        self._go(entry)
        while self._waiting:
            self._block(*self._waiting.pop())
        return Translation(
            self._text(),
            frozenset(self._code.instructions),
            tuple(self._paths),
            self._step_cycles_max,
            frozenset(self._code.ends),
            frozenset(self._left_in),
        )

    def _flow(self, definition: InstructionDef) -> Flow:
        key = f"{definition.mnemonic} {definition.match}"
        if key not in self._flows:
            self._flows[key] = flow_of(definition)
        return self._flows[key]

    def _text(self) -> str:
        layout = self.target.layout
        size = layout.traced_size if self.variant.traced else layout.size
        state = f"ptr noalias captures(none) writable dereferenceable({size}) align 64 %s"
        memory = (
            f"ptr noalias captures(none) dereferenceable({self.target.memory_size}) align 64 %m"
        )
        room = 8 * max(len(self._paths), 1)
        counters = f"ptr noalias captures(none) writable dereferenceable({room}) align 8 %c"
        head = f"define i32 @{FUNCTION}({state}, {memory}, {counters}) #0 {{\nentry:"
        lines = [self._module.text(), head, *self._slots, *self.f.lines, *self.f.cold, "}"]
        return "\n".join([*lines, f"attributes #0 = {{ {_ATTRIBUTES} }}", ""])

    # ---- blocks

    def _label(self, pc: int) -> str | None:
        """Return the label of the block at an address in the present shape, None if outside."""
        if pc not in self._code.leaders or pc not in self._code.instructions:
            return None
        key = pc, self._point.shape
        if key not in self._labels:
            count = self._versions.get(pc, 0)
            if count >= VERSIONS_MAX or (count and self._written_out >= self._room):
                return None
            self._versions[pc] = count + 1
            self._labels[key] = f"at.{pc:x}.{key[1]}"
            self._waiting.append(key)
        return self._labels[key]

    def _block(self, pc: int, shape: int) -> None:
        self.f.start(self._labels[pc, shape])
        self._point = Point.entry(shape)
        if self.variant.stepping:
            self._limit_check(self._exit(pc, Exit.LIMIT))
            self._end_check(pc)
        self._loop = self._begin_loop(pc)
        self._straight(pc)
        while self._ways:
            label, pc, self._point = self._ways.pop()
            self.f.start(label)
            if self._loop is not None and pc == self._loop.pc:
                self._next_turn(self._loop)
            else:
                self._straight(pc)

    def _straight(self, pc: int) -> None:
        """Write the block from an address on, up to where it branches or ends."""
        while True:
            self._pc = pc
            self._written_out += 1
            instruction = self._code.instructions[pc]
            builder = InstructionBuilder(self.target, self.f, self, instruction, pc)
            if builder.build():
                return
            self._retire(instruction, taken=False)
            pc += 4
            if builder.written.number is None:
                self._leave_if(builder.written, pc)
            is_inside = self._loop is not None or pc not in self._code.leaders
            if not is_inside or pc not in self._code.instructions:
                self._count()
                self._go(pc)
                return

    def _begin_loop(self, pc: int) -> Loop | None:
        """Begin the body of a loop if the block at an address is the head of one."""
        if self.variant.stepping or self.variant.traced or not self.variant.optimised:
            return None
        room = self._room - self._written_out
        turns = find_turns(self._code, self._flow, self._after, pc, self._point, room)
        if turns is None:
            return None
        body, base = self.f.label("body"), f"%{self.f.label('base')}"
        self._slots.append(f"  {base} = alloca i64, align 8")
        self.f.line(f"store i64 {self.memory.load_field('left')}, ptr {base}, align 8")
        self.f.line(f"br label %{body}")
        self.f.start(body)
        return Loop(pc, turns, body, base)

    def _after(self, point: Point, instruction: Instruction, taken: bool) -> Point:
        if self._timeline is None:
            return point._replace(done=point.done + 1)
        after = self._timeline.after(point, instruction, taken)
        self._step_cycles_max = max(self._step_cycles_max, after.cycles - point.cycles)
        return after

    def _retire(self, instruction: Instruction, taken: bool) -> None:
        """Go on behind an instruction that nothing can stop any more."""
        if self.variant.traced:
            where = first_word(self._pc, encode(instruction))
            registers = kept_registers(instruction, self.target.description)
            write_record(self.memory, self.variant.traced, where, self.cycle().text, registers)
        self._point = self._after(self._point, instruction, taken)

    def _count(self) -> None:
        """Add what the block did: instructions that have retired, cycles, and their path."""
        self._settle()
        self._count_path()

    def _count_path(self) -> None:
        self._count_done()
        if self._point.cycles:
            self._add(self.memory.field("cycles"), self._point.cycles)
            self._add(self._counter(self._point.totals), 1)

    def _count_done(self) -> None:
        self._add(self.memory.field("left"), -self._point.done)

    def _counter(self, totals: Totals) -> str:
        """Return the place of the counter for a path."""
        return self.f.emit(f"getelementptr inbounds i64, ptr %c, i64 {self._path(totals)}")

    def _settle(self) -> None:
        """Count what the shortest turns of a loop have left to be counted."""
        if self._loop is not None and self._loop.turns.shortest.cycles:
            turns = self._shortest_turns(self._loop)
            self._add(self._counter(self._loop.turns.shortest.totals), turns)
            self._add(self.memory.field("cycles"), self._cycles_of(self._loop, turns))

    def _shortest_turns(self, loop: Loop) -> str:
        """Return how often a loop has taken its shortest turn."""
        base = self.f.emit(f"load i64, ptr {loop.base}, align 8")
        passed = self.f.emit(f"sub i64 {base}, {self.memory.load_field('left')}")
        return self.f.emit(f"udiv exact i64 {passed}, {loop.turns.shortest.done}")

    def _cycles_of(self, loop: Loop, turns: str) -> str:
        return self.f.emit(f"mul i64 {turns}, {loop.turns.shortest.cycles}")

    def _add(self, place: str, number: int | str) -> None:
        old = self.f.emit(f"load i64, ptr {place}, align 8")
        self.f.line(f"store i64 {self.f.emit(f'add i64 {old}, {number}')}, ptr {place}, align 8")

    def _path(self, totals: Totals) -> int:
        """Return the number of the counter for paths that cycles go to in the same way."""
        return self._paths.setdefault(totals, len(self._paths))

    def _go(self, pc: int) -> None:
        """End the block by going on at an address."""
        self.f.line(f"br label %{self._label(pc) or self._exit(pc)}")

    def _exit(self, pc: int | str, code: Exit = Exit.CONTINUE) -> str:
        """Return the label of a cold block that leaves the region for an address."""
        with self.f.rare_block("exit") as label:
            self._store_and_return(pc, code)
        return label

    def _leave_if(self, written: Value, pc: int) -> None:
        """Leave after a store that hit code, with what has been done counted."""
        after = self.f.label("after")
        with self.f.rare_block("written") as label:
            self._count()
            self._store_and_return(pc, Exit.WRITTEN)
        self.f.branch_if_rare(written.text, label, after)
        self.f.start(after)

    # ---- checks on the way back

    def _limit_check(self, leave: str) -> None:
        reached = self.f.emit(f"icmp slt i64 {self.memory.load_field('left')}, 0")
        after = self.f.label("within")
        self.f.branch_if_rare(reached, leave, after)
        self.f.start(after)

    def _end_check(self, pc: int) -> None:
        """Leave before an instruction that issues in the last cycle or later."""
        if self._timeline is None:
            return
        self._pc = pc
        end = self.memory.load_field("end")
        reached = self.f.emit(f"icmp sge i64 {self.cycle().text}, {end}")
        after = self.f.label("early")
        self.f.branch_if_rare(reached, self._exit(pc, Exit.LIMIT), after)
        self.f.start(after)

    def _heat_check(self, pc: int | str) -> None:
        """Count how often a region of quick code comes by; leave once it is worth better code.

        The count begins anew, for the host may put it off.
        """
        if self.variant.stepping or self.variant.optimised:
            return
        self._module.declare("heat", lambda: f"@heat = internal global i64 {HEAT_MAX}")
        heat = self.f.emit("load i64, ptr @heat, align 8")
        left = self.f.emit(f"sub i64 {heat}, {self._point.done or ENTRY_HEAT}")
        self.f.line(f"store i64 {left}, ptr @heat, align 8")
        is_hot = self.f.emit(f"icmp slt i64 {left}, 0")
        after = self.f.label("cool")
        with self.f.rare_block("exit") as leave:
            self.f.line(f"store i64 {HEAT_MAX}, ptr @heat, align 8")
            self.memory.store_field("hot", self._key)
            self._store_and_return(pc, Exit.HOT)
        self.f.branch_if_rare(is_hot, leave, after)
        self.f.start(after)

    # ---- called while an instruction is written

    def fault(
        self, code: FaultCode, address: str, access: Access | None = None, size: str | None = None
    ) -> str:
        """Return the label of a cold block that stops at this instruction with a fault."""
        access = access or Access(0, 1, VERBS[0])
        self._module.declare("fault", self._fault_function)
        size = size or str(access.size)
        point = self._point
        self._left_in.add(point.shape)
        path = self._path(point.totals) if point.cycles else 0
        numbers = (self._pc, point.done, point.cycles, path, point.shape, int(code), address, size)
        last = access.alignment, VERBS.index(access.verb)
        listed = ", ".join(f"i64 {n}" for n in (*numbers, *last))
        with self.f.rare_block("fault") as label:
            self._settle()
            self.f.line(f"call void @fault(ptr %s, ptr %c, {listed})")
            self.f.line(f"ret i32 {int(Exit.FAULT)}")
        return label

    def _fault_function(self) -> str:
        f = FunctionBuilder(self._module)
        memory = MemoryBuilder(self.target, f)
        names = ("kind", "address", "size", "alignment", "verb")
        stored = {"pc": "pc", "shape": "shape"} | {f"fault_{name}": name for name in names}
        for field, name in stored.items():
            memory.store_field(field, f"%{name}")
        memory.store_field("left", f.emit(f"sub i64 {memory.load_field('left')}, %done"))
        memory.store_field("cycles", f.emit(f"add i64 {memory.load_field('cycles')}, %cycles"))
        place = f.emit("getelementptr i64, ptr %c, i64 %path")
        passed = f.emit("icmp ne i64 %cycles, 0")
        f.branch(passed, "count", "end")
        f.start("count")
        old = f.emit(f"load i64, ptr {place}, align 8")
        f.line(f"store i64 {f.emit(f'add i64 {old}, 1')}, ptr {place}, align 8")
        f.line("br label %end")
        f.start("end")
        parameters = ("pc", "done", "cycles", "path", "shape", *names)
        listed = ", ".join(f"i64 %{name}" for name in parameters)
        head = f"define internal void @fault(ptr %s, ptr %c, {listed}) noinline nounwind cold {{"
        return "\n".join([head, "entry:", *f.lines, "  ret void", "}"])

    def retired_before(self) -> Value:
        """Return how many instructions have retired before this one."""
        retired = self.f.emit(
            f"sub i64 {self.memory.load_field('last')}, {self.memory.load_field('left')}"
        )
        return self._beyond(retired, self._point.done)

    def cycle(self) -> Value:
        """Return the cycle in which this instruction issues."""
        if self._timeline is None:
            before = self.retired_before()  # `cycles` is how far the clock is ahead of them
            start = self.memory.load_field("cycles")
            return Value(self.f.emit(f"add i64 {before.text}, {start}"))
        instruction = self._code.instructions[self._pc]
        wait = self._timeline.wait(self._point, instruction)
        cycles = self.memory.load_field("cycles")
        if self._loop is not None:
            passed = self._cycles_of(self._loop, self._shortest_turns(self._loop))
            cycles = self.f.emit(f"add i64 {cycles}, {passed}")
        return self._beyond(cycles, wait)

    def _beyond(self, base: str, more: int) -> Value:
        return Value(self.f.emit(f"add i64 {base}, {more}") if more else base)

    def leave(self, target: Value | None, left: Exit | None, written: Value) -> None:
        """End the block after the instruction: jump to `target`, or go on behind it."""
        before = self._point
        next_pc = integer(self._pc + 4) if target is None else target
        taken = next_pc.number != self._pc + 4
        self._retire(self._code.instructions[self._pc], taken)
        plainly = left is None and written.number is not None
        if not (plainly and self._loop is not None and self._goes_on(self._loop, next_pc)):
            self._leave_block(next_pc, left, written)
        self._point = before

    def _leave_block(self, next_pc: Value, left: Exit | None, written: Value) -> None:
        """Count, and go on in another block or region, or at the host."""
        self._count()
        if left is Exit.ACTIONS and written.number is None:
            hit = self.f.emit(f"zext i1 {written.text} to i64")
            self.memory.store_field("written", hit)
        if left is not None or written.number is None:
            self._store_and_return(next_pc.text, left or Exit.WRITTEN)
        elif next_pc.number is None:
            self._limit_check(self._exit(next_pc.text, Exit.LIMIT))
            self._heat_check(next_pc.text)
            self._dispatch(next_pc.text)
        else:
            if next_pc.number <= self._pc:
                self._limit_check(self._exit(next_pc.number, Exit.LIMIT))
                self._heat_check(next_pc.number)
            self._go(next_pc.number)

    def _goes_on(self, loop: Loop, next_pc: Value) -> bool:
        """Go on in a loop if that is where the next instruction is, known or computed."""
        if next_pc.number is not None:
            label = self._way(loop, next_pc.number)
            if label is not None:
                self.f.line(f"br label %{label}")
            return label is not None
        targets = self._code.computed.get(self._pc, ())
        labels = {target: self._way(loop, target) for target in targets}
        outside = self.f.label("outside")
        self._switch(next_pc.text, outside, labels)
        self.f.start(outside)
        return False

    def _switch(self, pc: str, other: str, labels: Mapping[int, str | None]) -> None:
        """Go on at a computed address that has a label, else at `other`."""
        cases = " ".join(f"i64 {place}, label %{label}" for place, label in labels.items() if label)
        self.f.line(f"switch i64 {pc}, label %{other} [{cases}]")

    def _way(self, loop: Loop, pc: int) -> str | None:
        """Return the label of what a turn of a loop does at an address, None outside of turns."""
        is_end = pc == loop.pc and self._point.shape == loop.turns.shortest.shape
        if not is_end and (pc, self._point) not in loop.turns.ways:
            return None
        label = self.f.label("turn" if is_end else "way")
        self._ways.append((label, pc, self._point))
        return label

    def _next_turn(self, loop: Loop) -> None:
        """End a turn of a loop: count, and begin the next one while the limit allows."""
        if self._point == loop.turns.shortest:
            self._count_done()
        else:
            self._count_path()
            self._add(loop.base, -self._point.done)
        with self.f.rare_block("exit") as leave:
            self._settle()
            self._store_and_return(loop.pc, Exit.LIMIT)
        self._limit_check(leave)
        self.f.line(f"br label %{loop.body}")

    def _store_and_return(self, pc: int | str, code: Exit) -> None:
        self.memory.store_field("pc", pc)
        if self._timeline is not None:
            self._left_in.add(self._point.shape)
            self.memory.store_field("shape", self._point.shape)
        self.f.line(f"ret i32 {int(code)}")

    def _dispatch(self, pc: str) -> None:
        """Go on at a computed address: inside the region if that is known to be a way on."""
        known = (*self._code.return_sites, *self._code.computed.get(self._pc, ()))
        labels = {target: self._label(target) for target in known}
        with self.f.rare_block("exit") as unknown:
            jumped = self.f.emit(f"or i64 {pc}, {self._pc << 32}")
            self.memory.store_field("jumped", jumped)
            self._store_and_return(pc, Exit.CONTINUE)
        self._switch(pc, unknown, labels)
