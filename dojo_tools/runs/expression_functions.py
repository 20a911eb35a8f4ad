"""The operators and functions of expressions, each a row: what numpy computes, and of which shape.

A shape is worked out before anything is computed; one that does not fit raises `ShapeError` with
what was found and what fits.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Shape = tuple[int, ...]
Options = Mapping[str, Any]
Index = tuple[Any, ...]
"""Integers, slices, None and `...`, as in `x[1:-1, 0]`."""

RANK_MAX = 16
DIMENSION_MAX = 1 << 31


class ShapeError(Exception):
    """The shapes of some tensors do not fit a function."""


@dataclass(frozen=True, slots=True)
class Function:
    """An operator or function: `operands` tensors, None for any number, and options written out.

    Options may be given by position or by name, those in `keywords` only by name, and the first
    `needed` have to be. A view needs no memory of its own; `working` more elements than the result
    has are held while it is computed. `steps` are the multiplications of products.
    """

    operands: int | None
    value: Callable[..., Any]
    shape: Callable[[Sequence[Shape], Options], Shape]
    options: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    needed: int = 0
    is_method: bool = False
    is_view: bool = False
    working: Callable[[Sequence[Shape]], int] | None = None
    steps: Callable[[Sequence[Shape], Options], int] | None = None
    example: str = ""


def _tuple(value: Any) -> tuple[Any, ...]:
    """Return an option as a tuple, also where it is one number."""
    return cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)


def _broadcast(shapes: Sequence[Shape], options: Options) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        text = " and ".join(str(shape) for shape in shapes)
        raise ShapeError(f"shapes {text} do not go together") from None


# ---- products


def _matmul(shapes: Sequence[Shape], options: Options) -> Shape:
    left, right, batch = _product_parts(*shapes)
    rows = left[-2:-1] if len(shapes[0]) > 1 else ()
    columns = right[-1:] if len(shapes[1]) > 1 else ()
    return (*batch, *rows, *columns)


def _matmul_steps(shapes: Sequence[Shape], options: Options) -> int:
    left, right, batch = _product_parts(*shapes)
    return math.prod(batch) * left[-2] * left[-1] * right[-1]


def _product_parts(left: Shape, right: Shape) -> tuple[Shape, Shape, Shape]:
    """Return both shapes as those of matrices, and that of the array of products."""
    message = f"shapes {left} and {right} have no matrix product"
    if not left or not right:
        raise ShapeError(f"{message}: a single number is no matrix, `*` multiplies by it")
    wide_left = (1, *left) if len(left) == 1 else left
    wide_right = (*right, 1) if len(right) == 1 else right
    if wide_left[-1] != wide_right[-2]:
        raise ShapeError(f"{message}: {wide_left[-1]} columns, {wide_right[-2]} rows")
    try:
        batch = np.broadcast_shapes(wide_left[:-2], wide_right[:-2])
    except ValueError:
        raise ShapeError(message) from None
    return wide_left, wide_right, batch


EINSUM_STEP = 32
"""How many steps of a matrix product take about as long as one of einsum."""


def _einsum(shapes: Sequence[Shape], options: Options) -> Shape:
    return tuple(_extents(shapes, options)[letter] for letter in _subscripts(options)[1])


def _einsum_steps(shapes: Sequence[Shape], options: Options) -> int:
    return math.prod(_extents(shapes, options).values()) * EINSUM_STEP


def _subscripts(options: Options) -> tuple[list[str], str]:
    """Return the letters of each operand, and of the result."""
    text = str(options["subscripts"]).replace(" ", "")
    inputs, arrow, result = text.partition("->")
    operands = inputs.split(",")
    letters = "".join(operands)
    if not all(part.isascii() and part.isalpha() for part in operands) or not arrow:
        raise ShapeError(f'"{text}" is not of the form "ij,jk->ik"')
    for letter in result:
        if letter not in letters or result.count(letter) > 1:
            raise ShapeError(f"`{letter}` of the result is not one letter of the operands")
    return operands, result


def _extents(shapes: Sequence[Shape], options: Options) -> dict[str, int]:
    """Return the extent of each letter."""
    operands, _ = _subscripts(options)
    if len(operands) != len(shapes):
        raise ShapeError(f"{len(operands)} operands have letters, {len(shapes)} are given")
    extents: dict[str, int] = {}
    for letters, shape in zip(operands, shapes, strict=True):
        if len(letters) != len(shape):
            raise ShapeError(f"`{letters}` is for {len(letters)} dimensions; its shape is {shape}")
        for letter, extent in zip(letters, shape, strict=True):
            if extents.setdefault(letter, extent) != extent:
                raise ShapeError(f"`{letter}` is {extents[letter]} and {extent}")
    return extents


# ---- reductions


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Return the axes that an option names, each from 0."""
    if axis is None:
        return tuple(range(rank))
    axes = _tuple(axis)
    for one in axes:
        if not -rank <= one < rank:
            fits = f"{-rank}..{rank - 1} fits" if rank else "it has none"
            raise ShapeError(f"there is no axis {one} among {rank}: {fits}")
    found = tuple(one % rank for one in axes)
    if len(set(found)) < len(found):
        raise ShapeError(f"axis {axis} names one twice")
    return found


