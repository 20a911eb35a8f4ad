"""Reads instructions and functions, and proves each by itself: encoding, operands, meaning."""

from typing import Any

from dojo_tools import bits
from dojo_tools.description.checker import Checker
from dojo_tools.description.examples import read_example
from dojo_tools.description.model import (
    Example,
    Field,
    Format,
    InstructionDef,
    Meaning,
    OperandKind,
    Timing,
)
from dojo_tools.description.scope import FunctionDef, Scope
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.syntax_reader import check_shape, read_syntax
from dojo_tools.description.tables import Tables
from dojo_tools.description.templates import read_templates
from dojo_tools.description.views import read_type

INSTRUCTIONS_MAX = 4096
LATENCY_CYCLES_MAX = 1000
BEATS_MAX = 256


def read_function(tables: Tables, entry: Entry) -> None:
    name_token, formals, result_token, _summary, _family, lets, value = entry.tree.children
    name = entry.text(name_token)
    tables.define("function", name, entry, name_token)
    parameters = tuple(
        (entry.text(formal.children[0]), read_type(entry, formal.children[1]))
        for formal in formals.children
    )
    result = read_type(entry, result_token)
    function = FunctionDef(entry, parameters, result, tuple(lets.children), value)
    scope = Scope(entry, {}, tables.registers, tables.functions, tables.effort)
    Checker(scope).check_function(function)
    tables.functions[name] = function


def read_instruction(tables: Tables, entry: Entry) -> None:
    mnemonic_token, syntax_tree, summary, *clauses, block = entry.tree.children
    mnemonic = entry.text(mnemonic_token)
    if len(tables.instructions) == INSTRUCTIONS_MAX:
        raise entry.reject(f"there are more than {INSTRUCTIONS_MAX} instructions", mnemonic_token)
    operands, syntax = read_syntax(tables, entry, syntax_tree)
    check_shape(tables, entry, mnemonic_token, mnemonic, syntax)
    found = _Clauses(entry, clauses)
    format_, fixed, mask, match = _encoding(tables, entry, found.one("encoding"), operands)
    timing = _timing(tables, entry, found.one("timing"))
    by_name = {operand.name: operand for operand in operands}
    scope = Scope(entry, by_name, tables.registers, tables.functions, tables.effort)
    statements = Checker(scope).check(block)
    examples = _examples(tables, entry, found.all("example"), by_name)
    far = found.optional("far")
    tables.instructions.append(
        (
            InstructionDef(
                mnemonic,
                operands,
                syntax,
                entry.text(summary),
                format_,
                fixed,
                mask,
                match,
                timing,
                tables.own_provenance(entry, found.optional("provenance")),
                () if far is None else read_templates(entry, far.children[0]),
                tables.sections.get(entry.source, ""),
                entry.location,
                Meaning(statements, examples, _meaning_text(tables, entry, block)),
            ),
            entry,
        )
    )


def _meaning_text(tables: Tables, entry: Entry, block: Any) -> str:
    """Return a meaning as it is written, then every function it uses, callers first."""
    used: dict[str, FunctionDef] = {}
    waiting = [(entry, block)]
    while waiting:
        reader, tree = waiting.pop()
        for call in tree.find_data("invoke"):
            name = reader.text(call.children[0])
            if name in tables.functions and name not in used:
                function = used[name] = tables.functions[name]
                waiting += [(function.entry, part) for part in (*function.lets, function.value)]
    texts = [_function_text(name, function) for name, function in used.items()]
    return "\n\n".join([entry.block_text(block), *texts])


def _function_text(name: str, function: FunctionDef) -> str:
    parameters = ", ".join(f"{parameter}: {type_}" for parameter, type_ in function.parameters)
    lines = [
        f"{name}({parameters}) -> {function.result}",
        *(function.entry.source_text(let) for let in function.lets),
        f"return {function.entry.source_text(function.value)}",
    ]
    return "\n    ".join(lines)


def _examples(
    tables: Tables, entry: Entry, trees: list[Any], operands: dict[str, OperandKind]
) -> tuple[Example, ...]:
    examples = [
        example
        for tree in trees
        if (example := read_example(entry, tree, operands, tables.registers, tables.controls))
    ]
    if not examples:
        raise entry.reject(
            "no worked example", entry.head, "add one: `example xa = 1, xb = 2 -> xd = 3`"
        )
    return tuple(examples)


