"""Every instruction has its word on record: `golden/as/encodings.s`, which test_golden assembles.

An encoding that moves, by a slip in `isa/`, moves in the encoder, the decoder and the round trip
alike; only words that are written down show it.
"""

from collections.abc import Callable
from pathlib import Path

from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    OperandKind,
    encode,
    load_description,
)
from dojo_tools.disassembler import format_instruction

FILE = Path(__file__).resolve().parents[1] / "golden" / "as" / "encodings.s"
HEAD = """\
; Every instruction once, with operands that differ: the word that it has had since it was added.
; `pytest --bless` adds new ones; a word that changes breaks the programs of users.
        .text
"""


def value_of(kind: OperandKind, place: int) -> int:
    """Return a value of an operand, another for each place if the operand has as many."""
    if kind.names:
        codes = [code for _, code in kind.names]
        return codes[min(2 * place, len(codes) - 1)]
    if kind.low < 0:
        return -kind.scale * place
    return min(kind.scale * (place + 1), kind.high)


def line_of(definition: InstructionDef, description: Description) -> str:
    values = [value_of(kind, place) for place, kind in enumerate(definition.operands, start=1)]
    instruction = Instruction(definition, tuple(values))
    text = format_instruction(instruction, 0, description)
    word = encode(instruction)
    return f"        {text:<63} ; = 0x{word >> 16:04x}_{word & 0xFFFF:04x}"


def test_every_instruction_has_its_word_on_record(golden: Callable[[Path, str], None]) -> None:
    description = load_description()
    lines = [line_of(definition, description) for definition in description.instructions]
    golden(FILE, HEAD + "\n".join(lines) + "\n")
