"""Conversion instructions equal `dojo_tools.formats`, which has oracles of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.description import Instruction, encode, load_description, load_machine
from dojo_tools.diagnostics import InputError
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.floats import bits_bf16, from_bits_bf16, from_bits_f32
from dojo_tools.formats import FORMATS, Denormals, decode, random_lanes, summary
from dojo_tools.formats import encode as encode_values

DESCRIPTION = load_description()
CONTROLS = {control.name: control.number for control in DESCRIPTION.controls}
START = 0x1000
BIAS_REGISTER = 5
SEED = 0x1234_5678_9ABC_DEF0
LANES = {"f32": 16, "bf16": 32}
WIDTHS = {"f32": 32, "bf16": 16}
CASES = [
    ("cfloat8_1_4_3", 0, "printed"),
    ("cfloat8_1_4_3", 7, "printed"),
    ("cfloat8_1_4_3", 63, "gradual"),
    ("cfloat8_1_5_2", 15, "printed"),
    ("cfloat8_1_5_2", 31, "gradual"),
    ("shp", 15, "printed"),
    ("shp", 63, "gradual"),
    ("uhp", 31, "printed"),
]
Array = NDArray[Any]


class Node:
    """A thread that executes single conversions from v2 to v1."""

    def __init__(self, bias: int, denormals: Denormals) -> None:
        self.thread = ReferenceThread(DESCRIPTION, 0x4000, 0x100, denormals)
        self.thread.controls[CONTROLS["node_x"]] = 3
        self.thread.controls[CONTROLS["node_y"]] = 1
        self.thread.write_control(CONTROLS["seed"], SEED)
        self.thread.write_control(CONTROLS[f"bias{BIAS_REGISTER}"], bias)

    def run(
        self, mnemonic: str, source: Array, part: int = 0, old: bytes = bytes(64), pm: int = 0
    ) -> tuple[bytes, int]:
        """Return v1 and the flags that the instruction alone sets."""
        definition = next(d for d in DESCRIPTION.instructions if d.mnemonic == mnemonic)
        known = {"vd": 1, "va": 2, "biasr": BIAS_REGISTER, "part2": part, "part4": part, "pm": pm}
        word = encode(Instruction(definition, tuple(known[k.name] for k in definition.operands)))
        thread = self.thread
        thread.write_memory(START, word.to_bytes(4, "little"))
        thread.write_register("v1", old)
        thread.write_register("v2", source.tobytes())
        thread.controls[CONTROLS["flags"]] = 0
        thread.pc = START
        assert thread.run(1).fault is None
        result = thread.read_register("v1")
        assert isinstance(result, bytes)
        return result, thread.controls[CONTROLS["flags"]]


def floats_of(bits: Array, source: str) -> NDArray[np.float32]:
    """Return the values of float32 or bfloat16 codes."""
    return from_bits_f32(bits) if source == "f32" else from_bits_bf16(bits)


def samples(source: str, bias: int, count: int) -> Array:
    """Return registers of float codes: any bits, values in the range of the format, edges."""
    generator = np.random.default_rng(bias)
    lanes, width = LANES[source], WIDTHS[source]
    anything = generator.integers(0, 1 << width, (count, lanes))
    near = generator.normal(size=(count, lanes)) * 2.0 ** (
        generator.integers(-14, 34, (count, lanes)) - bias
    )
    codes = near.astype(np.float32).view(np.uint32) >> (32 - width)
    edges = np.array([0x0000, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0x0001, 0x8001, 0x0080])
    mixed = np.concatenate([codes, anything, np.resize(edges, (1, lanes)) << (width - 16)])
    return mixed.astype(f"u{width // 8}")


@pytest.mark.parametrize("source", ["f32", "bf16"])
@pytest.mark.parametrize("format_, bias, denormals", CASES)
def test_reading_all_codes(format_: str, bias: int, denormals: Denormals, source: str) -> None:
    node = Node(bias, denormals)
    row, lanes = FORMATS[format_], LANES[source]
    step = 1 if row.width == 8 else 61  # of the 65,536 codes of 16 bits every 61st, in any part
    codes = np.arange(0, 1 << row.width, step).astype(row.dtype)
    codes = np.resize(codes, -(-codes.size * row.width // 512) * 512 // row.width)
    for register in codes.reshape(-1, 512 // row.width):
        for part, used in enumerate(register.reshape(-1, lanes)):
            found, flags = node.run(f"vcvt.{source}.{format_}", register, part)
            values, wanted = decode(used, format_, bias, denormals, return_flags=True)
            bits = values.view(np.uint32) if source == "f32" else bits_bf16(rounded(values))
            assert found == bits.astype(f"u{WIDTHS[source] // 8}").tobytes()
            assert flags == summary(wanted)


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values rounded to bfloat16."""
    return from_bits_bf16(encode_values(values, "bf16").astype(np.uint16))


