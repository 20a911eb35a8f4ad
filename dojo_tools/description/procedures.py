"""Procedures: how the mesh schedules, routes and synchronises, as programs for both engines.

`isa/mesh/*.isa` is their text. Arrays of 64-bit integers are the host's, and so are the external
functions.
"""

from collections.abc import Sequence
from typing import Any

from dojo_tools.description import codec
from dojo_tools.description.locate import isa_folder
from dojo_tools.description.model import Provenance, Standing
from dojo_tools.description.parse_cache import content_key, load_entry, save_entry
from dojo_tools.description.procedure_model import (
    Arm,
    ArrayDef,
    Assign,
    Binary,
    Choice,
    ConstantDef,
    Discard,
    Element,
    ExternalDef,
    If,
    Invoke,
    Local,
    Number,
    ProcedureDef,
    Procedures,
    Return,
    Store,
    Unary,
    While,
)
from dojo_tools.diagnostics import Source, read_source

__all__ = ["Procedures", "check_procedures", "load_procedures"]

_GRAMMAR = "procedures.lark"

_CLASSES: tuple[type, ...] = (
    Standing,
    Provenance,
    Number,
    Local,
    Element,
    Invoke,
    Unary,
    Binary,
    Choice,
    Assign,
    Store,
    Arm,
    If,
    While,
    Return,
    Discard,
    ConstantDef,
    ArrayDef,
    ExternalDef,
    ProcedureDef,
    Procedures,
)


def load_procedures() -> Procedures:
    """Return the shipped procedures, through a cache keyed by content."""
    paths = sorted((isa_folder() / "mesh").glob("*.isa"))
    sources = [read_source(path, f"isa/mesh/{path.name}") for path in paths]
    name = f"procedures-{content_key(sources, _GRAMMAR)}.json"
    kept = load_entry(name, _decode, Procedures)
    if kept is not None:
        return kept
    procedures = check_procedures(sources)
    encoder = codec.Encoder(_CLASSES, (Provenance, Number, Local, Element))
    encoded = encoder.encode(procedures)
    save_entry(name, {"shared": encoder.table, "procedures": encoded})
    return procedures


def _decode(encoded: Any) -> Any:
    table: list[Any] = []
    for item in encoded["shared"]:
        table.append(codec.decode(item, _CLASSES, table))
    return codec.decode(encoded["procedures"], _CLASSES, table)


def check_procedures(sources: Sequence[Source]) -> Procedures:
    """Return the procedures that these texts make together; raises `InputError`."""
    from dojo_tools.description.procedure_reader import read_procedures

    return read_procedures(sources, _GRAMMAR)
