"""Relocation kinds of no real machine, so that the linker is tested apart from `isa/`."""

from collections.abc import Mapping

import pytest

from dojo_tools.description import BitRange, RelocationKind


@pytest.fixture
def kinds() -> Mapping[int, RelocationKind]:
    split = (BitRange(31, 20), BitRange(7, 7))
    found = (
        RelocationKind(1, "branch", True, 4, split, 4, -(1 << 14), (1 << 14) - 4),
        RelocationKind(2, "word64", False, 8, (BitRange(63, 0),), 1, -(1 << 63), (1 << 64) - 1),
        RelocationKind(3, "address", False, 4, (BitRange(20, 0),), 1, 0, (1 << 21) - 1),
        RelocationKind(4, "half", False, 2, (BitRange(15, 0),), 1, -(1 << 15), (1 << 16) - 1),
    )
    return {kind.number: kind for kind in found}
