"""`.npy` and CSV: what is read, what is refused, and that a header alone takes no memory."""

import io
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.diagnostics import InputError
from dojo_tools.runs.tensor_files import read_tensor_file, save_tensor_file


def read(path: Path, *shape: int) -> np.ndarray:
    return read_tensor_file(path, shape, f"`x` is f32 {shape}", None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.npy"


@pytest.mark.parametrize("is_fortran", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "u1", "<i8", "?", "<f2"])
def test_arrays_are_read_as_they_are(path: Path, dtype: str, is_fortran: bool) -> None:
    values = np.array([[0, 1, 2], [3, 4, 5]], np.dtype(dtype))
    np.save(path, np.asfortranarray(values) if is_fortran else values)
    np.testing.assert_array_equal(read(path, 2, 3), values)


def test_a_mismatch_names_both(path: Path) -> None:
    np.save(path, np.zeros((1797, 64), np.uint8))
    with pytest.raises(InputError, match=r"x.npy holds uint8 \(1797, 64\); `x` is f32 \(3, 2\)"):
        read(path, 3, 2)


def header(descr: str, shape: str) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "contents, message",
    [
        (b"", "not a .npy file"),
        (b"PK\x03\x04", "not a .npy file"),
        (b"\x93NUMPY\x01\x00\xff\xff", "not a .npy file"),
        (b"\x93NUMPY\x03\x00" + bytes(100), "version 3.0"),
        (header("'<f4'", "(2,)") + bytes(7), "cut off: 7 of 8 bytes"),
        (header("'|O'", "(2,)"), "holds object"),
        (header("[('a', '<f4')]", "(2,)"), "holds void32"),
        (header("'<U4'", "(2,)") + bytes(32), "holds str"),
        (header("'<f4'", "(2, 1000000000000)"), r"holds float32 \(2, 1000000000000\)"),
        (header("'<f4'", "(-2,)"), "impossible shape"),
        (header("__import__('os')", "(2,)"), "not a .npy file"),
    ],
)
def test_damaged_and_hostile_files(path: Path, contents: bytes, message: str) -> None:
    path.write_bytes(contents)
    with pytest.raises(InputError, match=message):
        read(path, 2)


def test_a_pickle_is_not_loaded(path: Path) -> None:
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="holds object"):
        read(path, 1)


@pytest.mark.parametrize(
    "text, shape, wanted",
    [
        ("1,2\n3,4\n", (2, 2), np.array([[1, 2], [3, 4]])),
        ("1, 2.5\r\n\r\n-3e2, nan", (2, 2), np.array([[1, 2.5], [-300, np.nan]])),
        ("1\n2\n3\n", (3,), np.array([1, 2, 3])),
        ("1,2,3", (3,), np.array([1, 2, 3])),
        ("7", (), np.array(7)),
        ("1,2\n3,4\n5,6\n7,8", (2, 2, 2), np.arange(1, 9).reshape(2, 2, 2)),
        ("18446744073709551615", (1,), np.array([(1 << 64) - 1], np.uint64)),
    ],
)
def test_csv(tmp_path: Path, text: str, shape: tuple[int, ...], wanted: np.ndarray) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8", newline="")
    found = read(path, *shape)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype


@pytest.mark.parametrize(
    "text, message",
    [
        ("1,2\n3,x\n", r"x.csv:2:3: error: `x` is not a number"),
        ("1,2\n3,\n", r"x.csv:2:3: error: `` is not a number"),
        ("a,b\n1,2\n", r"x.csv:1:1: error: `a` is not"),
        ("1,1_0\n3,4\n", r"x.csv:1:3: error: `1_0` is not"),
        ("1,2\n3\n", r"x.csv:2:1: error: 1 numbers in this row, 2 in the first"),
        ("1,2\n", r"x.csv holds 1 rows of 2 numbers; `x` is f32 \(2, 2\)"),
        ("1," * 1000, "x.csv has 2000 bytes, more than 4 numbers take"),
        ("\xff", "is not a number"),
    ],
)
def test_wrong_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read(Path("x.csv"), 2, 2)


@pytest.mark.parametrize("suffix", ["npy", "csv"])
@pytest.mark.parametrize("element", ["f32", "bf16", "u8"])
def test_saved_values_read_back(tmp_path: Path, suffix: str, element: str) -> None:
    values = np.array([[1, 2], [3, 255]], np.uint8 if element == "u8" else np.float32)
    if element != "u8":
        values[0, 0] = 0.15625
    path = tmp_path / f"x.{suffix}"
    save_tensor_file(path, values, element)
    np.testing.assert_array_equal(read(path, 2, 2).astype(values.dtype), values)


def test_saved_npy_is_an_ordinary_one(path: Path) -> None:
    save_tensor_file(path, np.array(3, np.int64), "i64")
    assert np.load(io.BytesIO(path.read_bytes())) == 3
