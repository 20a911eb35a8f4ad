"""Reads the files of a description, proves them, and builds the tables that the tools use.

Proved for every entry: each bit of the word is covered exactly once; no two encodings overlap;
each operand is used; each expression is typed; units exist; loops have constant bounds; a fault
can't follow a write. A wrong entry is reported with line and column, and reading goes on with the
next, so that one run shows every wrong entry.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from lark import Tree

from dojo_tools import bits
from dojo_tools.description.checker import Checker, FunctionDef, check_function
from dojo_tools.description.description import Description
from dojo_tools.description.examples import read_example
from dojo_tools.description.expressions import Template, names_in
from dojo_tools.description.model import (
    AliasDef,
    BitRange,
    Code,
    ControlRegister,
    DataKind,
    Example,
    Field,
    Format,
    InstructionDef,
    Meaning,
    OperandClass,
    OperandKind,
    Parameter,
    Provenance,
    PseudoDef,
    RegisterFile,
    RelocationKind,
    Standing,
    SyntaxItem,
    Timing,
    Unit,
    Variant,
)
from dojo_tools.description.source_tree import Entry, Rejected, parse, too_deep
from dojo_tools.description.templates import read_expression, read_template
from dojo_tools.description.types import I64, U64, parse_type
from dojo_tools.diagnostics import Report, Source, Span, did_you_mean

T = TypeVar("T")

WORD_WIDTH = 32
ILLEGAL_WORDS = (0x0000_0000, 0xFFFF_FFFF)


def load_sources(sources: Sequence[Source]) -> Description:
    """Return the description that these texts make together; raises `InputError`.

    Declarations may stand in any file and any order within their sort: fields before formats,
    formats before operands, operands before instructions are sorted here, not by the writer.
    """
    loader = _Loader()
    items: list[tuple[Source, Any]] = []
    for source in sources:
        try:
            items += [(source, item) for item in parse(source)]
        except RecursionError:
            raise too_deep(source) from None
    try:
        loader.read(items)
    except RecursionError:
        raise too_deep(sources[-1]) from None
    loader.report.stop_if_errors()
    return loader.description()


class _Loader:
    """A description in progress: tables by name, and where each name was defined."""

    def __init__(self) -> None:
        self.report = Report()
        self.places: dict[tuple[str, str], Span] = {}
        self.fields: dict[str, Field] = {}
        self.formats: dict[str, Format] = {}
        self.codes: dict[str, dict[str, Code]] = {}
        self.registers: dict[str, RegisterFile] = {}
        self.controls: dict[str, ControlRegister] = {}
        self.units: dict[str, Unit] = {}
        self.operands: dict[str, OperandKind] = {}
        self.data: dict[str, DataKind] = {}
        self.functions: dict[str, FunctionDef] = {}
        self.instructions: list[tuple[InstructionDef, Entry]] = []
        self.aliases: list[tuple[AliasDef, Entry]] = []
        self.pseudos: list[tuple[PseudoDef, Entry]] = []
        self.provenance: dict[Source, Provenance] = {}
        self.section: dict[int, str] = {}

    def read(self, items: list[tuple[Source, Any]]) -> None:
        """Read every item, sort by sort, and prove what concerns several entries."""
        titles: dict[Source, str] = {}
        for source, item in items:
            if item.data == "title":
                titles[source] = Entry(source, item).text(item.children[0])
            elif item.data == "provenance":
                self.provenance[source] = self._provenance(Entry(source, item), item)
            self.section[id(item)] = titles.get(source, "")
        readers = {
            "field": self._read_field,
            "codes": self._read_codes,
            "format": self._read_format,
            "unit": self._read_unit,
            "registers": self._read_registers,
            "control": self._read_control,
            "operand": self._read_operand,
            "data": self._read_data,
            "function": self._read_function,
            "instruction": self._read_instruction,
            "alias": self._read_alias,
            "pseudo": self._read_pseudo,
        }
        for sort, reader in readers.items():
            for source, item in items:
                if item.data == sort:
                    self._read_entry(Entry(source, item), reader)
        self._check_overlaps()
        self._check_illegal_words()
        self._check_templates()

    def description(self) -> Description:
        """Return what was read, once the report is free of errors."""
        return Description(
            tuple(self.fields.values()),
            tuple(self.formats.values()),
            tuple(code for codes in self.codes.values() for code in codes.values()),
            tuple(self.registers.values()),
            tuple(self.controls.values()),
            tuple(self.units.values()),
            tuple(self.operands.values()),
            tuple(self.data.values()),
            tuple(definition for definition, _ in self.instructions),
            tuple(alias for alias, _ in self.aliases),
            tuple(pseudo for pseudo, _ in self.pseudos),
        )

    def _read_entry(self, entry: Entry, reader: Any) -> None:
        """Read an entry once for each row of its family; stop at the first row that is wrong."""
        try:
            for parameters in _family_rows(entry):
                reader(Entry(entry.source, entry.tree, parameters))
        except Rejected as rejected:
            self.report.diagnostics.append(rejected.diagnostic)

    def _define(self, sort: str, name: str, entry: Entry, node: Any) -> None:
        earlier = self.places.get((sort, name))
        if earlier is not None:
            raise entry.reject(f"{sort} `{name}` is already defined at {earlier}", node)
        self.places[sort, name] = entry.span(node)

    def _look_up(self, table: dict[str, T], sort: str, entry: Entry, token: Any) -> T:
        name = entry.text(token)
        if name not in table:
            raise entry.reject(f"unknown {sort} `{name}`", token, did_you_mean(name, table))
        return table[name]

    def _provenance(self, entry: Entry, tree: Any) -> Provenance:
        standing, source = tree.children
        return Provenance(Standing(str(standing)), entry.text(source))

    def _own_provenance(self, entry: Entry, tree: Any | None) -> Provenance:
        if tree is not None:
            return self._provenance(entry, tree)
        default = self.provenance.get(entry.source)
        if default is None:
            raise entry.reject(
                "no provenance: neither here nor for the file",
                entry.head,
                'add `provenance chosen "why"` (or published, inferred) at the top of the file',
            )
        return default

    # ---- the word and the state

    def _read_field(self, entry: Entry) -> None:
        name_token, *range_trees, summary = entry.tree.children
        name = entry.text(name_token)
        self._define("field", name, entry, name_token)
        ranges: list[BitRange] = []
        for tree in range_trees:
            high, low = (entry.integer(token) for token in tree.children)  # type: ignore[union-attr]
            if not 0 <= low <= high < WORD_WIDTH:
                raise entry.reject(f"[{high}:{low}] is not within [31:0]", tree)
            ranges.append(BitRange(high, low))
        self.fields[name] = Field(name, tuple(ranges), entry.text(summary))

    def _read_format(self, entry: Entry) -> None:
        name_token, *field_tokens, summary = entry.tree.children
        name = entry.text(name_token)
        self._define("format", name, entry, name_token)
        covered = 0
        fields: list[Field] = []
        for token in field_tokens:
            field = self._look_up(self.fields, "field", entry, token)
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
        self.formats[name] = Format(name, tuple(fields), entry.text(summary))

    def _read_codes(self, entry: Entry) -> None:
        field = self._look_up(self.fields, "field", entry, entry.head)
        codes = self.codes.setdefault(field.name, {})
        for tree in entry.tree.children[1:]:
            name_token, value_token, summary = tree.children  # type: ignore[union-attr]
            name, value = entry.text(name_token), entry.integer(value_token)
            self._define(f"code of {field.name}", name, entry, name_token)
            if value > bits.mask(field.width):
                raise entry.reject(f"{value} does not fit in {field.width} bits", value_token)
            for other in codes.values():
                if other.value == value:
                    raise entry.reject(
                        f"{value} is already the code of `{other.name}`", value_token
                    )
            codes[name] = Code(field.name, name, value, entry.text(summary))

    def _read_unit(self, entry: Entry) -> None:
        name_token, summary, provenance = entry.tree.children
        name = entry.text(name_token)
        self._define("unit", name, entry, name_token)
        self.units[name] = Unit(
            name, entry.text(summary), self._own_provenance(entry, provenance)
        )

    def _read_registers(self, entry: Entry) -> None:
        name_token, count, width, zero, summary, *codes, provenance = entry.tree.children
        name = entry.text(name_token)
        self._define("register file", name, entry, name_token)
        names: list[tuple[str, int]] = []
        for tree in codes:
            if tree is None:
                continue
            alias, index = tree.children  # type: ignore[union-attr]
            self._define("register", entry.text(alias), entry, alias)
            if entry.integer(index) >= entry.integer(count):
                raise entry.reject(f"there are {entry.text(count)} such registers", index)
            names.append((entry.text(alias), entry.integer(index)))
        self.registers[name] = RegisterFile(
            name,
            entry.integer(count),
            entry.integer(width),
            None if zero is None else entry.integer(zero),
            tuple(names),
            entry.text(summary),
            self._own_provenance(entry, provenance),
        )

    def _read_control(self, entry: Entry) -> None:
        name_token, number, access, width, summary, provenance = entry.tree.children
        name = entry.text(name_token)
        self._define("control register", name, entry, name_token)
        self._define("control register number", entry.text(number), entry, number)
        self.controls[name] = ControlRegister(
            name,
            entry.integer(number),
            str(access) == "read-write",
            entry.integer(width),
            entry.text(summary),
            self._own_provenance(entry, provenance),
        )

    # ---- operands and data

    def _read_operand(self, entry: Entry) -> None:
        name_token, summary_token, field_token, class_tree = entry.tree.children
        name, summary = entry.text(name_token), entry.text(summary_token)
        self._define("operand", name, entry, name_token)
        field = self._look_up(self.fields, "field", entry, field_token)
        arguments: list[Any] = class_tree.children  # type: ignore[union-attr]
        match class_tree.data:  # type: ignore[union-attr]
            case "register_operand":
                file = self._look_up(self.registers, "register file", entry, arguments[0])
                if file.count > 1 << field.width:
                    raise entry.reject(
                        f"{file.count} registers do not fit in the {field.width} bits of "
                        f"`{field.name}`",
                        field_token,
                    )
                names = [(f"{file.name}{i}", i) for i in range(file.count)]
                kind = OperandKind(
                    name, OperandClass.REGISTER, field, summary, file.name, (*names, *file.names)
                )
            case "predicate_operand":
                file = self._look_up(self.registers, "register file", entry, arguments[0])
                if 2 * file.count > 1 << field.width:
                    raise entry.reject(f"a predicate needs {2 * file.count} codes", field_token)
                merging = [(f"{file.name}{i}", i) for i in range(1, file.count)]
                zeroing = [(f"{register}.z", file.count + code) for register, code in merging]
                kind = OperandKind(
                    name,
                    OperandClass.PREDICATE,
                    field,
                    summary,
                    file.name,
                    (("", 0), *merging, *zeroing),
                )
            case "control_operand":
                only_writable = arguments[0] is not None and str(arguments[0]) == "read-write"
                fitting = [c for c in self.controls.values() if c.writable or not only_writable]
                for control in fitting:
                    if control.number > bits.mask(field.width):
                        raise entry.reject(f"`{control.name}` does not fit in the field", name_token)
                kind = OperandKind(
                    name,
                    OperandClass.CONTROL,
                    field,
                    summary,
                    names=tuple((c.name, c.number) for c in fitting),
                )
            case _:
                kind = self._immediate(entry, name, field, summary, arguments)
        self.operands[name] = kind

    def _immediate(
        self, entry: Entry, name: str, field: Field, summary: str, arguments: list[Any]
    ) -> OperandKind:
        sign, to, scale_token, relative, relocation = arguments
        scale = 1 if scale_token is None else entry.integer(scale_token)
        signed = str(sign) == "signed"
        low, high = (bits.signed_range if signed else bits.unsigned_range)(field.width)
        if to is not None:
            if signed or entry.integer(to) > high:
                raise entry.reject(f"`to` must be within 0..{high}, unsigned", to)
            high = entry.integer(to)
        low, high = low * scale, high * scale
        kind = None
        if relocation is not None:
            kind = self._relocation(
                entry, relocation, name, relative is not None, 4, field.ranges, scale, low, high
            )
        type_ = U64 if relative is not None or not signed else I64
        return OperandKind(
            name,
            OperandClass.IMMEDIATE,
            field,
            summary,
            type=type_,
            low=low,
            high=high,
            scale=scale,
            pc_relative=relative is not None,
            relocation=kind,
        )

    def _relocation(
        self,
        entry: Entry,
        number: Any,
        name: str,
        relative: bool,
        size: int,
        ranges: tuple[BitRange, ...],
        scale: int,
        low: int,
        high: int,
    ) -> RelocationKind:
        self._define("relocation", entry.text(number), entry, number)
        return RelocationKind(
            entry.integer(number), name, relative, size, ranges, scale, low, high
        )

    def _read_data(self, entry: Entry) -> None:
        name_token, type_token, relocation, summary = entry.tree.children
        name = entry.text(name_token)
        self._define("data directive", name, entry, name_token)
        type_ = parse_type(entry.text(type_token))
        if type_ is None or type_.lanes or type_.is_bool:
            raise entry.reject(f"`{entry.text(type_token)}` is not a type of data", type_token)
        kind = None
        if relocation is not None:
            low = bits.signed_range(type_.width)[0]
            high = bits.mask(type_.width)
            ranges = (BitRange(type_.width - 1, 0),)
            size = type_.width // 8
            kind = self._relocation(
                entry, relocation, name, False, size, ranges, 1, low, high
            )
        self.data[name] = DataKind(name, type_, kind, entry.text(summary))

    # ---- functions and instructions

    def _read_function(self, entry: Entry) -> None:
        name_token, *formals, result_token, _summary, rest_start = _split_function(entry.tree)
        name = entry.text(name_token)
        self._define("function", name, entry, name_token)
        result = parse_type(entry.text(result_token))
        parameters = [
            (entry.text(formal.children[0]), parse_type(entry.text(formal.children[1])))
            for formal in formals
        ]
        typed = tuple((n, t) for n, t in parameters if t is not None)
        if result is None or len(typed) != len(parameters):
            raise entry.reject("unknown type", result_token)
        *lets, value = rest_start
        function = FunctionDef(entry, typed, result, tuple(lets), value)
        check_function(entry, function, self.registers, self.functions)
        self.functions[name] = function

    def _read_instruction(self, entry: Entry) -> None:
        mnemonic_token, syntax_tree, summary, *clauses, block = entry.tree.children
        mnemonic = entry.text(mnemonic_token)
        operands, syntax = self._syntax(entry, syntax_tree)
        self._check_shape(entry, mnemonic_token, mnemonic, syntax)
        found = _Clauses(entry, clauses)
        format_, fixed, mask, match = self._encoding(entry, found.one("encoding"), operands)
        timing_tree = found.one("timing")
        unit = self._look_up(self.units, "unit", entry, timing_tree.children[0])
        timing = Timing(unit.name, entry.integer(timing_tree.children[1]))
        by_name = {operand.name: operand for operand in operands}
        checker = Checker(entry, by_name, self.registers, self.functions)
        statements = checker.check(block)  # type: ignore[arg-type]
        examples = self._examples(entry, found.all("example"), by_name)
        far = found.optional("far")
        self.instructions.append(
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
                    self._own_provenance(entry, found.optional("provenance")),
                    () if far is None else _templates(entry, far.children[0]),
                    self.section[id(entry.tree)],
                    entry.location,
                    Meaning(statements, examples, entry.block_text(block)),
                ),
                entry,
            )
        )

    def _examples(
        self, entry: Entry, trees: list[Any], operands: dict[str, OperandKind]
    ) -> tuple[Example, ...]:
        examples = [
            example
            for tree in trees
            if (example := read_example(entry, tree, operands, self.registers, self.controls))
        ]
        if not examples:
            raise entry.reject(
                "no worked example", entry.head, "add one: `example xa = 1, xb = 2 -> xd = 3`"
            )
        return tuple(examples)

    def _syntax(
        self, entry: Entry, tree: Any
    ) -> tuple[tuple[OperandKind, ...], tuple[SyntaxItem, ...]]:
        operands: list[OperandKind] = []
        items: list[SyntaxItem] = []

        def add(token: Any) -> str:
            kind = self._look_up(self.operands, "operand", entry, token)
            if any(kind.field.name == other.field.name for other in operands):
                raise entry.reject(
                    f"field `{kind.field.name}` would hold two operands", token
                )
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

    def _check_shape(
        self, entry: Entry, node: Any, mnemonic: str, syntax: tuple[SyntaxItem, ...]
    ) -> None:
        """Refuse two entries of one mnemonic that the shape of the operands can't tell apart."""
        required = sum(not item.optional for item in syntax)
        for count in range(required, len(syntax) + 1):
            shape = "".join("m" if item.is_memory else "p" for item in syntax[:count])
            self._define("mnemonic", f"{mnemonic} {shape}".rstrip(), entry, node)

    def _encoding(
        self, entry: Entry, tree: Any, operands: tuple[OperandKind, ...]
    ) -> tuple[Format, tuple[tuple[str, int], ...], int, int]:
        """Return format, fixed fields, mask and match; every field is bound exactly once."""
        format_token, *assignments = tree.children
        format_ = self._look_up(self.formats, "format", entry, format_token)
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
            field = self._look_up(in_format, f"field of format `{format_.name}`", entry, name_token)
            if field.name in bound:
                raise entry.reject(
                    f"field `{field.name}` is covered twice: already by {bound[field.name]}",
                    assignment,
                )
            bound[field.name] = "a fixed value"
            value = self._code(entry, field, value_tree.children[0])
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

    def _code(self, entry: Entry, field: Field, token: Any) -> int:
        text = entry.text(token)
        if text[0].isdigit():
            value = int(text, 0)
            if value > bits.mask(field.width):
                raise entry.reject(
                    f"{value} does not fit in the {field.width} bits of `{field.name}`", token
                )
            return value
        codes = self.codes.get(field.name, {})
        return self._look_up(codes, f"code of field `{field.name}`", entry, token).value

    # ---- aliases and pseudo-instructions

    def _read_alias(self, entry: Entry) -> None:
        mnemonic_token, syntax_tree, template, summary, *_ = entry.tree.children
        mnemonic = entry.text(mnemonic_token)
        operands, syntax = self._syntax(entry, syntax_tree)
        self._check_shape(entry, mnemonic_token, mnemonic, syntax)
        alias = AliasDef(
            mnemonic,
            operands,
            syntax,
            entry.text(summary),
            read_template(entry, template),
            self.section[id(entry.tree)],
            entry.location,
        )
        self.aliases.append((alias, entry))

    def _read_pseudo(self, entry: Entry) -> None:
        mnemonic_token, *rest = entry.tree.children
        mnemonic = entry.text(mnemonic_token)
        trees = [child for child in rest if isinstance(child, Tree)]
        summary = next(child for child in rest if not isinstance(child, Tree) and child is not None)
        parameters = tuple(
            self._parameter(entry, tree) for tree in trees if tree.data == "parameter"
        )
        shape = tuple(SyntaxItem(parameter.name) for parameter in parameters)
        self._check_shape(entry, mnemonic_token, mnemonic, shape)
        variants: list[Variant] = []
        for tree in trees:
            if tree.data == "conditional_variant":
                condition, templates = tree.children
                variants.append(
                    Variant(read_expression(entry, condition), _templates(entry, templates))
                )
            elif tree.data == "last_variant":
                variants.append(Variant(None, _templates(entry, tree.children[0])))
        if variants[-1].condition is not None or any(v.condition is None for v in variants[:-1]):
            raise entry.reject("exactly the last variant must be `otherwise`", mnemonic_token)
        pseudo = PseudoDef(
            mnemonic,
            parameters,
            entry.text(summary),
            tuple(variants),
            self.section[id(entry.tree)],
            entry.location,
        )
        self.pseudos.append((pseudo, entry))

    def _parameter(self, entry: Entry, tree: Any) -> Parameter:
        name_token, type_token = tree.children
        name = entry.text(name_token)
        if type_token is None:
            kind = self._look_up(self.operands, "operand", entry, name_token)
            return Parameter(name, kind, None)
        type_ = parse_type(entry.text(type_token))
        if type_ is None or type_.lanes or type_.is_bool:
            raise entry.reject("a constant is i64 or a float type", type_token)
        return Parameter(name, None, type_)

    # ---- proofs over several entries

    def _check_overlaps(self) -> None:
        entries = self.instructions
        for index, (first, _) in enumerate(entries):
            for second, entry in entries[index + 1 :]:
                if (first.match ^ second.match) & first.mask & second.mask == 0:
                    self.report.error(
                        f"the encoding of `{second.mnemonic}` overlaps that of `{first.mnemonic}` "
                        f"({first.defined_at})",
                        entry.span(entry.head),
                        "give one of them another code, or declare an `alias`",
                    )

    def _check_illegal_words(self) -> None:
        for definition, entry in self.instructions:
            for word in ILLEGAL_WORDS:
                if word & definition.mask == definition.match:
                    self.report.error(
                        f"`{definition.mnemonic}` would make 0x{word:08x} legal; that word must "
                        "stay illegal",
                        entry.span(entry.head),
                    )

    def _check_templates(self) -> None:
        """Check that every expansion names existing instructions and only its own parameters."""
        known = {definition.mnemonic for definition, _ in self.instructions}
        known |= {alias.mnemonic for alias, _ in self.aliases}
        registers = {
            name
            for file in self.registers.values()
            for name in (*(f"{file.name}{i}" for i in range(file.count)), *dict(file.names))
        }
        expansions: list[tuple[Entry, set[str], tuple[Template, ...]]] = []
        for definition, entry in self.instructions:
            expansions.append((entry, {kind.name for kind in definition.operands}, definition.far))
        for alias, entry in self.aliases:
            expansions.append((entry, {kind.name for kind in alias.operands}, (alias.template,)))
        for pseudo, entry in self.pseudos:
            names = {parameter.name for parameter in pseudo.parameters}
            for variant in pseudo.variants:
                expansions.append((entry, names, variant.lines))
        for entry, parameters, lines in expansions:
            for line in lines:
                self._check_template(entry, line, known, parameters | registers)

    def _check_template(
        self, entry: Entry, line: Template, known: set[str], names: set[str]
    ) -> None:
        span = entry.span(entry.head)
        if line.mnemonic not in known:
            self.report.error(
                f"the expansion uses unknown instruction `{line.mnemonic}`",
                span,
                did_you_mean(line.mnemonic, known),
            )
        for operand in line.operands:
            for name in names_in(operand.expression) - names:
                self.report.error(
                    f"the expansion uses `{name}`, neither a parameter nor a register",
                    span,
                    did_you_mean(name, names),
                )


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