def _reduced(shapes: Sequence[Shape], options: Options) -> Shape:
    shape = shapes[0]
    axes = _axes(options.get("axis"), len(shape))
    if any(shape[axis] == 0 for axis in axes):
        raise ShapeError("there is nothing to take it of")
    if options.get("keepdims"):
        return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))
    return tuple(extent for axis, extent in enumerate(shape) if axis not in axes)


def _reduction(value: Callable[..., Any], spread: bool = False) -> Function:
    return Function(
        *(1, value, _reduced, ("axis",), ("keepdims",)),
        is_method=True,
        working=(lambda shapes: 2 * math.prod(shapes[0])) if spread else None,
        example=f"{value.__name__}(x, axis=0), or {value.__name__}(x, axis=0, keepdims=True)",
    )


# ---- shapes


def _reshaped(shapes: Sequence[Shape], options: Options) -> Shape:
    wanted = _tuple(options["shape"])
    count = math.prod(shapes[0])
    free = [place for place, extent in enumerate(wanted) if extent == -1]
    known = math.prod(extent for extent in wanted if extent != -1)
    if len(free) > 1:
        raise ShapeError(f"{wanted} leaves more than one extent open")
    if any(extent < -1 for extent in wanted) or len(wanted) > RANK_MAX:
        raise ShapeError(f"{wanted} is no shape")
    if (known == 0 or count % known) if free else known != count:
        raise ShapeError(f"shape {shapes[0]} has {count} elements, {wanted} takes {_takes(wanted)}")
    return tuple(count // known if extent == -1 else extent for extent in wanted)


def _takes(wanted: Shape) -> str:
    known = math.prod(extent for extent in wanted if extent != -1)
    return f"a multiple of {known}" if -1 in wanted else str(known)


def _transposed(shapes: Sequence[Shape], options: Options) -> Shape:
    shape = shapes[0]
    if options.get("axes") is None:
        return shape[::-1]
    axes: Shape = _tuple(options["axes"])
    if len(axes) != len(shape) or len(set(_axes(axes, len(shape)))) != len(shape):
        raise ShapeError(f"axes {axes} of shape {shape}: each of 0..{len(shape) - 1} once fits")
    return tuple(shape[axis] for axis in axes)


def _padded(shapes: Sequence[Shape], options: Options) -> Shape:
    shape, widths = shapes[0], options["pad_width"]
    pairs = [_tuple(pair) for pair in _tuple(widths)]
    if all(len(pair) == 1 for pair in pairs):  # one number, or the same pair for each axis
        numbers = [pair[0] for pair in pairs]
        pairs = [(numbers[0], numbers[-1])] * len(shape) if len(numbers) <= 2 else []
    fits = all(len(pair) == 2 and 0 <= min(pair) <= max(pair) < DIMENSION_MAX for pair in pairs)
    if not fits or len(pairs) != len(shape):
        raise ShapeError(
            f"{widths} does not pad shape {shape}: a number, (before, after), or one such pair "
            f"for each of {len(shape)} axes fits"
        )
    return tuple(sum(pair) + extent for pair, extent in zip(pairs, shape, strict=True))


def _windows(shapes: Sequence[Shape], options: Options) -> Shape:
    shape, window = shapes[0], options["window_shape"]
    extents = _tuple(window)
    axes = _axes(options.get("axis"), len(shape))
    if len(extents) != len(axes):
        raise ShapeError(f"a window of {len(extents)} extents for {len(axes)} axes")
    rest = list(shape)
    for axis, extent in zip(axes, extents, strict=True):
        if not 1 <= extent <= shape[axis]:
            raise ShapeError(f"a window of {extent} in an axis of {shape[axis]}")
        rest[axis] -= extent - 1
    return (*rest, *extents)


def _indexed(shapes: Sequence[Shape], options: Options) -> Shape:
    index: Index = options["index"]
    try:
        return np.broadcast_to(np.float64(0), shapes[0])[index].shape
    except (IndexError, ValueError) as error:
        raise ShapeError(f"shape {shapes[0]}: {error}") from None


def _index(values: Any, index: Index) -> Any:
    return values[index]


def _einsum_value(*values: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *values)


ELEMENTWISE = {
    name: Function(operands, value, _broadcast, example=f"{name}({', '.join('xy'[:operands])})")
    for name, (operands, value) in {
        "+": (2, np.add),
        "-": (2, np.subtract),
        "*": (2, np.multiply),
        "/": (2, np.divide),
        "**": (2, np.power),
        "negate": (1, np.negative),
        "maximum": (2, np.maximum),
        "minimum": (2, np.minimum),
        "abs": (1, np.abs),
        "exp": (1, np.exp),
        "log": (1, np.log),
        "sqrt": (1, np.sqrt),
    }.items()
}
REDUCTIONS = {
    "sum": _reduction(np.sum),
    "mean": _reduction(np.mean),
    "max": _reduction(np.max),
    "min": _reduction(np.min),
    "var": _reduction(np.var, spread=True),
    "std": _reduction(np.std, spread=True),
}
OTHERS = {
    "@": Function(2, np.matmul, _matmul, steps=_matmul_steps),
    "einsum": Function(
        *(None, _einsum_value, _einsum, ("subscripts",)),
        needed=1,
        steps=_einsum_steps,
        example='einsum("ij,jk->ik", x, y)',
    ),
    "reshape": Function(
        *(1, np.reshape, _reshaped, ("shape",)),
        needed=1,
        is_method=True,
        example="reshape(x, (4, 8)), or x.reshape(4, -1)",
    ),
    "transpose": Function(
        *(1, np.transpose, _transposed, ("axes",)),
        is_method=True,
        is_view=True,
        example="transpose(x, (0, 2, 1)), or x.transpose(0, 2, 1)",
    ),
    "pad": Function(
        *(1, np.pad, _padded, ("pad_width",)),
        needed=1,
        example="pad(x, 1), or pad(x, ((1, 1), (0, 0)))",
    ),
    "sliding_window_view": Function(
        *(1, sliding_window_view, _windows, ("window_shape", "axis")),
        needed=1,
        is_view=True,
        example="sliding_window_view(x, (3, 3), axis=(0, 1))",
    ),
    "index": Function(1, _index, _indexed, ("index",), needed=1, is_view=True),
}
ALL = {**ELEMENTWISE, **REDUCTIONS, **OTHERS}
NAMES = tuple(name for name in ALL if name.isidentifier() and name not in ("negate", "index"))
"""The functions that are called by name."""
