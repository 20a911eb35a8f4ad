"""Both engines run procedures alike: random ones, every pair of operators, a heap."""

import ctypes
import functools
import random
from array import array
from collections.abc import MutableSequence
from pathlib import Path
from typing import cast

import pytest

from dojo_tools.description.procedure_model import Procedures
from dojo_tools.description.procedures import check_procedures
from dojo_tools.diagnostics import Source
from dojo_tools.engines.mesh import MeshArrays
from dojo_tools.engines.native.procedures import NativeProcedures, compile_native, lower
from dojo_tools.engines.reference.procedures import compile_python

HEAP = Path(__file__).parents[1] / "bench" / "heap.isa"

EDGES = [0, 1, -1, 2, 3, 7, 63, 64, 65, -64, 255, 1 << 31, -(1 << 31), (1 << 40) + 5, -12345]
OPERATORS = [
    ["*", "/", "%"],
    ["+", "-"],
    ["<<", ">>"],
    ["<", "<=", ">", ">="],
    ["==", "!="],
    ["&"],
    ["^"],
    ["|"],
    ["&&"],
    ["||"],
]
"""By level of C, the tightest first."""


def checked(text: str) -> Procedures:
    return check_procedures([Source("test.isa", f'provenance chosen "test"\n{text}')])


class Pair:
    """The same procedures on both engines, with arrays and a log of external calls for each."""

    def __init__(self, text: str, sizes: dict[str, int], exported: list[str]) -> None:
        procedures = checked(text)
        self.arrays = [
            {name: array("q", [0] * size) for name, size in sizes.items()} for _ in range(2)
        ]
        self.logs: list[list[tuple[int, int]]] = [[], []]

        names = [external.name for external in procedures.externals]
        python, native = (
            {name: functools.partial(answer, log) for name in names} for log in self.logs
        )
        self.python = compile_python(procedures, self.arrays[0], python, is_checked=True)
        self._native = NativeProcedures(
            procedures,
            {name: held.buffer_info()[0] for name, held in self.arrays[1].items()},
            compile_native(procedures, "", exported),
            native,
        )

    def call(self, name: str, *arguments: int) -> int:
        """Return the result that both give; arrays and external calls must be alike, too."""
        expected = self.python[name](*arguments)
        assert self._native.call(name, *arguments) == expected
        assert self.arrays[1] == self.arrays[0]
        assert self.logs[1] == self.logs[0]
        return expected


def answer(log: list[tuple[int, int]], a: int, b: int) -> int:
    """Be an external function of two arguments that notes its calls."""
    log.append((a, b))
    return (a ^ b) & 0xFFFF


# ---- precedence


def levels() -> list[tuple[str, int]]:
    return [(operator, level) for level, row in enumerate(OPERATORS) for operator in row]


def test_every_pair_of_operators_has_the_precedence_of_c() -> None:
    """`a x b y c` is `(a x b) y c` where x binds as tightly as y, else `a x (b y c)`."""
    texts: list[str] = []
    for first, high in levels():
        for second, low in levels():
            grouped = f"(a {first} b) {second} c" if high <= low else f"a {first} (b {second} c)"
            number = len(texts)
            texts.append(
                f'procedure p{number}(a, b, c) "" {{ return a {first} b {second} c }}\n'
                f'procedure q{number}(a, b, c) "" {{ return {grouped} }}\n'
            )
    procedures = checked("".join(texts))
    for number in range(len(texts)):
        plain, grouped = (procedures.procedure(f"{kind}{number}") for kind in "pq")
        assert plain.statements == grouped.statements


@pytest.mark.parametrize(
    "text, value",
    [
        ("1 | 2 ^ 3 & 6", 1 | (2 ^ (3 & 6))),
        ("1 << 2 + 3", 32),
        ("64 >> 1 << 2", 128),
        ("1 << 4 | 3 << 1", 22),
        ("5 & 3 == 3", 5 & 1),
        ("6 ^ 3 | 8", 13),
        ("2 + 3 * 4 - 1", 13),
        ("7 - 2 - 1", 4),
        ("100 / 7 / 2 % 4", 3),
        ("1 || 0 && 0", 1),
        ("0 ? 1 : 0 ? 2 : 3", 3),
        ("1 ? 2 : 0 ? 2 : 3", 2),
        ("-1 >> 1", -1),
        ("~0 & 0xFF", 255),
        ("- -3 - -2", 5),
        ("!5 + !0", 1),
        ("3 < 2 < 1", 1),
        ("3 > 2 == 1", 1),
        ("-7 / 2", 0),
        ("7 % 0", 0),
        ("7 / -1", 0),
        ("1 << 64", 1),
        ("1 << -62", 4),
        ("256 >> 66", 64),
    ],
)
def test_a_worked_example(text: str, value: int) -> None:
    """It is the value of a constant, and of an expression on both engines."""
    source = f'constant K = {text} "" procedure f() "" {{ return {text} }}'
    assert checked(source).constant("K") == value
    assert Pair(source, {}, ["f"]).call("f") == value


