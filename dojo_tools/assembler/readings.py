"""What is being read: a file, a macro's expansion in it, a block in that, each with its next line.

They stand on a stack of our own, because macros, blocks and includes nest deeper together than
Python's calls do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dojo_tools.assembler.blocks import Passage
from dojo_tools.assembler.files import Files
from dojo_tools.assembler.unit import Step, UnitBuilder
from dojo_tools.objects import FrameKind

Lines = tuple[Passage, int, int]
"""Lines of a passage: the index of the first, and that after the last."""


@dataclass(slots=True)
class Reading:
    """Lines from `index` to before `end`, then those of `others`.

    `kind` is None for a block; `trail` leads to what stands around a file or an expansion.
    """

    passage: Passage
    index: int
    end: int
    others: Iterator[Lines]
    kind: FrameKind | None
    trail: tuple[Step, ...]


class Readings:
    """What is being read, the innermost last; keeps the unit's trail and the open files."""

    def __init__(self, builder: UnitBuilder, files: Files) -> None:
        self._builder = builder
        self._files = files
        self._stack: list[Reading] = []
        self.macro_depth = 0

    @property
    def innermost(self) -> Reading | None:
        """What comes next, if anything is left."""
        return self._stack[-1] if self._stack else None

    def begin_block(self, lines: Iterator[Lines]) -> None:
        """Read lines of a block next, one range after the other."""
        first = next(lines, None)
        if first is not None:
            self._stack.append(Reading(*first, lines, None, self._builder.trail))

    def begin(self, passage: Passage, kind: FrameKind, step: Step | None) -> None:
        """Read a file, which is open already, or an expansion next; the step leads to it."""
        trail = self._builder.trail
        end = len(passage.lines)
        self._stack.append(Reading(passage, 0, end, iter(()), kind, trail))
        self.macro_depth += kind is FrameKind.MACRO
        if step is not None:
            self._builder.trail = (step, *trail)

    def finish(self) -> None:
        """Go on around the innermost one."""
        reading = self._stack.pop()
        if reading.kind is None:
            return
        self._builder.trail = reading.trail
        if reading.kind is FrameKind.MACRO:
            self.macro_depth -= 1
        else:
            self._files.close()

    def leave_macro(self) -> None:
        """Go on after the innermost use of a macro."""
        while self._stack[-1].kind is not FrameKind.MACRO:
            self.finish()
        self.finish()

    def finish_all(self) -> None:
        """Leave everything."""
        while self._stack:
            self.finish()
