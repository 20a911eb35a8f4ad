"""Parsed description text: tokens and trees of one entry, its family parameters filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any, cast

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark import Tree as LarkTree
from lark.tree import Meta

from dojo_tools.description.locate import isa_folder
from dojo_tools.diagnostics import Diagnostic, InputError, Severity, Source, Span

Tree = Any
"""A tree or token of Lark, whose children are known by the grammar, not by their types."""


DIGITS_MAX = 80
DEPTH_MAX = 40


def is_tree(node: Any, kind: str) -> bool:
    """Return whether a child is a tree of that kind, and neither a token nor left out."""
    return isinstance(node, LarkTree) and bool(node.data == kind)


class Rejected(Exception):
    """An entry can't be used; carries the diagnostic that says why."""

    def __init__(self, message: str, span: Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(Severity.ERROR, message, span, hint)


@cache
def _parser(grammar: str) -> Lark:
    text = (isa_folder() / grammar).read_text(encoding="utf-8")
    return Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def parse(source: Source, grammar: str = "description.lark") -> list[Tree]:
    """Return the items of a description file; raises `InputError` at the first syntax error."""
    parser = _parser(grammar)
    try:
        tree: Tree = parser.parse(source.text)  # pyright: ignore[reportUnknownMemberType]  Lark
        return tree.children
    except UnexpectedInput as error:
        raise InputError([_syntax_error(source, error, parser)]) from None


def _syntax_error(source: Source, error: UnexpectedInput, parser: Lark) -> Diagnostic:
    start = error.pos_in_stream if error.pos_in_stream is not None else len(source.text)
    end = start + 1
    found = repr(source.text[start : start + 1])
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = set(error.accepts or error.expected)
        token = cast("Token", error.token)  # pyright: ignore[reportUnknownMemberType]  Lark
        if token.type == "$END":
            start = end = len(source.text)
            found = "the end of the file"
        else:
            end = start + len(token)
            found = f"`{token}`"
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed or ())
    words = sorted(_readable(parser, name) for name in expected if not name.startswith("__"))
    hint = f"expected {', '.join(words[:12])}" if words else None
    return Diagnostic(Severity.ERROR, f"{found} does not fit here", Span(source, start, end), hint)


def _readable(parser: Lark, terminal: str) -> str:
    for definition in parser.terminals:
        if definition.name == terminal and definition.pattern.type == "str":
            return f"`{definition.pattern.value}`"
    return "end of file" if terminal == "$END" else terminal.lower()


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a description file, read with the values of its family's parameters."""

    source: Source
    tree: Tree
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])

    def text(self, token: Any) -> str:
        """Return a token's text with parameters filled in, strings without their quotes."""
        text = str(token)
        if token.type == "STRING":
            text = text[1:-1]
        if "{" in text:
            for name, value in self.parameters.items():
                text = text.replace("{" + name + "}", value)
            if "{" in text and token.type != "STRING":
                raise Rejected(f"`{text}` names no parameter of this entry", self.span(token))
        return text

    def source_text(self, node: Any) -> str:
        """Return the text of a token or tree with parameters filled in."""
        text = self.span(node).text
        for name, value in self.parameters.items():
            text = text.replace("{" + name + "}", value)
        return text

    def block_text(self, block: Any) -> str:
        """Return the text in a block's braces with parameters filled in, indented from column 1."""
        return cleandoc(self.source_text(block)[1:-1]).strip()

    def integer(self, token: Any) -> int:
        """Return the value of an integer token, or of a parameter that stands for one."""
        text = self.text(token)
        if not text[0].isdigit():
            raise self.reject(f"`{text}` is not a number", token)
        return self.number(text, token)

    def number(self, text: str, node: Any) -> int:
        """Return the value of a number's text, which must not be longer than any that fits."""
        if len(text) > DIGITS_MAX:
            raise self.reject(f"this number has {len(text)} digits", node)
        try:
            return int(text, 0)
        except ValueError:
            raise self.reject(f"`{text}` is not a number", node) from None

    def span(self, node: Any) -> Span:
        """Return the characters that a token or tree covers."""
        if isinstance(node, Token):
            start = node.start_pos or 0
            return Span(self.source, start, start + len(node))
        meta: Meta = node.meta
        if meta.empty:
            return self.span(self.head)
        return Span(self.source, meta.start_pos, meta.end_pos)

    def reject(self, message: str, node: Any, hint: str | None = None) -> Rejected:
        """Return the exception that refuses this entry because of `node`."""
        return Rejected(message, self.span(node), hint)

    @property
    def head(self) -> Token:
        """The token that names the entry."""
        head = self.tree.children[0]
        assert isinstance(head, Token)
        return head

    @property
    def location(self) -> str:
        """Where the entry stands: `scalar.isa:12`."""
        return self.place_of(self.head)

    def place_of(self, node: Any) -> str:
        """Return where a part of the entry stands, in the same form."""
        return f"{Path(self.source.name).name}:{self.span(node).line}"


def check_depth(entry: Entry) -> None:
    """Refuse an entry that is nested deeper than any reader of it can follow."""
    level: list[Tree] = [entry.tree]
    for _ in range(DEPTH_MAX):
        level = [child for tree in level for child in tree.children if isinstance(child, LarkTree)]
    if level:
        raise entry.reject("this is nested too deeply", level[0], "give parts of it names")
