"""IR for the state and the memory: places, bounds, stores of many lanes, the queue of actions."""

from enum import IntEnum
from typing import NamedTuple

from dojo_tools.description.types import Type
from dojo_tools.engines.native.builder import FunctionBuilder, code_type
from dojo_tools.engines.native.code_memory import CODE_LINE, code_end_place
from dojo_tools.engines.native.machine_code import Target


class FaultCode(IntEnum):
    """What faulted, as `fault_kind` of the state says; the host words it."""

    MEMORY = 0
    JUMP = 1
    TRAP = 2
    TEXT = 3


VERBS = ("load", "store", "print")


class Access(NamedTuple):
    """An access to memory: bytes, alignment in bytes, and what it is called."""

    size: int
    alignment: int
    verb: str


class MemoryBuilder:
    """Writes accesses in one function, where `%s` is the state and `%m` the memory."""

    def __init__(self, target: Target, f: FunctionBuilder) -> None:
        self.target = target
        self.f = f

    # ---- the state

    def field(self, name: str) -> str:
        """Return the place of a field of the state."""
        return self._offset(self.target.layout.fields[name])

    def load_field(self, name: str) -> str:
        """Return the value of a field of the state."""
        return self.f.emit(f"load i64, ptr {self.field(name)}, align 8")

    def store_field(self, name: str, text: str | int) -> None:
        """Set a field of the state."""
        self.f.line(f"store i64 {text}, ptr {self.field(name)}, align 8")

    def register(self, file: str, index: int) -> str:
        """Return the place of a register."""
        size = self.target.files[file].width // 8
        return self._offset(self.target.layout.files[file] + index * size)

    def control(self, number: int) -> str:
        """Return the place of a control register."""
        return self._offset(self.target.layout.control(number))

    def _offset(self, offset: int) -> str:
        return self.f.emit(f"getelementptr inbounds i8, ptr %s, i64 {offset}")

    def control_at(self, number: str, count: int) -> str:
        """Return the control register of a computed number, zero beyond them."""
        inside = self.f.emit(f"icmp ult i64 {number}, {count}")
        safe = self.f.emit(f"select i1 {inside}, i64 {number}, i64 0")
        place = self.f.emit(f"getelementptr i64, ptr {self.control(0)}, i64 {safe}")
        value = self.f.emit(f"load i64, ptr {place}, align 8")
        return self.f.emit(f"select i1 {inside}, i64 {value}, i64 0")

    def set_control(self, number: str, value: str) -> None:
        """Write the control register of a computed number, if there is one."""
        masks = self.target.layout.control_masks
        self.f.module.declare(
            "control_masks",
            lambda: (
                f"@control_masks = internal constant [{len(masks)} x i64] "
                f"[{', '.join(f'i64 {bits}' for bits in masks)}]"
            ),
        )
        inside = self.f.emit(f"icmp ult i64 {number}, {len(masks)}")
        write, after = self.f.label("control"), self.f.label("control.end")
        self.f.branch(inside, write, after)
        self.f.start(write)
        entry = self.f.emit(f"getelementptr i64, ptr @control_masks, i64 {number}")
        bits = self.f.emit(f"load i64, ptr {entry}, align 8")
        kept = self.f.emit(f"and i64 {value}, {bits}")
        place = self.f.emit(f"getelementptr i64, ptr {self.control(0)}, i64 {number}")
        self.f.line(f"store i64 {kept}, ptr {place}, align 8")
        if "seed" in self.target.controls:
            draws = self.control(self.target.control("draws"))
            old = self.f.emit(f"load i64, ptr {draws}, align 8")
            is_seed = self.f.emit(f"icmp eq i64 {number}, {self.target.control('seed')}")
            new = self.f.emit(f"select i1 {is_seed}, i64 0, i64 {old}")
            self.f.line(f"store i64 {new}, ptr {draws}, align 8")
        self.f.line(f"br label %{after}")
        self.f.start(after)

    def queue(self, action: int, arguments: list[str]) -> None:
        """Add an action for the host: three words, the action and up to two arguments."""
        count = self.load_field("action_count")
        offset = self.f.emit(f"mul i64 {count}, 24")
        base = self._offset(self.target.layout.actions)
        entry = self.f.emit(f"getelementptr i8, ptr {base}, i64 {offset}")
        for index, text in enumerate([str(action), *arguments]):
            place = self.f.emit(f"getelementptr i64, ptr {entry}, i64 {index}")
            self.f.line(f"store i64 {text}, ptr {place}, align 8")
        self.store_field("action_count", self.f.emit(f"add i64 {count}, 1"))

    # ---- the memory

    def place(self, address: str) -> str:
        """Return the place of an address that has been checked."""
        return self.f.emit(f"getelementptr inbounds i8, ptr %m, i64 {address}")

    def is_outside(self, address: str, size: int, alignment: int) -> str:
        """Return whether an access must fault."""
        low, end = self.target.memory_low, self.target.memory_size
        offset = self.f.emit(f"sub i64 {address}, {low}")
        if alignment > 1 and low % alignment == 0:
            # One comparison for both: what is misaligned has high bits after the rotation.
            shift = alignment.bit_length() - 1
            name = "llvm.fshr.i64"
            self.f.module.declare(name, lambda: f"declare i64 @{name}(i64, i64, i64)")
            both = (("i64", offset), ("i64", offset), ("i64", str(shift)))
            turned = self.f.call(name, "i64", *both).text
            return self.f.emit(f"icmp ugt i64 {turned}, {end - size - low >> shift}")
        bad = self.f.emit(f"icmp ugt i64 {offset}, {end - size - low}")
        if alignment == 1:
            return bad
        rest = self.f.emit(f"and i64 {address}, {alignment - 1}")
        misaligned = self.f.emit(f"icmp ne i64 {rest}, 0")
        return self.f.emit(f"or i1 {bad}, {misaligned}")

    def is_range_outside(self, address: str, size: str) -> str:
        """Return whether a range of computed size, unless empty, is not all inside memory."""
        low, end = self.target.memory_low, self.target.memory_size
        offset = self.f.emit(f"sub i64 {address}, {low}")
        too_low = self.f.emit(f"icmp ugt i64 {offset}, {end - low}")
        room = self.f.emit(f"sub i64 {end - low}, {offset}")
        too_long = self.f.emit(f"icmp ugt i64 {size}, {room}")
        bad = self.f.emit(f"or i1 {too_low}, {too_long}")
        some = self.f.emit(f"icmp ne i64 {size}, 0")
        return self.f.emit(f"and i1 {bad}, {some}")

    def hits_code(self, address: str, access: Access) -> str:
        """Return whether a store comes to a line of memory that has translated code.

        Most stores are above all code, which one comparison tells. A store that is larger than its
        alignment may come to one line more than it touches.
        """
        place = self.place(str(code_end_place(self.target.memory_size)))
        end = self.f.emit(f"load i64, ptr {place}, align 8")
        is_below = self.f.emit(f"icmp ult i64 {address}, {end}")
        above, after = self.f.block, self.f.label("stored")
        with self.f.rare_block("among") as among:
            marked = self._is_marked(address, access)
            self.f.line(f"br label %{after}")
        self.f.branch_if_rare(is_below, among, after)
        self.f.start(after)
        return self.f.emit(f"phi i1 [false, %{above}], [{marked}, %{among}]")

    def _is_marked(self, address: str, access: Access) -> str:
        size, alignment = access.size, min(access.alignment, CODE_LINE)
        count = -(-(size - alignment) // CODE_LINE) + 1
        line = self.f.emit(f"lshr i64 {address}, {CODE_LINE.bit_length() - 1}")
        table = self.place(str(self.target.memory_size))
        entry = self.f.emit(f"getelementptr inbounds i8, ptr {table}, i64 {line}")
        marks = self.f.emit(f"load i{8 * count}, ptr {entry}, align 1")
        return self.f.emit(f"icmp ne i{8 * count} {marks}, 0")

    def scatter(self, addresses: str, bits: str, active: str, type_: Type, access: Access) -> str:
        """Store each active lane; return 0, 1 if code was hit, or the lane that faults | 2^63."""
        name = f"scatter.{type_.width}x{type_.lanes}.{access.alignment}"
        self.f.module.declare(name, lambda: self._scatter_function(name, type_, access))
        lanes = type_.lanes
        return self.f.call(
            name,
            "i64",
            ("ptr", "%s"),
            ("ptr", "%m"),
            (f"<{lanes} x i64>", addresses),
            (code_type(type_), bits),
            (f"<{lanes} x i1>", active),
        ).text

    def _scatter_function(self, name: str, type_: Type, access: Access) -> str:
        f = FunctionBuilder(self.f.module)
        memory = MemoryBuilder(self.target, f)
        lanes, element = type_.lanes, f"i{type_.width}"
        head = (
            f"define internal i64 @{name}(ptr %s, ptr %m, <{lanes} x i64> %addresses, "
            f"{code_type(type_)} %values, <{lanes} x i1> %active) nounwind {{\nentry:"
        )
        f.line("br label %check.0")
        for lane in range(lanes):
            f.start(f"check.{lane}")
            address = f.emit(f"extractelement <{lanes} x i64> %addresses, i64 {lane}")
            chosen = f.emit(f"extractelement <{lanes} x i1> %active, i64 {lane}")
            bad = memory.is_outside(address, access.size, access.alignment)
            fault = f.emit(f"and i1 {bad}, {chosen}")
            f.branch(fault, f"fault.{lane}", f"check.{lane + 1}")
            f.cold.append(f"fault.{lane}:\n  ret i64 {lane - (1 << 63)}")
        f.start(f"check.{lanes}")
        f.line("br label %lane.0")
        hit = "0"
        for lane in range(lanes):
            f.start(f"lane.{lane}")
            old = hit
            chosen = f.emit(f"extractelement <{lanes} x i1> %active, i64 {lane}")
            f.branch(chosen, f"store.{lane}", f"lane.end.{lane}")
            f.start(f"store.{lane}")
            address = f.emit(f"extractelement <{lanes} x i64> %addresses, i64 {lane}")
            value = f.emit(f"extractelement {code_type(type_)} %values, i64 {lane}")
            f.line(
                f"store {element} {value}, ptr {memory.place(address)}, align {access.alignment}"
            )
            touched = f.emit(f"zext i1 {memory.hits_code(address, access)} to i64")
            new = f.emit(f"or i64 {old}, {touched}")
            stored = f.block
            f.line(f"br label %lane.end.{lane}")
            f.start(f"lane.end.{lane}")
            hit = f.emit(f"phi i64 [{old}, %lane.{lane}], [{new}, %{stored}]")
            f.line(f"br label %{f'lane.{lane + 1}' if lane + 1 < lanes else 'end'}")
        f.start("end")
        f.line(f"ret i64 {hit}")
        return "\n".join([head, *f.lines, *f.cold, "}"])
