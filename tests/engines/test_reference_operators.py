"""Every operator of the description language at every type, against naive definitions.

The definitions are written from the words of isa/README.md over Python integers and fractions;
they share no code with the engine. Each case is one instruction whose meaning is one operator.
"""

import math
import random
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest

from dojo_tools.description import EXAMPLE_ADDRESS, Instruction, encode
from dojo_tools.description.loader import load_sources
from dojo_tools.diagnostics import Source
from dojo_tools.engines.reference import ReferenceThread

BASE = """\
provenance chosen "test"
field op [31:26] "opcode"
field d [25:21] "destination"
field a [20:16] "source"
field b [15:11] "source"
field rest [10:4] "zero"
field p [3:0] "predicate"
format R (op d a b rest p) "three registers, predicated"
unit alu "adds"
registers x 32 of 64 bits zero 0 "scalar"
registers v 32 of 512 bits "vector"
registers m 8 of 64 bits "mask"
operand xd "destination" in d register x
operand xa "source" in a register x
operand xb "source" in b register x
operand vd "destination" in d register v
operand va "source" in a register v
operand vb "source" in b register v
operand md "destination" in d register m
operand ma "source" in a register m
operand pm "predicate" in p predicate m
"""

Integers = tuple[bool, int]  # signed, width
INTEGER_TYPES: dict[str, Integers] = {
    f"{letter}{width}": (letter == "i", width) for letter in "ui" for width in (8, 16, 32, 64)
}


class Bench:
    """One instruction of three operands with a given meaning."""

    def __init__(self, operands: str, body: str, predicate: int | None = None) -> None:
        fixed = "p=0" if predicate is None else ""
        text = (
            f'{BASE}instruction test {operands} "Test."\nencoding R op=1 rest=0 {fixed}\n'
            f"timing alu latency=1\nexample -> pc = 0x1004\n{{ {body} }}\n"
        )
        description = load_sources([Source("test.isa", text)])
        self.thread = ReferenceThread(description, 0x2000, 0x100)
        codes = (1, 2, 3) if predicate is None else (1, 2, 3, predicate)
        word = encode(Instruction(description.instructions[0], codes))
        self.thread.write_memory(EXAMPLE_ADDRESS, word.to_bytes(4, "little"))

    def run(self, **registers: int | bytes) -> None:
        """Set registers and execute."""
        for name, value in registers.items():
            self.thread.write_register(name, value)
        self.thread.pc = EXAMPLE_ADDRESS
        stop = self.thread.run(1)
        assert stop.fault is None

    def scalar(self, a: int, b: int) -> int:
        """Return x1 after running with x2 = a and x3 = b."""
        self.run(x2=a, x3=b)
        value = self.thread.read_register("x1")
        assert isinstance(value, int)
        return value

    def vector(self, a: bytes, b: bytes, d: bytes = bytes(64)) -> bytes:
        """Return v1 after running with v1 = d, v2 = a and v3 = b."""
        self.run(v1=d, v2=a, v3=b)
        value = self.thread.read_register("v1")
        assert isinstance(value, bytes)
        return value


def wrap(value: int, signed: bool, width: int) -> int:
    value %= 1 << width
    return value - (1 << width) if signed and value >> (width - 1) else value


def edges(signed: bool, width: int) -> list[int]:
    numbers = [0, 1, 2, 3, 5, width - 1, width, width + 1, 2 * width]
    numbers += [(1 << width) - 1, 1 << (width - 1), (1 << (width - 1)) - 1, (1 << width) - 7]
    generator = random.Random(width)
    numbers += [generator.getrandbits(width) for _ in range(6)]
    return sorted({wrap(number, signed, width) for number in numbers})


def quotient(a: int, b: int, signed: bool, width: int) -> int:
    if b == 0:
        return -1
    return math.trunc(Fraction(a, b))


def remainder(a: int, b: int, signed: bool, width: int) -> int:
    return a if b == 0 else a - b * math.trunc(Fraction(a, b))


def leading_zeros(a: int, width: int) -> int:
    return len(format(a % (1 << width), f"0{width}b").partition("1")[0])


def trailing_zeros(a: int, width: int) -> int:
    return len(format(a % (1 << width), f"0{width}b")[::-1].partition("1")[0])


