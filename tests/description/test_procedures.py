"""Texts of procedures: what is refused, with line and column, and how locals are scoped."""

from pathlib import Path

import pytest

from dojo_tools.description import procedures as loading
from dojo_tools.description.procedure_model import ArrayDef, If, Number, Return
from dojo_tools.description.procedures import check_procedures, load_procedures
from dojo_tools.diagnostics import Diagnostic, InputError, Source

BASE = """\
provenance chosen "test"
constant SIZE = 4 "size"
array queue "a queue"
external now(node) "time"
procedure use(node, value) "use" { queue[node] = now(value) }
"""


def refused(text: str) -> list[Diagnostic]:
    with pytest.raises(InputError) as caught:
        check_procedures([Source("test.isa", BASE + text)])
    return list(caught.value.diagnostics)


@pytest.mark.parametrize(
    "body, column, message, hint",
    [
        ("return siz", 8, "unknown name `siz`", "did you mean `SIZE`?"),
        ("let node = 1 return nod + node", 21, "unknown name `nod`", "did you mean `node`?"),
        ("return queu[0]", 8, "unknown array `queu`", "did you mean `queue`?"),
        ("quee[0] = 1", 1, "unknown array `quee`", "did you mean `queue`?"),
        ("return a[0]", 8, "unknown array `a`", None),
        ("return no(1)", 8, "unknown procedure `no`", "did you mean `now`?"),
        ("uses(1, 2)", 1, "unknown procedure `uses`", "did you mean `use`?"),
        ("return now()", 8, "`now` takes 1 argument, found 0", "it is `now(node)`"),
        ("use(1)", 1, "`use` takes 2 arguments, found 1", "it is `use(node, value)`"),
        ("return queue", 8, "an array needs an element, `[...]`", None),
        ("return use", 8, "a procedure needs arguments, `(...)`", None),
        ("set SIZE = 1", 5, "a constant can't be set", None),
        ("set queue = 1", 5, "an array can't be set", "write `queue[...] = ...`"),
        ("let SIZE = 1", 5, "`SIZE` is the name of a constant", None),
        ("let use = 1", 5, "`use` is the name of a procedure", None),
        ("let a = 1", 5, "`a` is defined already", "write `set a = ...` to change it"),
        ("let x = 1 let x = 2 return x", 15, "`x` is defined already", "to change it"),
        ("let x = 1", 5, "local `x` is never read", None),
        ("let x = 1 set x = 2", 5, "local `x` is never read", None),
        ("let x = x return x", 9, "`x` has no value on some way to here", "on every path"),
        ("set x = 1 let x = 1 return x", 5, "`x` has no value on some way", "on every path"),
        ("if a { let x = 1 } return x", 27, "`x` has no value on some way", "`let x = ...`"),
        ("while a { let x = 1 } return x", 30, "`x` has no value on some way", "`let x = ...`"),
        ("if a { let x = 1 } else { set a = 1 } return x", 46, "`x` has no value", "`let x"),
        ("set y = 1", 5, "unknown name `y`", None),
        ("return 1 set a = 2", 10, "this is never reached", None),
        ("if a { return 1 } else { return 2 } use(1, 2)", 37, "this is never reached", None),
        (
            "return 0x8000000000000000",
            8,
            "9223372036854775808 does not fit in 64 signed bits",
            None,
        ),
        ("return 09", 8, "`09` is not a number", None),
        ("let x 1", 7, "`1` does not fit here", "expected `=`"),
        ("a = 1", 3, "`=` does not fit here", None),
        ("while a return 1", 9, "`return` does not fit here", None),
        ("return " + "(" * 5 + "-" * 60 + "1" + ")" * 5, None, "nested too deeply", "names"),
    ],
)
def test_a_wrong_statement_is_refused_at_its_place(
    body: str, column: int | None, message: str, hint: str | None
) -> None:
    (only,) = refused(f'procedure test(a) "test" {{\n{body}\n}}\n')
    assert message in only.message
    assert only.span is not None
    if column is not None:
        assert (only.span.line, only.span.column) == (7, column)
    assert hint is None or (only.hint is not None and hint in only.hint)


@pytest.mark.parametrize(
    "text, column, message",
    [
        ('constant SIZE = 5 "again"', 10, "`SIZE` is defined twice"),
        ('procedure queue() "again" { }', 11, "`queue` is defined twice"),
        ('constant A = SIZ + 1 "a"', 14, "unknown constant `SIZ`"),
        ('constant A = queue[0] "a"', 14, "a constant is made of numbers and constants only"),
        ('constant A = now(1) "a"', 14, "a constant is made of numbers and constants only"),
        ('constant A = A + 1 "a"', 10, "the value of `A` depends on itself"),
        ('constant A = 1 << 63 "a"', 14, "9223372036854775808 does not fit"),
        ('array other "never used"', 7, "array `other` is never used"),
        ('procedure f(a, a) "f" { }', 16, "parameter `a` stands here twice"),
        ('procedure f(now) "f" { }', 13, "`now` is the name of an external"),
        ("procedure f(a) { }", 16, "`{` does not fit here"),
    ],
)
def test_a_wrong_item_is_refused_at_its_place(text: str, column: int, message: str) -> None:
    (only,) = refused(text)
    assert message in only.message
    assert only.span is not None
    assert (only.span.line, only.span.column) == (6, column)


