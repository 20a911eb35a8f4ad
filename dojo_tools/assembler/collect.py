"""Reads sources line by line into a unit: includes, conditionals, repetitions, macros.

Each statement either becomes part of the unit or is reported; then the next line is read. Only
when a limit on expansion is passed does reading end at once.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dojo_tools.assembler.blocks import (
    ARMS,
    CLOSERS,
    CONDITIONS,
    LABELS,
    NAME_END,
    OPENERS,
    REPETITIONS,
    Block,
    Passage,
)
from dojo_tools.assembler.conditions import Conditions
from dojo_tools.assembler.directive_operands import check_count, expression_of, text_of
from dojo_tools.assembler.directives import INCBIN, INCLUDE, apply_directive, directive_names
from dojo_tools.assembler.expand import Expander
from dojo_tools.assembler.files import Files
from dojo_tools.assembler.fixed_code import FixedCode, first_column
from dojo_tools.assembler.lines import SourceLine, split_lines
from dojo_tools.assembler.macros import (
    Argument,
    Macro,
    Template,
    bind_arguments,
    read_parameters,
    split_arguments,
    values_of,
)
from dojo_tools.assembler.parser import parse_labels, parse_line
from dojo_tools.assembler.readings import Lines, Reading, Readings
from dojo_tools.assembler.structures import Structures
from dojo_tools.assembler.tree import (
    Assignment,
    Command,
    Expression,
    LimitPassed,
    Line,
    Number,
    Refused,
)
from dojo_tools.assembler.unit import Bytes, Step, UnitBuilder, notes_of
from dojo_tools.assembler.unknown_names import UnknownNames, explain_reference
from dojo_tools.diagnostics import InputError, Source, Span, decode_source, did_you_mean, printable
from dojo_tools.objects import FrameKind

EXPANSION_DEPTH_MAX = 64
"""Uses of macros may stand in expansions so deep."""
EXPANSION_LINES_MAX = 400_000
"""Macros and repetitions may come to so many lines in all."""
EXPANSION_TEXT_MAX = 32 << 20
"""Their lines may have so many characters, before arguments are put in."""
EXPANSION_ARGUMENTS_MAX = 2 << 20
"""So many characters may be put into lines as arguments."""

_HEAD = re.compile(rf"{LABELS}(?P<name>[A-Za-z_$.][0-9A-Za-z_.$]*){NAME_END}", re.ASCII)
_EXIT_MACRO = ".exitm"
_PURGE = ".purgem"


class _ReadingEnded(Exception):
    """A limit was passed and has been reported; what is left can't be read."""


