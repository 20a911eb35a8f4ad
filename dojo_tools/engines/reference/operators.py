"""One row for each operator of the description language: the Python that computes it.

Scalars are Python integers within the range of their type (floats numpy float32, truth values
bool); vectors are numpy arrays; bf16 values are float32 numbers that bf16 can hold. A row gets the
expression, whose arguments have become Python text, and returns Python text.
"""

from collections.abc import Callable

from dojo_tools.description.semantics import Expression
from dojo_tools.description.types import Kind, Type
from dojo_tools.float_codes import bf16_code, f32_code

Row = Callable[[Expression, list[str]], str]


def dtype(type_: Type) -> str:
    """Return the name of the numpy element type that carries a type's values."""
    if type_.is_bool:
        return "np.bool_"
    if type_.is_float:
        return "np.float32"
    return f"np.{'' if type_.is_signed else 'u'}int{type_.width}"


def code_dtype(type_: Type) -> str:
    """Return the name of the numpy type of a type's bits."""
    return f"np.uint{type_.width}"


def wrap(type_: Type, text: str) -> str:
    """Return text that brings a Python integer into the range of a scalar type."""
    mask = hex((1 << type_.width) - 1)
    if not type_.is_signed:
        return f"(({text}) & {mask})"
    half = hex(1 << (type_.width - 1))
    return f"((({text}) + {half} & {mask}) - {half})"


def python_name(name: str) -> str:
    """Return the Python name of a local or operand, which no name of the engine equals.

    `sum` becomes `sum_`; `sum.1`, of the first function that was expanded, becomes `sum_1`.
    """
    return name.replace(".", "_") if "." in name else f"{name}_"


def _rounded(type_: Type, text: str) -> str:
    return f"round_bf16({text})" if type_.kind is Kind.BRAIN_FLOAT else text


def _arithmetic(symbol: str) -> Row:
    def row(e: Expression, a: list[str]) -> str:
        text = f"({a[0]} {symbol} {a[1]})"
        if e.type.is_float:
            return _rounded(e.type, text)
        return text if e.type.lanes else wrap(e.type, text)

    return row


def _plain(symbol: str) -> Row:
    return lambda e, a: f"({a[0]} {symbol} {a[1]})"


def _function(name: str) -> Row:
    return lambda e, a: f"{name}({', '.join(a)})"


def _divide(e: Expression, a: list[str]) -> str:
    if e.type.is_float:
        return _rounded(e.type, f"divide_float({a[0]}, {a[1]})")
    return f"{e.operator}_{'vector' if e.type.lanes else 'scalar'}({a[0]}, {a[1]}, {_bounds(e)})"


def _bounds(e: Expression) -> str:
    return f"{e.type.width}, {e.type.is_signed}"


def _shift(symbol: str) -> Row:
    def row(e: Expression, a: list[str]) -> str:
        text = f"({a[0]} {symbol} ({a[1]} & {e.type.width - 1}))"
        return wrap(e.type, text) if symbol == "<<" and not e.type.lanes else text

    return row


def _negate(e: Expression, a: list[str]) -> str:
    text = f"(-{a[0]})"
    return text if e.type.is_float or e.type.lanes else wrap(e.type, text)


def _invert(e: Expression, a: list[str]) -> str:
    if e.type.is_bool and not e.type.lanes:
        return f"(not {a[0]})"
    return f"(~{a[0]})" if e.type.lanes or e.type.is_signed else wrap(e.type, f"~{a[0]}")


def _extreme(e: Expression, a: list[str]) -> str:
    if e.type.is_float:
        return f"{e.operator}imum_number({a[0]}, {a[1]})"
    name = f"np.{e.operator}imum" if e.type.lanes else e.operator
    return f"{name}({a[0]}, {a[1]})"


def _absolute(e: Expression, a: list[str]) -> str:
    if e.type.lanes or e.type.is_float:
        return f"np.abs({a[0]})"
    return wrap(e.type, f"abs({a[0]})")


def _fma(e: Expression, a: list[str]) -> str:
    name = "fma_bf16" if e.type.kind is Kind.BRAIN_FLOAT else "fma_f32"
    return f"{name}({', '.join(a)})"


def _count(e: Expression, a: list[str]) -> str:
    suffix = "vector" if e.type.lanes else "scalar"
    return f"{e.operator}_{suffix}({a[0]}, {e.type.width})"


def _high_product(e: Expression, a: list[str]) -> str:
    if e.type.lanes:
        return f"mulhi_vector({a[0]}, {a[1]}, {e.type.width})"
    return f"({a[0]} * {a[1]} >> {e.type.width})"


def _select(e: Expression, a: list[str]) -> str:
    if e.type.lanes:
        return f"np.where({', '.join(a)})"
    return f"({a[1]} if {a[0]} else {a[2]})"


def _convert(e: Expression, a: list[str]) -> str:
    source, target = e.arguments[0].type, e.type
    if target.is_float:
        return _convert_to_float(source, target, a[0])
    if source.is_float:
        return (
            f"to_integer({a[0]}, {dtype(target)})"
            if target.lanes
            else (f"int(to_integer({a[0]}, {dtype(target)}))")
        )
    if target.lanes:
        return f"{a[0]}.astype({dtype(target)})"
    if source.is_bool:
        return f"int({a[0]})"
    widens = source.width < target.width and (target.is_signed or not source.is_signed)
    return a[0] if widens else wrap(target, a[0])


def _convert_to_float(source: Type, target: Type, value: str) -> str:
    if source.is_float:
        return _rounded(target, value)
    integers = value if source.lanes else f"{dtype(source)}({value})"
    name = "from_integer_bf16" if target.kind is Kind.BRAIN_FLOAT else "from_integer_f32"
    return f"{name}({integers})"


