"""Writes LLVM IR as text: values, blocks, and the functions and constants a module shares.

The text is parsed by LLVM as a whole: that is quicker than building it object by object. A bf16
value is carried as the float32 number that it is, as in the reference engine.
"""

import functools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from dojo_tools.bits import mask
from dojo_tools.description.types import Kind, Type
from dojo_tools.float_codes import NAN_BF16, NAN_F32


class Value(NamedTuple):
    """An operand of IR: a name or constant, and the number where it is a known integer."""

    text: str
    number: int | None = None


@functools.cache
def ir_type(type_: Type) -> str:
    """Return the IR type that carries a type's values."""
    return _vector_of("float" if type_.is_float else f"i{type_.width}", type_.lanes)


@functools.cache
def code_type(type_: Type) -> str:
    """Return the IR type of a type's bits, element by element."""
    return _vector_of(f"i{type_.width}", type_.lanes)


def _vector_of(element: str, lanes: int) -> str:
    return f"<{lanes} x {element}>" if lanes else element


@functools.cache
def suffix(type_: Type) -> str:
    """Return how an intrinsic's name spells a type."""
    element = "f32" if type_.is_float else f"i{type_.width}"
    return f"v{type_.lanes}{element}" if type_.lanes else element


_RARE = '!0 = !{!"branch_weights", i32 1, i32 1048575}'


def integer(number: int) -> Value:
    """Return an integer constant."""
    return Value(str(number), number)


def spread(type_: Type, text: str) -> str:
    """Return a constant in every lane, or the constant itself for a scalar."""
    return f"splat ({ir_type(type_.element)} {text})" if type_.lanes else text