def test_every_wrong_item_is_reported_in_one_run() -> None:
    found = refused('procedure f() "f" { return x }\nprocedure g() "g" { return y }\n')
    assert [diagnostic.message for diagnostic in found] == ["unknown name `x`", "unknown name `y`"]


def test_an_array_may_have_its_elements_apart() -> None:
    use = 'procedure f(i) "f" { return one[i] + two[i] }'
    text = f'{BASE}array one apart "of each worker" array two "of each node" {use}'
    arrays = check_procedures([Source("test.isa", text)]).arrays
    assert {array.name: array.is_apart for array in arrays if array.name != "queue"} == {
        "one": True,
        "two": False,
    }


def test_an_array_may_stand_beside_another() -> None:
    use = 'procedure f(i) "f" { return one[i] + two[i] + three[i] }'
    text = f'{BASE}array one beside two "1" array two "2" array three beside two "3" {use}'
    procedures = check_procedures([Source("test.isa", text)])
    assert procedures.groups() == [["queue"], ["two", "one", "three"]]
    assert procedures.index_bits() == {"queue": 0, "two": 2, "one": 2, "three": 2}
    procedures = check_procedures([Source("test.isa", text.replace('two "2', 'two apart "2'))])
    assert procedures.index_bits() == {"queue": 0, "two": 4, "one": 4, "three": 4}


@pytest.mark.parametrize(
    "text, column, message, hint",
    [
        ('array one beside quee "1"', 18, "unknown array `quee`", "queue"),
        ('array one beside now "1"', 18, "unknown array `now`", ""),
        ('array a beside queue "" array b beside a ""', 40, "`a` is itself beside", "beside queue"),
        ('array a beside a ""', 16, "`a` is itself beside another array", ""),
    ],
)
def test_a_wrong_neighbour_is_refused(text: str, column: int, message: str, hint: str) -> None:
    found = refused(f'{text} procedure f(i) "f" {{ return i }}')
    (only,) = [one for one in found if "is never used" not in one.message]
    assert message in only.message
    assert hint in (only.hint or "")
    assert only.span is not None
    assert only.span.column == column


def test_a_file_says_where_it_comes_from() -> None:
    with pytest.raises(InputError) as caught:
        check_procedures([Source("test.isa", 'procedure f() "f" { }')])
    assert "no provenance" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    "body",
    [
        "if a { let x = 1 } else { let x = 2 } return x",
        "if a { let x = 1 } else { return 0 } return x",
        "if a { let x = 1 use(x, x) } if a == 2 { let x = 2 use(x, x) }",
        "while a { let x = a set a = x - 1 }",
        "if a { let x = 1 } else if a == 1 { let x = 2 } else { let x = 3 } return x",
        "set a = 1 return a",
        "let iffy = 1 let whiles = 2 return iffy + whiles",
    ],
)
def test_locals_that_have_a_value_on_every_path_are_accepted(body: str) -> None:
    procedures = check_procedures(
        [Source("test.isa", f'{BASE}procedure test(a) "test" {{ {body} }}')]
    )
    assert procedures.procedure("test").parameters == ("a",)


def test_files_form_one_namespace_whatever_their_order() -> None:
    first = 'provenance chosen "1"\nprocedure f() "f" { return A + g() }'
    second = 'provenance inferred "2"\nconstant A = B * 2 "a" procedure g() "g" { return B }'
    third = 'title "Third"\nconstant B = 21 "b" provenance published "3"'
    sources = [Source(f"{i}.isa", text) for i, text in enumerate((first, second, third))]
    procedures = check_procedures(sources)
    assert procedures.constant("A") == 42
    assert str(procedures.constants[0].provenance) == "inferred: 2"
    assert str(procedures.constants[1].provenance) == "published: 3"
    assert procedures.procedure("g").statements == (Return(Number(21)),)
    assert procedures.procedure("g").defined_at == "1.isa:2"
    backwards = check_procedures(sources[::-1])
    assert set(backwards.procedures) == set(procedures.procedures)


def test_a_long_chain_is_flat() -> None:
    arms = " else ".join(f"if a == {i} {{ return {i} }}" for i in range(200))
    text = f'{BASE}procedure test(a) "test" {{ {arms} }}'
    (statement,) = check_procedures([Source("test.isa", text)]).procedure("test").statements
    assert isinstance(statement, If)
    assert len(statement.arms) == 200


def test_shipped_procedures_come_from_the_cache_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "isa" / "mesh"
    folder.mkdir(parents=True)
    (folder.parent / "procedures.lark").write_text("")
    (folder / "a.isa").write_text(BASE)
    expected = check_procedures([Source("isa/mesh/a.isa", BASE)])
    monkeypatch.setenv("DOJO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(loading, "isa_folder", lambda: folder.parent)
    assert load_procedures() == expected
    monkeypatch.setattr(loading, "check_procedures", None)
    assert load_procedures() == expected
    assert load_procedures().arrays == (ArrayDef("queue", "a queue"),)
    (entry,) = (tmp_path / "cache").glob("procedures-*.json")
    entry.write_text("[damaged")
    monkeypatch.setattr(loading, "check_procedures", check_procedures)
    assert load_procedures() == expected
