"""One row for each operator of the description language: the IR that computes it.

Beside the rows of the reference engine these are the second meaning of the language; nothing is
shared between the two but the tree. Shifts and divisions are guarded, for where the language is
total LLVM has undefined results; floats use neither fast-math nor contraction.
"""

from collections.abc import Callable

from dojo_tools.bits import mask
from dojo_tools.description.semantics import Expression
from dojo_tools.description.types import Kind, Type
from dojo_tools.engines.native.builder import (
    FunctionBuilder,
    Value,
    code_type,
    integer,
    ir_type,
    spread,
    suffix,
)
from dojo_tools.engines.native.lanes import LANE_OPERATORS
from dojo_tools.float_codes import bf16_code, f32_code

Row = Callable[[FunctionBuilder, Expression, list[Value]], Value]

_FOLDED: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def fold(e: Expression, a: list[Value]) -> Value | None:
    """Return a scalar integer or truth value that is known when translating, or None.

    So conditions on immediates choose their arm here, and addresses get constant offsets.
    """
    if e.type.lanes or e.type.is_float:
        return None
    numbers = [value.number for value in a if value.number is not None]
    if len(numbers) != len(a):
        return None
    match e.operator:
        case "convert" if e.arguments[0].type.is_integer and e.type.is_integer:
            return integer(_in_range(e.type, numbers[0]))
        case name if name in _FOLDED:
            return integer(_in_range(e.type, _FOLDED[name](*numbers)))
        case _:
            return None


def _in_range(type_: Type, number: int) -> int:
    wrapped = number & mask(type_.width)
    return wrapped - (wrapped >> (type_.width - 1) << type_.width) if type_.is_signed else wrapped


def _rounded(f: FunctionBuilder, type_: Type, value: Value) -> Value:
    return f.round_bf16(type_, value) if type_.kind is Kind.BRAIN_FLOAT else value


