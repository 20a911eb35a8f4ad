"""Many nodes that run an image: placement, workers, and why a run ends.

Python starts and stops the procedures of `isa/mesh/` and does what they can't: it translates, words
faults, sets the registers of threads that start. It handles no event.
"""

import gc
import heapq
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum

from dojo_tools.bits import mask
from dojo_tools.description import Description, MachineDef
from dojo_tools.description.procedures import load_procedures
from dojo_tools.diagnostics import InputError, fail
from dojo_tools.engines.mesh import AGENT_BITS, Limits, MeshEngine, MeshShape
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.timing import Terms, terms_of
from dojo_tools.engines.translated import WatchTranslations
from dojo_tools.machine.channels import check_acyclic
from dojo_tools.machine.deadlock import Deadlock, find_deadlock
from dojo_tools.machine.mesh_counters import run_cycles
from dojo_tools.machine.mesh_faults import MeshFault, request_fault
from dojo_tools.machine.mesh_tables import make_arrays, packed, unpacked
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.machine.shares import shares_of
from dojo_tools.machine.topology import Topology
from dojo_tools.objects import Image, Program, Rectangle, Segment

STACK_POINTER = "sp"
ARGUMENT = "a0"
ADDRESS_BITS = 32
"""Addresses of an image have the program's number above these."""


COLLECT_NODES = 400
"""Nodes made after which the next mesh looks for those that nobody holds any more."""

_nodes_made = [0]


def _collect(nodes: int) -> None:
    """Free meshes that nobody holds any more, before so many nodes are made.

    Their objects refer to each other and are few, so Python looks for them seldom, but each node
    has megabytes.
    """
    if _nodes_made[0] >= COLLECT_NODES:
        _nodes_made[0] = 0
        gc.collect()
    _nodes_made[0] += nodes


WatchProgram = Callable[[ProgramView, tuple[int, ...]], WatchTranslations]


class EndReason(Enum):
    """Why a run of a mesh ended."""

    DONE = "done"
    FAULT = "fault"
    LIMIT = "limit"
    DEADLOCK = "deadlock"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class MeshLine:
    """What a thread printed, and the cycle in which it did."""

    cycle: int
    node: int
    thread: int
    text: str


