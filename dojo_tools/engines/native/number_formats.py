"""Conversions between float32 lanes and number formats, and the random words of rounding, as IR.

Each conversion is a function of its module without side effects, so that LLVM computes codes and
flags of the same values once. The arithmetic is that of `dojo_tools.formats`, restated for whole
vectors: a value is scaled by 2^bias, the bits of a float64 then hold the code with more mantissa
below, and what lies under the least normal number is counted in units of the least denormal.
"""

import struct

from dojo_tools.bits import mask
from dojo_tools.description.types import Kind, Type
from dojo_tools.engines.native.builder import FunctionBuilder, Module, Value, ir_type
from dojo_tools.formats.table import Denormals, Flag, Format

_F32_FRACTION = 23
_F32_BIAS = 127
_F64_FRACTION = 52
_F64_BIAS = 1023
_WORD = 32
_PURE = "nounwind willreturn memory(none)"


class _Vector:
    """Arithmetic on vectors of one count of lanes, whose operands are texts."""

    def __init__(self, module: Module, lanes: int) -> None:
        self.f = FunctionBuilder(module)
        self.lanes = lanes

    def ir(self, element: str) -> str:
        return f"<{self.lanes} x {element}>"

    def constant(self, element: str, number: int | float) -> str:
        text = _double_text(number) if element in ("float", "double") else str(number)
        return f"splat ({element} {text})"

    def op(self, name: str, element: str, a: str, b: str | int | float) -> str:
        right = b if isinstance(b, str) else self.constant(element, b)
        return self.f.emit(f"{name} {self.ir(element)} {a}, {right}")

    def cast(self, name: str, source: str, text: str, target: str) -> str:
        return self.f.cast(name, self.ir(source), text, self.ir(target)).text

    def select(self, condition: str, element: str, a: str | float, b: str | float) -> str:
        then, otherwise = (x if isinstance(x, str) else self.constant(element, x) for x in (a, b))
        ir = self.ir(element)
        return self.f.emit(f"select {self.ir('i1')} {condition}, {ir} {then}, {ir} {otherwise}")

    def splat(self, element: str, text: str) -> str:
        ir = self.ir(element)
        first = self.f.emit(f"insertelement {ir} poison, {element} {text}, i64 0")
        return self.f.emit(
            f"shufflevector {ir} {first}, {ir} poison, {self.ir('i32')} zeroinitializer"
        )

    def call(self, intrinsic: str, element: str, *operands: str) -> str:
        kind = {"float": Type(Kind.FLOAT, 32, self.lanes)}.get(element)
        name = f"llvm.{intrinsic}.v{self.lanes}{'f64' if kind is None else 'f32'}"
        ir = self.ir(element)
        types = ", ".join([ir] * len(operands))
        self.f.module.declare(name, lambda: f"declare {ir} @{name}({types})")
        return self.f.call(name, ir, *((ir, text) for text in operands)).text


def _double_text(number: int | float) -> str:
    """Return a float or double constant: IR writes both as the bits of a double."""
    return f"0x{struct.pack('>d', number).hex().upper()}"


def widen(
    f: FunctionBuilder, row: Format, denormals: Denormals, codes: Value, bias: Value, lanes: int
) -> tuple[str, str]:
    """Return the float32 values of codes and the flags of each lane, as IR names."""
    name = f"widen.{row.name}.{lanes}"
    f.module.declare(name, lambda: _widen_function(f.module, name, row, denormals, lanes))
    arguments = (f"<{lanes} x i{row.width}>", codes.text), ("i64", bias.text)
    return _parts(f, name, f"{{ <{lanes} x float>, <{lanes} x i8> }}", *arguments)


def _parts(
    f: FunctionBuilder, name: str, result: str, *arguments: tuple[str, str]
) -> tuple[str, str]:
    both = f.call(name, result, *arguments).text
    return (
        f.emit(f"extractvalue {result} {both}, 0"),
        f.emit(f"extractvalue {result} {both}, 1"),
    )


def _widen_function(
    module: Module, name: str, row: Format, denormals: Denormals, lanes: int
) -> str:
    v = _Vector(module, lanes)
    word = v.cast("zext", f"i{row.width}", "%codes", "i32")
    bits, flags = _decoded(v, row, denormals, word)
    values = v.cast("bitcast", "i32", bits, "float")
    result = f"{{ <{lanes} x float>, <{lanes} x i8> }}"
    return _function(
        v,
        f"{result} @{name}(<{lanes} x i{row.width}> %codes, i64 %bias)",
        result,
        (v.ir("float"), values),
        (v.ir("i8"), flags),
    )