def _family_rows(entry: Entry) -> list[dict[str, str]]:
    """Return the parameters of each member of an entry's family; one empty row without one."""
    family = next(
        (t for t in entry.tree.children if isinstance(t, Tree) and t.data == "family"), None
    )
    if family is None:
        return [{}]
    names_tree, *row_trees = family.children
    names = [entry.text(token) for token in names_tree.children]  # type: ignore[union-attr]
    rows: list[dict[str, str]] = []
    for tree in row_trees:
        values = [entry.text(value.children[0]) for value in tree.children]  # type: ignore
        if len(values) != len(names):
            raise entry.reject(f"{len(names)} values are needed, found {len(values)}", tree)
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def _split_function(tree: Tree[Any]) -> tuple[Any, ...]:
    """Return name, formals, result type, summary, and the list of lets and the value."""
    children = [child for child in tree.children if child is not None]
    formals = [c for c in children if isinstance(c, Tree) and c.data == "formal"]
    tokens = [c for c in children if not isinstance(c, Tree)]
    rest = [c for c in children if isinstance(c, Tree) and c.data != "formal"]
    return tokens[0], *formals, tokens[1], tokens[2], rest


def _templates(entry: Entry, tree: Any) -> tuple[Template, ...]:
    return tuple(read_template(entry, child) for child in tree.children)

