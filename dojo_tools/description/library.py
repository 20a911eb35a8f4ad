"""Loads the shipped description and a user's additions, through a cache keyed by content.

Reading the shipped files through the grammar and proving them costs seconds, the kept result
milliseconds.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dojo_tools.description import codec, model
from dojo_tools.description.description import Description
from dojo_tools.description.expressions import (
    Binary,
    Here,
    Name,
    Number,
    Template,
    TemplateOperand,
    Unary,
)
from dojo_tools.description.locate import isa_folder
from dojo_tools.description.parse_cache import content_key, load_entry, save_entry
from dojo_tools.diagnostics import fail, read_source

_CLASSES: tuple[type, ...] = (
    model.Standing,
    model.Provenance,
    model.BitRange,
    model.Field,
    model.Format,
    model.Code,
    model.RegisterFile,
    model.ControlRegister,
    model.Unit,
    model.RelocationKind,
    model.OperandClass,
    model.OperandKind,
    model.DataKind,
    model.Timing,
    model.Place,
    model.Setting,
    model.Example,
    model.SyntaxItem,
    model.Meaning,
    model.InstructionDef,
    model.AliasDef,
    model.Parameter,
    model.Variant,
    model.PseudoDef,
    Number,
    Name,
    Here,
    Unary,
    Binary,
    TemplateOperand,
    Template,
    Description,
)

_SHARED = (
    model.Provenance,
    model.BitRange,
    model.Field,
    model.Format,
    model.RelocationKind,
    model.OperandKind,
    model.Timing,
    model.SyntaxItem,
)


def assembly_grammar() -> str:
    """Return the Lark grammar of assembly sources."""
    return (isa_folder() / "assembly.lark").read_text(encoding="utf-8")


def load_description(extensions: Sequence[Path] = ()) -> Description:
    """Return the D1's description together with a user's `--isa` files.

    Raises `InputError` for a wrong description, `OSError` for an unreadable file.
    """
    paths = sorted(isa_folder().glob("*.isa"))
    sources = [read_source(path, f"isa/{path.name}") for path in paths]
    sources += [read_source(path) for path in extensions]
    if not paths:
        raise fail(f"no description found in {isa_folder()}", hint="reinstall the package")
    key = content_key(sources, "description.lark")
    name = f"description-{key}.json"
    kept = load_entry(name, _decode, Description)
    if kept is not None:
        return kept
    from dojo_tools.description.loader import load_sources

    description = replace(load_sources(sources), digest=key)
    encoder = codec.Encoder(_CLASSES, _SHARED)
    encoded = encoder.encode(description)
    save_entry(name, {"shared": encoder.table, "description": encoded})
    return description


def _decode(encoded: Any) -> Any:
    table: list[Any] = []
    for item in encoded["shared"]:
        table.append(codec.decode(item, _CLASSES, table))
    return codec.decode(encoded["description"], _CLASSES, table)