def _function(
    v: _Vector, head: str, result: str, first: tuple[str, str], second: tuple[str, str]
) -> str:
    partial = v.f.emit(f"insertvalue {result} poison, {first[0]} {first[1]}, 0")
    whole = v.f.emit(f"insertvalue {result} {partial}, {second[0]} {second[1]}, 1")
    body = "\n".join(v.f.lines)
    return f"define internal {head} {_PURE} {{\nentry:\n{body}\n  ret {result} {whole}\n}}"


def _bias_of(v: _Vector, row: Format) -> str:
    """Return the bias as i64: a configurable one has the six bits of a bias register."""
    if row.fixed_bias is not None:
        return str(row.fixed_bias)
    return v.f.emit("and i64 %bias, 63")


def _decoded(v: _Vector, row: Format, denormals: Denormals, word: str) -> tuple[str, str]:
    none = "zeroinitializer"
    if row.width == _WORD:
        return word, none
    if row.name == "bf16":
        return v.op("shl", "i32", word, 16), none
    bias = v.f.emit(f"trunc i64 {_bias_of(v, row)} to i32")
    fraction = v.op("and", "i32", word, mask(row.mantissa_width))
    exponent = v.op("lshr", "i32", word, row.mantissa_width)
    exponent = v.op("and", "i32", exponent, mask(row.exponent_width))
    rebias = v.splat("i32", v.f.emit(f"sub i32 {_F32_BIAS}, {bias}"))
    normal = v.op("shl", "i32", v.op("add", "i32", exponent, rebias), _F32_FRACTION)
    high_fraction = v.op("shl", "i32", fraction, _F32_FRACTION - row.mantissa_width)
    normal = v.op("or", "i32", normal, high_fraction)
    no_exponent = v.op("icmp eq", "i32", exponent, 0)
    has_fraction = v.op("icmp ne", "i32", fraction, 0)
    is_denormal = v.op("and", "i1", no_exponent, has_fraction)
    flags = v.select(is_denormal, "i8", int(Flag.DENORMAL), 0)
    if row.flushes_denormals:
        small = none
    else:
        printed = row.has_printed_denormals and denormals == "printed"
        unit = v.f.emit(f"sub i32 {_F32_BIAS + (0 if printed else 1) - row.mantissa_width}, {bias}")
        unit_bits = v.f.emit(f"shl i32 {unit}, {_F32_FRACTION}")
        units = v.splat("float", v.f.emit(f"bitcast i32 {unit_bits} to float"))
        product = v.op("fmul", "float", v.cast("uitofp", "i32", fraction, "float"), units)
        small = v.cast("bitcast", "float", product, "i32")
    bits = v.select(no_exponent, "i32", small, normal)
    if not row.saturates:
        is_special = v.op("icmp eq", "i32", exponent, mask(row.exponent_width))
        is_nan = v.op("and", "i1", is_special, has_fraction)
        special = v.select(is_nan, "i32", 0x7FC00000, 0x7F800000)
        bits = v.select(is_special, "i32", special, bits)
        flags = v.select(is_nan, "i8", int(Flag.INVALID), flags)
    if row.sign_width:
        sign = v.op("lshr", "i32", word, row.width - 1)
        bits = v.op("or", "i32", bits, v.op("shl", "i32", sign, 31))
    return bits, flags


def narrow(
    f: FunctionBuilder,
    row: Format,
    denormals: Denormals,
    values: Value,
    bias: Value,
    words: Value | None,
    lanes: int,
) -> tuple[str, str]:
    """Return the codes of float32 values and the flags of each lane, as IR names."""
    name = f"narrow.{row.name}.{lanes}.{'nearest' if words is None else 'stochastic'}"
    f.module.declare(
        name, lambda: _narrow_function(f.module, name, row, denormals, words is not None, lanes)
    )
    arguments = [(f"<{lanes} x float>", values.text), ("i64", bias.text)]
    if words is not None:
        arguments.append((f"<{lanes} x i32>", words.text))
    return _parts(f, name, f"{{ <{lanes} x i{row.width}>, <{lanes} x i8> }}", *arguments)


def _narrow_function(
    module: Module, name: str, row: Format, denormals: Denormals, stochastic: bool, lanes: int
) -> str:
    v = _Vector(module, lanes)
    words = v.cast("zext", "i32", "%words", "i64") if stochastic else None
    codes, flags = _encoded(v, row, row.has_printed_denormals and denormals == "printed", words)
    codes = v.cast("trunc", "i64", codes, f"i{row.width}")
    flags = flags if row.sets_flags else "zeroinitializer"
    result = f"{{ <{lanes} x i{row.width}>, <{lanes} x i8> }}"
    extra = f", <{lanes} x i32> %words" if stochastic else ""
    head = f"{result} @{name}(<{lanes} x float> %values, i64 %bias{extra})"
    return _function(v, head, result, (v.ir(f"i{row.width}"), codes), (v.ir("i8"), flags))


