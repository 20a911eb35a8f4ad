"""Operators that move lanes: constant ones are shuffles, the others go through a buffer."""

from dojo_tools.description.semantics import Expression
from dojo_tools.description.types import Type
from dojo_tools.engines.native.builder import (
    FunctionBuilder,
    Value,
    ir_type,
    spread,
    suffix,
)


def _splat(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    return f.splat(e.type, a[0])


def _vector(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    assert isinstance(e.detail, tuple)
    element = ir_type(e.type.element)
    return Value(f"<{', '.join(f'{element} {number}' for number in e.detail)}>")


def _lanes(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    assert isinstance(e.detail, tuple)
    return f.shuffle(e.arguments[0].type, a[0].text, "poison", e.detail)


def _concat(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    low, high = (argument.type for argument in e.arguments)
    width = max(low.lanes, high.lanes)
    wide = low.with_lanes(width)
    both = [
        value.text
        if type_.lanes == width
        else f.shuffle(
            type_, value.text, "poison", [min(i, type_.lanes - 1) for i in range(width)]
        ).text
        for type_, value in zip((low, high), a, strict=True)
    ]
    order = [*range(low.lanes), *range(width, width + high.lanes)]
    return f.shuffle(wide, both[0], both[1], order)


def _place(f: FunctionBuilder, vector: Type, index_type: Type, index: Value) -> str:
    """Return the number of a lane, modulo the lanes, as an i64."""
    extend = "sext" if index_type.is_signed else "zext"
    wide = f.cast(extend, ir_type(index_type), index.text, "i64").text
    lanes = vector.lanes
    if lanes & (lanes - 1) == 0:
        return f.emit(f"and i64 {wide}, {lanes - 1}")
    rest = f.emit(f"{'srem' if index_type.is_signed else 'urem'} i64 {wide}, {lanes}")
    is_negative = f.emit(f"icmp slt i64 {rest}, 0")
    up = f.emit(f"add i64 {rest}, {lanes}")
    return f.emit(f"select i1 {is_negative}, i64 {up}, i64 {rest}")


def _element(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    vector, index = (argument.type for argument in e.arguments)
    place = _place(f, vector, index, a[1])
    return Value(f.emit(f"extractelement {ir_type(vector)} {a[0].text}, i64 {place}"))


def _replace(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    place = _place(f, e.type, e.arguments[1].type, a[1])
    element = ir_type(e.type.element)
    return Value(
        f.emit(f"insertelement {ir_type(e.type)} {a[0].text}, {element} {a[2].text}, i64 {place}")
    )


def _permute(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    source, indices = (argument.type for argument in e.arguments)
    inside = f.emit(
        f"icmp ult {ir_type(indices)} {a[1].text}, {spread(indices, str(source.lanes))}"
    )
    safe = f.select(indices, inside, a[1].text, "zeroinitializer").text
    name = f"permute.{suffix(source)}.{suffix(indices)}"
    f.module.declare(name, lambda: _permute_function(f, source, indices, name))
    vectors = (ir_type(source), a[0].text), (ir_type(indices), safe)
    moved = f.call(name, ir_type(e.type), *vectors).text
    return f.select(e.type, inside, moved, "zeroinitializer")


def _permute_function(f: FunctionBuilder, source: Type, indices: Type, name: str) -> str:
    """Return a function that picks lanes by indices, all of which are lanes of the source."""
    inner = FunctionBuilder(f.module)
    values, picked = ir_type(source), ir_type(indices)
    element, ir = ir_type(source.element), ir_type(source.with_lanes(indices.lanes))
    result = "poison"
    for lane in range(indices.lanes):
        index = inner.emit(f"extractelement {picked} %indices, i64 {lane}")
        index = inner.cast("zext", ir_type(indices.element), index, "i64").text
        moved = inner.emit(f"extractelement {values} %values, i64 {index}")
        result = inner.emit(f"insertelement {ir} {result}, {element} {moved}, i64 {lane}")
    body = "\n".join(inner.lines)
    return (
        f"define internal {ir} @{name}({values} %values, {picked} %indices) "
        f"nounwind willreturn memory(none) {{\nentry:\n{body}\n  ret {ir} {result}\n}}"
    )


def _compress(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    return _sequence(f, e, a, "compress")


def _expand(f: FunctionBuilder, e: Expression, a: list[Value]) -> Value:
    return _sequence(f, e, a, "expand")


def _sequence(f: FunctionBuilder, e: Expression, a: list[Value], name: str) -> Value:
    ir, bools = ir_type(e.type), f"<{e.type.lanes} x i1>"
    function = f"{name}.{'f' if e.type.is_float else 'i'}{e.type.width}x{e.type.lanes}"
    f.module.declare(function, lambda: _sequence_function(f, e.type, function, name))
    return f.call(function, ir, (ir, a[0].text), (bools, a[1].text))


def _sequence_function(f: FunctionBuilder, type_: Type, function: str, name: str) -> str:
    """Return a function that takes lanes one by one between a vector and a packed buffer."""
    ir, element, bools = ir_type(type_), ir_type(type_.element), f"<{type_.lanes} x i1>"
    inner = FunctionBuilder(f.module)
    buffer = inner.emit(f"alloca {ir}, align 64")
    inner.line(
        f"store {ir} {'%values' if name == 'expand' else 'zeroinitializer'}, ptr {buffer}, align 64"
    )
    count, result = "0", "zeroinitializer"
    for lane in range(type_.lanes):
        chosen = inner.emit(f"extractelement {bools} %chosen, i64 {lane}")
        place = inner.emit(f"getelementptr {element}, ptr {buffer}, i64 {count}")
        old = inner.emit(f"load {element}, ptr {place}")
        if name == "compress":
            value = inner.emit(f"extractelement {ir} %values, i64 {lane}")
            kept = inner.emit(f"select i1 {chosen}, {element} {value}, {element} {old}")
            inner.line(f"store {element} {kept}, ptr {place}")
        else:
            zero = "0.0" if type_.is_float else "0"
            moved = inner.emit(f"select i1 {chosen}, {element} {old}, {element} {zero}")
            result = inner.emit(f"insertelement {ir} {result}, {element} {moved}, i64 {lane}")
        step = inner.emit(f"zext i1 {chosen} to i64")
        # The last lane's place may be one past the end, which nothing touches any more.
        count = inner.emit(f"add i64 {count}, {step}") if lane + 1 < type_.lanes else count
    if name == "compress":
        result = inner.emit(f"load {ir}, ptr {buffer}, align 64")
    body = "\n".join(inner.lines)
    return (
        f"define internal {ir} @{function}({ir} %values, {bools} %chosen) nounwind {{\n"
        f"entry:\n{body}\n  ret {ir} {result}\n}}"
    )


LANE_OPERATORS = {
    "splat": _splat,
    "vector": _vector,
    "lanes": _lanes,
    "concat": _concat,
    "element": _element,
    "replace": _replace,
    "permute": _permute,
    "compress": _compress,
    "expand": _expand,
}
