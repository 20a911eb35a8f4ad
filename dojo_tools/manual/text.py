"""The parts of a description as text for people: operands, limits, expansions."""

from dojo_tools.description import (
    AliasDef,
    Description,
    OperandClass,
    OperandKind,
)
from dojo_tools.description.expressions import (
    Binary,
    Here,
    Name,
    Number,
    Template,
    TemplateExpression,
    TemplateOperand,
    Unary,
)


def describe_operand(kind: OperandKind, description: Description) -> str:
    """Return what an operand is, and what may be written for it."""
    return f"{kind.summary}: {describe_choice(kind, description)}"


def describe_choice(kind: OperandKind, description: Description) -> str:
    """Return what may be written for an operand."""
    names = [name for name, _ in kind.names if name]
    match kind.operand_class:
        case OperandClass.REGISTER:
            count = next(file.count for file in description.registers if file.name == kind.file)
            return f"{names[0]} to {names[count - 1]}"
        case OperandClass.PREDICATE:
            half = len(names) // 2
            return f"{names[0]} to {names[half - 1]}, {names[half]} to {names[-1]}, or nothing"
        case OperandClass.CONTROL:
            return ", ".join(names)
        case OperandClass.IMMEDIATE:
            scale = f", a multiple of {kind.scale}" if kind.scale > 1 else ""
            relative = " from the instruction" if kind.pc_relative else ""
            return f"{kind.low}..{kind.high}{relative}{scale}"


def format_alias(alias: AliasDef) -> str:
    """Return an alias, what it stands for, and its summary."""
    return f"{alias.syntax_text} = {format_template(alias.template)}: {alias.summary}"


def format_template(template: Template) -> str:
    """Return one line of an expansion."""
    operands = ", ".join(_operand(operand) for operand in template.operands)
    return f"{template.mnemonic} {operands}".rstrip()


def _operand(operand: TemplateOperand) -> str:
    text = format_expression(operand.expression)
    return f"[{text}]" if operand.is_memory else text


def format_expression(expression: TemplateExpression) -> str:
    """Return an expression, its parts in parentheses where they have operators themselves."""
    match expression:
        case Number(value):
            return hex(value) if abs(value) > 255 else str(value)
        case Name(name):
            return name
        case Here():
            return "."
        case Unary(operator, operand):
            return operator + _part(operand)
        case Binary(operator, left, right):
            return f"{_part(left)} {operator} {_part(right)}"


def _part(expression: TemplateExpression) -> str:
    text = format_expression(expression)
    return f"({text})" if isinstance(expression, Binary) else text
