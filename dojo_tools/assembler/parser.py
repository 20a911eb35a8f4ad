"""Parses one line with the grammar `isa/assembly.lark` and builds its tree.

Lines are parsed one by one, so that the parser resumes after a mistake and sees every other one.
"""

import re
from dataclasses import replace
from functools import cache
from typing import Any

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput

from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.literals import read_character, read_integer, read_string
from dojo_tools.assembler.plain_lines import parse_plain_line
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
    join,
)
from dojo_tools.description import assembly_grammar
from dojo_tools.diagnostics import Source, Span

NESTING_MAX = 256
"""Expressions may be nested so deep: in parentheses, operators, or symbols assigned later."""

_LABELS = re.compile(
    r"[ \t]*(?:(?:(?:[A-Za-z_$]|\.(?![0-9]))[0-9A-Za-z_.$]*|[0-9]+)[ \t]*:[ \t]*)*"
)
_STRINGS = re.compile(r"\"(?:\\[^\n]|[^\"\\\n])*\"|'(?:\\[^\n]|[^'\\\n])*'")
_OPERAND_STARTS = frozenset(("LEFT_PARENTHESIS", "INTEGER", "NAME"))
_FITTING = {
    "COLON": "`:`",
    "EQUAL": "`=`",
    "COMMA": "`,`",
    "RIGHT_BRACKET": "`]`",
    "RIGHT_PARENTHESIS": "`)`",
    "$END": "the end of the line",
}


def parse_line(source: Source, line: SourceLine) -> Line:
    """Return the tree of a line; raises `Refused` for the first thing in it that does not fit."""
    if not line.text or line.text.isspace():
        return Line()
    if line.broken:
        return parse_labels(source, line)
    plain = parse_plain_line(source, line)
    return parse_with_grammar(source, line) if plain is None else plain


def parse_with_grammar(source: Source, line: SourceLine) -> Line:
    """Return the tree of a line as `isa/assembly.lark` defines it."""
    _check_nesting(source, line)
    try:
        parser: Any = _parser()
        tree = parser.parse(line.text)
    except UnexpectedInput as error:
        raise _syntax_error(source, line, error) from None
    return _Builder(source, line.offset).line(tree)


def parse_labels(source: Source, line: SourceLine) -> Line:
    """Return the labels of a line whose rest can't be used, so that uses of them stay defined."""
    match = _LABELS.match(line.text)
    assert match is not None
    labels = re.finditer(r"([^\s:]+)[ \t]*:", match[0])
    return Line(
        tuple(
            Label(m[1], Span(source, line.offset + m.start(1), line.offset + m.end(1)))
            for m in labels
        )
    )


@cache
def _parser() -> Lark:
    return Lark(assembly_grammar(), parser="lalr", maybe_placeholders=False)