# text of the operator -> its naive definition on (a, b, signed, width), wrapped afterwards
INTEGER_OPERATORS: dict[str, Callable[[int, int, bool, int], int]] = {
    "a + b": lambda a, b, s, w: a + b,
    "a - b": lambda a, b, s, w: a - b,
    "a * b": lambda a, b, s, w: a * b,
    "a / b": quotient,
    "a % b": remainder,
    "a & b": lambda a, b, s, w: a & b,
    "a | b": lambda a, b, s, w: a | b,
    "a ^ b": lambda a, b, s, w: a ^ b,
    "a << b": lambda a, b, s, w: a << (b % w),
    "a >> b": lambda a, b, s, w: math.floor(Fraction(a, 1 << (b % w))),
    "~a ^ b ^ b": lambda a, b, s, w: -1 - a,
    "min(a, b)": lambda a, b, s, w: a if a < b else b,
    "max(a, b)": lambda a, b, s, w: a if a > b else b,
    "abs(a) + b - b": lambda a, b, s, w: a if a >= 0 else -a,
    "mulhi(a, b)": lambda a, b, s, w: math.floor(Fraction(a * b, 1 << w)),
    "clz(a) + b - b": lambda a, b, s, w: leading_zeros(a, w),
    "ctz(a) + b - b": lambda a, b, s, w: trailing_zeros(a, w),
    "popcount(a) + b - b": lambda a, b, s, w: format(a % (1 << w), "b").count("1"),
    "a < b ? a : b ^ a": lambda a, b, s, w: a if a < b else b ^ a,
    "a <= b ? a : b ^ a": lambda a, b, s, w: a if a <= b else b ^ a,
    "a > b ? a : b ^ a": lambda a, b, s, w: a if a > b else b ^ a,
    "a >= b ? a : b ^ a": lambda a, b, s, w: a if a >= b else b ^ a,
    "a == b ? a - 1 : b ^ a": lambda a, b, s, w: a - 1 if a == b else b ^ a,
    "a != b ? a - 1 : b ^ a": lambda a, b, s, w: a - 1 if a != b else b ^ a,
    "!(a < b) && a != 0 ? a : b": lambda a, b, s, w: a if not a < b and a != 0 else b,
    "a < b || b == 0 ? a : b": lambda a, b, s, w: a if a < b or b == 0 else b,
}
SIGNED_OPERATORS: dict[str, Callable[[int, int, bool, int], int]] = {
    "-a + b - b": lambda a, b, s, w: -a
}


