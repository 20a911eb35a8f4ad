"""Two-dimensional loads against numpy: zeros beyond the edges, faults only for what is inside."""

from collections.abc import Callable

import numpy as np
import pytest

from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.stop import FaultKind

Prepare = Callable[..., ReferenceThread]
BASE = 0x4000
OPERANDS = {"vd": 1, "xa": 2, "xb": 3, "xc": 4}
DTYPES = {"b8": np.uint8, "b16": np.uint16, "b32": np.uint32}
SHAPES = {
    "vld2d.b8": (1, 64),
    "vld2d.b16": (1, 32),
    "vld2d.b32": (1, 16),
    "vld2d.8x8.b8": (8, 8),
    "vld2d.4x8.b16": (4, 8),
    "vld2d.2x8.b32": (2, 8),
    "vld2d.8x4.b16": (8, 4),
    "vld2d.16x4.b8": (16, 4),
}


def packed(width: int, height: int, pitch: int) -> int:
    return pitch << 40 | height << 20 | width


def origin(row: int, column: int) -> int:
    return (row * (1 << 32) + column) % (1 << 64)


@pytest.mark.parametrize("mnemonic", SHAPES)
def test_a_window_is_what_numpy_cuts_from_a_padded_tensor(prepare: Prepare, mnemonic: str) -> None:
    generator = np.random.default_rng(1)
    dtype = DTYPES[mnemonic.rpartition(".")[2]]
    rows, columns = SHAPES[mnemonic]
    for _ in range(12):
        height, width = generator.integers(1, 12, 2).tolist()
        spare = int(generator.integers(0, 4))
        tensor = generator.integers(0, 1 << 63, (height, width + spare)).astype(dtype)
        row, column = generator.integers(-5, 12, 2).tolist()
        down, right = generator.integers(0, 4, 2).tolist() if rows == 1 else (0, 0)
        padded = np.pad(tensor[:, :width], 80)
        top, left = 80 + row + down, 80 + column + right
        wanted = padded[top : top + rows, left : left + columns]
        registers = {
            "v1": b"\xaa" * 64,
            "x2": BASE,
            "x3": packed(width, height, tensor.strides[0]),
            "x4": origin(row, column),
        }
        thread = prepare(mnemonic, {**OPERANDS, "down": down, "right": right}, registers)
        thread.write_memory(BASE - 1024, b"\x55" * 4096)
        thread.write_memory(BASE, tensor.tobytes())
        assert thread.run(1).fault is None
        assert thread.read_register("v1") == wanted.tobytes()


@pytest.mark.parametrize("mnemonic", SHAPES)
def test_origins_far_outside_are_zero_and_never_fault(prepare: Prepare, mnemonic: str) -> None:
    far = (0x7FFFFFFF, -0x80000000, 1 << 20, -(1 << 20))
    for row, column in [(place, 0) for place in far] + [(0, place) for place in far]:
        registers = {"x2": 3, "x3": packed(5, 5, 3), "x4": origin(row, column)}
        thread = prepare(mnemonic, OPERANDS, {**registers, "v1": b"\xaa" * 64})
        assert thread.run(1).fault is None
        assert thread.read_register("v1") == bytes(64)


@pytest.mark.parametrize("mnemonic", SHAPES)
def test_the_first_element_inside_that_is_beyond_memory_faults(
    prepare: Prepare, mnemonic: str
) -> None:
    size = DTYPES[mnemonic.rpartition(".")[2]]().itemsize
    registers = {"v1": b"\xaa" * 64, "x2": 0x1_0000 - 2 * size}
    for width, address in ((2, None), (3, 0x1_0000)):
        shape = {"x3": packed(width, 1, 64), "x4": origin(0, 0)}
        thread = prepare(mnemonic, OPERANDS, {**registers, **shape})
        fault = thread.run(1).fault
        if address is None:
            assert fault is None
            continue
        assert fault is not None
        assert fault.kind is FaultKind.BOUNDS
        assert f"0x{address:x}:" in fault.message
        assert (thread.pc, thread.read_register("v1")) == (0x1000, registers["v1"])


def test_elements_inside_must_be_aligned(prepare: Prepare) -> None:
    registers = {"x2": BASE + 2, "x3": packed(2, 2, 64), "x4": origin(0, 0)}
    fault = prepare("vld2d.b32", OPERANDS, registers).run(1).fault
    assert fault is not None
    assert fault.kind is FaultKind.ALIGNMENT
