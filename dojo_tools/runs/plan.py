"""What is known of a run before its program starts: inputs in memory, outputs ready to be checked.

Everything that can be wrong with the files and expressions of a run is found here and reported in
one go.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dojo_tools.bits import mask
from dojo_tools.diagnostics import Diagnostic, InputError, Report, Severity, Span, fail, printable
from dojo_tools.formats import Denormals, element_named, find_element
from dojo_tools.machine import Machine, count_beyond
from dojo_tools.objects import ABSOLUTE
from dojo_tools.runs.compare import (
    AccuracyResult,
    Comparison,
    compare,
    expected_integers,
    measure_accuracy,
)
from dojo_tools.runs.convert import convert, is_float
from dojo_tools.runs.expression import Shape, evaluate, result_shape
from dojo_tools.runs.generate import generate_values
from dojo_tools.runs.model import (
    Accuracy,
    Argument,
    Check,
    Dump,
    Input,
    Numbers,
    Output,
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

    inputs: tuple[InputResult, ...]
    outputs: tuple[OutputPlan, ...]
    before: Mapping[str, NDArray[Any]]

    def results(self, machine: Machine) -> tuple[OutputResult, ...]:
        """Take every output from memory; check it and save it."""
        after = {
            plan.output.symbol: machine.read_tensor(plan.output.symbol, plan.element, plan.shape)
            for plan in self.outputs
        }
        tensors = {**after, **self.before}
        return tuple(
            self._result(plan, after[plan.output.symbol], tensors, machine.definition.denormals)
            for plan in self.outputs
        )

    def save_dumps(self, machine: Machine, dumps: Sequence[Dump]) -> None:
        """Save memory however the run ended."""
        for dump in dumps:
            known = machine.tensor(dump.symbol)
            if known is not None:
                values, element = machine.read_tensor(dump.symbol), known.element
            else:
                symbol = machine.symbol(dump.symbol)
                contents = machine.read_memory(symbol.value, symbol.size)
                values, element = np.frombuffer(contents, np.uint8), "u8"
            save_tensor_file(dump.path, values, element)

    def _result(
        self,
        plan: OutputPlan,
        found: NDArray[Any],
        tensors: Mapping[str, NDArray[Any]],
        denormals: Denormals,
    ) -> OutputResult:
        output = plan.output
        if output.save is not None:
            save_tensor_file(output.save, found, plan.element)
        comparison: Comparison | None = None
        if output.check is not None:
            expected = plan.expected
            if expected is None:
                expected = _expression_value(output.check, plan.element, tensors)
            expected = np.broadcast_to(expected, plan.shape)
            comparison = compare(found, expected, plan.element, output.tolerance, denormals)
        accuracy: AccuracyResult | None = None
        if output.accuracy is not None and plan.labels is not None:
            accuracy = measure_accuracy(found, plan.labels, output.accuracy.at_least)
        saved = None if output.save is None else str(output.save)
        at_limit = _count_at_limit(found, plan.element)
        return OutputResult(
            output.symbol, plan.element, plan.shape, saved, comparison, accuracy, at_limit
        )


def _count_at_limit(found: NDArray[Any], element: str) -> int:
    """Return how many values of a CFloat type are what too large ones become in it."""
    type_ = element_named(element)
    if type_.format is None or not type_.format.sets_flags:
        return 0
    limit = type_.decode(type_.encode(np.array(np.inf)))
    return int(np.count_nonzero(np.abs(found) == limit))


def _expression_value(
    check: Check, element: str, tensors: Mapping[str, NDArray[Any]]
) -> NDArray[Any]:
    assert check.expression is not None
    wide = {name: tensors[name].astype(np.float64) for name in check.expression.names}
    value = evaluate(check.expression, wide)
    return value if is_float(element) else expected_integers(value, element, check.span)


class Planner:
    """Prepares a machine for a run and reports everything that is wrong with it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._denormals: Denormals = machine.definition.denormals
        self._report = Report()
        self.warnings: list[Diagnostic] = []

    def plan(self, run_file: RunFile) -> Plan:
        inputs = [self._attempt(tensor.span, self._put, tensor) for tensor in run_file.inputs]
        for argument in run_file.arguments:
            self._attempt(argument.span, self._set_argument, argument)
        outputs = [
            self._attempt(output.span, self._plan_output, output) for output in run_file.outputs
        ]
        for show in run_file.shows:
            self._attempt(show.span, self._show, show)
        for dump in run_file.dumps:
            self._attempt(None, self._check_dump, dump)
        self._report.stop_if_errors()
        plans = tuple(plan for plan in outputs if plan is not None)
        before = self._check_expressions(run_file, plans)
        self._report.stop_if_errors()
        return Plan(tuple(i for i in inputs if i is not None), plans, before)

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
        element, shape = self._type(wish.symbol, wish.element, wish.shape)
        purpose = f"symbol `{wish.symbol}` is {element} {shape}"
        if wish.file is not None:
            origin, seed = wish.file.name, None
            values = read_tensor_file(wish.file, shape, purpose, wish.span)
        else:
            assert wish.generate is not None
            origin, seed = wish.generate.kind, wish.generate.seed
            values = generate_values(wish.generate, shape)
        converted = convert(values, element, origin, wish.span, self._denormals)
        self._machine.write_tensor(wish.symbol, converted, element)
        size = converted.size * element_named(element).size
        saturated = count_beyond(values, element) if values.dtype.kind == "f" else 0
        return InputResult(wish.symbol, element, shape, size, origin, seed, saturated)

    def _type(self, name: str, element: str | None, shape: Shape | None) -> tuple[str, Shape]:
        """Return element type and shape of the data at a symbol; both must agree with its own."""
        symbol = self._machine.symbol(name)
        if symbol.section == ABSOLUTE:
            raise fail(f"symbol `{name}` is a number, not a place in memory")
        known = self._machine.tensor(name)
        if known is not None:
            wanted = element or known.element, known.shape if shape is None else shape
            if wanted != (known.element, known.shape):
                raise fail(
                    f"`{name}` is called {wanted[0]} {wanted[1]} here; "
                    f"the symbol is {known.element} {known.shape}"
                )
            element, shape = wanted
        if element is None or shape is None:
            raise fail(
                f"symbol `{name}` has no type",
                hint='declare it with `.tensor`, or give `element` and `shape`: "f32", [8, 8]',
            )
        # The type may come from an image that somebody made up.
        type_ = find_element(element)
        if type_ is None:
            raise fail(f"symbol `{name}` has the unknown element type `{printable(element)}`")
        size = math.prod(shape) * type_.size
        if 0 < symbol.size < size:
            raise fail(f"{element} {shape} has {size} bytes; symbol `{name}` has {symbol.size}")
        self._machine.read_memory(symbol.value, size)
        return element, shape

    def _set_argument(self, argument: Argument) -> None:
        machine, name, value = self._machine, argument.name, argument.value
        register = machine.description.register_names.get(name)
        if register is not None:
            file, index = register
            if file.width != 64:
                raise fail(f"register `{name}` has {file.width} bits; an argument has 64")
            if index == file.zero:
                raise fail(f"register `{name}` is always zero")
            machine.write_register(name, _integer(argument, 64))
            return
        if machine.tensor(name) is None:
            symbol = machine.symbol(name)
            size = symbol.size if symbol.size in (1, 2, 4, 8) else 8
            if symbol.section == ABSOLUTE or 0 < symbol.size < size:
                raise fail(f"symbol `{name}` can't hold an argument")
            number = _integer(argument, size * 8) & mask(size * 8)
            machine.write_memory(symbol.value, number.to_bytes(size, "little"))
            return
        element, shape = self._type(name, None, None)
        values = _array(value)
        if values.shape != shape and not (values.ndim == 0 and math.prod(shape) == 1):
            raise fail(
                f"argument `{name}` has shape {values.shape}; the symbol is {element} {shape}"
            )
        origin = f"argument `{name}`"
        converted = convert(values, element, origin, argument.span, self._denormals)
        machine.write_tensor(name, converted.reshape(shape))
        if values.dtype.kind == "f" and (count := count_beyond(values, element)):
            self.warnings.append(_saturated(argument, element, count))

    # ---- outputs

    def _plan_output(self, output: Output) -> OutputPlan:
        element, shape = self._type(output.symbol, output.element, output.shape)
        purpose = f"output `{output.symbol}` is {element} {shape}"
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
        self._machine.show_as(show.register, show.element)

    def _check_dump(self, dump: Dump) -> None:
        symbol = self._machine.symbol(dump.symbol)
        if self._machine.tensor(dump.symbol) is not None:
            self._type(dump.symbol, None, None)
        elif symbol.size == 0 or symbol.section == ABSOLUTE:
            raise fail(f"symbol `{dump.symbol}` has neither a type nor a size to dump")
        else:
            self._machine.read_memory(symbol.value, symbol.size)

    def _check_expressions(
        self, run_file: RunFile, plans: tuple[OutputPlan, ...]
    ) -> dict[str, NDArray[Any]]:
        """Check every expression; return the tensors that mean their value before the run.

        An input means what was put in, also where the program overwrites it; another output what
        came out; any other symbol with a type what the image holds.
        """
        types = {wish.symbol: (wish.element, wish.shape) for wish in run_file.inputs}
        shapes = {plan.output.symbol: plan.shape for plan in plans}
        image = self._machine.image
        shapes |= {image.symbols[t.symbol].name: t.shape for t in image.tensors}
        shapes |= {name: shape for name, (_, shape) in types.items() if shape is not None}
        before: dict[str, NDArray[Any]] = {}
        outputs = {plan.output.symbol for plan in plans}
        for plan in plans:
            check = plan.output.check
            if check is None or check.expression is None:
                continue
            shape = self._attempt(
                check.span, lambda expression: result_shape(expression, shapes), check.expression
            )
            if shape is None:
                continue
            if shape not in ((), plan.shape):
                self._report.error(
                    f"the expression has shape {shape}; output `{plan.output.symbol}` is "
                    f"{plan.element} {plan.shape}",
                    check.span,
                )
            for name in check.expression.names:
                if name in types or name not in outputs:
                    element, given = types.get(name, (None, None))
                    before[name] = self._machine.read_tensor(name, element, given)
        return before


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


def _integer(argument: Argument, width: int) -> int:
    value = argument.value
    if not isinstance(value, int):
        raise fail(f"argument `{argument.name}` is {value}; an integer fits there")
    low, high = -(mask(width - 1) + 1), mask(width)
    if not low <= value <= high:
        raise fail(f"argument `{argument.name}` is {value}; {low}..{high} fits")
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
