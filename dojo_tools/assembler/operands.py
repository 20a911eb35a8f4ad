"""Matches the operands of a statement with the forms of its mnemonic, and each with its kind."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dojo_tools.assembler.tree import (
    Biased,
    Binary,
    Command,
    Constant,
    Expression,
    Memory,
    Name,
    Number,
    Operand,
    Real,
    Refused,
    Tag,
    Text,
    Unary,
    join,
    refuse_together,
)
from dojo_tools.bits import mask, signed_range
from dojo_tools.description import (
    AliasDef,
    Description,
    InstructionDef,
    OperandClass,
    OperandKind,
    PseudoDef,
    RegisterFile,
    SyntaxItem,
)
from dojo_tools.description.types import Type
from dojo_tools.diagnostics import Hints, Span
from dojo_tools.float_codes import bf16_code_of_text, f32_code_of_text

Form = InstructionDef | AliasDef | PseudoDef

_NOUN = re.compile(r"(\w[\w ]*?)s?(?: of |[;:.,]|$)")
_FLOAT_CODES = {"f32": f32_code_of_text, "bf16": bf16_code_of_text}


@dataclass(frozen=True, slots=True)
class Code:
    """What a register, predicate or control operand stores; there is nothing left to evaluate."""

    number: int
    written: Expression | None


Argument = Code | Expression
"""An operand that fits its kind: a code, or an immediate to be evaluated later."""


def find_form(forms: Sequence[Form], command: Command, description: Description) -> Form:
    """Return the form with the shape of the operands found; raises `Refused`."""
    found = command.operands
    for form in forms:
        if _takes_shape(form, found):
            return form
    fitting = [form for form in forms if _takes_count(syntax_of(form), len(found))]
    hint = "write " + " or ".join(f"`{form.syntax_text}`" for form in forms)
    if len(fitting) == 1:
        problems = [
            Refused(_shape_message(item, operand, description), operand.span, hint)
            for item, operand in zip(syntax_of(fitting[0]), found, strict=False)
            if not _has_shape(item, operand)
        ]
        refuse_together(problems)
    if fitting:
        shapes = ", ".join("[...]" if isinstance(o, Memory) else "..." for o in found)
        raise Refused(
            f"no form of `{command.name}` is `{command.name} {shapes}`", command.span, hint
        )
    raise Refused(f"`{command.name}` {_count_message(forms, len(found))}", command.span, hint)


def syntax_of(form: Form) -> tuple[SyntaxItem, ...]:
    """Return the operand pattern of a form; that of a pseudo-instruction is a plain list."""
    if isinstance(form, PseudoDef):
        return tuple(SyntaxItem(parameter.name) for parameter in form.parameters)
    return form.syntax


def bind(
    form: InstructionDef | AliasDef, command: Command, description: Description, hints: Hints
) -> dict[str, Argument]:
    """Return the argument for each operand name; raises `Refused` for all that do not fit."""
    kinds = {kind.name: kind for kind in form.operands}
    problems: list[Refused] = []
    arguments: dict[str, Argument] = {}

    def fit_one(name: str, expression: Operand) -> None:
        try:
            arguments[name] = fit(kinds[name], expression, description, hints)
        except Refused as refused:
            problems.append(refused)

    for item, operand in zip(form.syntax, command.operands, strict=False):
        if not isinstance(operand, Memory):
            fit_one(item.base, operand)
            continue
        try:
            base, offset = _split_memory(operand, description)
        except Refused as refused:
            problems.append(refused)
            continue
        fit_one(item.base, base)
        if item.offset:
            fit_one(item.offset, offset or Number(0, operand.span))
        elif offset is not None:
            hint = f"write `{form.syntax_text}`"
            problems.append(Refused("this form takes no offset", offset.span, hint))
    for item in form.syntax[len(command.operands) :]:
        arguments[item.base] = Code(0, None)
    refuse_together(problems)
    return arguments


def bind_parameters(
    form: PseudoDef, command: Command, description: Description, hints: Hints
) -> dict[str, Argument]:
    """Return the argument for each parameter; raises `Refused` for all that do not fit."""
    problems: list[Refused] = []
    arguments: dict[str, Argument] = {}
    for parameter, operand in zip(form.parameters, command.operands, strict=True):
        try:
            if parameter.operand is not None:
                arguments[parameter.name] = fit(parameter.operand, operand, description, hints)
            else:
                assert parameter.type is not None
                arguments[parameter.name] = _fit_constant(parameter.type, operand, description)
        except Refused as refused:
            problems.append(refused)
    refuse_together(problems)
    return arguments


def fit(kind: OperandKind, operand: Operand, description: Description, hints: Hints) -> Argument:
    """Return an operand as an argument of its kind; raises `Refused` if it is of another."""
    if kind.operand_class is OperandClass.IMMEDIATE:
        return _fit_immediate(operand, description)
    if isinstance(operand, Name):
        if kind.operand_class is OperandClass.REGISTER:
            file, code = description.register_names.get(operand.name, (None, 0))
            if file is not None and file.name == kind.file:
                return Code(code, operand)
        else:
            for name, code in kind.names:
                if name == operand.name:
                    return Code(code, operand)
    raise _wrong_name(kind, operand, description, hints)


def float_code(type_: Type, operand: Operand) -> int:
    """Return the code of a float literal, rounded once; raises `Refused` for anything else."""
    text = float_text(operand)
    code = None if text is None else _FLOAT_CODES[str(type_)](text)
    if code is None:
        raise Refused(
            f"expected a number to store as {type_}, found {describe_operand(operand)}",
            operand.span,
            "numbers are 1, -1.5e-3, 0x1.8p3, inf, nan",
        )
    return code


def check_immediate(kind: OperandKind, number: int, span: Span) -> None:
    """Raise `Refused` if an operand kind has no code for a number, and say which it has."""
    what = "the distance" if kind.pc_relative else "immediate"
    if not kind.low <= number <= kind.high:
        raise Refused(f"{what} {number} does not fit in {_range_text(kind)}", span)
    if number % kind.scale:
        raise Refused(f"{what} {number} is not a multiple of {kind.scale}", span)


def fit_bits(number: int, width: int, span: Span) -> int:
    """Return a number as `width` bits, signed or unsigned; raises `Refused` if it has more."""
    low, high = signed_range(width)[0], mask(width)
    if not low <= number <= high:
        raise Refused(f"value {number} does not fit in {width} bits ({low}..{high})", span)
    return number & high


def describe_operand(operand: Operand, description: Description | None = None) -> str:
    """Return in words what was written for an operand."""
    match operand:
        case Memory():
            return f"memory operand `{operand.span.text}`"
        case Text():
            return "a string"
        case Tag(name):
            return f"`@{name}`"
        case Number() | Real():
            return f"the number `{operand.span.text}`"
        case Name(name):
            named = description.register_names.get(name) if description else None
            return f"{noun_of(named[0])} `{name}`" if named else f"`{name}`"
        case _:
            return f"`{operand.span.text}`"


def noun_of(file: RegisterFile) -> str:
    """Return what one register of a file is called: the start of its summary, in the singular."""
    match = _NOUN.match(file.summary)
    noun = match[1] if match else f"{file.name} register"
    return noun[0].lower() + noun[1:]


def _takes_count(syntax: Sequence[SyntaxItem], count: int) -> bool:
    return sum(not item.optional for item in syntax) <= count <= len(syntax)


def _takes_shape(form: Form, operands: Sequence[Operand]) -> bool:
    """Whether a form takes so many operands, in brackets or not as these are."""
    if isinstance(form, PseudoDef):
        fits = len(form.parameters) == len(operands)
        return fits and not any(isinstance(operand, Memory) for operand in operands)
    return _takes_count(form.syntax, len(operands)) and all(map(_has_shape, form.syntax, operands))


def _has_shape(item: SyntaxItem, operand: Operand) -> bool:
    return item.is_memory == isinstance(operand, Memory)


def _shape_message(item: SyntaxItem, operand: Operand, description: Description) -> str:
    found = describe_operand(operand, description)
    wanted = "a memory operand" if item.is_memory else "an operand without brackets"
    return f"expected {wanted}, found {found}"


def _count_message(forms: Sequence[Form], found: int) -> str:
    counts = {
        count
        for form in forms
        for count in range(
            sum(not item.optional for item in syntax_of(form)), len(syntax_of(form)) + 1
        )
    }
    *most, last = map(str, sorted(counts))
    numbers = f"{', '.join(most)} or {last}" if most else last
    plural = "" if counts == {1} else "s"
    return f"takes {numbers if counts != {0} else 'no'} operand{plural}, found {found or 'none'}"


def _split_memory(
    operand: Memory, description: Description
) -> tuple[Expression, Expression | None]:
    """Return base and offset of `[base]`, `[base + offset]` or `[base - offset]`."""
    steps: list[Binary] = []
    node = operand.expression
    while isinstance(node, Binary):
        steps.append(node)
        node = node.left
    for step in steps:
        if step.operator not in ("+", "-"):
            raise Refused(
                f"expected `[base]`, `[base + offset]` or `[base - offset]`, found "
                f"`{operand.span.text}`",
                operand.span,
                "put the offset in parentheses" if _is_register(node, description) else None,
            )
    offset: Expression | None = None
    for step in reversed(steps):
        right, span = step.right, step.right.span
        if offset is not None:
            offset = Binary(step.operator, offset, right, join(offset.span, span))
        else:
            offset = right if step.operator == "+" else Unary("-", right, span)
    return node, offset


def _is_register(node: Expression, description: Description) -> bool:
    return isinstance(node, Name) and node.name in description.register_names


def _fit_immediate(operand: Operand, description: Description) -> Expression:
    if isinstance(operand, Memory | Text | Tag | Biased | Real) or _is_register(
        operand, description
    ):
        raise Refused(
            f"expected an immediate, found {describe_operand(operand, description)}", operand.span
        )
    return operand


def _fit_constant(type_: Type, operand: Operand, description: Description) -> Expression:
    if type_.is_float:
        return Number(float_code(type_, operand), operand.span)
    expression = _fit_immediate(operand, description)
    return Constant(expression, type_, expression.span)


def float_text(operand: Operand) -> str | None:
    """Return the text of a float literal, or None for anything else."""
    sign = ""
    while isinstance(operand, Unary) and operand.operator in ("-", "+") and not sign:
        sign, operand = operand.operator, operand.operand
    match operand:
        case Number(value):
            return f"{sign}{value}"
        case Real(text):
            return sign + text
        case Name(name) if name.lower() in ("inf", "nan"):
            return sign + name
        case _:
            return None


def _wrong_name(
    kind: OperandKind, operand: Operand, description: Description, hints: Hints
) -> Refused:
    """Return what was found where a register, predicate or control register is needed."""
    found = describe_operand(operand, description)
    hint = None
    if isinstance(operand, Name) and operand.name not in description.register_names:
        hint = hints.did_you_mean(operand.name, [name for name, _ in kind.names if name])
    if kind.operand_class is OperandClass.CONTROL:
        if isinstance(operand, Name) and any(c.name == operand.name for c in description.controls):
            return Refused(f"control register {found} is read-only", operand.span)
        return Refused(f"expected a control register, found {found}", operand.span, hint)
    file = next(file for file in description.registers if file.name == kind.file)
    last = f"{file.name}{file.count - 1}"
    if kind.operand_class is OperandClass.PREDICATE:
        first = f"{file.name}1"
        wanted = f"a predicate ({first}..{last} or {first}.z..{last}.z)"
    else:
        noun = noun_of(file)
        article = "an" if noun[0] in "aeiou" else "a"
        wanted = f"{article} {noun} ({file.name}0..{last})"
    return Refused(f"expected {wanted}, found {found}", operand.span, hint)


def _range_text(kind: OperandKind) -> str:
    limits = f"({kind.low}..{kind.high})"
    if kind.scale != 1:
        return f"{limits[:-1]}, multiples of {kind.scale})"
    if kind.is_signed:
        return f"{kind.field.width} signed bits {limits}"
    if kind.high == mask(kind.field.width):
        return f"{kind.field.width} unsigned bits {limits}"
    return f"the range {kind.low}..{kind.high}"
