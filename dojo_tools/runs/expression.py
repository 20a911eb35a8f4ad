"""The language of checks: arithmetic over tensors, in float64, by numpy's rules of shape.

    pixels @ weights + bias        sum(x * y, axis=1)        maximum(x, 0).T
    c.transpose(0, 2, 1, 3).reshape(64, 64)                  pad(x, 1)[1:-1, 2:]

Python's own parser reads it, and what it read is accepted node by node: names of tensors, numbers,
`+ - * / ** @`, unary minus, parentheses, `.T`, indices, and some functions, whose options are
written out. Shapes are worked out before anything is computed, so that a wrong expression is
found before the program runs.
"""

import ast
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from dojo_tools.diagnostics import InputError, Source, Span, did_you_mean, fail
from dojo_tools.runs.expression_functions import (
    ALL,
    NAMES,
    Function,
)

LENGTH_MAX = 1000
DEPTH_MAX = 50


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
    """An operator or a function, one of `ALL`, what it works on, and its options."""

    operator: str
    operands: tuple["Node", ...]
    span: Span
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def function(self) -> Function:
        """What the operator means."""
        return ALL[self.operator]


Node = Constant | TensorName | Operation


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, its tree, and the tensors it names, each once."""

    text: str
    root: Node
    names: tuple[str, ...]


_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
}
_METHODS = tuple(name for name, function in ALL.items() if function.is_method)


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
        self._skipped = len(text) - len(text.lstrip())

    def parse(self) -> Expression:
        if len(self._text) > LENGTH_MAX:
            raise self._fail(f"the expression has {len(self._text)} characters, {LENGTH_MAX} fit")
        if not self._text.strip():
            raise self._fail("the expression is empty")
        line = self._text.strip().replace("\r", " ").replace("\n", " ")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(line, mode="eval")
        except SyntaxError as error:
            start = 0 if error.offset is None else error.offset - 1
            place = self._place(start, start + 1)
            raise self._fail(f"not an expression: {error.msg}", place) from None
        except (ValueError, RecursionError, MemoryError):
            raise self._fail("not an expression that can be read") from None
        root = self._node(tree.body, 0)
        return Expression(self._text, root, tuple(self._names))

    def _fail(self, message: str, span: Span | None = None, hint: str | None = None) -> InputError:
        return fail(message, span or self._span, hint)

    def _place(self, start: int, end: int) -> Span:
        """Return where columns of the line stand; all of it where its source shows it otherwise."""
        if self._span.text != self._text or not self._text.isascii():
            return self._span
        first = self._span.start + self._skipped
        return Span(self._span.source, first + start, min(first + end, self._span.end))

    def _span_of(self, node: ast.expr) -> Span:
        return self._place(node.col_offset, node.end_col_offset or node.col_offset)

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
            case ast.Subscript(value=inner, slice=index):
                options = (("index", self._index(index)),)
                return Operation("index", (self._node(inner, depth + 1),), span, options)
            case ast.Call(func=ast.Name(id=function)):
                self._check_function(function, NAMES, "function", span)
                return self._call(node, function, list(node.args), span, depth)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=function)):
                self._check_function(function, NAMES, "function", span)
                raise self._fail("functions stand without `np.`", span, f"{function}(...)")
            case ast.Call(func=ast.Attribute(value=receiver, attr=method)):
                self._check_function(method, _METHODS, "method", span)
                arguments = self._method_arguments(method, node.args)
                return self._call(node, method, [receiver, *arguments], span, depth)
            case _:
                pass
        raise self._fail(
            "this can't stand in an expression",
            span,
            "tensors, numbers, + - * / ** @, parentheses, .T, indices and the functions "
            f"{', '.join(NAMES)} can",
        )

    def _name(self, node: ast.expr, span: Span) -> TensorName:
        """Return a name; one with dots in it comes from Python's parser as attributes."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            methods = ", ".join(f".{method}()" for method in _METHODS)
            raise self._fail("only `.T` and a call can stand after a dot", span, methods)
        name = ".".join([node.id, *reversed(parts)])
        self._names[name] = None
        return TensorName(name, span)

    # ---- calls

    def _check_function(self, name: str, known: Sequence[str], kind: str, span: Span) -> None:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise self._fail(f"unknown {kind} `{name}`", span, hint)

    def _method_arguments(self, method: str, arguments: Sequence[ast.expr]) -> list[ast.expr]:
        """Return a method's arguments with several integers as one: `x.reshape(4, 8)`."""
        if ALL[method].options not in (("shape",), ("axes",)) or len(arguments) < 2:
            return list(arguments)
        several = ast.copy_location(ast.Tuple(list(arguments), ast.Load()), arguments[0])
        several.end_col_offset = arguments[-1].end_col_offset
        return [several]

    def _call(
        self, node: ast.Call, name: str, arguments: list[ast.expr], span: Span, depth: int
    ) -> Operation:
        function = ALL[name]
        options: dict[str, Any] = {}
        if function.operands is None:  # options first, any number of tensors after them
            count = len(function.options)
            operands, rest = arguments[count:], arguments[:count]
        else:
            operands, rest = arguments[: function.operands], arguments[function.operands :]
        given = [*zip(function.options, rest, strict=False)]
        named = [(keyword.arg, keyword.value) for keyword in node.keywords]
        for option, value in (*given, *named):
            if option is None or option not in (*function.options, *function.keywords):
                raise self._misuse(name, f"has no option `{option}`", span)
            if option in options:
                raise self._misuse(name, f"has `{option}` twice", span)
            options[option] = self._option(option, value)
        if len(rest) > len(function.options):
            raise self._misuse(name, "has more arguments than it takes", span)
        if len(operands) < (function.operands or 1):
            raise self._misuse(name, f"takes {_tensors(function.operands)}", span)
        for option in function.options[: function.needed]:
            if option not in options:
                raise self._misuse(name, f"needs `{option}`", span)
        return Operation(
            name,
            tuple(self._node(operand, depth + 1) for operand in operands),
            span,
            tuple(options.items()),
        )

    def _misuse(self, name: str, what: str, span: Span) -> InputError:
        return self._fail(f"`{name}` {what}", span, f"as in {ALL[name].example}")

    def _option(self, name: str, node: ast.expr) -> Any:
        value = self._literal(node)
        fits, text = _OPTIONS[name]
        if not fits(value):
            raise self._fail(f"`{name}` is {text}", self._span_of(node))
        return value

    def _literal(self, node: ast.expr) -> Any:
        """Return what is written out: an integer, True, None, a text, or a tuple of those."""
        match node:
            case ast.Constant(value=bool() | int() | str() | None as value):
                if not isinstance(value, int) or abs(value) < LITERAL_MAX:
                    return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                if type(value) is int and value < LITERAL_MAX:
                    return -value
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return tuple(self._literal(item) for item in items)
            case _:
                pass
        raise self._fail(
            "this has to be written out, as an integer or a tuple of integers", self._span_of(node)
        )

    def _index(self, node: ast.expr) -> tuple[Any, ...]:
        items = node.elts if isinstance(node, ast.Tuple) else [node]
        return tuple(self._index_item(item) for item in items)

    def _index_item(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value) if value is Ellipsis:
                return Ellipsis
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(self._bound(bound) for bound in (lower, upper, step)))
            case _:
                value = self._literal(node)
        if value is not None and type(value) is not int:
            raise self._fail(
                "an index is an integer, a slice, None or ...", self._span_of(node), "x[1:-1, 0]"
            )
        return value

    def _bound(self, node: ast.expr | None) -> int | None:
        value = None if node is None else self._literal(node)
        if node is not None and value is not None and type(value) is not int:
            raise self._fail("a bound of a slice is an integer", self._span_of(node), "x[1:-1]")
        return cast("int | None", value)


LITERAL_MAX = 1 << 40


def _tensors(count: int | None) -> str:
    return "tensors" if count is None else f"{count} tensor{'s' * (count > 1)}"


def _is_integers(value: Any, depth: int = 1) -> bool:
    """Return whether this is an integer, or a tuple of such, nested so many deep at most."""
    if isinstance(value, tuple):
        items = cast("tuple[Any, ...]", value)
        return depth > 0 and bool(items) and all(_is_integers(item, depth - 1) for item in items)
    return type(value) is int


_INTEGERS = "an integer or a tuple of integers"
_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "axis": (lambda value: value is None or _is_integers(value), _INTEGERS),
    "axes": (
        lambda value: value is None or (type(value) is tuple and _is_integers(value)),
        "a tuple of integers",
    ),
    "keepdims": (lambda value: isinstance(value, bool), "True or False"),
    "shape": (_is_integers, _INTEGERS),
    "window_shape": (_is_integers, _INTEGERS),
    "pad_width": (lambda value: _is_integers(value, 2), "an integer or pairs of integers"),
    "subscripts": (lambda value: isinstance(value, str), "a text, as 'ij,jk->ik'"),
}
"""What fits an option, and the words for it."""
