"""Gather, scatter, strides, predicated neighbours: against a loop over lanes, precise in faults."""

import itertools
import random

import pytest

from dojo_tools.description import Instruction, InstructionDef, encode, load_description
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.stop import FaultKind

DESCRIPTION = load_description()
SRAM, LOW, START, BASE = 0x1_0000, 0x100, 0x1000, 0x8000
INDEXED = {"i16": 16, "i32": 32, "i64": 64, "bf16": 16, "f32": 32}
STRIDED = {"i8": 8, **INDEXED}
NARROW = ("i8", "u8", "i16", "u16")


def thread_with(mnemonic: str, *values: int) -> ReferenceThread:
    (definition,) = DESCRIPTION.mnemonics[mnemonic]
    assert isinstance(definition, InstructionDef)
    thread = ReferenceThread(DESCRIPTION, SRAM, LOW)
    thread.write_memory(START, encode(Instruction(definition, values)).to_bytes(4, "little"))
    thread.pc = START
    return thread


def split(contents: bytes, size: int) -> list[bytes]:
    return [contents[k : k + size] for k in range(0, 64, size)]


def indices_of(generator: random.Random, size: int) -> list[int]:
    return [generator.randrange(-64, 64) for _ in range(64 // size)]


def pack(indices: list[int], size: int) -> bytes:
    return b"".join(index.to_bytes(size, "little", signed=True) for index in indices)


def check_load(thread: ReferenceThread, places: list[int], old: bytes, mask: int, zero: bool):
    size = 64 // len(places)
    wanted = [
        bytes(thread.memory.contents[place : place + size])
        if mask >> lane & 1
        else (bytes(size) if zero else old[size * lane : size * (lane + 1)])
        for lane, place in enumerate(places)
    ]
    assert thread.run(1).fault is None
    assert thread.read_register("v1") == b"".join(wanted)


def check_store(thread: ReferenceThread, places: list[int], values: bytes, mask: int):
    size = 64 // len(places)
    memory = bytearray(thread.memory.contents)
    for lane, (place, value) in enumerate(zip(places, split(values, size), strict=True)):
        if mask >> lane & 1:
            memory[place : place + size] = value
    assert thread.run(1).fault is None
    assert thread.memory.contents == memory


@pytest.mark.parametrize("name", INDEXED)
@pytest.mark.parametrize("predicate", [0, 5, 13])
def test_indexed(name: str, predicate: int):
    generator = random.Random(name)
    size = INDEXED[name] // 8
    for _ in range(5):
        indices, values = indices_of(generator, size), generator.randbytes(64)
        mask = generator.getrandbits(64)
        active = mask if predicate else -1
        places = [BASE + size * index for index in indices]
        for mnemonic in ("vgather", "vscatter"):
            thread = thread_with(f"{mnemonic}.{name}", 1, 2, 3, predicate)
            thread.write_memory(BASE - 512, generator.randbytes(1024))
            for register, value in {"v1": values, "v3": pack(indices, size)}.items():
                thread.write_register(register, value)
            thread.write_register("x2", BASE)
            thread.write_register("m5", mask)
            if mnemonic == "vgather":
                check_load(thread, places, values, active, predicate == 13)
            else:
                check_store(thread, places, values, active)


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("predicate", [0, 5, 13])
def test_narrow_elements_with_wide_indices(name: str, predicate: int):
    generator = random.Random(name)
    size = int(name[1:]) // 8
    for _ in range(5):
        indices = [generator.randrange(-BASE // size // 2, BASE // size // 2) for _ in range(16)]
        values, mask = generator.randbytes(64), generator.getrandbits(64)
        active = [not predicate or mask >> lane & 1 for lane in range(16)]
        places = [BASE + size * index for index in indices]
        thread = indexed_thread(f"vgather.i32.{name}", predicate, values, indices, mask)
        thread.write_memory(BASE // 2, generator.randbytes(BASE))
        wanted = b""
        for lane, place in enumerate(places):
            element = thread.memory.contents[place : place + size]
            number = int.from_bytes(element, "little", signed=name[0] == "i")
            old = bytes(4) if predicate == 13 else values[4 * lane : 4 * lane + 4]
            wanted += number.to_bytes(4, "little", signed=number < 0) if active[lane] else old
        assert thread.run(1).fault is None
        assert thread.read_register("v1") == wanted
        if name[0] == "u":
            continue
        thread = indexed_thread(f"vscatter.{name}.i32", predicate, values, indices, mask)
        memory = bytearray(thread.memory.contents)
        for lane, place in enumerate(places):
            if active[lane]:
                memory[place : place + size] = values[4 * lane : 4 * lane + size]
        assert thread.run(1).fault is None
        assert thread.memory.contents == memory


def indexed_thread(
    mnemonic: str, predicate: int, values: bytes, indices: list[int], mask: int
) -> ReferenceThread:
    thread = thread_with(mnemonic, 1, 2, 3, predicate)
    thread.write_register("v1", values)
    thread.write_register("x2", BASE)
    thread.write_register("v3", pack(indices, 4))
    thread.write_register("m5", mask)
    return thread


@pytest.mark.parametrize("name", STRIDED)
def test_neighbours(name: str):
    generator = random.Random(name)
    size = STRIDED[name] // 8
    for predicate, offset in itertools.product((0, 5, 13), (0, 960, -1024)):
        values, mask = generator.randbytes(64), generator.getrandbits(64)
        active = mask if predicate else -1
        base = BASE + 3 * size
        places = [base + offset + size * lane for lane in range(64 // size)]
        for mnemonic in ("vldm", "vstm"):
            thread = thread_with(f"{mnemonic}.{name}", 1, 2, offset, predicate)
            thread.write_memory(BASE - 2048, generator.randbytes(4096))
            thread.write_register("v1", values)
            thread.write_register("x2", base)
            thread.write_register("m5", mask)
            if mnemonic == "vldm":
                check_load(thread, places, values, active, predicate == 13)
            else:
                check_store(thread, places, values, active)


@pytest.mark.parametrize("mnemonic, verb", [("vldm.f32", "load"), ("vstm.f32", "store")])
def test_what_lies_beyond_the_last_active_lane_need_not_exist(mnemonic: str, verb: str):
    thread = thread_with(mnemonic, 1, 2, 0, 5)
    thread.write_register("x2", SRAM - 12)
    thread.write_register("m5", 0b111)
    assert thread.run(1).fault is None
    thread.pc = START
    thread.write_register("m5", 0b1001)
    fault = thread.run(1).fault
    assert fault is not None
    assert fault.kind is FaultKind.BOUNDS
    assert fault.message.startswith(f"{verb} of 4 bytes at 0x{SRAM:x}:")


@pytest.mark.parametrize("name", STRIDED)
@pytest.mark.parametrize("steps", [0, 1, 3, -2])
def test_strided(name: str, steps: int):
    generator = random.Random(name)
    size = STRIDED[name] // 8
    places = [BASE + steps * size * lane for lane in range(64 // size)]
    for predicate in (0, 5, 13):
        values, mask = generator.randbytes(64), generator.getrandbits(64)
        active = mask if predicate else -1
        for mnemonic in ("vlds", "vsts"):
            thread = thread_with(f"{mnemonic}.{name}", 1, 2, 3, predicate)
            thread.write_memory(BASE - 512, generator.randbytes(1024))
            thread.write_register("v1", values)
            thread.write_register("x2", BASE)
            thread.write_register("x3", steps * size % (1 << 64))
            thread.write_register("m5", mask)
            if mnemonic == "vlds":
                check_load(thread, places, values, active, predicate == 13)
            else:
                check_store(thread, places, values, active)


@pytest.mark.parametrize("mnemonic, verb", [("vgather.i32", "load"), ("vscatter.i32", "store")])
def test_the_lowest_lane_that_faults_is_named_and_nothing_changes(mnemonic: str, verb: str):
    indices = [0, 1, 1 << 20, 2, -(1 << 20), *range(11)]
    thread = thread_with(mnemonic, 1, 2, 3, 5)
    values = bytes(range(64))
    thread.write_register("v1", values)
    thread.write_register("v3", pack(indices, 4))
    thread.write_register("x2", BASE)
    memory = bytes(thread.memory.contents)
    for mask, lane in ((0xFFFF, 2), (0xFFFB, 4)):
        thread.write_register("m5", mask)
        thread.pc = START
        fault = thread.run(1).fault
        assert fault is not None
        assert fault.kind is FaultKind.BOUNDS
        assert fault.message.startswith(f"{verb} of 4 bytes at 0x")
        assert f"0x{(BASE + 4 * indices[lane]) % (1 << 64):x}:" in fault.message
        assert (thread.pc, thread.read_register("v1")) == (START, values)
        assert thread.memory.contents == memory
    thread.write_register("m5", 0xFFEB)
    thread.pc = START
    assert thread.run(1).fault is None


@pytest.mark.parametrize(
    "mnemonic",
    ["vgather.i32", "vscatter.i32", "vlds.i32", "vsts.i32", "vgather.i32.i16", "vscatter.i16.i32"],
)
def test_elements_must_be_aligned(mnemonic: str):
    thread = thread_with(mnemonic, 1, 2, 3, 0)
    thread.write_register("x2", BASE + (1 if "16" in mnemonic else 2))
    fault = thread.run(1).fault
    assert fault is not None
    assert fault.kind is FaultKind.ALIGNMENT


def test_scattered_words_are_stale_code():
    thread = thread_with("vscatter.i32", 1, 2, 3, 5)
    thread.write_register("x2", START + 4)
    thread.write_register("m5", 1)
    thread.write_register("v1", b"\1" * 64)
    fault = thread.run(2).fault
    assert fault is not None
    assert fault.kind is FaultKind.STALE
