"""Macros: their parameters, the arguments of a use, and the text that a use stands for.

Arguments are put in as they were written, for `\\name`; `\\@` is the number of the expansion,
`\\%name` a name that only this expansion uses, `\\()` nothing, which ends a name.
"""

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.assembler.blocks import DIRECTIVE, Passage
from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.symbols import TEMPORARY_PREFIX
from dojo_tools.assembler.tree import LimitPassed, Refused
from dojo_tools.diagnostics import Source, Span, did_you_mean
from dojo_tools.source_text import LINE_LENGTH_MAX

REFERENCE = re.compile(
    r"\\(?:(?P<special>@|\(\))|%(?P<own>[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*))", re.ASCII
)
_PARAMETER = re.compile(r"(?P<name>[A-Za-z_]\w*)(?::(?P<mark>\w+))?[ \t]*(?P<assign>=)?", re.ASCII)
_NAMED = re.compile(r"(?P<name>[A-Za-z_]\w*)[ \t]*=(?!=)[ \t]*", re.ASCII)
_STRING = re.compile(r"\"(?:\\[^\n]|[^\"\\\n])*\"|'(?:\\[^\n]|[^'\\\n])*'")
_MARK = re.compile(rf"{_STRING.pattern}|[,()\[\]]")
_OPENING = {"(": ")", "[": "]"}


_Piece = tuple[str, str | None, int]


@dataclass(frozen=True, slots=True)
class Argument:
    """A part of a line between commas, without the space around it."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a macro takes; one without a default may be left out unless it is required."""

    name: str
    default: str = ""
    is_required: bool = False
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Macro:
    """A name for lines; `span` is that of the name where it was defined."""

    name: str
    parameters: tuple[Parameter, ...]
    body: "Template"
    span: Span

    @property
    def usage(self) -> str:
        """How a use is written."""
        words = [
            f"{p.name}..." if p.is_rest else f"{p.name}={p.default}" if p.default else p.name
            for p in self.parameters
        ]
        return f"{self.name} {', '.join(words)}".rstrip()


