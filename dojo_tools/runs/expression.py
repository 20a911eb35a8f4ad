"""The language of checks: arithmetic over tensors, in float64, by numpy's rules of shape.

    pixels @ weights + bias        sum(x * y, axis=1)        maximum(x, 0).T

Python's own parser reads it, and what it read is accepted node by node: names of tensors, numbers,
`+ - * / ** @`, unary minus, parentheses, `.T`, and a few functions. Shapes are worked out before
anything is computed, so that a wrong expression is found before the program runs, and one that
would take too much memory or time is refused.
"""

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import InputError, Source, Span, did_you_mean, fail

Float64Array = NDArray[np.float64]
Shape = tuple[int, ...]

LENGTH_MAX = 1000
DEPTH_MAX = 50
ELEMENTS_MAX = 1 << 25
"""Elements of all intermediate results together: 256 MiB."""
PRODUCTS_MAX = 1 << 32
"""Multiplications of all matrix products together: some seconds."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float
    span: Span


@dataclass(frozen=True, slots=True)
class TensorName:
    """A tensor, by the name of its symbol."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator or a function and what it works on; `axis` is for functions that reduce."""

    operator: str
    operands: tuple["Node", ...]
    span: Span
    axis: int | None = None


Node = Constant | TensorName | Operation


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, its tree, and the tensors it names, each once."""

    text: str
    root: Node
    names: tuple[str, ...]


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "negate": np.negative,
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
}
FUNCTION_OPERANDS = {"maximum": 2, "minimum": 2, "abs": 1, "exp": 1, "log": 1, "sqrt": 1}
FUNCTIONS = (*FUNCTION_OPERANDS, *REDUCTIONS)

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
}


def parse_expression(text: str, span: Span | None = None) -> Expression:
    """Return the expression that a text stands for; raise `InputError` if it is none.

    `span` is where the text stands in its file, or near it; without one the text is its own source.
    """
    return _Parser(text, span).parse()


class _Parser:
    def __init__(self, text: str, span: Span | None) -> None:
        self._text = text
        self._span = span or Span(Source("expression", text), 0, len(text))
        self._names: dict[str, None] = {}

    def parse(self) -> Expression:
        if len(self._text) > LENGTH_MAX:
            raise self._fail(f"the expression has {len(self._text)} characters, {LENGTH_MAX} fit")
        if "\n" in self._text:
            raise self._fail("the expression is longer than a line")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self._text.strip(), mode="eval")
        except SyntaxError as error:
            raise self._fail(f"not an expression: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError):
            raise self._fail("not an expression that can be read") from None
        root = self._node(tree.body, 0)
        return Expression(self._text, root, tuple(self._names))

    def _fail(self, message: str, span: Span | None = None, hint: str | None = None) -> InputError:
        return fail(message, span or self._span, hint)

    def _span_of(self, node: ast.expr) -> Span:
        """Return where a node stands; the whole expression where its source shows it otherwise."""
        if self._span.text != self._text or not self._text.isascii():
            return self._span
        skipped = len(self._text) - len(self._text.lstrip())
        start = self._span.start + skipped
        end = node.end_col_offset or node.col_offset
        return Span(self._span.source, start + node.col_offset, start + end)

    def _node(self, node: ast.expr, depth: int) -> Node:
        span = self._span_of(node)
        if depth > DEPTH_MAX:
            raise self._fail(f"the expression is nested more than {DEPTH_MAX} deep", span)
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as value):
                try:
                    return Constant(float(value), span)
                except OverflowError:
                    raise self._fail("this number is beyond float64", span) from None
            case ast.Attribute(value=inner, attr="T"):
                return Operation("transpose", (self._node(inner, depth + 1),), span)
            case ast.Name() | ast.Attribute():
                return self._name(node, span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Operation("negate", (self._node(operand, depth + 1),), span)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._node(operand, depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                operands = self._node(left, depth + 1), self._node(right, depth + 1)
                return Operation(_OPERATORS[type(op)], operands, span)
            case ast.Call(func=ast.Name(id=function)):
                return self._call(node, function, span, depth)
            case _:
                pass
        raise self._fail(
            "this can't stand in an expression",
            span,
            "tensors, numbers, + - * / ** @, parentheses, .T and the functions "
            f"{', '.join(FUNCTIONS)} can",
        )

    def _name(self, node: ast.expr, span: Span) -> TensorName:
        """Return a name; one with dots in it comes from Python's parser as attributes."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            raise self._fail("only `.T` can stand after a dot", span)
        name = ".".join([node.id, *reversed(parts)])
        self._names[name] = None
        return TensorName(name, span)

    def _call(self, node: ast.Call, function: str, span: Span, depth: int) -> Operation:
        if function not in FUNCTIONS:
            hint = did_you_mean(function, FUNCTIONS) or f"there are {', '.join(FUNCTIONS)}"
            raise self._fail(f"unknown function `{function}`", span, hint)
        arguments, axis = list(node.args), None
        if function in REDUCTIONS:
            axes = [keyword.value for keyword in node.keywords if keyword.arg == "axis"]
            axes += arguments[1:]
            if len(arguments) < 1 or len(axes) > 1 or len(node.keywords) > len(axes):
                raise self._fail(f"`{function}` takes a tensor and perhaps an axis", span)
            axis = self._axis(axes[0]) if axes else None
            arguments = arguments[:1]
        elif node.keywords or len(arguments) != FUNCTION_OPERANDS[function]:
            wanted = FUNCTION_OPERANDS[function]
            raise self._fail(f"`{function}` takes {wanted} tensor{'s' * (wanted > 1)}", span)
        return Operation(
            function, tuple(self._node(argument, depth + 1) for argument in arguments), span, axis
        )

    def _axis(self, node: ast.expr) -> int:
        sign = 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sign, node = -1, node.operand
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return sign * node.value
        raise self._fail("an axis is an integer", self._span_of(node))


