"""The language of checks: what it computes, what it refuses, and that it can't be abused."""

from collections.abc import Mapping

import numpy as np
import pytest

from dojo_tools.diagnostics import InputError, Source, Span
from dojo_tools.runs.expression import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    LENGTH_MAX,
    evaluate,
    parse_expression,
    result_shape,
)

TENSORS: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {
    "x": np.arange(6.0).reshape(2, 3) - 2,
    "w": np.arange(12.0).reshape(3, 4),
    "b": np.array([1.0, 2.0, 3.0, 4.0]),
    "layer.v": np.array([2.0, 3.0, 5.0]),
}
SHAPES = {name: values.shape for name, values in TENSORS.items()}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x @ w + b",
        "-x ** 2 / 4 - 1e-3",
        "+x * (x - 1)",
        "w.T @ x.T",
        "maximum(x, 0)",
        "minimum(abs(x), 2)",
        "exp(x) + sqrt(abs(x))",
        "log(x)",
        "sum(x)",
        "sum(x, 1)",
        "mean(x, axis=-1)",
        "max(x @ w, axis=0)",
        "min(x)",
        "2",
        " b @ b",
    ],
)
def test_values_are_those_of_numpy(text: str) -> None:
    expression = parse_expression(text)
    functions = ("maximum", "minimum", "exp", "sqrt", "log", "sum", "mean", "max", "min", "abs")
    names = {name: getattr(np, name) for name in functions}
    with np.errstate(all="ignore"):
        wanted = eval(text.strip(), {**names, **TENSORS})
    found = evaluate(expression, TENSORS)
    np.testing.assert_array_equal(found, wanted)
    assert result_shape(expression, SHAPES) == found.shape


def test_a_dotted_name_is_a_symbol() -> None:
    expression = parse_expression("layer.v * 2")
    assert expression.names == ("layer.v",)
    assert evaluate(expression, TENSORS).tolist() == [4, 6, 10]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "not an expression"),
        ("x +", "not an expression"),
        ("x; y", "not an expression"),
        ("x\n+ 1", "longer than a line"),
        ("x < 1", "can't stand in an expression"),
        ("x[0]", "can't stand in an expression"),
        ("'x'", "can't stand in an expression"),
        ("True", "can't stand in an expression"),
        ("1j", "can't stand in an expression"),
        ("x // 2", "can't stand in an expression"),
        ("lambda: 1", "can't stand in an expression"),
        ("[i for i in x]", "can't stand in an expression"),
        ("x if x else x", "can't stand in an expression"),
        ("(y := x)", "can't stand in an expression"),
        ("x.__class__.__base__()", "can't stand in an expression"),
        ("(x + 1).real", "only `.T`"),
        ("__import__('os')", "unknown function `__import__`"),
        ("summ(x)", "unknown function `summ`"),
        ("sum()", "takes a tensor"),
        ("sum(x, 0, 1)", "takes a tensor"),
        ("sum(x, keepdims=1)", "takes a tensor"),
        ("sum(*x)", "can't stand in an expression"),
        ("sum(x, axis=x)", "an axis is an integer"),
        ("abs(x, x)", "takes 1 tensor"),
        ("maximum(x)", "takes 2 tensors"),
        ("10 ** 400 * 1" + "0" * 400, "beyond float64"),
        ("1" * (LENGTH_MAX + 1), "fit"),
        ("-" * (DEPTH_MAX + 1) + "x", "nested more than"),
        ("(" * 400 + "x" + ")" * 400, "not an expression"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("*", r"\*")):
        parse_expression(text)


@pytest.mark.parametrize(
    "text, message",
    [
        ("z", "no tensor `z`"),
        ("x + w", "do not go together"),
        ("x @ x", "no matrix product"),
        ("x @ 2", "no matrix product"),
        ("sum(x, 2)", "has no axis 2"),
        ("max(empty)", "`max` of nothing"),
    ],
)
def test_shapes_must_go_together(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        result_shape(parse_expression(text), {**SHAPES, "empty": (0,)})


@pytest.mark.parametrize(
    "text",
    ["column * row", "column @ row", "tall.T + tall", " + ".join(["flat"] * 40), "wide @ wide.T"],
)
def test_too_much_memory_or_time_is_refused_before_it_is_taken(text: str) -> None:
    shapes = {
        "column": (1 << 20, 1),
        "row": (1, 1 << 20),
        "tall": (1, 1 << 14),
        "flat": (1 << 20,),
        "wide": (1 << 11, 1 << 11),
    }
    shapes["tall"] = (ELEMENTS_MAX >> 10, 1)
    with pytest.raises(InputError, match="more than"):
        result_shape(parse_expression(text), shapes)


def test_a_large_power_is_only_a_float() -> None:
    assert np.isinf(evaluate(parse_expression("9 ** 9 ** 9 ** 9"), {}))


def test_mistakes_are_shown_in_place() -> None:
    source = Source("run.toml", 'expression = "x + foo(x)"')
    with pytest.raises(InputError) as caught:
        parse_expression("x + foo(x)", Span(source, 14, 24))
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == "foo(x)"