@pytest.mark.parametrize("operator", [operator for row in OPERATORS for operator in row])
def test_an_operator_on_edge_values(operator: str) -> None:
    pair = Pair(f'procedure f(a, b) "" {{ return a {operator} b }}', {}, ["f"])
    for a in EDGES:
        for b in EDGES:
            if operator == "<<" and abs(a) << (b & 63) >= 1 << 63:
                continue
            if operator == "*" and abs(a * b) >= 1 << 63:
                continue
            pair.call("f", a, b)


# ---- order and effects


def test_only_what_is_needed_is_evaluated() -> None:
    text = """
    external e(a, b) ""
    procedure f(a, b) "" {
        let x = a && e(1, a) || b && e(2, b)
        let y = a > b ? e(3, a) : e(4, b)
        if !(a < 0 || e(5, 5)) && (b == 0 || !e(6, b)) { return 10 * y + x }
        return (e(7, 1) / e(8, 2)) + (a || b)
    }
    """
    pair = Pair(text, {}, ["f"])
    for a in (-1, 0, 1, 5):
        for b in (-3, 0, 1, 6):
            pair.call("f", a, b)
    assert len({number for number, _ in pair.logs[0]}) == 8


def test_a_value_is_evaluated_before_its_index() -> None:
    text = 'external e(a, b) "" array t "" procedure f() "" { t[e(1, 1) + 1] = e(2, 2) + 9 }'
    pair = Pair(text, {"t": 4}, ["f"])
    pair.call("f")
    assert pair.logs[0] == [(2, 2), (1, 1)]
    assert list(pair.arrays[0]["t"]) == [0, 9, 0, 0]


def test_a_procedure_without_return_gives_0_and_may_call_itself() -> None:
    text = """
    procedure sum(n) "" { if n > 0 { return n + sum(n - 1) } }
    procedure nothing(n) "" { if n { nothing(n - 1) } else if sum(3) { } }
    """
    pair = Pair(text, {}, ["sum", "nothing"])
    assert pair.call("sum", 100) == 5050
    assert pair.call("nothing", 3) == 0


def test_checked_python_finds_what_native_code_would_not() -> None:
    text = """
    array t ""
    procedure f(i) "" { return t[i] }
    procedure g(x) "" { let y = x * x return y }
    """
    python = compile_python(checked(text), {"t": [1, 2]}, {}, is_checked=True)
    assert python["f"](1) == 2
    with pytest.raises(IndexError):
        python["f"](-1)
    with pytest.raises(OverflowError):
        python["g"](1 << 32)


def test_an_external_may_be_given_as_ir() -> None:
    procedures = checked('external twice(a) "" procedure f(a) "" { return twice(a) + 1 }')
    ir = """define internal i64 @twice(ptr %mesh, i64 %a) alwaysinline {
  %r = shl i64 %a, 1
  ret i64 %r
}"""
    for given in (ir, {"twice": ir}):
        functions = compile_native(procedures, given, ["f"])
        assert NativeProcedures(procedures, {}, functions).call("f", 20) == 41


def test_the_ir_of_an_external_may_copy_memory_and_have_metadata() -> None:
    procedures = checked('external copy(a, b, n) "" procedure f(a, b, n) "" { copy(a, b, n) }')
    ir = """declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define internal i64 @copy(ptr %mesh, i64 %a, i64 %b, i64 %n) {
  %to = inttoptr i64 %a to ptr, !source !0
  %from = inttoptr i64 %b to ptr
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
  ret i64 0
}
!0 = !{}"""
    source, target = array("q", range(100)), array("q", [0] * 100)
    native = NativeProcedures(procedures, {}, compile_native(procedures, ir, ["f"]))
    native.call("f", target.buffer_info()[0], source.buffer_info()[0], 8 * 100)
    assert target == source


