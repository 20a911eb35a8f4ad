"""Turns a written instruction into real ones: aliases, pseudo-instructions, branches too far.

An alias is replaced at once. How a pseudo-instruction or a branch expands may depend on addresses,
which depend on how others expand. So each starts with its first choice and, while the layout is
repeated, only ever moves to a later one: this ends, and all choices then fit the final addresses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dojo_tools.assembler.evaluate import Evaluator
from dojo_tools.assembler.operands import Argument, Code, bind, bind_parameters, find_form
from dojo_tools.assembler.symbols import Position
from dojo_tools.assembler.tree import (
    Anchor,
    Binary,
    Command,
    Expression,
    Here,
    Memory,
    Name,
    Number,
    Operand,
    Refused,
    Unary,
)
from dojo_tools.description import (
    Description,
    InstructionDef,
    OperandKind,
    PseudoDef,
    allows,
    expressions,
)
from dojo_tools.description.expressions import Template, TemplateExpression
from dojo_tools.diagnostics import Hints, Span

INSTRUCTION_SIZE = 4
_DEPTH_MAX = 16


@dataclass(slots=True)
class Use:
    """One use of an instruction or pseudo-instruction.

    `choice` is the variant of a pseudo-instruction; of an instruction, 1 if it is replaced by its
    expansion for far targets. `parts` is what stands in its place, empty for an instruction that
    stands for itself. `trail` names the expansions that led here, the innermost last.
    """

    form: InstructionDef | PseudoDef
    arguments: Mapping[str, Argument]
    span: Span
    anchor: Anchor
    trail: tuple[str, ...]
    choice: int = 0
    parts: list["Use"] = field(default_factory=list["Use"])

    @property
    def is_fixed(self) -> bool:
        """Whether nothing about this use depends on addresses."""
        return isinstance(self.form, InstructionDef) and not self.form.far


class Expander:
    """Expands uses by the aliases, pseudo-instructions and far branches of a description."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._hints = Hints()

    def use(
        self, command: Command, anchor: Anchor, trail: tuple[str, ...] = (), alias_depth: int = 0
    ) -> Use:
        """Return the use that a statement or template makes of its mnemonic; raises `Refused`."""
        forms = self._description.mnemonics.get(command.name)
        if forms is None:
            raise Refused(f"unknown instruction `{command.name}`", command.name_span)
        form = find_form(forms, command, self._description)
        if isinstance(form, PseudoDef):
            arguments = bind_parameters(form, command, self._description, self._hints)
            use = Use(form, arguments, command.span, anchor, trail)
            self._take(use, 0)
            return use
        arguments = bind(form, command, self._description, self._hints)
        if isinstance(form, InstructionDef):
            return Use(form, arguments, command.span, anchor, trail)
        if alias_depth > _DEPTH_MAX:
            raise _endless(command)
        inner = _fill(form.template, arguments, command.span, anchor)
        return self.use(inner, anchor, trail, alias_depth + 1)

    def settle(
        self, use: Use, offset: int, position: Position, evaluator: Evaluator | None, force: bool
    ) -> int:
        """Place a use at an offset, reconsider its choice, and return its size in bytes.

        Raises `Refused` for an expansion without end.

        Without an evaluator choices are left as they are; with `force` a branch that may become
        too far is taken to be.
        """
        use.anchor.offset = offset
        if use.is_fixed:
            return INSTRUCTION_SIZE
        if evaluator is not None:
            choice = _choose(use, position, evaluator, force)
            if choice != use.choice:
                self._take(use, choice)
        if not use.parts:
            return INSTRUCTION_SIZE
        if isinstance(use.form, InstructionDef):
            force = False  # it is far already, and its parts are made to reach
        end = offset
        for part in use.parts:
            end += self.settle(part, end, position, evaluator, force)
        return end - offset

    def _take(self, use: Use, choice: int) -> None:
        """Make a choice and build the parts it consists of."""
        form = use.form
        lines = form.far if isinstance(form, InstructionDef) else form.variants[choice].lines
        trail = (*use.trail, form.mnemonic)
        if len(trail) > _DEPTH_MAX:
            raise _endless(Command(form.mnemonic, (), use.span, use.span))
        use.choice = choice
        use.parts = []
        for line in lines:
            anchor = Anchor(use.anchor.section)
            command = _fill(line, use.arguments, use.span, anchor)
            use.parts.append(self.use(command, anchor, trail))


def relative_operand(definition: InstructionDef) -> OperandKind:
    """Return the operand that is a target, relative to the instruction's address."""
    return next(kind for kind in definition.operands if kind.pc_relative)


def _endless(command: Command) -> Refused:
    return Refused(
        f"the expansion of `{command.name}` is nested deeper than {_DEPTH_MAX} levels",
        command.span,
    )


def _choose(use: Use, position: Position, evaluator: Evaluator, force: bool) -> int:
    """Return the first choice from the present one on that fits; mistakes are reported later."""
    try:
        if isinstance(use.form, InstructionDef):
            return max(use.choice, _choose_far(use, use.form, position, evaluator, force))
        for choice in range(use.choice, len(use.form.variants)):
            condition = use.form.variants[choice].condition
            if condition is None:
                return choice
            filled = _substitute(condition, use.arguments, use.span, use.anchor)
            if evaluator.number(filled, position):
                return choice
    except Refused:
        pass
    return use.choice


def _choose_far(
    use: Use, definition: InstructionDef, position: Position, evaluator: Evaluator, force: bool
) -> int:
    kind = relative_operand(definition)
    target = use.arguments[kind.name]
    assert not isinstance(target, Code)
    value = evaluator.value(target, position)
    offset = evaluator.fixed_offset(value, use.anchor.section)
    if offset is None:
        return 0
    distance = offset - use.anchor.offset
    if distance % kind.scale:
        return 0
    return int(force or not allows(kind, distance))


def _fill(
    template: Template, arguments: Mapping[str, Argument], span: Span, anchor: Anchor
) -> Command:
    """Return a template as the statement that it is for these arguments."""
    operands: list[Operand] = []
    for operand in template.operands:
        if isinstance(operand.expression, expressions.Name):
            argument = arguments.get(operand.expression.name)
            if isinstance(argument, Code) and argument.written is None:
                continue  # a predicate that was left out
        expression = _substitute(operand.expression, arguments, span, anchor)
        operands.append(Memory(expression, span) if operand.is_memory else expression)
    return Command(template.mnemonic, tuple(operands), span, span)


def _substitute(
    template: TemplateExpression, arguments: Mapping[str, Argument], span: Span, anchor: Anchor
) -> Expression:
    """Return a template's expression with arguments in place of parameters."""
    match template:
        case expressions.Number(value):
            return Number(value, span)
        case expressions.Here():
            return Here(span, anchor)
        case expressions.Name(name):
            argument = arguments.get(name)
            if isinstance(argument, Code):
                assert argument.written is not None
                return argument.written
            return argument or Name(name, span)
        case expressions.Unary(operator, operand):
            return Unary(operator, _substitute(operand, arguments, span, anchor), span)
        case expressions.Binary(operator, left, right):
            return Binary(
                operator,
                _substitute(left, arguments, span, anchor),
                _substitute(right, arguments, span, anchor),
                span,
            )