def _timing(tables: Tables, entry: Entry, tree: Any) -> Timing:
    unit_token, latency_token, occupancy_token, beats_token = tree.children
    unit = tables.look_up(tables.units, "unit", entry, unit_token)
    latency = entry.integer(latency_token)
    if not 1 <= latency <= LATENCY_CYCLES_MAX:
        raise entry.reject(f"a latency has 1 to {LATENCY_CYCLES_MAX} cycles", latency_token)
    occupancy = 1 if occupancy_token is None else entry.integer(occupancy_token)
    if not 1 <= occupancy <= latency:
        message = f"an occupancy has 1 to {latency} cycles, the latency"
        raise entry.reject(message, occupancy_token)
    beats = None if beats_token is None else entry.integer(beats_token)
    if beats is not None and not 1 <= beats <= BEATS_MAX:
        raise entry.reject(f"an access has 1 to {BEATS_MAX} beats", beats_token)
    return Timing(unit.name, latency, occupancy, beats)


def _encoding(
    tables: Tables, entry: Entry, tree: Any, operands: tuple[OperandKind, ...]
) -> tuple[Format, tuple[tuple[str, int], ...], int, int]:
    """Return format, fixed fields, mask and match; every field is bound exactly once."""
    format_token, *assignments = tree.children
    format_ = tables.look_up(tables.formats, "format", entry, format_token)
    in_format = {field.name: field for field in format_.fields}
    bound = {operand.field.name: f"operand `{operand.name}`" for operand in operands}
    for operand in operands:
        if operand.field.name not in in_format:
            raise entry.reject(
                f"format `{format_.name}` has no field `{operand.field.name}` for operand "
                f"`{operand.name}`",
                format_token,
                f"its fields are {', '.join(in_format)}",
            )
    fixed: list[tuple[str, int]] = []
    mask = match = 0
    for assignment in assignments:
        name_token, value_tree = assignment.children
        field = tables.look_up(in_format, f"field of format `{format_.name}`", entry, name_token)
        if field.name in bound:
            raise entry.reject(
                f"field `{field.name}` is covered twice: already by {bound[field.name]}",
                assignment,
            )
        bound[field.name] = "a fixed value"
        value = _code(tables, entry, field, value_tree.children[0])
        fixed.append((field.name, value))
        for part in reversed(field.ranges):
            mask = bits.insert(mask, part.high, part.low, bits.mask(part.width))
            match = bits.insert(match, part.high, part.low, value)
            value >>= part.width
    for field in format_.fields:
        if field.name not in bound:
            part = field.ranges[0]
            raise entry.reject(
                f"bits {part} (field `{field.name}`) are never covered",
                tree,
                f"give it a value, `{field.name}=0`, or an operand",
            )
    return format_, tuple(fixed), mask, match


def _code(tables: Tables, entry: Entry, field: Field, token: Any) -> int:
    text = entry.text(token)
    if text[0].isdigit():
        value = entry.number(text, token)
        if value > bits.mask(field.width):
            raise entry.reject(
                f"{value} does not fit in the {field.width} bits of `{field.name}`", token
            )
        return value
    codes = tables.codes.get(field.name, {})
    return tables.look_up(codes, f"code of field `{field.name}`", entry, token).value


class _Clauses:
    """The clauses of an instruction, by kind."""

    def __init__(self, entry: Entry, trees: list[Any]) -> None:
        self.entry = entry
        self.trees = trees

    def all(self, kind: str) -> list[Any]:
        """Return every clause of a kind."""
        return [tree for tree in self.trees if tree.data == kind]

    def optional(self, kind: str) -> Any | None:
        """Return the clause of a kind, or None; two are refused."""
        found = self.all(kind)
        if len(found) > 1:
            raise self.entry.reject(f"a second `{kind}` clause", found[1])
        return found[0] if found else None

    def one(self, kind: str) -> Any:
        """Return the clause of a kind, which must be there."""
        found = self.optional(kind)
        if found is None:
            raise self.entry.reject(f"no `{kind}` clause", self.entry.head)
        return found