def test_an_array_can_be_moved_between_calls() -> None:
    procedures = checked('array t "" procedure f(i) "" { return t[i] }')
    first, second = array("q", [1, 2]), array("q", [3, 4, 5])
    native = NativeProcedures(
        procedures, {"t": first.buffer_info()[0]}, compile_native(procedures, "", ["f"])
    )
    assert native.call("f", 1) == 2
    native.place_array("t", second.buffer_info()[0])
    assert native.call("f", 2) == 5


def test_elements_that_are_apart_share_no_cache_lines() -> None:
    procedures = checked('array n apart "" procedure f(i, v) "" { n[i] = v return n[i - 1] }')
    held = MeshArrays(procedures, {"n": 3})
    native = NativeProcedures(procedures, held.addresses, compile_native(procedures, "", ["f"]))
    python = compile_python(procedures, cast("dict[str, MutableSequence[int]]", held.views), {})
    assert [native.call("f", index, 7 + index) for index in (1, 2)] == [0, 8]
    assert held["n"].tolist() == [0, 8, 9]
    assert python["f"](1, -3) == 0
    assert native.call("f", 2, 4) == -3
    assert ctypes.c_int64.from_address(held.addresses["n"] + 128).value == -3


def test_elements_that_are_beside_each_other_are_neighbours_in_memory() -> None:
    text = (
        'array a beside b "" array b "" array c beside b "" array alone "" '
        'procedure f(i, v) "" { a[i] = v b[i] = v + 1 c[i] = v + 2 alone[i] = v + 3 '
        "return a[i - 1] + b[i - 1] + c[i - 1] + alone[i - 1] }"
    )
    procedures = checked(text)
    held = MeshArrays(procedures, {"a": 3, "b": 3, "c": 3, "alone": 3})
    native = NativeProcedures(procedures, held.addresses, compile_native(procedures, "", ["f"]))
    python = compile_python(procedures, cast("dict[str, MutableSequence[int]]", held.views), {})
    assert native.call("f", 1, 10) == 0
    assert python["f"](2, 20) == 10 + 11 + 12 + 13
    assert {name: held[name].tolist() for name in ("a", "b", "c", "alone")} == {
        "a": [0, 10, 20],
        "b": [0, 11, 21],
        "c": [0, 12, 22],
        "alone": [0, 13, 23],
    }
    line = (ctypes.c_int64 * 12).from_address(held.addresses["b"])
    assert list(line) == [0, 0, 0, 0, 11, 10, 12, 0, 21, 20, 22, 0]
    held.fill("a", [1, 2])
    assert held["a"].tolist() == [1, 2, 20]
    assert held["b"].tolist() == [0, 11, 21]


def test_the_ir_is_the_same_every_time() -> None:
    text = HEAP.read_text(encoding="utf-8")
    first, second = (lower(checked(text), "", ["run"]) for _ in range(2))
    assert first == second
    assert "define i64 @run(" in first
    assert "define internal i64 @push(" in first


# ---- random programs


