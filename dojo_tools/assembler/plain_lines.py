"""Plain lines without the grammar: the same trees, at several times the speed.

Most lines of a program are labels, a mnemonic, and operands that are names, numbers, or memory
operands of these. Regular expressions take such a line apart; anything else, every mistake
included, is left to the grammar. A property test holds the two equal.
"""

import re

from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.literals import read_integer
from dojo_tools.assembler.tree import (
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
    Unary,
)
from dojo_tools.diagnostics import Source, Span

_NAME = r"(?:[A-Za-z_$]|\.(?=[A-Za-z_$.]))[0-9A-Za-z_.$]*"
_NUMBER = r"(?:0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,20})(?![0-9A-Za-z_.$])"
_LABEL = re.compile(rf"[ \t]*(?P<name>{_NAME}|[0-9]{{1,9}}(?=[ \t]*:))[ \t]*:")
_HEAD = re.compile(rf"[ \t]*(?P<name>{_NAME})(?:[ \t]+(?=\S)|$)")
_OPERAND = re.compile(
    rf"(?:(?P<here>\.(?![0-9A-Za-z_.$]))|(?P<name>{_NAME}|[0-9]{{1,9}}[bf](?![0-9A-Za-z_.$])))"
    rf"(?:[ \t]*(?P<plus>[+-])[ \t]*(?P<addend>{_NUMBER}))?"
    rf"|(?P<minus>-)?(?P<number>{_NUMBER})"
    rf"|\[[ \t]*(?P<base>{_NAME})"
    rf"(?:[ \t]*(?P<sign>[+-])[ \t]*(?:(?P<offset>{_NUMBER})|(?P<symbol>{_NAME})))?[ \t]*\]"
)
_COMMA = re.compile(r"[ \t]*,[ \t]*")


def parse_plain_line(source: Source, line: SourceLine) -> Line | None:
    """Return the tree of a plain line, or None for one that the grammar must parse."""
    text, offset = line.text, line.offset
    labels: list[Label] = []
    position = 0
    while (label := _LABEL.match(text, position)) is not None:
        labels.append(Label(label["name"], _span(source, offset, label, "name")))
        position = label.end()
    end = len(text.rstrip(" \t"))
    if position >= end:
        return Line(tuple(labels)) if labels else None
    head = _HEAD.match(text, position, end)
    if head is None:
        return None
    operands = _operands(source, offset, text, head.end(), end)
    if operands is None:
        return None
    name_span = _span(source, offset, head, "name")
    span = Span(source, name_span.start, operands[-1].span.end) if operands else name_span
    return Line(tuple(labels), Command(head["name"], tuple(operands), name_span, span))


def _operands(
    source: Source, offset: int, text: str, position: int, end: int
) -> list[Operand] | None:
    operands: list[Operand] = []
    if position >= end:
        return operands
    while (match := _OPERAND.match(text, position, end)) is not None:
        operands.append(_operand(source, offset, match))
        if match.end() == end:
            return operands
        comma = _COMMA.match(text, match.end(), end)
        if comma is None:
            return None
        position = comma.end()
    return None


def _operand(source: Source, offset: int, match: re.Match[str]) -> Operand:
    if match["here"] is not None:
        here = Here(_span(source, offset, match, "here"))
        return _sum(here, match["plus"], _number(source, offset, match, "addend"))
    if match["name"] is not None:
        name = Name(match["name"], _span(source, offset, match, "name"))
        return _sum(name, match["plus"], _number(source, offset, match, "addend"))
    number = _number(source, offset, match, "number")
    if number is not None:
        if match["minus"] is None:
            return number
        return Unary("-", number, Span(source, offset + match.start(), number.span.end))
    base = Name(match["base"], _span(source, offset, match, "base"))
    right: Number | Name | None = _number(source, offset, match, "offset")
    if match["symbol"] is not None:
        right = Name(match["symbol"], _span(source, offset, match, "symbol"))
    span = Span(source, offset + match.start(), offset + match.end())
    return Memory(_sum(base, match["sign"], right), span)


def _sum(left: Expression, operator: str, right: Number | Name | None) -> Expression:
    """Return the sum or difference, or what stands on the left where nothing follows."""
    if right is None:
        return left
    return Binary(operator, left, right, Span(left.span.source, left.span.start, right.span.end))


def _number(source: Source, offset: int, match: re.Match[str], group: str) -> Number | None:
    if match[group] is None:
        return None
    span = _span(source, offset, match, group)
    return Number(read_integer(match[group], span), span)


def _span(source: Source, offset: int, match: re.Match[str], group: str) -> Span:
    start, end = match.span(group)
    return Span(source, offset + start, offset + end)