class ExpandedSource(Source):
    """The text of an expansion. Places in it are those of the lines that it was made from.

    `root` is the place in a file that led to it.
    """

    __slots__ = ("_template", "_values", "root")

    def __init__(
        self, text: str, template: "Template", values: Mapping[str, str], root: Span
    ) -> None:
        super().__init__(template.source.name, text)
        self._template = template
        self._values = values
        self.root = root

    @property
    def parameters(self) -> list[str]:
        """The names that stand for a text here."""
        return [name for name in self._values if name.isidentifier()]

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of the character that an expanded one stands for."""
        index = bisect.bisect_right(self.line_starts, offset) - 1
        return self._template.origin(index, offset - self.line_starts[index], self._values)


class Template:
    """Lines with references to parameters; `fixed_length` of `length` characters are none."""

    def __init__(self, source: Source, lines: Sequence[SourceLine], parameters: Sequence[str]):
        self.source = source
        self.lines = lines
        self._pieces = _cut_lines(lines, parameters)
        fixed = [text for pieces in self._pieces for text, name, _ in pieces if name is None]
        self.fixed_length = sum(map(len, fixed))
        self.reference_count = sum(map(len, self._pieces)) - len(fixed)
        self.length = sum(len(line.text) for line in lines)

    def expand(self, values: Mapping[str, str], use: Span) -> Passage:
        """Return the lines with values in place of references; raises `LimitPassed`."""
        texts = [
            pieces[0][0]
            if len(pieces) == 1 and pieces[0][1] is None
            else "".join([text if name is None else values[name] for text, name, _ in pieces])
            for pieces in self._pieces
        ]
        if max(map(len, texts), default=0) > LINE_LENGTH_MAX:
            message = f"a line of this expansion is longer than {LINE_LENGTH_MAX} characters"
            raise LimitPassed(message, use)
        source = ExpandedSource("\n".join(texts), self, values, root_of(use))
        lines: list[SourceLine] = []
        offset = 0
        for text, line in zip(texts, self.lines, strict=True):
            lines.append(SourceLine(offset, text, line.broken))
            offset += len(text) + 1
        return Passage(source, lines)

    def origin(self, index: int, column: int, values: Mapping[str, str]) -> tuple[int, int]:
        """Return the line and column that column `column`, from 0, of an expanded line is from."""
        place = 0
        pieces = self._pieces[index] if index < len(self._pieces) else []
        for text, name, start in pieces:
            length = len(text) if name is None else len(values[name])
            if column < length or (name is None and column == length):
                place = start + (column if name is None else 0)
                break
            column -= length
            place = start + len(text)
        line = self.lines[min(index, len(self.lines) - 1)]
        return self.source.position(line.offset + place)


def root_of(span: Span) -> Span:
    """Return the place in a file that led to a place in an expansion, or the place itself."""
    return span.source.root if isinstance(span.source, ExpandedSource) else span


def _cut_lines(lines: Sequence[SourceLine], parameters: Sequence[str]) -> list[list[_Piece]]:
    """Return the pieces of lines; in a macro defined there only parameters are references.

    What else is written with `\\` in it belongs to its own expansions.
    """
    pieces: list[list[_Piece]] = []
    depth = 0
    for line in lines:
        directive = DIRECTIVE.match(line.text)
        name = directive["name"] if directive else None
        depth -= name == ".endm" and depth > 0
        pieces.append(_cut(line.text, parameters, depth > 0))
        depth += name == ".macro"
    return pieces


def _cut(text: str, parameters: Sequence[str], parameters_only: bool) -> list[_Piece]:
    """Return the pieces of a line: what is written, the value it stands for or None, its column."""
    pieces: list[_Piece] = []
    start = 0
    for match in REFERENCE.finditer(text):
        name = match["name"] or match["special"] or "%"
        if name not in parameters if match["name"] else parameters_only:
            continue
        if start < match.start():
            pieces.append((text[start : match.start()], None, start))
        if name == "%":
            # `.Lname.7`: the prefix and the name, then the number of the expansion.
            pieces.append((f"{match[0]}", "%", match.start()))
            pieces.append((f"{match['own']}.", None, match.start()))
            name = "@"
        pieces.append((match[0], name, match.start()))
        start = match.end()
    if start < len(text) or not pieces:
        pieces.append((text[start:], None, start))
    return pieces


def values_of(arguments: Mapping[str, str], number: int) -> dict[str, str]:
    """Return what the references of expansion `number` stand for."""
    return {**arguments, "@": str(number), "()": "", "%": TEMPORARY_PREFIX}


def split_arguments(source: Source, offset: int, text: str) -> list[Argument]:
    """Return what stands between the commas of a text that begins at `offset`.

    Commas in parentheses, brackets and quotes do not count.
    """
    arguments: list[Argument] = []
    closers: list[str] = []
    start = position = 0
    while (match := _MARK.search(text, position)) is not None:
        position = match.end()
        mark = match[0]
        if mark in _OPENING:
            closers.append(_OPENING[mark])
        elif closers and mark == closers[-1]:
            closers.pop()
        elif mark == "," and not closers:
            arguments.append(_argument(source, offset, text, start, match.start()))
            start = position
    if arguments or text.strip(" \t"):
        arguments.append(_argument(source, offset, text, start, len(text)))
    return arguments


def _argument(source: Source, offset: int, text: str, start: int, end: int) -> Argument:
    part = text[start:end]
    stripped = part.strip(" \t")
    first = offset + start + (len(part) - len(part.lstrip(" \t")) if stripped else 0)
    return Argument(stripped, Span(source, first, first + max(1, len(stripped))))


def read_parameters(source: Source, offset: int, text: str) -> tuple[Parameter, ...]:
    """Return the parameters that the head of a macro lists; raises `Refused`."""
    parameters: list[Parameter] = []
    for argument in split_arguments(source, offset, text):
        rest, start = argument.text, argument.span.start
        while rest or not argument.text:
            match = _PARAMETER.match(rest)
            if match is None:
                raise Refused(
                    f"expected the name of a parameter, found `{rest}`",
                    argument.span,
                    "write `.macro name first, second=default, third:req, rest:vararg`",
                )
            span = Span(source, start, start + len(match["name"]))
            end = len(rest) if match["assign"] else match.end()
            _add_parameter(parameters, match, rest[match.end() : end].strip(" \t"), span)
            trimmed = rest[end:].lstrip(" \t")
            start += len(rest) - len(trimmed)
            rest = trimmed
    return tuple(parameters)


def _add_parameter(
    parameters: list[Parameter], match: re.Match[str], default: str, span: Span
) -> None:
    name, mark = match["name"], match["mark"]
    if any(parameter.name == name for parameter in parameters):
        raise Refused(f"parameter `{name}` stands there twice", span)
    if parameters and parameters[-1].is_rest:
        raise Refused(f"`{parameters[-1].name}:vararg` takes the rest: it comes last", span)
    if mark not in (None, "req", "vararg"):
        raise Refused(f"unknown mark `:{mark}`", span, "a parameter can be `:req` or `:vararg`")
    if mark == "req" and match["assign"]:
        raise Refused(f"`{name}` is required, so its default is never used", span)
    parameters.append(Parameter(name, default, mark == "req", mark == "vararg"))


def bind_arguments(macro: Macro, arguments: Sequence[Argument], use: Span) -> dict[str, str]:
    """Return the value of each parameter; raises `Refused` for arguments that do not fit."""
    by_name = {parameter.name: parameter for parameter in macro.parameters}
    hint = f"write `{macro.usage}`"
    values: dict[str, str] = {}
    position = 0
    for index, argument in enumerate(arguments):
        named = _NAMED.match(argument.text)
        if named is not None:
            name = named["name"]
            if name not in by_name:
                near = did_you_mean(name, by_name) or hint
                raise Refused(f"`{macro.name}` has no parameter `{name}`", argument.span, near)
            if name in values:
                raise Refused(f"parameter `{name}` is given twice", argument.span)
            values[name] = argument.text[named.end() :]
            continue
        while position < len(macro.parameters) and macro.parameters[position].name in values:
            position += 1
        if position == len(macro.parameters):
            count = len(macro.parameters)
            raise Refused(
                f"`{macro.name}` takes {count or 'no'} argument{'s' * (count != 1)}, found "
                f"{len(arguments)}",
                argument.span,
                hint,
            )
        parameter = macro.parameters[position]
        if parameter.is_rest:
            values[parameter.name] = ", ".join([rest.text for rest in arguments[index:]])
            break
        values[parameter.name] = argument.text or parameter.default
        position += 1
    for parameter in macro.parameters:
        if parameter.is_required and not values.get(parameter.name):
            raise Refused(f"`{macro.name}` needs an argument `{parameter.name}`", use, hint)
        values.setdefault(parameter.name, parameter.default)
    return values
