"""What is known of a run before its program starts: inputs in memory, outputs ready to be checked.

Everything that can be wrong with the files and expressions of a run is found here and reported in
one go.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dojo_tools import floats
from dojo_tools.bits import mask
from dojo_tools.diagnostics import Diagnostic, InputError, Report, Severity, Span, fail
from dojo_tools.formats import Denormals, element_named
from dojo_tools.machine import count_beyond
from dojo_tools.runs.compare import (
    EXACT_INTEGER_LIMIT,
    AccuracyResult,
    Comparison,
    compare,
    expected_integers,
    measure_accuracy,
)
from dojo_tools.runs.convert import convert, is_float
from dojo_tools.runs.expression import Expression
from dojo_tools.runs.expression_functions import Shape
from dojo_tools.runs.expression_value import evaluate, result_shape
from dojo_tools.runs.generate import generate_values
from dojo_tools.runs.host import Copy, Host, placed
from dojo_tools.runs.model import (
    Accuracy,
    Argument,
    Check,
    Dump,
    Input,
    Numbers,
    Output,
    Place,
    RunFile,
    Show,
)
from dojo_tools.runs.report import InputResult, OutputResult
from dojo_tools.runs.tensor_files import read_tensor_file, save_tensor_file

Returned = TypeVar("Returned")


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """An output with what it is compared with, if that comes from a file."""

    output: Output
    element: str
    shape: Shape
    expected: NDArray[Any] | None
    labels: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Inputs in memory, outputs ready to be checked; `before` holds tensors as they were then."""

    host: Host
    inputs: tuple[InputResult, ...]
    outputs: tuple[OutputPlan, ...]
    before: Mapping[str, NDArray[Any]]

    def results(self) -> tuple[OutputResult, ...]:
        """Take every output from memory; check it and save it."""
        copies = [
            self.host.copies(plan.output.symbol, plan.output.place, plan.element, plan.shape)
            for plan in self.outputs
        ]
        pairs = zip(self.outputs, copies, strict=True)
        after = {plan.output.title: found[0].values for plan, found in pairs}
        tensors = {**after, **self.before}
        return tuple(
            self._result_of_copies(plan, found, tensors, self.host.denormals)
            for plan, found in zip(self.outputs, copies, strict=True)
        )

    def save_dumps(self, dumps: Sequence[Dump]) -> None:
        """Save memory however the run ended."""
        for dump in dumps:
            save_tensor_file(dump.path, *self.host.dump(dump))

    def _result_of_copies(
        self,
        plan: OutputPlan,
        copies: Sequence[Copy],
        tensors: Mapping[str, NDArray[Any]],
        denormals: Denormals,
    ) -> OutputResult:
        """Return the result of the first node, or where checks fail of the node furthest off."""
        output = plan.output
        if output.save is not None:
            save_tensor_file(output.save, copies[0].values, plan.element)
        results = [
            (self._result(plan, copy.values, tensors, denormals), copy.nodes) for copy in copies
        ]
        is_uniform = len(copies) == 1
        saved_node = None if is_uniform or output.save is None else copies[0].nodes[0]
        wrong = [(result, nodes) for result, nodes in results if not result.passed]
        if not wrong:
            return replace(results[0][0], is_uniform=is_uniform, saved_node=saved_node)
        furthest, nodes = max(wrong, key=lambda found: _badness(found[0]))
        return replace(
            furthest,
            node=nodes[0] if nodes else None,
            wrong_nodes=tuple(node for _, found in wrong for node in found),
            is_uniform=is_uniform,
            saved_node=saved_node,
        )

    def _result(
        self,
        plan: OutputPlan,
        found: NDArray[Any],
        tensors: Mapping[str, NDArray[Any]],
        denormals: Denormals,
    ) -> OutputResult:
        output = plan.output
        comparison: Comparison | None = None
        if output.check is not None:
            expected = plan.expected
            if expected is None:
                expected = _expression_value(output, output.check, plan.element, tensors)
            expected = np.broadcast_to(expected, plan.shape)
            comparison = compare(found, expected, plan.element, output.tolerance, denormals)
        accuracy: AccuracyResult | None = None
        if output.accuracy is not None and plan.labels is not None:
            accuracy = measure_accuracy(found, plan.labels, output.accuracy.at_least)
        saved = None if output.save is None else str(output.save)
        at_limit = _count_at_limit(found, plan.element)
        return OutputResult(
            output.title,
            plan.element,
            plan.shape,
            saved,
            comparison,
            accuracy,
            at_limit,
            span=output.span,
        )


