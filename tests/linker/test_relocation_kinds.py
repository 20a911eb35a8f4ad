"""Every relocation kind of the description: a value, both ends of its range, one beyond each."""

from collections.abc import Iterator

import pytest

from dojo_tools.bits import extract, insert, to_signed, to_unsigned
from dojo_tools.description import RelocationKind, extract_ranges, insert_ranges, load_description
from dojo_tools.diagnostics import InputError
from dojo_tools.linker import MEMORY_START, link
from dojo_tools.objects import (
    ABSOLUTE,
    Binding,
    ObjectFile,
    Relocation,
    Section,
    Symbol,
)

KINDS = tuple(load_description().relocations.values())
ADDRESSES = [kind for kind in KINDS if not kind.on_node]
NODES = [kind for kind in KINDS if kind.on_node]
BACKGROUND = 0xA5
PLACE = MEMORY_START + 8
SYMBOL_MAX = 2**63 - 1
"""The greatest address and the greatest addend that ELF's fields can hold as signed numbers."""
X, Y = 3, 2


def name_of(kind: RelocationKind) -> str:
    return kind.name


def filled(kind: RelocationKind, symbol: int, addend: int) -> int:
    """Return the word that a relocation leaves at `PLACE`, in bytes that were not zero."""
    code = Section(".text", False, True, True, 8, bytes([BACKGROUND]) * 16, 16)
    start = Symbol("_start", ".text", 0, 0, Binding.GLOBAL)
    target = Symbol("target", ABSOLUTE, to_unsigned(symbol, 64), 0, Binding.GLOBAL)
    use = Relocation(".text", PLACE - MEMORY_START, kind.number, 1, addend)
    image = link([ObjectFile("a.o", (code,), (start, target), (use,))], {kind.number: kind})
    offset = PLACE - MEMORY_START
    return int.from_bytes(image.segments[0].contents[offset : offset + kind.size], "little")


def split(kind: RelocationKind, value: int) -> tuple[int, int]:
    """Return a symbol and an addend that give this value."""
    wanted = value + (PLACE if kind.pc_relative else 0)
    symbol = max(-SYMBOL_MAX - 1, min(SYMBOL_MAX, wanted - 4))
    return symbol, wanted - symbol


def is_reachable(kind: RelocationKind, value: int) -> bool:
    """Whether an object can ask for this value at all."""
    return -SYMBOL_MAX - 1 <= split(kind, value)[1] <= SYMBOL_MAX


def refused(kind: RelocationKind, value: int) -> str:
    with pytest.raises(InputError) as caught:
        filled(kind, *split(kind, value))
    (found,) = caught.value.diagnostics
    return found.message


def fitting(kind: RelocationKind) -> Iterator[int]:
    """Yield both ends of the range, what lies just inside them, and values between."""
    highest = min(kind.high, 2 * SYMBOL_MAX // kind.scale * kind.scale)
    inside = (kind.low, kind.low + kind.scale, 0, kind.scale * 5, highest - kind.scale, highest)
    yield from dict.fromkeys(value for value in inside if kind.low <= value <= highest)


def test_the_kinds_are_all_here() -> None:
    assert len(NODES) == 1
    assert len(ADDRESSES) > 8
    assert {kind.scale for kind in ADDRESSES} >= {1, 4, 64}
    assert any(kind.pc_relative for kind in ADDRESSES)


@pytest.mark.parametrize("kind", ADDRESSES, ids=name_of)
def test_values_from_end_to_end_are_written(kind: RelocationKind) -> None:
    before = int.from_bytes(bytes([BACKGROUND]) * kind.size, "little")
    for value in fitting(kind):
        word = filled(kind, *split(kind, value))
        width = sum(part.width for part in kind.ranges)
        stored = extract_ranges(word, kind.ranges)
        assert stored == to_unsigned(value // kind.scale, width), value
        if kind.low < 0 and value < 0:
            assert to_signed(stored, width) * kind.scale == value
        # All other bits are as they were.
        assert insert_ranges(word, kind.ranges, 0) == insert_ranges(before, kind.ranges, 0)


@pytest.mark.parametrize("kind", ADDRESSES, ids=name_of)
def test_values_beyond_the_ends_are_refused(kind: RelocationKind) -> None:
    for value in (kind.low - kind.scale, kind.low - 1, kind.high + 1, kind.high + kind.scale):
        if is_reachable(kind, value):
            message = refused(kind, value)
            assert f"`{kind.name}` ({kind.low}..{kind.high})" in message
            assert "`target`" in message
            assert str(value) in message or not kind.pc_relative


@pytest.mark.parametrize("kind", [k for k in ADDRESSES if k.scale > 1], ids=name_of)
def test_values_between_multiples_are_refused(kind: RelocationKind) -> None:
    for value in (kind.low + 1, 1, kind.scale + kind.scale // 2, kind.high - 1):
        assert f"is not a multiple of {kind.scale}, as `{kind.name}` needs" in refused(kind, value)


def node_addend(offset: int) -> int:
    word = insert(insert(insert(0, 63, 60, 1), 55, 44, Y), 43, 32, X)
    return to_signed(insert(word, 31, 0, to_unsigned(offset, 32)), 64)


@pytest.mark.parametrize("kind", NODES, ids=name_of)
@pytest.mark.parametrize(
    "symbol, offset",
    [(0x1234, 0), (0x1234, -4), (0, 0), (4, -4), (2**32 - 1, 0), (2**32 - 8, 7), (2**32, -1)],
)
def test_addresses_on_nodes(kind: RelocationKind, symbol: int, offset: int) -> None:
    word = filled(kind, symbol, node_addend(offset))
    assert extract(word, 63, 60) == 1
    assert extract(word, 59, 56) == 0
    assert (extract(word, 43, 32), extract(word, 55, 44)) == (X, Y)
    assert extract(word, 31, 0) == symbol + offset


@pytest.mark.parametrize("kind", NODES, ids=name_of)
@pytest.mark.parametrize("symbol, offset", [(0, -1), (2**32, 0), (2**32 - 4, 4), (-1, 0)])
def test_addresses_on_nodes_that_are_none(kind: RelocationKind, symbol: int, offset: int) -> None:
    with pytest.raises(InputError, match="is no address on a node"):
        filled(kind, symbol, node_addend(offset))


@pytest.mark.parametrize("kind", NODES, ids=name_of)
@pytest.mark.parametrize("space", [0, 2, 15])
def test_addresses_in_other_spaces_are_refused(kind: RelocationKind, space: int) -> None:
    addend = to_signed(insert(to_unsigned(node_addend(0), 64), 63, 60, space), 64)
    with pytest.raises(InputError, match=f"starts with 0x{space << 4:02x}, expected 0x10"):
        filled(kind, 0x1234, addend)
