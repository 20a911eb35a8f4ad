"""Regions on disk with what they were made of, so that a warm start writes no IR at all.

What the IR of a region depends on is known before it is written, but for one thing: which code it
reaches. So an entry is found by where it begins and all that is fixed, and says which words were
looked at and what they held; if memory holds something else, the entry is left alone.
"""

import functools
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from dojo_tools.bits import is_aligned
from dojo_tools.engines.native.code_memory import CodeMemory
from dojo_tools.engines.native.machine_code import Target, Variant
from dojo_tools.engines.native.object_cache import ObjectCache
from dojo_tools.engines.native.region import Translation
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.timing import Shape, Totals

_BEGINNING = 16
"""Bytes of code that entries are told apart by, beside where it stands."""

_TOOLS = Path(__file__).parents[2]


class Region(NamedTuple):
    """A region that is held: its object, addresses, paths, most cycles of an instruction."""

    code: bytes
    addresses: frozenset[int]
    paths: tuple[Totals, ...]
    step_cycles_max: int


class RegionCache:
    """The regions of one target and timeline; `cache` holds them."""

    def __init__(self, cache: ObjectCache, target: Target, timeline: Timeline | None) -> None:
        self._cache = cache
        self._target = target
        self._timeline = timeline
        rule = "" if timeline is None else timeline.rule_text
        parts = (
            *(_translator_digest(), target.description.digest, rule),
            *(target.memory_size, target.memory_low, target.denormals, sorted(target.barred)),
        )
        self._fixed = "\n".join(map(str, parts))

    @staticmethod
    def can_hold(target: Target) -> bool:
        """Return whether it is known what the description was read from."""
        return bool(target.description.digest)

    def load(self, pc: int, shape: int, variant: Variant, code: CodeMemory) -> Region | None:
        """Return the region at an address if one is held that was made of what memory holds."""
        held = self._cache.load(*self._name(pc, shape, variant, code))
        if held is None:
            return None
        size = int.from_bytes(held[:8], "little")
        head, contents = json.loads(held[8 : 8 + size]), held[8 + size :]
        looked: list[tuple[int, int]] = [(low, end) for low, end in head["looked"]]
        if _digest(looked, code) != head["digest"]:
            return None
        if self._timeline is not None:
            for slots, offset, busy, ready in head["shapes"]:
                shape_ = Shape(tuple(slots), offset, _pairs(busy), _pairs(ready))
                self._timeline.number_of_shape(shape_)
            if self._timeline.has_collided:
                return None
        addresses = (address for low, end in head["covered"] for address in range(low, end, 4))
        paths: list[list[int]] = head["paths"]
        known = frozenset(addresses), tuple(map(tuple, paths))
        return Region(contents, *known, head["step_cycles_max"])

    def save(
        self, pc: int, shape: int, variant: Variant, code: CodeMemory, made: Translation, obj: bytes
    ) -> None:
        """Keep a region."""
        looked = runs_of([*made.addresses, *filter(self._is_fetchable, made.ends)])
        digest = _digest(looked, code)
        shapes: list[Shape] = []
        if self._timeline is not None:
            if self._timeline.has_collided:
                return
            shapes = [self._timeline.state(number).shape for number in sorted(made.shapes)]
        if digest is None:
            return
        head = {
            "looked": looked,
            "digest": digest,
            "covered": runs_of(list(made.addresses)),
            "shapes": shapes,
            "paths": made.paths,
            "step_cycles_max": made.step_cycles_max,
        }
        text = json.dumps(head, separators=(",", ":")).encode()
        contents = len(text).to_bytes(8, "little") + text + obj
        self._cache.save(*self._name(pc, shape, variant, code), contents)

    def _name(self, pc: int, shape: int, variant: Variant, code: CodeMemory) -> tuple[str, str]:
        state = "" if self._timeline is None else self._timeline.state(shape).shape
        beginning = code.contents_of(pc, min(_BEGINNING, self._target.memory_size - pc)).hex()
        return f"{self._fixed}\n{pc:x} {state} {variant} {beginning}", "region"

    def _is_fetchable(self, pc: int) -> bool:
        low, size = self._target.memory_low, self._target.memory_size
        return low <= pc <= size - 4 and is_aligned(pc, 4)


def runs_of(addresses: list[int]) -> list[tuple[int, int]]:
    """Return the ranges, [low, end), that instructions fill."""
    runs: list[tuple[int, int]] = []
    for address in sorted(addresses):
        if runs and runs[-1][1] == address:
            runs[-1] = runs[-1][0], address + 4
        else:
            runs.append((address, address + 4))
    return runs


def _digest(runs: list[tuple[int, int]], code: CodeMemory) -> str | None:
    """Return a digest of the words in ranges, or None if one of them is stale."""
    digest = hashlib.sha256()
    for low, end in runs:
        if not code.is_fresh(low, end - low):
            return None
        digest.update(code.contents_of(low, end - low))
    return digest.hexdigest()


def _pairs(listed: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((first, second) for first, second in listed)


@functools.cache
def _translator_digest() -> str:
    """Return a digest of all the code that IR comes from."""
    folders = (".", "description", "formats", "engines", "engines/native")
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((_TOOLS / folder).glob("*.py")):
            contents = path.read_bytes()
            digest.update(len(contents).to_bytes(8, "little") + contents)
    return digest.hexdigest()