def _encoded(v: _Vector, row: Format, has_gap: bool, words: str | None) -> tuple[str, str]:
    wide = v.cast("fpext", "float", "%values", "double")
    sign = v.op("lshr", "i64", v.cast("bitcast", "double", wide, "i64"), 63)
    power = v.f.emit(f"add i64 {_F64_BIAS}, {_bias_of(v, row)}")
    power = v.f.emit(f"shl i64 {power}, {_F64_FRACTION}")
    scale = v.splat("double", v.f.emit(f"bitcast i64 {power} to double"))
    scaled = v.op("fmul", "double", v.call("fabs", "double", wide), scale)
    beyond = 2.0 ** (row.exponent_max + 1)
    scaled = v.select(v.op("fcmp olt", "double", scaled, beyond), "double", scaled, beyond)
    normal = _rounded_normal(v, v.cast("bitcast", "double", scaled, "i64"), row, words)
    small, inexact = _rounded_small(v, scaled, row, has_gap, words)
    is_small = v.op("fcmp olt", "double", scaled, 2.0)
    codes = v.select(is_small, "i64", small, normal)
    underflow = v.op("and", "i1", is_small, inexact)
    flags = v.select(underflow, "i8", int(Flag.UNDERFLOW), 0)
    overflow = v.op("icmp ugt", "i64", codes, row.code_max)
    greatest = row.code_max + (0 if row.saturates else 1)
    above = v.op("icmp ugt", "i64", codes, greatest)
    codes = v.select(above, "i64", greatest, codes)
    if row.sign_width:
        codes = v.op("or", "i64", codes, v.op("shl", "i64", sign, row.width - 1))
    if not row.saturates:
        infinite = v.op(
            "fcmp oeq",
            "double",
            v.call("fabs", "double", wide),
            "splat (double 0x7FF0000000000000)",
        )
        overflow = v.op("and", "i1", overflow, v.op("xor", "i1", infinite, -1))
    flags = v.op("or", "i8", flags, v.select(overflow, "i8", int(Flag.OVERFLOW), 0))
    is_nan = v.op("fcmp uno", "double", wide, wide)
    codes = v.select(is_nan, "i64", row.nan_code, codes)
    if not row.sign_width:
        negative = v.op("fcmp olt", "double", wide, 0.0)
        codes = v.select(negative, "i64", 0, codes)
        flags = v.select(negative, "i8", int(Flag.INVALID), flags)
    flags = v.select(is_nan, "i8", int(Flag.INVALID), flags)
    magnitude = v.call("fabs", "double", wide)
    below = v.op("fcmp olt", "double", magnitude, 2.0**-126)
    some = v.op("fcmp one", "double", wide, 0.0)
    denormal = v.select(v.op("and", "i1", below, some), "i8", int(Flag.DENORMAL), 0)
    return codes, v.op("or", "i8", flags, denormal)


def _rounded_normal(v: _Vector, bits: str, row: Format, words: str | None) -> str:
    cut = _F64_FRACTION - row.mantissa_width
    fixed = v.op("sub", "i64", bits, _F64_BIAS << _F64_FRACTION)
    if words is None:
        odd = v.op("and", "i64", v.op("lshr", "i64", fixed, cut), 1)
        fixed = v.op("add", "i64", fixed, (1 << (cut - 1)) - 1)
        fixed = v.op("add", "i64", fixed, odd)
    elif cut >= _WORD:
        fixed = v.op("add", "i64", fixed, v.op("shl", "i64", words, cut - _WORD))
    else:
        fixed = v.op("add", "i64", fixed, v.op("lshr", "i64", words, _WORD - cut))
    return v.op("lshr", "i64", fixed, cut)


def _rounded_small(
    v: _Vector, scaled: str, row: Format, has_gap: bool, words: str | None
) -> tuple[str, str]:
    """Return the codes of values below the least normal number, and whether they are inexact."""
    if row.flushes_denormals:
        return "zeroinitializer", v.op("fcmp une", "double", scaled, 0.0)
    units = v.op("fmul", "double", scaled, 2.0 ** (row.mantissa_width - (0 if has_gap else 1)))
    lower = v.call("floor", "double", units)
    up = _rounds_up(v, v.op("fsub", "double", units, lower), lower, 1, words)
    if has_gap:
        greatest = mask(row.mantissa_width)
        in_gap = v.op("fcmp ogt", "double", units, greatest)
        distance = v.op("fsub", "double", units, greatest)
        lower = v.select(in_gap, "double", float(greatest), lower)
        gap_up = _rounds_up(v, distance, lower, greatest + 2, words)
        up = v.select(in_gap, "i1", gap_up, up)
    codes = v.cast("fptoui", "double", lower, "i64")
    codes = v.op("add", "i64", codes, v.cast("zext", "i1", up, "i64"))
    return codes, v.op("fcmp une", "double", units, lower)