def _arithmetic(integers: str, floats: str) -> Row:
    def row(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
        if e.type.is_float:
            return _rounded(f, e.type, f.op(floats, e.type, *a))
        return f.op(integers, e.type, *a)

    return row


def _plain(name: str) -> Row:
    return lambda f, e, a: f.op(name, e.type, *a)


def _constant(type_: Type, number: int) -> Value:
    return Value(spread(type_, str(number)))


def _divide(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    type_, (left, right) = e.type, a
    if type_.is_float:
        return _rounded(f, type_, f.op("fdiv", type_, left, right))
    is_quotient = e.operator == "div"
    zero = f.op("icmp eq", type_, right, _constant(type_, 0))
    safe = f.select(type_, zero.text, spread(type_, "1"), right.text)
    by_zero = _constant(type_, -1) if is_quotient else left
    if not type_.is_signed:
        result = f.op("udiv" if is_quotient else "urem", type_, left, safe)
        return f.select(type_, zero.text, by_zero.text, result.text)
    minus = f.op("icmp eq", type_, right, _constant(type_, -1))
    safe = f.select(type_, minus.text, spread(type_, "1"), safe.text)
    result = f.op("sdiv" if is_quotient else "srem", type_, left, safe)
    if is_quotient:  # by 1 the remainder is 0, as it is by -1
        negated = f.op("sub", type_, _constant(type_, 0), left)
        result = f.select(type_, minus.text, negated.text, result.text)
    return f.select(type_, zero.text, by_zero.text, result.text)


def _shift(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    count = f.op("and", e.type, a[1], _constant(e.type, e.type.width - 1))
    right = "ashr" if e.type.is_signed else "lshr"
    return f.op("shl" if e.operator == "shl" else right, e.type, a[0], count)


_CONDITIONS = {"eq": ("eq", "eq", "oeq"), "ne": ("ne", "ne", "une")} | {
    name: (f"s{name}", f"u{name}", f"o{name}") for name in ("lt", "le")
}


def _compare(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    type_ = e.arguments[0].type
    signed, unsigned, ordered = _CONDITIONS[e.operator]
    if type_.is_float:
        return f.op(f"fcmp {ordered}", type_, *a)
    return f.op(f"icmp {signed if type_.is_signed else unsigned}", type_, *a)


def _negate(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    if e.type.is_float:
        return f.op("fneg", e.type, a[0])
    return f.op("sub", e.type, _constant(e.type, 0), a[0])


def _invert(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    return f.op("xor", e.type, a[0], _constant(e.type, -1))


def _high_product(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    wide = Type(e.type.kind, 2 * e.type.width, e.type.lanes)
    extend = "sext" if e.type.is_signed else "zext"
    both = [f.cast(extend, ir_type(e.type), value.text, ir_type(wide)) for value in a]
    product = f.op("mul", wide, *both)
    high = f.op("lshr", wide, product, _constant(wide, e.type.width))
    return f.cast("trunc", ir_type(wide), high.text, ir_type(e.type))


def _extreme(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    if not e.type.is_float:
        return f.intrinsic(f"{'s' if e.type.is_signed else 'u'}{e.operator}", e.type, *a)
    # IEEE 754-2019 minimumNumber and maximumNumber: a number beats a NaN, -0 is less than +0.
    left, right = a
    bools = Type(Kind.BOOL, 1, e.type.lanes)
    words = Type(Kind.SIGNED, 32, e.type.lanes)
    beyond = f.op(f"fcmp {'olt' if e.operator == 'min' else 'ogt'}", e.type, left, right)
    no_number = f.op("fcmp uno", e.type, right, right)
    signed = left if e.operator == "min" else right
    code = f.cast("bitcast", ir_type(e.type), signed.text, ir_type(words))
    is_negative = f.op("icmp slt", words, code, _constant(words, 0))
    equal = f.op("fcmp oeq", e.type, left, right)
    take = f.op("or", bools, beyond, no_number)
    take = f.op("or", bools, take, f.op("and", bools, equal, is_negative))
    return f.select(e.type, take.text, left.text, right.text)


def _absolute(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    if e.type.is_float:
        return f.intrinsic("fabs", e.type, a[0])
    return f.intrinsic("abs", e.type, a[0], flag="false") if e.type.is_signed else a[0]


def _square_root(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    return _rounded(f, e.type, f.intrinsic("sqrt", e.type, a[0]))


def _fma(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    if e.type.kind is Kind.FLOAT:
        return f.intrinsic("fma", e.type, *a)
    left, right, addend = (_double(f, e.type, value) for value in a)
    doubles = _doubles(e.type)
    return _sum_bf16(f, e.type, Value(f.emit(f"fmul {doubles} {left}, {right}")), Value(addend))


def _doubles(type_: Type) -> str:
    return f"<{type_.lanes} x double>" if type_.lanes else "double"


def _double(f: FunctionBuilder, type_: Type, value: Value) -> str:
    return f.emit(f"fpext {ir_type(type_)} {value.text} to {_doubles(type_)}")


def _sum_bf16(f: FunctionBuilder, type_: Type, x: Value, y: Value) -> Value:
    """Return the sum of two float64 values, rounded once to bf16.

    Rounding to float32 first goes wrong only where that lands on a midpoint of bf16; there the
    error of the rounding, found exactly by TwoSum, moves the float32 one step off the midpoint.
    """
    doubles, words = _doubles(type_), Type(Kind.UNSIGNED, 32, type_.lanes)
    total = f.emit(f"fadd {doubles} {x.text}, {y.text}")
    y_part = f.emit(f"fsub {doubles} {total}, {x.text}")
    x_part = f.emit(f"fsub {doubles} {total}, {y_part}")
    x_error = f.emit(f"fsub {doubles} {x.text}, {x_part}")
    y_error = f.emit(f"fsub {doubles} {y.text}, {y_part}")
    sum_error = f.emit(f"fadd {doubles} {x_error}, {y_error}")
    near = f.emit(f"fptrunc {doubles} {total} to {ir_type(type_)}")
    cut = f.emit(f"fsub {doubles} {total}, {_double(f, type_, Value(near))}")
    error = f.emit(f"fadd {doubles} {cut}, {sum_error}")
    zero = "zeroinitializer" if type_.lanes else "0.0"
    above = f.emit(f"fcmp ogt {doubles} {error}, {zero}")
    below = f.emit(f"fcmp olt {doubles} {error}, {zero}")
    code = f.cast("bitcast", ir_type(type_), near, ir_type(words))
    is_negative = f.op("icmp slt", words, code, _constant(words, 0))
    # Codes grow with the magnitude: upwards is one more for a positive number, else one less.
    up = f.select(words, is_negative.text, spread(words, "-1"), spread(words, "1"))
    down = f.select(words, is_negative.text, spread(words, "1"), spread(words, "-1"))
    step = f.select(words, below, down.text, spread(words, "0"))
    step = f.select(words, above, up.text, step.text)
    tail = f.op("and", words, code, _constant(words, mask(16)))
    midpoint = f.op("icmp eq", words, tail, _constant(words, 0x8000))
    step = f.select(words, midpoint.text, step.text, spread(words, "0"))
    nudged = f.op("add", words, code, step)
    value = f.cast("bitcast", ir_type(words), nudged.text, ir_type(type_))
    return f.round_bf16(type_, value)


def _count(name: str) -> Row:
    def row(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
        return f.intrinsic(name, e.type, a[0], flag=None if name == "ctpop" else "false")

    return row


def _select(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    condition, then, otherwise = a
    if e.type.lanes and not e.arguments[0].type.lanes:
        ir = ir_type(e.type)
        return Value(f.emit(f"select i1 {condition.text}, {ir} {then.text}, {ir} {otherwise.text}"))
    return f.select(e.type, condition.text, then.text, otherwise.text)


def _convert(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    source, target, value = e.arguments[0].type, e.type, a[0]
    if source.is_float and target.is_float:
        return value if source == target else _rounded(f, target, value)
    if source.is_float:
        name = f"llvm.fpto{'s' if target.is_signed else 'u'}i.sat.{suffix(target)}.{suffix(source)}"
        types = ir_type(target), ir_type(source)
        f.module.declare(name, lambda: f"declare {types[0]} @{name}({types[1]})")
        return f.call(name, types[0], (types[1], value.text))
    if target.is_float:
        return _to_float(f, source, target, value)
    if source.width >= target.width:
        return f.cast("trunc", ir_type(source), value.text, ir_type(target))
    extend = "sext" if source.is_signed else "zext"
    return f.cast(extend, ir_type(source), value.text, ir_type(target))


def _to_float(f: FunctionBuilder, source: Type, target: Type, value: Value) -> Value:
    convert = "sitofp" if source.is_signed else "uitofp"
    if target.kind is Kind.FLOAT or source.width <= 16:  # 16 bits are exact in float32
        return _rounded(f, target, f.cast(convert, ir_type(source), value.text, ir_type(target)))
    wide = Type(source.kind, 64, source.lanes)
    extend = "sext" if source.is_signed else "zext"
    value = f.cast(extend, ir_type(source), value.text, ir_type(wide))
    shift = "ashr" if source.is_signed else "lshr"
    high = f.op(shift, wide, value, _constant(wide, 32))
    low = f.op("and", wide, value, _constant(wide, mask(32)))
    doubles = _doubles(target)
    high_part = f.emit(f"{convert} {ir_type(wide)} {high.text} to {doubles}")
    low_part = f.emit(f"uitofp {ir_type(wide)} {low.text} to {doubles}")
    scale = "4294967296.0"
    scales = f"splat (double {scale})" if target.lanes else scale
    scaled = f.emit(f"fmul {doubles} {high_part}, {scales}")
    return _sum_bf16(f, target, Value(scaled), Value(low_part))


def _reinterpret(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    source, target = e.arguments[0].type, e.type
    bits = f.bits(source, a[0])
    whole = f.cast("bitcast", code_type(source), bits.text, code_type(target))
    return f.from_bits(target, whole)


def _literal(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    if e.type.is_float:
        assert isinstance(e.detail, float)
        is_bf16 = e.type.kind is Kind.BRAIN_FLOAT
        code = bf16_code(e.detail) << 16 if is_bf16 else f32_code(e.detail)
        return Value(f"bitcast (i32 {code} to float)")
    assert isinstance(e.detail, int)
    return integer(int(e.detail))


def _in_lowering(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    raise AssertionError(f"`{e.operator}` needs the instruction's operands")


OPERATORS: dict[str, Row] = {
    "literal": _literal,
    "local": _in_lowering,
    "operand": _in_lowering,
    "register": _in_lowering,
    "control": _in_lowering,
    "number": _in_lowering,
    "control_at": _in_lowering,
    "pc": _in_lowering,
    "load": _in_lowering,
    "active": _in_lowering,
    "zeroing": _in_lowering,
    "random": _in_lowering,
    "widen": _in_lowering,
    "narrow": _in_lowering,
    "widen_flags": _in_lowering,
    "narrow_flags": _in_lowering,
    "add": _arithmetic("add", "fadd"),
    "sub": _arithmetic("sub", "fsub"),
    "mul": _arithmetic("mul", "fmul"),
    "div": _divide,
    "rem": _divide,
    "and": _plain("and"),
    "or": _plain("or"),
    "xor": _plain("xor"),
    "shl": _shift,
    "shr": _shift,
    "eq": _compare,
    "ne": _compare,
    "lt": _compare,
    "le": _compare,
    "neg": _negate,
    "not": _invert,
    "mulhi": _high_product,
    "min": _extreme,
    "max": _extreme,
    "abs": _absolute,
    "sqrt": _square_root,
    "fma": _fma,
    "round_even": lambda f, e, a: f.intrinsic("roundeven", e.type, a[0]),
    "clz": _count("ctlz"),
    "ctz": _count("cttz"),
    "popcount": _count("ctpop"),
    "select": _select,
    "convert": _convert,
    "reinterpret": _reinterpret,
    **LANE_OPERATORS,
}