def bits_of(type_: Type, text: str) -> str:
    """Return text for the bits of a value as unsigned elements; NaNs become canonical."""
    if type_.is_bool:
        return text
    if type_.is_float:
        suffix = "bf16" if type_.kind is Kind.BRAIN_FLOAT else "f32"
        bits = f"bits_{suffix}({text})"
        return bits if type_.lanes else f"int({bits})"
    if type_.lanes:
        return f"{text}.view({code_dtype(type_)})" if type_.is_signed else text
    return wrap(Type(Kind.UNSIGNED, type_.width), text) if type_.is_signed else text


def from_bits(type_: Type, text: str) -> str:
    """Return text for the value that unsigned elements encode."""
    if type_.is_float:
        suffix = "bf16" if type_.kind is Kind.BRAIN_FLOAT else "f32"
        return f"from_bits_{suffix}({text if type_.lanes else f'{code_dtype(type_)}({text})'})"
    if not type_.is_signed:
        return text
    return f"{text}.view({dtype(type_)})" if type_.lanes else wrap(type_, text)


def _reinterpret(e: Expression, a: list[str]) -> str:
    source, target = e.arguments[0].type, e.type
    if source.is_bool and target.is_bool:
        return a[0]
    if source.is_bool:
        bits = f"pack_mask({a[0]})"
        source = Type(Kind.UNSIGNED, source.bit_count)
    else:
        bits = bits_of(source, a[0])
    if target.is_bool:
        if source.lanes:
            bits = f"int.from_bytes({bits}.tobytes(), 'little')"
        return f"unpack_mask({bits}, {target.lanes})"
    if bool(source.lanes) != bool(target.lanes):
        if target.lanes:
            packed = f"np.frombuffer(({bits}).to_bytes({source.width // 8}, 'little'), np.uint8)"
            return from_bits(target, f"{packed}.view({code_dtype(target)})")
        return from_bits(target, f"int.from_bytes({bits}.tobytes(), 'little')")
    if target.lanes and target.width != source.width:
        bits = f"np.ascontiguousarray({bits}).view({code_dtype(target)})"
    return from_bits(target, bits)


def _splat(e: Expression, a: list[str]) -> str:
    return f"np.full({e.type.lanes}, {a[0]}, {dtype(e.type)})"


def _element(e: Expression, a: list[str]) -> str:
    text = f"{a[0]}[{a[1]} % {e.arguments[0].type.lanes}]"
    return text if e.type.is_float else f"{'bool' if e.type.is_bool else 'int'}({text})"


def _literal(e: Expression, a: list[str]) -> str:
    if e.type.is_float:
        assert isinstance(e.detail, float)
        is_bf16 = e.type.kind is Kind.BRAIN_FLOAT
        code = bf16_code(e.detail) << 16 if is_bf16 else f32_code(e.detail)
        return f"from_bits_f32(np.uint32({code:#x}))"
    return repr(bool(e.detail)) if e.type.is_bool else repr(e.detail)


def _in_generator(e: Expression, a: list[str]) -> str:
    raise AssertionError(f"`{e.operator}` is written by the generator, which knows the operands")


def _load(e: Expression, a: list[str]) -> str:
    if e.type.lanes:
        bits = f"memory.load_vector(pc, {a[0]}, {code_dtype(e.type)}, {e.type.lanes}, {e.detail})"
    else:
        bits = f"memory.load(pc, {a[0]}, {e.type.width // 8}, {e.detail})"
    return from_bits(e.type, bits)


def _with_format(e: Expression, a: list[str]) -> str:
    return f"conversions.{e.operator}({str(e.detail)!r}, {', '.join(a)})"


OPERATORS: dict[str, Row] = {
    "literal": _literal,
    "vector": _in_generator,
    "local": lambda e, a: python_name(str(e.detail)),
    "operand": lambda e, a: f"{e.detail}_",
    "number": lambda e, a: f"{e.detail}_",
    "register": _in_generator,
    "control": lambda e, a: f"thread.read_control({e.detail}_)",
    "pc": lambda e, a: "pc",
    "load": _load,
    "add": _arithmetic("+"),
    "sub": _arithmetic("-"),
    "mul": _arithmetic("*"),
    "div": _divide,
    "rem": _divide,
    "and": _plain("&"),
    "or": _plain("|"),
    "xor": _plain("^"),
    "shl": _shift("<<"),
    "shr": _shift(">>"),
    "eq": _plain("=="),
    "ne": _plain("!="),
    "lt": _plain("<"),
    "le": _plain("<="),
    "neg": _negate,
    "not": _invert,
    "mulhi": _high_product,
    "min": _extreme,
    "max": _extreme,
    "abs": _absolute,
    "sqrt": lambda e, a: _rounded(e.type, f"np.sqrt({a[0]})"),
    "fma": _fma,
    "round_even": _function("round_even"),
    "clz": _count,
    "ctz": _count,
    "popcount": _count,
    "select": _select,
    "convert": _convert,
    "reinterpret": _reinterpret,
    "splat": _splat,
    "lanes": _in_generator,
    "concat": lambda e, a: f"np.concatenate(({a[0]}, {a[1]}))",
    "permute": _function("permute"),
    "compress": _function("compress"),
    "expand": _function("expand"),
    "element": _element,
    "replace": _function("replace"),
    "active": _in_generator,
    "zeroing": _in_generator,
    "control_at": lambda e, a: f"thread.control_at({a[0]})",
    "random": lambda e, a: f"thread.random_words({e.type.lanes})",
    "widen": _with_format,
    "narrow": _with_format,
    "widen_flags": _with_format,
    "narrow_flags": _with_format,
}
