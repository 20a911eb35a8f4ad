"""The reference engine for many threads: the procedures of the mesh as Python functions."""

import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from dojo_tools.bits import mask, to_signed
from dojo_tools.description import Description
from dojo_tools.description.procedures import Procedures
from dojo_tools.engines.mesh import (
    AGENT_BITS,
    Limits,
    MeshArrays,
    MeshShape,
    lazy_memory,
)
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.reference.memory import Memory
from dojo_tools.engines.reference.procedures import compile_python
from dojo_tools.engines.reference.thread import ReferenceThread
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.timing import Terms
from dojo_tools.formats import Denormals

_SLICE = 100_000
BUDGET = 1_000
"""Events that a worker handles before the host looks: some 20 ms."""

_NEEDS_HOST = 1


class ReferenceMesh:
    """All nodes of a mesh, executed by Python. `terms` says what each agent runs under."""

    def __init__(
        self,
        procedures: Procedures,
        arrays: MeshArrays,
        description: Description,
        shape: MeshShape,
        denormals: Denormals,
        terms: Callable[[int], Terms],
        records: int = 0,
    ) -> None:
        self.arrays = arrays
        self._records = records
        self._description = description
        self._shape = shape
        self._denormals: Denormals = denormals
        self._terms = terms
        self._ran = procedures.constant("RAN")
        self._gave_way = procedures.constant("GAVE_WAY")
        self._give_way = procedures.constant("M_GIVE_WAY")
        self._memories: dict[int, Memory] = {}
        self._dips = [lazy_memory(shape.dip_bytes) for _ in range(shape.dips)]
        self._threads: dict[int, ReferenceThread] = {}
        self._kept: dict[int, list[bytes]] = {}
        self._stops: dict[int, Stop] = {}
        self._limits = Limits()
        self._step = threading.Lock()
        arrays["machine"][procedures.constant("M_BUDGET")] = BUDGET
        self.step: Callable[[int], Stop] | None = None
        """Executes an instruction of a thread, for somebody who looks at each."""
        externals: Mapping[str, Callable[..., int]] = {
            "run_thread": self._run_thread,
            "answer": self._answer,
            "load": self._load,
            "store": self._store,
            "snapshot": self._snapshot,
            "snapshot_register": self._snapshot_register,
            "deliver": self._deliver,
            "release": self._release,
            "lowest_bit": _lowest_bit,
            "observe": self._observe,
            "publish": self._publish,
            "count_up": self._count_up,
            "claim": self._claim,
            "rest": self._rest,
        }
        views: Any = arrays.views  # memoryviews read and write integers like sequences
        self._procedures = compile_python(procedures, views, externals)

    # ---- what the host does

    def call(self, name: str, *arguments: int) -> int:
        """Run a procedure."""
        return self._procedures[name](*arguments)

    def thread(self, agent: int) -> ReferenceThread:
        """Return a thread as the host sees it."""
        found = self._threads.get(agent)
        if found is None:
            found = self.reset_thread(agent)
        return found

    def set_program(self, node: int, program: int, ranges: tuple[tuple[int, int], ...]) -> None:
        """Nothing: each node fetches its own code."""

    def reset_thread(self, agent: int) -> ReferenceThread:
        """Set all registers of a thread to zero, those of control included."""
        old = self._threads.get(agent)
        if old is not None:
            old.reset()
            return old
        terms = self._terms(agent)
        thread = ReferenceThread(
            self._description,
            self._shape.sram_bytes,
            self._shape.reserved_bytes,
            self._denormals,
            terms.rule,
            memory=self._memory(agent >> AGENT_BITS),
            barred=terms.barred,
            records=self._records,
        )
        self._threads[agent] = thread
        return thread

    def clone_thread(self, model: int, agent: int, controls: Mapping[int, int]) -> None:
        """Give a thread the pc and registers of another one, but for some control registers."""
        source, thread = self.thread(model), self.reset_thread(agent)
        thread.pc = source.pc
        for file in self._description.registers:
            for name in (f"{file.name}{index}" for index in range(file.count)):
                thread.write_register(name, source.read_register(name))
        for number, value in {**source.controls, **controls}.items():
            thread.set_control(number, value)

    def settle(self, agent: int) -> Stop | None:
        """Do what a thread came back to the host for; return why it can't go on, or None."""
        stop, thread = self._stops.pop(agent), self.thread(agent)
        if stop.reason is StopReason.LIMIT:
            limits = self._limits
            is_over = thread.retired >= limits.retired or thread.next_issue_cycle() >= limits.cycle
            return stop if is_over else None
        return stop

    def printing(self) -> list[int]:
        """Return the threads that have printed since the last time."""
        return [agent for agent, thread in self._threads.items() if thread.printed]

    def take_printed(self, agent: int) -> list[Printed]:
        """Return what a thread has printed since the last time."""
        thread = self.thread(agent)
        printed, thread.printed = thread.printed, []
        return printed

    def set_limits(self, limits: Limits) -> None:
        """Let no thread go beyond limits; one that has come to them can't go on."""
        self._limits = limits

    def read_memory(self, place: int, address: int, size: int) -> bytes:
        """Return bytes of the memory of a node or DIP card."""
        return bytes(self._contents(place)[address : address + size])

    def write_memory(self, place: int, address: int, contents: bytes) -> None:
        """Set bytes of the memory of a node or DIP card, as the host: they are never stale code."""
        if place < self._shape.nodes:
            self._memory(place).place(address, contents)
        else:
            self._dips[place - self._shape.nodes][address : address + len(contents)] = contents

    def _memory(self, node: int) -> Memory:
        found = self._memories.get(node)
        if found is None:
            found = Memory(self._shape.sram_bytes, self._shape.reserved_bytes)
            self._memories[node] = found
        return found

    def _contents(self, place: int) -> "bytearray | memoryview":
        if place < self._shape.nodes:
            return self._memory(place).contents
        return memoryview(self._dips[place - self._shape.nodes])

    # ---- what the procedures call

    def _run_thread(self, agent: int) -> int:
        thread = self.thread(agent)
        clock = self.arrays["clock"]
        thread.go_on_at(clock[agent])
        limits, gives_way = self._limits, self.arrays["gives_way"]
        if gives_way[agent] == 0:
            gives_way[agent] = thread.retired + self.arrays["machine"][self._give_way]
        end = min(limits.retired, gives_way[agent])
        if thread.retired >= end and end < limits.retired:
            return self._gave_way
        count = min(_SLICE, end - thread.retired)
        if self.step is not None:
            stop = self._run_steps(self.step, agent, count)
        else:
            stop = thread.run(count, cycles_max=limits.cycle)
        clock[agent] = thread.clock_cycle
        if stop.reason is StopReason.LIMIT and limits.retired > thread.retired >= end:
            return self._gave_way
        if stop.reason is not StopReason.REQUEST:
            self._stops[agent] = stop
            return _NEEDS_HOST
        number, arguments, _ = thread.request
        asked = self.arrays.asked(agent)
        for index, value in enumerate((number, *arguments)):
            asked[index] = to_signed(value, 64)
        return self._ran

    def _run_steps(self, step: Callable[[int], Stop], agent: int, limit: int) -> Stop:
        """Run a thread up to its limits, one instruction at a time."""
        thread, stop = self.thread(agent), Stop(StopReason.LIMIT)
        end = thread.retired + limit
        while stop.reason is StopReason.LIMIT and thread.retired < end:
            if thread.next_issue_cycle() >= self._limits.cycle:
                break
            stop = step(agent)
        return stop

    def _answer(self, agent: int, value: int) -> int:
        thread = self.thread(agent)
        result = thread.request.result
        if result:
            thread.write_register(f"x{result}", value)
        return 0

    def _load(self, node: int, address: int, size: int) -> int:
        contents = self._memory(node).contents[address : address + size]
        return to_signed(int.from_bytes(contents, "little"), 64)

    def _store(self, node: int, address: int, size: int, value: int) -> int:
        self._memory(node).write(address, (value & mask(8 * size)).to_bytes(size, "little"))
        return 0

    def _snapshot(
        self, transfer: int, place: int, address: int, row_bytes: int, rows: int, pitch: int
    ) -> int:
        contents = self._contents(place)
        starts = range(address, address + rows * pitch, pitch) if pitch else [address] * rows
        self._kept[transfer] = [bytes(contents[start : start + row_bytes]) for start in starts]
        return 0

    def _snapshot_register(self, transfer: int, agent: int, file: int, index: int) -> int:
        name = f"{'xv'[file]}{index}"
        value = self.thread(agent).read_register(name)
        held = struct.pack("<Q", value) if isinstance(value, int) else value
        self._kept[transfer] = [held]
        return 0

    def _deliver(
        self, transfer: int, place: int, address: int, row_bytes: int, rows: int, pitch: int
    ) -> int:
        offset = 0
        kept = b"".join(self._kept[transfer])
        for row in range(rows):
            contents = kept[offset : offset + row_bytes]
            offset += row_bytes
            start = address + row * pitch
            if place < self._shape.nodes:
                self._memory(place).write(start, contents)
            else:
                dip = self._dips[place - self._shape.nodes]
                dip[start : start + len(contents)] = contents
        return 0

    def _release(self, transfer: int) -> int:
        del self._kept[transfer]
        return 0

    # ---- how workers share dies

    def _observe(self, index: int) -> int:
        return self.arrays["shared"][index]

    def _publish(self, index: int, value: int) -> int:
        self.arrays["shared"][index] = value
        return 0

    def _count_up(self, index: int) -> int:
        with self._step:
            self.arrays["shared"][index] += 1
            return self.arrays["shared"][index]

    def _claim(self, die: int, window: int) -> int:
        with self._step:
            before = self.arrays["taken"][die]
            self.arrays["taken"][die] = max(before, window)
            return int(before < window)

    def _rest(self, _turn: int) -> int:
        time.sleep(0)
        return 0


def _lowest_bit(word: int) -> int:
    return (word & -word).bit_length() - 1