class Collector:
    """Reads sources into a unit, one after another; `is_ended` if a limit stopped it."""

    def __init__(
        self, builder: UnitBuilder, expander: Expander, include_folders: Sequence[Path]
    ) -> None:
        self.builder = builder
        self.expander = expander
        self.sources: list[Source] = []
        self.is_ended = False
        self._files = Files(include_folders)
        self._fixed = FixedCode(builder.description)
        self._conditions = Conditions(builder)
        self._structures = Structures(builder)
        self._unknown_names = UnknownNames(builder.description, _TEXT_DIRECTIVES)
        self._macros: dict[str, Macro] = {}
        self._expansion_count = 0
        self._expanded_lines = 0
        self._expanded_characters = 0
        self._argument_characters = 0
        self._readings = Readings(builder, self._files)

    @property
    def files(self) -> list[Path]:
        """Every file that was read, in order."""
        return self._files.files

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
        """Read a source of the command line and what it includes."""
        self._files.enter(source.name)
        try:
            self._begin_file(source, Path(source.name), None)
            while (reading := self._readings.innermost) is not None:
                self._read_on(reading)
        except _ReadingEnded:
            self.is_ended = True
        finally:
            self._readings.finish_all()

    def _begin_file(self, source: Source, path: Path, step: Step | None) -> None:
        self.sources.append(source)
        lines = list(split_lines(source, self.builder.report))
        self._files.open(path)
        self._readings.begin(Passage(source, lines), FrameKind.INCLUDE, step)

    def _read_on(self, reading: Reading) -> None:
        """Read lines until others come first, or to their end."""
        builder, readings = self.builder, self._readings
        source, lines = reading.passage.source, reading.passage.lines
        word_of = self._fixed.word
        index, end = reading.index, reading.end
        while index < end:
            line = lines[index]
            text = line.text
            if not text or text.isspace():
                index += 1
                continue
            word = word_of(text)
            if word is not None:
                builder.add_word(word, source, line.offset + first_column(text))
                index += 1
                continue
            head = _HEAD.match(text)
            after = index + 1
            try:
                if head is None or not self._takes_text(head["name"], line):
                    self._read_line(source, line)
                else:
                    self._define_labels(source, line, head)
                    after = self._read_block(reading.passage, index, head)
            except Refused as refused:
                self._refuse(refused)
            index = after
            if readings.innermost is not reading:
                reading.index = index
                return
        self._read_others(reading)

    def _read_others(self, reading: Reading) -> None:
        """Go on with the lines that follow those of a reading, or around it."""
        try:
            following = next(reading.others, None)
        except Refused as refused:
            self._refuse(refused)
            following = None
        if following is None:
            self._readings.finish()
        else:
            reading.passage, reading.index, reading.end = following

    def _takes_text(self, name: str, line: SourceLine) -> bool:
        """Whether a statement reads its line, or the lines after it, as text."""
        if line.broken:
            return name in _BLOCK_DIRECTIVES
        return name in _TEXT_DIRECTIVES or name in self._macros

    def _read_line(self, source: Source, line: SourceLine) -> None:
        try:
            parsed = parse_line(source, line)
        except Refused as refused:
            self._refuse(refused)
            parsed = parse_labels(source, line)
        for label in parsed.labels:
            self.builder.define_label(label)
        self._apply(parsed)

    def _define_labels(self, source: Source, line: SourceLine, head: re.Match[str]) -> None:
        if head.start("name"):
            before = SourceLine(line.offset, line.text[: head.start("name")])
            for label in parse_labels(source, before).labels:
                self.builder.define_label(label)

    def _apply(self, line: Line) -> None:
        builder, statement = self.builder, line.statement
        match statement:
            case None:
                return
            case Assignment(name, expression, span):
                builder.assign(name, expression, span)
            case Command(name) if name.startswith("."):
                if name == INCLUDE:
                    self._include(statement)
                elif name == INCBIN:
                    self._include_bytes(statement)
                else:
                    try:
                        apply_directive(builder, statement)
                    except Refused as refused:
                        raise self._explain(statement, refused) from None
            case _:
                position = builder.position()
                try:
                    use = self.expander.use(statement, position.anchor)
                except Refused as refused:
                    raise self._explain(statement, refused) from None
                builder.add(use, statement.span, position)

    def _explain(self, command: Command, refused: Refused) -> Refused:
        return self._unknown_names.explain(command, refused, self._macros, self.sources)

    # Blocks and macros, which read text.

    def _read_block(self, passage: Passage, index: int, head: re.Match[str]) -> int:
        """Read the statement of a line that reads text; return the index of the next line."""
        line = passage.lines[index]
        name = head["name"]
        span = Span(
            passage.source, line.offset + head.start("name"), line.offset + head.end("name")
        )
        rest, offset = line.text[head.end("name") :], line.offset + head.end("name")
        arguments = split_arguments(passage.source, offset, rest)
        if name in self._macros:
            self._use_macro(self._macros[name], arguments, _whole(span, line))
            return index + 1
        if name == _EXIT_MACRO:
            if arguments:
                found = printable(arguments[0].text)
                raise Refused(f"`.exitm` takes no operand, found `{found}`", arguments[0].span)
            if self._readings.macro_depth == 0:
                raise Refused("`.exitm` leaves a macro, and this is none", span)
            self._readings.leave_macro()
            return index + 1
        if name == _PURGE:
            self._purge(arguments, span)
            return index + 1
        block = passage.block_at(index)
        if line.broken:
            return block.end  # what is wrong with it has been reported
        try:
            if block.problem is not None:
                raise block.problem
            if name == ".macro":
                self._define_macro(passage, block, offset, rest, span)
            elif name == ".struct":
                self._structures.read(passage, block, arguments, span)
            elif name in CONDITIONS:
                self._read_conditional(passage, block)
            elif name in REPETITIONS:
                self._repeat(passage, block, arguments, span)
        except Refused as refused:
            self._refuse(refused)
        return block.end

    def _refuse(self, refused: Refused) -> None:
        """Report why a statement can't be used; after a limit was passed, read no more."""
        self.builder.refuse(explain_reference(refused))
        if isinstance(refused, LimitPassed):
            raise _ReadingEnded

    def _read_conditional(self, passage: Passage, block: Block) -> None:
        """Read the arm that holds, if any."""
        bounds = [block.start, *block.arms, block.end - 1]
        for index, next_index in itertools.pairwise(bounds):
            if self._conditions.holds(passage, index):
                self._readings.begin_block(iter([(passage, index + 1, next_index)]))
                return

    def _repeat(
        self, passage: Passage, block: Block, arguments: Sequence[Argument], span: Span
    ) -> None:
        first, last = block.start + 1, block.end - 1
        if block.opener == ".rept":
            command = self._command(passage, block.start)
            check_count(command, 1, 1, ".rept count")
            expression = expression_of(command.operands[0])
            count = self._number(expression)
            if count < 0:
                raise Refused(f"the count is negative: {count}", expression.span)
            length = sum(len(line.text) for line in passage.lines[first:last])
            self._count_lines(count, last - first, length, span)
            self._readings.begin_block(itertools.repeat((passage, first, last), count))
            return
        name, values = self._repeated_values(block.opener, arguments, span)
        template = Template(passage.source, passage.lines[first:last], [name])
        self._count_lines(len(values), last - first, template.length, span)
        self._readings.begin_block(self._expansions(template, name, values, span))

    def _expansions(
        self, template: Template, name: str, values: Sequence[str], span: Span
    ) -> Iterator[Lines]:
        """Yield the lines of a repetition for each value."""
        for value in values:
            expansion = self._expand(template, {name: value}, span)
            yield expansion, 0, len(expansion.lines)

    def _repeated_values(
        self, opener: str, arguments: Sequence[Argument], span: Span
    ) -> tuple[str, list[str]]:
        usage = f"{opener} name, " + ("value, ..." if opener == ".irp" else "characters")
        if not arguments or not re.fullmatch(r"[A-Za-z_]\w*", arguments[0].text, re.ASCII):
            raise Refused(f"`{opener}` needs a name", span, f"write `{usage}`")
        name, *rest = arguments
        if opener == ".irp":
            return name.text, [argument.text for argument in rest] or [""]
        if len(rest) != 1:
            raise Refused(f"`{opener}` takes a name and one text", span, f"write `{usage}`")
        text = rest[0].text
        is_quoted = len(text) >= 2 and text[0] == text[-1] == '"'
        return name.text, list(text[1:-1] if is_quoted else text)

    def _define_macro(
        self, passage: Passage, block: Block, offset: int, rest: str, span: Span
    ) -> None:
        match = re.match(r"[ \t]*([A-Za-z_$.][0-9A-Za-z_.$]*)[ \t]*,?", rest, re.ASCII)
        if match is None:
            raise Refused("this macro has no name", span, "write `.macro name parameter, ...`")
        name = match[1]
        name_span = Span(passage.source, offset + match.start(1), offset + match.end(1))
        self._check_macro_name(name, name_span)
        parameters = read_parameters(passage.source, offset + match.end(), rest[match.end() :])
        lines = passage.lines[block.start + 1 : block.end - 1]
        body = Template(passage.source, lines, [parameter.name for parameter in parameters])
        self._macros[name] = Macro(name, parameters, body, name_span)

    def _check_macro_name(self, name: str, span: Span) -> None:
        known = self._macros.get(name)
        description = self.builder.description
        if known is not None:
            place = f"{known.span.source.name}:{known.span.line}"
            raise Refused(
                f"macro `{name}` is already defined at {printable(place)}",
                span,
                f"`.purgem {name}` forgets it",
            )
        if name in description.mnemonics or name in description.register_names:
            raise Refused(f"`{name}` is an instruction or a register", span)
        if name in _TEXT_DIRECTIVES or name in directive_names(description):
            raise Refused(f"`{name}` is a directive", span)

    def _purge(self, arguments: Sequence[Argument], span: Span) -> None:
        if not arguments:
            raise Refused("`.purgem` needs the name of a macro", span)
        for argument in arguments:
            if argument.text not in self._macros:
                near = did_you_mean(argument.text, self._macros)
                raise Refused(f"there is no macro `{argument.text}`", argument.span, near)
            del self._macros[argument.text]

    def _use_macro(self, macro: Macro, arguments: Sequence[Argument], use: Span) -> None:
        values = bind_arguments(macro, arguments, use)
        if self._readings.macro_depth >= EXPANSION_DEPTH_MAX:
            message = f"macros are nested deeper than {EXPANSION_DEPTH_MAX} levels"
            raise LimitPassed(message, use)
        self._count_lines(1, len(macro.body.lines), macro.body.length, use)
        expansion = self._expand(macro.body, values, use)
        step = Step(FrameKind.MACRO, macro.name, use)
        self._readings.begin(expansion, FrameKind.MACRO, step)

    def _count_lines(self, count: int, lines: int, length: int, span: Span) -> None:
        """Count what is expanded `count` times before it is; raise `LimitPassed` for too much."""
        self._expanded_lines += count * (lines + 1)
        self._expanded_characters += count * length
        what = "macros and repetitions come to more than"
        if self._expanded_lines > EXPANSION_LINES_MAX:
            raise LimitPassed(f"{what} {EXPANSION_LINES_MAX:,} lines", span)
        if self._expanded_characters > EXPANSION_TEXT_MAX:
            raise LimitPassed(f"{what} {EXPANSION_TEXT_MAX >> 20} MiB of text", span)

    def _expand(self, template: Template, values: Mapping[str, str], span: Span) -> Passage:
        """Return an expansion; raise `LimitPassed` if arguments have come to too much text."""
        self._expansion_count += 1
        expansion = template.expand(values_of(values, self._expansion_count), span)
        # A reference counts even if nothing is put in for it.
        put_in = len(expansion.source.text) - template.fixed_length
        self._argument_characters += max(put_in, template.reference_count)
        if self._argument_characters > EXPANSION_ARGUMENTS_MAX:
            limit = EXPANSION_ARGUMENTS_MAX >> 20
            message = f"the arguments of macros and repetitions come to more than {limit} MiB"
            raise LimitPassed(message, span)
        return expansion

    def _command(self, passage: Passage, index: int) -> Command:
        """Return a line as a directive with operands."""
        statement = parse_line(passage.source, passage.lines[index]).statement
        assert isinstance(statement, Command)
        return statement

    # Files.

    def _include(self, command: Command) -> None:
        check_count(command, 1, 1, '.include "file"')
        operand = text_of(command.operands[0])
        written = operand.contents.decode(errors="replace")
        path = self._files.find(written, operand.span)
        self._files.check_include(path, operand.span)
        contents = self._files.read(path, written, operand.span)
        step = Step(FrameKind.INCLUDE, "", command.span)
        try:
            source = decode_source(contents, str(path))
        except InputError as error:
            notes = (step.note, *notes_of(self.builder.trail))
            for found in error.diagnostics:
                self.builder.report.add(replace(found, notes=found.notes + notes))
            return
        self._begin_file(source, path, step)

    def _include_bytes(self, command: Command) -> None:
        """Add the bytes of a file, or of a part of it."""
        check_count(command, 1, 3, '.incbin "file", offset, length')
        operand = text_of(command.operands[0])
        written = operand.contents.decode(errors="replace")
        contents = self._files.read(self._files.find(written, operand.span), written, operand.span)
        for what, each in zip(("offset", "length"), command.operands[1:], strict=False):
            expression = expression_of(each)
            number = self._number(expression)
            if not 0 <= number <= len(contents):
                raise Refused(
                    f"the {what} {number} does not fit in the {len(contents)} bytes there are",
                    expression.span,
                )
            contents = contents[number:] if what == "offset" else contents[:number]
        self.builder.add(Bytes(contents), command.span)

    def _number(self, expression: Expression) -> int:
        """Return a number that must be known while reading."""
        return self.builder.reading.number(expression, self.builder.position(), earlier_only=True)


_BLOCK_DIRECTIVES = OPENERS | CLOSERS | ARMS
_TEXT_DIRECTIVES = _BLOCK_DIRECTIVES | {_EXIT_MACRO, _PURGE}


def _whole(name: Span, line: SourceLine) -> Span:
    """Return the span of a statement from its name to the end of its line."""
    return Span(name.source, name.start, line.offset + len(line.text.rstrip(" \t")))
