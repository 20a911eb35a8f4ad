"""The translations of a thread: made when reached, again when hot, dropped when changed."""

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from operator import mul
from typing import NamedTuple

from dojo_tools.engines.native import dispatch, region
from dojo_tools.engines.native.code_memory import CodeMemory
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.flow import Decode, Flow
from dojo_tools.engines.native.machine_code import ComputedJump, Target, Variant
from dojo_tools.engines.native.region import RegionBuilder
from dojo_tools.engines.native.region_cache import RegionCache, runs_of
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.records import KeptRegisters
from dojo_tools.engines.timing import Cause, Totals
from dojo_tools.engines.translated import Translated, WatchTranslations

_TABLE_SIZE_MIN = 256
_COUNTERS_MIN = 1024

JUMPS_MAX = 16
"""Targets of one computed jump that are noted."""


class Compiled(NamedTuple):
    """A region in this process: its function, addresses, paths, most cycles of an instruction."""

    function: int
    addresses: frozenset[int]
    paths: tuple[Totals, ...]
    step_cycles_max: int


class Translator:
    """Translates for one target, with timing or without; threads may share it.

    `watch` gets the IR of every region, which is then written also where it is kept on disk.
    """

    def __init__(
        self,
        target: Target,
        timeline: Timeline | None = None,
        watch: WatchTranslations | None = None,
    ) -> None:
        self.target = target
        self.timeline = timeline
        self.watch = watch
        self._flows: dict[str, Flow] = {}
        self._functions: dict[tuple[str, str], int] = {}
        self._objects: dict[bytes, int] = {}
        cache = compiler().cache
        self._cache = (
            None
            if cache is None or watch is not None or not RegionCache.can_hold(target)
            else RegionCache(cache, target, timeline)
        )
        text = dispatch.dispatcher(target, compiler().is_x86)
        address = compiler().compile(text, dispatch.FUNCTION, "good")
        signature = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
        self.run = signature(address)

    def region(
        self, pc: int, shape: int, decode: Decode, variant: Variant, code: CodeMemory
    ) -> Compiled:
        """Return the code at an address, for the shape in which it is reached."""
        held = None if self._cache is None else self._cache.load(pc, shape, variant, code)
        if held is not None:
            return Compiled(self._linked(held.code), *held[1:])
        builder = RegionBuilder(self.target, variant, self._flows, self.timeline)
        made = builder.build(pc, shape, decode)
        assert made is not None, "the caller has checked that an instruction is there"
        level = "good" if variant.optimised else "quick"
        if self.watch is not None:
            self.watch(Translated(pc, shape, level, variant.names, made.text))
        key = made.text, level
        if key not in self._functions:
            contents = compiler().emit(*key)
            self._functions[key] = self._linked(contents)
            if self._cache is not None:
                self._cache.save(pc, shape, variant, code, made, contents)
        return Compiled(self._functions[key], made.addresses, made.paths, made.step_cycles_max)

    def _linked(self, contents: bytes) -> int:
        """Return the address of a region's function; the same object is linked once."""
        if contents not in self._objects:
            self._objects[contents] = compiler().link(contents, region.FUNCTION)
        return self._objects[contents]


class Table:
    """The hash table that the dispatcher searches."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[int, int]] = {}
        self._place = (ctypes.c_uint64 * 2)()
        self._rebuild(_TABLE_SIZE_MIN)

    @property
    def address(self) -> int:
        """Where the table is."""
        return ctypes.addressof(self._entries)

    @property
    def place(self) -> int:
        """Where the table's address and mask can always be found."""
        return ctypes.addressof(self._place)

    def _rebuild(self, size: int) -> None:
        self.mask = size - 1
        self._entries = (ctypes.c_uint64 * (dispatch.ENTRY_WORDS * size))()
        ctypes.memset(self._entries, 0xFF, ctypes.sizeof(self._entries))
        for key, value in self._values.items():
            self._enter(key, value)
        self._place[0], self._place[1] = self.address, self.mask

    def _enter(self, key: int, value: tuple[int, int]) -> None:
        place = dispatch.place_of(key, self.mask)
        while self._entries[dispatch.ENTRY_WORDS * place] not in (dispatch.FREE, key):
            place = (place + 1) & self.mask
        for index, word in enumerate((key, *value)):
            self._entries[dispatch.ENTRY_WORDS * place + index] = word

    def set(self, key: int, function: int, counters: int) -> None:
        """Add or replace a translation; `counters` is where its counters begin."""
        self._values[key] = function, counters
        if 2 * len(self._values) > self.mask:
            self._rebuild(2 * (self.mask + 1))
        else:
            self._enter(key, (function, counters))

    def remove(self, keys: list[int]) -> None:
        """Take translations out."""
        for key in keys:
            self._values.pop(key, None)
        self._rebuild(self.mask + 1)


class Paths:
    """The paths through the blocks of translations, in the order of their counters."""

    def __init__(self) -> None:
        self.known: list[Totals] = []
        self.step_cycles_max = 1
        """The most cycles that an instruction of these takes."""
        self._cycles: dict[Cause, list[int]] = {cause: [] for cause in Cause}

    def add(self, paths: tuple[Totals, ...], step_cycles_max: int) -> int:
        """Add a region's paths; return where its counters begin."""
        first = len(self.known)
        self.step_cycles_max = max(self.step_cycles_max, step_cycles_max)
        self.known += paths
        for cause, cycles in zip(Cause, zip(*paths, strict=True), strict=False):
            self._cycles[cause] += cycles
        return first

    def cycles(self, counts: Sequence[int]) -> dict[Cause, int]:
        """Return the cycles of each cause, by how often each path was taken."""
        return {cause: sum(map(mul, cycles, counts)) for cause, cycles in self._cycles.items()}


