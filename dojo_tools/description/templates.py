"""Reads the expansions of aliases and pseudo-instructions: instructions over parameters."""

from typing import Any

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
from dojo_tools.description.source_tree import Entry


def read_template(entry: Entry, tree: Any) -> Template:
    """Return one instruction of an expansion."""
    mnemonic, *operands = tree.children
    return Template(
        entry.text(mnemonic),
        tuple(
            TemplateOperand(
                read_expression(entry, operand.children[0]), operand.data == "memory_operand"
            )
            for operand in operands
            if operand is not None
        ),
    )


def read_templates(entry: Entry, tree: Any) -> tuple[Template, ...]:
    """Return the instructions of an expansion, in order."""
    return tuple(read_template(entry, child) for child in tree.children)


def read_expression(entry: Entry, tree: Any) -> TemplateExpression:
    """Return an integer expression over parameters; raises `Rejected` for anything else."""
    match tree.data:
        case "integer":
            return Number(entry.integer(tree.children[0]))
        case "name" if tree.children[1] is None:
            return Name(entry.text(tree.children[0]))
        case "name":  # a zeroing predicate, `m1.z`
            return Name(".".join(entry.text(token) for token in tree.children))
        case "here":
            return Here()
        case "unary":
            operator, operand = tree.children
            return Unary(str(operator), read_expression(entry, operand))
        case "binary":
            left, operator, right = tree.children
            return Binary(
                str(operator), read_expression(entry, left), read_expression(entry, right)
            )
        case _:
            raise entry.reject("only integer expressions stand in an expansion", tree)