def _badness(result: OutputResult) -> tuple[float, float]:
    """Return how far a wrong output is off: its largest error, then how many labels it misses."""
    largest = None if result.comparison is None else result.comparison.largest
    error = 0.0 if largest is None else largest.error
    missed = 0.0 if result.accuracy is None else 1 - result.accuracy.value
    return math.inf if math.isnan(error) else error, missed


def _count_at_limit(found: NDArray[Any], element: str) -> int:
    """Return how many values of a CFloat type are what too large ones become in it."""
    type_ = element_named(element)
    if type_.format is None or not type_.format.sets_flags:
        return 0
    limit = type_.decode(type_.encode(np.array(np.inf)))
    return int(np.count_nonzero(np.abs(found) == limit))


def _expression_value(
    output: Output, check: Check, element: str, tensors: Mapping[str, NDArray[Any]]
) -> NDArray[Any]:
    assert check.expression is not None
    value = evaluate(check.expression, tensors)
    for _ in range(check.repeat - 1):
        value = evaluate(check.expression, {**tensors, output.title: value})
    return value if is_float(element) else expected_integers(value, element, check.span)


class Planner:
    """Prepares a machine for a run and reports everything that is wrong with it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._denormals: Denormals = host.denormals
        self._report = Report()
        self._unknown: set[str] = set()
        """Tensors that are wrong: of an expression with one of them nothing can be said."""
        self.warnings: list[Diagnostic] = []

    def plan(self, run_file: RunFile) -> Plan:
        """Put everything in. Raises `InputError`, with nothing in it if only the file is wrong."""
        self._unknown |= run_file.mistakes.left_out
        inputs = [
            self._attempt(tensor.symbol_span, self._put, tensor) for tensor in run_file.inputs
        ]
        for argument in run_file.arguments:
            self._attempt(argument.span, self._set_argument, argument)
        outputs = [
            self._attempt(output.span, self._plan_output, output) for output in run_file.outputs
        ]
        for show in run_file.shows:
            self._attempt(show.span, self._show, show)
        for dump in run_file.dumps:
            self._attempt(None, self._check_dump, dump)
        wishes = (
            *zip(run_file.inputs, inputs, strict=True),
            *zip(run_file.outputs, outputs, strict=True),
        )
        self._unknown |= {wish.title for wish, found in wishes if found is None}
        plans = tuple(plan for plan in outputs if plan is not None)
        before = self._check_expressions(run_file, plans)
        self._report.stop_if_errors()
        if run_file.mistakes.found:
            raise InputError(())
        overwritten = {argument.name for argument in run_file.arguments}
        results = tuple(
            replace(found, origin="argument", seed=None, saturated=0)
            if wish.symbol in overwritten
            else found
            for wish, found in zip(run_file.inputs, inputs, strict=True)
            if found is not None
        )
        return Plan(self._host, results, plans, before)

    def _attempt(
        self, span: Span | None, step: Callable[[Any], Returned], wish: Any
    ) -> Returned | None:
        """Return what a step returns; report its errors, those without a place at `span`."""
        try:
            return step(wish)
        except InputError as error:
            for diagnostic in error.diagnostics:
                placed = replace(diagnostic, span=diagnostic.span or span)
                self._report.add(placed)
            return None

    # ---- inputs and arguments

    def _put(self, wish: Input) -> InputResult:
        element, shape = self._host.type_of(wish.symbol, wish.place, wish.element, wish.shape)
        purpose = f"{_subject(wish)} is {element} {shape}"
        if wish.file is None and wish.generate is None:
            raise InputError(())  # its origin is wrong, as the run file's mistakes say
        if wish.file is not None:
            origin, seed = wish.file.name, None
            values = read_tensor_file(wish.file, shape, purpose, wish.span)
        else:
            assert wish.generate is not None
            origin, seed = wish.generate.kind, wish.generate.seed
            values = generate_values(wish.generate, shape)
        converted = convert(values, element, origin, wish.span, self._denormals)
        self._host.write(wish.symbol, wish.place, converted, element)
        size = converted.size * element_named(element).size
        saturated = count_beyond(values, element) if values.dtype.kind == "f" else 0
        return InputResult(wish.title, element, shape, size, origin, seed, saturated)

    def _set_argument(self, argument: Argument) -> None:
        name = argument.name
        registers = self._host.description.register_names
        if name in registers:
            file, index = registers[name]
            if file.width != 64:
                message = f"register `{name}` has {file.width} bits; an argument has 64"
                raise fail(message, argument.name_span)
            if index == file.zero:
                raise fail(f"register `{name}` is always zero", argument.name_span)
            for node, value in self._values(argument):
                self._host.write_register(name, node, _integer(name, value, 64))
            return
        for node, value in self._values(argument):
            self._set_symbol(argument, node, value)

    def _values(self, argument: Argument) -> Iterator[tuple[tuple[int, int] | None, Numbers]]:
        """Yield a node and its value, or no node and the value for all."""
        if argument.nodes is None:
            yield None, argument.value
            return
        width, height = self._host.size
        if isinstance(argument.nodes, Path):
            purpose = (
                f"argument `{argument.name}` has a number for each of {width} x {height} nodes"
            )
            values = read_tensor_file(argument.nodes, (height, width), purpose, argument.span)
        else:
            values = _node_values(argument.nodes, width, height)
        for x, y in self._host.nodes:
            yield (x, y), values[y, x].item()

    def _set_symbol(self, argument: Argument, node: tuple[int, int] | None, value: Numbers) -> None:
        name, place = argument.name, Place(node)
        with placed(argument.name_span):
            is_typed = self._host.is_typed(name, place)
        if not is_typed:
            with placed(argument.name_span):
                size = self._host.scalar_size(name, place)
            number = _integer(name, value, size * 8) & mask(size * 8)
            self._host.write_scalar(name, place, number.to_bytes(size, "little"))
            return
        element, shape = self._host.type_of(name, place, None, None)
        values = _array(value)
        if values.shape != shape and not (values.ndim == 0 and math.prod(shape) == 1):
            raise fail(
                f"argument `{name}` has shape {values.shape}; the symbol is {element} {shape}"
            )
        origin = f"argument `{name}`"
        if values.dtype.kind == "f" and not is_float(element) and argument.nodes is not None:
            values = _as_integers(values)
        converted = convert(values, element, origin, argument.span, self._denormals)
        self._host.write(name, place, converted.reshape(shape), element)
        if values.dtype.kind == "f" and (count := count_beyond(values, element)):
            self.warnings.append(_saturated(argument, element, count))

    # ---- outputs

    def _plan_output(self, output: Output) -> OutputPlan:
        element, shape = self._host.type_of(
            output.symbol, output.place, output.element, output.shape
        )
        purpose = f"output `{output.title}` is {element} {shape}"
        expected = None
        if output.check is not None and output.check.file is not None:
            path, span = output.check.file, output.check.span
            expected = read_tensor_file(path, shape, purpose, span)
            if not is_float(element):
                expected = convert(expected, element, path.name, span)
        labels = None
        if output.accuracy is not None:
            labels = _labels(output.accuracy, shape)
        return OutputPlan(output, element, shape, expected, labels)

    def _show(self, show: Show) -> None:
        self._host.show_as(show.register, show.element)

    def _check_dump(self, dump: Dump) -> None:
        self._host.check_dump(dump)

    def _check_expressions(
        self, run_file: RunFile, plans: tuple[OutputPlan, ...]
    ) -> dict[str, NDArray[Any]]:
        """Check every expression; return the tensors that mean their value before the run.

        An input means what was put in, also where the program overwrites it; another output what
        came out; any other symbol with a type what the image holds.
        """
        inputs = {wish.title: wish for wish in run_file.inputs if wish.title not in self._unknown}
        shapes = {plan.output.title: plan.shape for plan in plans}
        shapes |= {name: shape for name, shape in self._host.shapes.items() if name not in shapes}
        shapes |= {
            name: self._host.type_of(wish.symbol, wish.place, wish.element, wish.shape)[1]
            for name, wish in inputs.items()
        }
        before: dict[str, NDArray[Any]] = {}
        outputs = {plan.output.title for plan in plans}
        for plan in plans:
            check = plan.output.check
            if check is None or check.expression is None:
                continue
            if self._unknown & set(check.expression.names):
                continue
            shape = self._attempt(check.span, partial(_shape_of, shapes=shapes), check)
            if shape is None:
                continue
            is_again = check.repeat > 1
            if shape not in ((), plan.shape) or (is_again and shape != plan.shape):
                self._report.error(
                    f"the expression has shape {shape}; output `{plan.output.title}` is "
                    f"{plan.element} {plan.shape}",
                    check.span,
                )
            if is_again and not {plan.output.title} <= inputs.keys() & set(check.expression.names):
                self._report.error(
                    f"`repeat` needs `{plan.output.title}` in the expression, and as an input: "
                    "from the second time on it is what came out the time before",
                    check.span,
                )
            for name in check.expression.names:
                if name in inputs or name not in outputs:
                    wish = inputs.get(name) or Input(name)
                    element, given = self._host.type_of(
                        wish.symbol, wish.place, wish.element, wish.shape
                    )
                    before[name] = self._host.read(wish.symbol, wish.place, element, given)
        return before


def _shape_of(check: Check, shapes: Mapping[str, Shape]) -> Shape:
    assert check.expression is not None
    return result_shape(check.expression, shapes, check.repeat)


def _labels(accuracy: Accuracy, shape: Shape) -> NDArray[Any]:
    if not shape or 0 in shape:
        raise fail(f"accuracy needs rows of numbers, the output has shape {shape}", accuracy.span)
    name = accuracy.labels.name
    purpose = f"an output of shape {shape} needs labels of shape {shape[:-1]}"
    labels = read_tensor_file(accuracy.labels, shape[:-1], purpose, accuracy.span)
    labels = convert(labels, "i64", name, accuracy.span)
    outside = (labels < 0) | (labels >= shape[-1])
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise fail(
            f"{name}{list(index)} is {labels[index]}, not one of the {shape[-1]} classes "
            f"0..{shape[-1] - 1}",
            accuracy.span,
        )
    return labels


def _subject(wish: Input) -> str:
    """Return how messages name what an input goes to."""
    return f"symbol `{wish.symbol}`" if wish.symbol else f"DIP input `{wish.title}`"


def _node_values(expression: Expression, width: int, height: int) -> NDArray[Any]:
    """Return an expression's value on each node, by row and column; integers where all are."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    numbers = {"x": columns, "y": rows, "width": np.array(float(width))}
    numbers["height"] = np.array(float(height))
    unknown = [name for name in expression.names if name not in numbers]
    if unknown:
        raise fail(
            f"`{unknown[0]}` is not known here", hint="there are `x`, `y`, `width` and `height`"
        )
    shapes = {name: value.shape for name, value in numbers.items()}
    if result_shape(expression, shapes) not in ((), (height, width)):
        raise fail("the expression is not one number for each node")
    values = np.broadcast_to(evaluate(expression, numbers), (height, width))
    return _as_integers(values)


