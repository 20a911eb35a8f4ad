"""The translations of a thread: made when first reached, replaced when hot, dropped when changed."""

import ctypes
from collections.abc import Callable

from dojo_tools.engines.native import dispatch, region
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.flow import Decode, Flow
from dojo_tools.engines.native.machine_code import Target, Variant
from dojo_tools.engines.native.region import RegionBuilder

Contents = Callable[[int, int], bytes]

_TABLE_SIZE_MIN = 256


class Translator:
    """Translates for one target; threads with the same target may share it.

    With `always_optimised` code is translated well at once, not only when it is known to be hot.
    """

    def __init__(self, target: Target, always_optimised: bool = False) -> None:
        self.target = target
        self.always_optimised = always_optimised
        self._flows: dict[str, Flow] = {}
        self._compiled: dict[tuple[str, str], int] = {}
        address = self.compile(dispatch.dispatcher(target), dispatch.FUNCTION, "good")
        signature = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
        self.run = signature(address)

    def region(self, pc: int, decode: Decode, variant: Variant) -> tuple[int, frozenset[int]]:
        """Return the function for the code at an address, and the addresses it covers."""
        translation = RegionBuilder(self.target, variant, self._flows).build(pc, decode)
        assert translation is not None, "the caller has checked that an instruction is there"
        level = "good" if variant.optimised else "quick"
        return self.compile(translation.text, region.FUNCTION, level), translation.addresses

    def compile(self, text: str, function: str, level: str) -> int:
        """Return the address of a module's function; the same text is compiled once."""
        key = text, level
        if key not in self._compiled:
            self._compiled[key] = compiler().compile(text, function, level)
        return self._compiled[key]


class Table:
    """The hash table that the dispatcher searches."""

    def __init__(self) -> None:
        self._functions: dict[int, int] = {}
        self._rebuild(_TABLE_SIZE_MIN)

    @property
    def address(self) -> int:
        """Where the table is."""
        return ctypes.addressof(self._entries)

    def _rebuild(self, size: int) -> None:
        self.mask = size - 1
        self._entries = (ctypes.c_uint64 * (2 * size))()
        ctypes.memset(self._entries, 0xFF, ctypes.sizeof(self._entries))
        for key, function in self._functions.items():
            self._enter(key, function)

    def _enter(self, key: int, function: int) -> None:
        place = dispatch.place_of(key, self.mask)
        while self._entries[2 * place] not in (dispatch.FREE, key):
            place = (place + 1) & self.mask
        self._entries[2 * place] = key
        self._entries[2 * place + 1] = function

    def set(self, key: int, function: int) -> None:
        """Add or replace a translation."""
        self._functions[key] = function
        if 2 * len(self._functions) > self.mask:
            self._rebuild(2 * (self.mask + 1))
        else:
            self._enter(key, function)

    def remove(self, keys: list[int]) -> None:
        """Take translations out."""
        for key in keys:
            self._functions.pop(key, None)
        self._rebuild(self.mask + 1)


class Translations:
    """The translations of one variant, with the code that each was made of."""

    def __init__(self, translator: Translator, variant: Variant) -> None:
        self.table = Table()
        self.span: tuple[int, int] | None = None
        self._translator = translator
        self._variant = variant
        self._hot: set[int] = set()
        self._covered: dict[int, list[tuple[int, bytes]]] = {}

    def add(self, pc: int, decode: Decode, contents: Contents) -> None:
        """Translate the code at an address, well if it is known to be hot."""
        is_hot = pc in self._hot or self._translator.always_optimised
        is_hot = is_hot and not self._variant.stepping
        variant = Variant(stepping=self._variant.stepping, optimised=is_hot)
        function, addresses = self._translator.region(pc, decode, variant)
        self.table.set(dispatch.key_of(pc, 0), function)
        runs = _runs(sorted(addresses))
        self._covered[pc] = [(low, contents(low, end - low)) for low, end in runs]
        low, end = min(addresses), max(addresses) + 4
        if self.span is not None:
            low, end = min(low, self.span[0]), max(end, self.span[1])
        self.span = low, end

    def promote(self, pc: int) -> None:
        """Have every translation that covers an address made again, optimised."""
        covering = [
            entry
            for entry, runs in self._covered.items()
            if any(low <= pc < low + len(code) for low, code in runs) and entry not in self._hot
        ]
        self._hot.update(covering, [pc])
        self._drop(covering)

    def drop_changed(self, contents: Contents) -> None:
        """Drop the translations of code that is not in memory any more."""
        self._drop(
            [
                entry
                for entry, runs in self._covered.items()
                if any(contents(low, len(code)) != code for low, code in runs)
            ]
        )

    def _drop(self, entries: list[int]) -> None:
        if entries:
            for entry in entries:
                del self._covered[entry]
            self.table.remove([dispatch.key_of(entry, 0) for entry in entries])


def _runs(addresses: list[int]) -> list[tuple[int, int]]:
    """Return the ranges, [low, end), that instructions at sorted addresses fill."""
    runs: list[tuple[int, int]] = []
    for address in addresses:
        if runs and runs[-1][1] == address:
            runs[-1] = runs[-1][0], address + 4
        else:
            runs.append((address, address + 4))
    return runs