class Counters:
    """How often each path through a block was taken by a thread.

    `words` are counters that stay where they are and have room for all paths there will be;
    without them there is room for those that are known whenever `address` is asked for.
    """

    def __init__(self, paths: Paths, words: "ctypes.Array[ctypes.c_uint64] | None" = None) -> None:
        self._paths = paths
        self._past = dict.fromkeys(Cause, 0)
        self._words = words or (ctypes.c_uint64 * _COUNTERS_MIN)()

    @property
    def address(self) -> int:
        """Where the counters are."""
        size, count = len(self._words), len(self._paths.known)
        if count > size:
            grown = (ctypes.c_uint64 * (2 * count))()
            ctypes.memmove(grown, self._words, ctypes.sizeof(self._words))
            self._words = grown
        return ctypes.addressof(self._words)

    def move_to(self, paths: Paths) -> None:
        """Count other paths from now on, from zero."""
        self._past = self.cycles()
        ctypes.memset(self._words, 0, 8 * min(len(self._paths.known), len(self._words)))
        self._paths = paths

    def cycles(self) -> dict[Cause, int]:
        """Return what cycles went to, all that was counted."""
        now = self._paths.cycles(self._words[: len(self._paths.known)])
        return {cause: past + now[cause] for cause, past in self._past.items()}


class Translations:
    """The translations of one variant, with the code that each was made of."""

    def __init__(self, translator: Translator, variant: Variant, paths: Paths) -> None:
        self.table = Table()
        self._translator = translator
        self._variant = variant
        self._paths = paths
        self._hot: set[tuple[int, int]] = set()
        self._jumps: dict[int, list[ComputedJump]] = {}
        self._covered: dict[tuple[int, int], list[tuple[int, bytes]]] = {}

    def add(self, pc: int, shape: int, decode: Decode, code: CodeMemory) -> None:
        """Translate the code at an address, well if it is known to be hot."""
        variant = self._variant
        if variant.optimised or (pc, shape) in self._hot:
            jumps = tuple(jump for made in self._jumps.values() for jump in made)
            variant = replace(variant, optimised=True, jumps=jumps)
        compiled = self._translator.region(pc, shape, decode, variant, code)
        counters = self._paths.add(compiled.paths, compiled.step_cycles_max)
        self.table.set(dispatch.key_of(pc, shape), compiled.function, counters)
        ranges = runs_of(list(compiled.addresses))
        runs = [(low, code.contents_of(low, end - low)) for low, end in ranges]
        for low, contents in runs:
            code.mark(low, len(contents))
        self._covered[pc, shape] = runs

    def note_jump(self, jump: ComputedJump) -> None:
        """Note a computed jump: good code goes on at its target without the dispatcher."""
        made = self._jumps.setdefault(jump.site, [])
        if jump not in made and len(made) < JUMPS_MAX:
            made.append(jump)

    def has(self, pc: int, shape: int) -> bool:
        """Return whether there is a translation of the code at an address, for a shape."""
        return (pc, shape) in self._covered

    def shapes_at(self, pc: int) -> int:
        """Return for how many shapes the code at an address has been translated."""
        return sum(entry == pc for entry, _ in self._covered)

    def is_hot(self, pc: int, shape: int) -> bool:
        """Return whether the code at an address is to be translated well, for a shape."""
        return (pc, shape) in self._hot

    def promote(self, key: int, pc: int, shape: int) -> None:
        """Have a region made again, optimised, and so the code where it has been left.

        Others that cover the same code stay: each may have a shape that hardly ever comes.
        """
        colder = {dispatch.entry_of(key), (pc, shape)} - self._hot
        self._hot |= colder
        self._drop([entry for entry in colder if entry in self._covered])

    def drop_changed(self, code: CodeMemory) -> None:
        """Drop the translations of code that is not in memory any more."""
        self._drop(
            [
                entry
                for entry, runs in self._covered.items()
                if any(code.contents_of(low, len(held)) != held for low, held in runs)
            ]
        )

    def _drop(self, entries: list[tuple[int, int]]) -> None:
        if entries:
            for entry in entries:
                del self._covered[entry]
            self.table.remove([dispatch.key_of(*entry) for entry in entries])


class CodeSpace:
    """All translations of the same code in the same memory, with the same timing.

    Threads whose code is the same share one. `traced` is how many records of instructions the ring
    of each has room for.
    """

    def __init__(self, translator: Translator, optimised: bool = False, traced: int = 0) -> None:
        self.translator = translator
        self.traced = traced
        self.kept = KeptRegisters(translator.target.description)
        self.paths = Paths()
        variants = (
            replace(variant, optimised=optimised, traced=traced)
            for variant in (Variant(), STEPPING)
        )
        self.by_stepping = {
            variant.stepping: Translations(translator, variant, self.paths) for variant in variants
        }
        self._plain: Translations | None = None

    @property
    def plain(self) -> Translations:
        """Translations of single instructions, without timing."""
        if self._plain is None:
            self._plain = Translations(
                Translator(self.translator.target, watch=self.translator.watch), SINGLE, self.paths
            )
        return self._plain

    def all(self) -> list[Translations]:
        """Return the translations of every variant that has some."""
        plain = [] if self._plain is None else [self._plain]
        return [*self.by_stepping.values(), *plain]


STEPPING = Variant(stepping=True, size_max=16)
SINGLE = Variant(stepping=True, size_max=1)
