"""The language of checks: what it computes, what it refuses, and that it can't be abused."""

from collections.abc import Mapping

import numpy as np
import pytest

from dojo_tools.diagnostics import InputError, Source, Span
from dojo_tools.runs.expression import DEPTH_MAX, LENGTH_MAX, parse_expression
from dojo_tools.runs.expression_functions import NAMES
from dojo_tools.runs.expression_value import ELEMENTS_MAX, evaluate, result_shape

TENSORS: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {
    "x": np.arange(6.0).reshape(2, 3) - 2,
    "w": np.arange(12.0).reshape(3, 4),
    "b": np.array([1.0, 2.0, 3.0, 4.0]),
    "layer.v": np.array([2.0, 3.0, 5.0]),
    "t": np.arange(120.0).reshape(2, 3, 4, 5),
    "ones": np.ones((10, 3)),
    "layer5": np.arange(5.0),
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
        "sum(t, axis=(0, -1), keepdims=True)",
        "var(x, axis=1, keepdims=True)",
        "std(x)",
        "x.mean(axis=0) + x.sum(0)",
        "(x - max(x, axis=1, keepdims=True)) / x.std(1, keepdims=True)",
        "reshape(x, 6)",
        "reshape(t, (6, -1))",
        "t.reshape(2, -1, 5)",
        "t.reshape((12, 10)) @ ones",
        "t.reshape(-1)",
        "transpose(t)",
        "transpose(t, (1, 0, 3, 2))",
        "t.transpose(0, 2, -3, 3)",
        "t.transpose().T",
        "pad(x, 1)",
        "pad(x, (1, 2))",
        "pad(x, ((1, 0), (0, 2)))",
        "pad(b, ((1, 2),))",
        "x[0]",
        "x[-1, 1:]",
        "t[..., ::2]",
        "t[:, None, 0, 1:-1]",
        "b[::-1]",
        "pad(x, 1)[1:-1, :-2] + pad(x, 1)[1:-1, 2:]",
        "t @ t.transpose(0, 1, 3, 2)",
        "t @ layer5",
        "b @ w.T",
        "t[0, 0] @ ones[:5, :2]",
        "einsum('ij,jk->ik', x, w)",
        "einsum('abcd, b -> ca', t, b[1:])",
        "einsum('ii->i', w[:, :3])",
        "sliding_window_view(x, 2, axis=1)",
        "sliding_window_view(pad(x, 1), (3, 3), axis=(0, 1)).sum((2, 3))",
        "sliding_window_view(x, (1, 2))",
        "sum(x,\n    axis=1)\n  * 2",
    ],
)
def test_values_are_those_of_numpy(text: str) -> None:
    expression = parse_expression(text)
    names = {name: getattr(np, name, None) for name in NAMES}
    names["sliding_window_view"] = np.lib.stride_tricks.sliding_window_view
    with np.errstate(all="ignore"):
        wanted = eval(text.strip().replace("\n", " "), {**names, **TENSORS})
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
        ("", "the expression is empty"),
        (" \n", "the expression is empty"),
        ("np.exp(x)", "functions stand without `np.`"),
        ("np.expp(x)", "unknown function `expp`"),
        ("x +", "not an expression"),
        ("x; y", "not an expression"),
        ("x < 1", "can't stand in an expression"),
        ("x[[0, 1]]", "an index is an integer"),
        ("x[x]", "has to be written out"),
        ("x[True]", "an index is an integer"),
        ("x[0.5]", "has to be written out"),
        ("x[1:'a']", "a bound of a slice is an integer"),
        ("'x'", "can't stand in an expression"),
        ("True", "can't stand in an expression"),
        ("1j", "can't stand in an expression"),
        ("x // 2", "can't stand in an expression"),
        ("lambda: 1", "can't stand in an expression"),
        ("[i for i in x]", "can't stand in an expression"),
        ("x if x else x", "can't stand in an expression"),
        ("(y := x)", "can't stand in an expression"),
        ("x.__class__.__base__()", "unknown method `__base__`"),
        ("(x + 1).real", "only `.T` and a call"),
        ("__import__('os')", "unknown function `__import__`"),
        ("summ(x)", "unknown function `summ`"),
        ("sum()", "`sum` takes 1 tensor"),
        ("sum(x, 0, 1)", "more arguments than it takes"),
        ("sum(x, 0, axis=1)", "has `axis` twice"),
        ("sum(x, dtype=1)", "has no option `dtype`"),
        ("sum(x, **y)", "has no option `None`"),
        ("sum(x, keepdims=1)", "`keepdims` is True or False"),
        ("sum(x, axis=0.5)", "has to be written out"),
        ("sum(x, axis=())", "`axis` is an integer or a tuple"),
        ("x.exp()", "unknown method `exp`"),
        ("x.reshap(2)", "unknown method `reshap`"),
        ("reshape(x)", "`reshape` needs `shape`"),
        ("x.reshape(2, 'a')", "`shape` is an integer or a tuple"),
        ("x.reshape(2, y)", "has to be written out"),
        ("x.transpose(1.5)", "has to be written out"),
        ("pad(x, 'edge')", "`pad_width` is an integer or pairs"),
        ("pad(x, 1, mode='edge')", "has no option `mode`"),
        ("einsum(x, y)", "has to be written out"),
        ("einsum('ij->ji')", "`einsum` takes tensors"),
        (f"pad(x, {10**15})", "has to be written out"),
        ("sum(*x)", "can't stand in an expression"),
        ("sum(x, axis=x)", "has to be written out"),
        ("abs(x, x)", "`abs` has more arguments"),
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
        ("x @ layer.v[0]", "a single number is no matrix"),
        ("t @ t", "5 columns, 4 rows"),
        ("t @ w[None, :2]", "no matrix product"),
        ("sum(x, 2)", "no axis 2 among 2: -2..1 fits"),
        ("sum(x, axis=(0, -2))", "names one twice"),
        ("max(empty)", "`max`: there is nothing to take it of"),
        ("x.reshape(4, 2)", "`reshape`: shape .2, 3. has 6 elements, .4, 2. takes 8"),
        ("x.reshape(4, -1)", "takes a multiple of 4"),
        ("x.reshape(-1, -1)", "more than one extent open"),
        ("x.reshape(-2, 3)", "is no shape"),
        ("t.transpose(0, 1, 2)", "axes .0, 1, 2. of shape .2, 3, 4, 5.: each of 0..3 once"),
        ("t.transpose(0, 1, 2, 2)", "names one twice"),
        ("t.transpose(0, 1, 2, 4)", "no axis 4"),
        ("pad(x, ((1, 1),))", "does not pad shape .2, 3."),
        ("pad(x, -1)", "does not pad"),
        ("pad(x, (1, 2, 3))", "does not pad"),
        ("x[2]", "index 2 is out of bounds for axis 0 with size 2"),
        ("x[0, 0, 0]", "too many indices"),
        ("x[::0]", "step cannot be zero"),
        ("einsum('ij,kl->il', x, x, x)", "2 operands have letters, 3 are given"),
        ("einsum('ij,jk->ik', x, x)", "`j` is 3 and 2"),
        ("einsum('ijk->i', x)", "`ijk` is for 3 dimensions"),
        ("einsum('ij->k', x)", "`k` of the result is not one letter"),
        ("einsum('ij->ii', x)", "`i` of the result is not one letter"),
        ("einsum('ij', x)", "is not of the form"),
        ("einsum('i.->i', x)", "is not of the form"),
        ("sliding_window_view(x, 4, 1)", "a window of 4 in an axis of 3"),
        ("sliding_window_view(x, 2)", "a window of 1 extents for 2 axes"),
    ],
)
def test_shapes_must_go_together(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        result_shape(parse_expression(text), {**SHAPES, "empty": (0,)})


@pytest.mark.parametrize(
    "text",
    [
        "column * row",
        "column @ row",
        "tall.T + tall",
        "+".join(["(" + "+".join(["v"] * 40) + ")"] * 5),
        "wide @ wide.T",
        "einsum('ij,kj->ik', deep, deep)",
        "pad(flat, 1000000000)",
        "sliding_window_view(flat, 1000) + 1",
        " * ".join(f"(flat + {n}" for n in range(40)) + ")" * 40,
        "var(big, keepdims=True)",
    ],
)
def test_too_much_memory_or_time_is_refused_before_it_is_taken(text: str) -> None:
    shapes = {
        "column": (1 << 20, 1),
        "row": (1, 1 << 20),
        "tall": (1, 1 << 14),
        "flat": (1 << 21,),
        "big": (ELEMENTS_MAX >> 1,),
        "v": (ELEMENTS_MAX >> 1,),
        "wide": (1 << 13, 1 << 12),
        "deep": (1 << 12, 1 << 11),
    }
    shapes["tall"] = (ELEMENTS_MAX >> 10, 1)
    with pytest.raises(InputError, match=r"at one time|more than \d+"):
        result_shape(parse_expression(text), shapes)


def test_what_is_not_held_at_one_time_is_not_counted_as_such() -> None:
    shapes = {"flat": (ELEMENTS_MAX >> 2,)}
    text = " + ".join(["flat[::-1]"] * 50)
    assert result_shape(parse_expression(text), shapes) == shapes["flat"]


def test_time_counts_as_often_as_it_is_repeated() -> None:
    expression = parse_expression("x * 2")
    shapes = {"x": (1 << 20,)}
    assert result_shape(expression, shapes, 1000) == (1 << 20,)
    with pytest.raises(InputError, match="computes more than"):
        result_shape(expression, shapes, 10_000)


def test_a_misused_function_says_how_it_is_written() -> None:
    for text, hint in (
        ("x.reshap(2)", "did you mean `reshape`?"),
        ("reshape(x)", "as in reshape(x, (4, 8)), or x.reshape(4, -1)"),
        ("maximum(x)", "as in maximum(x, y)"),
    ):
        with pytest.raises(InputError) as caught:
            parse_expression(text)
        assert caught.value.diagnostics[0].hint == hint


def test_a_large_power_is_only_a_float() -> None:
    assert np.isinf(evaluate(parse_expression("9 ** 9 ** 9 ** 9"), {}))


def test_a_mistake_of_an_expression_of_several_lines_is_shown_in_its_line() -> None:
    text = "x +\n  foo(x)"
    with pytest.raises(InputError) as caught:
        parse_expression(text)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert (span.line, span.column, span.text) == (2, 3, "foo(x)")


def test_wrong_syntax_is_shown_where_it_is() -> None:
    source = Source("run.toml", 'expression = "x @@ y"')
    with pytest.raises(InputError) as caught:
        parse_expression("x @@ y", Span(source, 14, 20))
    assert str(caught.value.diagnostics[0].span) == "run.toml:1:18"


def test_mistakes_are_shown_in_place() -> None:
    source = Source("run.toml", 'expression = "x + foo(x)"')
    with pytest.raises(InputError) as caught:
        parse_expression("x + foo(x)", Span(source, 14, 24))
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert span.text == "foo(x)"
