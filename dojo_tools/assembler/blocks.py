"""Where the blocks of a passage begin and end: conditionals, repetitions, macros, structures."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dojo_tools.assembler.lines import SourceLine
from dojo_tools.assembler.tree import Refused
from dojo_tools.diagnostics import Source, Span, printable

BLOCK_DEPTH_MAX = 64
"""Blocks may stand in blocks so deep."""

CONDITIONS = (".if", ".ifdef", ".ifndef", ".ifb", ".ifnb", ".ifc", ".ifnc")
REPETITIONS = (".rept", ".irp", ".irpc")
_ENDS = {
    **dict.fromkeys(CONDITIONS, ".endif"),
    **dict.fromkeys(REPETITIONS, ".endr"),
    ".macro": ".endm",
    ".struct": ".endstruct",
}
CLOSERS = frozenset(_ENDS.values())
ARMS = frozenset((".elseif", ".else"))
OPENERS = frozenset(_ENDS)

LABELS = r"[ \t]*(?:(?:(?:[A-Za-z_$]|\.(?![0-9]))[0-9A-Za-z_.$]*|[0-9]+)[ \t]*:[ \t]*)*"
NAME_END = r"(?![0-9A-Za-z_.$]|[ \t]*(?:=(?!=)|:))"
"""Ends the name of a statement: a label or an assignment it is not."""
_WORDS = "|".join(sorted(name[1:] for name in {*OPENERS, *CLOSERS, *ARMS}))
DIRECTIVE = re.compile(rf"{LABELS}(?P<name>\.(?:{_WORDS})){NAME_END}")


@dataclass(slots=True)
class Block:
    """The lines of a block by their indices: the one that opens it, its arms, the one after it.

    One with a `problem` can't be read. A line that belongs to no block is one by itself, and so is
    an arm or an end: whoever comes to it was not sent there by its block.
    """

    opener: str
    start: int
    end: int
    arms: list[int] = field(default_factory=list[int])
    has_else: bool = False
    problem: Refused | None = None


class Passage:
    """Lines that are read as a whole, a file or an expansion, and the blocks in them."""

    def __init__(self, source: Source, lines: Sequence[SourceLine]) -> None:
        self.source = source
        self.lines = lines
        self._blocks: dict[int, Block] | None = None

    def block_at(self, index: int) -> Block:
        """Return the block whose directive stands in a line."""
        if self._blocks is None:
            self._blocks = self._find_blocks()
        return self._blocks[index]

    def _find_blocks(self) -> dict[int, Block]:
        blocks: dict[int, Block] = {}
        stack: list[Block] = []
        open_counts = Counter[str]()
        for index, line in enumerate(self.lines):
            match = DIRECTIVE.match(line.text)
            if match is None:
                continue
            name = match["name"]
            block = blocks[index] = Block(name, index, index + 1)
            if name in OPENERS:
                stack.append(block)
                open_counts[_ENDS[name]] += 1
                if len(stack) > BLOCK_DEPTH_MAX:
                    message = f"blocks are nested deeper than {BLOCK_DEPTH_MAX} levels"
                    block.problem = Refused(message, self._span(index))
                continue
            if name in ARMS:
                self._add_arm(block, stack)
            else:
                self._close(block, stack, open_counts)
        for block in stack:
            self._leave_open(block)
        return blocks

    def _add_arm(self, arm: Block, stack: list[Block]) -> None:
        block = stack[-1] if stack and stack[-1].opener in CONDITIONS else None
        if block is None:
            arm.problem = Refused(f"`{arm.opener}` belongs to no `.if`", self._span(arm.start))
        elif block.has_else:
            message = f"`{arm.opener}` comes after `.else`"
            block.problem = block.problem or Refused(message, self._span(arm.start))
        else:
            block.arms.append(arm.start)
            block.has_else = arm.opener == ".else"
            self._check_alone(block, arm)

    def _close(self, end: Block, stack: list[Block], open_counts: Counter[str]) -> None:
        if not open_counts[end.opener]:
            end.problem = Refused(f"`{end.opener}` closes nothing", self._span(end.start))
            return
        while _ENDS[stack[-1].opener] != end.opener:
            inner = stack.pop()
            open_counts[_ENDS[inner.opener]] -= 1
            self._leave_open(inner)
        open_counts[end.opener] -= 1
        block = stack.pop()
        block.end = end.end
        self._check_alone(block, end)

    def _check_alone(self, block: Block, part: Block) -> None:
        """Let a block have a problem if an arm or its end shares a line with what is not read."""
        line, span = self.lines[part.start], self._span(part.start)
        label = line.text[: span.start - line.offset].strip(" \t")
        rest = line.text[span.end - line.offset :]
        found = rest.strip(" \t")
        problem = None
        if label:
            start = span.start - len(line.text[: span.start - line.offset].lstrip(" \t"))
            label_span = Span(self.source, start, start + len(label))
            message = f"a label can't stand before `{part.opener}`"
            problem = Refused(message, label_span, "write it on a line of its own")
        elif found and part.opener != ".elseif" and not line.broken:
            start = span.end + len(rest) - len(rest.lstrip(" \t"))
            message = f"`{part.opener}` takes no operand, found `{printable(found)}`"
            hint = "write `.elseif condition`" if part.opener == ".else" else None
            problem = Refused(message, Span(self.source, start, start + len(found)), hint)
        block.problem = block.problem or problem

    def _leave_open(self, block: Block) -> None:
        """Report a block without an end; of all but conditionals, what is in it can't be read."""
        message = f"this `{block.opener}` is never closed"
        hint = f"write `{_ENDS[block.opener]}` after its last line"
        block.problem = block.problem or Refused(message, self._span(block.start), hint)
        if block.opener not in CONDITIONS:
            block.end = len(self.lines)

    def _span(self, index: int) -> Span:
        line = self.lines[index]
        match = DIRECTIVE.match(line.text)
        assert match is not None
        return Span(self.source, line.offset + match.start("name"), line.offset + match.end())