def pack(values: Sequence[int], width: int) -> bytes:
    return b"".join((v % (1 << width)).to_bytes(width // 8, "little") for v in values)


def unpack(contents: bytes, signed: bool, width: int) -> list[int]:
    size = width // 8
    return [
        int.from_bytes(contents[i : i + size], "little", signed=signed)
        for i in range(0, len(contents), size)
    ]


@pytest.mark.parametrize("name", INTEGER_TYPES)
def test_integer_operators(name: str):
    signed, width = INTEGER_TYPES[name]
    operators = {**INTEGER_OPERATORS, **(SIGNED_OPERATORS if signed else {})}
    values = edges(signed, width)
    lanes = 512 // width
    for text, naive in operators.items():
        pairs = [(a, b) for a in values for b in values]
        wanted = [wrap(naive(a, b, signed, width), signed, width) for a, b in pairs]
        bench = Bench("xd, xa, xb", f"let a = xa.{name} let b = xb.{name} xd = u64({text})")
        for (a, b), want in zip(pairs, wanted, strict=True):
            # u64(...) sign-extends a signed and zero-extends an unsigned value
            assert bench.scalar(a, b) == want % (1 << 64), (text, a, b)
        bench = Bench("vd, va, vb", f"let a = va.{name} let b = vb.{name} vd.{name} = {text}")
        pairs += [(0, 1)] * (-len(pairs) % lanes)
        for start in range(0, len(pairs), lanes):
            part = pairs[start : start + lanes]
            found = unpack(
                bench.vector(pack([a for a, _ in part], width), pack([b for _, b in part], width)),
                signed,
                width,
            )
            for (a, b), value in zip(part, found, strict=True):
                assert value == wrap(naive(a, b, signed, width), signed, width), (text, a, b)


@pytest.mark.parametrize("source", INTEGER_TYPES)
def test_conversions_between_integers(source: str):
    signed, width = INTEGER_TYPES[source]
    for target, (target_signed, target_width) in INTEGER_TYPES.items():
        bench = Bench("xd, xa, xb", f"let a = {target}(xa.{source}) xd = u64(a) + xb")
        for a in edges(signed, width):
            want = wrap(a, target_signed, target_width) % (1 << 64)
            assert bench.scalar(a, 0) == want, (target, a)
        if target_width == width:
            body = f"vd.{target} = {target}(va.{source}) ^ (vb.{source} as {target})"
            values = (edges(signed, width) * 8)[: 512 // width]
            values += [0] * (512 // width - len(values))
            found = Bench("vd, va, vb", body).vector(pack(values, width), bytes(64))
            assert found == pack(values, width)


# ---- floats: exact values as fractions; codes are compared, NaN as the canonical code

FORMATS = {"f32": (8, 23, "<I"), "bf16": (8, 7, "<H")}
Number = Fraction | float  # float for infinities, NaN and negative zero


def decode(code: int, name: str) -> Number:
    exponent_bits, fraction_bits, _ = FORMATS[name]
    sign = -1 if code >> (exponent_bits + fraction_bits) else 1
    exponent = code >> fraction_bits & 0xFF
    fraction = code & ((1 << fraction_bits) - 1)
    if exponent == 0xFF:
        return math.nan if fraction else sign * math.inf
    if exponent == 0:
        if fraction == 0:
            return -0.0 if sign < 0 else Fraction(0)
        return sign * Fraction(fraction, 1 << (126 + fraction_bits))
    scale = Fraction(2) ** (exponent - 127 - fraction_bits)
    return sign * ((1 << fraction_bits) + fraction) * scale


def encode_number(value: Number, name: str) -> int:
    """Round once to nearest even."""
    _, fraction_bits, _ = FORMATS[name]
    top = 8 + fraction_bits
    if isinstance(value, float):
        if math.isnan(value):
            return (0xFF << fraction_bits) | 1 << (fraction_bits - 1)
        if math.isinf(value):
            return (int(value < 0) << top) | 0xFF << fraction_bits
        return 1 << top if math.copysign(1, value) < 0 else 0
    if value == 0:
        return 0
    sign, magnitude = int(value < 0), abs(value)
    exponent = max(-126, magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 1)
    while Fraction(2) ** (exponent + 1) <= magnitude:
        exponent += 1
    scaled = magnitude / Fraction(2) ** (exponent - fraction_bits)
    units = math.floor(scaled)
    rest = scaled - units
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and units % 2):
        units += 1
    code = units + ((exponent + 126) << fraction_bits)  # the hidden bit adds one to the exponent
    return sign << top | min(code, 0xFF << fraction_bits)


def sign_of(value: Number) -> float:
    return math.copysign(1, value)


def plus(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    if a == 0 and b == 0:
        return -0.0 if sign_of(a) < 0 and sign_of(b) < 0 else Fraction(0)
    if a == 0 or b == 0:
        return b if a == 0 else a
    return float(a) + float(b) if math.isinf(a) or math.isinf(b) or a != a or b != b else a + b


def times(a: Number, b: Number) -> Number:
    if a != a or b != b:
        return math.nan
    if math.isinf(a) or math.isinf(b):
        return math.nan if a == 0 or b == 0 else sign_of(a) * sign_of(b) * math.inf
    if a == 0 or b == 0:
        return Fraction(0) if sign_of(a) == sign_of(b) else -0.0
    return Fraction(a) * Fraction(b)


def over(a: Number, b: Number) -> Number:
    if a != a or b != b or (a == 0 and b == 0) or (math.isinf(a) and math.isinf(b)):
        return math.nan
    sign = sign_of(a) * sign_of(b)
    if math.isinf(a) or b == 0:
        return sign * math.inf
    if a == 0 or math.isinf(b):
        return Fraction(0) if sign > 0 else -0.0
    return Fraction(a) / Fraction(b)


def minus(a: Number) -> Number:
    if a == 0:
        return Fraction(0) if sign_of(a) < 0 else -0.0
    return -a


def lesser(a: Number, b: Number) -> Number:
    if a != a or b != b:
        return b if a != a else a
    if a == 0 and b == 0:
        return a if sign_of(a) < 0 else b
    return a if a < b else b


def greater(a: Number, b: Number) -> Number:
    if a != a or b != b:
        return b if a != a else a
    if a == 0 and b == 0:
        return b if sign_of(a) < 0 else a
    return a if a > b else b


def nearest_integral(a: Number) -> Number:
    if a != a or math.isinf(a) or a == 0:
        return a
    rounded = round(Fraction(a))
    return Fraction(rounded) if rounded else (Fraction(0) if a > 0 else -0.0)


def square_root(a: Number) -> Number:
    """Return a number that rounds as the exact root: 100 bits of it, and one more if inexact."""
    if a != a or a == 0 or (math.isinf(a) and a > 0):
        return a
    if a < 0:
        return math.nan
    exact = Fraction(a)
    scaled = exact.numerator * exact.denominator << 400
    root = math.isqrt(scaled)
    sticky = int(root * root != scaled)
    return Fraction(2 * root + sticky, exact.denominator << 201)


FLOAT_OPERATORS: dict[str, Callable[[Number, Number], Number]] = {
    "a + b": plus,
    "a - b": lambda a, b: plus(a, minus(b)),
    "a * b": times,
    "a / b": over,
    "min(a, b)": lesser,
    "max(a, b)": greater,
    "min(-a, b)": lambda a, b: lesser(minus(a), b),
    "max(abs(a), b)": lambda a, b: greater(minus(a) if sign_of(a) < 0 else a, b),
    "max(round_even(a), b)": lambda a, b: greater(nearest_integral(a), b),
    "max(sqrt(a), b)": lambda a, b: greater(square_root(a), b),
    "fma(a, b, a)": lambda a, b: plus(times(a, b), a),
    "a < b ? a : b": lambda a, b: a if a < b else b,
    "a <= b ? b : a": lambda a, b: b if a <= b else a,
    "a == b ? a : b": lambda a, b: a if a == b else b,
    "a != b ? a : b": lambda a, b: a if a != b else b,
    "a > b ? a : b": lambda a, b: a if a > b else b,
    "a >= b ? a : b": lambda a, b: a if a >= b else b,
}


def float_codes(name: str) -> list[int]:
    _, bits, _ = FORMATS[name]
    one = 127 << bits
    codes = [0, 1, 2, (1 << bits) - 1, 1 << bits, one, one + 1, one - 1, 128 << bits]
    codes += [(0xFE << bits) | ((1 << bits) - 1), 0xFF << bits, (0xFF << bits) + 1]
    codes += [(126 << bits), (one + (1 << (bits - 1))), (129 << bits) + (1 << (bits - 2))]
    generator = random.Random(bits)
    codes += [generator.getrandbits(8 + bits) for _ in range(4)]
    return codes + [code | 1 << (8 + bits) for code in codes]


@pytest.mark.parametrize("name", FORMATS)
def test_float_operators(name: str):
    _, _, layout = FORMATS[name]
    lanes = 64 // struct.calcsize(layout)
    codes = float_codes(name)
    pairs = [(a, b) for a in codes for b in codes]
    pairs += [(0, 0)] * (-len(pairs) % lanes)
    for text, naive in FLOAT_OPERATORS.items():
        bench = Bench("vd, va, vb", f"let a = va.{name} let b = vb.{name} vd.{name} = {text}")
        for start in range(0, len(pairs), lanes):
            part = pairs[start : start + lanes]
            sources = [b"".join(struct.pack(layout, p[i]) for p in part) for i in (0, 1)]
            found = [code for (code,) in struct.iter_unpack(layout, bench.vector(*sources))]
            for (a, b), code in zip(part, found, strict=True):
                wanted = encode_number(naive(decode(a, name), decode(b, name)), name)
                assert code == wanted, (text, hex(a), hex(b), hex(code), hex(wanted))


@pytest.mark.parametrize("name", FORMATS)
def test_float_operators_on_scalars(name: str):
    bits = {"f32": "u32", "bf16": "u16"}[name]
    codes = float_codes(name)[::2] + float_codes(name)[1::6]
    for text, naive in FLOAT_OPERATORS.items():
        body = (
            f"let a = xa.{bits} as {name} let b = xb.{bits} as {name} xd = u64(({text}) as {bits})"
        )
        bench = Bench("xd, xa, xb", body)
        for a in codes:
            for b in codes:
                wanted = encode_number(naive(decode(a, name), decode(b, name)), name)
                assert bench.scalar(a, b) == wanted, (text, hex(a), hex(b))


def test_conversions_of_truth_values():
    for target in INTEGER_TYPES:
        bench = Bench("xd, xa, xb", f"xd = u64({target}(xa == xb))")
        assert (bench.scalar(3, 3), bench.scalar(3, 4)) == (1, 0)
    for target, bits in (("f32", "u32"), ("bf16", "u16")):
        bench = Bench("xd, xa, xb", f"xd = u64({target}(xa == xb) as {bits})")
        assert bench.scalar(3, 3) == encode_number(Fraction(1), target)
    bench = Bench("vd, va, vb", "vd.u16 = u16(va.u16 == vb.u16)")
    assert bench.vector(pack(range(32), 16), pack([5] * 32, 16)) == pack(
        [0] * 5 + [1] + [0] * 26, 16
    )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("integer", ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"])
def test_conversions_between_integers_and_floats(name: str, integer: str):
    signed, width = INTEGER_TYPES[integer]
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    bits = {"f32": "u32", "bf16": "u16"}[name]
    to_float = Bench("xd, xa, xb", f"xd = u64({name}(xa.{integer}) as {bits}) | xb")
    near_ties = [
        sign * ((1 << k) + d) for k in range(width) for d in (-1, 0, 1) for sign in (1, -1)
    ]
    for value in {*edges(signed, width), *(wrap(n, signed, width) for n in near_ties)}:
        assert to_float.scalar(value, 0) == encode_number(Fraction(value), name), value
    to_integer = Bench("xd, xa, xb", f"xd = u64({integer}(xa.{bits} as {name})) | xb")
    for code in float_codes(name):
        value = decode(code, name)
        if value != value:
            wanted = 0
        elif math.isinf(value):
            wanted = high if value > 0 else low
        else:
            wanted = max(low, min(high, math.trunc(value)))
        assert to_integer.scalar(code, 0) == wanted % (1 << 64), (hex(code), value)


def test_conversions_between_floats():
    narrow = Bench("xd, xa, xb", "xd = u64(bf16(xa.u32 as f32) as u16) | xb")
    widen = Bench("xd, xa, xb", "xd = u64(f32(xa.u16 as bf16) as u32) | xb")
    for code in float_codes("f32") + [0x3F80_8000, 0x3F81_8000, 0x7F7F_8000, 0x0000_8000]:
        assert narrow.scalar(code, 0) == encode_number(decode(code, "f32"), "bf16"), hex(code)
    for code in float_codes("bf16"):
        assert widen.scalar(code, 0) == encode_number(decode(code, "bf16"), "f32"), hex(code)


# ---- bits, lanes and masks


def test_reinterpreting_keeps_the_bits():
    contents = random.Random(3).randbytes(64)
    for first in ("u8", "i16", "u32", "i64"):
        for second in ("i8", "u16", "i32", "u64"):
            lanes = 512 // INTEGER_TYPES[second][1]
            body = f"let a = va.{first} as {second}x{lanes} vd.{second} = a ^ vb.{second}"
            assert Bench("vd, va, vb", body).vector(contents, bytes(64)) == contents
    body = "let a = xa as u8x8 let b = a as u16x4 xd = (b as u64) ^ xb"
    assert Bench("xd, xa, xb", body).scalar(0x0123456789ABCDEF, 0) == 0x0123456789ABCDEF
    body = "let a = xa.u32 as boolx32 xd = u64(a as u32) ^ xb"
    assert Bench("xd, xa, xb", body).scalar(0xF00DBEEF, 0) == 0xF00DBEEF


@pytest.mark.parametrize("first", ["u8x8", "i8x8", "u16x4", "f32x2", "bf16x4", "u64", "i64"])
@pytest.mark.parametrize("second", ["u8x8", "i16x4", "f32x2", "bf16x4", "i64", "boolx64"])
def test_reinterpreting_between_scalars_vectors_and_truth_values(first: str, second: str):
    value = 0x0123_4567_89AB_CDEF  # no NaN in any of the views
    for there, back in ((first, second), (second, first)):
        body = f"let a = xa as {there} let b = a as {back} xd = (b as u64) ^ xb"
        assert Bench("xd, xa, xb", body).scalar(value, 0) == value


def test_reinterpreting_truth_values_as_themselves():
    bench = Bench("md, ma, xb", "md.boolx16 = (ma.boolx16 as bool) == (xb.boolx16 as boolx16)")
    bench.run(m2=0x1234, x3=0x1230)
    assert bench.thread.read_register("m1") == 0xFFFB


@pytest.mark.parametrize("lanes", [1, 3, 4, 16])
def test_a_narrow_view_is_the_low_lanes(lanes: int):
    contents = pack(range(100, 116), 32)
    bench = Bench("xd, va, xb", f"xd = u64(va.u32x{lanes}[xb])")
    for index in range(20):
        bench.run(v2=contents, x3=index)
        assert bench.thread.read_register("x1") == 100 + index % lanes


def test_reinterpreting_a_float_makes_nan_canonical_and_keeps_everything_else():
    bench = Bench("xd, xa, xb", "xd = u64((xa.u32 as f32) as u32) | xb")
    assert bench.scalar(0xFFC0_1234, 0) == 0x7FC0_0000
    assert bench.scalar(0x8000_0001, 0) == 0x8000_0001


def test_lanes_element_replace_and_splat():
    contents = bytes(range(64))
    body = "vd.u8 = va.u8[i in 64 : 63 - i] ^ vb.u8"
    assert Bench("vd, va, vb", body).vector(contents, bytes(64)) == contents[::-1]
    for index in (0, 5, 15, 16, 17, 1 << 63):
        bench = Bench("xd, xa, vb", "xd = u64(vb.u32[xa])")
        bench.run(x2=index, v3=pack(range(100, 116), 32))
        assert bench.thread.read_register("x1") == 100 + index % 16
    bench = Bench("vd, xa, vb", "vd.u16 = replace(vb.u16, xa, xa.u16)")
    bench.run(x2=33, v3=bytes(64))
    assert bench.thread.read_register("v1") == pack([0, 33] + [0] * 30, 16)
    bench = Bench("vd, xa, xb", "vd.i16 = splat(i16(xa + xb))")
    bench.run(x2=0xFFFF, x3=0)
    assert bench.thread.read_register("v1") == b"\xff" * 64


@pytest.mark.parametrize("lanes", [8, 16, 32, 64])
def test_a_mask_written_as_lanes_clears_the_bits_beyond(lanes: int):
    width = 512 // lanes
    bench = Bench("md, va, vb", f"md.boolx{lanes} = va.u{width} == vb.u{width}")
    values = [lane % 3 for lane in range(lanes)]
    bench.run(m1=-1, v2=pack(values, width), v3=bytes(64))
    wanted = sum(1 << lane for lane in range(lanes) if lane % 3 == 0)
    assert bench.thread.read_register("m1") == wanted


def test_a_mask_read_as_lanes():
    bench = Bench("vd, ma, vb", "vd.u8 = ma.boolx64 ? splat(u8(1)) : vb.u8")
    bits = random.Random(5).getrandbits(64)
    bench.run(m2=bits, v3=bytes(64))
    assert bench.thread.read_register("v1") == bytes(bits >> lane & 1 for lane in range(64))


@pytest.mark.parametrize("lanes", [8, 16, 32, 64])
@pytest.mark.parametrize("zeroing", [False, True])
def test_predicated_writes_of_vectors_and_masks(lanes: int, zeroing: bool):
    width = 512 // lanes
    bits = random.Random(lanes).getrandbits(64)
    active = [bits >> lane & 1 for lane in range(lanes)]
    predicate = 5 + 8 * zeroing
    bench = Bench("vd, va, vb, pm", f"vd.u{width} = va.u{width} + vb.u{width} under pm", predicate)
    bench.run(v1=pack([9] * lanes, width), v2=pack([2] * lanes, width), v3=bytes(64), m5=bits)
    kept = 0 if zeroing else 9
    assert bench.thread.read_register("v1") == pack([2 if on else kept for on in active], width)

    body = f"md.boolx{lanes} = va.u{width} == vb.u{width} under pm"
    bench = Bench("md, va, vb, pm", body, predicate)
    old = random.Random(lanes + 1).getrandbits(64)
    bench.run(m1=old, v2=pack([lane % 2 for lane in range(lanes)], width), v3=bytes(64), m5=bits)
    wanted = 0
    for lane, on in enumerate(active):
        bit = lane % 2 == 0 if on else (not zeroing and old >> lane & 1)
        wanted |= int(bit) << lane
    assert bench.thread.read_register("m1") == wanted


def test_active_lanes_are_all_without_a_predicate():
    body = "vd.u8 = pm.boolx64 ? va.u8 : vb.u8"
    for predicate, wanted in ((0, b"\1" * 64), (3, bytes([2] * 63 + [1])), (11, None)):
        bench = Bench("vd, va, vb, pm", body, predicate)
        bench.run(v2=b"\1" * 64, v3=b"\2" * 64, m3=1 << 63)
        assert bench.thread.read_register("v1") == (wanted or bytes([2] * 63 + [1]))


def test_lanes_can_be_written_to_any_register_of_64_bits():
    bench = Bench("xd, va, vb", "xd.boolx16 = va.u32 == vb.u32")
    bench.run(x1=-1, v2=pack([0, 1] * 8, 32), v3=bytes(64))
    assert bench.thread.read_register("x1") == 0x5555
    assert bench.thread.read_register("m1") == 0