class Module:
    """The text of one module: functions, and what they declare or define once for all."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    def declare(self, name: str, signature: Callable[[], str]) -> None:
        """Note a declaration or definition under the name it has; the first one counts."""
        if name not in self._parts:
            self._parts[name] = ""  # its own text may need further parts, never itself
            self._parts[name] = signature()

    def text(self) -> str:
        """Return everything noted, in the order in which it was asked for."""
        return "\n".join(self._parts.values())


class FunctionBuilder:
    """The lines of one function, and the block that is being written."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lines: list[str] = []
        self.block = "entry"
        self._count = 0
        self.cold: list[str] = []
        """Blocks that are hardly ever reached: they stand after all others."""

    # ---- lines

    def emit(self, text: str) -> str:
        """Add an instruction that has a result; return the result's name."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def line(self, text: str) -> None:
        """Add an instruction without a result."""
        self.lines.append(f"  {text}")

    def label(self, stem: str) -> str:
        """Return a fresh name for a block."""
        self._count += 1
        return f"{stem}.{self._count}"

    def start(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.block = label

    @contextmanager
    def rare_block(self, stem: str) -> Generator[str]:
        """Write a block that is hardly ever reached; yield its label. It must end itself."""
        label = self.label(stem)
        lines, block = self.lines, self.block
        self.lines = []
        self.start(label)
        yield label
        self.cold += self.lines
        self.lines, self.block = lines, block

    def branch(self, condition: str, then: str, otherwise: str) -> None:
        """End the block with a choice."""
        self.line(f"br i1 {condition}, label %{then}, label %{otherwise}")

    def branch_if_rare(self, condition: str, then: str, otherwise: str) -> None:
        """End the block with a choice that hardly ever takes its first way."""
        self.module.declare("rare", lambda: _RARE)
        self.line(f"br i1 {condition}, label %{then}, label %{otherwise}, !prof !0")

    # ---- values

    def op(self, name: str, type_: Type, *operands: Value) -> Value:
        """Add an instruction whose operands all have the type `type_`."""
        return Value(self.emit(f"{name} {ir_type(type_)} {', '.join(o.text for o in operands)}"))

    def call(self, name: str, result: str, *arguments: tuple[str, str]) -> Value:
        """Call a function of the module by name; arguments are types and texts."""
        listed = ", ".join(f"{type_} {text}" for type_, text in arguments)
        return Value(self.emit(f"call {result} @{name}({listed})"))

    def intrinsic(self, name: str, type_: Type, *operands: Value, flag: str | None = None) -> Value:
        """Call an intrinsic overloaded on one type; `flag` is a last argument of type i1."""
        full, ir = f"llvm.{name}.{suffix(type_)}", ir_type(type_)
        types = [ir] * len(operands) + ([] if flag is None else ["i1"])
        self.module.declare(full, lambda: f"declare {ir} @{full}({', '.join(types)})")
        arguments = [(ir, operand.text) for operand in operands]
        return self.call(full, ir, *arguments, *([] if flag is None else [("i1", flag)]))

    def cast(self, name: str, source: str, text: str, target: str) -> Value:
        """Convert between IR types; the same type needs no instruction."""
        return Value(text if source == target else self.emit(f"{name} {source} {text} to {target}"))

    def select(self, type_: Type, condition: str, then: str, otherwise: str) -> Value:
        """Choose lane by lane, or by one truth value in the case of a scalar."""
        bools = _vector_of("i1", type_.lanes)
        ir = ir_type(type_)
        return Value(self.emit(f"select {bools} {condition}, {ir} {then}, {ir} {otherwise}"))

    def shuffle(self, type_: Type, a: str, b: str, lanes: Sequence[int]) -> Value:
        """Return the lanes, counted through both vectors of type `type_`."""
        ir = ir_type(type_)
        listed = ", ".join(f"i32 {lane}" for lane in lanes)
        return Value(
            self.emit(f"shufflevector {ir} {a}, {ir} {b}, <{len(lanes)} x i32> <{listed}>")
        )

    # ---- floats

    def round_bf16(self, type_: Type, value: Value) -> Value:
        """Return float32 values rounded to nearest-even bf16, NaNs canonical."""
        words = Type(Kind.UNSIGNED, 32, type_.lanes)
        codes = self._canonical(type_, value, NAN_F32, words)
        odd = self.op("lshr", words, codes, Value(spread(words, "16")))
        odd = self.op("and", words, odd, Value(spread(words, "1")))
        half = self.op("add", words, odd, Value(spread(words, "32767")))
        total = self.op("add", words, codes, half)
        kept = self.op("and", words, total, Value(spread(words, str(mask(16) << 16))))
        return self.cast("bitcast", ir_type(words), kept.text, ir_type(type_))

    def bits(self, type_: Type, value: Value) -> Value:
        """Return a value's bits as integers of the same width and lanes, NaNs canonical."""
        if not type_.is_float:
            return value
        words = Type(Kind.UNSIGNED, 32, type_.lanes)
        if type_.kind is Kind.FLOAT:
            return self._canonical(type_, value, NAN_F32, words)
        codes = self.cast("bitcast", ir_type(type_), value.text, ir_type(words))
        high = self.op("lshr", words, codes, Value(spread(words, "16")))
        halves = Type(Kind.UNSIGNED, 16, type_.lanes)
        short = self.cast("trunc", ir_type(words), high.text, ir_type(halves))
        is_nan = self.emit(f"fcmp uno {ir_type(type_)} {value.text}, {value.text}")
        return self.select(halves, is_nan, spread(halves, str(NAN_BF16)), short.text)

    def _canonical(self, type_: Type, value: Value, nan: int, words: Type) -> Value:
        codes = self.cast("bitcast", ir_type(type_), value.text, ir_type(words))
        is_nan = self.emit(f"fcmp uno {ir_type(type_)} {value.text}, {value.text}")
        return self.select(words, is_nan, spread(words, str(nan)), codes.text)

    def from_bits(self, type_: Type, bits: Value) -> Value:
        """Return the value that integers of the same width and lanes encode, payloads kept."""
        if not type_.is_float:
            return bits
        if type_.kind is Kind.BRAIN_FLOAT:
            words = Type(Kind.UNSIGNED, 32, type_.lanes)
            wide = self.cast("zext", code_type(type_), bits.text, ir_type(words))
            bits = self.op("shl", words, wide, Value(spread(words, "16")))
            return self.cast("bitcast", ir_type(words), bits.text, ir_type(type_))
        return self.cast("bitcast", code_type(type_), bits.text, ir_type(type_))

    def splat(self, type_: Type, value: Value) -> Value:
        """Return a scalar in every lane of a vector type."""
        ir, element = ir_type(type_), ir_type(type_.element)
        if not value.text.startswith("%"):
            return Value(f"splat ({element} {value.text})")
        first = self.emit(f"insertelement {ir} poison, {element} {value.text}, i64 0")
        return self.shuffle(type_, first, "poison", [0] * type_.lanes)
