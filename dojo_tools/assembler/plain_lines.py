"""Lines without the grammar: the same trees, at several times the speed.

A regular expression cuts a line into tokens, and operators are bound by their precedence. Anything
that is not taken here, every mistake included, is left to the grammar. A property test holds the
two equal.
"""

import re
from dataclasses import replace
from typing import NamedTuple

from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.literals import read_character, read_integer, read_string
from dojo_tools.assembler.tree import (
    Assignment,
    Biased,
    Binary,
    Command,
    Expression,
    Here,
    Label,
    Line,
    Memory,
    Name,
    Number,
    Operand,
    Real,
    Refused,
    Remote,
    Tag,
    Text,
    Unary,
)
from dojo_tools.diagnostics import Source, Span

_DEPTH_MAX = 64
_NAME = r"(?:[A-Za-z_$]|\.(?=[A-Za-z_$.]))[0-9A-Za-z_.$]*"
_END = r"(?![0-9A-Za-z_.$])"
_LABEL = re.compile(rf"[ \t]*({_NAME}|[0-9]{{1,9}}(?=[ \t]*:))[ \t]*:", re.ASCII)
_HEAD = re.compile(rf"[ \t]*({_NAME})(?:[ \t]+(?=[^\s=])|$|[ \t]*(=)(?!=))", re.ASCII)
_TOKEN = re.compile(
    rf"""[ \t]*(?:
    (?P<name>{_NAME}|[0-9]{{1,9}}[bf]{_END})
    |(?P<number>(?:0[xX][0-9A-Fa-f]{{1,16}}|[0-9]{{1,20}}){_END})
    |(?P<sign><<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^<>~!@,()\[\]])
    |(?P<here>\.{_END})
    |(?P<real>(?:[0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+){_END})
    |(?P<string>"(?:\\[^\n]|[^"\\\n])*")
    |(?P<character>'(?:\\[^\n]|[^'\\\n])*')
    )""",
    re.ASCII | re.VERBOSE,
)
_PRECEDENCE = {
    operator: level
    for level, operators in enumerate(
        ("||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"), start=1
    )
    for operator in operators.split()
}
_UNARY = frozenset("+-~!")


class _Token(NamedTuple):
    """A token: its kind, text, start and end, as offsets in the source."""

    kind: str
    text: str
    start: int
    end: int


_NOTHING = _Token("end", "", 0, 0)


class _LeftToGrammar(Exception):
    """The line holds something else than plain operands, or a mistake."""


def parse_plain_line(source: Source, line: SourceLine) -> Line | None:
    """Return the tree of a line, or None for one that the grammar must parse."""
    text, offset = line.text, line.offset
    labels: list[Label] = []
    position = 0
    while (label := _LABEL.match(text, position)) is not None:
        labels.append(Label(label[1], Span(source, offset + label.start(1), offset + label.end(1))))
        position = label.end()
    end = len(text.rstrip(" \t"))
    if position >= end:
        return Line(tuple(labels)) if labels else None
    head = _HEAD.match(text, position, end)
    if head is None:
        return None
    name = Span(source, offset + head.start(1), offset + head.end(1))
    tokens = _tokens(text, offset, head.end(), end)
    if tokens is None:
        return None
    reader = _Reader(source, tokens)
    try:
        if head[2]:
            return Line(tuple(labels), Assignment(head[1], reader.whole_expression(), name))
        operands = reader.operands()
    except (_LeftToGrammar, Refused):
        return None
    span = Span(source, name.start, operands[-1].span.end) if operands else name
    return Line(tuple(labels), Command(head[1], tuple(operands), name, span))


def _tokens(text: str, offset: int, position: int, end: int) -> list[_Token] | None:
    """Return the tokens of a part of a line, or None if it holds something else."""
    tokens: list[_Token] = []
    while position < end:
        match = _TOKEN.match(text, position, end)
        if match is None:
            return None
        kind = match.lastgroup
        assert kind is not None
        position = match.end()
        start = match.start(kind)
        tokens.append(_Token(kind, text[start:position], offset + start, offset + position))
    return tokens