def _as_integers(values: NDArray[Any]) -> NDArray[Any]:
    """Return floats as integers if all are whole numbers that float64 holds exactly."""
    with floats.quiet():
        is_whole = (np.rint(values) == values) & (np.abs(values) < EXACT_INTEGER_LIMIT)
    return values.astype(np.int64) if is_whole.all() else values


def _integer(name: str, value: Numbers, width: int) -> int:
    if not isinstance(value, int):
        raise fail(f"argument `{name}` is {value}; an integer fits there")
    low, high = -(mask(width - 1) + 1), mask(width)
    if not low <= value <= high:
        raise fail(f"argument `{name}` is {value}; {low}..{high} fits")
    return value


def _saturated(argument: Argument, element: str, count: int) -> Diagnostic:
    """Return the warning that numbers of an argument are not what was written."""
    numbers = f"{count} numbers" if count > 1 else "a number"
    message = f"argument `{argument.name}` has {numbers} beyond {element}, which saturate"
    return Diagnostic(Severity.WARNING, message, argument.span, name="saturation")


def _array(value: Numbers) -> NDArray[Any]:
    """Return nested numbers as int64, uint64 or float64."""
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        raise fail("the rows of this array differ in length") from None
    if array.dtype.kind not in "iuf":
        raise fail("this holds an integer beyond 64 bits")
    return array