class Writer:
    """Writes random procedures whose values stay small: whatever is kept is cut to 18 bits."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names: list[str] = []
        self.count = 0
        self.callees: list[tuple[str, int]] = []

    def program(self) -> str:
        items = ['array t ""', 'array u ""', 'array fuel ""', 'external e(a, b) ""']
        for number in range(self.random.randint(1, 3)):
            parameter_count = self.random.randint(0, 3)
            parameters = [f"p{i}" for i in range(parameter_count)]
            self.names = list(parameters)
            body = self.block(2)
            uses = " ^ ".join([*self.names, "0"])
            items.append(
                f'procedure f{number}({", ".join(parameters)}) "" '
                f"{{ fuel[0] = fuel[0] - 1 if fuel[0] < 0 {{ return 7 }} "
                f"{body} t[0] = u[1] return {uses} }}"
            )
            self.callees.append((f"f{number}", parameter_count))
        name, count = self.callees[-1]
        arguments = ", ".join(str(i) for i in range(count))
        items.append(f'procedure main() "" {{ return {name}({arguments}) }}')
        return "\n".join(items)

    def block(self, depth: int) -> str:
        """Write some statements; `names` grows by the locals that they define."""
        return "\n".join(self.statement(depth) for _ in range(self.random.randint(1, 4)))

    def inner(self, depth: int) -> str:
        held = list(self.names)
        text = self.block(depth - 1)
        used = " ^ ".join(self.names[len(held) :] or ["0"])
        self.names = held
        return f"{{ {text} t[1] = {used} }}"

    def statement(self, depth: int) -> str:
        kind = self.random.randrange(12 if depth else 6)
        match kind:
            case 0 | 1:
                self.count += 1
                text = f"let x{self.count} = {self.kept()}"
                self.names.append(f"x{self.count}")
                return text
            case 2 if self.names:
                return f"set {self.random.choice(self.names)} = {self.kept()}"
            case 2 | 3 | 4:
                return f"{self.random.choice('tu')}[{self.index()}] = {self.kept()}"
            case 5:
                return self.invoke() if self.random.random() < 0.5 else f"e({self.kept()}, 1)"
            case 6 | 7 | 8:
                text = f"if {self.expression(3)} {self.inner(depth)}"
                for _ in range(self.random.randrange(3)):
                    text += f" else if {self.expression(2)} {self.inner(depth)}"
                return text + (f" else {self.inner(depth)}" if self.random.random() < 0.5 else "")
            case 9 | 10:
                self.count += 1
                name = f"c{self.count}"
                head = f"while {name} < {self.random.randint(0, 4)} && ({self.expression(2)} || 1)"
                body = self.inner(depth)[:-1]
                return f"let {name} = 0 {head} {body} set {name} = {name} + 1 }}"
            case _:
                return f"if {self.expression(2)} {{ return {self.kept()} }}"

    def invoke(self) -> str:
        if not self.callees:
            return f"e({self.simple()}, {self.simple()})"
        name, count = self.random.choice(self.callees)
        return f"{name}({', '.join(self.simple() for _ in range(count))})"

    def kept(self) -> str:
        return f"(({self.expression(3)}) & 0x3FFFF) - 0x1FFFF"

    def index(self) -> str:
        return f"({self.expression(2)}) & 7"

    def expression(self, depth: int) -> str:
        """Write an expression of at most about 16 bits times what its operators add."""
        if depth == 0 or self.random.random() < 0.2:
            return self.leaf()
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        match self.random.randrange(10):
            case 0:
                return f"{self.random.choice('-~!')}({a})"
            case 1:
                return f"(({a}) ? ({b}) : {self.leaf()})"
            case 2:
                return f"(({a}) << {self.random.choice(['1', '66', '-63', '0'])})"
            case 3:
                return f"(({a}) >> ({b}))"
            case 4:
                return f"(({a} & 0xFFF) * ({b} & 0xFFF))"
            case 5:
                return f"({a} {self.random.choice('/%')} ({b}))"
            case _:
                choices = "+ - < <= > >= == != & ^ | && ||".split()
                return f"({a} {self.random.choice(choices)} {b})"

    def leaf(self) -> str:
        return self.invoke() if self.random.random() < 0.1 else self.simple()

    def simple(self) -> str:
        kind = self.random.randrange(7)
        if kind < 4 and self.names:
            return self.random.choice(self.names)
        if kind == 4:
            return f"{self.random.choice('tu')}[{self.random.randrange(8)}]"
        value = self.random.choice(EDGES)
        return str(value) if value >= 0 else f"({value})"


@pytest.mark.parametrize("seed", range(200))
def test_random_programs(seed: int) -> None:
    pair = Pair(Writer(seed).program(), {"t": 8, "u": 8, "fuel": 1}, ["main"])
    for arrays in pair.arrays:
        arrays["fuel"][0] = 300
        arrays["u"][:] = array("q", EDGES[5:13])
    pair.call("main")
    pair.call("main")


# ---- a heap


def test_a_heap_gives_its_entries_in_order() -> None:
    text = HEAP.read_text(encoding="utf-8")
    pair = Pair(text, {"heap": 4 * 600, "state": 2}, ["push", "pop", "run"])
    keys = [random.Random(i).randrange(-(1 << 62), 1 << 62) for i in range(500)]
    for i, key in enumerate(keys):
        pair.call("push", key, i, 2 * i, 3 * i)
    found: list[tuple[int, int]] = []
    for _ in keys:
        found.append((pair.arrays[1]["heap"][0], pair.arrays[1]["heap"][3]))
        pair.call("pop")
    assert found == sorted((key, 3 * i) for i, key in enumerate(keys))
    pair.call("run", 500, 5_000)