@dataclass(frozen=True, slots=True)
class MeshEnd:
    """How a run of a mesh ended. `codes` are exit codes that are not zero, by agent."""

    reason: EndReason
    cycles: int
    retired: int
    codes: dict[int, int] = field(default_factory=dict[int, int])
    fault: MeshFault | None = None
    limited: int | None = None
    deadlock: Deadlock | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a run, the same on every engine: a pause after it changes nothing.

    So many events are handled, or a thread has retired so many instructions in all. Nothing
    happens in the cycle `cycles_max` or later, if there is one.
    """

    events: int
    retired: int
    cycles_max: int | None = None


@dataclass(frozen=True, slots=True)
class Residence:
    """A program of an image and the usable nodes that run it."""

    program: Program
    rectangles: tuple[Rectangle, ...]
    nodes: tuple[int, ...]


class Mesh:
    """An image on the nodes of a machine.

    `at` is the node of the mesh where the partition begins; `grid` its size for an image that
    places nothing, else the bounding rectangle of its programs. `workers` run dies side by side,
    with the same result for any number. `watch` returns what gets the code of a program that the
    native engine translates for some of its threads, none named if it is the same for all. As many
    `records` of the last instructions of each thread are kept. Raises `InputError` for what does
    not fit the machine.
    """

    def __init__(
        self,
        image: Image,
        description: Description,
        machine: MachineDef,
        *,
        engine: str = "native",
        timing: bool = True,
        at: tuple[int, int] = (0, 0),
        grid: tuple[int, int] | None = None,
        workers: int = 1,
        watch: WatchProgram | None = None,
        records: int = 0,
    ) -> None:
        _collect(machine.grid.width * machine.grid.height)
        self.image = image
        self.description = description
        self.machine = machine
        self.timing = timing
        self._control_numbers = {c.name: c.number for c in description.controls}
        self.workers = workers
        self.topology = Topology.of(machine)
        check_acyclic(self.topology)
        self.procedures = load_procedures()
        self.partition = _partition(image, machine, at, grid)
        self.residences = tuple(self._residences())
        self.program_of = {
            node: number for number, home in enumerate(self.residences) for node in home.nodes
        }
        self.views = tuple(ProgramView(image, number) for number in range(len(self.residences)))
        self.shares = tuple(
            shares_of(image, number, machine) for number in range(len(self.residences))
        )
        self._terms = {
            share: terms_of(description, machine, share, timing=timing)
            for share in dict.fromkeys(share for shares in self.shares for share in shares)
        }
        self.arrays = make_arrays(self.procedures, machine, self.topology)
        self.dies = machine.grid.die_columns * machine.grid.die_rows
        self.engine = self._make_engine(engine, watch, records)
        self.lines: list[MeshLine] = []
        self._stops: dict[int, Stop] = {}
        self._limits = Limits()
        self._limit = 0
        self._piece: Piece | None = None
        self._cut = False
        self._describing = threading.Lock()
        self._halting = threading.Event()
        self._codes = {
            name: self.procedures.constant(name)
            for name in (
                "RUN_HOST",
                "RUN_FULL",
                "RUN_BUDGET",
                "WORK_OVER",
                "NEED_START",
                "NEED_BARRIER",
            )
            + ("PHASES", "NEVER", "VERDICT", "GO_ON", "END_STOPPED", "END_IDLE", "END_CYCLE")
        }
        self._load()

    def _make_engine(self, engine: str, watch: WatchProgram | None, records: int) -> MeshEngine:
        shape = MeshShape(
            len(self.topology.live),
            len(self.machine.dips),
            self.machine.sram_bytes,
            self.machine.reserved_bytes,
            self.machine.dip.size,
        )
        # An engine is loaded where it is used: LLVM takes 80 ms, the reference engine 20.
        if engine == "reference":
            from dojo_tools.engines.reference.mesh import ReferenceMesh  # noqa: PLC0415  see above

            return ReferenceMesh(
                self.procedures,
                self.arrays,
                self.description,
                shape,
                self.machine.denormals,
                self._terms_for,
                records,
            )
        from dojo_tools.engines.native.mesh import NativeMesh  # noqa: PLC0415  see above

        def watch_terms(program: int, terms: Terms) -> WatchTranslations:
            assert watch is not None
            return watch(self.views[program], self._threads_under(program, terms))

        return NativeMesh(
            self.procedures,
            self.arrays,
            self.description,
            shape,
            self.machine.denormals,
            self._terms_for,
            None if watch is None else watch_terms,
            records,
        )

    def _threads_under(self, program: int, terms: Terms) -> tuple[int, ...]:
        """Return the threads of a program that run under terms, nothing if all do."""
        shares = self.shares[program]
        found = tuple(n for n, share in enumerate(shares) if self._terms[share] == terms)
        return () if len(found) == len(shares) else found

    def _terms_for(self, agent: int) -> Terms:
        """Return what a thread runs under."""
        shares = self.shares[self.program_of.get(agent >> AGENT_BITS, 0)]
        return self._terms[shares[min(agent & mask(AGENT_BITS), len(shares) - 1)]]

    # ---- placement

    def node_at(self, x: int, y: int) -> int:
        """Return the number in the mesh of a node of the partition."""
        return (self.partition.y + y) * self.topology.width + self.partition.x + x

    def place_of(self, node: int) -> tuple[int, int]:
        """Return column and row of a node, relative to the partition."""
        y, x = divmod(node, self.topology.width)
        return x - self.partition.x, y - self.partition.y

    def _residences(self) -> Iterator[Residence]:
        image, partition = self.image, self.partition
        everywhere = Rectangle(0, 0, partition.width, partition.height)
        programs = image.programs or (Program(image.name, image.entry),)
        for program in programs:
            placed = program.placement or (everywhere,)
            absolute = tuple(
                Rectangle(r.x + partition.x, r.y + partition.y, r.width, r.height) for r in placed
            )
            nodes = tuple(n for r in absolute for n in self.topology.live_nodes(r))
            if not nodes:
                raise fail(
                    f"{image.name}: program `{program.name}` is placed on nodes that do not work "
                    f"or can't be reached: {', '.join(map(str, placed))}"
                )
            yield Residence(program, absolute, nodes)

    def _load(self) -> None:
        constant, numbers = self.procedures.constant, self.arrays["machine"]
        for name, value in (
            ("M_ORIGIN_X", self.partition.x),
            ("M_ORIGIN_Y", self.partition.y),
            ("M_PARTITION_WIDTH", self.partition.width),
            ("M_PARTITION_HEIGHT", self.partition.height),
        ):
            numbers[constant(name)] = value
        live = self.topology.live_nodes(self.partition)
        self._order = {node: index for index, node in enumerate(live)}
        for number, home in enumerate(self.residences):
            segments = [s for s in self.image.segments if s.address >> ADDRESS_BITS == number]
            for segment in segments:
                start = segment.address & mask(ADDRESS_BITS)
                end = start + segment.memory_size
                if end > self.machine.sram_bytes:
                    raise fail(
                        f"{self.image.name}: a segment ends at 0x{end:x}, SRAM at "
                        f"0x{self.machine.sram_bytes:x}"
                    )
            for rectangle in home.rectangles:
                self._load_rectangle(number, home, rectangle, segments)

    def _load_rectangle(
        self, number: int, home: Residence, rectangle: Rectangle, segments: list[Segment]
    ) -> None:
        entry = home.program.entry & mask(ADDRESS_BITS)
        stack = self._stack_top(number)
        model: int | None = None
        code = tuple(
            (s.address & mask(ADDRESS_BITS), s.memory_size) for s in segments if s.executable
        )
        for node in self.topology.live_nodes(rectangle):
            for segment in segments:
                start = segment.address & mask(ADDRESS_BITS)
                self.engine.write_memory(node, start, segment.contents)
            self.engine.set_program(node, number, code)
            self.arrays["program_rectangle"][node] = packed(rectangle)
            self.arrays["threads_of"][node] = len(self.shares[number])
            agent = node << AGENT_BITS
            if model is None:
                model = agent
                self._set_thread(agent, entry, stack, 0)
            else:
                self.engine.clone_thread(model, agent, self._place_controls(node))
            self.engine.call("start_thread", agent)

    def _stack_top(self, number: int) -> int:
        """Return where the stack of thread 0 of a program begins."""
        for name in ("__stack_top_0", "__stack_top"):
            for symbol in self.image.symbols:
                if symbol.name == name and symbol.value >> ADDRESS_BITS == number:
                    return symbol.value & mask(ADDRESS_BITS)
        return self.machine.sram_bytes

    def _set_thread(self, agent: int, pc: int, stack: int, argument: int) -> None:
        """Set the registers of a thread that begins."""
        node = agent >> AGENT_BITS
        rectangle = unpacked(self.arrays["program_rectangle"][node])
        thread = self.engine.reset_thread(agent)
        controls = {
            "thread": agent & mask(AGENT_BITS),
            "partition_width": self.partition.width,
            "partition_height": self.partition.height,
            "program_x": rectangle.x - self.partition.x,
            "program_y": rectangle.y - self.partition.y,
            "program_width": rectangle.width,
            "program_height": rectangle.height,
            "live_nodes": len(self._order),
        }
        numbers = {self._control_numbers[name]: value for name, value in controls.items()}
        for number, value in (numbers | self._place_controls(node)).items():
            thread.set_control(number, value)
        thread.pc = pc
        thread.write_register(STACK_POINTER, stack)
        thread.write_register(ARGUMENT, argument)

    def _place_controls(self, node: int) -> dict[int, int]:
        """Return the control registers that tell a node from others, by number."""
        x, y = self.place_of(node)
        numbers = self._control_numbers
        return {
            numbers["node_x"]: x,
            numbers["node_y"]: y,
            numbers["node_number"]: self._order[node],
            numbers["node_id"]: y * self.partition.width + x,
        }

    # ---- running

    def run(
        self,
        limit: int = 10**10,
        cycles_max: int | None = None,
        seconds: float | None = None,
        piece: Piece | None = None,
    ) -> MeshEnd:
        """Run until all threads have halted, or something ends the run before.

        `limit` is for the instructions of each thread. With `cycles_max` nothing happens in that
        cycle or later: no instruction issues, also of a thread that never asks for anything. With
        `seconds` the run pauses soon after that time of the host, and can go on; with a `piece`
        after that, or before if no die has more to do.
        """
        self._limit, self._piece = limit, piece
        if piece is not None:
            assert self.workers == 1, "one worker counts the events"
            limit = min(limit, piece.retired)
        self._limits = Limits(
            min(limit, Limits().retired), Limits().cycle if cycles_max is None else cycles_max
        )
        self.engine.set_limits(self._limits)
        never = self._codes["NEVER"] // self._codes["PHASES"]
        verdict = self.engine.call("begin", self.dies, never if cycles_max is None else cycles_max)
        deadline = None if seconds is None else time.perf_counter() + seconds
        try:
            if verdict == self._codes["GO_ON"]:
                if piece is None:
                    self._work_all(deadline)
                else:
                    self._work_piece(piece)
                verdict = self.arrays["shared"][self._codes["VERDICT"]]
        finally:
            self._collect_printed()
        if verdict == self._codes["END_STOPPED"]:
            return self._stopped()
        if verdict == self._codes["END_IDLE"]:
            return self._ended()
        limited = verdict == self._codes["END_CYCLE"]
        return self._end(EndReason.LIMIT if limited else EndReason.PAUSED)

    def _work_all(self, deadline: float | None) -> None:
        """Run windows until there is a verdict, or time runs out."""
        self._halting.clear()
        workers = min(self.workers, self.dies)
        if workers == 1:
            self._work(0, workers, deadline)
            return
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self._work, n, workers, deadline) for n in range(workers)]
            try:
                for future in futures:
                    future.result()
            finally:
                self._halting.set()

    def _work(self, worker: int, workers: int, deadline: float | None) -> None:
        """Be one of the workers, and do what its dies need the host for."""
        codes = self._codes
        bits = self.procedures.constant("WORK_BITS")
        try:
            while not self._halting.is_set():
                found = self.engine.call("work", worker, workers, self.dies)
                die, why = found >> bits, found & mask(bits)
                if why == codes["WORK_OVER"]:
                    return
                if why == codes["RUN_HOST"]:
                    self._serve(die)
                elif why == codes["RUN_FULL"]:
                    raise _no_room(die)
                if deadline is not None and time.perf_counter() >= deadline:
                    return
        finally:
            # The others can't end a window without this one.
            self._halting.set()

    def _work_piece(self, piece: Piece) -> None:
        """Be the one worker until the piece is done, or there is a verdict."""
        codes, bits = self._codes, self.procedures.constant("WORK_BITS")
        numbers, place = self.arrays["machine"], self.procedures.constant("M_BUDGET")
        usual, left = numbers[place], piece.events
        self._cut = False
        try:
            while not self._cut:
                numbers[place] = left
                found = self.engine.call("work", 0, 1, self.dies)
                die, why = found >> bits, found & mask(bits)
                if why in (codes["WORK_OVER"], codes["RUN_BUDGET"]):
                    return
                if why == codes["RUN_FULL"]:
                    raise _no_room(die)
                self._serve(die)
                left = self.arrays["budget"][die]
        finally:
            numbers[place] = usual

    def _serve(self, die: int) -> None:
        """Do what a die needs the host for."""
        need = self.arrays["exit_code"][die]
        if need == self._codes["NEED_START"]:
            self._start(self.arrays["wanted"][die])
        elif need == self._codes["NEED_BARRIER"]:
            self._describe(self.arrays["wanted"][die])
        else:
            self._settle(die, self.arrays["interrupted"][die] - 1)

    def _start(self, agent: int) -> None:
        started = (self.arrays[f"started_{part}"][agent] for part in ("pc", "stack", "argument"))
        self._set_thread(agent, *started)

    def _describe(self, number: int) -> None:
        """Tell the procedures what they need to know of a rectangle for barriers."""
        rectangle = unpacked(number)
        nodes = rectangle.width * rectangle.height - self.topology.unusable_in(rectangle)
        half = self.topology.barrier_cycles(rectangle) // 2
        entry = (number, self.topology.centre(rectangle), half, nodes)
        # Dies side by side may ask at the same time, and for the same rectangle.
        with self._describing:
            known, count = self.arrays["known"], self.arrays["known_count"][0]
            if number in known[: 4 * count : 4]:
                return
            if count >= self.procedures.constant("KNOWN_ROOM"):
                raise fail(f"the program has barriers over more than {count} rectangles")
            for index, value in enumerate(entry):
                known[4 * count + index] = value
            self.arrays["known_count"][0] = count + 1

    def _settle(self, die: int, agent: int) -> None:
        """Do what a thread has come back for; let it go on, ask, or stop the machine."""
        stop = self.engine.settle(agent)
        if stop is None:
            return
        match stop.reason:
            case StopReason.REQUEST:
                self.engine.call("arrange", die, agent)
            case StopReason.HALT:
                self._ask(agent, "halt", stop.code)
                self.engine.call("arrange", die, agent)
            case StopReason.BREAKPOINT:
                pass
            case StopReason.LIMIT if self._piece is not None and self._is_cut(agent):
                self._cut = True
            case _:
                self._stops[agent] = stop
                self.engine.call("arrange_stop", die, agent, self._stop_cycle(agent, stop))

    def _is_cut(self, agent: int) -> bool:
        """Return whether a thread has come to the end of the piece, and to no limit."""
        thread = self.engine.thread(agent)
        return thread.retired < self._limit and thread.next_issue_cycle() < self._limits.cycle

    def _stop_cycle(self, agent: int, stop: Stop) -> int:
        """Return the cycle in which the stop of a thread is due."""
        thread = self.engine.thread(agent)
        if stop.reason is StopReason.LIMIT and thread.next_issue_cycle() >= self._limits.cycle:
            return thread.next_issue_cycle()
        return thread.cycles

    def _ask(self, agent: int, name: str, *arguments: int) -> None:
        """Leave a request for a thread that can't leave it by itself."""
        asked = self.arrays.asked(agent)
        for index, value in enumerate((self.procedures.constant(name.upper()), *arguments)):
            asked[index] = value

    # ---- what was printed

    def _collect_printed(self) -> None:
        new: list[tuple[Printed, int]] = [
            (printed, agent)
            for agent in self.engine.printing()
            for printed in self.engine.take_printed(agent)
        ]
        lines = [
            MeshLine(p.cycle, agent >> AGENT_BITS, agent & mask(AGENT_BITS), p.text)
            for p, agent in new
        ]
        lines.sort(key=lambda line: (line.cycle, line.node, line.thread))
        self.lines = list(
            heapq.merge(self.lines, lines, key=lambda line: (line.cycle, line.node, line.thread))
        )

    # ---- the end

    def rectangle_of(self, node: int, asked: int) -> Rectangle:
        """Return a rectangle as a request names it, in columns and rows of the mesh."""
        if asked == 0:
            return unpacked(self.arrays["program_rectangle"][node])
        x, y, width, height = unpacked(asked)
        return Rectangle(x + self.partition.x, y + self.partition.y, width, height)

    def agents(self) -> Iterator[int]:
        """Yield all threads of nodes that run a program."""
        for node in sorted(self.program_of):
            for thread in range(self.arrays["threads_of"][node]):
                yield node << AGENT_BITS | thread

    def _end(
        self,
        reason: EndReason,
        *,
        fault: MeshFault | None = None,
        limited: int | None = None,
        deadlock: Deadlock | None = None,
    ) -> MeshEnd:
        retired = 0
        codes: dict[int, int] = {}
        for agent in self.agents():
            retired += self.engine.thread(agent).retired
            if self.arrays["exit_value"][agent]:
                codes[agent] = self.arrays["exit_value"][agent]
        return MeshEnd(reason, run_cycles(self), retired, codes, fault, limited, deadlock)

    def end_so_far(self) -> MeshEnd:
        """Return the state of a run that was interrupted."""
        return self._end(EndReason.PAUSED)

    def goes_beyond(self, cycle: int) -> bool:
        """Return whether a run takes more cycles, or was cut off where it would have taken more.

        This is for a run whose `cycles_max`, if it has one, is larger.
        """
        return run_cycles(self) > cycle or any(
            stop.reason is StopReason.LIMIT and self.engine.thread(agent).next_issue_cycle() > cycle
            for agent, stop in self._stops.items()
        )

    def settled_cycle(self) -> int:
        """Return a cycle before which nothing more can be printed."""
        arrays, phases = self.arrays, self._codes["PHASES"]
        self.engine.call("hand_over", self.dies)
        cycles: list[int] = []
        for die in range(self.dies):
            cycles.append(arrays["horizon"][die])
            cycles.append(self.engine.call("first_time", die) // phases)
            if arrays["interrupted"][die]:
                cycles.append(arrays["clock"][arrays["interrupted"][die] - 1])
        return min(cycles)

    def _ended(self) -> MeshEnd:
        """Return the end of a run in which nothing happens any more."""
        deadlock = find_deadlock(self)
        if deadlock is not None:
            return self._end(EndReason.DEADLOCK, deadlock=deadlock)
        return self._end(EndReason.DONE)

    def _stopped(self) -> MeshEnd:
        """Return the end that the stop of the smallest key makes."""
        times = [
            (self.arrays["stop_time"][die], self.arrays["stopper"][die] - 1, die)
            for die in range(self.dies)
            if self.arrays["stopper"][die]
        ]
        time, agent, die = min(times)
        cycle = time // self._codes["PHASES"]
        if self.arrays["fault_kind"][die]:
            return self._end(EndReason.FAULT, fault=request_fault(self, die, agent, cycle))
        stop = self._stops[agent]
        if stop.reason is StopReason.LIMIT:
            return self._end(EndReason.LIMIT, limited=agent)
        assert stop.fault is not None, stop
        return self._end(EndReason.FAULT, fault=MeshFault(agent, stop.fault, cycle))


def _no_room(die: int) -> InputError:
    return fail(
        f"die {die} has more events or transfers under way than there is room for",
        hint="let senders wait for receivers: nothing else limits what is under way",
    )


def _partition(
    image: Image, machine: MachineDef, at: tuple[int, int], grid: tuple[int, int] | None
) -> Rectangle:
    """Return the partition in columns and rows of the mesh."""
    if not (0 <= at[0] < machine.grid.width and 0 <= at[1] < machine.grid.height):
        raise fail(
            f"{image.name}: the partition begins at ({at[0]}, {at[1]}), which is not on machine "
            f"`{machine.name}`: it is {machine.grid.width} x {machine.grid.height}"
        )
    placed = [rectangle for program in image.programs for rectangle in program.placement]
    if placed:
        width = max(r.x + r.width for r in placed)
        height = max(r.y + r.height for r in placed)
    elif grid is not None:
        width, height = grid
    else:
        width, height = machine.grid.width - at[0], machine.grid.height - at[1]
    x, y = at
    room = machine.grid.width - x, machine.grid.height - y
    if not (1 <= width <= room[0] and 1 <= height <= room[1]):
        raise fail(
            f"{image.name}: a partition of {width} x {height} nodes at ({x}, {y}) does not fit "
            f"machine `{machine.name}`, which is {machine.grid.width} x {machine.grid.height}"
        )
    return Rectangle(x, y, width, height)
