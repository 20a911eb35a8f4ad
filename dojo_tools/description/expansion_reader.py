"""Reads aliases and pseudo-instructions: other names for instructions that exist."""

from typing import Any

from dojo_tools.description.model import AliasDef, Parameter, PseudoDef, SyntaxItem, Variant
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.syntax_reader import check_shape, read_syntax
from dojo_tools.description.tables import Tables
from dojo_tools.description.templates import read_expression, read_template, read_templates
from dojo_tools.description.types import parse_type


def read_alias(tables: Tables, entry: Entry) -> None:
    mnemonic_token, syntax_tree, template, summary, _family = entry.tree.children
    mnemonic = entry.text(mnemonic_token)
    operands, syntax = read_syntax(tables, entry, syntax_tree)
    check_shape(tables, entry, mnemonic_token, mnemonic, syntax)
    alias = AliasDef(
        mnemonic,
        operands,
        syntax,
        entry.text(summary),
        read_template(entry, template),
        tables.sections.get(entry.source, ""),
        entry.location,
    )
    tables.aliases.append((alias, entry))


def read_pseudo(tables: Tables, entry: Entry) -> None:
    mnemonic_token, parameter_trees, summary, _family, variant_trees = entry.tree.children
    mnemonic = entry.text(mnemonic_token)
    parameters = tuple(
        _parameter(tables, entry, tree) for tree in parameter_trees.children if tree is not None
    )
    shape = tuple(SyntaxItem(parameter.name) for parameter in parameters)
    check_shape(tables, entry, mnemonic_token, mnemonic, shape)
    variants: list[Variant] = []
    for tree in variant_trees.children:
        *conditions, templates = tree.children
        condition = read_expression(entry, conditions[0]) if conditions else None
        variants.append(Variant(condition, read_templates(entry, templates)))
    if variants[-1].condition is not None or any(v.condition is None for v in variants[:-1]):
        raise entry.reject("exactly the last variant must be `otherwise`", mnemonic_token)
    pseudo = PseudoDef(
        mnemonic,
        parameters,
        entry.text(summary),
        tuple(variants),
        tables.sections.get(entry.source, ""),
        entry.location,
    )
    tables.pseudos.append((pseudo, entry))


def read_padding(tables: Tables, entry: Entry) -> None:
    mnemonic_token, _summary = entry.tree.children
    mnemonic = entry.text(mnemonic_token)
    if tables.padding:
        raise entry.reject(f"the padding is `{tables.padding}` already", mnemonic_token)
    forms = [form for form, _ in (*tables.instructions, *tables.aliases)]
    if not any(form.mnemonic == mnemonic and not form.operands for form in forms):
        raise entry.reject(
            f"`{mnemonic}` is no instruction or alias without operands", mnemonic_token
        )
    tables.padding = mnemonic


def _parameter(tables: Tables, entry: Entry, tree: Any) -> Parameter:
    name_token, type_token = tree.children
    name = entry.text(name_token)
    if type_token is None:
        kind = tables.look_up(tables.operands, "operand", entry, name_token)
        return Parameter(name, kind, None)
    type_ = parse_type(entry.text(type_token))
    if type_ is None or type_.lanes or type_.is_bool:
        raise entry.reject("a constant is i64 or a float type", type_token)
    return Parameter(name, None, type_)
