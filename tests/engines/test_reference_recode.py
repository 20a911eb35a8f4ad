"""From format to format, stores that narrow, and permutes of two registers: against the formats."""

from collections.abc import Callable

import numpy as np
import pytest

from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.stop import FaultKind
from dojo_tools.formats import FORMATS, Format, decode, encode, random_lanes, summary

Prepare = Callable[..., ReferenceThread]
FLAGS, DRAWS = 18, 19
NAMES = ("cfloat8_1_4_3", "cfloat8_1_5_2", "shp", "uhp")
PAIRS = [(to, source) for to in NAMES for source in NAMES if (to, source) != ("uhp", "uhp")]
STORED = (*NAMES, "bf16")


def bias_of(row: Format, bias: int) -> int | None:
    return bias if row.fixed_bias is None else None


@pytest.mark.parametrize("suffix", ["", ".sr"])
@pytest.mark.parametrize("to, source", PAIRS)
def test_recoding_is_widening_and_rounding_once(
    prepare: Prepare, to: str, source: str, suffix: str
) -> None:
    generator = np.random.default_rng(3)
    target, given = FORMATS[to], FORMATS[source]
    halves = target.width != given.width
    count = 64 if target.width == given.width == 8 else 32
    for case in range(8):
        bias_t, bias_f = generator.integers(0, 64, 2).tolist()
        before, register = generator.integers(0, 256, (2, 64)).astype(np.uint8)
        half = case % 2 if halves else 0
        codes = register.view(given.dtype)
        codes = codes[32 * half :][:32] if halves and given.width == 8 else codes
        values, read = decode(codes, source, bias_of(given, bias_f), return_flags=True)
        words = random_lanes(case, count) if suffix else None
        rounding = "stochastic" if suffix else "nearest"
        new, rounded = encode(
            values, to, bias_of(target, bias_t), rounding, random_bits=words, return_flags=True
        )
        wanted = new.tobytes()
        if halves and target.width == 8:
            old = before.tobytes()
            wanted = old[:32] + wanted if half else wanted + old[32:]
        operands = {"vd": 1, "va": 2} | ({"half2": half} if halves else {})
        operands |= {"bias_t": 4} if target.fixed_bias is None else {}
        operands |= {"bias_f": 11} if given.fixed_bias is None else {}
        thread = prepare(
            f"vcvt.{to}.{source}{suffix}",
            operands,
            {"v1": before.tobytes(), "v2": register.tobytes()},
            {"bias4": bias_t, "bias11": bias_f, "seed": case},
        )
        assert thread.run(1).fault is None
        assert thread.read_register("v1") == wanted
        assert thread.controls[FLAGS] == summary(read) | summary(rounded)
        assert thread.controls[DRAWS] == bool(suffix)


@pytest.mark.parametrize("suffix", ["", ".sr"])
@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("predicate", [0, 5, 13])
def test_stores(prepare: Prepare, name: str, suffix: str, predicate: int) -> None:
    generator = np.random.default_rng(9)
    row = FORMATS[name]
    size = row.width // 8
    mask = 0b1011_0110_0000_1101
    active = np.array([mask >> lane & 1 for lane in range(16)], np.bool_) | (predicate == 0)
    for part in range(4):
        values = generator.normal(scale=10.0 ** generator.integers(-9, 9), size=16)
        values = values.astype(np.float32)
        words = random_lanes(part, 16) if suffix else None
        rounding = "stochastic" if suffix else "nearest"
        codes, flags = encode(
            values, name, bias_of(row, 7), rounding, random_bits=words, return_flags=True
        )
        offset = f"off{16 * size}"
        operands = {"vs": 1, "xa": 2, offset: 16 * size * part, "pm": predicate}
        operands |= {"biasr": 6} if row.fixed_bias is None else {}
        registers = {"v1": values.tobytes(), "x2": 0x8000, "m5": mask}
        controls = {"bias6": 7, "seed": part}
        thread = prepare(f"vst.{name}.f32{suffix}", operands, registers, controls)
        wanted = np.frombuffer(generator.bytes(128 * size), row.dtype).copy()
        thread.write_memory(0x8000, wanted.tobytes())
        wanted[16 * part :][:16][active] = codes[active]
        assert thread.run(1).fault is None
        assert thread.memory.contents[0x8000 : 0x8000 + 128 * size] == wanted.tobytes()
        assert thread.controls[FLAGS] == (0 if name == "bf16" else summary(flags[active]))
        assert thread.controls[DRAWS] == bool(suffix)


def test_a_store_that_faults_draws_nothing_and_raises_nothing(prepare: Prepare) -> None:
    values = np.full(16, np.nan, np.float32).tobytes()
    operands = {"vs": 1, "xa": 2, "off32": 0}
    thread = prepare("vst.uhp.f32.sr", operands, {"v1": values, "x2": 0xFFFE}, {"seed": 1})
    before = bytes(thread.memory.contents)
    fault = thread.run(1).fault
    assert fault is not None
    assert fault.kind is FaultKind.BOUNDS
    assert (thread.controls[FLAGS], thread.controls[DRAWS]) == (0, 0)
    assert thread.memory.contents == before


@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_permutes_of_two_registers(prepare: Prepare, width: int) -> None:
    generator = np.random.default_rng(width)
    dtype = np.dtype(f"u{width // 8}")
    lanes = 512 // width
    sources = np.frombuffer(generator.bytes(128), dtype)
    for bound in (2 * lanes, 3 * lanes, 1 << 63):
        indices = generator.integers(0, bound, lanes).astype(dtype)
        wanted = np.where(indices < 2 * lanes, sources[indices % (2 * lanes)], 0).astype(dtype)
        registers = {
            "v1": sources[:lanes].tobytes(),
            "v2": sources[lanes:].tobytes(),
            "v3": indices.tobytes(),
        }
        operands = {"vd": 3, "va": 1, "vb": 2, "vc": 3}
        thread = prepare(f"vpermute2.i{width}", operands, registers)
        assert thread.run(1).fault is None
        assert thread.read_register("v3") == wanted.tobytes()