class _Reader:
    """Reads the tokens of a line from left to right."""

    __slots__ = ("depth", "index", "source", "tokens")

    def __init__(self, source: Source, tokens: list[_Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.index = 0
        self.depth = 0

    def operands(self) -> list[Operand]:
        """Return the operands of a statement."""
        operands: list[Operand] = []
        while self.tokens:
            operands.append(self.operand())
            if self.index == len(self.tokens):
                break
            self.expect(",")
        return operands

    def operand(self) -> Operand:
        token = self.peek()
        if token.kind == "string":
            self.index += 1
            span = Span(self.source, token.start, token.end)
            return Text(read_string(token.text, span), span)
        if token.text == "[":
            self.index += 1
            expression = self.expression(1)
            last = self.expect("]")
            return Memory(expression, Span(self.source, token.start, last.end))
        if token.text == "@":
            self.index += 1
            name = self.peek()
            if name.kind != "name" or name.text[0].isdigit():
                raise _LeftToGrammar
            self.index += 1
            return Tag(name.text, Span(self.source, token.start, name.end))
        if token.kind == "name" and self.is_biased(token):
            self.index += 2
            bias = self.expression(1)
            last = self.expect(")")
            return Biased(token.text, bias, Span(self.source, token.start, last.end))
        return self.expression(1)

    def is_biased(self, name: _Token) -> bool:
        """Whether a parenthesis follows the name that comes next."""
        after = self.index + 1
        return (
            after < len(self.tokens)
            and self.tokens[after].text == "("
            and not name.text[0].isdigit()
        )

    def whole_expression(self) -> Expression:
        """Return the expression that all tokens make."""
        expression = self.expression(1)
        if self.index < len(self.tokens):
            raise _LeftToGrammar
        return expression

    def expression(self, level: int) -> Expression:
        """Return an expression whose operators bind at least as tightly as `level`."""
        value = self.unary()
        tokens, count = self.tokens, len(self.tokens)
        while self.index < count:
            operator = tokens[self.index]
            own = _PRECEDENCE.get(operator.text, 0) if operator.kind == "sign" else 0
            if own < level or not own:
                break
            self.index += 1
            right = self.expression(own + 1)
            span = Span(self.source, value.span.start, right.span.end)
            value = Binary(operator.text, value, right, span)
        return value

    def unary(self) -> Expression:
        token = self.peek()
        self.index += 1
        match token.kind:
            case "name":
                span = Span(self.source, token.start, token.end)
                if self.peek().text == "@" and not token.text[0].isdigit():
                    return self.remote(Name(token.text, span))
                return Name(token.text, span)
            case "number":
                span = Span(self.source, token.start, token.end)
                return Number(read_integer(token.text, span), span)
            case "here":
                return Here(Span(self.source, token.start, token.end))
            case "real":
                return Real(token.text, Span(self.source, token.start, token.end))
            case "character":
                span = Span(self.source, token.start, token.end)
                return Number(read_character(token.text, span), span)
            case "sign":
                return self.nested(token)
            case _:
                raise _LeftToGrammar

    def nested(self, token: _Token) -> Expression:
        """Return what a unary operator or an opening parenthesis begins."""
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise _LeftToGrammar
        if token.text == "(":
            inner = self.expression(1)
            last = self.expect(")")
            value = replace(inner, span=Span(self.source, token.start, last.end))
        elif token.text in _UNARY:
            operand = self.unary()
            span = Span(self.source, token.start, operand.span.end)
            value = Unary(token.text, operand, span)
        else:
            raise _LeftToGrammar
        self.depth -= 1
        return value

    def remote(self, symbol: Name) -> Remote:
        """Return a symbol on a node; its `@` comes next."""
        self.index += 1
        self.expect("(")
        x = self.expression(1)
        self.expect(",")
        y = self.expression(1)
        last = self.expect(")")
        return Remote(symbol, x, y, Span(self.source, symbol.span.start, last.end))

    def peek(self) -> _Token:
        return self.tokens[self.index] if self.index < len(self.tokens) else _NOTHING

    def expect(self, sign: str) -> _Token:
        token = self.peek()
        if token.text != sign or token.kind != "sign":
            raise _LeftToGrammar
        self.index += 1
        return token
