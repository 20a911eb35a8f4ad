"""The types of symbols in the list of symbols."""

from dojo_tools.disassembler import list_symbols
from dojo_tools.objects import ObjectFile, Section, Symbol, TensorType


def test_a_type_stands_behind_its_symbol() -> None:
    data = Section(".data", True, False, True, 64, bytes(64), 64)
    symbols = (Symbol("a", ".data", 0), Symbol("b", ".data", 16), Symbol("c", ".data", 32))
    tensors = (TensorType(2, "cfloat8_1_4_3(7)", (4, 8)), TensorType(0, "uhp\x1b", ()))
    file = ObjectFile("a.o", (data,), symbols, tensors=tensors)
    rows = [line.split("  ") for line in list_symbols(file)]
    assert [row[-1].strip() for row in rows[1:]] == ["uhp\\u{1b}", "b", "cfloat8_1_4_3(7) 4 x 8"]
