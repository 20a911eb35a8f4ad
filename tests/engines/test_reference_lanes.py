"""Integer lanes and their moves against naive definitions over Python integers.

The definitions are written from the summaries of the instructions; they share no code with the
engine. Every instruction runs on random lanes and on edges, without a predicate, merging, zeroing.
"""

import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.description import Instruction, InstructionDef, encode, load_description
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.formats import decode as decode_values
from dojo_tools.formats import encode as encode_values

DESCRIPTION = load_description()
START = 0x1000
Lanes = list[int]
Naive = Callable[[Lanes, Lanes, Lanes], Lanes]
Binary = Callable[[int, int], int]
WIDTHS = (8, 16, 32, 64)
FLOATS = {"bf16": 16, "f32": 32}

# mnemonic: types of the first source, the second and the destination, and what it means
CASES: dict[str, tuple[str, str, str, Naive]] = {}


def word(mnemonic: str, *values: int) -> bytes:
    (definition,) = DESCRIPTION.mnemonics[mnemonic]
    assert isinstance(definition, InstructionDef)
    return encode(Instruction(definition, values)).to_bytes(4, "little")


def parse(contents: bytes, type_: str) -> Lanes:
    size = int(type_[1:]) // 8
    return [
        int.from_bytes(contents[k : k + size], "little", signed=type_[0] == "i")
        for k in range(0, len(contents), size)
    ]


