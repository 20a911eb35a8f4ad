"""The reference engine's state, limits and faults: precise, and without a trace of the faulting."""

import random
import struct

import numpy as np
import pytest

from dojo_tools.description import Instruction, InstructionDef, encode, load_description
from dojo_tools.description.semantics import expressions_of, reads_memory, walk_statements
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.stop import FaultKind, StopReason

DESCRIPTION = load_description()
SRAM = 0x14_0000
LOW = 0x100
START = 0x1000


def word(mnemonic: str, *values: int, form: int = 0) -> int:
    """Return the word of an instruction; `form` chooses among entries of one mnemonic."""
    definition = DESCRIPTION.mnemonics[mnemonic][form]
    assert hasattr(definition, "match")
    return encode(Instruction(definition, values))  # pyright: ignore[reportArgumentType]  asserted


def thread_with(*words: int) -> ReferenceThread:
    thread = ReferenceThread(DESCRIPTION, SRAM, LOW)
    thread.write_memory(START, b"".join(w.to_bytes(4, "little") for w in words))
    thread.pc = START
    return thread


def snapshot(thread: ReferenceThread) -> tuple[object, ...]:
    registers = [
        thread.read_register(f"{file.name}{index}")
        for file in DESCRIPTION.registers
        for index in range(file.count)
    ]
    return (thread.pc, thread.retired, registers, bytes(thread.memory.contents))


def test_x0_reads_as_zero_and_ignores_writes():
    thread = thread_with(word("addi", 0, 0, 5), word("addi", 1, 0, 7))
    thread.run(2)
    assert (thread.read_register("x0"), thread.read_register("x1")) == (0, 7)


LOADS_TO_SCALARS = [
    definition
    for definition in DESCRIPTION.instructions
    if definition.operands and definition.operands[0].file == "x"
    for statement in walk_statements(definition.meaning.statements)
    if any(reads_memory(expression) for expression in expressions_of(statement))
]


@pytest.mark.parametrize("definition", LOADS_TO_SCALARS, ids=lambda d: d.syntax_text)
def test_a_load_to_x0_faults_as_any_other(definition: InstructionDef):
    values = [0] * len(definition.operands)  # x0 is the destination and the base: address 0
    thread = thread_with(encode(Instruction(definition, tuple(values))))
    stop = thread.run(1)
    assert stop.fault is not None
    assert stop.fault.kind is FaultKind.BOUNDS