@pytest.mark.parametrize("suffix", ["", ".sr"])
@pytest.mark.parametrize("source", ["f32", "bf16"])
@pytest.mark.parametrize("format_, bias, denormals", [*CASES, ("bf16", 127, "printed")])
def test_writing(format_: str, bias: int, denormals: Denormals, source: str, suffix: str) -> None:
    if format_ == source:
        pytest.skip("no conversion")
    node = Node(min(bias, 63), denormals)
    row, lanes = FORMATS[format_], LANES[source]
    parts = 512 // (row.width * lanes)
    old = np.random.default_rng(1).integers(0, 256, 64).astype(np.uint8).tobytes()
    size = 64 // parts
    registers = samples(source, bias, 30)
    for index, register in enumerate(registers):
        part = index % parts
        words = random_lanes(SEED, lanes, draws=index, x=3, y=1)
        codes, flags = encode_values(
            floats_of(register, source),
            format_,
            bias,
            rounding="stochastic" if suffix else "nearest",
            random_bits=words if suffix else None,
            denormals=denormals,
            return_flags=True,
        )
        found, raised = node.run(f"vcvt.{format_}.{source}{suffix}", register, part, old)
        assert found == old[: part * size] + codes.tobytes() + old[(part + 1) * size :]
        assert raised == summary(flags)
    drawn = node.thread.controls[CONTROLS["draws"]]
    assert drawn == (len(registers) if suffix else 0)


@pytest.mark.parametrize(
    "format_, bias, denormals", [c for c in CASES if FORMATS[c[0]].width == 16]
)
def test_reading_16_bit_codes_as_bf16_stochastically(
    format_: str, bias: int, denormals: Denormals
) -> None:
    node = Node(bias, denormals)
    codes = np.random.default_rng(bias).integers(0, 1 << 16, (40, 32)).astype(np.uint16)
    for index, register in enumerate(codes):
        values, flags = decode(register, format_, bias, denormals, return_flags=True)
        words = random_lanes(SEED, 32, draws=index, x=3, y=1)
        wanted = encode_values(values, "bf16", rounding="stochastic", random_bits=words)
        found, raised = node.run(f"vcvt.bf16.{format_}.sr", register)
        assert found == wanted.tobytes()
        assert raised == summary(flags)
    assert node.thread.controls[CONTROLS["draws"]] == len(codes)


@pytest.mark.parametrize("zeroing", [False, True])
@pytest.mark.parametrize("mnemonic", ["vcvt.cfloat8_1_4_3.f32", "vcvt.cfloat8_1_4_3.f32.sr"])
def test_lanes_left_out_keep_their_code_and_set_no_flags(mnemonic: str, zeroing: bool) -> None:
    node = Node(7, "printed")
    node.thread.write_register("m1", 0b1010)
    values = np.full(16, np.nan, np.float32)
    values[[1, 3]] = 1, -2
    part = np.full(16, 0 if zeroing else 0xEE, np.uint8)
    part[[1, 3]] = 0x38, 0xC0
    found, flags = node.run(mnemonic, values, 2, b"\xee" * 64, pm=9 if zeroing else 1)
    assert found == b"\xee" * 32 + part.tobytes() + b"\xee" * 16
    assert flags == 0


def test_flags_stay_until_the_program_clears_them() -> None:
    node = Node(7, "printed")
    node.run("vcvt.cfloat8_1_4_3.f32", np.full(16, 1e9, np.float32))
    node.thread.act_raise_flags(0, 1)
    assert node.thread.controls[CONTROLS["flags"]] == 5


def test_equal_seeds_give_equal_codes() -> None:
    node = Node(7, "printed")
    values = np.linspace(1, 2, 16).astype(np.float32)
    mnemonic = "vcvt.cfloat8_1_4_3.f32.sr"
    first = [node.run(mnemonic, values)[0] for _ in range(8)]
    node.thread.write_control(CONTROLS["seed"], SEED)
    assert [node.run(mnemonic, values)[0] for _ in range(8)] == first
    assert len(set(first)) > 1


def test_the_machine_file_has_the_rule_for_denormals(tmp_path: Path) -> None:
    assert load_machine("node").denormals == "printed"
    shipped = (Path(__file__).parents[2] / "isa" / "machines" / "node.toml").read_text("utf-8")
    path = tmp_path / "other.toml"
    path.write_text(shipped.replace('denormals = "printed"', 'denormals = "gradual"'))
    assert load_machine(str(path)).denormals == "gradual"
    path.write_text(shipped.replace('denormals = "printed"', 'denormals = "ieee"'))
    with pytest.raises(InputError, match=r'`denormals` is a string .* "printed", "gradual" fit'):
        load_machine(str(path))