def _rounds_up(v: _Vector, distance: str, lower: str, gap: int, words: str | None) -> str:
    """Return whether values this far above the code `lower` become the next code, `gap` above."""
    if words is None:
        twice = v.op("fmul", "double", distance, 2.0)
        beyond = v.op("fcmp ogt", "double", twice, gap)
        tie = v.op("fcmp oeq", "double", twice, gap)
        odd = v.op("and", "i64", v.cast("fptoui", "double", lower, "i64"), 1)
        to_even = v.op("and", "i1", tie, v.op("icmp eq", "i64", odd, 1))
        return v.op("or", "i1", beyond, to_even)
    fraction = v.cast("fptoui", "double", v.op("fmul", "double", distance, 2.0**_WORD), "i64")
    if gap > 1:
        fraction = v.op("udiv", "i64", fraction, gap)
    total = v.op("add", "i64", fraction, words)
    return v.op("icmp uge", "i64", total, 1 << _WORD)


# ---- random words: Philox4x32-10, four lanes a block (see dojo_tools.formats.philox)

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10


def random_words(f: FunctionBuilder, lanes: int, *state: str) -> Value:
    """Return one random word a lane; `state` is seed, draws, x, y and thread as i64."""
    name = f"random.{lanes}"
    f.module.declare(name, lambda: _random_function(f.module, name, lanes))
    return f.call(name, f"<{lanes} x i32>", *(("i64", text) for text in state))


def _random_function(module: Module, name: str, lanes: int) -> str:
    blocks = -(-lanes // 4)
    v = _Vector(module, blocks)
    f = v.f
    low = mask(_WORD)
    y_part, thread_part = f.emit("shl i64 %y, 12"), f.emit("shl i64 %thread, 24")
    place = f.emit(f"or i64 {f.emit(f'or i64 %x, {y_part}')}, {thread_part}")
    words = [
        v.splat("i64", f.emit(f"and i64 %draws, {low}")),
        v.splat("i64", f.emit(f"lshr i64 %draws, {_WORD}")),
        v.splat("i64", place),
        f"<{', '.join(f'i64 {block}' for block in range(blocks))}>",
    ]
    keys = [
        v.splat("i64", f.emit(f"and i64 %seed, {low}")),
        v.splat("i64", f.emit(f"lshr i64 %seed, {_WORD}")),
    ]
    for step in range(_ROUNDS):
        if step:
            keys = [
                v.op("and", "i64", v.op("add", "i64", key, by), low)
                for key, by in zip(keys, _KEY_STEPS, strict=True)
            ]
        first, second = (
            v.op("mul", "i64", words[index], by)
            for index, by in zip((0, 2), _MULTIPLIERS, strict=True)
        )
        mixed = [
            v.op("xor", "i64", v.op("xor", "i64", v.op("lshr", "i64", product, _WORD), word), key)
            for product, word, key in zip((second, first), (words[1], words[3]), keys, strict=True)
        ]
        words = [
            mixed[0],
            v.op("and", "i64", second, low),
            mixed[1],
            v.op("and", "i64", first, low),
        ]
    return _random_result(f, name, lanes, blocks, words)


def _random_result(f: FunctionBuilder, name: str, lanes: int, blocks: int, words: list[str]) -> str:
    """Return the function's text: lane i takes word i % 4 of block i // 4."""
    row, pair = (Type(Kind.UNSIGNED, 64, count) for count in (blocks, 2 * blocks))
    both = range(2 * blocks)
    low = f.shuffle(row, words[0], words[1], both)
    high = f.shuffle(row, words[2], words[3], both)
    order = [lane % 4 * blocks + lane // 4 for lane in range(lanes)]
    whole = f.shuffle(pair, low.text, high.text, order)
    wide = Type(Kind.UNSIGNED, 64, lanes)
    narrow_type = f"<{lanes} x i32>"
    result = f.cast("trunc", ir_type(wide), whole.text, narrow_type)
    body = "\n".join(f.lines)
    parameters = "i64 %seed, i64 %draws, i64 %x, i64 %y, i64 %thread"
    return (
        f"define internal {narrow_type} @{name}({parameters}) {_PURE} {{\n"
        f"entry:\n{body}\n  ret {narrow_type} {result.text}\n}}"
    )
