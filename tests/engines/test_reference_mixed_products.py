"""Products of mixed formats: as widening both operands and fused multiply-adds in order of k."""

import numpy as np
import pytest

from dojo_tools.description import Instruction, InstructionDef, encode, load_description
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.floats import bits_f32, fma_f32, quiet
from dojo_tools.formats import FORMATS, decode, summary

DESCRIPTION = load_description()
CONTROLS = {control.name: control.number for control in DESCRIPTION.controls}
PRODUCTS = [d for d in DESCRIPTION.instructions if d.section == "Matrix, number formats"]
START = 0x1000


def test_there_is_one_product_for_each_pair_with_cfloat() -> None:
    kinds = ("bf16", "cfloat8_1_4_3", "cfloat8_1_5_2", "shp", "uhp")
    pairs = {f"mmul.{left}.{right}" for left in kinds for right in kinds}
    assert {d.mnemonic for d in PRODUCTS} == pairs - {"mmul.bf16.bf16"}


@pytest.mark.parametrize("definition", PRODUCTS, ids=[d.mnemonic for d in PRODUCTS])
def test_product(definition: InstructionDef) -> None:
    generator = np.random.default_rng(4)
    _, *names = definition.mnemonic.split(".")
    for _ in range(4):
        biases, halves = generator.integers(0, 64, 2).tolist(), generator.integers(0, 2, 2).tolist()
        registers = generator.integers(0, 256, (2, 64)).astype(np.uint8)
        start = generator.normal(size=64).astype(np.float32)
        operands: list[np.ndarray] = []
        flags = 0
        for name, bias, half, register in zip(names, biases, halves, registers, strict=True):
            row = FORMATS[name]
            codes = register.view(row.dtype)
            codes = codes[32 * half :][:32] if row.width == 8 else codes
            used = bias if row.fixed_bias is None else None
            values, raised = decode(codes, name, used, return_flags=True)
            flags |= summary(raised)
            operands.append(values)
        left, right = operands[0].reshape(8, 4), operands[1].reshape(4, 8)
        wanted = start.reshape(8, 8)
        for k in range(4):
            column, row_k = np.repeat(left[:, k], 8), np.tile(right[k], 8)
            with quiet():
                wanted = fma_f32(column, row_k, wanted.reshape(64)).reshape(8, 8)
        found, raised = product(definition, registers, biases, halves, start)
        assert found == bits_f32(wanted.reshape(64)).tobytes()
        assert raised == flags


def product(
    definition: InstructionDef,
    registers: np.ndarray,
    biases: list[int],
    halves: list[int],
    start: np.ndarray,
) -> tuple[bytes, int]:
    """Return the accumulator and the flags after one product of v1 and v2."""
    thread = ReferenceThread(DESCRIPTION, 0x4000, 0x100)
    values = {"accn": 2, "va": 1, "vb": 2, "half_a": halves[0], "half_b": halves[1]}
    values |= {"bias_a": 4, "bias_l": 4, "bias_b": 11}
    word = encode(Instruction(definition, tuple(values[k.name] for k in definition.operands)))
    thread.write_memory(START, word.to_bytes(4, "little"))
    for register, bits in zip(("v1", "v2"), registers, strict=True):
        thread.write_register(register, bits.tobytes())
    thread.write_register("acc2", start.tobytes())
    for number, bias in zip((4, 11), biases, strict=True):
        thread.write_control(CONTROLS[f"bias{number}"], bias)
    thread.pc = START
    assert thread.run(1).fault is None
    found = thread.read_register("acc2")
    assert isinstance(found, bytes)
    return found, thread.controls[CONTROLS["flags"]]
