"""Bit fields, ranges and alignment: every shift and mask of the tools goes through here.

Bit ranges follow the manuals: `[high:low]`, both ends inclusive, bit 0 the least significant.
"""


def mask(width: int) -> int:
    """Return the integer whose low `width` bits are set."""
    return (1 << width) - 1


def extract(word: int, high: int, low: int) -> int:
    """Return bits [high:low] of `word`, unsigned."""
    return (word >> low) & mask(high - low + 1)


def insert(word: int, high: int, low: int, value: int) -> int:
    """Return `word` with bits [high:low] replaced by the low bits of `value`."""
    window = mask(high - low + 1)
    return (word & ~(window << low)) | ((value & window) << low)


def to_unsigned(value: int, width: int) -> int:
    """Return the low `width` bits of `value`, read as an unsigned number."""
    return value & mask(width)


def to_signed(value: int, width: int) -> int:
    """Return the low `width` bits of `value`, read as a two's-complement number."""
    half = 1 << (width - 1)
    return ((value + half) & mask(width)) - half


def signed_range(width: int) -> tuple[int, int]:
    """Return the least and the greatest two's-complement number of `width` bits."""
    return -(1 << (width - 1)), mask(width - 1)


def unsigned_range(width: int) -> tuple[int, int]:
    """Return the least and the greatest unsigned number of `width` bits."""
    return 0, mask(width)


def is_power_of_two(value: int) -> bool:
    """Return whether `value` is 1, 2, 4, 8, ..."""
    return value > 0 and value & (value - 1) == 0


def is_aligned(address: int, alignment: int) -> bool:
    """Return whether `address` is a multiple of `alignment`, a power of two."""
    return address & (alignment - 1) == 0


def align_up(address: int, alignment: int) -> int:
    """Return the first multiple of `alignment`, a power of two, at or after `address`."""
    return (address + alignment - 1) & ~(alignment - 1)
