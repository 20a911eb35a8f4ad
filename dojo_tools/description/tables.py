"""A description in progress: what was read so far, by name, and where each name was defined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dojo_tools.description.description import Description
from dojo_tools.description.model import (
    AliasDef,
    Code,
    ControlRegister,
    DataKind,
    Field,
    Format,
    InstructionDef,
    OperandKind,
    Provenance,
    PseudoDef,
    RegisterFile,
    Standing,
    Unit,
)
from dojo_tools.description.scope import Effort, FunctionDef
from dojo_tools.description.source_tree import Entry
from dojo_tools.diagnostics import Report, Source, Span, did_you_mean

T = TypeVar("T")


@dataclass(slots=True)
class Tables:
    """The tables that the readers fill; instructions and expansions keep their text for proofs."""

    report: Report = field(default_factory=Report)
    effort: Effort = field(default_factory=Effort)
    places: dict[tuple[str, str], Span] = field(default_factory=dict[tuple[str, str], Span])
    fields: dict[str, Field] = field(default_factory=dict[str, Field])
    formats: dict[str, Format] = field(default_factory=dict[str, Format])
    codes: dict[str, dict[str, Code]] = field(default_factory=dict[str, dict[str, Code]])
    registers: dict[str, RegisterFile] = field(default_factory=dict[str, RegisterFile])
    controls: dict[str, ControlRegister] = field(default_factory=dict[str, ControlRegister])
    units: dict[str, Unit] = field(default_factory=dict[str, Unit])
    operands: dict[str, OperandKind] = field(default_factory=dict[str, OperandKind])
    data: dict[str, DataKind] = field(default_factory=dict[str, DataKind])
    functions: dict[str, FunctionDef] = field(default_factory=dict[str, FunctionDef])
    instructions: list[tuple[InstructionDef, Entry]] = field(
        default_factory=list[tuple[InstructionDef, Entry]]
    )
    aliases: list[tuple[AliasDef, Entry]] = field(default_factory=list[tuple[AliasDef, Entry]])
    pseudos: list[tuple[PseudoDef, Entry]] = field(default_factory=list[tuple[PseudoDef, Entry]])
    padding: str = ""
    provenance: dict[Source, Provenance] = field(default_factory=dict[Source, Provenance])
    sections: dict[Source, str] = field(default_factory=dict[Source, str])

    def define(self, sort: str, name: str, entry: Entry, node: Any) -> None:
        """Note a name; raise `Rejected` if there is one of that sort already."""
        earlier = self.places.get((sort, name))
        if earlier is not None:
            raise entry.reject(f"{sort} `{name}` is already defined at {earlier}", node)
        self.places[sort, name] = entry.span(node)

    def look_up(self, table: Mapping[str, T], sort: str, entry: Entry, token: Any) -> T:
        """Return what a name stands for; raise `Rejected` with the nearest name if nothing."""
        name = entry.text(token)
        if name not in table:
            raise entry.reject(f"unknown {sort} `{name}`", token, did_you_mean(name, table))
        return table[name]

    def own_provenance(self, entry: Entry, tree: Any | None) -> Provenance:
        """Return an entry's provenance: its own, else its file's, which then must exist."""
        if tree is not None:
            return read_provenance(entry, tree)
        default = self.provenance.get(entry.source)
        if default is None:
            raise entry.reject(
                "no provenance: neither here nor for the file",
                entry.head,
                'add `provenance chosen "why"` (or published, inferred) at the top of the file',
            )
        return default

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
            self.padding,
        )


def read_provenance(entry: Entry, tree: Any) -> Provenance:
    """Return the provenance that a clause states."""
    standing, source = tree.children
    return Provenance(Standing(str(standing)), entry.text(source))
