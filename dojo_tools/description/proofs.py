"""What concerns several entries: encodings do not overlap, expansions name what exists."""

from dojo_tools.description.expressions import Template, names_in
from dojo_tools.description.model import InstructionDef
from dojo_tools.description.semantics import (
    CONTROLS_USED,
    Act,
    expressions_of,
    walk_expression,
    walk_statements,
)
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.tables import Tables
from dojo_tools.diagnostics import did_you_mean

ILLEGAL_WORDS = (0x0000_0000, 0xFFFF_FFFF)


def check_overlaps(tables: Tables) -> None:
    """Report each instruction whose encoding overlaps an earlier one's, once."""
    definitions = [definition for definition, _ in tables.instructions]
    for index, (second, entry) in enumerate(tables.instructions):
        for first in definitions[:index]:
            if (first.match ^ second.match) & first.mask & second.mask == 0:
                tables.report.error(
                    f"the encoding of `{second.mnemonic}` overlaps that of `{first.mnemonic}` "
                    f"({first.defined_at})",
                    entry.span(entry.head),
                    "give one of them another code, or declare an `alias`",
                )
                break


def check_illegal_words(tables: Tables) -> None:
    for definition, entry in tables.instructions:
        for word in ILLEGAL_WORDS:
            if word & definition.mask == definition.match:
                tables.report.error(
                    f"`{definition.mnemonic}` would make 0x{word:08x} legal; that word must "
                    "stay illegal",
                    entry.span(entry.head),
                )


def check_controls(tables: Tables) -> None:
    """Report each instruction that draws or raises flags without the control registers for it."""
    for definition, entry in tables.instructions:
        for user, names in _control_users(definition):
            missing = [name for name in names if name not in tables.controls]
            if missing:
                tables.report.error(
                    f"`{definition.mnemonic}` uses `{user}`, which needs {_controls_text(missing)}",
                    entry.span(entry.head),
                    f'declare it: `control {missing[0]} NUMBER read-write 64 bits "..."`',
                )
                break
    if "seed" in tables.controls and "draws" not in tables.controls:
        tables.report.error(
            "writing control register `seed` restarts `draws`, which does not exist",
            tables.places["control register", "seed"],
            'declare it: `control draws NUMBER read-only 64 bits "..."`',
        )


def _control_users(definition: InstructionDef) -> list[tuple[str, tuple[str, ...]]]:
    """Return what in a meaning stands for control registers by name, and their names."""
    found: set[str] = set()
    for statement in walk_statements(definition.meaning.statements):
        if isinstance(statement, Act):
            found.add(statement.action)
        for expression in expressions_of(statement):
            found |= {inner.operator for inner in walk_expression(expression)}
    return [(name, CONTROLS_USED[name]) for name in CONTROLS_USED if name in found]


def _controls_text(names: list[str]) -> str:
    plural = "s" if len(names) > 1 else ""
    return f"control register{plural} {', '.join(f'`{name}`' for name in names)}"


def check_expansions(tables: Tables) -> None:
    """Check that every expansion names existing instructions and only its own parameters."""
    known = {definition.mnemonic for definition, _ in tables.instructions}
    known |= {alias.mnemonic for alias, _ in tables.aliases}
    registers = {
        name
        for file in tables.registers.values()
        for name in (*(f"{file.name}{i}" for i in range(file.count)), *dict(file.names))
    }
    _check_alias_cycles(tables)
    _check_far_expansions(tables)
    expansions: list[tuple[Entry, set[str], tuple[Template, ...]]] = []
    for definition, entry in tables.instructions:
        expansions.append((entry, {kind.name for kind in definition.operands}, definition.far))
    for alias, entry in tables.aliases:
        expansions.append((entry, {kind.name for kind in alias.operands}, (alias.template,)))
    for pseudo, entry in tables.pseudos:
        names = {parameter.name for parameter in pseudo.parameters}
        for variant in pseudo.variants:
            expansions.append((entry, names, variant.lines))
    for entry, parameters, lines in expansions:
        for line in lines:
            _check_template(tables, entry, line, known, parameters | registers)


def _check_alias_cycles(tables: Tables) -> None:
    """Report an alias that leads back to itself instead of to an instruction."""
    instructions = {definition.mnemonic for definition, _ in tables.instructions}
    targets = {alias.mnemonic: alias.template.mnemonic for alias, _ in tables.aliases}
    for alias, entry in tables.aliases:
        seen = {alias.mnemonic}
        target = alias.template.mnemonic
        while target in targets and target not in instructions:
            if target in seen:
                message = f"alias `{alias.mnemonic}` leads back to itself, not to an instruction"
                tables.report.error(message, entry.span(entry.head))
                break
            seen.add(target)
            target = targets[target]


def _check_far_expansions(tables: Tables) -> None:
    """Report an expansion of a branch that could itself expand at two places: it would explode."""
    growing = {definition.mnemonic for definition, _ in tables.instructions if definition.far}
    aliases = {alias.mnemonic: alias.template.mnemonic for alias, _ in tables.aliases}
    for _ in aliases:
        found = {name for name, target in aliases.items() if target in growing} - growing
        if not found:
            break
        growing |= found
    for definition, entry in tables.instructions:
        names = [line.mnemonic for line in definition.far if line.mnemonic in growing]
        if len(names) > 1:
            tables.report.error(
                f"the expansion for far targets has {len(names)} instructions that have one "
                f"themselves: {', '.join(names[:4])}",
                entry.span(entry.head),
                "one at most: the inverse branch, around a jump",
            )


def _check_template(
    tables: Tables, entry: Entry, line: Template, known: set[str], names: set[str]
) -> None:
    span = entry.span(entry.head)
    if line.mnemonic not in known:
        tables.report.error(
            f"the expansion uses unknown instruction `{line.mnemonic}`",
            span,
            did_you_mean(line.mnemonic, known),
        )
    for operand in line.operands:
        for name in names_in(operand.expression) - names:
            tables.report.error(
                f"the expansion uses `{name}`, neither a parameter nor a register",
                span,
                did_you_mean(name, names),
            )
