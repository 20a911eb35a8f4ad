"""The native engine for many threads: the procedures of the mesh and all guest code, compiled.

States of threads, memories of nodes and counters lie in blocks that take room where they are
touched. Nodes of a die that run the same program share its translations for as long as none of
them changes its code; a node that does gets translations of its own.
"""

import ctypes
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from dojo_tools.description import Description
from dojo_tools.description.procedures import Procedures
from dojo_tools.diagnostics import fail
from dojo_tools.engines.mesh import AGENT_BITS, Limits, MeshArrays, MeshShape, lazy_memory
from dojo_tools.engines.native.code_memory import CODE_LINE, CodeMemory, size_with_marks
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.dispatch import bare_dispatcher, in_float_mode
from dojo_tools.engines.native.layout import PAGE, Exit
from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.mesh_externals import BUFFER_BYTES, RUN_REGIONS, Word, externals_ir
from dojo_tools.engines.native.mesh_waiting import waiting_ir
from dojo_tools.engines.native.procedures import NativeProcedures, compile_native, lower
from dojo_tools.engines.native.thread import SLACK, SPACE_FIELDS, Home, NativeThread
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.native.trace import RECORD_BITS
from dojo_tools.engines.native.translations import CodeSpace, Counters, Translator
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.records import ring_size
from dojo_tools.engines.stop import Stop, StopReason
from dojo_tools.engines.timing import Terms
from dojo_tools.engines.translated import WatchTranslations
from dojo_tools.formats import Denormals

COUNTERS_ROOM = 1 << 15
"""Paths that the counters of a thread have room for."""

SLICE = 50_000_000
"""Instructions that a thread runs before the host looks: some 20 ms."""

BUDGET = 200_000
"""Events that a worker handles before the host looks: some 20 ms."""

_WORK = "work_as_guest"

EXPORTED = (
    *("begin", "work", "hand_over", "first_time"),
    *("arrange", "arrange_stop", "start_thread", "route"),
)


@dataclass(slots=True)
class _Node:
    """A node as the host knows it: the program it shares code with, if it still does."""

    memory: memoryview
    code: CodeMemory
    die: int
    program: int | None = None
    home: int = 0
    """The program that it was loaded with."""

    ranges: tuple[tuple[int, int], ...] = ()
    own: dict[Terms, CodeSpace] = field(default_factory=dict[Terms, CodeSpace])
    threads: dict[int, NativeThread] = field(default_factory=dict[int, NativeThread])


