"""Reads the operand pattern after a mnemonic, for instructions, aliases and pseudo-instructions."""

import re
from typing import Any

from dojo_tools.description.model import OperandClass, OperandKind, SyntaxItem
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.tables import Tables

_MNEMONIC = re.compile(r"[a-z][a-z0-9_.]*")


def read_syntax(
    tables: Tables, entry: Entry, tree: Any
) -> tuple[tuple[OperandKind, ...], tuple[SyntaxItem, ...]]:
    operands: list[OperandKind] = []
    items: list[SyntaxItem] = []

    def add(token: Any) -> str:
        kind = tables.look_up(tables.operands, "operand", entry, token)
        if any(kind.field.name == other.field.name for other in operands):
            raise entry.reject(f"field `{kind.field.name}` would hold two operands", token)
        operands.append(kind)
        return kind.name

    for item in tree.children:
        if item is None:
            continue
        if item.data == "plain_item":
            items.append(SyntaxItem(add(item.children[0])))
        elif item.data == "memory_item":
            base, offset = item.children
            name = add(base)
            items.append(
                SyntaxItem(name, is_memory=True, offset="" if offset is None else add(offset))
            )
        else:
            name = add(item.children[0])
            kind = operands[-1]
            if kind.operand_class is not OperandClass.PREDICATE:
                raise entry.reject(f"`{name}` can't be left out: it is no predicate", item)
            items.append(SyntaxItem(name, optional=True))
    return tuple(operands), tuple(items)


def check_shape(
    tables: Tables, entry: Entry, node: Any, mnemonic: str, syntax: tuple[SyntaxItem, ...]
) -> None:
    """Refuse two entries of one mnemonic that the shape of the operands can't tell apart."""
    if not _MNEMONIC.fullmatch(mnemonic):
        raise entry.reject(f"`{mnemonic}` is no mnemonic: letters are small, one is first", node)
    required = sum(not item.optional for item in syntax)
    for count in range(required, len(syntax) + 1):
        shape = "".join("m" if item.is_memory else "p" for item in syntax[:count])
        earlier = tables.places.get(("mnemonic", f"{mnemonic} {shape}"))
        if earlier is not None:
            raise entry.reject(
                f"`{mnemonic}` with operands of this shape is already defined at {earlier}", node
            )
        tables.places["mnemonic", f"{mnemonic} {shape}"] = entry.span(node)
