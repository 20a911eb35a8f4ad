"""Reads what goes in and comes out: `[[input]]`, `[[output]]` and a number for each node."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dojo_tools.assembler import is_name
from dojo_tools.bits import mask
from dojo_tools.diagnostics import InputError, Severity, Span, did_you_mean
from dojo_tools.formats import element_named
from dojo_tools.runs.expression import Expression, parse_expression
from dojo_tools.runs.generate import KINDS
from dojo_tools.runs.model import (
    INTEGER_MAX,
    Accuracy,
    Blocks,
    Check,
    Generate,
    Input,
    Number,
    Output,
    Place,
    Tolerance,
)
from dojo_tools.runs.run_folder import RunFolder
from dojo_tools.toml_source import Table, describe_value

RANK_MAX = 8
NODES_SIDE_MAX = 4096
REPEAT_MAX = 10_000

_PLACE_KEYS = ("node", "blocks", "dip", "offset", "name")
_TOLERANCES = ("absolute", "relative", "ulp")
_WISHES = ("save", "check", "accuracy")


def read_tensors(root: Table, folder: RunFolder) -> tuple[list[Input], list[Output], set[str]]:
    """Return the inputs and outputs, and the names of those of which nobody can say what they are.

    These are left out; of others only what is wrong is.
    """
    left_out: set[str] = set()
    tables = root.take_tables("input"), root.take_tables("output")
    inputs = [wish for table in tables[0] if (wish := _input(table, folder, left_out))]
    outputs = [wish for table in tables[1] if (wish := _output(table, folder, left_out))]
    for several in tables:
        _check_twice(several)
    folder.check_saves()
    return inputs, outputs, left_out


def _check_twice(tables: Sequence[Table]) -> None:
    """Report what is named twice among inputs or among outputs.

    The same symbol on another node is another tensor, and needs a `name` to be told apart.
    """
    names: set[str] = set()
    places: set[str] = set()
    for table in tables:
        symbol, name = table.values.get("symbol"), table.values.get("name")
        title = symbol if name is None else name
        place = repr([table.values.get(key) for key in ("symbol", *_PLACE_KEYS[:-1])])
        key = "symbol" if name is None else "name"
        if isinstance(symbol, str) and place in places:
            table.error(f"`{symbol}` is named twice", "symbol", "one table says all about it")
        elif isinstance(title, str) and title in names:
            hint = "give one of them a `name` of its own" if name is None else None
            table.error(f"`{title}` is named twice", key, hint)
        places.add(place)
        names |= {title} if isinstance(title, str) else set()


# ---- inputs


@dataclass(frozen=True, slots=True)
class _Subject:
    """Which tensor a table is about."""

    symbol: str
    name: str
    element: str | None
    shape: tuple[int, ...] | None
    place: Place
    span: Span


def _subject(table: Table, left_out: set[str]) -> _Subject | None:
    """Return which tensor a table is about; None, and its name in `left_out`, if that is wrong."""
    before = len(table.report.diagnostics)
    place = _place(table)
    found = _Subject(
        _symbol(table, place),
        _name(table, place),
        read_element(table, "element"),
        _shape(table),
        place,
        table.span("symbol" if place.dip is None else "dip"),
    )
    if len(table.report.diagnostics) == before:
        return found
    left_out.add(found.name or found.symbol)
    return None


def _input(table: Table, folder: RunFolder, left_out: set[str]) -> Input | None:
    table.check_keys(("symbol", "file", "generate", "element", "shape", *_PLACE_KEYS))
    origin = one_of(table, "an input", ("file", "generate"))
    file, generate = folder.tensor_file(table, "file"), _generate(table)
    subject = _subject(table, left_out)
    if subject is None:
        return None
    return Input(
        subject.symbol,
        file,
        generate,
        subject.element,
        subject.shape,
        table.span(origin or ()),
        subject.place,
        subject.name,
        subject.span,
    )


def one_of(table: Table, what: str, keys: tuple[str, str]) -> str | None:
    """Return which of two keys a table has; report if it has none of them or both."""
    given = [key for key in keys if key in table.values]
    if len(given) == 1:
        return given[0]
    example = f"{table.example(keys[0])}, or {table.document.examples.get(keys[1])}"
    if given:
        table.key_error(f"{what} has `{keys[0]}` and `{keys[1]}`; one fits", keys[1])
    else:
        table.error(f"{what} needs either `{keys[0]}` or `{keys[1]}`", hint=example)
    return None


def _generate(table: Table) -> Generate | None:
    generate = table.take_table("generate")
    if generate is None:
        return None
    kind = generate.take_string("kind")
    if kind is None:
        if "kind" not in generate.values:
            generate.error("`generate` needs a `kind`", hint=f"one of {listed(KINDS, 'or')}")
        return None
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"there are {listed(KINDS, 'and')}"
        generate.error(f"unknown kind `{kind}`", "kind", hint)
        return None
    wrong_count = table.report.counts[Severity.ERROR]
    settings = _settings(generate, kind, KINDS[kind])
    is_right = table.report.counts[Severity.ERROR] == wrong_count
    return Generate(kind, **settings) if is_right else None


def _settings(table: Table, kind: str, known: Mapping[str, Number | None]) -> dict[str, Any]:
    """Read the settings of a kind of generated numbers, with their defaults."""
    every = dict.fromkeys(key for settings in KINDS.values() for key in settings)
    for key in table.values:
        if key in every and key not in known:
            hint = f"it uses {listed(known, 'and')}" if known else "it uses no settings"
            table.key_error(f"`{kind}` does not use `{key}`", key, hint)
    table.check_keys(("kind", *every))
    settings: dict[str, Any] = {}
    for key, default in known.items():
        if key == "seed":
            value = table.take_integer(key, 0, mask(64))
        elif kind in ("integers", "arange"):
            value = table.take_integer(key, -INTEGER_MAX, INTEGER_MAX)
        else:
            value = table.take_number(key, 0 if key == "deviation" else None)
        if value is None and default is None and key not in table.values:
            hint = 'as in generate = { kind = "integers", low = -9, high = 9 }'
            table.error(f"`{kind}` needs `{key}`", hint=hint)
        settings[key] = default if value is None else value
    low, high = settings.get("low"), settings.get("high")
    if low is not None and high is not None:
        _check_order(table, kind, low, high)
    return settings


def _check_order(table: Table, kind: str, low: Number, high: Number) -> None:
    if low > high:
        table.error(f"`low` is {low}, more than `high`, {high}", "low")
    elif kind == "uniform" and not math.isfinite(float(high) - float(low)):
        table.error(f"`high` is {high:g}, too far from `low`, {low:g}, for float64", "high")


# ---- outputs


def _output(table: Table, folder: RunFolder, left_out: set[str]) -> Output | None:
    table.check_keys(("symbol", *_WISHES, *_TOLERANCES, "element", "shape", *_PLACE_KEYS))
    if not any(wish in table.values for wish in _WISHES):
        hint = f"give {listed(_WISHES, 'or')}, {table.example('check')}"
        table.error("this output asks for nothing", hint=hint)
    for key in _TOLERANCES:
        if key in table.values and "check" not in table.values:
            table.key_error(f"`{key}` needs a `check`", key, table.example("check"))
    save, check, accuracy = (
        folder.save(table, "save"),
        _check(table, folder),
        _accuracy(table, folder),
    )
    tolerance = Tolerance(
        table.take_number("absolute", 0) or 0.0,
        table.take_number("relative", 0) or 0.0,
        table.take_integer("ulp", 0, mask(31)) or 0,
    )
    subject = _subject(table, left_out)
    if subject is None:
        return None
    return Output(
        subject.symbol,
        save,
        check,
        tolerance,
        accuracy,
        subject.element,
        subject.shape,
        subject.span,
        subject.place,
        subject.name,
    )


def _check(table: Table, folder: RunFolder) -> Check | None:
    check = table.take_table("check")
    if check is None:
        return None
    check.check_keys(("file", "expression", "repeat"))
    origin = one_of(check, "a check", ("expression", "file"))
    repeat = check.take_integer("repeat", 1, REPEAT_MAX)
    if repeat is not None and "expression" not in check.values:
        check.key_error("`repeat` needs an `expression`", "repeat")
    expression = read_expression(check)
    span = check.span(origin or ())
    return Check(folder.tensor_file(check, "file"), expression, span, repeat or 1)


def read_expression(table: Table) -> Expression | None:
    """Return the `expression` of a table, if it has one that is right."""
    text = table.take_string("expression")
    if text is None:
        return None
    try:
        return parse_expression(text, table.text_span("expression", text))
    except InputError as error:
        for found in error.diagnostics:
            table.report.add(found)
        return None


def _accuracy(table: Table, folder: RunFolder) -> Accuracy | None:
    accuracy = table.take_table("accuracy")
    if accuracy is None:
        return None
    accuracy.check_keys(("labels", "at_least"))
    at_least = accuracy.take_number("at_least", 0)
    if at_least is not None and at_least > 1:
        accuracy.error(f"`at_least` is {at_least}; a share of at most 1 fits", "at_least")
    labels: Path | None = folder.tensor_file(accuracy, "labels")
    if labels is None:
        if "labels" not in accuracy.values:
            accuracy.error("`accuracy` needs `labels`", hint=table.example("accuracy"))
        return None
    return Accuracy(labels, at_least, accuracy.span("labels"))


# ---- both


def _symbol(table: Table, place: Place) -> str:
    symbol = table.take_string("symbol")
    if place.dip is not None:
        if symbol is not None:
            hint = "call it something with `name`"
            table.key_error("a tensor in DIP memory has no symbol", "symbol", hint)
        return ""
    if symbol is None and "symbol" not in table.values:
        table.error("no `symbol`", hint='name one: symbol = "x"')
    return symbol or ""


def _place(table: Table) -> Place:
    """Return where a tensor is: on every node, on one, in blocks, or in DIP memory."""
    given = [key for key in ("node", "blocks", "dip") if key in table.values]
    if len(given) > 1:
        table.key_error(f"`{given[0]}` and `{given[1]}` are both given; one fits", given[1])
    if "offset" in table.values and "dip" not in table.values:
        table.key_error("`offset` needs `dip`, the number of a DIP card", "offset")
    blocks: Blocks | None = None
    if table.values.get("blocks") == "live":
        blocks = "live"
    elif isinstance(table.values.get("blocks"), str):
        found = table.values["blocks"]
        table.error(f'`blocks` is "{found}"; [rows, columns] or "live" fits', "blocks")
    else:
        blocks = read_pair(table, "blocks", 1)
    return Place(
        read_pair(table, "node", 0),
        blocks,
        table.take_integer("dip", 0, NODES_SIDE_MAX),
        table.take_integer("offset", 0, INTEGER_MAX) or 0,
        table.span(given[0]) if given else None,
    )


def read_pair(table: Table, key: str, low: int) -> tuple[int, int] | None:
    """Return two integers, columns and rows or the like."""
    found = table.take_list(key)
    if found is None:
        return None
    for index, item in enumerate(found):
        if type(item) is not int or not low <= item <= NODES_SIDE_MAX:
            message = f"`{key}` holds {describe_value(item)}; {low}..{NODES_SIDE_MAX} fits"
            table.error(message, (key, index), table.example(key))
            return None
    if len(found) != 2:
        message = f"`{key}` has {len(found)} numbers; two fit"
        table.error(message, key, table.example(key))
        return None
    return found[0], found[1]


def _name(table: Table, place: Place) -> str:
    """Return the name of a tensor in expressions, if it has one beside its symbol."""
    name = table.take_string("name")
    if name is not None and not is_name(name):
        hint = "letters, digits, `_` and `.`, not beginning with a digit"
        table.error(f"`{name}` is not a name", "name", hint)
    if name is None and place.dip is not None:
        return f"dip{place.dip}_{place.offset:x}"
    return name or ""


def read_element(table: Table, key: str) -> str | None:
    """Return the element type that a key names, if it does."""
    element = table.take_string(key)
    if element is None:
        return None
    try:
        return str(element_named(element))
    except InputError as error:
        for found in error.diagnostics:
            table.error(found.message, key, found.hint)
        return None


def _shape(table: Table) -> tuple[int, ...] | None:
    extents = table.take_list("shape")
    if extents is None:
        return None
    if len(extents) > RANK_MAX:
        table.error(f"`shape` has {len(extents)} dimensions; at most {RANK_MAX} fit", "shape")
        return None
    for index, extent in enumerate(extents):
        if type(extent) is not int or not 0 < extent <= mask(31):
            message = f"`shape` holds {describe_value(extent)}; positive integers fit"
            table.error(message, ("shape", index), table.example("shape"))
            return None
    return tuple(extents)


def listed(names: Any, word: str) -> str:
    """Return names as a list in a sentence."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {word} {quoted[-1]}"