class NativeMesh:
    """All nodes of a mesh as translated code. `terms` says what each agent runs under.

    `watch` returns what gets the code of a program that is translated for threads under some terms.
    As many `records` of the last instructions of each thread are kept.
    """

    def __init__(
        self,
        procedures: Procedures,
        arrays: MeshArrays,
        description: Description,
        shape: MeshShape,
        denormals: Denormals,
        terms: Callable[[int], Terms],
        watch: Callable[[int, Terms], WatchTranslations] | None = None,
        records: int = 0,
    ) -> None:
        self.arrays = arrays
        self._description = description
        self._shape = shape
        self._terms = terms
        self._target = Target(description, shape.sram_bytes, shape.reserved_bytes, denormals)
        self._is_timed = terms(0).rule is not None
        self._lock = threading.RLock()
        self._limits = Limits()
        self._step_cycles_max = 1
        self._nodes: dict[int, _Node] = {}
        self._translators: dict[tuple[Terms, int], Translator] = {}
        self._watch = watch
        self._traced = ring_size(records)
        self._spaces: dict[tuple[int, int, Terms], CodeSpace] = {}
        self._printing: set[int] = set()
        self._pages: dict[bytes, bytes] = {}
        # Counters come right behind a state: few are used, and so they share its last page.
        state_size = self._target.layout.traced_size + 8 * COUNTERS_ROOM
        self._state_stride = -(-state_size // PAGE) * PAGE
        self._memory_stride = -(-size_with_marks(shape.sram_bytes) // PAGE) * PAGE
        agents = shape.nodes << AGENT_BITS
        transfers = len(arrays["t_agent"])
        sizes = (
            agents * self._state_stride,
            shape.nodes * self._memory_stride,
            BUFFER_BYTES * transfers,
            shape.nodes,
            8 * (shape.nodes + shape.dips),
            agents * self._traced << RECORD_BITS,
        )
        self._blocks = [memoryview(lazy_memory(size)) for size in sizes]
        self._dips = [memoryview(lazy_memory(shape.dip_bytes)) for _ in range(shape.dips)]
        bases = [_address(block) for block in self._blocks]
        self._states, self._memories, _, self._changed, places, self._rings = self._blocks
        self._bases = bases
        self._state_words = self._states.cast("Q")
        # What threads ask for stands in their states, where translated code puts it.
        request = self._target.layout.fields["request"]
        arrays.place("asked", self._states[request:].cast("q"), bases[0] + request)
        arrays["machine"][procedures.constant("M_ASKED")] = self._state_stride >> 3
        starts = places.cast("Q")
        for dip, block in enumerate(self._dips):
            starts[shape.nodes + dip] = _address(block)
        for node in range(shape.nodes):
            starts[node] = bases[1] + node * self._memory_stride
        self._set_word(Word.STATES, bases[0])
        self._set_word(Word.BUFFERS, bases[2])
        self._set_word(Word.CHANGED, bases[3])
        self._set_word(Word.PLACES, bases[4])
        self._set_word(Word.SLICE, SLICE)
        arrays["machine"][procedures.constant("M_BUDGET")] = BUDGET
        self.set_limits(self._limits)
        functions = compile_native(procedures, self._externals_ir(procedures), (*EXPORTED, _WORK))
        functions["work"] = functions.pop(_WORK)
        self._procedures = NativeProcedures(procedures, arrays.addresses, functions)

    def _externals_ir(self, procedures: Procedures) -> str:
        stride, is_timed = self._state_stride, self._is_timed
        text = externals_ir(procedures, self._target, self._shape, stride, SLACK, is_timed)
        text += waiting_ir(procedures, compiler().is_x86)
        text += bare_dispatcher(self._target, RUN_REGIONS)
        # The mode of floats is set once, not for each thread that runs.
        return text + in_float_mode(_WORK, "i64 @work", ("ptr", *["i64"] * 3), compiler().is_x86)

    def procedures_ir(self) -> str:
        """Return the IR of the procedures, with the externals that they call."""
        procedures = self._procedures.procedures
        return lower(procedures, self._externals_ir(procedures), EXPORTED)

    def _set_word(self, word: Word, value: int) -> None:
        self.arrays["machine"][word] = value

    def _translator(self, terms: Terms, program: int) -> Translator:
        """Return what translates a program; all have it in common unless somebody watches."""
        key = terms, 0 if self._watch is None else program
        if key not in self._translators:
            watch = None if self._watch is None else self._watch(program, terms)
            timeline = None if terms.rule is None else Timeline(terms.rule)
            target = replace(self._target, barred=terms.barred)
            self._translators[key] = Translator(target, timeline, watch)
        return self._translators[key]

    # ---- nodes, threads and their code

    def _node(self, number: int) -> _Node:
        node = self._nodes.get(number)
        if node is None:
            start = number * self._memory_stride
            memory = self._memories[start : start + self._memory_stride]
            code = CodeMemory(memory, self._shape.sram_bytes, self._pages)
            node = self._nodes[number] = _Node(memory, code, self.arrays["die_of"][number])
        return node

    def set_program(self, node: int, program: int, ranges: tuple[tuple[int, int], ...]) -> None:
        """Say which program a node runs and where its code is: pairs of address and size."""
        found = self._node(node)
        found.program = found.home = program
        found.ranges = ranges
        for address, size in ranges:
            found.code.mark(address, size)

    def _space(self, node: _Node, agent: int) -> CodeSpace:
        """Return the translations that a thread uses."""
        terms = self._terms(agent)
        if node.program is None:
            if terms not in node.own:
                translator = self._translator(terms, node.home)
                node.own[terms] = CodeSpace(translator, traced=self._traced)
            return node.own[terms]
        key = node.die, node.program, terms
        if key not in self._spaces:
            translator = self._translator(terms, node.program)
            self._spaces[key] = CodeSpace(translator, traced=self._traced)
        return self._spaces[key]

    def _code_changed(self, number: int, agent: int) -> CodeSpace:
        """Go on with translations of the code as it is now."""
        node = self._node(number)
        self._changed[number] = 0
        if node.program is not None:
            self._leave_program(number)
        else:
            for space in node.own.values():
                for translations in space.all():
                    translations.drop_changed(node.code)
        return self._space(node, agent)

    def _leave_program(self, number: int) -> None:
        """Let a node have translations of its own from now on."""
        node = self._node(number)
        node.program = None
        for agent, thread in node.threads.items():
            thread.move_to(self._space(node, agent))

    def thread(self, agent: int) -> NativeThread:
        """Return a thread as the host sees it."""
        node = self._node(agent >> AGENT_BITS)
        thread = node.threads.get(agent)
        if thread is None:
            number = agent >> AGENT_BITS
            start = agent * self._state_stride
            space = self._space(node, agent)
            counters = start + self._target.layout.traced_size
            words = (ctypes.c_uint64 * COUNTERS_ROOM).from_buffer(self._states, counters)
            home = Home(
                self._states[start:counters],
                node.memory,
                node.code,
                Counters(space.paths, words),
                lambda: self._code_changed(number, agent),
                self._ring(agent),
            )
            thread = NativeThread(
                self._description,
                self._shape.sram_bytes,
                self._shape.reserved_bytes,
                space=space,
                home=home,
            )
            node.threads[agent] = thread
            thread.move_to(space)
        return thread

    def _ring(self, agent: int) -> memoryview | None:
        """Return the room for a thread's records, if any are kept."""
        size = self._traced << RECORD_BITS
        return self._rings[agent * size : (agent + 1) * size] if size else None

    def reset_thread(self, agent: int) -> NativeThread:
        """Set all registers of a thread to zero, those of control included."""
        thread = self.thread(agent)
        thread.reset()
        return thread

    def clone_thread(self, model: int, agent: int, controls: Mapping[int, int]) -> None:
        """Give a thread the pc and registers of another one, but for some control registers.

        No object is made for it: a tile has thousands that the host never looks at.
        """
        layout, stride = self._target.layout, self._state_stride
        self.thread(model)
        source, start = model * stride, agent * stride
        self._copy_state(source, start, layout.often_used, layout.size)
        wide = self._states[source : source + layout.often_used]
        if wide != self._states[start : start + layout.often_used]:  # else leave its page untouched
            self._copy_state(source, start, 0, layout.often_used)
        words = self._state_words
        first = start >> 3
        node = self._node(agent >> AGENT_BITS)
        by_stepping = self._space(node, agent).by_stepping
        places = {
            name: by_stepping[stepping].table.place for name, stepping in SPACE_FIELDS.items()
        }
        places["counters"] = self._bases[0] + start + layout.traced_size
        if self._traced:
            places["trace_ring"] = self._bases[5] + (agent * self._traced << RECORD_BITS)
        for name, place in places.items():
            words[first + (layout.fields[name] >> 3)] = place
        for number, value in controls.items():
            words[first + (layout.control(number) >> 3)] = value & layout.control_masks[number]

    def _copy_state(self, source: int, target: int, low: int, high: int) -> None:
        """Copy the bytes from `low` to `high` of one state to another."""
        self._states[target + low : target + high] = self._states[source + low : source + high]

    def settle(self, agent: int) -> Stop | None:
        """Do what a thread came back to the host for; return why it can't go on, or None."""
        with self._lock:
            number = agent >> AGENT_BITS
            node, thread = self._node(number), self.thread(agent)
            code = Exit(self.arrays["exit_code"][node.die])
            stop = None
            match code:
                case Exit.LIMIT if thread.retired >= self._limits.retired:
                    return Stop(StopReason.LIMIT)
                case Exit.LIMIT if thread.next_issue_cycle() >= self._limits.cycle:
                    return Stop(StopReason.LIMIT)
                case Exit.LIMIT:
                    return None
                case Exit.WRITTEN:
                    # It may have been found before the thread went on at a later cycle.
                    thread.go_on_at(self.arrays["clock"][agent])
                    self._changed[number] = 0
                    thread.move_to(self._code_changed(number, agent))
                case _:
                    is_missing = code is Exit.MISSING and node.program is not None
                    if is_missing and not _is_within(thread.pc, node.ranges):
                        self._leave_program(number)
                    stop = thread.serve(code, self._limits.retired, self._limits.cycle)
            self._note(agent, thread)
            self._step_cycles_max = max(self._step_cycles_max, thread.space.paths.step_cycles_max)
            self._set_word(Word.STEP_BITS, (self._step_cycles_max - 1).bit_length())
            if len(thread.space.paths.known) > COUNTERS_ROOM:
                raise fail(
                    "the code has more paths through the scoreboard than can be counted",
                    hint="run it without timing",
                )
            return stop

    def _note(self, agent: int, thread: NativeThread) -> None:
        """Let the procedures know what a thread did while the host ran it."""
        self.arrays["clock"][agent] = thread.clock_cycle
        if thread.printed:
            self._printing.add(agent)

    # ---- what the host does

    def call(self, name: str, *arguments: int) -> int:
        """Run a procedure."""
        return self._procedures.call(name, *arguments)

    def printing(self) -> list[int]:
        """Return the threads that have printed since the last time."""
        return sorted(self._printing)

    def take_printed(self, agent: int) -> list[Printed]:
        """Return what a thread has printed since the last time."""
        self._printing.discard(agent)
        thread = self.thread(agent)
        printed, thread.printed = thread.printed, []
        return printed

    def set_limits(self, limits: Limits) -> None:
        """Let no thread go beyond limits; one that has come to them can't go on."""
        self._limits = limits
        self._set_word(Word.LIMIT, limits.retired)
        self._set_word(Word.END, limits.cycle)

    def read_memory(self, place: int, address: int, size: int) -> bytes:
        """Return bytes of the memory of a node or DIP card."""
        if place >= self._shape.nodes:
            return bytes(self._dips[place - self._shape.nodes][address : address + size])
        start = place * self._memory_stride + address
        return bytes(self._memories[start : start + size])

    def write_memory(self, place: int, address: int, contents: bytes) -> None:
        """Set bytes of the memory of a node or DIP card, as the host: they are never stale code."""
        if place >= self._shape.nodes:
            self._dips[place - self._shape.nodes][address : address + len(contents)] = contents
            return
        node = self._node(place)
        node.memory[address : address + len(contents)] = contents
        node.code.place(address, contents)
        if node.code.is_marked(address, len(contents)):
            self._changed[place] = 1


def _is_within(pc: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(address <= pc < address + size for address, size in ranges)


def _address(block: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(block))


assert CODE_LINE == 64, "externals look at marks of 64 bytes"
