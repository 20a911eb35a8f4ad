"""Reads the files of a description, proves them, and builds the tables that the tools use.

Proved for every entry: each bit of the word is covered exactly once; no two encodings overlap;
each operand is used; each expression is typed; units exist; loops have constant bounds; a fault
can't follow a write. A wrong entry is reported with line and column, and reading goes on with the
next, so that one run shows every wrong entry.
"""

from collections.abc import Callable, Sequence

from dojo_tools.description.description import Description
from dojo_tools.description.expansion_reader import read_alias, read_padding, read_pseudo
from dojo_tools.description.instruction_reader import read_function, read_instruction
from dojo_tools.description.machine_reader import (
    read_codes,
    read_control,
    read_field,
    read_format,
    read_registers,
    read_unit,
)
from dojo_tools.description.operand_reader import read_data, read_operand
from dojo_tools.description.proofs import (
    check_controls,
    check_expansions,
    check_illegal_words,
    check_overlaps,
)
from dojo_tools.description.source_tree import (
    Entry,
    Rejected,
    Tree,
    check_depth,
    is_tree,
    parse,
)
from dojo_tools.description.tables import Tables, read_provenance
from dojo_tools.diagnostics import Source

# In the order in which they are read, whatever order the files use: later sorts name earlier ones.
_READERS: dict[str, Callable[[Tables, Entry], None]] = {
    "field": read_field,
    "codes": read_codes,
    "format": read_format,
    "unit": read_unit,
    "registers": read_registers,
    "control": read_control,
    "operand": read_operand,
    "data": read_data,
    "function": read_function,
    "instruction": read_instruction,
    "alias": read_alias,
    "pseudo": read_pseudo,
    "padding": read_padding,
}


def load_sources(sources: Sequence[Source]) -> Description:
    """Return the description that these texts make together; raises `InputError`."""
    tables = Tables()
    entries: list[Entry] = []
    for source in sources:
        entries += [Entry(source, item) for item in parse(source)]
    _read(tables, entries)
    check_overlaps(tables)
    check_illegal_words(tables)
    check_controls(tables)
    check_expansions(tables)
    tables.report.stop_if_errors()
    return tables.description()


def _read(tables: Tables, entries: list[Entry]) -> None:
    for entry in entries:
        if entry.tree.data == "title":
            tables.sections[entry.source] = entry.text(entry.head)
        elif entry.tree.data == "provenance":
            tables.provenance[entry.source] = read_provenance(entry, entry.tree)
    for sort, reader in _READERS.items():
        for entry in entries:
            if entry.tree.data == sort:
                _read_family(tables, entry, reader)


def _read_family(tables: Tables, entry: Entry, reader: Callable[[Tables, Entry], None]) -> None:
    """Read an entry once for each row of its family; stop at the first row that is wrong."""
    try:
        check_depth(entry)
        for parameters in _family_rows(entry):
            reader(tables, Entry(entry.source, entry.tree, parameters))
    except Rejected as rejected:
        tables.report.add(rejected.diagnostic)
    except RecursionError:  # functions that call functions, each within bounds
        tables.report.error("this is nested too deeply", entry.span(entry.head))


def _family_rows(entry: Entry) -> list[dict[str, str]]:
    """Return the parameters of each member of an entry's family; one empty row without one."""
    families: list[Tree] = [t for t in entry.tree.children if is_tree(t, "family")]
    if not families:
        return [{}]
    names_tree, *row_trees = families[0].children
    names = [entry.text(token) for token in names_tree.children]
    rows: list[dict[str, str]] = []
    for tree in row_trees:
        values = [entry.text(value.children[0]) for value in tree.children]
        if len(values) != len(names):
            raise entry.reject(f"{len(names)} values are needed, found {len(values)}", tree)
        rows.append(dict(zip(names, values, strict=True)))
    return rows
