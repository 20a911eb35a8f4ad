"""Works out the shape of an expression, what it would cost, and its value.

The shape comes first, before the program runs, and an expression that would take too much memory or
time is refused.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.diagnostics import did_you_mean, fail
from dojo_tools.runs.expression import Constant, Expression, Node, Operation, TensorName
from dojo_tools.runs.expression_functions import NAMES, Float64Array, Shape, ShapeError

ELEMENTS_MAX = 1 << 26
"""Elements of all results that are held at one time: 512 MiB."""
WORK_MAX = 1 << 33
"""Elements of all results together, however often they are computed: half a minute."""
PRODUCTS_MAX = 1 << 37
"""Multiplications of all matrix products together: some seconds."""


def result_shape(expression: Expression, shapes: Mapping[str, Shape], repeat: int = 1) -> Shape:
    """Return the shape of the result, for the shapes of the tensors it names.

    Raises `InputError` for an unknown name, for shapes that do not go together, and for an
    expression that would take too much memory, or too much time if computed `repeat` times.
    """
    return _Shapes(shapes, repeat).of(expression.root).shape


@dataclass(frozen=True, slots=True)
class _Result:
    """The shape of a result, the elements of memory that it keeps, and the most it took."""

    shape: Shape
    held: int
    peak: int


class _Shapes:
    def __init__(self, shapes: Mapping[str, Shape], repeat: int) -> None:
        self._shapes = shapes
        self._repeat = repeat
        self._work = 0
        self._products = 0

    def of(self, node: Node) -> _Result:
        match node:
            case Constant():
                return _Result((), 1, 1)
            case TensorName(name, span):
                if name not in self._shapes:
                    hint = did_you_mean(name, self._shapes)
                    raise fail(f"there is no tensor `{name}`", span, hint)
                shape = self._shapes[name]
                result = _Result(shape, math.prod(shape), math.prod(shape))
            case Operation():
                result = self._operation(node)
        self._work += math.prod(result.shape) * self._repeat
        if result.peak > ELEMENTS_MAX:
            raise fail(
                f"the expression holds {result.peak} elements at one time, {ELEMENTS_MAX} fit",
                node.span,
            )
        if self._work > WORK_MAX:
            raise fail(f"the expression computes more than {WORK_MAX} elements", node.span)
        return result

    def _operation(self, node: Operation) -> _Result:
        function, options = node.function, dict(node.options)
        peak = held = 0
        shapes: list[Shape] = []
        for operand in node.operands:
            found = self.of(operand)
            shapes.append(found.shape)
            peak = max(peak, held + found.peak)
            held += found.held
        try:
            shape = function.shape(shapes, options)
            if function.steps is not None:
                self._products += function.steps(shapes, options) * self._repeat
        except ShapeError as error:
            name = f"`{node.operator}`: " if node.operator in NAMES else ""
            raise fail(f"{name}{error}", node.span) from None
        if self._products > PRODUCTS_MAX:
            raise fail(f"the matrix products take more than {PRODUCTS_MAX} steps", node.span)
        if function.is_view:
            return _Result(shape, held, peak)
        working = 0 if function.working is None else function.working(shapes)
        own = math.prod(shape)
        return _Result(shape, own, max(peak, held + own + working))


def evaluate(expression: Expression, tensors: Mapping[str, NDArray[Any]]) -> Float64Array:
    """Return the value for tensors whose shapes `result_shape` has accepted."""
    with np.errstate(all="ignore"):
        return np.asarray(_value(expression.root, tensors), np.float64)


def _value(node: Node, tensors: Mapping[str, NDArray[Any]]) -> Any:
    match node:
        case Constant(value):
            return np.float64(value)
        case TensorName(name):
            return np.asarray(tensors[name], np.float64)
        case Operation(_, operands, _, options):
            values = [_value(operand, tensors) for operand in operands]
            return node.function.value(*values, **dict(options))
