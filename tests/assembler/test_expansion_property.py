"""Random programs of macros, repetitions and conditions, held to an expander of their own.

A program is a tree. Written out it uses the assembler's directives; expanded here it is plain lines
of `.dword`. Both must make the same bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source

DESCRIPTION = load_description()
NUMBERS = ("0", "1", "7", "2 + 3", "(4)", "3 * (1 + 1)")
LINES_MAX = 2_000


@dataclass(frozen=True)
class Text:
    """Text with references to parameters, which stand at odd places."""

    pieces: tuple[str, ...]

    def written(self) -> str:
        odd = [f"\\{p}\\()" if i % 2 else p for i, p in enumerate(self.pieces)]
        return "".join(odd)

    def filled(self, values: Mapping[str, str]) -> str:
        return "".join([values[p] if i % 2 else p for i, p in enumerate(self.pieces)])


@dataclass(frozen=True)
class Byte:
    """A line that stores a value."""

    value: Text


@dataclass(frozen=True)
class Local:
    """A line with a label that only this expansion uses; it stores zero."""

    number: int


@dataclass(frozen=True)
class Leave:
    """`.exitm`."""


@dataclass(frozen=True)
class Repeat:
    """`.rept`."""

    count: int
    body: tuple["Node", ...]


@dataclass(frozen=True)
class Each:
    """`.irp`, or `.irpc` if all values are digits."""

    name: str
    values: tuple[Text, ...]
    body: tuple["Node", ...]
    by_characters: bool


@dataclass(frozen=True)
class Choice:
    """`.if` and `.else`."""

    condition: Text
    body: tuple["Node", ...]
    other: tuple["Node", ...]


@dataclass(frozen=True)
class Use:
    """A use of a macro: arguments by place, then by name."""

    macro: int
    by_place: tuple[Text, ...]
    by_name: tuple[tuple[str, Text], ...]


Node = Byte | Local | Leave | Repeat | Each | Choice | Use


@dataclass(frozen=True)
class MacroText:
    """A macro: its parameters with their defaults, and its body."""

    defaults: tuple[tuple[str, str], ...]
    body: tuple[Node, ...]


@dataclass
class Program:
    """Macros, each of which uses only those before it, and the lines that use them."""

    macros: list[MacroText] = field(default_factory=list[MacroText])
    body: tuple[Node, ...] = ()
    local_count: int = 0


# Written with directives.


def write_program(program: Program) -> Iterator[str]:
    for index, macro in enumerate(program.macros):
        yield f".macro m{index}_ {', '.join(f'{n}={d}' for n, d in macro.defaults)}"
        yield from write_nodes(macro.body)
        yield ".endm"
    yield from write_nodes(program.body)


def write_nodes(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        match node:
            case Byte(value):
                yield f".dword {value.written()} ; a comment"
            case Local(number):
                yield f"\\%here{number}: .dword . - \\%here{number}"
            case Leave():
                yield ".exitm"
            case Repeat(count, body):
                yield from (f".rept {count}", *write_nodes(body), ".endr")
            case Each(name, values, body, by_characters):
                written = [value.written() for value in values]
                head = f".irpc {name}, {''.join(written)}" if by_characters else ""
                yield head or f".irp {name}, {', '.join(written)}"
                yield from (*write_nodes(body), ".endr")
            case Choice(condition, body, other):
                yield from (f".if {condition.written()}", *write_nodes(body))
                yield from (".else", *write_nodes(other), ".endif")
            case Use(index, by_place, by_name):
                named = [f"{name}={value.written()}" for name, value in by_name]
                yield f"m{index}_ {', '.join([*(v.written() for v in by_place), *named])}"


# Expanded here.


class Left(Exception):
    """`.exitm` was met; what was made before stays."""


class TooLong(Exception):
    """The program is too long to be worth it."""


def expand(program: Program) -> list[str]:
    lines: list[str] = []
    expand_nodes(program, program.body, {}, lines)
    return lines


def expand_nodes(
    program: Program, nodes: Sequence[Node], values: dict[str, str], lines: list[str]
) -> None:
    if len(lines) > LINES_MAX:
        raise TooLong
    for node in nodes:
        match node:
            case Byte(value):
                lines.append(f".dword {value.filled(values)}")
            case Local():
                lines.append(".dword 0")
            case Leave():
                raise Left
            case Repeat(count, body):
                for _ in range(count):
                    expand_nodes(program, body, values, lines)
            case Each(name, texts, body):
                for text in texts:
                    inner = {**values, name: text.filled(values)}
                    expand_nodes(program, body, inner, lines)
            case Choice(condition, body, other):
                holds = eval(condition.filled(values))
                expand_nodes(program, body if holds else other, values, lines)
            case Use(index, by_place, by_name):
                macro = program.macros[index]
                given_values = dict(macro.defaults)
                names = list(given_values)
                given_values |= {
                    name: text.filled(values) for name, text in zip(names, by_place, strict=False)
                }
                given_values |= {name: text.filled(values) for name, text in by_name}
                with suppress(Left):
                    expand_nodes(program, macro.body, given_values, lines)


# Made at random.


@st.composite
def programs(draw: st.DrawFn) -> Program:
    program = Program()
    for _ in range(draw(st.integers(0, 3))):
        names = [f"p{n}" for n in range(draw(st.integers(0, 3)))]
        defaults = tuple((name, draw(st.sampled_from(NUMBERS))) for name in names)
        body = draw(bodies(program, tuple(names), depth=0, in_macro=True, in_repetition=False))
        program.macros.append(MacroText(defaults, body))
    program.body = draw(bodies(program, (), depth=0, in_macro=False, in_repetition=False))
    return program


@st.composite
def texts(draw: st.DrawFn, names: tuple[str, ...]) -> Text:
    number = draw(st.sampled_from(NUMBERS))
    if not names or draw(st.booleans()):
        return Text((number,))
    name = draw(st.sampled_from(names))
    return draw(st.sampled_from((Text(("", name, "")), Text((f"{number} + ", name, " * 2")))))


@st.composite
def bodies(
    draw: st.DrawFn,
    program: Program,
    names: tuple[str, ...],
    depth: int,
    in_macro: bool,
    in_repetition: bool,
) -> tuple[Node, ...]:
    def body(more: tuple[str, ...] = (), repeats: bool = True) -> tuple[Node, ...]:
        repeated = in_repetition or repeats
        return draw(bodies(program, (*names, *more), depth + 1, in_macro, repeated))

    def node() -> Node:
        kinds = ["byte"]
        kinds += ["local"] if in_macro and not in_repetition else []
        kinds += ["leave"] if in_macro and depth else []
        kinds += ["repeat", "each", "choice"] if depth < 3 else []
        kinds += ["use"] if program.macros else []
        match draw(st.sampled_from(kinds)):
            case "local":
                program.local_count += 1
                return Local(program.local_count)
            case "leave":
                return Leave()
            case "repeat":
                return Repeat(draw(st.integers(0, 3)), body())
            case "each":
                name = f"e{depth}_{'m' if in_macro else 't'}"
                by_characters = draw(st.booleans())
                digits = st.sampled_from("0123456789").map(lambda digit: Text((digit,)))
                value = digits if by_characters else texts(names)
                values = tuple(draw(st.lists(value, min_size=1, max_size=3)))
                return Each(name, values, body((name,)), by_characters)
            case "choice":
                return Choice(draw(texts(names)), body(repeats=False), body(repeats=False))
            case "use":
                index = draw(st.integers(0, len(program.macros) - 1))
                parameters = [name for name, _ in program.macros[index].defaults]
                count = draw(st.integers(0, len(parameters)))
                by_place = tuple(draw(texts(names)) for _ in range(count))
                named = [name for name in reversed(parameters[count:]) if draw(st.booleans())]
                return Use(index, by_place, tuple((name, draw(texts(names))) for name in named))
            case _:
                return Byte(draw(texts(names)))

    return tuple(node() for _ in range(draw(st.integers(0, 4))))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(program=programs())
def test_a_program_makes_the_bytes_of_its_expansion(program: Program) -> None:
    try:
        expanded = expand(program)
    except TooLong:
        return
    assert bytes_of(write_program(program)) == bytes_of(expanded)


def bytes_of(lines: Iterable[str]) -> bytes:
    """Return what lines make."""
    text = "\n".join(lines)
    made = assemble(Source("a.s", f".data\n{text}\n"), DESCRIPTION).object
    return b"".join(section.contents for section in made.sections)
