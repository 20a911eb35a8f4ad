"""Reads sources and the files they include, line by line, into a unit.

Each statement either becomes part of the unit or is reported; then the next line is read.
"""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from dojo_tools.assembler.directives import INCLUDE, apply_directive, check_count, text_of
from dojo_tools.assembler.expand import Expander
from dojo_tools.assembler.lines import SourceLine, split_lines
from dojo_tools.assembler.parser import parse_labels, parse_line
from dojo_tools.assembler.tree import Assignment, Command, Line, Number, Refused
from dojo_tools.assembler.unit import Step, UnitBuilder
from dojo_tools.diagnostics import InputError, Source, Span, printable, read_source
from dojo_tools.objects import FrameKind

INCLUDE_DEPTH_MAX = 64
INCLUDE_COUNT_MAX = 2_000
INCLUDE_SIZE_MAX = 64 << 20


class Collector:
    """Reads sources into a unit, one after another."""

    def __init__(
        self, builder: UnitBuilder, expander: Expander, include_folders: Sequence[Path]
    ) -> None:
        self.builder = builder
        self.expander = expander
        self.include_folders = include_folders
        self.sources: list[Source] = []
        self._open: list[Path] = []
        self._include_size = 0

    def define(self, defines: Mapping[str, int]) -> None:
        """Assign names to numbers, as the command line says, before anything is read."""
        text = "".join(f"{name} = {value}\n" for name, value in defines.items())
        source = Source("<command line>", text)
        offset = 0
        for name, value in defines.items():
            span = Span(source, offset, offset + len(name))
            self.builder.assign(name, Number(value, span), span)
            offset = text.index("\n", offset) + 1

    def read(self, source: Source) -> None:
        """Read a source and what it includes."""
        self.sources.append(source)
        self._open.append(Path(source.name).resolve())
        for line in split_lines(source, self.builder.report):
            self._read_line(source, line)
        self._open.pop()

    def _read_line(self, source: Source, line: SourceLine) -> None:
        try:
            parsed = parse_line(source, line)
        except Refused as refused:
            self.builder.refuse(refused)
            parsed = parse_labels(source, line)
        for label in parsed.labels:
            self.builder.define_label(label)
        try:
            self._apply(parsed)
        except Refused as refused:
            self.builder.refuse(refused)

    def _apply(self, line: Line) -> None:
        builder, statement = self.builder, line.statement
        match statement:
            case None:
                return
            case Assignment(name, expression, span):
                builder.assign(name, expression, span)
            case Command(name) if name == INCLUDE:
                self._include(statement)
            case Command(name) if name.startswith("."):
                apply_directive(builder, statement)
            case _:
                position = builder.position()
                use = self.expander.use(statement, position.anchor)
                builder.add(use, statement.span, position)

    def _include(self, command: Command) -> None:
        check_count(command, 1, 1, '.include "file"')
        operand = text_of(command.operands[0])
        written = operand.contents.decode(errors="replace")
        path = self._find(written, command.span)
        self._check_limits(path, operand.span)
        try:
            source = read_source(path)
        except InputError as error:
            raise Refused(error.diagnostics[0].message, operand.span) from None
        except OSError as error:
            raise Refused(
                f"can't read `{printable(written)}`: {error.strerror}", operand.span
            ) from None
        outer = self.builder.trail
        self.builder.trail = (Step(FrameKind.INCLUDE, "", command.span), *outer)
        self.read(source)
        self.builder.trail = outer

    def _find(self, written: str, span: Span) -> Path:
        """Return the file that an include names: beside the including file, or in a folder."""
        folders = [Path(span.source.name).parent, *self.include_folders]
        if "\0" in written:
            raise Refused("a file name can't hold a NUL", span)
        for folder in folders:
            path = folder / written
            try:
                mode = path.stat().st_mode
            except OSError:
                continue
            if not stat.S_ISREG(mode):
                raise Refused(f"`{printable(written)}` is not a regular file", span)
            return path
        searched = ", ".join(printable(str(folder)) for folder in folders)
        raise Refused(
            f"can't find `{printable(written)}`", span, f"searched in {searched}; `-I` adds folders"
        )

    def _check_limits(self, path: Path, span: Span) -> None:
        if path.resolve() in self._open:
            start = self._open.index(path.resolve())
            names = [source.name for source in self._open_sources()[start:]]
            chain = " -> ".join(printable(name) for name in [*names, str(path)])
            raise Refused(f"this file includes itself: {chain}", span)
        if len(self._open) > INCLUDE_DEPTH_MAX:
            raise Refused(f"includes are nested deeper than {INCLUDE_DEPTH_MAX} files", span)
        self._include_size += path.stat().st_size
        if len(self.sources) > INCLUDE_COUNT_MAX or self._include_size > INCLUDE_SIZE_MAX:
            raise Refused(
                f"more than {INCLUDE_COUNT_MAX} files or {INCLUDE_SIZE_MAX >> 20} MiB are included",
                span,
            )

    def _open_sources(self) -> list[Source]:
        by_path = {Path(source.name).resolve(): source for source in self.sources}
        return [by_path[path] for path in self._open]
