"""Reads what the word and the state of a machine are made of: fields, formats, codes, registers."""

from dojo_tools import bits
from dojo_tools.description.model import (
    BitRange,
    Code,
    ControlRegister,
    Field,
    Format,
    RegisterFile,
    Unit,
)
from dojo_tools.description.source_tree import Entry
from dojo_tools.description.tables import Tables

WORD_WIDTH = 32
REGISTERS_MAX = 256
REGISTER_WIDTHS = (64, 128, 256, 512, 1024, 2048)


def read_field(tables: Tables, entry: Entry) -> None:
    name_token, *range_trees, summary = entry.tree.children
    name = entry.text(name_token)
    tables.define("field", name, entry, name_token)
    ranges: list[BitRange] = []
    for tree in range_trees:
        high, low = (entry.integer(token) for token in tree.children)
        if not 0 <= low <= high < WORD_WIDTH:
            raise entry.reject(f"[{high}:{low}] is not within [31:0]", tree)
        ranges.append(BitRange(high, low))
    tables.fields[name] = Field(name, tuple(ranges), entry.text(summary))


def read_format(tables: Tables, entry: Entry) -> None:
    name_token, *field_tokens, summary = entry.tree.children
    name = entry.text(name_token)
    tables.define("format", name, entry, name_token)
    covered = 0
    fields: list[Field] = []
    for token in field_tokens:
        field = tables.look_up(tables.fields, "field", entry, token)
        for part in field.ranges:
            window = bits.insert(0, part.high, part.low, bits.mask(part.width))
            if covered & window:
                twice = (covered & window).bit_length() - 1
                raise entry.reject(
                    f"bit {twice} is covered twice: field `{field.name}` {part} overlaps "
                    f"an earlier field",
                    token,
                )
            covered |= window
        fields.append(field)
    missing = bits.mask(WORD_WIDTH) & ~covered
    if missing:
        raise entry.reject(
            f"bit {missing.bit_length() - 1} is covered by no field of format `{name}`",
            name_token,
        )
    tables.formats[name] = Format(name, tuple(fields), entry.text(summary))


def read_codes(tables: Tables, entry: Entry) -> None:
    field = tables.look_up(tables.fields, "field", entry, entry.head)
    codes = tables.codes.setdefault(field.name, {})
    for tree in entry.tree.children[1:]:
        name_token, value_token, summary = tree.children
        name, value = entry.text(name_token), entry.integer(value_token)
        tables.define(f"code of {field.name}", name, entry, name_token)
        if value > bits.mask(field.width):
            raise entry.reject(f"{value} does not fit in {field.width} bits", value_token)
        for other in codes.values():
            if other.value == value:
                raise entry.reject(f"{value} is already the code of `{other.name}`", value_token)
        codes[name] = Code(field.name, name, value, entry.text(summary))


def read_unit(tables: Tables, entry: Entry) -> None:
    name_token, summary, provenance = entry.tree.children
    name = entry.text(name_token)
    tables.define("unit", name, entry, name_token)
    tables.units[name] = Unit(name, entry.text(summary), tables.own_provenance(entry, provenance))


def read_registers(tables: Tables, entry: Entry) -> None:
    name_token, count, width, zero, summary, *codes, provenance = entry.tree.children
    name = entry.text(name_token)
    tables.define("register file", name, entry, name_token)
    if not 1 <= entry.integer(count) <= REGISTERS_MAX:
        raise entry.reject(f"a register file has 1 to {REGISTERS_MAX} registers", count)
    if entry.integer(width) not in REGISTER_WIDTHS:
        widths = ", ".join(str(fitting) for fitting in REGISTER_WIDTHS)
        raise entry.reject(f"registers have {widths} bits", width)
    if zero is not None and (
        entry.integer(width) != 64 or entry.integer(zero) >= entry.integer(count)
    ):
        raise entry.reject("only a register of 64 bits that exists can be zero", zero)
    for index in range(entry.integer(count)):
        tables.define("register", f"{name}{index}", entry, name_token)
    names: list[tuple[str, int]] = []
    for tree in codes:
        if tree is None:
            continue
        alias, index = tree.children
        tables.define("register", entry.text(alias), entry, alias)
        if entry.integer(index) >= entry.integer(count):
            raise entry.reject(f"there are {entry.text(count)} such registers", index)
        names.append((entry.text(alias), entry.integer(index)))
    tables.registers[name] = RegisterFile(
        name,
        entry.integer(count),
        entry.integer(width),
        None if zero is None else entry.integer(zero),
        tuple(names),
        entry.text(summary),
        tables.own_provenance(entry, provenance),
    )


def read_control(tables: Tables, entry: Entry) -> None:
    name_token, number, access, width, summary, provenance = entry.tree.children
    name = entry.text(name_token)
    tables.define("control register", name, entry, name_token)
    tables.define("control register number", str(entry.integer(number)), entry, number)
    if not 1 <= entry.integer(width) <= 64:
        raise entry.reject("a control register has 1 to 64 bits", width)
    tables.controls[name] = ControlRegister(
        name,
        entry.integer(number),
        str(access) == "read-write",
        entry.integer(width),
        entry.text(summary),
        tables.own_provenance(entry, provenance),
    )
