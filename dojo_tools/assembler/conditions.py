"""Whether the lines of an arm of a conditional are read."""

import re

from dojo_tools.assembler.blocks import LABELS, Passage
from dojo_tools.assembler.directive_operands import check_count, expression_of, name_of
from dojo_tools.assembler.macros import Argument, split_arguments
from dojo_tools.assembler.parser import parse_line
from dojo_tools.assembler.tree import Command, Refused
from dojo_tools.assembler.unit import UnitBuilder
from dojo_tools.diagnostics import Span

_HEAD = re.compile(rf"{LABELS}(\.[a-z]+)")


class Conditions:
    """Evaluates conditions over what a unit knows so far."""

    def __init__(self, builder: UnitBuilder) -> None:
        self._builder = builder

    def holds(self, passage: Passage, index: int) -> bool:
        """Return whether the condition in a line holds; raises `Refused`."""
        line = passage.lines[index]
        head = _HEAD.match(line.text)
        assert head is not None
        name, end = head[1], line.offset + head.end()
        span = Span(passage.source, line.offset + head.start(1), end)
        text = line.text[head.end() :]
        arguments = split_arguments(passage.source, end, text)
        match name:
            case ".else":
                return True
            case ".ifb" | ".ifnb":
                return (not text.strip(" \t")) == (name == ".ifb")
            case ".ifc" | ".ifnc":
                return self._are_alike(name, arguments, span) == (name == ".ifc")
            case _:
                return self._is_true(name, passage, index)

    def _is_true(self, name: str, passage: Passage, index: int) -> bool:
        command = parse_line(passage.source, passage.lines[index]).statement
        assert isinstance(command, Command)
        if name in (".ifdef", ".ifndef"):
            check_count(command, 1, 1, f"{name} name")
            operand = name_of(command.operands[0])
            entry = self._builder.symbols.entries.get(operand.name)
            return (entry is not None and entry.is_defined) == (name == ".ifdef")
        check_count(command, 1, 1, f"{name} condition")
        expression = expression_of(command.operands[0])
        position = self._builder.position()
        return self._builder.reading.number(expression, position, earlier_only=True) != 0

    def _are_alike(self, name: str, arguments: list[Argument], span: Span) -> bool:
        if len(arguments) != 2:
            raise Refused(f"`{name}` compares two texts", span, f"write `{name} text, text`")
        return arguments[0].text == arguments[1].text