class _Builder:
    """Builds the tree of one line, which starts at `offset` in `source`."""

    def __init__(self, source: Source, offset: int) -> None:
        self.source = source
        self.offset = offset

    def line(self, tree: Tree[Token]) -> Line:
        labels: list[Label] = []
        statement: Command | Assignment | None = None
        for child in tree.children:
            assert isinstance(child, Tree)
            match child.data:
                case "label":
                    labels.append(self.label(child.children[0]))
                case "assignment":
                    name, expression = child.children
                    statement = Assignment(str(name), self.expression(expression), self.span(name))
                case _:
                    statement = self.command(child)
        return Line(tuple(labels), statement)

    def label(self, token: Any) -> Label:
        name, span = str(token), self.span(token)
        if token.type == "INTEGER" and not name.isdecimal():
            raise Refused(
                f"`{name}` can't be a label", span, "labels are names, or numbers such as `1:`"
            )
        return Label(name, span)

    def command(self, tree: Tree[Token]) -> Command:
        name, *rest = tree.children
        operands = tuple(self.operand(child) for child in rest)
        name_span = self.span(name)
        span = join(name_span, operands[-1].span) if operands else name_span
        return Command(str(name), operands, name_span, span)

    def operand(self, node: Any) -> Operand:
        if isinstance(node, Token):
            if node.type == "STRING":
                span = self.span(node)
                return Text(read_string(str(node), span), span)
        elif node.data == "memory":
            left, expression, right = node.children
            return Memory(self.expression(expression), join(self.span(left), self.span(right)))
        elif node.data == "biased":
            name, _, bias, right = node.children
            return Biased(str(name), self.expression(bias), join(self.span(name), self.span(right)))
        elif node.data == "tag":
            sign, name = node.children
            return Tag(str(name), join(self.span(sign), self.span(name)))
        return self.expression(node)

    def expression(self, node: Any, depth: int = 0) -> Expression:
        if isinstance(node, Token):
            return self.leaf(node)
        if depth > NESTING_MAX:
            while not isinstance(node, Token):
                node = node.children[0]
            raise Refused(
                f"this expression is nested deeper than {NESTING_MAX} levels", self.span(node)
            )
        match node.data:
            case "group":
                left, inner, right = node.children
                span = join(self.span(left), self.span(right))
                return replace(self.expression(inner, depth + 1), span=span)
            case "remote":
                name, _, _, x, y, right = node.children
                symbol = Name(str(name), self.span(name))
                span = join(symbol.span, self.span(right))
                return Remote(
                    symbol, self.expression(x, depth + 1), self.expression(y, depth + 1), span
                )
            case "unary":
                operator, inner = node.children
                operand = self.expression(inner, depth + 1)
                return Unary(str(operator), operand, join(self.span(operator), operand.span))
            case _:
                return self.chain(node, depth)

    def chain(self, node: Any, depth: int) -> Expression:
        """Build operators that associate to the left in a loop: a long sum is not a deep one."""
        steps: list[tuple[str, Any]] = []
        while not isinstance(node, Token) and node.data == "binary":
            left, operator, right = node.children
            steps.append((str(operator), right))
            node = left
        value = self.expression(node, depth + 1)
        for operator, right_node in reversed(steps):
            right = self.expression(right_node, depth + 1)
            value = Binary(operator, value, right, join(value.span, right.span))
        return value

    def leaf(self, token: Token) -> Expression:
        text, span = str(token), self.span(token)
        match token.type:
            case "INTEGER":
                return Number(read_integer(text, span), span)
            case "CHARACTER":
                return Number(read_character(text, span), span)
            case "FLOAT":
                return Real(text.replace("_", ""), span)
            case _:
                return Here(span) if text == "." else Name(text, span)

    def span(self, token: Any) -> Span:
        start = self.offset + token.start_pos
        return Span(self.source, start, start + len(token))


def _check_nesting(source: Source, line: SourceLine) -> None:
    """Refuse a line of very many parentheses before time is spent on parsing it."""
    if line.text.count("(") <= NESTING_MAX:
        return
    depth = 0
    text = _STRINGS.sub(lambda match: " " * len(match[0]), line.text)
    for match in re.finditer(r"[()]", text):
        depth += 1 if match[0] == "(" else -1
        if depth > NESTING_MAX:
            start = line.offset + match.start()
            raise Refused(
                f"this expression is nested deeper than {NESTING_MAX} levels",
                Span(source, start, start + 1),
            )


def _syntax_error(source: Source, line: SourceLine, error: Any) -> Refused:
    """Return what was found and what fits, in words; `error` is Lark's."""
    start, length = error.pos_in_stream, 1
    if isinstance(error, UnexpectedCharacters):
        fitting = set[str](error.allowed or ())
        found = _describe_character(line.text[start])
    elif error.token.type == "$END":
        fitting = set[str](error.accepts or error.expected)
        start, found = len(line.text.rstrip()), "the end of the line"
    else:
        fitting = set[str](error.accepts or error.expected)
        length, found = len(error.token), f"`{error.token}`"
    span = Span(source, line.offset + start, line.offset + start + length)
    at_start = not line.text[:start].strip()
    wanted = "a label, an instruction or a directive" if at_start else _describe_fitting(fitting)
    return Refused(f"found {found}, expected {wanted}", span)


def _describe_fitting(fitting: set[str]) -> str:
    words = [word for terminal, word in _FITTING.items() if terminal in fitting]
    if fitting >= _OPERAND_STARTS:
        words.insert(0, "an operand" if "LEFT_BRACKET" in fitting else "an expression")
    elif "NAME" in fitting:
        words.insert(0, "a name")
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _describe_character(character: str) -> str:
    if character.isprintable():
        return f"`{character}`"
    return f"the control character U+{ord(character):04X}"
