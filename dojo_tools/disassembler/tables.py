"""The parts of an object or image that are not code, as aligned text: one yielded line each."""

from collections.abc import Iterator, Sequence

from dojo_tools.description import Description
from dojo_tools.diagnostics import printable
from dojo_tools.objects import Image, ObjectFile, Section

_BYTES_PER_LINE = 16


def list_sections(file: ObjectFile | Image) -> Iterator[str]:
    """Yield the section headers."""
    rows = [
        (s.name, f"{s.address:08x}", f"{s.size:#x}", str(s.alignment), _access(s))
        for s in file.sections
    ]
    yield from columns(("section", "address", "size", "alignment", "access"), rows)


def _access(section: Section) -> str:
    words = ["allocated"] * section.allocated + ["writable"] * section.writable
    words += ["executable"] * section.executable + ["zeroed"] * section.is_bss
    return " ".join(words)


def list_symbols(file: ObjectFile | Image) -> Iterator[str]:
    """Yield the symbols; a value counts from its section's start, in an image it is an address."""
    types = {
        t.symbol: f"{t.element} {' x '.join(map(str, t.shape))}".rstrip() for t in file.tensors
    }
    rows = [
        (
            f"{s.value:08x}",
            f"{s.size:#x}",
            s.binding.name.lower(),
            s.kind.name.lower(),
            s.visibility.name.lower(),
            s.section or "undefined",
            s.name,
            types.get(index, ""),
        )
        for index, s in enumerate(file.symbols)
    ]
    head = ("value", "size", "binding", "kind", "visibility", "section", "symbol", "type")
    yield from columns(head, rows)


def list_relocations(file: ObjectFile | Image, description: Description) -> Iterator[str]:
    """Yield the relocations with their formulas; an image has none."""
    rows: list[tuple[str, ...]] = []
    for found in () if isinstance(file, Image) else file.relocations:
        kind = description.relocations.get(found.kind)
        name = f"{found.kind}" if kind is None else f"{found.kind} {kind.name}"
        formula = "unknown" if kind is None else kind.formula
        target = f"{file.symbols[found.symbol].name} {found.addend:+d}"
        rows.append((found.section, f"{found.offset:08x}", name, formula, target))
    yield from columns(("section", "offset", "kind", "formula", "symbol and addend"), rows)


def list_contents(file: ObjectFile | Image) -> Iterator[str]:
    """Yield the bytes of each section, sixteen a line."""
    for section in file.sections:
        if section.contents:
            yield f"contents of {printable(section.name)}"
        for start in range(0, len(section.contents), _BYTES_PER_LINE):
            run = section.contents[start : start + _BYTES_PER_LINE]
            text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in run)
            pairs = f"{run.hex(' ', -4):{_BYTES_PER_LINE * 9 // 4 - 1}}"
            yield f"  {section.address + start:08x}  {pairs}  {text}"


def columns(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield a head and rows, columns aligned."""
    shown = [head, *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
