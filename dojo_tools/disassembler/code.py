"""Turns the bytes of a section into lines of assembly that make the same bytes again.

A word that is no instruction, and bytes cut off by a label or the section's end, become data. What
a relocation will fill in is written as its symbol where an operand or a data directive makes that
relocation; any other is left to a note, because no source can state it.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dojo_tools.description import DataKind, Description, Instruction
from dojo_tools.disassembler.format import format_instruction

WORD_SIZE = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """A relocation by its kind's number, and the expression `symbol + addend` it stands for."""

    kind: int
    expression: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of assembly: the labels before it, its bytes, its text, and a note for the reader."""

    address: int
    labels: Sequence[str]
    contents: bytes
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The bytes of one line; `reference` is set where its text states it."""

    offset: int
    contents: bytes
    instruction: Instruction | None
    reference: Reference | None
    note: str


def disassemble(
    contents: bytes,
    address: int,
    description: Description,
    labels: Mapping[int, Sequence[str]],
    references: Mapping[int, Sequence[Reference]],
    new_label: Callable[[int], str],
    weak: Container[str] = (),
) -> Iterator[Line]:
    """Yield the lines of a section that starts at `address`; the last may hold only labels.

    `labels` and `references` are by offset in the section. A branch writes the first label of its
    target; `new_label` names a target, an address, that has none, or a `weak` one first, which
    another file may define.
    """
    pieces = list(_cut(contents, description, labels, references))
    starts = {piece.offset for piece in pieces} | {len(contents)}
    known = {address + offset: names for offset, names in labels.items() if offset in starts}
    for target in sorted({address + found for piece in pieces for found in _targets(piece)}):
        names = known.get(target, ())
        if (not names or names[0] in weak) and target - address in starts:
            known[target] = (new_label(target), *names)

    def label_of(target: int) -> str | None:
        return known[target][0] if target in known else None

    for piece in pieces:
        place = address + piece.offset
        if piece.instruction is None:
            text = _data_text(piece, description)
        else:
            symbolic = _symbolic(piece.instruction, piece.reference)
            text = format_instruction(piece.instruction, place, description, label_of, symbolic)
        yield Line(place, known.get(place, ()), piece.contents, text, piece.note)
    end = address + len(contents)
    if end in known:
        yield Line(end, known[end], b"", "")


def _cut(
    contents: bytes,
    description: Description,
    labels: Mapping[int, Sequence[str]],
    references: Mapping[int, Sequence[Reference]],
) -> Iterator[_Piece]:
    """Yield pieces, none of which has a label or a relocation inside."""
    breaks = sorted({*labels, *references, len(contents)}, reverse=True)
    offset = 0
    while offset < len(contents):
        while breaks[-1] <= offset:
            breaks.pop()
        room = breaks[-1] - offset
        found = references.get(offset, ())
        piece = _stated(contents, offset, room, description, found)
        if piece is None:
            size = min(WORD_SIZE - offset % WORD_SIZE, room)
            note = "".join(f"  relocation {r.kind}: {r.expression}" for r in found).strip()
            cut = contents[offset : offset + size]
            instruction = _decode(cut, description)
            piece = _Piece(offset, cut, instruction, None, note)
        yield piece
        offset += len(piece.contents)


def _stated(
    contents: bytes,
    offset: int,
    room: int,
    description: Description,
    found: Sequence[Reference],
) -> _Piece | None:
    """Return the piece whose text makes the one relocation at `offset`, or None."""
    if len(found) != 1:
        return None
    reference = found[0]
    kind = description.relocations.get(reference.kind)
    if kind is None or kind.size > room:
        return None
    cut = contents[offset : offset + kind.size]
    if any(data.relocation == kind for data in description.data):
        return None if any(cut) else _Piece(offset, cut, None, reference, "")
    instruction = _decode(cut, description) if offset % WORD_SIZE == 0 else None
    if instruction is None:
        return None
    for operand, value in zip(instruction.definition.operands, instruction.values, strict=True):
        if operand.relocation == kind and value == 0:
            return _Piece(offset, cut, instruction, reference, "")
    return None


def _decode(cut: bytes, description: Description) -> Instruction | None:
    if len(cut) != WORD_SIZE:
        return None
    return description.decode(int.from_bytes(cut, "little"))


def _targets(piece: _Piece) -> Iterator[int]:
    """Yield the offsets that an instruction's own fields point at."""
    if piece.instruction is None or piece.reference is not None:
        return
    operands = piece.instruction.definition.operands
    for operand, value in zip(operands, piece.instruction.values, strict=True):
        if operand.pc_relative:
            yield piece.offset + value


def _symbolic(instruction: Instruction, reference: Reference | None) -> dict[str, str]:
    if reference is None:
        return {}
    return {
        operand.name: reference.expression
        for operand in instruction.definition.operands
        if operand.relocation is not None and operand.relocation.number == reference.kind
    }


def _data_text(piece: _Piece, description: Description) -> str:
    if piece.reference is not None:
        kind = next(
            data
            for data in description.data
            if data.relocation is not None and data.relocation.number == piece.reference.kind
        )
        return f".{kind.name} {piece.reference.expression}"
    if len(piece.contents) == WORD_SIZE:
        word = int.from_bytes(piece.contents, "little")
        return f".{integer_directive(description, WORD_SIZE).name} 0x{word:08x}"
    values = ", ".join(f"0x{byte:02x}" for byte in piece.contents)
    return f".{integer_directive(description, 1).name} {values}"


def integer_directive(description: Description, size: int) -> DataKind:
    """Return the data directive for integers of `size` bytes."""
    return next(k for k in description.data if k.type.is_integer and k.type.width == 8 * size)