def pack(lanes: Lanes, type_: str) -> bytes:
    width = int(type_[1:])
    return b"".join((lane % (1 << width)).to_bytes(width // 8, "little") for lane in lanes)


def limits(type_: str) -> tuple[int, int]:
    width = int(type_[1:])
    return (-(1 << width - 1), (1 << width - 1) - 1) if type_[0] == "i" else (0, (1 << width) - 1)


def clamp(value: int, type_: str) -> int:
    low, high = limits(type_)
    return low if value < low else high if value > high else value


def each(function: Binary) -> Naive:
    return lambda a, b, d: [function(x, y) for x, y in zip(a, b, strict=True)]


def code(value: int, width: int) -> str:
    return format(value % (1 << width), f"0{width}b")


def rotated(value: int, count: int, width: int) -> int:
    text = code(value, width)
    count %= width
    return int(text[count:] + text[:count], 2)


def add_lane_by_lane(width: int) -> None:
    signed, plain = f"i{width}", f"u{width}"
    for suffix, type_ in (("", signed), ("u", plain)):
        functions: dict[str, Binary] = {
            "vadds": lambda a, b, t=type_: clamp(a + b, t),
            "vsubs": lambda a, b, t=type_: clamp(a - b, t),
            "vavg": lambda a, b: -((-a - b) // 2),
            "vabsdiff": lambda a, b: abs(a - b),
            "vmulh": lambda a, b, w=width: a * b >> w,
        }
        for name, function in functions.items():
            CASES[f"{name}{suffix}.{signed}"] = (type_, type_, plain, each(function))
    functions = {
        "vrol": lambda a, b, w=width: rotated(a, b, w),
        "vror": lambda a, b, w=width: rotated(a, -b, w),
    }
    for name, function in functions.items():
        CASES[f"{name}.{signed}"] = (plain, plain, plain, each(function))
    functions = {
        "vpopcount": lambda a, b, w=width: code(a, w).count("1"),
        "vclz": lambda a, b, w=width: len(code(a, w).split("1")[0]),
        "vctz": lambda a, b, w=width: len(code(a, w)[::-1].split("1")[0]),
    }
    for name, function in functions.items():
        CASES[f"{name}.{signed}"] = (plain, plain, plain, each(function))


def add_widening_and_narrowing(letter: str, width: int) -> None:
    narrow, wide = f"{letter}{width}", f"{letter}{2 * width}"
    half = 512 // width // 2
    for part, start in (("lo", 0), ("hi", half)):
        functions: dict[str, Binary] = {
            "vaddw": lambda a, b: a + b,
            "vsubw": lambda a, b: a - b,
            "vmulw": lambda a, b: a * b,
            "vextend": lambda a, b: a,
        }
        for name, function in functions.items():
            CASES[f"{name}.{part}.{wide}.{narrow}"] = (
                narrow,
                narrow,
                wide,
                lambda a, b, d, s=start, f=function, h=half: [
                    f(a[s + i], b[s + i]) for i in range(h)
                ],
            )
    if letter == "i":
        CASES[f"vnarrow.{narrow}.{wide}"] = (wide, wide, narrow, lambda a, b, d: a + b)
    for source, target in ((wide, narrow), (f"i{2 * width}", f"u{width}")):
        CASES[f"vnarrows.{target}.{source}"] = (
            source,
            source,
            target,
            lambda a, b, d, t=target: [clamp(x, t) for x in a + b],
        )


def dot(count: int) -> Naive:
    def naive(a: Lanes, b: Lanes, d: Lanes) -> Lanes:
        products = [x * y for x, y in zip(a, b, strict=True)]
        return [old + sum(products[count * i : count * (i + 1)]) for i, old in enumerate(d)]

    return naive


def add_dot_products(width: int, count: int) -> None:
    for first, second in ("ii", "ui", "uu"):
        a, b, d = f"{first}{width // count}", f"{second}{width // count}", f"i{width}"
        CASES[f"vdot.{d}.{a}.{b}"] = (a, b, d, dot(count))


def add_moves(name: str, width: int) -> None:
    lanes, type_ = 512 // width, f"u{width}"
    half = lanes // 2
    functions: dict[str, Naive] = {
        "vzip.lo": lambda a, b, d: [
            x for pair in zip(a[:half], b[:half], strict=True) for x in pair
        ],
        "vzip.hi": lambda a, b, d: [
            x for pair in zip(a[half:], b[half:], strict=True) for x in pair
        ],
        "vunzip.even": lambda a, b, d: a[::2] + b[::2],
        "vunzip.odd": lambda a, b, d: a[1::2] + b[1::2],
        "vreverse": lambda a, b, d: a[::-1],
        "vpermute": lambda a, b, d: [a[k] if k < lanes else 0 for k in b],
    }
    for mnemonic, function in functions.items():
        CASES[f"{mnemonic}.{name}"] = (type_, type_, type_, function)


def scanned(a: Lanes, start: int) -> Lanes:
    return [sum(a[: i + start]) for i in range(len(a))]


for _width in WIDTHS:
    add_lane_by_lane(_width)
for _letter in "iu":
    for _width in (8, 16, 32):
        add_widening_and_narrowing(_letter, _width)
for _width in (32, 64):
    for _count in (2, 4):
        add_dot_products(_width, _count)
for _name, _width in [(f"i{w}", w) for w in WIDTHS] + list(FLOATS.items()):
    add_moves(_name, _width)


def contents_of(generator: random.Random, sort: int) -> bytes:
    """Return a register: random bytes, extreme bytes, or small numbers."""
    if sort == 0:
        return generator.randbytes(64)
    if sort == 1:
        return bytes(generator.choices([0, 1, 0x7F, 0x80, 0xFF, 0xFE], k=64))
    width = generator.choice([1, 2, 4, 8])
    numbers = [generator.randrange(-9, 70) % (1 << 8 * width) for _ in range(64 // width)]
    return b"".join(number.to_bytes(width, "little") for number in numbers)


def registers(seed: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    generator = random.Random(seed)
    for sort in (0, 1, 2, 1, 2):
        a, b, d = (contents_of(generator, sort) for _ in range(3))
        yield a, b, d


THREAD = ReferenceThread(DESCRIPTION, 0x2_0000, 0x100)


def run(text: bytes, **state: int | bytes) -> None:
    THREAD.write_memory(START, text)
    for name, value in state.items():
        THREAD.write_register(name, value)
    THREAD.pc = START
    stop = THREAD.run(1)
    assert stop.fault is None, stop.fault


def result(register: str = "v1") -> bytes:
    value = THREAD.read_register(register)
    assert isinstance(value, bytes)
    return value


def predicated(wanted: bytes, old: bytes, lanes: int, mask: int, zeroing: bool) -> bytes:
    size = 64 // lanes
    parts: list[bytes] = []
    for i in range(lanes):
        kept = bytes(size) if zeroing else old[size * i : size * (i + 1)]
        parts.append(wanted[size * i : size * (i + 1)] if mask >> i & 1 else kept)
    return b"".join(parts)


@pytest.mark.parametrize("mnemonic", CASES)
def test_lanes(mnemonic: str):
    first, second, target, naive = CASES[mnemonic]
    (definition,) = DESCRIPTION.mnemonics[mnemonic]
    assert isinstance(definition, InstructionDef)
    sources = [2, 3] if any(kind.name == "vb" for kind in definition.operands) else [2]
    for a, b, d in registers(mnemonic):
        lanes = naive(parse(a, first), parse(b, second), parse(d, target))
        wanted = pack(lanes, target)
        mask = int.from_bytes(a[:8], "little") ^ 0x5A5A_A5A5_0FF0_C3C3
        run(word(mnemonic, 1, *sources, 0), v1=d, v2=a, v3=b)
        assert result() == wanted
        for predicate, zeroing in ((5, False), (13, True)):
            run(word(mnemonic, 1, *sources, predicate), v1=d, v2=a, v3=b, m5=mask)
            assert result() == predicated(wanted, d, len(lanes), mask, zeroing)


@pytest.mark.parametrize("name, width", [*((f"i{w}", w) for w in WIDTHS), *FLOATS.items()])
def test_moves_by_a_count(name: str, width: int):
    lanes, type_ = 512 // width, f"u{width}"
    for a, _, _ in registers(name):
        values = parse(a, type_)
        for count in (0, 1, lanes // 2, lanes - 1):
            zeros = [0] * count
            turned = values[count:] + values[:count]
            for mnemonic, wanted in {
                "vslideup": (zeros + values)[:lanes],
                "vslidedown": (values + zeros)[count:],
                "vrotatei": turned,
            }.items():
                run(word(f"{mnemonic}.{name}", 1, 2, count, 0), v2=a)
                assert parse(result(), type_) == wanted
            run(word(f"vrotate.{name}", 1, 2, 3, 0), v2=a, x3=count - 3 * lanes & (1 << 64) - 1)
            assert parse(result(), type_) == turned


@pytest.mark.parametrize("width", WIDTHS)
def test_rotation_of_bits_by_a_constant(width: int):
    for a, _, _ in registers(f"vrori {width}"):
        for count in (0, 1, width - 1):
            run(word(f"vrori.i{width}", 1, 2, count, 0), v2=a)
            wanted = [rotated(value, -count, width) for value in parse(a, f"u{width}")]
            assert parse(result(), f"u{width}") == wanted


@pytest.mark.parametrize("name, width", [*((f"i{w}", w) for w in WIDTHS), *FLOATS.items()])
def test_moves_by_a_mask(name: str, width: int):
    lanes, type_ = 512 // width, f"u{width}"
    for a, b, d in registers(f"mask {name}"):
        values = parse(a, type_)
        mask = int.from_bytes(b[:8], "little")
        chosen = [i for i in range(lanes) if mask >> i & 1]
        run(word(f"vcompress.{name}", 1, 2, 5), v1=d, v2=a, m5=mask)
        kept = [values[i] for i in chosen]
        assert parse(result(), type_) == kept + [0] * (lanes - len(kept))
        run(word(f"vexpand.{name}", 1, 2, 5), v1=d, v2=a, m5=mask)
        spread = dict(zip(chosen, values, strict=False))
        assert parse(result(), type_) == [spread.get(i, 0) for i in range(lanes)]
        if name not in FLOATS:
            run(word(f"vrank.{name}", 1, 5, 0), m5=mask)
            assert parse(result(), type_) == [sum(k < i for k in chosen) for i in range(lanes)]
            run(word(f"viota.{name}", 1, 0))
            assert parse(result(), type_) == list(range(lanes))


@pytest.mark.parametrize("width", WIDTHS)
def test_scans_of_integers(width: int):
    for a, b, d in registers(f"scan {width}"):
        mask = int.from_bytes(b[:8], "little")
        values = [value if mask >> i & 1 else 0 for i, value in enumerate(parse(a, f"i{width}"))]
        for mnemonic, start in (("vscan", 1), ("vscanx", 0)):
            run(word(f"{mnemonic}.i{width}", 1, 2, 5), v1=d, v2=a, m5=mask)
            wanted = pack(scanned(values, start), f"i{width}")
            assert result() == predicated(wanted, d, 512 // width, mask, zeroing=False)


def scanned_in_float32(values: NDArray[np.float32], mnemonic: str) -> NDArray[np.float32]:
    """Return sums in the stated order: lane i - 1 first, then i - 2, i - 4 and so on."""
    sums = list(values)
    if mnemonic == "vscanx":
        sums = [np.float32(0), *sums[:-1]]
    for step in (1, 2, 4, 8, 16)[: len(sums).bit_length() - 1]:
        sums = [s + sums[i - step] if i >= step else s for i, s in enumerate(sums)]
    return np.array(sums, "f4")


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("mnemonic", ["vscan", "vscanx"])
def test_scans_of_floats_add_in_the_stated_order(mnemonic: str, name: str):
    generator = np.random.default_rng(7)
    lanes = 512 // FLOATS[name]
    for _ in range(20):
        scale = 10.0 ** generator.integers(-6, 7, lanes)
        codes = encode_values(generator.standard_normal(lanes) * scale, name)
        mask = int(generator.integers(1 << 32))
        active = mask >> np.arange(lanes) & 1 == 1
        values = np.where(active, decode_values(codes, name), np.float32(-0.0))
        sums = encode_values(scanned_in_float32(values, mnemonic), name)
        run(word(f"{mnemonic}.{name}", 1, 2, 13), v2=codes.tobytes(), m5=mask)
        assert result() == np.where(active, sums, 0).astype(codes.dtype).tobytes()


def test_masks_are_counted_and_searched():
    generator = random.Random(1)
    masks = [0, 1, 1 << 63, (1 << 64) - 1, *(generator.getrandbits(64) for _ in range(20))]
    for mask in masks:
        lanes = [i for i in range(64) if mask >> i & 1]
        lowest = lanes[0] if lanes else 64
        for mnemonic, register, wanted in (
            ("mask.count", "x1", len(lanes)),
            ("mask.lowest", "x1", lowest),
            ("mask.below", "m1", (1 << lowest) - 1),
            ("mask.only", "m1", 1 << lowest if lanes else 0),
        ):
            run(word(mnemonic, 1, 5), m5=mask)
            assert THREAD.read_register(register) == wanted
