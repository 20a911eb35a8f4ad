"""TOML with places: each key and value is found where it stands, and mistakes point there."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from dojo_tools.diagnostics import InputError, Report, Source
from dojo_tools.toml_places import Path as Way
from dojo_tools.toml_places import find_places
from dojo_tools.toml_source import parse_toml

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = sorted([*ROOT.glob("samples/*/*.toml"), *ROOT.glob("isa/machines/*.toml")])

DOCUMENT = r'''
# a.b = 3, in a comment
title = "a # no comment, [no] table" # one
"quoted \u0061" = 'C:\x'
a . b."c d" = 0x1f

[[in]] # first
size = [ 1, [ 2, 3 ], # of the second
         { x = 1, y.z = [ ] } ]
text = """
two "" lines \""""
more = """""four quotes"""""
raw = \'\'\'it''s\'\'\'
[[in]]
size = []
[in.inner]
when = 1979-05-27 07:32:00
[[in.deep]]
on = true
[ table . sub ]
rate = 1_000.5e-3
empty = {}
[table]
x = -inf
'''.replace("\\'", "'")


def leaves(value: Any, way: Way = ()) -> Iterator[tuple[Way, Any]]:
    """Yield the values that are no tables or arrays, and empty ones that are."""
    if isinstance(value, dict) and value:
        for key, inner in cast("dict[str, Any]", value).items():
            yield from leaves(inner, (*way, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from leaves(inner, (*way, index))
    else:
        yield way, value


@pytest.mark.parametrize("path", [None, *SHIPPED], ids=lambda path: path and path.parent.name)
def test_each_value_stands_where_it_is_said_to(path: Path | None) -> None:
    text = DOCUMENT if path is None else path.read_text(encoding="utf-8")
    places = find_places(text)
    for way, value in leaves(tomllib.loads(text)):
        (start, end), (value_start, value_end) = places[way]
        assert tomllib.loads(f"x = {text[value_start:value_end]}") == {"x": value}
        if isinstance(way[-1], str):
            assert tomllib.loads(f"{text[start:end]} = 0") == {way[-1]: 0}


def test_tables_stand_at_their_headers() -> None:
    places = find_places(DOCUMENT)
    shown = {way: DOCUMENT[slice(*places[way].value)] for way in places}
    assert shown["in",] == shown["in", 0] == shown["in", 1] == "[[in]]"
    assert places["in", 0] != places["in", 1]
    assert shown["in", 1, "inner"] == "[in.inner]"
    assert shown["in", 1, "deep", 0] == "[[in.deep]]"
    assert shown["table",] == "[table]"
    assert shown["table", "sub"] == "[ table . sub ]"
    assert shown["in", 0, "size", 2] == "{ x = 1, y.z = [ ] }"


def test_a_mistake_of_a_value_points_at_it_and_one_of_a_key_at_that() -> None:
    report = Report()
    root = parse_toml(Source("t.toml", 'a = { n = [1, "x"], m = 3 }\nb = "y"\n'), report)
    root.check_keys(("a",))
    inner = root.take_table("a")
    assert inner is not None
    inner.take_strings("n")
    inner.take_string("m")
    inner.error("no `k`")
    assert root.take_integer("b", 0, 1) is None
    spans = [found.span for found in report.diagnostics]
    assert [span and span.text for span in spans] == [
        "b",
        "1",
        "3",
        '{ n = [1, "x"], m = 3 }',
        '"y"',
    ]
    assert report.diagnostics[-1].message == '`b` is a string ("y"), not an integer'
    assert root.text_span("b", "y").text == "y"
    root.error("nothing fits")
    assert str(report.diagnostics[-1].span) == "t.toml:1:1"


@pytest.mark.parametrize("depth", [65, 200, 5000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        parse_toml(Source("t.toml", f"a = {'[' * depth}{']' * depth}"), Report())


def test_what_is_nested_as_deeply_as_may_be_is_found() -> None:
    source = Source("t.toml", f"a = {'[' * 63}{']' * 63}")
    root = parse_toml(source, Report())
    assert root.span(("a", *[0] * 62)).text == "[]"


@pytest.mark.parametrize(
    "text, hint",
    [
        ("a = x", "a value is a number"),
        ("a", "`key = value`"),
        ("a = 1\na = 2", "once in its table"),
        ("[a]\n[a]", r"\[\[table\]\]"),
    ],
)
def test_wrong_syntax_says_what_fits(text: str, hint: str) -> None:
    with pytest.raises(InputError, match=f"hint: .*{hint}"):
        parse_toml(Source("t.toml", text), Report())
