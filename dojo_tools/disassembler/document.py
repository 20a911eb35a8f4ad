"""The parts of an object or image as values that JSON can hold. Keys stay as they are."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from dojo_tools.description import Description
from dojo_tools.disassembler.listing import list_code
from dojo_tools.disassembler.programs import programs_of
from dojo_tools.disassembler.sources import TRAIL_SHOWN_MAX
from dojo_tools.disassembler.tensors import tensor_document
from dojo_tools.objects import Image, ObjectFile


def document(
    file: ObjectFile | Image,
    parts: Collection[str],
    description: Description,
    elements: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the named parts of a file, and what it is; `elements` as `list_tensors` takes them."""
    makers: Mapping[str, Callable[[], Any]] = {
        "sections": lambda: _sections(file),
        "segments": lambda: _segments(file),
        "programs": lambda: _programs(file),
        "symbols": lambda: _symbols(file),
        "relocations": lambda: _relocations(file, description),
        "contents": lambda: {s.name: s.contents.hex() for s in file.sections if s.contents},
        "tensors": lambda: tensor_document(file, elements or {}),
        "code": lambda: list(list_code(file, description)),
        "lines": lambda: _lines(file),
    }
    assert not set(parts) - set(makers)
    kind = "image" if isinstance(file, Image) else "object"
    found: dict[str, Any] = {"file": file.name, "kind": kind}
    if isinstance(file, Image):
        found["entry"] = file.entry
    return found | {name: make() for name, make in makers.items() if name in parts}


def _sections(file: ObjectFile | Image) -> list[dict[str, Any]]:
    return [
        {
            "name": s.name,
            "address": s.address,
            "size": s.size,
            "alignment": s.alignment,
            "allocated": s.allocated,
            "writable": s.writable,
            "executable": s.executable,
            "zeroed": s.is_bss,
        }
        for s in file.sections
    ]


def _segments(file: ObjectFile | Image) -> list[dict[str, Any]]:
    return [
        {
            "address": s.address,
            "file_size": len(s.contents),
            "memory_size": s.memory_size,
            "writable": s.writable,
            "executable": s.executable,
        }
        for s in (file.segments if isinstance(file, Image) else ())
    ]


def _programs(file: ObjectFile | Image) -> list[dict[str, Any]]:
    return [
        {
            "name": program.name,
            "entry": program.entry,
            "placement": [rectangle._asdict() for rectangle in program.placement],
        }
        for program in programs_of(file)
    ]


def _symbols(file: ObjectFile | Image) -> list[dict[str, Any]]:
    types = {tensor.symbol: tensor for tensor in file.tensors}
    found: list[dict[str, Any]] = []
    for index, symbol in enumerate(file.symbols):
        entry: dict[str, Any] = {
            "name": symbol.name,
            "section": symbol.section,
            "value": symbol.value,
            "size": symbol.size,
            "binding": symbol.binding.name.lower(),
            "kind": symbol.kind.name.lower(),
            "visibility": symbol.visibility.name.lower(),
        }
        if index in types:
            entry["element"], entry["shape"] = types[index].element, list(types[index].shape)
        found.append(entry)
    return found


def _relocations(file: ObjectFile | Image, description: Description) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for entry in () if isinstance(file, Image) else file.relocations:
        kind = description.relocations.get(entry.kind)
        found.append(
            {
                "section": entry.section,
                "offset": entry.offset,
                "kind": entry.kind,
                "name": None if kind is None else kind.name,
                "symbol": file.symbols[entry.symbol].name,
                "addend": entry.addend,
            }
        )
    return found


def _lines(file: ObjectFile | Image) -> list[dict[str, Any]]:
    return [
        {
            "section": line.section,
            "address": line.offset,
            "size": line.size,
            "file": line.file,
            "line": line.line,
            "column": line.column,
            # Lines share trails, so a long one is cut as it is in text.
            "trail": [str(frame) for frame in line.trail[:TRAIL_SHOWN_MAX]],
        }
        for line in file.lines
    ]
