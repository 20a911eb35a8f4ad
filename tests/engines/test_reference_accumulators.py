"""Products of integers and of transposed operands, and accumulators on their way out."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.floats import round_bf16
from dojo_tools.formats import FORMATS, encode, random_lanes, summary

Prepare = Callable[..., ReferenceThread]
INTEGERS = {"i8": np.int8, "u8": np.uint8}
TRANSPOSED = {"": (False, False), ".ta": (True, False), ".tb": (False, True), ".tab": (True, True)}


def result(thread: ReferenceThread, register: str, dtype: Any) -> NDArray[Any]:
    assert thread.run(1).fault is None
    found = thread.read_register(register)
    assert isinstance(found, bytes)
    return np.frombuffer(found, dtype)


def given(matrix: NDArray[Any], transposed: bool) -> NDArray[Any]:
    return np.ascontiguousarray(matrix.T if transposed else matrix)


@pytest.mark.parametrize("form", TRANSPOSED)
@pytest.mark.parametrize("left", INTEGERS)
@pytest.mark.parametrize("right", INTEGERS)
def test_integer_products(prepare: Prepare, left: str, right: str, form: str) -> None:
    generator = np.random.default_rng(5)
    for half_a, half_b in ((0, 0), (1, 0), (0, 1)):
        a = generator.integers(0, 256, (8, 4)).astype(np.uint8).view(INTEGERS[left])
        b = generator.integers(0, 256, (4, 8)).astype(np.uint8).view(INTEGERS[right])
        registers = generator.integers(0, 256, (2, 2, 32)).astype(np.uint8)
        for_a, for_b = TRANSPOSED[form]
        registers[0, half_a] = given(a, for_a).view(np.uint8).reshape(32)
        registers[1, half_b] = given(b, for_b).view(np.uint8).reshape(32)
        start = generator.integers(-(1 << 31), 1 << 31, (8, 8)).astype(np.int32)
        thread = prepare(
            f"mmul.{left}.{right}{form}",
            {"accn": 2, "va": 1, "vb": 2, "half_a": half_a, "half_b": half_b},
            {"v1": registers[0].tobytes(), "v2": registers[1].tobytes(), "acc2": start.tobytes()},
        )
        wanted = start.astype(np.int64) + a.astype(np.int64) @ b.astype(np.int64)
        found = result(thread, "acc2", np.int32).reshape(8, 8)
        assert np.array_equal(found, wanted.astype(np.int32))


@pytest.mark.parametrize("form", [form for form in TRANSPOSED if form])
def test_bf16_products_of_transposed_operands(prepare: Prepare, form: str) -> None:
    generator = np.random.default_rng(6)
    codes = (round_bf16(generator.normal(size=64).astype(np.float32)).view(np.uint32) >> 16).astype(
        np.uint16
    )
    a, b = codes[:32].reshape(8, 4), codes[32:].reshape(4, 8)
    operands = {"accd": 1, "va": 1, "vb": 2}
    plain = prepare("mmul.bf16", operands, {"v1": a.tobytes(), "v2": b.tobytes()})
    for_a, for_b = TRANSPOSED[form]
    registers = {"v1": given(a, for_a).tobytes(), "v2": given(b, for_b).tobytes()}
    turned = prepare(f"mmul.bf16{form}", operands, registers)
    assert np.array_equal(result(turned, "acc1", np.uint32), result(plain, "acc1", np.uint32))


@pytest.mark.parametrize("name", ["f32", "i32"])
@pytest.mark.parametrize("verb", ["add", "mul"])
@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("part", [0, 1])
def test_a_vector_for_each_row_or_column(
    prepare: Prepare, name: str, verb: str, axis: str, part: int
) -> None:
    generator = np.random.default_rng(7)
    bits = generator.integers(0, 1 << 32, 80).astype(np.uint32)
    values = bits.view(np.int32) if name == "i32" else bits.view(np.int32).astype(np.float32)
    accumulator, lanes = values[:64].reshape(8, 8), values[64:]
    vector = lanes[8 * part :][:8]
    thread = prepare(
        f"acc.{verb}.{axis}.{name}",
        {"accd": 3, "va": 1, "part2": part},
        {"acc3": accumulator.tobytes(), "v1": lanes.tobytes()},
    )
    act = operator.add if verb == "add" else operator.mul
    wanted = act(accumulator, vector[None, :] if axis == "row" else vector[:, None])
    assert result(thread, "acc3", np.uint32).tobytes() == wanted.tobytes()


def test_moves(prepare: Prepare) -> None:
    values = np.random.default_rng(8).integers(0, 1 << 32, (8, 8)).astype(np.uint32)
    rows = np.arange(16, dtype=np.uint32)
    state = {"acc1": values.tobytes(), "v1": rows.tobytes()}
    turned = prepare("acc.transpose", {"accd": 2, "accs": 1}, state)
    assert np.array_equal(result(turned, "acc2", np.uint32).reshape(8, 8), values.T)
    copied = prepare("acc.mov", {"accd": 2, "accs": 1}, state)
    assert np.array_equal(result(copied, "acc2", np.uint32).reshape(8, 8), values)
    for part in range(4):
        got = prepare("acc.get", {"vd": 2, "accs": 1, "part4": part}, state)
        assert np.array_equal(result(got, "v2", np.uint32), values[2 * part :][:2].reshape(16))
        wanted = values.copy()
        wanted[2 * part : 2 * part + 2] = rows.reshape(2, 8)
        put = prepare("acc.put", {"accd": 1, "va": 1, "part4": part}, state)
        assert np.array_equal(result(put, "acc1", np.uint32).reshape(8, 8), wanted)


@pytest.mark.parametrize("pitch", [32, 36, 260, -64])
def test_tiles_of_a_larger_matrix(prepare: Prepare, pitch: int) -> None:
    values = np.random.default_rng(9).integers(0, 1 << 32, (8, 8)).astype(np.uint32)
    registers = {"x2": 0x8004, "x3": pitch % (1 << 64), "acc1": values.tobytes()}
    thread = prepare("acc.store.rows", {"accd": 1, "xa": 2, "xb": 3}, registers)
    assert thread.run(1).fault is None
    memory = bytes(thread.memory.contents)
    for row in range(8):
        place = 0x8004 + pitch * row
        assert memory[place : place + 32] == values[row].tobytes()
    loading = prepare(
        "acc.load.rows", {"accd": 1, "xa": 2, "xb": 3}, {**registers, "acc1": bytes(256)}
    )
    loading.write_memory(0x7000, memory[0x7000:0xA000])
    assert np.array_equal(result(loading, "acc1", np.uint32).reshape(8, 8), values)


def test_transposed_loads_and_stores(prepare: Prepare) -> None:
    values = np.random.default_rng(10).integers(0, 1 << 32, (8, 8)).astype(np.uint32)
    registers = {"x2": 0x8000, "acc1": values.tobytes()}
    for form, place, after in ((0, 0x8040, 0x8000), (1, 0x8000, 0x8040)):
        operands = {"accd": 1, "xa": 2, "off64": 64}
        storing = prepare("acc.store.t", operands, registers, form=form)
        assert storing.run(1).fault is None
        stored = np.frombuffer(storing.memory.contents, np.uint32, 64, place).reshape(8, 8)
        assert np.array_equal(stored, values.T)
        loading = prepare("acc.load.t", operands, {**registers, "acc1": bytes(256)}, form=form)
        loading.write_memory(place, values.T.tobytes())
        assert np.array_equal(result(loading, "acc1", np.uint32).reshape(8, 8), values)
        assert (storing.read_register("x2"), loading.read_register("x2")) == (after, after)


@pytest.mark.parametrize("name", ["cfloat8_1_4_3", "cfloat8_1_5_2", "shp", "uhp", "bf16"])
@pytest.mark.parametrize("part", [0, 1])
def test_conversions_equal_those_of_the_formats(prepare: Prepare, name: str, part: int) -> None:
    row = FORMATS[name]
    generator = np.random.default_rng(11)
    values = generator.normal(scale=300, size=64).astype(np.float32)
    values[[3, 40]] = np.nan, np.inf
    lanes = values if row.width == 8 else values[32 * part :][:32]
    bias = None if row.fixed_bias is not None else 9
    for rounding in ("nearest", "stochastic"):
        words = random_lanes(77, len(lanes)) if rounding == "stochastic" else None
        wanted, flags = encode(lanes, name, bias, rounding, random_bits=words, return_flags=True)
        operands = {"vd": 4, "accs": 1}
        operands |= {} if bias is None else {"biasr": 5}
        operands |= {} if row.width == 8 else {"part2": part}
        suffix = "" if words is None else ".sr"
        controls = {"bias5": 9, "seed": 77}
        thread = prepare(f"acc.cvt.{name}{suffix}", operands, {"acc1": values.tobytes()}, controls)
        assert np.array_equal(result(thread, "v4", row.dtype), wanted)
        assert thread.controls[18] == (0 if name == "bf16" else summary(flags))
        assert thread.controls[19] == (words is not None)