def test_every_register_can_be_read_and_written_by_every_name():
    thread = thread_with()
    generator = random.Random(1)
    for name, (file, index) in DESCRIPTION.register_names.items():
        if file.width == 64:
            thread.write_register(name, generator.getrandbits(70))
            value = thread.read_register(name)
            assert isinstance(value, int)
            assert (value == 0) if index == file.zero else (0 <= value < 1 << 64)
        else:
            contents = generator.randbytes(file.width // 8)
            thread.write_register(name, contents)
            assert thread.read_register(name) == contents


def test_the_limit_counts_instructions():
    thread = thread_with(word("jal", 0, 0))
    stop = thread.run(1000)
    assert (stop.reason, thread.retired, thread.pc) == (StopReason.LIMIT, 1000, START)
    assert thread.run(1).reason is StopReason.LIMIT
    assert thread.retired == 1001


def test_halt_retires_and_keeps_its_code():
    thread = thread_with(word("halti", 42))
    stop = thread.run(10)
    assert (stop.reason, stop.code, thread.retired) == (StopReason.HALT, 42, 1)


FAULTS: dict[str, tuple[int, dict[str, int], FaultKind, str]] = {
    "a load one byte past SRAM": (
        word("lb", 1, 2, 0), {"x2": SRAM}, FaultKind.BOUNDS, "load of 1 byte at 0x140000"),
    "a load that ends past SRAM": (
        word("ld", 1, 2, 0), {"x2": SRAM - 4}, FaultKind.BOUNDS, "load of 8 bytes"),
    "a load from address 0": (
        word("ld", 1, 2, 0), {}, FaultKind.BOUNDS, "SRAM is 0x100..0x13ffff"),
    "the last reserved byte": (word("lb", 1, 2, 0), {"x2": LOW - 1}, FaultKind.BOUNDS, "0xff"),
    "a wrapped address": (word("lb", 1, 2, -1), {}, FaultKind.BOUNDS, "0xffffffffffffffff"),
    "a misaligned load": (
        word("lw", 1, 2, 0), {"x2": 0x2002}, FaultKind.ALIGNMENT, "not a multiple of 4"),
    "a misaligned store": (
        word("sd", 1, 2, 0), {"x2": 0x2004}, FaultKind.ALIGNMENT, "store of 8 bytes at 0x2004"),
    "a store past SRAM": (word("sb", 1, 2, 0), {"x2": SRAM}, FaultKind.BOUNDS, "store of 1 byte"),
    "a misaligned vector": (
        word("vld", 1, 2, 0), {"x2": 0x2020}, FaultKind.ALIGNMENT, "not a multiple of 64"),
    "a vector past SRAM": (
        word("vldu.i8", 1, 2, 0), {"x2": SRAM - 63}, FaultKind.BOUNDS, "load of 64 bytes"),
    "an accumulator past SRAM": (
        word("acc.store", 1, 2, 0), {"x2": SRAM - 192}, FaultKind.BOUNDS, "store of 256 bytes"),
    "a post-increment load": (
        word("ld", 2, 2, 8, form=1), {"x2": SRAM}, FaultKind.BOUNDS, "load of 8 bytes"),
    "a zero word": (0, {}, FaultKind.ILLEGAL, "illegal instruction word 0x00000000"),
    "a word of ones": (0xFFFF_FFFF, {}, FaultKind.ILLEGAL, "0xffffffff"),
    "a jump between words": (
        word("jalr", 1, 2, 0), {"x2": 0x2002}, FaultKind.PC, "jump to 0x2002: not a multiple of 4"),
    "a jump out of SRAM": (
        word("jalr", 1, 2, 0), {"x2": SRAM}, FaultKind.PC, "jump to 0x140000"),
    "a trap": (word("trap", 9), {}, FaultKind.TRAP, "trap 9"),
    "a print out of SRAM": (
        word("print.text", 2, 3), {"x2": SRAM - 1, "x3": 2}, FaultKind.BOUNDS, "print of 2 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_precise(name: str):
    faulting, registers, kind, message = FAULTS[name]
    thread = thread_with(faulting)
    for register, value in registers.items():
        thread.write_register(register, value)
    before = snapshot(thread)
    stop = thread.run(10)
    assert stop.fault is not None
    assert (stop.fault.kind, stop.fault.pc) == (kind, START)
    assert message in stop.fault.message
    assert snapshot(thread) == before
    assert thread.run(10).fault == stop.fault


@pytest.mark.parametrize("size, mnemonic", [(1, "sb"), (2, "sh"), (4, "sw"), (8, "sd")])
def test_stores_reach_exactly_to_both_ends_of_sram(size: int, mnemonic: str):
    for address, fits in ((SRAM - size, True), (SRAM, False), (LOW, True), (LOW - size, False)):
        thread = thread_with(word(mnemonic, 1, 2, 0))
        thread.write_register("x2", address)
        assert (thread.run(1).fault is None) == fits


def test_running_off_the_end_of_memory_faults():
    thread = ReferenceThread(DESCRIPTION, SRAM, LOW)
    thread.write_memory(SRAM - 4, word("addi", 1, 1, 1).to_bytes(4, "little"))
    thread.pc = SRAM - 4
    stop = thread.run(10)
    assert stop.fault is not None
    assert (stop.fault.kind, thread.retired) == (FaultKind.PC, 1)


def test_written_code_is_stale_until_the_flush():
    target = word("addi", 1, 0, 5)
    code = [
        word("sw", 3, 2, 0),  # write an instruction at x2
        word("addi", 4, 4, 1),
        word("jalr", 0, 2, 0),
    ]
    thread = thread_with(*code)
    thread.write_register("x2", 0x3000)
    thread.write_register("x3", target)
    stop = thread.run(10)
    assert stop.fault is not None
    assert (stop.fault.kind, stop.fault.pc) == (FaultKind.STALE, 0x3000)

    code[1] = word("icache.flush")
    thread = thread_with(*code)
    thread.write_register("x2", 0x3000)
    thread.write_register("x3", target)
    thread.run(4)
    assert thread.read_register("x1") == 5


def test_overwriting_code_that_has_run_is_stale_too():
    thread = thread_with(
        word("sw", 3, 2, 0), word("addi", 1, 1, 1), word("loop.next", 5, -8), word("halti", 0)
    )
    thread.write_register("x2", START + 4)
    thread.write_register("x5", 3)
    thread.write_register("x3", word("addi", 1, 1, 1))
    assert thread.run(100).fault is None  # the same word again: the cache holds what memory does

    thread.pc = START
    thread.write_register("x5", 3)
    thread.write_register("x3", word("addi", 1, 1, 2))
    stop = thread.run(100)
    assert stop.fault is not None
    assert (stop.fault.kind, stop.fault.pc) == (FaultKind.STALE, START + 4)


def test_counters_count_what_has_retired_before():
    cycle, retired = (
        next(c.number for c in DESCRIPTION.controls if c.name == name)
        for name in ("cycle", "retired")
    )
    thread = thread_with(
        word("addi", 5, 0, 1), word("ctl.read", 1, cycle), word("ctl.read", 2, retired)
    )
    thread.run(2)
    thread.run(1)
    assert (thread.read_register("x1"), thread.read_register("x2")) == (1, 2)


def test_printing_is_collected_with_its_cycle():
    thread = thread_with(word("print.int", 1), word("print.char", 2), word("print.f32", 3))
    thread.write_register("x1", -7)
    thread.write_register("x2", 0x110000)
    thread.write_register("x3", struct.unpack("<I", struct.pack("<f", 0.1))[0])
    thread.run(3)
    assert [(p.cycle, p.text) for p in thread.printed] == [(0, "-7"), (1, "\ufffd"), (2, "0.1")]


def test_breakpoints_stop_only_for_a_debugger():
    thread = thread_with(word("break"), word("halti", 0))
    assert thread.run(10).reason is StopReason.HALT
    thread = thread_with(word("break"), word("halti", 0))
    thread.stop_at_breakpoints = True
    assert thread.run(10).reason is StopReason.BREAKPOINT
    assert thread.pc == START + 4
    assert thread.run(10).reason is StopReason.HALT


def test_matrix_step_is_four_fused_multiply_adds_in_order():
    generator = np.random.default_rng(7)
    a = generator.standard_normal((8, 4)).astype(np.float32)
    b = generator.standard_normal((4, 8)).astype(np.float32)
    c = generator.standard_normal((8, 8)).astype(np.float32)
    codes = [(m.view(np.uint32) >> 16).astype("<u2") for m in (a, b)]
    a, b = ((code.astype(np.uint32) << 16).view(np.float32) for code in codes)
    thread = thread_with(word("mmul.bf16", 2, 3, 4))
    thread.write_register("v3", codes[0].tobytes())
    thread.write_register("v4", codes[1].tobytes())
    thread.write_register("acc2", c.tobytes())
    thread.run(1)
    wanted = c
    for k in range(4):  # exact in float64 but for ties, of which these numbers have none
        products = np.multiply(a[:, k, None], b[None, k], dtype=np.float64)
        wanted = np.add(products, wanted, dtype=np.float64).astype(np.float32)
    found = np.frombuffer(bytes(thread.read_register("acc2")), "<f4").reshape(8, 8)
    assert np.array_equal(found, wanted)
