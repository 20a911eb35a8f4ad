"""Transposing within registers and between two, against numpy."""

from collections.abc import Callable

import numpy as np
import pytest

from dojo_tools.engines.reference import ReferenceThread

Prepare = Callable[..., ReferenceThread]
DTYPES = {"i8": np.uint8, "i16": np.uint16, "i32": np.uint32, "i64": np.uint64}
SQUARES = [(4, "i32"), (4, "i64"), (8, "i8"), (8, "i16"), (8, "i32"), (16, "i8"), (16, "i16")]


def random_bytes(seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(64)


def result(thread: ReferenceThread, register: str) -> bytes:
    assert thread.run(1).fault is None
    found = thread.read_register(register)
    assert isinstance(found, bytes)
    return found


@pytest.mark.parametrize("size, element", [*SQUARES, (32, "i8")])
def test_the_row_changes_places_with_the_low_bits_of_the_column(
    prepare: Prepare, size: int, element: str
) -> None:
    values = random_bytes(size)
    lanes = np.frombuffer(values, DTYPES[element])
    rows = len(lanes) // size
    wanted = lanes.reshape(rows, size // rows, rows).transpose(2, 1, 0)
    mnemonic = f"vtranspose.{size}x{size}.{element}"
    thread = prepare(mnemonic, {"vd": 1, "va": 2}, {"v2": values})
    assert result(thread, "v1") == wanted.tobytes()


@pytest.mark.parametrize("rows, columns", [(8, 4), (4, 8)])
@pytest.mark.parametrize("element", ["i8", "i16"])
def test_operands_of_the_matrix_unit(
    prepare: Prepare, rows: int, columns: int, element: str
) -> None:
    values = random_bytes(rows)
    matrices = np.frombuffer(values, DTYPES[element]).reshape(-1, rows, columns)
    thread = prepare(f"vtranspose.{rows}x{columns}.{element}", {"vd": 1, "va": 1}, {"v1": values})
    assert result(thread, "v1") == matrices.transpose(0, 2, 1).tobytes()


@pytest.mark.parametrize("width", [8, 16, 32, 64, 128, 256])
def test_exchange(prepare: Prepare, width: int) -> None:
    values = np.frombuffer(random_bytes(1) + random_bytes(2), np.uint8).copy()
    blocks = values.reshape(2, -1, 2, width // 8)
    wanted = blocks.copy()
    wanted[0, :, 1], wanted[1, :, 0] = blocks[1, :, 0], blocks[0, :, 1]
    registers = {"v1": values[:64].tobytes(), "v2": values[64:].tobytes()}
    thread = prepare(f"vexchange.b{width}", {"vd": 1, "va": 2}, registers)
    found = result(thread, "v1"), thread.read_register("v2")
    assert found == (wanted[0].tobytes(), wanted[1].tobytes())
    assert thread.pc == 0x1004


def test_an_exchange_of_one_register_leaves_the_second_result(prepare: Prepare) -> None:
    registers = {"v1": np.arange(16, dtype=np.uint32).tobytes()}
    thread = prepare("vexchange.b32", {"vd": 1, "va": 1}, registers)
    wanted = [1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15]
    assert np.frombuffer(result(thread, "v1"), np.uint32).tolist() == wanted