# Shapes.


def result_shape(expression: Expression, shapes: Mapping[str, Shape]) -> Shape:
    """Return the shape of the result, for the shapes of the tensors it names.

    Raises `InputError` for an unknown name, for shapes that do not go together, and for an
    expression that would take too much memory or time.
    """
    return _Shapes(shapes).of(expression.root)


class _Shapes:
    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._elements = 0
        self._products = 0

    def of(self, node: Node) -> Shape:
        match node:
            case Constant():
                shape: Shape = ()
            case TensorName(name, span):
                if name not in self._shapes:
                    hint = did_you_mean(name, self._shapes)
                    raise fail(f"there is no tensor `{name}`", span, hint)
                shape = self._shapes[name]
            case Operation():
                shape = self._operation(node, [self.of(operand) for operand in node.operands])
        self._elements += math.prod(shape)
        if self._elements > ELEMENTS_MAX:
            raise fail(
                f"the expression has more than {ELEMENTS_MAX} elements of intermediate results",
                node.span,
            )
        return shape

    def _operation(self, node: Operation, shapes: list[Shape]) -> Shape:
        if node.operator == "@":
            return self._product(node, *shapes)
        if node.operator == "transpose":
            return shapes[0][::-1]
        if node.operator in REDUCTIONS:
            return _reduced(node, shapes[0])
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            text = " and ".join(str(shape) for shape in shapes)
            raise fail(f"shapes {text} do not go together", node.span) from None

    def _product(self, node: Operation, left: Shape, right: Shape) -> Shape:
        if not (1 <= len(left) <= 2 and 1 <= len(right) <= 2) or left[-1] != right[0]:
            raise fail(f"shapes {left} and {right} have no matrix product", node.span)
        shape = left[:-1] + right[1:]
        self._products += math.prod(shape) * right[0]
        if self._products > PRODUCTS_MAX:
            raise fail(f"the matrix products take more than {PRODUCTS_MAX} steps", node.span)
        return shape


def _reduced(node: Operation, shape: Shape) -> Shape:
    if node.axis is None:
        extents, rest = shape, ()
    elif -len(shape) <= node.axis < len(shape):
        axis = node.axis % len(shape)
        extents, rest = (shape[axis],), shape[:axis] + shape[axis + 1 :]
    else:
        raise fail(f"shape {shape} has no axis {node.axis}", node.span)
    if 0 in extents:
        raise fail(f"`{node.operator}` of nothing", node.span)
    return rest


# Values.


def evaluate(expression: Expression, tensors: Mapping[str, Float64Array]) -> Float64Array:
    """Return the value for tensors whose shapes `result_shape` has accepted."""
    with np.errstate(all="ignore"):
        return np.asarray(_value(expression.root, tensors), np.float64)


def _value(node: Node, tensors: Mapping[str, Float64Array]) -> Any:
    match node:
        case Constant(value):
            return np.float64(value)
        case TensorName(name):
            return tensors[name]
        case Operation(operator, operands, _, axis):
            values = [_value(operand, tensors) for operand in operands]
            if operator == "@":
                return values[0] @ values[1]
            if operator == "transpose":
                return np.transpose(values[0])
            if operator in REDUCTIONS:
                return REDUCTIONS[operator](values[0], axis=axis)
            return ELEMENTWISE[operator](*values)
