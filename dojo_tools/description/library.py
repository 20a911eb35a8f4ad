"""Loads the shipped description and a user's additions, through a cache keyed by content.

Reading the shipped files through the grammar and proving them costs seconds, the cached result
milliseconds. The cache is JSON in the user's cache folder; an entry that is missing, damaged or
unwritable only costs the time to read the files again.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
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
from dojo_tools.diagnostics import Source, fail, read_source

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
    key = content_key(sources)
    entry = cache_folder() / f"description-{key}.json"
    cached = read_cached(entry)
    if cached is not None:
        return cached
    from dojo_tools.description.loader import load_sources

    description = replace(load_sources(sources), digest=key)
    _write_cache(entry, description)
    return description


def content_key(sources: Sequence[Source], grammar: str = "description.lark") -> str:
    """Return a digest of the texts, of their grammar and of the code that reads them."""
    digest = hashlib.sha256()
    code = sorted(Path(__file__).parent.glob("*.py"))
    texts = [path.read_bytes() for path in [*code, isa_folder() / grammar]]
    for source in sources:
        texts += [source.name.encode(), source.text.encode()]
    for text in texts:
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()[:32]


def cache_folder() -> Path:
    """Return the user's cache folder, which need not exist; `DOJO_CACHE_DIR` moves it."""
    chosen = os.environ.get("DOJO_CACHE_DIR")
    if chosen:
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dojo-d1"
    except RuntimeError:  # a user without a home, as in containers: nothing can be kept
        return Path(os.devnull) / "dojo-d1"


def read_cached(entry: Path) -> Description | None:
    """Return the description that a cache file holds, or None for a missing or damaged one."""
    description = read_json(entry, _decode)
    return description if isinstance(description, Description) else None


def _decode(encoded: Any) -> Any:
    table: list[Any] = []
    for item in encoded["shared"]:
        table.append(codec.decode(item, _CLASSES, table))
    return codec.decode(encoded["description"], _CLASSES, table)


def read_json(entry: Path, decode: Callable[[Any], Any]) -> Any:
    """Return what `decode` makes of a cache file, or None for a missing or damaged one."""
    try:
        return decode(json.loads(entry.read_bytes()))
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _write_cache(entry: Path, description: Description) -> None:
    encoder = codec.Encoder(_CLASSES, _SHARED)
    encoded = encoder.encode(description)
    write_cached(entry, {"shared": encoder.table, "description": encoded})


def write_cached(entry: Path, encoded: Any) -> None:
    """Write a cache file, whole or not at all; one that can't be written is left out."""
    text = json.dumps(encoded, separators=(",", ":"))
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=entry.parent, prefix=entry.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(entry)
    except OSError:
        return
