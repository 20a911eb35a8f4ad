"""Special values for every width and number format: where results round, wrap, saturate or differ.

Everything is drawn from the random generator that the caller seeds.
"""

import random
import struct

from dojo_tools.bits import mask
from dojo_tools.description import RegisterFile
from dojo_tools.engines.thread import RegisterValue

# Codes of float32; their high halves are codes of bfloat16, and midpoints between two of those.
FLOAT32_CODES = (
    0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x40000000, 0x3F000000, 0x3FC00000,
    0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FA00000, 0xFFBFFFFF, 0x7FFFFFFF,
    0x7FC12345, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x00800001, 0x00400000, 0x80400000,
    0x7F7FFFFF, 0xFF7FFFFF, 0x7F000000, 0x3F800001, 0x3F7FFFFF, 0x3F808000, 0x3F818000, 0x3F807FFF,
    0x3F808001, 0x3F800800, 0x17800000, 0x4B000000, 0x4B000001, 0x4B800000, 0x4EFFFFFF, 0x4F000000,
    0xCF000000, 0x4F7FFFFF, 0x4F800000, 0x46FFFE00, 0x47000000, 0xC7000000, 0x477FFF00, 0x3EFFFFFF,
    0x3F000001, 0x3FBFFFFF, 0x40200000, 0x40600000, 0xC0200000, 0x34000000, 0x33800000, 0x0C000000,
    0x5E800000, 0x1F800000, 0x42B17218, 0xC2D00000, 0x43000000, 0xC3160000,
)  # fmt: skip
INTEGERS = (0, 1, 2, 3, 5, 7, 8, 31, 32, 63, 64, 127, 255, 0x1234, 0x5555555555555555)


def integer(rng: random.Random, width: int) -> int:
    """Return an unsigned integer of `width` bits: edges, few bits, or any."""
    match rng.randrange(6):
        case 0:
            value = rng.choice(INTEGERS)
        case 1:
            value = -rng.choice(INTEGERS)
        case 2:
            value = (1 << rng.randrange(width)) + rng.choice((-1, 0, 0, 1))
        case 3:
            value = (1 << (width - 1)) + rng.choice((-1, 0, 1))
        case 4:
            value = mask(width) - (1 << rng.randrange(width))
        case _:
            value = rng.getrandbits(width)
    return value & mask(width)


def float32_code(rng: random.Random) -> int:
    """Return the code of a float32: special, of few bits, near one, or any."""
    match rng.randrange(5):
        case 0 | 1:
            return rng.choice(FLOAT32_CODES)
        case 2:
            exponent = rng.choice((1, 2, 100, 126, 127, 128, 150, 253, 254, rng.randrange(256)))
            return rng.getrandbits(1) << 31 | exponent << 23 | rng.getrandbits(4) << 19
        case 3:
            return 0x3F800000 + rng.randrange(-(1 << 22), 1 << 24)
        case _:
            return rng.getrandbits(32)


def lanes(rng: random.Random, size: int) -> bytes:
    """Return `size` bytes, a multiple of 8, as lanes of one random kind."""
    kind = rng.randrange(9)
    if kind == 0:
        return struct.pack(f"<{size // 4}I", *(float32_code(rng) for _ in range(size // 4)))
    if kind == 1:
        return struct.pack(f"<{size // 2}H", *(float32_code(rng) >> 16 for _ in range(size // 2)))
    if kind == 2:
        one = float32_code(rng)
        near = ((one + rng.choice((0, 0, 1, -1, 1 << 31))) & mask(32) for _ in range(size // 4))
        return struct.pack(f"<{size // 4}I", *near)
    if kind == 3:
        return rng.randbytes(size)
    if kind == 4:
        return bytes(rng.choices((0x00, 0x80, 0x7F, 0xFF, 0x01, 0x81, 0x3C, 0x40), k=size))
    octets = 1 << (kind - 5)
    values = (integer(rng, 8 * octets) for _ in range(size // octets))
    return b"".join(value.to_bytes(octets, "little") for value in values)


def scalar(rng: random.Random) -> int:
    """Return the contents of a 64-bit register: an integer of any width, or the code of a float."""
    if rng.randrange(3) == 0:
        code = float32_code(rng)
        return rng.choice((code, code >> 16, code << 32 | code))
    width = rng.choice((8, 16, 32, 64, 64))
    value = integer(rng, width)
    is_negative = value >> (width - 1) and rng.randrange(2)
    return (value - (1 << width) if is_negative else value) & mask(64)


def register(rng: random.Random, file: RegisterFile) -> RegisterValue:
    """Return the contents of a register of a file."""
    return scalar(rng) if file.width == 64 else lanes(rng, file.width // 8)
